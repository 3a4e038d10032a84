"""The same octets cut otherwise are judged alike: TCP carries octets, not the chunks in which they were seen."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.explore.attempts import Attempt, OwnRole
from wsoracle.implementations import ApplicationRefused
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judge import EVERYTHING, Application, judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.live import Watch
from wsoracle.properties.judge.observation import Arrives, Observation, Trace, Writes
from wsoracle.properties.state_machines.driving import Driver, drive

from .test_shortcuts import keepalives, traces

SIZES = st.one_of(st.integers(1, 3), st.integers(1, 40), st.just(1 << 20))


@st.composite
def cut_again(draw: st.DrawFn, trace: Trace) -> tuple[Observation, ...]:
    """The trace with the octets of neighbours in one direction joined, and cut anew."""
    found: list[Observation] = []
    for kind, several in groupby(trace, key=type):
        if kind is not Arrives and kind is not Writes:
            found += several
            continue
        octets = b"".join(one.octets for one in several if isinstance(one, (Arrives, Writes)))
        while octets:
            size = draw(SIZES)
            found.append(Arrives(octets[:size]) if kind is Arrives else Writes(octets[:size]))
            octets = octets[size:]
    return tuple(found)


def told(judgement: Judgement) -> tuple[object, ...]:
    """What a judgement says, but for the numbers of observations."""
    return judgement.verdict, judgement.rules, judgement.octet, judgement.arrived, judgement.note, judgement.instead


APPLICATIONS: tuple[Application, ...] = "echo", "sink", "unknown"


@given(st.one_of(traces(), keepalives()), st.data(), st.sampled_from(APPLICATIONS), st.booleans(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_frames_cut_otherwise_are_judged_alike(
    trace: Trace, data: st.DataObject, application: Application, strictly: bool, limited: bool
) -> None:
    setting = Setting(Role.SERVER, 200 if limited else None, echo=application == "echo")
    again = data.draw(cut_again(trace))
    known: dict[str, Any] = {"application": application, "taken_by_all": 30, "strictly": strictly}
    assert told(judge(again, setting, **known)) == told(judge(trace, setting, **known))


@st.composite
def connections(draw: st.DrawFn) -> tuple[Attempt, tuple[Observation, ...]]:
    """What an endpoint of our own does, from the first octet on; of which some may be missing, or be there twice."""
    subject = OwnRole(draw(st.sampled_from(list(Role))))
    attempt = draw(subject.attempts())
    trace = list(drive(Driver(subject.connect(attempt), (ApplicationRefused,)), attempt.stimulus))
    for _ in range(draw(st.integers(0, 2))):
        if trace:
            at = draw(st.integers(0, len(trace) - 1))
            trace[at : at + 1] = draw(st.sampled_from(([], [trace[at], trace[at]])))
    return attempt, tuple(trace)


@given(connections(), st.data(), st.booleans())
@settings(max_examples=100, deadline=None)
def test_connections_cut_otherwise_are_judged_alike(
    drawn: tuple[Attempt, tuple[Observation, ...]], data: st.DataObject, sees: bool
) -> None:
    attempt, trace = drawn
    again = data.draw(cut_again(trace))
    known: dict[str, Any] = {"application": attempt.application, "start": attempt.start}
    known["sees"] = EVERYTHING if sees else ()
    assert told(judge(again, attempt.setting, **known)) == told(judge(trace, attempt.setting, **known))
    assert conforms(again, attempt, known) is conforms(trace, attempt, known)


def conforms(trace: Trace, attempt: Attempt, known: dict[str, Any]) -> bool:
    watch = Watch(attempt.setting, **known)
    for observation in trace:
        watch.observe(observation)
    return watch.conforms_so_far
