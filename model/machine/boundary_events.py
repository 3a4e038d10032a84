"""A finite alphabet of events, derived from the guards of a rule set: what is worth trying in a state.

Theory of operation. Nothing here lists boundary values by hand. Guards are made of *atoms* (a truth value, or a
comparison of integers); the constants of the atoms give each frame variable its boundary values: ``c - 1``, ``c`` and
``c + 1`` for each constant ``c``, clipped to the bounds of the variable, and every value of a small variable (opcode,
length form, UTF-8 automaton). For each opcode there are base frames, one for each row that takes it without any
refusal; where every frame with that opcode is refused, the one with the fewest refusals. The alphabet is the base
frames, all single changes of them, and on request all pairs of changes; a change that the encoding rules out (a status
code in an empty body) brings the smallest further change that makes it possible along.

Two frames on which all atoms agree, whatever the state, and which effects cannot tell apart either, are one class, and
the first of a class stands for it. The events derived from a mutant of the rules use the mutant's constants.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property, partial
from itertools import combinations, product
from typing import Final, NamedTuple, TypeVar

from ..notation.expression import Expr, Op, Sort, Value, source, substitute, variables
from ..notation.head_variables import HEAD_SHAPES, ResponseFacts, is_paired
from ..notation.rule import LEGAL, Accept, Ignore, Permit, RuleSet
from ..notation.variables import (
    ALL_FACTS,
    FACT_VARIABLES,
    STATE_VARIABLES,
    Event,
    EventKind,
    Facts,
    FrameFacts,
    Setting,
    State,
    possible,
)
from .encodable import encoding_atoms, encoding_of, is_excluded, possible_for, read_by_encoding, tuple_function
from .guard_atoms import all_atoms, all_values, is_small, linear_sums, reporting_variables, state_values

_BARE: Final = tuple(kind for kind in EventKind if kind.facts is None)
_FIRST_STATE: Final = State()
_TAKING: Final = (Accept, Ignore, Permit)


def _plainest(kind: EventKind) -> tuple[Facts, ...]:
    """The events that others are made from: a frame of each opcode, a sound head, and a head without fields."""
    if kind.has_frame:
        return tuple(FrameFacts(opcode) for opcode in range(ALL_FACTS["opcode"].high + 1))
    return HEAD_SHAPES[kind.facts] if kind.facts is not None else ()


class _Functions(NamedTuple):
    """The rules of a kind applied to a frame, as functions of the relevant state variables and the frame.

    ``refused_by``: which binding rows refuse it, right after the opening handshake but for the relevant variables;
    ``taken_by``: which rows take it, where none refuses it; ``signature``: the values of all atoms and effects that
    read it, for every value that the other state variables can have.
    """

    refused_by: Callable[..., tuple[bool, ...]]
    taken_by: Callable[..., tuple[bool, ...]]
    signature: Callable[..., tuple[Value, ...]]


_Made = TypeVar("_Made")


class _ByKind(dict[EventKind, _Made]):
    """What is made of the rules of a kind, when it is first asked for: most readers ask for few kinds."""

    def __init__(self, make: Callable[[EventKind], _Made]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, kind: EventKind) -> _Made:
        made = self[kind] = self._make(kind)
        return made


class Alphabet:
    """The events worth trying under one rule set and setting; everything is computed once and kept.

    With ``pairs``, all pairs of changes to a base frame are made too. Without ``classes``, every frame that was made is
    kept, not one of each class: 125 octets and 124, though no rule tells them apart.
    """

    def __init__(self, rules: RuleSet, setting: Setting, *, pairs: bool = False, classes: bool = True) -> None:
        self.rules: Final = rules
        self.setting: Final = setting
        self.pairs: Final = pairs
        self.classes: Final = classes
        self._values: Final = state_values(rules)
        self._atoms: Final = _ByKind(self._atoms_of)
        self._effects: Final = _ByKind(self._effects_of)
        self._relevant: Final = _ByKind(self._relevant_of)
        self._functions: Final = _ByKind(self._functions_of)
        self._frames: Final[dict[tuple[object, ...], tuple[Event, ...]]] = {}
        self._shapes: Final[dict[tuple[object, ...], _Shape]] = {}
        self._read: Final[dict[tuple[EventKind, int | None], tuple[str, ...]]] = {}

    def __call__(self, state: State) -> tuple[Event, ...]:
        """All events worth trying in a state, of every kind, always in the same order."""
        with_facts = [event for kind in EventKind if kind.facts is not None for event in self.of(kind, state)]
        return (*with_facts, *(Event(kind) for kind in _BARE))

    def of(self, kind: EventKind, state: State | None = None) -> tuple[Event, ...]:
        """The events of one kind worth trying in a state; without a state, in any state that the encoding knows of.

        For a message whose length is counted, "any state" means the beginning of a message.
        """
        if kind.facts is None:
            return (Event(kind),)
        names = self.relevant(kind)
        if state is not None:
            return self._of(kind, tuple((name, getattr(state, name)) for name in names))
        union: dict[Event, None] = {}
        for values in product(*(self._values[name] or (getattr(_FIRST_STATE, name),) for name in names)):
            union.update(dict.fromkeys(self._of(kind, tuple(zip(names, values, strict=True)))))
        return tuple(union)

    def relevant(self, kind: EventKind) -> tuple[str, ...]:
        """The state variables on which the alphabet of a kind depends: those that decide which frames are possible.

        And those that meet a frame variable in one atom or effect, unless all their values are known beforehand.
        """
        return self._relevant[kind]

    def boundaries(self, kind: EventKind, state: State | None = None) -> dict[str, tuple[Value, ...]]:
        """The values worth trying for each frame variable, in ascending order; its default is always among them."""
        given = {} if state is None else {name: getattr(state, name) for name in self.relevant(kind)}
        return self._boundaries(kind, given)

    # --- what the rules say ----------------------------------------------------------------------------------------

    def _atoms_of(self, kind: EventKind) -> tuple[Expr, ...]:
        """The atoms of all guards of a kind, and of its effects on variables that are not reporting.

        Whether an event is legal is decided by the guards of the rows that refuse it, so that it is no atom of its own.
        """
        found: dict[tuple[object, ...], Expr] = {}
        for expression in (*(rule.when for rule in self.rules.of(kind)), *self._effects[kind]):
            found.update((atom.key(), atom) for atom in all_atoms(expression) if atom is not LEGAL)
        return tuple(found.values())

    def _effects_of(self, kind: EventKind) -> tuple[Expr, ...]:
        """The effects that read the frame and matter later on."""
        found: dict[tuple[object, ...], Expr] = {}
        reporting = reporting_variables(self.rules)
        for rule in self.rules.of(kind):
            for name, effect in rule.then.effects.items():
                if name not in reporting and any(n in FACT_VARIABLES[kind] for n in variables(effect)):
                    found[effect.key()] = effect
        return tuple(found.values())

    def _relevant_of(self, kind: EventKind) -> tuple[str, ...]:
        names = set(variables(possible(kind)))
        for expression in (*self._atoms[kind], *self._effects[kind]):
            here = set(variables(expression))
            if here & set(FACT_VARIABLES[kind]):
                names |= {name for name in here & set(STATE_VARIABLES) if self._values[name] is None}
        return tuple(name for name in STATE_VARIABLES if name in names)

    def _functions_of(self, kind: EventKind) -> _Functions:
        relevant = self.relevant(kind)
        names = (*relevant, *FACT_VARIABLES[kind])
        first = {n: v for n, v in _FIRST_STATE._asdict().items() if n not in relevant}
        settled = {**self.setting.values, **first, LEGAL.name: True}
        guards = [(rule, source(substitute(rule.when, settled))) for rule in self.rules.of(kind)]
        parts: dict[str, None] = {}
        for expression in (*self._atoms[kind], *self._effects[kind]):
            free = [n for n in variables(expression) if n in STATE_VARIABLES and n not in relevant]
            for values in product(*(self._candidates(name, {}) for name in free)):
                part = substitute(expression, {**self.setting.values, **dict(zip(free, values, strict=True))})
                if any(name in FACT_VARIABLES[kind] for name in variables(part)):
                    parts[source(part)] = None
        return _Functions(
            tuple_function(names, [guard for rule, guard in guards if rule.refuses]),
            tuple_function(names, [guard for rule, guard in guards if isinstance(rule.then, _TAKING)]),
            tuple_function(names, parts),
        )

    # --- boundary values -------------------------------------------------------------------------------------------

    def _boundaries(self, kind: EventKind, given: Mapping[str, Value]) -> dict[str, tuple[Value, ...]]:
        found: dict[str, set[Value]] = {}
        defaults = _plainest(kind)[0]._asdict()
        for name, variable in FACT_VARIABLES[kind].items():
            default = defaults[name]
            found[name] = {default, *(all_values(variable) if is_small(variable) else (variable.low, variable.high))}
        for atom in (*self._atoms[kind], *encoding_atoms(kind)):
            if isinstance(atom, Op):
                for name, constant in self._constants(atom, given):
                    variable = ALL_FACTS[name]
                    near = (constant - 1, constant, constant + 1)
                    found[name] |= {value for value in near if variable.low <= value <= variable.high}
        return {name: tuple(sorted(values)) for name, values in found.items()}

    def _constants(self, atom: Op, given: Mapping[str, Value]) -> Iterator[tuple[str, int]]:
        """The numbers that an atom compares a large frame variable with, for each value of the other variables."""
        for left in linear_sums(atom.args[0]):
            for right in linear_sums(atom.args[1]):
                difference = left.plus(right, -1)
                for name, weight in difference.weights.items():
                    if name not in ALL_FACTS or is_small(ALL_FACTS[name]) or abs(weight) != 1:
                        continue
                    others = [other for other in difference.weights if other != name]
                    for values in product(*(self._candidates(other, given) for other in others)):
                        rest = sum(difference.weights[o] * v for o, v in zip(others, values, strict=True))
                        yield name, -weight * (difference.constant + rest)

    def _candidates(self, name: str, given: Mapping[str, Value]) -> tuple[Value, ...]:
        if name in given:
            return (given[name],)
        if name in self.setting.values:
            return (self.setting.values[name],)
        if name in STATE_VARIABLES:
            return self._values[name] or (getattr(_FIRST_STATE, name),)
        variable = ALL_FACTS[name]
        return (variable.low, variable.high)

    # --- frames ----------------------------------------------------------------------------------------------------

    def _of(self, kind: EventKind, given: tuple[tuple[str, Value], ...]) -> tuple[Event, ...]:
        key = (kind, given)
        if key not in self._frames:
            self._frames[key] = _Frames(self, kind, dict(given)).events()
        return self._frames[key]

    def _shape(self, frames: _Frames, plainest: Facts) -> _Shape:
        """The shape of an opcode, or of heads: one for all states that differ in nothing that its frames depend on."""
        opcode = plainest.opcode if isinstance(plainest, FrameFacts) else None
        given = tuple(frames.given[name] for name in self._read_of(frames.kind, opcode))
        key = (frames.kind, plainest, given, tuple(frames.values.items()))
        if key not in self._shapes:
            self._shapes[key] = _Shape(frames, plainest)
        return self._shapes[key]

    def _read_of(self, kind: EventKind, opcode: int | None) -> tuple[str, ...]:
        """The relevant state variables that guards and the encoding read of a frame with an opcode, or of a head."""
        key = (kind, opcode)
        if key not in self._read:
            relevant = self.relevant(kind)
            first = {n: v for n, v in _FIRST_STATE._asdict().items() if n not in relevant}
            settled = {**self.setting.values, **first, LEGAL.name: True}
            if opcode is not None:
                settled["opcode"] = opcode
            expressions = (possible_for(kind, opcode), *(rule.when for rule in self.rules.of(kind)))
            read = {name for expression in expressions for name in variables(substitute(expression, settled))}
            self._read[key] = tuple(name for name in relevant if name in read)
        return self._read[key]


class _Frames:
    """The frames of one kind where the relevant state variables have given values."""

    def __init__(self, alphabet: Alphabet, kind: EventKind, given: Mapping[str, Value]) -> None:
        self.alphabet = alphabet
        self.classes = alphabet.classes
        self.kind = kind
        self.given = given
        self.values = alphabet._boundaries(kind, given)
        names = read_by_encoding(kind)
        settled = {**alphabet.setting.values, **given}
        self.settled = tuple((name, value) for name, value in settled.items() if name in names)
        functions, known = alphabet._functions[kind], tuple(given.values())
        self.refused_by = partial(functions.refused_by, *known)
        self.taken_by = partial(functions.taken_by, *known)
        self.signature = partial(functions.signature, *known)

    def events(self) -> tuple[Event, ...]:
        """One event for each class of frames (or all frames), base frames first; none where none is possible."""
        if is_excluded(self.kind, self.settled):
            return ()
        shapes = [self.alphabet._shape(self, plainest) for plainest in _plainest(self.kind)]
        frames = [frame for shape in shapes for frame in shape.bases]
        frames += [frame for shape in shapes for frame in shape.changed]
        if not self.classes:
            return tuple(Event.of(self.kind, frame) for frame in dict.fromkeys(frames))
        chosen: dict[tuple[Value, ...], Facts] = {}
        for frame in frames:
            chosen.setdefault(self.signature(*frame), frame)
        return tuple(Event.of(self.kind, frame) for frame in chosen.values())


class _Shape:
    """The frames of one opcode, or the heads of one kind: the values that they can have, the base frames, and changes
    to the base frames."""

    def __init__(self, frames: _Frames, plainest: Facts) -> None:
        self.frames = frames
        self.plainest = plainest
        opcode = plainest.opcode if isinstance(plainest, FrameFacts) else None
        encoding = encoding_of(frames.kind, opcode, frames.settled)
        self.possible = encoding.possible
        self.encoded = encoding.names
        self.values = {name: values for name, values in frames.values.items() if name != "opcode"}
        for name, holds in encoding.tests:
            self.values[name] = tuple(value for value in self.values[name] if holds(value))

    def refusals(self, frame: Facts) -> int:
        """How many binding rows refuse the frame."""
        return sum(self.frames.refused_by(*frame))

    @cached_property
    def bases(self) -> list[Facts]:
        """The plainest frame for each way in which the opcode is taken; the least refused one where it is not."""
        plain = self._made_possible(self.plainest, ())
        if plain is None:
            raise ValueError(f"nothing like {self.plainest} can be encoded where {self.frames.given}")
        flags = [name for name, values in self.values.items() if ALL_FACTS[name].sort is Sort.BOOL and values[1:]]
        taken: dict[tuple[bool, ...], Facts] = {}
        least, fewest = plain, self.refusals(plain)
        for count in range(len(flags) + 1):
            for flipped in combinations(flags, count):
                frame = plain._replace(**{name: not getattr(plain, name) for name in flipped})
                if not self.possible(*frame):
                    continue
                refusals = self.refusals(frame)
                if refusals == 0:
                    taken.setdefault(self.frames.taken_by(*frame), frame)
                if refusals < fewest:
                    least, fewest = frame, refusals
        return list(taken.values()) or [least]

    @cached_property
    def changed(self) -> list[Facts]:
        """The frames that are made from each base frame."""
        return [frame for base in self.bases for frame in self._changes(base)]

    def _changes(self, base: Facts) -> Iterator[Facts]:
        """The frames that differ from a base frame in one variable, or in two, and in what the encoding asks for."""
        changes = [
            (name, value) for name, values in self.values.items() for value in values if value != getattr(base, name)
        ]
        usual = self.refusals(base)
        for count in (1, 2) if self.frames.alphabet.pairs else (1,):
            if count > 1 and isinstance(base, ResponseFacts):
                changes = [(name, value) for name, value in changes if is_paired(base, name, value)]
            for chosen in combinations(changes, count):
                change = dict(chosen)
                if len(change) < count:
                    continue
                frame = self._made_possible(base._replace(**change), change)  # type: ignore[arg-type]
                if frame is not None:
                    yield frame
                    if any(name in self.encoded for name in change) and self.refusals(frame) > usual + count:
                        yield self._less_refused(frame, change)

    def _made_possible(self, frame: Facts, fixed: Collection[str]) -> Facts | None:
        """The frame, or with the first further change that the encoding asks for; None where no single one will do."""
        if self.possible(*frame):
            return frame
        return next((f for f in self._once_more(frame, fixed) if self.possible(*f)), None)

    def _less_refused(self, frame: Facts, fixed: Collection[str]) -> Facts:
        """The frame with one further change, such that the fewest rows refuse it."""
        near = [f for f in self._once_more(frame, fixed) if self.possible(*f)]
        return min([frame, *near], key=self.refusals)

    def _once_more(self, frame: Facts, fixed: Collection[str]) -> Iterator[Facts]:
        """The frame with one change of a variable that the encoding ties to others."""
        for name in self.encoded:
            if name not in fixed:
                for value in self.values[name]:
                    yield frame._replace(**{name: value})  # type: ignore[arg-type]
