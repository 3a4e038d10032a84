"""Each mutant is told apart by a shortest history, or proved equivalent; never neither."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest

from wsoracle.generators.mutants.distinguish import Distinguisher, MutantResult, MutantStatus, search
from wsoracle.generators.mutants.equivalence import Ground
from wsoracle.generators.mutants.observable import expectation, mutated
from wsoracle.generators.mutants.operators import Mutant, mutants
from wsoracle.generators.mutants.reachable_histories import SHORT_FRAME, World
from wsoracle.generators.mutants.world_starts import AGREEMENTS, WorldStart, starts, starts_with_two
from wsoracle.model.machine.interpreted import Kind, allowed
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.head_variables import ResponseFacts
from wsoracle.model.notation.rule import Refuse
from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import CONNECTING, HANDSHAKE, EventKind, Setting, State, environment
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

BY_ID = {mutant.id: mutant for mutant in mutants()}
EQUIVALENT = [
    "5.2/defined-opcodes-only~drop",
    "5.2/unknown-opcode~may",
    "7.4.1/receive-code-1006~without-length-ge-2",
    "7.1.1/client-waits~without-not-failed",
    "5.4/close-inside-message~without-peer_open",
    "5.5.1/may-stop-processing~no-recv_length",
    # One error code of HTTP is as good as another.
    "4.2.2/other-version~code-400",
    "10.2/may-refuse-origin~code-400",
    # No server fails before the handshake is complete; and one that refused is as one that was asked nothing yet.
    next(m for m in BY_ID if m.endswith("~without-not-failed") and isinstance(RULES.by_id[BY_ID[m].rule].then, Refuse)),
    "4.2.2/refuse~handshake=1",
]
KILLED = {
    "5.2/reserved-bits~drop": 1,
    "5.2/length-sign-bit~no-failed": 2,
    "5.5/long-control~length-bound-125+1": 1,
    "7.1.7/nothing-after-failing~drop": 2,
    "5.5.2/ping~no-pong_due": 2,
    "5.4/last-text-fragment~recv_length=1": 3,
    "5.5/long-control~without-peer_open": 2,
    "5.4/send-first-binary-fragment~send_type=1": 2,
    "7692.7.2.2/may-fail-cut-block~no-send_type": 3,
    "5.4/next-fragment~recv_length=recv_length-plus-length": 3,
    "5.2/non-minimal-length~drop": 1,
    "5.2/reserved-bits~without-not-claims_rsv1-and-opcode-is-text-or-opcode-is+": 1,
    "4.2.1/get-only~drop": 1,
    "4.2.1/get-only~code-200": 1,
    "4.2.2/other-version~no-handshake": 2,
    "4.4/name-versions~drop": 2,
    "4.1/send-origin~drop": 1,
    # Seen only after the handshake: a frame with a bit that no extension claims, or that one does.
    "4.1/established~no-claims_rsv1": 3,
    "4.2.2/accept~no-claims_rsv2": 3,
    "4.1/established~no-handshake": 3,
    # Two faults at once; and what may be answered to them, or after a head that differs from others in two points.
    "4.2.1/may-refuse-http-1-0~upgrade-is-another": 1,
    "4.2.1/may-refuse-http-1-0~without-upgrade-is-websocket": 2,
    "10.7/any-answer~without-syntax-is-tolerated": 3,
}
MILDEST_LAST = ("another version", "to be refused", "not for us")
"""Stages of the handshake after a refusal, by what may be answered."""


@pytest.fixture(scope="module")
def distinguisher(ground: Ground) -> Distinguisher:
    found = Distinguisher()
    found.take(ground)
    return found


@pytest.fixture(scope="module")
def findings(distinguisher: Distinguisher) -> dict[str, MutantResult]:
    told: list[MutantResult] = []
    wanted = [BY_ID[name] for name in (*EQUIVALENT, *KILLED)]
    found = distinguisher.find_all(wanted, told.append)
    assert told == found
    return {finding.mutant: finding for finding in found}


@pytest.mark.parametrize("name", EQUIVALENT)
def test_some_mutants_are_equivalent(findings: dict[str, MutantResult], name: str) -> None:
    assert findings[name].status is MutantStatus.EQUIVALENT
    assert findings[name].scenario is None


@pytest.mark.parametrize(("name", "steps"), KILLED.items())
def test_others_are_told_apart_by_a_shortest_history(findings: dict[str, MutantResult], name: str, steps: int) -> None:
    finding = findings[name]
    assert finding.status is MutantStatus.KILLED
    assert finding.scenario is not None
    start, history = finding.scenario.start, finding.scenario.history
    assert len(history) == steps
    ours = expectation(RULES, start.setting, history, start.state)
    theirs = expectation(BY_ID[name].rules, start.setting, history, start.state)
    assert len(ours) == steps
    assert ours[:-1] == theirs[:-1]
    assert ours[-1] != theirs[-1]


def test_the_default_world_is_preferred(findings: dict[str, MutantResult]) -> None:
    by_default = findings["5.5/long-control~length-bound-125+1"].scenario
    assert by_default is not None and by_default.start.name == "server"
    by_switch = findings["5.2/non-minimal-length~drop"].scenario
    assert by_switch is not None and by_switch.start.name == "server,non_minimal_lengths=refuse"


def test_no_equivalent_mutant_differs_anywhere_near(distinguisher: Distinguisher) -> None:
    for name in EQUIVALENT:
        for start in (
            WorldStart(Setting(Role.SERVER, echo=True), departing=True),
            WorldStart(Setting(Role.CLIENT, 2)),
            WorldStart(Setting(Role.SERVER, echo=True), CONNECTING),
        ):
            assert search(distinguisher.world(start), BY_ID[name], 2) is None, name


def _some() -> Iterator[Mutant]:
    yield from list(BY_ID.values())[::130]


def test_a_sample_of_all_leaves_none_alive(distinguisher: Distinguisher) -> None:
    statuses = {mutant.id: distinguisher.find(mutant).status for mutant in _some()}
    assert [name for name, status in statuses.items() if status is MutantStatus.ALIVE] == []
    assert list(statuses.values()).count(MutantStatus.KILLED) > list(statuses.values()).count(MutantStatus.EQUIVALENT)


def test_what_is_proved_once_serves_another_process(distinguisher: Distinguisher) -> None:
    elsewhere = Distinguisher()
    elsewhere.take(pickle.loads(pickle.dumps(distinguisher.prover.ground)))
    assert elsewhere.prover.bisimulation.matters == distinguisher.prover.bisimulation.matters
    for name in (*EQUIVALENT[:3], *list(KILLED)[:3]):
        mutant = BY_ID[name]
        here, there = (each.prover.about(mutant.rule, mutant.row) for each in (distinguisher, elsewhere))
        assert there.equivalent is here.equivalent is (name in EQUIVALENT), name


def test_the_prover_has_an_invariant_and_a_bisimulation(distinguisher: Distinguisher) -> None:
    prover = distinguisher.prover
    assert len(prover.invariant) > 50
    known = [
        (start, here.state) for start in _SOME_STARTS for d in range(3) for here in distinguisher.world(start).layer(d)
    ]
    for start, state in known:
        values = environment(start.setting, state, None)
        assert all(evaluate(b, values) for a, b in prover.invariant if evaluate(a, values))
    assert prover.bisimulation.is_proved
    matters = prover.bisimulation.matters
    assert matters["tcp_open"]
    # Once TCP is closed nothing but that matters.
    closed = {name for name, cubes in matters.items() if name != "tcp_open" and any(not cube[0] for cube in cubes)}
    # Nor does it matter any more what the peer does.
    assert closed <= {"peer_open"}


_SOME_STARTS = [
    WorldStart(Setting(Role.SERVER), State(claims_rsv1=True, claims_rsv3=True), departing=True),
    WorldStart(
        Setting(
            Role.CLIENT, 1, echo=True, switches=Switches(control_after_close="must", close_inside_message="refused")
        )
    ),
    WorldStart(Setting(Role.SERVER, echo=True, switches=Switches(close_overtakes_reply="refused")), departing=True),
    WorldStart(Setting(Role.SERVER, willing=True, switches=Switches(http_1_0="either")), CONNECTING, departing=True),
    WorldStart(Setting(Role.CLIENT, browser=True), CONNECTING, departing=True),
]


def test_the_invariant_holds_wherever_a_connection_may_begin(distinguisher: Distinguisher) -> None:
    firsts = [CONNECTING, *(State(claims_rsv1=a, claims_rsv2=b) for a in (False, True) for b in (False, True))]
    for role in Role:
        for first in firsts:
            for setting in (Setting(role), Setting(role, 2, echo=True, willing=True, browser=True)):
                values = environment(setting, first, None)
                assert all(evaluate(b, values) for a, b in distinguisher.prover.invariant if evaluate(a, values))


def test_the_handshake_is_remembered_until_tcp_is_closed(distinguisher: Distinguisher) -> None:
    """Related states read the same octets alike: whether as heads or as frames must not be forgotten."""
    assert distinguisher.prover.bisimulation.matters["handshake"]


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
    claiming = [
        start for start in every if start.state.claims_rsv1 and not (start.departing or start.state.recv_window)
    ]
    assert [start.name for start in claiming] == [
        "server,rsv1", "client,rsv1", "server,limit=2,rsv1", "client,limit=2,rsv1",
    ]  # fmt: skip
    connecting = starts(CONNECTING)
    assert all(start.connecting for start in connecting)
    names = {start.name for start in connecting}
    assert {"server,connecting", "server,connecting,willing", "client,connecting,browser"} <= names
    assert "client,connecting,answer_in_http_1_0=accept" in names
    assert not any("code_1004" in name for name in names)
    assert not any("http_1_0" in start.name for start in every)
    two = starts_with_two({"switch_code_1004", "switch_close_inside_message"})
    assert {len(start.points) for start in two} == {2}
    assert WorldStart(Setting(Role.SERVER)).name == "server,sink"
    assert WorldStart(Setting(Role.CLIENT, 2, True)).name == "client,limit=2"


def test_histories_of_a_world_happen() -> None:
    world = World(WorldStart(Setting(Role.CLIENT, echo=True)))
    for here in world.layer(2)[::5]:
        state = State()
        for step in world.history(here):
            is_short = step.event.frame is None or step.event.frame.length <= SHORT_FRAME
            after = {o.label: o.state for o in allowed(state, step.event, world.start.setting)}
            assert step.label in after
            state = after[step.label]
            assert is_short or (state.failed and here.ended)
        assert state == here.state


def test_histories_of_compressed_messages_count_only_by_their_ranks() -> None:
    world = World(WorldStart(Setting(Role.CLIENT, echo=True), AGREEMENTS[0]))

    def essence(original: int, mutant: int) -> tuple[int, int]:
        here, there = world.essence(State(recv_history=original), State(recv_history=mutant))
        return here.recv_history, there.recv_history

    assert essence(0, 0) == (0, 0)
    assert essence(3, 3) == essence(700, 700) == (1, 1)
    assert essence(0, 9) == (0, 1)
    assert essence(9, 4) == essence(2, 1) == (2, 1)
    here = [situation.state for depth in range(3) for situation in world.layer(depth)]
    assert len({state._replace(recv_history=min(state.recv_history, 1)) for state in here}) == len(set(here))
    assert max(state.recv_history for state in here) < AGREEMENTS[0].recv_window


def test_compressed_messages_that_refer_to_no_octets_at_all_are_tried() -> None:
    """They need octets to be written with: facts that none have are left out in silence."""
    for start in (start for start in starts() if start.agreed):
        world = World(start)
        for kind in (EventKind.RECEIVE, EventKind.SEND):
            frames = [trial.event.frame for trial in world.trials(start.state, kind)]
            assert any(frame is not None and frame.reach > 0 for frame in frames), (start.name, kind)


def test_a_history_goes_on_after_a_compressed_message_of_any_length_that_is_refused() -> None:
    world = World(WorldStart(Setting(Role.CLIENT, echo=True), AGREEMENTS[0]))
    long = [
        trial
        for trial in world.trials(AGREEMENTS[0], EventKind.RECEIVE)
        if trial.event.frame is not None and trial.event.frame.inflated > SHORT_FRAME
    ]
    assert any(world.steps_on(trial) for trial in long)
    assert all(trial.after[label].failed for trial in long for label in world.steps_on(trial))


def test_a_history_goes_on_only_where_who_looks_on_knows_what_is_allowed() -> None:
    """A request with two faults is refused; which refusal it was cannot be seen: it goes on after the milder one."""
    world = World(WorldStart(Setting(Role.SERVER), CONNECTING))
    stages = set()
    for trial in world.pairs(CONNECTING, EventKind.RECEIVE_REQUEST):
        refused = {label: then for label, then in trial.after.items() if label.kind is Kind.REFUSE}
        if len(set(refused.values())) > 1:
            assert len([seen for seen in trial.expected.outcomes if seen.label.kind is Kind.REFUSE]) == 1
            for milder in (refused[label] for label in world.steps_on(trial) if label in refused):
                others = set(refused.values()) - {milder}
                stages |= {(HANDSHAKE[other.handshake], HANDSHAKE[milder.handshake]) for other in others}
    assert stages == set(combinations(MILDEST_LAST, 2))


def test_a_milder_refusal_allows_every_answer_that_another_does() -> None:
    setting = Setting(Role.SERVER)
    world = World(WorldStart(setting, CONNECTING))
    mildest_last = [CONNECTING._replace(handshake=HANDSHAKE.index(stage)) for stage in MILDEST_LAST]
    for narrow, wide in pairwise(mildest_last):
        for trial in world.trials(narrow, EventKind.SEND_RESPONSE):
            if allowed(narrow, trial.event, setting):
                assert allowed(wide, trial.event, setting)


def test_a_refusal_that_names_versions_is_tried() -> None:
    world = World(WorldStart(Setting(Role.SERVER), CONNECTING))
    refusing = CONNECTING._replace(handshake=HANDSHAKE.index("another version"))
    allowed_ones = [t for t in world.trials(refusing, EventKind.SEND_RESPONSE) if t.expected.outcomes]
    heads = [trial.event.head for trial in allowed_ones]
    assert any(isinstance(head, ResponseFacts) and head.status >= 400 and head.versions == 1 for head in heads)


def test_a_mutant_differs_only_at_events_of_its_kind() -> None:
    world = World(WorldStart(Setting(Role.SERVER, echo=True)))
    mutant = BY_ID["5.5.2/ping~drop"]
    machine = mutated(world.machine, mutant)
    assert machine.kind is EventKind.RECEIVE
    for trial in world.trials(State(), EventKind.SEND):
        assert machine.masks(trial.event.kind, State(), trial.event.facts) == trial.masks
