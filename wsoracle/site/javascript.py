"""Expressions of the rule notation as JavaScript: the value is that of :func:`~wsoracle.model.notation.expression.evaluate`.

Theory of operation. Numbers of JavaScript are exact up to 2^53, lengths of frames go up to 2^64. So there are two kinds
of integers: *wide* ones are ``BigInt``, all others numbers. A variable is wide where its bounds ask for it, a sum or a
comparison where one of its parts is; what stands beside a wide part is made wide as well. Variables are properties of
an object ``v``. Parts of guards that have a name (``model.notation.named``) are functions of an object ``t``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from wsoracle.model.notation.expression import Const, Expr, Op, Sort, Var
from wsoracle.model.notation.named import terms

_EXACT: Final = 2**53 - 1
_OPERATORS: Final = {"and": "&&", "or": "||", "==": "===", "!=": "!=="}


def is_wide(variable: Var) -> bool:
    """Whether the values of a variable are ``BigInt``."""
    return variable.sort is Sort.INT and variable.high > _EXACT


def guard_function(guard: Expr) -> str:
    """The JavaScript function of a guard, from the values of variables to a truth value."""
    return f"v=>{_written(guard)}"


def effect_function(effects: Mapping[str, Expr], variables: Mapping[str, Var]) -> str:
    """The JavaScript function of effects, to an object with the new values of the variables that change."""
    changed = ",".join(f"{name}:{_as(variables[name], value)}" for name, value in effects.items())
    return f"v=>({{{changed}}})"


def term_functions() -> str:
    """The members of the object ``t``: a function for each part of guards that has a name."""
    return ",\n".join(f"{term.name}:v=>{_written(term.expression, top=True)}" for term in terms())


@cache
def _names() -> dict[tuple[object, ...], str]:
    return {term.expression.key(): term.name for term in terms()}


def _as(variable: Var, value: Expr) -> str:
    if variable.sort is Sort.BOOL or is_wide(variable) == _is_wide(value):
        return _written(value)
    return f"BigInt({_written(value)})" if is_wide(variable) else f"Number({_written(value)})"


def _is_wide(expression: Expr) -> bool:
    """Whether an integer expression is written as a ``BigInt``; truth values never are."""
    if isinstance(expression, Var):
        return is_wide(expression)
    if isinstance(expression, Const):
        return abs(int(expression.value)) > _EXACT
    assert isinstance(expression, Op)
    return expression.sort is Sort.INT and _any_wide(expression.args)


def _any_wide(expressions: Iterable[Expr]) -> bool:
    return any(one.sort is Sort.INT and _is_wide(one) for one in expressions)


def _written(expression: Expr, wide: bool | None = None, *, top: bool = False) -> str:
    """The source; ``wide`` where an integer is to be a ``BigInt``, None where it stands for itself."""
    if isinstance(expression, Const):
        if isinstance(expression.value, bool):
            return "true" if expression.value else "false"
        return f"{expression.value}{'n' if wide or _is_wide(expression) else ''}"
    if isinstance(expression, Var):
        return f"BigInt(v.{expression.name})" if wide and not is_wide(expression) else f"v.{expression.name}"
    assert isinstance(expression, Op)
    name = None if top or expression.sort is Sort.INT else _names().get(expression.key())
    if name is not None:
        return f"t.{name}(v)"
    args = expression.args
    inner = bool(wide) or _any_wide(args)
    if expression.op == "not":
        return f"!{_written(args[0])}"
    if expression.op == "ite":
        return f"({_written(args[0])}?{_written(args[1], inner)}:{_written(args[2], inner)})"
    return f"({_written(args[0], inner)}{_OPERATORS.get(expression.op, expression.op)}{_written(args[1], inner)})"
