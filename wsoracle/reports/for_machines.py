"""What other programs read: JUnit XML for build servers, Markdown for summaries of builds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from xml.etree import ElementTree

from .entries import Entries
from .index import totals_of
from .shown import visible
from .verdicts import VERDICTS, failed, label

__all__ = ["junit_xml", "markdown_summary"]

_MOST: Final = 200
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&@])")


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
    lines = ["# WebSocket conformance", "", "| agent | " + " | ".join(VERDICTS) + " | cases |"]
    lines.append("|---|" + "---:|" * (len(VERDICTS) + 1))
    for agent, entries in agents.items():
        sums = totals_of(entries)
        counts = [str(sums[verdict] or "") for verdict in VERDICTS]
        lines.append(f"| {_md(agent)} | " + " | ".join(counts) + f" | {sums['cases']} |")
    for agent, entries in agents.items():
        failures = [(case_id, entry) for case_id, entry in entries.items() if failed(entry)]
        if failures:
            lines += ["", f"## {_md(agent)}", ""]
        for case_id, entry in failures[:_MOST]:
            said = ", ".join(map(_md, entry["rules"])) or _md(entry["note"])
            verdict = _md(label(entry["verdict"], entry["counts"]))
            lines.append(f"- {_md(case_id)}: **{verdict}**{': ' + said if said else ''}")
        if len(failures) > _MOST:
            lines.append(f"- and {len(failures) - _MOST} more")
    return "\n".join(lines) + "\n"


def _seconds(entry: Mapping[str, Any]) -> float:
    return float(entry["duration"] / 1000)


def _xml(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _md(text: str) -> str:
    return _MARKUP.sub(r"\\\1", visible(text, 300, lines=False)).replace("\\<", "&lt;").replace("\\&", "&amp;")
