"""A diagram of states as data, and its Mermaid text; :mod:`.dot` draws the same data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Box(NamedTuple):
    """A state of a diagram: heading, facts below it, lines on what happens inside, and the tone of its colour."""

    id: str
    heading: str
    facts: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    tone: str = "open"


class Arrow(NamedTuple):
    """The transitions that lead from one box to another, one line each."""

    source: str
    target: str
    lines: tuple[str, ...]


class Diagram(NamedTuple):
    """A titled state diagram; ``start`` is the id of the initial box."""

    title: str
    start: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    @property
    def ends(self) -> tuple[str, ...]:
        """The boxes that nothing leaves."""
        left = {arrow.source for arrow in self.arrows}
        return tuple(box.id for box in self.boxes if box.id not in left)


def mermaid(diagram: Diagram) -> str:
    """The diagram in the language of Mermaid (``stateDiagram-v2``), which code hosts draw in Markdown."""
    lines = ["---", f"title: {_quoted(diagram.title)}", "---", "stateDiagram-v2"]
    for box in diagram.boxes:
        label = _escaped("<br>".join((box.heading, *box.facts, *box.lines)))
        lines.append(f'    state "{label}" as {box.id}')
    lines.append(f"    [*] --> {diagram.start}")
    lines += [f"    {a.source} --> {a.target}: {_escaped('<br>'.join(a.lines))}" for a in diagram.arrows]
    lines += [f"    {end} --> [*]" for end in diagram.ends]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', "'") + '"'


def _escaped(text: str) -> str:
    """Text that Mermaid does not take for syntax: a colon or semicolon ends a label there."""
    return text.replace('"', "'").replace(";", ",").replace(":", " -")


def wrapped(words: Sequence[str], width: int, between: str = ", ") -> list[str]:
    """The words joined into lines of at most ``width`` characters (longer only where one word is)."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(between) + len(word) <= width:
            lines[-1] += between + word
        else:
            if lines:
                lines[-1] += between.rstrip()
            lines.append(word)
    return lines
