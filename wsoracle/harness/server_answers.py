"""Answers of the fuzzing server apart from cases: a reply on a WebSocket connection, or a response of HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from wsoracle.generators.cases.steps import Greeting, answer_to, request_to
from wsoracle.model.endpoint.endpoint import Endpoint, Refused
from wsoracle.model.endpoint.events import Opened
from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.http import Request, Response
from wsoracle.model.octets.uri import parse_uri
from wsoracle.model.octets.vocabulary import CLOSE, Frame, Role

from .connection import Connection

_CHUNK: Final = 64 * 1024
_LIMIT: Final = 4096
"""Octets that a message of the client may have, where none is expected."""

_LONGEST: Final = 3600.0
"""Seconds of silence on a connection that waits for an answer; what makes the answer has limits of its own."""


@dataclass(frozen=True)
class Page:
    """The answer to a request of HTTP."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200
    headers: Sequence[tuple[str, str]] = field(default=())


async def respond(connection: Connection, page: Page, *, head_only: bool, patience: float) -> None:
    """Write a response, as fast as the other side takes it in; then TCP is closed."""
    fields = (
        ("Server", "wsoracle"),
        ("Content-Type", page.content_type),
        ("Content-Length", str(len(page.body))),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Connection", "close"),
        *page.headers,
    )
    connection.write(Response("1.1", fields, page.status, HTTPStatus(page.status).phrase).octets())
    for chunk in () if head_only else _chunks(page.body):
        connection.log.clear()  # no trace is made of this connection
        connection.write(chunk)
        if not await connection.wait(lambda: not connection.untaken, patience):
            return
    await _end(connection, patience)


def _chunks(octets: bytes) -> Iterator[bytes]:
    return (octets[at : at + _CHUNK] for at in range(0, len(octets), _CHUNK))


def _endpoint(subprotocols: Sequence[str] = ()) -> Endpoint:
    return Endpoint(Role.SERVER, limit=_LIMIT, opening=ServerOpening(subprotocols=subprotocols))


def get_ready() -> None:
    """Make a reply for no client, so that the first one need not wait until rules have become functions."""
    endpoint = _endpoint()
    endpoint.receive(request_to(parse_uri("ws://127.0.0.1/"), Greeting(), bytes(16)).octets())
    endpoint.send_text("")
    endpoint.close(None)
    endpoint.octets_to_send()


async def reply(
    connection: Connection,
    request: bytes,
    answer: Awaitable[str | None],
    subprotocols: Sequence[str],
    patience: float,
    apart: float = 0.0,
) -> bool:
    """Open the connection, send a text message when it is there (None: no message), and then an empty Close.

    ``request`` are the octets of the opening handshake and those behind it. The message comes ``apart`` seconds behind
    the 101: some clients overlook what is behind it in what they read first. Whether the handshake was accepted.
    """
    endpoint = _endpoint(subprotocols)

    def take(octets: bytes) -> bool:
        events = endpoint.receive(octets)
        connection.write(endpoint.octets_to_send())
        return any(isinstance(event, Opened) for event in events)

    def is_over() -> bool:
        if octets := connection.read():
            take(octets)
        return endpoint.wants_tcp_close

    text = asyncio.ensure_future(answer)
    try:
        opened = take(request)
        if opened:
            watch = asyncio.ensure_future(connection.wait(is_over, _LONGEST))
            try:
                await asyncio.wait((text, watch), return_when=asyncio.FIRST_COMPLETED)
            finally:
                watch.cancel()  # and it must be gone before anything else waits on the connection
                await asyncio.gather(watch, return_exceptions=True)
            if text.done():
                await asyncio.sleep(apart)
                with contextlib.suppress(Refused):
                    said = text.result()
                    if said is not None:
                        endpoint.send_text(said)
                    endpoint.close(None)
                connection.write(endpoint.octets_to_send())
                await connection.wait(is_over, patience)
    finally:
        text.cancel()
    await _end(connection, patience)
    return opened


async def close_at_once(connection: Connection, request: Request, greeting: Greeting, patience: float) -> None:
    """Open the connection and close it."""
    connection.write(answer_to(request, greeting).octets() + encode(Frame(CLOSE, b"")))
    await _end(connection, patience)


async def _end(connection: Connection, patience: float) -> None:
    """End our half of TCP and wait for the other, so that no octets under way are lost."""
    connection.end_sending()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await connection.wait(lambda: False, patience)
