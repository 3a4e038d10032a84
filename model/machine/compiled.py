"""The rules as generated Python: what ``model.machine.interpreted`` reads off the rows, some hundred times faster.

Theory of operation. For each kind of event one function is generated from the rows of a rule set, with the constants
of a setting folded in. It answers with a *mask*: bit *i* is set where row *i* of ``rules.of(kind)`` is enabled.
Everything else follows from the mask alone (labels, rule ids, strengths, what is owed) and is looked up in a table
that fills itself; only the states after an outcome are computed, by one small generated function for each row.

The generated source is kept (:meth:`CompiledMachine.source`), and is so plain that it can be read back and proved
equal to the rows. A function for masks has this grammar::

    mask = 0
    BLOCK                   the binding rows that refuse the event
    legal = mask == 0
    BLOCK                   all other rows
    return mask

    BLOCK = (mask |= NUMBER | if CONDITION: BLOCK)*

A second function gives the :data:`Masks` of an event, from the same blocks: what is enabled at every level follows from
them, and they are what a mutant shares with the original (:class:`OneRowReplaced`): only its own row is asked anew.

where a condition is made of names of variables, numbers, ``and or not == != < <= > >= +`` and conditional
expressions. Rows share the tests that they have in common: conjunctions are cut into their terms, and the term that
most rows have goes first. Terms cannot fail and change nothing, so that their order is free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar

from ..notation.expression import Const, Expr, Value, Var, source, substitute, variables
from ..notation.rule import LEGAL, STRENGTHS, Due, Forbid, Rule, RuleSet, Strength
from ..notation.variables import FACT_VARIABLES, STATE_VARIABLES, Event, EventKind, Facts, Setting, State
from .guard_atoms import conjuncts
from .interpreted import LEVELS, Kind, Label, Outcome, label_of, strongest, unable
from .interpreted import _order as order_of

MaskFunction: TypeAlias = "Callable[[State, Facts | None], int]"
Masks: TypeAlias = "tuple[int, int, int]"
"""The rows that refuse an event; the other rows that are enabled where it is legal; and where it is not."""
MasksFunction: TypeAlias = "Callable[[State, Facts | None], Masks]"
GuardFunction: TypeAlias = "Callable[[State, Facts | None], tuple[bool, bool]]"
"""Whether a guard holds where the event is legal, and where it is not."""
HopeFunction: TypeAlias = "Callable[[State, None], bool]"
"""Whether a guard may hold in a state, as far as its terms that read nothing else say."""
TouchedFunction: TypeAlias = "Callable[[State, Iterable[Any], int], list[Any]]"
"""Of some events in a state (:class:`Tried`) those at which a bit is set, or at which a guard may hold."""
EffectFunction: TypeAlias = "Callable[[State, Facts | None], State]"

_INDENT: Final = "    "
_UNPACK_STATE: Final = f"{', '.join(STATE_VARIABLES)} = state"
_UNPACK_FACTS: Final = {
    kind: f"{', '.join(names)} = facts" for kind, names in FACT_VARIABLES.items() if kind.facts is not None
}


def _places(of: str, those: Mapping[str, Var]) -> dict[str, Var]:
    """To read a few of these variables, each from its place; where most are read, all of them are unpacked at once."""
    return {name: replace(variable, name=f"{of}[{at}]") for at, (name, variable) in enumerate(those.items())}


_STATE_PLACES: Final = _places("state", STATE_VARIABLES)


class _Row(NamedTuple):
    """A bit of the mask and the conditions, all of which set it."""

    bit: int
    terms: tuple[str, ...]


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
    """The code generated for one kind of event, and the outcomes by mask that were computed so far."""

    source: str
    mask: MaskFunction
    choices: dict[int, tuple[Choice, ...]]


class CompiledMachine:
    """A rule set compiled for one setting. Nothing is generated before it is needed.

    Every method gives what the function of the same name in ``model.machine.interpreted`` gives.
    """

    def __init__(self, rules: RuleSet, setting: Setting) -> None:
        self.rules: Final = rules
        self.setting: Final = setting
        self._constants: Final = _Constants(setting.values)
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
            found = self._masks[kind._value_] = _define(self._generate_masks(kind), f"{kind.value}_masks")
        return found(state, facts)

    def rows(self, kind: EventKind, mask: int) -> list[Rule]:
        """The rows of a mask, in the order of the rule set."""
        found = self._rows.get((kind._value_, mask))
        if found is None:
            found = tuple(_of_mask(self.rules.of(kind), mask))
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
            found = self._departing[key] = _departing(self.rules.of(kind), masks, self.effect_function)
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
        """The generated function for the mask of a kind, in the grammar that this module's docstring states."""
        return self._part(kind).source

    def effect_source(self, rule: Rule) -> str:
        """The generated function for the state after a rule: the state itself where it changes nothing, as for most
        messages; else one display of all state variables, in their order."""
        return self._constants.effect_source(rule.then.effects, rule.on)

    def mask_function(self, kind: EventKind) -> MaskFunction:
        """The generated function itself: (state, facts) -> mask. ``facts`` is None for a kind that carries nothing."""
        return self._part(kind).mask

    def effect_function(self, rule: Rule) -> EffectFunction:
        """The generated function itself: (state, facts) -> state after the rule, of this set or of a mutant of it."""
        if rule is not self.rules.by_id.get(rule.id):
            made: EffectFunction = _define(self.effect_source(rule), "effect")
            return made
        if rule.id not in self._effects:
            self._effects[rule.id] = _define(self.effect_source(rule), "effect")
        return self._effects[rule.id]

    def guard_function(self, rule: Rule) -> GuardFunction:
        """The guard of a rule, of this set or of a mutant of it, as a function of state and facts."""
        return self._constants.guard_function(rule.when, rule.on)

    def touched_function(self, rule: Rule) -> TouchedFunction:
        """Of some events in a state those at which a bit is set, or at which the guard of a rule may hold."""
        return self._constants.touched_function(rule.when, rule.on)

    def hope_function(self, rule: Rule) -> HopeFunction:
        """Whether a rule, of this set or of a mutant of it, may be enabled in a state, as a function of it and None.

        Where it says no, the guard holds at no event; where it says yes, it may hold at none all the same.
        """
        return self._constants.hope_function(rule.when, rule.on)

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
            text = self._generate(kind)
            part = self._parts[kind._value_] = _Part(text, _define(text, f"{kind.value}_mask"), {})
        return part

    def _generate(self, kind: EventKind) -> str:
        refusing, others = self._blocks(kind)
        lines = _header(f"{kind.value}_mask", kind, reads_facts=kind.facts is not None)
        lines += [f"{_INDENT}mask = 0", *_block(refusing, _INDENT)]
        lines += [f"{_INDENT}legal = mask == 0", *_block(others, _INDENT)]
        return "\n".join([*lines, f"{_INDENT}return mask", ""])

    def _generate_masks(self, kind: EventKind) -> str:
        refusing, others = self._blocks(kind)
        if_illegal = [row for row in others if LEGAL.name not in row.terms]
        lines = _header(f"{kind.value}_masks", kind, reads_facts=kind.facts is not None)
        for name, legal, rows in (
            ("refusing", True, refusing), ("if_legal", True, others), ("if_illegal", False, if_illegal),
        ):  # fmt: skip
            lines += [f"{_INDENT}legal = {legal}", f"{_INDENT}mask = 0", *_block(rows, _INDENT)]
            lines.append(f"{_INDENT}{name} = mask")
        return "\n".join([*lines, f"{_INDENT}return refusing, if_legal, if_illegal", ""])

    def _blocks(self, kind: EventKind) -> tuple[list[_Row], list[_Row]]:
        """The rows of a kind that refuse an event, and the others, without those whose guard never holds."""
        refusing: list[_Row] = []
        others: list[_Row] = []
        for index, rule in enumerate(self.rules.of(kind)):
            terms = self._constants.terms(rule.when)
            if rule.refuses and terms is not None and any(LEGAL.name in term for term in terms):
                raise ValueError(f"the row {rule.id} refuses an event: its guard cannot ask whether the event is legal")
            if terms is not None:
                (refusing if rule.refuses else others).append(_Row(1 << index, terms))
        return refusing, others


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
        return _reads_event(self.row)

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
            found = self._departing[masks] = _departing(self._rows, masks, self._original.effect_function)
        return found

    def rows(self, kind: EventKind, mask: int) -> list[Rule]:
        """The rows of a mask, in the order of the rule set."""
        if kind is not self.kind:
            return self._original.rows(kind, mask)
        return _of_mask(self._rows, mask)

    @cached_property
    def _rows(self) -> tuple[Rule, ...]:
        return tuple(self.row if rule.id == self.row.id else rule for rule in self._original.rules.of(self.kind))


