"""The guides do what they say: calls have the options that they are given, and examples the answers that stand there.

`docs/python.md` is run in `tests/wsoracle/testing/test_api.py`, `docs/ci.md` in `tests/test_ci.py`.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from wsoracle import driving
from wsoracle.cli import program
from wsoracle.oracle.schema_checks import check_of, schema
from wsoracle.oracle.session import OracleSession
from wsoracle.properties.traces.registry import read_file

ROOT = Path(__file__).resolve().parents[1]
CALL = re.compile(r"^(?:\.venv/bin/)?wsoracle ([^&;><\n]+)", re.MULTILINE)


def blocks(name: str, language: str) -> list[str]:
    """The blocks of a document in a language; an empty one for those that name none."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return [
        block
        for found, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        if found == language
    ]


GUIDES = (
    "README.md", "docs/testing.md", "docs/oracle.md", "docs/driving.md", "docs/captures.md", "docs/traces.md"
)  # fmt: skip
SHORT = (*GUIDES, "docs/ci.md", "docs/python.md")
"""Documents of at most two screens."""


@pytest.mark.parametrize("name", SHORT)
def test_a_guide_is_under_two_screens(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8").count("\n") <= 100


@pytest.mark.parametrize("name", GUIDES)
def test_calls_have_the_options_that_they_are_given(name: str) -> None:
    calls = [shlex.split(call, comments=True) for block in blocks(name, "sh") for call in CALL.findall(block)]
    assert calls
    whole = program.make_context("wsoracle", ["--help"], resilient_parsing=True)
    for called, *arguments in calls:
        command = program.get_command(whole, called)
        assert command is not None, called
        with command.make_context(called, arguments, resilient_parsing=True) as context:
            command.make_parser(context).parse_args(list(arguments))


def test_the_session_with_the_oracle_goes_as_it_stands_there() -> None:
    (asked,) = (block for block in blocks("docs/oracle.md", "sh") if "--stdio" in block)
    (answers,) = blocks("docs/oracle.md", "")
    session = OracleSession(validate=True)
    questions = [line for line in asked.splitlines() if line.startswith("{")]
    for question, answer in zip(questions, answers.splitlines(), strict=True):
        shown = ".*".join(map(re.escape, answer.split("...")))
        assert re.fullmatch(shown, session.answer(question.encode())), question
    assert session.ended


def test_the_answers_of_an_adapter_are_as_its_schema_says() -> None:
    (lines,) = blocks("docs/driving.md", "")
    whole = schema("adapter.schema.json", driving.__name__)
    for line in lines.splitlines():
        asked, answered = map(json.loads, re.split(r" {2,}", line))
        assert asked["seq"] == answered["seq"]
        check_of(whole["$defs"]["answers"][asked["cmd"]], whole)(answered, "")


def test_the_conversation_written_by_hand_is_judged() -> None:
    (written,) = blocks("docs/captures.md", "")
    assert [str(one.recorded.judged().verdict) for one in read_file(written.encode()).traces] == ["OK", "OK"]
