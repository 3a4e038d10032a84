"""Running cases on real implementations, in process, with a verdict and the clause behind each.

The stimulus of a case is given to a fresh connection whose application echoes; the trace is judged by the rules, not
compared with a list. A negative case counts only where its control was answered by the same implementation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.derived import judge_only, negative
from wsoracle.generators.cases.stimulus import bursts
from wsoracle.model.notation.variables import CONNECTING, Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.observation import Arrives, ArrivesEof
from wsoracle.properties.judge.verdict import PASSES, Verdict

from ..implementations import Offers, PeerUnderTest
from ..text.clauses import clause
from ..text.output import OnStep
from .attempts import NO_LIMIT, Attempt, PeerRole
from .findings import observed_in_words
from .hunting import Examined, examine

"""Verdicts that pass, and that a control must have. INFORMATIONAL does neither: an endpoint is free to refuse five
octets by a limit that it states nowhere, and that proves nothing."""


@dataclass(frozen=True, slots=True)
class CaseRun:
    """One case on one implementation: the verdict, the rules that were not followed, and what was observed.

    ``counts`` is False where the case is negative and its control was not answered: then it proves nothing.
    """

    case: str
    implementation: str
    version: str
    role: Role
    verdict: Verdict
    rules: tuple[str, ...]
    observed: tuple[str, ...]
    instead: tuple[str, ...]
    note: str
    counts: bool

    @property
    def passed(self) -> bool:
        """The case counts, and nothing is wrong."""
        return self.counts and self.verdict in PASSES

    def to_json(self) -> dict[str, Any]:
        """The run as an object, with the clause of each rule that was not followed."""
        return {
            "case": self.case,
            "implementation": self.implementation,
            "version": self.version,
            "role": self.role.value,
            "verdict": self.verdict.value,
            "counts": self.counts,
            "rules": list(self.rules),
            "clauses": [clause(rule) for rule in self.rules],
            "observed": list(self.observed),
            "wouldHaveBeenAllowed": list(self.instead),
            "note": self.note,
        }


def run_cases(
    cases: Sequence[Case],
    peers: Sequence[type[PeerUnderTest]],
    progress: OnStep | None = None,
    pool: Executor | None = None,
) -> list[CaseRun]:
    """Run every case that can be run on each implementation in the role that the case tests.

    With ``pool`` it is done in other processes: then ``peers`` have to be importable there.
    """
    runnable = [case for case in cases if judge_only(case) is None]
    plan = [
        (PeerRole(peer, role), [case for case in runnable if case.role is role and case.opening is opening])
        for role in Role
        for opening in (False, True)
        for peer in peers
    ]
    total = sum(len(mine) for _, mine in plan)
    runs: list[CaseRun] = []
    for (tested, _), done in zip(plan, (map if pool is None else pool.map)(_run_all, plan), strict=True):
        runs += done
        if progress is not None:
            progress(f"{tested.implementation} {tested.role}", len(runs), total)
    return runs


def _run_all(planned: tuple[PeerRole, Sequence[Case]]) -> list[CaseRun]:
    """Run cases on one implementation in one role."""
    tested, mine = planned
    runs: list[CaseRun] = []
    answered: dict[str, bool] = {}
    # Positive cases first: the controls are among them.
    for case in sorted(mine, key=lambda c: (negative(c), c.id)):
        examined = examine(tested, _attempt(case, tested))
        answered[case.id] = examined.judgement.verdict in PASSES
        counts = not negative(case) or answered.get(case.control or "", False)
        runs.append(_run(case, tested, examined, counts))
    return runs


OFFERED: Final = {Role.SERVER: Offers(("chat",)), Role.CLIENT: Offers(("chat", "superchat"), deflate=True)}
"""The offers that the samples in cases take up."""


def _attempt(case: Case, tested: PeerRole) -> Attempt:
    stimulus: list[Arrives | ArrivesEof] = [Arrives(chunk) for burst in bursts(case) for chunk in burst.chunks]
    if case.half_closes:
        stimulus.append(ArrivesEof())
    if not case.opening:
        setting = Setting(case.role, tested.limit, echo=case.application == "echo")
        return Attempt(tuple(stimulus), case.application, setting)
    willing = Setting(case.role, NO_LIMIT, willing=case.role is Role.SERVER)
    return Attempt(tuple(stimulus), "sink", willing, CONNECTING, OFFERED[case.role])


def _run(case: Case, tested: PeerRole, examined: Examined, counts: bool) -> CaseRun:
    judgement = examined.judgement
    return CaseRun(
        case.id,
        tested.implementation,
        tested.version,
        tested.role,
        judgement.verdict,
        judgement.rules,
        tuple(observed_in_words(examined)),
        tuple(allowed.what for allowed in judgement.instead),
        judgement.note,
        counts,
    )


def tally(runs: Iterable[CaseRun]) -> dict[tuple[str, str, Role], Counter[str]]:
    """How many cases had which verdict, for each implementation and role; «no control» where a case proves nothing."""
    found: dict[tuple[str, str, Role], Counter[str]] = {}
    for run in runs:
        verdict = run.verdict.value if run.counts else "no control"
        found.setdefault((run.implementation, run.version, run.role), Counter())[verdict] += 1
    return found
