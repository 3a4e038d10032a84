"""All live cases: the catalogue of Autobahn's ids, then our own, generated ones.

Our own take minutes to find (`live_making`), so they are kept in a file that a command writes (`live_file`), together
with a digest of the rules that they were found with. Nothing about expectations is kept, so that an old file can be
poor and never wrong.
"""

from __future__ import annotations

from functools import lru_cache

from .live_case import LiveCase

__all__ = ["live_cases", "own_cases"]


def live_cases(*groups: str) -> tuple[LiveCase, ...]:
    """Every case, those of the catalogue first; with ``groups``, those whose group begins with one of these titles."""
    from .catalogue import CATALOGUE

    every = (*CATALOGUE, *own_cases())
    return tuple(case for case in every if case.group[0] in groups) if groups else every


@lru_cache(maxsize=1)
def own_cases() -> tuple[LiveCase, ...]:
    """The generated cases, from the file that keeps them."""
    from .file import FILE, read_suite

    return read_suite(FILE).cases
