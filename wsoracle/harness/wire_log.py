"""The octets of a connection, for people and for statistics: the wire log, the timeline and the messages of a record.

Octets are not cut here: heads and frames are those of the judge. Where the judge cuts otherwise than the tester reads
(behind octets that are no head, or a refusal), and where nothing was judged, the same cutter cuts the other octets.
"""

from __future__ import annotations

import codecs
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate, islice
from typing import Any, Final, Literal, NamedTuple

from wsoracle.generators.cases.steps import writes
from wsoracle.model.octets.frames import Header, decode_header
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.units import Cutter, FrameUnit, describe
from wsoracle.model.octets.vocabulary import CLOSE, OPCODE_NAMES, PING, PONG
from wsoracle.properties.judge.history import History

from .transcript import BARRIER, LogEntry

MOST_ENTRIES: Final = 300
"""Lines of a wire log and of a timeline; of more, only their number is kept."""

SHOWN: Final = 64
"""Octets of a write, a read or a payload that are kept for people."""

_ENDS: Final = {
    "closed by peer": "closes TCP", "reset by peer": "resets TCP",
    "closed by us": "closes TCP", "reset by us": "resets TCP",
}  # fmt: skip
_EMPTY_LINE: Final = b"\r\n\r\n"
_LONGEST_HEAD: Final = 64 * 1024


class HeadSeen(NamedTuple):
    """A head of HTTP, or the octets in its place; where it begins and ends."""

    octets: bytes
    start: int
    end: int


class LoggedDirection:
    """One direction of a log: a head, interim ones before it, and the frames behind it.

    ``octets`` are those of all ``entries``, and ``frames_from`` gives the frames from an offset on. `listed` are the
    heads, the first frames, and of the others those that ``is_kept`` names.
    """

    def __init__(
        self,
        entries: list[LogEntry],
        octets: bytearray,
        frames_from: Callable[[int], list[FrameUnit]],
        is_kept: Callable[[FrameUnit], bool] | None = None,
    ) -> None:
        self.octets: Final = octets
        self.chops: Final = _chops(entries)
        self.frames: list[FrameUnit] = []
        self.in_head = True
        self.rest = 0
        """The offset of the incomplete unit, if there is one."""
        self._ends: Final = list(accumulate(len(entry.octets) for entry in entries))
        self._times: Final = [entry.at for entry in entries]
        heads: list[HeadSeen] = []
        while self.in_head and (end := self._end_of_head()) is not None:
            heads.append(HeadSeen(bytes(octets[self.rest : end]), self.rest, end))
            self.rest = end
            self.in_head = _is_interim(heads[-1].octets)
        self.head: Final = heads[-1].octets if heads else b""
        if not self.in_head:
            self.frames = frames_from(self.rest)
            self.rest = self.frames[-1].end if self.frames else self.rest
        more = [] if is_kept is None else [frame for frame in self.frames[MOST_ENTRIES:] if is_kept(frame)]
        self.left_out: Final = max(0, len(self.frames) - MOST_ENTRIES) - len(more)
        self.listed: Final[deque[HeadSeen | FrameUnit]] = deque([*heads, *self.frames[:MOST_ENTRIES], *more])

    def time_of(self, octet: int) -> float:
        """When an octet crossed, by its offset; -1 is the last one."""
        return self._times[bisect_right(self._ends, octet) if octet >= 0 else -1]

    def whole(self, count: int) -> Iterator[HeadSeen | FrameUnit]:
        """The next listed units that are complete with `count` octets."""
        while self.listed and self.listed[0].end <= count:
            yield self.listed.popleft()

    def _end_of_head(self) -> int | None:
        """The end of the head that begins at `rest`: behind an empty line, or with a read that makes it too long."""
        too_long = bisect_right(self._ends, self.rest + _LONGEST_HEAD)
        most = self._ends[too_long] if too_long < len(self._ends) else None
        found = self.octets.find(_EMPTY_LINE, self.rest, most)
        return found + len(_EMPTY_LINE) if found >= 0 else most


def _chops(entries: list[LogEntry]) -> Counter[int]:
    """How many octets writes or reads had, and how often."""
    chops: Counter[int] = Counter()
    for entry in entries:
        size = len(entry.octets)
        pieces, last = divmod(size, entry.chop or size or 1)
        chops[entry.chop or size] += pieces
        chops[last] += last > 0
    return chops


