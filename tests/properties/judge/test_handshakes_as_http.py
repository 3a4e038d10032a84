"""The judge on what HTTP leaves open in an opening handshake: refusals, retries, tolerated heads, requests of HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.judge.test_judge_handshakes import (
    ASKS,
    DONE,
    MASKED_PONG,
    OPENS,
    PING,
    REFUSES,
    client,
    judge_all,
    server,
)
from wsoracle.model.facts.heads import response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.accept_key import accept_value
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judge import Application
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, ClosesTcp, Observation, Writes
from wsoracle.properties.judge.verdict import Profile, Verdict

VERSION_25 = ASKS.replace(b"Version: 13", b"Version: 25")
WILLING = Setting(Role.SERVER, willing=True)
_CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n"
BODIES = (b"Content-Length: 0\r\n\r\n", b"Content-Length: 5\r\n\r\n\x81\x03a\r\n", _CHUNKS)


def asked(change: bytes, to: bytes) -> bytes:
    """The sound request with one thing changed, which must be there."""
    assert change in ASKS
    return ASKS.replace(change, to)


def answered(octets: bytes, status: int = 400, fields: bytes = b"", **more: Any) -> tuple[Verdict, tuple[str, ...]]:
    """What the judge says of a server that answers a request, and closes TCP."""
    answer = b"HTTP/1.1 %d X\r\n%sContent-Length: 0\r\n\r\n" % (status, fields)
    judgement = server(Arrives(octets), Writes(answer), ClosesTcp(), *DONE, **more)
    return judgement.verdict, judgement.rules


def accepted(octets: bytes, profile: Profile = "interop") -> tuple[Verdict, tuple[str, ...]]:
    """What the judge says of a server that accepts a request, with the right Accept for SAMPLE_KEY."""
    judgement = server(Arrives(octets), Writes(OPENS), *DONE, profile=profile)
    return judgement.verdict, judgement.rules


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 307, 401, 403, 404, 407, 429, 500, 503])
def test_another_reason_to_refuse_comes_before_the_version(status: int) -> None:
    """Section 4.2.2: authentication and redirection may come first; such an answer need not name versions."""
    assert answered(VERSION_25, status) == (Verdict.OK, ())


@pytest.mark.parametrize("status", [400, 426])
def test_who_refuses_a_version_names_those_that_it_knows(status: int) -> None:
    assert answered(VERSION_25, status) == (Verdict.FAILED, ("4.4/name-versions",))
    assert answered(VERSION_25, status, b"Sec-WebSocket-Version: 13\r\n") == (Verdict.OK, ())


@pytest.mark.parametrize("status", [200, 204, 600, 999])
def test_what_is_neither_an_error_nor_a_redirect_refuses_nothing(status: int) -> None:
    assert answered(ASKS, status) == (Verdict.FAILED, ("4.2.2/error-to-refuse",))
    assert answered(VERSION_25, status) == (Verdict.FAILED, ("4.2.2/error-for-version",))
    assert answered(asked(b"Host:", b"Hots:"), status) == (Verdict.FAILED, ("4.2.1/error-for-faulty",))


@pytest.mark.parametrize(
    "octets",
    [
        asked(b"HTTP/1.1", b"HTTP/1.0"),
        asked(b"HTTP/1.1", b"HTTP/1.2"),
        asked(b"Upgrade: websocket\r\n", b""),
        asked(b"Upgrade: websocket", b"Upgrade: h2c"),
    ],
)
@pytest.mark.parametrize("status", [200, 301, 400, 404, 426, 505])
def test_a_request_that_need_not_upgrade_is_answered_as_http_has_it(octets: bytes, status: int) -> None:
    assert answered(octets, status) == (Verdict.OK, ())


def test_a_request_that_cannot_upgrade_is_not_accepted() -> None:
    assert accepted(asked(b"HTTP/1.1", b"HTTP/1.0")) == (Verdict.FAILED, ("4.2.1/http-1-0",))
    assert accepted(asked(b"Upgrade: websocket\r\n", b"")) == (Verdict.FAILED, ("4.2.1/upgrade",))
    assert accepted(asked(b"HTTP/1.1", b"HTTP/1.2")) == (Verdict.OK, ())


@pytest.mark.parametrize("octets", [ASKS, VERSION_25, asked(b"Host:", b"Hots:"), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_a_request_that_is_dropped_should_have_had_an_answer(octets: bytes) -> None:
    """Section 10.7: the endpoint MAY drop TCP, and SHOULD return a status code."""
    dropped = server(Arrives(octets), ClosesTcp(), *DONE)
    assert (dropped.verdict, dropped.rules) == (Verdict.NON_STRICT, ("10.7/answer-before-closing",))


@given(st.sampled_from([b"\x16\x03\x01 is no HTTP\r\n\r\n", b"GET /\r\n\r\n"]), st.data())
def test_the_end_of_tcp_amid_a_head_may_have_a_reason_of_its_own(octets: bytes, data: st.DataObject) -> None:
    """Nobody need have seen by then that it is no HTTP: no certain breach of section 10.7."""
    cut = data.draw(st.integers(0, len(octets) - 1))
    amid = server(Arrives(octets[:cut]), ClosesTcp(), Arrives(octets[cut:]))
    assert amid.verdict in (Verdict.OK, Verdict.INFORMATIONAL) and not amid.rules and not amid.application
    assert (amid.verdict is Verdict.INFORMATIONAL) is ("before what came is a whole head" in amid.words)
    dropped = server(Arrives(octets), ClosesTcp())
    assert (dropped.verdict, dropped.rules) == (Verdict.NON_STRICT, ("10.7/answer-before-closing",))


@given(
    st.sampled_from([
        (ASKS, {"4.2.2/valid-response"}),
        (VERSION_25, {"4.2.2/error-for-version"}),
        (asked(b"Host:", b"Hots:"), {"4.2.1/error-for-faulty"}),
        (b"\r\n\r\n" + ASKS, {"4.2.2/valid-response", "4.2.1/error-for-faulty"}),  # it may be refused or not
    ]),
    st.sampled_from([(), (ClosesTcp(),)]),
    st.sampled_from([b"\x16\x03\x01 is no HTTP\r\n\r\n", b"nonsense\r\n\r\n", b"\x16\x03\x01"]),
)  # fmt: skip
def test_of_an_answer_that_is_no_http_no_other_rule_is_named(
    asked_and_rules: tuple[bytes, set[str]], then: tuple[Observation, ...], answer: bytes
) -> None:
    """It was the answer: that none came, or came before the end of TCP, would only follow.

    Which sentence asks for an answer of HTTP depends on the request: section 4.2.2 has another one for each.
    """
    request, rules = asked_and_rules
    judgement = server(Arrives(request), Writes(answer), *then, *DONE)
    assert (judgement.verdict, set(judgement.rules), judgement.octet) == (Verdict.FAILED, rules, 0)
    assert bool(judgement.one_of) is (len(rules) > 1)
    assert judgement.words.startswith("one of these was not followed") is (len(rules) > 1)


_NO_HTTP = (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"\x16\x03\x01")


@given(
    st.sampled_from([b"", b"\r\n", b"\r\n\r\n", *(ASKS[:cut] for cut in (1, 9, len(ASKS) - 1))]),
    st.sampled_from(_NO_HTTP),
    st.sampled_from([(), (ClosesTcp(),)]),
    st.sampled_from(["interop", "letter"]),
)
def test_no_sentence_asks_for_http_while_no_request_is_there(
    begun: bytes, answer: bytes, then: tuple[Observation, ...], profile: Profile
) -> None:
    """A request that never comes, or of which only a part or only empty lines come, may be answered with anything."""
    assert server(Arrives(begun), Writes(answer), *then, *DONE, profile=profile).rules == ()


@given(st.sampled_from(_NO_HTTP), st.sampled_from([OPENS, REFUSES, b""]), st.integers(0, len(ASKS) - 1))
def test_what_is_no_http_is_no_answer_to_a_request_that_comes_after_it(greeting: bytes, then: bytes, cut: int) -> None:
    """Nor is what follows it: a client takes the first octets for the answer."""
    judgement = server(Arrives(ASKS[:cut]), Writes(greeting), Arrives(ASKS[cut:]), Writes(then), *DONE)
    assert (judgement.verdict, judgement.rules) == (Verdict.FAILED, ("4.2.2/response-owed",))


@given(st.sampled_from([b"\r\n", b"\r\n\r\n"]), st.sampled_from(_NO_HTTP), st.sampled_from(_NO_HTTP))
def test_octets_that_are_no_http_behind_empty_lines_may_be_refused_with_others(
    lines: bytes, octets: bytes, answer: bytes
) -> None:
    refused = server(Arrives(lines + octets), Writes(answer), ClosesTcp(), *DONE)
    assert (refused.verdict, refused.rules) == (Verdict.NON_STRICT, ("10.7/status-for-the-unreadable",))
    after = server(Arrives(lines + octets), Writes(REFUSES + answer), ClosesTcp(), *DONE)
    assert (after.verdict, after.rules) == (Verdict.OK, ())


@pytest.mark.parametrize("application", ["unknown", "echo", "sink"])
@pytest.mark.parametrize("unit", [b"\x81\x01a", b"\x89\x00", b"\x82\x00"])
def test_a_frame_that_is_sent_too_early_is_charged_with_its_own_fault_once(
    application: Application, unit: bytes
) -> None:
    trace = (Writes(ASKS + unit), Arrives(OPENS), *DONE)
    judgement = judge_all(trace, Setting(Role.CLIENT, echo=application == "echo"), application=application)
    assert set(judgement.rules) == {"4.1/handshake-before-data", "5.1/client-masks"}
    assert (judgement.verdict, judgement.octet) == (Verdict.FAILED, len(ASKS) + 1)


def test_a_willing_server_does_not_drop_a_sound_request() -> None:
    dropped = judge_all((Arrives(ASKS), ClosesTcp(), *DONE), WILLING)
    assert (dropped.verdict, dropped.rules) == (Verdict.FAILED, ("4.4/accept-before-closing",))


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01 TLS\r\n\r\n", b"GET /\r\n\r\n"])
@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 \x01\r\n\r\n", b"nonsense\r\n\r\n", b"HTTP/1.1 200 X\r\n\r\n"])
def test_what_is_no_http_may_be_answered_with_anything(garbage: bytes, answer: bytes) -> None:
    judgement = server(Arrives(garbage), Writes(answer), ClosesTcp(), *DONE)
    assert (judgement.verdict, judgement.rules) == (Verdict.NON_STRICT, ("10.7/status-for-the-unreadable",))
    assert answered(garbage) == (Verdict.OK, ())


@given(st.binary(max_size=20))
def test_what_is_no_answer_before_the_end_of_the_peer_is_no_frame(rest: bytes) -> None:
    """Octets of an answer that is no HTTP are not read as frames, though the peer ends TCP behind it."""
    answer = b"HTTP/1.1 400 \x16" + rest + b"\r\n\r\n"
    found = server(Arrives(b"\x16\x03\x01\r\n\r\n"), Writes(answer), ArrivesEof())
    assert set(found.rules) <= {"10.7/status-for-the-unreadable", "4.2.2/valid-response"}


def test_what_is_no_request_and_accepted_breaks_one_rule() -> None:
    """Nobody can tell which Accept fits a request that cannot be read."""
    for change in (b"GET /\xc3\xa9", b"GET /a b"):
        assert accepted(asked(b"GET /chat", change)) == (Verdict.FAILED, ("4.2.1/malformed-request",))
    faulty = asked(b"Host:", b"Hots:").replace(b"ZQ==", b"ZA==")
    wrong = accepted(faulty)
    assert wrong == (Verdict.FAILED, ("4.2.1/host-missing", "4.2.2/send-accept"))


@pytest.mark.parametrize(("size", "verdict"), [(100, Verdict.FAILED), (9000, Verdict.INFORMATIONAL)])
def test_a_long_request_may_be_beyond_a_limit_that_is_not_stated(size: int, verdict: Verdict) -> None:
    octets = asked(b"/chat", b"/" + b"a" * size)
    for status in (414, 431):
        answer = b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status
        judgement = judge_all((Arrives(octets), Writes(answer), ClosesTcp(), *DONE), WILLING)
        assert judgement.verdict is verdict


# --- what is accepted all the same ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "octets",
    [
        asked(b"GET /chat", b"GET  /chat"),
        asked(b"GET /chat", b"GET\t/chat"),
        asked(b"Host:", b"X: a\rb\r\nHost:"),
        asked(b"\r\nHost:", b"\r\n X: y\r\nHost:"),
        asked(b"Connection: Upgrade", b"Connection: keep alive, Upgrade"),
        asked(b"Upgrade: websocket", b"Upgrade: websocket\r\nUpgrade: WebSocket"),
    ],
)
def test_a_fault_that_a_server_may_take_is_open(octets: bytes) -> None:
    assert accepted(octets) == (Verdict.OK, ())
    assert answered(octets) == (Verdict.OK, ())
    refused = judge_all((Arrives(octets), Writes(b"HTTP/1.1 400 X\r\nContent-Length: 0\r\n\r\n"), *DONE), WILLING)
    assert refused.verdict is Verdict.OK


@pytest.mark.parametrize("key", [b"not base64!", b"AQIDBAUGBwgJCgsMDQ4PEC==", b"AAAA"])
def test_a_server_need_not_decode_a_key(key: bytes) -> None:
    octets = asked(b"dGhlIHNhbXBsZSBub25jZQ==", key)
    right = OPENS.replace(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", accept_value(key.decode()).encode())
    assert server(Arrives(octets), Writes(right), *DONE).verdict is Verdict.OK
    wrong = server(Arrives(octets), Writes(OPENS), *DONE)
    assert (wrong.verdict, wrong.rules) == (Verdict.FAILED, ("4.2.2/send-accept",))
    sent = judge_all((Writes(octets), Arrives(right), *DONE), Setting(Role.CLIENT))
    assert (sent.verdict, sent.rules) == (Verdict.FAILED, ("4.1/send-key",))


@pytest.mark.parametrize("target", [b"/?a[]=1", b"/?q={x}", b"/a|b", b"/%zz"])
def test_a_target_of_browsers_is_a_fault_by_the_letter_alone(target: bytes) -> None:
    octets = asked(b"/chat", target)
    broken = ("4.2.1/request-target-of-browsers",)
    assert accepted(octets) == (Verdict.INFORMATIONAL, broken)
    assert accepted(octets, "letter") == (Verdict.FAILED, broken)
    assert answered(octets) == (Verdict.OK, ())


@pytest.mark.parametrize(
    "octets",
    [
        OPENS.replace(b"HTTP/1.1 101", b"HTTP/1.1  101"),
        OPENS.replace(b"Upgrade: websocket", b"Upgrade : websocket"),
        OPENS.replace(b"Upgrade: websocket", b"Upgrade: websocket\r\nUpgrade: WebSocket"),
        OPENS.replace(b"Connection: Upgrade", b'Connection: "x", Upgrade'),
        OPENS.replace(b"HTTP/1.1", b"HTTP/1.2"),
    ],
)
def test_a_fault_that_a_client_may_take_is_open(octets: bytes) -> None:
    assert octets != OPENS
    assert client(Arrives(octets + PING), Writes(MASKED_PONG), *DONE).verdict is Verdict.OK
    assert client(Arrives(octets), ClosesTcp(), *DONE).verdict is Verdict.OK


@pytest.mark.parametrize("field", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("profile", ["interop", "letter"])
def test_a_101_that_announces_a_body_is_no_valid_response(field: bytes, profile: Profile) -> None:
    opens = OPENS.replace(b"Upgrade: websocket", field + b"\r\nUpgrade: websocket")
    sent = server(Arrives(ASKS), Writes(opens), *DONE, profile=profile)
    assert (sent.verdict, sent.rules) == (Verdict.FAILED, ("4.2.2/send-no-body",))


def test_a_101_with_a_length_of_none_is_a_fault_by_the_letter_alone() -> None:
    """RFC 9110, section 8.6: a server MUST NOT send a Content-Length in a 1xx, whatever its value."""
    octets = OPENS.replace(b"\r\n\r\n", b"\r\nContent-Length: 0\r\n\r\n")
    for profile, verdict in (("interop", Verdict.INFORMATIONAL), ("letter", Verdict.FAILED)):
        judgement = server(Arrives(ASKS), Writes(octets), *DONE, profile=profile)
        assert (judgement.verdict, judgement.rules) == (verdict, ("4.2.2/send-no-length",))


def test_a_client_may_give_up_where_no_subprotocol_was_chosen() -> None:
    offers = sample_request(RequestFacts(protocols=1))
    opens = response_octets(ResponseFacts(), offers)
    gives_up = judge_all((Writes(offers.octets()), Arrives(opens), ClosesTcp(), *DONE), Setting(Role.CLIENT))
    assert gives_up.verdict is Verdict.OK
    goes_on = (Writes(offers.octets()), Arrives(opens + PING), Writes(MASKED_PONG), *DONE)
    assert judge_all(goes_on, Setting(Role.CLIENT), application="sink").verdict is Verdict.OK


# --- retries --------------------------------------------------------------------------------------------------------


@given(
    st.sampled_from([302, 401, 404, 503]),
    st.sampled_from(BODIES),
    st.integers(1, 200),
    st.booleans(),
)
def test_a_client_may_ask_again_behind_a_whole_answer(status: int, body: bytes, cut: int, new_key: bool) -> None:
    answer = b"HTTP/1.1 %d X\r\n" % status + body
    again = ASKS.replace(b"Host:", b"Authorization: Basic eA==\r\nHost:")
    opens = OPENS
    if new_key:
        again = again.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"AQIDBAUGBwgJCgsMDQ4PEA==")
        accept = accept_value("AQIDBAUGBwgJCgsMDQ4PEA==").encode()
        opens = opens.replace(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", accept)
    first: list[Observation] = [Arrives(answer[at : at + cut]) for at in range(0, len(answer), cut)]
    judgement = client(*first, Writes(again), Arrives(opens + PING), Writes(MASKED_PONG), *DONE)
    assert (judgement.verdict, judgement.rules) == (Verdict.OK, ())
    unanswered = client(*first, Writes(again), Arrives(opens + PING), *DONE)
    assert unanswered.rules[0] == "5.5.2/pong-owed", "or it has failed a sound answer, and waits"


def test_a_failed_connection_is_for_no_further_request() -> None:
    wrong = OPENS.replace(b"Connection: Upgrade\r\n", b"")
    judgement = client(Arrives(wrong), Writes(ASKS), Arrives(OPENS), *DONE, profile="letter")
    assert judgement.verdict is Verdict.FAILED and "7.1.7/no-request-after-failing" in judgement.rules


@given(
    st.sampled_from([b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01", b"HTTP/1.1 408 X\r\nContent-Length: 0\r\n\r\n"]),
    st.sampled_from([(), (ClosesTcp(),)]),
    st.integers(0, len(ASKS) - 1),
)
def test_a_client_need_not_look_at_what_comes_before_it_asks(
    greeting: bytes, then: tuple[Observation, ...], cut: int
) -> None:
    """It takes that for the answer then: silence and the end of TCP are what is to be expected."""
    asks = [Writes(part) for part in (ASKS[:cut], ASKS[cut:]) if part]
    judgement = judge_all((Arrives(greeting), *asks, *then, *DONE), Setting(Role.CLIENT))
    assert (judgement.verdict, judgement.rules) == (Verdict.OK, ())


def test_a_client_takes_no_greeting_for_an_answer() -> None:
    seen = (Arrives(b"SSH-2.0-OpenSSH_9.2\r\n"), Writes(ASKS), Arrives(OPENS + PING), Writes(MASKED_PONG), *DONE)
    judgement = judge_all(seen, Setting(Role.CLIENT))
    assert (judgement.verdict, judgement.rules, judgement.octet) == (Verdict.FAILED, ("4.1/malformed-response",), 0)
