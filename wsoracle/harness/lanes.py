"""How many connections a run holds at a time: no more than the server has shown to serve, and a few to find out.

Theory of operation. A server that serves few connections at a time leaves the others waiting, and a tester that opens
many finds silence where there is none. So a run begins with two connections, and doubles their number whenever all of
them have been answered at the same time. Where that does not happen for long, or a connection is refused beside others,
the server gets as many as it has answered.
"""

from __future__ import annotations

import asyncio
from typing import Final

_BEGIN: Final = 2
_TRIES: Final = 8
"""Conversations for each connection, after which a server that never answered all at once is given fewer."""


class Lanes:
    """Seats for connections; ``most`` at a time. `limit` is how many there are now."""

    def __init__(self, most: int) -> None:
        self.limit = min(_BEGIN, most)
        self.most = most
        self._taken = 0
        self._answered = 0
        self._best = 0
        self._in_vain = 0
        self._freed: Final = asyncio.Event()

    async def take(self) -> None:
        """Wait for a seat, and take it."""
        while self._taken >= self.limit:
            self._freed.clear()
            await self._freed.wait()
        self._taken += 1

    def answered(self) -> None:
        """The connection of a seat has had its first octets from the server."""
        self._answered += 1
        self._best = max(self._best, self._answered)
        if self._best >= self.limit < self.most:
            self.limit = min(self.most, 2 * self.limit)
            self._in_vain = 0
            self._freed.set()

    def give_back(self, was_answered: bool) -> None:
        """The connection of a seat has ended."""
        if self._taken >= self.limit > self._best:
            self._in_vain += 1
            if self._in_vain >= _TRIES * self.limit:
                self.fewer(self._best)
        self._taken -= 1
        self._answered -= was_answered
        self._freed.set()

    def fewer(self, most: int | None = None) -> None:
        """Hold no more than ``most`` from now on (None: those that are answered now), since one was refused."""
        self.most = max(1, self._answered if most is None else most)
        self.limit = min(self.limit, self.most)
