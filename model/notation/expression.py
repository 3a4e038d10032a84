"""The rule notation: a small expression tree over named variables.

A guard or an effect of a rule is written once, in this notation, and then *folded* in many ways: evaluated on
concrete values (:func:`evaluate`), turned into Python source (:func:`source`), printed (:func:`text`), given to Z3
(``model.machine.symbolic``) and changed into mutants (``generators.mutants.operators``).

Two sorts exist, truth values and integers. Integers are real integers: a 64-bit length stays one number, so that
boundary cases come out of a solver and not out of a list.

An expression has no truth value of its own: ``bool(expression)`` raises :class:`TypeError`, so that ``and``, ``or``,
``not``, ``in`` and chained comparisons, which Python cannot overload, never silently mean something else. Use
``&``, ``|``, ``~`` and :func:`member`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeAlias

Value: TypeAlias = "int | bool"
Operand: TypeAlias = "Expr | int | bool"


class Sort(Enum):
    """The two kinds of value that an expression can have."""

    BOOL = "bool"
    INT = "int"


class Expr:
    """A node of the expression tree. Immutable; ``==`` builds an expression, use :meth:`key` to compare trees."""

    __slots__ = ()

    @property
    def sort(self) -> Sort:
        """The sort of the value of this expression."""
        raise NotImplementedError

    def key(self) -> tuple[object, ...]:
        """A hashable value that is equal for structurally equal trees."""
        raise NotImplementedError

    def __bool__(self) -> bool:
        raise TypeError(
            f"the rule expression «{text(self)}» has no truth value: write & | ~ and member() "
            "instead of and, or, not, in and chained comparisons"
        )

    def __hash__(self) -> int:
        return hash(self.key())

    def __and__(self, other: Operand) -> Expr:
        return Op("and", (self, lift(other)))

    def __rand__(self, other: Operand) -> Expr:
        return Op("and", (lift(other), self))

    def __or__(self, other: Operand) -> Expr:
        return Op("or", (self, lift(other)))

    def __ror__(self, other: Operand) -> Expr:
        return Op("or", (lift(other), self))

    def __invert__(self) -> Expr:
        return Op("not", (self,))

    def __eq__(self, other: object) -> Expr:  # type: ignore[override]
        return Op("==", (self, _lift_object(other)))

    def __ne__(self, other: object) -> Expr:  # type: ignore[override]
        return Op("!=", (self, _lift_object(other)))

    def __lt__(self, other: Operand) -> Expr:
        return Op("<", (self, lift(other)))

    def __le__(self, other: Operand) -> Expr:
        return Op("<=", (self, lift(other)))

    def __gt__(self, other: Operand) -> Expr:
        return Op(">", (self, lift(other)))

    def __ge__(self, other: Operand) -> Expr:
        return Op(">=", (self, lift(other)))

    def __add__(self, other: Operand) -> Expr:
        return Op("+", (self, lift(other)))


_BOOLEAN: Final = {"and", "or", "not", "==", "!=", "<", "<=", ">", ">="}
_ARITY: Final = {"not": 1, "ite": 3}
_OPERAND_SORT: Final = {
    "and": Sort.BOOL,
    "or": Sort.BOOL,
    "not": Sort.BOOL,
    "<": Sort.INT,
    "<=": Sort.INT,
    ">": Sort.INT,
    ">=": Sort.INT,
    "+": Sort.INT,
}


@dataclass(frozen=True, eq=False, repr=False)
class Const(Expr):
    """A literal. ``label`` is how people write it (``TEXT`` for 1), used by :func:`text` only."""

    value: Value
    label: str | None = None

    @property
    def sort(self) -> Sort:
        return Sort.BOOL if isinstance(self.value, bool) else Sort.INT

    def key(self) -> tuple[object, ...]:
        return ("const", self.sort.value, int(self.value))

    def __repr__(self) -> str:
        return f"«{text(self)}»"


@dataclass(frozen=True, eq=False, repr=False)
class Var(Expr):
    """A named variable. Integers have inclusive bounds; ``labels`` names values for :func:`text`.

    ``meaning`` says in words what the variable is about; documents print it.
    """

    name: str
    var_sort: Sort = Sort.BOOL
    low: int = 0
    high: int = 1
    labels: Mapping[int, str] = field(default_factory=dict)
    meaning: str = ""

    @property
    def sort(self) -> Sort:
        return self.var_sort

    def key(self) -> tuple[object, ...]:
        return ("var", self.name)

    def __repr__(self) -> str:
        return f"«{self.name}»"


@dataclass(frozen=True, eq=False, repr=False)
class Op(Expr):
    """An operator applied to operands: and or not == != < <= > >= + ite."""

    op: str
    args: tuple[Expr, ...]

    def __post_init__(self) -> None:
        if len(self.args) != _ARITY.get(self.op, 2):
            raise TypeError(f"the operator {self.op} takes {_ARITY.get(self.op, 2)} operands, not {len(self.args)}")
        wanted = _OPERAND_SORT.get(self.op)
        sorts = [a.sort for a in self.args]
        if wanted is not None and any(s is not wanted for s in sorts):
            raise TypeError(f"the operands of {self.op} must be {wanted.value}: {', '.join(map(text, self.args))}")
        if self.op in ("==", "!=") and sorts[0] is not sorts[1]:
            raise TypeError(f"{self.op} compares values of one sort: {', '.join(map(text, self.args))}")
        if self.op == "ite" and (sorts[0] is not Sort.BOOL or sorts[1] is not sorts[2]):
            raise TypeError(f"ite takes a condition and two values of one sort: {', '.join(map(text, self.args))}")

    @property
    def sort(self) -> Sort:
        if self.op in _BOOLEAN:
            return Sort.BOOL
        return self.args[-1].sort

    def key(self) -> tuple[object, ...]:
        return (self.op, *(a.key() for a in self.args))

    def __repr__(self) -> str:
        return f"«{text(self)}»"


TRUE: Final = Const(True)
FALSE: Final = Const(False)


def lift(value: Operand) -> Expr:
    """The expression for a Python value; expressions pass through."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, (bool, int)):
        return Const(value)
    raise TypeError(f"{value!r} cannot stand in a rule: use an int, a bool or an expression")


