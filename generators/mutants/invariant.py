"""An inductive invariant of the rules, found automatically and then proved: it holds in every reachable state.

Of the implications between simple facts that hold in sampled states, those are kept that hold at first and that every
step keeps (Houdini: Flanagan and Leino, FME 2001). Z3 gives a state in which some do not hold; which ones, their own
evaluation says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final, TypeAlias

import z3

from wsoracle.model.machine.symbolic import Env, SymbolicMachine, Terms, value_of
from wsoracle.model.notation.expression import TRUE, Expr, Sort, Value, Var, evaluate
from wsoracle.model.notation.variables import (
    SETTING_VARIABLES,
    SMALLEST_WINDOW,
    STATE_VARIABLES,
    UNSTATED,
    EventKind,
    Setting,
    State,
    environment,
    established,
    got_close,
    handshake_is,
    sent_close,
    server,
    tcp_open,
)
from wsoracle.model.octets.vocabulary import TEXT

from .symbolic_rows import TwoSides, either_of

Clause: TypeAlias = "tuple[Expr, Expr]"
"""An implication between two facts of state and setting."""


def find_invariant(sides: TwoSides, samples: Iterable[tuple[Setting, State]]) -> list[Clause]:
    """Implications that hold in every reachable state, departures included; none that follows from another alone.

    ``samples`` are some reachable states: only what holds in all of them is tried.
    """
    facts = list(_facts())
    while_open = [tcp_open & fact for fact in facts]
    seen = [environment(setting, state, None) for setting, state in dict.fromkeys(samples)]
    holds, holds_open = ([_where(fact, seen) for fact in some] for some in (facts, while_open))
    everywhere = (1 << len(seen)) - 1
    pairs = [(i, j) for i, j in product(range(len(facts)), repeat=2) if i != j and holds[i]]
    candidates = [
        *((TRUE, fact) for fact, where in zip(facts, holds, strict=True) if where == everywhere),
        *((facts[i], facts[j]) for i, j in pairs if not holds[i] & ~holds[j]),
        *((while_open[i], facts[j]) for i, j in pairs if not holds_open[i] & ~holds[j]),
    ]
    inductive = _inductive(sides, candidates)
    kept = {(id(a), id(b)) for a, b in inductive}
    weaker_of = dict(zip(map(id, while_open), map(id, facts), strict=True))
    return [
        (a, b)
        for a, b in inductive
        if a is TRUE or ((id(TRUE), id(b)) not in kept and (weaker_of.get(id(a)), id(b)) not in kept)
    ]


def implication(sides: TwoSides, clause: Clause, state: Env) -> Any:
    """A clause about a symbolic state."""
    terms = Terms.over(sides.machine.setting_env, state, sides.frame)
    return z3.Implies(terms.term(clause[0]), terms.term(clause[1]))


def _where(fact: Expr, seen: Sequence[Mapping[str, Value]]) -> int:
    """The states in which a fact holds: a bit for each."""
    return sum(1 << at for at, values in enumerate(seen) if evaluate(fact, values))


def _inductive(sides: TwoSides, candidates: list[Clause]) -> list[Clause]:
    """The candidates that hold at first, before or after the opening handshake, and that every step keeps."""
    starting = sides.solver()
    starting.add(sides.machine.initial(sides.s))
    candidates = _kept(starting, sides, candidates, sides.s)
    after = SymbolicMachine.state_env("'")
    stepping = sides.solver()
    stepping.add(_steps(sides, after))
    marks = {id(clause): z3.Bool(f"kept_{at}") for at, clause in enumerate(candidates)}
    stepping.add(*(z3.Implies(marks[id(clause)], implication(sides, clause, sides.s)) for clause in candidates))
    return _kept(stepping, sides, candidates, after, marks)


def _kept(
    solver: Any, sides: TwoSides, clauses: list[Clause], state: Env, marks: Mapping[int, Any] | None = None
) -> list[Clause]:
    """The clauses about a state that follow from what a solver knows, and from the marks of those that are kept.

    Raises :class:`TimeoutError` where the solver gives up.
    """
    denied = {id(clause): z3.Not(implication(sides, clause, state)) for clause in clauses}
    kept = clauses
    while kept:
        solver.push()
        solver.add(either_of(*(denied[id(clause)] for clause in kept)))
        answer = solver.check(*(marks[id(clause)] for clause in kept) if marks is not None else ())
        if answer == z3.unknown:
            raise TimeoutError(f"no invariant was found: {solver.reason_unknown()}")
        if answer == z3.sat:
            kept = _holding(kept, _values(solver.model(), sides.machine.setting_env, state))
        solver.pop()
        if answer == z3.unsat:
            break
    return kept


def _values(model: Any, setting: Env, state: Env) -> dict[str, Value]:
    """The setting and the state of a model."""
    found = {name: value_of(model, variable, setting) for name, variable in SETTING_VARIABLES.items()}
    return found | {name: value_of(model, variable, state) for name, variable in STATE_VARIABLES.items()}


def _holding(clauses: Iterable[Clause], values: Mapping[str, Value]) -> list[Clause]:
    """The clauses that hold; their facts are few, and evaluated once."""
    known: dict[int, bool] = {}

    def holds(fact: Expr) -> bool:
        if id(fact) not in known:
            known[id(fact)] = bool(evaluate(fact, values))
        return known[id(fact)]

    return [clause for clause in clauses if not holds(clause[0]) or holds(clause[1])]


def _steps(sides: TwoSides, after: Env) -> Any:
    """Some step leads from the left state to another, at some level."""
    steps = []
    for kind in EventKind:
        side = sides.left[kind]
        possible = sides.machine.possible(kind, sides.s, sides.frame)
        for group in side.groups(side.rows):
            moves = (after[name] == value for name, value in group.after.items())
            steps.append(z3.And(*side.definitions(side.rows), possible, group.ever, *moves))
    return either_of(*steps)


def _facts() -> Iterator[Expr]:
    """Simple facts about state and setting, of which invariants are made."""
    first = State()._asdict()
    yield from (server & ~established, ~server & ~established)
    yield tcp_open | sent_close | ~got_close
    for name, variable in {**STATE_VARIABLES, **_SETTING_FACTS}.items():
        if variable.sort is Sort.BOOL:
            yield from (variable, ~variable)
        elif name in ("recv_type", "send_type"):
            yield from (variable == value for value in range(3))
            yield variable != TEXT
        elif name == "handshake":
            yield from (variable == value for value in range(variable.high + 1))
            yield from (established, ~established, handshake_is("not begun", "awaiting 101", "complete", "refused"))
        elif name in ("recv_window", "send_window"):
            yield from (variable == 0, variable != 0, (variable == 0) | (variable >= SMALLEST_WINDOW))
        else:
            usual = first.get(name, UNSTATED)
            yield from (variable == usual, variable != usual)


_SETTING_FACTS: Final[dict[str, Var]] = {name: SETTING_VARIABLES[name] for name in ("server", "echo", "limit")}
