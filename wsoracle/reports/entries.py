"""What lists say of a case, from its record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from .sanitize import tidy

__all__ = ["ESTABLISHED", "OURS", "Entries", "Entry", "entry_of", "in_order", "span_of"]

Entry = dict[str, Any]
Entries = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""By agent and case."""

ESTABLISHED: Final = ("behavior", "behaviorClose", "duration", "remoteCloseCode", "reportfile")
"""The fields of index.json."""

OURS: Final = ("verdict", "behavior", "behaviorClose", "counts", "passed", "control", "rules", "reportfile")
"""The fields of wsoracle.json."""


def entry_of(record: Mapping[str, Any], file: str) -> Entry:
    """The entry of a record that is in a file; one of Autobahn has no verdict of ours."""
    tidied = tidy({key: record[key] for key in _READ if key in record}, timeline=False)
    ours = tidied["wsoracle"]
    return {
        "behavior": tidied["behavior"],
        "behaviorClose": tidied["behaviorClose"],
        "duration": tidied["duration"],
        "remoteCloseCode": tidied["remoteCloseCode"],
        "reportfile": file,
        "verdict": ours["verdict"],
        "counts": ours["counts"],
        "passed": ours["passed"],
        "control": ours["control"],
        "rules": [rule["id"] for rule in ours["rules"]],
        "group": ours["group"],
        "title": ours["title"],
        "note": ours["note"],
        "started": tidied["started"],
        "order": _order(tidied["id"]),
    }


def in_order(entries: Mapping[str, Mapping[str, Entry]]) -> dict[str, dict[str, Entry]]:
    """Agents by name, their cases as Autobahn numbers them, then all others."""
    return {
        agent: dict(sorted(cases.items(), key=lambda item: item[1]["order"]))
        for agent, cases in sorted(entries.items())
        if cases
    }


def span_of(entries: Iterable[Mapping[str, Any]]) -> tuple[str | None, float]:
    """When the first case began, and for how many seconds cases ran from then on."""
    begins, ends = [], []
    for entry in entries:
        try:
            begun = datetime.fromisoformat(entry["started"])
            ends.append(begun + timedelta(milliseconds=entry["duration"]))
            begins.append(begun)
        except (ValueError, OverflowError):
            continue
    try:
        first = min(begins)
        return first.isoformat(timespec="milliseconds").replace("+00:00", "Z"), (max(ends) - first).total_seconds()
    except (ValueError, TypeError):
        # None at all, or some with a time zone and some without.
        return None, 0.0


_READ: Final = ("id", "agent", "behavior", "behaviorClose", "duration", "remoteCloseCode", "started", "wsoracle")


def _order(case_id: str) -> tuple[int, list[int], str]:
    parts = case_id.split(".")
    if all(part.isascii() and part.isdigit() and len(part) < 9 for part in parts):
        return 0, [int(part) for part in parts], case_id
    return 1, [], case_id
