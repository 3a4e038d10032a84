"""The suite that kills every mutant, reduced by set cover; and what Autobahn's sequences would kill.

Theory of operation. Each mutant is told apart by a shortest history, or proved equivalent (``distinguish``). These
histories and the witnesses of the rules are the candidates; which mutant is killed by which candidate is a matrix, of
which the greedy algorithm for set cover (Chvatal 1979) takes the candidate that kills most of what is left, until
nothing is; what became superfluous is dropped. A history that octets can bring about goes before one that they cannot.
The same mutants give the same suite.

Autobahn begins after the opening handshake: its score over all mutants is therefore given beside that over
those of the data transfer and the closing handshake alone, which is what it can be held to.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import repeat
from operator import or_
from pathlib import Path
from typing import Any, Final

from wsoracle.model.notation.rule import Level
from wsoracle.model.rules import RULES

from ..cases.build import build_case
from ..cases.case import Case
from ..cases.origin import Origin
from ..cases.realised_history import CaseHistory
from ..jobs import JOBS
from ..mutants.distinguish import Distinguisher, MutantResult, MutantStatus, Scenario
from ..mutants.equivalence import Ground
from ..mutants.killed import kills
from ..mutants.observable import step_at
from ..mutants.operators import Mutant, mutants, mutants_by_id, of_handshake
from ..mutants.world_starts import WorldStart
from ..workers import process_pool
from .autobahn_sequences import autobahn_sequences
from .witness_cases import witness_cases
from .witnesses import Unreached, Witness, all_witnesses

BATCH: Final = 64
"""Mutants that a process takes at a time."""

WITNESS: Final = "witness"
"""The beginning of the ids of cases that are witnesses of rules."""

OnStep = Callable[[str, int, int], None]


@dataclass(frozen=True)
class MutationResult:
    """All that is known of the mutants: what became of each, the suite by case id, and which cases kill it."""

    mutants: tuple[Mutant, ...]
    found: Mapping[str, MutantResult]
    suite: Mapping[str, Scenario]
    killed_by: Mapping[str, tuple[str, ...]]
    autobahn_score: float | None
    """Autobahn's score over all mutants, those of the opening handshake included; None without its data."""
    autobahn_data_score: float | None
    """Autobahn's score over the mutants of the data transfer and the closing handshake, as in groups 1 to 7."""

    @property
    def autobahn_in_words(self) -> str:
        """Autobahn's two scores in words: over all mutants, and over those that its groups are about."""
        if self.autobahn_score is None or self.autobahn_data_score is None:
            return "its data is not here (--autobahn-cases FILE)"
        return f"{self.autobahn_score:.1%} of all, {self.autobahn_data_score:.1%} without the opening handshake"

    @property
    def score(self) -> float:
        """The share of the mutants that are not equivalent which the suite kills."""
        return _score(self.found.values(), {m for m, cases in self.killed_by.items() if cases})

    def to_json(self) -> dict[str, Any]:
        """The report of ``wsoracle mutants --json``."""
        rows = [
            {
                "id": mutant.id,
                "rule": mutant.rule,
                "change": mutant.change,
                "status": self.found[mutant.id].status.value,
                "killed_by": list(self.killed_by[mutant.id]),
            }
            for mutant in self.mutants
        ]
        return {
            "mutants": rows,
            "suite": list(self.suite),
            "score": self.score,
            "established_suite_score": self.autobahn_score,
            "established_suite_score_data_transfer": self.autobahn_data_score,
        }


def _score(found: Iterable[MutantResult], killed: set[str]) -> float:
    counting = [f.mutant for f in found if f.status is not MutantStatus.EQUIVALENT]
    return sum(1 for mutant in counting if mutant in killed) / len(counting) if counting else 1.0


# --- finding, in several processes ----------------------------------------------------------------------------------


def _find(ids: Sequence[str], ground: Ground | None = None) -> list[MutantResult]:
    """The results of some mutants."""
    distinguisher = _distinguisher()
    if ground is not None:
        distinguisher.take(ground)
    return [distinguisher.find(mutants_by_id()[name]) for name in ids]


@lru_cache(maxsize=1)
def _distinguisher() -> Distinguisher:
    """Each process keeps what it has explored for the next mutants."""
    return Distinguisher()


def _ground() -> Ground:
    return _distinguisher().prover.ground


def begin(pool: Executor) -> Future[Ground]:
    """Have a pool prove what all proofs about mutants rest on: once, for all of its processes."""
    return pool.submit(_ground)


