"""From the records of cases to deviations: what an implementation does that the rules do not allow in full.

Cases in which one agent leaves the same rules unfollowed are one deviation, shown by the simplest of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wsoracle.model.notation.rule import Strength

_STRENGTHS: Final = tuple(Strength.__members__)
"""Strongest first."""

_BAD: Final = ("FAILED", "NON-STRICT")
_SENT_SHOWN: Final = 3
_OCTETS_SHOWN: Final = 64


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that was not followed."""

    id: str
    strength: str
    section: str
    quote: str


@dataclass(frozen=True, slots=True)
class WirePiece:
    """A piece of the wire: in words, and the octets (the first of them, in hex) where they are known."""

    what: str
    hex: str
    octets: int


@dataclass(frozen=True, slots=True)
class FleetDeviation:
    """A deviation of an agent from the same rules, in some cases.

    `sent` are the last pieces that arrived at it before the deciding place, `received` its reaction there, `octet` the
    offset of the deciding octet in all that it wrote or (`octet_arrived`) in all that arrived at it; `without` is the
    note of the judge where no rule is broken.
    """

    agent: str
    rules: tuple[BrokenRule, ...]
    cases: tuple[str, ...]
    example: str
    stimulus: str
    sent: tuple[WirePiece, ...]
    received: tuple[WirePiece, ...]
    octet: int | None
    allowed: tuple[str, ...]
    verdict: str
    without: str = ""
    octet_arrived: bool = False

    @property
    def strength(self) -> str:
        """The strongest among its rules; FAILED without rules."""
        return min((rule.strength for rule in self.rules), key=strength_rank, default="FAILED")


def strength_rank(strength: str) -> int:
    """Strongest first."""
    return _STRENGTHS.index(strength) if strength in _STRENGTHS else len(_STRENGTHS)


def natural(case: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts 2.10 after 2.9."""
    parts = re.split(r"(\d{1,18})", case)
    return tuple((0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts if part)


def deviations(records: Iterable[Mapping[str, Any]]) -> list[FleetDeviation]:
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
    return sorted(found, key=lambda one: (one.agent, strength_rank(one.strength), natural(one.cases[0])))


def _deviation(records: Sequence[Mapping[str, Any]]) -> FleetDeviation:
    ordered = sorted(records, key=lambda record: natural(record["id"]))
    shown = min(ordered, key=_reading)
    ours = shown["wsoracle"]
    sent, received = _around(shown)
    rules = {rule["id"]: rule for rule in ours["rules"]}
    deciding = ours["deciding"] or {}
    return FleetDeviation(
        agent=shown["agent"],
        rules=tuple(
            BrokenRule(rule["id"], rule["strength"], rule["section"], rule["quote"]) for rule in rules.values()
        ),
        cases=tuple(record["id"] for record in ordered),
        example=shown["id"],
        stimulus=ours["stimulus"],
        sent=sent,
        received=received,
        octet=deciding.get("octet"),
        allowed=tuple(one["what"] for one in ours["allowed"]),
        verdict=ours["verdict"],
        without="" if rules else ours["note"],
        octet_arrived=deciding.get("direction") == "arrived",
    )


def _reading(record: Mapping[str, Any]) -> tuple[int, int]:
    """How much there is to read in a run: faults first, then octets.

    Only what the tester did counts, so that endpoints that fail in the same cases have the same example.
    """
    sent = [entry for entry in record["wsoracle"]["timeline"] if entry["from"] == "tester"]
    faults = record["id"].count("+") + record["id"].startswith("mutant/")
    return faults, sum(100 + int(entry["octets"]) for entry in sent if entry["start"] != 0)


def _around(record: Mapping[str, Any]) -> tuple[tuple[WirePiece, ...], tuple[WirePiece, ...]]:
    """The pieces that arrived at the endpoint before the deciding place, and its reaction there."""
    timeline = record["wsoracle"]["timeline"]
    at = next((number for number, entry in enumerate(timeline) if entry["deciding"]), None)
    if at is None:
        last = [entry for entry in timeline if entry["from"] != "tester"][-1:]
        before = timeline
    else:
        last, before = [timeline[at]], timeline[:at]
    sent = [entry for entry in before if entry["from"] == "tester"]
    # The head of the opening handshake matters where nothing else was sent.
    sent = [entry for entry in sent if entry["start"] != 0] or sent
    wire = _Wire(record)
    return tuple(map(wire.seen, sent[-_SENT_SHOWN:])), tuple(map(wire.seen, last))


class _Wire:
    """The octets of a case as far as its wire log has them: only the beginning of a long piece."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        tester_is_client = record["wsoracle"]["role"] == "server"
        heads = record["httpRequest"], record["httpResponse"]
        self._heads = dict(zip(("tester", "sut") if tester_is_client else ("sut", "tester"), heads, strict=True))
        self._pieces = {"tester": _pieces(record, "TO"), "sut": _pieces(record, "RO")}

    def seen(self, entry: Mapping[str, Any]) -> WirePiece:
        """An entry of the timeline with its octets, or of a head with its text."""
        side, start, count = entry["from"], entry["start"], entry["octets"]
        if start is None or side not in self._pieces:
            return WirePiece(entry["what"], "", count)
        if start == 0 and len(self._heads[side]) > len(entry["what"]):
            return WirePiece(self._heads[side].replace("\r\n", "\\r\\n"), "", count)
        wanted = min(count, _OCTETS_SHOWN)
        octets = b"".join(
            piece[max(start - offset, 0) : max(start + wanted - offset, 0)] for offset, piece in self._pieces[side]
        )
        # The log lacks octets in between: then the words stand alone.
        return WirePiece(entry["what"], octets.hex() if len(octets) == wanted else "", count)


def _pieces(record: Mapping[str, Any], kind: str) -> list[tuple[int, bytes]]:
    """The pieces that one side wrote: the offset of each in its stream, and the octets that were kept."""
    pieces, offset = [], 0
    for line in record["wirelog"]:
        if line[0] == kind:
            length, text = line[1]
            pieces.append((offset, bytes.fromhex(text.removesuffix(" ..."))))
            offset += length
    return pieces
