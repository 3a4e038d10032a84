"""A session answers each line, in order, and says of a conversation what the judge says of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.properties.judge.test_live import traces
from wsoracle.explore.attempts import Attempt
from wsoracle.model.notation.variables import State
from wsoracle.oracle import session as module
from wsoracle.oracle.schema_checks import NotOfSchema, check_of, schema
from wsoracle.oracle.session import SCHEMA, OracleSession
from wsoracle.properties.judge.judge import EVERYTHING, judge
from wsoracle.properties.judge.observation import Observation
from wsoracle.properties.traces.recorded import Recorded, trace_to_json

WHOLE = schema(SCHEMA)
START = {"cmd": "start", "version": 1}
OPEN = {"cmd": "open", "connection": "a", "role": "server", "opening": False}
PING = "898137fa213d56"
VALID = Draft202012Validator(WHOLE)


def ask(session: OracleSession, *questions: dict[str, Any]) -> list[dict[str, Any]]:
    answers = []
    for seq, question in enumerate(questions, 1):
        answers.append(json.loads(session.answer(json.dumps({"seq": seq, **question}).encode())))
        assert answers[-1].pop("seq") == seq
    return answers


def started(*, validate: bool = False) -> OracleSession:
    session = OracleSession(validate=validate)
    ask(session, START)
    return session


def refused(session: OracleSession, question: dict[str, Any]) -> str:
    [answer] = ask(session, question)
    return f"{answer['error']['kind']}: {answer['error']['message']}"


@settings(max_examples=25, deadline=None)
@given(traces())
def test_what_is_asked_line_by_line_is_what_the_judge_says(drawn: tuple[Attempt, tuple[Observation, ...]]) -> None:
    attempt, trace = drawn
    recorded = Recorded(trace, attempt.setting, attempt.application, False, frozenset(EVERYTHING))
    document = trace_to_json(recorded)
    asked = {key: document[key] for key in ("role", "application", "limit", "switches", "opening", "sees", "willing")}
    session = started()
    ask(session, {"cmd": "open", "connection": "other", "role": "client"}, {"cmd": "open", "connection": "a", **asked})
    known: dict[str, Any] = {"application": attempt.application, "sees": EVERYTHING, "start": State()}
    for number, row in enumerate(document["observations"], 1):
        [seen] = ask(session, {"cmd": "observe", "connection": "a", "observations": [row]})
        assert seen == {"conforms": judge(trace[:number], attempt.setting, **known).conforms}
    online, whole = ask(session, {"cmd": "judgement", "connection": "a"}, {"cmd": "judge", "trace": document})
    if not recorded.not_judged:
        assert online == whole
        assert online["judgement"]["verdict"] == recorded.judged().verdict.value
    assert ask(session, {"cmd": "explains", "connection": "other"}) == [{"conforms": True}]


def test_a_conversation() -> None:
    masked = {"cmd": "may_send", "connection": "a", "frame": {"opcode": 10, "payload": "61", "key": "00000001"}}
    answers = ask(
        started(validate=True),
        OPEN,
        {"cmd": "received", "connection": "a", "octets": PING},
        {"cmd": "owes", "connection": "a"},
        {"cmd": "may_send", "connection": "a", "octets": "8a0161"},
        masked,
        {"cmd": "sent", "connection": "a", "octets": "8a0161"},
        {"cmd": "owes", "connection": "a"},
        {"cmd": "sent", "connection": "a", "octets": "8a8000000000"},
        {"cmd": "explains", "connection": "a"},
        {"cmd": "close", "connection": "a"},
        OPEN,
        {"cmd": "explains", "connection": "a"},
    )
    assert answers[1] == answers[5] == answers[11] == {"conforms": True}
    assert answers[2] == {"owes": [{"what": "pong with payload 61", "rules": ["5.5.2/pong-owed"]}]}
    assert answers[3]["allowed"] and not answers[4]["allowed"]
    assert (answers[4]["verdict"], answers[4]["rules"]) == ("FAILED", ["5.1/server-does-not-mask"])
    assert answers[6] == {"owes": []}
    assert answers[7] == {"conforms": False}
    assert answers[8]["judgement"]["deciding"]["octet"] == 4


def test_octets_alone() -> None:
    request = "474554202f20485454502f312e310d0a486f73743a20610d0a0d0a"
    head = {"method": "GET", "target": "/", "fields": [["Host", "a"]]}
    encoded, decoded, of_head, written, part, no_head, explained, answer = ask(
        started(validate=True),
        {"cmd": "encode", "frame": {"opcode": 1, "payload": "61", "form": 1}},
        {"cmd": "decode", "octets": PING + "ff"},
        {"cmd": "decode", "octets": request + "00", "as": "request"},
        {"cmd": "encode", "head": head},
        {"cmd": "decode", "octets": request[:20], "as": "request"},
        {"cmd": "decode", "octets": "00", "as": "response"},
        {"cmd": "explain", "octets": "8100"},
        {"cmd": "explain", "octets": request, "as": "request"},
    )
    assert encoded == {"octets": "817e000161"}
    [frame] = decoded["frames"]
    assert (frame["opcode"], frame["payload"], frame["end"], decoded["rest"]) == (9, "61", 7, 1)
    assert of_head["head"] == {**head, "version": "1.1"} and of_head["rest"] == 1
    assert written == {"octets": request}
    assert part["head"] is None and part["malformed"] is None and part["rest"] == 10
    assert no_head["malformed"]
    assert explained["explanation"]["frames"][0]["rules"][0]["id"] == "5.1/server-refuses-unmasked"
    assert answer["explanation"]["absent"]


@pytest.mark.parametrize(
    "question, error",
    [
        ({"cmd": "fly"}, "question: cmd: expected one of start, judge,"),
        ({**START, "version": 2}, "state: version: 2 is not spoken here: ask for 1"),
        ({**OPEN, "role": "proxy"}, 'question: role: expected one of "server", "client", got "proxy"'),
        ({**OPEN, "extension": "x"}, "question: extension: there is no such field"),
        ({**OPEN, "connection": "b", "switches": {"code_1004": "no"}}, "question: switches: "),
        ({"cmd": "owes", "connection": "b"}, "state: connection: 'b' is not open: open it first"),
        (OPEN, "state: connection: 'a' is open: close it first, or choose another name"),
        ({"cmd": "sent", "connection": "a", "octets": "8"}, "question: octets: expected two hexadecimal digits for"),
        ({"cmd": "sent", "connection": "a"}, "question: octets: it is missing"),
        ({"cmd": "may_send", "connection": "a"}, "question: octets, frame: give one of the two"),
        ({"cmd": "observe", "connection": "a", "observations": [{"what": "sees"}]}, "question: observations[0].what: "),
        ({"cmd": "encode", "frame": {"opcode": 1, "form": 0, "payload": "61" * 126}}, "question: frame: a length of"),
        ({"cmd": "encode", "head": {"status": 101, "target": "/", "fields": []}}, "question: head: give method and"),
        ({"cmd": "explain", "octets": ""}, "question: octets: there are none to explain"),
        ({"cmd": "explain", "octets": "81", "as": "request", "limit": 1}, "question: limit: it says nothing of a"),
        ({"cmd": "judge", "trace": {"format": "wsoracle-trace", "version": 3}}, "question: version: 3 is neither 1"),
    ],
)  # fmt: skip
def test_an_error_is_an_answer_and_changes_nothing(question: dict[str, Any], error: str) -> None:
    session = started(validate=True)
    ask(session, OPEN, {"cmd": "received", "connection": "a", "octets": PING})
    assert refused(session, question).startswith(error)
    assert ask(session, {"cmd": "owes", "connection": "a"})[0]["owes"]


def test_nothing_is_answered_before_the_start() -> None:
    assert refused(OracleSession(), OPEN) == (
        'state: the session has not begun: ask {"seq":1,"cmd":"start","version":1} first'
    )


@pytest.mark.parametrize("line", [b"[]", b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5_000, b'{"seq":1', b"{}{}"])
def test_lines_that_are_no_object(line: bytes) -> None:
    session = started()
    answer = json.loads(session.answer(line))
    assert answer["seq"] is None and answer["error"]["kind"] == "json" and "give one" in answer["error"]["message"]
    assert ask(session, OPEN) == [{"connection": "a"}]


def test_what_connections_keep_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CONNECTIONS", 2)
    monkeypatch.setattr(module, "MOST_OCTETS", 10)
    monkeypatch.setattr(module, "MOST_OBSERVATIONS", 3)
    session = started()
    ask(session, OPEN, {**OPEN, "connection": "b"})
    assert refused(session, {**OPEN, "connection": "c"}) == "state: 2 connections are open: close some first"
    ping = {"cmd": "received", "connection": "a", "octets": PING}
    assert ask(session, ping) == [{"conforms": True}]
    assert refused(session, ping) == "state: too much is kept of the connections that are open: close some first"
    quiet = {"cmd": "observe", "connection": "b", "observations": [{"what": "processed"}] * 3}
    assert "too much is kept" in refused(session, quiet)
    ask(session, {"cmd": "close", "connection": "a"})
    assert ask(session, {**ping, "connection": "b"}) == [{"conforms": True}]


def test_a_fault_of_ours_does_not_end_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: OracleSession, question: dict[str, Any]) -> Any:
        raise RuntimeError("oh")

    monkeypatch.setattr(OracleSession, "_owes", broken)
    session = started()
    ask(session, OPEN)
    assert refused(session, {"cmd": "owes", "connection": "a"}) == "internal: RuntimeError: oh (please report it)"
    assert ask(session, {"cmd": "explains", "connection": "a"}) == [{"conforms": True}]


# --- fuzzing ----------------------------------------------------------------------------------------------------------

SAMPLES: Sequence[dict[str, Any]] = (
    START,
    OPEN,
    {**OPEN, "application": "echo", "limit": 5, "switches": {"code_1004": "refuse"}, "sees": ["text"]},
    {"cmd": "received", "connection": "a", "octets": PING},
    {"cmd": "sent", "connection": "a", "octets": "8a0161"},
    {"cmd": "observe", "connection": "a", "observations": [{"what": "tells", "kind": "ping", "payload": "61"}]},
    {"cmd": "may_send", "connection": "a", "frame": {"opcode": 8, "payload": "03e8", "fin": True, "key": None}},
    {"cmd": "owes", "connection": "a"},
    {"cmd": "explains", "connection": "a"},
    {"cmd": "judgement", "connection": "a"},
    {**OPEN, "willing": True, "profile": "letter"},
    {"cmd": "close", "connection": "a"},
    {"cmd": "encode", "frame": {"opcode": 8, "form": 2, "rsv1": True, "key": "01020304"}},
    {"cmd": "encode", "head": {"status": 101, "reason": "x", "version": "1.1", "fields": [["a", "b"]]}},
    {"cmd": "decode", "octets": PING, "as": "frames"},
    {"cmd": "explain", "octets": PING, "role": "server", "after": "", "limit": None},
    {"cmd": "judge", "trace": {"format": "wsoracle-trace", "version": 1, "role": "server", "observations": []}},
    {"cmd": "stop"},
)  # fmt: skip
JUNK = st.sampled_from(
    [None, True, -1, 0, 1, 16, 2**70, 1.5, "", "a", "61", "6", "server", [], [1], [["a"]], {}, {"what": "quiet"}]
)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A question with one member changed, taken away or added, anywhere in it."""
    question = {"seq": 1, **json.loads(json.dumps(draw(st.sampled_from(SAMPLES))))}
    inside: Any = question
    while True:
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        if not keys:
            break
        key = draw(st.sampled_from(keys))
        if isinstance(inside[key], (dict, list)) and inside[key] and draw(st.booleans()):
            inside = inside[key]
            continue
        how = draw(st.sampled_from(["change", "take away", "add"]))
        if how == "take away":
            del inside[key]
        elif how == "change" or isinstance(inside, list):
            inside[key] = draw(JUNK)
        else:
            inside[draw(st.sampled_from(["role", "octets", "frame", "as", "x"]))] = draw(JUNK)
        break
    return question


