"""A sound server, which a row of the table changes in one thing, on a port of its own for as long as a run lasts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, cast

from tests.wsoracle.degenerate_servers import received
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.units import frames_in
from wsoracle.model.octets.vocabulary import CLOSE, Frame, Role

KEY: Final = b"\1\2\3\4"
_MOMENT: Final = 0.02

Pieces = Iterable[Frame]
Hears = Callable[[Frame], Frame | None]
"""What the endpoint makes of a frame: None where it overlooks it."""

Says = Callable[[Frame, Frame], Pieces]
"""What it sends in the place of a frame, behind one that it has heard."""


Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class _Kept(asyncio.StreamReaderProtocol):
    """A connection whose transport is kept, so that the end of the server is its end too."""

    def __init__(self, serve: Connected, transports: set[asyncio.WriteTransport]) -> None:
        super().__init__(asyncio.StreamReader(), serve)
        self._transports: Final = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transports.add(cast("asyncio.WriteTransport", transport))
        super().connection_made(transport)


class Cage:
    """A server on a port of its own. :meth:`die` ends it as the end of a process does; :meth:`restart` is for a run
    that starts it again."""

    def __init__(self, handler: Handler) -> None:
        self.port = 0
        self.open = 0
        self.served = 0
        self._transports: Final[set[asyncio.WriteTransport]] = set()
        self._dead = True
        self._handler: Final = handler
        self._server: asyncio.Server | None = None
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._loop: Final = asyncio.get_running_loop()

    async def start(self) -> None:
        """Listen, on the same port as before."""
        if self.port:
            await asyncio.sleep(3 * _MOMENT)
        self._dead = False
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Kept(self._serve, self._transports), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def die(self) -> None:
        """Listen no more, and drop every connection."""
        self._dead = True
        server, self._server = self._server, None
        if server is not None:
            # asyncio has no place for a connection that it has accepted when the server is closed.
            for listener in server.sockets:
                self._loop.remove_reader(listener.fileno())
            self._loop.call_later(_MOMENT, server.close)
        for transport in self._transports:
            transport.abort()
        self._transports.clear()
        for task in self._tasks:
            task.cancel()

    def restart(self) -> None:
        """Start again, from another thread."""
        self._loop.call_soon_threadsafe(self.die)
        asyncio.run_coroutine_threadsafe(self.start(), self._loop).result()

    async def stop(self) -> None:
        """The end."""
        self.die()
        await asyncio.sleep(3 * _MOMENT)  # connections that were accepted and have not begun
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._dead:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.open += 1
        self.served += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError,
                                     asyncio.CancelledError):  # fmt: skip
                await self._handler(reader, writer, self)
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Cage], Awaitable[None]]


@asynccontextmanager
async def kept(handler: Handler) -> AsyncIterator[Cage]:
    """A server for as long as the block lasts."""
    cage = Cage(handler)
    await cage.start()
    try:
        yield cage
    finally:
        await cage.stop()


def hears_all(frame: Frame) -> Frame | None:
    """All that it should."""
    return frame


def says_all(frame: Frame, heard: Frame) -> Pieces:
    """All that it should."""
    return (frame,)


async def nothing(*_: object) -> None:
    """Nothing before and nothing behind."""


def server(
    hears: Hears = hears_all,
    says: Says = says_all,
    *,
    head: Callable[[bytes], bytes] = lambda octets: octets,
    before: Handler = nothing,
    each: Callable[[Frame, Cage], Awaitable[None]] = nothing,
    greets: bytes = b"",
    stays: bool = False,
) -> Handler:
    """A sound server but for what is given: `before` it reads, before `each` frame, and where it `stays` after the end
    instead of closing TCP."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cage: Cage) -> None:
        await before(reader, writer, cage)
        endpoint = Endpoint(Role.SERVER, echo=True, limit=1 << 24, opening=ServerOpening())
        endpoint.receive(await reader.readuntil(b"\r\n\r\n"))
        writer.write(head(endpoint.octets_to_send()))
        if endpoint.state.handshake:
            return
        writer.write(greets)
        closed = False
        async for frame, octets in received(reader):
            await each(frame, cage)
            heard = hears(frame)
            if heard is None:
                continue
            endpoint.receive(octets if heard is frame else encode(replace(heard, key=KEY)))
            for answer in frames_in(endpoint.octets_to_send())[0]:
                found = answer.header
                said = Frame(found.opcode, answer.payload, found.fin)
                for piece in says(said, frame):
                    if not closed:
                        writer.write(encode(piece))
                    closed = closed or piece.opcode == CLOSE
            await writer.drain()
            if endpoint.wants_tcp_close:
                break
        if stays:
            await reader.read()

    return serve
