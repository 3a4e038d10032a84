"""An explanation of a request or a response in words; the same layout as that of frames."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.text import Text

from wsoracle.model.machine.interpreted import Kind, Outcome
from wsoracle.model.notation.expression import text
from wsoracle.model.notation.rule import Due, Rule, Strength
from wsoracle.model.notation.variables import HANDSHAKE, EventKind, Setting, State, phase
from wsoracle.model.rules import RULES

from ..text.hexadecimal import hex_of
from .frame_text import STRENGTH_STYLE
from .heads import HeadExplanation, HeadLine, HeadOwed, reason

_OCTETS_SHOWN: Final = 32
_LONGEST_LINE: Final = 200
_STRENGTH_WIDTH: Final = max(len(strength.value) for strength in Strength) + 1
_KIND_STYLE: Final = {
    Kind.ACCEPT: "bold green", Kind.FAIL: "bold red", Kind.REFUSE: "bold red", Kind.IGNORE: "bold yellow",
}  # fmt: skip
_DUE: Final = {Due.RESPONSE: "an answer", Due.TCP_CLOSE: "closing the TCP connection"}
_HEAD: Final = {EventKind.RECEIVE_REQUEST: "request", EventKind.RECEIVE_RESPONSE: "response"}


def show_head(explanation: HeadExplanation, console: Console) -> None:
    """Print an explanation."""
    console.print(Text("\n").join(head_lines(explanation, console.width)), soft_wrap=True)


def head_lines(explanation: HeadExplanation, width: int) -> Iterator[Text]:
    """The explanation, line by line, none wider than ``width`` columns where words allow."""
    yield from _Page(explanation, max(width, 60)).lines()


class _Page:
    def __init__(self, explanation: HeadExplanation, width: int) -> None:
        self._explanation = explanation
        self._width = width
        self._what = _HEAD[explanation.kind]
        self._quoted: set[str] = set()  # a clause is quoted once

    def lines(self) -> Iterator[Text]:
        explanation = self._explanation
        role = explanation.setting.role.value
        yield from self._put(f"received by a {role} in the state {stage_words(explanation.before)}", "bold")
        for note in explanation.notes:
            yield from self._put(note, "yellow")
        yield Text("")
        yield from self._put(f"{self._what}: {_count(len(explanation.octets))}", "bold")
        yield from self._head()
        yield Text("")
        if explanation.missing:
            yield from self._put("not complete: it ends before its empty line", "bold yellow", 2)
            return
        if explanation.malformed is not None:
            yield from self._put(f"no {self._what} of HTTP: {explanation.malformed}", "bold red", 2)
        yield from self._verdict()
        yield from self._sender()
        yield from self._mended()
        for switch, disputes in groupby(explanation.disputes, lambda dispute: dispute.switch):
            yield from self._put(f"disputed (section {switch.sections}): {switch.question}", "", 2)
            for dispute in disputes:
                outcomes = " or ".join(_may_words(outcome) for outcome in dispute.outcomes)
                yield from self._put(f"with --switch {switch.name}={dispute.value}: {outcomes}", "", 6)

    def _head(self) -> Iterator[Text]:
        explanation = self._explanation
        shown = [_printable(line.octets) for line in explanation.lines]
        column = min(max((len(said) for said in shown), default=0), self._width // 2) + 4
        for line, said in zip(explanation.lines, shown, strict=True):
            yield from self._line(line, said, column)
        if explanation.absent:
            yield from self._put(f"not there: {', '.join(explanation.absent)}", "dim", 2)
        if explanation.rest:
            yield from self._put(f"after it: {_count(explanation.rest)}, not explained", "dim", 2)

    def _line(self, line: HeadLine, said: str, column: int) -> Iterator[Text]:
        rows = textwrap.wrap(said, self._width - 2, break_on_hyphens=False) or [""]
        for row in rows[:-1]:
            yield Text("  ").append(row, "cyan")
        last = Text("  ").append(rows[-1], "cyan")
        facts = line.facts
        meaning = "; ".join(f"{fact.name}: {fact.words}" for fact in facts) or line.remark
        style = "bold red" if any(fact.wrong for fact in facts) else "" if facts else "dim"
        if len(last.plain) > column - 2 and meaning:
            yield last
            last = Text("")
        last.append(" " * (column - len(last.plain)) if meaning else "").append(meaning, style or None)
        yield last

    def _verdict(self) -> Iterator[Text]:
        explanation = self._explanation
        for place, outcome in enumerate(explanation.outcomes):
            said = _outcome_words(outcome) if place == 0 else f"or it may {_may_words(outcome)}"
            yield from self._put(said, _KIND_STYLE.get(outcome.label.kind, "") if place == 0 else "", 2)
            for rule_id in outcome.rules:
                yield from self._rule(RULES.by_id[rule_id], explanation.setting, explanation.before, 4)
        for outcome in explanation.departing:
            which = " and ".join(f"{i} ({RULES.by_id[i].strength.value})" for i in outcome.departs_from)
            yield from self._put(f"to {_may_words(outcome)} would depart from {which} and from nothing stronger", "", 2)
        yield from self._put(f"afterwards: {stage_words(explanation.after)}", "", 2)
        for owed in explanation.owed:
            yield from self._owed(owed)

    def _owed(self, owed: HeadOwed) -> Iterator[Text]:
        such = ", such as" if owed.answer is not None else ""
        yield from self._put(f"it owes {_DUE.get(owed.due, owed.due.name.lower())}{such}", "bold", 2)
        if owed.answer is not None:
            octets = owed.answer.octets()
            yield from self._quoted_head(octets, 6)
            yield from self._put(f"{_count(len(octets))}: {hex_of(octets, _OCTETS_SHOWN)}", "dim", 6)
        yield from self._rule(owed.rule, None, None, 4)

    def _sender(self) -> Iterator[Text]:
        explanation = self._explanation
        role = explanation.sender.role.value
        if not explanation.breaks:
            yield from self._put(f"a {role} may send it", "", 2)
            return
        yield from self._put(f"a {role} may not send it", "bold red", 2)
        for rule in explanation.breaks:
            yield from self._rule(rule, explanation.sender, explanation.sender_before, 4)

    def _mended(self) -> Iterator[Text]:
        mended = self._explanation.mended
        if mended is None:
            return
        yield from self._put("it would be sound if", "", 2)
        for change in mended.changes:
            yield from self._put(f"- {change}", "", 6)
        yield from self._put("for instance", "", 2)
        yield from self._quoted_head(mended.head.octets(), 6)

    def _quoted_head(self, octets: bytes, indent: int) -> Iterator[Text]:
        for line in octets.split(b"\r\n")[:-2]:
            yield Text(" " * indent).append(_printable(line), "cyan")

    def _rule(self, rule: Rule, setting: Setting | None, state: State | None, indent: int) -> Iterator[Text]:
        head = Text(" " * indent)
        head.append(rule.strength.value.ljust(_STRENGTH_WIDTH), STRENGTH_STYLE[rule.strength])
        head.append(rule.id, "bold")
        indent += _STRENGTH_WIDTH
        yield head
        if setting is not None and state is not None:
            why = reason(rule, setting, state, self._explanation.facts)
            if why is not None:
                yield from self._put(f"because {text(why)}", "dim", indent)
        if rule.id not in self._quoted:
            self._quoted.add(rule.id)
            yield from self._put(f'section {rule.section}: "{rule.quote}"', "italic", indent)

    def _put(self, said: str, style: str, indent: int = 0) -> Iterator[Text]:
        for row in textwrap.wrap(said, self._width - indent, break_long_words=False, break_on_hyphens=False):
            yield Text(" " * indent).append(row, style or None)


# --- words ----------------------------------------------------------------------------------------------------------


def stage_words(state: State) -> str:
    """A state before the connection is open, as people say it: its phase and the stage of the opening handshake."""
    name = phase(state)
    return f"{name} ({HANDSHAKE[state.handshake]})" if name == "CONNECTING" else name


def _outcome_words(outcome: Outcome) -> str:
    label = outcome.label
    if label.kind is Kind.ACCEPT:
        return {
            "opening handshake": "accepted: a sound opening handshake",
            "other request": "accepted: an ordinary request of HTTP, which asks for no WebSocket",
            "open": "accepted: the connection is open",
            "refused": "accepted: the server has refused the opening handshake",
        }.get(label.delivers or "", "accepted: the answer is still to come")
    if label.kind is Kind.REFUSE:
        return f"refused: to be answered with {label.code}"
    if label.kind is Kind.FAIL:
        return f"refused: fail the connection; the application is told {label.code}"
    return "ignored"


def _may_words(outcome: Outcome) -> str:
    label = outcome.label
    if label.kind is Kind.REFUSE:
        return f"refuse it with {label.code}"
    if label.kind is Kind.FAIL:
        return "fail the connection"
    return "accept it" if label.kind is Kind.ACCEPT else "ignore it"


def _printable(octets: bytes) -> str:
    """A line as it can be shown anywhere: what is not printable ASCII as \\x.., the middle of a long line left out."""
    left = octets if len(octets) <= _LONGEST_LINE else octets[:_LONGEST_LINE]
    said = "".join(chr(o) if 0x20 <= o < 0x7F and o != 0x5C else "\\\\" if o == 0x5C else f"\\x{o:02x}" for o in left)
    return said if left is octets else f"{said} ... {len(octets) - len(left):,} more"


def _count(octets: int) -> str:
    return "1 octet" if octets == 1 else f"{octets:,} octets"


__all__ = ["head_lines", "show_head", "stage_words"]
