"""Hunting: what is seeded is found and shrunk, nothing else is, and the same seed finds the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faulty import ACCEPTS_FRAGMENTED_CONTROL, FAILS_WITH_ANOTHER_CODE, OWES_NO_PONG, FaultyRole
from wsoracle.explore import hunting, random_walk
from wsoracle.explore.attempts import Attempt, OwnRole
from wsoracle.explore.findings import Finding, stimulus_to_json
from wsoracle.explore.hunting import Examined, Hunt, examine, hunt
from wsoracle.explore.random_walk import few_settings, random_walks
from wsoracle.generators.cases.derived import check_suite, judge_only
from wsoracle.generators.cases.realised_history import CannotBuildError
from wsoracle.generators.strategies.frames import frame_items, put_together, stimuli
from wsoracle.implementations import PeerCrashed
from wsoracle.implementations.own_endpoint import OwnEndpoint
from wsoracle.model.machine import interpreted
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.switches import SWITCHES
from wsoracle.model.notation.variables import Event, Setting, State
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import PING, Frame, Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.judge import rules_fired
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, Asks, Stimulus
from wsoracle.properties.state_machines.driving import Sut
from wsoracle.properties.state_machines.walk import Walk

SERVER: Final = Setting(Role.SERVER, 1_000)
BUDGET: Final = 150
KEY: Final = b"\x37\xfa\x21\x3d"


class Plain(FaultyRole):
    """An endpoint with a seeded fault; a few frames each, and a sink."""

    def attempts(self) -> st.SearchStrategy[Attempt]:
        drawn = st.lists(frame_items(self.role), min_size=1, max_size=3)
        return drawn.map(lambda some: Attempt(put_together(some, self.role), "sink", Setting(self.role, 1_000)))


class Crashing(Plain):
    """An endpoint that breaks down at each chunk that ends in an unmasked or masked Ping without payload."""

    def connect(self, attempt: Attempt) -> Sut:
        return _Crashes(attempt.setting)


class _Crashes(OwnEndpoint):
    def receive(self, octets: bytes, /) -> None:
        if octets[:1] == b"\x89":
            raise PeerCrashed(ZeroDivisionError("no"))
        super().receive(octets)


@cache
def hunted(rules: RuleSet, role: Role = Role.SERVER, seed: int = 1) -> Hunt:
    return hunt(Plain(role, rules), seed, BUDGET)


def frame(opcode: int, role: Role, payload: bytes = b"") -> bytes:
    return encode(Frame(opcode, payload, key=KEY if role is Role.SERVER else None))


# --- hunting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_a_seeded_fault_is_found_and_shrunk_to_one_empty_frame(role: Role) -> None:
    found = hunted(OWES_NO_PONG, role).found
    assert [examined.judgement.rules for examined in found] == [("5.5.2/pong-owed",)]
    assert found[0].attempt.stimulus == (Arrives(frame(PING, role)),)
    assert [deviation.act for deviation in found[0].deviations] == ["stays quiet"]


def test_a_code_that_does_not_fit_is_found() -> None:
    (found,) = hunted(FAILS_WITH_ANOTHER_CODE).found
    assert found.judgement.rules == ("7.1.7/appropriate-code",)
    assert [deviation.act for deviation in found.deviations] == ["sends close 1007 where 1002 fits"]
    (arrives,) = found.attempt.stimulus
    assert isinstance(arrives, Arrives)
    assert len(arrives.octets) == 6, "a frame without payload"


def test_a_crash_is_found() -> None:
    (found, *_) = hunt(Crashing(Role.SERVER, RULES), 1, BUDGET).found
    assert found.judgement.note == "it crashed: ZeroDivisionError: no"
    assert found.attempt.stimulus == (Arrives(frame(PING, Role.SERVER)),)
    finding = _finding(found)
    assert (finding.strength, finding.rules, finding.description) == ("CRASH", (), found.judgement.note)
    with pytest.raises(CannotBuildError, match="no step"):
        finding.cases(1)


@pytest.mark.parametrize("role", Role)
def test_nothing_is_found_in_our_own_endpoint(role: Role) -> None:
    steps: list[None] = []
    hunted_here = hunt(OwnRole(role), 1, 60, lambda: steps.append(None))
    assert hunted_here.found == ()
    assert hunted_here.drawn == len(steps) >= 60
    assert set(hunted_here.fired) <= set(RULES.by_id)
    assert len(hunted_here.fired) > 10


def test_the_same_seed_finds_the_same() -> None:
    again = hunt(Plain(Role.SERVER, OWES_NO_PONG), 1, BUDGET)
    assert again == hunted(OWES_NO_PONG)
    other = hunt(Plain(Role.SERVER, OWES_NO_PONG), 2, BUDGET)
    assert other.fired != again.fired


def test_steering_does_not_depend_on_the_order_of_a_set(monkeypatch: pytest.MonkeyPatch) -> None:
    fired = rules_fired
    scores: list[list[float]] = []
    for backwards in (False, True):
        seen: list[float] = []
        monkeypatch.setattr(hunting, "target", lambda score, label, seen=seen: seen.append(score))
        monkeypatch.setattr(
            hunting, "rules_fired", lambda *given, order=backwards: sorted(fired(*given), reverse=order)
        )
        hunt(Plain(Role.SERVER, OWES_NO_PONG), 1, BUDGET)
        scores.append(seen)
    assert scores[0] == scores[1]
    assert len({score % 1 for score in scores[0]}) > 10, "the second round counts seldom rules for more"


def test_an_example_is_what_examining_its_scenario_shows() -> None:
    (found,) = hunted(OWES_NO_PONG).found
    assert examine(Plain(Role.SERVER, OWES_NO_PONG), found.attempt) == found
    assert not examine(OwnRole(Role.SERVER), found.attempt).deviations


@settings(max_examples=20)
@given(st.sampled_from(Role).flatmap(lambda role: OwnRole(role).attempts()))
def test_attempts_state_what_is_true_of_them(attempt: Attempt) -> None:
    assert (attempt.application == "echo") is attempt.setting.echo
    assert attempt.setting.limit is not None, "our own endpoint has a limit and says so"


# --- findings ---------------------------------------------------------------------------------------------------------


def _finding(examined: Examined, case: str = "exploration/own/server/5.5.2/pong-owed") -> Finding:
    return Finding("own", "1.0", case, examined)


def test_a_finding_as_an_object() -> None:
    finding = _finding(hunted(OWES_NO_PONG).found[0])
    said = finding.to_json()
    assert json.loads(json.dumps(said)) == said
    assert said == {
        "implementation": "own",
        "version": "1.0",
        "role": "server",
        "case": finding.case,
        "rules": ["5.5.2/pong-owed"],
        "strength": "MUST",
        "verdict": "FAILED",
        "description": "stays quiet",
        "prompted": False,
        "application": "sink",
        "limit": 1_000,
        "octets": ["898037fa213d"],
        "stimulus": [{"arrives": "898037fa213d"}],
        "observed": ["arrives [ping fin masked: '']", "tells its application ping", "stays quiet"],
        "would_have_been_allowed": ["accept: ping; pong with payload empty (5.5.2/ping, 5.5.2/pong-owed)"],
        "clauses": [f"{rule.section}: {rule.quote}" for rule in [RULES.by_id["5.5.2/pong-owed"]]],
    }


def test_a_finding_as_cases_with_its_control_first() -> None:
    octets = encode(Frame(PING, fin=False, key=KEY))
    attempt = Attempt((Arrives(octets[:3]), Arrives(octets[3:])), "sink", SERVER)
    rule = "5.5/fragmented-control"
    finding = _finding(examine(Plain(Role.SERVER, ACCEPTS_FRAGMENTED_CONTROL), attempt), f"exploration/own/{rule}")
    control, case = finding.cases(7)
    check_suite([control, case])
    assert (case.id, case.control) == (finding.case, control.id)
    assert case.origin.seed == 7
    assert rule in {broken for outcome in case.allowed for broken in outcome.rules}
    assert finding.description in case.title


def test_what_the_endpoint_sends_is_a_case_without_a_control() -> None:
    (found,) = hunted(FAILS_WITH_ANOTHER_CODE).found
    (case,) = _finding(found).cases(7)
    assert judge_only(case)


def test_what_the_application_asked_for_is_its_fault_too() -> None:
    wrong = RULES.without("7.4.1/send-code-1015")
    attempt = Attempt((Asks("close", code=1015),), "sink", SERVER)
    finding = _finding(examine(Plain(Role.SERVER, wrong), attempt))
    assert finding.rules == ("7.4.1/send-code-1015",)
    assert finding.prompted
    assert finding.description == "sends close 1015 (its application asks for it, and it lets it)"


def stimulus_from_json(document: Sequence[dict[str, Any]]) -> Stimulus:
    """The stimulus of objects, which leave nothing out."""
    return tuple(map(_part_from_json, document))


def _part_from_json(part: dict[str, Any]) -> Arrives | ArrivesEof | Asks:
    if "arrives" in part:
        return Arrives(bytes.fromhex(part["arrives"]))
    if "arrives_eof" in part:
        return ArrivesEof()
    return Asks(part["asks"], bytes.fromhex(part["payload"]), part["fin"], part["code"], part["reason"])


@given(st.sampled_from(Role).flatmap(lambda role: stimuli(role, most=4)))
@settings(max_examples=40)
def test_a_stimulus_is_the_same_after_json(stimulus: Stimulus) -> None:
    assert stimulus_from_json(json.loads(json.dumps(stimulus_to_json(stimulus)))) == stimulus


def test_a_stimulus_as_objects() -> None:
    stimulus: Stimulus = (Arrives(b"\x89"), ArrivesEof(), Asks("close", code=1000, reason="bye"))
    assert stimulus_to_json(stimulus) == [
        {"arrives": "89"},
        {"arrives_eof": True},
        {"asks": "close", "payload": "", "fin": True, "code": 1000, "reason": "bye"},
    ]


# --- random walks -----------------------------------------------------------------------------------------------------


class Watched(Walk):
    """A walk that keeps, for each rule, the first place where it says that the rule fired."""

    seen: dict[str, tuple[Setting, State, Event]]

    def meet(self, event: Event) -> Any:
        return self._watch(event, super().meet)

    def note(self, event: Event) -> None:
        self._watch(event, super().note)

    def _watch(self, event: Event, ask: Any) -> Any:
        before = Counter(self.fired)
        answer = ask(event)
        for rule in self.fired - before:
            self.seen.setdefault(rule, (self.setting, self.state, event))
        return answer


def test_every_rule_is_said_to_fire_and_does(monkeypatch: pytest.MonkeyPatch) -> None:
    Watched.seen = {}
    monkeypatch.setattr(random_walk, "Walk", Watched)
    steps: list[None] = []
    walked = random_walks(1, 3, lambda: steps.append(None))
    assert walked.walks == len(steps) == 3
    assert set(walked.fired) == set(RULES.by_id) == set(Watched.seen)
    assert all(walked.fired.values())
    assert random_walks(1, 3) == walked, "the same seed, the same way"
    for rule, (setting, state, event) in Watched.seen.items():
        enabled = {row.id for row in interpreted.enabled(RULES, setting, state, event)}
        departing = interpreted.allowed(state, event, setting, departures=True)
        assert rule in enabled | {r for outcome in departing for r in outcome.rules}


def test_few_settings_have_every_value_of_every_switch() -> None:
    for role in Role:
        mine = [setting for setting in few_settings() if setting.role is role]
        assert {setting.limit for setting in mine} == {None, 3, 200}
        for switch in SWITCHES:
            assert {setting.switches[switch.name] for setting in mine} == set(switch.values)
