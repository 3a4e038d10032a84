"""Well-formedness: the rules are a specification at all.

Every event in every state meets a rule; rules that bind never disagree; what looks the same from outside leads to one
state; the levels are nested; and the concrete, the symbolic and the compiled reading of a row are one.
"""

from __future__ import annotations

import ast
import itertools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import z3

from wsoracle.model.machine import interpreted
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.symbolic import (
    SymbolicMachine,
    literal,
    read_event,
    read_state,
    value_of,
    within_bounds,
)
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.rule import Level, Rule, RuleSet
from wsoracle.model.notation.variables import ALL_FACTS, SETTING_VARIABLES, STATE_VARIABLES, EventKind, Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.model.rules.sending import TIME

from .induction import SOLVER_MILLISECONDS, described
from .theorem import ProofResult, ProofVerdict, Theorem, TheoremKind, TheoremSubject, proved, refuted

INPUTS: Final = tuple(kind for kind in EventKind if kind.is_input)
OUTPUTS: Final = tuple(kind for kind in EventKind if not kind.is_input)
Claim = Callable[[SymbolicMachine, Mapping[str, Any], Mapping[str, Any]], Any]


def _valid(rules: RuleSet, kind: EventKind, claim: Claim) -> list[str] | None:
    """None where the claim holds for every state and possible event; otherwise a counterexample."""
    built = SymbolicMachine(rules)
    state, frame = built.state_env(), built.frame_env()
    solver = z3.Solver()
    solver.set("timeout", SOLVER_MILLISECONDS)
    solver.add(built.setting_bounds, *within_bounds(STATE_VARIABLES.values(), state))
    solver.add(built.possible(kind, state, frame), z3.Not(claim(built, state, frame)))
    answer = solver.check()
    if answer == z3.unsat:
        return None
    if answer == z3.unknown:
        raise TimeoutError(f"the solver gave up on {kind.value}: {solver.reason_unknown()}")
    model = solver.model()
    event = read_event(model, kind, frame)
    return [f"{kind.value} {described(event)}".rstrip(), f"in {read_state(model, state)}"]


def _for_all(kinds: Sequence[EventKind], rules: RuleSet, claim: Claim) -> ProofResult:
    method = "Z3: every state and event, all settings, unbounded integers"
    for kind in kinds:
        try:
            broken = _valid(rules, kind, claim)
        except TimeoutError as gave_up:
            return ProofResult(ProofVerdict.UNKNOWN, str(gave_up))
        if broken is not None:
            return refuted(method, broken)
    return proved(method)


def _some(built: SymbolicMachine, rules: Sequence[Rule], state: Mapping[str, Any], frame: Mapping[str, Any]) -> Any:
    return z3.Or(z3.BoolVal(False), *(built.enabled(rule, state, frame) for rule in rules))


def total(subject: TheoremSubject) -> ProofResult:
    """Every input has an outcome at every level: the full rules, without SHOULD, and MUST alone."""
    for level in Level:
        rules = subject.rules.at(level)

        def answered(built: SymbolicMachine, state: Any, frame: Any, kind: EventKind, rules: RuleSet = rules) -> Any:
            return _some(built, [r for r in rules.of(kind) if interpreted.label_of(r)], state, frame)

        for kind in INPUTS:
            result = _for_all([kind], rules, lambda b, s, f, k=kind: answered(b, s, f, k))  # type: ignore[misc]
            if result.verdict is not ProofVerdict.PROVED:
                return result
    return result


def decided(subject: TheoremSubject) -> ProofResult:
    """Every output is either permitted or refused by a rule that binds, and never both."""

    def exactly_one(kind: EventKind) -> Claim:
        def claim(built: SymbolicMachine, state: Any, frame: Any) -> Any:
            rows = built.rules.of(kind)
            permitted = _some(built, [r for r in rows if interpreted.label_of(r)], state, frame)
            return permitted != _some(built, [r for r in rows if r.refuses], state, frame)

        return claim

    for kind in OUTPUTS:
        result = _for_all([kind], subject.rules, exactly_one(kind))
        if result.verdict is not ProofVerdict.PROVED:
            return result
    return result


def coherent(subject: TheoremSubject) -> ProofResult:
    """No two binding rules that are enabled together ask for reactions of different kinds."""

    def claim(built: SymbolicMachine, state: Any, frame: Any) -> Any:
        by_word: dict[str, list[Rule]] = {}
        for rule in built.rules.of(kind):
            if rule.strength.binds:
                by_word.setdefault(rule.then.word, []).append(rule)
        sides = [_some(built, rows, state, frame) for rows in by_word.values()]
        return z3.Not(z3.Or(*(z3.And(a, b) for a, b in itertools.combinations(sides, 2))))

    for kind in INPUTS:
        result = _for_all([kind], subject.rules, claim)
        if result.verdict is not ProofVerdict.PROVED:
            return result
    return result


