"""The exercises as pages: each level to be answered, with its reasons, and as a sheet to be printed, with a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final, NamedTuple

from wsoracle.model.notation.variables import EventKind
from wsoracle.model.octets.frames import decode_header
from wsoracle.model.octets.masking import mask

from ..explain.field_table import field_table
from .addresses import Addresses
from .decoder.explained import rule_html
from .exercises import Exercise, ExerciseLevel, Mark, PossibleAnswer, Reason
from .octets import compressed_rows, fields_html

SCRIPT: Final = "exercises.js"
_HAPPENS: Final = {
    EventKind.RECEIVE: "It receives this frame:",
    EventKind.RECEIVE_EOF: "TCP ends: nothing more will arrive.",
    EventKind.RECEIVE_REQUEST: "It receives this request:",
    EventKind.RECEIVE_RESPONSE: "It receives this response:",
    EventKind.SEND: "It would like to send this frame:",
    EventKind.SEND_REQUEST: "It would like to send this request:",
    EventKind.SEND_RESPONSE: "It would like to send this response:",
    EventKind.CLOSE_TCP: "It would like to close TCP.",
    EventKind.SILENCE: "It would like to be silent, whatever it waits for.",
}
MOST: Final = 24
"""Exercises on a page."""

_LONGEST: Final = 700


class ExercisePage(NamedTuple):
    """A page: the name of its file, its title, its content, and the rules that it asks for, with the anchor of each."""

    name: str
    title: str
    body: str
    asks: tuple[tuple[str, str], ...]


def exercise_pages(exercises: Sequence[Exercise], addresses: Addresses) -> Iterator[ExercisePage]:
    """The exercises level by level, so many on a page; then a sheet for each page."""
    parts = [
        (level, every[at : at + MOST], at // MOST + 1 if len(every) > MOST else 0)
        for level in ExerciseLevel
        if (every := [one for one in exercises if one.level is level])
        for at in range(0, len(every), MOST)
    ]
    sheets = []
    for place, (level, chosen, part) in enumerate(parts, 1):
        asks = tuple((rule, f"exercise-{one.number}") for one in chosen for rule in one.asks)
        words = f"{place}: {level.value}{f', part {part}' if part else ''}"
        sheet = f"sheet-{place}.html"
        yield ExercisePage(f"exercises-{place}.html", f"Exercises {words}", _level(chosen, sheet, addresses), asks)
        sheets.append(ExercisePage(sheet, f"Sheet {words}", _sheet(chosen), ()))
    yield from sheets


def _level(chosen: Sequence[Exercise], sheet: str, addresses: Addresses) -> str:
    count = len({rule for one in chosen for rule in one.asks})
    return (
        f"<p class=lead>What may the endpoint do now? Tick all that the rules allow in full, and check. "
        f"{len(chosen)} situations, which ask for {count} rules, each once. What is right, and why, is what the model "
        f'says. Nothing is kept.</p>{_words_used(addresses)}<p>For teachers: <a href="{sheet}">the same as a sheet to '
        "be printed, with a key</a>.</p><p id=score role=status></p>"
        f"{''.join(_exercise_html(one, addresses) for one in chosen)}"
    )


def _words_used(addresses: Addresses) -> str:
    """What questions and reasons take for known."""
    fail, strengths = addresses.linked("chapter 11", ""), addresses.linked("chapter 13.2", "")
    return (
        "<p>To <em>fail the connection</em> is to end it because of an error of the peer, with a Close frame whose "
        f"code says which ({fail}). MUST, SHOULD and MAY are the words of the RFC; CONSENSUS marks what it leaves open "
        f"and implementations agree on ({strengths}). <em>In full</em> means that no rule speaks against it.</p>"
    )


def _exercise_html(one: Exercise, addresses: Addresses) -> str:
    choices = "".join(
        f"<li><label><input type=checkbox data-right={int(choice.grade is Mark.RIGHT)}> {escape(choice.words)}</label>"
        "<span class=mark></span></li>"
        for choice in one.choices
    )
    return (
        f'<article class=exercise id="exercise-{one.number}"><h2>{one.number}. A {one.role.value}</h2>'
        f"{_situation(one)}{_unit(one)}"
        f"<fieldset><legend>{_question(one)}</legend><ul class=choices>{choices}</ul></fieldset>"
        "<p class=buttons><button type=button class=main data-do=check>Check</button><output></output></p>"
        f"<details class=reasons><summary>Answer and reasons</summary>{_reasons(one, addresses)}</details></article>"
    )


def _question(one: Exercise) -> str:
    return "What may it do now?" if one.event.kind.is_input else "May it?"


def _situation(one: Exercise) -> str:
    """Where the endpoint stands, and what the octets do not show."""
    steps = "".join(f"<li>{escape(step)}</li>" for step in one.path)
    path = f"<p>Then, step by step:</p><ol>{steps}</ol>" if steps else ""
    remarks = "".join(f"<p>{escape(remark)}</p>" for remark in one.remarks)
    return f"<p>It is in the state {escape(one.start)}.</p>{path}<p>{_HAPPENS[one.event.kind]}</p>{remarks}"


def _unit(one: Exercise) -> str:
    """The frame with its fields, or the head as text."""
    if one.event.frame is not None and one.octets:
        found = decode_header(one.octets)
        assert found is not None
        header, start = found
        payload = one.octets[start:] if header.key is None else mask(one.octets[start:], header.key)
        rows = list(field_table(one.octets, payload, one.text_from if one.inflated is None else None))
        if one.inflated is not None:
            rows = [*compressed_rows(rows, one.inflated, one.event.frame.damage)]
        return f"<div class=frames>{fields_html(one.octets, rows, zeros=False)}</div>"
    return f"<pre tabindex=0>{_head(one)}</pre>" if one.octets else ""


def _head(one: Exercise) -> str:
    """A head as text, cut where it is long."""
    text = one.octets[:_LONGEST].decode("latin-1")
    shown = "".join(
        letter if letter == "\n" or 0x20 <= ord(letter) < 0x7F else "" if letter == "\r" else f"\\x{ord(letter):02x}"
        for letter in text
    )
    left = len(one.octets) - _LONGEST
    return escape(shown.rstrip()) + (f"\n... and {left:,} more octets" if left > 0 else "")


def _reasons(one: Exercise, addresses: Addresses) -> str:
    """What is right and why; a rule is quoted once, and stands among those against it unless it was named before."""
    parts = []
    seen: set[str] = set()
    for choice in one.choices:
        if choice.grade is not Mark.WRONG:
            tone = "good" if choice.grade is Mark.RIGHT else "caution"
            parts.append(f'<p class="said {tone}">{escape(choice.words)}: {choice.grade.value}</p>')
            parts.append(_rules(choice.reasons, addresses, seen))
    if against := [reason for reason in one.against if reason.rule.id not in seen]:
        parts.append('<p class="said bad">Rules against it</p>')
        parts.append(_rules(against, addresses, seen))
    if not one.event.kind.is_input and not one.against and not any(choice.reasons for choice in one.choices):
        parts.append("<p>No rule lets it do so here.</p>")
    return "".join(parts)


def _rules(reasons: Iterable[Reason], addresses: Addresses, seen: set[str]) -> str:
    """Each rule once; those that are not ``seen`` with their quotation, after which they are."""
    said = {one.rule.id: one for one in reasons}
    html = "".join(
        rule_html(one.rule, addresses, why=f"because {one.why}" if one.why else "", quoted=name not in seen)
        for name, one in said.items()
    )
    seen.update(said)
    return html


# --- sheets -----------------------------------------------------------------------------------------------------------


def _sheet(chosen: Sequence[Exercise]) -> str:
    questions = "".join(
        f"<article class=asked><h2>{one.number}. A {one.role.value}</h2>{_situation(one)}{_shown(one)}"
        f"<p><strong>{_question(one)}</strong></p><ul class=boxes>"
        f"{''.join(f'<li>{escape(choice.words)}</li>' for choice in one.choices)}</ul></article>"
        for one in chosen
    )
    key = "".join(
        f"<tr><th scope=row>{one.number}</th><td>{'; '.join(map(escape, _right(one.choices)))}</td>"
        f"<td>{', '.join(f'<code>{rule}</code>' for rule in one.asks)}</td></tr>"
        for one in chosen
    )
    return (
        "<p class=lead>Tick all that the rules allow in full. The key stands on a page of its own, at the end.</p>"
        f"{questions}<section class=key><h2>Key</h2><div class=scroll tabindex=0 role=group aria-label=Key><table>"
        "<thead><tr><th scope=col>exercise</th><th scope=col>right</th><th scope=col>it asks for</th></tr></thead>"
        f"<tbody>{key}</tbody></table></div></section>"
    )


def _shown(one: Exercise) -> str:
    if one.event.frame is not None and one.octets:
        return f"<p><code>{one.octets.hex(' ')}</code></p>"
    return f"<pre tabindex=0>{_head(one)}</pre>" if one.octets else ""


def _right(choices: Iterable[PossibleAnswer]) -> list[str]:
    return [choice.words for choice in choices if choice.grade is Mark.RIGHT] or ["nothing of this"]
