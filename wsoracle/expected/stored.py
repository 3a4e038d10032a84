"""What is expected of an endpoint in each case, kept in a file: working it out takes longer than running the cases.

The file is made by `wsoracle cases --expected --write` from `expectations`, and says which rules it was made with. It
is what pages and reports show beforehand, and what a tester waits for; verdicts do not use it. Of the profile that is
not in it, and of cases that are not, the expectation is worked out when it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wsoracle.generators.cases.file import rules_digest
from wsoracle.generators.cases.live_case import LiveCase
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.verdict import Profile

if TYPE_CHECKING:
    from .answers import Step

__all__ = ["FILE", "Outcomes", "answers_of", "expected_text", "outcomes_of", "work_out"]

FILE: Final = Path(__file__).resolve().parent / "data" / "expected.json"
FORMAT: Final = "wsoracle-expected"
VERSION: Final = 2
KEPT: Final[Profile] = "interop"

LONGEST: Final = 64
"""Characters of a payload that are kept."""

OnStep = Callable[[str, int, int], None]


class Outcomes(NamedTuple):
    """What is expected in a case: outcomes as objects (verdict, what, rules), and as Autobahn has it."""

    outcomes: list[dict[str, Any]]
    expected: dict[str, Any]
    expected_close: dict[str, Any]


def outcomes_of(case: LiveCase, role: Role, profile: Profile = "interop") -> Outcomes:
    """What is expected of an endpoint of a role in a case."""
    kept = _kept().get(f"{case.id} {role.value}") if profile == KEPT else None
    return work_out(case, role, profile) if kept is None else Outcomes(*kept[:3])


def answers_of(case_id: str, role: Role) -> list[Step] | None:
    """What a conforming endpoint is to send in a case that begins with frames, step by step (`harness.answers`); None
    where it is not in the file."""
    kept = _kept().get(f"{case_id} {role.value}")
    return None if kept is None else kept[3]


def work_out(case: LiveCase, role: Role, profile: Profile = KEPT) -> Outcomes:
    """The same, from the rules."""
    from .expectations import autobahn_shape, expectations

    found = [one.to_json() for one in expectations(case, role, profile)]
    expected, close = autobahn_shape(case, role, profile)
    return Outcomes(found, {verdict: [_cut(event) for event in events] for verdict, events in expected.items()}, close)


def _cut(event: list[Any]) -> list[Any]:
    """An event without the end of a long payload, as in a wire log."""
    return [part[:LONGEST] + " ..." if isinstance(part, str) and len(part) > LONGEST else part for part in event]


def expected_text(cases: Iterable[LiveCase], step: OnStep = lambda what, done, total: None) -> str:
    """The text of the file, one case and role a line."""
    from .reference import steps_of

    every = [(case, role) for case in cases for role in Role if role in case.roles]
    lines = []
    for number, (case, role) in enumerate(every):
        step(case.id, number, len(every))
        kept = [*work_out(case, role), None if case.opening else steps_of(case, role)]
        lines.append(f"{json.dumps(f'{case.id} {role.value}')}:{json.dumps(kept, separators=(',', ':'))}")
    head = {"format": FORMAT, "version": VERSION, "rules": rules_digest()}
    return json.dumps(head)[:-1] + ', "cases": {\n' + ",\n".join(lines) + "\n}}\n"


@lru_cache(maxsize=1)
def _kept() -> dict[str, Any]:
    """The file; nothing where it is of another version of itself."""
    document = json.loads(FILE.read_text(encoding="utf-8"))
    known = (document["format"], document["version"]) == (FORMAT, VERSION)
    return dict(document["cases"]) if known else {}
