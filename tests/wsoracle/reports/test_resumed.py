"""The folder of a run that is resumed: what of an earlier part still counts, and that a run in parts is a whole run."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.wsoracle.reports.report_samples import HOSTILE, autobahn_record, sample, spoiled
from wsoracle.cli import WrongInput, program
from wsoracle.commands.harness_options import run_folder
from wsoracle.generators.atomic_write import HALF
from wsoracle.harness.run_result import document_of, show, tally_of
from wsoracle.reports import ForeignFolder, ReportFolder
from wsoracle.reports.lists import Lists
from wsoracle.reports.wanted import Wanted

IDS = ("1.1.1", "2.1", "4.2.4", "witness/5.2/reserved-bits/server")


def filled(path: Path, *records: dict[str, Any], resumed: bool = False, **more: Any) -> ReportFolder:
    folder = ReportFolder(str(path), resumed=resumed, **more)
    for record in records:
        folder.add(record)
    folder.finish()
    return folder


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def contents(path: Path) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in path.iterdir()}


# --- what counts of what was run before -------------------------------------------------------------------------------


def test_what_was_run_and_counts_need_not_be_run_again(tmp_path: Path) -> None:
    passed, failed = sample("me", "1.1.1", "OK"), sample("me", "2.1", "FAILED")
    uncounted = sample("me", "4.2.4", "FAILED", counts=False, control="1.1.1")
    other = sample("you", "1.1.1", "NON-STRICT")
    filled(tmp_path, passed, failed, uncounted, other)
    again = ReportFolder(str(tmp_path), resumed=True)
    assert set(again.agents) == {"me", "you"}
    assert again.earlier("me") == {"1.1.1": again.summaries["me"]["1.1.1"], "2.1": again.summaries["me"]["2.1"]}
    assert [one.verdict for one in again.earlier("me").values()] == ["OK", "FAILED"]
    assert again.answered_by("me") == {"1.1.1": True, "2.1": False}
    assert again.answered_by("you") == {"1.1.1": True}
    assert again.earlier("nobody") == again.earlier(None) == {}


def test_what_is_kept_is_a_copy(tmp_path: Path) -> None:
    filled(tmp_path, sample("me", "1.1.1", "OK"))
    again = ReportFolder(str(tmp_path), resumed=True)
    again.earlier("me").clear()
    assert set(again.earlier("me")) == {"1.1.1"}


def test_a_run_that_is_not_resumed_takes_the_place_of_the_earlier_one_of_the_same_agent(tmp_path: Path) -> None:
    filled(tmp_path, *(sample("me", case_id) for case_id in IDS), sample("you", "1.1.1"))
    again = ReportFolder(str(tmp_path), resumed=False)
    assert again.agents == () and again.earlier("me") == {}
    again.add(sample("me", "2.1"))
    again.finish()
    index = read(tmp_path / "index.json")
    assert {agent: set(cases) for agent, cases in index.items()} == {"me": {"2.1"}, "you": {"1.1.1"}}
    pages = {name for name in contents(tmp_path) if "_case_" in name and name.endswith(".html")}
    assert pages == {"me_case_2_1.html", "you_case_1_1_1.html"}


@settings(max_examples=30)
@given(st.integers(0, len(IDS)), st.booleans(), st.permutations(IDS))
@example(2, True, IDS)
def test_a_run_in_two_parts_leaves_what_a_run_in_one_leaves(cut: int, killed: bool, order: list[str]) -> None:
    records = [sample("me", case_id, "OK") for case_id in order]
    with tempfile.TemporaryDirectory() as name:
        whole, parts = Path(name) / "whole", Path(name) / "parts"
        filled(whole, *records)
        filled(parts, *records[:cut])
        if killed and cut:
            # As a kill leaves it: no lists, a record whose page is not there yet, and half of the next one.
            for file in ("index.html", "index.json", "wsoracle.json"):
                (parts / file).unlink()
            next(parts.glob("*_case_*.html")).unlink()
            (parts / f"{HALF}x").write_text('{"agent": "m')
        folder = ReportFolder(str(parts), resumed=True)
        for record in records:
            if record["id"] not in folder.earlier("me"):
                folder.add(record)
        folder.finish()
        assert contents(parts) == contents(whole)


def test_only_pages_that_are_missing_are_made(tmp_path: Path) -> None:
    filled(tmp_path, sample("me", "1.1.1", "OK"), sample("you", "2.1", "OK"))
    (tmp_path / "me_case_1_1_1.html").write_text("mine")
    (tmp_path / "you_case_2_1.html").unlink()
    filled(tmp_path, resumed=True)
    assert (tmp_path / "me_case_1_1_1.html").read_text() == "mine"
    assert "</html>" in (tmp_path / "you_case_2_1.html").read_text()


def test_a_case_that_is_run_again_is_not_put_back_for_want_of_its_page(tmp_path: Path) -> None:
    filled(tmp_path, sample("me", "1.1.1", "FAILED", counts=False))
    (tmp_path / "me_case_1_1_1.html").unlink()
    filled(tmp_path, sample("me", "1.1.1", "OK"), resumed=True)
    assert read(tmp_path / "me_case_1_1_1.json")["behavior"] == "OK"


# --- files of others --------------------------------------------------------------------------------------------------


def test_whatever_is_in_a_record_it_is_taken_or_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is taken can be summed up and shown, and does not make anything raise."""
    records = [{**record, "id": f"{number}.1"} for number, record in enumerate(spoiled(), 1)]
    for number, record in enumerate(records):
        (tmp_path / f"sample_case_{number}.json").write_text(json.dumps(record))
    folder = ReportFolder(str(tmp_path), resumed=True)
    taken = folder.earlier("sample")
    assert 0 < len(taken) < len(records)
    for summary in taken.values():
        assert isinstance(summary.verdict, str) and isinstance(summary.note, str) and isinstance(summary.passed, bool)
    tally = tally_of(taken, Wanted(frozenset(list(taken)[::2])))
    json.dumps(document_of("sample", None, taken, tally))
    show("sample", taken, tally, folder.path)
    assert "sample: " in capsys.readouterr().out
    assert set(folder.answered_by("sample")) == set(taken)


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"agent": 1, "id": "1.1.1"}', "[" * 100_000])
def test_files_that_are_no_records_are_passed_over(text: str, tmp_path: Path) -> None:
    (tmp_path / "x_case_1_1_1.json").write_text(text)
    (tmp_path / "y_case_1_1_1.json").mkdir()
    folder = filled(tmp_path, sample("me", "2.1"), resumed=True)
    assert folder.agents == ()
    assert set(read(tmp_path / "index.json")) == {"me"}


