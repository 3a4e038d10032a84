"""``wsoracle report``: pages and lists anew, what it passes over, and what is wrong input."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from tests.wsoracle.reports.report_samples import autobahn_record, sample
from wsoracle.cli import program
from wsoracle.reports import ReportFolder


def report(*args: str) -> Result:
    return CliRunner().invoke(program, ["report", *args])


NEIGHBOUR = re.compile(rb' \xc2\xb7 <a href="[a-z0-9_]+\.html" rel="(?:prev|next)">[a-z]+</a>')


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = ReportFolder(tmp_path / "run")
    for record in (sample("a", "1.1.1", "OK"), sample("a", "1.1.2", control="1.1.1"), sample("b", "1.1.1")):
        folder.add(record)
    folder.finish()
    return folder.path


def contents(folder: Path) -> dict[str, bytes]:
    """The files without links to neighbours: in a run they are those of the cases that it will have."""
    return {path.name: NEIGHBOUR.sub(b"", path.read_bytes()) for path in folder.iterdir()}


def test_everything_is_made_anew_as_it_was(run: Path) -> None:
    before = contents(run)
    for name in before:
        if "_case_" not in name or name.endswith(".html"):
            (run / name).write_text("old")
    result = report(str(run))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"3 pages of 2 agents: {run / 'index.html'}\n"
    assert contents(run) == before


def test_lists_follow_the_records(run: Path) -> None:
    (run / "a_case_1_1_2.json").unlink()
    (run / "b_case_1_1_1.json").write_text(json.dumps(autobahn_record("b", "1.1.1", "NON-STRICT")))
    assert report(str(run)).exit_code == 0
    index = json.loads((run / "index.json").read_text())
    assert index.keys() == {"a", "b"}
    assert index["a"].keys() == {"1.1.1"}
    assert index["b"]["1.1.1"]["behavior"] == "NON-STRICT"


def test_junit_and_markdown(run: Path, tmp_path: Path) -> None:
    junit, markdown = tmp_path / "junit.xml", tmp_path / "summary.md"
    assert report(str(run), "--junit", str(junit), "--markdown", str(markdown)).exit_code == 0
    assert [suite.attrib["failures"] for suite in ElementTree.parse(junit).getroot()] == ["1", "1"]
    assert "| `a` | 1 |" in markdown.read_text()
    printed = report(str(run), "--markdown", "-")
    assert printed.stdout == markdown.read_text()


def test_what_is_passed_over_is_named(run: Path) -> None:
    (run / "a_case_9.json").write_text('{"agent": "a", "id": "9", ')
    (run / "a_case_\x1b[31m.json").write_text("[]")
    result = report(str(run))
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "wsoracle: warning: a_case_\\x1b[31m.json: no record of a case: passed over",
        "wsoracle: warning: a_case_9.json: no JSON: passed over",
    ]
    assert result.stdout.startswith("3 pages of 2 agents: ")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "no such folder: name the folder of a run, such as reports/servers"),
        ("none", "no such folder: name the folder of a run"),
        ("file", "not a folder: name the folder of a run"),
        ("empty", "has no records of cases (files such as NAME_case_1_1_1.json): name the folder of a run"),
        ("junk", "none of its files *_case_*.json is the record of a case: name the folder of a run"),
        ("taken", "there is a folder index.html in it: name another folder"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(name: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in ("empty", "junk", "taken"):
        (tmp_path / folder).mkdir()
    (tmp_path / "junk" / "a_case_1.json").write_text("[]")
    (tmp_path / "taken" / "a_case_1.json").write_text(json.dumps(sample("a", "1")))
    (tmp_path / "taken" / "index.html").mkdir()
    result = report(str(tmp_path / name) if name else "")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("wsoracle: error: ")
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(path.name for path in (tmp_path / "junk").iterdir()) == ["a_case_1.json"]


def test_files_that_cannot_be_written_are_told_before(run: Path, tmp_path: Path) -> None:
    result = report(str(run), "--junit", str(tmp_path / "no" / "such" / "place"))
    assert result.exit_code == 2
    assert "--junit: there is no directory" in result.stderr
