"""The deciding octet: the one at fault, in what the endpoint wrote or in what it overlooked of its peer."""

from __future__ import annotations

import pytest

from tests.model.facts.test_places import frames_at_fault
from wsoracle.model.facts.heads import SAMPLE_KEY, request_octets, response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, value_of
from wsoracle.model.notation.variables import CONNECTING, EventKind, Setting, State
from wsoracle.model.octets.accept_key import accept_value
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, ClosesTcp, Observation, Quiet, Writes

SERVER, CLIENT = Setting(Role.SERVER), Setting(Role.CLIENT)
REQUEST = sample_request(RequestFacts())
ASKS, OPENS = REQUEST.octets(), response_octets(ResponseFacts(), REQUEST)
KEY = bytes.fromhex("37fa213d")


def octets(text: str) -> bytes:
    return bytes.fromhex(text)


def key_of(sender: Role) -> bytes | None:
    return KEY if sender is Role.CLIENT else None


def place(judgement: Judgement) -> tuple[str, int | None]:
    return judgement.direction, judgement.octet


@pytest.mark.parametrize(
    ("role", "trace", "rule", "where"),
    [
        (Role.SERVER, [Writes(octets("8a00 8980 00000000"))], "5.1/server-does-not-mask", ("written", 3)),
        (Role.CLIENT, [Writes(octets("8900"))], "5.1/client-masks", ("written", 1)),
        (Role.SERVER, [Writes(octets("8104 61ff6262"))], "5.6/text-is-utf8", ("written", 3)),
        (Role.SERVER, [Writes(octets("0101 e2 8003 82acff"))], "5.6/text-is-utf8", ("written", 7)),
        (Role.SERVER, [Writes(octets("a900"))], "5.2/reserved-bits-zero", ("written", 0)),
        (Role.SERVER, [Writes(octets("880203ed")), ClosesTcp()], "7.4.1/send-code-1005", ("written", 2)),
        (Role.SERVER, [Writes(octets("827e0001 61"))], "5.2/send-minimal-length", ("written", 1)),
        (Role.SERVER, [Arrives(octets("8980 00000000")), Quiet()], "5.5.2/pong-owed", ("written", None)),
    ],
)
def test_the_octet_at_fault(role: Role, trace: list[Observation], rule: str, where: tuple[str, int | None]) -> None:
    judgement = judge(trace, Setting(role))
    assert rule in judgement.rules
    assert place(judgement) == where


def test_a_fault_of_the_peer_that_is_overlooked_is_in_what_arrived() -> None:
    """The mask bit of the second frame, and the first octet that is no UTF-8."""
    ping, pong = encode(Frame(PING, b"x", key=KEY)), Writes(encode(Frame(PONG, b"x")))
    later, answered = encode(Frame(PING, b"y", key=KEY)), Writes(encode(Frame(PONG, b"y")))
    unmasked = judge([Arrives(ping + octets("8100") + later), pong, answered, Quiet()], SERVER, application="sink")
    assert unmasked.rules[:1] == ("5.1/server-refuses-unmasked",) and place(unmasked) == ("arrived", len(ping) + 1)
    bad = Arrives(octets("8104 6162ff63") + encode(Frame(PING, b"x")))
    text = judge([bad, Writes(encode(Frame(PONG, b"x", key=KEY))), Quiet()], CLIENT)
    assert text.rules[:1] == ("8.1/invalid-text",) and place(text) == ("arrived", 4)


def test_a_rule_that_is_not_certain_decides_no_octet() -> None:
    """The server may have overlooked the faulty Ping, or failed without a Close; what it sends after TCP is certain."""
    faulty = encode(Frame(TEXT, b"a", key=KEY)) + encode(Frame(PING, fin=False, key=KEY))
    news, late = encode(Frame(TEXT, b"news")), Writes(octets("0600"))
    judgement = judge([Arrives(faulty), ArrivesEof(), Writes(news), ClosesTcp(), late], SERVER)
    assert "7.1.4/nothing-when-closed" in judgement.rules
    assert place(judgement) == ("written", len(news))


