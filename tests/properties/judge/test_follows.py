"""A rule whose breach only follows from another breach is not named beside it."""

from __future__ import annotations

import pytest

from wsoracle.model.facts.heads import request_octets, response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.variables import CONNECTING, Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, TEXT, Frame, Role
from wsoracle.properties.judge.judge import Application, judge
from wsoracle.properties.judge.observation import Arrives, ClosesTcp, Observation, ResetsTcp, Writes
from wsoracle.properties.judge.verdict import Verdict

REQUEST = Writes(request_octets(RequestFacts()))
ANSWER = response_octets(ResponseFacts(), sample_request(RequestFacts()))
KEY = bytes((7, 1, 3, 9))
BAD_ANSWERS = {
    "4.1/answer-extensions": ANSWER.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: foo\r\n\r\n"),
    "4.1/answer-subprotocol": ANSWER.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: foo\r\n\r\n"),
    "4.1/answer-accept": ANSWER.replace(b"Accept: ", b"Accept: x"),
}


@pytest.mark.parametrize("end", (ClosesTcp(), ResetsTcp()))
@pytest.mark.parametrize("code", (None, 1000, 1002, 1010))
@pytest.mark.parametrize("rule", BAD_ANSWERS)
def test_a_client_that_takes_a_bad_answer_may_end_tcp_behind_its_close(
    rule: str, code: int | None, end: Observation
) -> None:
    """It had to fail the connection, which is to end TCP: that it does not wait for a Close is no second fault."""
    close = Writes(encode(Frame(CLOSE, b"" if code is None else code.to_bytes(2, "big"), key=KEY)))
    trace = (REQUEST, Arrives(BAD_ANSWERS[rule]), close, end)
    found = judge(trace, Setting(Role.CLIENT), start=CONNECTING)
    assert found.verdict is Verdict.FAILED and found.rules == (rule,)
    sound = judge((REQUEST, Arrives(ANSWER), close, end), Setting(Role.CLIENT), start=CONNECTING)
    assert "7.1.1/close-cleanly" in sound.rules, "behind a sound answer it has to wait"


@pytest.mark.parametrize("application", ("echo", "unknown"))
def test_an_endpoint_that_overlooks_a_fault_may_end_tcp_behind_its_close(application: Application) -> None:
    faulty = Arrives(encode(Frame(3, b"", key=KEY)) + encode(Frame(TEXT, b"t", key=KEY)))
    end = Writes(encode(Frame(CLOSE, b"\x03\xe8"))), ClosesTcp()
    trace = (faulty, Writes(encode(Frame(TEXT, b"t"))), *end)
    setting = Setting(Role.SERVER, echo=application == "echo")
    assert judge(trace, setting, application=application).rules == ("5.2/unknown-opcode",)
