"""The rows themselves: ids, strengths, the register of close codes and the switches that they are made from."""

from __future__ import annotations

from collections import Counter

import pytest

from wsoracle.model.machine.interpreted import Kind, allowed
from wsoracle.model.notation.expression import lift, variables
from wsoracle.model.notation.head_variables import HEAD_VARIABLES
from wsoracle.model.notation.rule import (
    LEGAL,
    Accept,
    Fail,
    Forbid,
    Ignore,
    Level,
    Permit,
    Refuse,
    Rule,
    RuleSet,
    Strength,
    effects,
    worded,
)
from wsoracle.model.notation.switches import SWITCHES, Switches, is_set_to
from wsoracle.model.notation.variables import (
    ALL_FACTS,
    FACT_VARIABLES,
    FRAME_VARIABLES,
    SETTING_VARIABLES,
    STATE_VARIABLES,
    Event,
    EventKind,
    FrameFacts,
    Setting,
    State,
)
from wsoracle.model.octets.vocabulary import CLOSE, Role
from wsoracle.model.rules import RULES
from wsoracle.model.rules.close_codes import REGISTER, code_range


def test_guards_speak_of_state_event_and_setting_alone() -> None:
    for rule in RULES:
        known = {*STATE_VARIABLES, *FACT_VARIABLES[rule.on], *SETTING_VARIABLES}
        assert set(variables(RULES.guard(rule))) <= known, rule.id
        for effect in rule.then.effects.values():
            assert set(variables(effect)) <= known, rule.id


def test_no_name_means_two_things() -> None:
    names = [*STATE_VARIABLES, *SETTING_VARIABLES, *FRAME_VARIABLES, *HEAD_VARIABLES]
    assert len(names) == len(set(names))
    assert {*FRAME_VARIABLES, *HEAD_VARIABLES} == set(ALL_FACTS)


def test_inputs_are_answered_and_outputs_judged() -> None:
    for rule in RULES:
        expected = (Accept, Fail, Refuse, Ignore) if rule.on.is_input else (Permit, Forbid)
        assert isinstance(rule.then, expected), rule.id
        if isinstance(rule.then, Refuse):
            assert rule.on is EventKind.RECEIVE_REQUEST, rule.id  # only a server refuses, and only a handshake


def test_every_switch_is_read_by_some_rule() -> None:
    read = {name for rule in RULES for name in variables(RULES.guard(rule))}
    read |= {name for rule in RULES for effect in rule.then.effects.values() for name in variables(effect)}
    assert {switch.variable.name for switch in SWITCHES} <= read


def test_a_rule_that_refuses_does_not_ask_whether_the_event_is_legal() -> None:
    assert not [rule.id for rule in RULES if rule.refuses and LEGAL.name in variables(rule.when)]


def test_the_register_covers_each_code_once() -> None:
    covered = [code for row in REGISTER for code in range(row.low, row.high + 1)]
    assert covered == list(range(65536))
    assert code_range(1001).name == "going-away"
    with pytest.raises(ValueError, match="16 bits"):
        code_range(65536)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("row", REGISTER, ids=lambda row: row.codes)
def test_codes_are_received_as_the_register_says(row: object, role: Role) -> None:
    from wsoracle.model.rules.close_codes import CodeRange

    assert isinstance(row, CodeRange)
    for switch_value in ("accept", "either", "refuse") if row.switch else (None,):
        switches = Switches(**{row.switch: switch_value}) if row.switch and switch_value else Switches()
        sender = role.peer
        if row.switch and sender in row.disputed:
            expected = {"accept": {Kind.ACCEPT}, "either": {Kind.ACCEPT, Kind.FAIL}, "refuse": {Kind.FAIL}}[
                switch_value or ""
            ]
        else:
            expected = {Kind.ACCEPT} if sender in row.senders else {Kind.FAIL}
        for code in (row.low, row.high):
            frame = FrameFacts(CLOSE, masked=role is Role.SERVER, length=2, code=code)
            found = allowed(State(), Event(EventKind.RECEIVE, frame), Setting(role, switches=switches))
            assert {outcome.label.kind for outcome in found} == expected, code


