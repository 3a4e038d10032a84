"""The suite kills every mutant that is not equivalent, and nothing in it is superfluous."""

from __future__ import annotations

import pytest

from wsoracle.generators.cases.derived import check_suite
from wsoracle.generators.mutants.distinguish import MutantStatus
from wsoracle.generators.mutants.equivalence import Ground
from wsoracle.generators.mutants.operators import mutants
from wsoracle.generators.mutants.world_starts import WorldStart
from wsoracle.generators.suite.suite import _find, analyse, cover, find_all, suite_cases
from wsoracle.model.notation.variables import CONNECTING, Setting
from wsoracle.model.octets.vocabulary import Role

SAMPLE = [
    m for m in mutants() if m.rule in ("5.5/long-control", "5.5.2/ping", "7.1.1/client-waits", "8.1/invalid-text")
]
OF_HANDSHAKE = [m for m in mutants() if m.rule in ("4.2.2/other-version", "4.4/name-versions")]


def test_there_are_more_than_enough_mutants() -> None:
    assert len(mutants()) >= 150
    assert len(SAMPLE) >= 20


@pytest.fixture(scope="module", autouse=True)
def _proved_already(ground: Ground) -> None:
    _find([], ground)


def test_the_suite_kills_all_and_is_missed_where_a_case_is_dropped() -> None:
    told: list[tuple[str, int, int]] = []
    result = analyse([*SAMPLE, *OF_HANDSHAKE], step=lambda what, done, total: told.append((what, done, total)), jobs=1)
    statuses = {found.status for found in result.found.values()}
    assert statuses == {MutantStatus.KILLED, MutantStatus.EQUIVALENT}
    assert result.score == 1.0
    assert result.autobahn_score is None and result.autobahn_data_score is None
    assert told
    for name in result.suite:
        assert any(cases == (name,) for cases in result.killed_by.values()), name
    report = result.to_json()
    assert {"score", "established_suite_score", "established_suite_score_data_transfer"} < set(report)
    assert {row["status"] for row in report["mutants"]} == {"killed", "equivalent"}
    assert all(row["killed_by"] for row in report["mutants"] if row["status"] == "killed")
    cases, left = suite_cases(result)
    check_suite(cases)
    assert {c.id for c in cases if c.origin.kind != "control"} | set(left) == set(result.suite)
    assert {c.origin.kind for c in cases} >= {"mutant", "control"}
    connecting = {name for name, scenario in result.suite.items() if scenario.start.connecting}
    assert connecting
    assert all(left.values())


def test_histories_from_before_the_handshake_have_names_of_their_own() -> None:
    before = WorldStart(Setting(Role.CLIENT, echo=True, browser=True), CONNECTING)
    assert before.connecting
    assert before.name == "client,connecting,browser"


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ({}, []),
        ({"a": {"1"}, "b": {"1", "2"}}, ["b"]),
        ({"a": {"1", "2"}, "b": {"3"}, "c": {"2", "3"}}, ["a", "b"]),
        (
            {"a": {"1", "2", "3"}, "b": {"1", "2", "4", "5"}, "c": {"3", "4", "6"}, "d": {"5", "6", "7"}},
            ["a", "b", "d"],
        ),
    ],
)
def test_the_cover_is_complete_and_has_nothing_superfluous(sets: dict[str, set[str]], expected: list[str]) -> None:
    chosen = cover({name: frozenset(killed) for name, killed in sets.items()})
    everything = set().union(*sets.values()) if sets else set()
    assert set().union(*(sets[name] for name in chosen)) == everything
    assert len(chosen) == len(expected)


def test_what_cannot_be_written_out_goes_last() -> None:
    sets = {"a": frozenset("12"), "b": frozenset("1"), "c": frozenset("2"), "d": frozenset("23")}
    assert cover(sets) == ["a", "d"]
    assert cover(sets, last={"a"}) == ["b", "d"]
    assert cover(sets, last={"d"}) == ["a", "d"]


def test_equivalent_mutants_are_proved_not_guessed() -> None:
    found = find_all(SAMPLE)
    for mutant in SAMPLE:
        assert (found[mutant.id].scenario is None) == (found[mutant.id].status is not MutantStatus.KILLED)
