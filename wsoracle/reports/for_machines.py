"""What other programs read: JUnit XML for build servers, Markdown for summaries of builds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from xml.etree import ElementTree

from .index import VERDICTS, totals_of
from .shown import visible

__all__ = ["junit_xml", "markdown_summary"]

Entries = Mapping[str, Mapping[str, Mapping[str, Any]]]

_MOST: Final = 200
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&@])")


def junit_xml(agents: Entries) -> str:
    """A test suite for each agent. Failures name the rules; what is neither a pass nor a failure is skipped."""
    root = ElementTree.Element("testsuites", name="wsoracle")
    for agent, entries in agents.items():
        failed = [entry for entry in entries.values() if _failed(entry)]
        skipped = [entry for entry in entries.values() if not entry["passed"] and not _failed(entry)]
        suite = ElementTree.SubElement(
            root, "testsuite", name=_xml(agent), tests=str(len(entries)), failures=str(len(failed)),
            skipped=str(len(skipped)), errors="0", time=f"{sum(_seconds(one) for one in entries.values()):.3f}",
        )  # fmt: skip
        for case_id, entry in entries.items():
            group = ".".join([agent, *entry["group"]])
            case = ElementTree.SubElement(
                suite, "testcase", name=_xml(case_id), classname=_xml(group), time=f"{_seconds(entry):.3f}"
            )
            said = _xml("; ".join([*map(str, entry["rules"]), *([entry["note"]] if entry["note"] else [])]))
            if _failed(entry):
                ElementTree.SubElement(case, "failure", message=said or _label(entry), type=_label(entry)).text = said
            elif not entry["passed"]:
                ElementTree.SubElement(case, "skipped", message=f"{_label(entry)}: {said}")
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
        failed = [(case_id, entry) for case_id, entry in entries.items() if _failed(entry)]
        if failed:
            lines += ["", f"## {_md(agent)}", ""]
        for case_id, entry in failed[:_MOST]:
            rules = ", ".join(_md(str(rule)) for rule in entry["rules"]) or _md(str(entry["note"]))
            lines.append(f"- {_md(case_id)}: **{_label(entry)}**{': ' + rules if rules else ''}")
        if len(failed) > _MOST:
            lines.append(f"- and {len(failed) - _MOST} more")
    return "\n".join(lines) + "\n"


def _failed(entry: Mapping[str, Any]) -> bool:
    return not entry["passed"] and (not entry["counts"] or entry["verdict"] not in ("INFORMATIONAL", "UNIMPLEMENTED"))


def _label(entry: Mapping[str, Any]) -> str:
    return str(entry["verdict"]) if entry["counts"] else "NO CONTROL"


def _seconds(entry: Mapping[str, Any]) -> float:
    duration = entry["duration"]
    return duration / 1000 if isinstance(duration, int | float) else 0.0


def _xml(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _md(text: str) -> str:
    return _MARKUP.sub(r"\\\1", visible(text, 300, lines=False)).replace("\\<", "&lt;").replace("\\&", "&amp;")
