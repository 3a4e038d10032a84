"""Unbounded proofs about the step relation: induction, Spacer, and counterexamples as traces.

A safety property is an expression that must never hold at any step that the rules allow, in any state reachable from
the first octet on (and from the end of the opening handshake on), under any setting. It is first tried by plain
induction; where that fails, Spacer (property directed reachability over constrained Horn clauses: Komuravelli,
Gurfinkel, Chaki, CAV 2014) finds an inductive invariant or a counterexample. Neither bounds the length of a run, and
integers stay unbounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import z3

from wsoracle.model.machine.symbolic import (
    EVENT_KIND,
    KINDS,
    OUTCOME,
    OUTCOME_CODE,
    OUTCOMES,
    SymbolicMachine,
    constant,
    read_event,
    term,
    value_of,
    within_bounds,
)
from wsoracle.model.notation.expression import TRUE, Expr, Op, Operand, Sort, Var, lift, text, variables
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import SETTING_VARIABLES, STATE_VARIABLES, Event, State, label
from wsoracle.model.rules import RULES

from .theorem import ProofResult, ProofVerdict, proved, refuted

SOLVER_MILLISECONDS: Final = 60_000
"""A single query gives up after this long; its theorem is then unknown, never proved."""

FAULT_STEPS: Final = 3
"""How many steps of a run of a faulty rule set are looked at first."""

NEXT: Final = {name: Var(f"next_{name}", v.sort, v.low, v.high, v.labels) for name, v in STATE_VARIABLES.items()}
"""The state variables after the step, for properties that compare both."""


@dataclass(frozen=True)
class Monitor:
    """A ghost variable that watches a run: its sort, its first value, and its value after each step."""

    variable: Var
    initial: Operand
    update: Expr


@dataclass(frozen=True)
class SafetyProperty:
    """A property that must never hold: ``never`` over state, setting, event, outcome, next state and monitors.

    ``assuming`` restricts the settings (a switch, a role); it may mention setting variables alone.
    """

    never: Expr
    monitors: tuple[Monitor, ...] = ()
    assuming: Expr = TRUE


@dataclass(frozen=True)
class _System:
    """The symbolic step relation of a rule set, built once and shared by all its theorems."""

    machine: SymbolicMachine
    state: Mapping[str, Any] = field(default_factory=SymbolicMachine.state_env)
    frame: Mapping[str, Any] = field(default_factory=SymbolicMachine.frame_env)
    after: Mapping[str, Any] = field(default_factory=lambda: SymbolicMachine.state_env("'"))
    step_env: Mapping[str, Any] = field(
        default_factory=lambda: {v.name: constant(v) for v in (EVENT_KIND, OUTCOME, OUTCOME_CODE)}
    )

    @property
    def env(self) -> dict[str, Any]:
        """Every variable of a step by name."""
        nexts = {f"next_{name}": value for name, value in self.after.items()}
        return {**self.machine.setting_env, **self.state, **self.frame, **self.step_env, **nexts}


@lru_cache(maxsize=4)
def system(rules: RuleSet) -> tuple[_System, Any]:
    """The symbolic system of a rule set and its step relation."""
    built = _System(SymbolicMachine(rules))
    names = ("event", "outcome", "outcome_code")
    step = built.machine.step(built.state, built.frame, built.after, *(built.step_env[n] for n in names))
    return built, step


def check_never(rules: RuleSet, wanted: SafetyProperty) -> ProofResult:
    """Prove or refute a safety property of a rule set, over runs of any length."""
    if _induction_holds(rules, wanted):
        return proved("induction (k = 1) over the step relation", text(_negated(wanted.never)))
    # A fault mostly shows after few steps, which are found much faster than Spacer tells that there are some.
    run = () if rules is RULES else counterexample(rules, wanted, depth=FAULT_STEPS)
    return refuted("bounded model checking", run) if run else _spacer(rules, wanted)


def _negated(expression: Expr) -> Expr:
    """The negation, without a double one."""
    return expression.args[0] if isinstance(expression, Op) and expression.op == "not" else ~expression


def always(invariant: Expr, assuming: Expr = TRUE) -> SafetyProperty:
    """The property that a predicate over the state (and setting) holds in every reachable state."""
    return SafetyProperty(~invariant, assuming=assuming)


def _induction_holds(rules: RuleSet, wanted: SafetyProperty) -> bool:
    """No state at all, reachable or not, has a forbidden step (for a property of states: it is kept by each step)."""
    built, step = system(rules)
    if wanted.monitors:
        return False
    env = built.env
    solver = z3.Solver()
    solver.set("timeout", SOLVER_MILLISECONDS)
    solver.add(built.machine.setting_bounds, term(wanted.assuming, env), *_bounds(built.state))
    never = term(wanted.never, env)
    if _is_state_property(wanted.never):
        before = never
        later = term(wanted.never, {**env, **{n: built.after[n] for n in STATE_VARIABLES}})
        start = z3.And(built.machine.initial(built.state), before)
        return all(_unsat(solver, *case) for case in ((start,), (z3.Not(before), step, later)))
    return _unsat(solver, step, never)


def _unsat(solver: Any, *terms: Any) -> bool:
    solver.push()
    solver.add(*terms)
    result = solver.check()
    solver.pop()
    return bool(result == z3.unsat)


def _is_state_property(expression: Expr) -> bool:
    return set(variables(expression)) <= set(STATE_VARIABLES) | set(SETTING_VARIABLES)


def _bounds(env: Mapping[str, Any]) -> list[Any]:
    return within_bounds(STATE_VARIABLES.values(), env)


def _sort(variable: Var) -> Any:
    return z3.BoolSort() if variable.sort is Sort.BOOL else z3.IntSort()


def _spacer(rules: RuleSet, wanted: SafetyProperty) -> ProofResult:
    """Spacer on three Horn clauses: the initial states, a step, and the property's negation as the query."""
    built, step = system(rules)
    ghosts = {m.variable.name: constant(m.variable) for m in wanted.monitors}
    ghosts_after = {m.variable.name: constant(m.variable, m.variable.name + "'") for m in wanted.monitors}
    env = {**built.env, **ghosts}
    horn = z3.Fixedpoint()
    horn.set(engine="spacer", timeout=SOLVER_MILLISECONDS)
    parts: list[Var] = [*STATE_VARIABLES.values(), *SETTING_VARIABLES.values(), *(m.variable for m in wanted.monitors)]
    reached = z3.Function("reached", *map(_sort, parts), z3.BoolSort())
    broken = z3.Function("broken", z3.BoolSort())
    horn.register_relation(reached, broken)
    horn.declare_var(*env.values(), *ghosts_after.values())

    def at(state: Mapping[str, Any], watched: Mapping[str, Any]) -> Any:
        return reached(*state.values(), *(env[n] for n in SETTING_VARIABLES), *watched.values())

    start = [ghosts[m.variable.name] == term(lift(m.initial), env) for m in wanted.monitors]
    horn.rule(
        at(built.state, ghosts),
        [built.machine.initial(built.state), built.machine.setting_bounds, term(wanted.assuming, env), *start],
    )
    moves = [ghosts_after[m.variable.name] == term(m.update, env) for m in wanted.monitors]
    horn.rule(at(built.after, ghosts_after), [at(built.state, ghosts), step, *moves])
    needs_step = [] if _is_state_property(wanted.never) else [step]
    horn.rule(broken(), [at(built.state, ghosts), *needs_step, term(wanted.never, env)])
    try:
        answer = horn.query(broken())
    except z3.Z3Exception as gave_up:
        return ProofResult(ProofVerdict.UNKNOWN, f"Spacer gave up after {SOLVER_MILLISECONDS / 1000:.0f} s: {gave_up}")
    if answer == z3.unsat:
        return proved(
            "Spacer (inductive invariant found)",
            invariant_over(horn.get_answer(), reached, [constant(p) for p in parts]),
        )
    if answer == z3.sat:
        return refuted("Spacer (counterexample found)", counterexample(rules, wanted))
    return ProofResult(ProofVerdict.UNKNOWN, f"Spacer gave up: {horn.reason_unknown()}")


