"""The compiled rules say what the rules say."""

from __future__ import annotations

import ast
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.drawn import events, facts, heads, possible, setting_objects, states
from wsoracle.model.machine import interpreted
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.one_row_replaced import OneRowReplaced
from wsoracle.model.notation.expression import FALSE, TRUE, evaluate
from wsoracle.model.notation.head_variables import possible_request, possible_response
from wsoracle.model.notation.rule import LEGAL, Forbid, Level, Permit, Rule, RuleSet, Strength
from wsoracle.model.notation.variables import (
    FACT_VARIABLES,
    STATE_VARIABLES,
    Event,
    EventKind,
    FrameFacts,
    Setting,
    State,
    environment,
    possible_frames,
    sent_close,
)
from wsoracle.model.octets.vocabulary import PING, TEXT, Role
from wsoracle.model.rules import RULES

SETTING = Setting(Role.SERVER, 1000)
GRAMMAR = (
    *(ast.BoolOp, ast.UnaryOp, ast.Compare, ast.IfExp, ast.BinOp, ast.Name, ast.Constant),
    *(ast.boolop, ast.Not, ast.cmpop, ast.Add, ast.Load),
)
HELLO = Event(EventKind.RECEIVE, FrameFacts(TEXT, masked=True, length=5))


@given(st.data())
@settings(max_examples=150)
def test_enabled_rules_are_the_interpreted_ones(data: st.DataObject) -> None:
    setting, state = data.draw(setting_objects()), data.draw(states())
    event = data.draw(events(state))
    compiled = CompiledMachine(RULES, setting)
    assert compiled.enabled(state, event) == interpreted.enabled(RULES, setting, state, event)


@given(st.data())
@settings(max_examples=60)
def test_outcomes_are_the_interpreted_ones(data: st.DataObject) -> None:
    setting, state = data.draw(setting_objects()), data.draw(states())
    event = data.draw(events(state))
    compiled = CompiledMachine(RULES, setting)
    expected = interpreted.allowed(state, event, setting)
    assert compiled.allowed(state, event) == expected
    assert compiled.labels(state, event) == {outcome.label: outcome.state for outcome in expected}
    assert list(compiled.labels(state, event)) == [outcome.label for outcome in expected]
    assert compiled.canonical(state, event) == (interpreted.canonical(expected) if expected else None)
    assert compiled.forbidden_by(state, event) == interpreted.forbidden_by(state, event, setting)
    assert compiled.owed(state) == interpreted.owed(state, setting)


@given(st.data())
@settings(max_examples=40)
def test_departures_are_the_interpreted_ones(data: st.DataObject) -> None:
    setting, state = data.draw(setting_objects()), data.draw(states())
    event = data.draw(events(state))
    compiled = CompiledMachine(RULES, setting)
    assert compiled.allowed(state, event, departures=True) == interpreted.allowed(
        state, event, setting, departures=True
    )


@given(st.data())
@settings(max_examples=40)
def test_every_effect_is_the_interpreted_one(data: st.DataObject) -> None:
    setting, state = data.draw(setting_objects()), data.draw(states())
    compiled = CompiledMachine(RULES, setting)
    for kind in EventKind:
        event = Event.of(kind, data.draw(facts(state, kind)))
        for rule in RULES.of(kind):
            after = compiled.after(rule, state, event.facts)
            assert after == interpreted.after(rule, setting, state, event)
            assert (after is state) == (after == state), "to tell that nothing changed needs no comparison"


@given(st.data())
def test_drawn_facts_are_possible(data: st.DataObject) -> None:
    state = data.draw(states())
    kind = data.draw(st.sampled_from([EventKind.RECEIVE, EventKind.SEND]))
    frame = data.draw(possible(state, kind))
    assert evaluate(possible_frames(kind), environment(SETTING, state, frame))
    request, response = (data.draw(heads(kind)) for kind in (EventKind.SEND_REQUEST, EventKind.RECEIVE_RESPONSE))
    assert evaluate(possible_request(), request._asdict())
    assert evaluate(possible_response(), response._asdict())


