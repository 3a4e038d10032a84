"""What can be reached: every rule, exactly the states that the invariants allow, and the states of the pair."""

from __future__ import annotations

import random

import pytest

from wsoracle.model.machine.guard_atoms import state_values
from wsoracle.model.machine.reachable import explored_once
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.variables import Setting, State, environment
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.theorems.reachability import INVARIANTS, _alike, every_rule_fires, states_of
from wsoracle.properties.theorems.theorem import ProofVerdict, TheoremSubject


def test_a_missing_rule_and_a_state_that_leaks_are_refuted() -> None:
    assert every_rule_fires(TheoremSubject(rules=RULES.without("5.5.2/ping"))).verdict is ProofVerdict.REFUTED
    leaking = RULES.without("5.6/text-is-utf8")
    assert states_of(Role.SERVER)(TheoremSubject(rules=leaking)).verdict is ProofVerdict.REFUTED


@pytest.mark.parametrize("role", Role)
def test_each_invariant_holds_in_every_reachable_state(role: Role) -> None:
    setting = Setting(role)
    for state in explored_once(setting).via:
        values = environment(setting, state, None)
        broken = [i.sentence for i in INVARIANTS if not evaluate(i.holds, values)]
        assert not broken, state


def test_no_invariant_tells_values_apart_that_are_counted_together() -> None:
    chance = random.Random(6455)
    values = {name: known for name, known in state_values(RULES).items() if known}
    together = [(n, alike) for n, known in values.items() for alike in _alike(n, known) if len(alike) > 1]
    assert {name for name, _ in together} > {"recv_utf8", "send_utf8", "fail_code"}
    for _ in range(20):
        drawn = State(**{name: chance.choice(known) for name, known in values.items()})  # type: ignore[arg-type]
        setting = Setting(chance.choice(list(Role)))
        for name, alike in together:
            ends = [environment(setting, drawn._replace(**{name: alike[i]}), None) for i in (0, -1)]
            assert all(evaluate(i.holds, ends[0]) == evaluate(i.holds, ends[1]) for i in INVARIANTS), (name, alike)
