"""The results of a run in the Common Test Report Format (CTRF), a JSON document that many tools read."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any, Final

from .. import __version__
from .causes import Cause, causes_by_case, causes_of
from .junit_markdown import UNEXPECTED, told
from .stored_record import page_name
from .summary import CaseSummary, Summaries, span_of
from .wanted import PLAIN, Wanted, WantedStatus

_STATUS: Final[dict[WantedStatus, str]] = {
    "passed": "passed", "failed": "failed", "expected": "skipped", "unexpected_passes": "failed", "not_run": "skipped",
    "other": "other",
}  # fmt: skip


def ctrf_json(agents: Summaries, wanted: Wanted = PLAIN) -> str:
    """The document as text: a test for each case of each agent. A failure that is expected is skipped."""
    tests = []
    for agent, cases in agents.items():
        causes = causes_by_case(causes_of(cases))
        tests += [_test(agent, one, causes.get(one.id), wanted) for one in cases.values()]
    found = Counter(test["status"] for test in tests)
    counts = {status: found[status] for status in ("passed", "failed", "skipped", "other")}
    started, seconds = span_of(one for cases in agents.values() for one in cases.values())
    start = 0 if started is None else round(datetime.fromisoformat(started).timestamp() * 1000)
    summary = {"tests": len(tests), **counts, "pending": 0, "start": start, "stop": start + round(seconds * 1000)}
    document = {
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "results": {"tool": {"name": "wsoracle", "version": __version__}, "summary": summary, "tests": tests},
    }
    return json.dumps(document, indent=1) + "\n"


def _test(agent: str, summary: CaseSummary, cause: Cause | None, wanted: Wanted) -> dict[str, Any]:
    status = wanted.status(summary)
    test = {
        "name": f"{summary.id} {summary.title}".strip(),
        "status": _STATUS[status],
        "duration": summary.duration,
        "suite": " > ".join([agent, *summary.group]),
        "rawStatus": summary.label,
        "filePath": page_name(summary.file),
    }
    if status == "failed" and cause is not None:
        test |= {"message": cause.says, "trace": "\n".join(told(cause, summary))}
    elif status == "unexpected_passes":
        test["message"] = UNEXPECTED
    return test
