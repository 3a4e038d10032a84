"""A badge with the number of cases that passed: a picture of our own, or the JSON that shields.io draws one from."""

from __future__ import annotations

import json
from collections import Counter
from typing import Final

from .summary import Summaries
from .wanted import PLAIN, Wanted

LABEL: Final = "RFC 6455"
SUFFIXES: Final = (".svg", ".json")
_COLOURS: Final = {"brightgreen": "#3fa31a", "yellow": "#b38600", "red": "#c62f24", "lightgrey": "#7a7a7a"}
_LETTER: Final = 7


def badge(name: str, agents: Summaries, wanted: Wanted = PLAIN) -> str:
    """The text of a file of this name: JSON where it ends so, else SVG.

    It tells how many of the cases passed that can pass or fail: green for all, yellow where the others are expected to
    fail, red where one fails that is not, grey where there is none.
    """
    counted = Counter(wanted.status(one) for cases in agents.values() for one in cases.values())
    passed = counted["passed"] + counted["unexpected_passes"]
    of = passed + counted["failed"] + counted["expected"]
    bad = counted["failed"] + counted["unexpected_passes"]
    colour = "lightgrey" if not of else "red" if bad else "yellow" if passed < of else "brightgreen"
    message = f"{passed} of {of} pass" if of else "not tested"
    if name.endswith(".json"):
        return json.dumps({"schemaVersion": 1, "label": LABEL, "message": message, "color": colour}) + "\n"
    left, right = (_LETTER * len(text) + 12 for text in (LABEL, message))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{LABEL}: {message}"><title>{LABEL}: {message}</title>'
        f'<rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{_COLOURS[colour]}"/>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2:g}" y="14">{LABEL}</text>'
        f'<text x="{left + right / 2:g}" y="14">{message}</text></g></svg>\n'
    )
