"""The exploration: hunting for deviations of real implementations, our own endpoint beside them, every rule fired.

Theory of operation. It is a list of tasks that share nothing: hunting for deviations of each implementation in each
role, after the opening handshake and in it, the same for our own endpoint as the control (`hunting`), walks through the
model with every rule as a goal (`random_walk`), and the reachable states. Tasks run in processes of their own where
there is more than one processor; the results are put together in a fixed order.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.realised_history import CannotBuildError
from wsoracle.generators.workers import process_pool
from wsoracle.model.machine.reachable import explored_once
from wsoracle.model.notation.rule import STRENGTHS
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from ..diagrams.graph import counts
from ..implementations import available_peers, missing_peers
from ..text.output import OnStep
from .attempts import OwnRole, PeerRole, RoleUnderTest
from .findings import Finding
from .hunting import hunt
from .random_walk import random_walks

CONTROL_SHARE: Final = 5
"""Attempts of an implementation for one of our own endpoint."""

OPENING_SHARE: Final = 8
"""Attempts for one opening handshake that is drawn; each single change of a sound one is tried besides."""

WALK_SHARE: Final = 10
"""Attempts for one walk through the model."""

OnEach = Callable[[], None] | None
"""Is called once for each attempt or walk."""


@dataclass(frozen=True, slots=True)
class Explored:
    """The result of an exploration.

    `states` and `transitions` are those that an endpoint can reach, both roles together. `rules_fired` counts for every
    rule. `left_out` has the reason for each finding that could not be written as a case. `missing` are implementations
    that are not installed, with the reason; `scenarios` and `walks` count the attempts.
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


def explore(seed: int, *, examples: int, progress: OnStep | None = None, processes: int | None = None) -> Explored:
    """Explore, with about as many `examples` for each implementation and role.

    The same seed, versions and number of examples give the same findings on machines of like speed: Hypothesis bounds
    the seconds of a round after its first fault (see `hunting`). `processes` is how many run at a time, 1 for
    this very process; the default is one for each processor. Raises ValueError for less than one example.
    """
    tasks = _tasks(seed, examples)
    jobs = min(processes or os.cpu_count() or 1, len(tasks))
    if jobs == 1:
        return _explored(seed, _one_by_one(tasks, progress))
    with process_pool(jobs) as pool:
        return finish(begin(pool, seed, examples), progress)


@dataclass(frozen=True, slots=True)
class ExplorationBegun:
    """An exploration whose tasks wait in a pool of processes, or run there."""

    seed: int
    tasks: dict[Future[_TaskResult], _Task]


def begin(pool: Executor, seed: int, examples: int) -> ExplorationBegun:
    """Give the tasks of an exploration to a pool, to be waited for by :func:`finish`.

    Raises ValueError for less than one example.
    """
    return ExplorationBegun(seed, {pool.submit(task.run, None): task for task in _tasks(seed, examples)})


def finish(begun: ExplorationBegun, progress: OnStep | None = None) -> Explored:
    """Wait for an exploration. Progress is counted by tasks."""
    advance = _Advance(begun.tasks.values(), progress)
    for future in as_completed(begun.tasks):
        future.result()
        advance(begun.tasks[future], begun.tasks[future].size)
    return _explored(begun.seed, [future.result() for future in begun.tasks])


