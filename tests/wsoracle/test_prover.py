"""The whole proof run: every theorem proved, none vacuous. No other test proves them all: this takes a minute."""

from __future__ import annotations

import pytest

from wsoracle.prover import failures, prove_all, selected, summary, theorems


def test_every_theorem_is_proved_and_refuted_by_some_fault() -> None:
    told: list[str] = []
    report = prove_all(progress=lambda row, done, of: told.append(f"{done}/{of} {row['id']}"))
    assert failures(report) == []
    assert [row["id"] for row in report["theorems"]] == [t.id for t in theorems()]
    assert len(told) == len(theorems())
    assert [row["id"] for row in report["theorems"] if row["kind"] == "reachability" and not row["witnesses"]] == []
    assert summary(report)["safety"]["proved"] >= 25


def test_a_pattern_may_be_the_beginning_of_an_id() -> None:
    assert selected("octets/") == selected("octets/*") != ()


def test_a_pattern_that_selects_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no theorem matches"):
        selected("nothing/*")


def test_failures_name_what_is_wrong() -> None:
    report = prove_all("octets/masking-in-pieces", jobs=1)
    assert failures(report) == []
    (row,) = report["theorems"]
    assert row["refuted_by"] == "mask_octet~modulo-3"
    row["refuted_by"] = None
    assert "vacuous" in failures(report)[0]
    row["result"] = "unknown"
    assert "unknown" in failures(report)[0]
