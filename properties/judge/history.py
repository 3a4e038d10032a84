"""A trace prepared for judging: its moments, and what had arrived and been asked for by each of them."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import Final

from wsoracle.model.facts.arriving import ArrivingFrames
from wsoracle.model.notation.variables import AGREED, State
from wsoracle.model.octets.inflated_frames import NOTHING_READ, AgreedDirection, InflatedFrames, Progress
from wsoracle.model.octets.units import Cutter, FrameUnit, HeadUnit
from wsoracle.model.octets.vocabulary import Role

from .moments import Asking, Message, Moment, Seen
from .observation import (
    Arrives,
    ArrivesEof,
    ArrivesReset,
    Asks,
    ClosesTcp,
    Observation,
    Processed,
    Quiet,
    ResetsTcp,
    ShutsDownTcp,
    Tells,
    Trace,
    Writes,
)
from .sent_so_far import SentSoFar

_START: Final = attrgetter("start")


class History:
    """A trace of an endpoint, read once, as it grows.

    ``role`` is that of the endpoint where the trace begins with the opening handshake, None where that is over. What
    the endpoint sent before offset ``sent_from`` is left out. ``agreed`` is a state of the connection whose opening
    handshake is over: where it says that permessage-deflate was agreed on, compressed messages are inflated, and
    ``limit`` is the longest that the endpoint takes; ``before`` is how far those that arrive, and those that it sends,
    were read before the trace begins. `sent` is what it sent.
    """

    def __init__(
        self,
        trace: Trace = (),
        role: Role | None = None,
        *,
        sent_from: int = 0,
        agreed: State | None = None,
        limit: int | None = None,
        before: tuple[Progress, Progress] = (NOTHING_READ, NOTHING_READ),
    ) -> None:
        self._agreed: AgreedDirection | None = None
        self._inflated: InflatedFrames | None = None
        self._before: Final = before[0]
        if agreed is not None and agreed.recv_window:
            self._agreed = AgreedDirection(agreed.recv_window, agreed.recv_takeover, limit)
            self._inflated = InflatedFrames(AgreedDirection(agreed.send_window, agreed.send_takeover), before[1])
        self._under: Final[dict[tuple[object, ...], History]] = {}
        self.trace: Final[list[Observation]] = []
        self.arrived: Final = bytearray()
        self.moments: Final[list[Moment]] = []
        self.tells_of_failure = False
        self.has_reset = False
        self.grows = False
        """Whether observations were added one by one, so that more of them may come."""
        self.torn: int | None = None
        """The index in the trace at which the endpoint closes TCP or falls silent inside a frame of its own, or None.

        A frame may be cut where TCP is reset, or where its other end has gone."""
        self.torn_frame = slice(0, 0)
        """What there is of that frame, in the octets that the endpoint wrote."""
        self.switched: int | None = None
        """The offset in its octets at which the opening handshake surely ends: behind a 101, or behind no head."""
        self.written = 0
        """How many octets the endpoint wrote."""
        self.role: Final = role
        self._heads: Final = Cutter(role, heads_only=True, octets=self.arrived) if role is not None else None
        self._arriving: Final[dict[int, ArrivingFrames]] = {}
        self._sent: Final = Cutter(None if role is None else role.peer, start=sent_from)
        self._answered = False
        self._taken = 0
        self._whole = 0
        self._acts = 0
        self._count = 0
        self._asking: Final = Asking()
        self.sent: Final = SentSoFar()
        self._eof = self._lost = self._closed = self._has_closed = False
        self.shut_down = False
        """Whether the endpoint ended its direction of TCP."""
        self._told_failures: Final[set[int]] = set()
        self._idle_from = 0
        """The same, while its direction of TCP was open."""
        # A later part of a trace can show that a long head has an end: all octets are cut at once.
        self._foresee(trace)
        for seen in trace:
            self._add(seen)

    def _foresee(self, trace: Trace) -> None:
        """Cut all octets of a trace."""
        self.arrived.extend(b"".join([seen.octets for seen in trace if isinstance(seen, Arrives)]))
        self._sent.expects_frames = self._written_early(trace)
        parts: list[list[bytes]] = [[]]
        for seen in trace:
            if isinstance(seen, Writes):
                parts[-1].append(seen.octets)
            elif isinstance(seen, (ClosesTcp, ResetsTcp)):
                parts.append([])
        self._sent.add(b"".join(parts[0]))
        for after_end in parts[1:]:
            if after_end:
                self._sent.break_off()  # what is written once TCP is closed continues nothing
                self._sent.add(b"".join(after_end))

    def _written_early(self, trace: Trace) -> int | None:
        """The number of octets that a client wrote before a 101 had arrived; None without a 101."""
        if self.role is not Role.CLIENT or self._heads is None:
            return None
        index = 0
        while (opens := self.head(index)) is not None and opens.head is not None and not opens.switches:
            index += 1
        if opens is None or not opens.switches:
            return None
        arrived, written = self._count, self.written
        for seen in trace:
            if arrived >= opens.end:
                break
            if isinstance(seen, Arrives):
                arrived += len(seen.octets)
            elif isinstance(seen, Writes):
                written += len(seen.octets)
        return written

    def add(self, seen: Observation) -> list[Moment]:
        """One more observation: what the endpoint was seen to do in it, unit by unit."""
        first = len(self.moments)
        self.grows = True
        if isinstance(seen, Arrives):
            self.arrived.extend(seen.octets)
            for frames in self._arriving.values():
                frames.cut()
            if self._sent.expects_frames is None:
                self._sent.expects_frames = self._written_early([seen])
        elif isinstance(seen, Writes):
            if self._closed:
                self._sent.break_off()
            self._sent.add(seen.octets)
        self._add(seen)
        return self.moments[first:]

    def _add(self, seen: Observation) -> None:
        """One more observation, whose octets are cut."""
        at = len(self.trace)
        self.trace.append(seen)
        match seen:
            case Arrives(octets):
                self._count += len(octets)
                if self._reads_heads():
                    self.moments.append(self._moment(at, None))
            case ArrivesEof() | ArrivesReset():
                self._eof = True
                self._lost |= isinstance(seen, ArrivesReset)
                self._end_of_both(at)
            case ShutsDownTcp():
                self.shut_down = True
                self._find_torn()
                self._end_of_both(at)
            case Asks():
                self._asking.add(seen)
            case Writes(octets):
                self.written += len(octets)
                self._closed = False
                self._take_units(at)
            case _:
                if isinstance(seen, Tells) and seen.kind == "failed":
                    self.tells_of_failure = True
                    self._told_failures.update(() if seen.code is None else (seen.code,))
                self.has_reset |= isinstance(seen, ResetsTcp)
                self._closed |= isinstance(seen, (ClosesTcp, ResetsTcp))
                self._has_closed |= self._closed
                if isinstance(seen, (ClosesTcp, Quiet)):
                    self._find_torn()
                if isinstance(seen, Quiet):
                    self.sent.be_quiet(self.written)
                    if not (self._closed or self.shut_down):
                        self._idle_from = self.written
                self.moments.append(self._moment(at, seen))

    def _end_of_both(self, at: int) -> None:
        """TCP is closed where the endpoint has ended its direction and the peer has ended the other."""
        if self._eof and self.shut_down:
            self.moments.append(self._moment(at, ClosesTcp()))

    def _find_torn(self) -> None:
        if self.torn is None and self.ends_inside_frame:
            self.torn, self.torn_frame = self.torn_at, slice(self.unread, self.written)

    def _take_units(self, at: int) -> None:
        units, written = self._sent.units, self.written
        while self._taken < len(units) and units[self._taken].end <= written:
            unit = units[self._taken]
            self._taken += 1
            self._whole = unit.end
            if isinstance(unit, FrameUnit):
                unit = unit if self._inflated is None else self._inflated.take(unit)
                message = self.sent.take(unit)
                if message is not None:
                    self._asking.sent(message)
            elif unit.head is None or unit.switches:
                self.switched = unit.end
                self._answered |= unit.switches
            self.moments.append(self._moment(at, unit))

    @property
    def unread(self) -> int:
        """The offset of an incomplete unit in the octets that the endpoint wrote; without one, their end or beyond."""
        units = self._sent.units
        for start, end in self._sent.broken_off:
            if start < self.written <= end:
                return start
        return units[self._taken].start if self._taken < len(units) else self._sent.behind

    @property
    def ends_inside_frame(self) -> bool:
        """Whether what the endpoint wrote last is not whole, and part of a frame of an open connection."""
        return self.unread < self.written and not self.full and not self._in_opening(self.unread)

    def _reads_heads(self) -> bool:
        """Whether what arrives now may be or complete a head."""
        expects_frames = self._sent.expects_frames
        opened = self._answered or (expects_frames is not None and self.written > expects_frames)
        return self.role is not None and not opened

    def _in_opening(self, place: int) -> bool:
        """Whether what begins there in what the endpoint wrote belongs to the opening handshake."""
        if self.role is None or (self.switched is not None and place >= self.switched):
            return False
        expects_frames = self._sent.expects_frames
        return self._sent.in_head or expects_frames is None or place < expects_frames

    def behind_lost_answer(self, moment: Moment) -> int:
        """Where frames begin behind an answer that was lost with TCP by a moment: behind what is there of it."""
        begun = moment.lost and moment.written == self._whole and self._sent.in_head
        return self.written if begun else moment.written

    @property
    def torn_in_opening(self) -> bool:
        """Whether the endpoint closes TCP or falls silent inside a head, or a frame that comes too early."""
        return self.unread < self.written and self._in_opening(self.unread) and self.torn_at is not None

    @property
    def written_at(self) -> int:
        """The place of the last write in the trace, which must have one."""
        return max(at for at, seen in enumerate(self.trace) if isinstance(seen, Writes))

    @property
    def torn_at(self) -> int | None:
        """The place at which an incomplete last write shows, unless the end of TCP may have cost the rest."""
        last = self.written_at
        for at, seen in enumerate(self.trace[last + 1 :], last + 1):
            if isinstance(seen, (ShutsDownTcp, ClosesTcp, Quiet)):
                return at
            if isinstance(seen, (ResetsTcp, ArrivesEof, ArrivesReset)):
                return None
        return None

    @property
    def full(self) -> bool:
        """Whether the endpoint sent so many frames that what follows is not cut any more."""
        return self._sent.full

    @property
    def full_of_heads(self) -> bool:
        """Whether so many heads went in one direction that what follows is not cut any more."""
        return self._sent.full_of_heads or (self._heads is not None and self._heads.full_of_heads)

    @property
    def stale(self) -> bool:
        """Whether what has come shows that units were cut wrongly: the trace as a whole is to be read anew."""
        return self._heads is not None and self._heads.stale

    def head(self, index: int) -> HeadUnit | None:
        """A head among the octets that arrived, by its index; None where it has not arrived."""
        if self._heads is None:
            return None
        self._heads.cut(index + 1)
        unit = self._heads.units[index] if index < len(self._heads.units) else None
        return unit if isinstance(unit, HeadUnit) else None

    def behind_head(self, index: int) -> int:
        """The offset after a head of a request and its body."""
        assert self._heads is not None
        units = self._heads.units
        return units[index + 1].start if index + 1 < len(units) else self._heads.behind

    def arriving(self, start: int) -> ArrivingFrames:
        """The frames that arrive from an offset on."""
        if start not in self._arriving:
            self._arriving[start] = ArrivingFrames(self.arrived, start, self._agreed, self._before)
        return self._arriving[start]

    def under(self, agreed: State, limit: int | None, sent_from: int) -> History:
        """The same trace where all that the endpoint sends from an offset on is frames, under what was agreed on.

        It is this history, where something was agreed on before it begins.
        """
        if self._agreed is not None:
            return self
        key = (len(self.trace), *(getattr(agreed, name) for name in AGREED), limit, sent_from)
        if key not in self._under:
            self._under[key] = History(self.trace, sent_from=sent_from, agreed=agreed, limit=limit)
        return self._under[key]

    def inflated_units(self) -> tuple[dict[int, FrameUnit], dict[int, FrameUnit]]:
        """The frames of compressed messages, inflated, that arrived and that the endpoint sent, by where they begin.

        They are there once they were judged.
        """
        judged = [self, *self._under.values()]
        arrived = (frame for one in judged for part in one._arriving.values() for frame in part.frames)
        sent = (frame for one in judged for frame in one.sent.frames)
        arrived_at, sent_at = ({f.start: f for f in some if f.deflated is not None} for some in (arrived, sent))
        return arrived_at, sent_at

    @property
    def progress(self) -> tuple[Progress, Progress]:
        """How far compressed messages were read: those that arrived from the beginning on, and those sent."""
        assert self._inflated is not None
        return self.arriving(0).progress, self._inflated.progress

    def exceeds(self, start: int) -> bool:
        """Whether more would come out of compressed messages, of those sent or of those from there on, than is read."""
        return self.arriving(start).exceeded or (self._inflated is not None and self._inflated.exceeded)

    @property
    def octets_written(self) -> bytearray:
        """The octets that the endpoint wrote."""
        return self._sent.octets

    def frames_written(self, start: int) -> list[FrameUnit]:
        """The whole frames in what the endpoint wrote from an offset on, all of it read as frames."""
        units = self._sent.units
        first = bisect_left(units, start, key=_START)
        begins = units[first].start if first < len(units) else self._sent.behind
        if begins == start and self.frames_only_from(start):
            return [unit for unit in units[first:] if isinstance(unit, FrameUnit)]
        return Cutter(octets=self._sent.octets, start=start).frames

    def frames_only_from(self, start: int) -> bool:
        """Whether all that the endpoint wrote from an offset on is cut as frames."""
        if self._sent.in_frames:
            return not any(isinstance(u, HeadUnit) and u.start >= start for u in self._sent.units)
        heads = [unit for unit in self._sent.units if isinstance(unit, HeadUnit)]
        return not (heads and heads[-1].start >= start) and not self._sent.in_head

    def _moment(self, at: int, what: Seen) -> Moment:
        number = self._acts
        self._acts += what is not None
        return Moment(
            at, what, self._count, self._eof, self._asking.so_far, self._whole, self._lost, number, self.shut_down
        )

    @property
    def now(self) -> Moment:
        """The moment after everything so far, as if the endpoint had processed it."""
        return self._moment(len(self.trace), None)._replace(what=Processed())

    @property
    def told_failures(self) -> tuple[int, ...]:
        """The codes with which the application was told that the connection is failed."""
        return tuple(sorted(self._told_failures))

    def says(self, code: int) -> bool | None:
        """Whether the endpoint gave this code for closing, to its peer or its application; None where it gave none."""
        given = {*self.sent.close_codes, *self._told_failures}
        return code in given if given else None

    def asks_next(self, moment: Moment, sent: int, message: Message) -> bool:
        """Whether the application had asked for this message after `sent` others."""
        return self.asked_next(moment, sent) == message

    def asked_next(self, moment: Moment, sent: int) -> Message | None:
        """The message that the application had asked for after `sent` others, if it had."""
        return self._asking.messages[sent] if sent < moment.asked.messages else None

    def asked_for_pong(self, moment: Moment, payload: bytes) -> bool:
        """Whether the application had asked for a Pong with this payload."""
        before = self._asking.pongs.get(payload)
        return before is not None and before < moment.asked.pongs

    def is_idle_after(self, frame: FrameUnit) -> bool:
        """Whether the endpoint is quiet at some time after it sent a frame, and has not ended TCP."""
        return frame.start < self._idle_from

    def is_asked(self, message: Message) -> bool:
        """Whether the application ever asks for this message."""
        return self._asking.asks(message)

    @property
    def ends_in_silence(self) -> bool:
        """Whether the endpoint is quiet at last, and nothing was seen of its end or of TCP's."""
        ended = self._eof or self.shut_down or self._has_closed or self.has_reset or self.grows
        shown = ended or self.sent.has_close or self.tells_of_failure
        return bool(self.trace) and isinstance(self.trace[-1], Quiet) and not shown

    @property
    def loses(self) -> bool:
        """Whether TCP is reset, by which what the endpoint sent may be lost."""
        return self.has_reset or self._lost
