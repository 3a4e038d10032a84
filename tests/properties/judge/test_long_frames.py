"""What a client sends after a 101 is judged as frames, however long they are."""

from __future__ import annotations

from functools import partial

import pytest

from wsoracle.model.facts.heads import request_octets, response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.variables import CONNECTING, LARGEST_LENGTH, Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.masking_keys import CountedKeys
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, Frame, Role
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, ClosesTcp, Observation, Writes
from wsoracle.properties.judge.verdict import Verdict

judge_all = partial(judge, start=CONNECTING)


def judged(payload: bytes, times: int, echoed: bytes, early: bool = False) -> Verdict:
    facts, key = RequestFacts(), CountedKeys()
    messages = b"".join(encode(Frame(BINARY, echoed, key=key())) for _ in range(times))
    answer = response_octets(ResponseFacts(), sample_request(facts))
    sent = encode(Frame(BINARY, payload)) * times
    trace: list[Observation] = [Writes(request_octets(facts))]
    trace += [Writes(messages), Arrives(answer + sent)] if early else [Arrives(answer + sent), Writes(messages)]
    trace += [Arrives(encode(Frame(CLOSE, b"\x03\xe8"))), Writes(encode(Frame(CLOSE, b"\x03\xe8", key=key())))]
    trace += [ArrivesEof(), ClosesTcp()]
    return judge_all(trace, Setting(Role.CLIENT, LARGEST_LENGTH, echo=True), application="echo").verdict


@pytest.mark.parametrize(("size", "times"), [(10, 1), (65536, 2), ((1 << 20) + 1, 2), (4, 100)])
def test_long_echoes_of_a_client_are_read(size: int, times: int) -> None:
    payload = bytes(size)
    assert judged(payload, times, payload) is Verdict.OK
    assert judged(payload, times, payload[:-1] + b"x") is Verdict.INFORMATIONAL


def test_what_is_sent_before_the_answer_is_still_too_early() -> None:
    payload = bytes(1 << 17)
    assert judged(payload, 1, payload, early=True) is Verdict.FAILED
