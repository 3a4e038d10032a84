"""A driver gives a stimulus to an endpoint in process, and writes down the trace.

The endpoint is anything that looks like :class:`Sut`: octets go in; octets and what it tells its application come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from ..judge.observation import (
    OPCODE_OF,
    Arrives,
    ArrivesEof,
    Asks,
    ClosesTcp,
    Crashes,
    Observation,
    Processed,
    Quiet,
    Tells,
    Told,
    Writes,
)


class TellsOf(Protocol):
    """Something that an endpoint told its application; `final` is False for a part of a message with more to come."""

    @property
    def kind(self) -> Told: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def final(self) -> bool: ...
    @property
    def code(self) -> int | None: ...
    @property
    def reason(self) -> str: ...


class Sut(Protocol):
    """One endpoint in process, open or not yet: a call returns when the endpoint has processed what the call gives."""

    def receive(self, octets: bytes, /) -> None:
        """Octets arrive."""

    def receive_eof(self) -> None:
        """The peer's end of the TCP stream arrives."""

    def octets_to_send(self) -> bytes:
        """The octets that it wrote since the last call."""

    @property
    def wants_tcp_close(self) -> bool:
        """Whether it has ended its side of the TCP stream."""

    def events(self) -> Sequence[TellsOf]:
        """The events that it told its application since the last call."""

    def send_fragment(self, opcode: int, payload: bytes, fin: bool) -> None:
        """The application sends a frame of a message."""

    def send_ping(self, payload: bytes = b"") -> None:
        """The application sends a Ping."""

    def send_pong(self, payload: bytes = b"") -> None:
        """The application sends a Pong."""

    def send_close(self, code: int | None = None, reason: str = "") -> None:
        """The application starts the closing handshake."""


class Driver:
    """Drives one endpoint and keeps the trace.

    `refuses` are exceptions by which the endpoint declines what its application asks for: then nothing was asked.
    `crashes` are those by which it breaks down: then the trace ends.
    """

    def __init__(
        self, sut: Sut, refuses: tuple[type[Exception], ...] = (), crashes: tuple[type[Exception], ...] = ()
    ) -> None:
        self.sut: Final = sut
        self.trace: Final[list[Observation]] = []
        self.crashed = False
        self._refuses: Final = refuses
        self._crashes: Final = crashes
        self._closed = False
        self._ended = False
        self._parts: list[bytes] = []
        first = sut.octets_to_send()  # the request of a client whose connection is not open yet
        if first:
            self.trace.append(Writes(first))

    def give(self, stimulus: Arrives | ArrivesEof | Asks) -> bool:
        """One thing is done to the endpoint. False where it is refused, or where it comes too late to be done."""
        if self.crashed or (self._ended and not isinstance(stimulus, Asks)):
            return False
        try:
            self.trace.append(stimulus)
            if isinstance(stimulus, Asks):
                self._ask(stimulus)
            elif isinstance(stimulus, Arrives):
                self.sut.receive(stimulus.octets)
            else:
                self._ended = True
                self.sut.receive_eof()
            self._look()
        except self._refuses:
            self.trace.pop()
            return False
        except self._crashes as error:
            self.crashed = True
            self.trace.append(Crashes(str(error)))
        return True

    def finish(self) -> tuple[Observation, ...]:
        """The whole trace; nothing more will be done to the endpoint."""
        if not self.crashed:
            self.trace.append(Quiet())
        return tuple(self.trace)

    def _ask(self, asks: Asks) -> None:
        if asks.what in OPCODE_OF:
            self.sut.send_fragment(OPCODE_OF[asks.what], asks.payload, asks.fin)
        elif asks.what == "ping":
            self.sut.send_ping(asks.payload)
        elif asks.what == "pong":
            self.sut.send_pong(asks.payload)
        else:
            self.sut.send_close(asks.code, asks.reason)

    def _look(self) -> None:
        """Observe the endpoint. Told events stand after written octets: their order is not known."""
        octets = self.sut.octets_to_send()
        if octets:
            self.trace.append(Writes(octets))
        if self.sut.wants_tcp_close and not self._closed:
            self._closed = True
            self.trace.append(ClosesTcp())
        self.trace.extend(self._told())
        self.trace.append(Processed())

    def _told(self) -> Iterable[Tells]:
        for event in self.sut.events():
            if event.kind not in ("text", "binary"):
                yield Tells(event.kind, event.payload, event.code, event.reason)
                continue
            self._parts.append(event.payload)
            if event.final:
                payload, self._parts = b"".join(self._parts), []
                yield Tells(event.kind, payload)


def drive(driver: Driver, stimulus: Iterable[Arrives | ArrivesEof | Asks]) -> tuple[Observation, ...]:
    """Give a stimulus to an endpoint, as far as it takes it; the trace."""
    for item in stimulus:
        driver.give(item)
    return driver.finish()
