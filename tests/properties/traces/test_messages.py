"""Formats that show heads and messages, and the net logs of a browser, which may show all octets."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture_files import ANSWER, KEY, REQUEST
from wsoracle.properties.traces.recorded import TraceError
from wsoracle.properties.traces.registry import FileRead, read_file

ASKED = {"Host": "a.example", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY}
ASKED |= {"Sec-WebSocket-Version": "13"}
ANSWERED = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}
UNSEEN = "frames, control frames and the end of the connection are not shown, and are not judged"


def har(asked: dict[str, str], answered: dict[str, str], messages: list[Any]) -> bytes:
    def fields(of: dict[str, str]) -> list[dict[str, str]]:
        return [{"name": name, "value": value} for name, value in of.items()]

    sent = {
        "method": "GET",
        "url": "wss://a.example/b?c#d",
        "httpVersion": "http/1.1",
        "headers": fields(asked),
    }
    got = {"status": 101, "statusText": "Switching Protocols", "httpVersion": "HTTP/1.1", "headers": fields(answered)}
    page = {"request": {"method": "GET", "url": "https://a.example/"}}
    entries = [page, {"request": sent, "response": got, "_webSocketMessages": messages}]
    return json.dumps({"log": {"version": "1.2", "entries": entries}}).encode()


def message(kind: str, opcode: int, data: str, time: float = 5.5) -> dict[str, Any]:
    return {"type": kind, "time": time, "opcode": opcode, "data": data}


def netstring(value: Any) -> bytes:
    match value:
        case None:
            octets, kind = b"", b"~"
        case bool():
            octets, kind = (b"true" if value else b"false"), b"!"
        case int():
            octets, kind = b"%d" % value, b"#"
        case float():
            octets, kind = repr(value).encode(), b"^"
        case bytes():
            octets, kind = value, b","
        case str():
            octets, kind = value.encode(), b";"
        case list():
            octets, kind = b"".join(map(netstring, value)), b"]"
        case _:
            octets, kind = b"".join(netstring(one) for pair in value.items() for one in pair), b"}"
    return b"%d:%b%b" % (len(octets), octets, kind)


def flow(asked: dict[str, str], answered: dict[str, str], messages: list[Any]) -> bytes:
    def fields(of: dict[str, str]) -> list[list[bytes]]:
        return [[name.encode(), value.encode()] for name, value in of.items()]

    request = {"method": b"GET", "path": b"/b?c", "http_version": b"HTTP/1.1", "headers": fields(asked)}
    response = {"http_version": b"HTTP/1.1", "status_code": 101, "reason": b"", "headers": fields(answered)}
    return netstring(
        {
            "version": 20,
            "type": "http",
            "request": {"host": "a.example", "port": 443, **request},
            "response": response,
            "websocket": {"messages": messages, "close_code": 1005},
        }
    )


def verdicts(file: FileRead) -> list[tuple[str, tuple[str, ...]]]:
    judgements = [trace.recorded.judged() for trace in file.traces]
    return [(judgement.verdict.value, judgement.rules) for judgement in judgements]


FINE: list[tuple[str, tuple[str, ...]]] = [("OK", ()), ("OK", ())]
HAR_MESSAGES = [message("send", 1, "hé"), message("receive", 2, "gQU="), message("receive", 1, "")]
MITM_MESSAGES = [
    [1, True, b"h\xc3\xa9", 5.5, False, False],
    [2, False, b"\x81\x05", 6.5],
    [1, False, b"", 7.0, False, False],
]


@pytest.mark.parametrize("octets", [har(ASKED, ANSWERED, HAR_MESSAGES), flow(ASKED, ANSWERED, MITM_MESSAGES)])
def test_heads_and_messages_are_judged(octets: bytes) -> None:
    file = read_file(octets)
    assert verdicts(file) == FINE
    assert [trace.notes for trace in file.traces] == [(UNSEEN,)] * 2
    assert all(trace.recorded.opening for trace in file.traces)
    assert "a.example" in file.traces[0].connection


@pytest.mark.parametrize("form", [har, flow])
def test_a_wrong_value_in_a_head_is_found(form: Any) -> None:
    wrong = {**ANSWERED, "Sec-WebSocket-Accept": "A" * 27 + "="}
    assert verdicts(read_file(form(ASKED, wrong, [])))[1] == ("FAILED", ("4.2.2/send-accept",))


@pytest.mark.parametrize("form", [har, flow])
def test_heads_that_an_editor_shortened_accuse_nobody(form: Any) -> None:
    for name in ASKED:
        without = {key: value for key, value in ASKED.items() if key != name}
        for asked in (without, {**ASKED, "Sec-WebSocket-Key": "[redacted]"}, {**ASKED, ":authority": "a"}):
            file = read_file(form(asked, ANSWERED, []))
            assert [trace.recorded.opening for trace in file.traces] == [False, False]
            assert "the opening handshake is not shown whole, and is not judged" in file.traces[0].notes


def test_invalid_utf_8_in_a_message_is_found() -> None:
    file = read_file(flow(ASKED, ANSWERED, [[1, True, b"\xff", 1.5]]))
    assert verdicts(file)[0][0] == "FAILED"


def test_a_connection_is_judged_up_to_what_is_shown() -> None:
    bad = read_file(har(ASKED, ANSWERED, [message("send", 1, "a"), message("error", -1, ""), message("send", 1, "b")]))
    assert [len(trace.recorded.trace) for trace in bad.traces] == [3, 3]
    assert "a message is not shown as octets: judged up to there" in bad.traces[0].notes
    odd = read_file(har(ASKED, ANSWERED, [message("send", 9, ""), message("send", 2, "no base64")]))
    assert [len(trace.recorded.trace) for trace in odd.traces] == [2, 2]
    assert "what is neither a text nor a binary message is left out" in odd.traces[0].notes
    made = read_file(flow(ASKED, ANSWERED, [[1, True, b"a", 1.5, False, True], [1, True, b"b", 2.5]]))
    assert [len(trace.recorded.trace) for trace in made.traces] == [2, 2]
    cut = read_file(flow(ASKED, ANSWERED, MITM_MESSAGES) + flow(ASKED, ANSWERED, [])[:-9])
    assert cut.notes == ("the file ends inside a flow, or what follows is none: it is read up to there",)


def net_log(events: list[dict[str, Any]]) -> bytes:
    types = {
        "SOCKET_BYTES_SENT": 1,
        "SOCKET_BYTES_RECEIVED": 2,
        "SSL_SOCKET_BYTES_SENT": 3,
        "SSL_SOCKET_BYTES_RECEIVED": 4,
    }
    lines = ",\n".join(json.dumps(event) for event in events)
    return f'{{"constants":{json.dumps({"logEventTypes": types})},\n"events": [\n{lines}]}}\n'.encode()


def event(kind: int, octets: bytes | None, source: int = 7) -> dict[str, Any]:
    params = {} if octets is None else {"byte_count": len(octets), "bytes": base64.b64encode(octets).decode()}
    return {"params": params, "phase": 0, "source": {"id": source, "type": 9}, "time": "123456", "type": kind}


CLOSE = b"\x88\x80abcd"
LOGGED = [(1, REQUEST), (2, ANSWER), (1, CLOSE), (2, b"\x88\x00"), (2, b"")]


def test_octets_of_a_browser_are_judged() -> None:
    plain = [event(kind, octets) for kind, octets in LOGGED]
    secure = [event(kind + 2, octets, 8) for kind, octets in LOGGED] + [event(1, b"\x16\x03", 8)]
    file = read_file(net_log([*plain, *secure, event(1, b"GET / HTTP/1.1\r\n\r\n", 9)]))
    assert verdicts(file) == FINE * 2
    assert [trace.connection for trace in file.traces] == ["socket 7", "socket 7", "socket 8", "socket 8"]
    unmasked = [event(kind, octets) for kind, octets in [*LOGGED[:2], (1, b"\x88\x00")]]
    assert verdicts(read_file(net_log(unmasked)))[0] == ("FAILED", ("5.1/client-masks",))


def test_a_log_without_an_end_is_read_and_one_without_octets_is_not() -> None:
    whole = net_log([event(kind, octets) for kind, octets in LOGGED])
    file = read_file(whole[:-40])
    assert (verdicts(file), len(file.notes)) == (FINE, 1)
    with pytest.raises(TraceError, match="record it with raw bytes"):
        read_file(net_log([event(kind, None) for kind, _ in LOGGED]))
    with pytest.raises(TraceError, match="no WebSocket connection is in it"):
        read_file(net_log([]))


@given(st.binary(max_size=30), st.integers(0, 600), st.sampled_from([0, 1, 2]), st.integers(0, 30))
def test_damage_is_said_in_one_sentence(inserted: bytes, at: int, which: int, left_out: int) -> None:
    files = (har(ASKED, ANSWERED, HAR_MESSAGES), flow(ASKED, ANSWERED, MITM_MESSAGES), net_log([event(1, REQUEST)]))
    octets = files[which]
    at %= len(octets)
    try:
        read_file(octets[:at] + inserted + octets[at + left_out :])
    except TraceError as error:
        assert "\n" not in str(error)
