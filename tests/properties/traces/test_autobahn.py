"""Reports of Autobahn: what their log shows is a trace, and what it does not show is not made up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.model.facts.heads import response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.masking_keys import CountedKeys
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, ClosesTcp, Quiet, Writes
from wsoracle.properties.judge.verdict import Verdict
from wsoracle.properties.traces.autobahn import is_autobahn_report, trace_of_report
from wsoracle.properties.traces.recorded import TraceError

REQUEST = sample_request(RequestFacts())
ASKS, OPENS = REQUEST.octets(), response_octets(ResponseFacts(), REQUEST)
NORMAL = (1000).to_bytes(2, "big")


def octets_row(kind: str, octets: bytes) -> list[Any]:
    shown = octets.hex() if len(octets) <= 60 else octets[:64].hex() + " ..."
    return [kind, [len(octets), shown], *([False] if kind == "TO" else [])]


def frame_row(kind: str, frame: Frame) -> list[Any]:
    try:
        text = frame.payload.decode()
        cut = text if len(text) <= 60 else text[:64] + " ..."
    except UnicodeDecodeError:
        cut = "0x" + (frame.payload.hex() if frame.length <= 60 else frame.payload[:64].hex() + " ...")
    rsv = frame.rsv1 << 2 | frame.rsv2 << 1 | frame.rsv3
    mask = None if frame.key is None else frame.key.hex()
    fields = [frame.opcode, frame.fin, rsv]
    more = [frame.masked, mask] if kind == "RF" else [mask, None, None, False]
    return [kind, [frame.length, cut], *fields, *more]


def report(role: Role, *steps: tuple[str, Frame] | list[Any], **changes: Any) -> dict[str, Any]:
    """A report on an endpoint of a role; of a step, "to" is what the suite sends, "from" what it gets."""
    first, second = ("TO", ASKS), ("RO", OPENS)
    if role is Role.CLIENT:
        first, second = ("RO", ASKS), ("TO", OPENS)
    rows = [octets_row(*first), octets_row(*second)]
    keys = CountedKeys()
    for step in steps:
        if isinstance(step, list):
            rows.append(step)
            continue
        to, frame = step[0] == "to", step[1]
        if (role is Role.SERVER) is to:
            frame = Frame(frame.opcode, frame.payload, frame.fin, key=keys())
        octets, shown = octets_row("TO" if to else "RO", encode(frame)), frame_row("TF" if to else "RF", frame)
        rows += [shown, octets] if to else [octets, shown]
    return {
        "isServer": role is Role.CLIENT,
        "createWirelog": True,
        "wirelog": rows,
        "httpRequest": ASKS.decode(),
        "httpResponse": OPENS.decode(),
        "droppedByMe": role is Role.CLIENT,
        **changes,
    }


def both(frame: Frame) -> list[tuple[str, Frame]]:
    return [("to", frame), ("from", frame)]


END = both(Frame(CLOSE, NORMAL))


@pytest.mark.parametrize("role", Role)
def test_a_report_is_judged_in_the_role_that_the_suite_does_not_have(role: Role) -> None:
    document = report(role, *both(Frame(TEXT, b"hello")), *END)
    assert is_autobahn_report(document)
    recorded = trace_of_report(document)
    assert recorded.setting.role is role and recorded.opening
    assert recorded.trace[-1] == (ClosesTcp() if role is Role.SERVER else ArrivesEof())
    assert recorded.judged().verdict is Verdict.OK
    wrong = report(role, ("to", Frame(TEXT, b"hello")), ("from", Frame(TEXT, b"hallo")), *END)
    judgement = trace_of_report(wrong).judged()
    assert judgement.verdict is Verdict.INFORMATIONAL and judgement.octet == len(OPENS if role is Role.SERVER else ASKS)
    assert trace_of_report(wrong, "unknown").judged().verdict is Verdict.OK


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.builds(Frame, st.just(TEXT), st.text(max_size=70).map(str.encode)),
            st.builds(Frame, st.sampled_from([BINARY, PING]), st.binary(max_size=70)),
        ),
        max_size=5,
    ),
    st.sampled_from(list(Role)),
)
def test_the_octets_are_those_that_crossed_the_wire_or_there_are_none(frames: list[Frame], role: Role) -> None:
    answers = [(f, Frame(PONG, f.payload) if f.opcode == PING else f) for f in frames]
    steps = [step for f, answer in answers for step in (("to", f), ("from", answer))]
    document = report(role, *steps, *END)
    try:
        recorded = trace_of_report(document)
    except TraceError as error:
        assert any(frame.length > 54 for frame in frames), error
        assert str(error).startswith("the wire log is cut, so that it cannot be judged")
        return
    keys = CountedKeys()
    sent = [Frame(f.opcode, f.payload, key=keys() if role is Role.SERVER else None) for f in (*frames, END[0][1])]
    head = ASKS if role is Role.SERVER else OPENS
    assert b"".join(o.octets for o in recorded.trace if isinstance(o, Arrives)) == head + b"".join(map(encode, sent))
    assert recorded.judged().verdict is Verdict.OK


def test_what_is_cut_matters_only_where_a_rule_asks_for_it() -> None:
    binary = report(Role.SERVER, *both(Frame(BINARY, b"\xff" * 1000)), *END)
    for application, fine in (("echo", False), ("sink", True), ("unknown", True)):
        if not fine:
            with pytest.raises(TraceError, match="1000 octets of payload in frame 1 that was sent"):
                trace_of_report(binary, application)  # type: ignore[arg-type]
            continue
        recorded = trace_of_report(binary, application)  # type: ignore[arg-type]
        assert sum(len(o.octets) for o in recorded.trace if isinstance(o, Writes)) == len(OPENS) + 1004 + 4
    text = report(Role.SERVER, *both(Frame(TEXT, b"a" * 1000)), *END)
    with pytest.raises(TraceError, match="cut"):
        trace_of_report(text, "unknown")


def test_a_timer_that_ran_out_is_silence_where_nothing_came() -> None:
    ping = Frame(PING, b"a")
    silent = trace_of_report(report(Role.SERVER, ("to", ping), ["KL", 1], ["KLE"], droppedByMe=True))
    assert Quiet() in silent.trace and silent.judged().rules == ("5.5.2/pong-owed",)
    answered = report(Role.SERVER, ("to", ping), ["KL", 1], ("from", Frame(PONG, b"a")), ["KLE"])
    assert Quiet() not in trace_of_report(answered).trace
    waited = report(Role.SERVER, ("to", Frame(CLOSE, NORMAL)), wasCloseHandshakeTimeout=True, droppedByMe=True)
    assert trace_of_report(waited).judged().rules == ("5.5.1/close-owed",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"isServer": None}, "isServer"),
        ({"wirelog": {}}, "no list of rows"),
        ({"wirelog": [[]]}, "no list of rows"),
        ({"wirelog": []}, "no wire log"),
        ({"createWirelog": False}, "no wire log"),
        ({"wirelog": [["WLM", False]]}, "stops before the end"),
        ({"wirelog": [["TO", [3, "00"], False]]}, "shows 1 of 3 octets"),
        ({"wirelog": [["TO", [1, "0"], False]]}, "no length and octets"),
        ({"wirelog": [["TO", [1 << 40, "00" * 64 + " ..."], False]]}, "does not fit"),
        ({"wirelog": [["TO", [-1, ""], False]]}, "does not fit"),
        ({"wirelog": [["TO"]]}, "no length and octets"),
        ({"wirelog": [["TF", [1, "a"], 99, True, 0, None, None, None, False]]}, "not that of a frame"),
        ({"wirelog": [["RF", "x"]]}, "not that of a frame"),
        ({"httpRequest": 3}, "httpRequest: it is no text"),
        ({"httpRequest": "?"}, "head of HTTP that was sent is not there"),
        ({"httpRequest": ASKS.decode().replace("GET", "PUT")}, "not the one in the log"),
        ({"droppedByMe": "no"}, "droppedByMe"),
    ],
)
def test_what_is_no_report_or_not_enough_is_said_in_one_sentence(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(TraceError, match=words) as caught:
        trace_of_report({**report(Role.SERVER, *END), **changes})
    assert "\n" not in str(caught.value)


def test_rows_that_do_not_fit_the_octets_are_not_believed() -> None:
    document = report(Role.SERVER, *both(Frame(TEXT, b"b" * 70)), *END)
    for row in document["wirelog"]:
        if row[0] == "TF":
            row[1][0] += 1
    with pytest.raises(TraceError, match="not where it should be"):
        trace_of_report(document)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from((float("inf"), "", "TO", "x", "8101")),
    lambda inside: st.lists(inside, max_size=8) | st.dictionaries(st.text(max_size=3), inside, max_size=2),
    max_leaves=8,
)


@given(st.data())
@settings(max_examples=400)
def test_whatever_stands_in_a_report_is_read_or_refused_in_one_sentence(data: st.DataObject) -> None:
    whole = report(Role.SERVER, *both(Frame(TEXT, b"hello")), ("to", Frame(BINARY, b"\xff" * 9)), *END)
    if data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(whole)))
        whole = {key: value for key, value in whole.items() if key != name}
        if data.draw(st.booleans()):
            whole[name] = data.draw(anything)
    else:
        rows = [list(row) for row in whole["wirelog"]]
        row = data.draw(st.integers(0, len(rows) - 1))
        rows[row][data.draw(st.integers(0, len(rows[row]) - 1))] = data.draw(anything)
        whole["wirelog"] = rows
    try:
        trace_of_report(whole)
    except TraceError as error:
        assert "\n" not in str(error)
