"""Text from outside, made fit to be looked at: what cannot be seen, or turns the reading order, is shown as an escape.

That are control characters, overrides of the direction of text (Unicode Standard Annex 9), lone surrogates, and what a
font shows as nothing: the code points that are ignorable by default (Unicode Standard, section 5.21) and an empty
pattern of Braille.
"""

from __future__ import annotations

import re
from typing import Final

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
