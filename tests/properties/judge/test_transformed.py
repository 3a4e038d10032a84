"""Payloads that an extension transforms are not judged; headers that it does not define are."""

from __future__ import annotations

import zlib

import pytest

from wsoracle.model.facts.heads import request_octets, response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.variables import CONNECTING, Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.judge import NOT_JUDGED, Judgement, judge
from wsoracle.properties.judge.observation import Arrives, ClosesTcp, Observation, Quiet, Writes
from wsoracle.properties.judge.verdict import Verdict

REQUEST = request_octets(RequestFacts())
ANSWER = response_octets(ResponseFacts(), sample_request(RequestFacts()))
DEFLATE, PRIVATE = "permessage-deflate", "x-private"
CLOSES = (Writes(encode(Frame(CLOSE, b"\x03\xea"))), ClosesTcp())


def agreed(octets: bytes, extension: str) -> bytes:
    return octets.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: " + extension.encode() + b"\r\n\r\n")


def server(*then: Observation, extension: str = DEFLATE) -> Judgement:
    opening = (Arrives(agreed(REQUEST, extension)), Writes(agreed(ANSWER, extension)))
    return judge((*opening, *then), Setting(Role.SERVER, echo=True), application="echo", start=CONNECTING)


def compressed(text: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return (deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]


def from_client(*frames: Frame) -> Arrives:
    keyed = [
        Frame(f.opcode, f.payload, f.fin, f.rsv1, f.rsv2, f.rsv3, bytes((n, 7, 9, 1))) for n, f in enumerate(frames)
    ]
    return Arrives(b"".join(map(encode, keyed)))


WHOLE = compressed(b"Hello")
MARKED_TWICE = from_client(Frame(TEXT, WHOLE[:3], fin=False, rsv1=True), Frame(CONTINUATION, WHOLE[3:], rsv1=True))
MARKED_PING = from_client(Frame(PING, b"", rsv1=True))
ECHO = Writes(encode(Frame(TEXT, b"Hello")))


@pytest.mark.parametrize("faulty", [MARKED_TWICE, MARKED_PING, from_client(Frame(TEXT, WHOLE, rsv1=True, rsv2=True))])
def test_a_mark_where_the_extension_defines_none_is_refused(faulty: Arrives) -> None:
    silent = server(faulty, Quiet())
    assert silent.verdict is Verdict.FAILED
    assert "5.2/reserved-bits" in silent.rules
    assert server(faulty, ECHO, Quiet()).verdict is Verdict.FAILED
    assert server(faulty, *CLOSES).verdict is not Verdict.FAILED


def test_such_a_mark_is_not_to_be_sent() -> None:
    text = from_client(Frame(TEXT, WHOLE, rsv1=True))
    pieces = Frame(TEXT, WHOLE[:3], fin=False, rsv1=True), Frame(CONTINUATION, WHOLE[3:], rsv1=True)
    sent = [Writes(encode(piece)) for piece in pieces]
    named = ("5.2/reserved-bits-zero", "7692.6.1/send-mark-in-place")
    assert server(text, *sent, Quiet()).rules == named
    assert server(text, Writes(encode(Frame(PONG, rsv1=True))), Quiet()).rules == named


def test_what_is_right_without_the_extension_is_right_with_it() -> None:
    deflate, pieces = zlib.compressobj(wbits=-15), []
    for text in (b"Hello", b"Hello again, and again"):
        whole = (deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
        pieces += [Frame(TEXT, whole[:4], fin=False, rsv1=True), Frame(PING), Frame(CONTINUATION, whole[4:])]
    echoes = [Writes(encode(Frame(TEXT, compressed(b"Hello"), rsv1=True))), Writes(encode(Frame(PONG)))]
    second = Writes(encode(Frame(TEXT, b"Hello again, and again")))
    right = server(from_client(*pieces), *echoes, second, Quiet())
    assert (right.verdict, right.note) == (Verdict.OK, "")
    other = server(from_client(*pieces), *echoes, Writes(encode(Frame(TEXT, b"Hello"))), Quiet())
    assert (other.verdict, other.note) == (Verdict.INFORMATIONAL, NOT_JUDGED)
    torn = server(from_client(*pieces), *echoes, second, Writes(b"\x81"), Quiet())
    assert torn.verdict is not Verdict.OK


@pytest.mark.parametrize(
    "then",
    [
        (from_client(Frame(TEXT, b"\xff\xff", rsv1=True)), Writes(encode(Frame(CLOSE, b"\x03\xef"))), ClosesTcp()),
        (from_client(Frame(TEXT, b"\xff\xff", rsv1=True)), *CLOSES),
        (from_client(Frame(TEXT, b"\xff\xff", rsv1=True)), Quiet()),
    ],
    ids=["refused as no text", "refused as broken", "not echoed"],
)
def test_what_is_transformed_is_not_judged(then: tuple[Observation, ...]) -> None:
    judgement = server(*then)
    assert (judgement.rules, judgement.note) == ((), NOT_JUDGED)


@pytest.mark.parametrize("faulty", [MARKED_TWICE, from_client(Frame(3)), from_client(Frame(TEXT, b"a", rsv3=True))])
def test_of_an_extension_that_nobody_knows_nothing_is_judged(faulty: Arrives) -> None:
    judgement = server(faulty, Quiet(), extension=PRIVATE)
    assert (judgement.rules, judgement.note) == ((), NOT_JUDGED)
