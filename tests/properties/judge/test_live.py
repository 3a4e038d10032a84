"""A watch says of every beginning of a trace what the judge says of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.explore.attempts import Attempt, OwnRole
from wsoracle.implementations import ApplicationRefused
from wsoracle.model.facts.heads import response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.variables import Setting, State
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import TEXT, Frame, Role
from wsoracle.properties.judge.judge import EVERYTHING
from wsoracle.properties.judge.live import Watch
from wsoracle.properties.judge.observation import Arrives, ClosesTcp, Observation, Processed, Quiet, ResetsTcp, Writes
from wsoracle.properties.judge.steps import Steps
from wsoracle.properties.judge.verdict import Verdict
from wsoracle.properties.state_machines.driving import Driver, drive

REQUEST = sample_request(RequestFacts())
ASKS, OPENS = REQUEST.octets(), response_octets(ResponseFacts(), REQUEST)
PING, PONG = bytes.fromhex("898137fa213d56"), bytes.fromhex("8a0161")

ASIDE: list[Observation] = [Writes(PONG), Writes(b"\x88\x02\x03\xea"), Writes(b"\x01\x01a"), Arrives(PING), Quiet()]


@st.composite
def traces(draw: st.DrawFn) -> tuple[Attempt, tuple[Observation, ...]]:
    subject = OwnRole(draw(st.sampled_from(list(Role))))
    attempt = draw(subject.attempts())
    trace = list(drive(Driver(subject.connect(attempt), (ApplicationRefused,)), attempt.stimulus))
    for _ in range(draw(st.integers(0, 2))):
        if trace:
            del trace[draw(st.integers(0, len(trace) - 1))]
    ends: list[Observation] = [Quiet(), ClosesTcp(), ResetsTcp(), Writes(b"\x81")]
    return attempt, (*trace, *draw(st.lists(st.sampled_from(ends), max_size=2)))


def fine(watch: Watch) -> bool:
    return watch.judgement().conforms


@settings(max_examples=80, deadline=None)
@given(traces())
def test_it_says_of_each_beginning_what_the_judge_says(drawn: tuple[Attempt, tuple[Observation, ...]]) -> None:
    attempt, trace = drawn
    known: dict[str, Any] = {"application": attempt.application, "start": attempt.start, "sees": EVERYTHING}
    watch = Watch(attempt.setting, **known)
    assert watch.conforms_so_far
    for observation in trace:
        watch.observe(observation)
        assert watch.conforms_so_far is fine(watch), watch.trace
        if watch.conforms_so_far:
            for what, rules in watch.owes:
                assert what and rules
    silent = Watch(attempt.setting, **known)
    for observation in [o for o in trace if isinstance(o, Arrives)]:
        silent.observe(observation)
    owed = silent.owes
    silent.observe(Quiet())
    assert not (owed and silent.conforms_so_far), "what is owed may not be left out in silence"


@settings(max_examples=30, deadline=None)
@given(traces(), st.data())
def test_to_ask_what_would_be_changes_nothing(
    drawn: tuple[Attempt, tuple[Observation, ...]], data: st.DataObject
) -> None:
    attempt, trace = drawn
    known: dict[str, Any] = {"application": attempt.application, "start": attempt.start, "sees": EVERYTHING}
    asked, unasked = Watch(attempt.setting, **known), Watch(attempt.setting, **known)
    at = data.draw(st.integers(0, len(trace)))
    aside = data.draw(st.lists(st.sampled_from([*ASIDE, *trace]), min_size=1, max_size=3))
    for observation in trace[:at]:
        asked.observe(observation)
        unasked.observe(observation)
    would_be = asked.after(*aside)
    anew = Watch(attempt.setting, **known)
    for observation in (*trace[:at], *aside):
        anew.observe(observation)
    assert (would_be.trace, would_be.owes) == (anew.trace, anew.owes)
    assert would_be.conforms_so_far is anew.conforms_so_far
    for observation in trace[at:]:
        foretold = asked.after(observation).conforms_so_far
        asked.observe(observation)
        unasked.observe(observation)
        assert asked.conforms_so_far is unasked.conforms_so_far is foretold
        assert (asked.trace, asked.owes) == (unasked.trace, unasked.owes)


@pytest.mark.parametrize("cut", [1, 50, 10_000])
def test_from_the_first_octet_on(cut: int) -> None:
    watch = Watch(Setting(Role.SERVER, echo=True), application="echo")

    def arrives(octets: bytes) -> None:
        for at in range(0, len(octets), cut):
            watch.observe(Arrives(octets[at : at + cut]))

    assert not watch.owes
    arrives(ASKS)
    assert watch.owes == (("answer with 101, or refuse with an error code", ("4.2.2/response-owed",)),)
    watch.observe(Writes(OPENS))
    assert watch.conforms_so_far and not watch.owes
    arrives(PING)
    assert watch.owes == (("pong with payload 61", ("5.5.2/pong-owed",)),)
    watch.observe(Writes(PONG[:1]))
    watch.observe(Writes(PONG[1:]))
    watch.observe(Processed())
    assert watch.conforms_so_far and not watch.owes
    watch.observe(Writes(b"\x81\x01a"))
    assert not watch.conforms_so_far
    judgement = watch.judgement()
    assert (judgement.verdict, judgement.octet) == (Verdict.INFORMATIONAL, len(OPENS + PONG))
    watch.observe(Quiet())
    assert not watch.conforms_so_far


def test_a_client_is_watched_too() -> None:
    watch = Watch(Setting(Role.CLIENT), application="sink")
    assert watch.owes == (("request", ("4.1/request-owed",)),)
    watch.observe(Writes(ASKS))
    watch.observe(Arrives(OPENS + b"\x89\x00"))
    assert watch.owes == (("pong with payload empty", ("5.5.2/pong-owed",)),)
    watch.observe(Writes(bytes.fromhex("8a8000000000")))
    assert watch.conforms_so_far
    watch.observe(Writes(bytes.fromhex("8a00")))
    assert not watch.conforms_so_far


def test_an_answer_that_is_wrong_does_not_conform() -> None:
    watch = Watch(Setting(Role.SERVER), application="sink")
    watch.observe(Arrives(ASKS))
    watch.observe(Writes(OPENS.replace(b"Accept: ", b"Accept: x")))
    assert not watch.conforms_so_far and not watch.owes


def test_the_setting_and_the_application_must_agree() -> None:
    with pytest.raises(ValueError, match="echo=False"):
        Watch(Setting(Role.SERVER), application="echo")


@pytest.fixture
def thought(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One for each step that a search thinks of."""
    steps: list[None] = []
    through = Steps.go

    def counted(*given: Any, **named: Any) -> Any:
        steps.append(None)
        return through(*given, **named)

    monkeypatch.setattr(Steps, "go", counted)
    return steps


