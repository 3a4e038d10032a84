"""For each case that an endpoint may pass without having processed anything: the nearest that it cannot pass so.

Theory of operation. Where the stimulus makes a conforming endpoint fail or close the connection, its end alone can be
all that is seen, and an endpoint that ends every connection would look right. Such a case counts only beside one that
must be answered, which the canonical endpoint decides (`canonical.must_be_answered`). The nearest control is the one
whose frames differ least, among those that need no more of an endpoint than the case does itself (:func:`needs`):
otherwise a weakness that the case is not about would take the case away.
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import Enum, auto
from operator import ne
from typing import Final, NamedTuple

from wsoracle.model.octets.deflate import DeflateTracer
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, PING, PONG, TEXT, Frame, is_control

from .canonical import must_be_answered
from .case import Case
from .steps import SendFrame, SendOctets
from .words import MANY

LONG: Final = 1 << 17
"""Octets of all payloads from which on a case is a burden, and no control."""


class Need(Enum):
    """What a stimulus asks of an endpoint beyond a text message in one frame, of printable ASCII and not empty."""

    EMPTY = auto()
    AMID_FRAGMENTS = auto()
    PING = auto()
    PONG = auto()
    BINARY = auto()
    FRAGMENTS = auto()
    SPLIT_CODE_POINT = auto()
    NO_TEXT_IN_CONTROL = auto()
    NOT_ASCII = auto()
    UNPRINTABLE = auto()
    SHORT_WRITES = auto()
    LENGTH_FORM = auto()
    COMPRESSED = auto()
    FINAL_BLOCK = auto()


_NEVER: Final = frozenset((Need.EMPTY, Need.AMID_FRAGMENTS, Need.UNPRINTABLE, Need.FINAL_BLOCK))
"""What no control asks for: cases of their own are about empty messages, control frames amid fragments, NUL, and blocks
of DEFLATE with BFINAL = 1."""


_MESSAGE: Final = {TEXT, BINARY}
_CONTROL_FRAMES: Final = {PING: (Need.PING,), PONG: (Need.PONG,)}


def needs(case: Case) -> frozenset[Need]:
    """What a stimulus asks of an endpoint beyond a plain text message."""
    found: set[Need] = set()
    text = _Text(compressed=case.compression is not None)
    for action in case.actions:
        if isinstance(action, SendOctets):
            found.add(Need.SHORT_WRITES)
        elif isinstance(action, SendFrame):
            found.update(_of_any_frame(action))
            if is_control(action.frame.opcode):
                found.update(_of_control_frame(action, amid=text.amid))
            else:
                found.update(text.take(action))
    return frozenset(found)


def _of_any_frame(action: SendFrame) -> Iterator[Need]:
    frame = action.frame
    if action.chop is not None or action.cut is not None:
        yield Need.SHORT_WRITES
    if frame.form is not None:
        yield Need.LENGTH_FORM
    if not action.size and (frame.opcode == PING or not is_control(frame.opcode)):
        yield Need.EMPTY


def _of_control_frame(action: SendFrame, *, amid: bool) -> Iterator[Need]:
    frame = action.frame
    yield from _CONTROL_FRAMES.get(frame.opcode, ())
    if amid:
        yield Need.AMID_FRAGMENTS
    if frame.opcode in _CONTROL_FRAMES and not frame.payload.isascii():
        yield Need.NO_TEXT_IN_CONTROL


class _Text:
    """The message in progress: whether it is text that can be read as it stands, and whether fragments of it are still
    to come (``amid``)."""

    def __init__(self, *, compressed: bool) -> None:
        self.amid = False
        self._may_be_compressed = compressed
        self._is_compressed = False
        self._tracer = DeflateTracer()
        self._is_text = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take(self, action: SendFrame) -> Iterator[Need]:
        """What the next data frame asks for."""
        frame = action.frame
        self.amid = not frame.fin
        if frame.opcode != CONTINUATION:
            self._is_compressed = self._may_be_compressed and frame.rsv1
            self._is_text = frame.opcode == TEXT and not self._is_compressed
            self._decoder.reset()
        if self._is_compressed:
            yield from self._of_deflate(frame)
        if frame.opcode == BINARY:
            yield Need.BINARY
        if frame.opcode == CONTINUATION or not frame.fin:
            yield Need.FRAGMENTS
        if self._is_text and not frame.payload.isascii():
            yield Need.NOT_ASCII
            self._decoder.decode(action.payload)
            if not frame.fin and self._decoder.getstate()[0]:
                yield Need.SPLIT_CODE_POINT
        elif self._is_text and not frame.payload.decode("ascii").isprintable():
            yield Need.UNPRINTABLE

    def _of_deflate(self, frame: Frame) -> Iterator[Need]:
        yield Need.COMPRESSED
        self._tracer.feed(frame.payload)
        if frame.fin:
            self._tracer.end()
            if not self._tracer.facts.length:
                yield Need.EMPTY
        if self._tracer.facts.final:
            yield Need.FINAL_BLOCK


def with_nearest_controls(cases: Iterable[Case], others: Iterable[Case] = ()) -> tuple[Case, ...]:
    """The cases, each that need not be answered with the id of the nearest that must be.

    ``others`` are cases that may be controls too.
    """
    every = tuple(cases)
    candidates: _Candidates = {}
    nearest: dict[tuple[_Shape, frozenset[Need], bool], str | None] = {}
    positive = set()
    for case in (*others, *every):
        if not must_be_answered(case):
            continue
        positive.add(case.id)
        if len(case.actions) <= MANY and case.size < LONG and not _NEVER & needs(case):
            candidates.setdefault(_shape(case), (case.id, needs(case)))
    found = []
    for case in every:
        if case.id not in positive:
            alike = shape, needed, agreed = _shape(case), needs(case), case.compression is not None
            if alike not in nearest:
                found_for = _nearest(shape, needed, candidates)
                if found_for is None and agreed:
                    found_for = _nearest(shape, needed | {Need.COMPRESSED}, candidates)
                nearest[alike] = found_for
            if nearest[alike] is not None:
                case = replace(case, control=nearest[alike])
        found.append(case)
    return tuple(found)


def _nearest(shape: _Shape, needed: frozenset[Need], candidates: _Candidates) -> str | None:
    """The id of the nearest candidate that needs no more than this; None where there is none."""
    # What becomes of messages is told by a message.
    tells = bool(_MESSAGE & set(shape.order))
    fit = [
        one for one, (_, asked) in candidates.items() if asked <= needed and (not tells or _MESSAGE & set(one.order))
    ]
    if Need.COMPRESSED in needed:  # what becomes of compressed messages is told by one of them
        fit = [one for one in fit if Need.COMPRESSED in candidates[one][1]] or fit
    return candidates[min(fit, key=lambda one: distance(shape, one))][0] if fit else None


class _Shape(NamedTuple):
    """The shape of the frames of a case: how many of each kind, in how many fragments, how long, in what writes.

    `order` are the opcodes of the first frames, and `controls` counts the control frames among them.
    """

    opcodes: tuple[tuple[int, int], ...]
    octets: int
    chopped: bool
    order: tuple[int, ...]
    controls: int


_Candidates = dict[_Shape, tuple[str, frozenset[Need]]]
"""Ids of cases that may be controls, and what they need, by their shapes."""


def _shape(case: Case) -> _Shape:
    sent = [action for action in case.actions if isinstance(action, SendFrame)]
    counts = Counter(action.frame.opcode for action in sent)
    octets = sum(action.size for action in sent)
    chopped = any(action.chop is not None for action in sent) or any(isinstance(a, SendOctets) for a in case.actions)
    order = tuple(action.frame.opcode for action in sent[:8])
    return _Shape(tuple(sorted(counts.items())), octets, chopped, order, sum(map(is_control, order)))


def distance(one: _Shape, other: _Shape) -> tuple[float, int]:
    """How much two cases differ: in frames of each opcode and kind, in order, in octets (each doubling), in writes."""
    others = dict(other.opcodes)
    frames = sum([min(abs(count - others.pop(opcode, 0)), 10) for opcode, count in one.opcodes])
    frames += sum([min(count, 10) for count in others.values()])
    order = sum(map(ne, one.order, other.order))
    kinds = abs(one.controls - other.controls)
    doublings = abs((one.octets + 1).bit_length() - (other.octets + 1).bit_length())
    return frames * 2 + order + kinds * 4 + doublings + (one.chopped is not other.chopped) / 2, abs(
        one.octets - other.octets
    )