def _batches(wanted: Sequence[Mutant]) -> list[list[str]]:
    return [[m.id for m in wanted[i : i + BATCH]] for i in range(0, len(wanted), BATCH)]


def find_all(
    wanted: Sequence[Mutant], step: OnStep | None = None, results: Iterable[list[MutantResult]] | None = None
) -> dict[str, MutantResult]:
    """The result of each mutant, by its id, in their order; ``results`` are those that come from other processes."""
    found: dict[str, MutantResult] = {}
    for batch in map(_find, _batches(wanted)) if results is None else results:
        found.update((f.mutant, f) for f in batch)
        _tell(step, "mutants", len(found), len(wanted))
    return found


def _tell(step: OnStep | None, what: str, done: int, total: int) -> None:
    if step is not None:
        step(what, done, total)


# --- the matrix and the cover ---------------------------------------------------------------------------------------


def cover(kill_sets: Mapping[str, frozenset[str]], last: Container[str] = ()) -> list[str]:
    """A small set of candidates that kills all that any kills: greedy, then without what is superfluous.

    Among equals the first candidate is taken; those in ``last`` only for what no other kills.
    """
    number = {mutant: at for at, mutant in enumerate(set().union(*kill_sets.values()))}
    killed = {name: sum(1 << number[mutant] for mutant in ids) for name, ids in kill_sets.items()}
    chosen: list[str] = []
    left = (1 << len(number)) - 1
    for turn in ([n for n in kill_sets if n not in last], [n for n in kill_sets if n in last]):
        while turn:
            best = max(turn, key=lambda name: (killed[name] & left).bit_count())
            if not killed[best] & left:
                break
            chosen.append(best)
            left &= ~killed[best]
    for name in sorted(chosen, key=lambda name: name not in last):
        others = reduce(or_, (killed[other] for other in chosen if other != name), 0)
        if not killed[name] & ~others:
            chosen.remove(name)
    return sorted(chosen)


def analyse(
    wanted: Sequence[Mutant] | None = None, data: Path | None = None, step: OnStep | None = None, jobs: int = JOBS
) -> MutationResult:
    """Tell all mutants apart, choose the suite, and score it and Autobahn (None where ``data`` is absent).

    ``step`` is told of the progress.
    """
    every = tuple(mutants() if wanted is None else wanted)
    if jobs == 1 or len(every) <= BATCH:
        return _analysed(every, find_all(every, step), data, step, None)
    with process_pool(jobs) as pool:
        return finish(pool, every, begin(pool), data, step)


def finish(
    pool: Executor,
    every: tuple[Mutant, ...],
    ground: Future[Ground],
    data: Path | None = None,
    step: OnStep | None = None,
) -> MutationResult:
    """The result of :func:`analyse`, by the processes of a pool; ``ground`` is what :func:`begin` gave."""
    # The other processes look for mutants, and this one would only wait. (The solver is not for two threads of one
    # process: where this one looks for mutants itself, the witnesses wait.)
    with ThreadPoolExecutor(max_workers=1) as beside:
        beside.submit(_witness_stories)
        found = find_all(every, step, pool.map(_find, _batches(every), repeat(ground.result())))
    return _analysed(every, found, data, step, pool)


def _analysed(
    every: tuple[Mutant, ...],
    found: Mapping[str, MutantResult],
    data: Path | None,
    step: OnStep | None,
    pool: Executor | None,
) -> MutationResult:
    """The suite and the scores, from what became of each mutant."""
    live = [m for m in every if found[m.id].status is not MutantStatus.EQUIVALENT]
    candidates = _candidates(live, found)
    kill_sets = _kill_sets(candidates, live, step, pool)
    unwritten = {name for name, scenario in candidates.items() if isinstance(_story(name, scenario), str)}
    suite = cover(kill_sets, unwritten)
    killed_by = {m.id: tuple(name for name in suite if m.id in kill_sets[name]) for m in every}
    beaten = None
    if data is not None and data.exists():
        sets = _kill_sets(autobahn_sequences(data), live, step, pool, "Autobahn", each=False)
        beaten = set[str]().union(*sets.values())
    scores = [
        None if beaten is None else _score((found[m.id] for m in counted), beaten)
        for counted in (every, [m for m in every if not of_handshake(RULES.by_id[m.rule])])
    ]
    return MutationResult(every, found, {name: candidates[name] for name in suite}, killed_by, *scores)


