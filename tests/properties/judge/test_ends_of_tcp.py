"""The ends of TCP: a FIN ends one direction, a reset both; who owes what then; and the silence of failing endpoints."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.facts.heads import response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.variables import CONNECTING, Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.judge import EVERYTHING, judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import (
    Arrives,
    ArrivesEof,
    ArrivesReset,
    ClosesTcp,
    Observation,
    Processed,
    Quiet,
    ResetsTcp,
    ShutsDownTcp,
    Tells,
    Writes,
)
from wsoracle.properties.judge.verdict import Verdict

KEY = b"\x51\x0a\xf3\x77"
BYE = b"\x03\xe8"
BOTH = (Role.SERVER, Role.CLIENT)
REQUEST = sample_request(RequestFacts())
ASKS, REFUSES = REQUEST.octets(), b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
FIN, LOST, QUIET, CLOSES, RESETS, READ = ArrivesEof(), ArrivesReset(), Quiet(), ClosesTcp(), ResetsTcp(), Processed()


def frame(sender: Role, opcode: int, payload: bytes = b"") -> bytes:
    return encode(Frame(opcode, payload, key=KEY if sender is Role.CLIENT else None))


def arrives(role: Role, opcode: int, payload: bytes = b"") -> Arrives:
    return Arrives(frame(role.peer, opcode, payload))


def writes(role: Role, opcode: int, payload: bytes = b"") -> Writes:
    return Writes(frame(role, opcode, payload))


def judged(role: Role, *seen: Observation, profile: Literal["interop", "letter"] = "interop") -> Judgement:
    return judge(seen, Setting(role), application="unknown", profile=profile)


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize(("opcode", "payload"), [(TEXT, b"x"), (CLOSE, BYE), (PONG, b"p")])
def test_after_the_end_of_its_peer_an_endpoint_may_still_send(role: Role, opcode: int, payload: bytes) -> None:
    """Section 7.1.1: shut down one direction, and read on in the other."""
    seen = (arrives(role, PING, b"p"), FIN, READ, writes(role, opcode, payload), CLOSES)
    assert judged(role, *seen).verdict is Verdict.OK


@pytest.mark.parametrize("role", BOTH)
def test_a_close_is_owed_whoever_has_ended(role: Role) -> None:
    seen = (arrives(role, CLOSE, BYE), FIN, READ)
    assert judged(role, *seen, writes(role, CLOSE, BYE), CLOSES).verdict is Verdict.OK
    for ends, rule in ((CLOSES, "5.5.1/answer-close-first"), (QUIET, "5.5.1/close-owed")):
        missed = judged(role, *seen, ends)
        assert missed.verdict is Verdict.FAILED and rule in missed.rules
        assert all(one.startswith("5.5.1/") for one in missed.rules)


def test_a_client_closes_tcp_once_its_server_has() -> None:
    begun = (arrives(Role.CLIENT, CLOSE, BYE), writes(Role.CLIENT, CLOSE, BYE))
    for before, rule in (((), "7.1.7/client-tcp-close-owed"), (begun, "5.5.1/client-tcp-close-owed")):
        assert judged(Role.CLIENT, *before, QUIET).verdict is Verdict.OK, "it waits (section 7.1.1)"
        assert judged(Role.CLIENT, *before, FIN, QUIET).rules == (rule,)
        assert judged(Role.CLIENT, *before, FIN, CLOSES, QUIET).verdict is Verdict.OK


def test_no_sentence_makes_a_server_close_tcp_after_its_client() -> None:
    assert judged(Role.SERVER, arrives(Role.SERVER, PING), FIN, QUIET).verdict is Verdict.OK
    done = (arrives(Role.SERVER, CLOSE, BYE), writes(Role.SERVER, CLOSE, BYE), FIN, QUIET)
    assert "5.5.1/server-tcp-close-owed" in judged(Role.SERVER, *done).rules


@given(
    st.sampled_from(BOTH), st.lists(st.sampled_from([(PING, b"p"), (TEXT, b"x"), (CLOSE, BYE)]), max_size=3), st.data()
)
def test_nothing_is_missed_once_tcp_is_lost(role: Role, frames: list[tuple[int, bytes]], data: st.DataObject) -> None:
    """What the endpoint does on TCP then is not seen."""
    either: st.SearchStrategy[Observation] = st.sampled_from([QUIET, CLOSES])
    ends = data.draw(st.lists(either, max_size=2))
    came = [arrives(role, opcode, payload) for opcode, payload in frames]
    assert judged(role, *came, LOST, *ends).verdict is Verdict.OK


def test_shutting_down_one_direction_and_the_end_of_the_other_close_tcp() -> None:
    said = (writes(Role.SERVER, CLOSE, BYE), ShutsDownTcp())
    answered = (*said, arrives(Role.SERVER, CLOSE, BYE), FIN, QUIET)
    assert judged(Role.SERVER, *answered).verdict is Verdict.OK
    assert "7.1.1/close-cleanly" in judged(Role.SERVER, said[0], CLOSES).rules
    assert judged(Role.SERVER, ShutsDownTcp(), FIN).verdict is Verdict.OK, "the client has ended it too"
    unanswered = (arrives(Role.SERVER, CLOSE, BYE), ShutsDownTcp(), QUIET)
    assert "5.5.1/close-owed" in judged(Role.SERVER, *unanswered).rules


@pytest.mark.parametrize("after", [(), (FIN,), (QUIET, FIN, QUIET), (LOST, QUIET)])
@pytest.mark.parametrize("role", BOTH)
def test_who_has_shut_down_one_direction_may_wait_for_the_other(role: Role, after: tuple[Observation, ...]) -> None:
    """Section 7.1.1: shut down writing, read until the peer's orderly shutdown, then close."""
    answered = (arrives(role, CLOSE, BYE), writes(role, CLOSE, BYE))
    refused = (arrives(role, 3), writes(role, CLOSE, b"\x03\xea"))
    for before in (answered, refused):
        assert judged(role, *before, ShutsDownTcp(), QUIET, *after).verdict is Verdict.OK
    if role is Role.SERVER:
        assert judged(role, *answered, QUIET).rules == ("5.5.1/server-tcp-close-owed",)
        late = judged(role, *answered, QUIET, ShutsDownTcp(), QUIET, *after)
        assert (late.verdict, late.rules) == (Verdict.NON_STRICT, ("7.1.1/tcp-close-soon",))
    without = judged(role, arrives(role, 3), ShutsDownTcp(), QUIET, *after)
    assert (without.verdict, without.rules) == (Verdict.NON_STRICT, ("7.1.7/close-frame-owed",))


