"""Expressions of the rule notation as JavaScript, with the value that ``evaluate`` of the notation gives.

Theory of operation. Numbers of JavaScript are exact up to 2^53, lengths of frames go up to 2^64. So there are two kinds
of integers: *wide* ones are ``BigInt``, all others numbers. A variable is wide where its bounds ask for it, a sum or a
comparison where one of its parts is; what stands beside a wide part is made wide as well. Variables are properties of
an object ``v``. What many expressions share is a function of an object ``t``: parts of guards that have a name
(``model.notation.named``), and whatever else is written often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from wsoracle.model.notation.expression import Const, Expr, Op, Sort, Var
from wsoracle.model.notation.named import terms

_EXACT: Final = 2**53 - 1
_OPERATORS: Final = {"and": "&&", "or": "||", "==": "===", "!=": "!=="}
_OFTEN, _LONG = 4, 5
"""What stands so often, and has so many nodes, is written once."""


def is_wide(variable: Var) -> bool:
    """Whether the values of a variable are ``BigInt``."""
    return variable.sort is Sort.INT and variable.high > _EXACT


class Translator:
    """Translates expressions; ``expressions`` are those among which it looks for what is written often."""

    def __init__(self, expressions: Iterable[Expr]) -> None:
        self._shared: dict[str, Expr] = {term.name: term.expression for term in terms()}
        self._names = {expression.key(): name for name, expression in self._shared.items()}
        times: Counter[tuple[object, ...]] = Counter()
        found: dict[tuple[object, ...], Expr] = {}
        for expression in (*self._shared.values(), *expressions):
            for node, key in _conditions(expression):
                times[key] += 1
                found.setdefault(key, node)
        for key, count in times.items():
            if count >= _OFTEN and key not in self._names:
                name = f"x{len(self._shared)}"
                self._names[key], self._shared[name] = name, found[key]

    def guard(self, guard: Expr) -> str:
        """The function of a guard, from the values of variables to a truth value."""
        return f"v=>{self._written(guard)}"

    def effects(self, effects: Mapping[str, Expr], variables: Mapping[str, Var]) -> str:
        """The function of effects, to an object with the new values of the variables that change."""
        changed = ",".join(f"{name}:{self._as(variables[name], value)}" for name, value in effects.items())
        return f"v=>({{{changed}}})"

    def shared(self) -> str:
        """The members of the object ``t``."""
        return ",\n".join(f"{name}:v=>{self._written(one, top=True)}" for name, one in self._shared.items())

    def _as(self, variable: Var, value: Expr) -> str:
        if variable.sort is Sort.BOOL or is_wide(variable) == _is_wide(value):
            return self._written(value)
        return f"{'BigInt' if is_wide(variable) else 'Number'}({self._written(value)})"

    def _written(self, expression: Expr, wide: bool = False, *, top: bool = False) -> str:
        """The source; ``wide`` where an integer is to be a ``BigInt`` even if it would be a number by itself."""
        if isinstance(expression, Const):
            if isinstance(expression.value, bool):
                return "true" if expression.value else "false"
            return f"{expression.value}{'n' if wide or _is_wide(expression) else ''}"
        if isinstance(expression, Var):
            return f"BigInt(v.{expression.name})" if wide and not is_wide(expression) else f"v.{expression.name}"
        assert isinstance(expression, Op)
        name = None if top or expression.sort is Sort.INT else self._names.get(expression.key())
        if name is not None:
            return f"t.{name}(v)"
        args = expression.args
        inner = wide or any(one.sort is Sort.INT and _is_wide(one) for one in args)
        if expression.op == "not":
            return f"!{self._written(args[0])}"
        if expression.op == "ite":
            then, otherwise = (self._written(one, inner) for one in args[1:])
            return f"({self._written(args[0])}?{then}:{otherwise})"
        operator = _OPERATORS.get(expression.op, expression.op)
        if operator in ("&&", "||"):
            return f"({operator.join(self._written(one) for one in _chained(expression, self._names))})"
        return f"({self._written(args[0], inner)}{operator}{self._written(args[1], inner)})"


def _chained(expression: Op, names: Mapping[tuple[object, ...], str]) -> Iterator[Expr]:
    """The parts of a chain of one operator, as far as they are not shared under a name."""
    for arg in expression.args:
        if isinstance(arg, Op) and arg.op == expression.op and arg.key() not in names:
            yield from _chained(arg, names)
        else:
            yield arg


def _is_wide(expression: Expr) -> bool:
    """Whether an integer expression is written as a ``BigInt``; truth values never are."""
    if isinstance(expression, Var):
        return is_wide(expression)
    if isinstance(expression, Const):
        return abs(int(expression.value)) > _EXACT
    assert isinstance(expression, Op)
    return expression.sort is Sort.INT and any(one.sort is Sort.INT and _is_wide(one) for one in expression.args)


def _conditions(expression: Expr) -> Iterator[tuple[Expr, tuple[object, ...]]]:
    """The conditions in an expression that are long enough to be shared, with their keys."""
    if isinstance(expression, Op):
        if expression.sort is Sort.BOOL and _size(expression) >= _LONG:
            yield expression, expression.key()
        for arg in expression.args:
            yield from _conditions(arg)


def _size(expression: Expr) -> int:
    return 1 + sum(map(_size, expression.args)) if isinstance(expression, Op) else 1
