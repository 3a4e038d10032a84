"""What a wheel keeps is what the judge asks for."""

from __future__ import annotations

from wsoracle.model.machine import kept
from wsoracle.model.notation.variables import EventKind, Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.steps import machines
from wsoracle.properties.judge.usual_machines import usual_machines


def test_the_usual_machines_are_those_of_the_judge() -> None:
    keys = {key for machine in usual_machines() for key, _, _ in machine.to_be_kept()}
    for role in Role:
        for machine in machines(RULES, Setting(role, echo=True)):
            assert {one[0] for one in machine.to_be_kept()} <= keys
            assert kept.key_of_rows("mask", machine.rules, EventKind.SEND, machine.setting.values) in keys


def test_what_is_kept_is_small() -> None:
    text = kept.module_text(one for machine in usual_machines() for one in machine.to_be_kept())
    assert len(text) < 300_000