def one_state_a_label(subject: TheoremSubject) -> ProofResult:
    """Two outcomes that look the same from outside lead to the same state."""

    def claim(built: SymbolicMachine, state: Any, frame: Any) -> Any:
        clashes = [
            z3.And(a.when, b.when, _differ(a.after, b.after))
            for a, b in itertools.combinations(built.outcomes(kind, state, frame), 2)
            if a.label == b.label
        ]
        return z3.Not(z3.Or(z3.BoolVal(False), *clashes))

    for kind in EventKind:
        result = _for_all([kind], subject.rules, claim)
        if result.verdict is not ProofVerdict.PROVED:
            return result
    return result


def _differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> Any:
    """The states differ; what neither outcome changes is one and the same term."""
    return z3.Or(z3.BoolVal(False), *(one[n] != other[n] for n in STATE_VARIABLES if one[n] is not other[n]))


def in_bounds(subject: TheoremSubject) -> ProofResult:
    """Every effect keeps every state variable within its declared bounds, where a limit is not beyond 2^63, and neither
    is what a compressed message, and all those before it, inflate to."""

    def claim(built: SymbolicMachine, state: Any, frame: Any) -> Any:
        later = [
            z3.Implies(o.when, z3.And(*within_bounds(STATE_VARIABLES.values(), o.after)))
            for o in built.outcomes(kind, state, frame)
        ]
        sizes = (built.setting_env["limit"], state["recv_history"], state["send_history"], frame["inflated"])
        return z3.Implies(z3.And(*(size < 2**63 for size in sizes)), z3.And(*later))

    for kind in EventKind:
        result = _for_all([kind], subject.rules, claim)
        if result.verdict is not ProofVerdict.PROVED:
            return result
    return result


def one_fault_of_time(subject: TheoremSubject) -> ProofResult:
    """At most one row against sending a frame says that it comes at the wrong time; others would only follow."""
    times = {rule.id for rule in TIME}

    def claim(built: SymbolicMachine, state: Any, frame: Any) -> Any:
        rows = [built.enabled(rule, state, frame) for rule in built.rules.of(EventKind.SEND) if rule.id in times]
        return z3.AtMost(*rows, 1)

    return _for_all([EventKind.SEND], subject.rules, claim)


# --- three readings of one row --------------------------------------------------------------------------------------

SETTINGS: Final = (Setting(Role.SERVER), Setting(Role.CLIENT), Setting(Role.SERVER, limit=1000, echo=True))


def compiled_is_symbolic(subject: TheoremSubject) -> ProofResult:
    """The generated Python, read back with ``ast`` into Z3, equals the rules for all values of all variables."""
    method = "Z3 on the generated Python source, parsed back: all values, unbounded integers"
    for setting in SETTINGS:
        compiled, built = CompiledMachine(subject.rules, setting), SymbolicMachine(RULES, setting)
        state, frame = built.state_env(), built.frame_env()
        env = built.environment(state, frame)
        for kind in EventKind:
            bits = read_back(compiled.source(kind), env)
            guards = [built.enabled(rule, state, frame) for rule in RULES.of(kind)]
            solver = z3.Solver()
            solver.set("timeout", SOLVER_MILLISECONDS)
            solver.add(z3.Or(*(bits.get(1 << i, z3.BoolVal(False)) != guard for i, guard in enumerate(guards))))
            answer = solver.check()
            if answer == z3.unknown:
                return ProofResult(ProofVerdict.UNKNOWN, f"{method}: {solver.reason_unknown()}")
            if answer == z3.sat:
                return refuted(method, [f"{kind.value} as {setting.role}: {read_state(solver.model(), state)}"])
    return proved(method)


def read_back(source: str, env: Mapping[str, Any]) -> dict[int, Any]:
    """For each bit of a generated mask function the condition that sets it, as a Z3 term.

    The grammar is that of ``model.machine.generated_code``; anything else in the source raises :class:`ValueError`.
    """
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    names = dict(env)
    bits: dict[int, Any] = {}
    _read_block(function.body, z3.BoolVal(True), names, bits)
    return bits


