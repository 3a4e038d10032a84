"""The causes of a run: each case that failed is behind one, cases of one act are together, the worst comes first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wsoracle.reports.report_samples import HOSTILE, RULE, sample, spoiled, step
from wsoracle.properties.judge.application import closes
from wsoracle.properties.judge.echo_words import BESIDES, CUT_SHORT, NOT_AN_ECHO, OWN_MESSAGE
from wsoracle.reports.causes import Cause, causes_by_case, causes_of
from wsoracle.reports.summary import NO_CONTROL, NOT_RUN, CaseSummary, command_again, summary_of, uncounted

BEFORE_TCP = {**RULE, "id": "7.1.7/close-frame-before-tcp", "strength": "SHOULD", "section": "7.1.7"}
CODE = {**RULE, "id": "7.1.7/appropriate-code", "strength": "SHOULD", "section": "7.1.7"}
BITS = {**RULE, "id": "5.2/reserved-bits"}


def case(case_id: str, verdict: str = "FAILED", **ours: Any) -> CaseSummary:
    return summary_of(sample("a", case_id, verdict, **{"note": "", **ours}), f"a_case_{case_id}.json")


def did(what: str, *sent: dict[str, Any], start: int | None = 60, octets: str = "") -> dict[str, Any]:
    """A timeline in which this decides, after frames of the tester."""
    return {"timeline": [*sent, step("sut", what, 2, start, hex=octets, deciding=True)]}


def causes(*cases: CaseSummary) -> list[Cause]:
    return causes_of({one.id: one for one in cases})


def test_one_act_is_one_line_however_many_cases_show_it() -> None:
    closing = [
        case(f"5.{number}", "NON-STRICT", rules=[BEFORE_TCP], **did("closes TCP", start=None)) for number in range(165)
    ]
    (cause,) = causes(*closing)
    assert (
        cause.says
        == "closes TCP without a Close: it fails the connection, and does not tell why (7.1.7/close-frame-before-tcp)"
    )
    assert (cause.count, cause.verdict, cause.fails) == ("165 cases", "NON-STRICT", False)


def test_the_worst_and_the_widest_come_first() -> None:
    found = causes(
        case("1.1", "NON-STRICT", rules=[BEFORE_TCP], **did("closes TCP", start=None)),
        case("1.2", rules=[BITS], **did("pong fin")),
        case("1.3", rules=[RULE], **did("pong fin")),
        case("1.4", rules=[RULE], **did("text fin: 'a'")),
        case("1.5", note=f"{NOT_AN_ECHO}: the message was not sent back", rules=[]),
    )
    assert [cause.id.partition("/")[0] for cause in found] == ["echo", "5.2", "5.2", "7.1.7"]
    assert [cause.count for cause in found] == ["1 case", "2 cases", "1 case", "1 case"]
    assert found[1].says.startswith("goes on (") and found[1].rules == (RULE,)


def test_what_is_wrong_in_every_frame_is_one_cause() -> None:
    masks = {**RULE, "id": "5.1/server-does-not-mask"}
    shown = [
        case(f"2.{number}", rules=[masks], **did(what)) for number, what in enumerate(("text fin: 'a'", "pong fin"))
    ]
    (cause,) = causes(*shown)
    assert cause.says == "masks its frames, which only a client does (5.1/server-does-not-mask)"
    assert cause.id == "5.1/server-does-not-mask"


def test_what_is_in_doubt_is_explained_by_what_is_certain_of_the_same_act() -> None:
    first, close = {**RULE, "id": "7.3/closing-handshake-first"}, {**RULE, "id": "5.5.1/answer-close-first"}
    doubtful: dict[str, Any] = {"rules": [close, first], "oneOf": [first["id"], close["id"]]}
    ends = did("closes TCP", start=None)
    found = causes(
        case("1.1", **doubtful, **ends), case("1.2", rules=[first], **ends), case("1.3", **doubtful, **did("pong"))
    )
    assert [(cause.count, cause.example.id) for cause in found] == [("2 cases", "1.2"), ("1 case", "1.3")]
    assert "which one of these rules does not allow" not in found[0].says


def test_a_rule_of_an_extension_leads() -> None:
    marks = {**RULE, "id": "7692.6.1/send-mark-in-place"}
    zero = {**RULE, "id": "5.2/reserved-bits-zero"}
    (cause,) = causes(case("2.1", rules=[zero, marks], **did("continuation fin rsv1: 'b'")))
    assert cause.id.startswith(marks["id"]) and cause.rules == (marks, zero)
    assert "RSV1 on a frame that is not the first of a message" in cause.says


def test_a_fault_is_overlooked_in_silence_too() -> None:
    silent = did("2 s of silence")
    silent["timeline"][-1]["from"] = "timer"
    shown = [case("3.1", **did("text fin: 'a'")), case("3.2", **silent)]
    (cause,) = causes(*shown)
    assert cause.id == f"{RULE['id']}/goes-on"


def test_a_close_that_is_sent_back_is_one_cause_whatever_its_code() -> None:
    shown = [
        case(f"7.9.{number}", rules=[{**RULE, "id": f"7.4.1/code-{code}"}, CODE], **did(
            f"close fin: {code}", step("tester", f"close fin masked: {code}", 8, 90, hex=f"{code:04x}"),
            octets=f"{code:04x}",
        ))
        for number, code in enumerate((999, 1004, 1005, 2000))
    ]  # fmt: skip
    (cause,) = causes(*shown)
    assert cause.says == "sends back the Close that it was sent, whatever its code"
    assert [rule["id"] for rule in cause.rules] == ["7.4.1/code-999", "7.1.7/appropriate-code"]
    other = case("7.9.9", rules=[CODE], **did("close fin: 1000", octets="03e8"))
    assert [one.says for one in causes(*shown, other)][
        1
    ] == "sends Close 1000: this code does not tell the fault (7.1.7/appropriate-code)"


def test_what_is_in_doubt_is_not_said_of_one_rule() -> None:
    (cause,) = causes(case("5.1", rules=[RULE, BITS], oneOf=[RULE["id"], BITS["id"]], **did("pong fin")))
    assert cause.says == "sends a Pong, which one of these rules does not allow: 5.2/unknown-opcode, 5.2/reserved-bits"
    (cause,) = causes(case("5.1", rules=[RULE, BITS], oneOf=[RULE["id"]], **did("pong fin")))
    assert cause.rules[0] == BITS and "5.2/reserved-bits" in cause.says


@pytest.mark.parametrize(
    ("verdict", "note", "says"),
    [
        ("OK", f"{BESIDES}: {OWN_MESSAGE}", "your application sends a message of its own"),
        (NOT_RUN, f"{CUT_SHORT}: {closes(1000, instead_of_echo=False)}",
         "your application closes by itself with Close 1000; 1 case could not be run to the end"),
        ("FAILED", f"{NOT_AN_ECHO}: {closes(1011, instead_of_echo=True)}", "your application answers with Close 1011"),
    ],
)  # fmt: skip
def test_the_contract_comes_first_in_words(verdict: str, note: str, says: str) -> None:
    worse = case("1.2", rules=[RULE], **did("pong fin"))
    first, second = causes(case("1.1", verdict, note=note, rules=[]), worse)
    assert first.kind == "echo" and first.says.startswith(says) and first.fails == (verdict == "FAILED")
    assert second.cases == (worse,)


def test_an_application_greets_where_an_echo_came_too() -> None:
    greeted = {"note": f"{BESIDES}: {OWN_MESSAGE}", "rules": []}
    (cause,) = causes(case("1.1", "OK", echo=True, **greeted), case("1.2", "OK", **greeted))
    assert cause.says == "your application greets: it sends a message of its own before the first echo"


def test_an_application_that_is_no_echo_is_one_cause_whatever_its_endpoint_does() -> None:
    words = "the message differs at octet 0"
    alone = case("9.9", note=f"{NOT_AN_ECHO}: {words}", rules=[])
    beside = [case(f"1.{n}", note=f"not an echo: {words}", rules=[BEFORE_TCP], **did("closes TCP")) for n in range(9)]
    overlooks = case("2.1", note=f"not an echo: {words}", rules=[RULE], **did("text fin: 'a'"))
    first, *others = causes(alone, *beside, overlooks)
    assert first.kind == "echo" and first.cases == (alone, *beside) and first.example == alone
    assert [one.count for one in others] == ["1 case", "9 cases"]
    assert all(one.kind == "rule" for one in causes(*beside, overlooks))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("HTTP/1.1 404 Not Found\r\n\r\n", "answers 404 to the opening handshake"),
        ("HTTP/1.1 301 Moved\r\nLocation: http://x/\r\n\r\n", "answers 301 (location: http://x/)"),
        ("HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer\r\n\r\n", "answers 401 (www-authenticate: Bearer)"),
    ],
)
def test_a_server_that_opens_nothing_is_said_once(answer: str, says: str) -> None:
    closed = []
    for number in range(30):
        record = sample("a", f"1.{number}", "INFORMATIONAL" if number else "FAILED", note="the opening handshake ...")
        record["httpResponse"] = answer
        closed.append(summary_of(record))
    (cause,) = causes(*closed[:20], *map(uncounted, closed[20:]))
    assert cause.kind == "opening" and cause.says.startswith(says) and cause.count == "30 cases"
    opened = summary_of(sample("a", "9.9", "OK"))
    assert all(one.kind != "opening" for one in causes(*closed, opened))


def test_cases_without_a_control_are_one_line() -> None:
    lost = [uncounted(replace(case(f"3.{number}", "OK"), control="1.1.1")) for number in range(9)]
    (cause,) = causes(*lost)
    assert cause.says == "proves nothing: the control was not answered (controls: 1.1.1 (9))"
    assert cause.verdict == NO_CONTROL


TEXTS = st.text(max_size=8) | st.sampled_from(
    [*HOSTILE, "FAILED", "OK", "NON-STRICT", "text fin", "close fin", NOT_AN_ECHO]
)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, st.booleans()), max_size=6))
def test_every_case_that_failed_is_behind_a_cause_and_has_one_first(
    cases: list[tuple[str, str, str, str, bool]],
) -> None:
    summaries = {}
    for number, (verdict, note, rule, act, counts) in enumerate(cases):
        rules = [{**RULE, "id": rule}] if rule else []
        one = case(f"1.{number}", verdict, note=note, rules=rules, counts=counts, **did(act))
        summaries[one.id] = one
    found = causes_of(summaries)
    first = causes_by_case(found)
    assert {case_id for case_id, one in summaries.items() if one.failed} <= first.keys()
    assert len({cause.id for cause in found}) == len(found)
    assert causes_of(dict(reversed(summaries.items()))) == found


def test_records_with_wrong_types_have_causes_too() -> None:
    for number, record in enumerate(spoiled()):
        summary = summary_of({**record, "id": f"1.{number}"})
        assert all(cause.says and cause.again and cause.exchange is not None for cause in causes(summary))


def test_the_command_is_safe_to_copy() -> None:
    assert command_again("1.1.1", "server", "ws://h/?a=1&b=2") == "wsoracle test 'ws://h/?a=1&b=2' --select 1.1.1 -v"
    assert command_again("x; rm -rf /", "client", "") == "wsoracle serve --select 'x; rm -rf /'"
    assert "\n" not in command_again("a\nb", "server", "ws://h/\n")