@pytest.mark.parametrize("later", [(), (arrives(Role.CLIENT, PING, b"q"), QUIET), (FIN, CLOSES)])
def test_a_client_that_fails_may_be_silent(later: tuple[Observation, ...]) -> None:
    """Section 7.1.1: it waits for the server to end TCP; a Close frame SHOULD come before (section 7.1.7)."""
    silent = judged(Role.CLIENT, arrives(Role.CLIENT, 3), QUIET, *later)
    assert (silent.verdict, silent.rules) == (Verdict.NON_STRICT, ("7.1.7/close-frame-owed",))


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("profile", ["interop", "letter"])
def test_what_goes_on_has_overlooked_the_fault(role: Role, profile: Literal["interop", "letter"]) -> None:
    fault, ping = arrives(role, 3), arrives(role, PING, b"q")
    for on in ((), (QUIET,)):
        goes_on = judged(role, fault, *on, ping, writes(role, PONG, b"q"), QUIET, profile=profile)
        assert (goes_on.verdict, goes_on.rules) == (Verdict.FAILED, ("5.2/unknown-opcode",))


def test_a_server_that_is_silent_has_overlooked_the_fault() -> None:
    fault = arrives(Role.SERVER, 3)
    assert judged(Role.SERVER, fault, QUIET).rules == ("5.2/unknown-opcode",)
    told = judged(Role.SERVER, fault, Tells("failed", code=1002), QUIET)
    assert "7.1.7/server-tcp-close-owed" in told.rules and "5.2/unknown-opcode" not in told.rules


@pytest.mark.parametrize("role", BOTH)
def test_a_reset_after_the_closing_handshake_is_not_clean(role: Role) -> None:
    done = (arrives(role, CLOSE, BYE), writes(role, CLOSE, BYE))
    reset = judged(role, *done, RESETS)
    assert reset.verdict is Verdict.NON_STRICT and "7.1.1/close-cleanly" in reset.rules


def test_a_reset_with_input_unread_is_what_tcp_does() -> None:
    done = (arrives(Role.SERVER, CLOSE, BYE), writes(Role.SERVER, CLOSE, BYE))
    assert judged(Role.SERVER, *done, arrives(Role.SERVER, PING), RESETS).verdict is Verdict.OK


@given(st.sampled_from(BOTH), st.sampled_from([CLOSES, RESETS]), st.integers(0, 4))
def test_what_is_written_after_tcp_is_closed_continues_nothing(role: Role, end: Observation, cut: int) -> None:
    begun = frame(role, PONG, b"mine")[:cut]
    written = [Writes(begun)] if begun else []
    found = judged(role, *written, end, writes(role, PING, b"late"), QUIET)
    assert found.verdict is Verdict.FAILED and "7.1.4/nothing-when-closed" in found.rules
    heads = judge([Arrives(ASKS), Writes(REFUSES[:cut]), end, Writes(REFUSES), QUIET], Setting(Role.SERVER),
                  start=CONNECTING)  # fmt: skip
    assert heads.rules[-1] == "7.1.4/no-response-when-closed"
    assert end is CLOSES or heads.octet == cut


