"""Which ids a pattern of the command line selects."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


def matching(pattern: str, ids: Iterable[str]) -> list[str]:
    """The ids that a pattern selects, in their order; upper and lower case are the same.

    A pattern with ``*``, ``?`` or ``[`` must match a whole id. Any other pattern selects the ids that begin with it as
    a whole part (``1.2`` selects 1.2.3 and not 1.20); if no id does, those that begin with it, or else those that
    contain it.
    """
    everything = {one: one.casefold() for one in ids}
    wanted = pattern.casefold()
    if any(character in wanted for character in "*?["):
        return [one for one, folded in everything.items() if fnmatchcase(folded, wanted)]
    parts = (wanted + ".", wanted + "/")
    found = [one for one, folded in everything.items() if folded == wanted or folded.startswith(parts)]
    found = found or [one for one, folded in everything.items() if folded.startswith(wanted)]
    return found or [one for one, folded in everything.items() if wanted in folded]