def test_an_observation_costs_what_it_adds(thought: list[None]) -> None:
    """Steps are counted: the thousandth Ping and its Pong need as many as the tenth."""
    watch = Watch(Setting(Role.SERVER), start=State())
    counts = []
    for _ in range(1_000):
        before = len(thought)
        watch.observe(Arrives(PING))
        watch.observe(Writes(PONG))
        counts.append(len(thought) - before)
    assert watch.conforms_so_far and set(counts) == {2}


@pytest.mark.parametrize("octets_more", (0, 3), ids=("whole messages", "amid the next one"))
@pytest.mark.parametrize("role", Role)
def test_what_is_owed_is_asked_for_as_fast_behind_many_messages(
    role: Role, octets_more: int, thought: list[None]
) -> None:
    """Also by a client that has done nothing since it asked: its handshake is complete once it has read on."""
    key = None if role is Role.CLIENT else bytes(4)
    octets = b"".join(encode(Frame(TEXT, b"%d" % number, key=key)) for number in range(300))
    size = len(octets) // 300
    watch = Watch(Setting(role, echo=True), application="echo")
    for seen in (Writes(ASKS), Arrives(OPENS)) if role is Role.CLIENT else (Arrives(ASKS), Writes(OPENS)):
        watch.observe(seen)
    counts = []
    for at in range(0, len(octets) - octets_more, size):
        watch.observe(Arrives(octets[at + octets_more * (at > 0) : at + octets_more + size]))
        before = len(thought)
        assert watch.owes
        counts.append(len(thought) - before)
    assert watch.conforms_so_far and max(counts) < 10


@settings(max_examples=40, deadline=None)
@given(traces())
def test_to_ask_what_is_owed_changes_no_later_answer(drawn: tuple[Attempt, tuple[Observation, ...]]) -> None:
    """What was read on for an answer is kept for the next one; a watch that is asked at last reads all of it then."""
    attempt, trace = drawn
    known: dict[str, Any] = {"application": attempt.application, "start": attempt.start, "sees": EVERYTHING}
    often = Watch(attempt.setting, **known)
    pieces: list[Observation] = []
    for seen in trace:
        halves = [seen.octets[:3], seen.octets[3:]] if isinstance(seen, Arrives) else []
        pieces += [Arrives(half) for half in halves] or [seen]
    for at, piece in enumerate(pieces):
        often.observe(piece)
        once = Watch(attempt.setting, **known)
        for before in pieces[: at + 1]:
            once.observe(before)
        assert often.owes == once.owes
