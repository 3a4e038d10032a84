"""What a run is to be: which failures are known, and whether a SHOULD that is not followed is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from .summary import NOT_RUN, CaseSummary

WantedStatus = Literal["passed", "failed", "expected", "unexpected_passes", "not_run", "other"]
"""What became of a case: ``failed`` is a failure that was not expected, ``other`` neither a pass nor a failure."""

FAIL_ON: Final = ("must", "should")
"""The weakest strength of rules that fails a case where it is not followed; a CONSENSUS counts as the profile says."""


@dataclass(frozen=True)
class Wanted:
    """The ids of the cases that are expected to fail; ``strict``: a case that is NON-STRICT fails too."""

    expected: frozenset[str] = frozenset()
    strict: bool = False

    def fails(self, summary: CaseSummary) -> bool:
        """Whether the case failed, expected or not."""
        return summary.failed or (self.strict and summary.verdict == "NON-STRICT")

    def status(self, summary: CaseSummary) -> WantedStatus:
        """What became of the case."""
        known = summary.id in self.expected
        if self.fails(summary):
            return "expected" if known else "failed"
        if summary.passed:
            return "unexpected_passes" if known else "passed"
        return "not_run" if summary.verdict == NOT_RUN else "other"

    def failures(self, summaries: Mapping[str, CaseSummary]) -> list[CaseSummary]:
        """The cases that fail a run: unexpected failures, and unexpected passes."""
        return [one for one in summaries.values() if self.status(one) in ("failed", "unexpected_passes")]


PLAIN: Final = Wanted()
"""No failure is expected, and a SHOULD that is not followed is not a failure."""
