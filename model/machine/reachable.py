"""Breadth-first exploration of one endpoint: every state that the rules allow, each with a shortest way to it.

Theory of operation. From the initial states all allowed outcomes of all events of the derived alphabet
(``model.machine.boundary_events``) are followed. Variables that only report (``guard_atoms.reporting_variables``) are
projected out, so that a graph without a stated limit, or with a small one, is finite. States are visited in the order
of their distance, and events are tried in a fixed order: the same rules give the same paths, always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from ..notation.head_variables import ResponseFacts
from ..notation.rule import RuleSet
from ..notation.variables import CONNECTING, Event, EventKind, Setting, State
from ..rules import RULES
from .boundary_events import Alphabet
from .compiled import CompiledMachine
from .explorer import BreadthFirst, TooManyStatesError, path_to
from .guard_atoms import reporting_variables
from .interpreted import Label

INITIAL: Final = (State(), CONNECTING)
"""The state right after the opening handshake, no extension negotiated, and the one before it."""

MOST_HISTORY: Final = 1
"""Octets of compressed messages after which those who refer to them are not followed any further."""

MOST_STATES: Final = 100_000
"""An exploration that reaches more states than this gives up: a large limit makes too many."""


class Transition(NamedTuple):
    """One step: in ``source``, ``event`` happens with the outcome ``label``, by ``rules``, and leads to ``target``.

    ``event`` stands for all events at which the same rules are enabled with the same target. ``departs_from`` names the
    SHOULD and CONSENSUS rules that are not followed; it is empty where departures are not explored.
    """

    source: State
    event: Event
    label: Label
    rules: tuple[str, ...]
    target: State
    departs_from: tuple[str, ...] = ()


class Explorer:
    """One rule set under one setting. ``departures``: outcomes that only break SHOULD or CONSENSUS are followed too.

    ``extensions``: opening handshakes that agree on extensions with reserved bits are followed too; each set of bits
    makes another copy of what comes after.
    """

    def __init__(
        self,
        rules: RuleSet,
        setting: Setting,
        *,
        departures: bool = False,
        extensions: bool = False,
        alphabet: Alphabet | None = None,
    ) -> None:
        self.rules: Final = rules
        self.setting: Final = setting
        self.departures: Final = departures
        self.extensions: Final = extensions
        self.machine: Final = CompiledMachine(rules, setting)
        self.alphabet: Final = alphabet or Alphabet(rules, setting)
        first = State()._asdict()
        self._unreported: Final = {name: first[name] for name in State._fields if name in reporting_variables(rules)}

    def projected(self, state: State) -> State:
        """The state with the variables that only report set to their first values."""
        return state._replace(**self._unreported) if self._unreported else state

    def transitions(self, state: State) -> list[Transition]:
        """The transitions from a state, one for each set of enabled rules, outcome and target; silence included."""
        found: dict[tuple[EventKind, int, Label, State], Transition] = {}
        for event in self.alphabet(state):
            if not self.extensions and isinstance(event.head, ResponseFacts) and event.head.defines_bits:
                continue
            kind, facts = event.kind, event.facts
            mask = self.machine.mask(kind, state, facts)
            if self.departures:
                for outcome in self.machine.allowed(state, event, departures=True):
                    target = self.projected(outcome.state)
                    if _is_beyond(target):
                        continue
                    if (kind, mask, outcome.label, target) not in found:
                        found[kind, mask, outcome.label, target] = Transition(
                            state, event, outcome.label, outcome.rules, target, outcome.departs_from
                        )
                continue
            for choice in self.machine.choices(kind, mask):
                target = self.projected(choice.effect(state, facts))
                if _is_beyond(target):
                    continue
                if (kind, mask, choice.label, target) not in found:
                    found[kind, mask, choice.label, target] = Transition(
                        state, event, choice.label, choice.rules, target
                    )
        return list(found.values())

    def visits(self, initial: Iterable[State] = INITIAL) -> BreadthFirst[State, Transition]:
        """Every reachable state once, nearest first. Nothing is explored before it is asked for.

        Raises :class:`TooManyStatesError` beyond :data:`MOST_STATES`.
        """
        return BreadthFirst(map(self.projected, initial), self._steps, most=MOST_STATES)

    def _steps(self, state: State) -> Iterator[tuple[Transition, State]]:
        return ((step, step.target) for step in self.transitions(state))


def _is_beyond(state: State) -> bool:
    """More compressed messages are behind the state than are followed: each octet of them makes another state."""
    return state.recv_history > MOST_HISTORY or state.send_history > MOST_HISTORY


@dataclass(frozen=True)
class Exploration:
    """A whole exploration: the states in order of their distance, how each was reached, and all transitions."""

    rules: RuleSet
    setting: Setting
    initial: tuple[State, ...]
    via: dict[State, tuple[State, Transition] | None]
    transitions: tuple[Transition, ...]

    @property
    def states(self) -> Sequence[State]:
        """The reachable states, nearest first."""
        return tuple(self.via)

    def path(self, state: State) -> tuple[Transition, ...]:
        """A shortest path from an initial state; :class:`KeyError` for a state that is not reachable."""
        return path_to(self.via, state)


def explore(
    setting: Setting,
    rules: RuleSet = RULES,
    initial: Iterable[State] = INITIAL,
    *,
    progress: Callable[[int], object] | None = None,
) -> Exploration:
    """Explore one endpoint whole. ``progress`` is told of the number of states visited so far.

    Raises :class:`TooManyStatesError` where a stated limit makes too many states.
    """
    starts = tuple(initial)
    transitions: list[Transition] = []
    visits = Explorer(rules, setting).visits(starts)
    for count, visit in enumerate(visits, 1):
        transitions += (step for step, _ in visit.leaving)
        if progress is not None:
            progress(count)
    return Exploration(rules, setting, starts, visits.via, tuple(transitions))


@lru_cache(maxsize=8)
def explored_once(setting: Setting, rules: RuleSet = RULES) -> Exploration:
    """What :func:`explore` finds, for all who ask: it takes some seconds, and is explored once."""
    return explore(setting, rules)


__all__ = ["INITIAL", "Exploration", "Explorer", "TooManyStatesError", "Transition", "explore", "explored_once"]
