"""JUnit XML and Markdown: what they say, and that text from outside stays text in them."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.wsoracle.reports.report_samples import HOSTILE, RULE, autobahn_record, sample, spoiled
from wsoracle.reports.causes import causes_of
from wsoracle.reports.junit_markdown import junit_xml, markdown_summary
from wsoracle.reports.summary import CaseSummary, summary_of
from wsoracle.text.output import one_line
from wsoracle.text.verdict_signs import VERDICTS

ANY = (st.text(max_size=20) | st.sampled_from(HOSTILE)).filter(lambda text: text not in VERDICTS)
"""Texts from outside; a verdict of ours would make another list of the same case."""

SAYS = (
    "goes on (sends a Pong) after a frame of a reserved opcode, "
    "where it must fail the connection with 1002 (5.2/unknown-opcode)"
)


def listed(*records: dict[str, Any]) -> dict[str, dict[str, CaseSummary]]:
    agents: dict[str, dict[str, CaseSummary]] = {}
    for record in records:
        agents.setdefault(record["agent"], {})[record["id"]] = summary_of(record, "x_case_1.json")
    return agents


RUN = listed(
    sample("a", "1.1.1", "OK"), sample("a", "1.1.2"), sample("a", "1.1.3", "INFORMATIONAL"),
    sample("a", "1.1.4", "UNIMPLEMENTED"), sample("a", "1.1.5", "NON-STRICT"), sample("a", "1.1.6", "OK", counts=False),
    autobahn_record("b", "1.1.1", "OK", "UNCLEAN"),
)  # fmt: skip
RUN["a"]["1.1.6"] = replace(RUN["a"]["1.1.6"], passed=False)


def test_junit() -> None:
    first, second = ElementTree.fromstring(junit_xml(RUN))
    assert first.attrib == {"name": "a", "tests": "6", "failures": "2", "skipped": "2", "errors": "0", "time": "0.246"}
    assert second.attrib == {"name": "b", "tests": "1", "failures": "1", "skipped": "0", "errors": "0", "time": "0.041"}
    inside = {case.attrib["name"]: [child.tag for child in case] for case in first}
    assert inside == {"1.1.1": [], "1.1.2": ["failure"], "1.1.3": ["skipped"], "1.1.4": ["skipped"], "1.1.5": [],
                      "1.1.6": ["failure"]}  # fmt: skip
    failure = first[1][0]
    says = SAYS
    assert failure.attrib == {"message": says, "type": "FAILED"}
    assert failure.text is not None
    assert failure.text.splitlines() == [
        says,
        f'5.2/unknown-opcode: MUST, section 5.2: "{RULE["quote"]}"',
        "a note",
        "sent: reserved-control-E fin masked  8e 80 01 02 03 04",
        "seen: pong fin  8a 00",
        "allowed: Close 1002",
        "page: x_case_1.html",
        "again: wsoracle test ws://127.0.0.1/ --select 1.1.2 -v",
    ]
    assert first[1].attrib["classname"] == "a.Opcodes.Reserved"
    assert first[5][0].attrib["type"] == "NO CONTROL"
    assert first[2][0].attrib["message"] == "INFORMATIONAL: a note"


@given(ANY, ANY, ANY, ANY)
@example("\0", "\ud800", "\ufffe", "]]>")
def test_junit_is_xml_whatever_the_text(agent: str, case: str, group: str, note: str) -> None:
    record = sample(agent, case, note, group=[group], note=note, rules=[{"id": note}])
    text = junit_xml(listed(record))
    text.encode()
    suite = ElementTree.fromstring(text)[0]
    assert [element.tag for element in suite.iter()] == ["testsuite", "testcase", "failure"]
    if case.isascii() and case.isprintable():
        assert suite[0].attrib["name"] == case


def test_markdown() -> None:
    lines = markdown_summary(RUN).splitlines()
    assert f"| agent | {' | '.join(VERDICTS)} | cases |" in lines
    assert "| `a` | 1 | 1 | 1 | 1 | 1 |  | 1 | 6 |" in lines
    assert "| `b` |  |  |  |  | 1 |  |  | 1 |" in lines
    says = SAYS
    at = lines.index(f"- **FAILED**: `{says}`: 1 case: `1.1.2`")
    assert lines[at + 4] == "  - seen: `pong fin 8a 00`"
    assert lines[at + 5] == "  - page: `x_case_1.html`"
    assert lines[at + 6] == "  - again: `wsoracle test ws://127.0.0.1/ --select 1.1.2 -v`"
    assert [line for line in lines if line.startswith("## ")] == ["## `a`", "## `b`"]


def structure(text: str) -> list[str]:
    """The elements that a reader of Markdown finds, without their texts."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [kind for token in tokens for kind in (token.type, *(child.type for child in token.children or ()))]


@given(ANY, ANY, ANY)
@example("a\n\n# b", "x|y", "![x](https://example.invalid)")
@example("a\\|b", "https://example.invalid/login", "`` x@example.invalid `")
def test_markdown_is_text_whatever_the_text(agent: str, case: str, note: str) -> None:
    text = markdown_summary(listed(sample(agent, case, note, note=note, rules=[])))
    text.encode()
    like = ["a" if one_line(one) else one for one in (agent, case, note)]
    neutral = markdown_summary(listed(sample(*like, note=like[2], rules=[])))
    assert structure(text) == structure(neutral)


def test_what_a_peer_calls_itself_is_code() -> None:
    """Nothing in code is made a link of, or a mention."""
    said = markdown_summary(listed(sample("https://evil.example/login @you", "1.1.1")))
    assert "| `https://evil.example/login @you` |" in said
    assert "## `https://evil.example/login @you`" in said


def test_verdicts_of_others_are_counted() -> None:
    lines = markdown_summary(
        listed(autobahn_record("a", "1.1.1", "WEIRD"), autobahn_record("a", "1.1.2", "OK"))
    ).splitlines()
    assert lines[2].endswith("| NO CONTROL | other | cases |") and lines[4] == "| `a` | 1 |  |  |  |  |  |  | 1 | 2 |"
    assert len(lines[2].split("|")) == len(lines[3].split("|")) == len(lines[4].split("|"))


@pytest.mark.parametrize("many", [0, 1, 250])
def test_as_many_failures_as_people_read(many: int) -> None:
    notes = ["".join(chr(97 + int(digit)) for digit in str(number)) for number in range(many)]
    run = listed(*(sample("a", f"1.{number}", rules=[], note=note) for number, note in enumerate(notes)))
    lines = markdown_summary(run).splitlines()
    assert sum(line.startswith("- **FAILED**: `") for line in lines) == min(many, 200)
    assert (f"- and {many - 200} more" in lines) == (many > 200)
    assert ElementTree.fromstring(junit_xml(run)).findall(".//failure").__len__() == many


def test_wrong_types_in_any_place() -> None:
    run = listed(*({**record, "id": f"1.{number}"} for number, record in enumerate(spoiled())))
    entries = {case_id: asdict(summary) for case_id, summary in run["sample"].items()}
    assert len(ElementTree.fromstring(junit_xml(run)).findall(".//testcase")) == len(entries)
    assert len(causes_of(run["sample"])) > 1
    assert markdown_summary(run)
    assert json.loads(json.dumps(entries, allow_nan=False)).keys() == entries.keys()
    types = {name: {type(entry[name]) for entry in entries.values()} for name in entries["1.0"]}
    assert {name for name, found in types.items() if len(found) > 1} == {"control", "remote_close_code"}
    assert types["duration"] == {int}