def _kill_sets(
    scenarios: Mapping[str, Scenario],
    live: Sequence[Mutant],
    step: OnStep | None,
    pool: Executor | None,
    what: str = "matrix",
    *,
    each: bool = True,
) -> dict[str, frozenset[str]]:
    """Which of the mutants each history kills; or, not ``each``, what it kills that those before it do not.

    Histories of one start are told to one process.
    """
    by_start: dict[str, list[str]] = {}
    for name, scenario in scenarios.items():
        by_start.setdefault(scenario.start.name, []).append(name)
    ids = tuple(m.id for m in live)
    tasks = [([scenarios[name] for name in names], ids, each) for names in by_start.values()]
    found: dict[str, frozenset[str]] = dict.fromkeys(scenarios, frozenset())
    done = 0
    results = map(_killed, tasks) if pool is None else pool.map(_killed, tasks)
    for names, sets in zip(by_start.values(), results, strict=True):
        found.update(zip(names, sets, strict=True))
        done += len(names)
        _tell(step, what, done, len(scenarios))
    return found


def _killed(task: tuple[Sequence[Scenario], Sequence[str], bool]) -> list[frozenset[str]]:
    """The mutants, among those with these ids, that each of some histories of one start kills."""
    scenarios, ids, each = task
    found: list[frozenset[str]] = []
    before: set[str] = set()
    for killed in kills(scenarios, [mutants_by_id()[name] for name in ids]):
        found.append(frozenset(killed - before))
        before |= set() if each else killed
    return found


def _candidates(live: Iterable[Mutant], found: Mapping[str, MutantResult]) -> dict[str, Scenario]:
    """The histories of which the suite is made, each once, by case id: witnesses of rules, then killers of mutants."""
    named: dict[Scenario, str] = {}
    for (rule_id, role), witness in all_witnesses().items():
        if not isinstance(witness, Unreached):
            named.setdefault(scenario_of(witness), f"{WITNESS}/{rule_id}/{role}")
    for mutant in live:
        scenario = found[mutant.id].scenario
        if scenario is not None:
            named.setdefault(scenario, f"mutant/{mutant.id}/{scenario.start.setting.role}")
    return {name: scenario for scenario, name in named.items()}


def scenario_of(witness: Witness) -> Scenario:
    """The witness of a rule as a history of the model."""
    steps = [step_at(step.source, step.event, step.label) for step in witness.path]
    departing = witness.level is not Level.FULL
    start = WorldStart(witness.setting, witness.start.state, departing)
    return Scenario(start, (*steps, step_at(witness.state, witness.event)))


def suite_cases(result: MutationResult) -> tuple[list[Case], dict[str, str]]:
    """The suite as cases, with their controls; and for what cannot be one the reason, by id."""
    cases: dict[str, Case] = {}
    left: dict[str, str] = {}
    for name, scenario in result.suite.items():
        made = _story(name, scenario)
        if isinstance(made, str):
            left[name] = made
        else:
            cases.update((case.id, case) for case in made)
    return [cases[name] for name in sorted(cases)], left


def _story(name: str, scenario: Scenario) -> list[Case] | str:
    """The case of a candidate and its control; or the reason why octets cannot bring it about."""
    if name.startswith(f"{WITNESS}/"):
        return _witness_case(name)
    mutant_id = name.removeprefix("mutant/").rpartition("/")[0]
    mutant = mutants_by_id()[mutant_id]
    path = tuple((step.event, step.label) for step in scenario.history[:-1] if step.label is not None)
    last = scenario.history[-1].event
    story = CaseHistory(scenario.start.setting, last, path, scenario.start.state)
    title = f"Tells apart {mutant.rule}, {mutant.change}"
    try:
        return build_case(name, Origin("mutant", mutant=mutant_id), title, story)
    except ValueError as error:
        return str(error)


def _witness_case(name: str) -> list[Case] | str:
    by_id, left = _witness_stories()
    if name not in by_id:
        return left.get(name) or left[""]
    return [by_id[n] for n in (by_id[name].control, name) if n is not None]


@lru_cache(maxsize=1)
def _witness_stories() -> tuple[dict[str, Case], dict[str, str]]:
    """The cases of the witnesses, and by id why a witness is not a case; under "" why none could be built."""
    try:
        cases, left = witness_cases()
    except ValueError as error:
        return {}, {"": f"no case of a witness could be built: {error}"}
    return {case.id: case for case in cases}, {one.id: one.why for one in left}
