"""All generated cases, wherever they come from: what ``wsoracle generate`` writes and what requirements point at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wsoracle.generators.case import Case, check_suite
from wsoracle.generators.witness_cases import witness_cases

from .output import OnStep


@dataclass(frozen=True)
class Collection:
    """Cases in the order of their ids, and what is no case: the id that it would have, with the reason."""

    cases: tuple[Case, ...]
    left_out: Mapping[str, str]


def collect(seed: int, step: OnStep) -> Collection:
    """Every case. The same seed gives the same cases; ``step`` is told of each source before its turn."""
    step("witnesses of the rules", 0, 1)
    cases, left = witness_cases()
    return Collection(check_suite(cases), {one.id: one.why for one in left})


def cases_by_rule(collection: Collection) -> dict[str, list[str]]:
    """For each rule the ids of the cases that exercise it: those whose outcomes name it, and its own witnesses."""
    found: dict[str, list[str]] = {}
    for case in collection.cases:
        rules = {rule for outcome in case.allowed for rule in outcome.rules}
        rules |= {departure.rule for outcome in case.allowed for departure in outcome.departs_from}
        if case.origin.rule is not None:
            rules.add(case.origin.rule)
        for rule in rules:
            found.setdefault(rule, []).append(case.id)
    return found


__all__ = ["Collection", "cases_by_rule", "collect"]
