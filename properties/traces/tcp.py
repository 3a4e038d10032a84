"""TCP connections put together from captured segments: what each end sent, in an order in which it can have happened.

Theory of operation. A capture shows segments as they passed one place on their way. Of each end the octets are put in
the order of their sequence numbers (which wrap), each octet once: retransmissions and overlaps are laid over each
other, what comes too early waits. The end of a direction (FIN) stands behind its last octet, wherever it is captured.

Order between the two ends follows from what they acknowledge: a segment comes after all that it acknowledges, since
its sender had received that, and depends on nothing else. So it waits until that was seen; among what does not wait,
the order of the file counts. What waits for ever shows that segments are missing: the connection is known up to there,
and `cut` says why it ends. So it is where an octet was sent twice with different values, since which of them the
receiver took is not shown. A part of what happened is itself something that happened: nothing is made up.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple, TypeAlias

from .packets import Segment, Side

_WRAP: Final = 1 << 32


class TcpEnd(Enum):
    """How an end of a connection ends its direction."""

    FIN = "FIN"
    RST = "RST"


class Passed(NamedTuple):
    """What passed on a connection: octets, or the end of a direction; by the first of the two ends or by the second."""

    first: bool
    what: bytes | TcpEnd
    time: float


class _Piece(NamedTuple):
    """Octets, or an end, that begin at an offset; they are passed on once the other end has sent `needs` octets."""

    at: int
    what: bytes | TcpEnd
    needs: int
    number: int
    time: float

    @property
    def end(self) -> int:
        return self.at + (len(self.what) if isinstance(self.what, bytes) else 0)


class _Direction:
    """What one end sends: the octets passed on, and pieces that wait, each octet in one of them."""

    def __init__(self) -> None:
        self.base: int | None = None
        self.passed: Final = bytearray()
        self.waiting: Final[list[_Piece]] = []
        self.fin: int | None = None
        """Where it ends."""
        self.fin_passed = False
        self.begins = False
        """Whether its beginning (SYN) was captured."""
        self.differs: int | None = None
        """The first octet that was sent with two values."""
        self.highest = 0
        """Behind the last octet that was seen on the wire, whether captured or not."""

    def offset(self, seq: int) -> int:
        """Where a sequence number lies: the offset that is nearest to what was passed on."""
        assert self.base is not None
        near = len(self.passed)
        return near + ((seq - self.base - near + _WRAP // 2) % _WRAP) - _WRAP // 2

    @property
    def acknowledgeable(self) -> int:
        """The number of octets passed on, and one for the end of the direction."""
        return len(self.passed) + self.fin_passed

    def add(self, piece: _Piece) -> None:
        """Lay octets over those that are known; what is new of them waits."""
        octets = piece.what
        assert isinstance(octets, bytes)
        if piece.at < len(self.passed):
            known = min(len(self.passed), piece.end)
            begins = max(piece.at, 0)
            probe = len(octets) == 1 and piece.end == len(self.passed)  # a keep-alive may have any octet there
            if not probe:
                self._compare(bytes(self.passed[begins:known]), octets[begins - piece.at : known - piece.at], begins)
            octets = octets[known - piece.at :]
            piece = piece._replace(at=known, what=octets)
        index = bisect_left(self.waiting, piece.at, key=lambda one: one.end)
        while octets:
            other = self.waiting[index] if index < len(self.waiting) else None
            if other is None or piece.end <= other.at or not isinstance(other.what, bytes):
                self.waiting.insert(index, piece._replace(what=octets))
                return
            if piece.at < other.at:
                free = other.at - piece.at
                self.waiting.insert(index, piece._replace(what=octets[:free]))
                index += 1
                octets, piece = octets[free:], piece._replace(at=other.at, what=octets[free:])
            both = max(min(piece.end, other.end) - piece.at, 0)
            start = piece.at - other.at
            if start >= 0 and both:
                self._compare(other.what[start : start + both], octets[:both], piece.at)
            octets, piece = octets[both:], piece._replace(at=piece.at + both, what=octets[both:])
            index += 1

    def _compare(self, known: bytes, again: bytes, at: int) -> None:
        if known != again:
            first = next(index for index, (one, other) in enumerate(zip(known, again, strict=True)) if one != other)
            self.differs = at + first if self.differs is None else min(self.differs, at + first)


Ends: TypeAlias = tuple[Side, Side]

MOST_PIECES: Final = 1 << 16
"""Segments of a connection that wait for others: with more, the connection is known up to there."""

MOST_CONNECTIONS: Final = 50_000
"""Connections of a capture that are put together."""

_MOST_RESETS: Final = 16
"""Resets of a connection that wait for octets before them: a sender repeats one a few times at the most."""


class TcpConnection:
    """One connection, from its segments in the order of the capture; `ends` are the source and target of the first.

    `passed` is what is known of it. `cut`, once :meth:`finish` was called, says why that is not all, empty where it
    may be all.
    """

    def __init__(self, ends: Ends) -> None:
        self.ends: Final = ends
        self.passed: Final[list[Passed]] = []
        self.cut = ""
        self._directions: Final = (_Direction(), _Direction())
        self._number = 0
        self._over = False
        self._in_part = False
        self._resets: Final[list[tuple[int, _Piece]]] = []

    @property
    def begins(self) -> bool:
        """Whether the beginning of both directions was captured."""
        return all(direction.begins for direction in self._directions)

    def is_begun_by(self, segment: Segment) -> bool:
        """Whether a segment with SYN belongs to this connection: it repeats the beginning."""
        direction = self._directions[segment.source != self.ends[0]]
        return direction.base is None or (segment.seq + 1) % _WRAP == direction.base

    def add(self, segment: Segment) -> None:
        """One more segment."""
        if self._over:
            return
        side = int(segment.source != self.ends[0])
        own, other = self._directions[side], self._directions[1 - side]
        self._number += 1
        self._in_part |= segment.length > len(segment.octets)
        if own.base is None:
            own.base = (segment.seq + segment.syn) % _WRAP
            own.begins = segment.syn
        if other.base is None and segment.ack is not None:
            other.base = segment.ack  # what it sent before that was not captured
        needs = 0 if segment.ack is None or other.base is None else other.offset(segment.ack)
        at = own.offset((segment.seq + segment.syn) % _WRAP)
        before = own.highest
        own.highest = max(before, at + segment.length + segment.fin)
        if segment.rst:
            # A reset before what its end sent last is out of the window: its receiver drops it (RFC 9293, 3.10.7.4).
            is_old = at < before
            own.highest = max(own.highest, 1)
            if not is_old and len(self._resets) < _MOST_RESETS:
                self._resets.append((side, _Piece(at, TcpEnd.RST, needs, self._number, segment.time)))
        else:
            self._add_data(own, at, segment, needs)
        self._pass_on()
        if len(own.waiting) > MOST_PIECES:
            self.finish()

    def _add_data(self, own: _Direction, at: int, segment: Segment, needs: int) -> None:
        # Behind the end of a direction there is nothing but the octet of a keep-alive, which may be any.
        octets = segment.octets if own.fin is None else segment.octets[: max(own.fin - at, 0)]
        if octets and at + len(octets) > 0:
            own.add(_Piece(at, octets, needs, self._number, segment.time))
        end = at + segment.length
        if segment.fin and own.fin is None and end >= len(own.passed):
            own.fin = end
            index = bisect_left(own.waiting, end, key=lambda one: one.at)
            own.waiting.insert(index, _Piece(end, TcpEnd.FIN, needs, self._number, segment.time))

    def _pass_on(self) -> None:
        """Pass on what waits for nothing, in the order of the capture where there is a choice."""
        while not self._over:
            ready = [
                (piece.number, side)
                for side, direction in enumerate(self._directions)
                for piece in direction.waiting[:1]
                if piece.at == len(direction.passed) and piece.needs <= self._directions[1 - side].acknowledgeable
            ]
            if not ready:
                break
            side = min(ready)[1]
            direction = self._directions[side]
            piece = direction.waiting.pop(0)
            if isinstance(piece.what, bytes):
                direction.passed.extend(piece.what)
            else:
                direction.fin_passed = True
            self._emit(side, piece)
        for side, piece in [] if self._over else self._resets:
            own, other = self._directions[side], self._directions[1 - side]
            if piece.at <= own.acknowledgeable and piece.needs <= other.acknowledgeable:
                self._emit(side, piece)
                self._over = True
                break

    def _emit(self, side: int, piece: _Piece) -> None:
        time = max(piece.time, self.passed[-1].time) if self.passed else piece.time
        self.passed.append(Passed(side == 0, piece.what, time))

    def finish(self) -> None:
        """No more segments come: say whether some are missing, and leave out what is not certain."""
        if self.cut:
            return
        differs = [direction.differs for direction in self._directions]
        if any(offset is not None for offset in differs):
            self._over = True
            self._keep(differs)
            self.cut = "octets were sent again with other values, and which of them arrived is not shown"
            return
        if self._over:
            return
        self._over = True
        if any(direction.highest > direction.acknowledgeable for direction in self._directions) or self._resets:
            in_part = "packets were captured in part (a snap length, or the end of the file)"
            self.cut = in_part if self._in_part else "segments are missing from the capture"
        elif not all(direction.fin_passed for direction in self._directions):
            self.cut = "the capture does not show the end of the connection"

    def _keep(self, limits: list[int | None]) -> None:
        """Leave out everything from the first octet on that lies at or behind the limit of its direction."""
        counts = [0, 0]
        for index, (first, what, _) in enumerate(self.passed):
            side = 0 if first else 1
            limit = limits[side]
            size = len(what) if isinstance(what, bytes) else 0
            if limit is not None and counts[side] + size > limit:
                del self.passed[index:]
                return
            counts[side] += size


def connections(segments: Iterable[Segment]) -> list[TcpConnection]:
    """The connections to which segments belong, in the order of their first one.

    A SYN between the same two ends begins another connection, unless it repeats the one that began the last. Those
    behind the first `MOST_CONNECTIONS` are left out.
    """
    found: list[TcpConnection] = []
    latest: dict[Ends, TcpConnection] = {}
    for segment in segments:
        ends = (segment.source, segment.target)
        one = latest.get(ends)
        if one is None or (segment.syn and segment.ack is None and not one.is_begun_by(segment)):
            if len(found) == MOST_CONNECTIONS:
                latest.pop(ends, None)
                continue
            one = TcpConnection(ends)
            found.append(one)
            latest[ends] = latest[ends[::-1]] = one
        one.add(segment)
    for one in found:
        one.finish()
    return found
