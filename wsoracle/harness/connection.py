"""A connection to the endpoint under test: what crosses it and when, bounded, with waiting for what may come of it.

Theory of operation. Everything is written down in the order in which the tester sees it, which is all that a trace
needs: what the tester writes is noted before anything else can come, so that nothing can be an answer to what stands
behind it. Waiting is for a condition; a timer only ever decides that there is silence: it starts anew with every octet
that arrives or that the endpoint takes in.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final, Literal, cast

from wsoracle.generators.cases.steps import writes

from .transcript import LogEntry

__all__ = ["Link"]


class Link(asyncio.Protocol):
    """One TCP connection, with or without TLS.

    ``most`` octets are read at the most: of an endpoint that sends more, nothing is read any further, `flooded` is set
    and the connection is aborted. What it sends in a single read of the event loop comes on top.
    """

    def __init__(self, most: int) -> None:
        self.log: Final[list[LogEntry]] = []
        self._unread: list[bytes] = []
        self.received: int = 0
        self.sent: int = 0
        self.flooded = False
        self.closed_by_peer = False
        self.reset_by_peer = False
        self.closed_by_us = False
        self._loop: Final = asyncio.get_running_loop()
        self._began: Final = self._loop.time()
        self._most = most
        self._active = self._began
        self._woken: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._gone: Final[asyncio.Future[None]] = self._loop.create_future()

    # --- what asyncio calls -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Every write must go out by itself, and what it has taken in is how we know that the endpoint is not stuck.
        self._transport.set_write_buffer_limits(high=0)
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Octets came."""
        self._active = self._loop.time()
        self.log.append(LogEntry(self._active - self._began, "received", data))
        self.received += len(data)
        self._unread.append(data)
        if self.received > self._most:
            self.flooded = True
            self.abort()
        self._wake()

    def eof_received(self) -> bool:
        """The endpoint has ended its half of TCP."""
        self._ended("closed by peer")
        return not self._is_tls  # TLS has no halves

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone: reset by the endpoint, or closed by both."""
        if isinstance(exc, ConnectionResetError | BrokenPipeError):
            self._ended("reset by peer")
        elif exc is not None:
            self.log.append(LogEntry(self.now, "note", words=f"{type(exc).__name__}: {exc}"))
            self._ended("reset by peer")
        if not self._gone.done():
            self._gone.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake()

    def pause_writing(self) -> None:
        """The endpoint does not take in what is sent at once."""

    def resume_writing(self) -> None:
        """It has taken in everything."""
        self._active = self._loop.time()
        self._wake()

    # --- what the tester does -----------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self._loop.time() - self._began

    @property
    def ended(self) -> bool:
        """Whether nothing more will come from the endpoint."""
        return self.closed_by_peer or self.reset_by_peer or self.flooded or self._gone.done()

    @property
    def can_write(self) -> bool:
        """Whether it makes sense to write."""
        transport = self._transport
        return not (self.closed_by_us or self.reset_by_peer or transport is None or transport.is_closing())

    @property
    def untaken(self) -> int:
        """Octets that were written and are still here."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def read(self) -> bytes:
        """What has come since this was asked for the last time."""
        chunks, self._unread = self._unread, []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def silence(self, seconds: float) -> None:
        """Nothing came for so many seconds, and nothing more is waited for."""
        self.log.append(LogEntry(self.now, "silence", words=f"{seconds:.3g} s of silence"))

    def allow(self, most: int) -> None:
        """So many octets may come from now on before the endpoint is taken to flood us."""
        self._most = self.received + most

    def write(self, octets: bytes, chop: int | None = None) -> None:
        """Write octets, in pieces of at most ``chop``. What the connection cannot take any more is not written."""
        transport, at, sent = self._transport, self.now, 0
        if not octets or not self.can_write or transport is None:
            return
        for piece in writes(octets, chop):
            transport.write(piece)
            sent += len(piece)
            if transport.is_closing():
                break
        self.log.append(LogEntry(at, "sent", octets[:sent], chop=chop))
        self.sent += sent

    def end_sending(self) -> None:
        """Close our half of TCP; the whole of it where TLS has no halves."""
        if self.can_write and self._transport is not None:
            self.log.append(LogEntry(self.now, "ended by us"))
            if self._transport.can_write_eof():
                self.closed_by_us = True
                try:
                    self._transport.write_eof()
                except OSError:
                    # The connection is gone; how, is about to be told.
                    self.abort()
            else:
                self.close()

    def close(self) -> None:
        """Close TCP."""
        if self._transport is not None and not self._transport.is_closing():
            if not self.ended and not self.closed_by_us:
                self.log.append(LogEntry(self.now, "closed by us"))
            self.closed_by_us = True
            self._transport.close()

    def abort(self) -> None:
        """Drop TCP, whatever waits to be written."""
        if self._transport is not None and not self._gone.done():
            if not self.closed_by_peer and not self.closed_by_us:
                self.log.append(LogEntry(self.now, "closed by us"))
            self.closed_by_us = True
            self._transport.abort()

    async def gone(self) -> None:
        """Wait until the connection is gone altogether, which is a matter of the event loop after an abort."""
        if self._transport is not None:
            await asyncio.shield(self._gone)

    async def wait(self, done: Callable[[], bool], silence: float) -> bool:
        """Wait until ``done()`` or the end of the connection, or until there was silence for so many seconds.

        Whether it is done. Octets that arrive, and octets that the endpoint takes in at last, break the silence.
        """
        begun = self._loop.time()
        while not done():
            if self.ended:
                return False
            left = max(self._active, begun) + silence - self._loop.time()
            if left <= 0:
                return False
            self._woken = self._loop.create_future()
            self._look_by(self._loop.time() + left)
            try:
                await self._woken
            finally:
                self._woken = None
        return True

    # --- inside -------------------------------------------------------------------------------------------------------

    def _look_by(self, when: float) -> None:
        """Look again at this time at the latest. One timer is set for many waits: it may ring too early, never late."""
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._wake()

    @property
    def _is_tls(self) -> bool:
        return self._transport is not None and self._transport.get_extra_info("sslcontext") is not None

    def _ended(self, kind: Literal["closed by peer", "reset by peer"]) -> None:
        if self.closed_by_peer or self.reset_by_peer:
            return
        self.log.append(LogEntry(self.now, kind))
        if kind == "closed by peer":
            self.closed_by_peer = True
        else:
            self.reset_by_peer = True
        self._wake()

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)
