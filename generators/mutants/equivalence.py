"""Proofs that a mutant is equivalent: no history under any setting, however long, tells it from the original.

Theory of operation. All proofs are Z3 queries over symbolic states, frames and settings, and rest on two things that
are found automatically and then proved, once for all mutants:

- an *inductive invariant* of the original rules: of the implications between simple facts that hold in sampled states,
  those that hold at first and that every step keeps (Houdini: Flanagan and Leino, FME 2001);
- a *bisimulation* of the original with itself that forgets what no longer matters (the message in progress once the
  connection has failed, everything once TCP is closed). It begins with all states related; each counterexample shows a
  variable that matters, and in which circumstances (as in counterexample-guided abstraction refinement).

A mutant differs from the original in one row, hence at one kind of event. It is equivalent if in every state related to
one that satisfies the invariant, at every event of that kind, both rule sets show the same (see ``expectation``: labels
with their levels, what the application is told, what is owed) and lead to related states. For then the bisimulation
relates the runs of the original to those of the mutant, step by step.

Frames: both see the same octets. Where text before them was read differently, the octets can mean something else to the
one than to the other: ``utf8_next`` is then free on the mutant's side, within what the encoding makes possible; and so
are all facts of DEFLATE data, where the one takes the message for a compressed one and the other does not. Nor may
related states read the same octets as a frame here and as a head of HTTP there, as long as TCP is open.

Which error code a refused handshake is answered with cannot be told (``expectation.as_seen``): rows that refuse are
alike where they have the same effects, whatever their codes; and rows whose codes are alike, but not their effects, are
taken for different, which proves less than could be.

Both begin in one state: CONNECTING, or the state right after an opening handshake with any claims of extensions.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Final, TypeAlias

import z3

from wsoracle.model.machine.guard_atoms import atoms
from wsoracle.model.machine.interpreted import LEVELS, Kind, Label
from wsoracle.model.machine.interpreted import label_of as exact_label_of
from wsoracle.model.machine.symbolic import Env, SymbolicMachine, Terms, constant, literal, term, within_bounds
from wsoracle.model.notation.expression import TRUE, Expr, Op, Sort, Var, evaluate, ite, text, variables
from wsoracle.model.notation.rule import LEGAL, Forbid, Rule, RuleSet
from wsoracle.model.notation.variables import (
    FRAME_VARIABLES,
    HANDSHAKE,
    MEASURED,
    SETTING_VARIABLES,
    SMALLEST_WINDOW,
    STATE_VARIABLES,
    UNSTATED,
    EventKind,
    Setting,
    State,
    discarding,
    environment,
    established,
    failed,
    got_close,
    handshake,
    handshake_is,
    is_continuation,
    peer_open,
    received_deflated,
    recv_type,
    recv_utf8,
    recv_window,
    send_type,
    send_utf8,
    send_window,
    sent_close,
    sent_deflated,
    server,
    tcp_open,
)
from wsoracle.model.octets.vocabulary import TEXT

from .observable import as_seen, opportunity
from .operators import normal_key

Circumstances: TypeAlias = tuple[bool, ...]
"""Which of the facts hold on which it depends whether a variable matters (:func:`facts_about`)."""
Matters: TypeAlias = Mapping[str, set[Circumstances]]
"""For each state variable, the circumstances in which it matters."""

MILLISECONDS: Final = 20_000
"""A single query gives up after this long; nothing is then claimed."""

_EVERYTHING: Final[Matters] = {name: {()} for name in STATE_VARIABLES}
_PHASE: Final = (tcp_open, peer_open, failed, got_close, sent_close, discarding)
_STAGE: Final = ite(server & handshake_is("refused"), HANDSHAKE.index("not begun"), handshake)
OF_DEFLATE: Final = {
    name for name in STATE_VARIABLES if name.endswith(("_window", "_takeover", "_compressed", "_history"))
}  # fmt: skip
"""The variables whose value depends on what was agreed on for compressed messages."""
_SEEN_OTHERWISE: Final = ("utf8_next", *MEASURED)
"""The facts of a frame that depend on what came before it."""
_COUNTS_WHERE: Final = {
    "recv_utf8": recv_type == TEXT,
    "send_utf8": send_type == TEXT,
    **dict.fromkeys(("recv_takeover", "recv_compressed", "recv_history"), ~established | (recv_window != 0)),
    **dict.fromkeys(("send_takeover", "send_compressed", "send_history"), ~established | (send_window != 0)),
}
"""What some variables are about: a text in progress, and a window, which the opening handshake may still agree on."""


def facts_about(name: str, rules: RuleSet) -> list[Expr]:
    """The facts on which it may depend whether a state variable matters.

    They say where the connection stands; and for what belongs to one message or one answer, how those points are
    settled that a guard mentions beside the variable. What was agreed on for compressed messages, and what they left,
    matters whatever is settled, but only where there is a window, or may be.
    """
    found: dict[tuple[object, ...], Expr] = {}
    phase = [fact for fact in _PHASE if fact.name != name]
    for row in rules:
        if name in variables(row.when) and len(phase) == len(_PHASE) and name not in OF_DEFLATE:
            for atom in atoms(row.when):
                if isinstance(atom, Op) and set(variables(atom)) <= set(SETTING_VARIABLES):
                    settled = Op("==", atom.args)
                    found[settled.key()] = settled
    if name in _COUNTS_WHERE:
        found[()] = _COUNTS_WHERE[name]
    return [*phase, *found.values()]


def label_of(row: Rule) -> Label | None:
    """The label of a row as far as it is seen; for refusals, with the effects, so that one label means one state."""
    label = exact_label_of(row)
    if label is None or label.kind is not Kind.REFUSE:
        return label
    effects = ", ".join(f"{name} = {text(effect)}" for name, effect in sorted(row.then.effects.items()))
    return as_seen(label)._replace(delivers=effects)


@dataclass(frozen=True)
class Group:
    """Rows of one kind with one label and one effect.

    ``when``: one of them is enabled, for each level; ``after``: the state after them.
    """

    label: Label
    effects: tuple[object, ...]
    when: tuple[Any, ...]
    after: Env

    @property
    def ever(self) -> Any:
        """One of the rows is enabled at some level."""
        return _or(*self.when)


class SymbolicRows:
    """The rows of one kind in Z3, over one state and frame. ``tag`` names its auxiliary constants."""

    def __init__(self, kind: EventKind, rows: Sequence[Rule], terms: Terms, tag: str) -> None:
        self.kind: Final = kind
        self.rows: Final = rows
        self._terms: Final = terms
        self.legal: Final = tuple(z3.Bool(f"legal{tag}_{kind.value}_{n}") for n in range(len(LEVELS)))
        self._whens: Final[dict[int, tuple[Rule, tuple[Any, ...]]]] = {}

    def when(self, row: Rule) -> tuple[Any, ...]:
        """When a row is enabled, for each level."""
        found = self._whens.get(id(row))
        if found is None:
            terms = tuple(self._terms.guard(row.when, legal) for legal in self.legal)
            found = self._whens[id(row)] = (
                row,
                tuple(
                    when if not row.refuses or level.keeps(row.strength) else z3.BoolVal(False)
                    for when, level in zip(terms, LEVELS, strict=True)
                ),
            )
        return found[1]

    def definitions(self, rows: Sequence[Rule]) -> list[Any]:
        """The meaning of ``legal`` at each level under these rows."""
        refusing = [self.when(row) for row in rows if row.refuses]
        return [legal == z3.Not(_or(*(when[n] for when in refusing))) for n, legal in enumerate(self.legal)]

    def groups(self, rows: Sequence[Rule]) -> list[Group]:
        """The rows that allow something, by label and effect."""
        found: dict[tuple[object, ...], list[Rule]] = {}
        for row in rows:
            if label_of(row) is not None:
                found.setdefault((label_of(row), _effects_key(row)), []).append(row)
        return [self.group(members) for members in found.values()]

    def group(self, members: Sequence[Rule]) -> Group:
        """Rows with one label and one effect."""
        label = label_of(members[0])
        assert label is not None
        return Group(label, _effects_key(members[0]), self.either(members), self._terms.after(members[0].then))

    def either(self, members: Sequence[Rule]) -> tuple[Any, ...]:
        """When one of some rows is enabled, for each level."""
        return tuple(_or(*whens) for whens in zip(*map(self.when, members), strict=True))

    def seen(
        self, rows: Sequence[Rule], labels: Container[Label | None] | None = None
    ) -> dict[tuple[object, ...], Any]:
        """The observable part of these rows: each label up to each level, and each output owed, with its condition.

        Only of some labels, where they are given.
        """
        found: dict[tuple[object, ...], Any] = {}
        by_label: dict[Label, list[Rule]] = {}
        for row in rows:
            label = label_of(row)
            if label is not None and (labels is None or label in labels):
                by_label.setdefault(label, []).append(row)
        for label, members in by_label.items():
            whens = self.either(members)
            for n in range(len(LEVELS)):
                found[(label, n)] = _or(*whens[: n + 1])
        if self.kind is EventKind.SILENCE:
            dues: dict[object, list[Any]] = {}
            for row in rows:
                if isinstance(row.then, Forbid) and row.refuses:
                    dues.setdefault(row.then.due, []).append(self.when(row)[0])
            found.update({("due", due): _or(*whens) for due, whens in dues.items() if due is not None})
        return found


@dataclass(frozen=True)
class Ground:
    """What is proved once about the original rules, and serves all proofs about mutants: also in other processes.

    It is made by :attr:`Prover.ground` alone, which proves it.
    """

    invariant: list[tuple[Expr, Expr]]
    matters: dict[str, set[Circumstances]]


class Prover:
    """Everything that is proved once about the original rules, and the proofs about its mutants.

    ``samples`` are some reachable (setting, state) pairs: candidates for the invariant must hold in them. Where the
    ``ground`` was proved already, it is taken as it is.
    """

    def __init__(
        self, rules: RuleSet, samples: Iterable[tuple[Setting, State]] = (), ground: Ground | None = None
    ) -> None:
        self.rules: Final = rules
        self._samples: Final = list(samples)
        self._ground: Final = ground
        self._machine: Final = SymbolicMachine(rules)
        self._s: Final = SymbolicMachine.state_env()
        self._t: Final = SymbolicMachine.state_env("~")
        self._frame: Final = SymbolicMachine.frame_env()
        self._frame_t: Final = {**self._frame, **{n: constant(FRAME_VARIABLES[n], f"{n}~") for n in _SEEN_OTHERWISE}}
        self._left: Final = {kind: self._side(kind, self._s, self._frame, "") for kind in EventKind}
        self._right: Final = {kind: self._side(kind, self._t, self._frame_t, "~") for kind in EventKind}
        self._changed: Final = {kind: self._side(kind, self._t, self._frame_t, "!") for kind in EventKind}
        self._solvers: Final[dict[EventKind, Any]] = {}
        self._asserted: Final[dict[EventKind, Sequence[Any]]] = {}
        self._settings: Final[dict[Setting, tuple[Any, ...]]] = {}
        here = Terms.over(self._machine.setting_env, self._s, self._frame)
        self._fact_terms: Final = {n: [here.term(f) for f in facts_about(n, rules)] for n in STATE_VARIABLES}
        self._known: Final[dict[EventKind, tuple[dict[tuple[object, ...], Any], list[Group]]]] = {}

    def _side(self, kind: EventKind, state: Env, frame: Env, tag: str) -> SymbolicRows:
        return SymbolicRows(kind, self.rules.of(kind), Terms.over(self._machine.setting_env, state, frame), tag)

    @property
    def ground(self) -> Ground:
        """What is proved once. Raises :class:`AssertionError` where the relation is no bisimulation."""
        if self._ground is not None:
            return self._ground
        if not self.is_bisimulation:
            raise AssertionError("what the prover forgets does matter: its relation is no bisimulation")
        return Ground(self.invariant, self.matters)

    # --- the invariant

    @cached_property
    def invariant(self) -> list[tuple[Expr, Expr]]:
        """Implications between facts of state and setting that hold in every reachable state, departures included."""
        if self._ground is not None:
            return self._ground.invariant
        facts = [environment(setting, state, None) for setting, state in self._samples]
        atoms = list(_facts())
        is_open = [bool(values["tcp_open"]) for values in facts]
        holds = [[bool(evaluate(atom, values)) for values in facts] for atom in atoms]
        pairs = [
            (a, b)
            for (i, a), (j, b) in product(enumerate(atoms), repeat=2)
            if i != j and any(holds[i]) and all(q or not p for p, q in zip(holds[i], holds[j], strict=True))
        ]
        while_open = [
            (tcp_open & a, b)
            for (i, a), (j, b) in product(enumerate(atoms), repeat=2)
            if i != j
            and any(holds[i])
            and all(q or not (p and o) for p, q, o in zip(holds[i], holds[j], is_open, strict=True))
        ]
        always = [(TRUE, b) for j, b in enumerate(atoms) if all(holds[j])]
        return self._inductive([*always, *pairs, *while_open])

    def _inductive(self, candidates: list[tuple[Expr, Expr]]) -> list[tuple[Expr, Expr]]:
        """The candidates that hold at first, before or after the opening handshake, and that every step keeps."""
        starting = self._solver()
        starting.add(self._machine.initial(self._s))
        candidates = [c for c in candidates if _implies(starting, self._implication(c, self._s))]
        before = [self._implication(c, self._s) for c in candidates]
        after_state = SymbolicMachine.state_env("'")
        after = [self._implication(c, after_state) for c in candidates]
        marks = [z3.Bool(f"kept_{i}") for i in range(len(candidates))]
        solver = self._solver()
        solver.add(self._steps(after_state))
        solver.add(*(z3.Implies(mark, clause) for mark, clause in zip(marks, before, strict=True)))
        kept = list(range(len(candidates)))
        while kept:
            solver.push()
            solver.add(_or(*(z3.Not(after[i]) for i in kept)))
            answer = solver.check(*(marks[i] for i in kept))
            if answer == z3.unsat:
                solver.pop()
                break
            if answer == z3.unknown:
                raise TimeoutError(f"no invariant was found: {solver.reason_unknown()}")
            model = solver.model()
            kept = [i for i in kept if z3.is_true(model.eval(after[i], model_completion=True))]
            solver.pop()
        return [candidates[i] for i in kept]

    def _steps(self, after: Env) -> Any:
        """Some step leads from the state to another, at some level."""
        steps = []
        for kind in EventKind:
            side = self._left[kind]
            possible = self._machine.possible(kind, self._s, self._frame)
            for group in side.groups(side.rows):
                moves = (after[name] == value for name, value in group.after.items())
                steps.append(z3.And(*side.definitions(side.rows), possible, group.ever, *moves))
        return _or(*steps)

    def _implication(self, clause: tuple[Expr, Expr], state: Env) -> Any:
        terms = Terms.over(self._machine.setting_env, state, self._frame)
        return z3.Implies(terms.term(clause[0]), terms.term(clause[1]))

    @cached_property
    def _holds(self) -> list[Any]:
        """The invariant of the original's state."""
        return [self._implication(clause, self._s) for clause in self.invariant]

    # --- the bisimulation

    @cached_property
    def matters(self) -> dict[str, set[Circumstances]]:
        """For each state variable, the circumstances (values of other variables) in which it matters."""
        if self._ground is not None:
            return self._ground.matters
        found: dict[str, set[Circumstances]] = {name: set() for name in STATE_VARIABLES}
        solver = self._solver()
        solver.add(*self._holds, *within_bounds(STATE_VARIABLES.values(), self._t))
        equal = {name: self._equal(name) for name in STATE_VARIABLES}
        changed = True
        while changed:
            changed = False
            solver.push()
            relation = self._relation(found)
            solver.add(relation, self._unlike(relation))
            for name in STATE_VARIABLES:
                while solver.check(*(e for other, e in equal.items() if other != name)) == z3.sat:
                    circumstances = self._circumstances(name, solver.model())
                    found[name].add(circumstances)
                    solver.add(z3.Implies(self._in(name, circumstances), equal[name]))
                    changed = True
            solver.pop()
        return found

    def _circumstances(self, name: str, model: Any) -> Circumstances:
        return tuple(z3.is_true(model.eval(fact, model_completion=True)) for fact in self._fact_terms[name])

    @cached_property
    def _bisimulation(self) -> Any:
        return self._relation(self.matters)

    @cached_property
    def is_bisimulation(self) -> bool:
        """The relation that forgets what does not matter is a bisimulation of the original with itself: proved."""
        solver = self._solver()
        solver.add(*self._holds, *within_bounds(STATE_VARIABLES.values(), self._t))
        solver.add(self._bisimulation, self._unlike(self._bisimulation))
        return bool(solver.check() == z3.unsat)

    def _agreement(self, name: str, circumstances: set[Circumstances]) -> Any:
        """The two states agree on a variable, if it matters in the first."""
        return z3.Implies(_or(*(self._in(name, each) for each in sorted(circumstances))), self._equal(name))

    def _in(self, name: str, circumstances: Circumstances) -> Any:
        """The first state is in these circumstances, as far as they are given."""
        facts = zip(self._fact_terms[name], circumstances, strict=False)
        return z3.And(*(fact if holds else z3.Not(fact) for fact, holds in facts))

    def _equal(self, name: str) -> Any:
        """The two states agree on a variable; a server that refused a handshake may as well await the first one."""
        if name != handshake.name:
            return self._s[name] == self._t[name]
        env = self._machine.setting_env
        here, there = (term(_STAGE, {**env, **state}) for state in (self._s, self._t))
        return here == there

    def _relation(self, matters: Matters) -> Any:
        """The two states agree on everything that matters in the first."""
        return z3.And(*(self._agreement(name, cubes) for name, cubes in matters.items() if cubes), z3.BoolVal(True))

    def _unlike(self, relation: Any) -> Any:
        """Some event shows a difference between the two states under the original rules, or leads to unrelated ones."""
        cases = [
            z3.And(self._s["peer_open" if kind.is_input else "tcp_open"], self._other_octets(kind))
            for kind in EventKind
        ]
        for kind in EventKind:
            left, right = self._left[kind], self._right[kind]
            differences = [
                *_differences(left.seen(left.rows), right.seen(right.rows)),
                *self._apart(left.groups(left.rows), right.groups(right.rows), relation),
            ]
            definitions = [*left.definitions(left.rows), *right.definitions(right.rows)]
            cases.append(z3.And(*self._same_octets(kind), *definitions, _or(*differences)))
        return _or(*cases)

    def _apart(self, left: Sequence[Group], right: Sequence[Group], relation: Any) -> Iterator[Any]:
        """Outcomes that look alike lead to states that are not related, or tell the application different codes."""
        for a, b in product(left, right):
            if a.label == b.label:
                told = z3.And(
                    a.after["peer_open"] != self._s["peer_open"], a.after["close_code"] != b.after["close_code"]
                )
                pairs = [(self._s[n], a.after[n]) for n in STATE_VARIABLES] + [
                    (self._t[n], b.after[n]) for n in b.after
                ]
                related = z3.substitute(relation, *pairs)
                yield z3.And(a.ever, b.ever, _or(z3.Not(related), told, a.after["tcp_open"] != b.after["tcp_open"]))

    def _same_octets(self, kind: EventKind) -> list[Any]:
        """One frame or head, as it is seen in either state."""
        if not kind.has_frame:
            return [self._machine.possible(kind, state, self._frame) for state in (self._s, self._t)]
        env_s = {**self._s, **self._frame}
        in_progress, automaton = (recv_type, recv_utf8) if kind is EventKind.RECEIVE else (send_type, send_utf8)
        text_s, text_t = self._s[in_progress.name] == TEXT, self._t[in_progress.name] == TEXT
        alike = z3.And(text_s == text_t, z3.Implies(text_s, self._s[automaton.name] == self._t[automaton.name]))
        same = _or(z3.Not(term(is_continuation, env_s)), alike)
        compressed = received_deflated if kind is EventKind.RECEIVE else sent_deflated
        both = term(compressed, env_s) == term(compressed, {**self._t, **self._frame})
        measured = z3.And(*(self._frame[name] == self._frame_t[name] for name in MEASURED))
        return [
            self._machine.possible(kind, self._s, self._frame),
            self._machine.possible(kind, self._t, self._frame_t),
            z3.Implies(z3.And(same, both), self._frame["utf8_next"] == self._frame_t["utf8_next"]),
            z3.Implies(both, measured),
        ]

    def _other_octets(self, kind: EventKind) -> Any:
        """An event of a kind is possible in one of the two states alone."""
        env = self._machine.setting_env
        return z3.Xor(*(term(opportunity(kind), {**env, **state}) for state in (self._s, self._t)))

    # --- mutants

    def about(self, rule_id: str, row: Rule | None) -> MutantProof:
        """The proofs about the rules with one row replaced (None: left out)."""
        return MutantProof(self, rule_id, row)

    def differences(self, rule_id: str, row: Rule | None, *, equal: bool = False) -> tuple[list[Any], list[Any]]:
        """The ways in which a mutant can differ at an event of the row's kind; and what ``legal`` means to it.

        With ``equal`` it differs as soon as two states are not equal, otherwise where they are not related.
        """
        old = self.rules.by_id[rule_id]
        right, changed = self._right[old.on], self._changed[old.on]
        if old.on not in self._known:
            self._known[old.on] = right.seen(right.rows), right.groups(right.rows)
        seen, groups = self._known[old.on]
        kept = [r for r in (r if r is not old else row for r in right.rows) if r is not None]
        concerned = {label_of(r) for r in (old, row) if r is not None}
        if any(r is not None and r.refuses for r in (old, row)):
            concerned |= {label_of(r) for r in right.rows if LEGAL.name in variables(r.when)}
            legal = changed.definitions(kept)
        else:
            legal = [a == b for a, b in zip(right.legal, changed.legal, strict=True)]
        differences = list(_differences(seen, changed.seen(kept, concerned), concerned))
        if row is not None and label_of(row) is not None:
            chosen = self._chosen(changed, kept, row)
            # Rows with the same effect lead to the same state: only others have to be compared.
            others = [g for g in groups if g.label == label_of(row) and g.effects != _effects_key(row)]
            relation = self._relation(_EVERYTHING) if equal else self._bisimulation
            apart = self._apart(others, [changed.group([row])], relation)
            differences += [z3.And(chosen, difference) for difference in apart]
        if old.refuses or (row is not None and row.refuses):
            # Rows for legal events can be enabled here and not there, beside others of the same label.
            mixed = _mixed_labels(kept) - {None}
            here = changed.groups([r for r in kept if label_of(r) in mixed])
            relation = self._relation(_EVERYTHING) if equal else self._bisimulation
            differences += self._apart([g for g in groups if g.label in mixed], here, relation)
        return differences, legal

    def impossible(self, kind: EventKind, terms: Sequence[Any], supposed: Iterable[Any] = ()) -> frozenset[Any] | None:
        """Whether no two related states and event of a kind satisfy the terms, with what is supposed beside them.

        If so, the suppositions on which this rests; None where something satisfies all, or the solver gave up. The last
        terms of a kind stay asserted, so that the same ones can be asked again with other suppositions.
        """
        solver = self._solver_for(kind)
        if self._asserted.get(kind) is not terms:
            if kind in self._asserted:
                solver.pop()
            solver.push()
            solver.add(*terms)
            self._asserted[kind] = terms
        return frozenset(solver.unsat_core()) if solver.check(*supposed) == z3.unsat else None

    @cached_property
    def same_state(self) -> Any:
        """Both are in one state."""
        return z3.And(*(self._s[name] == self._t[name] for name in STATE_VARIABLES))

    def fixed(self, setting: Setting) -> tuple[Any, ...]:
        """The setting is this one: a term for each of its variables, always the same one for the same value."""
        if setting not in self._settings:
            env = self._machine.setting_env
            self._settings[setting] = tuple(env[name] == literal(value) for name, value in setting.values.items())
        return self._settings[setting]

    def _chosen(self, side: SymbolicRows, rows: Sequence[Rule], row: Rule) -> Any:
        """The row is the first of its label: at the strictest level that allows the label, by the order of rows."""
        label = label_of(row)
        alike = [r for r in rows if label_of(r) == label]
        earlier = alike[: alike.index(row)]
        cases = []
        for n in range(len(LEVELS)):
            stricter = [side.when(r)[m] for r in alike for m in range(n)]
            cases.append(z3.And(side.when(row)[n], z3.Not(_or(*stricter, *(side.when(r)[n] for r in earlier)))))
        return _or(*cases)

    def _solver_for(self, kind: EventKind) -> Any:
        """A solver with two related states, one frame, and the original rules for it asserted."""
        if kind not in self._solvers:
            ground = self.ground
            solver = self._solver()
            right = self._right[kind]
            solver.add(*self._holds, *within_bounds(STATE_VARIABLES.values(), self._t))
            solver.add(self._relation(ground.matters), *self._same_octets(kind))
            solver.add(*right.definitions(right.rows))
            self._solvers[kind] = solver
        return self._solvers[kind]

    def _solver(self) -> Any:
        solver = z3.Solver()
        solver.set("timeout", MILLISECONDS)
        solver.add(self._machine.setting_bounds, *within_bounds(STATE_VARIABLES.values(), self._s))
        return solver


