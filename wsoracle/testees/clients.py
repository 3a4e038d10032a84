"""Two clients: one that asks an echo server for an echo, and one that runs the cases of a fuzzing server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from wsoracle.model.endpoint.events import Closed, Failed, HandshakeRefused, MessageReceived, Opened
from wsoracle.model.octets.uri import parse_uri

from .tcp import connected

ASKED: Final[tuple[str | bytes, ...]] = ("hello", bytes(range(256)))
"""What the echo client sends: a text and octets."""

PATIENCE: Final = 10.0
"""Seconds in which the echoes must come."""

ONE_CASE: Final = 120.0
"""Seconds that one connection to a fuzzing server may last."""


class NoEcho(Exception):
    """The server does not echo; the message is one line that says what it does."""


async def ask_for_echo(url: str) -> None:
    """Send a text and octets, wait for both to come back, and close. Raises NoEcho; OSError without a connection."""
    left = list(ASKED)
    try:
        async with asyncio.timeout(PATIENCE), connected(url) as held:
            async for event in held.events():
                if isinstance(event, Opened):
                    held.endpoint.send_text("hello")
                    held.endpoint.send_binary(bytes(range(256)))
                elif isinstance(event, HandshakeRefused):
                    raise NoEcho(f"it refuses the opening handshake with {event.response.status}")
                elif isinstance(event, Failed):
                    raise NoEcho(f"it breaks {event.rules[0]}")
                elif isinstance(event, MessageReceived):
                    if event.data != left[0]:
                        raise NoEcho(f"it answers {event.data[:40]!r} where {left[0][:40]!r} was sent")
                    del left[0]
                    if not left:
                        held.endpoint.close(1000)
                elif isinstance(event, Closed) and left:
                    break
    except TimeoutError:
        raise NoEcho(f"{len(left)} of {len(ASKED)} messages did not come back in {PATIENCE:g} s") from None
    if left:
        raise NoEcho(f"it ends the connection before {len(left)} of {len(ASKED)} messages came back")


async def run_cases(url: str, agent: str, say: Callable[[str], None]) -> int:
    """Run all cases of a fuzzing server as an echo client, and have the reports written; how many there were.

    Raises NoEcho where it is no fuzzing server, and OSError where there is no connection.
    """
    uri = parse_uri(url)
    base = f"{'wss' if uri.secure else 'ws'}://{uri.host_header}"
    count = await _told(f"{base}/getCaseCount")
    if not count.isascii() or not count.isdigit():
        raise NoEcho(f"{base}/getCaseCount tells {count[:40]!r}, and no number of cases")
    name = quote(agent, safe="")
    for number in range(1, int(count) + 1):
        url = f"{base}/runCase?case={number}&agent={name}"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ONE_CASE), connected(url, echo=True) as held:
                await held.until_over()
        if number % 100 == 0:
            say(f"{number} of {count} cases")
    await _told(f"{base}/updateReports?agent={name}")
    return int(count)


async def _told(url: str) -> str:
    """The text message that a server sends on a path, until it closes; nothing where there is none."""
    said = ""
    async with asyncio.timeout(ONE_CASE), connected(url) as held:
        async for event in held.events():
            if isinstance(event, MessageReceived):
                said = str(event.data)
            elif isinstance(event, HandshakeRefused):
                raise NoEcho(f"{url} is refused with {event.response.status}: give the URL of a fuzzing server")
    return said