def test_records_of_the_established_suite_stay_listed_and_are_run_again(tmp_path: Path) -> None:
    (tmp_path / "me_case_1_1_1.json").write_text(json.dumps(autobahn_record("me", "1.1.1")))
    folder = filled(tmp_path, resumed=True)
    assert folder.agents == () and set(read(tmp_path / "index.json")["me"]) == {"1.1.1"}


@pytest.mark.parametrize("name", ["../../x", "x" * 4096, "a\0b", "/etc/passwd", *HOSTILE])
def test_nothing_is_written_beside_the_folder_and_any_name_is_gone_on_with(name: str, tmp_path: Path) -> None:
    out = tmp_path / "some" / "out"
    filled(out, sample(name, "1.1.1", "OK"), sample(name, name, "OK"))
    assert {file.parent for file in tmp_path.rglob("*") if file.is_file()} == {out}
    again = ReportFolder(str(out), resumed=True)
    assert set(again.earlier(name)) == {"1.1.1", name}
    before = contents(out)
    again.finish()
    assert contents(out) == before


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for path in ("file", "file/below", "\0"):
        with pytest.raises(ForeignFolder, match="name another folder"):
            ReportFolder(str(tmp_path / path), resumed=True)
        with pytest.raises(WrongInput, match="--out"), run_folder({"out": str(tmp_path / path)}):
            pass
    assert (tmp_path / "file").read_text() == "mine"


# --- the lists --------------------------------------------------------------------------------------------------------


def test_lists_for_machines_have_earlier_parts_too(tmp_path: Path) -> None:
    filled(tmp_path / "out", sample("me", "1.1.1", "OK"))
    lists = Lists(str(tmp_path / "run.xml"), str(tmp_path / "run.md"))
    filled(tmp_path / "out", sample("me", "2.1", "FAILED"), resumed=True, lists=lists)
    cases = {case.get("name"): case for case in ElementTree.parse(tmp_path / "run.xml").getroot().iter("testcase")}
    assert set(cases) == {"1.1.1", "2.1"}
    assert cases["1.1.1"].find("failure") is None and cases["2.1"].find("failure") is not None
    assert "| `me` | 1 |" in (tmp_path / "run.md").read_text()
    assert set(read(tmp_path / "out" / "wsoracle.json")["agents"]["me"]) == {"1.1.1", "2.1"}


def test_lists_are_written_however_a_run_ends(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), run_folder({"out": str(tmp_path)}) as folder:
        folder.add(sample("me", "1.1.1"))
        raise KeyboardInterrupt
    assert set(read(tmp_path / "index.json")["me"]) == {"1.1.1"}


def test_a_folder_without_a_name_is_wrong_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongInput, match="--out"), run_folder({"out": ""}):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["--timeout", "--case-timeout"])
@pytest.mark.parametrize("value", ["nan", "inf", "0", "-1", "x"])
def test_seconds_that_are_none_are_wrong_input(option: str, value: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(program, ["test", "ws://127.0.0.1:1/", option, value, "--out", str(tmp_path / "out")])
    assert result.exit_code == 2 and option in result.stderr and result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())