class MutantProof:
    """The proof about one mutant. Where nothing is proved, some state and event may show a difference.

    That state need not be reachable: no proof is not a proof of the contrary.
    """

    def __init__(self, prover: Prover, rule_id: str, row: Rule | None) -> None:
        self._prover: Final = prover
        self._rule_id: Final = rule_id
        self._row: Final = row
        self._kind: Final = prover.rules.by_id[rule_id].on
        differences, legal = prover.differences(rule_id, row)
        self._differs: Final = [*legal, _or(*differences)]
        self._none_under: Final[list[frozenset[Any]]] = []
        """For each proof, the values of the setting on which it rests."""
        self._under: Final[dict[Setting, bool]] = {}

    @cached_property
    def equivalent(self) -> bool:
        """No history under any setting tells the mutant from the original."""
        # Most that differ do so in one and the same state, where the question is easier.
        if self._prover.impossible(self._kind, self._differs, [self._prover.same_state]) is None:
            return False
        if self._prover.impossible(self._kind, self._differs) is not None:
            return True
        # A changed guard may read what the bisimulation forgets: perhaps the two are equivalent in equal states.
        differences, legal = self._prover.differences(self._rule_id, self._row, equal=True)
        terms = [*legal, _or(*differences), self._prover.same_state]
        return self._prover.impossible(self._kind, terms) is not None

    def equivalent_under(self, setting: Setting) -> bool:
        """No history under one setting does; a proof serves for all settings that have the values on which it rests."""
        if setting not in self._under:
            values = self._prover.fixed(setting)
            proved = any(proof.issubset(values) for proof in self._none_under)
            if not proved:
                proof = self._prover.impossible(self._kind, self._differs, values)
                proved = proof is not None
                if proof is not None:
                    self._none_under.append(proof)
            self._under[setting] = proved
        return self._under[setting]


