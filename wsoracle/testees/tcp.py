"""The model's endpoint on a TCP connection: octets in, events out, for as long as the connection lasts."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.events import EndpointEvent
from wsoracle.model.endpoint.handshake_client import ClientOpening
from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.octets.accept_key import NONCE_OCTETS
from wsoracle.model.octets.uri import parse_uri
from wsoracle.model.octets.vocabulary import KEY_OCTETS, Role

CHUNK: Final = 1 << 16
"""Octets that are read at a time."""

OPENING: Final = 10.0
"""Seconds in which a connection must be open."""

GOODBYE: Final = 2.0
"""Seconds in which the other side must end TCP, when this one has."""


class Held:
    """A connection and the endpoint that holds it."""

    def __init__(self, endpoint: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.endpoint: Final = endpoint
        self._reader: Final = reader
        self._writer: Final = writer

    async def flush(self) -> None:
        """Write what the endpoint has to send, as fast as the other side takes it in."""
        self._writer.write(self.endpoint.octets_to_send())
        await self._writer.drain()

    async def events(self) -> AsyncIterator[EndpointEvent]:
        """What happens, until TCP has ended. A lost connection is the end of it."""
        try:
            await self.flush()
            while self.endpoint.state.tcp_open:
                octets = await self._reader.read(CHUNK)
                found = self.endpoint.receive(octets) if octets else self.endpoint.receive_eof()
                for event in found:
                    yield event
                await self.flush()
                if self.endpoint.wants_tcp_close or not octets:
                    for event in self.endpoint.close_tcp(anyway=True):
                        yield event
        except ConnectionError:
            return

    async def until_over(self) -> None:
        """Let the endpoint alone, until TCP has ended."""
        async for _ in self.events():
            pass

    async def end(self) -> None:
        """End this half of TCP, and wait a while for the other, so that nothing under way is lost."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(GOODBYE):
                if self._writer.can_write_eof():  # over TLS there is no half of it to end
                    self._writer.write_eof()
                    while await self._reader.read(CHUNK):
                        pass
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


@asynccontextmanager
async def connected(url: str, *, echo: bool = False) -> AsyncIterator[Held]:
    """A connection to a server, which the endpoint opens; it may be an echo. Any certificate will do.

    Raises OSError, and ValueError for text that is no URL.
    """
    uri = parse_uri(url)
    context = None
    if uri.secure:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    opening = ClientOpening(url, nonce=lambda: secrets.token_bytes(NONCE_OCTETS))
    endpoint = Endpoint(Role.CLIENT, echo=echo, opening=opening, mask_key=lambda: secrets.token_bytes(KEY_OCTETS))
    async with asyncio.timeout(OPENING):
        reader, writer = await asyncio.open_connection(uri.host.strip("[]"), uri.port, ssl=context)
    held = Held(endpoint, reader, writer)
    try:
        yield held
    finally:
        await held.end()


@asynccontextmanager
async def echo_server(host: str, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[str, int]]:
    """An echo server for as long as the block lasts: its address. Raises OSError where it cannot listen."""
    talks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held = Held(Endpoint(Role.SERVER, echo=True, opening=ServerOpening()), reader, writer)
        await held.until_over()  # the endpoint echoes by itself
        await held.end()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve(reader, writer))
        talks.add(task)
        task.add_done_callback(talks.discard)

    server = await asyncio.start_server(accept, host, port, ssl=tls)
    try:
        address = server.sockets[0].getsockname()
        yield address[0], address[1]
    finally:
        server.close()
        left = list(talks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
