"""The file of expectations says what the rules say now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wsoracle.expected import stored
from wsoracle.expected.reference import steps_of
from wsoracle.expected.stored import FILE, answers_of, expected_text, outcomes_of, work_out
from wsoracle.generators.cases.file import rules_digest
from wsoracle.generators.cases.live_suite import live_cases
from wsoracle.model.octets.vocabulary import Role

STALE = "run: wsoracle cases --expected --write wsoracle/data/expected.json"
EVERY = [(case, role) for case in live_cases() for role in Role if role in case.roles]


def test_it_was_made_with_these_rules_and_for_these_cases() -> None:
    document = json.loads(FILE.read_text(encoding="utf-8"))
    assert document["rules"] == rules_digest(), STALE
    assert list(document["cases"]) == [f"{case.id} {role.value}" for case, role in EVERY], STALE


def test_it_holds_what_is_worked_out() -> None:
    """A tenth of it, each time the same: all of it is done when the file is made."""
    for case, role in EVERY[::10]:
        assert json.dumps(outcomes_of(case, role)) == json.dumps(work_out(case, role)), f"{case.id}: {STALE}"


def test_it_holds_the_answers_that_a_tester_waits_for() -> None:
    for case, role in EVERY:
        kept = answers_of(case.id, role)
        if case.opening:
            assert kept is None
        elif len(case.actions) < 100:
            assert kept is not None and [tuple(step) for step in kept] == steps_of(case, role), f"{case.id}: {STALE}"


def test_every_case_has_an_outcome_that_is_ok() -> None:
    for case, role in EVERY:
        verdicts = [one["verdict"] for one in outcomes_of(case, role).outcomes]
        assert verdicts and verdicts[0] in ("OK", "INFORMATIONAL"), case.id


def test_another_profile_is_worked_out() -> None:
    case = next(case for case, _ in EVERY if case.id == "3.1")
    letter = outcomes_of(case, Role.SERVER, "letter").outcomes
    assert letter[0]["verdict"] == "OK" and {one["verdict"] for one in letter} <= {"OK", "NON-STRICT", "INFORMATIONAL"}


def test_a_file_of_another_version_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "expected.json"
    other.write_text(expected_text(()).replace('"version": 2', '"version": 0'), encoding="utf-8")
    monkeypatch.setattr(stored, "FILE", other)
    stored._kept.cache_clear()
    try:
        case, role = EVERY[0]
        assert outcomes_of(case, role) == work_out(case, role)
    finally:
        stored._kept.cache_clear()
