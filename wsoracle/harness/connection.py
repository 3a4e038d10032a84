"""A connection to the endpoint under test: a bounded log of what crosses it, and waits for a condition or silence.

Theory of operation. Everything is logged in the order in which the tester sees it, which is all that a trace needs:
octets that the tester writes are logged before any others can come, so that nothing can be an answer to octets that
stand behind it in the log. A wait is for a condition; a timer decides silence and nothing else: it starts anew with
every octet that arrives, or that the endpoint takes in. Octets received are cut into units at once, to know what came.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Final, Literal, cast

from wsoracle.generators.cases.steps import writes
from wsoracle.model.octets.frames import Header
from wsoracle.model.octets.http import HeadParser, Malformed, ParsedHead, Response
from wsoracle.model.octets.units import Cutter
from wsoracle.model.octets.vocabulary import CLOSE, PING, PONG, Role, is_control

from .transcript import LogEntry

_MANY_OCTETS: Final = 64 * 1024

_KEY_OCTETS: Final = 4 * 2048
"""Octets of masking keys that are kept of one connection: enough to know every generator that is looked for."""


class Received:
    """The units that an endpoint has sent so far, counted: enough to know whether it has sent what is waited for.

    `head` is the head that came first. `messages` counts whole messages, `pongs` are the payloads of Pongs, `ping` is
    that of the latest Ping until it is taken, `close` is the payload of the first Close, `frames` counts whole frames
    by opcode. No octets make it raise. `keys` are the masking keys of whole frames, one behind the other: the first of
    them.
    """

    def __init__(self, sender: Role) -> None:
        self.head: ParsedHead | Malformed | None = None
        self.messages = 0
        self.frames: Final[Counter[int]] = Counter()
        self.pongs: Final[list[bytes]] = []
        self.ping: bytes | None = None
        self.close: bytes | None = None
        self.keys: Final = bytearray()
        self._sender: Final = sender
        self._reader: HeadParser | None = HeadParser(sender.peer)
        self._cutter = Cutter()
        self._passed: Header | None = None
        self._missing = 0
        self._waiting: list[bytes] = []

    @property
    def response(self) -> Response | None:
        """The head, where it is a response."""
        head = self.head.head if isinstance(self.head, ParsedHead) else None
        return head if isinstance(head, Response) else None

    @property
    def rest(self) -> bytes:
        """The octets behind the head, while no frames are expected."""
        return b"".join(self._waiting)

    @property
    def inside(self) -> bool:
        """Whether a frame has begun and is not complete."""
        return self._passed is not None or self._begun() is not None

    def begin_frames(self) -> None:
        """Expect no head any more."""
        self._reader = None
        self.take(b"")

    def begin_head(self) -> None:
        """Expect another head, after an interim answer."""
        self.head, self._reader = None, HeadParser(self._sender.peer)
        self.take(b"")

    def take(self, octets: bytes) -> None:
        """More octets were received."""
        if octets:
            self._waiting.append(octets)
        if self._reader is not None and self.head is None and self._waiting:
            self._reader.feed(self._taken())
            self.head = self._reader.result
            if isinstance(self.head, ParsedHead) and self.head.rest:
                self._waiting.append(self.head.rest)
        if self._reader is None and self._waiting:
            self._take_frames(self._taken())

    def _take_frames(self, octets: bytes) -> None:
        """Count the frames that are complete with these octets.

        Of a data frame that is not complete, its header is kept and how much of its payload is missing: it may be long.
        """
        if self._passed is not None:
            if len(octets) < self._missing:
                self._missing -= len(octets)
                return
            octets = octets[self._missing :]
            self._count(self._passed)
            self._passed = None
        before = len(self._cutter.frames)
        self._cutter.add(octets)
        for frame in self._cutter.frames[before:]:
            self._count(frame.header, frame.payload)
        begun, there = self._begun(), len(self._cutter.octets)
        if begun is not None and not is_control(begun.opcode):
            self._passed = begun
            self._missing = self._cutter.rest + begun.size + begun.length - there
            self._cutter = Cutter()
        elif _MANY_OCTETS < self._cutter.rest == there:
            self._cutter = Cutter()

    def _begun(self) -> Header | None:
        """The header of a frame that is not complete."""
        begun = self._cutter.begun(len(self._cutter.octets))
        return None if begun is None else begun.header

    def _taken(self) -> bytes:
        octets = self._waiting[0] if len(self._waiting) == 1 else b"".join(self._waiting)
        self._waiting.clear()
        return octets

    def _count(self, header: Header, payload: bytes = b"") -> None:
        opcode = header.opcode
        self.frames[opcode] += 1
        if header.key is not None and len(self.keys) < _KEY_OCTETS:
            self.keys.extend(header.key)
        if not is_control(opcode):
            self.messages += header.fin
        elif opcode == PONG:
            self.pongs.append(payload)
        elif opcode == PING:
            self.ping = payload
        elif opcode == CLOSE and self.close is None:
            self.close = payload


class Connection(asyncio.Protocol):
    """One TCP connection to an endpoint, with or without TLS.

    ``most`` octets are read at the most: when an endpoint sends more, `flooded` is set and the connection is aborted.
    The last read of the event loop comes on top. `began` is the time of the event loop when it was made,
    `peer_host` the address of the endpoint. `units` are those of the endpoint, as far as they were taken. ``log`` is an
    empty one that does more than to keep its entries.
    """

    def __init__(self, most: int, endpoint: Role, log: list[LogEntry] | None = None) -> None:
        self.units: Final = Received(endpoint)
        self.log: Final[list[LogEntry]] = [] if log is None else log
        self._unread: list[bytes] = []
        self.received: int = 0
        self.sent: int = 0
        self.flooded = False
        self.closed_by_peer = False
        self.reset_by_peer = False
        self.closed_by_us = False
        self._loop: Final = asyncio.get_running_loop()
        self.began: Final = self._loop.time()
        self._most = most
        self._active = self.began
        self._woken: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._gone: Final[asyncio.Future[None]] = self._loop.create_future()
        self.peer_host = ""

    # --- what asyncio calls -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.peer_host = str((transport.get_extra_info("peername") or ("",))[0])
        # Each write goes out by itself, and an empty buffer tells that the endpoint is not stuck.
        self._transport.set_write_buffer_limits(high=0)
        self.wake()

    def data_received(self, data: bytes) -> None:
        """Octets came."""
        self._active = self._loop.time()
        self.log.append(LogEntry(self._active - self.began, "received", data))
        self.received += len(data)
        self._unread.append(data)
        if self.received > self._most:
            self.flooded = True
            self.abort()
        self.wake()

    def eof_received(self) -> bool:
        """The endpoint has ended its half of TCP."""
        self._ended("closed by peer")
        return not self.is_tls  # TLS has no halves

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
        self.wake()

    def pause_writing(self) -> None:
        """The endpoint does not take in the octets at once."""

    def resume_writing(self) -> None:
        """The endpoint has taken in everything."""
        self._active = self._loop.time()
        self.wake()

    # --- what the tester does -----------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self._loop.time() - self.began

    @property
    def ended(self) -> bool:
        """Whether nothing more will come from the endpoint."""
        return self.closed_by_peer or self.reset_by_peer or self.flooded or self._gone.done()

    @property
    def is_gone(self) -> bool:
        """Whether TCP is gone, or another connection has it."""
        return self._gone.done()

    @property
    def begins_request(self) -> bool:
        """Whether the octets that have come since the last time begin a request of HTTP."""
        return bool(self._unread) and self._unread[0].startswith(b"GET /")

    def hand_over(self, other: Connection) -> None:
        """Let another connection have TCP, and the octets that have come since the last time: they are no part of this
        one's log."""
        transport, self._transport = self._transport, None
        assert transport is not None
        del self.log[len(self.log) - len(self._unread) :]
        self.log.append(LogEntry(self.now, "note", words="the next request comes on the same TCP connection"))
        self._gone.set_result(None)
        transport.set_protocol(other)
        other.connection_made(transport)
        other.data_received(self.read())

    @property
    def can_write(self) -> bool:
        """Whether octets can still be sent."""
        transport = self._transport
        return not (self.closed_by_us or self.reset_by_peer or transport is None or transport.is_closing())

    @property
    def untaken(self) -> int:
        """Octets that were written and not sent yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def read(self) -> bytes:
        """The octets that have come since the last time."""
        chunks, self._unread = self._unread, []
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def take(self) -> None:
        """Cut the octets that have come into `units`."""
        self.units.take(self.read())

    def silence(self, seconds: float) -> None:
        """Log a silence of this length."""
        self.log.append(LogEntry(self.now, "silence", words=f"{seconds:.3g} s of silence"))

    def allow(self, most: int) -> None:
        """Allow ``most`` octets from now on before the endpoint is taken to flood the tester."""
        self._most = self.received + most

    def write(self, octets: bytes, chop: int | None = None) -> None:
        """Write octets, in pieces of at most ``chop``; only those that the connection still takes are logged."""
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
        """End our half of TCP, or close TCP under TLS, which has no halves."""
        if self.can_write and self._transport is not None:
            self.log.append(LogEntry(self.now, "ended by us"))
            if self._transport.can_write_eof():
                self.closed_by_us = True
                try:
                    self._transport.write_eof()
                except OSError:
                    # The connection is gone; asyncio is about to tell how.
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
        """Drop TCP with all that waits to be written."""
        if self._transport is not None and not self._gone.done():
            if not self.closed_by_peer and not self.closed_by_us:
                self.log.append(LogEntry(self.now, "closed by us"))
            self.closed_by_us = True
            self._transport.abort()

    async def gone(self) -> None:
        """Wait until the connection is gone; after an abort the event loop sees to that soon."""
        if self._transport is not None:
            await asyncio.shield(self._gone)

    async def wait(self, done: Callable[[], bool], silence: float) -> bool:
        """Wait until ``done()``, the end of the connection, or ``silence`` seconds of silence; whether it is done.

        Octets that arrive, and octets that the endpoint takes in at last, break the silence.
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
        """Look again at this time at the latest. One timer serves many waits: it may ring early, never late."""
        if self._timer is not None:
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self.wake()

    @property
    def is_tls(self) -> bool:
        """Whether it is over TLS."""
        return self._transport is not None and self._transport.get_extra_info("sslcontext") is not None

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The TLS connection, if it is one."""
        return None if self._transport is None else self._transport.get_extra_info("ssl_object")

    def _ended(self, kind: Literal["closed by peer", "reset by peer"]) -> None:
        if self.closed_by_peer or self.reset_by_peer:
            return
        self.log.append(LogEntry(self.now, kind))
        if kind == "closed by peer":
            self.closed_by_peer = True
        else:
            self.reset_by_peer = True
        self.wake()

    def wake(self) -> None:
        """Let the tasks that wait on the connection look at their conditions."""
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)
