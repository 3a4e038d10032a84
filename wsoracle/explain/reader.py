"""The rules applied to a unit, a frame or a head: outcomes, rules against it, disputed points, and reasons.

Where several outcomes are allowed, the reader follows the one that goes on furthest: a unit that may be accepted is
accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

from wsoracle.model.endpoint.engine import Machine, engine_for
from wsoracle.model.machine.certain_so_far import KNOWN_ALWAYS, possibly
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.interpreted import Kind, Label, Outcome
from wsoracle.model.notation.expression import substitute, variables
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.switches import SWITCHES, Switches
from wsoracle.model.notation.variables import ALL_FACTS, Event, Setting, State, environment
from wsoracle.model.rules import RULES

from .explanation import SwitchEffect, UnitReading


class Reader:
    """Applies a rule set to units that an endpoint of one setting receives."""

    def __init__(self, setting: Setting, rules: RuleSet = RULES) -> None:
        self.setting: Final = setting
        self.rules: Final = rules
        self.machine: Final[Machine] = engine_for(rules, setting, "compiled").machine

    def read(self, octets: bytes, state: State, event: Event) -> UnitReading:
        """The unit in a state; what is owed and which points are disputed is asked separately."""
        assert event.facts is not None
        every = self.machine.allowed(state, event, departures=True)
        outcomes = tuple(sorted((outcome for outcome in every if not outcome.departs_from), key=_furthest))
        departing = tuple(outcome for outcome in every if outcome.departs_from)
        refusals = self.machine.forbidden_by(state, event)
        return UnitReading(octets, state, outcomes[0].state, event.facts, outcomes, departing, refusals)

    def disputes(self, state: State, event: Event) -> Iterator[SwitchEffect]:
        """The switches on which the outcomes depend, each with the outcomes for its other values."""
        deciding = self._deciding(state, event)
        if not deciding:
            return
        now = self.setting.switches
        labels = _labels(self.machine.allowed(state, event))
        for switch in (switch for switch in SWITCHES if switch.variable.name in deciding):
            for value in switch.values:
                if value != now[switch.name]:
                    other = replace(self.setting, switches=Switches(**{**now, switch.name: value}))
                    outcomes = engine_for(self.rules, other, "compiled").machine.allowed(state, event)
                    if _labels(outcomes) != labels:
                        yield SwitchEffect(switch, value, outcomes)

    def _deciding(self, state: State, event: Event) -> set[str]:
        """The switch variables on which guards still depend when all the rest is known."""
        # Most guards fall whatever their switches say, which the compiled rules tell much faster.
        rules = [self.rules.by_id[rule.id] for rule in _open(self.rules, self.setting).enabled(state, event)]
        if not rules:
            return set()
        values = environment(self.setting, state, event.facts)
        known = {name: value for name, value in values.items() if name not in _SWITCHES}
        return {name for rule in rules for name in variables(substitute(rule.when, known))}


_FOLLOWED: Final = (Kind.ACCEPT, Kind.REFUSE, Kind.FAIL, Kind.IGNORE, Kind.PERMIT)


def _furthest(outcome: Outcome) -> tuple[int, int]:
    return _FOLLOWED.index(outcome.label.kind), outcome.label.code or 0


def _labels(outcomes: tuple[Outcome, ...]) -> set[Label]:
    return {outcome.label for outcome in outcomes}


_SWITCHES: Final = frozenset(switch.variable.name for switch in SWITCHES)


@lru_cache(maxsize=64)
def _open(rules: RuleSet, setting: Setting) -> CompiledMachine:
    """The rules whose guard mentions a switch, each enabled where it may be for some values of the switches."""
    known = KNOWN_ALWAYS - _SWITCHES | ALL_FACTS.keys()
    found = (rule for rule in rules if not _SWITCHES.isdisjoint(variables(rule.when)))
    return CompiledMachine(RuleSet(replace(rule, when=possibly(rule.when, known)) for rule in found), setting)
