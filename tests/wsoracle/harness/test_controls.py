"""Which cases count: those whose control the same agent has answered, in whatever order they are run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.wsoracle.reports.report_samples import sample
from wsoracle.generators.cases.case import Case
from wsoracle.harness.controls import Controls
from wsoracle.reports.summary import CaseSummary, summary_of, uncounted


def ran(case_id: str, control: str | None = None, verdict: str = "OK") -> CaseSummary:
    return summary_of(sample("me", case_id, verdict, control=control))


def live(case_id: str, control: str | None) -> Case:
    return Case(case_id, "", "", ("",), (), control=control)


def counts(summaries: list[CaseSummary]) -> dict[str, bool]:
    return {one.id: one.counts for one in summaries}


@pytest.mark.parametrize("verdict", ["OK", "FAILED"])
@pytest.mark.parametrize("first", ["control", "case"])
def test_a_case_counts_where_its_control_is_answered(verdict: str, first: str) -> None:
    controls, seen = Controls(), {}
    steps = [ran("c", verdict=verdict), ran("x", "c")]
    for one in steps if first == "control" else reversed(steps):
        seen.update({changed.id: changed for changed in controls.enter(one)})
    seen.update({changed.id: changed for changed in controls.close()})
    assert seen["x"].counts == seen["x"].passed == (verdict == "OK")


def test_how_a_control_closed_is_no_matter() -> None:
    controls = Controls()
    closed_badly = replace(ran("c", verdict="FAILED"), behavior="OK", behavior_close="UNCLEAN")
    assert closed_badly.answered and counts(controls.enter(closed_badly)) == {"c": True}
    assert counts(controls.enter(ran("x", "c"))) == {"x": True}


def test_a_failure_needs_no_control() -> None:
    """Its behaviour is no pass for all that, where nothing was answered."""
    controls = Controls({"c": False})
    (failed,) = controls.enter(ran("x", "c", "FAILED"))
    assert failed.counts and not failed.passed and failed.label == "FAILED"
    (unclean,) = controls.enter(replace(ran("y", "c", "FAILED"), behavior="OK"))
    assert (unclean.counts, unclean.label, unclean.behavior) == (True, "FAILED", "FAILED")


def test_an_end_is_no_end_where_the_run_goes_on() -> None:
    controls = Controls()
    assert counts(controls.enter(ran("x", "c"))) == {"x": True}
    assert counts(controls.close()) == counts(controls.close()) == {"x": False}
    assert counts(controls.enter(ran("c"))) == {"c": True, "x": True}
    assert controls.close() == []


def test_a_case_that_was_run_again_waits_once() -> None:
    controls = Controls()
    controls.enter(ran("x", "c"))
    controls.close()
    controls.enter(ran("x", "c", "FAILED"))
    assert counts(controls.enter(ran("c"))) == {"c": True}
    assert controls.close() == []


def test_nothing_comes_back_that_did_not_go() -> None:
    controls = Controls()
    controls.enter(ran("x", "c"))
    assert counts(controls.enter(ran("c"))) == {"c": True}


def test_what_cannot_count_is_known_beforehand() -> None:
    """Its files are made once then, by who judges it."""
    controls = Controls({"before": False})
    assert [controls.may_count(live("x", control)) for control in (None, "before", "c")] == [True, False, True]
    assert controls.may_count(live("c", None)) and controls.may_count(live("x", "c"))
    assert counts(controls.enter(uncounted(ran("x", "c")))) == {"x": False}
    assert counts(controls.enter(ran("c", verdict="FAILED"))) == {"c": True, "x": False}
    assert not controls.may_count(live("x", "c"))
    assert controls.close() == []
