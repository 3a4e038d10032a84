"""An explanation as text: lines for people, coloured on a terminal, plain and always the same where it is piped."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.text import Text

from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.machine.reasons import because
from wsoracle.model.machine.words import DUES, choice_words, frame_words, outcome_words, state_words
from wsoracle.model.notation.expression import Expr, text
from wsoracle.model.notation.rule import Rule, Strength
from wsoracle.model.notation.variables import EventKind

from ..text.hexadecimal import hex_of
from .explanation import ExplainedOctets, FrameReading, HeadReading, Inflated, Owed, UnitReading
from .field_table import FieldRow, deflate_words, quoted
from .head_lines import HeadLine
from .nearest_legal import Elsewhere, LegalChange

_IN_A_ROW: Final = 8
_AT_ONCE: Final = 100
_OCTETS_SHOWN: Final = 32
_CHANGES_SHOWN: Final = 4
_LONGEST_LINE: Final = 200
_STRENGTH_WIDTH: Final = max(len(one.value) for one in Strength if one is not Strength.APPLICATION) + 1
"""The columns of a strength of the RFC; no rule that is explained is a promise of an application."""
STRENGTH_STYLE: Final = {
    Strength.MUST: "bold red",
    Strength.CONSENSUS: "magenta",
    Strength.LETTER: "blue",
    Strength.SHOULD: "yellow",
    Strength.APPLICATION: "dim",
    Strength.MAY: "cyan",
}
_KIND_STYLE: Final = {
    Kind.ACCEPT: "bold green", Kind.FAIL: "bold red", Kind.REFUSE: "bold red", Kind.IGNORE: "bold yellow",
}  # fmt: skip
_HEAD: Final = {EventKind.RECEIVE_REQUEST: "request", EventKind.RECEIVE_RESPONSE: "response"}


def show(explanation: ExplainedOctets[UnitReading], console: Console) -> None:
    """Print an explanation."""
    waiting: list[Text] = []
    for line in lines(explanation, console.width):
        waiting.append(line)
        if len(waiting) == _AT_ONCE:
            console.print(Text("\n").join(waiting), soft_wrap=True)
            waiting.clear()
    if waiting:
        console.print(Text("\n").join(waiting), soft_wrap=True)


def lines(explanation: ExplainedOctets[UnitReading], width: int) -> Iterator[Text]:
    """The explanation, line by line, none wider than ``width`` columns where words allow."""
    yield from _TextPage(explanation, max(width, 60)).lines()


class _TextPage:
    def __init__(self, explanation: ExplainedOctets[UnitReading], width: int) -> None:
        self._explanation = explanation
        self._width = width
        self._quoted: set[str] = set()  # a clause is quoted once

    def lines(self) -> Iterator[Text]:
        explanation = self._explanation
        role = explanation.setting.role.value
        before = len(explanation.history)
        after = f", after {before} frame{'' if before == 1 else 's'} received before" if before else ""
        yield from self._put(f"received by a {role} in the state {state_words(explanation.start)}{after}", "bold")
        for note in explanation.notes:
            yield from self._put(note, "yellow")
        for reading in explanation.history:
            if reading.outcomes[0].label.kind is Kind.FAIL:
                said = f"the octets received before were {outcome_words(reading.outcomes[0].label)}"
                yield from self._put(said, "yellow", 2)
                yield from self._rules(reading.outcomes[0].rules, reading, 4)
        for number, unit in enumerate(explanation.readings, 1):
            yield Text("")
            if isinstance(unit, HeadReading):
                yield from self._head(unit)
            elif isinstance(unit, FrameReading):
                yield from self._frame(number, unit)
            yield from self._disputes(unit)

    # --- a frame -----------------------------------------------------------------------------------------------------

    def _frame(self, number: int, reading: FrameReading) -> Iterator[Text]:
        end = reading.start + len(reading.octets)
        what = "frame" if reading.begun is None else "the beginning of frame"
        where = f"octets {reading.start} to {end - 1}" if len(reading.octets) > 1 else f"octet {reading.start}"
        yield from self._put(f"{what} {number}: {where}, {_count(len(reading.octets))} long", "bold")
        for line in reading.lines:
            yield from self._field(line)
        if reading.inflated is not None:
            yield from self._inflated(reading.inflated)
        yield Text("")
        yield from self._outcomes(reading) if reading.begun is None else self._begun(reading)
        yield from self._sender(reading)
        if reading.elsewhere is not None:
            yield from self._elsewhere(reading, reading.elsewhere)
        if reading.peer_accepts:
            peer = self._explanation.setting.role.peer.value
            yield from self._put(f"a {peer} accepts it: add --role {peer} if a {peer} received it", "", 2)

    def _inflated(self, inflated: Inflated) -> Iterator[Text]:
        if not inflated.agreed:
            said = "it looks like a compressed frame (RFC 7692): with permessage-deflate it would say"
            yield from self._put(said, "", 2)
        said = f"{quoted(inflated.octets)}; the message so far: {deflate_words(inflated.measured)}"
        yield from self._field(FieldRow(inflated.octets, "", "inflated", said))

    def _field(self, line: FieldRow) -> Iterator[Text]:
        shown = line.octets[:_OCTETS_SHOWN]
        rows = [hex_of(shown[at : at + _IN_A_ROW]) for at in range(0, len(shown), _IN_A_ROW)] or [""]
        if len(shown) < len(line.octets):
            rows.append(f"... {len(line.octets) - len(shown):,} more")
        indent = 2 + 3 * _IN_A_ROW + 1
        said = textwrap.wrap(line.meaning, max(self._width - indent - 29, 20)) or [""]
        for at in range(max(len(rows), len(said))):
            octets = rows[at] if at < len(rows) else ""
            row = Text("  ")
            row.append(octets.ljust(indent - 2), "cyan")
            row.append((line.bits if at == 0 else "").ljust(11), "dim")
            row.append((line.field if at == 0 else "").ljust(17), "bold")
            row.append(said[at] if at < len(said) else "")
            row.rstrip()
            yield row

    def _begun(self, reading: FrameReading) -> Iterator[Text]:
        begun = reading.begun
        assert begun is not None
        of_what = "its header" if begun.header else "the frame"
        yield from self._put(f"not complete: {of_what} needs at least {_count(begun.missing)} more", "bold yellow", 2)
        for said, style, rules in (
            ("certain already, whatever follows: the endpoint fails the connection", "bold red", begun.fails),
            ("certain already, whatever follows: the endpoint ignores the frame", "bold yellow", begun.ignored),
            ("the endpoint may fail the connection without waiting for the rest", "", begun.may_fail),
        ):
            if rules:
                yield from self._put(said, style, 2)
                yield from self._rules(tuple(rule.id for rule in rules), reading, 4)
        if not (begun.fails or begun.ignored):
            yield from self._put("no rule obliges the endpoint so far to refuse the frame", "", 2)

    def _elsewhere(self, reading: FrameReading, elsewhere: Elsewhere) -> Iterator[Text]:
        for said in self._where(elsewhere):
            yield from self._put(said, "", 2)
        for step in elsewhere.path or ():
            yield from self._put(f"{hex_of(step.octets)}   {frame_words(step.frame)}", "cyan", 6)
        if elsewhere.path:
            history = b"" if elsewhere.from_start else b"".join(r.octets for r in self._before(reading))
            after = (history + b"".join(step.octets for step in elsewhere.path)).hex()
            if len(after) <= 2 * _OCTETS_SHOWN:
                yield from self._put(f"try: --after {after}", "", 6)
        if reading.changes:
            yield from self._put("changes that make the frame legal here", "", 2)
            for change in reading.changes[:_CHANGES_SHOWN]:
                yield from self._change(change, whole=reading.begun is None)
            if len(reading.changes) > _CHANGES_SHOWN:
                yield from self._put(f"and {len(reading.changes) - _CHANGES_SHOWN} other changes", "", 6)

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

    def _change(self, change: LegalChange, *, whole: bool) -> Iterator[Text]:
        shown = f": {hex_of(change.octets, _OCTETS_SHOWN)}" if whole else ""
        yield from self._put(f"{change.words}{shown}", "", 6)

    # --- a head ------------------------------------------------------------------------------------------------------

    def _head(self, reading: HeadReading) -> Iterator[Text]:
        what = _HEAD[reading.kind]
        yield from self._put(f"{what}: {_count(len(reading.octets))}", "bold")
        yield from self._head_lines(reading)
        yield Text("")
        if reading.missing:
            yield from self._put("not complete: it ends before its empty line", "bold yellow", 2)
            return
        if reading.malformed is not None:
            yield from self._put(f"not an HTTP {what}: {reading.malformed}", "bold red", 2)
        if reading.tolerated is not None:
            yield from self._put(f"tolerated: {reading.tolerated}", "bold yellow", 2)
        yield from self._outcomes(reading)
        yield from self._sender(reading)
        if reading.mended is not None:
            yield from self._put("it would be sound if", "", 2)
            for change in reading.mended.changes:
                yield from self._put(f"- {change}", "", 6)
            yield from self._put("for instance", "", 2)
            yield from self._quoted_head(reading.mended.head.octets(), 6)

    def _head_lines(self, reading: HeadReading) -> Iterator[Text]:
        shown = [_printable(line.octets) for line in reading.lines]
        column = min(max((len(said) for said in shown), default=0), self._width // 2) + 4
        for line, said in zip(reading.lines, shown, strict=True):
            yield from self._head_line(line, said, column)
        if reading.absent:
            yield from self._put(f"absent: {', '.join(reading.absent)}", "dim", 2)
        if reading.rest:
            yield from self._put(f"after it: {_count(reading.rest)}, not explained", "dim", 2)

    def _head_line(self, line: HeadLine, said: str, column: int) -> Iterator[Text]:
        rows = textwrap.wrap(said, self._width - 2, break_on_hyphens=False) or [""]
        for row in rows[:-1]:
            yield Text("  ").append(row, "cyan")
        last = Text("  ").append(rows[-1], "cyan")
        facts = line.facts
        meaning = "; ".join(map(str, facts)) or line.remark
        style = "bold red" if any(fact.wrong for fact in facts) else "" if facts else "dim"
        if len(last.plain) > column - 2 and meaning:
            yield last
            last = Text("")
        last.append(" " * (column - len(last.plain)) if meaning else "").append(meaning, style or None)
        yield last

    def _quoted_head(self, octets: bytes, indent: int) -> Iterator[Text]:
        for line in octets.split(b"\r\n")[:-2]:
            shown = _printable(line)
            if shown.endswith(" "):  # a blank at the end of a line is not seen
                shown = shown[:-1] + "\\x20"
            yield Text(" " * indent).append(shown, "cyan")

    # --- what the rules say of a unit --------------------------------------------------------------------------------

    def _outcomes(self, reading: UnitReading) -> Iterator[Text]:
        for place, outcome in enumerate(reading.outcomes):
            label = outcome.label
            said = outcome_words(label) if place == 0 else f"or it may {choice_words(label)}"
            yield from self._put(said, _KIND_STYLE.get(label.kind, "") if place == 0 else "", 2)
            yield from self._rules(outcome.rules, reading, 4)
        for outcome in reading.departing:
            which = " and ".join(map(self._named, outcome.departs_from))
            said = f"to {choice_words(outcome.label)} departs from {which}, and from no stronger rule"
            yield from self._put(said, "", 2)
        yield from self._put(f"afterwards: {state_words(reading.after)}", "", 2)
        for owed in reading.owed:
            yield from self._owed(owed, as_head=isinstance(reading, HeadReading))

    def _sender(self, reading: UnitReading) -> Iterator[Text]:
        """Whether the unit could be sent."""
        if reading.sent is None:
            return
        sender, before, breaks = reading.sent
        may = "may not" if breaks else "may"
        so_far = " so far" if isinstance(reading, FrameReading) and reading.begun is not None and not breaks else ""
        yield from self._put(f"a {sender.role.value} {may} send it{so_far}", "bold red" if breaks else "", 2)
        for rule in breaks:
            yield from self._rule(rule, because(rule, sender, before, reading.facts), 4)

    def _owed(self, owed: Owed, *, as_head: bool) -> Iterator[Text]:
        such = ", such as" if owed.octets else ""
        octets = "" if as_head or not owed.octets else f" {hex_of(owed.octets, _OCTETS_SHOWN)}"
        yield from self._put(f"it owes {DUES[owed.due]}{such}{octets}", "bold", 2)
        if as_head and owed.octets:
            yield from self._quoted_head(owed.octets, 6)
            yield from self._put(f"{_count(len(owed.octets))}: {hex_of(owed.octets, _OCTETS_SHOWN)}", "dim", 6)
        yield from self._rule(owed.rule, None, 4)

    def _disputes(self, reading: UnitReading) -> Iterator[Text]:
        for switch, disputes in groupby(reading.disputes, lambda dispute: dispute.switch):
            yield from self._put(f"disputed (section {switch.sections}): {switch.question}", "", 2)
            for dispute in disputes:
                outcomes = " or ".join(choice_words(outcome.label) for outcome in dispute.outcomes)
                yield from self._put(f"with --switch {switch.name}={dispute.value}: {outcomes}", "", 6)

    def _rules(self, ids: tuple[str, ...], reading: UnitReading, indent: int) -> Iterator[Text]:
        for rule_id in ids:
            rule = self._explanation.rules.by_id[rule_id]
            why = because(rule, self._explanation.setting, reading.before, reading.facts)
            yield from self._rule(rule, why, indent)

    def _rule(self, rule: Rule, why: Expr | None, indent: int) -> Iterator[Text]:
        head = Text(" " * indent)
        head.append(rule.strength.value.ljust(_STRENGTH_WIDTH), STRENGTH_STYLE[rule.strength])
        head.append(rule.id, "bold")
        indent += _STRENGTH_WIDTH
        said = "" if why is None else f"because {text(why)}"
        fits = len(head.plain) + 3 + len(said) <= self._width
        yield head.append(f"   {said}" if said and fits else "", "dim")
        if not fits:
            yield from self._put(said, "dim", indent)
        if rule.id not in self._quoted:
            self._quoted.add(rule.id)
            yield from self._put(f'{rule.clause}: "{rule.quote}"', "italic", indent)

    def _named(self, rule_id: str) -> str:
        return f"{rule_id} ({self._explanation.rules.by_id[rule_id].strength.value})"

    def _put(self, said: str, style: str, indent: int = 0) -> Iterator[Text]:
        for row in textwrap.wrap(said, self._width - indent, break_long_words=False, break_on_hyphens=False):
            yield Text(" " * indent).append(row, style or None)


def _printable(octets: bytes) -> str:
    """A line as it can be shown anywhere: what is not printable ASCII as \\x.., the middle of a long line left out."""
    left = octets if len(octets) <= _LONGEST_LINE else octets[:_LONGEST_LINE]
    said = "".join(chr(o) if 0x20 <= o < 0x7F and o != 0x5C else "\\\\" if o == 0x5C else f"\\x{o:02x}" for o in left)
    return said if left is octets else f"{said} ... {len(octets) - len(left):,} more"


def _count(octets: int) -> str:
    return "1 octet" if octets == 1 else f"{octets:,} octets"
