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

where a condition is made of names of variables, numbers, ``and or not == != < <= > >= +`` and conditional
expressions. Rows share the tests that they have in common: conjunctions are cut into their terms, and the term that
most rows have goes first. Terms cannot fail and change nothing, so that their order is free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from ..notation.expression import Const, Expr, Op, Value, source, substitute, variables
from ..notation.rule import LEGAL, STRENGTHS, Due, Forbid, Level, Rule, RuleSet, Strength
from ..notation.variables import FACT_VARIABLES, STATE_VARIABLES, Event, EventKind, Facts, Setting, State
from .interpreted import LEVELS, Kind, Label, Outcome, label_of, strongest
from .interpreted import _order as order_of

MaskFunction: TypeAlias = "Callable[[State, Facts | None], int]"
EffectFunction: TypeAlias = "Callable[[State, Facts | None], State]"

_INDENT: Final = "    "
_UNPACK_STATE: Final = f"{', '.join(STATE_VARIABLES)} = state"
_UNPACK_FACTS: Final = {
    kind: f"{', '.join(names)} = facts" for kind, names in FACT_VARIABLES.items() if kind.facts is not None
}


class _Row(NamedTuple):
    """A bit of the mask and the conditions, all of which set it."""

    bit: int
    terms: tuple[str, ...]


class Choice(NamedTuple):
    """An outcome as far as the enabled rows decide it; ``effect`` computes the state after it."""

    label: Label
    effect: EffectFunction
    rules: tuple[str, ...]
    strength: Strength
    departs_from: tuple[str, ...] = ()


