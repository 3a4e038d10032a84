"""Room for octets that clients may send at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final


class Room:
    """Room for a number of octets; tasks that need more than is left wait, in order."""

    def __init__(self, octets: int) -> None:
        self._all: Final = octets
        self._taken = 0
        self._turn: Final = asyncio.Lock()
        self._freed: Final = asyncio.Event()

    @asynccontextmanager
    async def of(self, octets: int) -> AsyncIterator[Callable[[int], None]]:
        """Hold room for these octets, or all room where they are more; the task may give some back early."""
        taken = min(octets, self._all)

        def keep(octets: int) -> None:
            nonlocal taken
            kept = min(octets, taken)
            self._taken -= taken - kept
            taken = kept
            self._freed.set()

        async with self._turn:
            while self._taken + taken > self._all:
                self._freed.clear()
                await self._freed.wait()
            self._taken += taken
        try:
            yield keep
        finally:
            keep(0)
