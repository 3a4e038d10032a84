"""Many connections to a server at the same time, opened in batches: how many it takes, and how soon."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from wsoracle.model.endpoint.endpoint import Refused
from wsoracle.model.endpoint.events import Opened

from ..harness.shortage import is_own
from ..text.output import why_not
from .tcp import Held, connected

GIVEN_UP: Final = 10.0
"""Seconds in which a connection must be open, with all attempts at it; after them it is given up."""

GOODBYE: Final = 5.0
"""Seconds in which the connections must end, once all have been open."""


@dataclass(frozen=True)
class Batches:
    """How many connections are opened, and how many at a time; seconds between two batches, and between an attempt that
    failed and the next one."""

    connections: int
    size: int
    pause: float
    retry: float


@dataclass
class Taken:
    """What came of it: connections that are open, those that were given up, attempts that failed, connections that the
    server ended while others were being opened; seconds until the last one was open or given up; what this machine was
    short of, which is no failure of the server."""

    open: int = 0
    given_up: int = 0
    failed: int = 0
    lost: int = 0
    seconds: float = 0.0
    short: str = ""


async def connect_many(url: str, batches: Batches) -> Taken:
    """Open the connections, hold all of them until the last one is open or given up, and close them."""
    taken, begun = Taken(), time.monotonic()
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def count() -> None:
        if taken.open + taken.given_up == batches.connections:
            taken.seconds = time.monotonic() - begun
            done.set_result(None)

    async with asyncio.TaskGroup() as group:
        for number in range(batches.connections):
            if number and number % batches.size == 0:
                await asyncio.sleep(batches.pause)
            group.create_task(_one(url, batches.retry, taken, done, count))
    return taken


async def _one(url: str, retry: float, taken: Taken, done: asyncio.Future[None], count: Callable[[], None]) -> None:
    """One connection, with as many attempts as there is time for."""
    until, opened = time.monotonic() + GIVEN_UP, False
    while time.monotonic() < until:
        try:
            async with connected(url) as held:
                opened = await _opens(held, until - time.monotonic())
                if opened:
                    taken.open += 1
                    count()
                    await _hold(held, done)
        except OSError as error:  # a timeout is one
            taken.short = why_not(error) if is_own(error) else taken.short
        if opened:
            taken.lost += not done.done()
            return
        taken.failed += 1
        await asyncio.sleep(retry)
    taken.given_up += 1
    count()


async def _opens(held: Held, seconds: float) -> bool:
    async with asyncio.timeout(seconds):
        async for event in held.events():
            if isinstance(event, Opened):
                return True
    return False


async def _hold(held: Held, done: asyncio.Future[None]) -> None:
    """Hold a connection until all are there, and close it; until it is lost, where it is."""
    reading = asyncio.create_task(held.until_over())
    try:
        await asyncio.wait((reading, done), return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            with contextlib.suppress(Refused):  # the server is closing it
                held.endpoint.close(1000)
            await held.flush()
            await asyncio.wait((reading,), timeout=GOODBYE)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
