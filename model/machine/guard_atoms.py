"""What guards and effects are made of: atoms, the values that effects give, and the sums that are compared.

*Atoms* are the truth-valued leaves of an expression: truth values, and comparisons of integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from ..notation.expression import Const, Expr, Op, Sort, Value, Var, subterms, variables
from ..notation.rule import RuleSet
from ..notation.variables import STATE_VARIABLES, EventKind, State, possible

SMALL: Final = 16
"""A variable with at most this many values is tried with all of them."""

_COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})
_FIRST_STATE: Final = State()


def atoms(expression: Expr) -> Iterator[Expr]:
    """The truth-valued leaves of an expression: variables, and comparisons of integers."""
    if isinstance(expression, Op):
        if expression.op in _COMPARISONS and expression.args[0].sort is Sort.INT:
            yield expression
            for arg in expression.args:
                yield from all_atoms(arg)
        else:
            for arg in expression.args:
                yield from atoms(arg)
    elif isinstance(expression, Var) and expression.sort is Sort.BOOL:
        yield expression


def conjuncts(expression: Expr) -> Iterator[Expr]:
    """The terms of a conjunction, however it is nested; any other expression is its own only term."""
    if isinstance(expression, Op) and expression.op == "and":
        for arg in expression.args:
            yield from conjuncts(arg)
    else:
        yield expression


@lru_cache(maxsize=8)
def reporting_variables(rules: RuleSet) -> frozenset[str]:
    """The state variables that only report: no guard reads them, and no effect on a variable that is not reporting.

    Two states that differ in them alone allow the same behaviour for ever
    (:data:`~wsoracle.model.notation.variables.State`).
    """
    # A guard that asks whether the event is legal reads no more than the guards of the rows that may refuse it.
    read = {name for rule in rules for name in variables(rule.when)}
    read |= {name for kind in EventKind for name in variables(possible(kind))}
    sources: dict[str, set[str]] = {}
    for rule in rules:
        for name, effect in rule.then.effects.items():
            sources.setdefault(name, set()).update(variables(effect))
    while True:
        wider = read | {origin for name in read for origin in sources.get(name, ())}
        if wider == read:
            return frozenset(STATE_VARIABLES) - read
        read = wider


def state_values(rules: RuleSet) -> dict[str, tuple[Value, ...] | None]:
    """The values that each state variable can ever have; None where an effect may give it any of many numbers.

    An over-approximation read off the effects: the first value, the constants that effects assign, and all values of a
    small variable or a truth value.
    """
    found: dict[str, tuple[Value, ...] | None] = {}
    for name, variable in STATE_VARIABLES.items():
        effects = [rule.then.effects[name] for rule in rules if name in rule.then.effects]
        if is_small(variable):
            found[name] = all_values(variable)
        elif all(isinstance(effect, Const) for effect in effects):
            assigned = {int(effect.value) for effect in effects if isinstance(effect, Const)}
            found[name] = tuple(sorted(assigned | {int(getattr(_FIRST_STATE, name))}))
        else:
            found[name] = None
    return found


def is_small(variable: Var) -> bool:
    """Whether a variable has few values."""
    return variable.sort is Sort.BOOL or variable.high - variable.low < SMALL


def all_values(variable: Var) -> tuple[Value, ...]:
    """All values of a small variable."""
    return (False, True) if variable.sort is Sort.BOOL else tuple(range(variable.low, variable.high + 1))


def all_atoms(expression: Expr) -> Iterator[Expr]:
    """The atoms of an expression of either sort: for a number, those of its conditions."""
    if expression.sort is Sort.BOOL:
        yield from atoms(expression)
    else:
        for node in subterms(expression):
            if isinstance(node, Op) and node.op == "ite":
                yield from atoms(node.args[0])


class LinearSum:
    """A sum of variables and a constant: the part of integer expressions whose boundaries can be solved for."""

    def __init__(self, weights: Mapping[str, int], constant: int) -> None:
        self.weights = {name: weight for name, weight in weights.items() if weight}
        self.constant = constant

    def plus(self, other: LinearSum, sign: int = 1) -> LinearSum:
        names = {**self.weights, **other.weights}
        weights = {n: self.weights.get(n, 0) + sign * other.weights.get(n, 0) for n in names}
        return LinearSum(weights, self.constant + sign * other.constant)


def linear_sums(expression: Expr) -> list[LinearSum]:
    """The sums that an integer expression can be: one, or one for each branch of its conditions."""
    if isinstance(expression, Const):
        return [LinearSum({}, int(expression.value))]
    if isinstance(expression, Var):
        return [LinearSum({expression.name: 1}, 0)]
    assert isinstance(expression, Op)
    if expression.op == "+":
        return [a.plus(b) for a in linear_sums(expression.args[0]) for b in linear_sums(expression.args[1])]
    return [*linear_sums(expression.args[1]), *linear_sums(expression.args[2])]
