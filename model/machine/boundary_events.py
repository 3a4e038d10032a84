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

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache, partial
from itertools import combinations, product
from typing import Any, Final, NamedTuple, TypeAlias

from ..notation.expression import FALSE, Const, Expr, Op, Sort, Value, Var, source, substitute, subterms, variables
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

SMALL: Final = 16
"""A variable with at most this many values is tried with all of them."""

_COMPARISONS: Final = frozenset({"==", "!=", "<", "<=", ">", ">="})
_BARE: Final = tuple(kind for kind in EventKind if kind.facts is None)
_FIRST_STATE: Final = State()
_TAKING: Final = (Accept, Ignore, Permit)


def atoms(expression: Expr) -> Iterator[Expr]:
    """The truth-valued leaves of an expression: variables, and comparisons of integers."""
    if isinstance(expression, Op):
        if expression.op in _COMPARISONS and expression.args[0].sort is Sort.INT:
            yield expression
            for arg in expression.args:
                yield from _all_atoms(arg)
        else:
            for arg in expression.args:
                yield from atoms(arg)
    elif isinstance(expression, Var) and expression.sort is Sort.BOOL:
        yield expression


def conjuncts(expression: Expr) -> Iterator[Expr]:
    """The terms of a conjunction, however it is nested; any other expression is its own only term."""
    if isinstance(expression, Op) and expression.op == "and":
        for arg in expression.args:
            yield from conjuncts(arg)
    else:
        yield expression


@lru_cache(maxsize=8)
def reporting_variables(rules: RuleSet) -> frozenset[str]:
    """The state variables that only report: no guard reads them, and no effect on a variable that is not reporting.

    Two states that differ in them alone allow the same behaviour for ever
    (:data:`~wsoracle.model.notation.variables.State`).
    """
    # A guard that asks whether the event is legal reads no more than the guards of the rows that may refuse it.
    read = {name for rule in rules for name in variables(rule.when)}
    read |= {name for kind in EventKind for name in variables(possible(kind))}
    sources: dict[str, set[str]] = {}
    for rule in rules:
        for name, effect in rule.then.effects.items():
            sources.setdefault(name, set()).update(variables(effect))
    while True:
        wider = read | {origin for name in read for origin in sources.get(name, ())}
        if wider == read:
            return frozenset(STATE_VARIABLES) - read
        read = wider


def state_values(rules: RuleSet) -> dict[str, tuple[Value, ...] | None]:
    """The values that each state variable can ever have; None where an effect may give it any of many numbers.

    An over-approximation read off the effects: the first value, the constants that effects assign, and all values of a
    small variable or a truth value.
    """
    found: dict[str, tuple[Value, ...] | None] = {}
    for name, variable in STATE_VARIABLES.items():
        effects = [rule.then.effects[name] for rule in rules if name in rule.then.effects]
        if _is_small(variable):
            found[name] = _all_values(variable)
        elif all(isinstance(effect, Const) for effect in effects):
            assigned = {int(effect.value) for effect in effects if isinstance(effect, Const)}
            found[name] = tuple(sorted(assigned | {int(getattr(_FIRST_STATE, name))}))
        else:
            found[name] = None
    return found


def _is_small(variable: Var) -> bool:
    return variable.sort is Sort.BOOL or variable.high - variable.low < SMALL


def _all_values(variable: Var) -> tuple[Value, ...]:
    return (False, True) if variable.sort is Sort.BOOL else tuple(range(variable.low, variable.high + 1))


def _all_atoms(expression: Expr) -> Iterator[Expr]:
    """The atoms of an expression of either sort: for a number, those of its conditions."""
    if expression.sort is Sort.BOOL:
        yield from atoms(expression)
    else:
        for node in subterms(expression):
            if isinstance(node, Op) and node.op == "ite":
                yield from atoms(node.args[0])


class _Linear:
    """A sum of variables and a constant: the part of integer expressions whose boundaries can be solved for."""

    def __init__(self, weights: Mapping[str, int], constant: int) -> None:
        self.weights = {name: weight for name, weight in weights.items() if weight}
        self.constant = constant

    def plus(self, other: _Linear, sign: int = 1) -> _Linear:
        names = {**self.weights, **other.weights}
        weights = {n: self.weights.get(n, 0) + sign * other.weights.get(n, 0) for n in names}
        return _Linear(weights, self.constant + sign * other.constant)