def _lift_object(value: object) -> Expr:
    if isinstance(value, (Expr, bool, int)):
        return lift(value)
    raise TypeError(f"{value!r} cannot stand in a rule: use an int, a bool or an expression")


def ite(condition: Expr, then: Operand, otherwise: Operand) -> Expr:
    """``then`` where the condition holds, else ``otherwise``."""
    return Op("ite", (condition, lift(then), lift(otherwise)))


def any_of(terms: Sequence[Expr]) -> Expr:
    """The disjunction of the terms; false for no terms."""
    return _chain("or", terms, FALSE)


def all_of(terms: Sequence[Expr]) -> Expr:
    """The conjunction of the terms; true for no terms."""
    return _chain("and", terms, TRUE)


def _chain(op: str, terms: Sequence[Expr], empty: Expr) -> Expr:
    if not terms:
        return empty
    result = terms[0]
    for term in terms[1:]:
        result = Op(op, (result, term))
    return result


def between(operand: Expr, low: int, high: int) -> Expr:
    """``low <= operand <= high``; one comparison where the range is a single value."""
    return operand == low if low == high else (operand >= low) & (operand <= high)


def member(operand: Expr, ranges: Sequence[tuple[int, int]]) -> Expr:
    """The operand lies in one of the inclusive ranges."""
    return any_of([between(operand, low, high) for low, high in ranges])


def children(expression: Expr) -> tuple[Expr, ...]:
    """The operands of an operator; none for a leaf."""
    return expression.args if isinstance(expression, Op) else ()


def subterms(expression: Expr) -> Iterator[Expr]:
    """Every node of the tree, the root first."""
    yield expression
    for child in children(expression):
        yield from subterms(child)


def variables(expression: Expr) -> dict[str, Var]:
    """The free variables by name, in the order of their first occurrence."""
    found: dict[str, Var] = {}
    waiting = [expression]
    while waiting:  # not subterms(): this is asked of every guard whenever a command starts
        node = waiting.pop()
        if isinstance(node, Op):
            waiting += node.args[::-1]
        elif isinstance(node, Var):
            found.setdefault(node.name, node)
    return found