class _Constants:
    """Guards and effects with the constants of a setting substituted.

    Mutants share all rows but one. Expressions have no equality to look them up by (it builds an expression), so that
    what was done already is found by identity; the expression is kept beside it, lest its identity be given away.
    """

    _guards: Final[dict[int, tuple[Expr, tuple[str, ...], dict[tuple[object, ...], Any]]]] = {}
    """By identity: an expression, the settings that it reads, and the results for values of these."""
    _effects: Final[dict[tuple[int, EventKind, tuple[Value, ...]], tuple[Mapping[str, Expr], str]]] = {}
    _MOST: Final = 20_000

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values: Final = dict(values)
        self._key: Final = tuple(values.values())

    def terms(self, guard: Expr) -> tuple[str, ...] | None:
        """The conditions whose conjunction is the guard, as source, each once; None where it never holds."""
        found: tuple[str, ...] | None = self._known(guard, "terms", lambda: _terms(substitute(guard, self._values)))
        return found

    def guard_function(self, guard: Expr, kind: EventKind) -> GuardFunction:
        """Whether a guard holds where the event is legal, and where it is not."""
        made: GuardFunction = self._known(guard, kind.value, lambda: self._guard_function(guard, kind))
        return made

    def _guard_function(self, guard: Expr, kind: EventKind) -> GuardFunction:
        settled = substitute(guard, self._values)
        cases = [substitute(settled, {LEGAL.name: legal}) for legal in (True, False)]
        lines = _header("guard", kind, reads_facts=_read_facts(kind, [settled]))
        if LEGAL.name in variables(settled):
            lines.append(f"{_INDENT}return {source(cases[0])}, {source(cases[1])}")
        else:
            lines += [f"{_INDENT}holds = {source(settled)}", f"{_INDENT}return holds, holds"]
        made: GuardFunction = _define("\n".join([*lines, ""]), "guard")
        return made

    def hope_function(self, guard: Expr, kind: EventKind) -> HopeFunction:
        """Whether a guard may hold in a state, as far as its terms that read nothing but the state say."""
        made: HopeFunction = self._known(guard, f"hope of {kind.value}", lambda: self._hope_function(guard, kind))
        return made

    def _hope_function(self, guard: Expr, kind: EventKind) -> HopeFunction:
        others = {LEGAL.name, *FACT_VARIABLES[kind]}
        terms = [t for t in conjuncts(substitute(guard, self._values)) if others.isdisjoint(variables(t))]
        holds = " and ".join(source(substitute(term, _STATE_PLACES)) for term in terms)
        made: HopeFunction = _define(f"def hope(state, facts):\n{_INDENT}return {holds or True}\n", "hope")
        return made

    def touched_function(self, guard: Expr, kind: EventKind) -> TouchedFunction:
        """The events at which a bit is set, or at which a guard may hold, legal or not."""
        made: TouchedFunction = self._known(guard, f"{kind.value} touched", lambda: self._touched_function(guard, kind))
        return made

    def _touched_function(self, guard: Expr, kind: EventKind) -> TouchedFunction:
        places = self._values | _places("facts", FACT_VARIABLES[kind])
        cases = dict.fromkeys(source(substitute(guard, places | {LEGAL.name: legal})) for legal in (True, False))
        lines = [
            "def touched(state, tried, bit):",
            f"{_INDENT}{_UNPACK_STATE}",
            f"{_INDENT}return [one for one in tried for facts in (one.facts,)",
            f"{_INDENT * 3}if one.enabled & bit or {' or '.join(cases)}]",
        ]
        made: TouchedFunction = _define("\n".join([*lines, ""]), "touched")
        return made

    def _known(self, guard: Expr, what: str, make: Callable[[], Any]) -> Any:
        """The earlier result for a guard, under any setting with the same values for the variables that it reads."""
        entry = self._guards.get(id(guard))
        if entry is None:
            if len(self._guards) >= self._MOST:
                self._guards.clear()
            reads = tuple(name for name in variables(guard) if name in self._values)
            entry = self._guards[id(guard)] = (guard, reads, {})
        key = (what, *(self._values[name] for name in entry[1]))
        if key not in entry[2]:
            entry[2][key] = make()
        return entry[2][key]

    def effect_source(self, effects: Mapping[str, Expr], kind: EventKind) -> str:
        """The generated function for the state after a reaction with these effects, to an event of this kind."""
        key = id(effects), kind, self._key
        if key not in self._effects:
            if len(self._effects) >= self._MOST:
                self._effects.clear()
            self._effects[key] = effects, self._generate(effects, kind)
        return self._effects[key][1]

    def _generate(self, effects: Mapping[str, Expr], kind: EventKind) -> str:
        if not effects:
            return f"def effect(state, facts):\n{_INDENT}return state\n"
        places = self._values | _STATE_PLACES | _places("facts", FACT_VARIABLES[kind])
        after = {name: source(substitute(effect, places)) for name, effect in effects.items()}
        stays = " and ".join(f"{_STATE_PLACES[name].name} == {value}" for name, value in after.items())
        display = ", ".join(after.get(name, name) for name in STATE_VARIABLES)
        return (
            f"def effect(state, facts):\n{_INDENT}if {stays}:\n{_INDENT * 2}return state\n"
            f"{_INDENT}{_UNPACK_STATE}\n{_INDENT}return new(State, ({display}))\n"
        )


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