def _linear(expression: Expr) -> list[_Linear]:
    """The sums that an integer expression can be: one, or one for each branch of its conditions."""
    if isinstance(expression, Const):
        return [_Linear({}, int(expression.value))]
    if isinstance(expression, Var):
        return [_Linear({expression.name: 1}, 0)]
    assert isinstance(expression, Op)
    if expression.op == "+":
        return [a.plus(b) for a in _linear(expression.args[0]) for b in _linear(expression.args[1])]
    return [*_linear(expression.args[1]), *_linear(expression.args[2])]


def _compiled(names: Sequence[str], body: str) -> Callable[..., Any]:
    """A function of the named variables with this body: Python source that ``expression.source`` wrote."""
    made: Callable[..., Any] = eval(f"lambda {', '.join(names)}: {body}", {"__builtins__": {}})
    return made


def _tuple_of(names: Sequence[str], sources: Iterable[str]) -> Callable[..., tuple[Any, ...]]:
    """A function of the named variables: the values of several pieces of source."""
    return _compiled(names, "(" + "".join(f"{part}, " for part in sources) + ")")


def _plainest(kind: EventKind) -> tuple[Facts, ...]:
    """The events that others are made from: a frame of each opcode, a sound head, and a head without fields."""
    if kind.has_frame:
        return tuple(FrameFacts(opcode) for opcode in range(ALL_FACTS["opcode"].high + 1))
    return HEAD_SHAPES[kind.facts] if kind.facts is not None else ()


@cache
def _encoding_atoms(kind: EventKind) -> tuple[Expr, ...]:
    return tuple({atom.key(): atom for atom in atoms(possible(kind))}.values())


Settled: TypeAlias = tuple[tuple[str, Value], ...]
"""The values of the setting and of the state that the encoding depends on."""


class _Encoding(NamedTuple):
    """The limits of the encoding: a function of a frame or head, its facts, and tests of one fact each."""

    possible: Callable[..., bool]
    names: list[str]
    tests: list[tuple[str, Callable[..., bool]]]


@lru_cache(maxsize=4096)
def _encoding(kind: EventKind, opcode: int | None, settled: Settled) -> _Encoding:
    """The limits of the encoding for one opcode, or for heads. They are the same under all rules, and cached."""
    encoding = substitute(_possible(kind, opcode), dict(settled))
    reads = variables(encoding)
    fields = FACT_VARIABLES[kind]
    tests = []
    for term in conjuncts(encoding):
        names = list(variables(term))
        if len(names) == 1:
            tests.append((names[0], _compiled(names, source(term))))
    return _Encoding(_compiled(tuple(fields), source(encoding)), [name for name in fields if name in reads], tests)


@cache
def _possible(kind: EventKind, opcode: int | None) -> Expr:
    return possible(kind) if opcode is None else substitute(possible(kind), {"opcode": opcode})


@lru_cache(maxsize=4096)
def _is_excluded(kind: EventKind, settled: Settled) -> bool:
    """Nothing of this kind can be encoded."""
    return substitute(_possible(kind, None), dict(settled)).key() == FALSE.key()


@cache
def _read_by_encoding(kind: EventKind) -> frozenset[str]:
    return frozenset(variables(_possible(kind, None)))


