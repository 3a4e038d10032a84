"""A listener for TLS that looks at a client's first octets before TLS does, and at the name that it asks for.

Theory of operation. A connection is accepted, and its first octets are looked at and left where they are: a
ClientHello, and perhaps what came with it. Of the first few connections the listener looks for a moment longer, so that
a client which does not wait for the answer shows it. Then asyncio does what it always does.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

from wsoracle.properties.traces.tls_records import is_hello_whole, plain_request

from .connection import Connection

_LOOKED_AT: Final = 8
"""Connections that are given :data:`_MOMENT` to show that they do not wait."""

_MOMENT: Final = 0.05
_MOST: Final = 65_536
_SHORTEST_PAUSE: Final = 0.001
_LONGEST_PAUSE: Final = 0.02
_BACKLOG: Final = 100

ServerNames = WeakKeyDictionary[ssl.SSLObject, str]
"""The name that the client of a TLS connection asks for; one that asks for none is not there."""

OnAccept = Callable[[ServerNames, bytes], Connection]
"""Makes the protocol of a connection, from the names and the octets of a request that came outside TLS."""


class TlsListener:
    """Listens for TLS as an :class:`asyncio.Server` does. Raises OSError where it cannot.

    ``within`` are the seconds in which a TLS handshake must be complete, ``goodbye`` those for its end; no more than
    ``most`` handshakes are in progress at a time. ``outside`` is told of the octets of a request that came before the
    handshake was complete, and whether a ClientHello came before them.
    """

    def __init__(
        self,
        host: str,
        port: int,
        context: ssl.SSLContext,
        accept: OnAccept,
        outside: Callable[[bytes, bool], None],
        *,
        within: float,
        goodbye: float,
        most: int,
    ) -> None:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        self._socket: Final = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        self._socket.setblocking(False)
        self._names: Final[ServerNames] = WeakKeyDictionary()
        self._context: Final = context
        self._accept: Final = accept
        self._outside: Final = outside
        self._within: Final = within
        self._goodbye: Final = goodbye
        self._most: Final = most
        self._looked_at = 0
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        context.sni_callback = self._named
        self._loop: Final = asyncio.get_running_loop()
        self._accepting: Final = self._loop.create_task(self._run())

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The sockets that it listens on."""
        return (self._socket,)

    def close(self) -> None:
        """Listen no more."""
        self._accepting.cancel()
        for task in self._tasks:
            task.cancel()
        self._socket.close()

    async def wait_closed(self) -> None:
        """Wait until nothing of it runs any more."""
        await asyncio.gather(self._accepting, *self._tasks, return_exceptions=True)

    def _named(self, tls: ssl.SSLObject | ssl.SSLSocket, name: str | None, context: ssl.SSLContext) -> None:
        if name is not None and isinstance(tls, ssl.SSLObject):
            self._names[tls] = name

    async def _run(self) -> None:
        while True:
            try:
                accepted, _ = await self._loop.sock_accept(self._socket)
            except OSError:  # too many open files, or a connection that is gone already
                await asyncio.sleep(_LONGEST_PAUSE)
                continue
            if len(self._tasks) >= self._most:
                accepted.close()
                continue
            task = self._loop.create_task(self._begin(accepted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _begin(self, accepted: socket.socket) -> None:
        try:
            async with asyncio.timeout(self._within):
                octets = await self._first(accepted)
        except (OSError, asyncio.CancelledError) as error:
            accepted.close()
            if isinstance(error, asyncio.CancelledError):
                raise
            return
        beside = plain_request(octets)
        if beside:
            self._outside(beside, len(beside) < len(octets))
        # The connection is closed by asyncio where the handshake fails.
        with contextlib.suppress(OSError):
            await self._loop.connect_accepted_socket(
                lambda: self._accept(self._names, beside),
                accepted,
                ssl=self._context,
                ssl_handshake_timeout=self._within,
                ssl_shutdown_timeout=self._goodbye,
            )

    async def _first(self, accepted: socket.socket) -> bytes:
        """The octets up to the end of the first record, and those that came with it; they are still to be read."""
        pause = _SHORTEST_PAUSE
        while True:
            octets = _peek(accepted)
            if octets is not None and (not octets or is_hello_whole(octets)):
                break
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        if octets and self._looked_at < _LOOKED_AT:
            self._looked_at += 1
            await asyncio.sleep(_MOMENT)
        return _peek(accepted) or b""


def _peek(accepted: socket.socket) -> bytes | None:
    """The octets that can be read, which stay where they are; None where there are none yet. Raises OSError."""
    try:
        return accepted.recv(_MOST, socket.MSG_PEEK)
    except BlockingIOError:
        return None
