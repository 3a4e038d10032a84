"""What the live pages of the fuzzing server show, as JSON: how far each agent is, and what is amiss so far.

Names and notes come from clients. They leave here as JSON only, and the pages write them as text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from wsoracle.generators.cases.case import Case

from ..reports.stored_record import page_name
from ..reports.summary import CaseSummary
from ..text.verdict_signs import VERDICTS, sign_of, style_of
from .server_run import AgentRun, ServerRun

if TYPE_CHECKING:
    from ..reports.causes import Cause

MOST_ROWS: Final = 5000
"""Results in one answer; the next answer has the rest."""

MOST_CAUSES: Final = 20
"""Causes of an agent that are shown while it runs; the report has all of them."""

_MOST_FIELDS: Final = 8


class LiveResults:
    """The results of a run as they come in. ``cases`` are those that clients know, ``excluded`` says which of them an
    agent is not to run."""

    def __init__(self, run: ServerRun, cases: Sequence[Case], excluded: Callable[[str, str], bool]) -> None:
        self._run: Final = run
        self._cases: Final = cases
        self._excluded: Final = excluded
        self._of: Final[dict[str, int]] = {}
        self._causes: Final[dict[str, tuple[int, list[dict[str, Any]], int]]] = {}

    def answer(self, query: str) -> dict[str, Any]:
        """The agents, and the results that are newer than the serial number ``since``; with ``agent`` that one alone,
        without its results. Fields of a query that make no sense are ignored."""
        fields = parse_qs(query, errors="replace") if query.count("&") < _MOST_FIELDS else {}
        agents = list(self._run.agents.values())
        if "agent" in fields:
            return {"agents": [self._agent(agent) for agent in agents if agent.name == fields["agent"][0]]}
        asked = fields.get("since", ["0"])[0]
        since = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 16 else 0
        rows = [
            (result.serial, place, result.summary)
            for place, agent in enumerate(agents)
            for result in agent.results.values()
            if result.serial > since
        ]
        rows.sort(key=lambda row: row[0])
        return {
            "serial": rows[MOST_ROWS - 1][0] if len(rows) > MOST_ROWS else self._run.serial,
            "agents": list(map(self._agent, agents)),
            "results": [_row(place, summary) for _, place, summary in rows[:MOST_ROWS]],
        }

    def _agent(self, agent: AgentRun) -> dict[str, Any]:
        counted = Counter(result.summary.label for result in agent.results.values())
        causes, more = self._causes_of(agent)
        if agent.name not in self._of:
            self._of[agent.name] = sum(not self._excluded(agent.name, case.id) for case in self._cases)
        return {
            "name": agent.name,
            "run": len(agent.results),
            "of": self._of[agent.name],
            "now": sorted(agent.running),
            "reported": agent.reported,
            "failed": sum(result.summary.failed for result in agent.results.values()),
            "verdicts": [{**_verdict(verdict), "count": counted[verdict]} for verdict in VERDICTS],
            "causes": causes,
            "moreCauses": more,
        }

    def _causes_of(self, agent: AgentRun) -> tuple[list[dict[str, Any]], int]:
        """The first causes of an agent, worked out when it has a new result, and how many more there are."""
        from ..reports.causes import causes_of  # slow to import, and needed only when somebody looks

        newest = max((result.serial for result in agent.results.values()), default=0)
        known = self._causes.get(agent.name)
        if known is None or known[0] != newest:
            found = causes_of({case_id: result.summary for case_id, result in agent.results.items()})
            known = newest, list(map(_cause, found[:MOST_CAUSES])), len(found[MOST_CAUSES:])
            self._causes[agent.name] = known
        return known[1], known[2]


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        **_verdict(cause.verdict),
        "says": cause.says,
        "count": cause.count,
        "case": cause.example.id,
        "page": _page(cause.example),
        "clause": next(iter(cause.clauses), ""),
    }


def _row(place: int, summary: CaseSummary) -> dict[str, Any]:
    return {
        **_verdict(summary.label),
        "agent": place,
        "case": summary.id,
        "page": _page(summary),
        "passed": summary.passed,
        "behavior": summary.behavior,
        "behaviorClose": summary.behavior_close,
        "rules": summary.rule_ids,
    }


def _verdict(verdict: str) -> dict[str, str]:
    return {"verdict": verdict, "style": style_of(verdict), "sign": sign_of(verdict)}


def _page(summary: CaseSummary) -> str:
    """The path of the page of a case, which is there as soon as its result is."""
    return f"/reports/{page_name(summary.file)}" if summary.file else ""
