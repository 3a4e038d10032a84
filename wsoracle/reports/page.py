"""The page of a case: the verdict with its clauses, then everything that Autobahn's page shows.

A template has the order of the parts; the rows of long tables are made here, since a template would take several times
as long for them. Every text from outside goes through :func:`~wsoracle.text.visible.html_of`, or through the
template, which escapes it; numbers are numbers in a tidy record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from wsoracle.model.notation.sources import address_of, source_of
from wsoracle.model.octets.vocabulary import OPCODE_NAMES

from ..text.verdict_signs import MEANINGS
from ..text.visible import html_of
from .rendering import policy, template_environment
from .sequence import sequence_diagram, sequence_list
from .stored_record import NO_LINKS, PageLinks, as_text, tidy
from .summary import command_again, label

FACTS: Final = (
    ("isServer", "the tester was the server, the endpoint under test the client"),
    ("closedByMe", "the tester sent the first Close"),
    ("failedByMe", "the tester failed the connection, because the endpoint broke the protocol"),
    ("droppedByMe", "the tester was the first to close TCP"),
    ("wasClean", "both sides sent a Close, and TCP ended after that"),
    ("wasNotCleanReason", "why the connection did not close cleanly"),
    ("wasServerConnectionDropTimeout", "the server did not close TCP in time after the closing handshake"),
    ("wasOpenHandshakeTimeout", "the opening handshake was not complete in time"),
    ("wasCloseHandshakeTimeout", "the endpoint did not answer the tester's Close in time"),
    ("localCloseCode", "the status code of the tester's Close"),
    ("localCloseReason", "the reason in the tester's Close"),
    ("remoteCloseCode", "the status code of the endpoint's Close"),
    ("remoteCloseReason", "the reason in the endpoint's Close"),
)

MOST_UNFOLDED: Final = 60
"""Rows of a table that are shown at once; a longer one is folded."""

_AROUND: Final = 16
"""Octets shown before and after the deciding one."""

_SECTION: Final = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,2}){0,3}")
_HEX: Final = re.compile("(?:[0-9a-f]{2})+")
_ENDS: Final = ("closes TCP", "resets TCP", "ends its half of TCP")


class WireLine(NamedTuple):
    """A line of the wire log: its style, what it is about, and the details.

    In the line with the deciding octet, `marked` is that octet in hex, and `rest` what follows it.
    """

    style: str
    what: str
    detail: str
    marked: str = ""
    rest: str = ""


class Statistic(NamedTuple):
    """A table of counts: `rows` is HTML, empty where nothing was counted."""

    title: str
    columns: tuple[str, ...]
    rows: str


def case_page(record: Mapping[str, Any], links: PageLinks = NO_LINKS) -> str:
    """HTML of a record. Nothing in the record is trusted."""
    return tidy_page(tidy(record), links)


def tidy_page(shown: Mapping[str, Any], links: PageLinks) -> str:
    """HTML of a tidy record."""
    ours = shown["wsoracle"]
    wire = wire_log(shown)
    said = label(ours["verdict"], ours["counts"])
    text: str = _template().render(
        policy=policy(script=False),
        r=shown,
        w=ours,
        label=said,
        meaning=MEANINGS.get(said, "") if shown["ours"] else "as the suite that ran the case has judged it",
        links=links,
        again=command_again(
            shown["id"],
            ours["role"] or ("client" if shown.get("isServer") is True else ""),
            ours["url"],
            ours["again"],
        ),
        long=MOST_UNFOLDED,
        decided=next((step for step in ours["timeline"] if step["deciding"]), None),
        diagram=sequence_diagram(ours["timeline"], ours["role"]),
        listed=sequence_list(ours["timeline"]),
        rules=[{**rule, "address": _address(rule), "source": source_of(rule["id"])} for rule in ours["rules"]],
        expected=[(verdict, _events(events)) for verdict, events in shown["expected"].items()],
        received=_events(shown["received"]),
        facts=_facts(shown),
        statistics=list(_statistics(shown)),
        wire=_wire_rows(wire),
        wire_lines=len(wire),
        timeline=_timeline_rows(ours["timeline"]),
        marked=_around(wire),
        traffic=list(_flat(shown["trafficStats"])),
        run=_run(ours),
    )
    return text


def _around(wire: list[WireLine]) -> dict[str, str] | None:
    """The deciding octet in hex with those around it, where the wire log shows it."""
    line = next((line for line in wire if line.marked), None)
    if line is None:
        return None
    before = line.detail.partition(": ")[2]
    cut = before[-2 * _AROUND :]
    return {
        "before": f"... {cut}" if cut != before else cut,
        "octet": line.marked,
        "after": line.rest if len(line.rest) <= 2 * _AROUND else f"{line.rest[: 2 * _AROUND]} ...",
    }


def _flat(stats: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Traffic by the names of its counters."""
    for name, value in stats.items():
        if isinstance(value, dict) and not above:
            yield from _flat(value, f"{name}: ")
        else:
            yield f"{above}{name}", as_text(value, "-")


