"""Single changes of an expression: of the guard of a row, or of an effect (``operators`` says what they are for)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from wsoracle.model.notation.expression import Const, Expr, Op, Sort, Var, substitute, text
from wsoracle.model.notation.head_variables import HEAD_VARIABLES
from wsoracle.model.notation.rule import LEGAL
from wsoracle.model.notation.variables import STATE_VARIABLES, server
from wsoracle.model.octets import utf8
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT


def _next_values(variable: Var) -> dict[int, int]:
    """For each value of a variable the one after it, and after the last the first."""
    return {value: (value + 1) % (variable.high + 1) for value in range(variable.high + 1)}


_NAMED: Final = {
    name: variable
    for name, variable in {"handshake": STATE_VARIABLES["handshake"], **HEAD_VARIABLES}.items()
    if variable.sort is Sort.INT and variable.labels
}
"""The variables whose values are names, not numbers, and all alike."""

_OTHER_CONSTANT: Final[Mapping[str, Mapping[int, int]]] = {
    "opcode": {CONTINUATION: TEXT, TEXT: BINARY, BINARY: TEXT, CLOSE: PING, PING: PONG, PONG: PING},
    "recv_type": {0: BINARY, TEXT: BINARY, BINARY: TEXT},
    "send_type": {0: BINARY, TEXT: BINARY, BINARY: TEXT},
    "utf8_next": {utf8.ACCEPT: utf8.REJECT, utf8.REJECT: utf8.ACCEPT},
    **{name: _next_values(variable) for name, variable in _NAMED.items()},
}
_ORDER: Final = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_OPPOSITE: Final = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!=", "!=": "=="}
_WORDS: Final = {"<=": "le", ">=": "ge", "<": "lt", ">": "gt", "==": "is", "!=": "is-not", "+": "plus"}


@dataclass(frozen=True)
class Rewrite:
    """One change of an expression: operator, a name for ids, a readable line, and the expression after it."""

    operator: str
    name: str
    change: str
    after: Expr


def rebuild(expression: Expr, args: Sequence[Expr]) -> Expr:
    """The operator of an expression applied to other operands."""
    assert isinstance(expression, Op)
    return Op(expression.op, tuple(args))


def everywhere(expression: Expr, change: Callable[[Expr], Iterable[Rewrite]]) -> Iterator[Rewrite]:
    """All ways to apply a change at one place of the tree, the root first."""
    yield from change(expression)
    if isinstance(expression, Op):
        for index, arg in enumerate(expression.args):
            for found in everywhere(arg, change):
                args = (*expression.args[:index], found.after, *expression.args[index + 1 :])
                yield replace(found, after=rebuild(expression, args))


def terms_of(expression: Expr, op: str) -> list[Expr]:
    """The terms of a chain of one operator, nested as they may be; the expression itself where it is no such chain."""
    if isinstance(expression, Op) and expression.op == op:
        return [term for arg in expression.args for term in terms_of(arg, op)]
    return [expression]


def normal_key(expression: Expr) -> tuple[object, ...]:
    """A key that is equal for trees that differ only in how they are written.

    Constants are folded, chains are flat, ``x > 3`` and ``x >= 4`` are one, and so are ``~(x == 1)`` and ``x != 1``.
    """
    return _normal(substitute(expression, {}))


def _normal(expression: Expr) -> tuple[object, ...]:
    if not isinstance(expression, Op):
        return expression.key()
    op, args = expression.op, expression.args
    if op in ("and", "or"):
        return (op, *dict.fromkeys(_normal(term) for term in terms_of(expression, op)))
    if op == "not" and isinstance(args[0], Op) and args[0].op in _OPPOSITE:
        return _normal(Op(_OPPOSITE[args[0].op], args[0].args))
    if op == "not" and isinstance(args[0], Op) and args[0].op == "not":
        return _normal(args[0].args[0])
    if op == "ite" and isinstance(args[0], Op) and args[0].op == "not":
        return _normal(Op("ite", (args[0].args[0], args[2], args[1])))
    if op in _ORDER and isinstance(args[1], Const):
        bound = int(args[1].value) + (op in ("<=", ">"))
        return ("<" if op in ("<", "<=") else ">=", _normal(args[0]), bound)
    return (op, *(_normal(arg) for arg in args))


def swapped_roles(expression: Expr) -> Expr:
    """The expression with server and client exchanged."""
    return substitute(expression, {server.name: ~server})


def _is_atom(expression: Expr) -> bool:
    """A truth value, or an equality that has neither a bound nor a switch to be changed instead."""
    if isinstance(expression, Var):
        return expression.sort is Sort.BOOL and expression.key() != LEGAL.key()
    if not isinstance(expression, Op) or expression.op not in ("==", "!="):
        return False
    left, right = expression.args
    return not isinstance(right, Const) or (isinstance(left, Var) and left.name in _OTHER_CONSTANT)


def left_out(expression: Expr) -> Iterator[Rewrite]:
    """Leave out one operand of ``and``, ``or``, ``+``: the other one stands for both. ``ite``: one branch for both."""
    if not isinstance(expression, Op) or expression.op not in ("and", "or", "+", "ite"):
        return
    if expression.op == "ite":
        for word, branch in zip(("then", "else"), expression.args[1:], strict=True):
            yield Rewrite("without", f"always-{word}", f"always the branch «{text(branch)}»", branch)
        return
    for index, dropped in enumerate(expression.args):
        # A longer chain is left to its own nodes: each of its terms is left out exactly once.
        if not (isinstance(dropped, Op) and dropped.op == expression.op):
            name, change = f"without-{slug(dropped)}", f"without «{text(dropped)}»"
            yield Rewrite("without", name, change, expression.args[1 - index])


def _negated(expression: Expr) -> Iterator[Rewrite]:
    if _is_atom(expression):
        yield Rewrite("negate", f"not-{slug(expression)}", f"«{text(expression)}» is negated", ~expression)


def _off_by_one(expression: Expr) -> Iterator[Rewrite]:
    if not isinstance(expression, Op) or expression.op not in _OPPOSITE or expression.args[0].sort is not Sort.INT:
        return
    left, right = expression.args
    if not isinstance(right, Const):
        if expression.op in _ORDER:
            other = Op(_ORDER[expression.op], expression.args)
            yield Rewrite("bound", slug(other), f"«{text(other)}» for «{text(expression)}»", other)
    elif isinstance(left, Var) and (expression.op in _ORDER or _is_number(left)):
        for step in (1, -1):
            bound = int(right.value) + step
            if left.low <= bound <= left.high:
                other = Op(expression.op, (left, Const(bound)))
                name = f"{left.name}-bound-{right.value}{step:+}"
                yield Rewrite("bound", name, f"«{text(other)}» for «{text(expression)}»", other)


def _is_number(variable: Var) -> bool:
    return variable.name not in _OTHER_CONSTANT and not variable.name.startswith("switch_")


def _other_constant(expression: Expr) -> Iterator[Rewrite]:
    if not isinstance(expression, Op) or expression.op not in ("==", "!="):
        return
    left, right = expression.args
    if isinstance(left, Var) and isinstance(right, Const):
        other = _instead_of(left, int(right.value))
        if other is not None:
            after = Op(expression.op, (left, Const(other, left.labels.get(other))))
            yield Rewrite("constant", slug(after), f"«{text(after)}» for «{text(expression)}»", after)


def _instead_of(variable: Var, value: int) -> int | None:
    if variable.name.startswith("switch_"):
        return (value + 1) % (variable.high + 1)
    return _OTHER_CONSTANT.get(variable.name, {}).get(value)


def rewrites(expression: Expr) -> Iterator[Rewrite]:
    """All single changes of an expression, by operator and then by place."""
    for change in (left_out, _negated, _off_by_one, _other_constant):
        yield from everywhere(expression, change)


def slug(expression: Expr) -> str:
    """The text of an expression, made of the characters that an id may have."""
    words = [_WORDS.get(word, word) for word in text(expression).replace("(", "").replace(")", "").split()]
    written = re.sub(r"[^A-Za-z0-9_]+", "-", "-".join(words)).strip("-")
    return written if len(written) <= 48 else f"{written[:47].rstrip('-')}+"