def test_levels_keep_what_they_should() -> None:
    assert RULES.at(Level.FULL) is RULES
    dropped = set(RULES.by_id) - set(RULES.at(Level.MUST_ONLY).by_id)
    assert dropped == {r.id for r in RULES if r.refuses and r.strength not in (Strength.MUST, Strength.MAY)}
    less = set(RULES.by_id) - set(RULES.at(Level.NO_SHOULD).by_id)
    assert less == {r.id for r in RULES if r.refuses and r.strength in (Strength.SHOULD, Strength.APPLICATION)}


def test_a_rule_set_refuses_two_rows_of_one_id_and_unknown_ids() -> None:
    rule = RULES.rules[0]
    with pytest.raises(ValueError, match="two rules have the id"):
        RuleSet([rule, rule])
    with pytest.raises(KeyError):
        RULES.without("0/none")
    with pytest.raises(ValueError, match="not a state variable"):
        Permit(effects(nothing=1))


def test_replacing_changes_one_row_and_what_is_legal() -> None:
    changed = RULES.replacing("5.2/reserved-bits", when=lift(False))
    frame = FrameFacts(1, rsv1=True, masked=True, length=0)
    event = Event(EventKind.RECEIVE, frame)
    assert [o.label.kind for o in allowed(State(), event, Setting(Role.SERVER))] == [Kind.FAIL]
    assert [o.label.kind for o in allowed(State(), event, Setting(Role.SERVER), changed)] == [Kind.ACCEPT]
    assert len(RULES.without("5.2/reserved-bits")) == len(RULES) - 1


def test_ids_begin_with_their_section() -> None:
    assert all(isinstance(rule, Rule) and rule.section[0].isdigit() and "/" in rule.id for rule in RULES)


def test_switches_refuse_what_does_not_exist() -> None:
    with pytest.raises(ValueError, match="there is no switch 'nothing'"):
        Switches(nothing="x")
    with pytest.raises(ValueError, match="its values are accept, either, refuse"):
        Switches(code_1004="maybe")
    with pytest.raises(ValueError, match="no value"):
        is_set_to("code_1004", "maybe")
    changed = Switches(code_1004="accept")
    assert changed.changes() == {"code_1004": "accept"}
    assert changed != Switches()
    assert dict(changed) == {**dict(Switches()), "code_1004": "accept"}
    assert hash(Switches()) == hash(Switches())
    assert len(changed) == len(SWITCHES)
    assert "code_1004='accept'" in repr(changed)


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="number of octets"):
        Setting(Role.CLIENT, limit=-1)


# --- words for people -------------------------------------------------------------------------------------------------


def test_every_rule_that_can_be_blamed_has_its_words() -> None:
    for rule in RULES:
        reacts = isinstance(rule.then, Fail | Refuse)
        forbids = isinstance(rule.then, Forbid) and rule.then.due is None
        if rule.strength is not Strength.MAY and (reacts or forbids):
            assert bool(rule.words) != bool(rule.does), rule.id
        assert not rule.does or forbids, rule.id


def test_words_fit_into_a_sentence() -> None:
    for words in (words for rule in RULES for words in (rule.words, rule.does) if words):
        assert 5 < len(words) <= 80 and words == words.strip() and not words.endswith((".", ",")), words
    # What two rules say of one thing that was sent is told apart; only what belongs to both roles may be alike.
    sent = Counter(rule.words for rule in RULES if rule.words and not isinstance(rule.then, Forbid))
    assert [words for words, count in sent.items() if count > 1] == []


def test_words_belong_to_a_row() -> None:
    row = next(iter(RULES))
    assert worded([row], {row.id: "a test"})[0].words == "a test"
    with pytest.raises(ValueError, match="words of no row: 1/none"):
        worded([row], {"1/none": "a test"})
