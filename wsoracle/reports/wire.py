"""The wire log of a case line by line, to its end: what the page of Autobahn shows, in its words.

The rows of a record tell of octets, frames and timers. Who ended TCP, and how, is told by other fields of it: lines
about that are made here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from wsoracle.model.octets.vocabulary import OPCODE_NAMES

from .sanitize import as_text

__all__ = ["Line", "wire_log"]

_HEX: Final = re.compile("(?:[0-9a-f]{2})+")
_ENDS: Final = ("closes TCP", "resets TCP", "ends its half of TCP")


class Line(NamedTuple):
    """A line: its style, what it is about, and the details.

    Of the line in which the deciding octet was received, `marked` is that octet in hex, and `rest` what follows it.
    """

    style: str
    what: str
    detail: str
    marked: str = ""
    rest: str = ""


def wire_log(record: Mapping[str, Any]) -> list[Line]:
    """The lines for a tidy record: its rows, then how the connection ended."""
    rows = [line for row in _rows_marked(record) if (line := _row(*row, record["ours"])) is not None]
    return [*rows, *_ends(record)] if rows or record["wsoracle"]["timeline"] else []


def _rows_marked(record: Mapping[str, Any]) -> Iterator[tuple[Any, int | None]]:
    """Each row, and where in it the deciding octet is."""
    deciding = record["wsoracle"]["deciding"]
    left = None if deciding is None else deciding["octet"]
    for row in record["wirelog"]:
        match row:
            case ["RO", [int(size), str()], *_] if left is not None:
                yield row, left if 0 <= left < size else None
                left -= size
            case _:
                yield row, None


def _row(row: Any, marked: int | None, ours: bool) -> Line | None:
    match row:
        case ["RO", [int(size), str(octets)], *_]:
            if marked is None or not _HEX.fullmatch(octets, 0, 2 * marked + 2):
                return Line("rx", "RX OCTETS", f"{size}: {octets}")
            place = 2 * marked
            return Line("rx", "RX OCTETS", f"{size}: {octets[:place]}", octets[place : place + 2], octets[place + 2 :])
        case ["TO", [int(size), str(octets)], *_]:
            return Line("tx", "TX OCTETS", f"{size}: {octets}")
        case ["RF", [int(size), str(text)], opcode, fin, rsv, masked, mask, *_]:
            return Line("rx frame", "RX FRAME", _frame(size, text, opcode, fin, rsv, mask if masked else None))
        case ["TF", [int(size), str(text)], opcode, fin, rsv, mask, *_]:
            return Line("tx frame", "TX FRAME", _frame(size, text, opcode, fin, rsv, mask))
        case [str(kind), *detail]:
            return Line("timer", *_timer(kind, " ".join(map(as_text, detail)), ours))
    return None


def _frame(size: int, text: str, opcode: Any, fin: Any, rsv: Any, mask: Any) -> str:
    name = OPCODE_NAMES.get(opcode, "reserved") if isinstance(opcode, int) else "?"
    fields = f"OPCODE={as_text(opcode)} ({name}), FIN={fin is True}, RSV={as_text(rsv)}"
    return f"{fields}, PAYLOAD-LEN={size}, MASK={as_text(mask) or '-'}: {text}"


def _timer(kind: str, said: str, ours: bool) -> tuple[str, str]:
    match kind:
        case "CT":
            return "CONTINUE", f"after {said}"
        case "CTE":
            return "CONTINUED", said
        case "KL":
            return "FAIL CONNECTION", f"AFTER {said} sec"
        case "KLE":
            return "FAILING CONNECTION", ""
        case "TI":
            # In our records the row stands where nothing came for so long.
            return ("SILENCE", f"{said} sec") if ours else ("CLOSE CONNECTION", f"AFTER {said} sec")
        case "TIE":
            return "CLOSING CONNECTION", ""
        case "WLM":
            return "WIRE LOG", "on from here" if said == "true" else "no further lines"
    return kind, said


def _ends(record: Mapping[str, Any]) -> Iterator[Line]:
    """How TCP ended. Of Autobahn it is known only who dropped it first."""
    steps = record["wsoracle"]["timeline"]
    ends = [step for step in steps if step["what"] in _ENDS and step["from"] in ("tester", "sut")]
    if ends and ends[0]["from"] == "tester":
        silences = [step for step in steps if step["from"] == "timer" and step["what"].endswith(" of silence")]
        if silences and silences[-1]["t"] <= ends[0]["t"]:
            yield Line("timer", "FAIL CONNECTION", f"AFTER {silences[-1]['what']}")
    if not ends:
        yield Line("tcp", f"TCP DROPPED BY {'ME' if record.get('droppedByMe') is True else 'PEER'}", "")
    for number, step in enumerate(ends):
        verb = "ENDED" if number else "DROPPED"
        who = "ME" if step["from"] == "tester" else "PEER"
        how = {"closes TCP": "closed", "resets TCP": "reset (RST)"}.get(step["what"], "its half, still reading")
        yield Line("tcp", f"TCP {verb} BY {who}", f"{how}, at {step['t'] * 1000:.1f} ms")
