"""Expectations are what the machine allows; and a mutant's share everything but one row."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from wsoracle.generators.mutants.observable import (
    Expectation,
    HistoryStep,
    Outlook,
    SeenOutcome,
    alike,
    as_seen,
    can_happen,
    differs_on,
    expectation,
    mutated,
    observe,
    representative,
    seen_from,
    step_at,
    trace,
    witnessed,
)
from wsoracle.generators.mutants.operators import mutants
from wsoracle.generators.mutants.reachable_histories import Situation, World
from wsoracle.generators.mutants.world_starts import AGREEMENTS, WorldStart
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.interpreted import Kind, Label, allowed, owed
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, value_of
from wsoracle.model.notation.rule import Due
from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import CONNECTING, HANDSHAKE, Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets import utf8
from wsoracle.model.octets.vocabulary import CONTINUATION, PING, TEXT, Role
from wsoracle.model.rules import RULES

SERVER = Setting(Role.SERVER, echo=True)
PINGED = Event(EventKind.RECEIVE, FrameFacts(PING, masked=True))
SILENCE = Event(EventKind.SILENCE)
ACCEPTED = Label(Kind.ACCEPT, delivers="ping")


@pytest.mark.parametrize(
    "setting",
    [SERVER, Setting(Role.CLIENT, 2), Setting(Role.CLIENT, echo=True, switches=Switches(control_after_close="must"))],
)
def test_what_is_expected_is_what_the_machine_allows(setting: Setting) -> None:
    world = World(WorldStart(setting, departing=True))
    _expects_what_is_allowed(world, setting, [here for depth in range(3) for here in world.layer(depth)][::15])


@pytest.mark.parametrize(
    "setting",
    [
        Setting(Role.SERVER, willing=True),
        Setting(Role.CLIENT),
        Setting(Role.SERVER, switches=Switches(http_1_0="either")),
    ],
)
def test_and_so_it_is_in_the_opening_handshake(setting: Setting) -> None:
    world = World(WorldStart(setting, CONNECTING, departing=True))
    _expects_what_is_allowed(world, setting, [here for depth in range(2) for here in world.layer(depth)])


def _expects_what_is_allowed(world: World, setting: Setting, situations: Sequence[Situation]) -> None:
    for here in situations:
        for kind in EventKind:
            assert bool(world.trials(here.state, kind)) == can_happen(kind, here.state, setting)
            for trial in world.trials(here.state, kind)[::31]:
                outcomes = allowed(here.state, trial.event, setting, departures=True)
                assert {o.label: o.state for o in outcomes} == trial.after
                in_full = {as_seen(o.label) for o in allowed(here.state, trial.event, setting)}
                assert {seen.label for seen in trial.expected.outcomes if seen.level == 0} == in_full
                if kind is EventKind.SILENCE:
                    dues = {due for due, _ in owed(here.state, setting)}
                    assert set(trial.expected.owed) == dues


def test_the_behaviour_of_a_mutant_is_that_of_its_rules() -> None:
    world = World(WorldStart(SERVER))
    states = [here.state for depth in range(3) for here in world.layer(depth)][::35]
    for mutant in mutants()[::130]:
        shared = mutated(world.machine, mutant)
        for state in states:
            for trial in world.trials(state, shared.kind)[::41]:
                outcomes = allowed(state, trial.event, SERVER, mutant.rules, departures=True)
                expected, after = observe(shared, state, trial.event)
                assert after == {o.label: o.state for o in outcomes}, mutant.id
                assert {seen.label for seen in expected.outcomes} == {as_seen(label) for label in after}


def test_events_that_are_looked_up_have_the_outcomes_of_their_own() -> None:
    """A mutant's effect may read what an event carries where the original's does not, and the other way round."""
    world = World(WorldStart(SERVER, AGREEMENTS[0]))
    states = [here.state for depth in range(3) for here in world.layer(depth)][::31]
    for mutant in mutants()[::70]:
        shared = mutated(world.machine, mutant)
        for state in states:
            outlook = Outlook(shared, state)
            trials = world.trials(state, shared.kind)
            for trial in trials[::5]:
                masks = shared.masks(shared.kind, state, trial.facts)
                assert outlook.of(trial.event, masks) == observe(shared, state, trial.event), mutant.id
            touched = shared.touched(state, trials)
            assert not (shared.is_idle(state) and touched), mutant.id
            for trial in (trial for trial in trials[::7] if trial not in touched):
                assert observe(shared, state, trial.event) == (trial.expected, trial.after), mutant.id


def test_along_a_history() -> None:
    told = expectation(RULES, SERVER, (HistoryStep(PINGED, ACCEPTED), HistoryStep(SILENCE)))
    assert [seen.label for seen in told[0].outcomes] == [ACCEPTED]
    assert told[1].outcomes == ()
    assert told[1].owed == (Due.PONG,)
    assert told[0].allows(ACCEPTED) and not told[0].allows(None)
    assert len(expectation(RULES, SERVER, (HistoryStep(PINGED, Label(Kind.IGNORE)), HistoryStep(SILENCE)))) == 1


def test_the_application_is_told_the_close_code_when_tcp_closes() -> None:
    lost = expectation(RULES, SERVER, (HistoryStep(Event(EventKind.RECEIVE_EOF)),))
    assert [seen.told for seen in lost[0].outcomes] == [1006]


def test_octets_mean_what_the_text_before_them_makes_of_them() -> None:
    rest = FrameFacts(CONTINUATION, masked=True, length=1)
    state = State(recv_type=TEXT, recv_utf8=utf8.TAIL1)
    step = step_at(state, Event(EventKind.RECEIVE, rest))
    assert step.before == utf8.TAIL1
    assert seen_from(step, state, SERVER) == step.event
    other = _frame_from(step, state._replace(recv_utf8=utf8.ACCEPT))
    assert other.utf8_next == utf8.REJECT
    no_text = _frame_from(step, state._replace(recv_type=2))
    assert no_text.utf8_next == utf8.ACCEPT
    known = step_at(state, Event(EventKind.RECEIVE, rest), payload=b"a")
    plain = _frame_from(known, state._replace(recv_utf8=utf8.ACCEPT))
    assert plain.utf8_next == utf8.ACCEPT
    assert utf8.run(representative(utf8.ACCEPT, utf8.TAIL1, 3)) == utf8.TAIL1


def _frame_from(step: HistoryStep, state: State) -> FrameFacts:
    event = seen_from(step, state, SERVER)
    assert event is not None and event.frame is not None
    return event.frame


def _at(stage: str) -> State:
    return State(handshake=HANDSHAKE.index(stage))


def test_octets_mean_what_the_handshake_makes_of_them() -> None:
    frame = step_at(State(), PINGED)
    head = seen_from(frame, CONNECTING, SERVER)
    assert head is not None and head.kind is EventKind.RECEIVE_REQUEST
    assert isinstance(head.head, RequestFacts) and head.head.syntax == value_of("syntax", "malformed")
    request = step_at(CONNECTING, Event.of(EventKind.RECEIVE_REQUEST, RequestFacts()))
    assert seen_from(request, CONNECTING, SERVER) == request.event
    as_frame = seen_from(request, State(), SERVER)
    assert as_frame is not None and as_frame.frame is not None and as_frame.frame.rsv1
    assert seen_from(frame, _at("awaiting 101"), SERVER) is None
    assert seen_from(step_at(CONNECTING, Event.of(EventKind.SEND_RESPONSE, ResponseFacts())), State(), SERVER) is None


def test_what_is_not_read_looks_ignored_and_what_cannot_be_sent_is_forbidden() -> None:
    machine = CompiledMachine(RULES, SERVER)
    ignored = Label(Kind.IGNORE)
    seen, after = witnessed(Outlook(machine, _at("awaiting 101")), step_at(State(), PINGED, ACCEPTED))
    assert seen == Expectation((SeenOutcome(ignored, 0),))
    assert set(after.values()) == {_at("awaiting 101")}
    answer = step_at(CONNECTING, Event.of(EventKind.SEND_RESPONSE, ResponseFacts()))
    assert witnessed(Outlook(machine, State()), answer) == (Expectation(()), {})


def test_one_error_code_is_as_good_as_another() -> None:
    refused = [Label(Kind.REFUSE, code) for code in (400, 403, 426)]
    assert {as_seen(label) for label in refused} == {Label(Kind.REFUSE)}
    assert as_seen(Label(Kind.REFUSE, 200)) == Label(Kind.REFUSE, 200)
    assert as_seen(Label(Kind.FAIL, 1002)) == Label(Kind.FAIL, 1002)
    one, two = _at("to be refused"), _at("another version")
    after = {refused[0]: one, refused[2]: two}
    assert alike(after, refused[0], two) == one
    assert alike(after, refused[1], two) == two
    assert alike(after, refused[1], State()) == one
    assert alike(after, ACCEPTED, one) is None
    both = RequestFacts(method_get=False, version=value_of("version", "another"))
    told = observe(CompiledMachine(RULES, SERVER), CONNECTING, Event.of(EventKind.RECEIVE_REQUEST, both))[0]
    assert [seen.label for seen in told.outcomes] == [Label(Kind.REFUSE)]
    assert told.allows(refused[0]) and told.allows(refused[2])


def test_a_traced_history_tells_mutants_apart() -> None:
    original = CompiledMachine(RULES, SERVER)
    history = (step_at(State(), PINGED, ACCEPTED), HistoryStep(SILENCE))
    traced = trace(original, history)
    by_id = {mutant.id: mutant for mutant in mutants()}
    for name, differs in {
        "5.5.2/ping~no-pong_due": True,
        "5.5.2/ping~tells-pong": True,
        "5.5.2/pong-owed~drop": True,
        "5.5.1/close~drop": False,
        "5.5.3/send-pong~drop": False,
    }.items():
        mutant = by_id[name]
        assert differs_on(mutated(original, mutant), traced) is differs, name
        assert (expectation(mutant.rules, SERVER, history) != expectation(RULES, SERVER, history)) is differs
