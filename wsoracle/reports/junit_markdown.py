"""Lists for other programs: JUnit XML for build servers, Markdown for summaries of builds."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from wsoracle.properties.judge.verdict import Verdict

from ..text.markdown import code, row
from ..text.verdict_signs import VERDICTS
from .causes import Cause, causes_by_case, causes_of
from .index import OTHER, totals_of
from .summary import CaseSummary, Summaries
from .wanted import PLAIN, Wanted

if TYPE_CHECKING:
    from wsoracle.properties.connections.checks import CheckResult

    from .seen_connections import OverConnections

_MOST: Final = 200
_MOST_NAMED: Final = 8
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


UNEXPECTED: Final = "passed, though it is expected to fail"


def junit_xml(agents: Summaries, over: OverConnections | None = None, wanted: Wanted = PLAIN) -> str:
    """A test suite for each agent. Failures say their cause, with clauses and octets; a case that neither passed nor
    failed is skipped, and so is one that failed as expected.

    What the connections of an agent show together is a test case for each check, behind the others.
    """
    root = ElementTree.Element("testsuites", name="wsoracle")
    for agent, summaries in agents.items():
        results = (over or {}).get(agent, ())
        causes = causes_by_case(causes_of(summaries))
        found = Counter(map(wanted.status, summaries.values()))
        failures = found["failed"] + found["unexpected_passes"]
        skipped = len(summaries) - found["passed"] - failures
        failures += sum(result.verdict is Verdict.FAILED for result in results)
        suite = ElementTree.SubElement(
            root, "testsuite", name=_xml(agent), tests=str(len(summaries) + len(results)), failures=str(failures),
            skipped=str(skipped), errors="0", time=f"{sum(map(_seconds, summaries.values())):.3f}",
        )  # fmt: skip
        for case_id, summary in summaries.items():
            group = ".".join([agent, *summary.group])
            case = ElementTree.SubElement(
                suite, "testcase", name=_xml(case_id), classname=_xml(group), time=f"{_seconds(summary):.3f}"
            )
            said = _xml("; ".join([*summary.rule_ids, *filter(None, [summary.note])]))
            verdict = _xml(summary.label)
            status = wanted.status(summary)
            if status == "failed":
                cause = causes[case_id]
                failure = ElementTree.SubElement(case, "failure", message=_xml(cause.says), type=verdict)
                failure.text = _xml("\n".join(told(cause, summary)))
            elif status == "unexpected_passes":
                ElementTree.SubElement(case, "failure", message=UNEXPECTED, type=verdict)
            elif status != "passed":
                ElementTree.SubElement(case, "skipped", message=f"{verdict}: {said}" if said else verdict)
        for result in results:
            name = f"{agent}.Over all connections"
            case = ElementTree.SubElement(suite, "testcase", name=result.check.id, classname=_xml(name), time="0.000")
            if result.verdict is Verdict.FAILED:
                said = _xml(f"{', '.join(result.check.requirements)}: {_seen(result)}")
                ElementTree.SubElement(case, "failure", message=said, type=result.verdict.value).text = said
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def markdown_summary(agents: Summaries, over: OverConnections | None = None, wanted: Wanted = PLAIN) -> str:
    """A table of the agents, the causes of what is amiss in each, and what connections show together.

    Of cases that failed as expected there is the number.
    """
    totals = {agent: totals_of(summaries) for agent, summaries in agents.items()}
    verdicts = [*VERDICTS, *([OTHER] if any(sums[OTHER] for sums in totals.values()) else [])]
    lines = ["# WebSocket conformance", "", row("agent", *verdicts, "cases")]
    lines.append("|---|" + "---:|" * (len(verdicts) + 1))
    for agent, sums in totals.items():
        lines.append(row(code(agent), *(str(sums[verdict] or "") for verdict in verdicts), str(sums["cases"])))
    for agent, summaries in agents.items():
        status = {case_id: wanted.status(one) for case_id, one in summaries.items()}
        causes = causes_of({case_id: one for case_id, one in summaries.items() if status[case_id] != "expected"})
        known = sum(one == "expected" for one in status.values())
        surprising = [case_id for case_id, one in status.items() if one == "unexpected_passes"]
        if causes or known or surprising:
            lines += ["", f"## {code(agent)}", ""]
        lines += [f"- {code(case_id)}: {UNEXPECTED}" for case_id in surprising[:_MOST]]
        lines += [f"- {known} failed as expected"] if known else []
        for cause in causes[:_MOST]:
            lines += _listed_cause(cause)
        if len(causes) > _MOST:
            lines.append(f"- and {len(causes) - _MOST} more")
    found = [(agent, result) for agent, results in (over or {}).items() for result in results if result.count]
    if found:
        lines += ["", "## Over all connections", ""]
    for agent, result in found:
        clauses = ", ".join(result.check.requirements)
        lines.append(f"- {code(agent)}, {result.check.id}: **{result.verdict}**: {clauses}: {code(_seen(result))}")
    return "\n".join(lines) + "\n"


def told(cause: Cause, summary: CaseSummary) -> list[str]:
    """The lines of a failure: the cause, the clauses, the octets of this very case, and how to run it again."""
    own = replace(cause, cases=(summary,))
    more = len(cause.cases) - 1
    also = [f"the same in {more} other case{'' if more == 1 else 's'}"] if more else []
    wire = [f"{side}: {words}{'  ' + octets if octets else ''}" for side, words, octets in own.exchange]
    allowed = [f"allowed: {one}" for one in summary.evidence.allowed]
    also += [cause.shared] if cause.shared else []
    page = [f"page: {own.page}"] if summary.file else []
    return [cause.says, *own.clauses, *wire, *allowed, *also, *page, f"again: {own.again}"]


def _listed_cause(cause: Cause) -> list[str]:
    """A cause as an item of a list, with what is behind it."""
    verdict = f"**{cause.verdict}**" if cause.verdict in VERDICTS else code(cause.verdict)
    named = ", ".join(code(case.id) for case in cause.cases[:_MOST_NAMED])
    more = ", ..." if len(cause.cases) > _MOST_NAMED else ""
    shared = f"; {cause.shared}" if cause.shared else ""
    lines = [f"- {verdict}: {code(cause.says)}: {cause.count}: {named}{more}{shared}"]
    if cause.fails:
        lines += [f"  - {code(clause)}" for clause in cause.clauses]
        lines += [f"  - {side}: {code(' '.join((words, octets)).strip())}" for side, words, octets in cause.exchange]
        lines += [f"  - page: {code(cause.page)}"] if cause.example.file else []
        lines.append(f"  - again: {code(cause.again)}")
    return lines


def _seen(result: CheckResult) -> str:
    return f"{result.what}: {result.example}" if result.example else result.what


def _seconds(summary: CaseSummary) -> float:
    return float(summary.duration / 1000)


def _xml(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
