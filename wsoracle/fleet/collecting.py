"""From the folders of rounds to the columns of the matrix, and to a JSON document of the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from .deviations import deviations
from .findings import Column
from .records import read_record, read_rows
from .rounds import Round

__all__ = ["column_of", "document_of"]


def column_of(done: Round) -> Column:
    """What a round came to; a report that cannot be read is a reason of its own, beside the round's."""
    turn, reason = done.turn, done.reason
    verdicts: Counter[str] = Counter()
    uncounted, found = 0, []
    try:
        rows = [one for one in read_rows(done.folder) if one.agent == turn.agent]
        if not rows:
            raise ValueError("no case was run")
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
