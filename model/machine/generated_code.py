"""The Python that is generated from rows: masks of enabled rows, guards, and effects.

A function for masks has this grammar::

    mask = 0
    BLOCK                   the binding rows that refuse the event
    legal = mask == 0
    BLOCK                   all other rows
    return mask

    BLOCK = (mask |= NUMBER | if CONDITION: BLOCK)*

where a condition is made of names of variables, numbers, ``and or not == != < <= > >= +`` and conditional
expressions. Rows share the tests that they have in common: conjunctions are cut into their terms, and the term that
most rows have goes first. Terms cannot fail and change nothing, so that their order is free.

A second function gives the :data:`Masks` of an event, from the same blocks: what is enabled at every level follows from
them, and they are what a mutant shares with the original (`one_row_replaced`): only its own row is asked anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from ..notation.expression import Const, Expr, Value, Var, source, substitute, variables
from ..notation.rule import LEGAL, RuleSet
from ..notation.variables import FACT_VARIABLES, STATE_VARIABLES, EventKind, Facts, State
from .guard_atoms import conjuncts
from .kept import kept_by_rows, kept_by_text, key_of_rows

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


class CodeGenerator:
    """The code for a rule set, and for mutants of it, with the constants of a setting substituted.

    Mutants share all rows but one. Expressions have no equality to look them up by (it builds an expression), so that
    what was done already is found by identity; the expression is kept beside it, lest its identity be given away.
    """

    _guards: Final[dict[int, tuple[Expr, tuple[str, ...], dict[tuple[object, ...], Any]]]] = {}
    """By identity: an expression, the settings that it reads, and the results for values of these."""
    _effects: Final[dict[tuple[int, EventKind, tuple[Value, ...]], tuple[Mapping[str, Expr], str]]] = {}
    _MOST: Final = 20_000

    def __init__(self, rules: RuleSet, values: Mapping[str, Value]) -> None:
        self._rules: Final = rules
        self._values: Final = dict(values)
        self._key: Final = tuple(values.values())

    def mask_function(self, kind: EventKind) -> MaskFunction:
        """The function for the mask of a kind, kept or generated."""
        found: MaskFunction = self._function("mask", kind, self.mask_source)
        return found

    def masks_function(self, kind: EventKind) -> MasksFunction:
        """The function for the masks of a kind, kept or generated."""
        found: MasksFunction = self._function("masks", kind, self.masks_source)
        return found

    def _function(self, what: str, kind: EventKind, generate: Callable[[EventKind], str]) -> Any:
        found = kept_by_rows(what, self._rules, kind, self._values)
        return define(generate(kind), f"{kind.value}_{what}") if found is None else found

    def to_be_kept(self) -> Iterator[tuple[bytes, str, str]]:
        """Of each function for masks the key, the source and the name in it (:mod:`model.machine.kept`)."""
        for kind in EventKind:
            for what, generate in (("mask", self.mask_source), ("masks", self.masks_source)):
                yield key_of_rows(what, self._rules, kind, self._values), generate(kind), f"{kind.value}_{what}"

    def mask_source(self, kind: EventKind) -> str:
        """The function for the mask of a kind, in the grammar that this module's docstring states."""
        refusing, others = self._blocks(kind)
        lines = _header(f"{kind.value}_mask", kind, reads_facts=kind.facts is not None)
        lines += [f"{_INDENT}mask = 0", *_block(refusing, _INDENT)]
        lines += [f"{_INDENT}legal = mask == 0", *_block(others, _INDENT)]
        return "\n".join([*lines, f"{_INDENT}return mask", ""])

    def masks_source(self, kind: EventKind) -> str:
        """The function for the masks of a kind, from the same blocks."""
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
        for index, rule in enumerate(self._rules.of(kind)):
            terms = self.terms(rule.when)
            if rule.refuses and terms is not None and any(LEGAL.name in term for term in terms):
                raise ValueError(f"the row {rule.id} refuses an event: its guard cannot ask whether the event is legal")
            if terms is not None:
                (refusing if rule.refuses else others).append(_Row(1 << index, terms))
        return refusing, others

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
        lines = _header("guard", kind, reads_facts=reads_facts(kind, [settled]))
        if LEGAL.name in variables(settled):
            lines.append(f"{_INDENT}return {source(cases[0])}, {source(cases[1])}")
        else:
            lines += [f"{_INDENT}holds = {source(settled)}", f"{_INDENT}return holds, holds"]
        made: GuardFunction = define("\n".join([*lines, ""]), "guard")
        return made

    def hope_function(self, guard: Expr, kind: EventKind) -> HopeFunction:
        """Whether a guard may hold in a state, as far as its terms that read nothing but the state say."""
        made: HopeFunction = self._known(guard, f"hope of {kind.value}", lambda: self._hope_function(guard, kind))
        return made

    def _hope_function(self, guard: Expr, kind: EventKind) -> HopeFunction:
        others = {LEGAL.name, *FACT_VARIABLES[kind]}
        terms = [t for t in conjuncts(substitute(guard, self._values)) if others.isdisjoint(variables(t))]
        holds = " and ".join(source(substitute(term, _STATE_PLACES)) for term in terms)
        made: HopeFunction = define(f"def hope(state, facts):\n{_INDENT}return {holds or True}\n", "hope")
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
        made: TouchedFunction = define("\n".join([*lines, ""]), "touched")
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
            self._effects[key] = effects, self._effect_source(effects, kind)
        return self._effects[key][1]

    def _effect_source(self, effects: Mapping[str, Expr], kind: EventKind) -> str:
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


def _header(name: str, kind: EventKind, *, reads_facts: bool) -> list[str]:
    """The beginning of a generated function: state, and facts where they are read, by the names of their variables."""
    lines = [f"def {name}(state, facts):", _INDENT + _UNPACK_STATE]
    return [*lines, _INDENT + _UNPACK_FACTS[kind]] if reads_facts else lines


def reads_facts(kind: EventKind, expressions: Iterable[Expr]) -> bool:
    """Whether any of these expressions reads what an event of a kind carries."""
    return any(name in FACT_VARIABLES[kind] for expression in expressions for name in variables(expression))


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
def define(text: str, name: str) -> Any:
    """The function that a piece of generated source defines; one that is kept is the same."""
    found = kept_by_text(text)
    if found is not None:
        return found
    names: dict[str, Any] = {"State": State, "new": tuple.__new__, "__builtins__": {}}
    exec(compile(text, f"<{name} generated from the rules>", "exec"), names)
    return names[name]
