"""A trace prepared for judging: its moments, and what had arrived and been asked for by each of them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

from wsoracle.model.vocabulary import CLOSE, CONTINUATION, PING, PONG, is_control

from .arrivals import Arrivals
from .observation import (
    OPCODE_OF,
    Arrives,
    ArrivesEof,
    Asks,
    ClosesTcp,
    Crashes,
    OnWire,
    Processed,
    Quiet,
    ResetsTcp,
    Tells,
    Trace,
    Writes,
    frames_in,
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


Output: TypeAlias = OnWire | ClosesTcp | ResetsTcp | Tells | Processed | Quiet | Crashes


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
    """A trace, read once."""

    def __init__(self, trace: Trace) -> None:
        self.trace: Final = tuple(trace)
        self.arrivals: Final = Arrivals(b"".join(o.octets for o in trace if isinstance(o, Arrives)))
        self.frames, self.unread = frames_in(b"".join(o.octets for o in trace if isinstance(o, Writes)))
        self.written: Final = sum(len(o.octets) for o in trace if isinstance(o, Writes))
        self.messages: Final = _messages(self.frames)
        self._asking: Final = _Asking()
        self.moments: Final = self._moments()
        self.tells_of_failure: Final = any(isinstance(o, Tells) and o.kind == "failed" for o in trace)
        self.has_reset: Final = any(isinstance(o, ResetsTcp) for o in trace)
        self._unanswered: Final = self._count_pongs()

    def whole(self, moment: Moment) -> int:
        """How many frames had arrived whole by then."""
        return self.arrivals.complete(moment.arrived)

    @property
    def torn(self) -> int | None:
        """Where in the trace the endpoint closes TCP or falls silent inside a frame that it sends; None if nowhere.

        A reset of TCP may cut a frame, so that it is nowhere then.
        """
        return None if self.unread == self.written else torn_at(self.trace)

    @property
    def close_codes(self) -> tuple[int, ...]:
        """The status codes of the Close frames that the endpoint sent."""
        bodies = [f.payload for f in self.frames if f.header.opcode == CLOSE]
        return tuple(sorted({int.from_bytes(body[:2], "big") for body in bodies if len(body) >= 2}))

    @property
    def told_failures(self) -> tuple[int, ...]:
        """The codes with which the application was told that the connection is failed."""
        told = (seen for seen in self.trace if isinstance(seen, Tells) and seen.kind == "failed")
        return tuple(sorted({tells.code for tells in told if tells.code is not None}))

    def asks_next(self, moment: Moment, sent: int, message: Message) -> bool:
        """Whether the application had asked for this message after so many others."""
        return sent < moment.asked.messages and self._asking.messages[sent] == message

    def asked_for_pong(self, moment: Moment, payload: bytes) -> bool:
        """Whether the application had asked for a Pong with this payload."""
        before = self._asking.pongs.get(payload)
        return before is not None and before < moment.asked.pongs

    def answers_arrived_ping(self, moment: Moment, frame: OnWire) -> bool:
        """Whether more Pings with this payload had arrived than Pongs with it were sent before."""
        ends = self._ping_ends.get(frame.payload, ())
        return bisect_right(ends, moment.arrived) > self._unanswered[frame.start]

    @cached_property
    def _ping_ends(self) -> dict[bytes, list[int]]:
        """Where the Pings that arrive end, by payload."""
        found: dict[bytes, list[int]] = {}
        for frame in self.arrivals.frames:
            if frame.header.opcode == PING:
                found.setdefault(frame.payload, []).append(frame.end)
        return found

    def _count_pongs(self) -> dict[int, int]:
        """For each Pong sent, by where it begins: how many with the same payload were sent before."""
        seen: Counter[bytes] = Counter()
        found = {}
        for frame in self.frames:
            if frame.header.opcode == PONG:
                found[frame.start] = seen[frame.payload]
                seen[frame.payload] += 1
        return found

    def _moments(self) -> tuple[Moment, ...]:
        moments: list[Moment] = []
        arrived = written = 0
        eof, asked = False, self._asking
        frames = iter(self.frames)
        frame = next(frames, None)
        for at, seen in enumerate(self.trace):
            match seen:
                case Arrives(octets):
                    arrived += len(octets)
                case ArrivesEof():
                    eof = True
                case Asks():
                    asked.add(seen)
                case Writes(octets):
                    written += len(octets)
                    while frame is not None and frame.end <= written:
                        moments.append(Moment(at, frame, arrived, eof, asked.so_far))
                        frame = next(frames, None)
                case _:
                    moments.append(Moment(at, seen, arrived, eof, asked.so_far))
        return tuple(moments)


def torn_at(trace: Trace) -> int | None:
    """Where a trace ends, whose last octets written are not whole, unless a reset may have cost the rest."""
    last = max(at for at, seen in enumerate(trace) if isinstance(seen, Writes))
    for at, seen in enumerate(trace[last + 1 :], last + 1):
        if isinstance(seen, (ClosesTcp, Quiet)):
            return at
        if isinstance(seen, ResetsTcp):
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


def _messages(frames: tuple[OnWire, ...]) -> dict[int, Message]:
    """The messages sent, by where their last frame begins."""
    found: dict[int, Message] = {}
    opcode, parts = CONTINUATION, [b""]
    for frame in frames:
        if is_control(frame.header.opcode):
            continue
        if frame.header.opcode != CONTINUATION:
            opcode, parts = frame.header.opcode, []
        parts.append(frame.payload)
        if frame.header.fin:
            found[frame.start] = Message(opcode, b"".join(parts))
            parts = []
    return found
