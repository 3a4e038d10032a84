"""A long conversation under permessage-deflate, judged in parts, so that little of it is inflated at a time.

Theory of operation. Where every message that arrived has been echoed, every Ping answered, and no frame is begun, the
endpoint owes nothing, and its state is that of a connection right after the opening handshake, but for how far the
compressed messages of each direction were read: the trace can be cut there. Each part is judged from that state on, as
any trace is (RFC 7692, section 7.2), and forgotten when it is allowed in full. The judgement is that of the worst part.
An endpoint that compresses more into a part than it was sent is FAILED, in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from wsoracle.model.notation.variables import State
from wsoracle.model.octets.inflated_frames import NOTHING_READ, Progress
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.vocabulary import CLOSE, PING, PONG, is_control

from .history import History
from .judgement import Judgement
from .observation import Arrives, Observation, Trace, Writes
from .verdict import Profile, Verdict, worst

MOST_IN_PART: Final = 64 << 20
"""Octets that the messages of one direction in a part may inflate to: of a longer part the rest is not judged."""

LONG_ENOUGH: Final = 16
"""So many observations make a part, where they can."""
_WIDE_ENOUGH: Final = 32 << 10
"""And so many octets: what they inflate to is less than may be in a part."""

TOO_MUCH_SENT: Final = "what it sent compressed inflates to more than it was sent"
_TOO_MUCH: Final = "not judged to its end: too much crossed while answers were owed"

JudgesPart = Callable[[History, State], Judgement]
"""What judges the history of a part, from a state on."""


@dataclass
class Volume:
    """What crossed in one direction behind the opening handshake: data frames, messages, octets of all frames on the
    wire, octets of the payloads of data frames as they crossed, and octets of messages once they are inflated."""

    frames: int = 0
    messages: int = 0
    wire: int = 0
    payload: int = 0
    content: int = 0


class Way(NamedTuple):
    """One direction: its whole frames as they crossed, and where the first one begins."""

    frames: Sequence[FrameUnit]
    start: int


class WholeJudgement(NamedTuple):
    """The judgement on all parts, and what crossed each way."""

    judgement: Judgement
    arrived: Volume
    written: Volume


def judge_in_parts(
    trace: Trace, arrived: Way, written: Way, agreed: State, limit: int | None, judge_part: JudgesPart, profile: Profile
) -> WholeJudgement:
    """The judgement on what follows an opening handshake that led to the state ``agreed``. ``limit`` is the longest
    message that the endpoint takes, None where that is not known."""
    reader = _Reader(trace, _Counting(arrived), _Counting(written))
    found = Judgement(Verdict.OK, profile)
    before = NOTHING_READ, NOTHING_READ
    for part in reader.parts():
        before = _limited(before[0]), _limited(before[1])
        history = History(part.trace, agreed=agreed, limit=limit, before=before)
        arrives, sends = before
        state = agreed._replace(recv_history=len(arrives.history), send_history=len(sends.history))
        one = part.placed(judge_part(history, state))
        reader.arrived.inflated(history.arriving(0).frames)
        reader.written.inflated(history.sent.frames)
        if history.exceeds(0):
            one = replace(one, verdict=Verdict.INFORMATIONAL, note=_TOO_MUCH, unexplained=True)
            if not history.arriving(0).exceeded:
                one = replace(one, verdict=Verdict.FAILED, note=TOO_MUCH_SENT)
        if worst(found.verdict, one.verdict) is not found.verdict or (one.application and not found.application):
            found = one
        if found.verdict is Verdict.FAILED or history.exceeds(0):
            break
        before = history.progress
    return WholeJudgement(found, reader.arrived.volume, reader.written.volume)


def _limited(progress: Progress) -> Progress:
    return progress._replace(left=MOST_IN_PART)


class _Part(NamedTuple):
    """Some observations, and what came before them: how many observations, and how many octets of each direction."""

    trace: list[Observation]
    at: int
    arrived: int
    written: int

    def placed(self, judgement: Judgement) -> Judgement:
        """The judgement with its places in the whole trace."""
        if judgement.at is None:
            return judgement
        before = self.written if judgement.direction == "written" else self.arrived
        return replace(
            judgement,
            at=self.at + judgement.at,
            arrived=None if judgement.arrived is None else self.arrived + judgement.arrived,
            octet=None if judgement.octet is None else before + judgement.octet,
            begins=None if judgement.begins is None else self.written + judgement.begins,
        )


class _Counting:
    """One direction, as its octets come: what crossed, and whether there is more to come of a message."""

    def __init__(self, way: Way) -> None:
        self.volume: Final = Volume()
        self.pings = self.pongs = 0
        self.closed = False
        self.there = 0
        """How many octets have come."""
        self.start: Final = way.start
        self._frames: Final = way.frames
        self._amid = False
        self._next = 0

    @property
    def is_between(self) -> bool:
        """Whether all that has come so far are whole messages."""
        end = self._frames[self._next - 1].end if self._next else self.start
        return self.there <= end and not self._amid

    def come(self, octets: bytes) -> bytes:
        """More octets; those of them that are behind the opening handshake."""
        behind = octets[max(0, self.start - self.there) :]
        self.there += len(octets)
        frames, volume = self._frames, self.volume
        while self._next < len(frames) and frames[self._next].end <= self.there:
            frame = frames[self._next]
            opcode = frame.header.opcode
            self._next += 1
            volume.wire += frame.end - frame.start
            self.pings += opcode == PING
            self.pongs += opcode == PONG
            self.closed |= opcode == CLOSE
            if not is_control(opcode):
                self._amid = not frame.header.fin
                volume.frames += 1
                volume.messages += frame.header.fin
                volume.payload += len(frame.payload)
        return behind

    def inflated(self, frames: Sequence[FrameUnit]) -> None:
        """The frames of a part, inflated."""
        self.volume.content += sum(len(one.payload) for one in frames if not is_control(one.header.opcode))


class _Reader:
    """A trace in parts."""

    def __init__(self, trace: Trace, arrived: _Counting, written: _Counting) -> None:
        self.arrived: Final = arrived
        self.written: Final = written
        self._ahead = False
        self._trace: Final = trace

    def parts(self) -> Iterator[_Part]:
        """Each part, behind the opening handshake."""
        part: _Part | None = None
        for at, seen in enumerate(self._trace):
            if part is None:
                begins = max(self.arrived.there, self.arrived.start), max(self.written.there, self.written.start)
                part = _Part([], at, *begins)
            if isinstance(seen, (Arrives, Writes)):
                octets = (self.arrived if isinstance(seen, Arrives) else self.written).come(seen.octets)
                if octets or part.trace:
                    part.trace.append(type(seen)(octets))
            else:
                part.trace.append(seen)
            owes_nothing = self._owes_nothing
            if not part.trace:
                part = None
            elif owes_nothing and self._suffices(part):
                yield part
                part = None
        if part is not None:
            yield part

    def _suffices(self, part: _Part) -> bool:
        """Whether a part is so long that it is worth judging by itself."""
        crossed = self.arrived.there - part.arrived + self.written.there - part.written
        return len(part.trace) >= LONG_ENOUGH or crossed >= _WIDE_ENOUGH

    @property
    def _owes_nothing(self) -> bool:
        """Whether the trace can be cut here: never once the endpoint has sent more than it was asked for, since nobody
        can tell then what the next message answers."""
        arrived, written = self.arrived, self.written
        more = written.volume.messages - arrived.volume.messages, written.pongs - arrived.pings
        self._ahead |= max(more) > 0
        between = arrived.is_between and written.is_between
        return more == (0, 0) and between and not (self._ahead or arrived.closed or written.closed)
