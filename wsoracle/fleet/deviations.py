"""From the records of cases to deviations: what an implementation does that the rules do not allow in full.

Cases in which one agent leaves the same rules unfollowed are one deviation, shown by the simplest of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wsoracle.model.notation.rule import Strength

from ..reports.stored_record import tidy
from ..reports.summary import WirePiece, evidence_of, faults_in

_STRENGTHS: Final = tuple(Strength.__members__)
"""Strongest first."""

_BAD: Final = ("FAILED", "NON-STRICT")


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that was not followed."""

    id: str
    strength: str
    section: str
    quote: str


@dataclass(frozen=True, slots=True)
class FleetDeviation:
    """A deviation of an agent from the same rules, in some cases.

    `sent` are the last pieces that arrived at it before the deciding place, `received` its reaction there, `octet` the
    offset of the deciding octet in all that it wrote or (`octet_arrived`) in all that arrived at it; `without` is the
    note of the judge where no rule is broken.
    """

    agent: str
    rules: tuple[BrokenRule, ...]
    cases: tuple[str, ...]
    example: str
    stimulus: str
    sent: tuple[WirePiece, ...]
    received: tuple[WirePiece, ...]
    octet: int | None
    allowed: tuple[str, ...]
    verdict: str
    without: str = ""
    octet_arrived: bool = False

    @property
    def strength(self) -> str:
        """The strongest among its rules; FAILED without rules."""
        return min((rule.strength for rule in self.rules), key=strength_rank, default="FAILED")


def strength_rank(strength: str) -> int:
    """Strongest first."""
    return _STRENGTHS.index(strength) if strength in _STRENGTHS else len(_STRENGTHS)


def natural(case: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts 2.10 after 2.9."""
    parts = re.split(r"(\d{1,18})", case)
    return tuple((0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts if part)


def deviations(records: Iterable[Mapping[str, Any]]) -> list[FleetDeviation]:
    """The deviations in these records: agents in order of name, of each the strongest first.

    Records that do not count prove nothing, and those that are INFORMATIONAL, UNIMPLEMENTED or OK are no deviations.
    """
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for record in records:
        ours = record["wsoracle"]
        if not ours["counts"] or ours["verdict"] not in _BAD:
            continue
        rules = tuple(rule["id"] for rule in ours["rules"])
        key = (record["agent"], *rules) if rules else (record["agent"], "", ours["note"])
        groups.setdefault(key, []).append(record)
    found = [_deviation(group) for group in groups.values()]
    return sorted(found, key=lambda one: (one.agent, strength_rank(one.strength), natural(one.cases[0])))


def _deviation(records: Sequence[Mapping[str, Any]]) -> FleetDeviation:
    ordered = sorted(records, key=lambda record: natural(record["id"]))
    seen = {record["id"]: evidence_of(tidy(record)) for record in ordered}
    shown = min(ordered, key=lambda record: (faults_in(record["id"]), seen[record["id"]].effort))
    evidence, ours = seen[shown["id"]], shown["wsoracle"]
    rules = {rule["id"]: rule for rule in ours["rules"]}
    return FleetDeviation(
        agent=shown["agent"],
        rules=tuple(
            BrokenRule(rule["id"], rule["strength"], rule["section"], rule["quote"]) for rule in rules.values()
        ),
        cases=tuple(record["id"] for record in ordered),
        example=shown["id"],
        stimulus=ours["stimulus"],
        sent=evidence.sent,
        received=evidence.seen,
        octet=evidence.octet,
        allowed=evidence.allowed,
        verdict=ours["verdict"],
        without="" if rules else ours["note"],
        octet_arrived=evidence.octet_arrived,
    )
