"""The rules given to Z3: the one module of the model that knows the solver.

:func:`term` folds an expression into a Z3 term. :class:`SymbolicMachine` turns a rule set into a symbolic step
relation over the same outcomes that ``model.machine.interpreted`` computes: integers stay unbounded integers, and
where no setting is given role, limit and switches stay symbolic too, so that a proof holds for all of them at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final, TypeAlias

import z3

from ..notation.expression import OF_TWO, Const, Expr, Op, Sort, Value, Var, children
from ..notation.rule import LEGAL, Reaction, Rule, RuleSet
from ..notation.variables import (
    AGREED,
    ALL_FACTS,
    CONNECTING,
    FACT_VARIABLES,
    SETTING_VARIABLES,
    STATE_VARIABLES,
    Event,
    EventKind,
    Setting,
    State,
    possible,
    possible_agreement,
)
from .interpreted import Kind, Label, label_of

KINDS: Final = tuple(EventKind)
OUTCOMES: Final = tuple(Kind)

EVENT_KIND: Final = Var("event", Sort.INT, 0, len(KINDS) - 1, {i: k.value for i, k in enumerate(KINDS)})
OUTCOME: Final = Var("outcome", Sort.INT, 0, len(OUTCOMES) - 1, {i: k.value for i, k in enumerate(OUTCOMES)})
OUTCOME_CODE: Final = Var("outcome_code", Sort.INT, 0, 65535)
"""The status code of a failure; 0 where the outcome is not a failure."""

Env = Mapping[str, Any]
_Done: TypeAlias = "dict[int, tuple[Expr, Any]]"


def constant(variable: Var, name: str | None = None) -> Any:
    """A Z3 constant for a variable, under its own or another name."""
    make = z3.Bool if variable.sort is Sort.BOOL else z3.Int
    return make(name or variable.name)


def literal(value: Value) -> Any:
    """The Z3 literal of a value."""
    return z3.BoolVal(value) if isinstance(value, bool) else z3.IntVal(value)


def term(expression: Expr, env: Env) -> Any:
    """The Z3 term of an expression, its variables replaced by the terms of ``env``.

    Raises :class:`KeyError` for a variable that ``env`` lacks.
    """
    return _term(expression, env, {})


def _term(expression: Expr, env: Env, done: _Done) -> Any:
    if isinstance(expression, Const):
        return literal(expression.value)
    if isinstance(expression, Var):
        return env[expression.name]
    assert isinstance(expression, Op)
    known = done.get(id(expression))
    if known is not None:
        return known[1]
    args = [_term(a, env, done) for a in expression.args]
    if expression.op in ("and", "or"):
        result = (z3.And if expression.op == "and" else z3.Or)(*args)
    elif expression.op == "not":
        result = z3.Not(args[0])
    elif expression.op == "ite":
        result = z3.If(*args)
    else:
        result = OF_TWO[expression.op](*args)
    if not _asks_legal(expression):
        done[id(expression)] = (expression, result)
    return result


_LEGAL_KNOWN: Final[dict[int, tuple[Expr, bool]]] = {}


def _asks_legal(expression: Expr) -> bool:
    """The expression mentions ``legal``, whose meaning is a matter of the whole rule set."""
    known = _LEGAL_KNOWN.get(id(expression))
    if known is None:
        is_legal = isinstance(expression, Var) and expression.name == LEGAL.name
        found = is_legal or any(_asks_legal(child) for child in children(expression))
        known = _LEGAL_KNOWN[id(expression)] = (expression, found)
    return known[1]


class Terms:
    """Terms made before, over one choice of constants for setting, state and frame.

    Mutants share all rows but one, and making terms costs more than solving them. Expressions are found by identity, as
    they have no equality; each is kept beside its term, lest its identity be given away.
    """

    _all: Final[dict[tuple[int, int, int], Terms]] = {}

    def __init__(self, setting: Env, state: Env, frame: Env) -> None:
        self.kept: Final = (setting, state, frame)
        self.env: Final[dict[str, Any]] = {**setting, **state, **frame}
        self.done: Final[_Done] = {}
        self.reactions: Final[dict[int, tuple[Reaction, dict[str, Any]]]] = {}
        self.steps: Final[dict[tuple[int, int], tuple[Reaction, Env, Any]]] = {}
        self._possible: Final[dict[EventKind, Any]] = {}
        self.cases: Final[dict[tuple[object, ...], tuple[tuple[Rule, ...], Env, Any]]] = {}

    @classmethod
    def over(cls, setting: Env, state: Env, frame: Env) -> Terms:
        """The terms over these constants; the mappings must not change afterwards."""
        key = (id(setting), id(state), id(frame))
        if key not in cls._all:
            cls._all[key] = cls(setting, state, frame)
        return cls._all[key]

    def term(self, expression: Expr) -> Any:
        """The term of an expression that does not mention ``legal``."""
        return _term(expression, self.env, self.done)

    def possible(self, kind: EventKind) -> Any:
        """The condition under which an event of a kind can happen."""
        if kind not in self._possible:
            bounds = within_bounds(FACT_VARIABLES[kind].values(), self.kept[2])
            self._possible[kind] = z3.And(*bounds, self.term(_possible(kind)))
        return self._possible[kind]

    def guard(self, expression: Expr, legal: Any) -> Any:
        """The term of a guard, given the term of ``legal``."""
        return _term(expression, {**self.env, LEGAL.name: legal}, self.done)

    def after(self, reaction: Reaction) -> dict[str, Any]:
        """The state after a reaction, as terms by variable."""
        known = self.reactions.get(id(reaction))
        if known is None:
            changed = {name: self.term(effect) for name, effect in reaction.effects.items()}
            state = self.kept[1]
            known = (reaction, {name: changed.get(name, state[name]) for name in STATE_VARIABLES})
            self.reactions[id(reaction)] = known
        return known[1]

    def becomes(self, reaction: Reaction, after: Env) -> Any:
        """The constants ``after`` are the state after a reaction."""
        key = (id(reaction), id(after))
        known = self.steps.get(key)
        if known is None:
            equal = [after[name] == value for name, value in self.after(reaction).items()]
            known = self.steps[key] = (reaction, after, z3.And(*equal))
        return known[2]


def within_bounds(names: Iterable[Var], env: Env) -> list[Any]:
    """The bounds of integer variables, as constraints."""
    return [z3.And(env[v.name] >= v.low, env[v.name] <= v.high) for v in names if v.sort is Sort.INT and v.name in env]


@dataclass(frozen=True)
class SymbolicOutcome:
    """One outcome of an event kind: its label, when it is allowed, and the state after it as terms by variable."""

    label: Label
    rules: tuple[str, ...]
    when: Any
    after: Mapping[str, Any]


class SymbolicMachine:
    """A rule set as Z3 terms; with a ``setting``, its variables are constants of that setting."""

    def __init__(self, rules: RuleSet, setting: Setting | None = None) -> None:
        self.rules: Final = rules
        self.setting: Final = setting
        self.setting_env: Final[Env] = _setting_env(setting)
        self._legal: Final[dict[tuple[EventKind, int], Any]] = {}

    @cached_property
    def setting_bounds(self) -> Any:
        """The constraint on the setting variables: their bounds, and the role that each application is of."""
        env = self.setting_env
        roles = (z3.Implies(env["willing"], env["server"]), z3.Implies(env["browser"], z3.Not(env["server"])))
        return z3.And(*within_bounds(SETTING_VARIABLES.values(), env), *roles)

    @staticmethod
    def state_env(suffix: str = "") -> Env:
        """Constants for the state variables; the same mapping for the same suffix, not to be changed."""
        return _constants("state", suffix)

    @staticmethod
    def frame_env(suffix: str = "") -> Env:
        """Constants for what events carry, of all kinds; the same mapping for the same suffix, not to be changed."""
        return _constants("frame", suffix)

    def environment(self, state: Env, frame: Env) -> dict[str, Any]:
        """Setting, state and frame in one mapping."""
        return {**self.setting_env, **state, **frame}

    def possible(self, kind: EventKind, state: Env, frame: Env) -> Any:
        """The event can happen at all (a fact of the encoding, not a rule)."""
        return self._terms(state, frame).possible(kind)

    def _terms(self, state: Env, frame: Env) -> Terms:
        return Terms.over(self.setting_env, state, frame)

    def enabled(self, rule: Rule, state: Env, frame: Env) -> Any:
        """The guard of a rule."""
        terms = self._terms(state, frame)
        key = (rule.on, id(terms))
        if key not in self._legal:
            refusals = [terms.term(r.when) for r in self.rules.of(rule.on) if r.refuses]
            self._legal[key] = z3.Not(z3.Or(z3.BoolVal(False), *refusals))
        return terms.guard(rule.when, self._legal[key])

    def after(self, rule: Rule, state: Env, frame: Env) -> dict[str, Any]:
        """The state after the reaction of a rule."""
        return self._terms(state, frame).after(rule.then)

    def outcomes(self, kind: EventKind, state: Env, frame: Env) -> list[SymbolicOutcome]:
        """The outcomes of an event kind, one for each rule that allows one."""
        found = []
        for rule in self.rules.of(kind):
            label = label_of(rule)
            if label is not None:
                when, then = self.enabled(rule, state, frame), self.after(rule, state, frame)
                found.append(SymbolicOutcome(label, (rule.id,), when, then))
        return found

    def allowed_labels(self, kind: EventKind, state: Env, frame: Env) -> dict[Label, Any]:
        """For each label, the condition under which it is allowed."""
        conditions: dict[Label, list[Any]] = {}
        for outcome in self.outcomes(kind, state, frame):
            conditions.setdefault(outcome.label, []).append(outcome.when)
        return {label: z3.Or(*terms) for label, terms in conditions.items()}

    def step(self, state: Env, frame: Env, after: Env, event: Any, outcome: Any, outcome_code: Any) -> Any:
        """The step relation: from ``state``, an event of some kind with ``frame``, by an allowed outcome, to ``after``.

        ``event``, ``outcome`` and ``outcome_code`` are integer terms: indices into :data:`KINDS` and
        :data:`OUTCOMES`, and the status code of a failure (0 otherwise).
        """
        told = (event, outcome, outcome_code)
        return z3.Or(*(self._steps_of(kind, state, frame, after, *told) for kind in KINDS))

    def _steps_of(
        self, kind: EventKind, state: Env, frame: Env, after: Env, event: Any, outcome: Any, outcome_code: Any
    ) -> Any:
        """The step relation of one kind of events, made once for the same rows: a mutant changes one kind."""
        rules, terms = self.rules.of(kind), self._terms(state, frame)
        key = (kind, *map(id, (after, *rules)), *(told.get_id() for told in (event, outcome, outcome_code)))
        if key not in terms.cases:
            steps = []
            for rule in rules:
                label = label_of(rule)
                if label is not None:
                    told = z3.And(outcome == OUTCOMES.index(label.kind), outcome_code == (label.code or 0))
                    becomes = terms.becomes(rule.then, after)
                    steps.append(z3.And(self.enabled(rule, state, frame), told, becomes))
            case = z3.And(event == KINDS.index(kind), self.possible(kind, state, frame), z3.Or(*steps))
            terms.cases[key] = rules, after, case
        return terms.cases[key][2]

    def initial(self, state: Env, start: State | None = None) -> Any:
        """The state is an initial one: CONNECTING, or the one right after an opening handshake that agreed on anything
        possible (of connections that are seen only from there on), or exactly ``start``."""
        if start is not None:
            return _is_exactly(start, state)
        opened = z3.And(_is_exactly(State(), state, free=AGREED), term(possible_agreement, state))
        return z3.Or(_is_exactly(CONNECTING, state), opened)


def _is_exactly(start: State, state: Env, free: Collection[str] = ()) -> Any:
    return z3.And(*(state[n] == literal(v) for n, v in start._asdict().items() if n not in free))


@lru_cache(maxsize=64)
def _setting_env(setting: Setting | None) -> Env:
    if setting is None:
        return {name: constant(v) for name, v in SETTING_VARIABLES.items()}
    return {name: literal(value) for name, value in setting.values.items()}


@lru_cache(maxsize=64)
def _constants(what: str, suffix: str) -> Env:
    of = STATE_VARIABLES if what == "state" else ALL_FACTS
    return {name: constant(v, name + suffix) for name, v in of.items()}


@lru_cache(maxsize=len(KINDS))
def _possible(kind: EventKind) -> Expr:
    return possible(kind)


def value_of(model: Any, variable: Var, env: Env) -> Value:
    """The value that a Z3 model gives to a variable (its lowest or false where the model leaves it open)."""
    found = model.eval(env[variable.name], model_completion=True)
    if variable.sort is Sort.BOOL:
        return bool(z3.is_true(found))
    return int(found.as_long())


def read_state(model: Any, env: Env) -> State:
    """The concrete state in a Z3 model."""
    return State(**{name: value_of(model, v, env) for name, v in STATE_VARIABLES.items()})  # type: ignore[arg-type]


def read_event(model: Any, kind: EventKind, env: Env) -> Event:
    """The concrete event in a Z3 model."""
    if kind.facts is None:
        return Event(kind)
    facts = {name: value_of(model, v, env) for name, v in FACT_VARIABLES[kind].items()}
    return Event.of(kind, kind.facts(**facts))  # type: ignore[arg-type]