def _departing(rows: Sequence[Rule], masks: Masks, effect_of: Callable[[Rule], EffectFunction]) -> tuple[Choice, ...]:
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
        left = tuple(rule.id for rule in _of_mask(rows, refusing & ~kept))
        enabled = _of_mask(rows, (if_illegal if kept else if_legal) | kept)
        for choice in _choices(enabled, effect_of):
            result.setdefault(choice.label, choice._replace(departs_from=left, level=number))
    return tuple(result.values())


def _of_mask(rows: Sequence[Rule], mask: int) -> list[Rule]:
    """The rows whose bits are set, in their order."""
    return [rule for index, rule in enumerate(rows) if mask >> index & 1] if mask else []


def _reads_event(rule: Rule) -> bool:
    return _read_facts(rule.on, rule.then.effects.values())


@lru_cache(maxsize=64)
def _reading_event(rules: RuleSet, kind: EventKind) -> int:
    """The rows of a kind whose effects read what the event carries."""
    return sum(1 << index for index, rule in enumerate(rules.of(kind)) if _reads_event(rule))


def _header(name: str, kind: EventKind, *, reads_facts: bool) -> list[str]:
    """The beginning of a generated function: state, and facts where they are read, by the names of their variables."""
    lines = [f"def {name}(state, facts):", _INDENT + _UNPACK_STATE]
    return [*lines, _INDENT + _UNPACK_FACTS[kind]] if reads_facts else lines


