"""Cells of the index: what each agent did in a case, or sums where there are too many agents to draw every one.

A browser takes minutes for a table of some hundred thousand cells. A larger table has the sums of each case, and the
verdicts as compact data in the page, from which its script draws the cells that are asked for.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final
from urllib.parse import quote

from ..text.verdict_signs import sign_of, style_of
from ..text.visible import visible
from .stored_record import CLOSED_WELL, page_name
from .summary import CaseSummary, Summaries

MOST_CELLS: Final = 20_000
"""Cells of a table that are drawn at once."""

MISSING: Final = "Missing"

AUTOBAHN_STYLES: Final = {
    "OK": "case_ok",
    "NON-STRICT": "case_non_strict",
    "INFORMATIONAL": "case_info",
    "UNIMPLEMENTED": "case_unimplemented",
}
"""The classes that cells have on Autobahn's page. Projects read that page: one counts ``case_failed`` in its text, and
takes more than two for a failure, since the style sheet names it twice; ours does so too."""

_BETWEEN: Final = "_case_"


def is_large(cases: int, agents: int) -> bool:
    """Whether the table of these cases and agents has too many cells to be drawn at once."""
    return cases * agents > MOST_CELLS


def cell(summary: CaseSummary | None) -> str:
    """HTML of what an agent did in a case. A template would take three times as long for it."""
    if summary is None:
        return f'<td class="missing case_missing">{MISSING}</td>'
    said = summary.label
    page = quote(page_name(summary.file))
    hint = visible("; ".join([*summary.rule_ids, *filter(None, [summary.note])]), 300, lines=False)
    title = f' title="{escape(hint)}"' if hint else ""
    closing = "" if summary.behavior_close in CLOSED_WELL else visible(summary.behavior_close, 40, lines=False)
    more = f'<div class="dim">close: {escape(closing)}</div>' if closing else ""
    styles = f"{style_of(said)} {AUTOBAHN_STYLES.get(said, 'case_failed')}"
    return f'<td class="{styles}"><a href="{page}"{title}>{escape(_words(summary))}{more}</a></td>'


def sums(found: Iterable[CaseSummary | None]) -> str:
    """HTML of how many agents did what in a case; the script of the page adds which, when it is opened."""
    counted = Counter(MISSING if one is None else _words(one) for one in found)
    listed = " · ".join(f"{escape(words)} {count}" for words, count in counted.most_common())
    return f"<td><details><summary>{listed}</summary></details></td>"


def compact(cases: Sequence[str], agents: Summaries) -> str:
    """The verdicts of every agent in every case as JSON, for a script element; `cases` are ids, in order.

    `agents` and `words` are texts; a row has the number of the words for each agent, -1 where the case is missing, and
    the end of the names of its pages, whose beginnings are in `files`. A page of another name is in `others`.
    """
    words: dict[str, int] = {}
    files = [_first_part(summaries.values()) for summaries in agents.values()]
    rows, others = [], {}
    for number, case_id in enumerate(cases):
        found = [summaries.get(case_id) for summaries in agents.values()]
        end = next((_parts(one)[1] for one in found if one is not None), "")
        rows.append([end, [-1 if one is None else words.setdefault(_words(one), len(words)) for one in found]])
        for place, one in enumerate(found):
            if one is not None and _parts(one) != (files[place], end):
                others[f"{number} {place}"] = quote(page_name(one.file))
    names = [visible(agent, 120, lines=False) for agent in agents]
    styles = [style_of(text.partition(" ")[2]) for text in words]
    document = {"agents": names, "files": files, "words": list(words), "styles": styles, "rows": rows, "others": others}
    # So that nothing in it ends the element.
    return json.dumps(document, separators=(",", ":")).replace("<", "\\u003c")


def _words(summary: CaseSummary) -> str:
    return f"{sign_of(summary.label)} {visible(summary.label, 40, lines=False)}"


def _parts(summary: CaseSummary) -> tuple[str, str]:
    """The two parts of the name of a page, of the agent and of the case, as a link has them."""
    first, _, end = quote(page_name(summary.file)).rpartition(_BETWEEN)
    return first, end


def _first_part(summaries: Iterable[CaseSummary]) -> str:
    return next((_parts(one)[0] for one in summaries), "")
