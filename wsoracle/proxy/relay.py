"""One connection that passes through: two ends of TCP, and a log of each in the order in which the proxy saw it.

Octets are logged for their sender when they come, and for the other end just before they are written to it, so that
nothing in a log can be an answer to octets that stand behind it. How TCP ends is passed on too: a FIN as a FIN, the
other direction stays open; a reset as a reset.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Final, cast

from wsoracle.model.octets.vocabulary import Role

from ..harness.transcript import EntryKind, LogEntry

_MOST_WAITING: Final = 256 * 1024
"""Octets that wait to be written to an end before no more are read from the other one."""

_RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing the socket resets TCP."""

OnEntry = Callable[[Role, LogEntry], None]
"""Told of an event in the log of the endpoint with this role: octets *received* are those that it wrote."""


def reset(transport: asyncio.Transport) -> None:
    """Reset TCP."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
    transport.abort()


class Relay:
    """Both ends of a connection. ``quiet`` is how many seconds nothing has to happen until that is logged as silence;
    each silence is logged once.

    `ends` are the protocols of both ends by the role of the endpoint, `log` is told of what happens, if it is there,
    and `over` is done when TCP is gone at both ends.
    """

    def __init__(self, quiet: float) -> None:
        self._loop: Final = asyncio.get_running_loop()
        self.began: Final = self._loop.time()
        self.ends: Final[Mapping[Role, RelayEnd]] = {role: RelayEnd(role, self) for role in (Role.CLIENT, Role.SERVER)}
        self.over: Final[asyncio.Future[None]] = self._loop.create_future()
        self.log: OnEntry | None = None
        self._quiet: Final = quiet
        self._active = self.began
        self._silent = False
        self._timer: asyncio.TimerHandle | None = None

    def entry(self, role: Role, kind: EntryKind, octets: bytes = b"", words: str = "") -> None:
        """Something happened at an end."""
        if self.log is not None:
            self.log(role, LogEntry(self._loop.time() - self.began, kind, octets, words))

    def begin(self) -> None:
        """Both ends are there. Nothing is read before, so that nobody can be called silent."""
        self.active()
        self._timer = self._loop.call_later(self._quiet, self._look)

    def active(self) -> None:
        """Something moves: a silence is over."""
        self._active = self._loop.time()
        self._silent = False

    def abort(self) -> None:
        """Drop TCP with both ends; nothing is logged."""
        for end in self.ends.values():
            end.drop()
        self.check_over()

    def check_over(self) -> None:
        """One end of TCP is gone: perhaps both are."""
        if not self.over.done() and all(end.is_gone for end in self.ends.values()):
            self.over.set_result(None)
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _look(self) -> None:
        """Whether nothing has happened for long enough, and nothing waits to be taken in by an end."""
        left = self._active + self._quiet - self._loop.time()
        if left <= 0 and not self._silent and not any(end.waiting for end in self.ends.values()):
            self._silent = True
            for role in self.ends:
                self.entry(role, "silence", words=f"{self._quiet:.3g} s of silence")
        self._timer = self._loop.call_later(left if left > 0 else self._quiet, self._look)


class RelayEnd(asyncio.Protocol):
    """The TCP connection with one endpoint. ``role`` is that of the endpoint."""

    def __init__(self, role: Role, relay: Relay) -> None:
        self.role: Final = role
        self.is_gone = False
        self._relay: Final = relay
        self._transport: asyncio.Transport | None = None
        self._has_ended = False
        """Whether the endpoint has ended its direction of TCP."""

    @property
    def peer(self) -> RelayEnd:
        """The other end."""
        return self._relay.ends[self.role.peer]

    @property
    def waiting(self) -> int:
        """Octets that wait to be taken in by the endpoint."""
        return 0 if self._transport is None or self.is_gone else self._transport.get_write_buffer_size()

    # --- what asyncio calls -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP is there. Nothing is read from the client before the server was reached."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_MOST_WAITING)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.role is Role.CLIENT:
            self._transport.pause_reading()
        else:
            self.peer._read(True)
            self._relay.begin()

    def data_received(self, data: bytes) -> None:
        """The endpoint wrote octets: they go to the other one."""
        self._relay.active()
        self._relay.entry(self.role, "received", data)
        self.peer._take(data)

    def eof_received(self) -> bool:
        """The endpoint ended its direction of TCP: so does this proxy towards the other one."""
        self._relay.active()
        self._end("closed by peer")
        self.peer._take_end()
        if self.peer._has_ended:
            self._close()
            self.peer._close()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """TCP with the endpoint is gone: reset by it, or closed in both directions."""
        self.is_gone = True
        if exc is not None:
            self._end("reset by peer")
            self.peer._take_reset()
        self.peer._read(True)  # what it still sends is dropped, and seen
        self._relay.check_over()

    def pause_writing(self) -> None:
        """The endpoint takes in less than the other one sends: that one has to wait."""
        self.peer._read(False)

    def resume_writing(self) -> None:
        """The endpoint has taken in most of it."""
        self.peer._read(True)
        self._relay.active()

    # --- what the other end asks for ----------------------------------------------------------------------------------

    def drop(self) -> None:
        """Reset TCP, without a word in the log."""
        transport = self._transport
        if transport is None:
            self.is_gone = True
        elif not self.is_gone:
            reset(transport)

    def _take(self, octets: bytes) -> None:
        if self._transport is not None and not self.is_gone and not self._transport.is_closing():
            self._relay.entry(self.role, "sent", octets)
            self._transport.write(octets)

    def _take_end(self) -> None:
        if self._transport is None or self.is_gone or self._transport.is_closing():
            return
        self._relay.entry(self.role, "ended by us")
        try:
            self._transport.write_eof()
        except OSError:
            self._transport.abort()  # it is gone; asyncio is about to tell how

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()  # what waits to be written is written first

    def _take_reset(self) -> None:
        if not self.is_gone:
            self._relay.entry(self.role, "reset by us")
            self.drop()

    def _read(self, more: bool) -> None:
        transport = self._transport
        if transport is None or self.is_gone or transport.is_closing():
            return
        if more:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def _end(self, kind: EntryKind) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._relay.entry(self.role, kind)
