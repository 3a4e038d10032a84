"""The rules as generated Python: what ``model.machine.interpreted`` reads off the rows, some hundred times faster.

Theory of operation. For each kind of event one function is generated from the rows of a rule set, with the constants
of a setting folded in. It answers with a *mask*: bit *i* is set where row *i* of ``rules.of(kind)`` is enabled.
Everything else follows from the mask alone (labels, rule ids, strengths, what is owed) and is looked up in a table
that fills itself; only the states after an outcome are computed, by one small generated function for each row.

The generated source can be had (:meth:`CompiledMachine.source`), and is so plain that it can be read back and proved
equal to the rows; `generated_code` states its grammar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from ..notation.rule import STRENGTHS, Due, Forbid, Rule, RuleSet, Strength
from ..notation.variables import Event, EventKind, Facts, Setting, State
from .generated_code import (
    CodeGenerator,
    EffectFunction,
    GuardFunction,
    HopeFunction,
    MaskFunction,
    Masks,
    MasksFunction,
    TouchedFunction,
    define,
    reads_facts,
)
from .interpreted import LEVELS, Label, Outcome, label_of, order_of, strongest, unable
from .kept import key_of_text


class Choice(NamedTuple):
    """An outcome as far as the enabled rows decide it; ``effect`` computes the state after it.

    ``level``: the index in ``LEVELS`` of the strictest level that allows it; 0 where it is allowed in full.
    """

    label: Label
    effect: EffectFunction
    rules: tuple[str, ...]
    strength: Strength
    departs_from: tuple[str, ...] = ()
    level: int = 0
    unable: bool = False

    def outcome(self, state: State, facts: Facts | None) -> Outcome:
        """The outcome where the event happens in a state."""
        return Outcome(self.label, self.effect(state, facts), self.rules, self.strength, self.departs_from, self.unable)


class _Part(NamedTuple):
    """The function for the mask of one kind of event, and the outcomes by mask that were computed so far."""

    mask: MaskFunction
    choices: dict[int, tuple[Choice, ...]]


class CompiledMachine:
    """A rule set compiled for one setting. Nothing is generated before it is needed.

    Every method gives what the function of the same name in ``model.machine.interpreted`` gives.
    """

    def __init__(self, rules: RuleSet, setting: Setting) -> None:
        self.rules: Final = rules
        self.setting: Final = setting
        self._code: Final = CodeGenerator(rules, setting.values)
        self._parts: Final[dict[str, _Part]] = {}
        self._effects: Final[dict[str, EffectFunction]] = {}
        self._masks: Final[dict[str, MasksFunction]] = {}
        self._departing: Final[dict[tuple[str, Masks], tuple[Choice, ...]]] = {}
        self._in_order: Final[dict[tuple[str, Masks], tuple[Choice, ...]]] = {}
        self._rows: Final[dict[tuple[str, int], tuple[Rule, ...]]] = {}
        self._refusals: Final[dict[tuple[str, int], tuple[Rule, ...]]] = {}
        self._owed: Final[dict[int, tuple[tuple[Due, Rule], ...]]] = {}

    # --- what the generated functions say -----------------------------------------------------------------------------

    def mask(self, kind: EventKind, state: State, facts: Facts | None = None) -> int:
        """The enabled rows: bit *i* stands for row *i* of ``rules.of(kind)``."""
        return self._part(kind).mask(state, facts)

    def masks(self, kind: EventKind, state: State, facts: Facts | None = None) -> Masks:
        """The enabled rows, from which those at every level follow (see :meth:`departing`)."""
        found = self._masks.get(kind._value_)
        if found is None:
            found = self._masks[kind._value_] = self._code.masks_function(kind)
        return found(state, facts)

    def rows(self, kind: EventKind, mask: int) -> list[Rule]:
        """The rows of a mask, in the order of the rule set."""
        found = self._rows.get((kind._value_, mask))
        if found is None:
            found = tuple(rows_of_mask(self.rules.of(kind), mask))
            self._rows[kind._value_, mask] = found
        return list(found)

    def enabled(self, state: State, event: Event) -> list[Rule]:
        """The rules whose guard holds."""
        return self.rows(event.kind, self.mask(event.kind, state, event.facts))

    def choices(self, kind: EventKind, mask: int) -> tuple[Choice, ...]:
        """The outcomes allowed in full where these rows are enabled, the canonical one first."""
        known = self._part(kind).choices
        found = known.get(mask)
        if found is None:
            found = known[mask] = tuple(sorted(_choices(self.rows(kind, mask), self.effect_function), key=_by_order))
        return found

    def _in_full(self, kind: EventKind, state: State, facts: Facts | None) -> tuple[Choice, ...]:
        """The choices of an event; the judge asks for them so often that a look at what is known comes first."""
        part = self._parts.get(kind._value_) or self._part(kind)
        mask = part.mask(state, facts)
        chosen = part.choices.get(mask)
        return self.choices(kind, mask) if chosen is None else chosen

    def departing(self, kind: EventKind, masks: Masks) -> tuple[Choice, ...]:
        """The outcomes allowed at any level: the stricter levels first, and at each the order of the rows."""
        key = kind._value_, masks
        found = self._departing.get(key)
        if found is None:
            found = self._departing[key] = departing_choices(self.rules.of(kind), masks, self.effect_function)
        return found

    def _departing_in_order(self, kind: EventKind, masks: Masks) -> tuple[Choice, ...]:
        key = kind._value_, masks
        found = self._in_order.get(key)
        if found is None:
            found = self._in_order[key] = tuple(sorted(self.departing(kind, masks), key=_by_order))
        return found

    def labels(self, state: State, event: Event) -> dict[Label, State]:
        """The outcomes allowed in full, as label and state after it, the canonical one first."""
        kind, frame, head = event
        facts = frame if head is None else head
        return {choice.label: choice.effect(state, facts) for choice in self._in_full(kind, state, facts)}

    def allowed(self, state: State, event: Event, *, departures: bool = False) -> tuple[Outcome, ...]:
        """The set of outcomes of an event; with ``departures`` those that break no MUST too."""
        kind, frame, head = event
        facts = frame if head is None else head
        if departures:
            chosen = self._departing_in_order(kind, self.masks(kind, state, facts))
        else:
            chosen = self._in_full(kind, state, facts)
        return tuple([choice.outcome(state, facts) for choice in chosen])

    def canonical(self, state: State, event: Event) -> Outcome | None:
        """The outcome that the canonical endpoint chooses; None where nothing is allowed."""
        kind, frame, head = event
        facts = frame if head is None else head
        chosen = self._in_full(kind, state, facts)
        return chosen[0].outcome(state, facts) if chosen else None

    def owed(self, state: State) -> tuple[tuple[Due, Rule], ...]:
        """The answers that an endpoint owes in a state, in the order in which the canonical endpoint gives them."""
        mask = self.mask(EventKind.SILENCE, state)
        found = self._owed.get(mask)
        if found is None:
            dues = [
                (rule.then.due, rule)
                for rule in self.rows(EventKind.SILENCE, mask)
                if isinstance(rule.then, Forbid) and rule.then.due is not None and not rule.then.soon
            ]
            found = self._owed[mask] = tuple(sorted(dues, key=lambda due: due[0]))
        return found

    def forbidden_by(self, state: State, event: Event) -> tuple[Rule, ...]:
        """The binding rules that refuse an event in a state, the strongest first."""
        kind = event.kind
        key = kind._value_, self.mask(kind, state, event.facts)
        found = self._refusals.get(key)
        if found is None:
            refusals = (rule for rule in self.rows(kind, key[1]) if rule.refuses)
            found = self._refusals[key] = tuple(sorted(refusals, key=lambda rule: STRENGTHS.index(rule.strength)))
        return found

    def after(self, rule: Rule, state: State, facts: Facts | None = None) -> State:
        """The state after the reaction of a rule of this set."""
        return self.effect_function(rule)(state, facts)

    # --- generating ---------------------------------------------------------------------------------------------------

    def source(self, kind: EventKind) -> str:
        """The generated function for the mask of a kind, in the grammar that `generated_code` states."""
        return self._code.mask_source(kind)

    def effect_source(self, rule: Rule) -> str:
        """The generated function for the state after a rule: the state itself where it changes nothing, as for most
        messages; else one display of all state variables, in their order."""
        return self._code.effect_source(rule.then.effects, rule.on)

    def to_be_kept(self) -> Iterator[tuple[bytes, str, str]]:
        """Of each function of this machine the key, the source and the name in it (:mod:`model.machine.kept`)."""
        yield from self._code.to_be_kept()
        for rule in self.rules:
            text = self.effect_source(rule)
            yield key_of_text(text), text, "effect"

    def mask_function(self, kind: EventKind) -> MaskFunction:
        """The generated function itself: (state, facts) -> mask. ``facts`` is None for a kind that carries nothing."""
        return self._part(kind).mask

    def effect_function(self, rule: Rule) -> EffectFunction:
        """The generated function itself: (state, facts) -> state after the rule, of this set or of a mutant of it."""
        if rule is not self.rules.by_id.get(rule.id):
            made: EffectFunction = define(self.effect_source(rule), "effect")
            return made
        if rule.id not in self._effects:
            self._effects[rule.id] = define(self.effect_source(rule), "effect")
        return self._effects[rule.id]

    def guard_function(self, rule: Rule) -> GuardFunction:
        """The guard of a rule, of this set or of a mutant of it, as a function of state and facts."""
        return self._code.guard_function(rule.when, rule.on)

    def touched_function(self, rule: Rule) -> TouchedFunction:
        """Of some events in a state those at which a bit is set, or at which the guard of a rule may hold."""
        return self._code.touched_function(rule.when, rule.on)

    def hope_function(self, rule: Rule) -> HopeFunction:
        """Whether a rule, of this set or of a mutant of it, may be enabled in a state, as a function of it and None.

        Where it says no, the guard holds at no event; where it says yes, it may hold at none all the same.
        """
        return self._code.hope_function(rule.when, rule.on)

    def reads_event(self, kind: EventKind, masks: Masks) -> bool:
        """Whether the state after some outcome depends on what the event carries, where these rows are enabled."""
        return bool((masks[0] | masks[1] | masks[2]) & _reading_event(self.rules, kind))

    def bit(self, rule_id: str) -> int:
        """The bit of a row in masks; :class:`KeyError` where there is no such row."""
        return self._bits[rule_id]

    @cached_property
    def _bits(self) -> dict[str, int]:
        return {rule.id: 1 << index for kind in EventKind for index, rule in enumerate(self.rules.of(kind))}

    def _part(self, kind: EventKind) -> _Part:
        # By value: an enumeration computes the hash of its members anew each time.
        part = self._parts.get(kind._value_)
        if part is None:
            part = self._parts[kind._value_] = _Part(self._code.mask_function(kind), {})
        return part


def _choices(rows: Sequence[Rule], effect_of: Callable[[Rule], EffectFunction]) -> list[Choice]:
    """The outcomes that enabled rows allow, in the order of the rows."""
    by_label: dict[Label, list[Rule]] = {}
    for rule in rows:
        label = label_of(rule)
        if label is not None:
            by_label.setdefault(label, []).append(rule)
    return [
        Choice(label, effect_of(found[0]), tuple(rule.id for rule in found), strongest(found), unable=unable(found))
        for label, found in by_label.items()
    ]


def departing_choices(
    rows: Sequence[Rule], masks: Masks, effect_of: Callable[[Rule], EffectFunction]
) -> tuple[Choice, ...]:
    """The outcomes that the rows of a kind allow at any level, where these are enabled."""
    refusing, if_legal, if_illegal = masks
    result: dict[Label, Choice] = {}
    before: int | None = None
    refusals = [(1 << i, rule.strength) for i, rule in enumerate(rows) if refusing >> i & 1] if refusing else []
    for number, level in enumerate(LEVELS):
        kept = sum(bit for bit, strength in refusals if level.keeps(strength))
        if kept == before:
            continue  # What is allowed at this level is allowed at the stricter one.
        before = kept
        left = tuple(rule.id for rule in rows_of_mask(rows, refusing & ~kept))
        enabled = rows_of_mask(rows, (if_illegal if kept else if_legal) | kept)
        for choice in _choices(enabled, effect_of):
            result.setdefault(choice.label, choice._replace(departs_from=left, level=number))
    return tuple(result.values())


def rows_of_mask(rows: Sequence[Rule], mask: int) -> list[Rule]:
    """The rows whose bits are set, in their order."""
    return [rule for index, rule in enumerate(rows) if mask >> index & 1] if mask else []


def reads_event(rule: Rule) -> bool:
    """Whether the effects of a rule read what the event carries."""
    return reads_facts(rule.on, rule.then.effects.values())


@lru_cache(maxsize=256)
def machine_for(rules: RuleSet, setting: Setting) -> CompiledMachine:
    """The rules compiled for a setting, the same machine for the same two."""
    return CompiledMachine(rules, setting)


@lru_cache(maxsize=64)
def _reading_event(rules: RuleSet, kind: EventKind) -> int:
    """The rows of a kind whose effects read what the event carries."""
    return sum(1 << index for index, rule in enumerate(rules.of(kind)) if reads_event(rule))


def _by_order(choice: Choice) -> tuple[int, bool, int, bool, int]:
    """The key that orders choices, as in ``machine.allowed``; it does not depend on the state after the choice."""
    return order_of(Outcome(choice.label, State(), choice.rules, choice.strength, choice.departs_from, choice.unable))
