"""A machine with one row replaced by another: a mutant, which shares all else with the machine that it came from."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Final, Protocol, TypeVar

from ..notation.rule import Rule
from ..notation.variables import EventKind, Facts, State
from .compiled import Choice, CompiledMachine, departing_choices, reads_event, rows_of_mask
from .generated_code import Masks


class Tried(Protocol):
    """An event in a state: what it carries, and the rows that are enabled there, be it legal or not."""

    @property
    def facts(self) -> Facts | None:
        """The facts of the event."""

    @property
    def enabled(self) -> int:
        """The rows, as bits."""


TriedT = TypeVar("TriedT", bound=Tried)


class OneRowReplaced:
    """A machine with one row replaced by another of the same id and kind: a mutant of it.

    Everything else is shared with the original. Its outcomes are those of a :class:`CompiledMachine` of the changed
    rules; a row that is to be missing is one whose guard never holds.
    """

    def __init__(self, original: CompiledMachine, row: Rule) -> None:
        self.setting: Final = original.setting
        self.kind: Final = row.on
        self.row: Final = row
        self._original: Final = original
        self._bit: Final = original.bit(row.id)
        self._guard: Final = original.guard_function(row)
        self._departing: Final[dict[Masks, tuple[Choice, ...]]] = {}
        was = original.rules.by_id[row.id]
        self._hopes: Final = original.hope_function(was), original.hope_function(row)
        self._touched: Final = original.touched_function(row)
        self.keeps_reaction: Final = row.then is was.then and row.strength is was.strength
        """Only the guard differs: where the same rows are enabled, the outcomes are the same."""

    def masks(self, kind: EventKind, state: State, facts: Facts | None = None) -> Masks:
        """The enabled rows, as of a :class:`CompiledMachine`."""
        masks = self._original.masks(kind, state, facts)
        return self.changed(masks, state, facts) if kind is self.kind else masks

    def changed(self, masks: Masks, state: State, facts: Facts | None) -> Masks:
        """The masks that the original has at an event of the changed row's kind, as they are here."""
        bit = self._bit
        refusing, if_legal, if_illegal = masks[0] & ~bit, masks[1] & ~bit, masks[2] & ~bit
        legal, illegal = self._guard(state, facts)
        if self.row.refuses:
            return (refusing | bit if illegal else refusing), if_legal, if_illegal
        return refusing, (if_legal | bit if legal else if_legal), (if_illegal | bit if illegal else if_illegal)

    def is_idle(self, state: State) -> bool:
        """Neither the row nor what it replaces is enabled at any event in a state: nothing differs there."""
        was, now = self._hopes
        return not (was(state, None) or now(state, None))

    def enables(self, masks: Masks) -> bool:
        """Whether the row is enabled at an event that is taken to be legal."""
        return bool((masks[0] | masks[1]) & self._bit)

    def touched(self, state: State, tried: Iterable[TriedT]) -> list[TriedT]:
        """Of some events of the row's kind in a state those at which the row, or what it replaces, may be enabled."""
        found: list[TriedT] = self._touched(state, tried, self._bit)
        return found

    def reads_event(self, kind: EventKind, masks: Masks) -> bool:
        """Whether the state after some outcome depends on what the event carries, where these rows are enabled."""
        is_here = kind is self.kind and (masks[0] | masks[1] | masks[2]) & self._bit and self._row_reads_event
        return bool(is_here) or self._original.reads_event(kind, masks)

    @cached_property
    def _row_reads_event(self) -> bool:
        return reads_event(self.row)

    def reacts_alike(self, masks: Masks) -> bool:
        """Whether the original has the same outcomes at an event of the changed row's kind where it has these masks."""
        # Only an enabled row with another reaction makes other outcomes of the same masks.
        return self.keeps_reaction or not (masks[0] | masks[1] | masks[2]) & self._bit

    def departing(self, kind: EventKind, masks: Masks) -> tuple[Choice, ...]:
        """The outcomes allowed at any level, as of a :class:`CompiledMachine`."""
        if kind is not self.kind or self.reacts_alike(masks):
            return self._original.departing(kind, masks)
        found = self._departing.get(masks)
        if found is None:
            found = self._departing[masks] = departing_choices(self._rows, masks, self._original.effect_function)
        return found

    def rows(self, kind: EventKind, mask: int) -> list[Rule]:
        """The rows of a mask, in the order of the rule set."""
        if kind is not self.kind:
            return self._original.rows(kind, mask)
        return rows_of_mask(self._rows, mask)

    @cached_property
    def _rows(self) -> tuple[Rule, ...]:
        return tuple(self.row if rule.id == self.row.id else rule for rule in self._original.rules.of(self.kind))