def _run(ours: Mapping[str, Any]) -> list[tuple[str, str]]:
    named = {"URL": ours["url"], "profile": ours["profile"], "seed": ours["seed"], "wsoracle": ours["tool"]}
    return [(name, value) for name, value in [*named.items(), *ours["facts"].items()] if value]


@lru_cache(maxsize=1)
def _template() -> Any:
    environment: Any = template_environment()
    return environment.get_template("case.html.j2")


def _address(rule: Mapping[str, str]) -> str | None:
    """The address of the section of a rule; None for text that is no section."""
    return address_of(rule["id"], rule["section"]) if _SECTION.fullmatch(rule["section"]) else None


def _facts(record: Mapping[str, Any]) -> str:
    """The rows of the closing facts: name, value, meaning."""
    rows = []
    for name, meaning in FACTS:
        value = record.get(name)
        said = ("yes" if value else "no") if isinstance(value, bool) else html_of(as_text(value, "-"), 2000)
        rows.append(f'<tr><th scope="row">{name}</th><td>{said}</td><td>{meaning}</td></tr>\n')
    return "".join(rows)


def _events(events: Any) -> str:
    return ", ".join(map(_event, events)) if isinstance(events, list) and events else "none"


def _event(event: Any) -> str:
    match event:
        case ["message", str(text), bool(binary)]:
            return f"{'binary' if binary else 'text'} message {text!r}"
        case ["ping" | "pong" | "timeout" as kind, str(text)]:
            return f"{kind} {text!r}"
    return as_text(event, "?")


def _statistics(record: Mapping[str, Any]) -> Iterator[Statistic]:
    for field, title in (("rxOctetStats", "Octets received"), ("txOctetStats", "Octets transmitted")):
        counts = record[field]
        total = (sum(counts.values()), sum(size * count for size, count in counts.items()))
        rows = _count_rows(((size, count, size * count) for size, count in counts.items()), total) if counts else ""
        yield Statistic(f"{title} by chop size", ("chop size", "count", "octets"), rows)
    for field, title in (("rxFrameStats", "Frames received"), ("txFrameStats", "Frames transmitted")):
        counts = record[field]
        named = ((f"{code} ({OPCODE_NAMES.get(code, 'none')})", count) for code, count in counts.items())
        rows = _count_rows(named, (sum(counts.values()),)) if counts else ""
        yield Statistic(f"{title} by opcode", ("opcode", "count"), rows)


# --- the wire log -----------------------------------------------------------------------------------------------------


def wire_log(record: Mapping[str, Any]) -> list[WireLine]:
    """The lines for a tidy record, in the words of Autobahn's page: its rows, then how the connection ended.

    The rows of a record tell of octets, frames and timers. Other fields of it tell how TCP ended.
    """
    rows = [line for row in _rows_marked(record) if (line := _row(*row, record["ours"])) is not None]
    return [*rows, *_ends(record)] if rows or record["wsoracle"]["timeline"] else []


def _rows_marked(record: Mapping[str, Any]) -> Iterator[tuple[Any, int | None]]:
    """Each row, and where in it the deciding octet is."""
    deciding = record["wsoracle"]["deciding"]
    left = None if deciding is None else deciding["octet"]
    stream = "TO" if deciding is not None and deciding["direction"] == "arrived" else "RO"
    for row in record["wirelog"]:
        match row:
            case [str(kind), [int(size), str()], *_] if left is not None and kind == stream:
                yield row, left if 0 <= left < size else None
                left -= size
            case _:
                yield row, None


