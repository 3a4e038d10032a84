"""What crossed the wire in one direction, as heads and frames with their times: for people, and for statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from wsoracle.model.octets.frames import Header, decode_header
from wsoracle.model.octets.masking import mask
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
    """One direction. ``heads``: how many heads come before the frames; interim answers are heads too.

    Of more than ``most`` frames only Close frames and the one with the octet ``keep`` in it are given; `left_out`
    counts the others. With ``stops`` what follows them is not looked at: `stopped` is where.
    """

    def __init__(self, heads: int, most: int, *, stops: bool = False, keep: int | None = None) -> None:
        self.stopped: int | None = None
        self._stops = stops
        self._keep = -1 if keep is None else keep
        self.left_out = 0
        self._most = most
        self.octets = 0
        self.chops: Final[Counter[int]] = Counter()
        self.opcodes: Final[Counter[int]] = Counter()
        self.head = b""
        self._heads = heads
        self._rest = b""
        self._rest_at = 0.0
        self._header: Header | None = None
        self._begun = 0.0
        self._start = 0
        self._body = 0  # octets of the header
        self._payload = b""
        self._left = 0

    def take(self, at: float, octets: bytes, chop: int | None = None) -> Iterator[HeadSeen | FrameSeen]:
        """A read, a write, or writes of at most ``chop`` octets each; the heads and frames that it completes."""
        if chop is None:
            self.chops[len(octets)] += 1
        else:
            pieces, last = divmod(len(octets), chop)
            self.chops.update({size: count for size, count in ((chop, pieces), (last, 1)) if size and count})
        yield from self._read(at, octets)

    def _read(self, at: float, octets: bytes) -> Iterator[HeadSeen | FrameSeen]:
        before = self.octets - len(self._rest)
        self.octets += len(octets)
        if self.stopped is not None:
            return
        data = self._rest + octets if self._rest else octets
        place = 0
        while self._heads:
            end = data.find(_EMPTY_LINE, place)
            if end < 0 and len(data) - place <= _LONGEST_HEAD:
                self._rest, self._rest_at = data[place:], at
                return
            behind = end + len(_EMPTY_LINE) if end >= 0 else len(data)
            self.head = data[place:behind]
            interim = self.head.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")) and self.head[8:13] != b" 101 "
            self._heads -= not interim
            yield HeadSeen(at, self.head, before + place, behind - place)
            place = behind
        while place < len(data):
            if self._header is None:
                found = decode_header(data, place)
                if found is None:
                    break
                self._header, body = found
                self._start, self._begun, self._body = before + place, at, body - place
                self._payload, self._left = b"", self._header.length
                place = body
            part = min(self._left, len(data) - place)
            missing = SHOWN + 1 - len(self._payload)
            if missing > 0 and part:
                self._payload += data[place : place + min(part, missing)]
            place += part
            self._left -= part
            if self._left:
                break
            self.opcodes[self._header.opcode] += 1
            if self._stops and self._most <= 0:
                self.stopped = before + place
                self._header, self._rest = None, b""
                return
            if self._most > 0 or self._header.opcode == CLOSE or self._start <= self._keep < before + place:
                self._most -= 1
                yield self._seen(self._header, at, True)
            else:
                self.left_out += 1
            self._header = None
        self._rest, self._rest_at = data[place:], at

    def unfinished(self) -> HeadSeen | FrameSeen | None:
        """What is not complete at the end, if anything; its time is that of its first octets, or of a head's last."""
        if self._header is not None:
            return self._seen(self._header, self._begun, False)
        if not self._rest:
            return None
        return HeadSeen(self._rest_at, self._rest, self.octets - len(self._rest), len(self._rest))

    @property
    def in_head(self) -> bool:
        """Whether what comes next belongs to a head."""
        return self._heads > 0

    def _seen(self, header: Header, at: float, whole: bool) -> FrameSeen:
        payload = self._payload if header.key is None else mask(self._payload, header.key)
        return FrameSeen(at, header, payload, self._start, self._body + header.length - self._left, whole)
