"""A long conversation under permessage-deflate, judged in parts, so that little of it is inflated at a time.

Theory of operation. Where every message that arrived has been echoed, every Ping answered, and no frame is begun, the
endpoint owes nothing, and its state is that of a connection right after the opening handshake: the trace can be cut
there. Each part is inflated over the history of those before it (RFC 7692, section 7.2), and judged as it would be
without the extension; when it is allowed in full it is forgotten. The judgement is that of the worst part. What the
endpoint compressed and nobody can inflate is FAILED, in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from wsoracle.model.octets.deflate import DeflateFault
from wsoracle.model.octets.deflate_stream import InflateError, Inflater
from wsoracle.model.octets.frames import MAX_HEADER_OCTETS, Header, decode_header, encode, encode_header, minimal_form
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, PING, PONG, TEXT, Frame, is_control

from .history import History
from .judge import Judgement
from .observation import Arrives, Observation, Trace, Writes
from .verdict import Profile, Verdict, worst

MOST_IN_PART: Final = 64 << 20
"""Octets of a part, inflated: of a longer one the rest is not judged."""

NOT_INFLATED: Final = "what it sent compressed cannot be inflated"
_TOO_LONG: Final = "what it sent compressed inflates to more than it was sent"
_TOO_MUCH: Final = "not judged to its end: too much crossed while answers were owed"

Judges = Callable[[Trace], Judgement]
"""What judges the trace of a part, by rules that do not know the extension."""


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
    """One direction: its octets, its whole frames, where the first one begins, and whether its context is kept from
    message to message."""

    octets: bytearray
    frames: Sequence[FrameUnit]
    start: int
    takeover: bool


class WholeJudgement(NamedTuple):
    """The judgement on all parts, and what crossed each way."""

    judgement: Judgement
    arrived: Volume
    written: Volume


def judge_in_parts(
    history: History, arrived: Way, written: Way, judge_part: Judges, profile: Profile, most: int
) -> WholeJudgement:
    """The judgement on what follows the opening handshake. ``most`` octets may be in a message of the endpoint."""
    reader = _Reader(history.trace, _Inflating(arrived, None), _Inflating(written, most))
    found = Judgement(Verdict.OK, profile)
    for part in reader.parts():
        one = part.placed(judge_part(part.trace)) if part.damage is None else part.damaged(profile)
        if worst(found.verdict, one.verdict) is not found.verdict or (one.application and not found.application):
            found = one
        if found.verdict is Verdict.FAILED:
            break
    if reader.gave_up and found.verdict is Verdict.OK:
        found = replace(found, verdict=Verdict.INFORMATIONAL, note=_TOO_MUCH, unexplained=True)
    return WholeJudgement(found, reader.arrived.volume, reader.written.volume)


class _Damage(NamedTuple):
    """A frame of the endpoint that cannot be inflated: why, where it begins, and at which observation it is whole."""

    fault: DeflateFault
    start: int
    at: int


@dataclass
class _Part:
    """Some observations without the extension, and where each is in the trace, and each frame in its direction."""

    trace: list[Observation] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    """For each observation: its index in the whole trace, and how many octets had arrived by then."""
    frames: dict[type[Observation], list[tuple[int, int]]] = field(default_factory=lambda: {Arrives: [], Writes: []})
    """For each direction where frames begin, here and in the whole trace."""
    sizes: dict[type[Observation], int] = field(default_factory=lambda: {Arrives: 0, Writes: 0})
    damage: _Damage | None = None

    def placed(self, judgement: Judgement) -> Judgement:
        """The judgement with its places in the whole trace. An octet of a frame is the first one of it there."""
        if judgement.at is None:
            return judgement
        at, arrived = self.places[judgement.at]
        kind: type[Observation] = Writes if judgement.direction == "written" else Arrives
        return replace(
            judgement,
            at=at,
            arrived=arrived,
            octet=self._there(kind, judgement.octet),
            begins=self._there(Writes, judgement.begins),
        )

    def _there(self, kind: type[Observation], octet: int | None) -> int | None:
        if octet is None:
            return None
        return max((there for here, there in self.frames[kind] if here <= octet), default=None)

    def damaged(self, profile: Profile) -> Judgement:
        assert self.damage is not None
        fault, start, at = self.damage
        too_long = fault is DeflateFault.TOO_LONG
        note = _TOO_LONG if too_long else f"{NOT_INFLATED}: {fault.value} (RFC 7692, section 7.2.2)"
        return Judgement(Verdict.FAILED, profile, at=at, octet=start, begins=start, note=note, unexplained=True)


class _Inflating:
    """The frames of one direction, taken one after the other as they would be without the extension."""

    def __init__(self, way: Way, most: int | None) -> None:
        self.volume: Final = Volume()
        self.pings = self.pongs = 0
        self.closed = False
        self.latest = way.start
        """Where the frame begins that was taken last."""
        self._way: Final = way
        self._most: Final = most
        self._inflater: Final = Inflater(takeover=way.takeover)
        self._marked = self._amid = False
        self._next = 0
        self._there = 0
        self._begun = False

    @property
    def is_between(self) -> bool:
        """Whether all that has come so far are whole messages."""
        end = self._way.frames[self._next - 1].end if self._next else self._way.start
        return self._there <= end and not self._amid

    def come(self, octets: int) -> Iterator[tuple[int, bytes]]:
        """So many more octets have come: where each frame begins that is whole now, and its octets without the
        extension. The last one may be the header of one that never is. Raises InflateError."""
        self._there += octets
        frames = self._way.frames
        while self._next < len(frames) and frames[self._next].end <= self._there:
            frame = frames[self._next]
            self._next += 1
            self.latest = frame.start
            yield frame.start, self._without(frame)
        if self._next == len(frames) and not self._begun:
            end = frames[-1].end if frames else self._way.start
            header = decode_header(self._way.octets[end : min(self._there, end + MAX_HEADER_OCTETS)])
            if header is not None:
                self._begun = True
                yield end, self._header(header[0])

    def _without(self, frame: FrameUnit) -> bytes:
        header, payload = frame.header, frame.payload
        mark = self._read_mark(header)
        form: int | None = header.form
        if self._marked and not is_control(header.opcode):
            payload = self._inflater.inflate(payload, header.fin, self._most)
            # A length in too long a form stays one, where the longer payload leaves room for that.
            form = form if not header.minimal and header.form > minimal_form(len(payload)) else None
        self._count(frame, len(payload))
        # The tester's own keys are of no interest, and one of zeros costs nothing.
        key = bytes(4) if header.key is not None and self._most is None else header.key
        return encode(Frame(header.opcode, payload, header.fin, mark, header.rsv2, header.rsv3, key, form))

    def _header(self, header: Header) -> bytes:
        mark = self._read_mark(header)
        return encode_header(
            header.opcode,
            header.length,
            fin=header.fin,
            rsv1=mark,
            rsv2=header.rsv2,
            rsv3=header.rsv3,
            key=header.key,
            form=header.form,
        )

    def _read_mark(self, header: Header) -> bool:
        """RSV1 as it would be without the extension: gone where it marks a compressed message."""
        if header.opcode not in (TEXT, BINARY):
            return header.rsv1
        self._marked = header.rsv1
        return False

    def _count(self, frame: FrameUnit, content: int) -> None:
        volume, opcode = self.volume, frame.header.opcode
        volume.wire += frame.end - frame.start
        self.pings += opcode == PING
        self.pongs += opcode == PONG
        self.closed |= opcode == CLOSE
        if not is_control(opcode):
            self._amid = not frame.header.fin
            volume.frames += 1
            volume.messages += frame.header.fin
            volume.payload += len(frame.payload)
            volume.content += content


class _Reader:
    """A trace in parts. `gave_up`: a part would have been too long, and what follows it was not read."""

    def __init__(self, trace: Trace, arrived: _Inflating, written: _Inflating) -> None:
        self.arrived: Final = arrived
        self.written: Final = written
        self.gave_up = False
        self._ahead = False
        self._trace: Final = trace

    def parts(self) -> Iterator[_Part]:
        """Each part; behind one with damage there is none."""
        part, there = _Part(), 0
        for index, seen in enumerate(self._trace):
            if isinstance(seen, (Arrives, Writes)):
                there += len(seen.octets) if isinstance(seen, Arrives) else 0
                what = self._without(seen, index, part)
                if part.damage is not None:
                    break
            else:
                what = seen
            if what is not None:
                part.trace.append(what)
                part.places.append((index, there))
            if self._owes_nothing and part.trace:
                yield part
                part = _Part()
            elif sum(part.sizes.values()) > MOST_IN_PART:
                self.gave_up = True
                break
        if part.trace or part.damage is not None:
            yield part

    @property
    def _owes_nothing(self) -> bool:
        """Whether the trace can be cut here: never once the endpoint has sent more than it was asked for, since nobody
        can tell then what the next message answers."""
        arrived, written = self.arrived, self.written
        more = written.volume.messages - arrived.volume.messages, written.pongs - arrived.pings
        self._ahead |= max(more) > 0
        between = arrived.is_between and written.is_between
        return more == (0, 0) and between and not (self._ahead or arrived.closed or written.closed)

    def _without(self, seen: Arrives | Writes, index: int, part: _Part) -> Observation | None:
        """The observation without the extension; None where no frame is whole with it."""
        kind: type[Arrives | Writes] = type(seen)
        direction = self.arrived if kind is Arrives else self.written
        pieces: list[bytes] = []
        try:
            for start, octets in direction.come(len(seen.octets)):
                part.frames[kind].append((part.sizes[kind], start))
                part.sizes[kind] += len(octets)
                pieces.append(octets)
        except InflateError as error:
            part.damage = _Damage(error.fault, direction.latest, index)
        return kind(b"".join(pieces)) if pieces else None
