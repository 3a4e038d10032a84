"""Which theorems fall with a rule: of each telling fault, the theorems that it refutes, with the counterexample.

Theory of operation. A proof takes a second or more, and there are hundreds of faults: so what falls is worked out once
(``wsoracle prove --faults FILE``) and kept in ``data/fallen_theorems.json``. A theorem is tried on the faults of the
rules that it names as suspects.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, Final, NamedTuple

from wsoracle.generators.cases.file import rules_digest
from wsoracle.generators.mutants.operators import mutants_by_id
from wsoracle.generators.suite.telling import telling
from wsoracle.generators.suite.witnesses import all_witnesses
from wsoracle.generators.workers import process_pool
from wsoracle.properties.theorems.theorem import ProofVerdict, TheoremSubject

from ..prover import theorems

FORMAT: Final = "wsoracle-fallen-theorems"
VERSION: Final = 1
DATA: Final = "fallen_theorems.json"


class FallenTheorem(NamedTuple):
    """A theorem that a fault refutes, and the counterexample, line by line."""

    theorem: str
    counterexample: tuple[str, ...]


@lru_cache(maxsize=1)
def fallen() -> Mapping[str, tuple[FallenTheorem, ...]]:
    """The theorems that each telling fault refutes, by its id, as they are stored."""
    return {
        fault: tuple(FallenTheorem(theorem, tuple(lines)) for theorem, lines in found)
        for fault, found in _stored()["faults"].items()
    }


def is_fresh() -> bool:
    """Whether what is stored was worked out with the rules as they are."""
    return bool(_stored()["rules"] == rules_digest())


@lru_cache(maxsize=1)
def _stored() -> Mapping[str, Any]:
    text = (resources.files(__package__) / "data" / DATA).read_text(encoding="utf-8")
    found: Mapping[str, Any] = json.loads(text)
    return found


def fallen_text(step: Callable[[str, int, int], None], jobs: int) -> str:
    """What falls, worked out anew, as the file has it: a line for each fault with which anything does."""
    suspects = {rule for theorem in theorems() for rule in theorem.suspects}
    names = [one.mutant.id for one in telling(all_witnesses(), suspects, step)]
    found: dict[str, list[tuple[str, Sequence[str]]]] = {}
    with process_pool(jobs) as pool:
        for done, (name, fell) in enumerate(zip(names, pool.map(_falls, names), strict=True), 1):
            step("theorems", done, len(names))
            found |= {name: fell} if fell else {}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(fell, ensure_ascii=False)}" for name, fell in found.items())
    head = json.dumps({"format": FORMAT, "version": VERSION, "rules": rules_digest()})
    return f'{head[:-1]}, "faults": {{\n{lines}\n}}}}\n'


def _falls(name: str) -> list[tuple[str, Sequence[str]]]:
    mutant = mutants_by_id()[name]
    tried = (theorem for theorem in theorems() if mutant.rule in theorem.suspects)
    results = ((one.id, one.check(TheoremSubject(mutant.rules))) for one in tried)
    return [(one, found.counterexample) for one, found in results if found.verdict is ProofVerdict.REFUTED]