def _row(row: Any, marked: int | None, ours: bool) -> WireLine | None:
    match row:
        case ["RO" | "TO" as kind, [int(size), str(octets)], *_]:
            style, what = ("rx", "RX OCTETS") if kind == "RO" else ("tx", "TX OCTETS")
            if marked is None or not _HEX.fullmatch(octets, 0, 2 * marked + 2):
                return WireLine(style, what, f"{size}: {octets}")
            place = 2 * marked
            return WireLine(style, what, f"{size}: {octets[:place]}", octets[place : place + 2], octets[place + 2 :])
        case ["RF", [int(size), str(text)], opcode, fin, rsv, masked, mask, *_]:
            return WireLine("rx frame", "RX FRAME", _frame(size, text, opcode, fin, rsv, mask if masked else None))
        case ["TF", [int(size), str(text)], opcode, fin, rsv, mask, *_]:
            return WireLine("tx frame", "TX FRAME", _frame(size, text, opcode, fin, rsv, mask))
        case [str(kind), *detail]:
            return WireLine("timer", *_timer(kind, " ".join(map(as_text, detail)), ours))
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


def _ends(record: Mapping[str, Any]) -> Iterator[WireLine]:
    """How TCP ended. A record of Autobahn tells only which side dropped it first."""
    steps = record["wsoracle"]["timeline"]
    ends = [step for step in steps if step["what"] in _ENDS and step["from"] in ("tester", "sut")]
    if ends and ends[0]["from"] == "tester":
        silences = [step for step in steps if step["from"] == "timer" and step["what"].endswith(" of silence")]
        if silences and silences[-1]["t"] <= ends[0]["t"]:
            yield WireLine("timer", "FAIL CONNECTION", f"AFTER {silences[-1]['what']}")
    if not ends:
        yield WireLine("tcp", f"TCP DROPPED BY {'ME' if record.get('droppedByMe') is True else 'PEER'}", "")
    for number, step in enumerate(ends):
        verb = "ENDED" if number else "DROPPED"
        who = "ME" if step["from"] == "tester" else "PEER"
        how = {"closes TCP": "closed", "resets TCP": "reset (RST)"}.get(step["what"], "its half, still reading")
        yield WireLine("tcp", f"TCP {verb} BY {who}", f"{how}, at {step['t'] * 1000:.1f} ms")


# --- rows of long tables ----------------------------------------------------------------------------------------------


def _wire_rows(lines: Iterable[WireLine]) -> str:
    """Rows of the wire log: number, what, details."""
    rows = []
    for number, line in enumerate(lines):
        detail = html_of(line.detail, 600, lines=False)
        if line.marked:
            detail += f'<mark title="the deciding octet">{html_of(line.marked)}</mark>{html_of(line.rest, 600)}'
        rows.append(
            f'<tr class="{line.style}"><td class="number">{number:03d}</td>'
            f'<td class="kind">{html_of(line.what, 60, lines=False)}</td><td class="hex">{detail}</td></tr>\n'
        )
    return "".join(rows)


def _timeline_rows(timeline: Iterable[Mapping[str, Any]]) -> str:
    """Rows of the timeline: milliseconds, sender, what, octets."""
    rows = []
    for step in timeline:
        side = "endpoint" if step["from"] == "sut" else html_of(step["from"], 40, lines=False)
        what = html_of(step["what"], 400, lines=False)
        if step["deciding"]:
            what += " <strong>(decides)</strong>"
        rows.append(
            f'<tr{" class=deciding" if step["deciding"] else ""}><td class="number">{step["t"] * 1000:.3f}</td>'
            f'<td>{side}</td><td>{what}</td><td class="number">{step["octets"] or ""}</td></tr>\n'
        )
    return "".join(rows)


def _count_rows(rows: Iterable[Sequence[str | int]], total: Sequence[str | int]) -> str:
    """Rows of counts and their total: all of our own making, without any text from outside."""
    lines = [f"<tr>{_numbers(row)}</tr>\n" for row in rows]
    return f'{"".join(lines)}<tr class="total"><th scope="row" class="number">total</th>{_numbers(total)}</tr>\n'


def _numbers(cells: Iterable[str | int]) -> str:
    return "".join(f'<td class="number">{cell}</td>' for cell in cells)
