"""The rows of one kind of event as Z3 terms: what is seen of them, and the states that they lead to.

Which error code a refused handshake is answered with cannot be told (``observable.as_seen``): rows that refuse are
alike where they have the same effects, whatever their codes; and rows whose codes are alike, but not their effects, are
taken for different, which proves less than could be.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import z3

from wsoracle.model.machine.interpreted import LEVELS, Kind, Label
from wsoracle.model.machine.interpreted import label_of as exact_label_of
from wsoracle.model.machine.symbolic import Env, SymbolicMachine, Terms, constant, within_bounds
from wsoracle.model.notation.expression import text
from wsoracle.model.notation.rule import Forbid, Rule, RuleSet
from wsoracle.model.notation.variables import FRAME_VARIABLES, MEASURED, STATE_VARIABLES, EventKind

from .observable import as_seen
from .rewriting import normal_key

MILLISECONDS: Final = 20_000
"""A single query gives up after this long; nothing is then claimed."""

_SEEN_OTHERWISE: Final = ("utf8_next", *MEASURED)
"""The facts of a frame that depend on what came before it."""


def label_of(row: Rule) -> Label | None:
    """The label of a row as far as it is seen; for refusals, with the effects, so that one label means one state."""
    label = exact_label_of(row)
    if label is None or label.kind is not Kind.REFUSE:
        return label
    effects = ", ".join(f"{name} = {text(effect)}" for name, effect in sorted(row.then.effects.items()))
    return as_seen(label)._replace(delivers=effects)


@dataclass(frozen=True)
class Group:
    """Rows of one kind with one label and one effect.

    ``when``: one of them is enabled, for each level; ``after``: the state after them.
    """

    label: Label
    effects: tuple[object, ...]
    when: tuple[Any, ...]
    after: Env

    @property
    def ever(self) -> Any:
        """One of the rows is enabled at some level."""
        return either_of(*self.when)


class SymbolicRows:
    """The rows of one kind in Z3, over one state and frame. ``tag`` names its auxiliary constants."""

    def __init__(self, kind: EventKind, rows: Sequence[Rule], terms: Terms, tag: str) -> None:
        self.kind: Final = kind
        self.rows: Final = rows
        self._terms: Final = terms
        self.legal: Final = tuple(z3.Bool(f"legal{tag}_{kind.value}_{n}") for n in range(len(LEVELS)))
        self._whens: Final[dict[int, tuple[Rule, tuple[Any, ...]]]] = {}

    def when(self, row: Rule) -> tuple[Any, ...]:
        """When a row is enabled, for each level."""
        found = self._whens.get(id(row))
        if found is None:
            terms = tuple(self._terms.guard(row.when, legal) for legal in self.legal)
            found = self._whens[id(row)] = (
                row,
                tuple(
                    when if not row.refuses or level.keeps(row.strength) else z3.BoolVal(False)
                    for when, level in zip(terms, LEVELS, strict=True)
                ),
            )
        return found[1]

    def definitions(self, rows: Sequence[Rule]) -> list[Any]:
        """The meaning of ``legal`` at each level under these rows."""
        refusing = [self.when(row) for row in rows if row.refuses]
        return [legal == z3.Not(either_of(*(when[n] for when in refusing))) for n, legal in enumerate(self.legal)]

    def groups(self, rows: Sequence[Rule]) -> list[Group]:
        """The rows that allow something, by label and effect."""
        found: dict[tuple[object, ...], list[Rule]] = {}
        for row in rows:
            if label_of(row) is not None:
                found.setdefault((label_of(row), effects_key(row)), []).append(row)
        return [self.group(members) for members in found.values()]

    def group(self, members: Sequence[Rule]) -> Group:
        """Rows with one label and one effect."""
        label = label_of(members[0])
        assert label is not None
        return Group(label, effects_key(members[0]), self.either(members), self._terms.after(members[0].then))

    def either(self, members: Sequence[Rule]) -> tuple[Any, ...]:
        """When one of some rows is enabled, for each level."""
        return tuple(either_of(*whens) for whens in zip(*map(self.when, members), strict=True))

    def seen(
        self, rows: Sequence[Rule], labels: Container[Label | None] | None = None
    ) -> dict[tuple[object, ...], Any]:
        """The observable part of these rows: each label up to each level, and each output owed, with its condition.

        Only of some labels, where they are given.
        """
        found: dict[tuple[object, ...], Any] = {}
        by_label: dict[Label, list[Rule]] = {}
        for row in rows:
            label = label_of(row)
            if label is not None and (labels is None or label in labels):
                by_label.setdefault(label, []).append(row)
        for label, members in by_label.items():
            whens = self.either(members)
            for n in range(len(LEVELS)):
                found[(label, n)] = either_of(*whens[: n + 1])
        if self.kind is EventKind.SILENCE:
            dues: dict[object, list[Any]] = {}
            for row in rows:
                if isinstance(row.then, Forbid) and row.refuses:
                    dues.setdefault(row.then.due, []).append(self.when(row)[0])
            found.update({("due", due): either_of(*whens) for due, whens in dues.items() if due is not None})
        return found


class TwoSides:
    """The rules over two states that see the same octets: ``left`` and ``right``; and ``changed``, room for other rows
    over the state and frame of the right side."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules: Final = rules
        self.machine: Final = SymbolicMachine(rules)
        self.s: Final = SymbolicMachine.state_env()
        self.t: Final = SymbolicMachine.state_env("~")
        self.frame: Final = SymbolicMachine.frame_env()
        self.frame_t: Final = {**self.frame, **{n: constant(FRAME_VARIABLES[n], f"{n}~") for n in _SEEN_OTHERWISE}}
        self.left: Final = {kind: self._side(kind, self.s, self.frame, "") for kind in EventKind}
        self.right: Final = {kind: self._side(kind, self.t, self.frame_t, "~") for kind in EventKind}
        self.changed: Final = {kind: self._side(kind, self.t, self.frame_t, "!") for kind in EventKind}

    def _side(self, kind: EventKind, state: Env, frame: Env, tag: str) -> SymbolicRows:
        return SymbolicRows(kind, self.rules.of(kind), Terms.over(self.machine.setting_env, state, frame), tag)

    def solver(self, *, right: bool = False) -> Any:
        """A solver that knows the bounds of setting and left state; and of the right one, where that is asked for."""
        solver = z3.Solver()
        solver.set("timeout", MILLISECONDS)
        solver.add(self.machine.setting_bounds, *within_bounds(STATE_VARIABLES.values(), self.s))
        if right:
            solver.add(*within_bounds(STATE_VARIABLES.values(), self.t))
        return solver


def differences_between(
    left: Mapping[tuple[object, ...], Any],
    right: Mapping[tuple[object, ...], Any],
    labels: Container[Label | None] | None = None,
) -> Iterator[Any]:
    """The conditions under which something is seen on one side alone; only of some labels, where they are given."""
    for key in dict.fromkeys([*left, *right]):
        if labels is None or key[0] == "due" or key[0] in labels:
            yield left.get(key, z3.BoolVal(False)) != right.get(key, z3.BoolVal(False))


def either_of(*terms: Any) -> Any:
    """The disjunction of truth-valued terms: what z3.Or makes, without looking at each term first."""
    if not terms:
        return z3.BoolVal(False)
    context = z3.main_ctx()
    array = (z3.Ast * len(terms))(*(t.as_ast() for t in terms))
    return z3.BoolRef(z3.Z3_mk_or(context.ref(), len(terms), array), context)


def effects_key(row: Rule) -> tuple[object, ...]:
    """A key that is equal for rows that have the same effects."""
    return tuple(sorted((name, normal_key(effect)) for name, effect in row.then.effects.items()))
