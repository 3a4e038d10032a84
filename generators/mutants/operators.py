"""Mutants: faults made by changing one row of the rules, systematically.

Each mutant is a whole rule set with one row changed, so that whatever takes a rule set (the machine, the proofs, the
compiled path) takes a mutant. The operators:

========== ==========================================================================================================
drop       the row is missing
without    one term of a conjunction, disjunction or sum is left out
negate     one atom of the guard (or of a conditional effect) is negated
role       server and client are swapped
bound      a bound is off by one, or ``<`` for ``<=``
constant   another opcode, message type, UTF-8 state, switch value, stage of the handshake, or fact of a head
code       the connection is failed, or the handshake refused, with another status code
reaction   ignored or accepted instead of failed, ignored instead of accepted, and so on
delivers   the application is told of something else, or of nothing
due        silence is forbidden in the name of another output
strength   a failure that is required becomes optional, or the other way round
missing    one effect on the state is left out
effect     one effect on the state has another value
========== ==========================================================================================================

Terms that rows share (that a frame is read at all; what is given up when the connection fails) are not changed in every
row: the rows take the terms that they share in turn, so that each term is changed once and the number stays small.

A handshake is refused with a status code of HTTP. Which error code fits is the server's choice (section 4.2.1: *such
as* 400), and no rule ties its answer to it: the answer does not tell such rows apart (``observable.as_seen``).
So a row that refuses is made to answer with 200, which is no error, where an error is asked for; and one row for each
error code is made to answer with another, as the example of a change that must come out as equivalent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, TypeVar

from wsoracle.model.notation.expression import (
    FALSE,
    Const,
    Expr,
    Op,
    Sort,
    all_of,
    lift,
    substitute,
    text,
    variables,
)
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.rule import (
    LEGAL,
    Accept,
    Due,
    Fail,
    Forbid,
    Ignore,
    Reaction,
    Refuse,
    Rule,
    RuleSet,
    Strength,
)
from wsoracle.model.notation.variables import HANDSHAKE, LOST, STATE_VARIABLES, EventKind, server
from wsoracle.model.octets import utf8
from wsoracle.model.octets.vocabulary import BINARY, TEXT
from wsoracle.model.rules import RULES

from .rewriting import everywhere, left_out, normal_key, rewrites, slug, swapped_roles, terms_of

T = TypeVar("T")

OPERATORS: Final = (
    "drop", "without", "negate", "role", "bound", "constant", "code", "reaction", "delivers", "due", "strength",
    "missing", "effect",
)  # fmt: skip

_TERM_SHARED_BY: Final = 8
_EFFECT_SHARED_BY: Final = 4
"""A term, or an effect, that at least this number of rows share is changed in them in turn."""


_OTHER_STAGE: Final = {
    "complete": "awaiting 101",
    "awaiting 101": "complete",
    "to be refused": "awaiting 101",
    "another version": "to be refused",
    "not for us": "to be refused",
    "unreadable": "to be refused",
    "refused": "not begun",
}
_OTHER_VALUE: Final[Mapping[str, Mapping[int, int]]] = {
    "recv_type": {0: BINARY, TEXT: BINARY, BINARY: TEXT},
    "send_type": {0: BINARY, TEXT: BINARY, BINARY: TEXT},
    "recv_utf8": {utf8.ACCEPT: utf8.REJECT},
    "send_utf8": {utf8.ACCEPT: utf8.REJECT},
    "recv_length": {0: 1},
    "handshake": {HANDSHAKE.index(a): HANDSHAKE.index(b) for a, b in _OTHER_STAGE.items()},
}
_OTHER_CODE: Final = {1002: 1007, 1007: 1002, 1009: 1002, LOST: 1002}
_OTHER_ERROR: Final = {400: 403, 403: 400, 404: 400, 426: 400, 431: 400}
_NO_ERROR: Final = 200
_NOT_FOR_US: Final = lift(HANDSHAKE.index("not for us"))
"""The stage after a request that is the business of HTTP: any answer but 101 is right then."""
_TAKING: Final[tuple[Ignore | Accept, ...]] = (Ignore(), Accept())
_OTHER_DELIVERY: Final = {
    "text message": "binary message",
    "binary message": "text message",
    "ping": "pong",
    "pong": "ping",
    "closed cleanly": "closed, not cleanly",
    "closed, not cleanly": "closed cleanly",
    "opening handshake": "other request",
    "other request": "opening handshake",
    "open": "refused",
    "refused": "open",
}


@dataclass(frozen=True)
class Mutant:
    """A fault: the rules with one row changed.

    ``rule`` is the id of the row, ``operator`` one of :data:`OPERATORS`, ``change`` one readable line; ``row`` is the
    row as changed, None where it was dropped. ``id`` is the row's id, ``~`` and a name, made of characters that may
    stand in the name of a file.
    """

    id: str
    rule: str
    operator: str
    change: str
    rules: RuleSet
    row: Rule | None


def of_handshake(rule: Rule) -> bool:
    """A rule of the opening handshake: its event is a head of HTTP, or it holds only before the data transfer."""
    if rule.on.facts in (RequestFacts, ResponseFacts):
        return True
    return substitute(rule.when, {"handshake": HANDSHAKE.index("complete")}).key() == FALSE.key()


@dataclass(frozen=True)
class _Change:
    operator: str
    name: str
    change: str
    row: Rule | None


class _Shared:
    """The terms and effects that many rows share, and the row whose turn it is to have one changed."""

    def __init__(self, rules: RuleSet) -> None:
        terms = Counter((r.on, term.key()) for r in rules for term in terms_of(r.when, "and"))
        effects = Counter(_effect_key(r, name) for r in rules for name in r.then.effects)
        self._terms: Final = {key for key, times in terms.items() if times >= _TERM_SHARED_BY} - _NEVER_SHARED
        self._effects: Final = {key for key, times in effects.items() if times >= _EFFECT_SHARED_BY}
        self._turns: Final[Counter[object]] = Counter()
        self._once: Final[set[object]] = set()

    def terms_to_change(self, rule: Rule, terms: Sequence[Expr]) -> list[tuple[int, Expr, bool]]:
        """The terms of a guard to change in this row, with their places, and whether they are changed inside too.

        These are its own, inside too, and one of those it shares. A shared term is changed inside only once, and only
        where it offers a choice (the signs of a handshake, any of which will do).
        """
        shared = [at for at, term in enumerate(terms) if (rule.on, term.key()) in self._terms]
        turn = self.in_turn((rule.on, len(shared)), shared)
        return [
            (at, term, at not in shared or (_offers_choice(term) and self.first_time((rule.on, term.key()))))
            for at, term in enumerate(terms)
            if at not in shared or at in turn
        ]

    def first_time(self, what: object) -> bool:
        """Whether this is asked for the first time."""
        known = what in self._once
        self._once.add(what)
        return not known

    def effects_to_change(self, rule: Rule) -> list[tuple[str, bool]]:
        """The effects to change in this row: its own, and one of those it shares (true)."""
        shared = [name for name in rule.then.effects if _effect_key(rule, name) in self._effects]
        turn = self.in_turn((rule.on, rule.then.word), shared)
        return [(name, name in shared) for name in rule.then.effects if name not in shared or name in turn]

    def in_turn(self, family: object, items: Sequence[T]) -> Sequence[T]:
        """One of the items, the next one with each call for the family."""
        if not items:
            return []
        turn = self._turns[family] % len(items)
        self._turns[family] += 1
        return items[turn : turn + 1]


_NEVER_SHARED: Final = {(kind, LEGAL.key()) for kind in EventKind}
"""Each row says for itself that it is for legal events."""


def _effect_key(rule: Rule, name: str) -> tuple[object, ...]:
    return (rule.on, rule.then.word, name, normal_key(rule.then.effects[name]))


def _offers_choice(term: Expr) -> bool:
    return isinstance(term, Op) and term.op == "or"


def _changes(rule: Rule, shared: _Shared) -> Iterator[_Change]:
    yield _Change("drop", "drop", "the rule is missing", None)
    yield from _guard_changes(rule, shared)
    yield from _reaction_changes(rule, shared)
    yield from _effect_changes(rule, shared)


def _guard_changes(rule: Rule, shared: _Shared) -> Iterator[_Change]:
    def changed(operator: str, name: str, change: str, terms: Iterable[Expr]) -> _Change:
        return _Change(operator, name, change, replace(rule, when=all_of(list(terms))))

    if server.name in variables(rule.when):
        yield _Change("role", "role", "server and client are swapped", replace(rule, when=swapped_roles(rule.when)))
    terms = terms_of(rule.when, "and")
    for at, term, inside in shared.terms_to_change(rule, terms):
        before, after = terms[:at], terms[at + 1 :]
        yield changed("without", f"without-{slug(term)}", f"without «{text(term)}»", before + after)
        for found in rewrites(term) if inside else ():
            yield changed(found.operator, found.name, found.change, [*before, found.after, *after])


def _reaction_changes(rule: Rule, shared: _Shared) -> Iterator[_Change]:
    then = rule.then

    def changed(operator: str, name: str, change: str, **fields: object) -> _Change:
        return _Change(operator, name, change, replace(rule, **fields))  # type: ignore[arg-type]

    if isinstance(then, Fail):
        other = _OTHER_CODE[then.code]
        remembered = {"fail_code": lift(other)} if "fail_code" in then.effects else {}
        wrong = replace(then, code=other, effects={**then.effects, **remembered})
        yield changed("code", f"code-{other}", f"fails with {other} for {then.code}", then=wrong)
        for reaction in shared.in_turn("instead of failing", _TAKING):
            what = "frame" if rule.on.has_frame else "response"
            yield changed("reaction", reaction.word, _taken(what, reaction), then=reaction)
        yield _other_strength(rule, "failing")
    elif isinstance(then, Refuse):
        others = [] if then.effects["handshake"].key() == _NOT_FOR_US.key() else [_NO_ERROR]
        if shared.first_time(("refused with", then.code)):
            others.append(_OTHER_ERROR[then.code])
        for status in others:
            change = f"refuses with {status} for {then.code}"
            yield changed("code", f"code-{status}", change, then=replace(then, code=status))
        for reaction in shared.in_turn("instead of refusing", _TAKING):
            yield changed("reaction", reaction.word, _taken("request", reaction), then=reaction)
        yield _other_strength(rule, "refusing")
    elif isinstance(then, Accept):
        yield changed("reaction", "ignore", "ignored, with the same effects", then=Ignore(then.effects))
        if then.delivers is not None:
            yield changed("delivers", "tells-nothing", "the application is not told", then=replace(then, delivers=None))
        if then.delivers in _OTHER_DELIVERY:
            told = _OTHER_DELIVERY[then.delivers]
            name = f"tells-{re.sub(r'[^a-z]+', '-', told)}"
            yield changed("delivers", name, f"the application is told «{told}»", then=replace(then, delivers=told))
    elif isinstance(then, Ignore):
        yield changed("reaction", "accept", "accepted, with the same effects", then=Accept(then.effects))
    elif isinstance(then, Forbid) and then.due is not None:
        due = Due(then.due % len(Due) + 1)
        yield changed("due", f"due-{due.name.lower()}", f"{due.name} is due for {then.due.name}", then=Forbid(due=due))


def _other_strength(rule: Rule, what: str) -> _Change:
    strength, word = (Strength.MAY, "optional") if rule.strength.binds else (Strength.MUST, "required")
    return _Change("strength", strength.value.lower(), f"{what} is {word}", replace(rule, strength=strength))


def _taken(what: str, reaction: Ignore | Accept) -> str:
    return f"the {what} is {reaction.word.rstrip('e')}ed without effects"


def _effect_changes(rule: Rule, shared: _Shared) -> Iterator[_Change]:
    for name, is_shared in shared.effects_to_change(rule):
        effect = rule.then.effects[name]
        rest = {n: e for n, e in rule.then.effects.items() if n != name}
        change = f"without the effect {name} = {_value_text(name, effect)}"
        yield _Change("missing", f"no-{name}", change, _with_effects(rule, rest))
        for after in () if is_shared and name != "handshake" else _other_values(name, effect):
            change = f"{name} = {_value_text(name, after)} for {name} = {_value_text(name, effect)}"
            written = f"{name}={slug(after)}"
            yield _Change("effect", written, change, _with_effects(rule, {**rule.then.effects, name: after}))


def _with_effects(rule: Rule, effects: Mapping[str, Expr]) -> Rule:
    reaction: Reaction = replace(rule.then, effects=effects)
    return replace(rule, then=reaction)


def _value_text(name: str, effect: Expr) -> str:
    if isinstance(effect, Const) and not isinstance(effect.value, bool):
        return STATE_VARIABLES[name].labels.get(effect.value, text(effect))
    return text(effect)


def _other_values(name: str, effect: Expr) -> Iterator[Expr]:
    if isinstance(effect, Const):
        if isinstance(effect.value, bool):
            yield Const(not effect.value)
        elif effect.value in _OTHER_VALUE.get(name, {}):
            yield Const(_OTHER_VALUE[name][effect.value])
    elif effect.sort is Sort.BOOL:
        yield from (found.after for found in rewrites(effect))
    else:
        yield from (found.after for found in everywhere(effect, left_out))


def _row_key(row: Rule | None) -> tuple[object, ...] | None:
    if row is None:
        return None
    then = row.then
    details = [getattr(then, field, None) for field in ("code", "delivers", "due")]
    effects = tuple(sorted((name, normal_key(effect)) for name, effect in then.effects.items()))
    return (row.strength, normal_key(row.when), then.word, *details, effects)


@lru_cache(maxsize=1)
def mutants(rules: RuleSet = RULES) -> tuple[Mutant, ...]:
    """All mutants of a rule set, always the same ones in the same order: by row, then by operator, then by place.

    Two changes that give one row are one mutant, named after the first.
    """
    shared = _Shared(rules)
    found: list[Mutant] = []
    for rule in rules:
        seen = {_row_key(rule)}
        names: Counter[str] = Counter()
        for change in _changes(rule, shared):
            key = _row_key(change.row)
            if key in seen:
                continue
            seen.add(key)
            names[change.name] += 1
            name = change.name if names[change.name] == 1 else f"{change.name}.{names[change.name]}"
            changed = (
                rules.without(rule.id) if change.row is None else RuleSet(change.row if r is rule else r for r in rules)
            )
            found.append(Mutant(f"{rule.id}~{name}", rule.id, change.operator, change.change, changed, change.row))
    return tuple(found)


@lru_cache(maxsize=1)
def mutants_by_id() -> dict[str, Mutant]:
    """The mutants of the rules by their ids."""
    return {mutant.id: mutant for mutant in mutants()}
