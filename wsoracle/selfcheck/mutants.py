"""Every mutant of the rules as an endpoint: the judge has to accuse it on the history that kills it.

A mutant that only takes freedom away has an endpoint that conforms. What remains is accused, or the exhaustive search
shows that no observer could have told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wsoracle.generators.drawn_endpoints.mutant_endpoint import CannotReplayError, from_the_request, mutant_traces
from wsoracle.generators.mutants.distinguish import MutantResult, MutantStatus, Scenario
from wsoracle.generators.mutants.operators import Mutant, mutants
from wsoracle.generators.suite.suite import BATCH, find_all
from wsoracle.properties.exhaustive.explanations import TooManyPlacesError, explained
from wsoracle.properties.exhaustive.place import Whereabouts
from wsoracle.properties.judge.judge import EVERYTHING, Application, judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import Observation
from wsoracle.properties.judge.openings import NOT_JUDGED
from wsoracle.properties.judge.verdict import Verdict
from wsoracle.properties.traces.recorded import Recorded

from ..text.output import OnStep


class MutantWorth(StrEnum):
    """What became of a mutant as an endpoint."""

    ACCUSED = "accused"
    CONFORMS = "conforms: it only takes freedom away"
    CANNOT_BE_TOLD = "cannot be told from outside"
    CANNOT_BE_RUN = "no octets bring its history about"
    NOT_JUDGED = "not judged, and said to be so"
    OVERLOOKED = "overlooked"


@dataclass(frozen=True, slots=True)
class MutantRun:
    """A mutant that was run: what the judge said of it, and the trace of which it said so."""

    mutant: str
    worth: MutantWorth
    recorded: Recorded | None = None
    judgement: Judgement | None = None
    why: str = ""


def run_all(pool: Executor, step: OnStep) -> list[MutantRun]:
    """Find the history that kills each mutant of the rules, and run those that are not equivalent."""
    every = mutants()
    done: list[MutantRun] = []
    seen = 0
    for found in pool.map(_run_batch, batched([mutant.id for mutant in every])):
        done += found
        seen = min(seen + BATCH, len(every))
        step("mutants as endpoints", seen, len(every))
    return done


def batched(ids: Sequence[str]) -> list[list[str]]:
    """Ids in batches, each the work of one process."""
    return [list(ids[first : first + BATCH]) for first in range(0, len(ids), BATCH)]


def _run_batch(ids: Sequence[str]) -> list[MutantRun]:
    chosen = set(ids)
    wanted = [mutant for mutant in mutants() if mutant.id in chosen]
    return run_mutants(wanted, find_all(wanted).values())


def run_mutants(wanted: Iterable[Mutant], found: Iterable[MutantResult]) -> list[MutantRun]:
    """Run each mutant that is not equivalent on the history that kills it."""
    by_id = {mutant.id: mutant for mutant in wanted}
    return [
        run_mutant(by_id[one.mutant], one.scenario)
        for one in found
        if one.status is MutantStatus.KILLED and one.scenario is not None
    ]


def run_mutant(mutant: Mutant, scenario: Scenario) -> MutantRun:
    """Run a mutant on the history that kills it."""
    scenario = from_the_request(mutant.rules, scenario)
    try:
        traces = mutant_traces(mutant.rules, scenario)
    except CannotReplayError as error:
        return MutantRun(mutant.id, MutantWorth.CANNOT_BE_RUN, why=str(error))
    known: MutantRun | None = None
    start = scenario.start
    application: Application = "echo" if start.setting.echo else "sink"
    for trace in traces:
        recorded = Recorded(trace, start.setting, application, start.connecting, EVERYTHING)
        judgement = judge(trace, start.setting, application=application, sees=EVERYTHING, start=start.state)
        if judgement.verdict in (Verdict.FAILED, Verdict.NON_STRICT) or judgement.rules:
            worth = MutantWorth.ACCUSED
        else:
            worth = _unaccused(trace, scenario, judgement)
        if worth is MutantWorth.OVERLOOKED:
            return MutantRun(mutant.id, worth, recorded, judgement)
        if known is None or _GRADES.index(worth) < _GRADES.index(known.worth):
            known = MutantRun(mutant.id, worth, recorded, judgement)
    return known or MutantRun(mutant.id, MutantWorth.CONFORMS)


_GRADES: Final = (MutantWorth.ACCUSED, MutantWorth.NOT_JUDGED, MutantWorth.CANNOT_BE_TOLD)
"""What is said of a mutant of which traces say several things: the first of these."""


def _unaccused(trace: tuple[Observation, ...], scenario: Scenario, judgement: Judgement) -> MutantWorth:
    """What the exhaustive search says of a trace of which the judge accuses nobody."""
    start = scenario.start
    try:
        result = explained(trace, start.setting, Whereabouts(start.state), known_application=True, sees=EVERYTHING)
    except TooManyPlacesError:
        return MutantWorth.CANNOT_BE_TOLD
    if result.conforms:
        return MutantWorth.CANNOT_BE_TOLD
    says_so = judgement.note == NOT_JUDGED or (judgement.unexplained and not result.broken)
    return MutantWorth.NOT_JUDGED if says_so else MutantWorth.OVERLOOKED


def counted(runs: Iterable[MutantRun]) -> Counter[MutantWorth]:
    """How many mutants came to what."""
    return Counter(run.worth for run in runs)
