"""The index: totals of each agent, and a matrix of cases by agents with a filter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from itertools import groupby
from typing import Any, Final

from .style import FILTER_SCRIPT, policy, template_environment

__all__ = ["VERDICTS", "index_page", "totals_of"]

VERDICTS: Final = ("OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED", "NO CONTROL")
_SIGNS: Final = {
    "OK": "✓",
    "NON-STRICT": "~",
    "INFORMATIONAL": "i",
    "UNIMPLEMENTED": "–",
    "FAILED": "✗",
    "NO CONTROL": "∅",
}
_CLOSED_WELL: Final = ("OK", "INFORMATIONAL")

Entries = Mapping[str, Mapping[str, Mapping[str, Any]]]


def index_page(agents: Entries) -> str:
    """HTML of what is listed: entries by agent and case."""
    cases: dict[str, Mapping[str, Any]] = {}
    for entries in agents.values():
        for case_id, entry in entries.items():
            cases.setdefault(case_id, entry)
    ordered = sorted(cases.items(), key=lambda item: item[1]["order"])
    text: str = _template().render(
        policy=policy(script=True),
        script=FILTER_SCRIPT,
        agents=list(agents),
        verdicts=VERDICTS,
        totals=[(agent, totals_of(entries)) for agent, entries in agents.items()],
        rows=_rows(ordered, agents),
    )
    return text


def totals_of(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How many cases of an agent had which verdict."""
    counted = Counter(_label(entry) for entry in entries.values())
    return {**{verdict: counted[verdict] for verdict in VERDICTS}, "cases": len(entries)}


@lru_cache(maxsize=1)
def _template() -> Any:
    environment: Any = template_environment()
    return environment.get_template("index.html.j2")


def _rows(ordered: list[tuple[str, Mapping[str, Any]]], agents: Entries) -> list[dict[str, Any]]:
    rows = []
    grouped = groupby(ordered, key=lambda item: " · ".join(item[1]["group"]))
    for number, (group, items) in enumerate(grouped):
        for place, (case_id, entry) in enumerate(items):
            found = [entries.get(case_id) for entries in agents.values()]
            cells = [None if one is None else _cell(one) for one in found]
            words = [case_id, entry["title"], group]
            words += [word for one in found if one is not None for word in (_label(one), *one["rules"])]
            rows.append(
                {
                    "id": case_id,
                    "title": entry["title"],
                    "group": group,
                    "group_number": number,
                    "begins": place == 0,
                    "cells": cells,
                    "odd": any(one is not None and _label(one) != "OK" for one in found),
                    "text": " ".join(map(str, words)).lower(),
                }
            )
    return rows


def _cell(entry: Mapping[str, Any]) -> dict[str, Any]:
    label = _label(entry)
    return {
        "label": label,
        "css": label.replace(" ", "-") if label in VERDICTS else "",
        "sign": _SIGNS.get(label, "?"),
        "page": str(entry["reportfile"]).removesuffix(".json") + ".html",
        "hint": "; ".join([*map(str, entry["rules"]), *([entry["note"]] if entry["note"] else [])]),
        "close": "" if entry["behaviorClose"] in _CLOSED_WELL else str(entry["behaviorClose"]),
    }


def _label(entry: Mapping[str, Any]) -> str:
    return str(entry["verdict"]) if entry["counts"] else "NO CONTROL"
