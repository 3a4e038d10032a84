"""How a run ended: failures that are expected and others, sums, for people and as JSON.

A failure that is expected does not fail a run, and a case that passes though it is expected to fail does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from ..reports.summary import CaseSummary
from ..reports.wanted import Wanted, WantedStatus
from ..text.output import one_line, say, write_text
from ..text.patterns import matching

if TYPE_CHECKING:
    from wsoracle.properties.connections.checks import CheckResult

    from ..reports.causes import Cause

_MOST_LISTED: Final = 40
_MOST_NAMED: Final = 5


class ExpectedFailures:
    """The ids of cases that are known to fail, read from a file: an id or a pattern a line, `#` begins a comment."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self.patterns: Final = tuple(patterns)

    @classmethod
    def read(cls, path: Path) -> ExpectedFailures:
        """From a file. Raises OSError where it cannot be read, and UnicodeDecodeError where it is no text."""
        lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
        return cls(line for line in lines if line)

    def ids(self, known: Iterable[str]) -> frozenset[str]:
        """The known ids that are expected to fail. Raises ValueError for a line that selects none of them."""
        every = list(known)
        found: set[str] = set()
        for pattern in self.patterns:
            matched = [pattern] if pattern in every else matching(pattern, every) if "*" in pattern else []
            if not matched:
                raise ValueError(f"no case has the id {pattern!r}")
            found.update(matched)
        return frozenset(found)


@dataclass(frozen=True)
class Tally:
    """How a run ended: ids by what became of them. ``failed`` are failures that were not expected, ``not_run`` the
    cases that have not come to their end."""

    passed: tuple[str, ...]
    failed: tuple[str, ...]
    expected: tuple[str, ...]
    unexpected_passes: tuple[str, ...]
    not_run: tuple[str, ...]
    other: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether every case was run, nothing failed that was not expected to, and nothing passed that was."""
        wrong = self.failed or self.unexpected_passes or self.not_run
        return not wrong and bool(self.passed or self.expected)


def tally_of(summaries: Mapping[str, CaseSummary], wanted: Wanted) -> Tally:
    """Sum up a run by the ids of its cases. A verdict that is neither a pass nor a failure is no failure of the run."""
    groups: dict[WantedStatus, list[str]] = {status: [] for status in get_args(WantedStatus)}
    for case_id, summary in summaries.items():
        groups[wanted.status(summary)].append(case_id)
    return Tally(**{name: tuple(ids) for name, ids in groups.items()})


def write_expected(name: str | None, tallies: Iterable[Tally]) -> None:
    """Write a file for ``--expected-failures`` of this name, if there is one: the ids that failed, expected or not."""
    if name is not None:
        ids = dict.fromkeys(case_id for tally in tallies for case_id in (*tally.failed, *tally.expected))
        write_text(name, "".join(f"{line}\n" for line in ("# cases that are known to fail, an id a line", *ids)))


def document_of(agent: str, url: str | None, summaries: Mapping[str, CaseSummary], tally: Tally) -> dict[str, Any]:
    """The result of a run, for JSON."""
    return {
        "agent": agent,
        "url": url,
        "good": tally.good,
        "verdicts": dict(sorted(Counter(summary.label for summary in summaries.values()).items())),
        "passed": len(tally.passed),
        "failed": list(tally.failed),
        "expectedFailures": list(tally.expected),
        "unexpectedPasses": list(tally.unexpected_passes),
        "notRun": list(tally.not_run),
        "cases": {
            case_id: {
                "behavior": summary.behavior,
                "behaviorClose": summary.behavior_close,
                "verdict": summary.verdict,
                "counts": summary.counts,
                "rules": summary.rule_ids,
            }
            for case_id, summary in summaries.items()
        },
    }


def is_failure(result: CheckResult) -> bool:
    """Whether what an endpoint's connections show together fails the run."""
    return result.verdict.value == "FAILED"


def show_results(results: Iterable[CheckResult]) -> None:
    """Print what an endpoint's connections show together, where they break something, with the sentences of the RFC."""
    for result in results:
        if result.count:
            say((f"{result.verdict}  ", "bold red"), (f"over all connections: {result.check.id}", "bold"))
            for sentence in result.check.sentences:
                say((f'    {sentence.id}: {sentence.level}, section {sentence.section}: "{sentence.quote}"', "dim"))
            say(f"    {one_line(result.what)}: {one_line(result.example)}")


def show(agent: str, summaries: Mapping[str, CaseSummary], tally: Tally, where: Any) -> None:
    """Print the causes of what is amiss, worst and widest first, the sums, and where the pages are."""
    unexpected = {case_id: one for case_id, one in summaries.items() if case_id not in tally.expected}
    if not all(map(_is_well, unexpected.values())):
        _show_causes(unexpected, where)
    lacking = Counter(one.note for one in summaries.values() if one.label == "UNIMPLEMENTED")
    for note, count in lacking.items():
        say(("UNIMPLEMENTED  ", "yellow"), f"{one_line(note)} ({count} case{'' if count == 1 else 's'})")
    for case_id in tally.unexpected_passes:
        say((f"passed, though it is expected to fail: {case_id}", "bold red"))
    counted = Counter(summary.label for summary in summaries.values())
    sums = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counted.items()))
    known = f" ({len(tally.expected)} failed as expected)" if tally.expected else ""
    say((f"{one_line(agent)}: {sums}{known}", "bold green" if tally.good else "bold"))
    say(f"pages: {where}/index.html")


def _is_well(summary: CaseSummary) -> bool:
    """Whether nothing at all is to be said of a case."""
    return summary.counts and summary.verdict == "OK" and summary.passed and not summary.note


def _show_causes(summaries: Mapping[str, CaseSummary], where: Any) -> None:
    from ..reports.causes import causes_of  # needs the rules: a run in which all is well does without

    causes = causes_of(summaries)
    for cause in causes[:_MOST_LISTED]:
        _show_cause(cause, where)
    if len(causes) > _MOST_LISTED:
        say(f"... and {len(causes) - _MOST_LISTED} more causes")


def _show_cause(cause: Cause, where: Any) -> None:
    """A cause that fails with its clauses, an example, its page and how to run it again; any other on one line."""
    listed = ", ".join(case.id for case in cause.cases[:_MOST_NAMED])
    more = ", ..." if len(cause.cases) > _MOST_NAMED else ""
    what = f"{one_line(cause.says)} ({cause.count}: {one_line(listed)}{more})"
    what += f"; {cause.shared}" if cause.shared else ""
    say((f"{cause.verdict}  ", "bold red" if cause.fails else "yellow"), (what, "bold" if cause.fails else ""))
    if not cause.fails:
        return
    for clause in cause.clauses:
        say((f"    {one_line(clause)}", "dim"))
    for side, words, octets in cause.exchange:
        say(f"    {side}: {one_line(words, 120)}{'  ' + octets if octets else ''}")
    if cause.example.file:
        say((f"    page: {where}/{cause.page}", "dim"))
    say(f"    again: {cause.again}")
