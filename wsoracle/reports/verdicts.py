"""The words for verdicts, and how lists and pages mark them: with a sign and a word, never with a colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["CLOSED_WELL", "MEANINGS", "NO_CONTROL", "SIGNS", "VERDICTS", "failed", "label", "style_of", "whole_verdict"]

NO_CONTROL: Final = "NO CONTROL"
"""In place of the verdict on a case that does not count."""

MEANINGS: Final[Mapping[str, str]] = {
    "OK": "everything that was observed is allowed in full",
    "NON-STRICT": "a SHOULD was not followed",
    "INFORMATIONAL": "neither a pass nor a failure: the endpoint is free here",
    "UNIMPLEMENTED": "neither a pass nor a failure: the endpoint lacks an optional feature",
    "FAILED": "against a MUST, or what implementations agree on, or what was asked for did not come",
    NO_CONTROL: "proves nothing, because the control of the case was not answered, or not run",
}
VERDICTS: Final = tuple(MEANINGS)
SIGNS: Final = {
    "OK": "✓",
    "NON-STRICT": "~",
    "INFORMATIONAL": "i",
    "UNIMPLEMENTED": "–",
    "FAILED": "✗",
    NO_CONTROL: "∅",
}

CLOSED_WELL: Final = ("OK", "INFORMATIONAL", "UNIMPLEMENTED")
"""Closing behaviours that are no failure."""

_STYLES: Final = {verdict: verdict.replace(" ", "-") for verdict in VERDICTS}
_PASSED: Final = ("OK", "NON-STRICT")


def label(verdict: str, counts: bool) -> str:
    """The verdict on a case in a word or two."""
    return verdict if counts else NO_CONTROL


def style_of(words: str) -> str:
    """The class of a verdict in style sheets; nothing for what is none, such as text from outside."""
    return _STYLES.get(words, "")


def whole_verdict(behavior: str, closing: str) -> str:
    """The verdict on a case of which Autobahn judged the two parts."""
    return "FAILED" if behavior in _PASSED and closing not in CLOSED_WELL else behavior


def failed(entry: Mapping[str, Any]) -> bool:
    """Whether what is listed of a case is a failure: no pass, and not a case without passes and failures."""
    return not entry["passed"] and (not entry["counts"] or entry["verdict"] not in ("INFORMATIONAL", "UNIMPLEMENTED"))
