"""Lists for other programs: JUnit XML for build servers, Markdown for summaries of builds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from wsoracle.properties.judge.verdict import Verdict

from ..text.markdown import code, row
from .index import OTHER, totals_of
from .rendering import VERDICTS
from .stored_record import CaseSummary, Summaries

if TYPE_CHECKING:
    from wsoracle.properties.connections.checks import CheckResult

    from .seen_connections import OverConnections

_MOST: Final = 200
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(agents: Summaries, over: OverConnections | None = None) -> str:
    """A test suite for each agent. Failures name the rules; a case that neither passed nor failed is skipped.

    What the connections of an agent show together is a test case for each check, behind the others.
    """
    root = ElementTree.Element("testsuites", name="wsoracle")
    for agent, summaries in agents.items():
        results = (over or {}).get(agent, ())
        failures = sum(summary.failed for summary in summaries.values())
        skipped = sum(not summary.passed for summary in summaries.values()) - failures
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
            if summary.failed:
                ElementTree.SubElement(case, "failure", message=said or verdict, type=verdict).text = said
            elif not summary.passed:
                ElementTree.SubElement(case, "skipped", message=f"{verdict}: {said}" if said else verdict)
        for result in results:
            name = f"{agent}.Over all connections"
            case = ElementTree.SubElement(suite, "testcase", name=result.check.id, classname=_xml(name), time="0.000")
            if result.verdict is Verdict.FAILED:
                said = _xml(f"{', '.join(result.check.requirements)}: {_seen(result)}")
                ElementTree.SubElement(case, "failure", message=said, type=result.verdict.value).text = said
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def markdown_summary(agents: Summaries, over: OverConnections | None = None) -> str:
    """A table of the agents, the cases that failed with their rules, and what connections show together."""
    totals = {agent: totals_of(summaries) for agent, summaries in agents.items()}
    verdicts = [*VERDICTS, *([OTHER] if any(sums[OTHER] for sums in totals.values()) else [])]
    lines = ["# WebSocket conformance", "", row("agent", *verdicts, "cases")]
    lines.append("|---|" + "---:|" * (len(verdicts) + 1))
    for agent, sums in totals.items():
        lines.append(row(code(agent), *(str(sums[verdict] or "") for verdict in verdicts), str(sums["cases"])))
    for agent, summaries in agents.items():
        failures = [(case_id, summary) for case_id, summary in summaries.items() if summary.failed]
        if failures:
            lines += ["", f"## {code(agent)}", ""]
        for case_id, summary in failures[:_MOST]:
            said = "; ".join(
                filter(None, (", ".join(map(code, summary.rule_ids)), summary.note and code(summary.note)))
            )
            verdict = summary.label
            bold = f"**{verdict}**" if verdict in VERDICTS else code(verdict)
            lines.append(f"- {code(case_id)}: {bold}{': ' + said if said else ''}")
        if len(failures) > _MOST:
            lines.append(f"- and {len(failures) - _MOST} more")
    found = [(agent, result) for agent, results in (over or {}).items() for result in results if result.count]
    if found:
        lines += ["", "## Over all connections", ""]
    for agent, result in found:
        clauses = ", ".join(result.check.requirements)
        lines.append(f"- {code(agent)}, {result.check.id}: **{result.verdict}**: {clauses}: {code(_seen(result))}")
    return "\n".join(lines) + "\n"


def _seen(result: CheckResult) -> str:
    return f"{result.what}: {result.example}" if result.example else result.what


def _seconds(summary: CaseSummary) -> float:
    return float(summary.duration / 1000)


def _xml(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
