"""The state machines and the walks find what is wrong: engines that differ, and endpoints that deviate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test  # type: ignore[import-untyped,unused-ignore]

from tests.faulty import FAILS_WITH_ANOTHER_CODE, OWES_NO_PONG, FaultyRole
from tests.properties.state_machines import stateful
from tests.properties.state_machines.stateful import conformance_machine, endpoints_machine, engines_machine
from wsoracle.explore.attempts import Attempt
from wsoracle.generators.strategies.frames import Assembly, FrameItem
from wsoracle.implementations import ApplicationRefused
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.machine import interpreted
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import CONNECTING, Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets.vocabulary import PING, TEXT, Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.judge import EVERYTHING, judge
from wsoracle.properties.judge.observation import Observation
from wsoracle.properties.state_machines import walk
from wsoracle.properties.state_machines.driving import Driver
from wsoracle.properties.state_machines.walk import EnginesDisagree, Walk, possible_in

SEARCH = settings(
    max_examples=60,
    stateful_step_count=4,
    database=None,
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
SERVER = Setting(Role.SERVER, 1_000)
FEW_FRAMES = st.sampled_from(
    [FrameItem(TEXT, b"a"), FrameItem(PING), FrameItem(PING, joined=True), FrameItem(TEXT, b"a", other_opcode=3)]
)
SILENCE = Event(EventKind.SILENCE)
PING_ARRIVES = Event(EventKind.RECEIVE, FrameFacts(PING, masked=True))


@contextmanager
def compiled_without(rule: str) -> Iterator[None]:
    """What is compiled is other rules than those that are walked: one is missing."""
    walk._ground.cache_clear()
    wrong = RULES.without(rule)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(walk, "CompiledMachine", lambda _, setting: CompiledMachine(wrong, setting))
        try:
            yield
        finally:
            walk._ground.cache_clear()


@pytest.fixture
def compiled_wrong() -> Iterator[None]:
    """What is compiled says nothing of frames after a failure."""
    with compiled_without("7.1.7/nothing-after-failing"):
        yield


# --- walks ------------------------------------------------------------------------------------------------------------


def test_a_walk_meets_an_event_in_both_engines() -> None:
    walk = Walk(SERVER)
    assert walk.meet(PING_ARRIVES) == interpreted.allowed(State(), PING_ARRIVES, SERVER, departures=True)
    assert walk.fired["5.5.2/ping"] == 1
    assert walk.state == State(), "meeting is not going"
    owing = Walk(SERVER, State(pong_due=True))
    assert owing.meet(SILENCE) == ()
    assert owing.fired["5.5.2/pong-owed"] == 1, "a rule that refuses fires too"


@pytest.mark.usefixtures("compiled_wrong")
def test_engines_that_disagree_are_reported_with_what_they_say() -> None:
    walk = Walk(SERVER, State(failed=True))
    with pytest.raises(EnginesDisagree, match="enabled in State") as caught:
        walk.meet(PING_ARRIVES)
    assert "7.1.7/nothing-after-failing" in str(caught.value)
    assert "compiled: []" in str(caught.value)
    assert walk.meet(Event(EventKind.CLOSE_TCP)), "elsewhere they agree"


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=6))
def test_a_walk_goes_where_the_rules_allow_it_in_full(choices: list[tuple[int, int]]) -> None:
    walk = Walk(SERVER)
    for group, number in choices:
        groups = walk.moves()
        if not groups:
            break
        moves = groups[group % len(groups)]
        event, outcome = moves[number % len(moves)]
        before = walk.state
        assert event in walk.events()
        assert outcome in interpreted.allowed(before, event, SERVER)
        walk.go((event, outcome))
        assert walk.state == outcome.state != before
        enabled = {rule.id for rule in interpreted.enabled(RULES, SERVER, before, event)}
        assert enabled <= set(walk.fired)


@pytest.mark.parametrize(("goal", "owed"), [("5.5.2/pong-owed", True), ("2.1/nothing-owed", False)])
def test_the_events_for_a_goal_are_those_at_which_it_fires(goal: str, owed: bool) -> None:
    walk = Walk(SERVER, State(pong_due=owed))
    assert walk.events_for(goal) == (SILENCE,)
    walk.note(SILENCE)
    assert walk.fired[goal] == 1
    if owed:
        assert Walk(SERVER).events_for(goal) == ()


def test_the_events_for_a_goal_with_frames_are_those_frames() -> None:
    walk = Walk(SERVER)
    found = walk.events_for("5.2/unknown-opcode")
    assert found
    for event in walk.events():
        unknown = event.frame is not None and event.frame.opcode not in (0, 1, 2, 8, 9, 10)
        assert (event in found) is (unknown and event.kind is EventKind.RECEIVE)


def test_a_rule_that_is_departed_for_has_its_event_too() -> None:
    """A client that should wait may close TCP all the same."""
    state = State(sent_close=True, got_close=True)
    assert Walk(Setting(Role.CLIENT), state).events_for("5.5.1/client-may-close-tcp") == (Event(EventKind.CLOSE_TCP),)
    assert Walk(SERVER, state).events_for("5.5.1/client-may-close-tcp") == ()


def test_what_a_setting_rules_out_is_not_possible() -> None:
    masks, echoes = RULES.by_id["5.1/client-masks"], RULES.by_id["10.4/message-too-big"]
    assert possible_in(masks, Setting(Role.CLIENT))
    assert not possible_in(masks, SERVER)
    assert possible_in(echoes, SERVER)
    assert not possible_in(echoes, Setting(Role.SERVER))


def test_a_walk_ends_where_nothing_changes_any_more() -> None:
    assert Walk(SERVER, State(sent_close=True, got_close=True, tcp_open=False, peer_open=False)).moves() == ()
    assert Walk(SERVER).moves() != ()


# --- state machines ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("compiled_wrong")
def test_engines_that_disagree_are_found() -> None:
    made = engines_machine(st.just(SERVER), st.just(State(failed=True)))
    with pytest.raises(EnginesDisagree, match="nothing-after-failing"):
        run_state_machine_as_test(made, settings=SEARCH)


@pytest.mark.parametrize("role", Role)
def test_engines_agree_from_before_the_opening_handshake_on(role: Role) -> None:
    made = engines_machine(st.just(Setting(role, 1_000)), st.just(CONNECTING))
    run_state_machine_as_test(made, settings=settings(SEARCH, max_examples=15, stateful_step_count=8))


def test_engines_that_disagree_about_heads_are_found() -> None:
    made = engines_machine(st.just(SERVER), st.just(CONNECTING))
    with compiled_without("4.2.1/connection"), pytest.raises(EnginesDisagree, match=r"4\.2\.1/connection"):
        run_state_machine_as_test(made, settings=settings(SEARCH, phases=[Phase.generate]))


def test_a_walk_through_other_rules_is_one_through_those() -> None:
    few = settings(SEARCH, max_examples=3)
    run_state_machine_as_test(engines_machine(st.just(SERVER), st.just(State()), OWES_NO_PONG), settings=few)


def test_an_endpoint_whose_engine_differs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(role: Role, **options: Any) -> Endpoint:
        return Endpoint(role, rules=OWES_NO_PONG if options["engine"] == "compiled" else RULES, **options)

    monkeypatch.setattr(stateful, "Endpoint", make)
    made = endpoints_machine(st.just(SERVER), FEW_FRAMES, lambda setting: Assembly(setting.role))
    with pytest.raises(AssertionError, match=r"^compiled: .* rules: .* at Arrives"):
        run_state_machine_as_test(made, settings=SEARCH)


def conformance(endpoint: RuleSet, judges: RuleSet, role: Role = Role.SERVER) -> Any:
    setting = Setting(role, 1_000)

    def connect() -> Driver:
        return Driver(FaultyRole(role, endpoint).connect(Attempt((), "sink", setting)), (ApplicationRefused,))

    def check(trace: tuple[Observation, ...]) -> None:
        judgement = judge(trace, setting, application="sink", sees=EVERYTHING, rules=judges)
        assert not judgement.broken, f"{judgement.rules} in {trace}"

    return conformance_machine(connect, FEW_FRAMES, lambda: Assembly(role), check)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("faulty", "rule", "opcode"),
    [(OWES_NO_PONG, "5.5.2/pong-owed", PING), (FAILS_WITH_ANOTHER_CODE, "7.1.7/appropriate-code", 3)],
)
def test_an_endpoint_that_deviates_is_found_in_the_shortest_run(
    role: Role, faulty: RuleSet, rule: str, opcode: int
) -> None:
    with pytest.raises(AssertionError, match=rf"^\('{rule}',\)") as caught:
        run_state_machine_as_test(conformance(faulty, RULES, role), settings=SEARCH)
    assert str(caught.value).count("Arrives") == 1
    assert f"fromhex('8{opcode}" in str(caught.value), "one frame, whole, and nothing before it"


def test_a_faithful_endpoint_deviates_from_other_rules() -> None:
    with pytest.raises(AssertionError, match=r"^\('7.1.7/appropriate-code',\)"):
        run_state_machine_as_test(conformance(RULES, FAILS_WITH_ANOTHER_CODE), settings=SEARCH)
    few = settings(SEARCH, max_examples=5)
    run_state_machine_as_test(conformance(FAILS_WITH_ANOTHER_CODE, FAILS_WITH_ANOTHER_CODE), settings=few)


def test_what_waits_is_done_at_the_end() -> None:
    """A frame that could be joined to another one still arrives where nothing follows it."""
    traces: list[tuple[Observation, ...]] = []

    def connect() -> Driver:
        return Driver(FaultyRole(Role.SERVER, RULES).connect(Attempt((), "sink", SERVER)))

    made = conformance_machine(connect, FEW_FRAMES, lambda: Assembly(Role.SERVER), traces.append)
    run_state_machine_as_test(made, settings=settings(SEARCH, max_examples=3, stateful_step_count=1))
    assert any(len(trace) > 1 for trace in traces)
    assert all(type(trace[-1]).__name__ == "Quiet" for trace in traces)
