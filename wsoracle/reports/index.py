"""The index: totals of each agent, and a matrix of cases by agents with a filter (its cells: :mod:`.matrix`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from ..text.verdict_signs import MEANINGS, VERDICTS, style_of
from .causes import WORST, Cause, causes_of
from .matrix import cell, compact, is_large, sums
from .rendering import FILTER_SCRIPT, ON_DEMAND_SCRIPT, policy, template_environment
from .summary import CaseSummary, Summaries, case_order

if TYPE_CHECKING:
    from .seen_connections import OverConnections

MOST_CAUSES: Final = 200
"""Causes that the page shows; those of further agents are in the lists for programs."""

MOST_WHOLE: Final = 20
"""Causes with clause and example, where the table is large."""

OTHER: Final = "other"
"""Stands for verdicts that wsoracle does not give, such as text from outside."""


def index_page(agents: Summaries, over: OverConnections | None = None, refresh: float = 0) -> str:
    """HTML of what is listed: summaries by agent and case, and what the connections of each agent show together.

    ``refresh``: seconds after which a browser loads the page anew, 0 for never.
    """
    cases: dict[str, CaseSummary] = {}
    for summaries in agents.values():
        for case_id, summary in summaries.items():
            if case_id not in cases or not cases[case_id].title:
                cases[case_id] = summary
    ordered = sorted(cases.items(), key=lambda item: case_order(item[0]))
    groups = _groups(ordered)
    totals = [(agent, totals_of(summaries)) for agent, summaries in agents.items()]
    shown = [verdict for verdict in VERDICTS if any(sums[verdict] for _, sums in totals)]
    large = is_large(len(ordered), len(agents))
    causes = [(agent, cause) for agent, summaries in agents.items() for cause in causes_of(summaries)]
    text: str = _template().render(
        policy=policy(script=True),
        refresh=refresh,
        scripts=[FILTER_SCRIPT, *([ON_DEMAND_SCRIPT] if large else [])],
        cells=compact([case_id for case_id, _ in ordered], agents) if large else None,
        agents=list(agents),
        verdicts=[*shown, *([OTHER] if any(sums[OTHER] for _, sums in totals) else [])],
        meanings={**MEANINGS, OTHER: "no verdict of ours"},
        totals=totals,
        causes=[(number, agent, cause) for number, (agent, cause) in enumerate(causes[:MOST_CAUSES])],
        whole_causes=MOST_WHOLE if large else MOST_CAUSES,
        more_causes=len(causes[MOST_CAUSES:]),
        groups=[(number, ("\u2003" if "." in number else "") + names[-1]) for names, number in _listed(groups)],
        rows=_rows(ordered, agents, groups, large, _numbers([cause for _, cause in causes[:MOST_CAUSES]])),
        over=[(agent, result) for agent, results in (over or {}).items() for result in results],
    )
    return text


def _numbers(causes: Sequence[Cause]) -> dict[str, list[int]]:
    """By the id of a case: the numbers of the causes that it is behind."""
    found: dict[str, list[int]] = {}
    for number, cause in enumerate(causes):
        for case in cause.cases:
            found.setdefault(case.id, []).append(number)
    return found


def totals_of(summaries: Mapping[str, CaseSummary]) -> dict[str, int]:
    """The number of an agent's cases by their verdicts."""
    counted = Counter(summary.label for summary in summaries.values())
    known = {verdict: counted[verdict] for verdict in VERDICTS}
    return {**known, OTHER: len(summaries) - sum(known.values()), "cases": len(summaries)}


@lru_cache(maxsize=1)
def _template() -> Any:
    environment: Any = template_environment()
    return environment.get_template("index.html.j2")


def _groups(ordered: list[tuple[str, CaseSummary]]) -> dict[tuple[str, ...], str]:
    """The numbers of groups in the filter: one for each group, and one below it for each group inside."""
    found: dict[tuple[str, ...], str] = {}
    for _, summary in ordered:
        names = _group_of(summary)
        first = found.setdefault(names[:1], str(len(found)))
        found.setdefault(names, f"{first}.{len(found)}")
    return found


def _group_of(summary: CaseSummary) -> tuple[str, ...]:
    """The names of the case's group; cases of Autobahn have numbers only."""
    if summary.group:
        return summary.group
    kind, numbers, _ = case_order(summary.id)
    return (f"Cases {numbers[0]}.*",) if kind == 0 else ("Other cases",)


def _listed(groups: Mapping[tuple[str, ...], str]) -> list[tuple[tuple[str, ...], str]]:
    """Groups as a list shows them: each with the groups inside."""
    return sorted(groups.items(), key=lambda item: [int(part) for part in item[1].split(".")])


def _rows(
    ordered: list[tuple[str, CaseSummary]],
    agents: Summaries,
    groups: Mapping[tuple[str, ...], str],
    large: bool,
    causes: Mapping[str, list[int]],
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for case_id, summary in ordered:
        names = _group_of(summary)
        found = [summaries.get(case_id) for summaries in agents.values()]
        there = [one for one in found if one is not None]
        styles = [style_of(one.label) or OTHER for one in there]
        rows.append(
            {
                "id": case_id,
                "title": summary.title,
                "group": groups[names],
                "group_name": " · ".join(names),
                "begins": not rows or rows[-1]["group"] != groups[names],
                "cells": sums(found) if large else "".join(map(cell, found)),
                "verdicts": " ".join(dict.fromkeys(styles)),
                "worst": min((WORST.index(one.label) if one.label in WORST else 0 for one in there), default=0),
                "causes": " ".join(map(str, causes.get(case_id, ()))),
                "rules": " ".join(dict.fromkeys(rule for one in there for rule in one.rule_ids)),
            }
        )
    return rows
