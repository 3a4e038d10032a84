"""An exchange as it happens, for people: heads as HTTP, frames in words and hex, ends, silences, then the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from wsoracle.generators.cases.case import Case
from wsoracle.model.octets.units import Cutter

from ..reports.summary import CaseSummary
from ..text.hexadecimal import hex_of
from ..text.output import one_line
from ..text.verdict_signs import MEANINGS
from .transcript import LogEntry

SHOWN: Final = 64
"""Octets of a frame that are shown in hex."""

MOST_LINES: Final = 400
"""Lines of one exchange; a case may send thousands of frames."""

_ARROWS: Final = {"sent": ">", "received": "<"}
_EMPTY_LINE: Final = b"\r\n\r\n"

Say = Callable[[str], None]


class LiveLog(list[LogEntry]):
    """The log of a connection, printed through ``say`` while it grows. An incomplete unit waits for its end."""

    def __init__(self, say: Say, case: Case) -> None:
        super().__init__()
        say(f"{case.id}: {case.title}")
        self._say: Final = say
        self._sides: Final = {kind: _Side() for kind in _ARROWS}
        self._lines = 0

    def append(self, entry: LogEntry) -> None:
        """Enter an event, and print the units that it completes."""
        super().append(entry)
        side = self._sides.get(entry.kind)
        if side is None:
            self._flush(entry.at)
            self._print(entry.at, " ", entry.words or entry.kind)
            return
        for line in side.take(entry.octets):
            self._print(entry.at, _ARROWS[entry.kind], line)
        if entry.kind == "received" and side.opens:
            for one in self._sides.values():
                one.in_head = False
            side.opens = False
            for line in side.take(b""):
                self._print(entry.at, _ARROWS[entry.kind], line)

    def _flush(self, at: float) -> None:
        for kind, side in self._sides.items():
            left = side.left()
            if left:
                body = kind == "received" and side.in_head and side.had_head
                words = f"body: {left[:SHOWN].decode('latin-1')!r}" if body else f"not whole: {hex_of(left, SHOWN)}"
                self._print(at, _ARROWS[kind], words)

    def _print(self, at: float, arrow: str, words: str) -> None:
        self._lines += 1
        if self._lines <= MOST_LINES:
            self._say(f"  {at * 1000:9.1f} ms {arrow} {one_line(words, 400)}")
        elif self._lines == MOST_LINES + 1:
            self._say("  ... more than is shown; the page of the case has the number of frames")


class _Side:
    """One direction: heads until the connection is open, frames from then on."""

    def __init__(self) -> None:
        self.in_head = True
        self.opens = False
        self.had_head = False
        self._head = bytearray()
        self._cutter: Cutter | None = None
        self._told = 0

    def take(self, octets: bytes) -> Iterator[str]:
        """Take more octets; the lines of the units that they complete."""
        if self.in_head:
            self._head += octets
            while self.in_head and not self.opens and (end := self._head.find(_EMPTY_LINE)) >= 0:
                lines = bytes(self._head[:end]).decode("latin-1").split("\r\n")
                del self._head[: end + len(_EMPTY_LINE)]
                self.opens = " 101" in lines[0][:13]
                self.had_head = True
                yield from lines
            return
        if self._cutter is None:
            self._cutter = Cutter()
            octets = bytes(self._head) + octets
            self._head.clear()
        self._cutter.add(octets)
        for frame in self._cutter.frames[self._told :]:
            yield f"{frame} | {hex_of(bytes(self._cutter.octets[frame.start : frame.end]), SHOWN)}"
        self._told = len(self._cutter.frames)

    def left(self) -> bytes:
        """The octets of an incomplete unit, once."""
        if self._cutter is None:
            left = bytes(self._head)
            self._head.clear()
            return left
        left = bytes(self._cutter.octets[self._cutter.rest :])
        self._cutter.rest += len(left)
        return left


def why(summary: CaseSummary) -> Iterator[str]:
    """The verdict on a case, and the reasons for it."""
    from ..reports.causes import causes_of  # needs the rules: a run without live output does without

    yield f"  {summary.label}: {MEANINGS.get(summary.label, 'no verdict of ours')}"
    for cause in causes_of({summary.id: summary}):
        yield f"    {one_line(cause.says)}"
        yield from (f"    {one_line(clause)}" for clause in cause.clauses)
    yield from (f"    would have been allowed: {one_line(one)}" for one in summary.evidence.allowed)
    yield ""
