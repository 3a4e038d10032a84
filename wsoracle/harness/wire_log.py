"""One direction of a connection as heads and frames with their times: for people, and for statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from wsoracle.model.octets.frames import Header, decode_header
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.units import Cutter
from wsoracle.model.octets.vocabulary import CLOSE

__all__ = ["SHOWN", "Direction", "FrameSeen", "HeadSeen"]

SHOWN: Final = 64
"""Octets of a write, a read or a payload that are kept for people."""

_EMPTY_LINE: Final = b"\r\n\r\n"
_LONGEST_HEAD: Final = 64 * 1024


class HeadSeen(NamedTuple):
    """A head of HTTP, or what stands where one should; `start` counts octets of this direction."""

    at: float
    octets: bytes
    start: int
    size: int


class FrameSeen(NamedTuple):
    """A frame: its header, the first octets of its payload (unmasked), and whether all of it was seen."""

    at: float
    header: Header
    payload: bytes
    start: int
    size: int
    whole: bool


class Direction:
    """One direction. ``heads``: how many heads come before the frames, interim answers aside.

    Of more than ``most`` frames only Close frames and the one with the octet ``keep`` in it are given; `left_out`
    counts the others. With ``stops`` nothing is read behind them: `stopped` is where.
    """

    def __init__(self, heads: int, most: int, *, stops: bool = False, keep: int | None = None) -> None:
        self.stopped: int | None = None
        self.left_out = 0
        self.octets = 0
        self.chops: Final[Counter[int]] = Counter()
        self.opcodes: Final[Counter[int]] = Counter()
        self.head = b""
        self._heads = heads
        self._most = most
        self._stops: Final = stops
        self._keep: Final = -1 if keep is None else keep
        self._read: Final = bytearray()
        self._frames_from = 0
        self._cutter: Cutter | None = None
        self._latest = 0.0
        self._begun = (-1, 0.0)  # where the header of a frame that is not whole begins, and when it was complete

    def take(self, at: float, octets: bytes, chop: int | None = None) -> Iterator[HeadSeen | FrameSeen]:
        """A read, a write, or writes of at most ``chop`` octets each; the heads and frames that it completes."""
        if chop is None:
            self.chops[len(octets)] += 1
        else:
            pieces, last = divmod(len(octets), chop)
            self.chops.update({size: count for size, count in ((chop, pieces), (last, 1)) if size and count})
        self.octets += len(octets)
        if self.stopped is not None:
            return
        self._latest = at
        self._read.extend(octets)
        while self._heads:
            place = self._frames_from
            end = self._read.find(_EMPTY_LINE, place)
            if end < 0 and len(self._read) - place <= _LONGEST_HEAD:
                return
            self._frames_from = end + len(_EMPTY_LINE) if end >= 0 else len(self._read)
            self.head = bytes(self._read[place : self._frames_from])
            interim = self.head.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")) and self.head[8:13] != b" 101 "
            self._heads -= not interim
            yield HeadSeen(at, self.head, place, self._frames_from - place)
        yield from self._cut(at)

    def _cut(self, at: float) -> Iterator[FrameSeen]:
        if self._cutter is None:
            self._cutter, count = Cutter(octets=self._read, start=self._frames_from), 0
        else:
            count = len(self._cutter.frames)
            self._cutter.cut()
        for frame in self._cutter.frames[count:]:
            opcode = frame.header.opcode
            self.opcodes[opcode] += 1
            if self._stops and self._most <= 0:
                self.stopped = frame.end
                return
            if self._most > 0 or opcode == CLOSE or frame.start <= self._keep < frame.end:
                self._most -= 1
                yield FrameSeen(
                    at, frame.header, frame.payload[: SHOWN + 1], frame.start, frame.end - frame.start, True
                )
            else:
                self.left_out += 1
        start = self._cutter.rest
        if start < len(self._read) and start != self._begun[0] and decode_header(self._read, start) is not None:
            self._begun = start, at

    def unfinished(self) -> HeadSeen | FrameSeen | None:
        """The unit that is not complete at the end, if any; its time is that of its header, or of the last octets."""
        size = len(self._read)
        start = self._frames_from if self._cutter is None else self._cutter.rest
        if start >= size or self.stopped is not None:
            return None
        decoded = None if self._cutter is None else decode_header(self._read, start)
        if decoded is None:
            return HeadSeen(self._latest, bytes(self._read[start:]), start, size - start)
        header, body = decoded
        payload = bytes(self._read[body : body + SHOWN + 1])
        shown = payload if header.key is None else mask(payload, header.key)
        return FrameSeen(self._begun[1], header, shown, start, size - start, False)

    @property
    def in_head(self) -> bool:
        """Whether the next octets belong to a head."""
        return self._heads > 0
