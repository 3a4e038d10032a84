"""A cause as a report for the tracker of an implementation: what it does, the clause, the octets, a script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from wsoracle.model.notation.sources import address_of, clause_of, source_of

from ..text.markdown import code, plain
from .causes import Cause

_MOST_CASES: Final = 12
_SECTION: Final = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,2}){0,3}")


def issue_text(agent: str, cause: Cause, script: str | None) -> str:
    """The report, as Markdown. ``script`` plays the example; None where there is none."""
    return "\n".join(_lines(agent, cause, script)) + "\n"


def _lines(agent: str, cause: Cause, script: str | None) -> Iterator[str]:
    shown = cause.example
    yield f"# {_title(cause)}"
    yield ""
    role = plain(shown.role or "endpoint")
    yield f"Seen with {code(agent)} as a WebSocket {role}, in case {code(shown.id)} of wsoracle."
    yield ""
    yield "## What it does"
    yield ""
    yield f"It {plain(cause.says)}."
    yield ""
    for side, words, octets in cause.exchange:
        yield f"- {side}: {code(words)}"
        if octets:
            yield f"  {code(octets)}"
    if shown.evidence.allowed:
        yield ""
        yield f"Would have been allowed there: {plain('; or '.join(shown.evidence.allowed))}."
    if shown.note:
        yield ""
        yield f"Note: {plain(shown.note)}"
    yield ""
    sources = dict.fromkeys(source_of(rule["id"]) for rule in cause.rules) or ["RFC 6455"]
    yield f"## What {' and '.join(sources)} say{'s' if len(sources) == 1 else ''}"
    yield ""
    for rule in cause.rules:
        yield f"{_clause(rule)} ({plain(rule['strength'])}):"
        yield ""
        yield f"> {plain(rule['quote'], 2000)}"
        yield ""
    if not cause.rules:
        yield "No clause: the case asks for an application that echoes."
        yield ""
    yield "## How to see it"
    yield ""
    listed = ", ".join(code(case.id) for case in cause.cases[:_MOST_CASES])
    more = ", ..." if len(cause.cases) > _MOST_CASES else ""
    yield f"With wsoracle: {code(cause.again)}. {cause.count.capitalize()} show it: {listed}{more}."
    if script is not None:
        yield ""
        yield "Without it, with this script, which needs a standard library alone:"
        yield ""
        yield from ("```python", script.rstrip("\n"), "```")


def _clause(rule: Mapping[str, str]) -> str:
    section = rule["section"]
    if not _SECTION.fullmatch(section):
        return f"Section {plain(section)}"
    clause = clause_of(rule["id"], section)
    return f"[{clause[:1].upper()}{clause[1:]}]({address_of(rule['id'], section)})"


def _title(cause: Cause) -> str:
    says = cause.says[:1].upper() + cause.says[1:]
    return plain(says, 200)