def _read_facts(kind: EventKind, expressions: Iterable[Expr]) -> bool:
    return any(name in FACT_VARIABLES[kind] for expression in expressions for name in variables(expression))


def _by_order(choice: Choice) -> tuple[int, bool, int, bool, int]:
    """The key that orders choices, as in ``machine.allowed``; it does not depend on the state after the choice."""
    return order_of(Outcome(choice.label, State(), choice.rules, choice.strength, choice.departs_from, choice.unable))


def _terms(guard: Expr) -> tuple[str, ...] | None:
    """The conditions whose conjunction is the guard, as source, each once; None where the guard never holds."""
    if isinstance(guard, Const):
        return () if guard.value else None
    return tuple(dict.fromkeys(_condition(term) for term in conjuncts(guard)))


def _condition(expression: Expr) -> str:
    written = source(expression)
    return written[1:-1] if written.startswith("(") else written


def _block(rows: Sequence[_Row], indent: str) -> list[str]:
    """Statements that set the bits of the rows whose terms all hold."""
    lines: list[str] = []
    done = sum(row.bit for row in rows if not row.terms)
    if done:
        lines.append(f"{indent}mask |= {done}")
    rest = [row for row in rows if row.terms]
    while rest:
        # Counter keeps the order of first occurrence among equals, so that the source is always the same.
        term, times = Counter(term for row in rest for term in row.terms).most_common(1)[0]
        if times == 1:
            row = rest.pop(0)
            joined = row.terms[0] if len(row.terms) == 1 else " and ".join(f"({term})" for term in row.terms)
            lines += [f"{indent}if {joined}:", f"{indent}{_INDENT}mask |= {row.bit}"]
            continue
        having = [_Row(row.bit, tuple(t for t in row.terms if t != term)) for row in rest if term in row.terms]
        rest = [row for row in rest if term not in row.terms]
        lines.append(f"{indent}if {term}:")
        lines += _block(having, indent + _INDENT)
    return lines


@lru_cache(maxsize=4096)
def _define(text: str, name: str) -> Any:
    """The function that a piece of generated source defines."""
    names: dict[str, Any] = {"State": State, "new": tuple.__new__, "__builtins__": {}}
    exec(compile(text, f"<{name} generated from the rules>", "exec"), names)
    return names[name]


__all__ = ["Choice", "CompiledMachine", "EffectFunction", "Kind", "MaskFunction", "Masks", "OneRowReplaced"]