def invariant_over(answer: Any, relation: Any, constants: Sequence[Any]) -> str:
    """The definition that Spacer found for a relation, over the given constants, one for each of its places."""
    for conjunct in answer.children() if z3.is_and(answer) else [answer]:
        if z3.is_quantifier(conjunct) and conjunct.num_vars() == len(constants):
            body = conjunct.body()
            head, definition = body.children() if z3.is_eq(body) else (body, z3.BoolVal(True))
            if z3.is_app(head) and head.decl().name() == relation.name():
                return shown(z3.simplify(z3.substitute_vars(definition, *reversed(constants))))
    return shown(answer)


def shown(formula: Any) -> str:
    """A Z3 formula on one line."""
    return " ".join(formula.sexpr().split())


def counterexample(rules: RuleSet, wanted: SafetyProperty, depth: int = 8) -> tuple[str, ...]:
    """A shortest run that breaks the property, found by bounded model checking; empty where none is that short."""
    built, step = system(rules)
    state_only = _is_state_property(wanted.never)
    envs: list[Mapping[str, Any]] = []
    original = _watched(built.env, wanted.monitors)
    for steps, solver, env in unrolled(built, step, depth, wanted.monitors, wanted.assuming):
        envs.append(env)
        solver.push()
        solver.add(term(wanted.never, env))
        if not state_only:
            solver.add(_substituted(step, original, env))
        if solver.check() == z3.sat:
            return _trace(solver.model(), envs, steps if state_only else steps + 1, state_only)
        solver.pop()
    return ()


