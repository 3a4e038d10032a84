"""The limits of the encoding: which frames and heads octets can be made of, for one opcode and what else is settled.

They are the same under all rules, so that everything here is computed once and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeAlias

from ..notation.expression import FALSE, Expr, Value, source, substitute, variables
from ..notation.variables import FACT_VARIABLES, EventKind, possible
from .guard_atoms import atoms, conjuncts


def compiled_function(names: Sequence[str], body: str) -> Callable[..., Any]:
    """A function of the named variables with this body: Python source that ``expression.source`` wrote."""
    made: Callable[..., Any] = eval(f"lambda {', '.join(names)}: {body}", {"__builtins__": {}})
    return made


def tuple_function(names: Sequence[str], sources: Iterable[str]) -> Callable[..., tuple[Any, ...]]:
    """A function of the named variables: the values of several pieces of source."""
    return compiled_function(names, "(" + "".join(f"{part}, " for part in sources) + ")")


@cache
def encoding_atoms(kind: EventKind) -> tuple[Expr, ...]:
    """The atoms of the limits of the encoding."""
    return tuple({atom.key(): atom for atom in atoms(possible(kind))}.values())


Settled: TypeAlias = tuple[tuple[str, Value], ...]
"""The values of the setting and of the state that the encoding depends on."""


class Encoding(NamedTuple):
    """The limits of the encoding: a function of a frame or head, its facts, and tests of one fact each."""

    possible: Callable[..., bool]
    names: list[str]
    tests: list[tuple[str, Callable[..., bool]]]


@lru_cache(maxsize=4096)
def encoding_of(kind: EventKind, opcode: int | None, settled: Settled) -> Encoding:
    """The limits of the encoding for one opcode, or for heads."""
    encoding = substitute(possible_for(kind, opcode), dict(settled))
    reads = variables(encoding)
    fields = FACT_VARIABLES[kind]
    tests = []
    for term in conjuncts(encoding):
        names = list(variables(term))
        if len(names) == 1:
            tests.append((names[0], compiled_function(names, source(term))))
    return Encoding(
        compiled_function(tuple(fields), source(encoding)), [name for name in fields if name in reads], tests
    )


@cache
def possible_for(kind: EventKind, opcode: int | None) -> Expr:
    """What makes a frame with an opcode possible, or a head."""
    return possible(kind) if opcode is None else substitute(possible(kind), {"opcode": opcode})


@lru_cache(maxsize=4096)
def is_excluded(kind: EventKind, settled: Settled) -> bool:
    """Nothing of this kind can be encoded."""
    return substitute(possible_for(kind, None), dict(settled)).key() == FALSE.key()


@cache
def read_by_encoding(kind: EventKind) -> frozenset[str]:
    """The variables that the limits of the encoding read."""
    return frozenset(variables(possible_for(kind, None)))
