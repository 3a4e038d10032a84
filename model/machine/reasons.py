"""Why a rule is enabled: what its guard asks of the unit alone, once the state and the setting are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..notation.expression import TRUE, Expr, Op, Value, all_of, evaluate, substitute
from ..notation.rule import LEGAL, Rule
from ..notation.variables import Facts, FrameFacts, Setting, State
from .guard_atoms import conjuncts


def because(rule: Rule, setting: Setting, state: State, facts: Facts) -> Expr | None:
    """The reason why a rule is enabled: its guard over the unit alone, with only the alternatives that hold.

    For a head, only the conditions that a sound head does not meet: most facts of a request are as they should be. None
    where no condition is left.
    """
    guard = _holding(_of_unit(rule, setting, state), facts._asdict())
    if not isinstance(facts, FrameFacts):
        sound = type(facts)()._asdict()
        guard = all_of([part for part in conjuncts(guard) if not evaluate(part, sound)])
    return None if guard.key() == TRUE.key() else guard


_KNOWN: Final[dict[tuple[int, Setting, State], tuple[Rule, Expr]]] = {}
"""By the identity of a rule, which is kept beside: expressions have no equality to look them up by."""
_MOST_KNOWN: Final = 4096


def _of_unit(rule: Rule, setting: Setting, state: State) -> Expr:
    """The guard of a rule with setting and state known: the same for many units."""
    key = id(rule), setting, state
    if key not in _KNOWN:
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        known = {**setting.values, **state._asdict(), LEGAL.name: True}
        _KNOWN[key] = rule, substitute(rule.when, known)
    return _KNOWN[key][1]


def _holding(guard: Expr, values: Mapping[str, Value]) -> Expr:
    if isinstance(guard, Op) and guard.op in ("and", "or"):
        args = guard.args
        if guard.op == "or":
            args = tuple(arg for arg in args if evaluate(arg, values)) or args
        parts = tuple(_holding(arg, values) for arg in args)
        return parts[0] if len(parts) == 1 else Op(guard.op, parts)
    return guard
