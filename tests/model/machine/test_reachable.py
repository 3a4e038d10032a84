"""Exploration: shortest paths, reporting variables projected out, departures, limits."""

from itertools import islice

import pytest

from wsoracle.model.machine import interpreted, reachable
from wsoracle.model.machine.reachable import INITIAL, Exploration, Explorer, TooManyStatesError, explore, explored_once
from wsoracle.model.notation.variables import HANDSHAKE, LOST, EventKind, Setting, State
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

OF_THE_PEER = {
    Role.SERVER: {EventKind.SEND_REQUEST, EventKind.RECEIVE_RESPONSE},
    Role.CLIENT: {EventKind.SEND_RESPONSE, EventKind.RECEIVE_REQUEST},
}
CLIENT_STAGES = [HANDSHAKE.index(stage) for stage in ("complete", "not begun", "awaiting 101", "refused")]


@pytest.fixture(scope="module", params=list(Role), ids=str)
def explored(request: pytest.FixtureRequest) -> Exploration:
    return explored_once(Setting(request.param))


def test_every_path_is_a_run_of_the_machine(explored: Exploration) -> None:
    for state in explored.states[::5]:
        path = explored.path(state)
        here = path[0].source if path else state
        assert here in INITIAL
        for step in path:
            assert step.source == here
            outcomes = {o.label: o for o in interpreted.allowed(here, step.event, explored.setting)}
            assert outcomes[step.label].rules == step.rules
            here = outcomes[step.label].state._replace(close_code=LOST)
        assert here == state


def test_states_come_nearest_first_and_paths_are_shortest(explored: Exploration) -> None:
    distances = [len(explored.path(state)) for state in explored.states]
    assert distances == sorted(distances)
    distance = dict(zip(explored.states, distances, strict=True))
    assert all(distance[step.target] <= distance[step.source] + 1 for step in explored.transitions)


def test_a_transition_for_each_set_of_rules_and_target(explored: Exploration) -> None:
    assert len(set(explored.transitions)) == len(explored.transitions)
    assert all(step.target in explored.via for step in explored.transitions)
    assert {step.event.kind for step in explored.transitions} == set(EventKind) - OF_THE_PEER[explored.setting.role]


def test_the_opening_handshake_leads_to_the_state_after_it(explored: Exploration) -> None:
    """Every stage is reached, and from "not begun" the same states as from the state right after the handshake."""
    stages = range(len(HANDSHAKE)) if explored.setting.role is Role.SERVER else CLIENT_STAGES
    assert {state.handshake for state in explored.states} == set(stages)
    assert any(step.source.handshake and step.target == State() for step in explored.transitions)


def test_the_same_rules_give_the_same_exploration(explored: Exploration) -> None:
    assert explore(explored.setting).transitions == explored.transitions


def test_what_only_reports_is_projected_out(explored: Exploration) -> None:
    assert {state.close_code for state in explored.states} == {LOST}


def test_several_initial_states() -> None:
    starts = (State(), State(claims_rsv1=True), State())
    visits = list(islice(Explorer(RULES, Setting(Role.SERVER)).visits(starts), 40))
    assert [visit.state for visit in visits[:2]] == [State(), State(claims_rsv1=True)]
    assert [visit.depth for visit in visits[:3]] == [0, 0, 1]
    assert {visit.state.claims_rsv1 for visit in visits[2:]} == {False, True}


def test_departures_are_followed_and_named() -> None:
    step = next(
        t
        for t in Explorer(RULES, Setting(Role.CLIENT), departures=True).transitions(State())
        if t.event.kind is EventKind.CLOSE_TCP
    )
    assert step.departs_from == ("7.3/closing-handshake-first",)
    assert not step.target.tcp_open


def test_too_many_states_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachable, "MOST_STATES", 20)
    with pytest.raises(TooManyStatesError, match="more than 20 states"):
        explore(Setting(Role.SERVER))
