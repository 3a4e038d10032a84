"""A walk through the states of one endpoint, one allowed outcome after another, in two engines that must agree.

The rules as they stand (`model.machine`) and the rules compiled (`model.compiled`) are asked the same at every step:
which rows are enabled, which outcomes are allowed, which answers are owed. The walk counts the rules that it meets.

A walk can have a goal, a rule that has to fire: :meth:`Walk.events_for` gives the events at which it would fire now,
and :meth:`Walk.moves` the ways to go on where no event does.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Final

from wsoracle.model.machine import interpreted
from wsoracle.model.machine.boundary_events import Alphabet
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.interpreted import Outcome
from wsoracle.model.notation.expression import FALSE, substitute
from wsoracle.model.notation.rule import Rule, RuleSet
from wsoracle.model.notation.variables import Event, Setting, State, possible
from wsoracle.model.rules import RULES


class EnginesDisagree(AssertionError):
    """The compiled rules say something else than the rules: a fault of ours."""


WalkMove = tuple[Event, Outcome]


def possible_in(rule: Rule, setting: Setting, rules: RuleSet = RULES) -> bool:
    """Whether a rule can fire at all in a setting, as far as the setting alone decides it."""
    if substitute(rules.guard(rule), setting.values).key() == FALSE.key():
        return False
    # The frames that can arrive do not depend on the setting; a head comes from one role and goes to the other.
    return rule.on.has_frame or substitute(possible(rule.on), setting.values).key() != FALSE.key()


class _Ground:
    """Results that walks under one setting share, computed once for each state."""

    def __init__(self, rules: RuleSet, setting: Setting) -> None:
        self.compiled: Final = CompiledMachine(rules, setting)
        self.rules: Final = rules
        self._alphabet: Final = Alphabet(rules, setting)
        self._enabled: Final[dict[State, tuple[tuple[Event, int], ...]]] = {}
        self._moves: Final[dict[State, tuple[tuple[WalkMove, ...], ...]]] = {}

    def enabled(self, state: State) -> tuple[tuple[Event, int], ...]:
        """The events worth trying in a state, each with the mask of the rows that are enabled."""
        if state not in self._enabled:
            compiled = self.compiled
            self._enabled[state] = tuple((e, compiled.mask(e.kind, state, e.facts)) for e in self._alphabet(state))
        return self._enabled[state]

    def events_for(self, state: State, goal: str) -> tuple[Event, ...]:
        """The events at which a rule fires; an event without facts may depart from other rules for it."""
        rule = self.rules.by_id[goal]
        bit = 1 << self.rules.of(rule.on).index(rule)
        found = tuple(event for event, mask in self.enabled(state) if event.kind is rule.on and mask & bit)
        if found or rule.on.facts is not None or rule.refuses:
            return found
        event = Event(rule.on)
        departing = self.compiled.allowed(state, event, departures=True)
        return (event,) if any(goal in outcome.rules for outcome in departing) else ()

    def moves(self, state: State) -> tuple[tuple[WalkMove, ...], ...]:
        """The ways out of a state that are allowed in full, in groups that change the same variables.

        The first event stands for all at which the same rows are enabled with the same states after them.
        """
        if state not in self._moves:
            ways: dict[State, WalkMove] = {}
            for event, mask in self.enabled(state):
                for choice in self.compiled.choices(event.kind, mask):
                    then = choice.effect(state, event.facts)
                    if then not in ways:
                        ways[then] = event, Outcome(choice.label, then, choice.rules, choice.strength)
            groups: dict[tuple[str, ...], list[WalkMove]] = {}
            for then, move in ways.items():
                changed = tuple(n for n, a, b in zip(State._fields, state, then, strict=True) if a != b)
                if changed:
                    groups.setdefault(changed, []).append(move)
            self._moves[state] = tuple(tuple(groups[changed]) for changed in sorted(groups))
        return self._moves[state]


@lru_cache(maxsize=32)
def _ground(rules: RuleSet, setting: Setting) -> _Ground:
    return _Ground(rules, setting)


class Walk:
    """A walk from a state, the one right after the opening handshake unless another is given."""

    def __init__(self, setting: Setting, start: State | None = None, rules: RuleSet = RULES) -> None:
        self.setting: Final = setting
        self.rules: Final = rules
        self.state = State() if start is None else start
        self.fired: Final[Counter[str]] = Counter()
        self._ground: Final = _ground(rules, setting)

    def events(self) -> tuple[Event, ...]:
        """All that is worth trying here."""
        return tuple(event for event, _ in self._ground.enabled(self.state))

    def events_for(self, goal: str) -> tuple[Event, ...]:
        """The events at which a rule would fire here."""
        return self._ground.events_for(self.state, goal)

    def moves(self) -> tuple[tuple[WalkMove, ...], ...]:
        """The ways to go on that are allowed in full, in groups that change the same variables; none where it ends."""
        return self._ground.moves(self.state)

    def meet(self, event: Event) -> tuple[Outcome, ...]:
        """The outcomes of an event here, departures included. Raises :class:`EnginesDisagree`."""
        state, setting, rules, compiled = self.state, self.setting, self.rules, self._ground.compiled
        rows = interpreted.enabled(rules, setting, state, event)
        self._agree("enabled", event, rows, compiled.enabled(state, event))
        self._agree("allowed", event, interpreted.allowed(state, event, setting, rules), compiled.allowed(state, event))
        allowed = interpreted.allowed(state, event, setting, rules, departures=True)
        self._agree("allowed with departures", event, allowed, compiled.allowed(state, event, departures=True))
        if event.kind.facts is None:
            self._agree("owed", event, interpreted.owed(state, setting, rules), compiled.owed(state))
        self.fired.update({rule.id for rule in rows} | {rule for outcome in allowed for rule in outcome.rules})
        return allowed

    def go(self, move: WalkMove) -> None:
        """Take a way that is allowed; what fires on it is counted, and nothing compared (:meth:`meet` does that)."""
        event, outcome = move
        self.note(event)
        self.state = outcome.state

    def note(self, event: Event) -> None:
        """Count the rules that fire at an event here, those that it departs for included."""
        compiled = self._ground.compiled
        fired = {rule.id for rule in compiled.enabled(self.state, event)}
        if event.kind.facts is None:
            departing = compiled.allowed(self.state, event, departures=True)
            fired.update(rule for outcome in departing for rule in outcome.rules)
        self.fired.update(fired)

    def _agree(self, what: str, event: Event, interpreted: object, compiled: object) -> None:
        if interpreted != compiled:
            raise EnginesDisagree(
                f"{what} in {self.state} at {event} under {self.setting}:\n{interpreted}\ncompiled: {compiled}"
            )