def _cut_anew(entries: list[LogEntry]) -> tuple[bytearray, Callable[[int], list[FrameUnit]]]:
    """The octets of entries that were not judged, and how to get their frames."""
    octets = bytearray().join([entry.octets for entry in entries])
    return octets, lambda start: Cutter(octets=octets, start=start).frames


def _is_interim(head: bytes) -> bool:
    return head.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")) and head[8:13] != b" 101 "


class WireLog:
    """Both directions of a log, read once. ``decides``: the octet received that decides, which has to be listed."""

    def __init__(
        self, log: list[LogEntry], history: History | None, full: bool, sent_frames: int, decides: int | None
    ) -> None:
        octet = -1 if decides is None else decides

        def is_kept(frame: FrameUnit) -> bool:
            return frame.header.opcode == CLOSE or frame.start <= octet < frame.end

        sent, received = ([entry for entry in log if entry.kind == kind] for kind in ("sent", "received"))
        if history is None:
            self.sent = LoggedDirection(sent, *_cut_anew(sent))
            self.received = LoggedDirection(received, *_cut_anew(received), is_kept)
        else:
            self.sent = LoggedDirection(sent, history.arrived, lambda start: history.arriving(start).frames)
            self.received = LoggedDirection(received, history.octets_written, history.frames_written, is_kept)
        arrived, written = ({}, {}) if history is None else history.inflated_units()
        self._inflated: Final[Mapping[str, Mapping[int, FrameUnit]]] = {"tester": arrived, "sut": written}
        self.lines: Final[list[list[Any]]] = []
        self.timeline: Final[list[dict[str, Any]]] = []
        self.messages: Final[list[list[Any]]] = []
        self.closes: Final[dict[str, bytes]] = {}
        self.first_drop: Literal["tester", "sut"] | None = None
        self._left_out = 0
        self._decides = decides
        self._full = full
        self._lines_cut = False
        self._text: list[bytes] = []
        self._binary = False
        self._crossed = {"tester": 0, "sut": 0}
        for entry in log:
            self._take(entry)
        last = log[-1].at if log else 0.0
        # Frames of the tester are known: where some are not listed, their number is that of the frames sent in full.
        many = self.sent.left_out > 0
        if not many:
            self._take_rest("tester", self.sent)
        self._take_rest("sut", self.received)
        self.timeline.sort(key=lambda step: float(step["t"]))
        unlisted = self.received.left_out + (max(0, sent_frames - MOST_ENTRIES) if many else 0)
        self.more: Final[list[dict[str, Any]]] = []
        """A last step that says that there were more: it never decides."""
        if left_out := self._left_out + unlisted:
            self.more.append(_step(last, "timer", f"... {left_out} more, not listed"))
        if self._lines_cut or unlisted:
            self.lines.append(["WLM", False])

    def _take(self, entry: LogEntry) -> None:
        if entry.kind in ("sent", "received"):
            out = entry.kind == "sent"
            # One more than there is room for, which is not listed: then it is known that there was more.
            room = MOST_ENTRIES - len(self.lines) + 1 if self._full else 0
            for piece in islice(writes(entry.octets, entry.chop), room):
                self._line(["TO" if out else "RO", _cut(piece), *([False] if out else [])])
            side, direction = ("tester", self.sent) if out else ("sut", self.received)
            self._crossed[side] += len(entry.octets)
            for seen in direction.whole(self._crossed[side]):
                if isinstance(seen, HeadSeen):
                    words, size = _first_line(seen.octets), len(seen.octets)
                    self._step(_step(entry.at, side, words, size, seen.octets, seen.start))
                else:
                    self._frame(entry.at, side, seen)
        elif entry.kind == "silence":
            self._step(_step(entry.at, "timer", entry.words))
            self._line(["TI", float(entry.words.split()[0])])
        elif entry.kind == "note":
            self._step(_step(entry.at, "timer", entry.words))
        else:
            by_sut = entry.kind in ("closed by peer", "reset by peer")
            self.first_drop = self.first_drop or ("sut" if by_sut else "tester")
            self._step(_step(entry.at, "sut" if by_sut else "tester", _ENDS.get(entry.kind, "ends its half of TCP")))

    def _take_rest(self, side: str, direction: LoggedDirection) -> None:
        """List what is not complete at the end, if anything: a part of a frame is no message."""
        octets, start = direction.octets, direction.rest
        size = len(octets) - start
        if not size:
            return
        decoded = None if direction.in_head else decode_header(octets, start)
        if decoded is None:
            begun = bytes(octets[start:])
            words = _first_line(begun) if direction.in_head else f"{size} octets of a header"
            self._step(_step(direction.time_of(-1), side, words, size, begun, start))
            return
        header, body = decoded
        payload = bytes(octets[body : body + SHOWN])
        shown = payload if header.key is None else mask(payload, header.key)
        words = f"{describe(header, None)}, not all of them sent"
        self._step(_step(direction.time_of(body - 1), side, words, size, shown, start))

    def _frame(self, at: float, side: str, frame: FrameUnit) -> None:
        header, payload = frame.header, frame.payload[: SHOWN + 1]
        inflated = self._inflated[side].get(frame.start, frame)
        shown = inflated.payload if len(inflated.payload) <= SHOWN else None
        words = describe(header, shown, inflated.deflated).replace("octets declared", "octets")
        if shown is None and inflated is not frame:
            words += f", {len(inflated.payload):,} inflated"
        first_close = header.opcode == CLOSE and side not in self.closes
        self._step(_step(at, side, words, frame.end - frame.start, payload, frame.start), first_close)
        if first_close:
            self.closes[side] = payload
        fields = [header.opcode, header.fin, header.rsv1 << 2 | header.rsv2 << 1 | header.rsv3]
        mask = None if header.key is None else header.key.hex()
        if side == "sut":
            self._line(["RF", _shown(header.length, payload), *fields, header.masked, mask])
            self._received(header, inflated.payload[: SHOWN + 1])
        else:
            self._line(["TF", _shown(header.length, payload), *fields, mask, None, None, False])

    def _received(self, header: Header, payload: bytes) -> None:
        """List the messages, Pings and Pongs of the endpoint as Autobahn does."""
        if header.opcode in (PING, PONG):
            if payload != BARRIER and len(self.messages) < MOST_ENTRIES:
                self.messages.append([OPCODE_NAMES[header.opcode], _text(payload, header.length, "replace")])
        elif header.opcode < CLOSE:
            if header.opcode:
                self._text, self._binary = [], header.opcode == 2
            if sum(map(len, self._text)) <= SHOWN:
                self._text.append(payload)
            if header.fin and len(self.messages) < MOST_ENTRIES:
                whole = b"".join(self._text)
                self.messages.append(["message", _text(whole, len(whole), "replace"), self._binary])

    def _step(self, step: dict[str, Any], always: bool = False) -> None:
        # Silences and ends have no place among octets: there are few, and any of them may decide.
        always = always or step["start"] is None or holds(step, self._decides)
        if len(self.timeline) < MOST_ENTRIES or always:
            self.timeline.append(step)
        else:
            self._left_out += 1

    def _line(self, line: list[Any]) -> None:
        if self._full and len(self.lines) < MOST_ENTRIES:
            self.lines.append(line)
        else:
            self._lines_cut |= self._full