def test_every_fault_in_a_frame_that_is_sent_is_placed_in_it() -> None:
    placed = set()
    for setting, state, event, rule, sent in frames_at_fault():
        if event.kind is EventKind.SEND and state == State():
            judgement = judge([Writes(sent)], setting)
            if rule.id in judgement.rules:
                assert judgement.direction == "written"
                assert judgement.octet is not None and judgement.octet < len(sent)
                placed.add((rule.id, judgement.octet))
    assert {name for name, at in placed if at == 0} >= {"5.2/reserved-bits-zero", "5.4/control-not-fragmented"}
    assert {name for name, at in placed if at == 1} >= {"5.1/client-masks", "5.5/control-length"}
    assert len({name for name, at in placed if at > 1}) >= 6  # codes, reasons and texts


def test_every_fault_of_the_peer_that_is_overlooked_is_placed_in_what_arrived() -> None:
    """The Pong of a Ping after it shows that the connection was not failed."""
    placed = set()
    for setting, state, event, rule, sent in frames_at_fault():
        if event.kind is EventKind.RECEIVE and state == State():
            ping = encode(Frame(PING, b"after", key=key_of(setting.role.peer)))
            pong = encode(Frame(PONG, b"after", key=key_of(setting.role)))
            judgement = judge([Arrives(sent + ping), Writes(pong), Quiet()], setting)
            if judgement.rules[:1] == (rule.id,):
                assert judgement.direction == "arrived"
                assert judgement.octet is not None and judgement.octet < len(sent)
                placed.add(rule.id)
    assert len(placed) > 8


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (RequestFacts(method_get=False), b"POST "),
        (RequestFacts(connection=value_of("connection", "without Upgrade")), b"Connection: keep-alive"),
        (RequestFacts(key=value_of("key", "absent")), b"\r\n"),
    ],
)
def test_a_request_that_should_be_refused_is_at_fault_in_its_line(facts: RequestFacts, line: bytes) -> None:
    asked = request_octets(facts)
    accept = accept_value(SAMPLE_KEY if SAMPLE_KEY.encode() in asked else "").encode()
    accepted = OPENS.replace(accept_value(SAMPLE_KEY).encode(), accept)
    judgement = judge([Arrives(asked), Writes(accepted), Quiet()], SERVER, start=CONNECTING)
    assert judgement.direction == "arrived" and judgement.octet is not None
    assert asked[judgement.octet :].startswith(line)


def test_an_answer_that_is_not_as_it_must_be_is_at_fault_in_its_line() -> None:
    wrong = OPENS.replace(b"Upgrade: websocket", b"Upgrade: h2c")
    judgement = judge([Arrives(ASKS), Writes(wrong), Quiet()], SERVER, start=CONNECTING)
    assert judgement.direction == "written" and judgement.octet == wrong.index(b"Upgrade: h2c")
    opened = judge([Writes(ASKS), Arrives(wrong + octets("8900")), Writes(octets("8a80 00000000")), Quiet()], CLIENT,
                   start=CONNECTING)  # fmt: skip
    assert opened.rules[:1] == ("4.1/answer-upgrade",)
    assert place(opened) == ("arrived", wrong.index(b"Upgrade: h2c"))


@pytest.mark.parametrize(
    ("right", "wrong", "why"),
    [
        (
            b"HTTP/1.1 101 Switching Protocols",
            b"HTTP/1.1 101",
            "line 1 ends without the blank before the reason phrase",
        ),
        (b"HTTP/1.1 101 ", b"HTTP/1.1  101 ", "line 1 does not have one space between each two words"),
        (b"Upgrade: websocket", b"Upgrade : websocket", "line 2 has a blank before its colon"),
        (b"\r\n\r\n", b"\r\nX: a\r\n b\r\n\r\n", "line 6 is folded"),
    ],
)
def test_a_head_that_no_sender_may_write_is_at_fault_in_its_line_and_the_note_says_why(
    right: bytes, wrong: bytes, why: str
) -> None:
    request, answer = request_octets(RequestFacts()), response_octets(ResponseFacts(), sample_request(RequestFacts()))
    assert right in answer
    octets = answer.replace(right, wrong, 1)
    trace = Arrives(request), Writes(octets), Quiet()
    judgement = judge(trace, Setting(Role.SERVER), application="unknown", start=CONNECTING)
    assert judgement.rules == ("4.2.2/valid-response",)
    assert judgement.note == f"no sender may write so: {why}"
    number = int(why.split()[1])
    assert judgement.octet == len(b"".join(octets.splitlines(keepends=True)[: number - 1]))
