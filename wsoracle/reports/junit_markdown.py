"""What other programs read: JUnit XML for build servers, Markdown for summaries of builds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from xml.etree import ElementTree

from ..text.markdown import code, row
from .entries import Entries
from .index import OTHER, totals_of
from .verdicts import VERDICTS, failed, label

__all__ = ["junit_xml", "markdown_summary"]

_MOST: Final = 200
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(agents: Entries) -> str:
    """A test suite for each agent. Failures name the rules; what is neither a pass nor a failure is skipped."""
    root = ElementTree.Element("testsuites", name="wsoracle")
    for agent, entries in agents.items():
        failures = sum(map(failed, entries.values()))
        skipped = sum(not entry["passed"] for entry in entries.values()) - failures
        suite = ElementTree.SubElement(
            root, "testsuite", name=_xml(agent), tests=str(len(entries)), failures=str(failures),
            skipped=str(skipped), errors="0", time=f"{sum(map(_seconds, entries.values())):.3f}",
        )  # fmt: skip
        for case_id, entry in entries.items():
            group = ".".join([agent, *entry["group"]])
            case = ElementTree.SubElement(
                suite, "testcase", name=_xml(case_id), classname=_xml(group), time=f"{_seconds(entry):.3f}"
            )
            said = _xml("; ".join([*entry["rules"], *filter(None, [entry["note"]])]))
            verdict = _xml(label(entry["verdict"], entry["counts"]))
            if failed(entry):
                ElementTree.SubElement(case, "failure", message=said or verdict, type=verdict).text = said
            elif not entry["passed"]:
                ElementTree.SubElement(case, "skipped", message=f"{verdict}: {said}" if said else verdict)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def markdown_summary(agents: Entries) -> str:
    """A table of the agents, and what failed with its rules."""
    totals = {agent: totals_of(entries) for agent, entries in agents.items()}
    verdicts = [*VERDICTS, *([OTHER] if any(sums[OTHER] for sums in totals.values()) else [])]
    lines = ["# WebSocket conformance", "", row("agent", *verdicts, "cases")]
    lines.append("|---|" + "---:|" * (len(verdicts) + 1))
    for agent, sums in totals.items():
        lines.append(row(code(agent), *(str(sums[verdict] or "") for verdict in verdicts), str(sums["cases"])))
    for agent, entries in agents.items():
        failures = [(case_id, entry) for case_id, entry in entries.items() if failed(entry)]
        if failures:
            lines += ["", f"## {code(agent)}", ""]
        for case_id, entry in failures[:_MOST]:
            said = ", ".join(map(code, entry["rules"])) or (code(entry["note"]) if entry["note"] else "")
            verdict = label(entry["verdict"], entry["counts"])
            bold = f"**{verdict}**" if verdict in VERDICTS else code(verdict)
            lines.append(f"- {code(case_id)}: {bold}{': ' + said if said else ''}")
        if len(failures) > _MOST:
            lines.append(f"- and {len(failures) - _MOST} more")
    return "\n".join(lines) + "\n"


def _seconds(entry: Mapping[str, Any]) -> float:
    return float(entry["duration"] / 1000)


def _xml(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
