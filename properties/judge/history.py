"""A trace prepared for judging: its moments, and what had arrived and been asked for by each of them."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple, TypeAlias

from wsoracle.model.octets.units import Cutter, FrameUnit
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, PONG, is_control

from .arrivals import Arrivals
from .observation import (
    OPCODE_OF,
    Arrives,
    ArrivesEof,
    Asks,
    ClosesTcp,
    Crashes,
    Observation,
    Processed,
    Quiet,
    ResetsTcp,
    Tells,
    Trace,
    Writes,
)

__all__ = ["Asked", "History", "Message", "Moment", "torn_at"]


class Message(NamedTuple):
    """A whole message: the opcode of its first frame and its octets."""

    opcode: int
    payload: bytes


class Asked(NamedTuple):
    """What the application has asked for so far: how many whole messages, how many Pongs, and whether to close."""

    messages: int = 0
    pongs: int = 0
    close: bool = False


Output: TypeAlias = FrameUnit | ClosesTcp | ResetsTcp | Tells | Processed | Quiet | Crashes


class Moment(NamedTuple):
    """Something that the endpoint is seen to do: at which place of the trace, and what had come before.

    `arrived` counts octets; `eof`: the end of TCP had arrived too.
    """

    at: int
    what: Output
    arrived: int
    eof: bool
    asked: Asked


class History:
    """A trace, read once, as it grows. `frames` are those sent by the endpoint."""

    def __init__(self, trace: Trace = ()) -> None:
        self.trace: Final[list[Observation]] = []
        self.arrivals: Final = Arrivals()
        self._sent: Final = Cutter()
        self.frames: Final = self._sent.frames
        self.messages: Final[dict[int, Message]] = {}
        """The messages sent, by where their last frame begins."""
        self.moments: Final[list[Moment]] = []
        self.tells_of_failure = False
        self.has_reset = False
        self._asking: Final = _Asking()
        self._eof = False
        self._opcode = CONTINUATION
        self._parts: list[bytes] = []
        self._pongs: Final[Counter[bytes]] = Counter()
        self._close_codes: Final[set[int]] = set()
        self._told_failures: Final[set[int]] = set()
        self.torn: int | None = None
        """Where in the trace the endpoint closes TCP or falls silent inside a frame that it sends; None if nowhere.

        A frame may be cut where TCP is reset, or where its other end has gone."""
        self._unanswered: Final[dict[int, int]] = {}
        """For each Pong sent, by where it begins: how many with the same payload were sent before."""
        for seen in trace:
            self.add(seen)

    @property
    def written(self) -> int:
        """How many octets the endpoint wrote."""
        return len(self._sent.octets)

    @property
    def unread(self) -> int:
        """Where in what the endpoint wrote a frame begins that is not whole; at its end if none does."""
        return self._sent.rest

    def add(self, seen: Observation) -> list[Moment]:
        """One more observation: what the endpoint was seen to do in it, frame by frame."""
        at = len(self.trace)
        self.trace.append(seen)
        first = len(self.moments)
        match seen:
            case Arrives(octets):
                self.arrivals.add(octets)
            case ArrivesEof():
                self._eof = True
            case Asks():
                self._asking.add(seen)
            case Writes(octets):
                before = len(self.frames)
                self._sent.add(octets)
                for frame in self.frames[before:]:
                    self._take(frame)
                    self.moments.append(self._moment(at, frame))
            case _:
                if isinstance(seen, Tells) and seen.kind == "failed":
                    self.tells_of_failure = True
                    self._told_failures.update(() if seen.code is None else (seen.code,))
                self.has_reset |= isinstance(seen, ResetsTcp)
                if isinstance(seen, (ClosesTcp, Quiet)) and self.torn is None and self.unread < self.written:
                    self.torn = torn_at(self.trace)
                self.moments.append(self._moment(at, seen))
        return self.moments[first:]

    @property
    def has_eof(self) -> bool:
        """Whether the end of TCP has arrived."""
        return self._eof

    @property
    def asked(self) -> Asked:
        """What the application has asked for so far."""
        return self._asking.so_far

    def _moment(self, at: int, what: Output) -> Moment:
        return Moment(at, what, len(self.arrivals.octets), self._eof, self._asking.so_far)

    def _take(self, frame: FrameUnit) -> None:
        """A frame that the endpoint sends: whether it ends a message, and how often such a Pong was sent."""
        opcode = frame.header.opcode
        if opcode == CLOSE and len(frame.payload) > 1:
            self._close_codes.add(int.from_bytes(frame.payload[:2], "big"))
        if opcode == PONG:
            self._unanswered[frame.start] = self._pongs[frame.payload]
            self._pongs[frame.payload] += 1
        if is_control(opcode):
            return
        if opcode != CONTINUATION:
            self._opcode, self._parts = opcode, []
        self._parts.append(frame.payload)
        if frame.header.fin:
            self.messages[frame.start] = Message(self._opcode, b"".join(self._parts))
            self._parts = []

    def whole(self, moment: Moment) -> int:
        """How many frames had arrived whole by then."""
        return self.arrivals.complete(moment.arrived)

    @property
    def close_codes(self) -> tuple[int, ...]:
        """The status codes of the Close frames that the endpoint sent."""
        return tuple(sorted(self._close_codes))

    @property
    def told_failures(self) -> tuple[int, ...]:
        """The codes with which the application was told that the connection is failed."""
        return tuple(sorted(self._told_failures))

    def says(self, code: int) -> bool | None:
        """Whether the endpoint gave this code for closing, to its peer or its application; None where it gave none."""
        given = self._close_codes | self._told_failures
        return code in given if given else None

    def asks_next(self, moment: Moment, sent: int, message: Message) -> bool:
        """Whether the application had asked for this message after so many others."""
        return sent < moment.asked.messages and self._asking.messages[sent] == message

    def asked_for_pong(self, moment: Moment, payload: bytes) -> bool:
        """Whether the application had asked for a Pong with this payload."""
        before = self._asking.pongs.get(payload)
        return before is not None and before < moment.asked.pongs

    def answers_arrived_ping(self, moment: Moment, frame: FrameUnit) -> bool:
        """Whether more Pings with this payload had arrived than Pongs with it were sent before."""
        return self.arrivals.pings(frame.payload, moment.arrived) > self._unanswered[frame.start]


def torn_at(trace: Trace) -> int | None:
    """Where a trace ends, whose last octets written are not whole, unless that TCP ended may have cost the rest."""
    last = max(at for at, seen in enumerate(trace) if isinstance(seen, Writes))
    for at, seen in enumerate(trace[last + 1 :], last + 1):
        if isinstance(seen, (ClosesTcp, Quiet)):
            return at
        if isinstance(seen, (ResetsTcp, ArrivesEof)):
            return None
    return None


class _Asking:
    """Gathers what the application asks for."""

    def __init__(self) -> None:
        self.so_far = Asked()
        self.messages: Final[list[Message]] = []
        self.pongs: Final[dict[bytes, int]] = {}
        """How many Pongs had been asked for before the first with this payload."""
        self._opcode = 0
        self._parts: list[bytes] = []

    def add(self, asks: Asks) -> None:
        """One more request."""
        before = self.so_far
        if asks.what in OPCODE_OF:
            opcode = OPCODE_OF[asks.what]
            if opcode != CONTINUATION:
                self._opcode, self._parts = opcode, []
            self._parts.append(asks.payload)
            if asks.fin:
                self.messages.append(Message(self._opcode, b"".join(self._parts)))
                self.so_far = before._replace(messages=before.messages + 1)
        elif asks.what == "pong":
            self.pongs.setdefault(asks.payload, before.pongs)
            self.so_far = before._replace(pongs=before.pongs + 1)
        elif asks.what == "close":
            self.so_far = before._replace(close=True)
