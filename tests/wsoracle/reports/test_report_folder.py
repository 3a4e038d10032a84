"""The folder of a run: names of files, what is in them, whole files whatever happens, and folders of others."""

from __future__ import annotations

import json
import os
import pickle
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.wsoracle.reports.report_samples import HOSTILE, autobahn_record, sample
from wsoracle.generators.atomic_write import HALF
from wsoracle.harness.controls import Controls
from wsoracle.reports import ForeignFolder, ReportFolder
from wsoracle.reports.report_folder import FileNames, file_record
from wsoracle.reports.stored_record import NoRecord, RecordFile, records_in
from wsoracle.reports.summary import CaseSummary, uncounted

FIELDS = {"behavior", "behaviorClose", "duration", "remoteCloseCode", "reportfile"}
OURS = {"verdict", "behavior", "behaviorClose", "counts", "passed", "control", "rules", "reportfile"}
LISTS = {"index.html", "index.json", "wsoracle.json"}

NAMES = st.text(max_size=12) | st.sampled_from(["../../x", "x" * 4096, "a\0b", "A_case_b", "_case_", "", "é", *HOSTILE])


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def filled(path: Path, *records: dict[str, Any], resumed: bool = False) -> ReportFolder:
    folder = ReportFolder(path, resumed=resumed)
    for record in records:
        folder.add(record)
    folder.finish()
    return folder


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "case", "base"),
    [
        ("websockets", "1.1.1", "websockets_case_1_1_1"),
        ("Python/3.11 websockets/17.4", "7.13.2", "python_3_11_websockets_17_4_case_7_13_2"),
        ("(x)", "witness/5.2/reserved-bits/server", "x_case_witness_5_2_reserved_bits_server"),
    ],
)
def test_names_as_in_the_established_suite(agent: str, case: str, base: str) -> None:
    assert FileNames().base(agent, case) == base


@given(st.lists(st.tuples(NAMES, NAMES), max_size=8))
@example([("a b", "1"), ("a-b", "1"), ("A B", "1")])
@example([("a_case_b", "1"), ("a", "b_case_1")])
@example([("a", "case_x"), ("a_case", "x")])
@example([("a_case_case_b", "case")])
@example([("agent_e3b0c44298fc", "1"), ("", "1")])
def test_any_names_are_safe_and_differ(pairs: list[tuple[str, str]]) -> None:
    names = FileNames()
    bases = {pair: names.base(*pair) for pair in pairs}
    assert len(set(bases.values())) == len(bases)
    for pair, base in bases.items():
        assert re.fullmatch(r"[a-z0-9_]{1,200}", base)
        assert len(re.findall("(?=_case_)", base)) == 1
        assert names.base(*pair) == base


def test_files_that_are_there_keep_their_names() -> None:
    names = FileNames()
    names.keep("odd_case_1_1", "Agent", "1.1")
    names.keep("odd_case_1_2", "Another", "1.2")
    assert names.base("Agent", "1.1") == "odd_case_1_1"
    assert names.base("Agent", "1.2") == "odd_case_1_2"
    assert names.base("Another", "1.1") == "another_case_1_1"
    names.keep("no name of a case", "x", "y")
    assert names.base("x", "y") == "x_case_y"


# --- what is written --------------------------------------------------------------------------------------------------


