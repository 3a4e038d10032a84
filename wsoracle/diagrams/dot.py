"""A diagram of states in DOT, the language of Graphviz, and the SVG that Graphviz draws of it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from html import escape
from typing import Final

from ..text.output import OutputError
from .diagram import Box, Diagram

PROGRAM: Final = "dot"
OTHERWISE: Final = "or use --format mermaid"
SECONDS: Final = 60.0
"""Time after which Graphviz is given up; it draws the views of the model in less than one second."""

TONES: Final = {
    "connecting": ("#e4effb", "#1d5a9e"),
    "open": ("#e6f4ea", "#1e7a3c"),
    "closing": ("#fff6d9", "#9a6b00"),
    "failed": ("#fde8e6", "#b3261e"),
    "closed": ("#eceff3", "#4a5568"),
}
"""Fill and border by tone; text keeps a contrast of more than 7 to 1 on each fill."""


class DrawingFailed(OutputError):
    """Graphviz is not installed, or did not draw; the message is one line that says what to do."""


def can_draw() -> bool:
    """Whether Graphviz is installed."""
    return shutil.which(PROGRAM) is not None


def check_can_draw() -> None:
    """Raise :class:`DrawingFailed` where Graphviz is not installed: worth asking before a long exploration."""
    if not can_draw():
        raise DrawingFailed(f"SVG needs Graphviz, whose program {PROGRAM} is not here: install graphviz, {OTHERWISE}")


def svg(diagram: Diagram) -> str:
    """The diagram as an SVG document, drawn by Graphviz. Raises :class:`DrawingFailed`."""
    check_can_draw()
    try:
        run = subprocess.run(
            [PROGRAM, "-Tsvg"], input=dot(diagram), capture_output=True, encoding="utf-8", timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DrawingFailed(f"{PROGRAM} cannot be run: {error}: mend it, {OTHERWISE}") from error
    if run.returncode:
        complaint = " ".join(run.stderr.split()) or f"exit status {run.returncode}"
        raise DrawingFailed(f"{PROGRAM} failed: {complaint}: mend it, {OTHERWISE}")
    return run.stdout


def dot(diagram: Diagram) -> str:
    """The diagram as the text of a graph in DOT."""
    lines = [
        "digraph {",
        f"  label={_label([_bold(diagram.title)])} labelloc=t fontsize=18",
        '  graph [fontname="Helvetica,Arial,sans-serif"]',
        '  node [fontname="Helvetica,Arial,sans-serif" fontsize=12 shape=box style="rounded,filled"]',
        '  edge [fontname="Helvetica,Arial,sans-serif" fontsize=11 color="#4a5568"]',
        '  start [shape=point width=0.12 label=""]',
    ]
    for box in diagram.boxes:
        fill, border = TONES[box.tone]
        rims = 2 if box.id in diagram.ends else 1
        lines.append(f'  {box.id} [label={_box_label(box)} fillcolor="{fill}" color="{border}" peripheries={rims}]')
    lines.append(f"  start -> {diagram.start}")
    lines += [
        f"  {arrow.source} -> {arrow.target} [label={_label(map(escape, arrow.lines))}]" for arrow in diagram.arrows
    ]
    return "\n".join([*lines, "}", ""])


def _box_label(box: Box) -> str:
    return _label((_bold(box.heading), *(f"<I>{escape(fact)}</I>" for fact in box.facts), *map(escape, box.lines)))


def _bold(text: str) -> str:
    return f"<B>{escape(text)}</B>"


def _label(rows: Iterable[str]) -> str:
    """A label of several rows in the markup of Graphviz."""
    return f"<{'<BR/>'.join(rows)}>"
