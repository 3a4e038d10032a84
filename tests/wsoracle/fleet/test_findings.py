"""From records of cases to deviations, and to the page of findings: what a peer says does not become markup."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wsoracle.fleet.fleet_records import entry, record, rule
from wsoracle.fleet.collecting import causes_document
from wsoracle.fleet.deviations import deviations, natural
from wsoracle.fleet.findings import Column, SeenTogether, findings_page
from wsoracle.fleet.registry import find
from wsoracle.model.octets.vocabulary import Role
from wsoracle.text.markdown import code, plain, row

FATAL = [rule()]
SLOW = [rule("7.1.1/server-closes-first", "SHOULD")]


def column(*records: Mapping[str, Any], name: str = "libwebsockets", role: Role = Role.SERVER, **more: Any) -> Column:
    peer = find(name)
    assert peer is not None
    found = deviations(records)
    return Column(peer, role, "lws", "4.1.6", verdicts={"FAILED": len(records)}, deviations=found, **more)


def test_what_connections_show_together_is_a_table() -> None:
    seen = SeenTogether("keys/foreseen", "FAILED", 9, 12, "9 of 12 follow | from others", "0102 `x`", ("5.3", "10.3"))
    page = findings_page([column(role=Role.CLIENT, connections=[seen])], "test")
    (line,) = (line for line in page.splitlines() if line.startswith("| `keys/foreseen`"))
    assert line.split(" | ")[1:4] == ["5.3, 10.3", "libwebsockets 4.1.6", "FAILED"]
    assert "No client showed anything" in findings_page([column()], "test")


def test_how_an_implementation_is_set_up_is_said_once() -> None:
    compressed = replace(column(record("a", "1", rules=FATAL)), version="4.1.6+deflate")
    ran = [column(record("a", "1", rules=FATAL)), compressed, column(record("b", "1", rules=FATAL), role=Role.CLIENT)]
    page = findings_page([*ran, column(name="ws")], "test").splitlines()
    start = page.index("## Settings")
    assert page[start + 1 : start + 4] == ["", "- libwebsockets: LWS\\_SERVER\\_OPTION\\_VALIDATE\\_UTF8", ""]
    assert "## Settings" not in findings_page([column(name="ws")], "test")


def test_how_many_share_a_cause_is_written_down() -> None:
    ran = [
        column(record("a", "1", rules=FATAL), causes=["x"]),
        column(record("b", "1", rules=FATAL), causes=["x", "y"], name="ws"),
        column(record("c", "1", rules=FATAL), causes=["x", "z"], name="ws"),  # run twice, with permessage-deflate too
    ]
    absent = replace(column(), verdicts={}, causes=["x"])
    document = causes_document([*ran, absent, column(role=Role.CLIENT)], "a test")
    assert document["server"] == {"implementations": 2, "causes": {"x": 2, "y": 1, "z": 1}}
    assert document["client"] == {"implementations": 0, "causes": {}}


def test_cases_with_the_same_rules_are_one_deviation() -> None:
    found = deviations([
        record("b", "4.2.10", rules=FATAL),
        record("b", "4.2.4", rules=FATAL),
        record("b", "7.1.1", verdict="NON-STRICT", rules=SLOW),
        record("a", "4.2.4", rules=FATAL),
        record("b", "4.2.5", rules=[*FATAL, *SLOW]),
    ])  # fmt: skip
    assert [(one.agent, one.cases, one.strength) for one in found] == [
        ("a", ("4.2.4",), "MUST"),
        ("b", ("4.2.4", "4.2.10"), "MUST"),
        ("b", ("4.2.5",), "MUST"),
        ("b", ("7.1.1",), "SHOULD"),
    ]


@pytest.mark.parametrize(
    "more", [{"verdict": "OK"}, {"verdict": "INFORMATIONAL"}, {"verdict": "UNIMPLEMENTED"}, {"counts": False}]
)
def test_what_is_no_deviation(more: dict[str, Any]) -> None:
    assert deviations([record("a", "1.1", rules=FATAL, **more)]) == []


def test_the_octets_at_the_deciding_place() -> None:
    (found,) = deviations([record("a", "4.2.4", rules=FATAL)])
    assert [(seen.what, seen.hex) for seen in found.sent] == [
        ("opcode 14 fin masked", "8e8000000000"),
    ]
    assert [(seen.what, seen.hex) for seen in found.received] == [("pong fin", "8a00")]
    assert found.octet == 36
    assert found.allowed == ("Close 1002",)


def test_octets_that_the_wire_log_does_not_hold_are_not_made_up() -> None:
    cut = record("a", "4.2.4", rules=FATAL)
    cut["wirelog"] = [["TO", [5000, "00" * 64 + " ..."], False], ["TO", [6, "8e8000000000"], False]]
    (found,) = deviations([cut])
    assert [(seen.what, seen.hex) for seen in (*found.sent, *found.received)] == [
        ("opcode 14 fin masked", "00" * 6),
        ("pong fin", ""),
    ]
    assert "| `pong fin` (octet 36) |" in findings_page([column(cut)], "test")


def test_octets_are_found_behind_a_piece_that_was_cut() -> None:
    cut = record("a", "4.2.4", rules=FATAL)
    cut["wirelog"] = [["TO", [18, "474554 ..."], False], ["TO", [2, "8e80"], False], ["TO", [4, "00000000"], False]]
    (found,) = deviations([cut])
    assert [seen.hex for seen in found.sent] == ["8e8000000000"]


@pytest.mark.parametrize("role", Role)
def test_a_head_is_told_as_text_where_nothing_else_was_sent(role: str) -> None:
    opening = record("a", "witness/4.2.1/key", rules=FATAL, role=role)
    if role == Role.CLIENT:
        opening["httpRequest"], opening["httpResponse"] = opening["httpResponse"], opening["httpRequest"]
    opening["wsoracle"]["timeline"] = opening["wsoracle"]["timeline"][:2]
    opening["wsoracle"]["timeline"][1]["deciding"] = True
    (found,) = deviations([opening])
    assert [seen.what for seen in found.sent] == ["GET / HTTP/1.1\\r\\n\\r\\n"]
    assert [seen.what for seen in found.received] == ["HTTP/1.1 101 Switching Protocols\\r\\n\\r\\n"]


def test_silence_can_decide_too() -> None:
    timeline = [entry("tester", "ping", b"\x89\x80\0\0\0\0", 0), entry("timer", "1.0 s of silence", deciding=True)]
    more: dict[str, Any] = {"timeline": timeline, "deciding": {"octet": None, "entry": 1, "arrived": 6}, "rules": FATAL}
    (found,) = deviations([record("a", "2.1", **more)])
    assert [(seen.what, seen.hex) for seen in found.received] == [("1.0 s of silence", "")]
    (found,) = deviations([record("a", "2.1", **{**more, "deciding": None, "timeline": []})])
    assert (found.sent, found.received, found.octet) == ((), (), None)


def test_the_simplest_case_is_shown() -> None:
    long, longest = record("a", "1.1", rules=FATAL), record("a", "fault/x", rules=FATAL)
    long["wsoracle"]["timeline"] += [entry("tester", "text", b"x" * 1000, 24)]
    longest["wsoracle"]["timeline"] += [entry("sut", "text", b"x" * 9000, 38)]
    short = [record("a", case, rules=FATAL) for case in ("fault/x+y", "mutant/5.2/x")]
    (found,) = deviations([*short, long, longest])
    assert (found.cases, found.example) == (("1.1", "fault/x", "fault/x+y", "mutant/5.2/x"), "fault/x")


def test_a_failure_without_a_rule_keeps_its_note() -> None:
    noted = [
        record("a", case, note=note) for case, note in (("1.1", "time is up"), ("1.2", "time is up"), ("1.3", "lost"))
    ]
    assert [(one.cases, one.without, one.strength) for one in deviations(noted)] == [
        (("1.1", "1.2"), "time is up", "FAILED"),
        (("1.3",), "lost", "FAILED"),
    ]
    assert "### Servers, FAILED: time is up" in findings_page([column(*noted)], "test")


def test_the_page_says_all_of_it() -> None:
    page = findings_page([column(record("lws", "4.2.4", rules=FATAL), uncounted=3, seconds=4.4)], "wsoracle 0.1.0")
    assert "| libwebsockets | 4.1.6 | C | libwebsockets | 4 | 0 | 0 | 0 | 0 | 1 | 3 | 4 |" in page
    assert "| `5.2/reserved-opcode` | MUST | 5.2 | libwebsockets (server) 1 |" in page
    for line in (
        "## Servers",
        "### Servers, MUST: `5.2/reserved-opcode`",
        '- MUST, section 5.2: "If an unknown opcode is received, the receiving endpoint MUST '
        '\\_Fail the WebSocket Connection\\_."',
        "- Shown by `4.2.4`: a frame of opcode 14",
        "- Sent: `opcode 14 fin masked`, octets `8e8000000000`",
        "- Would have been allowed: Close 1002",
        "| libwebsockets 4.1.6 | 1: `4.2.4` | `pong fin`, octets `8a00` (octet 36) |",
    ):
        assert line in page.splitlines()
    assert "## Clients" not in page


def test_the_same_deviation_of_many_is_told_once() -> None:
    one = column(record("a", "4.2.4", rules=FATAL), record("a", "4.2.5", rules=FATAL))
    other = column(record("b", "4.2.5", rules=FATAL), name="ws")
    third = column(record("c", "4.2.4", rules=FATAL), name="gorilla")
    client = column(record("d", "4.2.4", rules=FATAL, role=Role.CLIENT), name="undici", role=Role.CLIENT)
    lines = findings_page([client, one, other, third], "test").splitlines()
    at = lines.index("### Servers, MUST: `5.2/reserved-opcode`")
    rows = [line.split(" | ") for line in lines[at:] if line.startswith("| ")][2:5]
    assert rows == [
        ["| libwebsockets 4.1.6", "2: `4.2.4`, `4.2.5`", "`pong fin`, octets `8a00` (octet 36) |"],
        [
            "| ws 4.1.6", "1: `4.2.5`",
            "`4.2.5`, sent `opcode 14 fin masked`, octets `8e8000000000`: `pong fin`, octets `8a00` (octet 36) |",
        ],
        ["| gorilla 4.1.6", "1: `4.2.4`", "`pong fin`, octets `8a00` (octet 36) |"],
    ]  # fmt: skip
    assert lines.index("### Clients, MUST: `5.2/reserved-opcode`") > at
    assert sum(line.startswith("- MUST, section") for line in lines) == 2


def test_the_strongest_come_first() -> None:
    found = [
        record("a", "1", rules=SLOW, verdict="NON-STRICT"),
        record("a", "2", rules=FATAL),
        record("a", "3", rules=[rule("4.1/x")]),
    ]
    page = findings_page([column(*found)], "test")
    assert [line.rpartition(" ")[2] for line in page.splitlines() if line.startswith("### ")] == [
        "`4.1/x`", "`5.2/reserved-opcode`", "`7.1.1/server-closes-first`",
    ]  # fmt: skip


def test_what_was_not_run_is_told() -> None:
    peer = find("libwebsockets")
    assert peer is not None
    absent = Column(peer, Role.SERVER, "", "-", "cannot be installed: needs apt package <b>x</b>")
    page = findings_page([absent], "test")
    assert "| libwebsockets | - | C | libwebsockets | not run | - | - | - | - | - | - | - |" in page
    assert "- libwebsockets as a server: cannot be installed: needs apt package \\<b\\>x\\</b\\>" in page


def test_many_cases_are_cut() -> None:
    page = findings_page([column(*(record("a", f"6.1.{n}", rules=FATAL) for n in range(50)))], "test")
    assert "| 50: `6.1.0`, " in page
    assert "`6.1.11`, ... |" in page


NASTY = (
    "<script>alert(1)</script> | `x` ``y`` [a](javascript:b) ![i](j) **b** _c_ # \r\n- item\n| a | b |"
    "\x1b[31m \u202e &amp; www.x.y http://x.y"
)


def test_what_a_peer_sends_is_no_markup() -> None:
    evil = record(NASTY, NASTY, rules=[rule(NASTY, NASTY, section=NASTY, quote=NASTY)], stimulus=NASTY, note=NASTY)
    evil["wsoracle"]["timeline"][3]["what"] = NASTY
    evil["wsoracle"]["allowed"] = [{"what": NASTY, "rules": []}]
    page = findings_page([column(evil, reason=NASTY)], NASTY)
    assert "\x1b" not in page
    assert "\u202e" not in page
    for line in page.splitlines():
        bare = without_code(line)
        assert not re.search(r"(?<!\\)[<\[]", bare), line
        assert not re.search(r"(?<!\\)\*\*", bare), line
    assert not any(line.startswith(("- item", "| a |")) for line in page.splitlines())


def without_code(line: str) -> str:
    """A line of Markdown without its code spans, as CommonMark finds them: escapes count outside of them only."""
    bare, at = "", 0
    while at < len(line):
        run = re.match("`+", line[at:])
        if line[at] == "\\":
            bare += line[at : at + 2]
            at += 2
        elif run is None:
            bare += line[at]
            at += 1
        else:
            closing = re.search(f"(?<!`){run[0]}(?!`)", line[at + len(run[0]) :])
            assert closing is not None, line
            at += len(run[0]) + closing.end()
    return bare


@given(st.text(max_size=60))
def test_code_keeps_its_text_in_one_span(text: str) -> None:
    shown = code(text)
    assert "\n" not in shown
    assert shown == "(empty)" or without_code(shown) == ""


@given(st.text(max_size=60))
def test_plain_text_has_no_markup(text: str) -> None:
    assert not re.search(r"[`*_<>\[\]|]", re.sub(r"\\.", "", plain(text)))


@given(st.lists(st.one_of(st.text(max_size=30).map(plain), st.text(max_size=30).map(code)), min_size=1, max_size=4))
def test_a_row_has_as_many_cells_as_were_given(cells: list[str]) -> None:
    assert len(re.findall(r"(?<!\\)\|", re.sub(r"\\\\", "", row(*cells)))) == len(cells) + 1


@given(st.lists(st.text(max_size=8)))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    assert len(sorted(names, key=natural)) == len(names)


def test_numbers_sort_as_numbers() -> None:
    assert sorted(["2.10", "2.9", "10.1", "witness/5.2/x", "2.9.1"], key=natural) == [
        "2.9",
        "2.9.1",
        "2.10",
        "10.1",
        "witness/5.2/x",
    ]
