"""Evident faults: of what an endpoint sends, those that no explanation excuses.

Many rules on frames that are sent ask for nothing but the frame itself and what was sent before it. A frame that breaks
one of them does so whatever the endpoint has read: also in a trace that is wrong in so many places that no explanation
of it is found.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from itertools import product
from typing import Final

from wsoracle.model.facts.units import leaving
from wsoracle.model.machine.compiled import CompiledMachine, machine_for
from wsoracle.model.notation.rule import RuleSet, Strength
from wsoracle.model.notation.variables import Event, State
from wsoracle.model.octets.units import FrameUnit

from .explanation import Cost, Step, Subject
from .grading import strongest
from .history import History
from .moments import Moment
from .observation import ClosesTcp, ResetsTcp
from .steps import unrefusing

_SENT: Final = ("sent_close", "send_type", "send_utf8", "send_compressed", "send_history")
"""What an endpoint sends decides these parts of its state, and no others."""
_WEIGHT: Final = 4
"""As so many such steps a trace counts that is wrong in more places than were explained."""


def sent_steps(history: History, moments: Iterable[Moment], subject: Subject, state: State) -> list[Step]:
    """The frames that the endpoint sent from a state on, each with the rules that it breaks for certain."""
    machine = machine_for(subject.rules, subject.setting)
    lawless = machine_for(unrefusing(subject.rules), subject.setting)
    found: list[Step] = []
    for moment in moments:
        if isinstance(moment.what, (ClosesTcp, ResetsTcp)):
            state = state._replace(tcp_open=False)
        if not isinstance(moment.what, FrameUnit):
            continue
        foreseen = history.sent.shows_keys(moment.what)
        events = [
            leaving(moment.what, subject.setting.role, state, answers=answers, key_foreseen=foreseen)
            for answers in (False, True)
        ]
        found.append(Step(moment.at, state, events[0], None, (), _always_broken(machine, subject.rules, state, events)))
        after = next((one.state for one in lawless.allowed(state, events[0])), state)
        state = state._replace(**{name: getattr(after, name) for name in _SENT})
    return found


def _always_broken(machine: CompiledMachine, rules: RuleSet, state: State, events: Iterable[Event]) -> tuple[str, ...]:
    """The rules that forbid a frame whatever was read: Close frames, and reasons to fail with any code."""
    forbidding = []
    for event, got_close, failed in product(events, (False, True), (False, True)):
        code = event.frame.code if failed and event.frame is not None else state.fail_code
        here = state._replace(got_close=got_close, failed=failed, fail_code=code)
        forbidding.append([rule.id for rule in machine.forbidden_by(here, event)])
    everywhere = reduce(set[str].intersection, map(set, forbidding))
    named = (rule for rule in forbidding[0] if rule in everywhere)
    return tuple(rule for rule in named if rules.by_id[rule].strength is not Strength.APPLICATION)


def cost_of(steps: Iterable[Step], subject: Subject) -> Cost:
    """What evident faults count, and what was not explained besides."""
    profile = subject.profile
    strengths = [
        strength
        for step in steps
        if (strength := strongest((subject.rules.by_id[rule].strength for rule in step.broken), profile)) is not None
    ]
    cost = Cost()
    for strength in (*strengths, *[strongest(strengths, profile)] * _WEIGHT):
        cost = cost.plus(strength, profile=profile)
    return cost
