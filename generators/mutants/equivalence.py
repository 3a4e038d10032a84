"""Proofs that a mutant is equivalent: no history under any setting, however long, tells it from the original.

Theory of operation. All proofs are Z3 queries over symbolic states, frames and settings, and rest on two things that
are found automatically and then proved, once for all mutants: an inductive invariant of the original rules
(``invariant``), and a bisimulation of the original with itself that forgets what no longer matters (``bisimulation``).

A mutant differs from the original in one row, hence at one kind of event. It is equivalent if in every state related to
one that satisfies the invariant, at every event of that kind, both rule sets show the same (see ``expectation``: labels
with their levels, what the application is told, what is owed) and lead to related states. For then the bisimulation
relates the runs of the original to those of the mutant, step by step.

Both begin in one state: CONNECTING, or the state right after an opening handshake with any claims of extensions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import z3

from wsoracle.model.machine.interpreted import LEVELS, Label
from wsoracle.model.machine.symbolic import literal
from wsoracle.model.notation.expression import variables
from wsoracle.model.notation.rule import LEGAL, Rule, RuleSet
from wsoracle.model.notation.variables import STATE_VARIABLES, EventKind, Setting, State

from .bisimulation import EVERYTHING, Bisimulation, Matters
from .invariant import Clause, find_invariant, implication
from .symbolic_rows import Group, SymbolicRows, TwoSides, differences_between, effects_key, either_of, label_of


@dataclass(frozen=True)
class Ground:
    """What is proved once about the original rules, and serves all proofs about mutants: also in other processes.

    It is made by :attr:`Prover.ground` alone, which proves it.
    """

    invariant: list[Clause]
    matters: Matters


class Prover:
    """Everything that is proved once about the original rules, and the proofs about its mutants.

    ``samples`` are some reachable (setting, state) pairs: candidates for the invariant must hold in them. Where the
    ``ground`` was proved already, it is taken as it is.
    """

    def __init__(
        self, rules: RuleSet, samples: Iterable[tuple[Setting, State]] = (), ground: Ground | None = None
    ) -> None:
        self.rules: Final = rules
        self._samples: Final = samples
        self._ground: Final = ground
        self._sides: Final = TwoSides(rules)
        self._solvers: Final[dict[EventKind, Any]] = {}
        self._asserted: Final[dict[EventKind, Sequence[Any]]] = {}
        self._settings: Final[dict[Setting, tuple[Any, ...]]] = {}
        self._known: Final[dict[EventKind, tuple[dict[tuple[object, ...], Any], list[Group]]]] = {}

    @property
    def ground(self) -> Ground:
        """What is proved once. Raises :class:`AssertionError` where the relation is no bisimulation."""
        if self._ground is not None:
            return self._ground
        if not self.bisimulation.is_proved:
            raise AssertionError("what the prover forgets does matter: its relation is no bisimulation")
        return Ground(self.invariant, self.bisimulation.matters)

    @cached_property
    def invariant(self) -> list[Clause]:
        """Implications between facts of state and setting that hold in every reachable state, departures included."""
        return find_invariant(self._sides, self._samples) if self._ground is None else self._ground.invariant

    @cached_property
    def bisimulation(self) -> Bisimulation:
        """The relation that forgets what does not matter."""
        holds = [implication(self._sides, clause, self._sides.s) for clause in self.invariant]
        return Bisimulation(self._sides, holds, None if self._ground is None else self._ground.matters)

    def about(self, rule_id: str, row: Rule | None) -> MutantProof:
        """The proofs about the rules with one row replaced (None: left out)."""
        return MutantProof(self, rule_id, row)

    def differences(self, rule_id: str, row: Rule | None, *, equal: bool = False) -> tuple[list[Any], list[Any]]:
        """The ways in which a mutant can differ at an event of the row's kind; and what ``legal`` means to it.

        With ``equal`` it differs as soon as two states are not equal, otherwise where they are not related.
        """
        old = self.rules.by_id[rule_id]
        relation = self._equality if equal else self.bisimulation.relation
        right, changed = self._sides.right[old.on], self._sides.changed[old.on]
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
        differences = list(differences_between(seen, changed.seen(kept, concerned), concerned))
        if row is not None and label_of(row) is not None:
            chosen = self._chosen(changed, kept, row)
            # Rows with the same effect lead to the same state: only others have to be compared.
            others = [g for g in groups if g.label == label_of(row) and g.effects != effects_key(row)]
            apart = self.bisimulation.apart(others, [changed.group([row])], relation)
            differences += [z3.And(chosen, difference) for difference in apart]
        if old.refuses or (row is not None and row.refuses):
            # Rows for legal events can be enabled here and not there, beside others of the same label.
            mixed = _mixed_labels(kept) - {None}
            here = changed.groups([r for r in kept if label_of(r) in mixed])
            differences += self.bisimulation.apart([g for g in groups if g.label in mixed], here, relation)
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
    def _equality(self) -> Any:
        return self.bisimulation.agreeing_on(EVERYTHING)

    @cached_property
    def same_state(self) -> Any:
        """Both are in one state."""
        return z3.And(*(self._sides.s[name] == self._sides.t[name] for name in STATE_VARIABLES))

    def fixed(self, setting: Setting) -> tuple[Any, ...]:
        """The setting is this one: a term for each of its variables, always the same one for the same value."""
        if setting not in self._settings:
            env = self._sides.machine.setting_env
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
            cases.append(z3.And(side.when(row)[n], z3.Not(either_of(*stricter, *(side.when(r)[n] for r in earlier)))))
        return either_of(*cases)

    def _solver_for(self, kind: EventKind) -> Any:
        """A solver with two related states, one frame, and the original rules for it asserted."""
        if kind not in self._solvers:
            solver = self.bisimulation.solver()
            right = self._sides.right[kind]
            solver.add(self.bisimulation.relation, *self.bisimulation.same_octets(kind))
            solver.add(*right.definitions(right.rows))
            self._solvers[kind] = solver
        return self._solvers[kind]


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
        self._differs: Final = [*legal, either_of(*differences)]
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
        terms = [*legal, either_of(*differences), self._prover.same_state]
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


def _mixed_labels(rows: Sequence[Rule]) -> set[Label | None]:
    """The labels that some rows give to legal events and others to any."""
    for_legal = {label_of(row) for row in rows if LEGAL.name in variables(row.when)}
    return for_legal & {label_of(row) for row in rows if LEGAL.name not in variables(row.when)}
