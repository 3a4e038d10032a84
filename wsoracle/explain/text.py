"""An explanation as text: lines for people, coloured on a terminal, plain and always the same where it is piped."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.text import Text

from wsoracle.model.notation.expression import text
from wsoracle.model.notation.rule import Strength

from ..text.hexadecimal import hex_of
from .explanation import ExplainedOctets, UnitReading
from .field_table import FieldRow
from .head_lines import HeadLine
from .told import (
    OCTETS_SHOWN,
    FieldsSaid,
    HeadSaid,
    Item,
    RuleSaid,
    Said,
    SampleHead,
    Tone,
    lines_of_head,
    printable,
    told,
)

_IN_A_ROW: Final = 8
_AT_ONCE: Final = 100
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
_STYLES: Final = {
    Tone.PLAIN: "", Tone.TITLE: "bold", Tone.NOTE: "yellow", Tone.GOOD: "bold green", Tone.BAD: "bold red",
    Tone.CAUTION: "bold yellow", Tone.OCTETS: "cyan", Tone.DIM: "dim",
}  # fmt: skip


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
    page = _TextPage(max(width, 60))
    for item in told(explanation):
        yield from page.lines(item)


class _TextPage:
    def __init__(self, width: int) -> None:
        self._width = width

    def lines(self, item: Item) -> Iterator[Text]:
        match item:
            case Said(words, tone, depth):
                yield from self._put(words, _STYLES[tone], 2 * depth)
            case RuleSaid():
                yield from self._rule(item)
            case FieldsSaid(rows):
                for row in rows:
                    yield from self._field(row)
            case HeadSaid(head):
                yield from self._head_lines(head)
            case SampleHead(octets):
                for line in lines_of_head(octets):
                    yield Text(" " * 6).append(line, "cyan")
            case _:
                yield Text("")

    def _field(self, line: FieldRow) -> Iterator[Text]:
        shown = line.octets[:OCTETS_SHOWN]
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

    def _head_lines(self, lines: tuple[HeadLine, ...]) -> Iterator[Text]:
        shown = [printable(line.octets) for line in lines]
        column = min(max((len(said) for said in shown), default=0), self._width // 2) + 4
        for line, said in zip(lines, shown, strict=True):
            yield from self._head_line(line, said, column)

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

    def _rule(self, said: RuleSaid) -> Iterator[Text]:
        rule, indent = said.rule, 4
        head = Text(" " * indent)
        head.append(rule.strength.value.ljust(_STRENGTH_WIDTH), STRENGTH_STYLE[rule.strength])
        head.append(rule.id, "bold")
        indent += _STRENGTH_WIDTH
        why = "" if said.why is None else f"because {text(said.why)}"
        fits = len(head.plain) + 3 + len(why) <= self._width
        yield head.append(f"   {why}" if why and fits else "", "dim")
        if not fits:
            yield from self._put(why, "dim", indent)
        if said.quoted:
            yield from self._put(f'{rule.clause}: "{rule.quote}"', "italic", indent)

    def _put(self, said: str, style: str, indent: int = 0) -> Iterator[Text]:
        for row in textwrap.wrap(said, self._width - indent, break_long_words=False, break_on_hyphens=False):
            yield Text(" " * indent).append(row, style or None)
