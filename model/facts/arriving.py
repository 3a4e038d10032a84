"""The frames that have arrived at an endpoint by some moment: whole frames, and the known facts of an incomplete one.

A receiver that fails the connection need not wait for the rest of a frame: the facts that are certain already can
decide (its header, text that can no longer become valid, the code of a Close). :meth:`ArrivingFrames.partial` gives the
certain facts, and for an incomplete header the headers that it may still become.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from ..notation.variables import HEADER_VARIABLES, EventKind, FrameFacts, State
from ..octets import utf8
from ..octets.frames import FIXED_OCTETS, LENGTH_FORMS, Header, capacity, marker_range, unpack_fixed, unpack_length
from ..octets.inflated_frames import NOTHING_READ, AgreedDirection, InflatedFrames, Progress
from ..octets.masking import mask
from ..octets.units import Cutter, FrameUnit
from ..octets.vocabulary import CLOSE, FORMS, PING
from .frames import facts_of_header, facts_of_unit, inflated_so_far, text_before


class Partial(NamedTuple):
    """The certain facts of a frame that has not arrived in full: they are one of the `cases`, as far as `known` goes.

    There is one case where the header is complete (``whole_header``), its masking key included.
    """

    cases: tuple[FrameFacts, ...]
    known: frozenset[str]
    whole_header: bool = False


class ArrivingFrames:
    """The frames that arrive at an endpoint, in `octets` from offset ``start`` on: `frames` are those that are whole.

    The octets belong to the caller, who calls :meth:`cut` after adding to them. ``agreed``: permessage-deflate as it is
    agreed on for this direction, so that the frames are inflated, behind messages read ``before``; None without it.
    """

    def __init__(
        self,
        octets: bytearray,
        start: int = 0,
        agreed: AgreedDirection | None = None,
        before: Progress = NOTHING_READ,
    ) -> None:
        self.octets: Final = octets
        self.start: Final = start
        self._cutter: Final = Cutter(octets=octets, start=start)
        self._inflated: Final = None if agreed is None else InflatedFrames(agreed, before)
        self.frames: Final = self._cutter.frames if self._inflated is None else self._inflated.frames
        self._inflate()
        self._pings: Final[dict[bytes, list[int]]] = {}
        """The indices of the Pings with a payload, in order."""
        self._closes: Final[list[int]] = []
        """The indices of the Close frames, in order."""
        self._facts: Final[dict[tuple[int, int | None], FrameFacts]] = {}
        self._of_headers: Final[dict[tuple[int, ...], FrameFacts]] = {}
        self._texts: Final[dict[tuple[int, int], tuple[int, int]]] = {}
        self._index(0)

    def cut(self) -> None:
        """Cut what has been added to the octets."""
        before = len(self.frames)
        self._cutter.cut()
        self._inflate()
        self._index(before)

    def _inflate(self) -> None:
        if self._inflated is not None:
            self._inflated.take_all(self._cutter.frames[len(self.frames) :])

    def _index(self, first: int) -> None:
        for index, frame in enumerate(self.frames[first:], first):
            if frame.header.opcode == PING:
                self._pings.setdefault(frame.payload, []).append(index)
            elif frame.header.opcode == CLOSE:
                self._closes.append(index)

    def ping(self, payload: bytes, number: int, count: int) -> int | None:
        """The index of a Ping with this payload, of which `number` came before it; None where it is not whole yet.

        `count` octets have arrived.
        """
        indices = self._pings.get(payload, ())
        index = indices[number] if number < len(indices) else None
        return None if index is None or self.frames[index].end > count else index

    def closes(self, first: int, behind: int) -> list[FrameUnit]:
        """The Close frames from an index on and before another."""
        return [
            self.frames[i] for i in self._closes[bisect_left(self._closes, first) : bisect_left(self._closes, behind)]
        ]

    def beginning(self, index: int) -> FrameUnit | None:
        """A frame by its index; of the one that is not whole what is there of it, None without its whole header."""
        if index < len(self.frames):
            return self.frames[index]
        begun = self._cutter.begun(len(self.octets))
        if begun is None or begun.header is None:
            return None
        body = begun.start + begun.header.size
        payload = self._payload(begun.header, body, body, len(self.octets))
        inflated = self._inflated_so_far(begun.start, begun.header, payload)
        unit = FrameUnit(begun.header, payload, begun.start, body)
        return unit if inflated is None else unit._replace(payload=inflated.payload, deflated=inflated.deflated)

    def _inflated_so_far(self, start: int, header: Header, payload: bytes) -> FrameUnit | None:
        """What there is of a frame of a compressed message, inflated."""
        return None if self._inflated is None else self._inflated.so_far(self._cutter.whole(start), header, payload)

    @property
    def progress(self) -> Progress:
        """How far compressed messages were read."""
        return NOTHING_READ if self._inflated is None else self._inflated.progress

    @property
    def exceeded(self) -> bool:
        """Whether more would come out of compressed messages than is read."""
        return self._inflated is not None and self._inflated.exceeded

    @property
    def full(self) -> bool:
        """Whether there are so many frames that what follows is not cut any more."""
        return self._cutter.full

    def whole(self, count: int) -> int:
        """How many frames are whole when `count` octets have arrived."""
        return self._cutter.whole(count)

    def facts(self, index: int, state: State) -> FrameFacts:
        """The facts of a whole frame for an endpoint in a state."""
        header, payload, _, _, measured = self.frames[index]
        before = text_before(header.opcode, state, EventKind.RECEIVE)
        if before is None and header.opcode != CLOSE and measured is None:
            # The payload does not matter: frames with the same header share their facts.
            fields = header[:-1]
            facts = self._of_headers.get(fields)
            if facts is None:
                facts = self._of_headers[fields] = facts_of_header(header)
            return facts
        key = index, before
        facts = self._facts.get(key)
        if facts is None:
            # In long runs of fragments that are all the same (see read_frames) the facts are too.
            last = self.frames[index - 1]
            if index and last.payload is payload and last.header is header and measured is None:
                facts = self._facts.get((index - 1, before))
            facts = self._facts[key] = facts or facts_of_unit(self.frames[index], before)
        return facts

    def partial(self, count: int, state: State, lengths: Collection[int]) -> Partial | None:
        """The certain facts of the incomplete frame when `count` octets have arrived; None between frames.

        `lengths` are those that stand for all others, in ascending order, where the length is not there yet.
        """
        begun = self._cutter.begun(count)
        if begun is None:
            return None
        if begun.header is None:
            return Partial(_cases(begun.octets, lengths), HEADER_VARIABLES)
        return self._of_payload(begun.start, begun.header, begun.start + begun.header.size, count, state)

    def _of_payload(self, start: int, header: Header, body: int, count: int, state: State) -> Partial:
        facts, known = facts_of_header(header), HEADER_VARIABLES
        before = text_before(header.opcode, state, EventKind.RECEIVE)
        inflated = None
        if self._inflated is not None:
            inflated = self._inflated_so_far(start, header, self._payload(header, body, body, max(body, count)))
        if inflated is not None:
            facts, known = inflated_so_far(inflated, before)
        elif before is not None:
            if self._text(start, header, body, count, before) == utf8.REJECT:
                facts, known = facts._replace(utf8_next=utf8.REJECT), known | {"utf8_next"}
        elif header.opcode == CLOSE and count - body >= 2:
            payload = self._payload(header, body, body, count)
            facts, known = facts._replace(code=int.from_bytes(payload[:2], "big")), known | {"code"}
            if utf8.run(payload[2:]) == utf8.REJECT:
                facts, known = facts._replace(reason_ok=False), known | {"reason_ok"}
        return Partial((facts,), known, True)

    def _text(self, start: int, header: Header, body: int, count: int, before: int) -> int:
        """The state of the automaton after the payload so far; no octet is read twice."""
        done, at = self._texts.get((start, before), (body, before))
        if done > count:
            done, at = body, before
        at = utf8.run(self._payload(header, body, done, count), at)
        self._texts[start, before] = count, at
        return at

    def _payload(self, header: Header, body: int, first: int, last: int) -> bytes:
        octets = bytes(self.octets[first:last])
        return octets if header.key is None else mask(octets, header.key, first - body)


def _cases(octets: bytes, lengths: Collection[int]) -> tuple[FrameFacts, ...]:
    """The headers that an incomplete header of at least one octet may become."""
    fields = unpack_fixed((octets[0], octets[1] if len(octets) >= FIXED_OCTETS else 0))
    flags = {name: bool(fields[name]) for name in ("fin", "rsv1", "rsv2", "rsv3")}
    facts = FrameFacts(fields["opcode"], **flags)
    forms: tuple[int, ...] = FORMS
    masked: tuple[bool, ...] = (False, True)
    extended = b""
    if len(octets) >= FIXED_OCTETS:
        forms = tuple(f for f in FORMS if marker_range(f)[0] <= fields["length"] <= marker_range(f)[1])
        masked = (bool(fields["masked"]),)
        extended = octets[FIXED_OCTETS:]
    return tuple(
        facts._replace(form=form, length=length, masked=mask_bit)
        for form in forms
        for length in _lengths(form, fields["length"], extended, len(octets) >= FIXED_OCTETS, lengths)
        for mask_bit in masked
    )


def _lengths(form: int, field: int, extended: bytes, announced: bool, lengths: Collection[int]) -> Iterator[int]:
    """The lengths that a header of this form may declare, given the octets of extended length that are there."""
    row = LENGTH_FORMS[form]
    missing = row.extended - len(extended)
    if announced and missing <= 0:
        yield unpack_length(form, field, extended[: row.extended])
        return
    lowest, highest = 0, capacity(form)
    if extended:
        lowest = int.from_bytes(extended, "big") << 8 * missing
        highest = lowest + (1 << 8 * missing) - 1
    yield from sorted({lowest, highest, *(length for length in lengths if lowest <= length <= highest)})
