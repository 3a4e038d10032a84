"""Verdicts on behaviour, and the profiles (no verdict is written by hand: see `grading`)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal, TypeAlias

TAKEN_BY_ALL: Final = 65_536
"""Octets of a message up to which the judge assumes no unstated limit, unless a Close with 1009 says so."""

Profile: TypeAlias = Literal["interop", "letter"]
"""Whether implementations decide where they agree against the text, or beyond it (interop), or the text (letter)."""

PROFILES: Final[tuple[Profile, ...]] = ("interop", "letter")


class Verdict(StrEnum):
    """The verdicts on behaviour, from the best to the worst.

    INFORMATIONAL accuses the endpoint of nothing. UNIMPLEMENTED: the case needs an optional feature that the endpoint
    did not agree to.
    """

    OK = "OK"
    INFORMATIONAL = "INFORMATIONAL"
    NON_STRICT = "NON-STRICT"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    FAILED = "FAILED"


PASSES: Final = (Verdict.OK, Verdict.NON_STRICT)
"""The verdicts with which a case has passed."""


def worst(*verdicts: Verdict) -> Verdict:
    """The worst of at least one verdict."""
    return max(verdicts, key=_ORDER.index)


_ORDER: Final = tuple(Verdict)