@given(st.data())
@settings(max_examples=40)
def test_a_mutant_is_compiled_anew(data: st.DataObject) -> None:
    """What is remembered of rows must never be taken for another row."""
    row = data.draw(st.sampled_from(RULES.rules))
    mutant = data.draw(st.sampled_from([RULES.without(row.id), RULES.replacing(row.id, when=~row.when & ~LEGAL)]))
    if row.refuses:
        mutant = RULES.replacing(row.id, when=~row.when)
    setting, state = data.draw(setting_objects()), data.draw(states())
    event = Event.of(row.on, data.draw(facts(state, row.on)))
    CompiledMachine(RULES, setting).enabled(state, event)
    assert CompiledMachine(mutant, setting).enabled(state, event) == interpreted.enabled(mutant, setting, state, event)


@given(st.data())
@settings(max_examples=60)
def test_masks_say_what_is_enabled_at_every_level(data: st.DataObject) -> None:
    setting, state = data.draw(setting_objects()), data.draw(states())
    event = data.draw(events(state))
    compiled = CompiledMachine(RULES, setting)
    refusing, if_legal, if_illegal = compiled.masks(event.kind, state, event.facts)
    assert compiled.mask(event.kind, state, event.facts) == refusing | (if_illegal if refusing else if_legal)
    for level in Level:
        kept = sum(compiled.bit(r.id) for r in compiled.rows(event.kind, refusing) if level.keeps(r.strength))
        rows = compiled.rows(event.kind, kept | (if_illegal if kept else if_legal))
        assert rows == interpreted.enabled(RULES.at(level), setting, state, event)


@given(st.data())
@settings(max_examples=60)
def test_a_replaced_row_gives_what_the_changed_rules_allow(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(RULES.rules))
    when = data.draw(st.sampled_from([FALSE, TRUE, ~row.when, row.when]))
    changed = data.draw(st.sampled_from([replace(row, when=when), replace(row, strength=Strength.MAY, when=when)]))
    rules = RuleSet(changed if rule is row else rule for rule in RULES)
    setting, state = data.draw(setting_objects()), data.draw(states())
    event = Event.of(row.on, data.draw(facts(state, row.on)))
    original = CompiledMachine(RULES, setting)
    mutant = OneRowReplaced(original, changed)
    choices = mutant.departing(event.kind, mutant.masks(event.kind, state, event.facts))
    expected = interpreted.allowed(state, event, setting, rules, departures=True)
    outcomes = {c.label: c.outcome(state, event.facts) for c in choices}
    assert outcomes == {o.label: o for o in expected}
    masks = original.masks(event.kind, state, event.facts)
    tried = SimpleNamespace(facts=event.facts, enabled=masks[0] | masks[1] | masks[2])
    if mutant.is_idle(state) or not mutant.touched(state, [tried]):
        as_before = original.departing(event.kind, masks)
        assert outcomes == {c.label: c.outcome(state, event.facts) for c in as_before}
    other = data.draw(events(state).filter(lambda event: event.kind is not row.on))
    assert mutant.masks(other.kind, state, other.facts) == original.masks(other.kind, state, other.facts)
    assert all((choice.level == 0) == (not choice.departs_from) for choice in choices)


def test_a_mutant_is_idle_where_neither_row_can_be_enabled() -> None:
    original = CompiledMachine(RULES, SETTING)
    message = RULES.by_id["5.4/text-message"]
    over = State(peer_open=False, tcp_open=False)
    assert OneRowReplaced(original, message).is_idle(over)
    assert not OneRowReplaced(original, replace(message, when=TRUE)).is_idle(over)
    assert not OneRowReplaced(original, replace(message, when=FALSE)).is_idle(State())


def test_a_row_that_is_not_there() -> None:
    with pytest.raises(KeyError):
        CompiledMachine(RULES, SETTING).bit("no/such-row")


