"""The exploration: hunting for deviations of real implementations, our own endpoint beside them, every rule fired.

Theory of operation. It is a list of tasks that share nothing: hunting for deviations of each implementation in each
role, after the opening handshake (`hunting`) and in it (`opening_hunting`), the same for our own endpoint as the
control, walks through the model with every rule as a goal (`wandering`), and the reachable states. Tasks run in
processes of their own where there is more than one processor; the results are put together in a fixed order, so that
the same seed gives the same report.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Final

from wsoracle.generators.cases.build import CannotBuildError
from wsoracle.generators.cases.case import Case
from wsoracle.model.machine.reachable import explore as explore_model
from wsoracle.model.notation.rule import STRENGTHS
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from ..diagrams.graph import counts
from ..implementations import PeerFactory, available_peers, missing_peers
from ..implementations.opening_offers import available_openings
from .findings import Finding
from .hunting import Examined, OwnSubject, PeerSubject, Subject, hunt
from .opening_hunting import OpeningPeerSubject, OpeningSubject, OwnOpeningSubject, hunt_openings
from .random_walk import wander

__all__ = ["EXAMPLES", "Explored", "explore", "explore_whole"]

EXAMPLES: Final = 2_000
"""Scenarios for each implementation in each role, those that shrinking runs included."""

CONTROL_SHARE: Final = 5
"""Our own endpoint has one scenario for so many of the others."""

OPENING_SHARE: Final = 8
"""There is one opening handshake drawn for so many scenarios; each single change of a sound one is tried besides."""

WALK_SHARE: Final = 10
"""There is one walk through the model for so many scenarios."""

OnStep = Callable[[str, int, int], None]
"""Told of each step: what is done, how many steps are done, how many there are."""


@dataclass(frozen=True, slots=True)
class Explored:
    """What an exploration found.

    `states` and `transitions` are those that an endpoint can reach, both roles together. `rules_fired` counts for every
    rule. `left_out` says for each finding that could not be written as a case why. `missing` are implementations that
    are not here, with the reason; `scenarios` and `walks` how much was tried.
    """

    seed: int
    states: int
    transitions: int
    rules_fired: dict[str, int]
    findings: tuple[Finding, ...]
    cases: tuple[Case, ...]
    left_out: dict[str, str]
    missing: dict[str, str]
    scenarios: int
    walks: int

    def to_json(self) -> dict[str, Any]:
        """The report as an object."""
        return {
            "seed": self.seed,
            "states": self.states,
            "transitions": self.transitions,
            "scenarios": self.scenarios,
            "walks": self.walks,
            "rules_fired": self.rules_fired,
            "findings": [finding.to_json() for finding in self.findings],
            "left_out": self.left_out,
            "missing": self.missing,
        }


def explore(seed: int, *, examples: int = EXAMPLES, progress: OnStep | None = None) -> dict[str, Any]:
    """The report of an exploration; see :func:`explore_whole`."""
    return explore_whole(seed, examples=examples, progress=progress).to_json()


def explore_whole(
    seed: int,
    *,
    examples: int = EXAMPLES,
    peers: Sequence[PeerFactory] | None = None,
    progress: OnStep | None = None,
    processes: int | None = None,
) -> Explored:
    """Explore, with about so many `examples` for each implementation and role.

    The same seed, versions and number of examples give the same result. `processes`: at most so many at a time, 1 for
    this very process; the default is one for each processor.
    """
    if examples < 1:
        raise ValueError(f"an exploration needs at least one example, not {examples}")
    names = [factory.implementation for factory in (available_peers() if peers is None else peers)]
    tasks = [
        *(_Task("hunt", examples, seed, role, name) for name in reversed(names) for role in Role),
        *(_Task("open", examples // OPENING_SHARE + 1, seed, role, name) for name in reversed(names) for role in Role),
        *(_Task("open control", examples // OPENING_SHARE // CONTROL_SHARE + 1, seed, role) for role in Role),
        _Task("wander", examples // WALK_SHARE + 1, seed),
        *(_Task("control", examples // CONTROL_SHARE + 1, seed, role) for role in Role),
        *(_Task("graph", 1, seed, role) for role in Role),
    ]
    results = _in_order(tasks, progress, processes or os.cpu_count() or 1)
    fired: Counter[str] = Counter()
    for result in results:
        fired.update(result.fired)
    findings = _named([found for result in results for found in result.found])
    cases, left_out = _cases(findings, seed)
    return Explored(
        seed,
        sum(result.states for result in results),
        sum(result.transitions for result in results),
        {rule.id: fired[rule.id] for rule in RULES},
        tuple(findings),
        cases,
        left_out,
        {missing.implementation: missing.reason for missing in missing_peers()},
        sum(result.tried for task, result in zip(tasks, results, strict=True) if task.kind not in ("wander", "graph")),
        sum(result.tried for task, result in zip(tasks, results, strict=True) if task.kind == "wander"),
    )


# --- tasks ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Task:
    kind: str
    size: int
    seed: int
    role: Role | None = None
    implementation: str = ""

    def __str__(self) -> str:
        words = {
            "hunt": f"{self.implementation} as {self.role}",
            "open": f"{self.implementation} as {self.role}, opening",
            "control": f"our own endpoint as {self.role}",
            "open control": f"our own endpoint as {self.role}, opening",
        }
        return words.get(self.kind, f"states of a {self.role}" if self.kind == "graph" else "walks through the model")


@dataclass(frozen=True, slots=True)
class _Result:
    fired: dict[str, int] = field(default_factory=dict)
    found: tuple[tuple[str, str, Role, Examined], ...] = ()
    tried: int = 0
    states: int = 0
    transitions: int = 0


def _run(task: _Task, progress: Callable[[], None] | None = None) -> _Result:
    if task.kind == "graph":
        assert task.role is not None
        found = counts(explore_model(Setting(task.role)))
        return _Result(states=found.states, transitions=found.transitions)
    if task.kind == "wander":
        wandered = wander(task.seed, task.size, progress)
        return _Result(dict(wandered.fired), tried=wandered.walks)
    assert task.role is not None
    if task.kind.startswith("open"):
        return _run_opening(task, task.role, progress)
    subject: Subject = OwnSubject(task.role) if task.kind == "control" else _peer(task.implementation, task.role)
    hunted = hunt(subject, task.seed, task.size, progress)
    found_here = tuple((subject.implementation, subject.version, task.role, examined) for examined in hunted.found)
    return _Result(dict(hunted.fired), found_here, hunted.scenarios)


def _run_opening(task: _Task, role: Role, progress: Callable[[], None] | None) -> _Result:
    """Hunting in opening handshakes."""
    subject: OpeningSubject = OwnOpeningSubject(role)
    if task.kind == "open":
        opening = next(f for f in available_openings() if f.implementation == task.implementation)
        subject = OpeningPeerSubject(opening, role)
    hunted = hunt_openings(subject, task.seed, task.size, progress)
    found = tuple((subject.implementation, subject.version, role, examined) for examined in hunted.found)
    return _Result(dict(hunted.fired), found, hunted.scenarios)


def _peer(implementation: str, role: Role) -> PeerSubject:
    return PeerSubject(next(f for f in available_peers() if f.implementation == implementation), role)


def _in_order(tasks: Sequence[_Task], progress: OnStep | None, processes: int) -> list[_Result]:
    """The results of the tasks, in their order."""
    step = _Progress(tasks, progress)
    if processes == 1 or len(tasks) == 1:
        return [_run(task, step.counting(task)) for task in tasks]
    # Spawned, not forked: whoever calls this may have threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(tasks)), mp_context=context) as pool:
        futures: dict[Future[_Result], _Task] = {pool.submit(_run, task): task for task in tasks}
        waiting = set(futures)
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                    step.finished(futures[future])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]


class _Progress:
    """Progress in scenarios and walks: counted one by one where that can be seen, else task by task."""

    def __init__(self, tasks: Sequence[_Task], progress: OnStep | None) -> None:
        self._progress: Final = progress
        self._total: Final = sum(task.size for task in tasks)
        self._done = 0
        self._say("exploring")

    def counting(self, task: _Task) -> Callable[[], None] | None:
        """What counts the steps of a task."""
        left = iter(range(task.size))

        def count() -> None:
            if next(left, None) is not None:
                self._done += 1
                self._say(str(task))

        return count

    def finished(self, task: _Task) -> None:
        """A whole task is done."""
        self._done += task.size
        self._say(str(task))

    def _say(self, what: str) -> None:
        if self._progress is not None:
            self._progress(what, self._done, self._total)


# --- findings ---------------------------------------------------------------------------------------------------------


def _named(found: Sequence[tuple[str, str, Role, Examined]]) -> list[Finding]:
    """The findings in a fixed order, each with an id of its own; what two of them show alike is one.

    What is found with a disputed close code, and with other codes too, has nothing to do with the dispute.
    """
    distinct: dict[tuple[object, ...], tuple[str, str, Role, Examined]] = {}
    for one in found:
        name, _, role, examined = one
        distinct.setdefault((name, role, _acts(examined)), one)
    for name, _, role, examined in list(distinct.values()):
        general = tuple(deviation.general or deviation.act for deviation in examined.deviations)
        if general != _acts(examined) and (name, role, general) in distinct:
            del distinct[name, role, _acts(examined)]
    named: list[Finding] = []
    used: Counter[str] = Counter()
    for name, version, role, examined in sorted(distinct.values(), key=_finding_order):
        rule = examined.judgement.rules[0] if examined.judgement.rules else "crash/no-rule"
        case = f"exploration/{name}/{role}/{rule}"
        used[case] += 1
        if used[case] > 1:
            case = f"{case}~{used[case]}"
        named.append(Finding(name, version, role.value, case, examined))
    return named


def _acts(examined: Examined) -> tuple[str, ...]:
    return tuple(deviation.act for deviation in examined.deviations)


def _finding_order(one: tuple[str, str, Role, Examined]) -> tuple[object, ...]:
    name, _, role, examined = one
    strength = examined.judgement.strength
    rank = -1 if strength is None else STRENGTHS.index(strength)
    return name, role.value, rank, examined.judgement.rules, _acts(examined)


def _cases(findings: Sequence[Finding], seed: int) -> tuple[tuple[Case, ...], dict[str, str]]:
    cases: dict[str, Case] = {}
    left_out: dict[str, str] = {}
    for finding in findings:
        try:
            cases.update((case.id, case) for case in finding.cases(seed))
        except CannotBuildError as reason:
            left_out[finding.case] = str(reason)
    return tuple(cases.values()), left_out
