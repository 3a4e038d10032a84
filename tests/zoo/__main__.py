"""The campaign of the zoo: all cases against every server with one connection at a time, with 16, and beside two busy
processes; a table of the causes, and of those that are not as expected. ``make zoo``; ``ZOO_ARGS=--short`` runs the
cases of the tests alone, whose causes are known: then no other one may be named."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.zoo.running import causes, chosen, patient, run
from tests.zoo.servers import SERVERS
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.runnable import runnable_cases
from wsoracle.model.octets.vocabulary import Role


def _spin() -> None:
    while True:
        pass


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Beside this number of busy processes."""
    others = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(processes)]
    for other in others:
        other.start()
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.join()


def main(names: list[str]) -> int:
    """Run the campaign on the servers whose names contain one of these (all without any); 1 where ways disagree."""
    short = "--short" in names
    names = [name for name in names if name != "--short"]
    cases: Sequence[Case] = chosen() if short else [case for case in runnable_cases() if Role.SERVER in case.roles]
    ways = (("1", 1, 0), ("16", 16, 0), ("16, busy", 16, 2))
    apart = False
    for animal in SERVERS:
        if names and not any(name in animal.name for name in names):
            continue
        said: list[set[str]] = []
        for way, jobs, others in ways:
            begun = time.monotonic()
            with busy(others):
                summaries = run(animal, cases, patient(2.0), jobs)
            said.append(causes(summaries))
            labels = sorted({one.label for one in summaries.values()})
            sums = ", ".join(f"{sum(one.label == label for one in summaries.values())} {label}" for label in labels)
            print(
                f"{animal.name:40} {way:9} {time.monotonic() - begun:6.1f} s  {len(said[-1]):3} causes  {sums}",
                flush=True,
            )
        if short:
            said.append(set(animal.causes))
        differing = {one for there in said for one in there if not all(one in these for these in said)}
        apart = apart or bool(differing)
        for missing in sorted(animal.causes - said[0]):
            print(f"    not named: {missing}")
        for one in sorted(differing):
            print(f"    not in every way: {one}")
    return int(apart)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