def substitute(expression: Expr, replacement: Mapping[str, Operand]) -> Expr:
    """The expression with variables replaced by name, and constants folded."""
    if isinstance(expression, Var):
        return lift(replacement[expression.name]) if expression.name in replacement else expression
    if isinstance(expression, Op):
        first = substitute(expression.args[0], replacement)
        if isinstance(first, Const) and expression.op in _DECIDES:
            # What a constant decides is not looked at: most of a guard falls with its first part.
            chosen = _DECIDES[expression.op](first.value)
            return first if chosen is None else substitute(expression.args[chosen], replacement)
        args = (first, *[substitute(a, replacement) for a in expression.args[1:]])
        return _fold(expression.op, args, expression if all(map(operator.is_, args, expression.args)) else None)
    return expression


def _fold(op: str, args: tuple[Expr, ...], known: Expr | None = None) -> Expr:
    """An operator, simplified where constants decide it; ``known`` is this very operator where it was built before."""
    if all(isinstance(a, Const) for a in args):
        return Const(_APPLY[op](*(a.value for a in args if isinstance(a, Const))))
    if op in ("and", "or"):
        unit, zero = (True, False) if op == "and" else (False, True)
        for this, other in (args, args[::-1]):
            if isinstance(this, Const):
                return other if this.value is unit else Const(zero)
    if op == "ite" and isinstance(args[0], Const):
        return args[1] if args[0].value else args[2]
    return Op(op, args) if known is None else known


_DECIDES: Final[dict[str, Callable[[Value], int | None]]] = {
    "and": lambda first: 1 if first else None,
    "or": lambda first: None if first else 1,
    "ite": lambda first: 1 if first else 2,
}
"""Operators that a constant first argument decides: the argument that is the result, None for the first itself."""


OF_TWO: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "+": operator.add,
}  # fmt: skip
"""The operators that take two values and need both."""

_APPLY: Final[dict[str, Callable[..., Value]]] = {
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": lambda a: not a,
    **OF_TWO,
    "ite": lambda c, a, b: a if c else b,
}


def evaluate(expression: Expr, values: Mapping[str, Value]) -> Value:
    """The value of the expression where each variable has the given value.

    Raises :class:`KeyError` for a variable without a value; what a first operand decides is not looked at.
    """
    if isinstance(expression, Var):
        return values[expression.name]
    if isinstance(expression, Const):
        return expression.value
    assert isinstance(expression, Op)
    first = evaluate(expression.args[0], values)
    decides = _DECIDES.get(expression.op)
    if decides is not None:
        chosen = decides(first)
        return first if chosen is None else evaluate(expression.args[chosen], values)
    return _APPLY[expression.op](first, *[evaluate(a, values) for a in expression.args[1:]])


_PRECEDENCE: Final = {"ite": 0, "or": 1, "and": 2, "not": 3, "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5}


def source(expression: Expr) -> str:
    """Python source with the same value as :func:`evaluate`, for variables that are local names."""
    if isinstance(expression, Const):
        return repr(expression.value)
    if isinstance(expression, Var):
        return expression.name
    assert isinstance(expression, Op)
    parts = [source(a) for a in expression.args]
    if expression.op == "not":
        return f"(not {parts[0]})"
    if expression.op == "ite":
        return f"({parts[1]} if {parts[0]} else {parts[2]})"
    return f"({parts[0]} {expression.op} {parts[1]})"


def text(expression: Expr) -> str:
    """The expression as people read it: names for values, few parentheses."""
    return _text(expression, 0)


def _text(expression: Expr, outer: int) -> str:
    if isinstance(expression, Const):
        if expression.label is not None:
            return expression.label
        return str(expression.value).lower() if isinstance(expression.value, bool) else str(expression.value)
    if isinstance(expression, Var):
        return expression.name
    assert isinstance(expression, Op)
    op, args = expression.op, expression.args
    level = _PRECEDENCE[op]
    if op == "not":
        result = f"not {_text(args[0], level)}"
    elif op == "ite":
        result = f"{_text(args[1], 1)} if {_text(args[0], 1)} else {_text(args[2], 1)}"
    elif op in ("==", "!=") and isinstance(args[0], Var) and isinstance(args[1], Const):
        name = args[0].labels.get(int(args[1].value))
        shown = _text(args[1], level) if name is None else name
        result = f"{args[0].name} {'is' if op == '==' else 'is not'} {shown}"
    else:
        result = f"{_text(args[0], level)} {op} {_text(args[1], level)}"
    return f"({result})" if level < outer else result
