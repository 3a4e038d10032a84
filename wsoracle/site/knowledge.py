"""What belongs together: each rule with its theorems, requirements, cases, mutants and what real endpoints do."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final, NamedTuple

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.runnable import runnable_cases
from wsoracle.generators.mutants.operators import Mutant, mutants
from wsoracle.model.rules import RULES
from wsoracle.properties.connections.checks import CHECKS
from wsoracle.properties.requirements.register import REGISTER, matrix
from wsoracle.properties.theorems.theorem import Theorem

from ..expected.stored import stored
from ..prover import theorems

_RULE: Final = re.compile(r"[\d.]+/[a-z0-9-]+")


class FleetFinding(NamedTuple):
    """A cause that was found in real implementations: its rules, the act, and in how many endpoints of each role."""

    rules: tuple[str, ...]
    act: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Knowledge:
    """Everything that the pages of rules and their kin show; each mapping is by the id of a rule."""

    requirements: tuple[Mapping[str, Any], ...]
    theorems: tuple[Theorem, ...]
    cases: tuple[Case, ...]
    findings: tuple[FleetFinding, ...]
    fleet: Mapping[str, int]
    requirements_of: Mapping[str, tuple[str, ...]]
    theorems_of: Mapping[str, tuple[str, ...]]
    cases_of: Mapping[str, tuple[str, ...]]
    rules_of_case: Mapping[str, tuple[str, ...]]
    mutants_of: Mapping[str, tuple[Mutant, ...]]
    findings_of: Mapping[str, tuple[FleetFinding, ...]]
    killers: Mapping[str, str]


@lru_cache(maxsize=1)
def knowledge() -> Knowledge:
    """What the rows, the register, the theorems, the cases and the fleet say, put together."""
    rows = tuple(matrix(REGISTER, RULES, theorems(), CHECKS)["requirements"])
    cases = runnable_cases()
    fleet, findings = _findings()
    by_requirement = {row["id"]: row for row in rows}
    known = {rule.id for rule in RULES}
    theorem_rules = {
        theorem.id: {
            rule for one in theorem.requirements if one in by_requirement for rule in by_requirement[one]["rules"]
        }
        | (set(theorem.suspects) & known)
        for theorem in theorems()
    }
    rules_of_case = {case.id: _rules_of(case) for case in cases}
    return Knowledge(
        requirements=rows,
        theorems=theorems(),
        cases=cases,
        findings=findings,
        fleet=fleet,
        requirements_of=_turned((row["id"], row["rules"]) for row in rows),
        theorems_of=_turned(theorem_rules.items()),
        cases_of=_turned(rules_of_case.items()),
        rules_of_case=rules_of_case,
        mutants_of=_mutants(),
        findings_of=_by_rule(findings),
        killers={case.origin.mutant: case.id for case in cases if case.origin.mutant},
    )


def _turned(pairs: Iterable[tuple[str, Iterable[str]]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, rules in pairs:
        for rule in rules:
            found[rule].append(name)
    return {rule: tuple(names) for rule, names in found.items()}


def _rules_of(case: Case) -> tuple[str, ...]:
    """The rules that a case is about: those it was made for, and those behind what may not follow."""
    named = [*case.quotes, *([case.origin.rule] if case.origin.rule else [])]
    for role in sorted(case.roles):
        entry = stored(case.id, role)
        named += (
            [rule for outcome in entry.outcomes.outcomes for rule in outcome["rules"]] if entry and not named else []
        )
    return tuple(dict.fromkeys(named))


def _mutants() -> dict[str, tuple[Mutant, ...]]:
    found: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants():
        found[mutant.rule].append(mutant)
    return {rule: tuple(every) for rule, every in found.items()}


def _findings() -> tuple[dict[str, int], tuple[FleetFinding, ...]]:
    """The fleet's size in each role, and its causes."""
    text = (resources.files("wsoracle.reports") / "data" / "fleet_causes.json").read_text(encoding="utf-8")
    document = json.loads(text)
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for role in ("server", "client"):
        for cause, number in document[role]["causes"].items():
            counts[cause][role] = number
    found = tuple(
        FleetFinding(
            tuple(_RULE.findall(cause.rpartition("/")[0])), cause.rpartition("/")[2].replace("-", " "), numbers
        )
        for cause, numbers in sorted(counts.items())
    )
    return {role: document[role]["implementations"] for role in ("server", "client")}, found


def _by_rule(findings: Iterable[FleetFinding]) -> dict[str, tuple[FleetFinding, ...]]:
    found: dict[str, list[FleetFinding]] = defaultdict(list)
    for finding in findings:
        for rule in finding.rules:
            found[rule].append(finding)
    return {rule: tuple(every) for rule, every in found.items()}
