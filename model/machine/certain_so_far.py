"""The decisions of a rule set before all facts of an event are known.

A receiver knows the header of a frame before its payload, and its own state before either. A guard that mentions
something unknown has two bounds without it: it holds *surely* where it holds whatever the unknown is, and *possibly*
where it may. Both are read off the guard: unknown comparisons count as false or as true, and negation swaps the two.

From these: the failures that are certain once a header is complete (:func:`sure_failures`), and whether a receiver has
any reason to read on (:func:`reasons_to_read`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import lru_cache
from operator import is_
from typing import Final

from ..notation.expression import FALSE, Const, Expr, Op, substitute, variables
from ..notation.rule import Fail, Ignore, Rule, RuleSet
from ..notation.variables import HEADER_VARIABLES, SETTING_VARIABLES, STATE_VARIABLES, EventKind

KNOWN_ALWAYS: Final = frozenset(STATE_VARIABLES) | frozenset(SETTING_VARIABLES)
"""The variables that an endpoint knows before any octet of a frame has come."""

KNOWN_WITH_HEADER: Final = KNOWN_ALWAYS | HEADER_VARIABLES
"""The variables that it knows once the header of a frame is complete."""


def surely(guard: Expr, known: Collection[str]) -> Expr:
    """An expression over the known variables that holds only where the guard holds whatever the others are."""
    return substitute(_bound(guard, known, upper=False), {})


def possibly(guard: Expr, known: Collection[str]) -> Expr:
    """An expression over the known variables that holds wherever the guard holds for some values of the others."""
    return substitute(_bound(guard, known, upper=True), {})


def _bound(expression: Expr, known: Collection[str], *, upper: bool) -> Expr:
    """The bound; the expression itself where all of it is known."""
    if isinstance(expression, Op) and expression.op in ("and", "or", "not"):
        below = upper if expression.op != "not" else not upper
        args = tuple(_bound(arg, known, upper=below) for arg in expression.args)
        return expression if all(map(is_, args, expression.args)) else Op(expression.op, args)
    if all(name in known for name in variables(expression)):
        return expression
    if isinstance(expression, Op) and expression.op == "ite":
        condition, *branches = expression.args
        then, otherwise = (_bound(arg, known, upper=upper) for arg in branches)
        holds = _bound(condition, known, upper=upper)
        fails = ~_bound(condition, known, upper=not upper)
        return (holds & then) | (fails & otherwise) | (then & otherwise)
    return Const(upper)


@lru_cache(maxsize=256)
def sure_failures(rules: RuleSet, known: frozenset[str] = KNOWN_WITH_HEADER) -> RuleSet:
    """The rows that fail the connection on a received frame, each with a guard that needs only what is known."""
    found = [_with(rule, surely(rule.when, known)) for rule in _receiving(rules) if isinstance(rule.then, Fail)]
    return RuleSet(rule for rule in found if rule.when.key() != FALSE.key())


@lru_cache(maxsize=256)
def reasons_to_read(rules: RuleSet, known: frozenset[str] = KNOWN_WITH_HEADER) -> RuleSet:
    """The rows by which a received frame may still matter; where none is enabled, it is ignored without a trace."""
    return RuleSet(
        _with(rule, possibly(rule.when, known))
        for rule in _receiving(rules)
        if not isinstance(rule.then, Ignore) or rule.then.effects
    )


def _receiving(rules: RuleSet) -> tuple[Rule, ...]:
    return rules.of(EventKind.RECEIVE)


def _with(rule: Rule, guard: Expr) -> Rule:
    return replace(rule, when=guard)
