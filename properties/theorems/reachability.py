"""Reachability: every rule can fire, and exactly which states of an endpoint and of the pair can be reached.

A reachable state has a shortest run. All others are excluded by an inductive invariant, written down below as
plain sentences: a combination of values is reachable exactly where all of them hold.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import z3

from wsoracle.model.machine.guard_atoms import atoms, reporting_variables, state_values
from wsoracle.model.machine.reachable import explored_once
from wsoracle.model.machine.symbolic import SymbolicMachine, read_event
from wsoracle.model.notation.expression import Expr, Value, all_of, evaluate, source, text, variables
from wsoracle.model.notation.rule import Level, Rule, RuleSet
from wsoracle.model.notation.switches import SWITCHES, is_set_to
from wsoracle.model.notation.variables import (
    AGREED,
    FACT_VARIABLES,
    STATE_VARIABLES,
    UNSTATED,
    Setting,
    State,
    discarding,
    echo,
    established,
    fail_code,
    failed,
    got_close,
    handshake_is,
    limit,
    peer_open,
    pong_due,
    recv_type,
    recv_utf8,
    send_type,
    send_utf8,
    sent_close,
    server,
    tcp_open,
)
from wsoracle.model.octets import utf8
from wsoracle.model.octets.vocabulary import TEXT, Role
from wsoracle.model.rules import RULES

from .induction import always, check_never, described, system, unrolled
from .pair_runs import End, PairRuns, PairState, explored
from .theorem import ProofResult, ProofVerdict, Theorem, TheoremKind, TheoremSubject, proved, refuted

MOST_STEPS: Final = 6
"""How many steps a shortest run to a rule may have before it is called unknown."""


# --- every rule fires -----------------------------------------------------------------------------------------------


def every_rule_fires(subject: TheoremSubject) -> ProofResult:
    """For each row a shortest run, under some setting, to an event at which it is enabled."""
    method = "bounded model checking: a shortest run for each row, all settings"
    built, step = system(subject.rules)
    at_levels = {level: SymbolicMachine(subject.rules.at(level)) for level in Level}
    waiting = {rule.id: rule for rule in RULES}
    missing = [name for name in waiting if name not in subject.rules.by_id]
    if missing:
        return refuted(method, [f"there is no row {name}" for name in missing])
    found: dict[str, str] = {}
    for steps, solver, env in unrolled(built, step, MOST_STEPS):
        for name in list(waiting):
            rule = subject.rules.by_id[name]
            for machine in at_levels.values():
                known = machine.rules.by_id.get(name)
                if known is None:
                    continue
                answer = _witness(solver, machine, known, env)
                if answer is not None:
                    found[name] = f"{name}: after {steps} step{'' if steps == 1 else 's'}, {rule.on.value} {answer}"
                    del waiting[name]
                    break
        if not waiting:
            longest = steps
            detail = f"{len(found)} rules, the farthest after {longest} steps"
            return proved(method, None, detail, [found[rule.id] for rule in RULES])
    return refuted(method, [f"{name} is not enabled within {MOST_STEPS} steps" for name in waiting])


def _witness(solver: Any, machine: SymbolicMachine, rule: Rule, env: Mapping[str, Any]) -> str | None:
    """An event at which a rule is enabled in the last state of a run, as text, or None."""
    state = machine.state_env()
    frame = machine.frame_env()
    guard = z3.And(machine.possible(rule.on, state, frame), machine.enabled(rule, state, frame))
    read = {**state, **{name: frame[name] for name in FACT_VARIABLES[rule.on]}}
    here = z3.substitute(guard, *((term_, env[name]) for name, term_ in read.items()))
    if solver.check(here) != z3.sat:
        return None
    names = {name: env[name] for name in frame}
    event = read_event(solver.model(), rule.on, names)
    return described(event) or "(nothing)"


# --- the states of one endpoint -------------------------------------------------------------------------------------


class Invariant(NamedTuple):
    """A sentence about every reachable state, and the same as an expression."""

    sentence: str
    holds: Expr


def _implies(premise: Expr, conclusion: Expr) -> Expr:
    return ~premise | conclusion


_IDLE_RECEIVING: Final = (recv_type == 0) & (recv_utf8 == utf8.ACCEPT)
_IDLE_SENDING: Final = (send_type == 0) & (send_utf8 == utf8.ACCEPT)

_UNTOUCHED: Final = (
    ~sent_close & ~got_close & ~discarding & ~pong_due & (fail_code == 0) & _IDLE_RECEIVING & _IDLE_SENDING
)

INVARIANTS: Final = (
    Invariant("Before the opening handshake is complete, nothing is sent, received or in progress.",
              established | _UNTOUCHED),
    Invariant("The receiver's UTF-8 automaton is idle outside a text message.",
              _implies(recv_type != TEXT, recv_utf8 == utf8.ACCEPT)),
    Invariant("The sender's UTF-8 automaton is idle outside a text message.",
              _implies(send_type != TEXT, send_utf8 == utf8.ACCEPT)),
    Invariant("Text that can no longer become valid UTF-8 is never sent.", send_utf8 != utf8.REJECT),
    Invariant("Where TCP is closed, nothing comes from the peer either.", tcp_open | ~peer_open),
    Invariant("No message is being received after failing, after a Close was received, while discarding, and when "
              "the peer has ended TCP.",
              _implies(failed | got_close | discarding | ~peer_open, _IDLE_RECEIVING)),
    Invariant("No message is being sent after failing, after a Close was sent, and when TCP is closed.",
              _implies(failed | sent_close | ~tcp_open, _IDLE_SENDING)),
    Invariant("No Pong is owed after failing, after a Close was sent or received, and when TCP is closed.",
              _implies(failed | got_close | sent_close | ~tcp_open, ~pong_due)),
    Invariant("Frames are discarded only between sending and receiving a Close.",
              _implies(discarding, sent_close & ~got_close & ~failed & peer_open)),
    Invariant("Only a connection that was failed for a frame has a failure code, and no Close is taken after it.",
              _implies(fail_code != 0, failed & ~got_close)),
    Invariant("Failing without a code is what a client does for a bad answer, and when TCP ends before the answer.",
              _implies(failed & (fail_code == 0), ~established & ~server)),
    Invariant("TCP is not closed by an endpoint that still has to answer a Close.",
              _implies(~tcp_open & got_close, sent_close)),
    Invariant("A client whose server ends TCP before the first request has failed the connection.",
              _implies(~server & tcp_open & ~peer_open & handshake_is("not begun"), failed)),
    Invariant("A client knows four stages of the opening handshake: not begun, awaiting 101, complete and refused.",
              server | handshake_is("not begun", "awaiting 101", "complete", "refused")),
    Invariant("Whose opening handshake was refused has not failed the connection.",
              _implies(handshake_is("refused"), ~failed)),
)  # fmt: skip

DEFAULTS: Final = all_of([is_set_to(s.name, s.default) for s in SWITCHES] + [limit == UNSTATED, ~echo])
"""The default switches, no stated limit, an application that owes nothing."""

_FIXED: Final = (
    "recv_length", "reply_due", *AGREED, "recv_compressed", "send_compressed", "recv_history", "send_history"
)  # fmt: skip
"""Variables that keep their first value under :data:`DEFAULTS` and without extensions."""


def states_of(role: Role) -> Callable[[TheoremSubject], ProofResult]:
    """A combination of values is reachable exactly where all of :data:`INVARIANTS` hold."""

    def check(subject: TheoremSubject) -> ProofResult:
        method = "induction (k = 1) for what is unreachable, breadth-first search for what is reachable"
        whole = all_of([invariant.holds for invariant in INVARIANTS])
        assuming = DEFAULTS & (server if role is Role.SERVER else ~server)
        result = check_never(subject.rules, always(whole, assuming))
        if result.verdict is not ProofVerdict.PROVED:
            return result
        found, total, excluded = _combinations(role)
        reached = _reached(subject.rules, role)
        if found != reached:
            odd = sorted(found ^ reached)[:3]
            return refuted(method, [f"reachable and allowed by the invariants differ: {state}" for state in odd])
        lines = [f"{count} excluded first by: {i.sentence}" for i, count in zip(INVARIANTS, excluded, strict=True)]
        detail = f"{len(found)} of {total} combinations are reachable; " + " ".join(lines)
        return proved(method, text(whole), detail, tuple(_runs(subject.rules, role)))

    return check


def _reached(rules: RuleSet, role: Role) -> set[State]:
    first = State()._asdict()
    silent: dict[str, Any] = {name: first[name] for name in reporting_variables(rules)}
    return {state._replace(**silent) for state in explored_once(Setting(role), rules).via}


def _runs(rules: RuleSet, role: Role) -> Iterator[str]:
    """A shortest run to each reachable state, as text."""
    exploration = explored_once(Setting(role), rules)
    for state in exploration.via:
        steps = [f"{step.event.kind.value} -> {step.label}" for step in exploration.path(state)]
        changed = ", ".join(f"{n}={v}" for n, v in state._asdict().items() if v != State()._asdict()[n])
        yield f"{changed or 'the initial state'}: {'; '.join(steps) or 'no step'}"


def _combinations(role: Role) -> tuple[set[State], int, list[int]]:
    """The combinations of values that the invariants allow, how many there are in all, and how many each excludes.

    Values of a variable that no invariant tells apart are asked about once, and counted.
    """
    values = state_values(RULES)
    names = [n for n in STATE_VARIABLES if n not in (*_FIXED, *reporting_variables(RULES))]
    tests = [eval(f"lambda {', '.join(names)}, server: {source(i.holds)}", {}) for i in INVARIANTS]
    classes = [_alike(name, values[name] or ()) for name in names]
    allowed: set[State] = set()
    excluded = [0] * len(INVARIANTS)
    total = 0
    for chosen in itertools.product(*classes):
        count = math.prod(map(len, chosen))
        total += count
        firsts = [alike[0] for alike in chosen]
        broken = next((i for i, test in enumerate(tests) if not test(*firsts, role is Role.SERVER)), None)
        if broken is None:
            allowed |= {State()._replace(**dict(zip(names, each, strict=True))) for each in itertools.product(*chosen)}
        else:
            excluded[broken] += count
    return allowed, total, excluded


def _alike(name: str, values: Sequence[Any]) -> list[list[Any]]:
    """The values of a variable in sets that no invariant tells apart.

    Where an atom of an invariant compares the variable with another one, each value is a set of its own.
    """
    about = [atom for i in INVARIANTS for atom in atoms(i.holds) if name in variables(atom)]
    if any(len(variables(atom)) > 1 for atom in about):
        return [[value] for value in values]
    found: dict[tuple[Value, ...], list[Any]] = {}
    for value in values:
        found.setdefault(tuple(evaluate(atom, {name: value}) for atom in about), []).append(value)
    return list(found.values())


# --- the states of the pair -----------------------------------------------------------------------------------------

PairView = tuple[tuple[bool, bool, bool, bool], tuple[bool, bool, bool, bool]]
"""Whether each end has sent and received a Close, is failing, and has TCP open."""


def _facts(end: End) -> tuple[bool, bool, bool, bool]:
    state = end.state
    return state.sent_close, state.got_close, state.failed, state.tcp_open


def view(both: PairState) -> PairView:
    """The facts of both ends."""
    return _facts(both.client), _facts(both.server)


def pair_states(subject: TheoremSubject) -> ProofResult:
    """Each combination of both ends' facts has a shortest real run, or is reached by no run of the abstraction."""
    method = "breadth-first search with one frame of a kind on its way; exhaustive exploration with any number"
    real, expected = _real_views(subject.rules), {view(visit.both) for visit in explored(RULES)[0]}
    odd = sorted(real.keys() - expected)[:3]
    if odd:
        return refuted(method, [f"{_told(v)}: {'; '.join(real[v])}" for v in odd])
    possible = expected if subject.rules is RULES else {view(visit.both) for visit in PairRuns(subject.rules)}
    if possible != real.keys():
        return ProofResult(ProofVerdict.UNKNOWN, f"{method}: no real run to {len(possible - real.keys())} combinations")
    if possible != expected:
        return refuted(method, [f"{_told(v)}: not reached" for v in sorted(expected - possible)[:3]])
    total = 16 * 16
    detail = f"{len(real)} of {total} combinations of both ends' facts are reachable, the others by no run at all"
    return proved(method, None, detail, [f"{_told(v)}: {'; '.join(run) or 'no move'}" for v, run in real.items()])


