"""Text from outside in Markdown: what a peer sent, or called itself, must not become markup."""

from __future__ import annotations

import re
from typing import Final

from ..output import one_line

__all__ = ["code", "plain", "row"]

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]#!|<>~&$])")


def plain(text: str, longest: int = 500) -> str:
    """The text as text: on one line, and every character that means something in Markdown escaped.

    It must not begin a line, where more of them would.
    """
    escaped = _SPECIAL.sub(r"\\\1", one_line(text, longest))
    # A bare address would be made a link of.
    return re.sub(r"(?i)\b(https?|wss?|ftp|mailto):", r"\1\\:", re.sub(r"(?i)\bwww\.", "www\\.", escaped))


def code(text: str, longest: int = 500) -> str:
    """The text in a code span: on one line, between more backticks than it has in a row."""
    shown = one_line(text, longest)
    if not shown:
        return "(empty)"
    longest_run = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest_run + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def row(*cells: str) -> str:
    """A line of a table; a bar in a cell stays in the cell."""
    return "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in cells) + " |"