class _Functions(NamedTuple):
    """The rules of a kind applied to a frame, as functions of the relevant state variables and the frame.

    ``refused_by``: which binding rows refuse it, right after the opening handshake but for the relevant variables;
    ``taken_by``: which rows take it, where none refuses it; ``signature``: the values of all atoms and effects that
    read it, for every value that the other state variables can have.
    """

    refused_by: Callable[..., tuple[bool, ...]]
    taken_by: Callable[..., tuple[bool, ...]]
    signature: Callable[..., tuple[Value, ...]]


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
        self._reporting: Final = reporting_variables(rules)
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

    @cached_property
    def _atoms(self) -> dict[EventKind, tuple[Expr, ...]]:
        """The atoms of all guards of a kind, and of its effects on variables that are not reporting.

        Whether an event is legal is decided by the guards of the rows that refuse it, so that it is no atom of its own.
        """
        found: dict[EventKind, tuple[Expr, ...]] = {}
        for kind in EventKind:
            here: dict[tuple[object, ...], Expr] = {}
            for expression in (*(rule.when for rule in self.rules.of(kind)), *self._effects[kind]):
                here.update((atom.key(), atom) for atom in _all_atoms(expression) if atom is not LEGAL)
            found[kind] = tuple(here.values())
        return found

    @cached_property
    def _effects(self) -> dict[EventKind, tuple[Expr, ...]]:
        """The effects that read the frame and matter later on."""
        found: dict[EventKind, tuple[Expr, ...]] = {}
        for kind in EventKind:
            here: dict[tuple[object, ...], Expr] = {}
            for rule in self.rules.of(kind):
                for name, effect in rule.then.effects.items():
                    if name not in self._reporting and any(n in FACT_VARIABLES[kind] for n in variables(effect)):
                        here[effect.key()] = effect
            found[kind] = tuple(here.values())
        return found

    @cached_property
    def _relevant(self) -> dict[EventKind, tuple[str, ...]]:
        found: dict[EventKind, tuple[str, ...]] = {}
        for kind in EventKind:
            names = set(variables(possible(kind)))
            for expression in (*self._atoms[kind], *self._effects[kind]):
                here = set(variables(expression))
                if here & set(FACT_VARIABLES[kind]):
                    names |= {name for name in here & set(STATE_VARIABLES) if self._values[name] is None}
            found[kind] = tuple(name for name in STATE_VARIABLES if name in names)
        return found

    @cached_property
    def _functions(self) -> dict[EventKind, _Functions]:
        return {kind: self._functions_of(kind) for kind in EventKind if kind.facts is not None}

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
            _tuple_of(names, [guard for rule, guard in guards if rule.refuses]),
            _tuple_of(names, [guard for rule, guard in guards if isinstance(rule.then, _TAKING)]),
            _tuple_of(names, parts),
        )

    # --- boundary values -------------------------------------------------------------------------------------------

    def _boundaries(self, kind: EventKind, given: Mapping[str, Value]) -> dict[str, tuple[Value, ...]]:
        found: dict[str, set[Value]] = {}
        defaults = _plainest(kind)[0]._asdict()
        for name, variable in FACT_VARIABLES[kind].items():
            default = defaults[name]
            found[name] = {default, *(_all_values(variable) if _is_small(variable) else (variable.low, variable.high))}
        for atom in (*self._atoms[kind], *_encoding_atoms(kind)):
            if isinstance(atom, Op):
                for name, constant in self._constants(atom, given):
                    variable = ALL_FACTS[name]
                    near = (constant - 1, constant, constant + 1)
                    found[name] |= {value for value in near if variable.low <= value <= variable.high}
        return {name: tuple(sorted(values)) for name, values in found.items()}

    def _constants(self, atom: Op, given: Mapping[str, Value]) -> Iterator[tuple[str, int]]:
        """The numbers that an atom compares a large frame variable with, for each value of the other variables."""
        for left in _linear(atom.args[0]):
            for right in _linear(atom.args[1]):
                difference = left.plus(right, -1)
                for name, weight in difference.weights.items():
                    if name not in ALL_FACTS or _is_small(ALL_FACTS[name]) or abs(weight) != 1:
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
            expressions = (_possible(kind, opcode), *(rule.when for rule in self.rules.of(kind)))
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
        names = _read_by_encoding(kind)
        settled = {**alphabet.setting.values, **given}
        self.settled = tuple((name, value) for name, value in settled.items() if name in names)
        functions, known = alphabet._functions[kind], tuple(given.values())
        self.refused_by = partial(functions.refused_by, *known)
        self.taken_by = partial(functions.taken_by, *known)
        self.signature = partial(functions.signature, *known)

    def events(self) -> tuple[Event, ...]:
        """One event for each class of frames (or all frames), base frames first; none where none is possible."""
        if _is_excluded(self.kind, self.settled):
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
        encoding = _encoding(frames.kind, opcode, frames.settled)
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


def alphabet(
    rules: RuleSet,
    setting: Setting,
    kind: EventKind,
    state: State | None = None,
    *,
    pairs: bool = False,
    classes: bool = True,
) -> tuple[Event, ...]:
    """The events of a kind worth trying in a state, or in any state; to ask more than once, keep an :class:`Alphabet`.

    With ``pairs``, frames that differ from a base frame in two variables are among them; without ``classes``, frames
    that no rule tells apart too.
    """
    return Alphabet(rules, setting, pairs=pairs, classes=classes).of(kind, state)