@given(st.sampled_from(BOTH), st.sampled_from([(), (LOST,), (FIN, CLOSES), (RESETS,)]), st.integers(0, 3))
def test_a_header_at_fault_is_at_fault_though_its_payload_is_lost(
    role: Role, end: tuple[Observation, ...], missing: int
) -> None:
    masked = frame(role.peer, PING, b"lost")
    found = judged(role, writes(role, PING), Writes(masked[: len(masked) - 1 - missing]), *end)
    rule = "5.1/server-does-not-mask" if role is Role.SERVER else "5.1/client-masks"
    assert found.verdict is Verdict.FAILED and rule in found.rules
    assert end or (found.rules, found.octet) == ((rule,), len(frame(role, PING)) + 1)
    sound = frame(role, PING, b"lost")
    assert not judged(role, writes(role, PING), Writes(sound[: len(sound) - 1 - missing]), LOST).rules


def test_a_client_that_goes_on_after_a_faulty_answer_answers_for_its_frame_too() -> None:
    faulty = response_octets(ResponseFacts(), REQUEST).replace(b"Upgrade: websocket", b"Upgrade: x")
    trace = (Writes(ASKS), Arrives(faulty), Writes(frame(Role.SERVER, PING)), READ, QUIET)
    found = judge(trace, Setting(Role.CLIENT), application="sink", start=CONNECTING)
    assert found.rules == ("4.1/answer-upgrade", "5.1/client-masks")


@pytest.mark.parametrize("role", BOTH)
def test_tcp_dropped_with_a_close_unanswered_is_one_of_two_faults(role: Role) -> None:
    dropped = judged(role, arrives(role, CLOSE, BYE), CLOSES)
    assert set(dropped.one_of) == {"5.5.1/answer-close-first", "7.3/closing-handshake-first"}
    assert dropped.verdict is Verdict.FAILED
    letter = judged(role, arrives(role, CLOSE, BYE), CLOSES, profile="letter")
    assert letter.verdict is Verdict.INFORMATIONAL, "as mild as the mildest"
    read = judged(role, arrives(role, CLOSE, BYE), READ, CLOSES, profile="letter")
    assert (read.verdict, read.rules) == (Verdict.FAILED, ("5.5.1/answer-close-first",))


@pytest.mark.parametrize("role", BOTH)
@pytest.mark.parametrize("fault", [False, True])
def test_an_endpoint_may_wait_for_the_end_of_its_peer(role: Role, fault: bool) -> None:
    """Section 7.1.1: shut down one direction, and close once the other one has ended."""
    came = arrives(role, TEXT, b"\xff") if fault else arrives(role, CLOSE, BYE)
    begun = (came, writes(role, CLOSE, b"\x03\xef" if fault else BYE))
    assert judged(role, *begun, ShutsDownTcp(), QUIET).verdict is Verdict.OK
    assert judged(role, arrives(role, PING), ShutsDownTcp(), QUIET).rules == ("5.5.2/pong-owed",)


def test_what_is_done_once_tcp_is_lost_is_not_seen() -> None:
    server = Role.SERVER
    assert judged(server, arrives(server, TEXT, b"\xff"), LOST, QUIET).verdict is Verdict.OK, "it failed unseen"
    wrong = (arrives(server, TEXT, b"\xff"), arrives(server, CLOSE, BYE), LOST)
    told = (Tells("close", code=1000), READ)
    as_free = judge((*wrong, *told), Setting(server), application="unknown", sees=EVERYTHING)
    assert as_free.verdict is Verdict.OK, "its Close was not seen, and it went on to read until the peer's"
    as_sink = judge((*wrong, *told), Setting(server), application="sink", sees=EVERYTHING)
    assert as_sink.verdict is Verdict.INFORMATIONAL and as_sink.application
    seen = judge((*wrong[:-1], *told), Setting(server), application="unknown", sees=EVERYTHING)
    assert seen.verdict is Verdict.FAILED


def test_the_answer_to_a_request_may_be_lost_with_tcp() -> None:
    request = sample_request(RequestFacts())
    trace = (Arrives(request.octets() + frame(Role.CLIENT, PING)), LOST, Tells("ping"), Tells("lost"), READ)
    found = judge(trace, Setting(Role.SERVER), application="sink", sees=EVERYTHING, start=CONNECTING)
    assert found.verdict is Verdict.OK
