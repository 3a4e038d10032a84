"""The judge: what is allowed is OK, what is not is named by its rule and place, and nobody is accused by guesswork."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faulty import (
    ACCEPTS_FRAGMENTED_CONTROL,
    ACCEPTS_INVALID_TEXT,
    ACCEPTS_UNMASKED,
    FAILS_WITH_ANOTHER_CODE,
    OWES_NO_PONG,
    FaultyRole,
)
from wsoracle.explore.attempts import Attempt, OwnRole
from wsoracle.explore.hunting import examine
from wsoracle.implementations import ApplicationRefused
from wsoracle.model.notation.rule import RuleSet, Strength
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.behaviour_and_closing import parts
from wsoracle.properties.judge.echo_contract import in_a_run
from wsoracle.properties.judge.echo_words import NOT_AN_ECHO
from wsoracle.properties.judge.history import History
from wsoracle.properties.judge.judge import EVERYTHING, judge, rules_fired
from wsoracle.properties.judge.judgement import Allowed, Judgement
from wsoracle.properties.judge.observation import (
    Arrives,
    ArrivesEof,
    Asks,
    ClosesTcp,
    Crashes,
    Observation,
    Processed,
    Quiet,
    ResetsTcp,
    Tells,
    Trace,
    Writes,
)
from wsoracle.properties.judge.reading import FrameReader
from wsoracle.properties.judge.ruling import TOO_LONG, TOO_MANY
from wsoracle.properties.judge.verdict import PROFILES, Verdict
from wsoracle.properties.state_machines.driving import Driver, drive

KEY = b"\x37\xfa\x21\x3d"
SERVER = Setting(Role.SERVER, 1_000)
ECHO = Setting(Role.SERVER, 1_000, True)
CLIENT = Setting(Role.CLIENT, 1_000)
UNKNOWN_OPCODE = 3


def from_client(opcode: int, payload: bytes = b"", **fields: Any) -> bytes:
    return encode(Frame(opcode, payload, key=KEY, **fields))


def from_server(opcode: int, payload: bytes = b"", **fields: Any) -> bytes:
    return encode(Frame(opcode, payload, **fields))


def body(code: int) -> bytes:
    return code.to_bytes(2, "big")


def as_server(*trace: Observation, **options: Any) -> Judgement:
    return judge(trace, options.pop("setting", SERVER), **options)


PINGED = Arrives(from_client(PING, b"hi"))
PONGS = Writes(from_server(PONG, b"hi"))
FAILS = (Writes(from_server(CLOSE, body(1002))), ClosesTcp(), Quiet())


# --- our own endpoint ---------------------------------------------------------------------------------------------


def own() -> st.SearchStrategy[tuple[Role, Attempt]]:
    return st.one_of([st.tuples(st.just(role), OwnRole(role).attempts()) for role in Role])


def traced(role: Role, attempt: Attempt, rules: RuleSet = RULES) -> tuple[Observation, ...]:
    return drive(Driver(FaultyRole(role, rules).connect(attempt), (ApplicationRefused,)), attempt.stimulus)


@settings(max_examples=200)
@given(own())
def test_our_own_endpoint_does_nothing_that_is_not_allowed(drawn: tuple[Role, Attempt]) -> None:
    role, attempt = drawn
    examined = examine(OwnRole(role), attempt)
    assert examined.judgement.verdict is Verdict.OK
    assert not (examined.judgement.broken or examined.deviations or examined.judgement.instead)
    assert examined.judgement.at is examined.judgement.octet is examined.judgement.arrived is None
    assert rules_fired(examined.judgement, attempt.setting)


@settings(max_examples=200)
@given(own(), st.data())
def test_whoever_sees_less_accuses_no_more(drawn: tuple[Role, Attempt], data: st.DataObject) -> None:
    role, attempt = drawn
    whole = traced(role, attempt)
    known: dict[str, Any] = {"application": attempt.application, "start": attempt.start}
    kept = data.draw(st.sets(st.sampled_from(sorted(EVERYTHING))))
    fewer = [o for o in whole if not isinstance(o, Tells) or o.kind in kept or data.draw(st.booleans())]
    blind = [o for o in whole if not isinstance(o, (Tells, Processed))]
    beginning = whole[: data.draw(st.integers(0, len(whole)))]
    assert judge(fewer, attempt.setting, sees=kept, **known).verdict is Verdict.OK
    assert judge(blind, attempt.setting, **known).verdict is Verdict.OK
    recorded = judge(blind, replace(attempt.setting, echo=False), start=attempt.start)
    assert recorded.verdict is Verdict.OK, "whatever its application"
    assert judge(beginning, attempt.setting, sees=EVERYTHING, **known).verdict is Verdict.OK, "so far"


@settings(max_examples=200)
@given(own(), st.data())
def test_how_octets_are_cut_means_nothing(drawn: tuple[Role, Attempt], data: st.DataObject) -> None:
    role, attempt = drawn
    cut: list[Observation] = []
    for seen in traced(role, attempt):
        if isinstance(seen, (Arrives, Writes)) and len(seen.octets) > 1:
            at = data.draw(st.integers(1, len(seen.octets) - 1))
            cut += [replace(seen, octets=seen.octets[:at]), replace(seen, octets=seen.octets[at:])]
        else:
            cut.append(seen)
    judgement = judge(cut, attempt.setting, application=attempt.application, sees=EVERYTHING, start=attempt.start)
    assert judgement.verdict is Verdict.OK


# --- rules that are not the rules -----------------------------------------------------------------------------------

FAULTS = {
    "8.1/invalid-text": (ACCEPTS_INVALID_TEXT, from_client(TEXT, b"\xff"), Verdict.FAILED),
    "5.5/fragmented-control": (ACCEPTS_FRAGMENTED_CONTROL, from_client(PING, fin=False), Verdict.FAILED),
    "5.1/server-refuses-unmasked": (ACCEPTS_UNMASKED, from_server(PING), Verdict.FAILED),
    "7.1.7/appropriate-code": (FAILS_WITH_ANOTHER_CODE, from_client(UNKNOWN_OPCODE), Verdict.NON_STRICT),
}


def judged(octets: bytes, endpoint: RuleSet, judges: RuleSet) -> Judgement:
    trace = traced(Role.SERVER, Attempt((Arrives(octets),), "sink", SERVER), endpoint)
    # Texts are not compared: what is no UTF-8 can be told to an application in several ways.
    return judge(trace, SERVER, application="sink", sees=EVERYTHING - {"text"}, rules=judges)


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_of_the_endpoint_is_named(rule: str) -> None:
    faulty, octets, verdict = FAULTS[rule]
    judgement = judged(octets, faulty, RULES)
    assert judgement.verdict is verdict
    assert rule in judgement.rules
    assert judgement.instead


@pytest.mark.parametrize("rule", FAULTS)
def test_a_faithful_endpoint_breaks_other_rules_than_its_own(rule: str) -> None:
    faulty, octets, _ = FAULTS[rule]
    assert judged(octets, RULES, faulty).verdict in (Verdict.FAILED, Verdict.NON_STRICT)
    assert judged(octets, faulty, faulty).verdict is Verdict.OK
    assert judged(octets, RULES, RULES).verdict is Verdict.OK


def test_rules_that_ask_for_less_are_kept_by_whoever_does_more() -> None:
    octets = from_client(PING)
    assert judged(octets, RULES, OWES_NO_PONG).verdict is Verdict.OK
    assert judged(octets, OWES_NO_PONG, RULES).rules == ("5.5.2/pong-owed",)


# --- the verdicts, one by one -----------------------------------------------------------------------------------------


def test_a_pong_that_answers_is_ok() -> None:
    judgement = as_server(PINGED, PONGS, Quiet())
    assert judgement.verdict is Verdict.OK
    assert judgement.strength is None
    assert set(rules_fired(judgement, SERVER)) >= {"5.5.2/ping", "5.5.3/send-pong", "2.1/nothing-owed"}


def test_silence_where_a_pong_is_owed_fails() -> None:
    judgement = as_server(PINGED, Quiet())
    assert (judgement.verdict, judgement.strength) == (Verdict.FAILED, Strength.MUST)
    assert judgement.rules == ("5.5.2/pong-owed",)
    assert (judgement.at, judgement.octet, judgement.arrived) == (1, None, 8)
    what = "accept: ping; pong with payload 6869"
    assert judgement.instead == (Allowed(what, ("5.5.2/ping", "5.5.2/pong-owed")),)


def test_a_history_is_judged_as_the_trace_that_it_was_made_of() -> None:
    traces: list[Trace] = [[PINGED, PONGS, Quiet()], [PINGED, Quiet()], [PINGED, Crashes("why"), PONGS]]
    for trace in traces:
        history = History(trace)
        assert judge(history, SERVER) == judge(history, SERVER) == judge(trace, SERVER)
    with pytest.raises(ValueError, match="a history for"):
        judge(History([PINGED], Role.CLIENT), SERVER)


def test_a_pong_more_than_there_were_pings_is_unsolicited() -> None:
    assert as_server(PINGED, PONGS, PONGS, Quiet(), application="sink").verdict is Verdict.OK
    assert as_server(PONGS, Quiet(), application="sink").verdict is Verdict.OK


def test_no_verdict_on_silence_that_was_not_observed() -> None:
    assert as_server(PINGED).verdict is Verdict.OK


def test_the_first_octet_that_is_wrong_is_told() -> None:
    masked = Writes(encode(Frame(TEXT, b"a", key=KEY)))
    judgement = as_server(PINGED, PONGS, masked, Quiet())
    assert judgement.verdict is Verdict.FAILED
    assert judgement.rules == ("5.1/server-does-not-mask",)
    assert (judgement.at, judgement.octet, judgement.arrived) == (2, len(PONGS.octets) + 1, len(PINGED.octets))
    assert judgement.direction == "written"


def test_a_should_that_is_not_followed_is_non_strict() -> None:
    judgement = as_server(Arrives(from_client(UNKNOWN_OPCODE)), ClosesTcp(), Quiet())
    assert (judgement.verdict, judgement.strength) == (Verdict.NON_STRICT, Strength.SHOULD)
    assert judgement.rules == ("7.1.7/close-frame-before-tcp",)
    assert [allowed.what for allowed in judgement.instead] == ["fail 1002; close with code 1002; tcp close"]


@pytest.mark.parametrize(("profile", "verdict"), [("interop", "FAILED"), ("letter", "INFORMATIONAL")])
def test_what_only_implementations_agree_on_binds_in_one_profile(profile: str, verdict: str) -> None:
    octets = Arrives(from_client(PING, fin=False))
    judgement = as_server(octets, Writes(from_server(PONG)), Processed(), Quiet(), profile=profile)
    assert (judgement.verdict, judgement.profile) == (verdict, profile)
    assert judgement.rules == ("5.5/fragmented-control",)
    assert judgement.strength is Strength.CONSENSUS


def test_a_limit_that_is_not_stated_is_information() -> None:
    trace = (Arrives(from_client(TEXT, b"a" * 200)), Writes(from_server(CLOSE, body(1009))), ClosesTcp(), Quiet())
    unstated = as_server(*trace, setting=Setting(Role.SERVER), application="sink")
    assert (unstated.verdict, unstated.rules) == (Verdict.INFORMATIONAL, ())
    assert as_server(*trace, setting=Setting(Role.SERVER, 199), application="sink").verdict is Verdict.OK
    assert as_server(*trace, setting=Setting(Role.SERVER, 200), application="sink").verdict is Verdict.FAILED


def test_a_client_should_wait_for_the_end_of_tcp() -> None:
    arrives = Arrives(from_server(CLOSE, body(1000)))
    closes = Writes(encode(Frame(CLOSE, body(1000), key=KEY)))
    judgement = judge((arrives, closes, ClosesTcp(), Quiet()), CLIENT)
    assert (judgement.verdict, judgement.rules[0]) == (Verdict.NON_STRICT, "7.1.1/client-waits")
    # An application of which nothing is known may have closed by itself, before the Close that arrived was read.
    assert judgement.one_of == ("7.1.1/client-waits", "7.1.1/close-cleanly")
    sink = judge((arrives, closes, ClosesTcp(), Quiet()), CLIENT, application="sink")
    assert (sink.verdict, sink.rules, sink.one_of) == (Verdict.NON_STRICT, ("7.1.1/client-waits",), ())
    assert judge((arrives, closes, Quiet()), CLIENT).verdict is Verdict.OK


def test_a_crash_fails_whatever_the_rules_say() -> None:
    judgement = as_server(PINGED, Crashes("ValueError: no"))
    assert (judgement.verdict, judgement.rules, judgement.at) == (Verdict.FAILED, (), 1)
    assert judgement.note == "it crashed: ValueError: no"


@pytest.mark.parametrize("end", [Quiet(), ClosesTcp()])
def test_a_torn_frame_fails(end: Observation) -> None:
    judgement = as_server(PINGED, PONGS, Writes(b"\x81\x02a"), end)
    assert (judgement.verdict, judgement.at, judgement.octet) == (Verdict.FAILED, 3, len(PONGS.octets))
    assert judgement.note == "it stops writing inside a frame, 3 octets after the frame begins"
    assert as_server(PINGED, PONGS, Writes(b"\x81\x02a")).verdict is Verdict.OK, "the rest may come"
    assert as_server(PINGED, PONGS, Writes(b"\x81\x02a"), Writes(b"b"), end).note == ""


@pytest.mark.parametrize(
    ("begun", "rules"),
    [
        ("820561", ("6.1/send-binary",)),
        ("8182010203", ()),
        ("818201020304", ("5.1/server-does-not-mask",)),
        ("a10561", ("5.2/reserved-bits-zero",)),
        ("830561", ("5.2/defined-opcodes-only",)),
        ("827f8000000000000000", ("5.2/send-length-sign-bit",)),
        ("817e000561", ("5.2/send-minimal-length",)),
        ("897e007e61", ("5.5/control-length",)),
        ("090261", ("5.4/control-not-fragmented",)),
    ],
)
def test_a_torn_frame_breaks_what_its_header_breaks(begun: str, rules: tuple[str, ...]) -> None:
    """A header that decides does so where its payload never comes; a sound one is to be transmitted (section 6.1)."""
    judgement = as_server(PINGED, PONGS, Writes(bytes.fromhex(begun)), Quiet())
    assert (judgement.verdict, judgement.rules) == (Verdict.FAILED, rules)


def test_nothing_is_said_where_there_are_too_many_explanations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsoracle.properties.judge.search._MOST_WORK", 10)
    monkeypatch.setattr("wsoracle.properties.judge.search._WORK_EACH", 0)
    wrong = Writes(from_server(CONTINUATION, b"a"))
    trace: list[Observation] = [*[PINGED] * 6, *[wrong] * 6, Quiet()]
    judgement = as_server(*trace)
    assert (judgement.verdict, judgement.rules, judgement.unexplained) == (Verdict.INFORMATIONAL, (), True)
    assert "not judged" in judgement.note
    assert (judgement.at, judgement.octet) == (6, 0)
    divided = parts(judgement, trace)
    assert {divided.behavior.value, divided.closing.value, divided.closing_kind} == {"INFORMATIONAL"}


def test_octets_of_a_close_frame_that_got_lost_with_tcp_are_a_should() -> None:
    """A reset may cost what was sent last: a missing Close frame before the end of TCP breaks no MUST."""
    fragment = from_client(TEXT, b"a", fin=False)
    judgement = as_server(Arrives(fragment + from_client(UNKNOWN_OPCODE)), ClosesTcp(), Quiet(), application="sink")
    assert judgement.verdict is Verdict.NON_STRICT


FAULT = Arrives(from_client(UNKNOWN_OPCODE))
RESET_NOTE = "TCP was reset: what the endpoint sent last may be lost"


@pytest.mark.parametrize(
    ("before", "setting"),
    [
        ((FAULT,), SERVER),
        ((PINGED, FAULT), SERVER),
        ((Arrives(from_client(TEXT, b"a") + from_client(UNKNOWN_OPCODE)),), ECHO),
        ((FAULT, Writes(from_server(CLOSE, body(1002))[:1])), SERVER),
        ((Arrives(from_client(CLOSE, body(1000))),), SERVER),
        ((Arrives(from_client(CLOSE)),), SERVER),
        ((Arrives(from_client(TEXT, b"a") + from_client(CLOSE, body(1000))),), ECHO),
        ((Asks("close", code=1001), Arrives(from_client(CLOSE, body(1000)))), SERVER),
    ],
)
def test_a_reset_may_cost_what_was_sent_last(before: tuple[Observation, ...], setting: Setting) -> None:
    application = "echo" if setting.echo else "sink"
    judgement = as_server(*before, ResetsTcp(), Quiet(), setting=setting, application=application)
    assert (judgement.verdict, judgement.note) == (Verdict.OK, RESET_NOTE), judgement
    assert not judgement.unexplained
    assert any(step.unseen for step in judgement.steps)


def test_a_reset_excuses_nothing_else() -> None:
    hello, back = Arrives(from_client(TEXT, b"a")), Writes(from_server(TEXT, b"a"))
    traces: list[Trace] = [(), (PINGED,), (PINGED, PONGS), (hello, back), (hello,), (hello, Writes(back.octets[:1]))]
    for trace in traces:
        judgement = as_server(*trace, ResetsTcp(), Quiet(), setting=ECHO, application="echo")
        assert (judgement.verdict, judgement.rules) == (Verdict.FAILED, ("7.3/closing-handshake-first",)), trace
    masked = Writes(encode(Frame(TEXT, b"b", key=KEY)))
    assert as_server(PINGED, masked, FAULT, ResetsTcp()).rules == ("5.1/server-does-not-mask",)
    accepted = as_server(FAULT, Processed(), Writes(from_server(TEXT, b"b")), ResetsTcp(), Quiet())
    assert accepted.verdict is Verdict.FAILED and "5.2/unknown-opcode" in accepted.rules, "it went on"
    torn = as_server(PINGED, Writes(PONGS.octets[:1]), ClosesTcp(), ResetsTcp())
    assert torn.unexplained and torn.verdict is Verdict.FAILED


def test_a_reset_when_nothing_is_lost_is_an_end_of_tcp() -> None:
    judgement = as_server(FAULT, FAILS[0], ResetsTcp(), Quiet(), application="sink")
    assert (judgement.verdict, judgement.note) == (Verdict.OK, "")
    closed = (Arrives(from_client(CLOSE, body(1000))), Writes(from_server(CLOSE, body(1000))))
    assert as_server(*closed, ResetsTcp(), Quiet(), application="sink").note == ""
    theirs, ours = Arrives(from_server(CLOSE, body(1000))), Writes(encode(Frame(CLOSE, body(1000), key=KEY)))
    waits = judge((theirs, ours, ResetsTcp(), Quiet()), CLIENT, application="sink")
    assert waits.rules == ("7.1.1/close-cleanly", "7.1.1/client-waits")
    lost = judge((theirs, ResetsTcp(), Quiet()), CLIENT, application="sink")
    assert (lost.verdict, lost.rules, lost.note) == (Verdict.NON_STRICT, ("7.1.1/client-waits",), RESET_NOTE)


# --- applications -----------------------------------------------------------------------------------------------------

HELLO = Arrives(from_client(TEXT, b"hello"))
HELLO_BACK = Writes(from_server(TEXT, b"hello"))


def test_an_application_that_does_not_echo_breaks_no_rule() -> None:
    assert as_server(HELLO, HELLO_BACK, Quiet(), setting=ECHO, application="echo").verdict is Verdict.OK
    silent = as_server(HELLO, Quiet(), setting=ECHO, application="echo")
    assert (silent.verdict, silent.rules) == (Verdict.INFORMATIONAL, ())
    assert (
        silent.application == ("not an echo: the message was not sent back",) and silent.note == silent.application[0]
    )
    assert as_server(HELLO, Quiet(), application="sink").verdict is Verdict.OK


@pytest.mark.parametrize(
    ("trace", "words"),
    [
        ((HELLO, Writes(from_server(TEXT, b"hallo"))), "the message differs at octet 1"),
        ((HELLO, Writes(from_server(TEXT, b"hell"))), "the message differs at octet 4"),
        ((HELLO, Writes(from_server(BINARY, b"hello"))), "the message is binary instead of text"),
        ((HELLO, HELLO_BACK, Writes(from_server(TEXT, b"more"))), "the application sends a message of its own"),
        ((Writes(from_server(TEXT, b"welcome")), HELLO, HELLO_BACK), "the application sends a message of its own"),
        ((Quiet(), Writes(from_server(TEXT, b"welcome"))), "the application sends a message of its own"),
        ((PINGED, Writes(from_server(TEXT, b"welcome")), PONGS), "the application sends a message of its own"),
        (
            (HELLO, Arrives(from_client(BINARY, b"b")), Writes(from_server(BINARY, b"b")), HELLO_BACK),
            "the message was sent back in another order",
        ),
        ((HELLO, Writes(from_server(CLOSE, body(1008)))), "the application answers with Close 1008"),
        (
            (HELLO, HELLO_BACK, Writes(from_server(CLOSE, body(1011)))),
            "the application closes by itself with Close 1011",
        ),
        ((Writes(from_server(CLOSE)),), "the application closes by itself with a Close without a code"),
    ],
)
def test_what_an_application_does_that_an_echo_does_not_is_said_in_words(trace: Trace, words: str) -> None:
    for profile in PROFILES:
        judgement = as_server(*trace, Quiet(), setting=ECHO, application="echo", profile=profile)
        assert (judgement.verdict, judgement.rules) == (Verdict.INFORMATIONAL, ())
        assert judgement.application == (f"not an echo: {words}",) and not judgement.unexplained
    assert as_server(*trace, Quiet()).verdict is Verdict.OK, "an application of which nothing is known may do it"


def test_what_comes_behind_a_message_that_was_not_sent_back_is_in_no_other_order() -> None:
    dropped = (Arrives(from_client(TEXT, b"") + from_client(TEXT, b"b")), Writes(from_server(TEXT, b"b")), Quiet())
    judgement = as_server(*dropped, setting=ECHO, application="echo")
    assert judgement.application == ("not an echo: the message was not sent back",)
    (run, _) = in_a_run(judgement)
    assert run.note == f"{NOT_AN_ECHO}: the message was not sent back"


@pytest.mark.parametrize(
    "act", [(Writes(from_server(TEXT, b"welcome")),), (HELLO, Writes(from_server(TEXT, b"HELLO")))]
)
def test_what_breaks_a_rule_is_decided_where_it_is_broken_whatever_the_application_did_before(act: Trace) -> None:
    late = (*act, PINGED, Quiet())
    judgement = as_server(*late, setting=ECHO, application="echo")
    assert (judgement.verdict, judgement.rules, judgement.at) == (Verdict.FAILED, ("5.5.2/pong-owed",), len(late) - 1)
    assert len(judgement.application) == 1
    assert any("pong" in allowed.what for allowed in judgement.instead)


def test_a_sink_that_sends_is_said_in_words() -> None:
    sent = as_server(HELLO, HELLO_BACK, Quiet(), application="sink")
    assert (sent.verdict, sent.application) == (
        Verdict.INFORMATIONAL, ("not a sink: the application sends a message of its own",)
    )  # fmt: skip
    assert as_server(HELLO, Asks("text", b"hello"), HELLO_BACK, Quiet(), application="sink").verdict is Verdict.OK
    trace = (HELLO, Writes(from_server(CLOSE, body(1001))), Quiet())
    assert as_server(*trace, application="sink").verdict is Verdict.INFORMATIONAL
    assert as_server(Asks("close", code=1001), *trace, application="sink").verdict is Verdict.OK
    assert as_server(*trace).verdict is Verdict.OK


@pytest.mark.parametrize("code", [1002, 1007])
@pytest.mark.parametrize("application", ["echo", "sink"])
def test_a_legal_message_is_refused_by_the_endpoint_and_not_by_its_application(code: int, application: Any) -> None:
    setting = ECHO if application == "echo" else SERVER
    trace = HELLO, Writes(from_server(CLOSE, body(code))), Arrives(from_client(CLOSE, body(code))), ClosesTcp()
    judgement = as_server(*trace, setting=setting, application=application)
    assert (judgement.verdict, judgement.rules) == (Verdict.FAILED, ("5.4/text-message",))
    assert as_server(*trace).verdict is Verdict.OK, "an application of which nothing is known may say so"


def test_the_setting_and_the_application_must_agree() -> None:
    for application in ("sink", "unknown"):
        with pytest.raises(ValueError, match="echo=True"):
            as_server(setting=ECHO, application=application)
    with pytest.raises(ValueError, match="echo=False"):
        as_server(setting=SERVER, application="echo")


def test_what_the_application_is_told_is_judged_where_it_is_seen() -> None:
    told, wrong = Tells("text", b"hello"), Tells("text", b"hallo")
    assert as_server(HELLO, told, Quiet(), sees={"text"}).verdict is Verdict.OK
    traces: tuple[tuple[Observation, ...], ...] = ((HELLO, Quiet()), (HELLO, wrong, Quiet()))
    for trace in traces:
        judgement = as_server(*trace, sees={"text"})
        assert (judgement.verdict, judgement.rules) == (Verdict.FAILED, ("5.4/text-message",))
        assert judgement.at == 1
        assert [allowed.what for allowed in judgement.instead] == ["accept: text message; tell its application text"]
    assert as_server(HELLO, Quiet()).verdict is Verdict.OK


def test_a_failure_that_is_told_is_one() -> None:
    fault = Arrives(from_client(UNKNOWN_OPCODE))
    assert as_server(fault, FAILS[0], ClosesTcp(), Tells("failed", code=1002), Quiet()).verdict is Verdict.OK
    assert as_server(HELLO, Tells("failed", code=1002), Processed(), Quiet()).verdict is Verdict.FAILED


def test_a_close_answered_with_a_code_of_its_own_may_be_told_as_a_failure() -> None:
    """A Close inside a message is answered with 1002; 7.1.5 asks for no more than the code received, if it is told."""
    arrived = Arrives(from_client(TEXT, b"a", fin=False) + from_client(CLOSE, b"\x03\xe8"))
    told = as_server(arrived, FAILS[0], Tells("failed", code=1002), ClosesTcp())
    assert told.verdict is Verdict.OK
    assert as_server(arrived, FAILS[0], Tells("failed", code=1007), ClosesTcp()).verdict is not Verdict.OK


# --- interleavings ----------------------------------------------------------------------------------------------------


def test_an_order_that_explains_it_is_enough() -> None:
    """The Close says that an unknown opcode was met; a Ping before it may have been read, or answered, or not."""
    ping_and_fault = Arrives(from_client(PING, b"a") + from_client(UNKNOWN_OPCODE))
    for sent in (b"", from_server(PONG, b"a")):
        answer = [Writes(sent)] if sent else []
        assert as_server(ping_and_fault, *answer, *FAILS, application="sink").verdict is Verdict.OK
    late: Trace = (ping_and_fault, FAILS[0], Writes(from_server(PONG, b"a")), *FAILS[1:])
    assert as_server(*late, application="sink").verdict is Verdict.OK, (
        "5.5.1 bars data after a Close, 5.5.2 asks for a Pong"
    )
    data: Trace = (ping_and_fault, FAILS[0], Writes(from_server(TEXT, b"a")), *FAILS[1:])
    assert "5.5.1/no-data-after-close" in as_server(*data).rules


def test_only_the_last_of_several_pings_has_to_be_answered() -> None:
    pings = Arrives(from_client(PING, b"a") + from_client(PING, b"b"))
    first, last = (Writes(from_server(PONG, payload)) for payload in (b"a", b"b"))
    assert as_server(pings, last, Quiet()).verdict is Verdict.OK
    assert as_server(pings, first, last, Quiet()).verdict is Verdict.OK
    assert as_server(pings, first, Quiet()).rules == ("5.5.2/pong-owed",)


def test_what_is_sent_may_have_been_sent_before_what_arrived_was_read() -> None:
    fault, text = Arrives(from_client(UNKNOWN_OPCODE)), Writes(from_server(TEXT, b"x"))
    assert as_server(fault, text, *FAILS).verdict is Verdict.OK
    judgement = as_server(fault, Processed(), text, *FAILS)
    assert (judgement.verdict, judgement.rules) == (Verdict.FAILED, ("7.1.7/no-data-after-failing",))


def test_nothing_depends_on_what_arrived_later() -> None:
    pong_first: Trace = (Writes(from_server(PONG, b"hi")), PINGED, Quiet())
    assert as_server(*pong_first).rules == ("5.5.2/pong-owed",)


def test_both_ends_may_close_at_once() -> None:
    theirs, ours = Arrives(from_client(CLOSE, body(1000))), Writes(from_server(CLOSE, body(1001)))
    asked = Asks("close", code=1001)
    ends: Sequence[Observation] = (ClosesTcp(), Quiet())
    assert as_server(asked, theirs, ours, *ends, application="sink").verdict is Verdict.OK
    assert as_server(asked, ours, theirs, *ends, application="sink").verdict is Verdict.OK


def test_a_frame_may_be_refused_before_it_is_whole() -> None:
    """The first octet of an unknown opcode is enough; that of a text is not."""
    assert as_server(Arrives(from_client(UNKNOWN_OPCODE)[:1]), *FAILS, application="sink").verdict is Verdict.OK
    assert as_server(Arrives(from_client(TEXT, b"a")[:1]), *FAILS, application="sink").verdict is Verdict.FAILED


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 12), st.integers(1, 40), st.data())
def test_how_much_is_sent_at_once_means_nothing(count: int, at_once: int, data: st.DataObject) -> None:
    """Messages, fragments and Pings, so many at once, and what is sent for them: right, or with one thing wrong."""
    frames: list[tuple[int, bytes, bool]] = []
    for number in range(count):
        kind = data.draw(st.sampled_from([TEXT, PING, CONTINUATION]))
        fragments = data.draw(st.integers(5, 9)) if kind == CONTINUATION else 1
        opcode = BINARY if kind == CONTINUATION else kind
        frames += [(opcode if not n else kind, b"%d" % number, n == fragments - 1) for n in range(fragments)]
    answers: list[bytes] = []
    message = b""
    for opcode, payload, fin in frames:
        if opcode == PING:
            answers.append(from_server(PONG, payload))
            continue
        message = message + payload if opcode == CONTINUATION else payload
        if fin:
            answers.append(from_server(BINARY if opcode == CONTINUATION else opcode, message))
    wrong = data.draw(st.none() | st.integers(0, len(answers) - 1))
    octets = [from_client(opcode, payload, fin=fin) for opcode, payload, fin in frames]
    arrives = [Arrives(b"".join(octets[at : at + at_once])) for at in range(0, len(octets), at_once)]
    if wrong is not None:
        answers[wrong] = from_server(TEXT, b"something else")
    trace: Trace = (*arrives, Writes(b"".join(answers)), Quiet())
    judgement = as_server(*trace, setting=ECHO, application="echo")
    assert (judgement.verdict is Verdict.OK) is (wrong is None), judgement
    if judgement.rules:  # a message in the place of the last Pong: it is missed at the end
        assert (judgement.rules, judgement.at) == (("5.5.2/pong-owed",), len(trace) - 1)
    elif wrong is not None:
        assert judgement.octet == sum(map(len, answers[:wrong]))


def test_very_many_frames_are_one_step() -> None:
    frames = [from_client(BINARY if not n else CONTINUATION, b"a", fin=n == 999) for n in range(1000)]
    echoed = Writes(from_server(BINARY, b"a" * 1000))
    judgement = as_server(Arrives(b"".join(frames)), echoed, Quiet(), setting=ECHO, application="echo")
    assert judgement.verdict is Verdict.OK
    assert len(judgement.steps) < 10
    assert sum(step.times for step in judgement.steps if step.frame is not None) == 1000
    assert rules_fired(judgement, ECHO)["5.4/next-fragment"] == 998


def test_nothing_is_owed_once_tcp_has_ended() -> None:
    assert as_server(PINGED, ArrivesEof(), ClosesTcp(), Quiet()).verdict is Verdict.OK


def test_a_client_that_stops_listening_without_a_word_has_failed() -> None:
    """Section 7.1.7: a Close frame SHOULD come before the end of TCP, for which section 7.1.1 has a client wait."""
    fault, ping = Arrives(from_server(UNKNOWN_OPCODE)), Arrives(from_server(PING, b"?"))
    echoes = Setting(Role.CLIENT, 1_000, True)
    silent = judge((fault, ping, Quiet()), echoes, application="echo")
    assert (silent.verdict, silent.strength) == (Verdict.NON_STRICT, Strength.SHOULD)
    assert all(rule.startswith("7.1.") for rule in silent.rules)
    nothing_shows_it = judge((fault, Quiet()), echoes, application="echo")
    assert (nothing_shows_it.verdict, nothing_shows_it.rules) == (Verdict.NON_STRICT, silent.rules)
    goes_on = judge((fault, ping, Writes(from_client(PONG, b"?")), Quiet()), echoes, application="echo")
    assert goes_on.verdict is Verdict.FAILED
    # A server has to end TCP itself.
    fault, ping = Arrives(from_client(UNKNOWN_OPCODE)), Arrives(from_client(PING, b"?"))
    assert as_server(fault, ping, Quiet()).verdict is Verdict.FAILED


def _echoed_in_parts(size: int, parts: int) -> tuple[Observation, ...]:
    """A message that comes in frames of one octet, and whose echo goes in parts."""
    data = b"x" * size
    sent = [from_client(CONTINUATION if at else BINARY, b"x", fin=at == size - 1) for at in range(size)]
    step = size // parts
    echo = [
        from_server(CONTINUATION if at else BINARY, data[at : at + step], fin=at + step >= size)
        for at in range(0, size, step)
    ]
    return Arrives(b"".join(sent)), Writes(b"".join(echo)), Processed(), Quiet()


def test_an_echo_in_parts_of_a_message_in_parts_is_not_tried_at_every_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    trace, setting = _echoed_in_parts(2_000, 200), Setting(Role.SERVER, 10_000, True)
    monkeypatch.setattr("wsoracle.properties.judge.search._MOST_STRICT_WORK", 10_000)  # the pairs are 400,000
    assert judge(trace, setting, application="echo").verdict is Verdict.OK
    wrong = (*trace[:1], Writes(from_server(BINARY, b"y" * 2_000)), *trace[2:])
    assert judge(wrong, setting, application="echo", strictly=True).unexplained


def test_what_leaves_too_much_open_is_not_judged_and_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsoracle.properties.judge.search._MOST_STRICT_WORK", 5)
    monkeypatch.setattr("wsoracle.properties.judge.search._WORK_EACH", 0)
    judgement = as_server(*[PINGED] * 20, PONGS, Quiet())
    assert (judgement.verdict, judgement.note, judgement.rules) == (Verdict.INFORMATIONAL, TOO_MANY, ())


def test_of_very_many_frames_nothing_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsoracle.model.octets.units.MOST_FRAMES", 10)
    pings, pongs = from_client(PING), from_server(PONG)
    for asked, answered in ((9, 9), (10, 9), (9, 10), (30, 30)):
        judgement = judge((Arrives(pings * asked), Writes(pongs * answered), Quiet()), SERVER)
        if max(asked, answered) < 10:
            assert (judgement.verdict, judgement.note) == (Verdict.OK, "")
        else:
            assert (judgement.verdict, judgement.note, judgement.rules) == (Verdict.INFORMATIONAL, TOO_LONG, ())
            assert judgement.unexplained


def test_a_search_that_gives_up_does_not_think_on(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each of these may have been taken or dropped.
    count = 20
    read: list[None] = []
    receive = FrameReader.receive

    def counted(*args: Any, **named: Any) -> Any:
        read.append(None)
        assert len(read) < 1_000, "it thinks on"
        return receive(*args, **named)

    monkeypatch.setattr("wsoracle.properties.judge.search._MOST_LENIENT_WORK", 10)
    monkeypatch.setattr("wsoracle.properties.judge.search._WORK_EACH", 1)
    monkeypatch.setattr(FrameReader, "receive", counted)
    pings = b"".join(from_client(PING, bytes([number]), fin=False) for number in range(count))
    pongs = [Writes(from_server(PONG, bytes([number]))) for number in range(count)]
    judged = judge([Arrives(pings), *pongs, Quiet()], ECHO, application="echo")
    assert (judged.verdict, judged.note, judged.rules) == (Verdict.INFORMATIONAL, TOO_MANY, ())


def test_the_end_of_one_half_of_tcp_is_a_reason_to_send_a_close() -> None:
    goes = Writes(from_server(CLOSE, body(1001))), ClosesTcp(), Quiet()
    judged = [judge(trace, ECHO, application="echo") for trace in ((ArrivesEof(), *goes), goes)]
    # Without a reason it is the application that closes; section 7.1.1: TCP is dropped before the answer has come.
    assert [judgement.verdict for judgement in judged] == [Verdict.OK, Verdict.NON_STRICT]


def test_an_echo_after_the_close_is_named_for_that() -> None:
    """Section 5.5.1: no data after a Close; that it was an answer, and is late, does not hide it."""
    arrives = Arrives(from_client(TEXT, b"Hello") + from_client(UNKNOWN_OPCODE))
    late = Writes(from_server(CLOSE, body(1002)) + from_server(TEXT, b"Hello")), ClosesTcp(), Quiet()
    judgement = judge((arrives, *late), ECHO, application="echo")
    assert judgement.verdict is Verdict.FAILED and not judgement.unexplained
    assert any(rule.startswith("5.5.1/") for rule in judgement.rules), judgement.rules
