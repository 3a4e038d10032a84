"""Expectations are what the machine allows; and a mutant's share everything but one row."""

from __future__ import annotations

import pytest

from wsoracle.generators.expectation import (
    Behaviour,
    MutantBehaviour,
    Step,
    expectation,
    representative,
    seen_from,
    step_at,
    trace,
)
from wsoracle.generators.mutants import mutants
from wsoracle.generators.worlds import Start, World
from wsoracle.model import utf8
from wsoracle.model.machine import Kind, Label, allowed, owed
from wsoracle.model.rule import Due
from wsoracle.model.rules import RULES
from wsoracle.model.switches import Switches
from wsoracle.model.terms import Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.vocabulary import CLOSE, CONTINUATION, PING, TEXT, Role

SERVER = Setting(Role.SERVER, echo=True)
PINGED = Event(EventKind.RECEIVE, FrameFacts(PING, masked=True))
SILENCE = Event(EventKind.SILENCE)
ACCEPTED = Label(Kind.ACCEPT, delivers="ping")


@pytest.mark.parametrize(
    "setting",
    [SERVER, Setting(Role.CLIENT, 2), Setting(Role.CLIENT, echo=True, switches=Switches(control_after_close="must"))],
)
def test_what_is_expected_is_what_the_machine_allows(setting: Setting) -> None:
    world = World(Start(setting, departing=True))
    nodes = [node for depth in range(3) for node in world.layer(depth)][::15]
    for node in nodes:
        for kind in EventKind:
            for trial in world.trials(node.state, kind)[::31]:
                outcomes = allowed(node.state, trial.event, setting, departures=True)
                assert {o.label: o.state for o in outcomes} == trial.after
                in_full = {o.label for o in allowed(node.state, trial.event, setting)}
                assert {seen.label for seen in trial.observation.outcomes if seen.level == 0} == in_full
                if kind is EventKind.SILENCE:
                    dues = {due for due, _ in owed(node.state, setting)}
                    assert set(trial.observation.owed) == dues


def test_the_behaviour_of_a_mutant_is_that_of_its_rules() -> None:
    world = World(Start(SERVER))
    states = [node.state for depth in range(3) for node in world.layer(depth)][::35]
    for mutant in mutants()[::60]:
        shared = MutantBehaviour(world.behaviour, mutant.rule, mutant.row)
        for state in states:
            for trial in world.trials(state, shared.kind)[::41]:
                outcomes = allowed(state, trial.event, SERVER, mutant.rules, departures=True)
                observation, after = shared.observe(state, trial.event)
                assert after == {o.label: o.state for o in outcomes}, mutant.id
                assert {seen.label for seen in observation.outcomes} == set(after)


def test_along_a_history() -> None:
    told = expectation(RULES, SERVER, (Step(PINGED, ACCEPTED), Step(SILENCE)))
    assert [seen.label for seen in told[0].outcomes] == [ACCEPTED]
    assert told[1].outcomes == ()
    assert told[1].owed == (Due.PONG,)
    assert told[0].allows(ACCEPTED) and not told[0].allows(None)
    assert len(expectation(RULES, SERVER, (Step(PINGED, Label(Kind.IGNORE)), Step(SILENCE)))) == 1


def test_the_application_is_told_the_close_code_when_tcp_closes() -> None:
    lost = expectation(RULES, SERVER, (Step(Event(EventKind.RECEIVE_EOF)),))
    assert [seen.told for seen in lost[0].outcomes] == [1006]


def test_octets_mean_what_the_text_before_them_makes_of_them() -> None:
    rest = FrameFacts(CONTINUATION, masked=True, length=1)
    state = State(recv_type=TEXT, recv_utf8=utf8.TAIL1)
    step = step_at(state, Event(EventKind.RECEIVE, rest))
    assert step.before == utf8.TAIL1
    assert seen_from(step, state) == step.event
    other = seen_from(step, state._replace(recv_utf8=utf8.ACCEPT)).frame
    assert other is not None and other.utf8_next == utf8.REJECT
    no_text = seen_from(step, state._replace(recv_type=2)).frame
    assert no_text is not None and no_text.utf8_next == utf8.ACCEPT
    known = step_at(state, Event(EventKind.RECEIVE, rest), payload=b"a")
    plain = seen_from(known, state._replace(recv_utf8=utf8.ACCEPT)).frame
    assert plain is not None and plain.utf8_next == utf8.ACCEPT
    assert utf8.run(representative(utf8.ACCEPT, utf8.TAIL1, 3)) == utf8.TAIL1


def test_a_traced_history_tells_mutants_apart() -> None:
    original = Behaviour(RULES, SERVER)
    history = (step_at(State(), PINGED, ACCEPTED), Step(SILENCE))
    places = trace(original, history)
    by_id = {mutant.id: mutant for mutant in mutants()}
    for name, differs in {
        "5.5.2/ping~no-pong_due": True,
        "5.5.2/ping~tells-pong": True,
        "5.5.2/pong-owed~drop": True,
        "5.5.1/close~drop": False,
        "5.5.3/send-pong~drop": False,
    }.items():
        mutant = by_id[name]
        changed = MutantBehaviour(original, mutant.rule, mutant.row)
        assert changed.differs_on(places) is differs, name
        assert (expectation(mutant.rules, SERVER, history) != expectation(RULES, SERVER, history)) is differs


def test_a_row_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        Behaviour(RULES, SERVER).place_of("no/such-row")
    assert Behaviour(RULES, SERVER).place_of("5.5.1/close")[0] is EventKind.RECEIVE
    assert CLOSE == 8
