"""The sequence of an exchange: a diagram where there is room for one, and a list for narrow screens."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from ..text.visible import html_of, visible

MOST_ARROWS: Final = 60
_WIDTH: Final = 650
_LEFT, _RIGHT = 90, 560
_TOP, _STEP = 52, 30
_LONGEST_LABEL: Final = 64


def sequence_diagram(timeline: Sequence[Mapping[str, Any]], sut: str) -> str:
    """A timeline as SVG: two lifelines, an arrow for each step, the deciding one marked. Nothing for an empty one.

    ``sut`` is the role of the endpoint. If there are more than :data:`MOST_ARROWS` steps, those at the beginning and
    around the deciding one are drawn.
    """
    if not timeline:
        return ""
    rows = _drawn(timeline)
    height = _TOP + _STEP * len(rows) - 8
    deciding = next((step for step in timeline if step["deciding"]), None)
    said = f"deciding: {visible(deciding['what'], 200)}" if deciding else "no step of it is marked as deciding"
    parts = [
        f'<svg class="sequence" role="img" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        'aria-labelledby="sequence-title sequence-desc" xmlns="http://www.w3.org/2000/svg">',
        f'<title id="sequence-title">Sequence of the exchange, {len(timeline)} steps</title>',
        f'<desc id="sequence-desc">{escape(said)}</desc>',
    ]
    endpoint = f"endpoint ({sut})" if sut in ("client", "server") else "endpoint"
    for x, name in ((_LEFT, "tester"), (_RIGHT, endpoint)):
        parts.append(f'<text class="who" x="{x}" y="20" text-anchor="middle">{name}</text>')
        parts.append(f'<line class="life" x1="{x}" y1="30" x2="{x}" y2="{height - 8}"/>')
    for place, row in enumerate(rows):
        y = _TOP + _STEP * place
        parts += [_gap(row, y)] if isinstance(row, int) else _arrow(row, y)
    return "".join([*parts, "</svg>"])


def _drawn(timeline: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any] | int]:
    """The steps to draw, and between them how many are left out."""
    if len(timeline) <= MOST_ARROWS:
        return list(timeline)
    half = MOST_ARROWS // 2
    decides = next((place for place, step in enumerate(timeline) if step["deciding"]), len(timeline) - 1)
    begin = min(max(half, decides - half // 2), len(timeline) - half)
    before, after = begin - half, len(timeline) - begin - half
    return [
        *timeline[:half],
        *([before] if before else []),
        *timeline[begin : begin + half],
        *([after] if after else []),
    ]


def _gap(left_out: int, y: int) -> str:
    middle = (_LEFT + _RIGHT) // 2
    return f'<text class="gap" x="{middle}" y="{y}" text-anchor="middle">{_left_out(left_out)}</text>'


def _left_out(steps: int) -> str:
    return f"... {steps} step{'' if steps == 1 else 's'} left out here"


def _arrow(step: Mapping[str, Any], y: int) -> list[str]:
    kind = " deciding" if step["deciding"] else ""
    label = escape(_fitted(step["what"]))
    time = f'<text class="time" x="8" y="{y + 4}">{_time(step["t"])}</text>'
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


def _fitted(what: str) -> str:
    """As much of the text as there is room for between the lifelines."""
    shown = visible(what[: 2 * _LONGEST_LABEL], lines=False)
    if len(shown) <= _LONGEST_LABEL and shown.isascii():
        return shown
    columns, cut = 0, ""
    for character in shown:
        columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if columns > _LONGEST_LABEL:
            return f"{cut[:-1]}…"
        cut += character
    return cut


def _time(seconds: float) -> str:
    if abs(seconds) < 1000:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds:.0f} s" if abs(seconds) < 1e9 else "?"


def sequence_list(timeline: Sequence[Mapping[str, Any]]) -> str:
    """The same steps as items of a list, for screens on which the diagram is too wide."""
    items = []
    for row in _drawn(timeline):
        if isinstance(row, int):
            items.append(f'<li class="gap">{_left_out(row)}</li>')
            continue
        side = {"tester": "tester →", "sut": "← endpoint"}.get(row["from"], "")
        mark = " <strong>(decides)</strong>" if row["deciding"] else ""
        kind = " class=deciding" if row["deciding"] else ""
        items.append(
            f'<li{kind}><span class="dim">{_time(row["t"])} {side}</span> {html_of(_fitted(row["what"]))}{mark}</li>'
        )
    return "".join(items)
