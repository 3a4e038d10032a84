"""An exploration judged: the states it found are all the states that there are.

An exploration tries a finite alphabet of frames, so by itself it only shows what *can* be reached. That no frame at all
leads out of the explored states (any length, any code, any octets) is one query to Z3: the set of explored states is
inductive, hence the exact set of reachable states, and every other combination of values is unreachable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import z3

from wsoracle.model.machine.guard_atoms import reporting_variables
from wsoracle.model.machine.reachable import Exploration
from wsoracle.model.machine.symbolic import (
    EVENT_KIND,
    KINDS,
    OUTCOME,
    OUTCOME_CODE,
    SymbolicMachine,
    constant,
    read_event,
    read_state,
    term,
)
from wsoracle.model.notation.expression import Expr, Value, Var, all_of, any_of
from wsoracle.model.notation.variables import AGREED, STATE_VARIABLES, Event, State

SOLVER_MILLISECONDS: Final = 30_000
_OF_COMPRESSION: Final = ("recv_compressed", "send_compressed", "recv_history", "send_history")


@dataclass(frozen=True)
class Escape:
    """A step from an explored state to one that was not explored."""

    source: State
    event: Event
    target: State


class UndecidedError(RuntimeError):
    """The solver gave up."""


def moving_variables(explored: Exploration) -> tuple[str, ...]:
    """The state variables that matter later on and that some effect changes, in the order of :class:`State`.

    Not what extensions claim and agree on, which the opening handshake sets for good, nor what they keep of messages:
    these are left open.
    """
    written = {name for rule in explored.rules for name in rule.then.effects}
    reporting = reporting_variables(explored.rules)
    return tuple(name for name in STATE_VARIABLES if name in written - {*AGREED, *_OF_COMPRESSION} - reporting)


def invariant(explored: Exploration) -> Expr:
    """The explored states as an expression over the moving variables."""
    names = moving_variables(explored)
    seen = dict.fromkeys(tuple(getattr(state, name) for name in names) for state in explored.states)
    return _one_of([all_of([_is(STATE_VARIABLES[n], v) for n, v in zip(names, s, strict=True)]) for s in seen])


def _one_of(terms: Sequence[Expr]) -> Expr:
    """The disjunction, built as a flat tree: a chain of hundreds is too deep for recursive folds."""
    if len(terms) <= 2:
        return any_of(terms)
    half = len(terms) // 2
    return _one_of(terms[:half]) | _one_of(terms[half:])


def _is(variable: Var, value: Value) -> Expr:
    if isinstance(value, bool):
        return variable if value else ~variable
    return variable == value


def escape(explored: Exploration) -> Escape | None:
    """A step out of the explored states, by any frame whatever; None where Z3 proves that there is none.

    The claims of extensions are left open, so that the answer holds for all of their values. Raises
    :class:`UndecidedError` where the solver gives up.
    """
    machine = SymbolicMachine(explored.rules, explored.setting)
    before, frame, after = machine.state_env(), machine.frame_env(), machine.state_env("'")
    event, outcome, code = (constant(v) for v in (EVENT_KIND, OUTCOME, OUTCOME_CODE))
    solver = z3.Solver()
    solver.set("timeout", SOLVER_MILLISECONDS)
    inside = invariant(explored)
    solver.add(term(inside, before), z3.Not(term(inside, after)))
    # Octets of compressed messages are counted otherwise: runs with permessage-deflate are not explored.
    solver.add(before["recv_window"] == 0, before["send_window"] == 0)
    solver.add(machine.step(before, frame, after, event, outcome, code))
    answer = solver.check()
    if answer == z3.unknown:
        raise UndecidedError(solver.reason_unknown())
    if answer == z3.unsat:
        return None
    model = solver.model()
    kind = KINDS[model.eval(event, model_completion=True).as_long()]
    return Escape(read_state(model, before), read_event(model, kind, frame), read_state(model, after))


__all__ = ["Escape", "UndecidedError", "escape", "invariant", "moving_variables"]