def _tasks(seed: int, examples: int) -> list[_Task]:
    if examples < 1:
        raise ValueError(f"an exploration needs at least one example, not {examples}")
    peers = [PeerRole(peer, role) for peer in reversed(available_peers()) for role in Role]
    own = [OwnRole(role) for role in Role]
    few = examples // OPENING_SHARE
    return [
        *(_hunting(tested, False, seed, examples) for tested in peers),
        *(_hunting(tested, True, seed, few + 1) for tested in peers),
        *(_hunting(tested, True, seed, few // CONTROL_SHARE + 1) for tested in own),
        _walking(seed, examples // WALK_SHARE + 1),
        *(_hunting(tested, False, seed, examples // CONTROL_SHARE + 1) for tested in own),
        *(_Task(f"states of a {role}", 1, partial(_states, role)) for role in Role),
    ]


def _explored(seed: int, results: Sequence[_TaskResult]) -> Explored:
    """What the results of the tasks, in their order, come to."""
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
        sum(result.attempts for result in results),
        sum(result.walks for result in results),
    )


# --- tasks ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _TaskResult:
    """The result of a task; its findings have no id yet."""

    fired: dict[str, int] = field(default_factory=dict)
    found: tuple[Finding, ...] = ()
    attempts: int = 0
    walks: int = 0
    states: int = 0
    transitions: int = 0


@dataclass(frozen=True, slots=True)
class _Task:
    """A part of the exploration, in words, with its size in steps; `run` goes to another process."""

    words: str
    size: int
    run: Callable[[OnEach], _TaskResult]


def _hunting(tested: RoleUnderTest, opening: bool, seed: int, size: int) -> _Task:
    name = "our own endpoint" if isinstance(tested, OwnRole) else tested.implementation
    words = f"{name} as {tested.role}" + (", opening" if opening else "")
    return _Task(words, size, partial(_hunt, tested, opening, seed, size))


def _hunt(tested: RoleUnderTest, opening: bool, seed: int, size: int, on_each: OnEach) -> _TaskResult:
    hunted = hunt(tested, seed, size, on_each, opening=opening)
    found = tuple(Finding(tested.implementation, tested.version, "", examined) for examined in hunted.found)
    return _TaskResult(dict(hunted.fired), found, attempts=hunted.drawn)


def _walking(seed: int, size: int) -> _Task:
    return _Task("walks through the model", size, partial(_walk, seed, size))


def _walk(seed: int, size: int, on_each: OnEach) -> _TaskResult:
    walked = random_walks(seed, size, on_each)
    return _TaskResult(dict(walked.fired), walks=walked.walks)


def _states(role: Role, on_each: OnEach) -> _TaskResult:
    found = counts(explored_once(Setting(role)))
    return _TaskResult(states=found.states, transitions=found.transitions)


class _Advance:
    """Tells of the progress: steps of a task are done."""

    def __init__(self, tasks: Iterable[_Task], progress: OnStep | None) -> None:
        self._done = 0
        self._total: Final = sum(task.size for task in tasks)
        self._progress: Final = progress
        if progress is not None:
            progress("exploring", 0, self._total)

    def __call__(self, task: _Task, steps: int) -> None:
        self._done = min(self._done + steps, self._total)
        if self._progress is not None:
            self._progress(task.words, self._done, self._total)


def _one_by_one(tasks: Sequence[_Task], progress: OnStep | None) -> list[_TaskResult]:
    """The results of the tasks, run in this process. Progress is counted step by step."""
    advance = _Advance(tasks, progress)
    return [task.run(partial(advance, task, 1)) for task in tasks]


# --- findings ---------------------------------------------------------------------------------------------------------


def _named(found: Sequence[Finding]) -> list[Finding]:
    """The findings in a fixed order, each with an id of its own; those that show the same acts are one.

    A deviation found with a disputed close code, and with other codes too, has nothing to do with the dispute.
    """
    distinct: dict[tuple[object, ...], Finding] = {}
    for one in found:
        distinct.setdefault((one.implementation, one.role, one.acts), one)
    for one in list(distinct.values()):
        general = tuple(deviation.general or deviation.act for deviation in one.examined.deviations)
        if general != one.acts and (one.implementation, one.role, general) in distinct:
            del distinct[one.implementation, one.role, one.acts]
    named: list[Finding] = []
    used: Counter[str] = Counter()
    for one in sorted(distinct.values(), key=_finding_order):
        rule = one.rules[0] if one.rules else "crash/no-rule"
        case = f"exploration/{one.implementation}/{one.role}/{rule}"
        used[case] += 1
        if used[case] > 1:
            case = f"{case}~{used[case]}"
        named.append(replace(one, case=case))
    return named


def _finding_order(one: Finding) -> tuple[object, ...]:
    strength = one.examined.judgement.strength
    rank = -1 if strength is None else STRENGTHS.index(strength)
    return one.implementation, one.role.value, rank, one.rules, one.acts


def _cases(findings: Sequence[Finding], seed: int) -> tuple[tuple[Case, ...], dict[str, str]]:
    cases: dict[str, Case] = {}
    left_out: dict[str, str] = {}
    for finding in findings:
        try:
            cases.update((case.id, case) for case in finding.cases(seed))
        except CannotBuildError as reason:
            left_out[finding.case] = str(reason)
    return tuple(cases.values()), left_out
