"""Proving all theorems, in two processes: each on the model, and each against the faults that must refute it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypedDict

from wsoracle.generators.jobs import JOBS
from wsoracle.generators.mutants.vacuity import refute
from wsoracle.generators.workers import process_pool
from wsoracle.properties.theorems.compression import COMPRESSION
from wsoracle.properties.theorems.octets import OCTETS
from wsoracle.properties.theorems.opening import OPENING
from wsoracle.properties.theorems.opening_pair import OPENING_PAIR
from wsoracle.properties.theorems.pair import PAIR
from wsoracle.properties.theorems.reachability import REACH
from wsoracle.properties.theorems.safety import SAFETY
from wsoracle.properties.theorems.theorem import ProofVerdict, Theorem, TheoremKind, TheoremSubject
from wsoracle.properties.theorems.well_formed import WELL_FORMED

from .text.patterns import matching

PAIR_PREFIXES: Final = ("pair/", "reachability/pair")


class ProvedTheorem(TypedDict):
    """One theorem in the report. ``refuted_by`` is the fault that refutes it, None where no fault tried does."""

    id: str
    kind: str
    statement: str
    method: str
    result: str
    seconds: float
    invariant: str | None
    refuted_by: str | None
    counterexample: list[str]
    refutation: list[str]
    detail: str | None
    witnesses: list[str]


class ProofReport(TypedDict):
    """The report of ``wsoracle prove --json``; ``seconds`` is the wall time of the wait."""

    theorems: list[ProvedTheorem]
    seconds: float


OnTheorem = Callable[[ProvedTheorem, int, int], None]
"""Told of each theorem as it is done, of how many are done, and of how many there are."""


@cache
def theorems() -> tuple[Theorem, ...]:
    """All theorems, in the order of the report."""
    return (*WELL_FORMED, *OCTETS, *OPENING, *SAFETY, *COMPRESSION, *REACH, *OPENING_PAIR, *PAIR)


def selected(pattern: str | None) -> tuple[Theorem, ...]:
    """The theorems that a pattern selects (see :func:`matching`); :class:`ValueError` where there is none."""
    chosen = set(matching(pattern or "", (t.id for t in theorems())))
    found = tuple(t for t in theorems() if t.id in chosen)
    if not found:
        raise ValueError(f"no theorem matches {pattern!r}: wsoracle prove without a pattern lists them all")
    return found


def prove_one(theorem: Theorem) -> ProvedTheorem:
    """Check a theorem on the model and, where it holds, find a fault that refutes it."""
    begun = time.perf_counter()
    result = theorem.check(TheoremSubject())
    found = refute(theorem) if result.verdict is ProofVerdict.PROVED else None
    return {
        "id": theorem.id,
        "kind": theorem.kind.value,
        "statement": theorem.statement,
        "method": result.method,
        "result": result.verdict.value,
        "seconds": round(time.perf_counter() - begun, 3),
        "invariant": result.invariant,
        "refuted_by": None if found is None else found.fault,
        "counterexample": list(result.counterexample),
        "refutation": [] if found is None else [found.change, *found.result.counterexample],
        "detail": result.detail,
        "witnesses": list(result.witnesses),
    }


def _prove(ids: Sequence[str]) -> list[ProvedTheorem]:
    by_id = {t.id: t for t in theorems()}
    return [prove_one(by_id[name]) for name in ids]


def _batches(wanted: Iterable[Theorem]) -> list[list[str]]:
    """The tasks of one process each, the longest first: theorems of the pair share an exploration."""
    wanted = tuple(wanted)
    pair = [t.id for t in wanted if t.id.startswith(PAIR_PREFIXES)]
    slow = [[t.id] for t in wanted if t.kind is TheoremKind.REACHABILITY and t.id not in pair]
    rest = [[t.id] for t in wanted if t.id not in pair and [t.id] not in slow]
    return [*slow, *([pair] if pair else []), *rest]


@dataclass(frozen=True, slots=True)
class ProofsBegun:
    """Theorems whose proofs wait in a pool of processes, or run there."""

    wanted: tuple[Theorem, ...]
    proofs: tuple[Future[list[ProvedTheorem]], ...]


def begin(pool: Executor, pattern: str | None = None) -> ProofsBegun:
    """Give the proofs of all theorems, or those that match a pattern, to a pool, to be waited for by :func:`finish`.

    Raises :class:`ValueError` where the pattern selects nothing.
    """
    wanted = selected(pattern)
    return ProofsBegun(wanted, tuple(pool.submit(_prove, batch) for batch in _batches(wanted)))


def finish(begun: ProofsBegun, progress: OnTheorem | None = None) -> ProofReport:
    """Wait for proofs. ``seconds`` is the time that this takes."""
    started = time.perf_counter()
    done: dict[str, ProvedTheorem] = {}
    for finished in as_completed(begun.proofs):
        for row in finished.result():
            done[row["id"]] = row
            if progress is not None:
                progress(row, len(done), len(begun.wanted))
    rows = [done[t.id] for t in begun.wanted]
    return {"theorems": rows, "seconds": round(time.perf_counter() - started, 3)}


def prove_all(pattern: str | None = None, jobs: int = JOBS, progress: OnTheorem | None = None) -> ProofReport:
    """Prove all theorems, or those that match a pattern, in ``jobs`` processes.

    Raises :class:`ValueError` where the pattern selects nothing.
    """
    selected(pattern)
    with process_pool(jobs) as pool:
        return finish(begin(pool, pattern), progress)


def failures(report: ProofReport) -> list[str]:
    """The failures of a report: refuted, unknown and vacuous theorems, one line each."""
    lines = []
    for row in report["theorems"]:
        if row["result"] != ProofVerdict.PROVED.value:
            lines.append(f"{row['id']}: {row['result']} ({row['method']})")
        elif row["refuted_by"] is None:
            lines.append(f"{row['id']}: vacuous, no fault tried refutes it")
    return lines


def summary(report: ProofReport) -> dict[str, Any]:
    """How many theorems of each kind were proved, and the seconds that they took together."""
    kinds: dict[str, Any] = {}
    for row in report["theorems"]:
        kind = kinds.setdefault(row["kind"], {"theorems": 0, "proved": 0, "seconds": 0.0})
        kind["theorems"] += 1
        kind["proved"] += row["result"] == ProofVerdict.PROVED.value
        kind["seconds"] = round(kind["seconds"] + row["seconds"], 3)
    return kinds
