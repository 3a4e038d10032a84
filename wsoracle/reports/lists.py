"""The results of a run as lists for other programs: JUnit, Markdown, CTRF, a badge, and what GitHub Actions reads."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..text.output import write_text
from .summary import CaseSummary, Summaries
from .wanted import PLAIN, Wanted

if TYPE_CHECKING:
    from .seen_connections import OverConnections

STEP_SUMMARY: Final = "GITHUB_STEP_SUMMARY"
"""The environment variable with the file to which a step of GitHub Actions adds its summary."""


@dataclass(frozen=True)
class Lists:
    """The files to write, None for others; ``github``: annotations on standard output, and the summary
    of the job. ``wanted`` says what fails."""

    junit: str | None = None
    markdown: str | None = None
    ctrf: str | None = None
    badge: str | None = None
    github: bool = False
    wanted: Wanted = PLAIN

    @property
    def files(self) -> list[str]:
        """The names of the files."""
        return [name for name in (self.junit, self.markdown, self.ctrf, self.badge) if name is not None]

    def write(self, agents: Summaries, over: OverConnections) -> None:
        """Write them all. Raises OutputError."""
        for name, text in self._texts(agents, over):
            write_text(name, text)
        if self.github:
            self._tell_github(agents, over)

    def _texts(self, agents: Summaries, over: OverConnections) -> Iterator[tuple[str, str]]:
        # These imports would slow down every other run.
        if self.junit is not None:
            from .junit_markdown import junit_xml

            yield self.junit, junit_xml(agents, over, self.wanted)
        if self.markdown is not None:
            from .junit_markdown import markdown_summary

            yield self.markdown, markdown_summary(agents, over, self.wanted)
        if self.ctrf is not None:
            from .ctrf import ctrf_json

            yield self.ctrf, ctrf_json(agents, self.wanted)
        if self.badge is not None:
            from .badge import badge

            yield self.badge, badge(self.badge, agents, self.wanted)

    def _tell_github(self, agents: Summaries, over: OverConnections) -> None:
        from .github import annotation_lines
        from .junit_markdown import markdown_summary

        for line in annotation_lines(agents, self.wanted):
            print(line)
        sys.stdout.flush()
        summary = os.environ.get(STEP_SUMMARY)
        if summary:
            with open(summary, "a", encoding="utf-8") as file:
                file.write(markdown_summary(agents, over, self.wanted))


NO_LISTS: Final = Lists()


# --- the lists in the folder of a run --------------------------------------------------------------------------------


def autobahn_fields(summary: CaseSummary) -> dict[str, Any]:
    """The fields of a case in index.json."""
    return {
        "behavior": summary.behavior,
        "behaviorClose": summary.behavior_close,
        "duration": summary.duration,
        "remoteCloseCode": summary.remote_close_code,
        "reportfile": summary.file,
    }


def own_fields(summary: CaseSummary) -> dict[str, Any]:
    """The fields of a case in wsoracle.json."""
    return {
        "verdict": summary.verdict,
        "behavior": summary.behavior,
        "behaviorClose": summary.behavior_close,
        "counts": summary.counts,
        "passed": summary.passed,
        "control": summary.control,
        "rules": summary.rule_ids,
        "reportfile": summary.file,
    }


def json_of(agents: Summaries, fields: Callable[[CaseSummary], dict[str, Any]]) -> str:
    """JSON of the agents with some fields of their cases, a line each."""
    lists = []
    for agent, cases in agents.items():
        lines = [f"{json.dumps(case_id)}: {json.dumps(fields(summary))}" for case_id, summary in cases.items()]
        listed = ",\n ".join(lines)
        lists.append(f"{json.dumps(agent)}: {{\n {listed}\n}}")
    return "{" + ",\n".join(lists) + "}"
