"""Specification files of Autobahn, and the patterns in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.autobahn.patterns import AgentExclusions, cases_meant, is_of_autobahn
from wsoracle.autobahn.specification import (
    CLIENT,
    SERVER,
    Mode,
    SpecFileError,
    default_text,
    parse_spec,
    read_spec,
)
from wsoracle.generators.cases.runnable import runnable_cases

IDS = [case.id for case in runnable_cases()]
ESTABLISHED = [one for one in IDS if is_of_autobahn(one)]
MINIMAL: dict[str, dict[str, Any]] = {
    CLIENT: {"servers": [{"url": "ws://127.0.0.1:9001"}], "cases": ["*"]},
    SERVER: {"url": "ws://127.0.0.1:9001", "cases": ["*"]},
}


def test_all_means_the_established_cases_in_numeric_order() -> None:
    meant = cases_meant("*", IDS)
    assert meant == ESTABLISHED and len(meant) == 517
    assert meant == sorted(meant, key=lambda one: [int(part) for part in one.split(".")])


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("1.*", 16), ("6.*", 145), ("1.1.1", 1), ("1.1", 0), ("10.*", 1), ("1*", 233), ("7.5*", 1), ("*.1.1", None),
     ("12.*", 90), ("13.7.*", 18), ("8.*", 0), ("witness/*", None), ("*witness*", 0)],
)  # fmt: skip
def test_patterns_are_anchored_at_the_start_alone(pattern: str, count: int | None) -> None:
    found = len(cases_meant(pattern, IDS))
    assert found == count if count is not None else found > 1


@given(st.text(alphabet="*.1x[+(", max_size=6), st.text(alphabet=".1x[+(", max_size=6))
def test_no_character_but_the_star_means_more_than_itself(pattern: str, text: str) -> None:
    def matches(left: list[str], rest: str) -> bool:
        if not rest.startswith(left[0]):
            return False
        rest = rest[len(left[0]) :]
        for piece in left[1:]:
            place = rest.find(piece)
            if place < 0:
                return False
            rest = rest[place + len(piece) :]
        return True

    expected = matches(pattern.split("*"), "9." + text) if "*" in pattern else pattern == "9." + text
    assert bool(cases_meant(pattern, ["9." + text])) == (
        expected and (not pattern.startswith("*") or is_of_autobahn("9." + text))
    )


def test_agents_and_their_cases_are_matched_whole() -> None:
    excluded = AgentExclusions({"We*": ["9.*", "1.1.1"], "Other": []})
    assert excluded("WebSocket++", "9.1.1") and excluded("We", "1.1.1")
    assert not excluded("AWe", "9.1.1") and not excluded("We", "1.1.11") and not excluded("Other", "9.1.1")
    assert not AgentExclusions({"x": []}) and AgentExclusions({"x\ny*": ["*"]})("x\nyz", "1\n")


@pytest.mark.parametrize("mode", [CLIENT, SERVER])
def test_the_default_is_a_specification(mode: Mode, tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text(default_text(mode))
    spec = read_spec(tmp_path / "spec.json", mode)
    assert spec.chosen(IDS) == ESTABLISHED and not spec.warnings and not spec.exclude_agent_cases
    assert spec.outdir == ("./reports/servers" if mode == CLIENT else "./reports/clients")


def test_exclusions_and_their_warnings() -> None:
    spec = parse_spec({**MINIMAL[SERVER], "exclude-cases": ["6.*", "9.*", "12.*", "13.*", "7.7.99"]}, SERVER)
    assert len(spec.chosen(IDS)) == 301 - 145 - 54
    assert len(spec.warnings) == 1 and "7.7.99" in spec.warnings[0]


@pytest.mark.parametrize(
    ("change", "warns", "left"),
    [
        ({"cases": ["12.*"]}, None, 90),
        ({"cases": ["1.*", "13.1.1"]}, None, 17),
        ({"cases": ["1.1", "1.1.1"]}, "cases: '1.1' means no case", 1),
        ({"cases": ["", "1.1.1"]}, "cases: an empty pattern", 1),
        ({"exclude-cases": [""]}, "exclude-cases: an empty pattern", 517),
        ({"exclude-cases": ["*"]}, None, 0),
        ({"cases": []}, None, 0),
        ({"cases": "1.*"}, "a list of this pattern alone", 16),
    ],
)
def test_what_autobahn_takes_is_a_warning_at_the_most(change: dict[str, Any], warns: str | None, left: int) -> None:
    spec = parse_spec({**MINIMAL[SERVER], **change}, SERVER)
    assert len(spec.chosen(IDS)) == left
    assert [warns in one for one in spec.warnings] == [True] if warns else spec.warnings == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cases": 7}, "list"),
        ({"cases": [1]}, "list of texts"),
        ({"url": "http://x"}, "scheme"),
        ({"url": 7}, "a text is needed"),
        ({"url": None}, "missing"),
        ({"exclude-agent-cases": []}, None),
        ({"exclude-agent-cases": ["x"]}, "object"),
        ({"options": 1}, "object"),
        ({"outdir": {}}, "a text is needed"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(change: dict[str, Any], says: str | None) -> None:
    if says is None:
        parse_spec({**MINIMAL[SERVER], **change}, SERVER)
        return
    with pytest.raises(SpecFileError, match=says) as raised:
        parse_spec({**MINIMAL[SERVER], **change}, SERVER).chosen(IDS)
    assert "\n" not in str(raised.value)


def test_options_that_change_nothing_are_taken_and_others_warned_of() -> None:
    silent = {"version": 18, "failByDrop": False, "versions": [8, 13], "closeHandshakeTimeout": 5}
    spec = parse_spec({**MINIMAL[SERVER], "options": silent}, SERVER)
    assert spec.warnings == [] and spec.patience == 5
    for option in ({"version": 12}, {"failByDrop": True}, {"nobody knows": 1}, {"openHandshakeTimeout": 0}):
        assert len(parse_spec({**MINIMAL[SERVER], "options": option}, SERVER).warnings) == 1
    assert "colour" in parse_spec({**MINIMAL[SERVER], "colour": 1}, SERVER).warnings[0]


def test_servers() -> None:
    entry = {"url": "wss://[::1]:1/x", "agent": "a", "origin": "o", "protocols": ["p"], "hostname": "h",
             "options": {"openHandshakeTimeout": 3}, "what": 1}  # fmt: skip
    spec = parse_spec({**MINIMAL[CLIENT], "servers": [entry, {"url": "ws://x"}]}, CLIENT, "ws://y")
    first, second = spec.servers
    assert (first.agent, first.origin, first.protocols, first.hostname, first.patience) == ("a", "o", ("p",), "h", 3)
    assert second.agent is None and second.patience is None
    assert len(spec.warnings) == 2
    (only,) = parse_spec({"cases": ["*"]}, CLIENT, "ws://y").servers
    assert only.uri.host == "y"
    with pytest.raises(SpecFileError, match="-w URL"):
        parse_spec({"cases": ["*"]}, CLIENT)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from([CLIENT, SERVER]), st.data())
def test_no_document_makes_it_raise_anything_else(mode: Mode, data: st.DataObject) -> None:
    keys = ("cases", "servers", "url", "options", "exclude-cases", "exclude-agent-cases", "protocols", "key", "outdir")
    changed = data.draw(st.dictionaries(st.sampled_from(keys), _JSON, max_size=2))
    try:
        parse_spec({**MINIMAL[mode], **changed}, mode).chosen(["1.1.1"])
    except SpecFileError as error:
        assert str(error)


def test_a_file_that_is_no_json(tmp_path: Path) -> None:
    for text in (b"{", b"\xff\xfe", b"[" * 100_000, json.dumps([]).encode()):
        (tmp_path / "spec.json").write_bytes(text)
        with pytest.raises(SpecFileError, match=r"spec\.json"):
            read_spec(tmp_path / "spec.json", SERVER)


@pytest.mark.parametrize("change", [
    {"origin": "x\r\nEvil: 1"}, {"origin": "\u20ac"}, {"protocols": ["a b"]}, {"agent": "\ud800"}, {"agent": " "},
    {"hostname": ".x"}, {"url": f"ws://{'x' * 70}.de/"},
])  # fmt: skip
def test_what_cannot_be_sent_is_refused_before_it_is(change: dict[str, Any]) -> None:
    server = {"url": "ws://127.0.0.1:1/", **change}
    with pytest.raises(SpecFileError, match=rf"servers\[0\]\.{next(iter(change))}: "):
        parse_spec({**MINIMAL[CLIENT], "servers": [server]}, CLIENT)
    with pytest.raises(SpecFileError, match=r"^protocols: "):
        parse_spec({**MINIMAL[SERVER], "protocols": ["a", "b\r\n"]}, SERVER)
    assert parse_spec({**MINIMAL[SERVER], "protocols": ["a", "b"]}, SERVER).protocols == ("a", "b")
    parse_spec(
        {**MINIMAL[CLIENT], "servers": [{"url": "ws://127.0.0.1:1/", "origin": "http://x", "protocols": ["a"]}]}, CLIENT
    )
