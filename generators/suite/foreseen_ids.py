"""The ids that generated cases can have, known without working the cases out (and without what that takes)."""

from __future__ import annotations

from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from ..mutants.operators import mutants
from .compressed_cases import compressed_ids
from .fault_cases import fault_ids


def foreseen_ids() -> list[str]:
    """The ids that cases can have, controls aside, without working the cases out: a second instead of minutes."""
    rows = [(rule.id, role) for rule in RULES for role in Role]
    killers = [f"mutant/{mutant.id}/{role}" for mutant in mutants() for role in Role]
    return [*(f"witness/{rule}/{role}" for rule, role in rows), *fault_ids(), *compressed_ids(), *killers]
