"""The pair: its theorems hold, and a fault gives a run that people can read."""

from __future__ import annotations

import pytest

from wsoracle.model.rules import RULES
from wsoracle.properties.theorems.pair import PAIR
from wsoracle.properties.theorems.pair_runs import Channel, PairState, explored
from wsoracle.properties.theorems.theorem import ProofVerdict, TheoremSubject

BY_NAME = {theorem.id.partition("/")[2]: theorem for theorem in PAIR}


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("no-deadlock", ["5.5.1/close-owed", "5.5.1/close-soon"]),  # either asks for the Close
        ("closing-terminates", ["7.1.5/one-close"]),
        ("both-close-cleanly", ["7.3/closing-handshake-first"]),
        ("server-closes-tcp-first", ["7.1.1/client-waits"]),
        ("no-legal-frame-refused-from-client", ["5.1/client-masks"]),
    ],
)
def test_missing_rules_are_refuted_by_a_run(name: str, rules: list[str]) -> None:
    left = RULES
    for rule in rules:
        left = left.without(rule)
    result = BY_NAME[name].check(TheoremSubject(rules=left))
    assert result.verdict is ProofVerdict.REFUTED
    assert result.counterexample


def test_clean_simultaneous_and_broken_ends_are_all_reached() -> None:
    found, runs = explored(RULES)
    ends = {
        (v.both.lost, v.both.client.began, v.both.server.began)
        for v in found
        if not (v.both.client.state.tcp_open or v.both.server.state.tcp_open)
    }
    assert {(False, True, False), (False, False, True), (False, True, True), (True, False, False)} <= ends
    assert runs.run_to(PairState()) == ()


def test_what_is_on_the_way_is_gone_when_the_connection_is_lost() -> None:
    found, _ = explored(RULES)
    for visit in found:
        if visit.both.lost:
            assert visit.both.client.out == visit.both.server.out == Channel(eof=True)
