"""What the explorer's scripts say is what the model says: on reachable states and boundary events, and at random."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.drawn import events, setting_objects, states
from tests.wsoracle.site.node import FIELDS, ask, plain
from wsoracle.model.endpoint.engine import InterpretedMachine, Machine
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.explorer import BreadthFirst
from wsoracle.model.machine.interpreted import Outcome, done_by
from wsoracle.model.machine.reachable import INITIAL, Explorer, Transition
from wsoracle.model.machine.words import state_words
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.variables import FACT_VARIABLES, Event, Setting, State, environment, possible
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

DISTANCE: Final = 1
"""Steps from the first states within which every state is visited."""


def reachable(setting: Setting) -> Iterator[tuple[State, tuple[Event, ...]]]:
    """The states near the first ones, each with events in it.

    In the first ones these are all boundary events, in the others one for each set of enabled rules and outcome.
    """
    explorer = Explorer(RULES, setting)

    def steps(state: State) -> Iterator[tuple[Transition, State]]:
        return ((step, step.target) for step in explorer.transitions(state))

    for visit in BreadthFirst(map(explorer.projected, INITIAL), steps, longest=DISTANCE):
        every = explorer.alphabet(visit.state) if visit.depth == 0 else (step.event for step, _ in visit.leaving)
        yield visit.state, tuple(every)


def expected(machine: Machine, state: State, event: Event) -> list[Any]:
    """What CPython says of an event, in the form in which the scripts say it."""
    outcomes = [*map(_outcome, machine.allowed(state, event, departures=True))]
    forbidden = [rule.id for rule in machine.forbidden_by(state, event)]
    done = None if event.kind.is_input else done_by(event)
    return [outcomes, forbidden, done and done.name]


def _outcome(one: Outcome) -> list[Any]:
    kind, code, delivers = one.label
    after = plain(FIELDS["state"], one.state)
    return [kind.value, code, delivers, after, [*one.rules], one.strength.value, [*one.departs_from]]


def answers(
    asked: Sequence[tuple[Setting, State, Sequence[Event]]],
    *,
    whether: bool,
    broken: Sequence[str] | None = None,
    script: str = "",
) -> list[list[list[Any]]]:
    """What the scripts say of events in states, for each question; ``whether`` they can happen, too.

    ``broken`` is the fault of each question, which the ``script`` knows.
    """
    question = {
        "ask": "steps", "whether": whether, "broken": broken, "fields": FIELDS,
        "questions": [(at, at, at) for at in range(len(asked))],
        "settings": [
            plain(FIELDS["setting"], [setting.values[name] for name in FIELDS["setting"]]) for setting, _, _ in asked
        ],
        "states": [plain(FIELDS["state"], state) for _, state, _ in asked],
        "lists": [[*map(_event, events)] for _, _, events in asked],
    }  # fmt: skip
    (found,) = ask(question, more=[script] if script else ())
    return [[found["table"][number] for number in numbers] for numbers in found["found"]]


def _event(event: Event) -> list[Any]:
    facts = event.facts
    return [event.kind.value, None if facts is None else plain([*FACT_VARIABLES[event.kind]], facts)]


def owed_words(asked: Sequence[tuple[Setting, State]]) -> list[list[Any]]:
    """What the scripts say that is owed in states."""
    (found,) = ask({
        "ask": "owed", "fields": FIELDS, "questions": [(at, at) for at in range(len(asked))],
        "settings": [
            plain(FIELDS["setting"], [setting.values[name] for name in FIELDS["setting"]]) for setting, _ in asked
        ],
        "states": [plain(FIELDS["state"], state) for _, state in asked],
    })  # fmt: skip
    return list(found)


@pytest.mark.parametrize("role", list(Role))
def test_the_scripts_say_of_reachable_states_what_the_model_says(role: Role) -> None:
    setting = Setting(role)
    machine = CompiledMachine(RULES, setting)
    visited = [(setting, state, tried) for state, tried in reachable(setting)]
    found = answers(visited, whether=False)
    assert len(visited) > 30
    for (_, state, tried), said in zip(visited, found, strict=True):
        for event, one in zip(tried, said, strict=True):
            assert one[:3] == expected(machine, state, event), (state, event)
    dues = owed_words([(setting, state) for _, state, _ in visited])
    assert dues == [
        [[[due.name, rule.id] for due, rule in machine.owed(state)], state_words(state)] for _, state, _ in visited
    ]


@st.composite
def questions(draw: st.DrawFn) -> tuple[Setting, State, list[Event]]:
    """Any state, reachable or not, under any setting, with an event."""
    setting, state = draw(setting_objects()), draw(states())
    return setting, state, [draw(events(state))]


@given(st.lists(questions(), min_size=15, max_size=20))
@settings(max_examples=2)
def test_the_scripts_say_of_any_event_what_the_model_says(asked: list[tuple[Setting, State, list[Event]]]) -> None:
    dues = owed_words([(setting, state) for setting, state, _ in asked])
    for (setting, state, (event,)), (one,), due in zip(asked, answers(asked, whether=True), dues, strict=True):
        machine = InterpretedMachine(RULES, setting)
        happens = evaluate(possible(event.kind), environment(setting, state, event.facts))
        assert one == [*expected(machine, state, event), happens], event
        assert due == [[[owed.name, rule.id] for owed, rule in machine.owed(state)], state_words(state)]
