"""The page of a case: the verdict with its clauses, then everything that Autobahn's page shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from wsoracle.model.octets.vocabulary import OPCODE_NAMES

from .escape import html_of
from .rows import count_rows, timeline_rows, wire_rows
from .sanitize import as_text, tidy
from .sequence import sequence_diagram
from .style import policy, template_environment
from .verdicts import MEANINGS, label
from .wire import Line, wire_log

__all__ = ["case_page"]

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

_AROUND: Final = 16
"""Octets shown before and after the deciding one."""

_SECTION: Final = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,2}){0,3}")


class Statistic(NamedTuple):
    """A table of counts: `rows` is HTML, empty where nothing was counted."""

    title: str
    columns: tuple[str, ...]
    rows: str


def case_page(record: Mapping[str, Any], control_page: str | None = None) -> str:
    """HTML of a record; ``control_page`` is the file of the page of its control. Nothing in the record is trusted."""
    shown = tidy(record)
    ours = shown["wsoracle"]
    wire = wire_log(shown)
    said = label(ours["verdict"], ours["counts"])
    text: str = _template().render(
        policy=policy(script=False),
        r=shown,
        w=ours,
        label=said,
        meaning=MEANINGS.get(said, "") if shown["ours"] else "as the suite that ran it has judged",
        control_page=control_page,
        decided=next((step for step in ours["timeline"] if step["deciding"]), None),
        diagram=sequence_diagram(ours["timeline"], ours["role"]),
        facts=_facts(shown),
        statistics=list(_statistics(shown)),
        wire=wire_rows(wire),
        timeline=timeline_rows(ours["timeline"]),
        marked=_around(wire),
        traffic=list(_flat(shown["trafficStats"])),
        run=_run(ours),
    )
    return text


def _around(wire: list[Line]) -> dict[str, str] | None:
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
    environment.filters.update(events=_events, clause=_clause)
    return environment.get_template("case.html.j2")


def _clause(section: str) -> str | None:
    """The address of a section of RFC 6455; None for what is no section."""
    return f"https://www.rfc-editor.org/rfc/rfc6455#section-{section}" if _SECTION.fullmatch(section) else None


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
        rows = count_rows(((size, count, size * count) for size, count in counts.items()), total) if counts else ""
        yield Statistic(f"{title} by chop size", ("chop size", "count", "octets"), rows)
    for field, title in (("rxFrameStats", "Frames received"), ("txFrameStats", "Frames transmitted")):
        counts = record[field]
        named = ((f"{code} ({OPCODE_NAMES.get(code, 'none')})", count) for code, count in counts.items())
        rows = count_rows(named, (sum(counts.values()),)) if counts else ""
        yield Statistic(f"{title} by opcode", ("opcode", "count"), rows)
