"""The Hypothesis state machines: the engines agree, our endpoint conforms, and what others do else is known."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test  # type: ignore[import-untyped,unused-ignore]

from tests.properties.state_machines.stateful import conformance_machine, endpoints_machine, engines_machine
from wsoracle.explore.attempts import Attempt, OwnRole, PeerRole, RoleUnderTest
from wsoracle.generators.strategies.frames import Assembly, items, settings_of_endpoints, starts
from wsoracle.implementations import ApplicationRefused, PeerCrashed, available_peers
from wsoracle.implementations.own_endpoint import OwnEndpoint
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judge import EVERYTHING, judge
from wsoracle.properties.judge.observation import Observation
from wsoracle.properties.state_machines.driving import Driver

FEW = settings(max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))


def test_the_rules_and_the_compiled_rules_agree_on_every_walk() -> None:
    run_state_machine_as_test(engines_machine(settings_of_endpoints(), starts()), settings=FEW)


@pytest.mark.parametrize("role", Role)
def test_endpoints_agree_whatever_their_engine(role: Role) -> None:
    machine = endpoints_machine(settings_of_endpoints(role), items(role), lambda setting: Assembly(setting.role))
    run_state_machine_as_test(machine, settings=FEW)


KNOWN = {
    "websockets": {
        "5.5.1/close",
        "5.5.1/closed-after-both",
        "5.5.2/ping",
        "7.1.7/appropriate-code",
        "7.1.7/nothing-after-failing",
        "7.1.7/no-data-after-failing",
    },
    "wsproto": {
        "5.5.1/close",
        "7.4.1/send-code-1004",
        "7.4.2/send-unassigned-codes",
        "5.5.1/send-unused-codes",
        "5.5.1/send-codes-beyond",
    },
}
"""The rules that wsproto 1.3.2 and websockets 17.4 are known not to follow, as the exploration found them."""


def _machine(subject: RoleUnderTest, setting: Setting, known: Collection[str] = ()) -> Any:
    """Whether an implementation does what the rules allow, those apart that it is known not to follow."""
    attempt = Attempt((), "sink", setting)

    def connect() -> Driver:
        return Driver(subject.connect(attempt), (ApplicationRefused,), (PeerCrashed,))

    def check(trace: tuple[Observation, ...]) -> None:
        judgement = judge(trace, setting, application="sink", sees=EVERYTHING)
        doubt = set(judgement.one_of)
        assert set(judgement.rules) - doubt <= set(known), judgement
        assert not doubt or doubt & set(known), judgement  # one of these was broken, it cannot be told which
        assert not judgement.note, judgement

    return conformance_machine(connect, items(setting.role, limit=setting.limit), lambda: Assembly(setting.role), check)


@pytest.mark.parametrize("role", Role)
def test_our_endpoint_conforms(role: Role) -> None:
    setting = OwnEndpoint(Setting(role)).setting
    run_state_machine_as_test(_machine(OwnRole(role), setting), settings=FEW)


@pytest.mark.peers
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("implementation", KNOWN)
def test_real_implementations_deviate_in_no_new_way(implementation: str, role: Role) -> None:
    subject = _peer(implementation, role)
    made = _machine(subject, Setting(role, subject.limit), KNOWN[implementation])
    run_state_machine_as_test(made, settings=settings(FEW, max_examples=60))


@pytest.mark.peers
@pytest.mark.parametrize("implementation", KNOWN)
def test_what_is_known_is_found_where_nothing_is_known(implementation: str) -> None:
    subject = _peer(implementation, Role.SERVER)
    made = _machine(subject, Setting(Role.SERVER, subject.limit))
    with pytest.raises(AssertionError) as caught:
        run_state_machine_as_test(made, settings=settings(FEW, max_examples=300, phases=[Phase.generate]))
    assert any(rule in str(caught.value) for rule in KNOWN[implementation])


def _peer(implementation: str, role: Role) -> PeerRole:
    factory = next((f for f in available_peers() if f.implementation == implementation), None)
    if factory is None:
        pytest.skip(f"{implementation} is not installed")
    return PeerRole(factory, role)