def _read_block(block: Sequence[ast.stmt], path: Any, names: dict[str, Any], bits: dict[int, Any]) -> None:
    for statement in block:
        match statement:
            case ast.If(test=test, body=body, orelse=[]):
                _read_block(body, z3.And(path, _read(test, names)), names, bits)
            case ast.AugAssign(op=ast.BitOr(), value=ast.Constant(value=int(mask))):
                for bit in (1 << i for i in range(mask.bit_length()) if mask >> i & 1):
                    bits[bit] = z3.Or(bits.get(bit, z3.BoolVal(False)), path)
            case ast.Assign(targets=[ast.Name(id="legal")]):
                names["legal"] = z3.Not(z3.Or(z3.BoolVal(False), *bits.values()))
            case ast.Assign(targets=[ast.Tuple()]) | ast.Assign(targets=[ast.Name(id="mask")]) | ast.Return():
                pass
            case _:
                raise ValueError(f"not in the grammar of generated source: {ast.unparse(statement)}")


_COMPARE: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _read(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return names[name]
        case ast.Constant(value=bool() | int() as value):
            return literal(value)
        case ast.BoolOp(op=op, values=values):
            return (z3.And if isinstance(op, ast.And) else z3.Or)(*(_read(v, names) for v in values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return z3.Not(_read(operand, names))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _read(left, names) + _read(right, names)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _COMPARE[type(op)](_read(left, names), _read(right, names))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return z3.If(_read(test, names), _read(body, names), _read(orelse, names))
        case _:
            raise ValueError(f"not in the grammar of generated source: {ast.unparse(node)}")


def concrete_is_symbolic(subject: TheoremSubject) -> ProofResult:
    """On states and events that Z3 chooses, evaluating a row gives what its Z3 term gives."""
    method = "for each row a state and an event chosen by Z3, and there all rows evaluated both ways"
    built, lenient = SymbolicMachine(RULES), SymbolicMachine(RULES.at(Level.MUST_ONLY))
    state, frame = built.state_env(), built.frame_env()
    env = built.environment(state, frame)
    for kind in EventKind:
        solver = z3.Solver()
        solver.set("timeout", SOLVER_MILLISECONDS)
        solver.add(built.setting_bounds, *within_bounds(STATE_VARIABLES.values(), state))
        solver.add(built.possible(kind, state, frame))
        rows = {rule.id: built.enabled(rule, state, frame) for rule in RULES.of(kind)}
        for rule in RULES.of(kind):
            # A MAY against which a SHOULD speaks is enabled only where the SHOULD is set aside.
            aside = [lenient.enabled(rule, state, frame)] if rule.id in lenient.rules.by_id else []
            if all(solver.check(guard) != z3.sat for guard in (rows[rule.id], *aside)):
                continue
            model = solver.model()
            values = {name: value_of(model, v, env) for name, v in EVERY_VARIABLE.items()}
            for other_id, other in rows.items():
                symbolic = z3.is_true(model.eval(other, model_completion=True))
                known = subject.rules.by_id.get(other_id)
                concrete = known is not None and evaluate(subject.rules.guard(known), values)
                if symbolic != concrete:
                    return refuted(method, [f"{other_id}: Z3 says {symbolic}, evaluation {concrete}", str(values)])
    return proved(method)


EVERY_VARIABLE: Final = {**SETTING_VARIABLES, **STATE_VARIABLES, **ALL_FACTS}


def _theorem(name: str, statement: str, check: Callable[[TheoremSubject], ProofResult], *suspects: str) -> Theorem:
    return Theorem(f"well-formed/{name}", TheoremKind.WELL_FORMED, statement, check, suspects)


WELL_FORMED: Final = (
    _theorem("every-input-has-an-outcome",
             "Every request, response and frame, and the end of TCP, in every state meets a rule that says what to do.",
             total, "5.4/text-message", "7.1.4/server-lost"),
    _theorem("every-output-is-decided",
             "Everything sent, every closing of TCP and every silence is either permitted or refused, never both.",
             decided, "6.1/send-text", "7.1.1/any-means"),
    _theorem("binding-rules-agree",
             "No two binding rules that are enabled together ask for different kinds of reaction.",
             coherent, "7.1.7/nothing-after-failing~without-failed"),
    _theorem("one-state-a-label",
             "Two outcomes that look the same from outside lead to the same state.",
             one_state_a_label, "5.4/first-text-fragment~without-opcode-is-text"),
    _theorem("one-fault-of-time",
             "No frame that is sent comes at the wrong time for two reasons, of which one only follows from the other.",
             one_fault_of_time, "6.1/continuation-follows-fragment~without-not-failed"),
    _theorem("effects-stay-in-bounds",
             "Every effect keeps every variable within its bounds.",
             in_bounds, "10.4/message-too-big", "5.4/first-text-fragment"),
    _theorem("compiled-is-symbolic",
             "The compiled rules and the rules given to Z3 are the same functions, for all values.",
             compiled_is_symbolic, "5.2/reserved-bits"),
    _theorem("concrete-is-symbolic",
             "The rules evaluated on values and the rules given to Z3 agree.",
             concrete_is_symbolic, "5.2/reserved-bits"),
)  # fmt: skip
