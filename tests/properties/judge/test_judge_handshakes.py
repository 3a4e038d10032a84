"""The judge from the first octet on: what the rules allow is never found fault with, and each fault is named."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wsoracle.model.facts.heads import SAMPLE_URI, request_octets, response_octets, sample_request
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.notation.head_variables import HEAD_VARIABLES, RequestFacts, ResponseFacts
from wsoracle.model.notation.rule import Refuse, Strength
from wsoracle.model.notation.variables import CONNECTING, Event, EventKind, Setting, State
from wsoracle.model.octets.accept_key import accept_value
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.http import Request
from wsoracle.model.octets.vocabulary import CLOSE, Frame, Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.judge import EVERYTHING, judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import (
    Arrives,
    ArrivesEof,
    ArrivesReset,
    ClosesTcp,
    Crashes,
    Observation,
    Processed,
    Quiet,
    ResetsTcp,
    ShutsDownTcp,
    Tells,
    Writes,
)
from wsoracle.properties.judge.openings import TOO_MANY_HEADS
from wsoracle.properties.judge.verdict import Verdict

judge_all = partial(judge, start=CONNECTING)

SERVER, CLIENT = Setting(Role.SERVER), Setting(Role.CLIENT)
REQUEST = sample_request(RequestFacts())
ASKS, OPENS = REQUEST.octets(), response_octets(ResponseFacts(), REQUEST)
REFUSES = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\n\x81\x00\x00"
PING, MASKED_PING = bytes.fromhex("8900"), bytes.fromhex("898000000000")
PONG, MASKED_PONG = bytes.fromhex("8a00"), bytes.fromhex("8a8000000000")
DONE = (Processed(), Quiet())
COMPRESSES = ResponseFacts(extensions=1, defines_rsv1=True, deflate=1, sound_offer=True)


def server(*seen: Observation, **more: Any) -> Judgement:
    """The judgement on a server without an application."""
    return judge_all(seen, SERVER, application="sink", **more)


def client(*seen: Observation, **more: Any) -> Judgement:
    """The judgement on a client that has sent its request, without an application."""
    return judge_all((Writes(ASKS), *seen), CLIENT, application="sink", **more)


# --- a server -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [1, 60, len(ASKS), 10_000])
def test_a_server_that_accepts_and_answers_is_right(cut: int) -> None:
    octets = ASKS + MASKED_PING
    arrives = [Arrives(octets[at : at + cut]) for at in range(0, len(octets), cut)]
    assert server(*arrives, Writes(OPENS + PONG), *DONE).verdict is Verdict.OK


def test_frames_before_the_answer_are_kept_for_after_it() -> None:
    kept = server(Arrives(ASKS + MASKED_PING), Writes(OPENS + PONG), *DONE)
    dropped = server(Arrives(ASKS + MASKED_PING), Writes(OPENS), *DONE)
    assert (kept.verdict, dropped.verdict, dropped.rules) == (Verdict.OK, Verdict.INFORMATIONAL, ())
    unanswered = server(Arrives(ASKS), Writes(OPENS), Arrives(MASKED_PING), *DONE)
    assert (unanswered.verdict, unanswered.rules, unanswered.at) == (Verdict.FAILED, ("5.5.2/pong-owed",), 4)
    assert unanswered.arrived == len(ASKS + MASKED_PING)
    early = server(Arrives(ASKS + MASKED_PING), Writes(PONG + OPENS), Tells("ping"), *DONE, sees=("ping",))
    assert (early.verdict, early.rules, early.octet) == (Verdict.FAILED, ("4.2.2/answer-before-data",), 0)
    late = server(Arrives(ASKS), Writes(OPENS), Processed(), Arrives(MASKED_PING), Writes(PONG), *DONE)
    assert late.verdict is Verdict.OK and late.steps[-1].at == 6


@pytest.mark.parametrize("seen", [(ClosesTcp(),), (), (Processed(),), (ArrivesEof(), ClosesTcp())])
def test_a_sound_request_is_answered(seen: tuple[Observation, ...]) -> None:
    judgement = server(Arrives(ASKS), *seen, Quiet())
    if seen[:1] == (ArrivesEof(),):
        assert judgement.verdict is Verdict.OK  # who lost its client answers nobody
        return
    drops = seen[:1] == (ClosesTcp(),)  # section 10.7: it MAY, and SHOULD return a status code
    assert judgement.verdict is (Verdict.NON_STRICT if drops else Verdict.FAILED)
    assert not drops or judgement.rules == ("10.7/answer-before-closing",)
    assert judgement.instead[0].what == "answer with 101, or refuse with an error code"


def test_a_refusal_is_right_and_its_body_is_nothing_else() -> None:
    assert server(Arrives(ASKS), Writes(REFUSES), ClosesTcp(), *DONE).verdict is Verdict.OK
    willing = Setting(Role.SERVER, willing=True)
    judgement = judge_all((Arrives(ASKS), Writes(REFUSES), *DONE), willing)
    assert (judgement.verdict, judgement.rules) == (Verdict.FAILED, ("4.4/accept-valid",))
    assert judge_all((Arrives(ASKS), Writes(REFUSES), *DONE), willing, profile="letter").verdict is (
        Verdict.INFORMATIONAL
    )
    large = judge_all((Arrives(ASKS), Writes(REFUSES), *DONE), willing, head_limit=len(ASKS) - 1)
    assert large.verdict is Verdict.INFORMATIONAL and not large.rules


def test_a_server_may_be_asked_again_on_the_same_connection() -> None:
    asked = Arrives(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\x81\x00" + ASKS)
    assert server(asked, Writes(REFUSES + OPENS), *DONE).verdict is Verdict.OK
    assert server(asked, Writes(REFUSES), *DONE).verdict is Verdict.OK
    assert server(asked, Writes(OPENS), *DONE).verdict is Verdict.FAILED


def test_a_chunked_body_is_passed_over() -> None:
    body = b"4;x=y\r\nHTTP\r\n0\r\nTrailer: x\r\n\r\n"
    asked = Arrives(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body + ASKS)
    assert server(asked, Writes(REFUSES + OPENS), *DONE).verdict is Verdict.OK
    long = b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n"
    assert server(Arrives(long), Writes(REFUSES), *DONE).verdict is Verdict.OK


def test_an_interim_answer_is_none() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    assert server(Arrives(ASKS), Writes(hints), Writes(OPENS), *DONE).verdict is Verdict.OK
    assert server(Arrives(ASKS), Writes(hints), *DONE).verdict is Verdict.FAILED
    assert client(Arrives(hints), Processed(), Arrives(OPENS + PING), Writes(MASKED_PONG), *DONE).verdict is Verdict.OK


@pytest.mark.parametrize("count", [3, 8, 9, 10, 500])
def test_of_very_many_heads_nothing_is_judged(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsoracle.model.octets.units.MOST_HEADS", 10)
    hints, small = b"HTTP/1.1 103 Early Hints\r\n\r\n" * count, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * count
    for judgement in (
        server(Arrives(ASKS), Writes(hints + OPENS), *DONE),
        client(Arrives(hints + OPENS + PING), Writes(MASKED_PONG), *DONE),
        client(Arrives(REFUSES), Writes(small), *DONE),
    ):
        if count < 9:
            assert judgement.note != TOO_MANY_HEADS
        else:
            assert (judgement.verdict, judgement.note) == (Verdict.INFORMATIONAL, TOO_MANY_HEADS)
            assert judgement.unexplained and not judgement.rules


def test_an_answer_that_has_no_end_is_torn() -> None:
    judgement = server(Arrives(ASKS), Writes(OPENS[:-1]), *DONE)
    assert (judgement.verdict, judgement.octet, judgement.at) == (Verdict.FAILED, 0, 3)


@pytest.mark.parametrize(
    ("octets", "lost"),
    [
        (ASKS, True),
        (ASKS.replace(b"Version: 13", b"Version: 12"), True),
        (ASKS.replace(b"Host:", b"Hots:"), True),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (ASKS[:-1], False),
        (b"", False),
    ],
)
def test_a_reset_may_cost_an_answer_where_one_is_owed(octets: bytes, lost: bool) -> None:
    for cut in (b"", REFUSES[:20]):
        judgement = server(Arrives(octets), *([Writes(cut)] if cut else []), ResetsTcp(), Quiet())
        assert judgement.verdict is Verdict.OK, judgement
        assert judgement.note.startswith("TCP was reset") is lost, judgement


def test_a_reset_excuses_no_refusal_by_who_is_willing() -> None:
    willing = Setting(Role.SERVER, willing=True)
    judgement = judge_all((Arrives(ASKS), ResetsTcp(), Quiet()), willing)
    assert judgement.rules == ("4.4/accept-before-closing",)
    opened = judge_all((Arrives(ASKS), Writes(OPENS), ResetsTcp(), Quiet()), SERVER, application="sink")
    assert (opened.verdict, opened.rules) == (Verdict.FAILED, ("7.3/closing-handshake-first",))
    faulty = (Arrives(ASKS), Writes(OPENS), Arrives(bytes.fromhex("8300")), ResetsTcp(), Quiet())
    lost = judge_all(faulty, SERVER, application="sink")
    assert (lost.verdict, lost.note[:13]) == (Verdict.OK, "TCP was reset")


def test_a_feature_that_a_case_needs_and_nobody_agrees_to_is_unimplemented() -> None:
    opened = (Arrives(ASKS), Writes(OPENS))
    for feature in ("extension", "subprotocol"):
        judgement = server(*opened, *DONE, needs={feature})
        assert (judgement.verdict, judgement.rules) == (Verdict.UNIMPLEMENTED, ())
        assert feature in judgement.note and not judgement.unexplained
        assert server(*opened, ClosesTcp(), *DONE, needs={feature}).verdict is Verdict.FAILED
        assert server(Arrives(ASKS), Writes(REFUSES), ClosesTcp(), *DONE, needs={feature}).verdict is Verdict.OK
        assert client(Arrives(OPENS), *DONE, needs={feature}).verdict is Verdict.UNIMPLEMENTED
    asked = sample_request(RequestFacts(offers=1, protocols=1, deflate_offers=1))
    answer = response_octets(COMPRESSES._replace(subprotocol=1), asked)
    agreed = server(Arrives(asked.octets()), Writes(answer), *DONE, needs={"extension", "subprotocol"})
    assert agreed.verdict is Verdict.OK
    assert list(Verdict).index(Verdict.INFORMATIONAL) < list(Verdict).index(Verdict.UNIMPLEMENTED) < 4


def test_a_frame_before_the_answer_is_too_early() -> None:
    judgement = server(Arrives(ASKS), Writes(b"\x81\x00" + OPENS), *DONE)
    assert judgement.rules == ("4.2.2/answer-before-data",) and judgement.octet == 0


@pytest.mark.parametrize("octets", [b"<html>", b"HTTP/1.1 101\x00\r\n\r\n", b"HTTP/1.1 nonsense\r\n\r\n"])
def test_an_answer_that_is_no_http_is_none(octets: bytes) -> None:
    assert "4.2.2/valid-response" in server(Arrives(ASKS), Writes(octets), *DONE).rules


def test_a_crash_and_too_many_faults_have_no_explanation() -> None:
    crashed = server(Arrives(ASKS), Crashes("out of luck"))
    assert (crashed.verdict, crashed.rules, crashed.note) == (Verdict.FAILED, (), "it crashed: out of luck")
    assert server(Arrives(ASKS), Writes(b"\x81\x00" * 9 + OPENS), *DONE).verdict is Verdict.FAILED
    assert "before the connection is open" in server(Arrives(ASKS), Tells("text", b"a"), *DONE).note


def test_what_is_invalid_should_have_an_answer() -> None:
    tls = Arrives(bytes.fromhex("16030100"))
    assert server(tls, Writes(REFUSES), ClosesTcp(), *DONE).verdict is Verdict.OK
    assert server(tls, ClosesTcp(), *DONE).verdict is Verdict.INFORMATIONAL  # the reason may be another
    assert server(tls, Arrives(b"\r\n\r\n"), ClosesTcp(), *DONE).verdict is Verdict.NON_STRICT
    assert server(tls, *DONE).verdict is Verdict.OK  # it may still wait for the end of a head
    assert server(tls, Arrives(b"\n\n"), *DONE).verdict is Verdict.NON_STRICT


def test_a_head_that_is_larger_than_ours_may_be_is_one_where_it_ends() -> None:
    head, end = ASKS.removesuffix(b"\r\n") + b"X: " + b"a" * 70_000, b"\r\n\r\n"
    assert server(Arrives(head + end), Writes(OPENS), *DONE).verdict is Verdict.OK
    assert server(Arrives(head), *DONE).verdict is Verdict.OK
    assert server(Arrives(head), Writes(REFUSES), ClosesTcp(), *DONE).verdict is Verdict.OK
    assert "4.2.1/endless-request" in server(Arrives(head), Writes(OPENS), *DONE).rules


@lru_cache
def compiled(setting: Setting) -> CompiledMachine:
    return CompiledMachine(RULES, setting)


def single_faults(facts: RequestFacts | ResponseFacts) -> Iterator[dict[str, Any]]:
    """Every change of one fact."""
    for name, usual in facts._asdict().items():
        variable = HEAD_VARIABLES[name]
        values = (False, True) if isinstance(usual, bool) else range(variable.low or 0, (variable.high or 0) + 1)
        if name != "status":
            yield from ({name: value} for value in values if value != usual)


def faulty_requests() -> Iterator[tuple[str, bytes, str]]:
    """A request for each single fault, and the key that counts."""
    for change in single_faults(RequestFacts()):
        facts = RequestFacts(**change)
        rows = [
            rule.id
            for rule in RULES.of(EventKind.RECEIVE_REQUEST)
            if isinstance(rule.then, Refuse) and rule.strength is Strength.MUST and _refuses(rule.id, facts)
        ]
        if rows:
            keys = sample_request(facts).values("Sec-WebSocket-Key") if "syntax" not in change else []
            yield rows[0], request_octets(facts), keys[0] if keys else ""


def _refuses(rule: str, facts: RequestFacts) -> bool:
    outcomes = compiled(SERVER).allowed(CONNECTING, Event.of(EventKind.RECEIVE_REQUEST, facts))
    return all(rule in outcome.rules for outcome in outcomes)


@pytest.mark.parametrize(("rule", "octets", "key"), list(faulty_requests()))
def test_each_single_fault_that_is_accepted_is_named(rule: str, octets: bytes, key: str) -> None:
    opens = OPENS.replace(accept_value(REQUEST.values("Sec-WebSocket-Key")[0]).encode(), accept_value(key).encode())
    judgement = server(Arrives(octets), Writes(opens), *DONE)
    assert judgement.verdict is Verdict.FAILED
    assert judgement.rules[0] == rule
    assert judgement.direction == "arrived" and judgement.octet is not None
    assert judgement.octet == 0 or octets[judgement.octet - 1 : judgement.octet] in (b"\n", b" ")
    assert judgement.arrived is not None
    assert judgement.instead[0].what.startswith("answer with an error code such as 4")
    assert rule in judgement.instead[0].rules
    named = REFUSES.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Version: 13\r\n\r\n")
    assert server(Arrives(octets), Writes(named), ClosesTcp(), *DONE).verdict is Verdict.OK


# --- a client -----------------------------------------------------------------------------------------------------


def test_a_client_that_opens_is_right() -> None:
    assert client(Arrives(OPENS + PING), Writes(MASKED_PONG), *DONE).verdict is Verdict.OK
    assert client(Quiet()).verdict is Verdict.OK
    assert judge_all((Quiet(),), CLIENT).rules == ("4.1/request-owed",)


def test_the_first_frame_of_a_client_is_judged() -> None:
    echo = Setting(Role.CLIENT, echo=True)
    hello, hallo = (bytes.fromhex(f"818500000000{text.hex()}") for text in (b"hello", b"hallo"))
    for octets, verdict in ((hello, Verdict.OK), (hallo, Verdict.INFORMATIONAL)):
        seen = (Writes(ASKS), Arrives(OPENS), Arrives(b"\x81\x05hello"), Writes(octets), *DONE)
        assert judge_all(seen, echo, application="echo").verdict is verdict
    unmasked = client(Arrives(OPENS), Writes(PING), *DONE)
    assert (unmasked.verdict, unmasked.octet) == (Verdict.FAILED, len(ASKS) + 1)


def test_what_a_client_asks_for_is_known_where_its_uri_is() -> None:
    right = judge_all((Writes(ASKS), Quiet()), CLIENT, uri=SAMPLE_URI)
    other = judge_all((Writes(ASKS), Quiet()), CLIENT, uri=SAMPLE_URI._replace(host="other.example.com"))
    assert (right.verdict, other.rules) == (Verdict.OK, ("4.1/send-for-uri",))


def test_a_request_that_went_before_the_trace_counts() -> None:
    assert judge_all((Arrives(OPENS + PING), Writes(MASKED_PONG), *DONE), CLIENT, request=REQUEST).verdict is (
        Verdict.OK
    )
    assert judge_all((Writes(OPENS), *DONE), SERVER, request=REQUEST).verdict is Verdict.OK


def test_a_client_waits_for_the_answer() -> None:
    early = client(Writes(MASKED_PING), Arrives(OPENS), *DONE)
    assert (early.verdict, early.rules) == (Verdict.FAILED, ("4.1/handshake-before-data",))
    again = client(Writes(ASKS), Arrives(OPENS), *DONE)
    assert (again.verdict, again.rules) == (Verdict.FAILED, ("4.1/wait-for-response",))


def test_a_client_takes_a_sound_answer() -> None:
    judgement = client(Arrives(OPENS), ClosesTcp(), *DONE)
    assert (judgement.verdict, judgement.rules) == (Verdict.FAILED, ("7.3/closing-handshake-first",))
    told = client(Arrives(OPENS), ClosesTcp(), Tells("failed"), *DONE)
    assert (told.verdict, told.rules) == (Verdict.FAILED, ("4.1/established",))
    large = client(Arrives(OPENS), ClosesTcp(), Tells("failed"), *DONE, head_limit=len(OPENS) - 1)
    assert large.verdict is Verdict.INFORMATIONAL


def test_a_refusal_ends_it() -> None:
    assert client(Arrives(REFUSES), ClosesTcp(), *DONE).verdict is Verdict.OK
    assert client(Arrives(REFUSES), Tells("failed"), *DONE).verdict is Verdict.OK
    assert client(Arrives(REFUSES), Writes(MASKED_PING), *DONE).verdict is Verdict.FAILED


def test_what_a_client_is_told_is_what_was_compressed() -> None:
    facts = RequestFacts(offers=1, deflate_offers=1)
    agreed = response_octets(COMPRESSES, sample_request(facts))
    compressed = bytes.fromhex("c107f248cdc9c90700")
    arrived = (Writes(request_octets(facts)), Arrives(agreed + compressed))
    assert judge_all((*arrived, Tells("text", b"Hello"), *DONE), CLIENT, sees=EVERYTHING).verdict is Verdict.OK
    judgement = judge_all((*arrived, Tells("text", b"Other"), *DONE), CLIENT, sees=EVERYTHING)
    assert (judgement.verdict, judgement.rules) == (Verdict.FAILED, ("5.4/text-message",))
    nothing = judge_all((Writes(request_octets(facts)), Arrives(agreed), *DONE), CLIENT, sees=EVERYTHING)
    assert (nothing.verdict, nothing.note) == (Verdict.OK, "")


def faulty_answers() -> Iterator[tuple[str, bytes]]:
    """An answer for each single fault."""
    for change in single_faults(ResponseFacts()):
        facts = ResponseFacts(**change)
        try:
            octets = response_octets(facts, REQUEST)
        except ValueError:
            continue
        answered = Event.of(EventKind.RECEIVE_RESPONSE, facts)
        outcomes = compiled(CLIENT).allowed(CONNECTING._replace(handshake=2), answered)
        binding = [rule for rule in outcomes[0].rules if RULES.by_id[rule].strength.binds]
        if len(outcomes) == 1 and outcomes[0].state.failed and "syntax" not in change:
            yield binding[0], octets


@pytest.mark.parametrize(("rule", "octets"), list(faulty_answers()))
def test_each_single_fault_that_a_client_takes_is_named(rule: str, octets: bytes) -> None:
    taken = client(Arrives(octets + PING), Writes(MASKED_PONG), *DONE)
    assert taken.verdict is Verdict.FAILED and taken.rules == (rule,)
    assert taken.instead[0].what == "fail the connection; send nothing"
    assert client(Arrives(octets), *DONE).verdict is Verdict.OK, "it waits for the server to end TCP (section 7.1.1)"
    assert client(Arrives(octets), ArrivesEof(), *DONE).rules == ("7.1.7/client-tcp-close-owed",)
    assert client(Arrives(octets), ArrivesEof(), ClosesTcp(), *DONE).verdict is Verdict.OK
    assert client(Arrives(octets), ClosesTcp(), *DONE).verdict is Verdict.OK
    assert client(Arrives(octets), ClosesTcp(), Tells("failed"), *DONE).verdict is Verdict.OK


# --- what is allowed is never found fault with --------------------------------------------------------------------


def changed_facts(facts: Any) -> st.SearchStrategy[Any]:
    """Facts of a head with up to two changes."""
    changes = list(single_faults(facts()))
    return st.lists(st.sampled_from(changes), max_size=2).map(
        lambda some: facts(**{name: value for one in some for name, value in one.items()})
    )


def octets_of(facts: RequestFacts | ResponseFacts, request: Request) -> bytes | None:
    try:
        return request_octets(facts) if isinstance(facts, RequestFacts) else response_octets(facts, request)
    except ValueError:
        return None


def the_way_of(state: State, event: Event, setting: Setting, way: int) -> tuple[State, bool] | None:
    """The state after one of the outcomes, departures included, and whether it is allowed in full."""
    outcomes = compiled(setting).allowed(state, event, departures=True)
    if not outcomes:
        return None
    outcome = outcomes[way % len(outcomes)]
    return outcome.state, not outcome.departs_from


@given(changed_facts(RequestFacts), changed_facts(ResponseFacts), st.sampled_from([101, 101, 200, 302, 404, 426]),
       st.integers(0, 9), st.booleans())  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_what_a_server_may_do_is_not_failed(
    asked: RequestFacts, answered: ResponseFacts, status: int, way: int, closes: bool
) -> None:
    octets = octets_of(asked, REQUEST)
    if octets is None:
        return
    legible = asked.syntax in (1, 3)
    request = sample_request(asked) if legible else REQUEST
    trace: list[Observation] = [Arrives(octets)]
    then = the_way_of(CONNECTING, Event.of(EventKind.RECEIVE_REQUEST, asked), SERVER, way)
    assert then is not None
    state, in_full = then
    if closes:
        event, seen = Event(EventKind.CLOSE_TCP), list[Observation]([ClosesTcp()])
    else:
        answer = answered._replace(status=status)
        written = octets_of(answer, request)
        # What is no request has no key and offers nothing, so that no answer to it can be right in these.
        if written is None or (not legible and status == 101):
            return
        event, seen = Event.of(EventKind.SEND_RESPONSE, answer), [Writes(written)]
    step = the_way_of(state, event, SERVER, way)
    if step is not None:
        judgement = judge_all((*trace, *seen, Processed()), SERVER)
        if step[1] and in_full:
            assert judgement.verdict is Verdict.OK, judgement
        assert all(broken.strength is not Strength.MUST for broken in judgement.broken), judgement


@given(changed_facts(RequestFacts), changed_facts(ResponseFacts), st.sampled_from([101, 101, 200, 302, 404, 102]),
       st.integers(0, 9), st.booleans())  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_what_a_client_may_do_is_not_failed(
    asked: RequestFacts, answered: ResponseFacts, status: int, way: int, closes: bool
) -> None:
    sends = Event.of(EventKind.SEND_REQUEST, asked)
    first = the_way_of(CONNECTING, sends, CLIENT, way)
    octets, arrives = octets_of(asked, REQUEST), None
    if octets is not None and asked.syntax == 1:
        arrives = octets_of(answered._replace(status=status), sample_request(asked))
    if octets is None or first is None or arrives is None or not asked.for_uri:
        return
    answer = Event.of(EventKind.RECEIVE_RESPONSE, answered._replace(status=status))
    then = the_way_of(first[0], answer, CLIENT, way)
    assert then is not None
    event = Event(EventKind.CLOSE_TCP if closes else EventKind.SILENCE)
    step = the_way_of(then[0], event, CLIENT, way)
    if step is not None:
        seen: tuple[Observation, ...] = (ClosesTcp(), Quiet()) if closes else (Quiet(),)
        judgement = judge_all((Writes(octets), Arrives(arrives), *seen), CLIENT)
        assert all(broken.strength is not Strength.MUST for broken in judgement.broken), judgement
        if first[1] and then[1] and step[1]:
            assert judgement.verdict is Verdict.OK, judgement


@given(st.lists(st.binary(max_size=40), max_size=6), st.booleans())
@settings(max_examples=150, deadline=None)
def test_no_octets_make_it_raise(chunks: list[bytes], ends: bool) -> None:
    for role in Role:
        trace: list[Observation] = [Writes(ASKS)] if role is Role.CLIENT else []
        for chunk in chunks:
            trace += [Arrives(chunk), Processed()]
        trace += [ArrivesEof(), ClosesTcp()] if ends else []
        judge_all((*trace, Quiet()), Setting(role))
        turned = [Writes(chunk) for chunk in chunks]
        judge_all((Arrives(ASKS), *turned, *([ClosesTcp()] if ends else []), Quiet()), Setting(role))


def test_a_client_that_goes_on_after_a_faulty_answer_is_named_for_taking_it_alone() -> None:
    faulty = OPENS.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: x-nobody-asked\r\n\r\n")
    closes = Writes(bytes.fromhex("88821234567811de"))
    for seen in ((Arrives(faulty), closes), (Arrives(faulty + bytes.fromhex("c100")), closes)):
        judgement = client(*seen, ClosesTcp(), Quiet())
        assert judgement.verdict is Verdict.FAILED
        assert "4.1/answer-extensions" in judgement.rules
        assert not {"4.1/handshake-before-data", "4.1/wait-for-response"} & set(judgement.rules)
    before = client(closes, Arrives(faulty), ClosesTcp(), Quiet())
    assert "4.1/handshake-before-data" in before.rules


def test_a_client_that_asks_again_after_a_refused_answer_has_waited_for_it() -> None:
    judgement = client(Arrives(OPENS.replace(b"Connection: Upgrade\r\n", b"")), Writes(ASKS), ClosesTcp(), Quiet())
    assert judgement.rules == ("7.1.7/no-request-after-failing",)


def test_an_announced_body_is_read_as_one_or_as_frames() -> None:
    """HTTP lets a GET have a body and gives it no meaning (the switch `request_with_body`)."""
    announced = ASKS.replace(b"\r\n\r\n", b"\r\nContent-Length: 6\r\n\r\n") + MASKED_PING
    as_body = server(Arrives(announced), Writes(OPENS), *DONE)
    as_frames = server(Arrives(announced), Writes(OPENS + PONG), *DONE)
    assert (as_body.verdict, as_body.rules) == (Verdict.OK, ())
    assert Verdict.FAILED is not as_frames.verdict and not as_frames.rules


def test_a_frame_that_is_not_whole_is_no_head() -> None:
    """A client that was answered stops inside a frame: what it did before is judged, and the note says frame."""
    torn = client(Arrives(OPENS + PING), Writes(MASKED_PONG + b"\x88\x82"), Quiet())
    assert (torn.verdict, torn.rules, torn.octet) == (Verdict.FAILED, (), len(ASKS + MASKED_PONG))
    assert torn.note == "it stops writing inside a frame, 2 octets after the frame begins"
    refused = client(Arrives(OPENS.replace(b"websocket", b"other")), Writes(b"\x8a"), Processed(), Quiet())
    assert (refused.verdict, refused.note) == (Verdict.FAILED, "it stops writing inside a frame")
    unanswered = judge_all((Writes(ASKS[:100]), ClosesTcp()), CLIENT)
    assert (unanswered.verdict, unanswered.note) == (Verdict.FAILED, "it stops writing inside a head")


@given(
    written=st.integers(1, len(ASKS) - 1),
    arrived=st.sampled_from((b"K+xoo=\r\n\r\n", OPENS, b"\x00\x00")),
    ends=st.sampled_from((ClosesTcp(), Quiet())),
)
@example(written=1, arrived=OPENS, ends=Quiet())
@settings(max_examples=20)
def test_a_client_that_is_answered_before_it_has_asked_may_break_off(
    written: int, arrived: bytes, ends: Observation
) -> None:
    """It has reason to fail the connection (section 4.1), and may then stay silent (section 7.1.1)."""
    answer, request = Arrives(arrived), Writes(ASKS[:written])
    for trace in ((answer, request), (request, answer)):
        judgement = judge_all((*trace, ends), CLIENT, application="sink")
        assert (judgement.verdict, judgement.rules) == (Verdict.INFORMATIONAL, ())
        assert judgement.note == "it breaks off its request: what had arrived before may be the reason"


def test_a_compressed_frame_of_a_client_is_no_head() -> None:
    """Its first octet may be a letter of a method; it was taken for a head that does not end."""
    offers = ASKS.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
    agrees = OPENS.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
    compressed = bytes.fromhex("418100000000ff")
    judgement = judge_all((Writes(offers), Arrives(agrees), Writes(compressed), Quiet()), CLIENT)
    assert (judgement.rules, judgement.octet) == (("7692.7.2.1/send-deflate",), len(offers) + 6)


def test_arrived_octets_do_not_exceed_those_that_there_are() -> None:
    """With a chunked body that does not end it is not certain where frames begin: behind all octets."""
    chunked = ASKS.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    judgement = judge_all((Arrives(chunked), Writes(OPENS + b"\x81\x01a"), ClosesTcp()), SERVER, application="sink")
    assert judgement.verdict is Verdict.FAILED
    assert judgement.arrived == len(chunked)


def test_a_client_whose_request_is_none_has_read_the_answer_when_it_came() -> None:
    """A request that cannot be read does not make the client's reading of the answer any later."""
    malformed = ASKS.replace(b"GET /chat ", b"GET /a b ")
    judgement = judge_all((Writes(malformed), Arrives(OPENS), Quiet()), CLIENT)
    assert judgement.rules == ("4.1/valid-request",), "it fails for the answer, and waits"
    assert [step.at for step in judgement.steps] == [0, 1, 2]


