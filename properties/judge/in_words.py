"""A trace in words: heads of HTTP as text, frames as frames, each cut as the judge cuts them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import Final, NamedTuple

from wsoracle.model.endpoint.deflate import agreed_state
from wsoracle.model.notation.variables import State
from wsoracle.model.octets.frames import MAX_HEADER_OCTETS, decode_header
from wsoracle.model.octets.inflated_frames import AgreedDirection, InflatedFrames
from wsoracle.model.octets.units import LARGEST_HEAD, Cutter, FrameUnit, HeadUnit, describe, shown
from wsoracle.model.octets.vocabulary import Role

from .observation import (
    Arrives,
    ArrivesEof,
    ArrivesReset,
    Asks,
    ClosesTcp,
    Crashes,
    Observation,
    Processed,
    Quiet,
    ResetsTcp,
    ShutsDownTcp,
    Tells,
    Trace,
    Writes,
)

MOST_UNITS: Final = 100
"""The most units of one observation that are named."""

_SHOWN: Final = 40
_EMPTY_LINE: Final = re.compile(rb"\n\r?\n")
_LONG_RUN: Final = re.compile(r"(.)\1{49,}")
_DATE: Final = re.compile(r"(?m)^Date: .*$")


class _Piece(NamedTuple):
    """A unit, or octets that are none: where it begins and ends in its stream."""

    start: int
    end: int
    unit: HeadUnit | FrameUnit | None = None


class TraceInWords:
    """The observations of a trace in words, by their index; nothing is cut before the first one is asked for.

    ``role`` is that of the endpoint where the trace begins with the opening handshake, None where that is over;
    ``agreed`` is its state then. Compressed messages are shown inflated.
    """

    def __init__(self, trace: Trace, role: Role | None, agreed: State | None = None) -> None:
        self._trace: Final = trace
        self._role: Final = role
        self._agreed: Final = agreed

    def of(self, index: int) -> str:
        """One observation. IndexError for one that is not there."""
        seen = self._trace[index]
        if isinstance(seen, Arrives):
            return f"arrives {self._streams[Arrives].between(*self._span(index))}".rstrip()
        if isinstance(seen, Writes):
            return f"sends {self._streams[Writes].between(*self._span(index))}".rstrip()
        return _without_octets(seen)

    def __iter__(self) -> Iterator[str]:
        return map(self.of, range(len(self._trace)))

    def _span(self, index: int) -> tuple[int, int]:
        end = self._ends[index]
        seen = self._trace[index]
        assert isinstance(seen, (Arrives, Writes))
        return end - len(seen.octets), end

    @cached_property
    def _ends(self) -> list[int]:
        """For each observation with octets, where it ends in its stream."""
        counts = {Arrives: 0, Writes: 0}
        ends = []
        for seen in self._trace:
            if isinstance(seen, (Arrives, Writes)):
                counts[type(seen)] += len(seen.octets)
            ends.append(counts[type(seen)] if isinstance(seen, (Arrives, Writes)) else 0)
        return ends

    def _octets(self, kind: type[Arrives | Writes]) -> bytearray:
        return bytearray().join([seen.octets for seen in self._trace if isinstance(seen, kind)])

    @cached_property
    def _streams(self) -> dict[type[Arrives | Writes], _Stream]:
        """Both directions, with compressed messages inflated."""
        state = self._agreed if self._role is None else self._agreed_by_answer(self._role)
        if state is not None and state.recv_window:
            self._arrived.inflate(AgreedDirection(state.recv_window, state.recv_takeover))
            self._written.inflate(AgreedDirection(state.send_window, state.send_takeover))
        return {Arrives: self._arrived, Writes: self._written}

    def _agreed_by_answer(self, role: Role) -> State | None:
        answer = (self._written if role is Role.SERVER else self._arrived).answer
        return None if answer is None else agreed_state(role, ", ".join(answer.values("Sec-WebSocket-Extensions")))

    @cached_property
    def _arrived(self) -> _Stream:
        return self._stream(Arrives, self._role)

    @cached_property
    def _written(self) -> _Stream:
        return self._stream(Writes, None if self._role is None else self._role.peer)

    def _stream(self, kind: type[Arrives | Writes], reader: Role | None) -> _Stream:
        octets = self._octets(kind)
        if reader is not Role.SERVER:
            return _Stream(octets, reader)
        answers = self._arrived if kind is Writes else self._written
        return _Stream(octets, reader, self._count_when(kind, answers.switched))

    def _count_when(self, kind: type[Arrives | Writes], switched: int | None) -> int | None:
        """How many octets of requests there were when a 101 was whole; None without one."""
        if switched is None:
            return None
        requests = answers = 0
        for seen in self._trace:
            if isinstance(seen, kind):
                requests += len(seen.octets)
            elif isinstance(seen, (Arrives, Writes)):
                answers += len(seen.octets)
                if answers >= switched:
                    break
        return requests


class _Stream:
    """One direction, cut into pieces."""

    def __init__(self, octets: bytearray, reader: Role | None, expects_frames: int | None = None) -> None:
        self._octets: Final = octets
        cutter = Cutter(reader)
        cutter.expects_frames = expects_frames
        cutter.octets.extend(octets)
        cutter.cut()
        self._in_heads: Final = reader is not None and not cutter.in_frames and not cutter.frames
        self._pieces: Final = list(self._cut(cutter))
        self._starts: Final = [piece.start for piece in self._pieces]
        answer = next((u for u in cutter.units if isinstance(u, HeadUnit) and u.switches), None)
        self.switched: Final = None if answer is None else answer.end
        self.answer: Final = None if answer is None else answer.head
        """The head of the answer with 101."""

    def inflate(self, agreed: AgreedDirection) -> None:
        """Inflate compressed messages."""
        frames = InflatedFrames(agreed)
        for index, piece in enumerate(self._pieces):
            if isinstance(piece.unit, FrameUnit):
                self._pieces[index] = piece._replace(unit=frames.take(piece.unit))

    def _cut(self, cutter: Cutter) -> Iterator[_Piece]:
        """Its units, and the octets between and behind them. What is no head goes on up to an empty line."""
        at = 0
        for unit in cutter.units:
            if unit.start > at:
                yield _Piece(at, unit.start)
            at = unit.end
            if isinstance(unit, HeadUnit) and unit.head is None:
                empty_line = _EMPTY_LINE.search(self._octets, unit.start, unit.start + LARGEST_HEAD)
                at = max(at, empty_line.end() if empty_line is not None else at)
                yield _Piece(unit.start, at, unit)
                cutter = Cutter(octets=self._octets, start=at)
                yield from (_Piece(frame.start, frame.end, frame) for frame in cutter.frames)
                at = cutter.rest
                break
            yield _Piece(unit.start, unit.end, unit)
        if at < len(self._octets):
            yield _Piece(at, len(self._octets))

    def between(self, start: int, end: int) -> str:
        """The pieces of which a part is there."""
        first = max(bisect_right(self._starts, start) - 1, 0)
        last = bisect_right(self._starts, end - 1) if end > start else first
        words = [self._words(piece, start, end) for piece in self._pieces[first : min(last, first + MOST_UNITS)]]
        left = last - first - len(words)
        return " ".join([*words, *([f"and {left:,} more"] if left else [])])

    def _words(self, piece: _Piece, start: int, end: int) -> str:
        words = self._named(piece)
        here = min(piece.end, end) - max(piece.start, start)
        if here == piece.end - piece.start:
            return words
        where = "the first" if piece.start >= start else "the last" if piece.end <= end else "a part, the next"
        return f"{where} {here:,} of {piece.end - piece.start:,} octets of {words}"

    def _named(self, piece: _Piece) -> str:
        octets = self._octets[piece.start : min(piece.end, piece.start + LARGEST_HEAD)]
        if isinstance(piece.unit, FrameUnit):
            return f"[{piece.unit}]"
        if piece.unit is not None:
            return f"{shown_head(bytes(octets))!a}"
        return self._of_no_unit(bytes(octets[: MAX_HEADER_OCTETS + _SHOWN]), piece)

    def _of_no_unit(self, octets: bytes, piece: _Piece) -> str:
        """A body of HTTP, or the beginning of a unit at the end of the stream."""
        size = piece.end - piece.start
        more = "..." if size > _SHOWN else ""
        of_http = self._in_heads or piece.end < len(self._octets)
        if of_http and _TEXT.match(octets) is not None:
            return f"[{octets[:_SHOWN].decode('latin-1')!a}{more}]"
        found = None if of_http else decode_header(octets)
        if found is None:
            return f"[octets {octets[:_SHOWN].hex()}{more}]"
        header, at = found
        return f"[{describe(header, None)}, {size - at} of them here]"


_TEXT: Final = re.compile(rb"[\t\r\n -~]")


def _without_octets(seen: Observation) -> str:
    match seen:
        case ArrivesEof():
            return "arrives end of TCP"
        case ArrivesReset():
            return "arrives reset of TCP"
        case ShutsDownTcp():
            return "ends its direction of TCP"
        case ClosesTcp():
            return "closes TCP"
        case ResetsTcp():
            return "resets TCP"
        case Tells(kind, payload, code, reason):
            return f"tells its application {kind} {_detail(payload, code, reason)}".rstrip()
        case Asks(what, payload, fin, code, reason):
            more = "" if fin else ", more to come"
            return f"its application sends {what} {_detail(payload, code, reason)}".rstrip() + more
        case Processed():
            return "has processed everything"
        case Quiet():
            return "stays quiet"
        case Crashes(reason):
            return f"crashes: {reason}"
    raise AssertionError(seen)


def _detail(payload: bytes, code: int | None, reason: str) -> str:
    if code is not None:
        return f"{code} {reason!r}" if reason else str(code)
    return shown(payload) if payload else ""


def shown_head(octets: bytes) -> str:
    """A head as text, without the octets after it: long runs of a character are cut short, and the date is left out."""
    head, end, rest = octets.partition(b"\r\n\r\n")
    text = (head + end).decode("latin-1").replace("\r\n", "\n")
    text = _LONG_RUN.sub(lambda run: f"{run[1] * 3}... ({len(run[0])} times)", text)
    return _DATE.sub("Date: ...", text) + (f"and {len(rest)} octets" if rest else "")