def _step(
    at: float, side: str, words: str, octets: int = 0, content: bytes = b"", start: int | None = None
) -> dict[str, Any]:
    return {
        "t": round(at, 6),
        "from": side,
        "what": words,
        "octets": octets,
        "hex": content[:SHOWN].hex(),
        "start": start,
        "deciding": False,
    }


def holds(step: Mapping[str, Any], octet: int | None) -> bool:
    """Whether a step tells of this octet, counted in all that the endpoint wrote."""
    if octet is None or step["start"] is None or step["from"] != "sut":
        return False
    return bool(step["start"] <= octet < step["start"] + max(step["octets"], 1))


def _cut(octets: bytes) -> list[Any]:
    shown = octets.hex() if len(octets) <= SHOWN - 4 else octets[:SHOWN].hex() + " ..."
    return [len(octets), shown]


def _shown(length: int, payload: bytes) -> list[Any]:
    try:
        return [length, _text(payload, length)]
    except UnicodeDecodeError:
        return [length, f"0x{payload[:SHOWN].hex()}{_more(length)}"]


def _text(octets: bytes, length: int, errors: Literal["strict", "replace"] = "strict") -> str:
    """The first octets as text; a character of which only a part is among them is no fault, and left out."""
    more = _more(length)
    return codecs.getincrementaldecoder("utf-8")(errors).decode(octets[:SHOWN], final=not more) + more


def _more(length: int) -> str:
    return " ..." if length > SHOWN else ""


def _first_line(octets: bytes) -> str:
    return octets.partition(b"\r\n")[0][:200].decode("latin-1")
