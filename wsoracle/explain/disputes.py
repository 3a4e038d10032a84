"""Disputed points that decide about a frame: where another value of a switch would allow other outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from wsoracle.model.endpoint.engine import engine_for
from wsoracle.model.machine.interpreted import Label, Outcome
from wsoracle.model.notation.expression import substitute, variables
from wsoracle.model.notation.rule import Rule, RuleSet
from wsoracle.model.notation.switches import SWITCHES, Switch, Switches
from wsoracle.model.notation.variables import Event, EventKind, Setting, State, environment

_ENGINE: Final = "compiled"


@dataclass(frozen=True)
class Dispute:
    """A disputed point that decides about the frame: with another value of the switch, other outcomes are allowed."""

    switch: Switch
    value: str
    outcomes: tuple[Outcome, ...]


def disputes(rules: RuleSet, setting: Setting, state: State, event: Event) -> Iterator[Dispute]:
    """The switches on which the outcomes of an event depend, each with the outcomes for its other values."""
    now = setting.switches
    labels = _labels(engine_for(rules, setting, _ENGINE).machine.allowed(state, event))
    deciding = _deciding(rules, setting, state, event)
    for switch in (switch for switch in SWITCHES if switch.variable.name in deciding):
        for value in switch.values:
            if value != now[switch.name]:
                other = Setting(setting.role, setting.limit, setting.echo, Switches(**{**now, switch.name: value}))
                outcomes = engine_for(rules, other, _ENGINE).machine.allowed(state, event)
                if _labels(outcomes) != labels:
                    yield Dispute(switch, value, outcomes)


def _deciding(rules: RuleSet, setting: Setting, state: State, event: Event) -> set[str]:
    """The switch variables on which guards still depend when all the rest is known."""
    switches = setting.switches.indices()
    values = environment(setting, state, event.frame)
    known = {name: value for name, value in values.items() if name not in switches}
    return {name for rule in _disputed(rules, event.kind) for name in variables(substitute(rule.when, known))}


@lru_cache(maxsize=64)
def _disputed(rules: RuleSet, kind: EventKind) -> tuple[Rule, ...]:
    """The rules whose guard mentions a switch."""
    switches = {switch.variable.name for switch in SWITCHES}
    return tuple(rule for rule in rules.of(kind) if any(name in switches for name in variables(rule.when)))


def _labels(outcomes: tuple[Outcome, ...]) -> set[Label]:
    return {outcome.label for outcome in outcomes}


__all__ = ["Dispute", "disputes"]
