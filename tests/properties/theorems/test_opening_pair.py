"""The opening handshake between two ends: its theorems hold, and a named fault refutes each by a run."""

from __future__ import annotations

import pytest

from wsoracle.generators.mutants.operators import mutants
from wsoracle.generators.mutants.vacuity import faults, refute
from wsoracle.model.notation.variables import HANDSHAKE
from wsoracle.model.rules import RULES
from wsoracle.properties.theorems.opening_pair import OPENING_PAIR, OpeningPairState, _Pair
from wsoracle.properties.theorems.theorem import ProofVerdict, Theorem, TheoremSubject

BY_NAME = {theorem.id.partition("/")[2]: theorem for theorem in OPENING_PAIR}

FAULTS = [
    ("a-request-that-may-be-sent-is-accepted", "4.1/send-connection", "client sends"),
    ("a-request-that-may-be-sent-is-accepted", "4.1/send-key", "client sends"),
    ("an-answer-that-may-be-sent-opens", "4.2.2/send-connection", "server sends"),
    ("an-answer-that-may-be-sent-opens", "4.2.2/send-accept", "server sends"),
    ("no-deadlock", "4.2.1/response-owed", "both wait"),
    ("no-deadlock", "4.1/request-owed", "both wait"),
]
CHANGED = [
    ("an-answer-that-may-be-sent-opens", "4.1/established~no-claims_rsv1", "defines_rsv1"),
    ("an-answer-that-may-be-sent-opens", "4.2.2/accept~claims_rsv1=not-defines_rsv1", "server sends"),
    ("never-half-open", "4.2.2/accept~no-handshake", "client complete, server awaiting 101"),
    ("never-half-open", "4.1/established~no-claims_rsv1", "client complete, server complete"),
]


@pytest.mark.parametrize(("name", "rule", "shown"), FAULTS)
def test_a_missing_rule_is_refuted(name: str, rule: str, shown: str) -> None:
    result = BY_NAME[name].check(TheoremSubject(rules=RULES.without(rule)))
    assert result.verdict is ProofVerdict.REFUTED
    assert shown in result.counterexample[0]


@pytest.mark.parametrize(("name", "fault", "shown"), CHANGED)
def test_a_changed_rule_is_refuted(name: str, fault: str, shown: str) -> None:
    rules = next(mutant.rules for mutant in mutants() if mutant.id == fault)
    result = BY_NAME[name].check(TheoremSubject(rules=rules))
    assert result.verdict is ProofVerdict.REFUTED
    assert shown in result.counterexample[0]


def test_each_theorem_has_a_named_fault() -> None:
    assert {name for name, _, _ in (*FAULTS, *CHANGED)} == set(BY_NAME)


@pytest.mark.parametrize(
    "rule", ["4.1/send-get", "4.1/send-host", "4.1/send-target", "4.1/send-upgrade", "4.1/send-version",
             "4.1/send-protocols", "9.1/send-offers", "11.3.1/send-one-key", "4.1/valid-request"]
)  # fmt: skip
def test_each_duty_of_a_client_is_what_a_server_asks_for(rule: str) -> None:
    """None of them may go: a server would refuse what comes then."""
    theorem = BY_NAME["a-request-that-may-be-sent-is-accepted"]
    assert theorem.check(TheoremSubject(rules=RULES.without(rule))).verdict is ProofVerdict.REFUTED


@pytest.mark.parametrize("theorem", OPENING_PAIR, ids=lambda t: str(t.id))
def test_the_faults_that_a_theorem_names_exist_and_refute_it(theorem: Theorem) -> None:
    assert {name.partition("~")[0] for name in theorem.suspects} <= set(RULES.by_id)
    named = [name for name in theorem.suspects if "~" in name]
    listed = [fault.id for fault, _ in zip(faults(theorem), range(len(named)), strict=False)]
    assert listed == named
    found = refute(theorem)
    assert found is not None and found.fault.partition("~")[0] in {n.partition("~")[0] for n in theorem.suspects}


def _stages(both: OpeningPairState) -> tuple[str, str]:
    return HANDSHAKE[both.client.handshake], HANDSHAKE[both.server.handshake]


def test_the_runs_of_both_ends_lead_everywhere_that_they_should() -> None:
    """The theorems over runs are not about a handful of states: both ways to end are reached, and the ways there."""
    found = set(_Pair(RULES).reachable())
    stages = {_stages(both) for both in found}
    assert {
        ("not begun", "not begun"),
        ("awaiting 101", "not begun"),
        ("awaiting 101", "awaiting 101"),
        ("awaiting 101", "complete"),
        ("awaiting 101", "refused"),
        ("complete", "complete"),
        ("refused", "refused"),
    } <= stages
    assert ("complete", "awaiting 101") not in stages
    assert any(not both.client.peer_open and both.server.peer_open for both in found)
    claims = {both.server.claims_rsv1 for both in found if _stages(both) == ("complete", "complete")}
    assert claims == {False, True}
