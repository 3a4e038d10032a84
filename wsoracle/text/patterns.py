"""Which ids a pattern of the command line selects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

_DIGEST: Final = re.compile(r"-[0-9a-f]{6}$")
_NUMBERS: Final = re.compile(r"[0-9./]*")
_INSIDE: Final = re.compile(r"(?<=\w)[-_](?=\w)")


def matching(pattern: str, ids: Iterable[str], words: Mapping[str, str] | None = None) -> list[str]:
    """The ids that a pattern selects, in their order; upper and lower case are the same.

    A pattern with ``*``, ``?`` or ``[`` must match a whole id. Any other pattern selects the ids that begin with it as
    a whole part (``1.2`` selects 1.2.3 and not 1.20); if no id does, those that begin with it, or else those that
    contain it, or whose ``words`` have all of its words (``utf8`` is UTF-8 too; a number is part of an id and nothing
    else). In the digest at the end of an id nothing is found.
    """
    everything = {one: one.casefold() for one in ids}
    wanted = pattern.casefold()
    if any(character in wanted for character in "*?["):
        return [one for one, folded in everything.items() if fnmatchcase(folded, wanted)]
    parts = (wanted + ".", wanted + "/")
    found = [one for one, folded in everything.items() if folded == wanted or folded.startswith(parts)]
    found = found or [one for one, folded in everything.items() if folded.startswith(wanted)]
    if found:
        return found
    texts = {one: _joined(text) for one, text in (words or {}).items()}
    asked = [] if _NUMBERS.fullmatch(pattern) else _joined(pattern).split()
    return [
        one
        for one, folded in everything.items()
        if wanted in _DIGEST.sub("", folded) or (asked and one in texts and all(word in texts[one] for word in asked))
    ]


def _joined(text: str) -> str:
    """The text in small letters, without the marks inside of words: UTF-8 is utf8."""
    return _INSIDE.sub("", text.casefold())
