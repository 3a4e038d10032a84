"""Text from outside in Markdown: what a peer sent, or called itself, must not become markup."""

from __future__ import annotations

import re
from typing import Final

from .output import one_line

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]#!|<>~&$])")


def plain(text: str, longest: int = 500) -> str:
    """A text of ours as text: on one line, and every character that means something in Markdown escaped.

    It must not stand at the beginning of a line, where more characters have a meaning. Text of a peer goes through
    :func:`code`, because here addresses become links.
    """
    return _SPECIAL.sub(r"\\\1", one_line(text, longest))


def code(text: str, longest: int = 500) -> str:
    """The text in a code span, where nothing is made a link of: on one line, between more backticks than it has."""
    # A table takes the backslash before a bar for its own, in code too.
    shown = one_line(text, longest).replace("\\|", "\\\\x7c")
    if not shown:
        return "(empty)"
    longest_run = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest_run + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def row(*cells: str) -> str:
    """A line of a table; a bar in a cell stays in the cell."""
    return "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in cells) + " |"
