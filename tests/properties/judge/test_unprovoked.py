"""A client that closes though nothing came and its application asked for nothing (section 7.3)."""

from __future__ import annotations

import pytest

from tests.properties.judge.test_judge_handshakes import ASKS, CLIENT, DONE, OPENS, judge_all
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, TEXT, Frame, Role
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, Asks, ClosesTcp, Observation, Tells, Writes
from wsoracle.properties.judge.verdict import Profile, Verdict

ARBITRARY = (Verdict.NON_STRICT, ("7.3/client-closes-arbitrarily",))
NOT_AN_ECHO = (Verdict.INFORMATIONAL, ())
FINE = (Verdict.OK, ())
KEY = b"\x01\x02\x03\x04"
ANSWERED = (Arrives(encode(Frame(CLOSE, b"\x03\xe8"))), ArrivesEof(), ClosesTcp())
HELLO = Arrives(encode(Frame(TEXT, b"hello")))


def closes(code: int | None, role: Role = Role.CLIENT) -> Writes:
    body = b"" if code is None else code.to_bytes(2, "big")
    return Writes(encode(Frame(CLOSE, body, key=KEY if role is Role.CLIENT else None)))


def said_of(*trace: Observation, role: Role = Role.CLIENT, profile: Profile = "interop") -> tuple[object, ...]:
    judgement = judge((*trace, *ANSWERED), Setting(role), application="sink", profile=profile)
    return judgement.verdict, judgement.rules


@pytest.mark.parametrize("profile", ["interop", "letter"])
@pytest.mark.parametrize("code", [None, 1000])
def test_a_close_out_of_nothing_is_not_strict(code: int | None, profile: Profile) -> None:
    assert said_of(closes(code), profile=profile) == ARBITRARY


@pytest.mark.parametrize("code", [1001, 1003, 1008, 1010, 1011, 3000, 4999])
def test_a_code_that_says_why_is_a_reason(code: int) -> None:
    assert said_of(closes(code)) == NOT_AN_ECHO


def test_whatever_came_or_was_asked_may_be_the_reason() -> None:
    assert said_of(HELLO, closes(1000)) == NOT_AN_ECHO
    assert said_of(Arrives(HELLO.octets[:1]), closes(1000), Arrives(HELLO.octets[1:])) == NOT_AN_ECHO
    assert said_of(Asks("text", b"x"), closes(1000))[0] is not Verdict.NON_STRICT
    assert said_of(Asks("close", code=1000), closes(1000)) == FINE
    assert said_of(closes(1000), Tells("failed", code=1000)) == NOT_AN_ECHO


def test_a_server_may_close_whenever_desired() -> None:
    arrives = Arrives(encode(Frame(CLOSE, b"\x03\xe8", key=KEY)))
    trace = (closes(1000, Role.SERVER), arrives, ClosesTcp())
    assert judge(trace, Setting(Role.SERVER), application="sink").verdict is Verdict.INFORMATIONAL


def test_an_application_of_which_nothing_is_known_has_its_reasons() -> None:
    assert judge((closes(1000), *ANSWERED), Setting(Role.CLIENT)).verdict is Verdict.OK


def test_a_client_whose_subprotocol_was_not_chosen_has_a_reason() -> None:
    """Section 4.1 does not have it fail, and the WebSocket API does."""
    offers = ASKS.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: chat\r\n\r\n")
    then = (Arrives(OPENS), closes(1000), *ANSWERED, *DONE)
    plain = judge_all((Writes(ASKS), *then), CLIENT, application="sink")
    chosen = judge_all((Writes(offers), *then), CLIENT, application="sink")
    assert (plain.verdict, plain.rules) == ARBITRARY
    assert (chosen.verdict, chosen.rules) == NOT_AN_ECHO


@pytest.mark.parametrize("code", [b"\x03\xed", b"\x03\xee", b"\x03\xf7", b"\x00\x00", b"\x03"])
def test_a_code_that_may_not_be_sent_is_named_alone(code: bytes) -> None:
    """That it does not fit the failure only follows."""
    trace = (Arrives(b"\x83\x80" + KEY), Writes(encode(Frame(CLOSE, code))), ClosesTcp())
    judgement = judge(trace, Setting(Role.SERVER))
    assert judgement.verdict is Verdict.FAILED
    assert len(judgement.rules) == 1
    assert "7.1.7/appropriate-code" not in judgement.rules


@pytest.mark.parametrize("head", [b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /a HTTP/1.0\r\n\r\n"])
def test_a_client_may_ask_for_something_else_first(head: bytes) -> None:
    """Servers can share a port with HTTP servers (section 1.5): it is no opening handshake."""
    page = Arrives(b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno.")
    judgement = judge_all((Writes(head), page, Writes(ASKS), Arrives(OPENS), *DONE), CLIENT)
    assert (judgement.verdict, judgement.rules) == FINE
