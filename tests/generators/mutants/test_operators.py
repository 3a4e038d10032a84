"""Mutants: systematic, always the same, each one row away from the rules."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from wsoracle.generators.mutants.operators import OPERATORS, Mutant, mutants, of_handshake
from wsoracle.generators.mutants.rewriting import everywhere, normal_key, rewrites, slug, terms_of
from wsoracle.model.notation.expression import Expr, Op, Var, ite, text
from wsoracle.model.notation.head_variables import is_
from wsoracle.model.notation.rule import LEGAL, Accept, Fail, Forbid, Refuse, Rule, RuleSet, Strength
from wsoracle.model.notation.variables import (
    EventKind,
    fin,
    handshake_is,
    length,
    opcode,
    recv_type,
    sent_close,
    server,
    status,
    tcp_open,
)
from wsoracle.model.octets.vocabulary import TEXT
from wsoracle.model.rules import RULES

EVERY = mutants()
BY_ID = {mutant.id: mutant for mutant in EVERY}


def test_there_are_many_with_ids_of_their_own_that_may_name_files() -> None:
    assert len(EVERY) >= 150
    assert len(BY_ID) == len(EVERY)
    assert all(re.fullmatch(r"[0-9.]+/[a-z0-9-]+~[A-Za-z0-9._+=,@~-]+", mutant.id) for mutant in EVERY)
    assert len({mutant.id.casefold() for mutant in EVERY}) == len(EVERY)


def test_every_operator_is_used_and_every_row_is_changed() -> None:
    assert set(Counter(mutant.operator for mutant in EVERY)) == set(OPERATORS)
    assert {mutant.rule for mutant in EVERY} == {rule.id for rule in RULES}
    assert {mutant.rule for mutant in EVERY if mutant.operator == "drop"} == {rule.id for rule in RULES}


def _shown(rule: Rule) -> tuple[object, ...]:
    effects = tuple((name, effect.key()) for name, effect in rule.then.effects.items())
    details = [getattr(rule.then, name, None) for name in ("code", "delivers", "due")]
    return (rule.when.key(), rule.strength, rule.then.word, effects, *details)


def test_each_is_one_row_away_from_the_rules() -> None:
    for mutant in EVERY:
        others = [rule for rule in mutant.rules if rule.id != mutant.rule]
        kept = [rule for rule in RULES if rule.id != mutant.rule]
        assert all(a is b for a, b in zip(others, kept, strict=True))
        changed = mutant.rules.by_id.get(mutant.rule)
        assert changed is mutant.row
        assert mutant.change and "\n" not in mutant.change
        if changed is not None:
            was = RULES.by_id[mutant.rule]
            assert changed.on is was.on
            assert changed.quote == was.quote
            assert _shown(changed) != _shown(was)


def test_they_are_the_same_each_time() -> None:
    assert [(m.id, m.change) for m in mutants()] == [(m.id, m.change) for m in EVERY]


def _row(mutant: Mutant) -> Rule:
    assert mutant.row is not None
    return mutant.row


def test_a_bound_is_off_by_one() -> None:
    mutant = BY_ID["5.5/long-control~length-bound-125+1"]
    assert mutant.change == "«length > 126» for «length > 125»"
    assert text(_row(mutant).when).endswith("length > 126")


def test_a_code_is_wrong_and_so_is_what_the_state_remembers() -> None:
    then = _row(BY_ID["8.1/invalid-text~code-1002"]).then
    assert isinstance(then, Fail)
    assert then.code == 1002
    assert text(then.effects["fail_code"]) == "1002"


def test_roles_are_swapped_wherever_they_stand() -> None:
    assert text(_row(BY_ID["5.1/client-refuses-masked~role"]).when).endswith("and not not server and masked")


def test_other_operators_change_what_they_say() -> None:
    told = _row(BY_ID["5.5.2/ping~tells-pong"]).then
    assert isinstance(told, Accept) and told.delivers == "pong"
    due = _row(BY_ID["5.5.2/pong-owed~due-close"]).then
    assert isinstance(due, Forbid) and due.due is not None and due.due.name == "CLOSE"
    assert _row(BY_ID["5.2/reserved-bits~may"]).strength is Strength.MAY
    assert _row(BY_ID["8.1/fail-fast~must"]).strength is Strength.MUST
    assert "got_close" not in _row(BY_ID["5.5.1/close~no-got_close"]).then.effects


def test_shared_terms_and_effects_are_changed_in_turn() -> None:
    reading = {m.id.partition("~")[2] for m in EVERY if m.row is not None and isinstance(m.row.then, Fail)}
    assert {"without-peer_open", "without-not-failed", "without-not-got_close"} <= reading
    for mutant in EVERY:
        if mutant.id.endswith("~without-peer_open") and RULES.by_id[mutant.rule].on is EventKind.RECEIVE:
            assert f"{mutant.rule}~without-not-failed" not in BY_ID or mutant.rule.startswith("7.1")


def test_rules_of_the_handshake_are_changed_by_the_same_operators() -> None:
    of_heads = [m for m in EVERY if of_handshake(RULES.by_id[m.rule])]
    assert set(OPERATORS) - {mutant.operator for mutant in of_heads} <= {"role"}
    by_kind = Counter(RULES.by_id[mutant.rule].on for mutant in of_heads)
    assert {kind for kind in EventKind if kind.facts is not None and not kind.has_frame} <= set(by_kind)
    assert of_handshake(RULES.by_id["4.1/request-owed"])
    assert not of_handshake(RULES.by_id["7.2.1/client-lost"])
    assert not of_handshake(RULES.by_id["5.5.2/ping"])


def test_a_refusal_is_answered_with_no_error_and_once_for_each_code_with_another_error() -> None:
    refusing = [m for m in EVERY if m.operator == "code" and isinstance(RULES.by_id[m.rule].then, Refuse)]
    codes = [(RULES.by_id[m.rule].then.code, _row(m).then.code) for m in refusing]  # type: ignore[union-attr]
    assert {was for was, _ in codes} == {400, 403, 404, 426, 431}
    others = [(was, code) for was, code in codes if code >= 400]
    assert sorted(was for was, _ in others) == [400, 403, 404, 426, 431]
    assert all(code == 200 for was, code in codes if (was, code) not in others)


def test_a_stage_of_the_handshake_and_a_fact_of_a_head_are_exchanged() -> None:
    wrong_stage = _row(BY_ID["4.2.2/other-version~handshake=3"]).then.effects
    assert text(wrong_stage["handshake"]) == "3"
    assert BY_ID["4.2.2/other-version~handshake=3"].change.startswith("handshake = to be refused for")
    assert "host is absent" in text(_row(BY_ID["4.2.1/host~host-is-absent"]).when)
    assert "4.1/established~no-claims_rsv1" in BY_ID


def test_what_rows_share_is_changed_inside_once_where_it_offers_a_choice() -> None:
    choice = fin | server
    rows = [Rule(f"1/a{n}", Strength.MUST, "", EventKind.SEND, choice & (length > n), Forbid()) for n in range(8)]
    found = [mutant.id for mutant in mutants(RuleSet(rows))]
    assert [name for name in found if name.endswith("~without-fin")] == ["1/a0~without-fin"]
    assert len([name for name in found if name.endswith("~without-fin-or-server")]) == 8


def test_a_small_rule_set_has_just_these() -> None:
    rule = Rule("1/a", Strength.MUST, "", EventKind.SEND, tcp_open & (length > 125), Forbid())
    assert [mutant.id.partition("~")[2] for mutant in mutants(RuleSet([rule]))] == [
        "drop",
        "without-tcp_open",
        "not-tcp_open",
        "without-length-gt-125",
        "length-bound-125+1",
        "length-bound-125-1",
    ]


@pytest.mark.parametrize(
    ("expression", "changes"),
    [
        (tcp_open & fin, ["fin", "tcp_open", "not tcp_open and fin", "tcp_open and not fin"]),
        (length > 0, ["length > 1"]),
        (recv_type == TEXT, ["not recv_type is TEXT", "recv_type is BINARY"]),
        (length + recv_type > length, ["recv_type > length", "length > length", "length + recv_type >= length"]),
        (ite(server, fin, sent_close), ["fin", "sent_close"]),
        (handshake_is("refused"), ["not handshake is refused", "handshake is complete"]),
        (is_("key", "absent"), ["not key is absent", "key is 16 octets"]),
        (status == 101, ["status is 102", "status is 100"]),
    ],
)
def test_rewrites_of_an_expression(expression: Expr, changes: list[str]) -> None:
    assert [text(found.after) for found in rewrites(expression)][: len(changes)] == changes


def test_a_change_is_applied_at_each_place_alone() -> None:
    found = list(everywhere(tcp_open & fin & tcp_open, lambda e: [r for r in rewrites(e) if isinstance(e, Var)]))
    assert [text(rewrite.after) for rewrite in found] == [
        "not tcp_open and fin and tcp_open",
        "tcp_open and not fin and tcp_open",
        "tcp_open and fin and not tcp_open",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (length > 3, length >= 4),
        (length <= 3, length < 4),
        (~(length == 1), length != 1),
        (~(~fin), fin),
        (~(length < 4), length > 3),
        (tcp_open & (fin & server), (tcp_open & fin) & server),
        (ite(~server, fin, tcp_open), ite(server, tcp_open, fin)),
        (fin & Op("and", (fin, fin)), fin & fin),
    ],
)
def test_what_differs_only_in_writing_has_one_key(one: Expr, other: Expr) -> None:
    assert normal_key(one & tcp_open) == normal_key(other & tcp_open)


def test_terms_and_slugs() -> None:
    assert [text(t) for t in terms_of(tcp_open & (fin & server), "and")] == ["tcp_open", "fin", "server"]
    assert slug(opcode >= 8) == "opcode-ge-8"
    assert slug(LEGAL) == "legal"
    assert len(slug(tcp_open & fin & server & sent_close & (opcode >= 8) & (length > 125))) <= 48
