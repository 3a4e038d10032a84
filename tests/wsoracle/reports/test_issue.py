"""The report for a tracker: whole, and nothing in it that is no text."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from markdown_it import MarkdownIt

from tests.wsoracle.reports.report_samples import HOSTILE, RULE, poisoned, sample
from wsoracle.cli import program
from wsoracle.reports import ReportFolder
from wsoracle.reports.causes import causes_of
from wsoracle.reports.issue import issue_text
from wsoracle.reports.summary import summary_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run = ReportFolder(tmp_path / "run")
    run.add(sample("a", "4.2.4"))
    run.add(sample("a", "4.2.3", rules=[{**RULE, "id": "5.2/reserved-bits"}]))
    run.add(sample("a", "1.1.1", "OK"))
    run.finish()
    return run.path


def issue(folder: Path, cause: str) -> Result:
    return CliRunner().invoke(program, ["report", str(folder), "--issue", cause])


def test_it_has_all_that_a_maintainer_needs(folder: Path) -> None:
    result = issue(folder, "unknown-opcode")
    assert result.exit_code == 0
    for part in (
        "# Goes on (sends a Pong) after a frame of a reserved opcode, where it must fail the connection with 1002",
        "- sent: `reserved-control-E fin masked`", "  `8e 80 01 02 03 04`", "- seen: `pong fin`", "  `8a 00`",
        "Would have been allowed there: Close 1002.",
        "[Section 5.2](https://www.rfc-editor.org/rfc/rfc6455#section-5.2) (MUST):",
        "`wsoracle test ws://127.0.0.1/ --select 4.2.4 -v`", "```python", "#!/usr/bin/env python3",
    ):  # fmt: skip
        assert part in result.stdout
    script = result.stdout.partition("```python\n")[2].partition("\n```")[0]
    compile(script, "script", "exec")
    assert issue(folder, "2").stdout == result.stdout or issue(folder, "1").stdout == result.stdout


@pytest.mark.parametrize(("cause", "said"), [("zzz", "no cause matches"), ("5.2", "2 causes match"), ("9", "no cause")])
def test_a_cause_that_is_not_one_is_wrong_input(folder: Path, cause: str, said: str) -> None:
    result = issue(folder, cause)
    assert result.exit_code == 2 and said in result.stderr and "1: 5.2/" in result.stderr


def test_texts_of_a_peer_stay_texts() -> None:
    for text in HOSTILE:
        summary = summary_of({**poisoned(text), "agent": text, "id": text})
        for cause in causes_of({text: summary}):
            tokens = MarkdownIt("commonmark").parse(issue_text(text, cause, None))
            kinds = {child.type for token in tokens for child in token.children or ()} | {
                token.type for token in tokens
            }
            assert not kinds & {"html_block", "html_inline", "image"}
            links = [child.attrs["href"] for token in tokens for child in token.children or () if "href" in child.attrs]
            assert all(str(link).startswith("https://www.rfc-editor.org/") for link in links)
