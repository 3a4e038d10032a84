"""The Hypothesis state machines: the engines agree, and our endpoint conforms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test  # type: ignore[import-untyped,unused-ignore]

from wsoracle.generators.strategies import Assembly, items, settings_of_endpoints, starts
from wsoracle.hunting import OwnSubject, Scenario
from wsoracle.model.rules import RULES
from wsoracle.model.terms import Setting
from wsoracle.model.vocabulary import Role
from wsoracle.peers import ApplicationRefused, PeerCrashed
from wsoracle.properties.conformance import EVERYTHING, judge
from wsoracle.properties.driving import Driver
from wsoracle.properties.observation import Observation
from wsoracle.properties.stateful import conformance_machine, endpoints_machine, engines_machine

FEW = settings(max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))


def test_the_rules_and_the_compiled_rules_agree_on_every_walk() -> None:
    run_state_machine_as_test(engines_machine(settings_of_endpoints(), starts()), settings=FEW)


@pytest.mark.parametrize("role", Role)
def test_endpoints_agree_whatever_their_engine(role: Role) -> None:
    machine = endpoints_machine(settings_of_endpoints(role), items(role), lambda setting: Assembly(setting.role))
    run_state_machine_as_test(machine, settings=FEW)


def _machine(subject: Any, setting: Setting, rules: Any = RULES) -> Any:
    scenario = Scenario((), "sink", setting)

    def connect() -> Driver:
        return Driver(subject.open(scenario), (ApplicationRefused,), (PeerCrashed,))

    def check(trace: tuple[Observation, ...]) -> None:
        judgement = judge(trace, setting, application="sink", sees=EVERYTHING, rules=rules)
        assert not judgement.broken, judgement

    return conformance_machine(connect, items(setting.role), lambda: Assembly(setting.role), check)


@pytest.mark.parametrize("role", Role)
def test_our_endpoint_conforms(role: Role) -> None:
    subject = OwnSubject(role)
    setting = subject.open(Scenario((), "sink", Setting(role))).setting  # type: ignore[attr-defined]
    run_state_machine_as_test(_machine(subject, setting), settings=FEW)
