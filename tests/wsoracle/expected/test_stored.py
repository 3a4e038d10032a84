"""The file of expectations says what the rules say now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wsoracle.expected import stored
from wsoracle.expected.foreseen import Outcomes
from wsoracle.expected.stored import FILE, Foreseen, answers_to, expected_text, outcomes_of
from wsoracle.expected.working_out import every_outcome, outcomes_for, owed_for
from wsoracle.generators.cases.canonical import Reference
from wsoracle.generators.cases.file import rules_digest
from wsoracle.generators.cases.runnable import runnable_cases
from wsoracle.model.octets.vocabulary import Role

STALE = "run: wsoracle cases --expected --write wsoracle/expected/data/expected.json"
EVERY = [(case, role) for case in runnable_cases() for role in Role if role in case.roles]


def test_it_was_made_with_these_rules_and_for_these_cases() -> None:
    document = json.loads(FILE.read_text(encoding="utf-8"))
    assert document["rules"] == rules_digest(), STALE
    assert [(case_id, role) for case_id, of in document["cases"].items() for role in of] == [
        (case.id, role.value) for case, role in EVERY
    ], STALE


def test_it_holds_what_is_worked_out() -> None:
    """A tenth of it, each time the same: all of it is done when the file is made."""
    for case, role in EVERY[::10]:
        assert json.dumps(outcomes_of(case, role)) == json.dumps(outcomes_for(case, role)), f"{case.id}: {STALE}"


def test_it_holds_the_answers_that_a_tester_waits_for() -> None:
    for case, role in EVERY:
        entry = stored.stored(case.id, role)
        assert entry is not None
        if case.opening:
            assert entry.owed is None
        elif len(case.actions) < 100:
            assert entry.owed is not None
            assert [tuple(step) for step in entry.owed] == owed_for(case, role), f"{case.id}: {STALE}"


def test_answers_come_from_the_file_for_its_own_cases_alone() -> None:
    case = next(case for case, _ in EVERY if case.id == "3.1")
    assert isinstance(answers_to(case, Role.SERVER), Foreseen)
    other = type(case)(case.id, case.title, steps=case.steps)
    assert isinstance(answers_to(other, Role.SERVER), Reference)


def test_what_is_written_is_read() -> None:
    """Outcomes that cases share stand in the file once."""
    some = [(case, role) for case, role in EVERY if case.id in ("3.1", "3.2", "fault/server/version-13-and-more")]
    told: list[str] = []
    text = expected_text(every_outcome(dict.fromkeys(case for case, _ in some), lambda name, n, of: told.append(name)))
    document = json.loads(text)
    assert told == [case.id for case, _ in some]
    for case, role in some:
        places, expected, close, owed = document["sets"][document["cases"][case.id][role.value]]
        assert Outcomes([document["outcomes"][n] for n in places], expected, close) == outcomes_of(case, role)
        assert owed is None or [tuple(step) for step in owed] == owed_for(case, role)
    assert len(set(map(json.dumps, document["outcomes"]))) == len(document["outcomes"])


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
    other.write_text(expected_text(()).replace('"version": 3', '"version": 0'), encoding="utf-8")
    monkeypatch.setattr(stored, "FILE", other)
    stored._document.cache_clear()
    try:
        case, role = EVERY[0]
        assert stored.stored(case.id, role) is None
        assert outcomes_of(case, role) == outcomes_for(case, role)
    finally:
        stored._document.cache_clear()