def test_a_mask_has_the_bit_of_each_enabled_row() -> None:
    compiled = CompiledMachine(RULES, SETTING)
    mask = compiled.mask(EventKind.RECEIVE, State(), HELLO.frame)
    (row,) = compiled.rows(EventKind.RECEIVE, mask)
    assert row.id == "5.4/text-message"
    assert mask == 1 << RULES.of(EventKind.RECEIVE).index(row)


@pytest.mark.parametrize("kind", list(EventKind))
def test_the_source_keeps_to_its_grammar(kind: EventKind) -> None:
    compiled = CompiledMachine(RULES, SETTING)
    text = compiled.source(kind)
    assert text == CompiledMachine(RULES, SETTING).source(kind)
    (function,) = ast.parse(text).body
    assert isinstance(function, ast.FunctionDef)
    *unpacked, first, _ = function.body[: 4 if FACT_VARIABLES[kind] else 3]
    expected = [list(STATE_VARIABLES), list(FACT_VARIABLES[kind])][: len(unpacked)]
    for statement, names in zip(unpacked, expected, strict=True):
        assert isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Tuple)
        assert [element.id for element in statement.targets[0].elts if isinstance(element, ast.Name)] == names
    assert ast.unparse(first) == "mask = 0"
    assert ast.unparse(function.body[-1]) == "return mask"
    assert [ast.unparse(s) for s in function.body if isinstance(s, ast.Assign)][len(unpacked) :] == [
        "mask = 0",
        "legal = mask == 0",
    ]
    bits: list[int] = []
    _check_block([s for s in function.body if isinstance(s, (ast.If, ast.AugAssign))], bits)
    assert len(function.body) == len(unpacked) + 3 + sum(isinstance(s, (ast.If, ast.AugAssign)) for s in function.body)
    # Each row at most once: what the setting rules out is left out.
    assert sum(bits) == sum(bits) & ((1 << len(RULES.of(kind))) - 1)
    assert all(bits.count(bit) == 1 for bit in bits)


def _check_block(statements: list[ast.stmt], bits: list[int]) -> None:
    for statement in statements:
        if isinstance(statement, ast.If):
            assert not statement.orelse
            for node in ast.walk(statement.test):
                assert isinstance(node, GRAMMAR), ast.dump(node)
            _check_block(statement.body, bits)
        else:
            assert isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.BitOr)
            assert isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, int)
            bits.append(statement.value.value)


def test_an_effect_is_one_display_of_all_variables_in_their_order() -> None:
    compiled = CompiledMachine(RULES, SETTING)
    text = compiled.effect_source(RULES.by_id["5.5.2/ping"])
    display = ", ".join("(not state[0])" if name == "pong_due" else name for name in STATE_VARIABLES)
    assert text.endswith(f"return new(State, ({display}))\n"), text
    assert compiled.effect_source(RULES.by_id["5.5.3/pong"]).endswith("return state\n")


def _row(rule_id: str, when: object, then: object, strength: Strength = Strength.MUST) -> Rule:
    return Rule(rule_id, strength, "quote", EventKind.SEND, when, then)  # type: ignore[arg-type]


def test_constant_guards_and_none_at_all() -> None:
    ping = Event(EventKind.SEND, FrameFacts(PING))
    for guard, expected in ((TRUE, ["1/row"]), (FALSE, []), (LEGAL, ["1/row"])):
        rules = RuleSet([_row("1/row", guard, Permit())])
        compiled = CompiledMachine(rules, SETTING)
        assert [rule.id for rule in compiled.enabled(State(), ping)] == expected
        assert compiled.enabled(State(), Event(EventKind.SILENCE)) == []


def test_a_refusal_cannot_ask_whether_the_event_is_legal() -> None:
    rules = RuleSet([_row("1/circle", LEGAL & sent_close, Forbid())])
    with pytest.raises(ValueError, match="1/circle refuses an event"):
        CompiledMachine(rules, SETTING).source(EventKind.SEND)


def test_generated_code_has_no_builtins() -> None:
    function = CompiledMachine(RULES, SETTING).mask_function(EventKind.RECEIVE)
    assert function.__globals__["__builtins__"] == {}