def unrolled(
    built: _System, step: Any, depth: int, monitors: Sequence[Monitor] = (), assuming: Expr = TRUE
) -> Iterator[tuple[int, Any, Mapping[str, Any]]]:
    """The step relation unrolled: for 0 to ``depth`` steps, a solver that knows the run so far, and the variables of
    the next step by name."""
    solver = z3.Solver()
    solver.set("timeout", SOLVER_MILLISECONDS)
    original = _watched(built.env, monitors)
    env = _renamed(original, 0)
    solver.add(built.machine.setting_bounds, term(assuming, built.env))
    solver.add(_substituted(built.machine.initial(built.state), original, env))
    solver.add(*(env[m.variable.name] == term(lift(m.initial), env) for m in monitors))
    for steps in range(depth + 1):
        yield steps, solver, env
        later = _renamed(original, steps + 1)
        solver.add(_substituted(step, original, env))
        solver.add(*(env[f"next_{n}"] == later[n] for n in STATE_VARIABLES))
        solver.add(*(later[m.variable.name] == term(m.update, env) for m in monitors))
        env = later


def _watched(env: Mapping[str, Any], monitors: Sequence[Monitor]) -> dict[str, Any]:
    return {**env, **{m.variable.name: constant(m.variable) for m in monitors}}


def _renamed(env: Mapping[str, Any], index: int) -> dict[str, Any]:
    """The variables of step number ``index``; those of the setting keep their names."""
    return {
        name: value if name in SETTING_VARIABLES else z3.Const(f"{name}@{index}", value.sort())
        for name, value in env.items()
    }


def _substituted(formula: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> Any:
    pairs = [(before[name], after[name]) for name in before if name not in SETTING_VARIABLES]
    return z3.substitute(formula, *pairs)


def _trace(model: Any, envs: Sequence[Mapping[str, Any]], steps: int, state_only: bool) -> tuple[str, ...]:
    lines = []
    settings = {n: value_of(model, v, envs[0]) for n, v in SETTING_VARIABLES.items()}
    lines.append("setting: " + ", ".join(f"{n} = {label(n, v)}" for n, v in settings.items() if n[:6] != "switch"))
    for env in envs[:steps]:
        kind = KINDS[int(value_of(model, EVENT_KIND, env))]
        what = described(read_event(model, kind, env))
        outcome = OUTCOMES[int(value_of(model, OUTCOME, env))].value
        lines.append(" ".join(filter(None, (kind.value, what, "->", outcome))))
    if state_only:
        state = {n: value_of(model, v, envs[steps]) for n, v in STATE_VARIABLES.items()}
        changed = {n: v for n, v in state.items() if v != State()._asdict()[n]}
        lines.append("state: " + (", ".join(f"{n} = {label(n, v)}" for n, v in changed.items()) or "initial"))
    return tuple(lines)


def described(event: Event) -> str:
    """The facts of an event on one line: true flags and relevant numbers of a frame, unusual facts of a head."""
    if event.head is not None:
        usual = type(event.head)()._asdict()
        changed = {n: v for n, v in event.head._asdict().items() if v != usual[n]}
        return ", ".join(f"{n} {label(n, v)}" for n, v in changed.items()) or "sound"
    if event.frame is None:
        return ""
    facts = event.frame._asdict()
    flags = [name for name, value in facts.items() if value is True and name not in ("reason_ok",)]
    return f"{label('opcode', facts['opcode'])} length {facts['length']}" + (f" ({', '.join(flags)})" if flags else "")
