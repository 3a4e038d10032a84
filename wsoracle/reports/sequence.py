"""The exchange of a case as a sequence diagram: two lifelines, an arrow for what crossed, the deciding one marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from .shown import visible

__all__ = ["MOST_ARROWS", "sequence_diagram"]

MOST_ARROWS: Final = 60
_WIDTH: Final = 760
_LEFT, _RIGHT = 150, 610
_TOP, _STEP = 52, 30
_LONGEST: Final = 64


def sequence_diagram(timeline: Sequence[Mapping[str, Any]], sut: str) -> str:
    """SVG of a timeline; ``sut`` is the role of the endpoint under test. Nothing for an empty one.

    Of more than :data:`MOST_ARROWS` steps those at the beginning and around the deciding one are drawn.
    """
    if not timeline:
        return ""
    steps, left_out = _chosen(timeline)
    height = _TOP + _STEP * (len(steps) + 1) + 8
    deciding = next((step for step in timeline if step["deciding"]), None)
    said = f"deciding: {visible(deciding['what'], 200)}" if deciding else "nothing in it decides against the endpoint"
    parts = [
        f'<svg class="sequence" role="img" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        'aria-labelledby="sequence-title sequence-desc" xmlns="http://www.w3.org/2000/svg">',
        f'<title id="sequence-title">Sequence of the exchange, {len(timeline)} steps</title>',
        f'<desc id="sequence-desc">{escape(said)}</desc>',
    ]
    for x, name in ((_LEFT, "tester"), (_RIGHT, f"endpoint ({sut})")):
        parts.append(f'<text class="who" x="{x}" y="20" text-anchor="middle">{escape(name)}</text>')
        parts.append(f'<line class="life" x1="{x}" y1="30" x2="{x}" y2="{height - 8}"/>')
    y = _TOP
    for place, step in steps:
        if place == left_out[0]:
            parts.append(
                f'<text class="gap" x="{(_LEFT + _RIGHT) // 2}" y="{y}" text-anchor="middle">'
                f"... {left_out[1]} steps are left out here</text>"
            )
            y += _STEP
        parts += _arrow(step, y)
        y += _STEP
    return "".join([*parts, "</svg>"])


def _chosen(timeline: Sequence[Mapping[str, Any]]) -> tuple[list[tuple[int, Mapping[str, Any]]], tuple[int, int]]:
    """The steps to draw with their places, and before which place how many are left out."""
    every = list(enumerate(timeline))
    if len(every) <= MOST_ARROWS:
        return every, (-1, 0)
    decides = next((n for n, step in every if step["deciding"]), len(every) - 1)
    tail = MOST_ARROWS // 2
    begin = min(max(tail, decides - tail // 2), len(every) - tail)
    return every[:tail] + every[begin : begin + tail], (begin, begin - tail)


def _arrow(step: Mapping[str, Any], y: int) -> list[str]:
    kind = " deciding" if step["deciding"] else ""
    label = escape(visible(step["what"], _LONGEST, lines=False))
    time = f'<text class="time" x="8" y="{y + 4}">{float(step["t"]) * 1000:.1f} ms</text>'
    middle = (_LEFT + _RIGHT) // 2
    if step["from"] not in ("tester", "sut"):
        return [
            f'<g class="step note{kind}">{time}<text x="{middle}" y="{y + 4}" text-anchor="middle">{label}</text></g>'
        ]
    begin, end = (_LEFT, _RIGHT) if step["from"] == "tester" else (_RIGHT, _LEFT)
    turn = 8 if end > begin else -8
    line = f'<line x1="{begin}" y1="{y}" x2="{end - turn}" y2="{y}"/>'
    head = f'<path d="M{end} {y} l{-turn} -4 v8 z"/>'
    mark = f'<text class="mark" x="{_RIGHT + 12}" y="{y + 4}">&#9668; decides</text>' if step["deciding"] else ""
    text = f'<text x="{middle}" y="{y - 5}" text-anchor="middle">{label}</text>'
    return [f'<g class="step {step["from"]}{kind}">{time}{line}{head}{text}{mark}</g>']
