"""No theorem is vacuous, and one that is would be found out."""

from __future__ import annotations

import pytest

from wsoracle.generators.mutants.vacuity import faults, refute
from wsoracle.properties.theorems.safety import SAFETY
from wsoracle.properties.theorems.theorem import Theorem, TheoremKind, TheoremSubject, proved


def test_a_theorem_that_cannot_fail_is_called_vacuous() -> None:
    empty = Theorem("safety/empty", TheoremKind.SAFETY, "Nothing.", lambda _: proved("nothing"), ("5.5.2/ping",))
    assert refute(empty, tries=5) is None


@pytest.mark.parametrize("theorem", SAFETY, ids=lambda t: str(t.id))
def test_the_faults_that_a_theorem_names_exist(theorem: Theorem) -> None:
    named = [name for name in theorem.suspects if "~" in name]
    first = next(iter(faults(theorem)))
    assert not named or first.id == named[0]
    assert first.subject() != TheoremSubject()
