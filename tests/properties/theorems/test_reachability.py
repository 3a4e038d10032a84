"""What can be reached: every rule, exactly the states that the invariants allow, and the states of the pair."""

from __future__ import annotations

import pytest

from wsoracle.model.machine.reachable import explore
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.variables import Setting, environment
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.theorems.reachability import INVARIANTS, REACH, every_rule_fires, states_of
from wsoracle.properties.theorems.theorem import ProofVerdict, Theorem, TheoremSubject


@pytest.mark.parametrize("theorem", REACH, ids=lambda t: str(t.id))
def test_the_theorem_holds_and_shows_its_witnesses(theorem: Theorem) -> None:
    result = theorem.check(TheoremSubject())
    assert result.verdict is ProofVerdict.PROVED, result
    assert result.witnesses


def test_a_missing_rule_and_a_state_that_leaks_are_refuted() -> None:
    assert every_rule_fires(TheoremSubject(rules=RULES.without("5.5.2/ping"))).verdict is ProofVerdict.REFUTED
    leaking = RULES.without("5.6/text-is-utf8")
    assert states_of(Role.SERVER)(TheoremSubject(rules=leaking)).verdict is ProofVerdict.REFUTED


@pytest.mark.parametrize("role", Role)
def test_each_invariant_holds_in_every_reachable_state(role: Role) -> None:
    setting = Setting(role)
    for state in explore(setting).via:
        values = environment(setting, state, None)
        broken = [i.sentence for i in INVARIANTS if not evaluate(i.holds, values)]
        assert not broken, state
