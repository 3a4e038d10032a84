"""The self-check in several processes: batches of traces, for as long as there is time."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Final, NamedTuple

from wsoracle.generators.drawn_endpoints.departing import targets
from wsoracle.generators.jobs import JOBS
from wsoracle.generators.workers import process_pool

from .checking import check_conforming, check_departure
from .mutants import MutantRun
from .tally import SelfcheckTally

_CONFORMING: Final = 800
"""Conforming traces of a batch."""
_DEPARTURES: Final = 3
"""Traces with a departure of a batch, on each of which the exhaustive search may take a while."""

OnBatch = Callable[[SelfcheckTally, float], None]
"""Told of the counts so far, and of the seconds that have passed."""


class Batch(NamedTuple):
    """A part of the traces that a seed stands for, by its number."""

    seed: int
    number: int
    conforming: int = _CONFORMING
    departures: int = _DEPARTURES


@dataclass(frozen=True, slots=True)
class Run:
    """The counts of a run, its seed, and how long it took."""

    tally: SelfcheckTally
    seed: int
    seconds: float
    mutants: tuple[MutantRun, ...] | None = None
    """The mutants of the rules that are not equivalent, as endpoints; None where they were not run."""


def check_batch(batch: Batch) -> SelfcheckTally:
    """Check the traces of one batch: the same for the same batch."""
    tally = SelfcheckTally()
    for index in range(batch.conforming):
        tally.add_conforming(check_conforming(f"{batch.seed}/{batch.number}/{index}", in_turn=True))
    every = targets()
    for index in range(batch.departures):
        turn = batch.number * batch.departures + index
        rule, role = every[turn % len(every)]
        tally.add_departure(check_departure(f"{batch.seed}/{batch.number}/{rule}/{role}/{index}", rule, role))
    return tally


def run(seconds: float, seed: int, on_batch: OnBatch, jobs: int = JOBS) -> Run:
    """Check as many batches as there is time for, two or more processes at a time."""
    begun = time.monotonic()
    tally, number = SelfcheckTally(), 0
    with process_pool(jobs) as pool:
        waiting: set[Future[SelfcheckTally]] = set()
        while True:
            passed = time.monotonic() - begun
            while passed < seconds and len(waiting) < 2 * jobs:
                waiting.add(pool.submit(check_batch, Batch(seed, number)))
                number += 1
            if not waiting:
                break
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                tally.merge(future.result())
            on_batch(tally, time.monotonic() - begun)
    return Run(tally, seed, time.monotonic() - begun)
