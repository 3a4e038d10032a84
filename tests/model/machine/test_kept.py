"""What a wheel keeps of the compiled rules answers as what is compiled anew, and only where the rules are the same."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.drawn import facts, states
from wsoracle.model.machine import interpreted, kept
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.generated_code import define
from wsoracle.model.notation.rule import LEGAL, RuleSet
from wsoracle.model.notation.variables import FACT_VARIABLES, Event, EventKind, Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

MACHINES = [CompiledMachine(RULES, Setting(role)) for role in Role]
TEXT = kept.module_text(one for machine in MACHINES for one in machine.to_be_kept())
NAME = f"{kept.__package__}.{kept.MODULE}"


def functions(text: str = TEXT) -> Mapping[bytes, Callable[..., Any]]:
    names: dict[str, Any] = {"__name__": NAME, "__package__": kept.__package__}
    exec(text, names)
    found: Mapping[bytes, Callable[..., Any]] = names["FUNCTIONS"]
    return found


FUNCTIONS = functions()


@pytest.fixture(scope="module", autouse=True)
def as_in_a_wheel() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept, "FUNCTIONS", FUNCTIONS)
        define.cache_clear()
        yield
    define.cache_clear()


@given(st.data())
@settings(max_examples=60)
def test_a_kept_machine_answers_as_the_rules_do(data: st.DataObject) -> None:
    setting, state = Setting(data.draw(st.sampled_from(Role))), data.draw(states())
    kind = data.draw(st.sampled_from(EventKind))
    event = Event.of(kind, data.draw(facts(state, kind)))
    machine = CompiledMachine(RULES, setting)
    assert machine.mask_function(kind) in FUNCTIONS.values()
    assert all(machine.effect_function(rule) in FUNCTIONS.values() for rule in RULES.of(kind))
    assert machine.enabled(state, event) == interpreted.enabled(RULES, setting, state, event)
    for departures in (False, True):
        allowed = interpreted.allowed(state, event, setting, departures=departures)
        assert machine.allowed(state, event, departures=departures) == allowed


@given(st.data())
@settings(max_examples=60)
def test_a_changed_rule_is_compiled_anew(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(RULES.rules))
    changed = ~row.when if row.refuses else ~row.when & ~LEGAL
    rules = data.draw(st.sampled_from([RULES.without(row.id), RULES.replacing(row.id, when=changed)]))
    setting, state = Setting(data.draw(st.sampled_from(Role))), data.draw(states())
    event = Event.of(row.on, data.draw(facts(state, row.on)))
    machine = CompiledMachine(rules, setting)
    assert machine.mask_function(row.on) not in FUNCTIONS.values()
    assert machine.enabled(state, event) == interpreted.enabled(rules, setting, state, event)


def test_the_key_is_of_all_that_a_function_is_generated_from(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = EventKind.SEND
    setting = Setting(Role.SERVER)

    def key(what: str = "mask", rules: RuleSet = RULES, kind: EventKind = kind, setting: Setting = setting) -> bytes:
        kept._rows.cache_clear()
        return kept.key_of_rows(what, rules, kind, setting.values)

    row = RULES.of(kind)[0]
    others = [
        key("masks"), key(kind=EventKind.RECEIVE),
        key(setting=Setting(Role.CLIENT)), key(setting=Setting(Role.SERVER, 7)),
        key(rules=RULES.without(row.id)), key(rules=RuleSet(reversed(RULES.rules))),
    ]  # fmt: skip
    monkeypatch.setitem(FACT_VARIABLES, kind, dict(reversed(FACT_VARIABLES[kind].items())))  # type: ignore[call-overload]
    others.append(key())
    monkeypatch.undo()
    assert len({key(), *others}) == len(others) + 1
    assert key() == key(rules=RuleSet(RULES.rules))


@pytest.mark.parametrize("text", ["FUNCTIONS = {", "", "\0", "raise OSError('a disk')", "from .none import x"])
def test_a_damaged_module_keeps_nothing(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    again = _read_beside(text, tmp_path, monkeypatch)
    assert again.FUNCTIONS == {}
    assert again.kept_by_text(next(MACHINES[0].to_be_kept())[1]) is None


def test_a_module_beside_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _read_beside(TEXT, tmp_path, monkeypatch).FUNCTIONS.keys() == FUNCTIONS.keys()


def _read_beside(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module anew, with this text as what a wheel keeps."""
    (folder / f"{kept.MODULE}.py").write_text(text)
    monkeypatch.setattr(sys.modules[str(kept.__package__)], "__path__", [str(folder)])
    spec = spec_from_file_location(f"{kept.__package__}.kept_again", kept.__file__)
    assert spec is not None and spec.loader is not None
    again = module_from_spec(spec)
    try:
        spec.loader.exec_module(again)
    finally:
        sys.modules.pop(NAME, None)
    return again
