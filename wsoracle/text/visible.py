"""Text from outside, made fit to be looked at: what cannot be seen, or turns the reading order, is shown as an escape.

That are control characters, overrides of the direction of text (Unicode Standard Annex 9), lone surrogates, and what a
font shows as nothing: the code points that are ignorable by default (Unicode Standard, section 5.21) and an empty
pattern of Braille.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any, Final

LONGEST: Final = 8192
"""Characters that are shown of a text."""

_ALSO_BREAKS: Final = re.compile("[\n\t]")
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def escaped(text: str) -> str:
    """The text with what cannot be seen as escapes of Python; line feeds and tabs stay as they are."""
    return _UNSEEN.sub(lambda match: escape_of(match[0]), text)


def escape_of(character: str) -> str:
    """A character as Python writes it by its number."""
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def visible(text: Any, longest: int = LONGEST, *, lines: bool = True) -> str:
    """The text with escapes of Python for characters that cannot be seen, cut where it is too long.

    ``lines`` keeps line breaks.
    """
    whole = text if isinstance(text, str) else str(text)
    if len(whole) <= longest and whole.isascii() and whole.isprintable():
        return whole
    cut = escaped(whole[:longest].replace("\r\n", "\n"))
    if not lines:
        cut = _ALSO_BREAKS.sub(lambda match: escape_of(match[0]), cut)
    return cut if len(whole) <= longest else f"{cut} ... ({len(whole) - longest} more characters)"


def html_of(text: str, longest: int = LONGEST, *, lines: bool = True) -> str:
    """The visible text as HTML, for elements and quoted attributes alike."""
    return escape(visible(text, longest, lines=lines))
