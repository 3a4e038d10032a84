"""The rules given to Z3: the one module of the model that knows the solver.

:func:`term` folds an expression into a Z3 term. :class:`SymbolicMachine` turns a rule set into a symbolic step relation
over the same outcomes that ``model.machine`` computes: integers stay unbounded integers, and where no setting is given
role, limit and switches stay symbolic too, so that a proof holds for all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import z3

from .expression import Const, Expr, Op, Sort, Value, Var, variables
from .machine import Kind, Label, label_of
from .rule import Rule, RuleSet
from .terms import (
    FRAME_VARIABLES,
    SETTING_VARIABLES,
    STATE_VARIABLES,
    Event,
    EventKind,
    FrameFacts,
    Setting,
    State,
    possible_frames,
)

KINDS: Final = tuple(EventKind)
OUTCOMES: Final = tuple(Kind)

EVENT_KIND: Final = Var("event", Sort.INT, 0, len(KINDS) - 1, {i: k.value for i, k in enumerate(KINDS)})
OUTCOME: Final = Var("outcome", Sort.INT, 0, len(OUTCOMES) - 1, {i: k.value for i, k in enumerate(OUTCOMES)})
OUTCOME_CODE: Final = Var("outcome_code", Sort.INT, 0, 65535)
"""The status code of a failure; 0 where the outcome is not a failure."""

Env = Mapping[str, Any]
_BINARY: Final = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "+": lambda a, b: a + b,
}


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


def _term(expression: Expr, env: Env, done: dict[int, Any]) -> Any:
    if isinstance(expression, Const):
        return literal(expression.value)
    if isinstance(expression, Var):
        return env[expression.name]
    assert isinstance(expression, Op)
    if id(expression) not in done:
        args = [_term(a, env, done) for a in expression.args]
        if expression.op in ("and", "or"):
            result = (z3.And if expression.op == "and" else z3.Or)(*args)
        elif expression.op == "not":
            result = z3.Not(args[0])
        elif expression.op == "ite":
            result = z3.If(*args)
        else:
            result = _BINARY[expression.op](*args)
        done[id(expression)] = result
    return done[id(expression)]


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
        self.setting_env: Final[Env] = (
            {name: constant(v) for name, v in SETTING_VARIABLES.items()}
            if setting is None
            else {name: literal(value) for name, value in setting.values.items()}
        )

    @cached_property
    def setting_bounds(self) -> Any:
        """What holds of the setting variables: nothing beyond their bounds."""
        return z3.And(*within_bounds(SETTING_VARIABLES.values(), self.setting_env), z3.BoolVal(True))

    @staticmethod
    def state_env(suffix: str = "") -> dict[str, Any]:
        """Fresh constants for the state variables."""
        return {name: constant(v, name + suffix) for name, v in STATE_VARIABLES.items()}

    @staticmethod
    def frame_env(suffix: str = "") -> dict[str, Any]:
        """Fresh constants for the variables of a frame."""
        return {name: constant(v, name + suffix) for name, v in FRAME_VARIABLES.items()}

    def environment(self, state: Env, frame: Env) -> dict[str, Any]:
        """Setting, state and frame in one mapping."""
        return {**self.setting_env, **state, **frame}

    def possible(self, kind: EventKind, state: Env, frame: Env) -> Any:
        """The frame can stand on the wire (a fact of the encoding, not a rule)."""
        if not kind.has_frame:
            return z3.BoolVal(True)
        bounds = within_bounds(FRAME_VARIABLES.values(), frame)
        return z3.And(*bounds, term(possible_frames(kind), self.environment(state, frame)))

    def enabled(self, rule: Rule, state: Env, frame: Env) -> Any:
        """The guard of a rule."""
        return term(self.rules.guard(rule), self.environment(state, frame))

    def after(self, rule: Rule, state: Env, frame: Env) -> dict[str, Any]:
        """The state after the reaction of a rule."""
        env = self.environment(state, frame)
        changed = {name: term(effect, env) for name, effect in rule.then.effects.items()}
        return {name: changed.get(name, state[name]) for name in STATE_VARIABLES}

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
        cases = []
        for index, kind in enumerate(KINDS):
            steps = [
                z3.And(
                    found.when,
                    outcome == OUTCOMES.index(found.label.kind),
                    outcome_code == (found.label.code or 0),
                    *(after[name] == value for name, value in found.after.items()),
                )
                for found in self.outcomes(kind, state, frame)
            ]
            cases.append(z3.And(event == index, self.possible(kind, state, frame), z3.Or(*steps)))
        return z3.Or(*cases)

    def initial(self, state: Env, start: State | None = None) -> Any:
        """The state is an initial one: the defaults of :class:`State` with any claims, or exactly ``start``."""
        fixed = State() if start is None else start
        free = {"claims_rsv1", "claims_rsv2", "claims_rsv3"} if start is None else set()
        return z3.And(*(state[n] == literal(v) for n, v in fixed._asdict().items() if n not in free))


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
    if not kind.has_frame:
        return Event(kind)
    facts = {name: value_of(model, v, env) for name, v in FRAME_VARIABLES.items()}
    return Event(kind, FrameFacts(**facts))  # type: ignore[arg-type]


def free_names(expression: Expr) -> frozenset[str]:
    """The names of the free variables of an expression."""
    return frozenset(variables(expression))
