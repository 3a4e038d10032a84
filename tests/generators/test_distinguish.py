"""Each mutant is told apart by a shortest history, or proved equivalent; never neither."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from wsoracle.generators.distinguish import Distinguisher, Finding, Status, search
from wsoracle.generators.expectation import MutantBehaviour, expectation
from wsoracle.generators.mutants import Mutant, mutants
from wsoracle.generators.worlds import SHORT_FRAME, Start, World, starts, starts_with_two
from wsoracle.model.expression import evaluate
from wsoracle.model.machine import allowed
from wsoracle.model.rules import RULES
from wsoracle.model.switches import Switches
from wsoracle.model.terms import EventKind, Setting, State, environment
from wsoracle.model.vocabulary import Role

BY_ID = {mutant.id: mutant for mutant in mutants()}
EQUIVALENT = [
    "5.2/defined-opcodes-only~drop",
    "5.2/unknown-opcode~may",
    "7.4.1/receive-code-1006~without-opcode-is-close",
    "7.1.1/client-waits~without-not-failed",
    "5.4/close-inside-message~without-tcp_open",
    "5.5.1/may-stop-processing~no-recv_length",
    "6.2/next-fragment~recv_length=recv_length-plus-length",
]
KILLED = {
    "5.2/reserved-bits~drop": 1,
    "5.5/long-control~length-bound-125+1": 1,
    "7.1.7/nothing-after-failing~drop": 2,
    "5.5.2/ping~no-pong_due": 2,
    "6.2/last-text-fragment~recv_length=1": 3,
    "5.5/long-control~without-tcp_open": 2,
    "5.4/send-first-binary-fragment~send_type=1": 2,
    "8.1/invalid-close-reason~no-send_type": 3,
    "5.2/non-minimal-length~drop": 1,
    "5.2/reserved-bits~without-not-claims_rsv1": 1,
}


@pytest.fixture(scope="module")
def distinguisher() -> Distinguisher:
    return Distinguisher()


@pytest.fixture(scope="module")
def findings(distinguisher: Distinguisher) -> dict[str, Finding]:
    told: list[Finding] = []
    wanted = [BY_ID[name] for name in (*EQUIVALENT, *KILLED)]
    found = distinguisher.find_all(wanted, told.append)
    assert told == found
    return {finding.mutant.id: finding for finding in found}


@pytest.mark.parametrize("name", EQUIVALENT)
def test_some_mutants_are_equivalent(findings: dict[str, Finding], name: str) -> None:
    assert findings[name].status is Status.EQUIVALENT
    assert findings[name].scenario is None


@pytest.mark.parametrize(("name", "steps"), KILLED.items())
def test_others_are_told_apart_by_a_shortest_history(findings: dict[str, Finding], name: str, steps: int) -> None:
    finding = findings[name]
    assert finding.status is Status.KILLED
    assert finding.scenario is not None
    start, history = finding.scenario.start, finding.scenario.history
    assert len(history) == steps
    ours = expectation(RULES, start.setting, history, start.state)
    theirs = expectation(finding.mutant.rules, start.setting, history, start.state)
    assert len(ours) == steps
    assert ours[:-1] == theirs[:-1]
    assert ours[-1] != theirs[-1]


def test_the_default_world_is_preferred(findings: dict[str, Finding]) -> None:
    by_default = findings["5.5/long-control~length-bound-125+1"].scenario
    assert by_default is not None and by_default.start.name == "server"
    by_switch = findings["5.2/non-minimal-length~drop"].scenario
    assert by_switch is not None and by_switch.start.name == "server,non_minimal_lengths=refuse"


def test_no_equivalent_mutant_differs_anywhere_near(distinguisher: Distinguisher) -> None:
    for name in EQUIVALENT:
        for start in (Start(Setting(Role.SERVER, echo=True), departing=True), Start(Setting(Role.CLIENT, 2))):
            assert search(distinguisher.world(start), BY_ID[name], 2) is None, name


def _every_tenth() -> Iterator[Mutant]:
    yield from list(BY_ID.values())[::45]


def test_a_sample_of_all_leaves_none_alive(distinguisher: Distinguisher) -> None:
    statuses = {mutant.id: distinguisher.find(mutant).status for mutant in _every_tenth()}
    assert [name for name, status in statuses.items() if status is Status.ALIVE] == []
    assert list(statuses.values()).count(Status.KILLED) > list(statuses.values()).count(Status.EQUIVALENT)


def test_the_prover_has_an_invariant_and_a_bisimulation(distinguisher: Distinguisher) -> None:
    prover = distinguisher.prover
    assert len(prover.invariant) > 50
    known = [
        (start, node.state) for start in _SOME_STARTS for d in range(3) for node in distinguisher.world(start).layer(d)
    ]
    for start, state in known:
        values = environment(start.setting, state, None)
        assert all(evaluate(b, values) for a, b in prover.invariant if evaluate(a, values))
    assert prover.is_bisimulation
    assert prover.matters["tcp_open"]
    # Once TCP is closed nothing but that matters.
    closed = {
        name for name, cubes in prover.matters.items() if name != "tcp_open" and any(not cube[0] for cube in cubes)
    }
    assert closed == set()


_SOME_STARTS = [
    Start(Setting(Role.SERVER), State(claims_rsv1=True, claims_rsv3=True), departing=True),
    Start(
        Setting(
            Role.CLIENT, 1, echo=True, switches=Switches(control_after_close="must", close_inside_message="refused")
        )
    ),
    Start(Setting(Role.SERVER, echo=True, switches=Switches(close_overtakes_reply="refused")), departing=True),
]


def test_nothing_false_is_proved(distinguisher: Distinguisher) -> None:
    for name in KILLED:
        mutant = BY_ID[name]
        assert not distinguisher.prover.about(mutant.rule, mutant.row).equivalent, name
    off = distinguisher.prover.about("5.2/non-minimal-length", None)
    assert off.equivalent_under(Setting(Role.SERVER))
    assert not off.equivalent_under(Setting(Role.SERVER, switches=Switches(non_minimal_lengths="refuse")))


def test_worlds_are_ordered_by_how_far_they_are_from_the_default() -> None:
    every = starts()
    assert [start.name for start in every[:2]] == ["server", "client"]
    assert len(set(every)) == len(every)
    assert [start.cost for start in every[:2]] == [0, 0]
    assert all(start.cost > 0 for start in every[2:])
    claiming = [start for start in every if start.state.claims_rsv1 and not start.departing]
    assert [start.name for start in claiming] == ["server,rsv1", "client,rsv1"]
    two = starts_with_two({"switch_code_1004", "switch_close_inside_message"})
    assert {len(start.points) for start in two} == {2}
    assert Start(Setting(Role.SERVER)).name == "server,sink"
    assert Start(Setting(Role.CLIENT, 2, True)).name == "client,limit=2"


def test_histories_of_a_world_happen() -> None:
    world = World(Start(Setting(Role.CLIENT, echo=True)))
    for node in world.layer(2)[::5]:
        state = State()
        for step in node.history:
            assert step.event.frame is None or step.event.frame.length <= SHORT_FRAME
            after = {o.label: o.state for o in allowed(state, step.event, world.start.setting)}
            assert step.label in after
            state = after[step.label]
        assert state == node.state


def test_a_mutant_differs_only_at_events_of_its_kind() -> None:
    world = World(Start(Setting(Role.SERVER, echo=True)))
    mutant = BY_ID["5.5.2/ping~drop"]
    behaviour = MutantBehaviour(world.behaviour, mutant.rule, mutant.row)
    assert behaviour.kind is EventKind.RECEIVE
    for trial in world.trials(State(), EventKind.SEND):
        assert behaviour.masks(State(), trial.event) == trial.masks
