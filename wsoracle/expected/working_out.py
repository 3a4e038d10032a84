"""The expectation of a case, worked out: outcomes from the judge, answers from the canonical endpoint."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from itertools import groupby
from typing import Any, Final

from wsoracle.generators.cases.canonical import Reference, agreed_in, as_rules_see, key_for
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.steps import SendFrame, SendOctets, octets_of, runs
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.verdict import Profile

from ..text.output import OnStep
from .expectations import autobahn_shape, expectations
from .foreseen import Outcomes, OwedAnswers

LONGEST: Final = 64
"""Characters of a payload that are kept."""


def every_outcome(
    cases: Iterable[Case], step: OnStep
) -> Iterator[tuple[Case, Role, Outcomes, list[OwedAnswers] | None]]:
    """Each case with each of its roles, and what is expected there; ``step`` is told of the progress."""
    known: dict[tuple[Hashable, Role], tuple[Outcomes, list[OwedAnswers] | None]] = {}
    every = [(case, role) for case in cases for role in Role if role in case.roles]
    for number, (case, role) in enumerate(every):
        step(case.id, number, len(every))
        key = as_rules_see(case), role
        if key not in known:
            known[key] = outcomes_for(case, role), None if case.opening else owed_for(case, role)
        yield case, role, *known[key]


def outcomes_for(case: Case, role: Role, profile: Profile = "interop") -> Outcomes:
    """The outcomes allowed to an endpoint of a role in a case."""
    found = [one.to_json() for one in expectations(case, role, profile)]
    expected, close = autobahn_shape(case, role, profile)
    return Outcomes(found, {verdict: [_cut(event) for event in events] for verdict, events in expected.items()}, close)


def _cut(event: list[Any]) -> list[Any]:
    """An event without the end of a long payload, as in a wire log."""
    return [part[:LONGEST] + " ..." if isinstance(part, str) and len(part) > LONGEST else part for part in event]


def owed_for(case: Case, role: Role) -> list[OwedAnswers]:
    """The answers owed in a case that begins with frames, a step for each time that the tester sends something."""
    reference = Reference(role, agreed=agreed_in(case))
    steps: list[tuple[int, int, bool, bool]] = []
    latest: tuple[SendFrame | SendOctets, bytes] | None = None
    before = 0, 0, False, False
    known: dict[int, tuple[int, int, bool, bool]] = {}
    for action, times in runs(case.actions):
        if not isinstance(action, (SendFrame, SendOctets)):
            continue
        if case.compresses and id(action) in known:
            steps.append(known[id(action)])  # the same message again, between others that are whole
            continue
        octets = latest[1] if latest is not None and latest[0] is action else octets_of(action, key_for(role))
        latest = action, octets
        reference.sent(octets, times)
        after = reference.messages, reference.pongs, reference.failed is not None, reference.got_close
        steps.append(
            (after[0] - before[0], after[1] - before[1], after[2] and not before[2], after[3] and not before[3])
        )
        before = after
        known[id(action)] = steps[-1]
    return [(*step, len(list(same))) for step, same in groupby(steps)]