def _differences(
    left: Mapping[tuple[object, ...], Any],
    right: Mapping[tuple[object, ...], Any],
    labels: Container[Label | None] | None = None,
) -> Iterator[Any]:
    """The conditions under which something is seen on one side alone; only of some labels, where they are given."""
    for key in dict.fromkeys([*left, *right]):
        if labels is None or key[0] == "due" or key[0] in labels:
            yield left.get(key, z3.BoolVal(False)) != right.get(key, z3.BoolVal(False))


def _or(*terms: Any) -> Any:
    """The disjunction of truth-valued terms: what z3.Or makes, without looking at each term first."""
    if not terms:
        return z3.BoolVal(False)
    context = z3.main_ctx()
    array = (z3.Ast * len(terms))(*(t.as_ast() for t in terms))
    return z3.BoolRef(z3.Z3_mk_or(context.ref(), len(terms), array), context)


def _mixed_labels(rows: Sequence[Rule]) -> set[Label | None]:
    """The labels that some rows give to legal events and others to any."""
    for_legal = {label_of(row) for row in rows if LEGAL.name in variables(row.when)}
    return for_legal & {label_of(row) for row in rows if LEGAL.name not in variables(row.when)}


def _implies(solver: Any, claim: Any) -> bool:
    """The claim follows from what the solver knows."""
    solver.push()
    solver.add(z3.Not(claim))
    answer = solver.check()
    solver.pop()
    return bool(answer == z3.unsat)


def _effects_key(row: Rule) -> tuple[object, ...]:
    return tuple(sorted((name, normal_key(effect)) for name, effect in row.then.effects.items()))


def _facts() -> Iterator[Expr]:
    """Simple facts about state and setting, of which invariants are made."""
    first = State()._asdict()
    yield from (server & ~established, ~server & ~established)
    yield tcp_open | sent_close | ~got_close
    for name, variable in {**STATE_VARIABLES, **_setting_facts()}.items():
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


def _setting_facts() -> dict[str, Var]:
    return {name: SETTING_VARIABLES[name] for name in ("server", "echo", "limit")}
