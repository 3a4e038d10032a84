"""Text from outside on pages: nothing invisible, and not too long. HTML is escaped by the templates."""

from __future__ import annotations

import re
from html import escape
from typing import Any, Final

from ..text.visible import escape_of, escaped

__all__ = ["LONGEST", "html_of", "visible"]

LONGEST: Final = 8192
"""Characters that are shown of a text."""

_ALSO_BREAKS: Final = re.compile("[\n\t]")


def visible(text: Any, longest: int = LONGEST, *, lines: bool = True) -> str:
    """The text with what cannot be seen as escapes of Python, cut where it is too long; ``lines`` keeps line breaks."""
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
