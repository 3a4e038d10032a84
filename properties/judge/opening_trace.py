"""A trace from the first octet on, as heads of HTTP and what lies between and behind them.

HTTP is half-duplex and its messages have no common frame: where one ends follows from its head. So the octets of each
direction are read head by head, a body is passed over where the head announces one, and whatever comes behind a 101
belongs to the WebSocket connection.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, TypeAlias

from wsoracle.model.octets.frames import decode_header
from wsoracle.model.octets.http import HEAD_LIMIT, HeadReader, Malformed, Read, Request, Response
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.units import LARGEST_HEAD, SWITCHING, FrameUnit, HeadUnit
from wsoracle.model.octets.vocabulary import Role

from .history import torn_at
from .observation import (
    Arrives,
    ArrivesEof,
    Asks,
    ClosesTcp,
    Crashes,
    Observation,
    Processed,
    Quiet,
    ResetsTcp,
    Tells,
    Trace,
    Writes,
)

__all__ = ["Goes", "HeadStream", "Moment", "OpeningHistory", "rest_of"]

_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")


def _read(octets: bytes, role: Role, limit: int) -> Read | Malformed | None:
    reader = HeadReader(role, limit)
    reader.feed(octets)
    return reader.result


class HeadStream:
    """The octets of one direction, for who plays ``role`` and reads them."""

    def __init__(self, octets: bytes, role: Role) -> None:
        self.octets: Final = octets
        self._role: Final = role
        self._heads: Final[dict[int, HeadUnit | None]] = {}

    def head(self, start: int) -> HeadUnit | None:
        """The head that begins there; None where the octets leave it open."""
        if start not in self._heads:
            result = _read(self.octets[start : start + HEAD_LIMIT], self._role, HEAD_LIMIT)
            if isinstance(result, Malformed) and result.too_large:
                # Nobody has to have our limit: a head that has an end is one.
                whole = _read(self.octets[start : start + LARGEST_HEAD], self._role, LARGEST_HEAD)
                result = whole if isinstance(whole, Read) else result
            self._heads[start] = None if result is None else self._at(start, result)
        return self._heads[start]

    def _at(self, start: int, result: Read | Malformed) -> HeadUnit:
        end = start + len(result.octets)
        empty_line = _EMPTY_LINE.search(self.octets, start, start + LARGEST_HEAD)
        seen = end if isinstance(result, Read) else None if empty_line is None else max(empty_line.end(), end)
        return HeadUnit(result, start, end, seen)

    def after_body(self, found: HeadUnit) -> int:
        """Where the message ends that begins with this head; at the end of all octets where that is not certain."""
        head = found.head
        if head is None:
            return len(self.octets) if found.seen is None else found.seen
        if not isinstance(head, Request) and (head.status < 200 or head.status in (204, 304)):
            return found.end
        if head.values("Transfer-Encoding"):
            return self._after_chunks(found.end)
        lengths = head.values("Content-Length")
        if lengths:
            length = lengths[0].split(",")[0].strip(" \t").lstrip("0")
            return found.end + int(length or "0") if len(length) < _MANY_DIGITS else len(self.octets)
        return found.end if isinstance(head, Request) else len(self.octets)

    def _after_chunks(self, at: int) -> int:
        while (size := _CHUNK.match(self.octets, at)) is not None:
            octets = int(size[1], 16)
            if not octets:
                end = _TRAILERS.match(self.octets, size.end())
                return len(self.octets) if end is None else end.end()
            at = size.end() + octets + 2
        return len(self.octets)


_MANY_DIGITS: Final = 16
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[^\n]*\n")
_TRAILERS: Final = re.compile(rb"(?:[^\r\n][^\n]*\n)*\r?\n")

Goes: TypeAlias = HeadUnit | FrameUnit
"""What the endpoint puts on the wire while its opening handshake is not complete."""

Seen: TypeAlias = Goes | ClosesTcp | ResetsTcp | Tells | Processed | Quiet | Crashes | None


class Moment(NamedTuple):
    """Something that the endpoint is seen to do, or (None) that something arrives: where, and what had come before.

    ``arrived`` and ``written`` count octets; ``written`` ends with the last whole head or frame.
    """

    at: int
    what: Seen
    arrived: int
    written: int
    eof: bool


class OpeningHistory:
    """A trace of one endpoint of a role, read once. ``torn``: where it stops inside what it writes; None if nowhere."""

    def __init__(self, trace: Trace, role: Role) -> None:
        self.trace: Final = tuple(trace)
        self.arrivals: Final = HeadStream(b"".join(o.octets for o in trace if isinstance(o, Arrives)), role)
        self._role: Final = role
        self._writes: Final = HeadStream(b"".join(o.octets for o in trace if isinstance(o, Writes)), role.peer)
        self.unread: int | None = None
        """Where in what it wrote a head or a frame begins that does not end."""
        self.goes: Final = self._read_writes()
        self.moments: Final = self._moments()

    @property
    def torn(self) -> int | None:
        """Where in the trace the endpoint closes TCP or falls silent inside a head; None if nowhere."""
        return None if self.unread is None else torn_at(self.trace)

    def written(self, goes: Goes) -> bytes:
        """The octets of what the endpoint wrote."""
        return self._writes.octets[goes.start : goes.end]

    def _read_writes(self) -> tuple[Goes, ...]:
        octets, found, at = self._writes.octets, list[Goes](), 0
        most = self._written_early() + _LOOKED_AT
        while at < len(octets):
            if _is_frame(octets[at]):
                frame = _frame_at(octets, at, most)
                if frame is None:
                    self.unread = at if at < most else None
                    break
                if frame.end > most:
                    break
                found.append(frame)
                at = frame.end
                continue
            head = self._writes.head(at)
            if head is None:
                self.unread = at
                break
            found.append(head)
            message = head.head
            if message is None or (not isinstance(message, Request) and message.status == SWITCHING):
                break
            at = self._writes.after_body(head)
        return tuple(found)

    def _written_early(self) -> int:
        """How many octets a client wrote before a 101 had arrived; all where there is none."""
        everything = len(self._writes.octets)
        if self._role is Role.SERVER:
            return everything
        answer = self.arrivals.head(0)
        while answer is not None and answer.interim:
            answer = self.arrivals.head(answer.end)
        if answer is None or not isinstance(answer.head, Response) or answer.head.status != SWITCHING:
            return everything
        arrived = written = 0
        for seen in self.trace:
            if isinstance(seen, Arrives):
                arrived += len(seen.octets)
                if arrived >= answer.end:
                    break
            elif isinstance(seen, Writes):
                written += len(seen.octets)
        return written

    def _moments(self) -> tuple[Moment, ...]:
        moments: list[Moment] = []
        arrived = written = 0
        whole, eof = 0, False
        goes = iter(self.goes)
        then = next(goes, None)
        for at, seen in enumerate(self.trace):
            match seen:
                case Arrives(octets):
                    arrived += len(octets)
                    moments.append(Moment(at, None, arrived, whole, eof))
                case ArrivesEof():
                    eof = True
                case Writes(octets):
                    written += len(octets)
                    while then is not None and then.end <= written:
                        whole = then.end
                        moments.append(Moment(at, then, arrived, whole, eof))
                        then = next(goes, None)
                case Asks():
                    pass
                case _:
                    moments.append(Moment(at, seen, arrived, whole, eof))
        return tuple(moments)


_LOOKED_AT: Final = 1 << 16
"""Octets of what follows a 101 in which frames are looked for that may have been sent before it was read."""


def _frame_at(octets: bytes, at: int, most: int) -> FrameUnit | None:
    """The frame that begins there; None where it has no end. Of one that ends behind ``most`` there is no payload."""
    found = decode_header(octets, at)
    if found is None or found[1] + found[0].length > len(octets):
        return None
    header, body = found
    end = body + header.length
    payload = octets[body:end] if end <= most else b""
    return FrameUnit(header, payload if header.key is None else mask(payload, header.key), at, end)


def _is_frame(octet: int) -> bool:
    """The first octet of a frame, and not of a head, be it a malformed one."""
    return octet >= 0x80 or (octet < 0x10 and octet not in b"\r\n")


def rest_of(trace: Trace, at: int, arrived: int, written: int, early: bytes = b"") -> tuple[Trace, tuple[int, ...]]:
    """What follows in a trace after so many octets of either direction, from the observation ``at`` on, and the place
    of each observation in the whole trace.

    Octets that came before ``at`` and were not read yet come first, then what the endpoint wrote too ``early``.
    """
    found: list[tuple[int, Observation]] = []
    skip_in, skip_out = arrived, written
    for place, seen in enumerate(trace):
        if place == at and early:
            found.append((place, Writes(early)))
        if isinstance(seen, Arrives):
            if skip_in < len(seen.octets):
                found.append((place, Arrives(seen.octets[skip_in:])))
            skip_in = max(skip_in - len(seen.octets), 0)
        elif isinstance(seen, Writes):
            if skip_out < len(seen.octets):
                found.append((place, Writes(seen.octets[skip_out:])))
            skip_out = max(skip_out - len(seen.octets), 0)
        elif place >= at or isinstance(seen, (Asks, ArrivesEof)):
            found.append((place, seen))
    return tuple(seen for _, seen in found), tuple(place for place, _ in found)
