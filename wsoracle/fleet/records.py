"""Reads what a run left: ``wsoracle.json`` and the records of cases, with no more trust than they need."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["CaseRow", "read_record", "read_rows"]


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case of one agent in the overview of a run."""

    agent: str
    case: str
    verdict: str
    counts: bool
    passed: bool
    rules: tuple[str, ...]
    file: Path


def read_rows(folder: Path) -> Iterator[CaseRow]:
    """The overview of a run. Raises ValueError where there is none, or it is of another format."""
    name = folder / "wsoracle.json"
    try:
        document = json.loads(name.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"{name} is not there: the run left no report") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"{name} cannot be read: {error}") from error
    if not isinstance(document, dict) or document.get("format") != "wsoracle-run" or document.get("version") != 1:
        raise ValueError(f"{name} is not the overview of a run, version 1")
    for agent, cases in document["agents"].items():
        for case, row in cases.items():
            # Only the name counts: no record lies outside of the folder.
            file = (folder / Path(row["reportfile"]).name).with_suffix(".json")
            yield CaseRow(agent, case, row["verdict"], row["counts"], row["passed"], tuple(row["rules"]), file)


def read_record(row: CaseRow) -> Mapping[str, Any]:
    """The record of a case. Raises ValueError where it is missing or not one."""
    try:
        record = json.loads(row.file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{row.file} cannot be read: {error}") from error
    if not isinstance(record, dict) or record.get("wsoracle", {}).get("format") != "wsoracle-record":
        raise ValueError(f"{row.file} is not the record of a case")
    return record
