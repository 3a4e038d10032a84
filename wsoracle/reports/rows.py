"""The rows of the long tables of a case's page, as HTML: a template would take several times as long for them.

Every text goes through :func:`~wsoracle.reports.escape.html_of`; numbers are numbers in a tidy record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .escape import html_of
from .wire import Line

__all__ = ["count_rows", "timeline_rows", "wire_rows"]


def wire_rows(lines: Iterable[Line]) -> str:
    """The wire log: number, what, details."""
    rows = []
    for number, line in enumerate(lines):
        detail = html_of(line.detail, 600, lines=False)
        if line.marked:
            detail += f'<mark title="the deciding octet">{html_of(line.marked)}</mark>{html_of(line.rest, 600)}'
        rows.append(
            f'<tr class="{line.style}"><td class="number">{number:03d}</td>'
            f'<td class="kind">{html_of(line.what, 60, lines=False)}</td><td class="hex">{detail}</td></tr>\n'
        )
    return "".join(rows)


def timeline_rows(timeline: Iterable[Mapping[str, Any]]) -> str:
    """What crossed the wire: milliseconds, from whom, what, octets."""
    rows = []
    for step in timeline:
        side = "endpoint" if step["from"] == "sut" else html_of(step["from"], 40, lines=False)
        what = html_of(step["what"], 400, lines=False)
        if step["deciding"]:
            what += " <strong>(decides)</strong>"
        rows.append(
            f'<tr{" class=deciding" if step["deciding"] else ""}><td class="number">{step["t"] * 1000:.3f}</td>'
            f'<td>{side}</td><td>{what}</td><td class="number">{step["octets"] or ""}</td></tr>\n'
        )
    return "".join(rows)


def count_rows(rows: Iterable[Sequence[str | int]], total: Sequence[str | int]) -> str:
    """Counts, and what they come to: all of our own making, nothing in them is text from outside."""
    lines = [f"<tr>{_numbers(row)}</tr>\n" for row in rows]
    return f'{"".join(lines)}<tr class="total"><th scope="row" class="number">total</th>{_numbers(total)}</tr>\n'


def _numbers(cells: Iterable[str | int]) -> str:
    return "".join(f'<td class="number">{cell}</td>' for cell in cells)
