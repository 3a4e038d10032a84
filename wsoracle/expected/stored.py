"""The expectation of each case, stored in a file: working it out takes longer than running the cases.

`wsoracle cases --expected --write` makes the file (`working_out`), which names the rules that it was made with. Pages
and reports show its outcomes beforehand, and a tester waits for its answers; verdicts do not use it. It holds each
outcome once, and each set of outcomes once. The other profile, and cases that the file lacks, are worked out on demand.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.file import rules_digest
from wsoracle.generators.cases.runnable import runnable_cases
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.verdict import Profile

from .foreseen import Outcomes, OwedAnswers

if TYPE_CHECKING:
    from wsoracle.generators.cases.canonical import Reference
    from wsoracle.generators.cases.compression import Agreement

FILE: Final = Path(__file__).resolve().parent / "data" / "expected.json"
FORMAT: Final = "wsoracle-expected"
VERSION: Final = 3
KEPT: Final[Profile] = "interop"


class StoredCase(NamedTuple):
    """The entry of a case and a role in the file; `owed` is None for a case that begins with the opening handshake."""

    outcomes: Outcomes
    owed: list[OwedAnswers] | None


class Foreseen:
    """The answers that a conforming endpoint owes so far, known beforehand: see `canonical.Reference`.

    There is a step for each call of :meth:`sent`, whatever the octets.
    """

    def __init__(self, steps: Iterable[OwedAnswers]) -> None:
        self.messages = 0
        self.pongs = 0
        self.failed = False
        self.got_close = False
        self._steps: Final[Iterator[OwedAnswers]] = chain.from_iterable(repeat(step, step[-1]) for step in steps)

    def sent(self, octets: bytes, times: int = 1) -> None:
        """The endpoint under test was sent these octets, as often as ``times`` says."""
        messages, pongs, failed, got_close, _ = next(self._steps)
        self.messages += messages
        self.pongs += pongs
        self.failed |= failed
        self.got_close |= got_close


def outcomes_of(case: Case, role: Role, profile: Profile = "interop") -> Outcomes:
    """The expectation of an endpoint of a role in a case."""
    entry = stored(case.id, role) if profile == KEPT else None
    if entry is not None:
        return entry.outcomes
    from .working_out import outcomes_for  # needs the judge; reports of stored cases do not

    return outcomes_for(case, role, profile)


def answers_to(case: Case, role: Role, agreed: Agreement | None = None) -> Foreseen | Reference:
    """The answers to a case, from an endpoint of a role: from the file, or from a canonical endpoint while it runs.

    ``agreed`` is what was agreed on for compressed messages that the case has as they stand; None before that.
    """
    expected = agreed is None or (case.compression is not None and agreed == case.compression.wanted)
    entry = stored(case.id, role) if expected and _ours().get(case.id) is case else None
    if entry is not None and entry.owed is not None:
        return Foreseen(entry.owed)
    from wsoracle.generators.cases.canonical import Reference  # needs the rules; a tester of stored cases does not

    return Reference(role, agreed=agreed)


@lru_cache(maxsize=1)
def _ours() -> dict[str, Case]:
    """The cases of the file: another one may have the same id."""
    return {case.id: case for case in runnable_cases()}


class _Table:
    """Different values with their places, each kept once."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def place(self, value: Any) -> int:
        """The place of a value; a new value gets the next one."""
        return self._places.setdefault(json.dumps(value, separators=(",", ":")), len(self._places))

    def text(self) -> str:
        """The values in JSON, one a line."""
        return "[\n" + ",\n".join(self._places) + "\n]"


def expected_text(entries: Iterable[tuple[Case, Role, Outcomes, list[OwedAnswers] | None]]) -> str:
    """The text of the file."""
    outcomes, sets = _Table(), _Table()
    cases: dict[str, dict[str, int]] = {}
    for case, role, (found, expected, close), owed in entries:
        places = [outcomes.place(one) for one in found]
        cases.setdefault(case.id, {})[role.value] = sets.place([places, expected, close, owed])
    head = json.dumps({"format": FORMAT, "version": VERSION, "rules": rules_digest()})
    lines = ",\n".join(f"{json.dumps(name)}:{json.dumps(of, separators=(',', ':'))}" for name, of in cases.items())
    return f'{head[:-1]}, "outcomes": {outcomes.text()}, "sets": {sets.text()}, "cases": {{\n{lines}\n}}}}\n'


def stored(case_id: str, role: Role) -> StoredCase | None:
    """The entry of a case for a role in the file; None where the case is not in it."""
    document = _document()
    place = document.get("cases", {}).get(case_id, {}).get(role.value)
    if place is None:
        return None
    places, expected, close, owed = document["sets"][place]
    return StoredCase(Outcomes([document["outcomes"][one] for one in places], expected, close), owed)


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    """The file; nothing where it is of another version of itself."""
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return document if (document["format"], document["version"]) == (FORMAT, VERSION) else {}
