"""All cases that a tester runs: the catalogue of Autobahn's ids, then our own, generated and written by hand.

To find our own takes minutes, and to find the controls of the catalogue a second, so that both are kept in a file
(`file`) that ``wsoracle cases --suite`` writes, together with a digest of the rules that they were found with. Nothing
about expectations is kept there: a file made with other rules pairs cases less well, and makes no verdict wrong.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from .case import Case
from .catalogue import catalogued, catalogued_compressed
from .file import FILE, Suite, read_suite
from .handwritten import handwritten


def runnable_cases(*groups: str) -> tuple[Case, ...]:
    """All cases, the catalogue first; with ``groups``, the cases whose group begins with one of these titles."""
    every = (*catalogue_cases(), *catalogued_compressed(), *generated_cases(), *handwritten())
    return tuple(case for case in every if case.group[0] in groups) if groups else every


@lru_cache(maxsize=1)
def catalogue_cases() -> tuple[Case, ...]:
    """The cases of the catalogue with their controls."""
    controls = _suite().controls
    return tuple(replace(case, control=controls.get(case.id)) for case in catalogued())


def generated_cases() -> tuple[Case, ...]:
    """The generated cases, from the file that keeps them."""
    return _suite().cases


@lru_cache(maxsize=1)
def _suite() -> Suite:
    return read_suite(FILE)
