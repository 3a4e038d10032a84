"""What is said of an explanation, item by item and without a form: text of a terminal and HTML are made of the same.

An explanation goes in; titles, sentences, rules, tables of fields and heads come out, in the order in which they are
read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import groupby
from typing import Final, NamedTuple, TypeAlias

from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.machine.reasons import because
from wsoracle.model.machine.words import DUES, choice_words, frame_words, outcome_words, state_words
from wsoracle.model.notation.expression import Expr
from wsoracle.model.notation.rule import Rule
from wsoracle.model.notation.variables import EventKind

from ..text.hexadecimal import hex_of
from .explanation import ExplainedOctets, FrameReading, HeadReading, Inflated, Owed, UnitReading
from .field_table import FieldRow, deflate_words, quoted
from .head_lines import HeadLine
from .nearest_legal import Elsewhere, LegalChange

OCTETS_SHOWN: Final = 32
_CHANGES_SHOWN: Final = 4
_HEAD: Final = {EventKind.RECEIVE_REQUEST: "request", EventKind.RECEIVE_RESPONSE: "response"}


class Tone(Enum):
    """How a sentence is meant."""

    PLAIN = "plain"
    TITLE = "title"
    NOTE = "note"
    GOOD = "good"
    BAD = "bad"
    CAUTION = "caution"
    OCTETS = "octets"
    DIM = "dim"


class Said(NamedTuple):
    """A sentence; ``depth`` is how far it belongs below what stands before it: 0 of all, 1 of a unit, 2 and 3 more."""

    words: str
    tone: Tone = Tone.PLAIN
    depth: int = 1


class RuleSaid(NamedTuple):
    """A rule, why it applies (None where that is not to be said), and whether its clause is quoted here."""

    rule: Rule
    why: Expr | None
    quoted: bool


class FieldsSaid(NamedTuple):
    """A frame field by field, and its octets."""

    rows: tuple[FieldRow, ...]
    octets: bytes


class HeadSaid(NamedTuple):
    """A head line by line."""

    lines: tuple[HeadLine, ...]


class SampleHead(NamedTuple):
    """A head that could be sent, as octets."""

    octets: bytes


class Gap(NamedTuple):
    """A pause before what is said of the unit, or before the next one."""


Item: TypeAlias = Said | RuleSaid | FieldsSaid | HeadSaid | SampleHead | Gap

TONES: Final = {
    Kind.ACCEPT: Tone.GOOD, Kind.FAIL: Tone.BAD, Kind.REFUSE: Tone.BAD, Kind.IGNORE: Tone.CAUTION,
}  # fmt: skip


def told(explanation: ExplainedOctets[UnitReading]) -> Iterator[Item]:
    """All that is said of an explanation."""
    return _Telling(explanation).items()


class _Telling:
    def __init__(self, explanation: ExplainedOctets[UnitReading]) -> None:
        self._explanation = explanation
        self._quoted: set[str] = set()  # a clause is quoted once

    def items(self) -> Iterator[Item]:
        explanation = self._explanation
        role = explanation.setting.role.value
        before = len(explanation.history)
        after = f", after {before} frame{'' if before == 1 else 's'} received before" if before else ""
        yield Said(f"received by a {role} in the state {state_words(explanation.start)}{after}", Tone.TITLE, 0)
        for note in explanation.notes:
            yield Said(note, Tone.NOTE, 0)
        for reading in explanation.history:
            if reading.outcomes[0].label.kind is Kind.FAIL:
                yield Said(f"the octets received before were {outcome_words(reading.outcomes[0].label)}", Tone.NOTE)
                yield from self._rules(reading.outcomes[0].rules, reading)
        for number, unit in enumerate(explanation.readings, 1):
            yield Gap()
            if isinstance(unit, HeadReading):
                yield from self._head(unit)
            elif isinstance(unit, FrameReading):
                yield from self._frame(number, unit)
            yield from self._disputes(unit)

    # --- a frame -----------------------------------------------------------------------------------------------------

    def _frame(self, number: int, reading: FrameReading) -> Iterator[Item]:
        end = reading.start + len(reading.octets)
        what = "frame" if reading.begun is None else "the beginning of frame"
        where = f"octets {reading.start} to {end - 1}" if len(reading.octets) > 1 else f"octet {reading.start}"
        yield Said(f"{what} {number}: {where}, {count_of(len(reading.octets))} long", Tone.TITLE, 0)
        yield FieldsSaid(reading.lines, reading.octets)
        if reading.inflated is not None:
            yield from self._inflated(reading.inflated)
        yield Gap()
        yield from self._outcomes(reading) if reading.begun is None else self._begun(reading)
        yield from self._sender(reading)
        if reading.elsewhere is not None:
            yield from self._elsewhere(reading, reading.elsewhere)
        if reading.peer_accepts:
            peer = self._explanation.setting.role.peer.value
            yield Said(f"a {peer} accepts it: add --role {peer} if a {peer} received it")

    def _inflated(self, inflated: Inflated) -> Iterator[Item]:
        if not inflated.agreed:
            yield Said("it looks like a compressed frame (RFC 7692): with permessage-deflate it would say")
        said = f"{quoted(inflated.octets)}; the message so far: {deflate_words(inflated.measured)}"
        yield FieldsSaid((FieldRow(inflated.octets, "", "inflated", said),), inflated.octets)

    def _begun(self, reading: FrameReading) -> Iterator[Item]:
        begun = reading.begun
        assert begun is not None
        of_what = "its header" if begun.header else "the frame"
        yield Said(f"not complete: {of_what} needs at least {count_of(begun.missing)} more", Tone.CAUTION)
        for said, tone, rules in (
            ("certain already, whatever follows: the endpoint fails the connection", Tone.BAD, begun.fails),
            ("certain already, whatever follows: the endpoint ignores the frame", Tone.CAUTION, begun.ignored),
            ("the endpoint may fail the connection without waiting for the rest", Tone.PLAIN, begun.may_fail),
        ):
            if rules:
                yield Said(said, tone)
                yield from self._rules([rule.id for rule in rules], reading)
        if not (begun.fails or begun.ignored):
            yield Said("no rule obliges the endpoint so far to refuse the frame")

    def _elsewhere(self, reading: FrameReading, elsewhere: Elsewhere) -> Iterator[Item]:
        for said in self._where(elsewhere):
            yield Said(said)
        for step in elsewhere.path or ():
            yield Said(f"{hex_of(step.octets)}   {frame_words(step.frame)}", Tone.OCTETS, 3)
        if elsewhere.path:
            history = b"" if elsewhere.from_start else b"".join(r.octets for r in self._before(reading))
            after = (history + b"".join(step.octets for step in elsewhere.path)).hex()
            if len(after) <= 2 * OCTETS_SHOWN:
                yield Said(f"try: --after {after}", depth=3)
        if reading.changes:
            yield Said("changes that make the frame legal here")
            for change in reading.changes[:_CHANGES_SHOWN]:
                yield self._change(change, whole=reading.begun is None)
            if len(reading.changes) > _CHANGES_SHOWN:
                yield Said(f"and {len(reading.changes) - _CHANGES_SHOWN} other changes", depth=3)

    def _where(self, elsewhere: Elsewhere) -> Iterator[str]:
        if elsewhere.nowhere:
            yield f"no state of a {self._explanation.setting.role.value} accepts this frame"
            return
        if elsewhere.extension:
            yield f"legal where a negotiated extension defines {' and '.join(elsewhere.extension)}"
        if elsewhere.path is None:
            yield "there is a state that accepts this frame, but no short path to it was found"
        elif elsewhere.path:
            yield f"legal {'from the start' if elsewhere.from_start else 'here'} after" + (
                " this frame" if len(elsewhere.path) == 1 else f" these {len(elsewhere.path)} frames"
            )
        elif not elsewhere.extension:
            yield "legal right after the opening handshake"

    def _before(self, reading: FrameReading) -> Iterator[UnitReading]:
        yield from self._explanation.history
        for other in self._explanation.readings:
            if other is reading:
                return
            yield other

    @staticmethod
    def _change(change: LegalChange, *, whole: bool) -> Said:
        return Said(change.words + (f": {hex_of(change.octets, OCTETS_SHOWN)}" if whole else ""), depth=3)

    # --- a head ------------------------------------------------------------------------------------------------------

    def _head(self, reading: HeadReading) -> Iterator[Item]:
        what = _HEAD[reading.kind]
        yield Said(f"{what}: {count_of(len(reading.octets))}", Tone.TITLE, 0)
        yield HeadSaid(reading.lines)
        if reading.absent:
            yield Said(f"absent: {', '.join(reading.absent)}", Tone.DIM)
        if reading.rest:
            yield Said(f"after it: {count_of(reading.rest)}, not explained", Tone.DIM)
        yield Gap()
        if reading.missing:
            yield Said("not complete: it ends before its empty line", Tone.CAUTION)
            return
        if reading.malformed is not None:
            yield Said(f"not an HTTP {what}: {reading.malformed}", Tone.BAD)
        if reading.tolerated is not None:
            yield Said(f"tolerated: {reading.tolerated}", Tone.CAUTION)
        yield from self._outcomes(reading)
        yield from self._sender(reading)
        if reading.mended is not None:
            yield Said("it would be sound if")
            for change in reading.mended.changes:
                yield Said(f"- {change}", depth=3)
            yield Said("for instance")
            yield SampleHead(reading.mended.head.octets())

    # --- what the rules say of a unit --------------------------------------------------------------------------------

    def _outcomes(self, reading: UnitReading) -> Iterator[Item]:
        for place, outcome in enumerate(reading.outcomes):
            label = outcome.label
            first = place == 0
            said = outcome_words(label) if first else f"or it may {choice_words(label)}"
            yield Said(said, TONES.get(label.kind, Tone.PLAIN) if first else Tone.PLAIN)
            yield from self._rules(outcome.rules, reading)
        for outcome in reading.departing:
            which = " and ".join(map(self._named, outcome.departs_from))
            yield Said(f"to {choice_words(outcome.label)} departs from {which}, and from no stronger rule")
        yield Said(f"afterwards: {state_words(reading.after)}")
        for owed in reading.owed:
            yield from self._owed(owed, as_head=isinstance(reading, HeadReading))

    def _sender(self, reading: UnitReading) -> Iterator[Item]:
        """Whether the unit could be sent."""
        if reading.sent is None:
            return
        sender, before, breaks = reading.sent
        may = "may not" if breaks else "may"
        so_far = " so far" if isinstance(reading, FrameReading) and reading.begun is not None and not breaks else ""
        yield Said(f"a {sender.role.value} {may} send it{so_far}", Tone.BAD if breaks else Tone.PLAIN)
        for rule in breaks:
            yield self._rule(rule, because(rule, sender, before, reading.facts))

    def _owed(self, owed: Owed, *, as_head: bool) -> Iterator[Item]:
        such = ", such as" if owed.octets else ""
        octets = "" if as_head or not owed.octets else f" {hex_of(owed.octets, OCTETS_SHOWN)}"
        yield Said(f"it owes {DUES[owed.due]}{such}{octets}", Tone.TITLE)
        if as_head and owed.octets:
            yield SampleHead(owed.octets)
            yield Said(f"{count_of(len(owed.octets))}: {hex_of(owed.octets, OCTETS_SHOWN)}", Tone.DIM, 3)
        yield self._rule(owed.rule, None)

    def _disputes(self, reading: UnitReading) -> Iterator[Item]:
        for switch, disputes in groupby(reading.disputes, lambda dispute: dispute.switch):
            yield Said(f"disputed (section {switch.sections}): {switch.question}")
            for dispute in disputes:
                outcomes = " or ".join(choice_words(outcome.label) for outcome in dispute.outcomes)
                yield Said(f"with --switch {switch.name}={dispute.value}: {outcomes}", depth=3)

    def _rules(self, ids: Iterable[str], reading: UnitReading) -> Iterator[Item]:
        for rule_id in ids:
            rule = self._explanation.rules.by_id[rule_id]
            yield self._rule(rule, because(rule, self._explanation.setting, reading.before, reading.facts))

    def _rule(self, rule: Rule, why: Expr | None) -> RuleSaid:
        quoted = rule.id not in self._quoted
        self._quoted.add(rule.id)
        return RuleSaid(rule, why, quoted)

    def _named(self, rule_id: str) -> str:
        return f"{rule_id} ({self._explanation.rules.by_id[rule_id].strength.value})"


def printable(octets: bytes, longest: int = 200) -> str:
    """A line as it can be shown anywhere: what is not printable ASCII as \\x.., the middle of a long line left out."""
    left = octets if len(octets) <= longest else octets[:longest]
    said = "".join(chr(o) if 0x20 <= o < 0x7F and o != 0x5C else "\\\\" if o == 0x5C else f"\\x{o:02x}" for o in left)
    return said if left is octets else f"{said} ... {len(octets) - len(left):,} more"


def lines_of_head(octets: bytes) -> Iterator[str]:
    """The lines of a head that could be sent, as they can be shown; a blank at the end of one is seen."""
    for line in octets.split(b"\r\n")[:-2]:
        shown = printable(line)
        yield shown[:-1] + "\\x20" if shown.endswith(" ") else shown


def count_of(octets: int) -> str:
    """So many octets, in words."""
    return "1 octet" if octets == 1 else f"{octets:,} octets"
