"""Annotations for GitHub Actions: commands on standard output that become notes on the page of a build."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..text.visible import visible
from .causes import causes_of
from .junit_markdown import UNEXPECTED, told
from .summary import Summaries
from .wanted import PLAIN, Wanted

MOST: Final = 10
"""Annotations of a step that GitHub shows."""


def annotation_lines(agents: Summaries, wanted: Wanted = PLAIN) -> list[str]:
    """Lines, one for each cause of failures that were not expected, and one for all unexpected passes of an agent.

    There are no more than GitHub shows: the last one says how many causes are left.
    """
    found = list(_annotations(agents, wanted))
    if len(found) <= MOST:
        return found
    left = len(found) - MOST + 1
    return [
        *found[: MOST - 1],
        f"::error title=more causes::{left} more: the summary of the job has them",
    ]


def _annotations(agents: Summaries, wanted: Wanted) -> Iterator[str]:
    for agent, summaries in agents.items():
        status = {case_id: wanted.status(one) for case_id, one in summaries.items()}
        for cause in causes_of({case_id: one for case_id, one in summaries.items() if status[case_id] == "failed"}):
            yield _error(f"{agent}: {cause.says} ({cause.count})", "\n".join(told(cause, cause.example)))
        surprising = [case_id for case_id, one in status.items() if one == "unexpected_passes"]
        if surprising:
            yield _error(f"{agent}: {UNEXPECTED}", ", ".join(surprising))


def _error(title: str, text: str) -> str:
    named = _data(visible(title, 200, lines=False)).replace(":", "%3A").replace(",", "%2C")
    return f"::error title={named}::{_data(visible(text, 4000))}"


def _data(text: str) -> str:
    """The text as a command has it: an end of line would end the command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
