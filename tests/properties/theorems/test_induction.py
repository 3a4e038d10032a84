"""The proof engine: what is true is proved, what is false is refuted with a run that people can read."""

from __future__ import annotations

from wsoracle.model.machine.symbolic import EVENT_KIND, KINDS
from wsoracle.model.notation.expression import Sort, Var, ite
from wsoracle.model.notation.variables import EventKind, failed, got_close, is_close, is_ping, recv_type, sent_close
from wsoracle.model.rules import RULES
from wsoracle.properties.theorems.induction import Monitor, SafetyProperty, always, check_never, counterexample
from wsoracle.properties.theorems.theorem import ProofVerdict

SENDS = EVENT_KIND == KINDS.index(EventKind.SEND)


def test_a_true_invariant_is_proved_by_induction() -> None:
    result = check_never(RULES, always((recv_type >= 0) & (recv_type <= 2)))
    assert result.verdict is ProofVerdict.PROVED
    assert result.method.startswith("induction")


def test_a_false_invariant_is_refuted_with_a_shortest_run() -> None:
    result = check_never(RULES, always(~got_close))
    assert result.verdict is ProofVerdict.REFUTED
    assert [line.split()[0] for line in result.counterexample] == ["setting:", "receive", "state:"]
    assert "receive close" in result.counterexample[1]


def test_a_property_of_runs_needs_its_monitor() -> None:
    pings = Var("pings", Sort.INT, 0, 100)
    counted = Monitor(pings, 0, ite(SENDS & is_ping, pings + 1, pings))
    result = check_never(RULES, SafetyProperty(pings > 2, (counted,)))
    assert result.verdict is ProofVerdict.REFUTED
    assert sum("send ping" in line for line in result.counterexample) == 3


def test_spacer_finds_an_invariant_where_induction_alone_fails() -> None:
    closes = Var("closes", Sort.INT, 0, 100)
    counted = Monitor(closes, 0, ite(SENDS & is_close, closes + 1, closes))
    result = check_never(RULES, SafetyProperty(closes > 1, (counted,)))
    assert result.verdict is ProofVerdict.PROVED
    assert result.method.startswith("Spacer")
    assert result.invariant is not None
    assert "sent_close" in result.invariant


def test_a_fault_in_a_row_turns_the_proof_into_a_run() -> None:
    wanted = SafetyProperty(SENDS & sent_close & is_close)
    assert check_never(RULES, wanted).verdict is ProofVerdict.PROVED
    result = check_never(RULES.without("7.1.5/one-close"), wanted)
    assert result.verdict is ProofVerdict.REFUTED
    assert sum("send close" in line for line in result.counterexample) == 2


def test_assumptions_restrict_the_setting() -> None:
    from wsoracle.model.notation.variables import limit

    far = always(recv_type == 0)
    assert check_never(RULES, far).verdict is ProofVerdict.REFUTED
    result = check_never(RULES, SafetyProperty(failed & ~failed, assuming=limit == 0))
    assert result.verdict is ProofVerdict.PROVED


def test_no_counterexample_within_the_depth_is_an_empty_run() -> None:
    assert counterexample(RULES, always(recv_type <= 2), depth=2) == ()
