"""Running cases on real implementations, in process, with a verdict and the clause behind each.

The stimulus of a case is given to a fresh connection whose application echoes; the trace is judged by the rules, not
compared with a list. A negative case counts only where its control was answered by the same implementation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wsoracle.generators.cases.case import Case, ReceiveEof
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, Stimulus
from wsoracle.properties.judge.verdict import Verdict

from ..implementations import PeerFactory
from ..implementations.opening_offers import Offers, OpeningFactory
from .findings import observed_in_words
from .hunting import NO_LIMIT, Examined, PeerSubject, Scenario, examine
from .opening_hunting import OpeningPeerSubject, OpeningScenario, examine_opening

GOOD: Final = (Verdict.OK, Verdict.NON_STRICT)
"""What passes, and what a control must show. INFORMATIONAL does neither: refusing five octets by a limit that is
nowhere stated is within an endpoint's freedom, and proves nothing."""


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
        return self.counts and self.verdict in GOOD

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


def clause(rule_id: str) -> str:
    """The words behind a rule: its strength, its section, and the sentence."""
    rule = RULES.by_id[rule_id]
    return f"{rule.strength.value}, section {rule.section}: «{rule.quote}»"


Progress = Callable[[str, int, int], None]


def run_cases(
    cases: Sequence[Case],
    peers: Iterable[PeerFactory],
    progress: Progress | None = None,
    openings: Iterable[OpeningFactory] = (),
) -> list[CaseRun]:
    """Run every case that can be run on each implementation in the role that the case tests.

    Those that begin before the opening handshake are run on ``openings``, all others on ``peers``.
    """
    runnable = [case for case in cases if case.judge_only is None]
    peers, openings = tuple(peers), tuple(openings)
    plan: list[tuple[PeerSubject | OpeningPeerSubject, list[Case]]] = []
    for role in Role:
        later = [case for case in runnable if case.role is role and not case.opening]
        from_the_first = [case for case in runnable if case.role is role and case.opening]
        plan += [(PeerSubject(factory, role), later) for factory in peers]
        plan += [(OpeningPeerSubject(factory, role), from_the_first) for factory in openings]
    total = sum(len(mine) for _, mine in plan)
    runs: list[CaseRun] = []
    for subject, mine in plan:
        answered: dict[str, bool] = {}
        # Positive cases first: the controls are among them.
        for case in sorted(mine, key=lambda c: (c.negative, c.id)):
            examined = _examined(case, subject)
            answered[case.id] = examined.judgement.verdict in GOOD
            counts = not case.negative or answered.get(case.control or "", False)
            runs.append(_run(case, subject, examined, counts))
            if progress is not None:
                progress(f"{subject.implementation} {subject.role}", len(runs), total)
    return runs


def _examined(case: Case, subject: PeerSubject | OpeningPeerSubject) -> Examined:
    if isinstance(subject, PeerSubject):
        setting = Setting(case.role, subject.limit, echo=case.application == "echo")
        return examine(subject, Scenario(_stimulus(case), case.application, setting))
    willing = Setting(case.role, NO_LIMIT, willing=case.role is Role.SERVER)
    return examine_opening(subject, OpeningScenario(_stimulus(case), "sink", willing, offers=OFFERED[case.role]))


OFFERED: Final = {Role.SERVER: Offers(("chat",)), Role.CLIENT: Offers(("chat", "superchat"), deflate=True)}
"""What the samples in cases take up."""


def _stimulus(case: Case) -> Stimulus:
    chunks: list[Arrives | ArrivesEof] = [Arrives(chunk) for burst in case.bursts for chunk in burst.chunks]
    if any(isinstance(step, ReceiveEof) for step in case.steps):
        chunks.append(ArrivesEof())
    return tuple(chunks)


def _run(case: Case, subject: PeerSubject | OpeningPeerSubject, examined: Examined, counts: bool) -> CaseRun:
    judgement = examined.judgement
    return CaseRun(
        case.id,
        subject.implementation,
        subject.version,
        subject.role,
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
