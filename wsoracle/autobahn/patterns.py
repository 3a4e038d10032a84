"""The cases and agents that the patterns of a specification file of Autobahn select."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

_ESTABLISHED: Final = re.compile(r"[0-9]+(\.[0-9]+)+")


def is_of_autobahn(case_id: str) -> bool:
    """Whether an id is one of Autobahn."""
    return _ESTABLISHED.fullmatch(case_id) is not None


def cases_meant(pattern: str, ids: Iterable[str]) -> list[str]:
    """The ids that a pattern selects: with ``*`` (any run of characters) all that begin so, else the id itself.

    A pattern that begins with ``*`` selects from Autobahn's ids alone; others are selected by their beginning.
    """
    if "*" not in pattern:
        return [one for one in ids if one == pattern]
    matches = _regex(pattern).match
    own_too = not pattern.startswith("*")
    return [one for one in ids if (own_too or is_of_autobahn(one)) and matches(one)]


class AgentExclusions:
    """`exclude-agent-cases`: patterns of agents, and for each patterns of cases; both for the whole name."""

    def __init__(self, patterns: Mapping[str, Sequence[str]]) -> None:
        self._pairs: Final = [
            (_regex(agent), [_regex(case) for case in cases]) for agent, cases in patterns.items() if cases
        ]

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def __call__(self, agent: str, case_id: str) -> bool:
        """Whether an agent is not to run a case."""
        return any(
            who.fullmatch(agent) and any(case.fullmatch(case_id) for case in cases) for who, cases in self._pairs
        )


def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", pattern))), re.DOTALL)