def test_the_files_of_a_run(tmp_path: Path) -> None:
    folder = filled(tmp_path / "made" / "here", sample("b", "1.1.10"), sample("b", "1.1.2", "OK"), sample("A", "own/x"))
    bases = {"b_case_1_1_10", "b_case_1_1_2", "a_case_own_x"}
    assert names_in(folder.path) == LISTS | {f"{base}.{kind}" for base in bases for kind in ("json", "html")}
    assert {agent: list(cases) for agent, cases in folder.summaries.items()} == {
        "A": ["own/x"],
        "b": ["1.1.2", "1.1.10"],
    }
    index, ours = read(folder.path, "index.json"), read(folder.path, "wsoracle.json")
    assert {agent: list(cases) for agent, cases in index.items()} == {"A": ["own/x"], "b": ["1.1.2", "1.1.10"]}
    assert index["b"]["1.1.2"] == {"behavior": "OK", "behaviorClose": "OK", "duration": 41, "remoteCloseCode": 1000,
                                   "reportfile": "b_case_1_1_2.json"}  # fmt: skip
    assert (ours["format"], ours["version"]) == ("wsoracle-run", 1)
    assert (ours["started"], ours["duration"]) == ("2026-11-22T17:06:31.391Z", 0.041)
    assert all(set(entry) == OURS for cases in ours["agents"].values() for entry in cases.values())
    assert all(set(entry) == FIELDS for cases in index.values() for entry in cases.values())
    assert read(folder.path, "b_case_1_1_2.json") == sample("b", "1.1.2", "OK")
    assert [record["id"] for record in folder.records()] == ["own/x", "1.1.10", "1.1.2"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_in_the_folder(text: str, tmp_path: Path) -> None:
    inside = tmp_path / "in"
    filled(inside, sample(f"../{text}", f"../../{text}"))
    assert names_in(tmp_path) == {"in"}
    (name,) = {name for name in names_in(inside) - LISTS if name.endswith(".json")}
    assert read(inside, name)["agent"] == f"../{text}"
    assert list(read(inside, "index.json")) == [f"../{text}"]
    (inside / "index.html").read_text(encoding="utf-8")


def test_who_is_run_again_begins_anew(tmp_path: Path) -> None:
    filled(tmp_path, sample("a", "1"), sample("a", "2"), sample("b", "1"))
    folder = filled(tmp_path, sample("a", "3"))
    assert {agent: list(cases) for agent, cases in folder.summaries.items()} == {"a": ["3"], "b": ["1"]}
    assert names_in(tmp_path) - LISTS == {"a_case_3.json", "a_case_3.html", "b_case_1.json", "b_case_1.html"}


def test_a_resumed_run_keeps_what_is_there(tmp_path: Path) -> None:
    filled(tmp_path, sample("a", "1"), sample("a", "2"))
    folder = filled(tmp_path, sample("a", "2", "OK"), sample("a", "3"), resumed=True)
    assert {case: entry.verdict for case, entry in folder.summaries["a"].items()} == {
        "1": "FAILED", "2": "OK", "3": "FAILED"
    }  # fmt: skip


def test_a_record_that_moves_leaves_no_second_file(tmp_path: Path) -> None:
    taken, other = sample("a", "1"), sample("b", "2")
    for name, record in (("x_case_1", taken), ("x_case_2", other)):
        (tmp_path / f"{name}.json").write_text(json.dumps(record))
    folder = filled(tmp_path, sample("b", "2", "OK"), resumed=True)
    assert {name for name in names_in(tmp_path) if name.endswith(".json")} - LISTS == {"x_case_1.json", "b_case_2.json"}
    assert folder.summaries["b"]["2"].verdict == "OK"


# --- whole files ------------------------------------------------------------------------------------------------------


class Stopped(Exception):
    pass


@pytest.mark.parametrize("stop", range(7))
def test_a_run_that_is_stopped_leaves_whole_files(stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cases and three lists are seven files; the renaming of each in turn never happens."""
    calls = 0
    replace = os.replace

    def stopping(*args: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > stop:
            raise Stopped
        replace(*args)

    folder = ReportFolder(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", stopping)
        with pytest.raises(Stopped):
            folder.add(sample("a", "1"))
            folder.add(sample("a", "2"))
            folder.finish()
    left = names_in(tmp_path)
    assert len(left) == stop
    assert not any(name.startswith(HALF) for name in left)
    for name in left:
        text = (tmp_path / name).read_text()
        assert text.endswith(("}", "</html>"))
    folder = filled(tmp_path, sample("a", "2"), resumed=True)
    assert set(folder.summaries["a"]) == {"2"} | ({"1"} if stop else set())


def test_what_a_killed_run_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / f"{HALF}0123").write_text('{"agent":')
    (tmp_path / "notes.txt").write_text("mine")
    filled(tmp_path, sample("a", "1"))
    assert names_in(tmp_path) == LISTS | {"a_case_1.json", "a_case_1.html", "notes.txt"}
    assert (tmp_path / "notes.txt").read_text() == "mine"


# --- folders of others ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["index.html", "index.json"])
def test_a_folder_that_cannot_hold_a_report(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(ForeignFolder, match=f"there is a folder {name} in it: name another folder"):
        ReportFolder(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ForeignFolder, match="name another folder"):
        ReportFolder(tmp_path / "file")


def test_files_that_are_no_records_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsoracle.reports.stored_record.MOST_OCTETS", 100_000)
    (tmp_path / "a_case_0.json").write_text(json.dumps(sample("a", "0")))
    (tmp_path / "a_case_1.json").write_text('{"agent": "a", "id": ')
    (tmp_path / "a_case_2.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "a_case_3.json").write_text("[" * 50_000)
    (tmp_path / "a_case_4.json").write_text("[]")
    (tmp_path / "a_case_5.json").write_text('{"agent": 1, "id": "1"}')
    (tmp_path / "a_case_6.json").mkdir()
    (tmp_path / "a_case_7.json").write_text('"' + "x" * 100_000 + '"')
    (tmp_path / "a_case_8.json").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "a_case_9.json")
    found = list(records_in(tmp_path))
    assert isinstance(found[0], RecordFile)
    assert [(one.name[7], one.why) for one in found if isinstance(one, NoRecord)] == [
        ("1", "no JSON"), ("2", "no JSON"), ("3", "no JSON"), ("4", "no record of a case"),
        ("5", "no record of a case"), ("6", "no regular file"), ("7", "more than 100000 octets"),
        ("8", "no regular file"), ("9", "no regular file"),
    ]  # fmt: skip


def test_pages_of_the_established_suite_are_made_anew(tmp_path: Path) -> None:
    for case in ("1.1.1", "1.1.2"):
        name = f"my_agent_case_{case.replace('.', '_')}"
        (tmp_path / f"{name}.json").write_text(json.dumps(autobahn_record("My agent", case, "OK", "UNCLEAN")))
        (tmp_path / f"{name}.html").write_text("old")
    folder = ReportFolder(tmp_path, resumed=True)
    steps: list[tuple[str, int, int]] = []
    assert folder.remake(lambda *step: steps.append(step)) == []
    folder.finish()
    assert steps == [("My agent: 1.1.1", 1, 2), ("My agent: 1.1.2", 2, 2)]
    entry = read(tmp_path, "wsoracle.json")["agents"]["My agent"]["1.1.1"]
    assert (entry["verdict"], entry["passed"], entry["counts"]) == ("FAILED", False, True)
    assert "old" not in (tmp_path / "my_agent_case_1_1_1.html").read_text()


def test_a_case_that_is_there_twice_is_named(tmp_path: Path) -> None:
    for name in ("a_case_1", "b_case_1"):
        (tmp_path / f"{name}.json").write_text(json.dumps(sample("a", "1")))
    folder = ReportFolder(tmp_path, resumed=True)
    assert folder.remake() == [NoRecord("a_case_1.json", "its case is in another file too")]
    assert folder.summaries["a"]["1"].file == "b_case_1.json"


def test_a_page_links_to_its_control_where_that_is(tmp_path: Path) -> None:
    filled(tmp_path, sample("a", "1"), sample("a", "2", control="1"), sample("a", "3", control="4"))
    folder = ReportFolder(tmp_path, resumed=True)
    folder.remake()
    folder.finish()
    assert 'href="a_case_1.html"' in (tmp_path / "a_case_2.html").read_text()
    assert 'href="a_case_4.html"' not in (tmp_path / "a_case_3.html").read_text()


def filed(folder: ReportFolder, record: dict[str, Any]) -> CaseSummary:
    """As a process does that judges for another one."""
    place = folder.place(record["agent"], record["id"], record["wsoracle"]["control"])
    return pickle.loads(pickle.dumps(file_record(record, place)))  # type: ignore[no-any-return]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@given(st.lists(st.tuples(st.sampled_from(HOSTILE), st.sampled_from(["1", "2", *HOSTILE])), max_size=4))
def test_records_filed_elsewhere_make_the_same_folder(named: list[tuple[str, str]]) -> None:
    records = [sample(agent, case_id, control="1") for agent, case_id in named]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        filled(Path(one), *records)
        folder = ReportFolder(other)
        for record in records:
            folder.enter(filed(folder, record))
        folder.finish()
        assert contents(Path(one)) == contents(Path(other))


def test_what_is_changed_after_it_was_filed_is_in_its_files(tmp_path: Path) -> None:
    folder = ReportFolder(tmp_path)
    summary = filed(folder, sample("a", "1", "OK", control="2"))
    folder.enter(summary)
    folder.enter(uncounted(summary))
    folder.finish()
    whole = read(tmp_path, "a_case_1.json")
    assert (whole["behavior"], whole["wsoracle"]["counts"]) == ("FAILED", False)
    assert whole["wsoracle"]["timeline"] == sample("a", "1")["wsoracle"]["timeline"]
    assert not whole["wsoracle"]["passed"] and "control 2 was not answered" in whole["wsoracle"]["note"]
    assert "NO CONTROL" in (tmp_path / "a_case_1.html").read_text()
    # And back again, as from the controls where the control is answered at last.
    folder.enter(summary)
    folder.finish()
    assert read(tmp_path, "a_case_1.json") == sample("a", "1", "OK", control="2")
    assert "NO CONTROL" not in (tmp_path / "a_case_1.html").read_text()
    assert folder.summaries["a"]["1"].counts is True


def test_a_page_does_not_lead_to_a_control_that_was_not_run(tmp_path: Path) -> None:
    """At first the control may be still to come: then it was not run, then it was."""
    folder = ReportFolder(tmp_path)
    place = folder.place("a", "2", "1")
    page = tmp_path / f"{place.base}.html"
    summary = file_record(sample("a", "2", "OK", control="1"), place)
    folder.enter(summary)
    leads = f'href="{place.links.control}"'
    assert leads in page.read_text()
    controls = Controls()
    controls.enter(summary)
    folder.enter(*controls.close())
    folder.finish()
    assert leads not in page.read_text() and "control 1 was not run" in page.read_text()
    folder.add(sample("a", "1", "OK"))
    folder.enter(summary)
    folder.finish()
    assert leads in page.read_text()


def test_what_cannot_be_filed_is_an_error(tmp_path: Path) -> None:
    folder = ReportFolder(tmp_path)
    (tmp_path / "a_case_1.html").mkdir()
    with pytest.raises(OSError, match="a_case_1"):
        filed(folder, sample("a", "1"))
    assert not list(tmp_path.glob(f"{HALF}*"))
