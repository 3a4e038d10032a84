"""Telling mutants from the original: a shortest distinguishing history, or a proof that there is none.

Within a world the search is breadth first over pairs of a state of the original and the state of the mutant after the
same history, so that what is found first is shortest. As long as both are in one state, only events of the changed
row's kind can tell them apart. Between worlds the nearest to the default comes first, and a further one only where it
saves steps (``WorldStart.cost``).

Rules of the data transfer are tried right after the opening handshake. Those of the handshake are tried from CONNECTING
on, and what they lead to beyond it; those that hold in both, and mention the handshake, are tried from both.

A mutant that no single event tells apart by default (for the handshake: none after one step) is given to the prover
(``equivalence``). Where the prover finds no proof for a world, the search goes on in that world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final, NamedTuple

from wsoracle.model.machine.interpreted import Label
from wsoracle.model.notation.expression import variables
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.rule import LEGAL, Rule, RuleSet
from wsoracle.model.notation.variables import CONNECTING, Event, EventKind, Setting, State
from wsoracle.model.rules import RULES

from .bisimulation import OF_DEFLATE
from .equivalence import Ground, MutantProof, Prover
from .observable import EventHistory, Outlook, alike, mutated, observe, witnessed
from .operators import Mutant, of_handshake
from .reachable_histories import Situation, Trial, World
from .world_starts import ESTABLISHED, WorldStart, starts, starts_with_two

LONGEST: Final = 4
"""Steps of a history before the last one, at most."""

MOST_PAIRS: Final = 400
"""Pairs of different states that are followed at each depth."""

MOST_TRIALS: Final = 600_000
"""Trials that are kept in all worlds together between two turns: about 250 MB."""

MOST_WORLDS: Final = 300
"""Worlds that are kept: all that differ from the default in one point, and some of the others."""

NEAR: Final = 2
"""Steps before the last one, where no more is tried before all starts had their turn."""

CHEAP: Final = 2
"""The cost of histories that are tried before a proof is sought: of one that is found, the proof would find nothing."""

FIRST_TRY: Final = {ESTABLISHED: 0, CONNECTING: 1}
"""Steps before the last one of the histories that are tried before a proof is sought, by where they begin."""

MOST_TELLING: Final = 6
"""Events for which a row is enabled, tried in all states."""


class MutantStatus(StrEnum):
    """The status of a mutant; ALIVE: neither told apart nor proved equivalent."""

    KILLED = "killed"
    EQUIVALENT = "equivalent"
    ALIVE = "alive"


@dataclass(frozen=True)
class Scenario:
    """A history from a start: the steps with their chosen outcomes, and a last step, which is judged."""

    start: WorldStart
    history: EventHistory


@dataclass(frozen=True)
class MutantResult:
    """The result of a mutant, by its id; ``scenario`` tells it apart where it is killed."""

    mutant: str
    status: MutantStatus
    scenario: Scenario | None = None


class Distinguisher:
    """Searches and proofs for the mutants of one rule set; what they share is computed once."""

    def __init__(self, rules: RuleSet = RULES) -> None:
        self.rules: Final = rules
        self._starts: Final = {first: starts(first) for first in FIRST_TRY}
        self._worlds: Final[dict[WorldStart, World]] = {}
        self._prover: Prover | None = None

    @property
    def prover(self) -> Prover:
        """The prover, with its invariant and its bisimulation."""
        if self._prover is None:
            self._prover = Prover(self.rules, self._samples())
        return self._prover

    def take(self, ground: Ground) -> None:
        """Take what was proved once about these rules by another process, unless it was proved here already."""
        if self._prover is None:
            self._prover = Prover(self.rules, ground=ground)

    def world(self, start: WorldStart) -> World:
        """The world of a start, shared by all searches."""
        if start not in self._worlds:
            self._worlds[start] = World(start, self.rules)
        return self._worlds[start]

    def find(self, mutant: Mutant) -> MutantResult:
        """The result of one mutant."""
        scenario = self.soon(mutant)
        if scenario is not None:
            return MutantResult(mutant.id, MutantStatus.KILLED, scenario)
        usual, others = self._where(mutant)
        concerned = self._concerned(mutant)
        near, near_others = (
            [start for first in firsts for start in self._starts[first] if start.points <= concerned]
            for firsts in (usual, others)
        )
        agreed = [start for start in near if start.agreed] if self._about_deflate(mutant) else []
        searches: dict[WorldStart, _Search] = {}
        # A proof costs more than what is tried first in any case.
        scenario = self._cheapest(mutant, agreed or near, NEAR, searches=searches, most=CHEAP)
        if scenario is not None:
            return MutantResult(mutant.id, MutantStatus.KILLED, scenario)
        proof = self.prover.about(mutant.rule, mutant.row)
        if proof.equivalent:
            return MutantResult(mutant.id, MutantStatus.EQUIVALENT)
        far = [start for first in (*usual, *others) for start in starts_with_two(concerned, first)]
        # What is seen at once elsewhere, or of an odder head, is found before the search goes far where it is usual.
        scenario = (
            self._cheapest(mutant, agreed, LONGEST - 1, proof, searches)
            or self._cheapest(mutant, near, NEAR, proof, searches)
            or self._cheapest(mutant, near_others, 1, proof, searches)
            or self._in_pairs(mutant, near, proof)
            or self._cheapest(mutant, near, LONGEST, proof, searches)
            or self._cheapest(mutant, near_others, LONGEST, proof, searches)
            or self._cheapest(mutant, far, LONGEST, proof, searches)
            or self._in_pairs(mutant, far, proof)
        )
        return MutantResult(mutant.id, MutantStatus.ALIVE if scenario is None else MutantStatus.KILLED, scenario)

    def soon(self, mutant: Mutant, longest: int = 0) -> Scenario | None:
        """A shortest history under the default setting, among those that are tried before a proof is sought.

        ``longest``: how many steps before the last one are tried at least.
        """
        for first in self._where(mutant)[0]:
            plain = [start for start in self._starts[first] if start.cost == 0]
            scenario = self._cheapest(mutant, plain, max(FIRST_TRY[first], longest))
            if scenario is not None:
                return scenario
        return None

    def near(self, mutant: Mutant, longest: int) -> Scenario | None:
        """A cheapest history under settings that differ in one point that the mutant is about; no proof is sought."""
        concerned = self._concerned(mutant)
        for first in self._where(mutant)[0]:
            starts_near = [start for start in self._starts[first] if start.points <= concerned]
            scenario = self._cheapest(mutant, starts_near, longest)
            if scenario is not None:
                return scenario
        return None

    def _about_deflate(self, mutant: Mutant) -> bool:
        """Whether the row or its change reads what was agreed on for compressed messages, or nothing but what is
        remembered of these is set in another way: it is tried there first."""
        rows = self._rows(mutant)
        different = _set_otherwise(rows)
        return any(OF_DEFLATE & _names(row) for row in rows) or (bool(different) and different <= OF_DEFLATE)

    def _rows(self, mutant: Mutant) -> list[Rule]:
        """The row before and after the change; or before it alone, where it was dropped."""
        return [row for row in (self.rules.by_id[mutant.rule], mutant.row) if row is not None]

    def _in_pairs(self, mutant: Mutant, where: Sequence[WorldStart], proof: MutantProof) -> Scenario | None:
        """A short history with a head that differs from a sound one, or from a bare one, in two points."""
        facts = self.rules.by_id[mutant.rule].on.facts
        for start in where if facts in (RequestFacts, ResponseFacts) else ():
            if start.departing or proof.equivalent_under(start.setting):
                continue
            history = _Search(self.world(start), mutant).in_pairs(FIRST_TRY[CONNECTING])
            if history is not None:
                return Scenario(start, history)
        return None

    def _where(self, mutant: Mutant) -> tuple[Sequence[State], Sequence[State]]:
        """Where histories that may tell the mutant apart begin, and where else they might."""
        rows = self._rows(mutant)
        if of_handshake(rows[0]):
            return (CONNECTING,), ()
        if any("handshake" in _names(row) for row in rows):
            return (ESTABLISHED, CONNECTING), ()
        return (ESTABLISHED,), (CONNECTING,)

    def _cheapest(
        self,
        mutant: Mutant,
        where: Sequence[WorldStart],
        longest: int,
        proof: MutantProof | None = None,
        searches: dict[WorldStart, _Search] | None = None,
        most: int | None = None,
    ) -> Scenario | None:
        """The cheapest history that tells the mutant apart: steps before the last one, and what the start costs.

        ``searches`` are gone on with where they stand; nothing is tried that costs more than ``most``.
        """
        known = {} if searches is None else searches
        turns = [
            (start.cost + depth, place, start)
            for place, start in enumerate(where)
            for depth in range(longest + 1)
            if most is None or start.cost + depth <= most
        ]
        for cost, _, start in sorted(turns, key=lambda turn: turn[:2]):
            if proof is None or not proof.equivalent_under(start.setting):
                if start not in known:
                    known[start] = _Search(self.world(start), mutant)
                if known[start].depth <= cost - start.cost:
                    history = known[start].deeper()
                    self._forget(known[start].world)
                    if history is not None:
                        return Scenario(start, history)
        return None

    def _forget(self, used: World) -> None:
        """Keep no more than there is room for; what was used last is forgotten last."""
        self._worlds.pop(used.start, None)
        self._worlds[used.start] = used
        kept = sum(world.kept for world in self._worlds.values())
        for world in list(self._worlds.values()):
            is_one_too_many = len(self._worlds) > MOST_WORLDS
            if kept > MOST_TRIALS or is_one_too_many:
                kept -= world.forget()
            if is_one_too_many:
                del self._worlds[world.start]

    def _concerned(self, mutant: Mutant) -> set[str]:
        """The variables that the mutant is about.

        That is what the row mentions, before or after the change, and what those rows mention that read or set a
        variable which it sets differently; and whether there are an echo and a limit.
        """
        rows = self._rows(mutant)
        mentioned = {"echo", "limit", "willing"}.union(*(_names(row) for row in rows))
        different = _set_otherwise(rows)
        if len({LEGAL.name in _names(row) for row in rows}) == 2:
            mentioned = mentioned.union(*(_names(row) for row in self.rules.of(rows[0].on) if row.refuses))
        mentioned = mentioned.union(*(_names(row) for row in self.rules if different & _names(row)))
        return mentioned | {"recv_window", "recv_takeover", "claims_rsv1"} if mentioned & OF_DEFLATE else mentioned

    def find_all(
        self, mutants: Iterable[Mutant], progress: Callable[[MutantResult], None] | None = None
    ) -> list[MutantResult]:
        """The result of each mutant, in their order; ``progress`` is called after each."""
        found = []
        for mutant in mutants:
            found.append(self.find(mutant))
            if progress is not None:
                progress(found[-1])
        return found

    def _samples(self) -> Iterator[tuple[Setting, State]]:
        """Some reachable states, departures included: whatever holds in all of them may be an invariant."""
        for start in (start for near in self._starts.values() for start in near):
            if start.departing and start.points <= {"limit"}:
                world = self.world(start)
                for depth in range(3):
                    yield from ((start.setting, here.state) for here in world.layer(depth))


def _set_otherwise(rows: Sequence[Rule]) -> set[str]:
    """The variables that the first and the last of some rows set in different ways."""
    set_by = [{name: effect.key() for name, effect in row.then.effects.items()} for row in rows]
    return {name for name, _ in set_by[0].items() ^ set_by[-1].items()}


def _names(row: Rule) -> frozenset[str]:
    """The variables that a row mentions. Asked of all rows for each mutant; a row has no equality to look it up by."""
    known = _NAMES.get(id(row))
    if known is None:
        expressions = (row.when, *row.then.effects.values())
        known = _NAMES[id(row)] = row, frozenset(name for e in expressions for name in variables(e))
    return known[1]


_NAMES: Final[dict[int, tuple[Rule, frozenset[str]]]] = {}
"""By identity; the row is kept beside its names, lest its identity be given away."""


def search(world: World, mutant: Mutant, longest: int = LONGEST) -> EventHistory | None:
    """A shortest history in a world, of a bounded number of steps and a last one, on which the mutant differs."""
    searching = _Search(world, mutant)
    return next((history for _ in range(longest + 1) if (history := searching.deeper()) is not None), None)


class _Pair(NamedTuple):
    """A situation of the original, and a different state of the mutant after the same history."""

    here: Situation
    mutant: State
    history: EventHistory


class _Search:
    """A search in one world, one step deeper with each call."""

    def __init__(self, world: World, mutant: Mutant) -> None:
        self.world: Final = world
        self._machine: Final = mutated(world.machine, mutant)
        self._seen: Final[set[tuple[State, State, bool]]] = set()
        self.depth = 0
        """How many steps before the last one the next histories have."""
        self._pairs: list[_Pair] = []
        self._next: list[_Pair] = []
        self._telling: Final = self._events_for_the_row()

    def deeper(self) -> EventHistory | None:
        """A history that is one step longer than any tried before, if one tells the mutant apart."""
        # Pairs of states first: they are few, and most that can be told apart are so in them.
        self._next = []
        for pair in self._pairs:
            if (found := self._in_two_states(pair)) is not None:
                return found
        further, self._next = self._next, []
        layer = self.world.layer(self.depth)
        self.depth += 1
        for here in layer:
            if (found := self._in_one_state(here, self._trials(here.state))) is not None:
                return found
        self._pairs = [*self._next, *further][:MOST_PAIRS]
        return None

    def in_pairs(self, longest: int) -> EventHistory | None:
        """A history of a bounded number of steps and a head that differs from a sound or bare one in two points.

        Or one that is a step longer, where such a head leads to different states.
        """
        for here in (here for depth in range(longest + 1) for here in self.world.layer(depth)):
            if (found := self._in_one_state(here, self.world.pairs(here.state, self._machine.kind))) is not None:
                return found
        found_after = (self._in_two_states(pair) for pair in self._next[:MOST_PAIRS])
        return next((found for found in found_after if found is not None), None)

    def _events_for_the_row(self) -> list[Event]:
        """Some events for which the row is enabled in the first state, if it ever is: to be tried in all others too."""
        trials = self.world.trials(self.world.start.state, self._machine.kind)
        found = (t.event for t in trials if t.event.facts is not None and self._machine.enables(t.masks))
        return list(islice(found, MOST_TELLING))

    def _trials(self, state: State) -> Iterator[Trial]:
        """What is tried in a state that both are in."""
        yield from self.world.trials(state, self._machine.kind)
        if self.depth > 1:
            again = (self.world.again(event, state) for event in self._telling)
            yield from (trial for trial in again if trial is not None)

    def _in_one_state(self, here: Situation, trials: Iterable[Trial]) -> EventHistory | None:
        machine, state = self._machine, here.state
        if (here.ended and machine.kind.is_input) or machine.is_idle(state):
            return None
        for trial in machine.touched(state, trials):
            masks = machine.changed(trial.masks, state, trial.event.facts)
            if masks == trial.masks and machine.reacts_alike(masks):
                continue
            expected, after = observe(machine, state, trial.event, masks)
            if expected != trial.expected:
                return (*self.world.history(here), trial.step(state))
            self._follow(trial, after, here, lambda: self.world.history(here))
        return None

    def _in_two_states(self, pair: _Pair) -> EventHistory | None:
        here, there = pair.here, Outlook(self._machine, pair.mutant)
        for kind in EventKind:
            for trial in self.world.trials_in(here, kind):
                step = trial.step(here.state)
                expected, after = witnessed(there, step)
                if expected != trial.expected:
                    return (*pair.history, step)
                self._follow(trial, after, here, lambda: pair.history)
        return None

    def _follow(
        self, trial: Trial, after: dict[Label, State], here: Situation, history: Callable[[], EventHistory]
    ) -> None:
        over = here.ended or trial.ends_input
        for label in self.world.steps_on(trial):
            then = trial.after[label]
            other = alike(after, label, then)
            if other is None or then == other:
                continue
            key = (*self.world.essence(then, other), over)
            if key not in self._seen:
                self._seen.add(key)
                step = trial.step(here.state, label)
                self._next.append(_Pair(Situation(then, over), other, (*history(), step)))