@settings(max_examples=150, deadline=None)
@given(st.lists(mutated(), min_size=1, max_size=6), st.data())
def test_each_line_has_one_answer_in_order_and_none_raises(questions: list[Any], data: st.DataObject) -> None:
    session = started()
    for seq, question in enumerate(questions):
        line = json.dumps({**question, "seq": seq} if "seq" in question else question).encode()
        if data.draw(st.booleans()):
            at = data.draw(st.integers(0, len(line)))
            line = line[:at] + data.draw(st.binary(max_size=3)).replace(b"\n", b"") + line[at + 1 :]
        answer = json.loads(session.answer(line))
        VALID.validate(answer)
        assert answer["seq"] in (seq, None) or "error" in answer or seq != answer["seq"]
        assert answer.get("error", {}).get("kind") != "internal", answer


@settings(max_examples=150, deadline=None)
@given(mutated())
def test_the_compiled_checks_are_the_schema(question: Any) -> None:
    questions = WHOLE["$defs"]["questions"]
    cmd = question.get("cmd")
    part = questions.get(cmd if isinstance(cmd, str) else "", questions["owes"])
    try:
        check_of(part, WHOLE)(question, "")
        passes = True
    except NotOfSchema:
        passes = False
    assert passes is Draft202012Validator({**part, "$defs": WHOLE["$defs"]}).is_valid(question)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(WHOLE)
    assert set(WHOLE["$defs"]["questions"]) == set(WHOLE["$defs"]["answers"])
    assert {sample["cmd"] for sample in SAMPLES} == set(WHOLE["$defs"]["questions"])


def test_a_connection_that_agreed_on_compression_before_is_followed() -> None:
    """The masked Hello of section 7.2.3.1 of RFC 7692, sent back; without the agreement it is not allowed."""
    hello = {"cmd": "received", "connection": "a", "octets": "c18700000000f248cdc9c90700"}
    echo = {"cmd": "sent", "connection": "a", "octets": "c107f248cdc9c90700"}
    agreed = OPEN | {"extensions": "permessage-deflate; client_max_window_bits=9", "application": "echo"}
    for opened, conforms in ((agreed, True), (OPEN, False)):
        *_, last = ask(started(), opened, hello, echo)
        assert last["conforms"] is conforms
    for wrong in ({"extensions": "x-private"}, {"extensions": "permessage-deflate", "opening": True}):
        (answer,) = ask(started(), OPEN | wrong)
        assert answer["error"]["kind"] == "question" and answer["error"]["message"].startswith("extensions: ")
