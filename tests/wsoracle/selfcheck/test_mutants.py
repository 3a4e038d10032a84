"""Mutants of the rules as endpoints: each is accused, or conforms, or nothing outside shows it."""

from __future__ import annotations

from functools import lru_cache

import pytest

from wsoracle.generators.mutants.equivalence import Ground
from wsoracle.generators.mutants.operators import mutants
from wsoracle.generators.suite.suite import _find, find_all
from wsoracle.selfcheck.mutants import MutantRun, MutantWorth, batched, counted, run_mutants

_RULES = (
    *("5.2/unknown-opcode", "5.5.2/ping", "5.5.1/close-owed", "8.1/invalid-text", "4.2.1/get-only", "4.1/send-key"),
    "7692.5/accept-one",  # Its answer takes up what a request has to offer.
    "7692.7/answer-repeats",  # A Ping shows that the client took the answer in.
)


@pytest.fixture(scope="module", autouse=True)
def _proved_already(ground: Ground) -> None:
    _find([], ground)


@lru_cache(maxsize=1)
def _runs() -> tuple[MutantRun, ...]:
    wanted = [mutant for mutant in mutants() if mutant.rule in _RULES]
    return tuple(run_mutants(wanted, find_all(wanted).values()))


def test_none_is_overlooked() -> None:
    found = counted(_runs())
    assert not found[MutantWorth.OVERLOOKED], [run for run in _runs() if run.worth is MutantWorth.OVERLOOKED]
    assert found[MutantWorth.ACCUSED] > len(_runs()) / 2


@pytest.mark.parametrize("rule", _RULES)
def test_a_dropped_rule_shows(rule: str) -> None:
    """The endpoint that does not know a rule is accused of breaking one that its act breaks."""
    dropped = next(run for run in _runs() if run.mutant == f"{rule}~drop")
    assert dropped.worth is MutantWorth.ACCUSED, dropped
    assert dropped.judgement is not None
    assert dropped.judgement.rules


def test_batches_hold_all() -> None:
    ids = [f"id{number}" for number in range(200)]
    assert [one for batch in batched(ids) for one in batch] == ids
