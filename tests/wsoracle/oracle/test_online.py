"""What an online oracle says of conversations from the first octet on; that it is the watch, `test_live` tests."""

from __future__ import annotations

import pytest

from tests.properties.judge.test_live import ASKS, OPENS, PING, PONG
from wsoracle.model.octets import vocabulary
from wsoracle.model.octets.vocabulary import Frame, Role
from wsoracle.oracle.online import OnlineOracle
from wsoracle.properties.judge.verdict import Verdict


@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_a_conversation_from_the_first_octet_on(cut: int) -> None:
    oracle = OnlineOracle("server", application="echo")

    def received(octets: bytes) -> None:
        for at in range(0, len(octets), cut):
            assert oracle.received(octets[at : at + cut])

    assert not oracle.may_send(OPENS)
    received(ASKS)
    assert oracle.owes() == (("answer with 101, or refuse with an error code", ("4.2.2/response-owed",)),)
    assert oracle.may_send(OPENS)
    wrong = oracle.may_send(OPENS.replace(b"Accept: ", b"Accept: x"))
    assert not wrong and wrong.judgement.verdict is Verdict.FAILED and wrong.rules
    assert oracle.sent(OPENS)
    received(PING)
    masked = oracle.may_send(Frame(vocabulary.PONG, b"a", key=b"keys"))
    assert masked.rules == ("5.1/server-does-not-mask",)
    assert "pong with payload 61" in masked.judgement.instead[0].what
    assert oracle.may_send(Frame(vocabulary.PONG, b"a"))
    assert oracle.sent(PONG) and not oracle.owes()


def test_what_only_the_application_promises_breaks_no_rule() -> None:
    oracle = OnlineOracle(Role.SERVER, application="sink", opening=False)
    greeting = oracle.may_send(Frame(vocabulary.TEXT, b"hello"))
    assert not greeting and not greeting.rules
    assert greeting.judgement.verdict is Verdict.INFORMATIONAL and greeting.judgement.application
    assert OnlineOracle(Role.SERVER, opening=False).may_send(Frame(vocabulary.TEXT, b"hello"))


def test_once_wrong_is_wrong_for_good() -> None:
    oracle = OnlineOracle(Role.CLIENT, opening=False)
    assert not oracle.sent(b"\x81\x01a")
    assert oracle.judgement().rules == ("5.1/client-masks",)
    assert not oracle.may_send(Frame(vocabulary.PING, key=b"keys")) and not oracle.owes()


def test_a_role_that_is_none() -> None:
    with pytest.raises(ValueError, match="proxy"):
        OnlineOracle("proxy")  # type: ignore[arg-type]
