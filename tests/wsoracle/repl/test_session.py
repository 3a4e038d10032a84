"""The terminal's explorer: histories go as in the model and read as on the site; what is wrong is said in a line."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.drawn import frames
from wsoracle.commands.repl import command
from wsoracle.model.notation.variables import CONNECTING, State
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import Frame, Role
from wsoracle.properties.traces.recorded import trace_from_json
from wsoracle.repl.commands import ReplSession
from wsoracle.site.histories import HistoryError, frame_text, read_unit, run_text
from wsoracle.site.world import ExploredWorld
from wsoracle.spec.player import after_words, play
from wsoracle.spec.runs import OPENINGS, RUNS

CLOSING = ["c code=1000 opcode=8", "s take", "s code=1000 opcode=8", "c take"]
"""A client begins to close, and the server answers."""


def answered(session: ReplSession, *lines: str) -> list[str]:
    """The answer to the last of some lines."""
    found: list[str] = []
    for line in lines:
        found = session.answer(line)
    return found


def test_example_runs_go_as_in_the_model() -> None:
    every = [(run_text(steps, "open"), play(steps, State())) for steps in RUNS.values()]
    every += [(run_text(steps, "connect"), play(steps, CONNECTING)) for steps in OPENINGS.values()]
    for text, told in every:
        world = ExploredWorld(text.partition(";")[0])
        after = []
        for action in text.split(";")[1:]:
            entry = world.act(action)
            if entry.who is not None:
                end = world.ends[entry.who]
                after.append((entry.who, entry.rules, after_words(end.state, end.setting)))
        assert after == [(step.who, step.rules, step.after) for step in told], text
        assert world.text == text


@given(st.lists(frames(Role.CLIENT) | frames(Role.SERVER), min_size=20, max_size=40))
@settings(max_examples=2)
def test_a_frame_written_is_read_again(drawn: list[Frame]) -> None:
    for frame in drawn:
        text = frame_text(frame)
        if "*" not in text or frame.length <= 1 << 20:
            again = read_unit(text)
            assert isinstance(again, Frame) and encode(again) == encode(frame), text


def test_the_server_closes_tcp_first_and_the_rule_says_why() -> None:
    shown = "\n".join(answered(ReplSession(), *CLOSING))
    assert "the server must       close TCP  [5.5.1/server-tcp-close-owed" in shown
    assert "MUST close the underlying TCP connection immediately" in shown
    assert "the client may        close TCP" not in shown


def test_a_number_does_what_stands_there_and_undo_takes_it_back() -> None:
    session = ReplSession()
    before = session.world.text
    assert session.answer("3")[0].startswith("1. the client sends Ping")
    assert any("5.5.2/ping" in line for line in session.answer("why 5"))
    assert session.answer("undo") == list(ReplSession().shown())
    assert session.world.text == before
    session.answer("you client")
    assert session.world.text == "open,you=client"
    assert "sent by you" in session.answer("c opcode=3")[0]


def test_octets_of_frames_and_heads_are_taken() -> None:
    session = ReplSession("connect")
    request = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    request += b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    answered(session, f"c {request.hex()}", "s take", "s response", "c take", "s 89 00 81 00")
    assert session.world.text == "connect;c:request;s:take;s:response;c:take;s:9f.-.;s:1f.-."
    link = session.answer("link")[0]
    assert ReplSession(f"https://x.example/{link}").world.text == session.world.text


def test_the_trace_of_an_end_is_one_for_the_judge() -> None:
    lines = [*CLOSING, "s end", "c take", "c end"]
    session = ReplSession()
    answered(session, *lines)
    for role in Role:
        (text,) = session.answer(f"trace {role.value}")
        assert trace_from_json(json.loads(text)).judged().verdict == "OK"
    (text,) = answered(ReplSession(), "s opcode=3", "trace server")
    assert trace_from_json(json.loads(text)).judged().rules == ("5.2/defined-opcodes-only",)


@given(st.lists(st.sampled_from(["Hello", "Hello, Hello", "", "\u00e4"]), min_size=1, max_size=3), st.booleans())
@settings(max_examples=4)
def test_compressed_messages_are_read_as_the_judge_reads_them(texts: list[str], echo: bool) -> None:
    session = ReplSession(f"open,agreed=client_max_window_bits=9,echo={int(echo)}")
    for text in texts:
        taken = answered(session, f"c deflate='{text}'", "s take")
        assert "accept: text message" in taken[0], taken[0]
        if echo:
            assert "allowed" in session.answer(f"s deflate='{text}'")[0]
            session.answer("c take")
    for role in Role:
        (trace,) = session.answer(f"trace {role.value}")
        assert trace_from_json(json.loads(trace)).judged().rules == ()


def test_faults_of_compressed_messages_are_found() -> None:
    agreed = "agreed permessage-deflate; client_no_context_takeover"
    again = "c rsv1=1 hex=f200110000"  # RFC 7692, section 7.2.3.2: a reference to the Hello before it
    assert "forbidden" in answered(ReplSession(), agreed, "c deflate=Hello", again)[0]
    assert "allowed" in answered(ReplSession(), "agreed permessage-deflate", "c deflate=Hello", again)[0]
    assert "fail 1007" in answered(ReplSession(), agreed, "c rsv1=1 hex=ff", "s take")[0]
    assert "forbidden" in answered(ReplSession(), "c deflate=Hello")[0]
    assert "does not inflate" in answered(ReplSession(), agreed, "link")[1]
    assert len(answered(ReplSession(), "link")) == 1


def test_a_handshake_agrees_on_compression() -> None:
    session = ReplSession("connect")
    for words in ("that offers permessage-deflate", "has come: accept it", "that agrees on", "has come: accept it"):
        number = next(line.split()[0] for line in session.shown() if words in line)
        session.answer(number)
    assert "allowed" in session.answer("s deflate=Hello")[0]
    assert "accept: text message" in session.answer("c take")[0]
    (trace,) = session.answer("trace client")
    assert trace_from_json(json.loads(trace)).judged().rules == ()


def test_an_answer_is_compared_with_the_request_that_was_given_in_octets() -> None:
    """Its parameters are in no fact of the request."""
    request = (
        b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    )
    answer = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10\r\n\r\n"
    )
    session = ReplSession("connect")
    answered(session, f"c {request.hex()}", "s take")
    assert "allowed" in session.answer(f"s {answer.hex()}")[0]
    assert "accept" in session.answer("c take")[0]
    assert session.world.ends[Role.CLIENT].state.send_window == 1 << 10
    (trace,) = session.answer("trace server")
    assert trace_from_json(json.loads(trace)).judged().rules == ()


def test_a_rule_is_broken_and_mended() -> None:
    session = ReplSession()
    shown = answered(session, "you client", "break 5.5.2/ping~drop")
    assert shown[0] == "a rule of the server is broken: 5.5.2/ping, the rule is missing"
    assert not any("reply" in line and "pong" in line for line in answered(session, "c opcode=9", "s take"))
    assert session.world.text.startswith("open,broken=5.5.2/ping~drop,you=client;")
    assert "5.5.2/ping" in answered(session, "mend", "c opcode=9", "s take")[0]
    done = CliRunner().invoke(command, ["--broken", "5.5.2/ping~drop", "--extensions", "permessage-deflate"], input="")
    assert "a rule of both ends is broken" in done.stdout and "agreed on before: permessage-deflate" in done.stdout
    assert CliRunner().invoke(command, ["--broken", "x"], input="").exit_code == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("frobnicate", "say help"), ("99", "from 1 to 8"), ("c 8", "pairs of hex digits"), ("c 81", "no whole frame"),
        ("s take", "nothing is under way"), ("c opcode=x", "opcode=0x9"), ("c colour=1", "the fields of a frame"),
        ("why", "one number"), ("you bob", "client, server or nobody"), ("load nonsense", "begins with open"),
        ("c request", "cannot send"), ("trace", "client or server"), ("c '", "quotation"), ("c", "say help"),
        ("load open,broken=x", "RULE~CHANGE"), ("break 5.5.2/ping", "5.5.2/ping~drop"),
        ("agreed x-other", "only permessage-deflate"), ("agreed permessage-deflate; x", "no answer of"),
        ("load connect,agreed=", "opening handshake says"), ("load open,switch_x=1", "the settings are"),
        ("load open;c:begin.1", "site alone"),
    ],
)  # fmt: skip
def test_wrong_lines_get_one_line_that_says_what_to_do(line: str, said: str) -> None:
    session = ReplSession()
    with pytest.raises(HistoryError, match=said) as error:
        session.answer(line)
    assert "\n" not in str(error.value)


def test_a_script_is_read_from_standard_input() -> None:
    done = CliRunner().invoke(command, [], input="c opcode=9 payload=hi\n\nnonsense\nhistory\nquit\nlink\n")
    assert done.exit_code == 1
    assert "nonsense: no command" in done.stderr
    assert "1. the client sends Ping: allowed  [5.5.2/send-ping]" in done.stdout
    assert "explorer.html" not in done.stdout and "\x1b" not in done.stdout
    assert CliRunner().invoke(command, ["connect"], input="help\n").exit_code == 0
