"""Frames of one direction under permessage-deflate (RFC 7692), inflated: what each one adds to its message.

Theory of operation. The frames are read in the order in which they were sent: RSV1 on the first one says that a message
is compressed, control frames between fragments leave it alone, and messages that are not compressed enter no window.
Each message has a reader of its own, over the history of those before it. zlib does the volume: with the largest window
and context taken over it sees every fault that there can be. The tracer measures (``model.octets.deflate``) where a
smaller window was agreed on, up to :data:`MOST_TRACED` octets of a direction: beyond, distances count as 0, so that
nobody is accused. It also has the last word where zlib finds a fault, and says how far a message reaches back over its
start where no context may be taken over.

Connections often carry the same few messages again and again. What a whole message inflates to depends on nothing but
its octets and the history before it, so that the latest messages are remembered, and not inflated again.

Memory: a direction holds at most :data:`MOST_INFLATED` octets that came out, however much could come out; what is more
is not read, and :attr:`InflatedFrames.exceeded` says so. A message stops one octet over the limit that the reader has.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from .deflate import LARGEST_WINDOW, DeflateFacts, DeflateFault, DeflateTracer
from .deflate_stream import InflateError, Inflater
from .frames import Header
from .units import FrameUnit
from .vocabulary import BINARY, CONTINUATION, TEXT, is_control

MOST_INFLATED: Final = 160 << 20
"""The most octets that the compressed messages of one direction are inflated to."""

MOST_TRACED: Final = 64 << 10
"""The most octets of payload of one direction that the tracer reads, which takes about a tenth of a second."""

_MOST_REMEMBERED: Final = 256 << 10
"""The most octets of a message that is remembered, as it crossed and inflated."""

_REMEMBERED: Final = 32
"""How many messages are remembered, of all connections."""


class AgreedDirection(NamedTuple):
    """What was agreed on for the messages of one direction: the window in octets, and whether context is taken over.

    ``limit``: the longest message that their receiver takes, in octets; None where that is not known. ``measured``: the
    tracer reads them whatever the window.
    """

    window: int
    takeover: bool
    limit: int | None = None
    measured: bool = False


class Progress(NamedTuple):
    """How far the messages of a direction were read: the last octets that came out, and how many more may come out
    (None: :data:`MOST_INFLATED`); how many octets of payload count towards :data:`MOST_TRACED`; and the fault, if any,
    for which what the next one refers to is unknown."""

    history: bytes = b""
    left: int | None = None
    traced: int = 0
    lost: DeflateFault = DeflateFault.NONE


NOTHING_READ: Final = Progress()


class InflatedFrames:
    """The frames of one direction, behind messages that were read ``before``; `frames` are those taken, inflated."""

    def __init__(self, agreed: AgreedDirection, before: Progress = NOTHING_READ) -> None:
        self.frames: Final[list[FrameUnit]] = []
        self.exceeded = False
        """Whether more would come out than is read: nothing certain is known of what follows."""
        self._agreed: Final = agreed
        self._sent: Final[list[FrameUnit]] = []
        self._before: Final = before
        self._history, _, self._traced, self._lost = before
        self._most: Final = MOST_INFLATED if before.left is None else before.left
        self._left = self._most
        self._message: _Message | None = None
        self._so_far: _SoFar | None = None

    @property
    def progress(self) -> Progress:
        """How far whole messages were read."""
        return Progress(self._history, self._left, self._traced, self._lost)

    def take(self, frame: FrameUnit) -> FrameUnit:
        """The next frame, inflated where it is part of a compressed message."""
        self.take_all([frame])
        return self.frames[-1]

    def take_all(self, frames: Sequence[FrameUnit]) -> None:
        """The next frames, each as in :meth:`take`."""
        at = 0
        while at < len(frames):
            some = self._remembered(frames, at) or [self._inflated(frames[at])]
            self._sent.extend(frames[at : at + len(some)])
            self.frames.extend(some)
            at += len(some)

    def _remembered(self, frames: Sequence[FrameUnit], first: int) -> list[FrameUnit]:
        """The frames of the compressed message that begins with the first one, inflated, and others between them; none
        where the message is not whole, or is not one that is remembered.
        """
        header, behind = frames[first].header, _behind_message(frames, first)
        if not (behind and header.rsv1):
            return []
        of_message = [frame for frame in frames[first:behind] if _is_of_message(frame.header)]
        if sum(frame.header.length for frame in of_message) > _MOST_REMEMBERED:
            return []
        self._end()
        measures = self._traced + header.length <= MOST_TRACED
        payloads = tuple([frame.payload for frame in of_message])
        found = _whole_message(self._agreed._replace(limit=None), self._history, measures, self._lost, payloads)
        if found is None or found.facts[-1].length > self._limit:
            return []
        self._left -= sum(map(len, found.pieces))
        self._traced += header.length + found.further
        self._history = found.history
        inflated = zip(found.pieces, found.facts, strict=True)
        return [
            _with(frame, *next(inflated)) if _is_of_message(frame.header) else frame for frame in frames[first:behind]
        ]

    def _inflated(self, frame: FrameUnit) -> FrameUnit:
        header = frame.header
        if not _is_of_message(header):
            return frame
        if header.opcode != CONTINUATION:
            self._end()  # of a message that is not finished nothing more comes
            self._message = self._begin(header) if header.rsv1 else None
        message = self._message
        if message is None:
            return frame
        piece = message.take(frame.payload, header.fin)
        self._left -= len(piece)
        limit = self._agreed.limit
        self.exceeded |= message.facts.fault is DeflateFault.TOO_LONG and (limit is None or message.limit < limit)
        if header.fin:
            self._end()
        return _with(frame, piece, message.facts)

    def _begin(self, header: Header) -> _Message:
        self._traced += header.length
        return _Message(self._agreed, self._history, self._limit, self._traced <= MOST_TRACED, self._lost)

    @property
    def _limit(self) -> int:
        """The longest message that is read from here on."""
        return self._left if self._agreed.limit is None else min(self._agreed.limit, self._left)

    def _end(self) -> None:
        """The message in progress, if any, becomes part of the history."""
        if self._message is not None:
            self._traced += self._message.further
            self._history = self._message.history
            self._lost = self._lost_behind(self._message.facts.fault, self._lost)
            self._message = None

    def so_far(self, index: int, header: Header, octets: bytes) -> FrameUnit | None:
        """The frame of an index, of whose payload these octets are there; None where no compressed message has it.

        All frames before it must have been taken. Its places are meaningless.
        """
        first = self._first_of(index, header)
        if first is None:
            return None
        known = self._so_far
        if known is None or known.first != first or known.is_beyond(index, len(octets)):
            traced = sum(frame.header.length for frame in self._sent[: index + 1]) + self._before.traced
            history, lost = self._history_before(first)
            limit = self._most if self._agreed.limit is None else self._agreed.limit
            message = _Message(self._agreed, history, limit, traced <= MOST_TRACED, lost)
            known = self._so_far = _SoFar(first, message)
        piece = known.read_to(self._sent, index, octets)
        return FrameUnit(header, piece, 0, 0, known.message.facts)

    def _first_of(self, index: int, header: Header) -> int | None:
        """The index of the first frame of the message that a frame belongs to, if that is a compressed one."""
        while _is_of_message(header):
            if header.opcode != CONTINUATION:
                return index if header.rsv1 else None
            index -= 1
            while index >= 0 and not _is_of_message(self._sent[index].header):
                index -= 1
            if index < 0 or self._sent[index].header.fin:
                return None
            header = self._sent[index].header
        return None

    def _history_before(self, first: int) -> tuple[bytes, DeflateFault]:
        """What the messages before a frame inflated to, as far as one can refer to it, and the fault that lost it."""
        before = [(frame.payload, frame.deflated.fault) for frame in self.frames[:first] if frame.deflated is not None]
        lost = self._before.lost
        for _, fault in before:
            lost = self._lost_behind(fault, lost)
        return _last_of([self._before.history, *[payload for payload, _ in before]]), lost

    def _lost_behind(self, fault: DeflateFault, lost: DeflateFault) -> DeflateFault:
        return fault if fault.lost and not lost.lost and self._agreed.takeover else lost


def _last_of(pieces: Sequence[bytes]) -> bytes:
    """The last octets of pieces in order, as far as a distance can reach."""
    found: list[bytes] = []
    missing = LARGEST_WINDOW
    for piece in reversed(pieces):
        if missing <= 0:
            break
        found.append(piece[-missing:])
        missing -= len(found[-1])
    return b"".join(reversed(found))


def _with(frame: FrameUnit, piece: bytes, facts: DeflateFacts) -> FrameUnit:
    return frame._replace(payload=piece, deflated=facts)


def _behind_message(frames: Sequence[FrameUnit], first: int) -> int:
    """The index behind the last frame of the message that begins with a frame; 0 where none does, or it has no end."""
    for at in range(first, len(frames)):
        header = frames[at].header
        if at == first and header.opcode not in (TEXT, BINARY):
            return 0
        if at > first and header.opcode in (TEXT, BINARY):
            return 0
        if _is_of_message(header) and header.fin:
            return at + 1
    return 0


def _is_of_message(header: Header) -> bool:
    return header.opcode in (CONTINUATION, TEXT, BINARY)


class _Message:
    """The reader of one compressed message, over the ``history`` before it.

    ``measures``: the tracer may read it. ``lost``: the fault for which what it may refer to is not known. Behind a
    message that was cut inside a block, of which a receiver may have made anything, this one ends nowhere either;
    behind any other it cannot be read. `facts` are those so far.
    """

    def __init__(self, agreed: AgreedDirection, history: bytes, limit: int, measures: bool, lost: DeflateFault) -> None:
        self.limit: Final = limit
        self._is_behind_cut: Final = lost is DeflateFault.TRUNCATED
        self.facts = DeflateFacts(
            fault=DeflateFault.MALFORMED if lost.lost and not self._is_behind_cut else DeflateFault.NONE
        )
        self.further = 0
        """The octets of payload behind the first frame."""
        self._before: Final = history
        self._takeover: Final = agreed.takeover
        self._octets: Final[list[bytes]] = []
        self._pieces: Final[list[bytes]] = []
        small = agreed.measured or agreed.window < LARGEST_WINDOW
        self._tracer = DeflateTracer(limit, history) if small and measures else None
        # Distances are within any window of the largest size; what refers to nothing needs no history.
        self._zlib: Inflater | None = Inflater(history=history if agreed.takeover or small else b"")

    @property
    def history(self) -> bytes:
        """What can be referred to behind it."""
        return _last_of([self._before, *self._pieces])

    def take(self, octets: bytes, last: bool) -> bytes:
        """The payload of a frame, or the next octets of it; what comes out."""
        if self._is_behind_cut and last:
            self.facts = self.facts._replace(fault=DeflateFault.TRUNCATED)
        if self._is_behind_cut or self.facts.fault.lost:
            return b""
        self.further += len(octets) if self._octets else 0
        self._octets.append(octets)
        if self._tracer is not None and self.further > MOST_TRACED:
            by_zlib = self._zlib_so_far(self._before)
            self._tracer, self._zlib = (None, by_zlib) if by_zlib is not None else (self._tracer, None)
        piece = self._by_zlib(octets, last) if self._tracer is None else self._by_tracer(octets, last)
        self._pieces.append(piece)
        return piece

    def _by_tracer(self, octets: bytes, last: bool) -> bytes:
        assert self._tracer is not None
        piece = self._tracer.feed(octets)
        if last:
            piece += self._tracer.end()
        self.facts = self._tracer.facts
        return piece

    def _by_zlib(self, octets: bytes, last: bool) -> bytes:
        assert self._zlib is not None
        try:
            piece, fault = self._zlib.inflate(octets, last, self.limit), DeflateFault.NONE
        except InflateError as error:
            if error.fault is not DeflateFault.TOO_LONG and sum(map(len, self._octets)) <= MOST_TRACED:
                self._tracer = DeflateTracer(self.limit, self._before)
                for before in self._octets[:-1]:
                    self._tracer.feed(before)
                return self._by_tracer(octets, last)
            again = None if self._takeover else self._zlib_so_far(self._before)
            if again is not None and error.fault is DeflateFault.MALFORMED and not self.facts.reach:
                # It can be read over the history before it, and not without.
                self._zlib, self.facts = again, self.facts._replace(reach=1, distance=1)
                return self._by_zlib(octets, last)
            piece, fault = error.inflated, error.fault
        length = self.limit if fault is DeflateFault.TOO_LONG else self.facts.length + len(piece)
        self.facts = self.facts._replace(length=length, fault=fault)
        return piece

    def _zlib_so_far(self, history: bytes) -> Inflater | None:
        """Another reader that has read what came before the latest octets; None where it cannot."""
        reader = Inflater(history=history)
        try:
            for octets in self._octets[:-1]:
                reader.inflate(octets, False, self.limit)
        except InflateError:
            return None
        return reader


class _Inflated(NamedTuple):
    """A whole message, inflated: what comes out of each frame, its facts by then, the octets of payload behind the
    first frame, and what can be referred to afterwards."""

    pieces: tuple[bytes, ...]
    facts: tuple[DeflateFacts, ...]
    further: int
    history: bytes


@lru_cache(maxsize=_REMEMBERED)
def _whole_message(
    agreed: AgreedDirection, history: bytes, measures: bool, lost: DeflateFault, payloads: tuple[bytes, ...]
) -> _Inflated | None:
    """A message whose frames have these payloads; None for a long one, and where what came out before a fault depends
    on the limit of its receiver."""
    message = _Message(agreed, history, _MOST_REMEMBERED, measures, lost)
    pieces: list[bytes] = []
    facts: list[DeflateFacts] = []
    for number, payload in enumerate(payloads, 1):
        pieces.append(message.take(payload, number == len(payloads)))
        facts.append(message.facts)
        if message.facts.fault.lost:
            return None
    return _Inflated(tuple(pieces), tuple(facts), message.further, message.history)


class _SoFar:
    """How far a message was read whose frames are not all there: it is read on as more of it comes."""

    def __init__(self, first: int, message: _Message) -> None:
        self.first: Final = first
        self.message: Final = message
        self._index = first
        self._fed = 0
        self._pieces: list[bytes] = []

    def is_beyond(self, index: int, count: int) -> bool:
        """Whether more was read already than so many octets of the frame of an index."""
        return (self._index, self._fed) > (index, count)

    def read_to(self, sent: Sequence[FrameUnit], index: int, octets: bytes) -> bytes:
        """Read the rest of the frames before the one of an index, then these octets of it; what comes out of it."""
        while self._index < index:
            frame = sent[self._index]
            if not is_control(frame.header.opcode):
                self._feed(frame.payload)
            self._index, self._fed, self._pieces = self._index + 1, 0, []
        self._feed(octets)
        return b"".join(self._pieces)

    def _feed(self, octets: bytes) -> None:
        self._pieces.append(self.message.take(octets[self._fed :], False))
        self._fed = len(octets)
