"""Names for what many rows share: parts of guards, and effects that stand together.

A name and its meaning stand beside the expression that they name, where the rows are; documents print the name in its
place. Nothing is decided here: a row reads the same with and without these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from .expression import Expr

_TERMS: Final[dict[str, Term]] = {}
_BUNDLES: Final[dict[str, Bundle]] = {}


class Term(NamedTuple):
    """A part of guards that has a name, and its meaning."""

    name: str
    expression: Expr
    meaning: str


class Bundle(NamedTuple):
    """Effects that stand together in many rows, and their name."""

    name: str
    effects: Mapping[str, Expr]


def term(name: str, meaning: str, expression: Expr) -> Expr:
    """The expression itself, from now on known by a name. Raises :class:`ValueError` for a name that is taken."""
    if name in _TERMS:
        raise ValueError(f"two parts of guards are named {name}")
    _TERMS[name] = Term(name, expression, meaning)
    return expression


def bundle(name: str, effects: Mapping[str, Expr]) -> Mapping[str, Expr]:
    """The effects themselves, from now on known by a name. Raises :class:`ValueError` for a name that is taken."""
    if name in _BUNDLES:
        raise ValueError(f"two bundles of effects are named {name}")
    _BUNDLES[name] = Bundle(name, effects)
    return effects


def terms() -> tuple[Term, ...]:
    """The named parts of guards of all modules of rows that are imported, in the order of their names."""
    return tuple(_TERMS[name] for name in sorted(_TERMS))


def bundles() -> tuple[Bundle, ...]:
    """The named effects of all modules of rows that are imported, larger ones first."""
    return tuple(sorted(_BUNDLES.values(), key=lambda known: (-len(known.effects), known.name)))
