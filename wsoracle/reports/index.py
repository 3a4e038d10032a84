"""The index: totals of each agent, and a matrix of cases by agents with a filter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from typing import Any, Final
from urllib.parse import quote

from .entries import Entries
from .escape import visible
from .names import page_name
from .style import FILTER_SCRIPT, policy, template_environment
from .verdicts import CLOSED_WELL, MEANINGS, SIGNS, VERDICTS, label, style_of

__all__ = ["OTHER", "index_page", "totals_of"]

OTHER: Final = "other"
"""Verdicts that are none of ours, such as text from outside."""


def index_page(agents: Entries) -> str:
    """HTML of what is listed: entries by agent and case."""
    cases: dict[str, Mapping[str, Any]] = {}
    for entries in agents.values():
        for case_id, entry in entries.items():
            if not cases.get(case_id, {}).get("title"):
                cases[case_id] = entry
    ordered = sorted(cases.items(), key=lambda item: item[1]["order"])
    groups = _groups(ordered)
    totals = [(agent, totals_of(entries)) for agent, entries in agents.items()]
    shown = [verdict for verdict in VERDICTS if any(sums[verdict] for _, sums in totals)]
    text: str = _template().render(
        policy=policy(script=True),
        script=FILTER_SCRIPT,
        agents=list(agents),
        verdicts=[*shown, *([OTHER] if any(sums[OTHER] for _, sums in totals) else [])],
        meanings={**MEANINGS, OTHER: "no verdict of ours"},
        totals=totals,
        groups=[(number, ("\u2003" if "." in number else "") + names[-1]) for names, number in _listed(groups)],
        rows=_rows(ordered, agents, groups),
    )
    return text


def totals_of(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How many cases of an agent had which verdict."""
    counted = Counter(label(entry["verdict"], entry["counts"]) for entry in entries.values())
    known = {verdict: counted[verdict] for verdict in VERDICTS}
    return {**known, OTHER: len(entries) - sum(known.values()), "cases": len(entries)}


@lru_cache(maxsize=1)
def _template() -> Any:
    environment: Any = template_environment()
    return environment.get_template("index.html.j2")


def _groups(ordered: list[tuple[str, Mapping[str, Any]]]) -> dict[tuple[str, ...], str]:
    """A number for each group, and one below it for what is inside: those of the filter."""
    found: dict[tuple[str, ...], str] = {}
    for _, entry in ordered:
        names = _group_of(entry)
        first = found.setdefault(names[:1], str(len(found)))
        found.setdefault(names, f"{first}.{len(found)}")
    return found


def _group_of(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of its group; cases of Autobahn have numbers only."""
    if entry["group"]:
        return tuple(entry["group"])
    established, numbers, _ = entry["order"]
    return (f"Cases {numbers[0]}.*",) if established == 0 else ("Other cases",)


def _listed(groups: Mapping[tuple[str, ...], str]) -> list[tuple[tuple[str, ...], str]]:
    """Groups as a list shows them: each with what is inside."""
    return sorted(groups.items(), key=lambda item: [int(part) for part in item[1].split(".")])


def _rows(
    ordered: list[tuple[str, Mapping[str, Any]]], agents: Entries, groups: Mapping[tuple[str, ...], str]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for case_id, entry in ordered:
        names = _group_of(entry)
        found = [entries.get(case_id) for entries in agents.values()]
        there = [one for one in found if one is not None]
        styles = [style_of(label(one["verdict"], one["counts"])) or OTHER for one in there]
        rows.append(
            {
                "id": case_id,
                "title": entry["title"],
                "group": groups[names],
                "group_name": " · ".join(names),
                "begins": not rows or rows[-1]["group"] != groups[names],
                "cells": "".join(map(_cell, found)),
                "verdicts": " ".join(dict.fromkeys(styles)),
                "rules": " ".join(dict.fromkeys(rule for one in there for rule in one["rules"])),
            }
        )
    return rows


def _cell(entry: Mapping[str, Any] | None) -> str:
    """HTML of what an agent did in a case. A template would take three times as long for it."""
    if entry is None:
        return '<td class="missing">Missing</td>'
    said = label(entry["verdict"], entry["counts"])
    page = quote(page_name(entry["reportfile"]))
    hint = visible("; ".join([*entry["rules"], *filter(None, [entry["note"]])]), 300, lines=False)
    title = f' title="{escape(hint)}"' if hint else ""
    closing = "" if entry["behaviorClose"] in CLOSED_WELL else visible(entry["behaviorClose"], 40, lines=False)
    words = f"{SIGNS.get(said, '?')} {escape(visible(said, 40, lines=False))}"
    more = f'<div class="dim">close: {escape(closing)}</div>' if closing else ""
    return f'<td class="{style_of(said)}"><a href="{page}"{title}>{words}{more}</a></td>'