@pytest.mark.parametrize("further", [b"G", b"GET /chat HTTP", b"\x81", b"\x81\x85abcd"])
def test_a_client_that_waits_sends_no_part_of_anything(further: bytes) -> None:
    """Section 4.1: it MUST wait "before sending any further data"; that is seen before what it sends is whole."""
    waits = judge_all((Writes(ASKS), Writes(further)), CLIENT)
    assert (waits.verdict, waits.rules, waits.octet) == (Verdict.FAILED, ("4.1/wait-for-response",), len(ASKS))
    refused = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    assert judge_all((Writes(ASKS), Arrives(refused), Writes(b"GET /chat HTTP")), CLIENT).verdict is Verdict.OK
    for rest in (b"\r\n", b""):
        assert judge_all((Writes(ASKS), Writes(rest)), CLIENT).verdict is Verdict.OK


def test_what_is_there_of_an_answer_that_was_lost_is_no_frame() -> None:
    """The peer reset TCP while the answer was on its way; that a Close was read says that there was one."""
    close = encode(Frame(CLOSE, b"\x03\xe8", key=b"abcd"))
    seen = (Arrives(ASKS), Arrives(close), Writes(OPENS[:20]), ArrivesReset(), Tells("close", code=1000))
    for then in ((), (ShutsDownTcp(), Quiet())):
        assert judge_all((*seen, *then), SERVER).verdict is Verdict.OK


def test_a_client_that_told_its_application_of_a_failure_has_failed() -> None:
    """Section 7.1.7: it closes TCP then; it asks for nothing more there."""
    seen = (Arrives(OPENS), Tells("failed", code=1006), Writes(ASKS), Quiet())
    assert judge_all(seen, CLIENT).rules == ("7.1.7/no-request-after-failing",)
    told = (Writes(ASKS), Arrives(OPENS), Tells("failed", code=1006), Quiet())
    assert judge_all(told, CLIENT).rules == ("4.1/established",), (
        "it has read what made it fail, which is a sound answer"
    )