class _Part(NamedTuple):
    """What is generated for one kind of event, and the outcomes by mask as far as they were asked for."""

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
        self._departing: Final[dict[tuple[EventKind, tuple[int, ...]], tuple[Choice, ...]]] = {}
        self._rows: Final[dict[tuple[str, int], tuple[Rule, ...]]] = {}
        self._owed: Final[dict[int, tuple[tuple[Due, Rule], ...]]] = {}
        self._levels: Final[dict[Level, CompiledMachine]] = {Level.FULL: self}

    # --- what the generated functions say -----------------------------------------------------------------------------

    def mask(self, kind: EventKind, state: State, facts: Facts | None = None) -> int:
        """The enabled rows: bit *i* stands for row *i* of ``rules.of(kind)``."""
        return self._part(kind).mask(state, facts)

    def rows(self, kind: EventKind, mask: int) -> list[Rule]:
        """The rows of a mask, in the order of the rule set."""
        found = self._rows.get((kind._value_, mask))
        if found is None:
            found = tuple(rule for index, rule in enumerate(self.rules.of(kind)) if mask >> index & 1)
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
            found = known[mask] = tuple(sorted(self._of(kind, self.rows(kind, mask)), key=_by_order))
        return found

    def labels(self, state: State, event: Event) -> dict[Label, State]:
        """The outcomes allowed in full, as label and state after it, the canonical one first."""
        kind, frame, head = event
        facts = frame if head is None else head
        part = self._parts.get(kind._value_) or self._part(kind)
        mask = part.mask(state, facts)
        chosen = part.choices.get(mask)
        if chosen is None:
            chosen = self.choices(kind, mask)
        return {label: effect(state, facts) for label, effect, _, _, _ in chosen}

    def allowed(self, state: State, event: Event, *, departures: bool = False) -> tuple[Outcome, ...]:
        """The set of outcomes of an event; with ``departures`` those that break only a SHOULD or CONSENSUS rule too."""
        facts = event.facts
        chosen = self._with_departures(state, event) if departures else self._chosen(state, event)
        return tuple(
            Outcome(label, effect(state, facts), rules, strength, left)
            for label, effect, rules, strength, left in chosen
        )

    def canonical(self, state: State, event: Event) -> Outcome | None:
        """The outcome that the canonical endpoint chooses; None where nothing is allowed."""
        kind, frame, head = event
        facts = frame if head is None else head
        part = self._parts.get(kind._value_) or self._part(kind)
        mask = part.mask(state, facts)
        chosen = part.choices.get(mask)
        if chosen is None:
            chosen = self.choices(kind, mask)
        if not chosen:
            return None
        label, effect, rules, strength, left = chosen[0]
        return Outcome(label, effect(state, facts), rules, strength, left)

    def owed(self, state: State) -> tuple[tuple[Due, Rule], ...]:
        """What an endpoint owes in a state, in the order in which the canonical endpoint discharges it."""
        mask = self.mask(EventKind.SILENCE, state)
        found = self._owed.get(mask)
        if found is None:
            dues = [
                (rule.then.due, rule)
                for rule in self.rows(EventKind.SILENCE, mask)
                if isinstance(rule.then, Forbid) and rule.then.due is not None
            ]
            found = self._owed[mask] = tuple(sorted(dues, key=lambda due: due[0]))
        return found

    def forbidden_by(self, state: State, event: Event) -> tuple[Rule, ...]:
        """The binding rules that refuse an event in a state, the strongest first."""
        refusals = [rule for rule in self.enabled(state, event) if rule.refuses]
        return tuple(sorted(refusals, key=lambda rule: STRENGTHS.index(rule.strength)))

    def after(self, rule: Rule, state: State, facts: Facts | None = None) -> State:
        """The state after the reaction of a rule of this set."""
        return self.effect_function(rule)(state, facts)

    def at(self, level: Level) -> CompiledMachine:
        """The machine of the rule set without the refusals that do not count at a level."""
        if level not in self._levels:
            self._levels[level] = CompiledMachine(self.rules.at(level), self.setting)
        return self._levels[level]

    def _chosen(self, state: State, event: Event) -> tuple[Choice, ...]:
        return self.choices(event.kind, self.mask(event.kind, state, event.facts))

    def _with_departures(self, state: State, event: Event) -> tuple[Choice, ...]:
        kind = event.kind
        masks = tuple(self.at(level).mask(kind, state, event.facts) for level in LEVELS)
        found = self._departing.get((kind, masks))
        if found is None:
            found = self._departing[kind, masks] = self._combine(kind, masks)
        return found

    def _combine(self, kind: EventKind, masks: tuple[int, ...]) -> tuple[Choice, ...]:
        refusals = [rule for rule in self.rows(kind, masks[0]) if rule.refuses]
        result: dict[Label, Choice] = {}
        for level, mask in zip(LEVELS, masks, strict=True):
            left = tuple(rule.id for rule in refusals if not level.keeps(rule.strength))
            machine = self.at(level)
            for choice in machine._of(kind, machine.rows(kind, mask)):
                result.setdefault(choice.label, choice._replace(departs_from=left))
        return tuple(sorted(result.values(), key=_by_order))

    def _of(self, kind: EventKind, rows: Sequence[Rule]) -> list[Choice]:
        by_label: dict[Label, list[Rule]] = {}
        for rule in rows:
            label = label_of(rule)
            if label is not None:
                by_label.setdefault(label, []).append(rule)
        return [
            Choice(label, self.effect_function(found[0]), tuple(rule.id for rule in found), strongest(found))
            for label, found in by_label.items()
        ]

    # --- generating ---------------------------------------------------------------------------------------------------

    def source(self, kind: EventKind) -> str:
        """The generated function for the mask of a kind, in the grammar that this module's docstring states."""
        return self._part(kind).source

    def effect_source(self, rule: Rule) -> str:
        """The generated function for the state after a rule: one display of all state variables, in their order."""
        return self._constants.effect_source(rule.then.effects, rule.on)

    def mask_function(self, kind: EventKind) -> MaskFunction:
        """The generated function itself: (state, facts) -> mask. ``facts`` is None for a kind that carries nothing."""
        return self._part(kind).mask

    def effect_function(self, rule: Rule) -> EffectFunction:
        """The generated function itself: (state, facts) -> state after the rule."""
        if rule.id not in self._effects:
            self._effects[rule.id] = _define(self.effect_source(rule), "effect")
        return self._effects[rule.id]

    def _part(self, kind: EventKind) -> _Part:
        # By value: an enumeration computes the hash of its members anew each time.
        part = self._parts.get(kind._value_)
        if part is None:
            text = self._generate(kind)
            part = self._parts[kind._value_] = _Part(text, _define(text, f"{kind.value}_mask"), {})
        return part

    def _generate(self, kind: EventKind) -> str:
        refusing: list[_Row] = []
        others: list[_Row] = []
        for index, rule in enumerate(self.rules.of(kind)):
            terms = self._constants.terms(rule.when)
            if rule.refuses and terms is not None and any(LEGAL.name in term for term in terms):
                raise ValueError(f"the row {rule.id} refuses an event: its guard cannot ask whether the event is legal")
            if terms is not None:
                (refusing if rule.refuses else others).append(_Row(1 << index, terms))
        lines = [f"def {kind.value}_mask(state, facts):", _INDENT + _UNPACK_STATE]
        if kind.facts is not None:
            lines.append(_INDENT + _UNPACK_FACTS[kind])
        lines.append(f"{_INDENT}mask = 0")
        lines += _block(refusing, _INDENT)
        lines.append(f"{_INDENT}legal = mask == 0")
        lines += _block(others, _INDENT)
        return "\n".join([*lines, f"{_INDENT}return mask", ""])


