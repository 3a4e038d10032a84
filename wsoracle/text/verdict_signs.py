"""The sign, the style and the meaning of each verdict: one is never shown with a colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MEANINGS: Final[Mapping[str, str]] = {
    "OK": "everything that was observed is allowed in full",
    "NON-STRICT": "a SHOULD was not followed",
    "INFORMATIONAL": "neither a pass nor a failure: the endpoint is free here",
    "UNIMPLEMENTED": "neither a pass nor a failure: the endpoint lacks an optional feature",
    "FAILED": "a MUST or a reaction on which implementations agree was not followed, or the case could not be finished",
    "NOT RUN": "neither a pass nor a failure: the case was not run, or the endpoint closed, as it may, before its end",
    "NO CONTROL": "proves nothing, because the control of the case was not answered, or not run",
}
VERDICTS: Final = tuple(MEANINGS)
SIGNS: Final = {
    "OK": "✓",
    "NON-STRICT": "~",
    "INFORMATIONAL": "i",
    "UNIMPLEMENTED": "–",
    "FAILED": "✗",
    "NOT RUN": "…",
    "NO CONTROL": "∅",
}
_STYLES: Final = {verdict: verdict.replace(" ", "-") for verdict in VERDICTS}


def sign_of(verdict: str) -> str:
    """The sign of a verdict; ``?`` for text that is no verdict."""
    return SIGNS.get(verdict, "?")


def style_of(words: str) -> str:
    """The class of a verdict in style sheets; nothing for text that is no verdict."""
    return _STYLES.get(words, "")
