"""Behaviour and closing: every fault belongs to a part, and together they say what the judgement says."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.explore.attempts import Attempt, OwnRole
from wsoracle.implementations import ApplicationRefused
from wsoracle.model.facts.heads import response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.variables import CONNECTING, Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.behaviour_and_closing import Parts, parts
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.observation import (
    Arrives,
    ArrivesEof,
    ClosesTcp,
    Crashes,
    Observation,
    Processed,
    Quiet,
    ResetsTcp,
    Writes,
)
from wsoracle.properties.judge.verdict import PROFILES, Profile, worst
from wsoracle.properties.state_machines.driving import Driver, drive

judge_all = partial(judge, start=CONNECTING)

KEY = b"\x37\xfa\x21\x3d"
ECHO = Setting(Role.SERVER, 1_000, True)
HELLO, BAD = Frame(TEXT, b"hello"), Frame(3, b"")
DONE = (ClosesTcp(), Quiet())


def code(number: int) -> Frame:
    return Frame(CLOSE, number.to_bytes(2, "big"))


def arrives(*frames: Frame) -> Arrives:
    return Arrives(b"".join(encode(Frame(f.opcode, f.payload, f.fin, f.rsv1, key=KEY)) for f in frames))


def writes(*frames: Frame) -> Writes:
    return Writes(b"".join(map(encode, frames)))


def split(*trace: Observation, profile: Profile = "interop", **options: Any) -> Parts:
    judgement = judge(trace, options.pop("setting", ECHO), application="echo", profile=profile, **options)
    found = parts(judgement, trace)
    assert worst(found.behavior, found.closing) is judgement.verdict
    return found


@pytest.mark.parametrize(
    ("trace", "behavior", "closing", "kind"),
    [
        ((arrives(HELLO), writes(HELLO), arrives(code(1000)), writes(code(1000)), *DONE), "OK", "OK", "OK"),
        ((arrives(BAD), writes(code(1002)), *DONE), "OK", "OK", "OK"),
        ((arrives(BAD), ResetsTcp(), Quiet()), "OK", "OK", "OK"),
        ((arrives(HELLO), Quiet()), "INFORMATIONAL", "OK", "OK"),
        ((arrives(BAD), writes(code(1003)), *DONE), "INFORMATIONAL", "OK", "OK"),
        ((arrives(BAD), *DONE), "OK", "NON-STRICT", "INFORMATIONAL"),
        ((arrives(BAD), writes(code(1002)), Quiet()), "OK", "FAILED", "FAILED BY CLIENT"),
        ((arrives(code(1000)), Quiet()), "OK", "FAILED", "UNCLEAN"),
        ((arrives(code(1000)), *DONE), "OK", "FAILED", "UNCLEAN"),
        ((arrives(code(1000)), writes(code(1005)), *DONE), "OK", "FAILED", "WRONG CODE"),
        ((arrives(code(1000)), writes(code(1000)), Quiet()), "OK", "FAILED", "FAILED BY CLIENT"),
        ((arrives(code(1000)), writes(Frame(CLOSE, b"a")), *DONE), "OK", "FAILED", "FAILED"),
        ((arrives(code(999)), writes(code(999)), *DONE), "OK", "FAILED", "WRONG CODE"),
        ((arrives(BAD, Frame(PING, b"a")), writes(Frame(PONG, b"a")), Quiet()), "FAILED", "OK", "OK"),
        ((arrives(Frame(TEXT, b"\xff")), writes(Frame(BINARY, b"\xff")), Quiet()), "FAILED", "OK", "OK"),
        ((arrives(HELLO), *DONE), "FAILED", "FAILED", "UNCLEAN"),
        (DONE, "FAILED", "FAILED", "UNCLEAN"),
        ((arrives(HELLO), writes(code(1002)), *DONE), "FAILED", "OK", "OK"),
        ((arrives(HELLO), Crashes("no")), "FAILED", "OK", "OK"),
        ((arrives(HELLO), writes(HELLO), Writes(b"\x81\x01"), *DONE), "FAILED", "FAILED", "FAILED"),
    ],
)
def test_each_fault_has_its_part(trace: tuple[Observation, ...], behavior: str, closing: str, kind: str) -> None:
    found = split(*trace)
    assert (found.behavior, found.closing, found.closing_kind) == (behavior, closing, kind), found


def test_an_echo_that_keeps_its_promise_closes_with_a_wrong_code() -> None:
    found = split(arrives(BAD), writes(code(1003)), *DONE, keeps_promise=True)
    assert (found.behavior, found.closing, found.closing_kind) == ("OK", "NON-STRICT", "INFORMATIONAL")
    assert [broken.rule for broken in found.broken_in_closing] == ["7.1.7/appropriate-code"]


def test_who_stays_silent_on_a_faulty_frame_behaves_wrongly() -> None:
    found = split(arrives(BAD), Quiet())
    assert found.behavior == "FAILED"
    assert "5.2/unknown-opcode" in [broken.rule for broken in found.broken_in_behavior]


def test_a_consensus_on_closing_is_information_by_the_letter() -> None:
    trace = (arrives(code(1000)), writes(Frame(CLOSE, b"\x03\xe8\xff")), *DONE)
    assert split(*trace).closing == "FAILED"
    found = split(*trace, profile="letter")
    assert (found.behavior, found.closing, found.closing_kind) == ("OK", "INFORMATIONAL", "INFORMATIONAL")


def test_a_limit_of_its_own_and_a_missing_feature_are_behaviour() -> None:
    unstated = Setting(Role.SERVER, echo=True)
    found = split(arrives(Frame(TEXT, b"a" * 200)), writes(code(1009)), *DONE, setting=unstated)
    assert (found.behavior, found.closing) == ("INFORMATIONAL", "OK")
    request = sample_request(RequestFacts())
    trace = (Arrives(request.octets()), Writes(response_octets(ResponseFacts(), request)), Processed(), Quiet())
    judgement = judge_all(trace, ECHO, application="echo", needs={"extension"})
    assert parts(judgement, trace)[:2] == ("UNIMPLEMENTED", "OK")
    unanswered = (Arrives(request.octets()), Quiet())
    found = parts(judge_all(unanswered, ECHO, application="echo"), unanswered)
    assert found.behavior == "FAILED"
    dropped = (Arrives(request.octets()), *DONE)
    found = parts(judge_all(dropped, ECHO, application="echo"), dropped)
    assert (found.behavior, found.closing, found.closing_kind) == ("NON-STRICT", "NON-STRICT", "INFORMATIONAL")


def own_traces() -> st.SearchStrategy[tuple[Attempt, tuple[Observation, ...]]]:
    """What our own endpoint does, and then not: observations are left out, twice there, or from another run."""

    def driven(role: Role) -> st.SearchStrategy[tuple[Attempt, tuple[Observation, ...]]]:
        subject = OwnRole(role)
        return subject.attempts().map(
            lambda attempt: (attempt, drive(Driver(subject.connect(attempt), (ApplicationRefused,)), attempt.stimulus))
        )

    return st.sampled_from(list(Role)).flatmap(driven)


@settings(max_examples=150, deadline=None)
@given(own_traces(), st.data(), st.sampled_from(PROFILES))
def test_the_parts_make_up_the_judgement(
    drawn: tuple[Attempt, tuple[Observation, ...]], data: st.DataObject, profile: Profile
) -> None:
    attempt, whole = drawn
    changed = list(whole)
    for _ in range(data.draw(st.integers(0, 2))):
        if changed:
            del changed[data.draw(st.integers(0, len(changed) - 1))]
    ends: list[Observation] = [Quiet(), ClosesTcp(), ResetsTcp(), ArrivesEof()]
    changed += data.draw(st.lists(st.sampled_from(ends), max_size=2))
    judgement = judge(changed, attempt.setting, application=attempt.application, start=attempt.start, profile=profile)
    found = parts(judgement, changed)
    assert worst(found.behavior, found.closing) is judgement.verdict
    assert {*found.broken_in_behavior, *found.broken_in_closing} == set(judgement.broken)
