"""From the folders of rounds to the columns of the matrix, and to a JSON document of the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..text.output import write_json
from .deviations import deviations
from .findings import Column
from .records import read_record, read_rows
from .rounds import Round, Turn

__all__ = ["column_of", "document_of", "recall", "remember"]


def remember(done: Round, folder: Path) -> None:
    """Keep what the round's own report does not say, so that findings can be written again without a run."""
    known = {"agent": done.turn.agent, "version": done.turn.version, "seconds": done.seconds, "reason": done.reason}
    folder.mkdir(parents=True, exist_ok=True)
    write_json(str(folder / f"{done.turn.agent}.json"), known)


def recall(turn: Turn, folder: Path, reports: Path) -> Round | None:
    """The last round of an implementation at its present version; None where there is none."""
    try:
        known = json.loads((folder / f"{turn.agent}.json").read_text(encoding="utf-8"))
        return Round(turn, reports / turn.agent, float(known["seconds"]), known["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def column_of(done: Round, asked: int | None = None) -> Column:
    """What a round came to; a report that cannot be read, or has fewer cases than were `asked` for, is a reason too."""
    turn, reason = done.turn, done.reason
    verdicts: Counter[str] = Counter()
    uncounted, found = 0, []
    try:
        rows = [one for one in read_rows(done.folder) if one.agent == turn.agent]
        if not rows:
            raise ValueError("no case was run")
        if asked is not None and len(rows) < asked:
            reason = reason or f"only {len(rows)} of {asked} cases were run"
        for one in rows:
            if one.counts:
                verdicts[one.verdict] += 1
            else:
                uncounted += 1
        found = deviations(read_record(one) for one in rows if one.counts and one.verdict in ("FAILED", "NON-STRICT"))
    except (ValueError, KeyError, TypeError) as error:
        reason = reason or f"its report cannot be used: {error}"
    return Column(
        turn.peer, turn.role, turn.agent, turn.version, reason, verdicts, uncounted, done.seconds, tuple(found)
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
            }
            for column in columns
        ],
    }