def _real_views(rules: RuleSet) -> dict[PairView, tuple[str, ...]]:
    """The combinations that real channels reach, each with a shortest run."""
    runs = PairRuns(rules, exact=True)
    found: dict[PairView, PairState] = {}
    for visit in runs:
        found.setdefault(view(visit.both), visit.both)
    return {facts: runs.run_to(both) for facts, both in found.items()}


def _told(facts: PairView) -> str:
    names = ("sent Close", "got Close", "failed", "TCP open")
    ends = [", ".join(n for n, v in zip(names, end, strict=True) if v) or "closed" for end in facts]
    return f"client {ends[0]} / server {ends[1]}"


REACH: Final = (
    Theorem("reachability/rules", TheoremKind.REACHABILITY,
            "Every rule can fire: there is a shortest run to an event at which it is enabled.",
            every_rule_fires, ("5.5.3/pong~drop",)),
    *(
        Theorem(f"reachability/states-{role}", TheoremKind.REACHABILITY,
                f"A combination of a {role}'s state variables is reachable exactly where {len(INVARIANTS)} invariants "
                "hold: each reachable one has a shortest run, every other breaks an invariant.",
                states_of(role), ("7.1.2/send-close~no-send_type",))
        for role in Role
    ),
    Theorem("reachability/pair-states", TheoremKind.REACHABILITY,
            "Each combination of what client and server have sent, received, failed and closed has a shortest run, or "
            "is reached by no run at all, channels of any length.",
            pair_states, ("5.5.1/answer-close-first~drop",)),
)  # fmt: skip
