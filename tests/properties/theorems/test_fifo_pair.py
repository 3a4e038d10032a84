"""The exact pair over short FIFO channels, beside the abstraction that the theorems use."""

import pytest

from tests.properties.theorems.fifo_pair import End, Pair, PairExploration, Sent, Told, explore_pair
from wsoracle.model.notation.variables import LOST, NO_CODE, State
from wsoracle.model.octets.vocabulary import CLOSE, RESERVED_DATA_OPCODES
from wsoracle.model.rules import RULES
from wsoracle.properties.theorems import pair_runs
from wsoracle.properties.theorems.reachability import view


@pytest.fixture(scope="module")
def explored() -> PairExploration:
    return explore_pair()


def facts(both: Pair) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    ends = [(s.sent_close, s.got_close, s.failed, s.tcp_open) for s in (both.client.state, both.server.state)]
    return ends[0], ends[1]


def test_real_channels_reach_what_the_abstraction_reaches(explored: PairExploration) -> None:
    abstract = {view(visit.both) for visit in pair_runs.explored(RULES)[0]}
    assert {facts(both) for both in explored.via} == abstract


def test_channels_are_short_and_in_order(explored: PairExploration) -> None:
    for both in explored.via:
        for end in (both.client, both.server):
            assert len(end.written) <= 2
            closes = [index for index, sent in enumerate(end.written) if sent.opcode == CLOSE]
            assert len(closes) <= 1


def test_no_deadlock_and_every_run_can_end(explored: PairExploration) -> None:
    assert list(explored.deadlocks()) == []
    assert explored.cannot_close() == ()


def test_nobody_sends_a_frame_that_is_not_allowed(explored: PairExploration) -> None:
    illegal = Sent(RESERVED_DATA_OPCODES[0])
    assert not any(illegal in (*both.client.written, *both.server.written) for both in explored.via)


def test_a_failure_is_only_ever_for_a_limit_or_a_lost_connection(explored: PairExploration) -> None:
    codes = {end.state.fail_code for both in explored.via for end in (both.client, both.server)}
    assert codes == {0, 1009}


def test_each_is_told_the_code_that_the_other_sent(explored: PairExploration) -> None:
    for both in explored.via:
        for me, peer in ((both.client, both.server), (both.server, both.client)):
            assert me.state.close_code == (peer.said if me.state.got_close else LOST)


def test_what_the_applications_are_told(explored: PairExploration) -> None:
    endings = explored.endings()
    clean = {told for told in endings if all(end.how == "closed cleanly" for end in told)}
    assert {(a.code, b.code) for a, b in clean} == {
        (a, b) for a in (NO_CODE, 1000, 1009) for b in (NO_CODE, 1000, 1009)
    }
    lost = Told(LOST, "closed, not cleanly")
    assert endings[lost, lost][0] == "the connection is lost"
    for told, run in endings.items():
        if told not in clean:
            assert any("lost" in move or "fail" in move for move in run)


def test_both_told_differently_only_after_a_loss_or_two_closes(explored: PairExploration) -> None:
    run = explored.endings()[Told(1000, "closed cleanly"), Told(NO_CODE, "closed cleanly")]
    assert run[:2] == ("the client sends close without a code", "the server sends close 1000")


def test_a_rule_set_without_the_server_closing_tcp_deadlocks() -> None:
    found = explore_pair(RULES.without("5.5.1/server-tcp-close-owed").without("7.1.1/tcp-close-soon"), capacity=1)
    stuck = next(found.deadlocks())
    assert stuck.server.state.sent_close
    assert stuck.server.state.got_close
    assert found.run_to(stuck)


def test_a_rule_set_without_any_end_cannot_close() -> None:
    rules = RULES.without("7.1.4/closed-cleanly")
    found = explore_pair(rules, capacity=1)
    assert any(both.client.state.tcp_open for both in found.cannot_close())


def test_pending_is_what_somebody_still_reads() -> None:
    assert not Pair().pending
    assert Pair(client=End(written=(Sent(CLOSE),))).pending
    assert not Pair(client=End(written=(Sent(CLOSE),)), server=End(State(peer_open=False))).pending
    assert [str(Sent(CLOSE)), str(Sent(CLOSE, 1000))] == ["close without a code", "close 1000"]
