"""A rule broken: the shortest run that shows it, step by step, and what the rules and the broken rule say at its end.

Theory of operation. The history of a telling mutant is followed twice, by the rules and by the broken ones, to the step
where they part. Its octets are those of the case that the history makes, where it makes one; the same steps as text are
a history of the explorer, whose reader plays the peer of the endpoint with the broken rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from wsoracle.generators.cases.steps import CaseStep, EndpointSends, EndpointSendsHead, SendFrame, SendHead
from wsoracle.generators.mutants.observable import TracedStep, mutated, seen_from, trace
from wsoracle.generators.mutants.operators import Mutant
from wsoracle.generators.suite.telling import TellingMutant
from wsoracle.model.machine.compiled import machine_for
from wsoracle.model.machine.interpreted import Outcome, allowed, forbidden_by
from wsoracle.model.machine.words import DUES, choice_words, outcome_words, state_words
from wsoracle.model.notation.rule import Forbid, RuleSet
from wsoracle.model.notation.variables import (
    Event,
    EventKind,
    Setting,
    State,
)
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from ..spec.player import PlayedStep, after_words
from .event_histories import HistoryEvent, events_text, steps_of
from .setting_remarks import setting_remarks
from .unit_words import unit_words

MOST_SHOWN: Final = 400
"""Octets of a step that a page shows, at most."""
PLAYS_ALONG: Final = "plays along"
"""The state of the peer, of which no rule is asked."""


@dataclass(frozen=True)
class WhatRulesSay:
    """What rules say at the step where the run ends: in words, and the ids of the rules behind it."""

    words: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class BrokenRun:
    """The run of a telling mutant. ``remarks`` are what the steps do not show of the endpoint; ``history`` is the run
    as the explorer reads it, None where it cannot have its steps."""

    mutant: Mutant
    role: Role
    before: str
    steps: tuple[PlayedStep, ...]
    remarks: tuple[str, ...]
    by_rules: WhatRulesSay
    by_broken: WhatRulesSay
    history: str | None


def broken_run(told: TellingMutant) -> BrokenRun:
    """The run of a telling mutant."""
    mutant, scenario = told
    setting, start = scenario.start.setting, scenario.start.state
    machine = machine_for(RULES, setting)
    ours = trace(machine, scenario.history, start)
    theirs = trace(mutated(machine, mutant), scenario.history, start)
    parting = next(
        (at for at, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one.expected != other.expected),
        min(len(ours), len(theirs)) - 1,
    )
    ours = ours[: parting + 1]
    path = [(step.event, step.label) for step in scenario.history[:-1] if step.label is not None]
    units = steps_of(mutant.id, setting, start, path, scenario.history[-1].event)[: len(ours)]
    events = [HistoryEvent(one.step.event, one.step.label, unit) for one, unit in zip(ours, units, strict=True)]
    last = ours[-1].step.event
    other = theirs[parting]
    seen = seen_from(ours[-1].step, other.state, setting) or last
    return BrokenRun(
        mutant,
        setting.role,
        state_words(start),
        tuple(_steps(ours, setting, units)),
        tuple(setting_remarks(setting, echo_expected=True)),
        _judged(RULES, setting, ours[-1].state, last),
        # The rows for this kind of event alone: no others are asked, and to make a set ready takes time.
        _judged(RuleSet(mutant.rules.of(seen.kind)), setting, other.state, seen),
        events_text(setting, start, events, [f"broken={mutant.id}"]),
    )


# --- the steps --------------------------------------------------------------------------------------------------------


def _steps(ours: Sequence[TracedStep], setting: Setting, units: Sequence[CaseStep | None]) -> Iterator[PlayedStep]:
    """The steps of the run: what arrives is sent by the peer first."""
    number = 0
    for traced, unit in zip(ours, units, strict=True):
        event, role = traced.step.event, setting.role
        said = _said(event, role)
        octets = _octets(unit)
        number += 1
        if event.kind.is_input:
            sent = "closes TCP" if event.kind is EventKind.RECEIVE_EOF else f"sends {said}"
            yield PlayedStep(number, role.peer, sent, PLAYS_ALONG, (), PLAYS_ALONG, True, None, octets)
            number += 1
        chosen = traced.step.label
        is_last = traced is ours[-1]
        outcomes = allowed(traced.state, event, setting, departures=True)
        mine = next((one for one in outcomes if one.label == chosen), None)
        after = traced.state if mine is None else mine.state
        yield PlayedStep(
            number, role, _does(event, said), _outcome(event, is_last, mine is not None and outcome_words(mine.label)),
            () if is_last or mine is None else (*mine.rules, *mine.departs_from),
            "here the rules part" if is_last else after_words(after, setting), event.kind not in _QUIET,
            number - 1 if event.kind.is_input else None, b"" if event.kind.is_input else octets,
        )  # fmt: skip


_QUIET: Final = frozenset({kind for kind in EventKind if kind.is_input} | {EventKind.SILENCE})
"""The events at which an endpoint sends nothing."""


def _outcome(event: Event, is_last: bool, words: str | bool) -> str:
    if is_last:
        return "see below what it may do now" if event.kind.is_input else "see below whether it may"
    return str(words) if event.kind.is_input and words else "allowed"


def _said(event: Event, role: Role) -> str:
    """What the endpoint of a role sends, or what arrives at it, in a few words."""
    if event.facts is None and event.kind is not EventKind.RECEIVE_EOF:
        return ""
    return unit_words(event.facts, role.peer if event.kind.is_input else role)


def _does(event: Event, said: str) -> str:
    if event.kind is EventKind.CLOSE_TCP:
        return "closes TCP"
    if event.kind is EventKind.SILENCE:
        return "stays silent"
    return (
        f"{'finds' if event.kind is EventKind.RECEIVE_EOF else 'receives' if event.kind.is_input else 'sends'} {said}"
    )


def _octets(unit: CaseStep | None) -> bytes:
    """The octets of a step, where it is a head or a frame that a page can show whole."""
    if isinstance(unit, SendFrame) and not unit.is_whole:
        return b""
    octets = unit.octets if isinstance(unit, SendFrame | EndpointSends | SendHead | EndpointSendsHead) else b""
    return octets if len(octets) <= MOST_SHOWN else b""


# --- the end of the run -----------------------------------------------------------------------------------------------


def _judged(rules: RuleSet, setting: Setting, state: State, event: Event) -> WhatRulesSay:
    """What rules say of the event at which the run ends."""
    outcomes = allowed(state, event, setting, rules, departures=True)
    full = [one for one in outcomes if not one.departs_from]
    if event.kind.is_input:
        choices = [_choice(one, state) for one in outcomes]
        return WhatRulesSay(", or ".join(choices) or "nothing at all: no rule says what it may do", _behind(outcomes))
    if full:
        return WhatRulesSay("it may", _behind(full))
    refusing = forbidden_by(state, event, setting, rules)
    dues = [DUES[rule.then.due] for rule in refusing if isinstance(rule.then, Forbid) and rule.then.due]
    words = "it should not, though no MUST forbids it" if outcomes else "it must not"
    owes = f": it owes {' and '.join(dict.fromkeys(dues))}" if dues else ""
    return WhatRulesSay(f"{words}{owes}", tuple(rule.id for rule in refusing))


def _choice(one: Outcome, state: State) -> str:
    told = one.label.delivers
    ends = state.peer_open and not one.state.peer_open
    words = choice_words(one.label) + (f" (the application is told: {told})" if told else "")
    words += f", and the application is told close code {one.state.close_code}" if ends else ""
    return f"{words}, which departs from {', '.join(one.departs_from)}" if one.departs_from else words


def _behind(outcomes: Iterable[Outcome]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule for one in outcomes for rule in (*one.rules, *one.departs_from)))
