"""What implementations rightly differ in: both ways are in order, and what is really wrong beside it is still told."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from wsoracle.model.facts.heads import SAMPLE_KEY, request_octets, response_octets, sample_body, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, value_of
from wsoracle.model.notation.variables import CONNECTING, Setting
from wsoracle.model.octets.accept_key import accept_value
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, ClosesTcp, Observation, Processed, Quiet, Writes
from wsoracle.properties.judge.verdict import Verdict

judge_all = partial(judge, start=CONNECTING)

REQUEST = sample_request(RequestFacts())
ASKS, OPENS = REQUEST.octets(), response_octets(ResponseFacts(), REQUEST)
FORBIDS = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
MASKED_PING, PONG = bytes.fromhex("898000000000"), bytes.fromhex("8a00")
PING, MASKED_PONG = bytes.fromhex("8900"), bytes.fromhex("8a8000000000")
DONE = (Processed(), Quiet())


def facts(kind: type[Any], **labels: str) -> Any:
    return kind(**{name: value_of(name, label) for name, label in labels.items()})


def server(asks: bytes, *seen: Observation) -> Judgement:
    """The judgement on a server whose application takes every sound opening handshake."""
    return judge_all((Arrives(asks), *seen, *DONE), Setting(Role.SERVER, willing=True), application="sink")


def client(answer: bytes, *seen: Observation) -> Judgement:
    return judge_all(
        (Writes(ASKS), Arrives(answer), *seen, *DONE), Setting(Role.CLIENT), application="sink", strictly=True
    )


REQUESTS = {
    "an Origin": facts(RequestFacts, origin="one"),
    "Upgrade twice in Connection": facts(RequestFacts, connection="Upgrade more than once"),
    "a folded field": facts(RequestFacts, syntax="tolerated"),
    "a body": RequestFacts(body=1),
}
ANSWERS = {
    "HTTP/1.0": facts(ResponseFacts, http="lower than 1.1"),
    "the right accept twice": facts(ResponseFacts, accept="repeated"),
    "Upgrade twice in Connection": facts(ResponseFacts, connection="Upgrade more than once"),
    "versions": facts(ResponseFacts, versions="a list with 13"),
    "a folded field": facts(ResponseFacts, syntax="tolerated"),
}


@pytest.mark.parametrize("asked", REQUESTS.values(), ids=list(REQUESTS))
def test_a_server_takes_or_refuses_such_a_request(asked: RequestFacts) -> None:
    asks = request_octets(asked) + sample_body(asked)
    taken = server(asks, Writes(OPENS), Arrives(MASKED_PING), Writes(PONG))
    refused = server(asks, Writes(FORBIDS), ClosesTcp())
    assert (taken.verdict, refused.verdict) == (Verdict.OK, Verdict.OK)


def test_a_sound_request_is_still_not_refused() -> None:
    assert server(ASKS, Writes(FORBIDS), ClosesTcp()).rules == ("4.4/accept-valid",)


@pytest.mark.parametrize("answered", ANSWERS.values(), ids=list(ANSWERS))
def test_a_client_takes_or_refuses_such_an_answer(answered: ResponseFacts) -> None:
    answer = response_octets(answered, REQUEST)
    taken = client(answer, Arrives(PING), Writes(MASKED_PONG))
    refused = client(answer, ClosesTcp())
    assert (taken.verdict, refused.verdict) == (Verdict.OK, Verdict.OK)


def test_a_wrong_accept_beside_the_right_one_is_refused() -> None:
    right = accept_value(SAMPLE_KEY).encode()
    twice = OPENS.replace(right, right + b"\r\nSec-WebSocket-Accept: " + accept_value("").encode())
    assert client(twice, ClosesTcp()).verdict is Verdict.OK
    assert client(twice, Arrives(PING), Writes(MASKED_PONG)).verdict is not Verdict.OK


@pytest.mark.parametrize("joined", [SAMPLE_KEY, f"{SAMPLE_KEY},{SAMPLE_KEY}", f"{SAMPLE_KEY}, {SAMPLE_KEY}"])
def test_who_answers_a_repeated_key_is_not_told_that_the_accept_is_wrong(joined: str) -> None:
    asks = request_octets(facts(RequestFacts, key="repeated"))
    opens = OPENS.replace(accept_value(SAMPLE_KEY).encode(), accept_value(joined).encode())
    judgement = server(asks, Writes(opens), ArrivesEof(), ClosesTcp())
    assert judgement.verdict is Verdict.FAILED
    assert "4.2.1/one-key" in judgement.rules and "4.2.2/send-accept" not in judgement.rules


def test_a_version_that_nobody_knows_is_asked_for() -> None:
    asks = request_octets(facts(RequestFacts, version="another"))
    assert b"Sec-WebSocket-Version: 25\r\n" in asks  # servers may understand 7, 8 and 13: section 4.4 has this example
    assert "4.2.2/other-version" in server(asks, Writes(OPENS)).rules


def test_a_tolerated_head_has_an_end_for_everybody() -> None:
    for octets in (
        request_octets(facts(RequestFacts, syntax="tolerated")),
        response_octets(facts(ResponseFacts, syntax="tolerated"), REQUEST),
    ):
        assert octets.endswith(b"\r\n\r\n") and b"\r\n " in octets
        assert octets.count(b"\n") == octets.count(b"\r\n")
