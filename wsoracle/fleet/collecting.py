"""From the report folders of rounds to the columns of the matrix, and to a JSON document of the same.

A report is read as what another program wrote: what it lacks is a reason in the column, not an error of this program.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..reports.causes import causes_of
from ..reports.shared_causes import shared_document
from ..reports.summary import NOT_RUN, summary_of
from ..text.output import write_json
from .deviations import deviations
from .findings import Column, SeenTogether
from .rounds import Round, Turn


def remember(done: Round, folder: Path) -> None:
    """Keep what the round's own report does not say, so that findings can be written again without a run."""
    known = {
        "agent": done.turn.agent,
        "version": done.turn.version,
        "seconds": done.seconds,
        "reason": done.reason,
        "asked": done.asked,
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_json(str(folder / f"{done.turn.agent}.json"), known)


def recall(turn: Turn, folder: Path, reports: Path) -> Round | None:
    """The last round of an implementation at its present version, or None."""
    try:
        known = json.loads((folder / f"{turn.agent}.json").read_text(encoding="utf-8"))
        return Round(turn, reports / turn.agent, float(known["seconds"]), known["reason"], known.get("asked"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case of one agent in the overview of a run."""

    agent: str
    verdict: str
    counts: bool
    file: Path


def read_rows(folder: Path) -> Iterator[CaseRow]:
    """The overview of a run. Raises ValueError where it is missing, or has another format."""
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
        for row in cases.values():
            # Only the name counts: no record lies outside of the folder.
            file = (folder / Path(row["reportfile"]).name).with_suffix(".json")
            yield CaseRow(agent, row["verdict"], row["counts"], file)


def read_together(folder: Path, agent: str) -> list[SeenTogether]:
    """What all connections of an agent show together, where it breaks something. Raises ValueError for no such list."""
    try:
        document = json.loads((folder / "wsoracle.json").read_text(encoding="utf-8"))
        results = document.get("connections", {}).get(agent, [])
        return [
            SeenTogether(
                str(one["id"]), str(one["verdict"]), int(one["count"]), int(one["of"]), str(one["what"]),
                str(one["example"]), tuple(dict.fromkeys(str(row["section"]) for row in one["requirements"])),
            )
            for one in results
            if one["count"]
        ]  # fmt: skip
    except (OSError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / 'wsoracle.json'} has no results over all connections: {error}") from error


def read_record(row: CaseRow) -> Mapping[str, Any]:
    """The record of a case. Raises ValueError where it is missing or not one."""
    try:
        record = json.loads(row.file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{row.file} cannot be read: {error}") from error
    if not isinstance(record, dict) or record.get("wsoracle", {}).get("format") != "wsoracle-record":
        raise ValueError(f"{row.file} is not the record of a case")
    return record


def column_of(done: Round) -> Column:
    """The result of a round. A report that cannot be read, or has fewer cases than were to be run, is a reason too."""
    turn, reason = done.turn, done.reason
    verdicts: Counter[str] = Counter()
    uncounted, found, together, causes = 0, [], [], []
    try:
        rows = [one for one in read_rows(done.folder) if one.agent == turn.agent]
        if not rows:
            raise ValueError("no case was run")
        if done.asked is not None and len(rows) < done.asked:
            reason = reason or f"only {len(rows)} of {done.asked} cases were run"
        for one in rows:
            if one.counts and one.verdict != NOT_RUN:
                verdicts[one.verdict] += 1
            else:
                uncounted += 1
        together = read_together(done.folder, turn.agent)
        bad = [read_record(one) for one in rows if one.counts and one.verdict in ("FAILED", "NON-STRICT")]
        found = deviations(bad)
        causes = [
            one.id for one in causes_of({record["id"]: summary_of(record) for record in bad}) if one.kind == "rule"
        ]
    except (ValueError, KeyError, TypeError) as error:
        reason = reason or f"its report cannot be used: {error}"
    return Column(
        turn.peer, turn.role, turn.agent, turn.version, reason, verdicts, uncounted, done.seconds, tuple(found),
        tuple(together), tuple(causes),
    )  # fmt: skip


def document_of(columns: Sequence[Column], made_with: str) -> dict[str, Any]:
    """The matrix and the deviations as an object."""
    return {
        "format": "wsoracle-fleet",
        "version": 1,
        "madeWith": made_with,
        "implementations": [
            {
                "name": column.peer.name,
                "role": column.role,
                "agent": column.agent,
                "version": column.version,
                "language": column.peer.language,
                "codeBase": column.peer.code_base,
                "reason": column.reason,
                "seconds": round(column.seconds, 1),
                "cases": column.cases,
                "verdicts": dict(sorted(column.verdicts.items())),
                "didNotCount": column.uncounted,
                "deviations": [asdict(deviation) for deviation in column.deviations],
                "connections": [seen._asdict() for seen in column.connections],
            }
            for column in columns
        ],
    }


def causes_document(columns: Sequence[Column], made_with: str) -> dict[str, Any]:
    """How many implementations share each cause, of those that were run; one that was run with permessage-deflate and
    without counts once."""
    found: dict[tuple[str, str], set[str]] = {}
    for column in columns:
        if column.cases:
            found.setdefault((column.role.value, column.peer.name), set()).update(column.causes)
    return shared_document(((role, tuple(causes)) for (role, _), causes in found.items()), made_with)
