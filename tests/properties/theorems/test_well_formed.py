"""Well-formedness can fail: each theorem is seen to be refuted, and generated source is read back faithfully."""

from __future__ import annotations

import pytest
import z3

from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.notation.expression import lift
from wsoracle.model.notation.variables import EventKind, Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.theorems.theorem import ProofVerdict, TheoremSubject
from wsoracle.properties.theorems.well_formed import WELL_FORMED, read_back

BY_NAME = {theorem.id.partition("/")[2]: theorem for theorem in WELL_FORMED}


@pytest.mark.parametrize(
    ("name", "rule", "changes"),
    [
        ("every-input-has-an-outcome", "5.5.2/ping", {"when": lift(False)}),
        ("every-output-is-decided", "5.5.2/send-ping", {"when": lift(False)}),
        ("binding-rules-agree", "5.5.2/ping", {"when": lift(True)}),
        ("compiled-is-symbolic", "5.2/reserved-bits", {"when": lift(False)}),
        ("concrete-is-symbolic", "5.2/reserved-bits", {"when": lift(False)}),
    ],
)
def test_a_fault_is_refuted(name: str, rule: str, changes: dict[str, object]) -> None:
    result = BY_NAME[name].check(TheoremSubject(rules=RULES.replacing(rule, **changes)))
    assert result.verdict is ProofVerdict.REFUTED
    assert result.counterexample


def test_source_outside_the_grammar_is_not_read() -> None:
    source = CompiledMachine(RULES, Setting(Role.SERVER)).source(EventKind.SILENCE)
    with pytest.raises(ValueError, match="not in the grammar"):
        read_back(
            source.replace("    return mask", "    while mask:\n        pass\n    return mask"),
            {"tcp_open": z3.Bool("x")} | _names(),
        )


def _names() -> dict[str, object]:
    from wsoracle.model.notation.variables import STATE_VARIABLES

    return {name: z3.Bool(name) for name in STATE_VARIABLES}
