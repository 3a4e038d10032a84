"""Failures that are known: they do not fail a run, and a known failure that passes does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..text.patterns import matching

__all__ = ["ExpectedFailures", "Tally", "tally_of"]

_PASSES: Final = ("OK", "NON-STRICT")
_NEITHER: Final = ("INFORMATIONAL", "UNIMPLEMENTED")


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
        """Those of the known ids that are expected to fail. Raises ValueError for a line that means none of them."""
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
    """How a run ended: ids by what became of them. ``failed`` are failures that were not expected."""

    passed: tuple[str, ...]
    failed: tuple[str, ...]
    expected: tuple[str, ...]
    unexpected_passes: tuple[str, ...]
    other: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing failed that was not expected to, and nothing passed that was expected to fail."""
        return not self.failed and not self.unexpected_passes and bool(self.passed or self.expected)


def tally_of(records: Mapping[str, Mapping[str, Any]], expected: frozenset[str]) -> Tally:
    """Sum up records by id. A verdict that is neither a pass nor a failure is not held against anybody."""
    groups: dict[str, list[str]] = {"passed": [], "failed": [], "expected": [], "unexpected_passes": [], "other": []}
    for case_id, record in records.items():
        ours = record["wsoracle"]
        if ours["passed"]:
            groups["unexpected_passes" if case_id in expected else "passed"].append(case_id)
        elif ours["counts"] and ours["verdict"] in _NEITHER:
            groups["other"].append(case_id)
        else:
            groups["expected" if case_id in expected else "failed"].append(case_id)
    return Tally(**{name: tuple(ids) for name, ids in groups.items()})
