"""Text from outside, made fit to be looked at: nothing invisible, nothing that turns the reading order, not too long.

HTML is escaped by the templates; this is about what escaping leaves: control characters, overrides of the direction of
text (Unicode Standard Annex 9), lone surrogates.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any, Final

__all__ = ["LONGEST", "html_of", "visible"]

LONGEST: Final = 8192
"""Characters that are shown of a text."""

_STRANGE: Final = re.compile(
    "[\xad\u180e\U000e0000-\U000e007f\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\ufffe\uffff]"
)
_ALSO_BREAKS: Final = re.compile("[\n\t]")


def visible(text: Any, longest: int = LONGEST, *, lines: bool = True) -> str:
    """The text with strange characters as escapes of Python, cut where it is too long; ``lines`` keeps line breaks."""
    whole = text if isinstance(text, str) else str(text)
    if len(whole) <= longest and whole.isprintable():
        return whole
    cut = _STRANGE.sub(_escaped, whole[:longest].replace("\r\n", "\n"))
    if not lines:
        cut = _ALSO_BREAKS.sub(_escaped, cut)
    return cut if len(whole) <= longest else f"{cut} ... ({len(whole) - longest} more characters)"


def html_of(text: str, longest: int = LONGEST, *, lines: bool = True) -> str:
    """The visible text as HTML, for elements and quoted attributes alike."""
    return escape(visible(text, longest, lines=lines))


def _escaped(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"
