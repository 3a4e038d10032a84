"""Which cases count: those whose control the same agent has answered, in whatever order they are run."""

from __future__ import annotations

from typing import Any

import pytest

from wsoracle.generators.cases.live_case import LiveCase
from wsoracle.harness.controls import Ledger, uncounted

Record = dict[str, Any]


def record(case_id: str, control: str | None = None, verdict: str = "OK") -> Record:
    ours = {"verdict": verdict, "counts": True, "passed": verdict == "OK", "control": control, "note": ""}
    return {"id": case_id, "behavior": verdict, "result": "", "wsoracle": ours}


def live(case_id: str, control: str | None) -> LiveCase:
    return LiveCase(case_id, "", "", ("",), (), control=control)


def counts(records: list[Record]) -> dict[str, bool]:
    return {one["id"]: one["wsoracle"]["counts"] for one in records}


@pytest.mark.parametrize("verdict", ["OK", "FAILED"])
@pytest.mark.parametrize("first", ["control", "case"])
def test_a_case_counts_where_its_control_is_answered(verdict: str, first: str) -> None:
    ledger, seen = Ledger(), {}
    steps = [record("c", verdict=verdict), record("x", "c")]
    for one in steps if first == "control" else reversed(steps):
        seen.update({changed["id"]: dict(changed["wsoracle"]) for changed in ledger.enter(one)})
    seen.update({changed["id"]: changed["wsoracle"] for changed in ledger.close()})
    assert seen["x"]["counts"] == seen["x"]["passed"] == (verdict == "OK")


def test_an_end_is_no_end_where_the_run_goes_on() -> None:
    ledger = Ledger()
    assert counts(ledger.enter(record("x", "c"))) == {"x": True}
    assert counts(ledger.close()) == counts(ledger.close()) == {"x": False}
    assert counts(ledger.enter(record("c"))) == {"c": True, "x": True}
    assert ledger.close() == []


def test_a_case_that_was_run_again_waits_once() -> None:
    ledger = Ledger()
    ledger.enter(record("x", "c"))
    ledger.close()
    ledger.enter(record("x", "c", "FAILED"))
    assert counts(ledger.enter(record("c"))) == {"c": True}
    assert ledger.close() == []


def test_nothing_comes_back_that_did_not_go() -> None:
    ledger = Ledger()
    ledger.enter(record("x", "c"))
    assert counts(ledger.enter(record("c"))) == {"c": True}


def test_what_cannot_count_is_known_beforehand() -> None:
    """Its files are made once then, by who judges it."""
    ledger = Ledger({"before": False})
    assert [ledger.may_count(live("x", control), False) for control in (None, "before", "c")] == [True, False, True]
    assert ledger.may_count(live("c", None), True)
    assert not ledger.may_count(live("x", "c"), False)
    assert counts(ledger.enter(uncounted(record("x", "c")))) == {"x": False}
    assert counts(ledger.enter(record("c", verdict="FAILED"))) == {"c": True}
    assert ledger.close() == []
