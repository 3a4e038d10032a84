"""Units: the heads and frames of one direction of a connection, cut once from its octets, and the end of TCP.

Theory of operation. Octets of one direction go into a :class:`Cutter`, in chunks of any size; units come out, each with
where it begins and ends. HTTP is half-duplex and its messages have no common frame: where one ends follows from its
head. So octets are cut head by head, a body is passed over where a head announces one, and everything behind an answer
with 101 is frames. A cutter of requests cannot see that answer: another cutter cuts the frames behind them
(``Cutter(start=...)``), or its owner says where frames are expected (:attr:`Cutter.expects_frames`).

:attr:`Cutter.rest` says where an incomplete unit begins, and :meth:`Cutter.begun` gives the known part of a frame.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias

from .deflate import DeflateFacts, DeflateFault
from .frames import MAX_HEADER_OCTETS, Header, decode_header
from .http import HEAD_LIMIT, Head, HeadParser, Malformed, ParsedHead, Request, Response
from .masking import mask
from .vocabulary import CLOSE, FORM_NAMES, OPCODE_NAMES, Role

SWITCHING: Final = 101

LARGEST_HEAD: Final = 1 << 20
"""Octets of a head that is read as such; of a larger one no more is looked at than of any that is too large."""

MOST_FRAMES: Final = 400_000
"""The most frames of one direction that are cut: each takes memory, however short it is."""

MOST_HEADS: Final = 1_000
"""The most heads of one direction that are cut: there is one, interim answers before it, and requests that are not
for this connection after a refusal."""

_new: Final = tuple.__new__
_END: Final = attrgetter("end")


class HeadUnit(NamedTuple):
    """A head of HTTP, or octets that are no head although one should stand there.

    ``end`` is after the octets that decide it. ``seen`` is where a reader that waits for the end of a head has it for
    certain: behind the empty line, None without one.
    """

    result: ParsedHead | Malformed
    start: int
    end: int
    seen: int | None

    @property
    def head(self) -> Head | None:
        """The head; None for octets that are no head."""
        return self.result.head if isinstance(self.result, ParsedHead) else None

    @property
    def interim(self) -> bool:
        """Whether this is a response that another one follows."""
        head = self.head
        return isinstance(head, Response) and head.status < 200 and head.status != SWITCHING

    @property
    def switches(self) -> bool:
        """Whether this is an answer with 101, behind which all is frames."""
        head = self.head
        return isinstance(head, Response) and head.status == SWITCHING


class FrameUnit(NamedTuple):
    """A frame: its header, its payload unmasked.

    Of a frame of a compressed message that was inflated (``model.octets.inflated_frames``) the payload is what comes
    out of it, and ``deflated`` what was measured of the message up to its end; None otherwise.
    """

    header: Header
    payload: bytes
    start: int
    end: int
    deflated: DeflateFacts | None = None

    def __str__(self) -> str:
        return describe(self.header, self.payload, self.deflated)


class EofUnit(NamedTuple):
    """The end of TCP, behind the last octet."""

    start: int = 0
    end: int = 0


Unit: TypeAlias = HeadUnit | FrameUnit | EofUnit


class BegunFrame(NamedTuple):
    """A frame that is not whole: where it begins, the first octets of it that are there, and its header if complete."""

    start: int
    octets: bytes
    header: Header | None


class Cutter:
    """Cuts the octets of one direction, from offset `start` on. ``reader`` reads them: heads first, of requests where
    that is a server; None where there are only frames.

    Frames that come where a head should are cut as frames. With ``heads_only`` they are no head, and what is behind a
    101 is read as heads too: a caller that knows better does not ask for them. `octets` are all so far, which several
    cutters may share; `units` are those that are whole, `frames` the frames among them, and `rest` is where what is not
    whole begins.
    """

    def __init__(
        self,
        reader: Role | None = None,
        *,
        heads_only: bool = False,
        octets: bytearray | None = None,
        start: int = 0,
    ) -> None:
        self.octets: Final = bytearray() if octets is None else octets
        self.units: Final[list[HeadUnit | FrameUnit]] = []
        self.frames: Final[list[FrameUnit]] = []
        self.rest = start
        self.expects_frames: int | None = None
        """Where a 101 had come the other way: from there on, octets with the second octet of a masked frame are one."""
        self.stale = False
        """A head that seemed too large has an end after all: a cutter that gets all octets at once sees it."""
        self.broken_off: Final[list[tuple[int, int]]] = []
        """Where units begin, and their octets end, whose rest never comes."""
        self._reader: Final = reader
        self._heads_only: Final = heads_only
        self._cut: Callable[[], bool] = self._frames if reader is None else self._head
        self._head_reader: HeadParser | None = None
        self._fed = start
        self._looked = start
        self._unseen = False
        self._ends: Final[list[int]] = []
        self._heads = 0
        self.cut()

    def add(self, octets: bytes) -> None:
        """More octets come, and are cut."""
        self.octets.extend(octets)
        self.cut()

    def break_off(self) -> None:
        """Whatever comes next is no part of a unit that is not whole, and of no body: a unit begins there."""
        end = len(self.octets)
        if self.rest < end and self._cut in (self._frames, self._head):
            self.broken_off.append((self.rest, end))
        if self._reader is not None and not any(isinstance(one, HeadUnit) and one.switches for one in self.units):
            self._cut, self._head_reader, self._unseen = self._head, None, False
        self.rest = end

    def cut(self, most: int | None = None) -> None:
        """Cut what there is; heads only until there are `most` of them, where a number is given."""
        first = len(self.units)
        if self._unseen:
            self._see()
        while (most is None or len(self.units) < most) and self._cut():
            pass
        self._ends.extend(map(_END, self.units[first:]))

    def whole(self, count: int) -> int:
        """How many units are whole when there are `count` octets."""
        return bisect_right(self._ends, count)

    def begun(self, count: int) -> BegunFrame | None:
        """The frame that is not whole when there are `count` octets; None between frames."""
        index = self.whole(count)
        start = self.units[index].start if index < len(self.units) else self.rest
        if start >= count:
            return None
        octets = bytes(self.octets[start : min(count, start + MAX_HEADER_OCTETS)])
        decoded = decode_header(octets)
        return BegunFrame(start, octets, None if decoded is None else decoded[0])

    @property
    def behind(self) -> int:
        """The offset after the last unit and its body; the end of all octets where that is not certain."""
        uncertain = self._cut in (self._chunks, self._endless, self._no_head)
        return max(self.rest, len(self.octets)) if uncertain else self.rest

    @property
    def full(self) -> bool:
        """Whether there are more frames than are cut."""
        return len(self.frames) >= MOST_FRAMES

    @property
    def full_of_heads(self) -> bool:
        """Whether there are more heads than are cut."""
        return self._heads >= MOST_HEADS

    @property
    def in_frames(self) -> bool:
        """Whether all that follows is cut as frames."""
        return self._cut == self._frames

    @property
    def in_head(self) -> bool:
        """Whether what is not whole is part of a head, or may be."""
        return self._cut == self._head and self._head_reader is not None

    # Each of the following cuts on from `rest` in its own way, and says whether another one may go on.

    def _frames(self) -> bool:
        first = len(self.frames)
        self.rest = _read_frames(self.octets, self.rest, self.frames, MOST_FRAMES)
        self.units.extend(self.frames[first:])
        return False

    def _head(self) -> bool:
        octets, start = self.octets, self.rest
        if start >= len(octets) or self.full_of_heads:
            return False
        if self._head_reader is None:
            begins_frame = False if self._heads_only else self._begins_frame(start)
            if begins_frame is not False:
                return bool(begins_frame) and self._one_frame()
            assert self._reader is not None
            self._head_reader, self._fed = HeadParser(self._reader), start
        upto = min(len(octets), start + HEAD_LIMIT)
        if upto > self._fed:
            self._head_reader.feed(bytes(octets[self._fed : upto]))
            self._fed = upto
        result = self._head_reader.result
        if result is None:
            return False
        self._head_reader = None
        if isinstance(result, Malformed) and result.too_large:
            # An endpoint need not have our limit: a head that has an end is a head.
            result = self._larger_head(start) or result
        if isinstance(result, ParsedHead) and result.rest:
            result = replace(result, rest=b"")  # what follows is cut here
        end = self.rest = start + len(result.octets)
        unit = HeadUnit(result, start, end, end if isinstance(result, ParsedHead) else None)
        self.units.append(unit)
        self._heads += 1
        if isinstance(result, Malformed):
            # Octets that are no head end, for a client, with the octet that shows that.
            reads_on = self._heads_only and self._reader is Role.CLIENT
            self._looked, self._unseen = start, self._heads_only
            self._cut = self._head if reads_on else self._no_head if self._heads_only else self._frames
            if self._unseen:
                self._see()
        elif not unit.switches:
            self._cut = self._body_of(result.head)
        elif not self._heads_only:
            self._cut = self._frames
        if self._cut != self._head:
            self._cut()
        return True

    def _larger_head(self, start: int) -> ParsedHead | None:
        assert self._reader is not None
        reader = HeadParser(self._reader, LARGEST_HEAD)
        reader.feed(bytes(self.octets[start : start + LARGEST_HEAD]))
        return reader.result if isinstance(reader.result, ParsedHead) else None

    def _begins_frame(self, at: int) -> bool | None:
        """Whether the octets there are those of a frame and not of a head, be it malformed; None: not certain yet."""
        first = self.octets[at]
        if first >= 0x80 or (first < 0x10 and first not in b"\r\n"):
            return True
        if self.expects_frames is None or at < self.expects_frames:
            return False
        return self.octets[at + 1] >= 0x80 if at + 1 < len(self.octets) else None

    def _one_frame(self) -> bool:
        decoded = decode_header(self.octets, self.rest)
        if decoded is None or decoded[1] + decoded[0].length > len(self.octets):
            return False
        header, body = decoded
        payload = bytes(self.octets[body : body + header.length])
        unmasked = payload if header.key is None else mask(payload, header.key)
        unit = FrameUnit(header, unmasked, self.rest, body + header.length)
        self.units.append(unit)
        self.frames.append(unit)
        self.rest = unit.end
        return True

    def _see(self) -> None:
        """Look for the empty line behind the latest unit, which is no head."""
        lost = self.units[-1]
        assert isinstance(lost, HeadUnit) and isinstance(lost.result, Malformed)
        begins = lost.end - len(lost.result.octets.lstrip(b"\r\n"))  # empty lines before it end no head
        empty_line = _EMPTY_LINE.search(self.octets, max(self._looked, begins), lost.start + LARGEST_HEAD)
        self._looked = len(self.octets) - _LONGEST_EMPTY_LINE
        if empty_line is not None:
            self._unseen = False
            self.stale |= lost.result.too_large and self._larger_head(lost.start) is not None
            self.units[-1] = lost._replace(seen=max(empty_line.end(), lost.end))

    def _no_head(self) -> bool:
        """A server that reads on after octets that are no head does so behind the empty line."""
        seen = self.units[-1].seen if isinstance(self.units[-1], HeadUnit) else None
        if seen is None:
            return False
        self.rest, self._cut = seen, self._head
        return True

    def _body_of(self, head: Head) -> Callable[[], bool]:
        """How to pass over the body that a head announces (RFC 9112, section 6.3)."""
        if not isinstance(head, Request) and (head.status < 200 or head.status in (204, 304)):
            return self._head
        if head.values("Transfer-Encoding"):
            return self._chunks
        lengths = head.values("Content-Length")
        if lengths:
            length = lengths[0].split(",")[0].strip(" \t").lstrip("0")
            if len(length) >= _MANY_DIGITS:
                return self._endless
            self.rest += int(length or "0")
            return self._head
        return self._head if isinstance(head, Request) else self._endless

    def _chunks(self) -> bool:
        while (size := _CHUNK.match(self.octets, self.rest)) is not None:
            octets = int(size[1], 16)
            if not octets:
                end = _TRAILERS.match(self.octets, size.end())
                if end is None:
                    return False
                self.rest, self._cut = end.end(), self._head
                return True
            self.rest = size.end() + octets + 2
        return False

    def _endless(self) -> bool:
        """A body that ends with TCP."""
        self.rest = len(self.octets)
        return False


_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
_LONGEST_EMPTY_LINE: Final = 3
_MANY_DIGITS: Final = 16
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[^\n]*\n")
_TRAILERS: Final = re.compile(rb"(?:[^\r\n][^\n]*\n)*\r?\n")


def _read_frames(octets: bytes | bytearray, at: int, found: list[FrameUnit], most: int) -> int:
    """Append the whole frames of a stream from an offset on, until there are `most`; the offset of what follows them.

    A short frame that is the same as the one before it, to the last octet, shares its header and its payload.
    """
    size = len(octets)
    while len(found) < most and (decoded := decode_header(octets, at)) is not None:
        header, body = decoded
        end = body + header.length
        if end > size:
            break
        # A view: a slice of a bytearray would be one copy more.
        payload = bytes(memoryview(octets)[body:end])
        if header.key is not None:
            payload = mask(payload, header.key)
        found.append(_new(FrameUnit, (header, payload, at, end, None)))
        length = end - at
        if length <= _SHORT:
            again = bytes(octets[at:end])
            at = end
            while len(found) < most and octets[at : at + length] == again:
                end = at + length
                found.append(_new(FrameUnit, (header, payload, at, end, None)))
                at = end
        at = end
    return at


_SHORT: Final = 4096
"""Octets of a frame up to which the next one is compared with it."""


def frames_in(octets: bytes) -> tuple[tuple[FrameUnit, ...], int]:
    """The whole frames at the beginning of a stream of frames, and the offset of what follows them."""
    found: list[FrameUnit] = []
    rest = _read_frames(octets, 0, found, len(octets))
    return tuple(found), rest


# --- words ----------------------------------------------------------------------------------------------------------

_SHOWN: Final = 40
"""Octets of a payload that are shown to people."""


def describe(header: Header, payload: bytes | None, deflated: DeflateFacts | None = None) -> str:
    """A frame in words, such as ``ping fin masked: 'a'``; without the payload only what the header says.

    With ``deflated`` the frame is part of a compressed message, and the payload is what comes out of it.
    """
    words = [OPCODE_NAMES[header.opcode], "fin" if header.fin else "more"]
    words += [name for name in ("rsv1", "rsv2", "rsv3") if getattr(header, name)]
    words += ["masked"] if header.masked else []
    words += [] if header.minimal else [f"length in {FORM_NAMES[header.form]} bits"]
    if deflated is not None:
        words.append("compressed" if deflated.fault is DeflateFault.NONE else f"compressed ({deflated.fault.value})")
    if payload is None:
        return " ".join(words) + f": {header.length} octets declared"
    if header.opcode == CLOSE and len(payload) > 1:
        code, reason = int.from_bytes(payload[:2], "big"), payload[2:]
        return " ".join(words) + f": {code}" + (f" {shown(reason)}" if reason else "")
    return " ".join(words) + f": {shown(payload)}"


def shown(payload: bytes) -> str:
    """Octets for people: as text where they are text, else in hex; long ones are cut."""
    cut = payload[:_SHOWN]
    try:
        text = repr(cut.decode("ascii"))
    except UnicodeDecodeError:
        text = cut.hex()
    return text if len(payload) <= _SHOWN else f"{text}... ({len(payload)} octets)"
