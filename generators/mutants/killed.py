"""Which of many mutants a history tells apart.

Along a history a mutant is the original until an event of its row's kind at which it enables other rows, or reacts in
another way: it is *touched* there. Where it is touched nowhere, the history cannot tell it apart; else it is followed
step by step. Histories have many states and events in common, so that what touches which mutant is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.one_row_replaced import OneRowReplaced
from wsoracle.model.notation.variables import Event, Setting, State
from wsoracle.model.rules import RULES

from .distinguish import Scenario
from .observable import TracedStep, differs_on, mutated, trace
from .operators import Mutant


def kills(scenarios: Sequence[Scenario], among: Sequence[Mutant]) -> Iterator[set[str]]:
    """For each of some histories the ids of the mutants that expect something else at some step of it.

    What is compiled for a setting is kept until another one comes: ask setting by setting.
    """
    known: _InSetting | None = None
    for scenario in scenarios:
        if known is None or known.machine.setting != scenario.start.setting:
            known = _InSetting(scenario.start.setting, among)
        traced = trace(known.machine, scenario.history, scenario.start.state)
        touched = {name: mutant for step in traced for name, mutant in known.touched(step)}
        yield {name for name, mutant in touched.items() if differs_on(mutant, traced)}


class _InSetting:
    """Mutants as machines of one setting, by kind of event; ``machine`` is the original."""

    def __init__(self, setting: Setting, among: Sequence[Mutant]) -> None:
        self.machine: Final = CompiledMachine(RULES, setting)
        self._among: Final = among
        self._of_kind: Final[dict[str, list[tuple[str, OneRowReplaced]]]] = {}
        self._busy: Final[dict[tuple[str, State], list[tuple[str, OneRowReplaced]]]] = {}
        self._touched: Final[dict[tuple[State, Event], list[tuple[str, OneRowReplaced]]]] = {}

    def touched(self, step: TracedStep) -> list[tuple[str, OneRowReplaced]]:
        """The mutants, with their ids, that are not the original at a step."""
        state, event, masks = step.state, step.step.event, step.masks
        if (state, event) not in self._touched:
            self._touched[state, event] = [
                (name, mutant)
                for name, mutant in self._not_idle(event.kind.value, state)
                if mutant.changed(masks, state, event.facts) != masks or not mutant.reacts_alike(masks)
            ]
        return self._touched[state, event]

    def _not_idle(self, kind: str, state: State) -> list[tuple[str, OneRowReplaced]]:
        if (kind, state) not in self._busy:
            self._busy[kind, state] = [
                (name, mutant) for name, mutant in self._all_of(kind) if not mutant.is_idle(state)
            ]
        return self._busy[kind, state]

    def _all_of(self, kind: str) -> list[tuple[str, OneRowReplaced]]:
        if kind not in self._of_kind:
            self._of_kind[kind] = [
                (mutant.id, mutated(self.machine, mutant))
                for mutant in self._among
                if RULES.by_id[mutant.rule].on.value == kind
            ]
        return self._of_kind[kind]