class _Constants:
    """What becomes of guards and effects with the constants of a setting.

    Mutants share all rows but one. Expressions have no equality to look them up by (it builds an expression), so that
    what was done already is found by identity; the expression is kept beside it, lest its identity be given away.
    """

    _guards: Final[dict[tuple[int, tuple[Value, ...]], tuple[Expr, tuple[str, ...] | None]]] = {}
    _effects: Final[dict[tuple[int, EventKind, tuple[Value, ...]], tuple[Mapping[str, Expr], str]]] = {}
    _MOST: Final = 20_000

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values: Final = dict(values)
        self._key: Final = tuple(values.values())

    def terms(self, guard: Expr) -> tuple[str, ...] | None:
        """The conditions whose conjunction is the guard, as source, each once; None where it never holds."""
        key = id(guard), self._key
        if key not in self._guards:
            if len(self._guards) >= self._MOST:
                self._guards.clear()
            self._guards[key] = guard, _terms(substitute(guard, self._values))
        return self._guards[key][1]

    def effect_source(self, effects: Mapping[str, Expr], kind: EventKind) -> str:
        """The generated function for the state after a reaction with these effects, to an event of this kind."""
        key = id(effects), kind, self._key
        if key not in self._effects:
            if len(self._effects) >= self._MOST:
                self._effects.clear()
            self._effects[key] = effects, self._generate(effects, kind)
        return self._effects[key][1]

    def _generate(self, effects: Mapping[str, Expr], kind: EventKind) -> str:
        lines = ["def effect(state, facts):"]
        if not effects:
            return "\n".join([*lines, f"{_INDENT}return state", ""])
        after = {name: substitute(effect, self._values) for name, effect in effects.items()}
        lines.append(_INDENT + _UNPACK_STATE)
        if any(name in FACT_VARIABLES[kind] for effect in after.values() for name in variables(effect)):
            lines.append(_INDENT + _UNPACK_FACTS[kind])
        values = ", ".join(source(after[name]) if name in after else name for name in STATE_VARIABLES)
        return "\n".join([*lines, f"{_INDENT}return new(State, ({values}))", ""])


def _by_order(choice: Choice) -> tuple[int, int, bool, int]:
    """Where a choice stands among others: as in ``machine.allowed``, which asks nothing of the state after it."""
    return order_of(Outcome(choice.label, State(), choice.rules, choice.strength, choice.departs_from))


def _terms(guard: Expr) -> tuple[str, ...] | None:
    """The conditions whose conjunction is the guard, as source, each once; None where the guard never holds."""
    if isinstance(guard, Const):
        return () if guard.value else None
    return tuple(dict.fromkeys(_condition(term) for term in _conjuncts(guard)))


def _conjuncts(expression: Expr) -> Iterable[Expr]:
    if isinstance(expression, Op) and expression.op == "and":
        for arg in expression.args:
            yield from _conjuncts(arg)
    else:
        yield expression


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


__all__ = ["Choice", "CompiledMachine", "EffectFunction", "Kind", "MaskFunction"]
