"""A diagram of states as SVG: one file without scripts, fonts or links, the same for the same diagram."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final
from xml.sax.saxutils import escape

from .diagram import Box, Diagram
from .layered_layout import Line, Point, Size, layered

MARGIN: Final = 28.0
TITLE_HEIGHT: Final = 62.0
HEADING_EM, LINE_EM, LABEL_EM = 14.0, 12.0, 12.0
LEADING: Final = 1.35
PADDING: Final = 12.0
RULE_SPACE: Final = 7.0
TONES: Final = {
    "connecting": ("#e4effb", "#1d5a9e"),
    "open": ("#e6f4ea", "#1e7a3c"),
    "closing": ("#fff6d9", "#9a6b00"),
    "failed": ("#fde8e6", "#b3261e"),
    "closed": ("#eceff3", "#4a5568"),
}
"""Fill and stroke by tone; text keeps a contrast of more than 7 to 1 on each fill."""

_NARROW: Final = frozenset("iljtfrI.,:;'|!()[] -1")
_WIDE: Final = frozenset("mwMWOQCDGHNUT@%")


def text_width(text: str, em: float) -> float:
    """About how wide a text is, in pixels, in a sans-serif font; rather too wide than too narrow."""
    return em * sum(0.36 if c in _NARROW else 0.8 if c in _WIDE else 0.61 for c in text)


def svg(diagram: Diagram) -> str:
    """The diagram as an SVG document."""
    lay = layered(
        diagram.start,
        {box.id: _box_size(box) for box in diagram.boxes},
        {(arrow.source, arrow.target): _label_size(arrow.lines) for arrow in diagram.arrows},
    )
    width = max(lay.size.width, text_width(diagram.title, 18)) + 2 * MARGIN
    height = lay.size.height + TITLE_HEIGHT + 2 * MARGIN
    shift = Point((width - lay.size.width) / 2, MARGIN + TITLE_HEIGHT)
    body = [f'<text class="title" x="{_n(width / 2)}" y="{_n(MARGIN + 12)}">{escape(diagram.title)}</text>']
    body += [_path(lay.lines[arrow.source, arrow.target], shift) for arrow in diagram.arrows]
    for arrow in diagram.arrows:
        body += _label(arrow.lines, _moved(lay.lines[arrow.source, arrow.target].label, shift))
    start = _moved(lay.boxes[diagram.start], shift)
    for box in diagram.boxes:
        body += _box(box, _moved(lay.boxes[box.id], shift), ends=box.id in diagram.ends)
    body += _entry(start, _box_size(next(box for box in diagram.boxes if box.id == diagram.start)))
    return "\n".join([*_head(diagram, width, height), *body, "</svg>", ""])


def _head(diagram: Diagram, width: float, height: float) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" '
        f'height="{_n(height)}" role="img" aria-label="{escape(diagram.title, {chr(34): "&quot;"})}">',
        f"<title>{escape(diagram.title)}</title>",
        "<style>text{font-family:Helvetica,Arial,'Liberation Sans','DejaVu Sans',sans-serif;text-anchor:middle;"
        "fill:#1a202c}"
        f".title{{font-size:18px;font-weight:bold}}.heading{{font-size:{_n(HEADING_EM)}px;font-weight:bold}}"
        f".fact,.line{{font-size:{_n(LINE_EM)}px}}.fact{{font-style:italic}}"
        f".label{{font-size:{_n(LABEL_EM)}px;fill:#2d3748}}"
        ".arrow{fill:none;stroke:#4a5568;stroke-width:1.4;marker-end:url(#tip)}</style>",
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0,0 L10,5 L0,10 z" fill="#4a5568"/></marker></defs>',
        f'<rect width="{_n(width)}" height="{_n(height)}" fill="#ffffff"/>',
    ]


def _box_size(box: Box) -> Size:
    lines = (*box.facts, *box.lines)
    width = max(text_width(box.heading, HEADING_EM) * 1.06, *(text_width(line, LINE_EM) for line in ("", *lines)))
    height = HEADING_EM * LEADING + len(lines) * LINE_EM * LEADING + 1.5 * PADDING
    return Size(width + 2 * PADDING, height + (RULE_SPACE if box.lines else 0))


def _label_size(lines: Sequence[str]) -> Size:
    return Size(max(text_width(line, LABEL_EM) for line in lines) + 8, len(lines) * LABEL_EM * LEADING + 4)


def _box(box: Box, middle: Point, *, ends: bool) -> list[str]:
    size = _box_size(box)
    fill, stroke = TONES[box.tone]
    left, top = middle.x - size.width / 2, middle.y - size.height / 2
    parts = [_rect(left, top, size, f'rx="9" fill="{fill}" stroke="{stroke}" stroke-width="1.6"')]
    if ends:
        inner = Size(size.width - 6, size.height - 6)
        parts.append(_rect(left + 3, top + 3, inner, f'rx="7" fill="none" stroke="{stroke}" stroke-width="0.9"'))
    y = top + 0.75 * PADDING + HEADING_EM
    parts.append(_text("heading", middle.x, y, box.heading))
    for line in box.facts:
        y += LINE_EM * LEADING
        parts.append(_text("fact", middle.x, y, line))
    if box.lines:
        rule = y + RULE_SPACE
        parts.append(f'<path d="M{_n(left)},{_n(rule)} h{_n(size.width)}" stroke="{stroke}" stroke-width="0.8"/>')
        y += RULE_SPACE
    for line in box.lines:
        y += LINE_EM * LEADING
        parts.append(_text("line", middle.x, y, line))
    return parts


def _label(lines: Sequence[str], middle: Point) -> list[str]:
    size = _label_size(lines)
    top = middle.y - size.height / 2
    parts = [_rect(middle.x - size.width / 2, top, size, 'rx="3" fill="#ffffff"')]
    for number, line in enumerate(lines):
        parts.append(_text("label", middle.x, top + 2 + (number + 0.8) * LABEL_EM * LEADING, line))
    return parts


def _entry(middle: Point, size: Size) -> Iterable[str]:
    """The dot that marks the initial box."""
    top = middle.y - size.height / 2
    yield f'<circle cx="{_n(middle.x)}" cy="{_n(top - 24)}" r="5" fill="#1a202c"/>'
    yield f'<path class="arrow" d="M{_n(middle.x)},{_n(top - 19)} L{_n(middle.x)},{_n(top)}"/>'


def _path(line: Line, shift: Point) -> str:
    """Straight where the line crosses a layer, a curve with upright ends between layers."""
    points = [_moved(point, shift) for point in line.points]
    parts = [f"M{_n(points[0].x)},{_n(points[0].y)}"]
    for one, next_ in pairwise(points):
        if abs(one.x - next_.x) < 0.05:
            parts.append(f"L{_n(next_.x)},{_n(next_.y)}")
        else:
            bend = (one.y + next_.y) / 2
            parts.append(f"C{_n(one.x)},{_n(bend)} {_n(next_.x)},{_n(bend)} {_n(next_.x)},{_n(next_.y)}")
    return f'<path class="arrow" d="{" ".join(parts)}"/>'


def _rect(left: float, top: float, size: Size, style: str) -> str:
    return f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(size.width)}" height="{_n(size.height)}" {style}/>'


def _text(style: str, x: float, y: float, text: str) -> str:
    return f'<text class="{style}" x="{_n(x)}" y="{_n(y)}">{escape(text)}</text>'


def _moved(point: Point, shift: Point) -> Point:
    return Point(point.x + shift.x, point.y + shift.y)


def _n(value: float) -> str:
    """A number with one decimal, without a trailing zero."""
    return f"{value:.1f}".removesuffix(".0")
