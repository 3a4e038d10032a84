"""Lists for builds: CTRF, badges, annotations of GitHub Actions, and what fails a run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wsoracle.reports.report_samples import HOSTILE, sample
from tests.wsoracle.reports.test_junit_markdown import RUN, listed
from wsoracle.reports.badge import badge
from wsoracle.reports.ctrf import ctrf_json
from wsoracle.reports.github import MOST, annotation_lines
from wsoracle.reports.junit_markdown import junit_xml, markdown_summary
from wsoracle.reports.lists import STEP_SUMMARY, Lists
from wsoracle.reports.wanted import PLAIN, Wanted

ANY = st.text(max_size=20) | st.sampled_from(HOSTILE)
SOME = listed(sample("a", "1.1.1", "OK"), sample("a", "1.1.2"), sample("a", "1.1.3", "NON-STRICT"),
              sample("a", "1.1.4", "INFORMATIONAL"), sample("a", "1.1.5", "NOT RUN"))  # fmt: skip
ODD = frozenset({"1.1.1", "1.1.3"})


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        (PLAIN, ["passed", "failed", "passed", "other", "not_run"]),
        (Wanted(strict=True), ["passed", "failed", "failed", "other", "not_run"]),
        (Wanted(frozenset({"1.1.2"})), ["passed", "expected", "passed", "other", "not_run"]),
        (
            Wanted(ODD),
            ["unexpected_passes", "failed", "unexpected_passes", "other", "not_run"],
        ),
        (Wanted(ODD, strict=True), ["unexpected_passes", "failed", "expected", "other", "not_run"]),
    ],
)
def test_what_becomes_of_a_case_is_the_same_in_every_list(wanted: Wanted, status: list[str]) -> None:
    assert [wanted.status(one) for one in SOME["a"].values()] == status
    bad = sum(one in ("failed", "unexpected_passes") for one in status)
    assert ElementTree.fromstring(junit_xml(SOME, None, wanted))[0].attrib["failures"] == str(bad)
    results = json.loads(ctrf_json(SOME, wanted))["results"]
    assert results["summary"]["failed"] == bad and results["summary"]["tests"] == len(results["tests"]) == len(status)
    assert sum(results["summary"][key] for key in ("passed", "failed", "skipped", "pending", "other")) == len(status)
    assert bool(annotation_lines(SOME, wanted)) is (bad > 0)
    assert ("failed as expected" in markdown_summary(SOME, None, wanted)) is ("expected" in status)
    assert ("though it is expected to fail" in markdown_summary(SOME, None, wanted)) is ("unexpected_passes" in status)


def test_a_failure_has_its_clause_and_its_octets() -> None:
    failed = ElementTree.fromstring(junit_xml(SOME))[0][1][0]
    test = json.loads(ctrf_json(SOME))["results"]["tests"][1]
    for text in (str(failed.text), test["trace"], annotation_lines(SOME)[0]):
        assert "5.2/unknown-opcode" in text and "pong" in text.lower()
    assert test["status"] == "failed" and test["rawStatus"] == "FAILED" and test["filePath"] == "x_case_1.html"


@given(ANY, ANY, ANY)
def test_an_annotation_is_one_command_whatever_the_text(agent: str, case: str, note: str) -> None:
    for line in annotation_lines(listed(sample(agent, case, note=note, rules=[]))):
        assert line.startswith("::error title=") and line.splitlines() == [line]
        title = line.removeprefix("::error title=").partition("::")[0]
        assert ":" not in title and "," not in title


def test_as_many_annotations_as_are_shown() -> None:
    rules = [{"id": f"9.9/rule-{number}", "strength": "MUST", "section": "9.9", "quote": "q"} for number in range(30)]
    lines = annotation_lines(listed(*(sample("a", f"1.{n}", rules=[rule]) for n, rule in enumerate(rules))))
    assert len(lines) == MOST and lines[-1].endswith("21 more: the summary of the job has them")


@pytest.mark.parametrize(
    ("passes", "expected", "says", "colour"),
    [
        ([True, True], (), "2 of 2 pass", "brightgreen"),
        ([True, False], (), "1 of 2 pass", "red"),
        ([True, False], ("1",), "1 of 2 pass", "yellow"),
        ([True, True], ("1",), "2 of 2 pass", "red"),
        ([], (), "not tested", "lightgrey"),
    ],
)
def test_badge(passes: list[bool], expected: tuple[str, ...], says: str, colour: str) -> None:
    run = listed(*(sample("a", str(n), "OK" if one else "FAILED") for n, one in enumerate(passes)))
    wanted = Wanted(frozenset(expected))
    document = json.loads(badge("x.json", run, wanted))
    assert document == {"schemaVersion": 1, "label": "RFC 6455", "message": says, "color": colour}
    picture = ElementTree.fromstring(badge("x.svg", run, wanted))
    assert picture.attrib["aria-label"] == f"RFC 6455: {says}"


def test_github_gets_lines_and_a_summary(tmp_path: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv(STEP_SUMMARY, str(summary))
    Lists(github=True).write(RUN, {})
    assert capsys.readouterr().out.startswith("::error title=")
    assert summary.read_text() == "before\n" + markdown_summary(RUN)
    monkeypatch.delenv(STEP_SUMMARY)
    good = {"a": {"1.1.1": replace(RUN["a"]["1.1.1"])}}
    Lists(github=True).write(good, {})
    assert capsys.readouterr().out == ""
