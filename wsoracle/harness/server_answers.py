"""How the fuzzing server answers what is no case: a reply on a WebSocket connection, or a response of HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from wsoracle.generators.cases.tester_handshake import Greeting, answer_to, request_to
from wsoracle.model.endpoint.endpoint import Endpoint, Refused
from wsoracle.model.endpoint.events import Opened
from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.http import Request, Response
from wsoracle.model.octets.uri import parse_uri
from wsoracle.model.octets.vocabulary import CLOSE, Frame, Role

from .connection import Link

__all__ = ["Page", "close_at_once", "get_ready", "reply", "respond"]

_CHUNK: Final = 64 * 1024
_LIMIT: Final = 4096
"""Octets of a message that a client may send where none is expected."""

_LONGEST: Final = 3600.0
"""Seconds of silence on a connection that waits for an answer; what makes the answer has limits of its own."""


@dataclass(frozen=True)
class Page:
    """What a request of HTTP is answered with."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200
    headers: Sequence[tuple[str, str]] = field(default=())


async def respond(link: Link, page: Page, *, head_only: bool, patience: float) -> None:
    """Write a response, as fast as the other side takes it in; then TCP is closed."""
    fields = (
        ("Server", "wsoracle"),
        ("Content-Type", page.content_type),
        ("Content-Length", str(len(page.body))),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
        ("Connection", "close"),
        *page.headers,
    )
    link.write(Response("1.1", fields, page.status, HTTPStatus(page.status).phrase).octets())
    for chunk in () if head_only else _chunks(page.body):
        link.log.clear()  # nobody asks what was on the wire here
        link.write(chunk)
        if not await link.wait(lambda: not link.untaken, patience):
            return
    await _end(link, patience)


def _chunks(octets: bytes) -> Iterator[bytes]:
    return (octets[at : at + _CHUNK] for at in range(0, len(octets), _CHUNK))


def _endpoint(subprotocols: Sequence[str] = ()) -> Endpoint:
    return Endpoint(Role.SERVER, limit=_LIMIT, opening=ServerOpening(subprotocols=subprotocols))


def get_ready() -> None:
    """Reply once to nobody, so that the first client need not wait until rules have become functions."""
    endpoint = _endpoint()
    endpoint.receive(request_to(parse_uri("ws://127.0.0.1/"), Greeting(), bytes(16)).octets())
    endpoint.send_text("")
    endpoint.close(None)
    endpoint.octets_to_send()


async def reply(
    link: Link, request: bytes, answer: Awaitable[str | None], subprotocols: Sequence[str], patience: float
) -> bool:
    """Open the connection, send a text message when it is there (None: none), and then an empty Close.

    ``request`` are the octets of the opening handshake and what came after it. Whether it was accepted.
    """
    endpoint = _endpoint(subprotocols)

    def take(octets: bytes) -> bool:
        events = endpoint.receive(octets)
        link.write(endpoint.octets_to_send())
        return any(isinstance(event, Opened) for event in events)

    def is_over() -> bool:
        if octets := link.read():
            take(octets)
        return endpoint.wants_tcp_close

    text = asyncio.ensure_future(answer)
    try:
        opened = take(request)
        if opened:
            watch = asyncio.ensure_future(link.wait(is_over, _LONGEST))
            try:
                await asyncio.wait((text, watch), return_when=asyncio.FIRST_COMPLETED)
            finally:
                watch.cancel()  # and it must be gone before anybody else waits on the link
                await asyncio.gather(watch, return_exceptions=True)
            if text.done():
                with contextlib.suppress(Refused):
                    said = text.result()
                    if said is not None:
                        endpoint.send_text(said)
                    endpoint.close(None)
                link.write(endpoint.octets_to_send())
                await link.wait(is_over, patience)
    finally:
        text.cancel()
    await _end(link, patience)
    return opened


async def close_at_once(link: Link, request: Request, greeting: Greeting, patience: float) -> None:
    """Open the connection and close it: there is nothing to be done on it."""
    link.write(answer_to(request, greeting).octets() + encode(Frame(CLOSE, b"")))
    await _end(link, patience)


async def _end(link: Link, patience: float) -> None:
    """Close our half of TCP, and wait for theirs, so that nothing that is under way is lost."""
    link.end_sending()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await link.wait(lambda: False, patience)
