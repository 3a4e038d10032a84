"""From the records of cases to deviations: what an implementation does that the rules do not allow in full.

Cases in which one agent leaves the same rules unfollowed are one deviation, shown by the shortest of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["STRENGTHS", "Deviation", "Rule", "Seen", "deviations", "natural"]

STRENGTHS: Final = ("MUST", "CONSENSUS", "SHOULD", "MAY")
"""Strongest first."""

_BAD: Final = ("FAILED", "NON-STRICT")
_SENT_SHOWN: Final = 3
_OCTETS_SHOWN: Final = 64


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that was not followed."""

    id: str
    strength: str
    section: str
    quote: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What crossed the wire: in words, and the octets (the first of them, in hex) where they are known."""

    what: str
    hex: str
    octets: int


@dataclass(frozen=True, slots=True)
class Deviation:
    """What an agent does against the same rules in some cases.

    `sent` are the last things that it was sent before the deciding place, `received` what it did there, `octet` the
    offset of the deciding octet in all that it wrote; `without` is the note where no rule says what is wrong.
    """

    agent: str
    rules: tuple[Rule, ...]
    cases: tuple[str, ...]
    example: str
    stimulus: str
    sent: tuple[Seen, ...]
    received: tuple[Seen, ...]
    octet: int | None
    allowed: tuple[str, ...]
    verdict: str
    without: str = ""

    @property
    def strength(self) -> str:
        """The strongest among its rules; FAILED where there is none."""
        return min((rule.strength for rule in self.rules), key=_rank, default="FAILED")


def _rank(strength: str) -> int:
    return STRENGTHS.index(strength) if strength in STRENGTHS else len(STRENGTHS)


def natural(case: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts 2.10 after 2.9."""
    parts = re.split(r"(\d{1,18})", case)
    return tuple((0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts if part)


def deviations(records: Iterable[Mapping[str, Any]]) -> list[Deviation]:
    """The deviations in these records: agents in order of name, of each the strongest first.

    Records that do not count prove nothing, and those that are INFORMATIONAL, UNIMPLEMENTED or OK are no deviations.
    """
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for record in records:
        ours = record["wsoracle"]
        if not ours["counts"] or ours["verdict"] not in _BAD:
            continue
        rules = tuple(rule["id"] for rule in ours["rules"])
        key = (record["agent"], *rules) if rules else (record["agent"], "", ours["note"])
        groups.setdefault(key, []).append(record)
    found = [_deviation(group) for group in groups.values()]
    return sorted(found, key=lambda one: (one.agent, _rank(one.strength), natural(one.cases[0])))


def _deviation(records: Sequence[Mapping[str, Any]]) -> Deviation:
    ordered = sorted(records, key=lambda record: natural(record["id"]))
    shown = min(ordered, key=_length)
    ours = shown["wsoracle"]
    sent, received = _around(shown)
    rules = {rule["id"]: rule for rule in ours["rules"]}
    deciding = ours["deciding"] or {}
    return Deviation(
        agent=shown["agent"],
        rules=tuple(Rule(rule["id"], rule["strength"], rule["section"], rule["quote"]) for rule in rules.values()),
        cases=tuple(record["id"] for record in ordered),
        example=shown["id"],
        stimulus=ours["stimulus"],
        sent=sent,
        received=received,
        octet=deciding.get("octet"),
        allowed=tuple(one["what"] for one in ours["allowed"]),
        verdict=ours["verdict"],
        without="" if rules else ours["note"],
    )


def _length(record: Mapping[str, Any]) -> int:
    """How much there is to read in a run."""
    return sum(100 + int(entry["octets"]) for entry in record["wsoracle"]["timeline"])


def _around(record: Mapping[str, Any]) -> tuple[tuple[Seen, ...], tuple[Seen, ...]]:
    """What the endpoint was sent before the deciding place, and what it did there."""
    timeline = record["wsoracle"]["timeline"]
    at = next((number for number, entry in enumerate(timeline) if entry["deciding"]), None)
    if at is None:
        last = [entry for entry in timeline if entry["from"] != "tester"][-1:]
        before = timeline
    else:
        last, before = [timeline[at]], timeline[:at]
    streams = {"tester": _stream(record, "TO"), "sut": _stream(record, "RO")}
    sent = [entry for entry in before if entry["from"] == "tester"][-_SENT_SHOWN:]
    return tuple(_seen(entry, streams) for entry in sent), tuple(_seen(entry, streams) for entry in last)


def _seen(entry: Mapping[str, Any], streams: Mapping[str, bytes]) -> Seen:
    start, count = entry["start"], entry["octets"]
    octets = b"" if start is None else streams.get(entry["from"], b"")[start : start + min(count, _OCTETS_SHOWN)]
    # A stream whose log was cut short does not reach that far: then the words must do.
    whole = len(octets) == min(count, _OCTETS_SHOWN)
    return Seen(entry["what"], octets.hex() if whole else "", count)


def _stream(record: Mapping[str, Any], kind: str) -> bytes:
    """What one side wrote, as far as the wire log has all of it."""
    stream = b""
    for line in record["wirelog"]:
        if line[0] == kind:
            length, text = line[1]
            octets = bytes.fromhex(text.removesuffix(" ..."))
            stream += octets
            if len(octets) != length:
                break
    return stream
