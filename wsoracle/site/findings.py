"""docs/findings.md read back: what real endpoints did against which rules, and in which cases.

The page is the one place in which the fleet's findings stand with names; ``wsoracle/fleet/findings.py`` writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from wsoracle.model.octets.vocabulary import Role

_SECTION: Final = re.compile(r"^### (Servers|Clients), [A-Z-]+: (.*)$")
_CODE: Final = re.compile(r"`([^`]+)`")
_ESCAPED: Final = re.compile(r"\\([\\`*_{}\[\]#!|<>~&$])")
_CELLS: Final = re.compile(r"(?<!\\)\|")
_ROLES: Final = {"Servers": Role.SERVER, "Clients": Role.CLIENT}


class RealEndpoint(NamedTuple):
    """An implementation that did not follow some rules: its name with its version, and the cases that show it, a dozen
    at most."""

    name: str
    cases: tuple[str, ...]


class RealDeviation(NamedTuple):
    """Rules that endpoints of a role left unfollowed together, and which endpoints."""

    role: Role
    rules: tuple[str, ...]
    endpoints: tuple[RealEndpoint, ...]


def deviations_in(page: str) -> tuple[RealDeviation, ...]:
    """The deviations of the page, in its order."""
    return tuple(_sections(page.splitlines()))


def _sections(lines: list[str]) -> Iterator[RealDeviation]:
    starts = [(at, found) for at, line in enumerate(lines) if (found := _SECTION.match(line))]
    for (at, found), end in zip(starts, [*(place for place, _ in starts), len(lines)][1:], strict=True):
        part = lines[at + 1 : end]
        rows = [_CELLS.split(line)[1:-1] for line in part if line.startswith("| ")][2:]
        endpoints = tuple(_endpoint([cell.strip() for cell in row]) for row in rows)
        yield RealDeviation(_ROLES[found[1]], tuple(_CODE.findall(found[2])), endpoints)


def _endpoint(cells: list[str]) -> RealEndpoint:
    name, cases, _ = cells
    return RealEndpoint(_ESCAPED.sub(r"\1", name), tuple(_CODE.findall(cases)))
