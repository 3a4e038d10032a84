"""What excuses an endpoint and what does not: unstated limits, a crash, an end of TCP, too much that is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.behaviour_and_closing import parts
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import (
    Arrives,
    ArrivesEof,
    ClosesTcp,
    Crashes,
    Observation,
    Quiet,
    ResetsTcp,
    Writes,
)
from wsoracle.properties.judge.verdict import TAKEN_BY_ALL, Verdict

KEY = b"\x37\xfa\x21\x3d"
UNLIMITED = Setting(Role.SERVER, None, echo=True)
LIMITED = Setting(Role.SERVER, (1 << 63) - 1, echo=True)
SMALL, LARGE = b"a", b"a" * (TAKEN_BY_ALL + 1)


def from_client(opcode: int, payload: bytes = b"", **fields: Any) -> Arrives:
    return Arrives(encode(Frame(opcode, payload, key=KEY, **fields)))


def from_server(opcode: int, payload: bytes = b"", **fields: Any) -> Writes:
    return Writes(encode(Frame(opcode, payload, **fields)))


def closing(code: int) -> Writes:
    return from_server(CLOSE, code.to_bytes(2, "big"))


def judged(*trace: Observation, setting: Setting = UNLIMITED) -> Judgement:
    return judge(trace, setting, application="echo")


@pytest.mark.parametrize("payload", [SMALL, LARGE])
@pytest.mark.parametrize("refusal", [
    (closing(1002), ClosesTcp()), (closing(1007), ClosesTcp()), (ClosesTcp(),), (ResetsTcp(),),
])  # fmt: skip
def test_a_limit_that_nobody_states_excuses_no_refusal_of_what_all_take(
    payload: bytes, refusal: tuple[Observation, ...]
) -> None:
    judgement = judged(from_client(TEXT, payload), *refusal)
    silent = payload is LARGE and not isinstance(refusal[0], Writes)
    assert judgement.verdict is (Verdict.INFORMATIONAL if silent else Verdict.FAILED)
    assert judged(from_client(TEXT, payload), *refusal, setting=LIMITED).verdict is Verdict.FAILED


@pytest.mark.parametrize("payload", [SMALL, LARGE])
def test_who_says_that_it_was_too_big_is_believed(payload: bytes) -> None:
    refused = from_client(TEXT, payload), closing(1009), ClosesTcp()
    assert judged(*refused).verdict is Verdict.INFORMATIONAL
    assert judged(*refused, setting=LIMITED).verdict is Verdict.FAILED


@pytest.mark.parametrize("times", [1, 3, 4, 50])
@pytest.mark.parametrize(("sent", "before", "rule"), [
    (encode(Frame(TEXT, b"a", key=KEY)), (from_client(TEXT, b"a"),), "5.1/server-does-not-mask"),
    (encode(Frame(TEXT, b"a")), (from_client(CLOSE), from_server(CLOSE)), "5.5.1/no-data-after-close"),
])  # fmt: skip
def test_however_often_a_rule_is_broken_it_is_named(
    times: int, sent: bytes, before: tuple[Observation, ...], rule: str
) -> None:
    judgement = judged(*before, *[Writes(sent)] * times, ClosesTcp())
    assert judgement.verdict is Verdict.FAILED
    assert rule in judgement.rules
    assert all(broken.strength.binds for broken in judgement.broken)


@pytest.mark.parametrize("pings", [12, 16, 50])
def test_pings_that_nobody_answered_make_nothing_harder(pings: int) -> None:
    arrives = b"".join(from_client(PING, b"%d" % number).octets for number in range(pings))
    arrives = from_client(CLOSE).octets + arrives
    trace = Arrives(arrives), from_server(PONG, b"%d" % (pings - 1)), from_server(CLOSE), ClosesTcp()
    judgement = judged(*trace)
    assert (judgement.verdict, judgement.rules) == (Verdict.NON_STRICT, ("7.1.1/trailing-octets",))


def test_what_was_wrong_before_a_crash_is_named_too() -> None:
    trace = Arrives(encode(Frame(TEXT, b"a"))), from_server(TEXT, b"a"), Crashes("boom")
    judgement = judged(*trace)
    assert judgement.verdict is Verdict.FAILED
    assert judgement.rules == ("5.1/server-refuses-unmasked",)
    assert judgement.note == "it crashed: boom"
    assert parts(judgement, trace).closing is Verdict.OK


@pytest.mark.parametrize("written", [b"\x81\x05he", b"\x81"])
def test_what_cannot_arrive_any_more_need_not_be_sent(written: bytes) -> None:
    assert judged(from_client(TEXT, b"hello"), Writes(written), ArrivesEof(), ClosesTcp()).verdict is not Verdict.FAILED
    assert judged(from_client(TEXT, b"hello"), Writes(written), ClosesTcp()).verdict is Verdict.FAILED
    assert judged(from_client(TEXT, b"hello"), Writes(written), Quiet(), ArrivesEof()).verdict is Verdict.FAILED


def test_a_frame_that_comes_in_two_parts_with_silence_between_them_is_not_sent_in_time() -> None:
    trace = from_client(TEXT, b"hello"), Writes(b"\x81\x05he"), Quiet(), Writes(b"llo"), Quiet()
    assert judged(*trace).verdict is Verdict.FAILED
    assert judged(trace[0], trace[1], trace[3], Quiet()).verdict is Verdict.OK


def test_a_torn_frame_hides_nothing_that_was_wrong_before() -> None:
    judgement = judged(
        from_client(TEXT, b"a"), Writes(encode(Frame(TEXT, b"a", key=KEY))), Writes(b"\x81"), ClosesTcp()
    )
    assert judgement.verdict is Verdict.FAILED
    assert "5.1/server-does-not-mask" in judgement.rules
    assert "it stops writing inside a frame" in judgement.note
