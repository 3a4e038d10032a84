"""The benchmark of whole suites: both sides do the same work, and who does not do it has no time."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from wsoracle.autobahn.tool import MISSING, autobahn_tool
from wsoracle.benchmarks import suites
from wsoracle.benchmarks.suites import AUTOBAHN, OURS, SUITES, BenchSuite, SuiteBenchFailed, as_json, as_table
from wsoracle.benchmarks.suites import run_suite_bench as run

pytestmark = pytest.mark.peers

ONE = BenchSuite("one server", ("1.1.1",), 1, "server")
CLIENT = BenchSuite("one client", ("1.1.1",), 1, "client")
SILENT = BenchSuite("a silent server", ("1.1.1", "1.1.2"), 2, "silent")


def against(monkeypatch: pytest.MonkeyPatch, other: Sequence[str] | None) -> None:
    monkeypatch.setattr(suites, "autobahn_tool", lambda: None if other is None else list(other))


def test_both_sides_in_both_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    against(monkeypatch, [sys.executable, "-m", "wsoracle", "wstest"])
    told: list[tuple[str, int, int]] = []
    report = run(2, lambda what, done, total: told.append((what, done, total)), (ONE, CLIENT))
    assert as_json(report)["compared"]
    for measured in report:
        assert {side: len(turns) for side, turns in measured.turns.items()} == {OURS: 2, AUTOBAHN: 2}
        for turn in (turn for turns in measured.turns.values() for turn in turns):
            assert turn.verdicts == {"OK": 1}
            assert turn.peer > 0.01  # to start Python alone takes more than that
        assert measured.ratio is not None and measured.ratio > 0
    # Sides take turns, and who begins changes.
    sides = [what.partition(":")[0] for what, _, _ in told if what.endswith(ONE.name)]
    assert sides == [OURS, AUTOBAHN, AUTOBAHN, OURS]
    assert all(total == 8 for _, _, total in told)


@pytest.mark.skipif(autobahn_tool() is None, reason=MISSING)
def test_autobahn_does_the_same_work_in_both_directions() -> None:
    report = run(1, lambda what, done, total: None, (ONE, CLIENT))
    assert [times.turns[AUTOBAHN][0].verdicts for times in report] == [{"OK": 1}, {"OK": 1}]
    assert all(times.ratio is not None for times in report)


def test_alone_there_is_nothing_to_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    against(monkeypatch, None)
    report = run(1, lambda what, done, total: None, (SILENT,))
    assert not as_json(report)["compared"]
    (found,) = as_json(report)["suites"]
    assert (found["workload"], found["cases"], found["timesFaster"]) == (SILENT.name, 2, None)
    assert list(found["seconds"]) == list(found["peerSeconds"]) == [OURS] and found["verdicts"] == {OURS: {"FAILED": 2}}
    assert as_table(report).row_count == 1


@pytest.mark.parametrize(
    ("code", "says"),
    [("import sys; sys.exit(3)", "exit status 3"), ("pass", "wrote no report")],
    ids=["that fails", "that writes nothing"],
)
def test_such_a_side_has_no_time(monkeypatch: pytest.MonkeyPatch, code: str, says: str) -> None:
    against(monkeypatch, [sys.executable, "-c", code])
    with pytest.raises(SuiteBenchFailed, match=says):
        run(1, lambda what, done, total: None, (ONE,))


def test_who_leaves_cases_out_has_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    against(monkeypatch, None)
    short = BenchSuite("one of two", ("1.1.1",), 2, "server")
    with pytest.raises(SuiteBenchFailed, match="1 of 2 cases are in the report"):
        run(1, lambda what, done, total: None, (short,))


def test_the_workloads_are_those_that_are_quoted() -> None:
    from wsoracle.generators.cases.runnable import runnable_cases
    from wsoracle.text.patterns import matching

    ids = [case.id for case in runnable_cases()]
    for suite in SUITES:
        chosen = {case_id for pattern in suite.patterns for case_id in matching(pattern, ids)}
        assert len(chosen) == suite.cases, suite.name


def test_a_side_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    against(monkeypatch, [sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(suites, "LONGEST", 0.01)
    with pytest.raises(SuiteBenchFailed, match="not done after"):
        run(1, lambda what, done, total: None, (ONE,))
