"""What is said of behaviour, and by which profile (never typed in by hand: see `grading`)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal, TypeAlias

TAKEN_BY_ALL: Final = 65_536
"""Octets of a message up to which nobody is thought to have a limit that is nowhere stated, unless Close says so."""

Profile: TypeAlias = Literal["interop", "letter"]
"""Whether reactions that implementations agree on, and the RFC leaves open, bind (interop) or not (letter)."""

PROFILES: Final[tuple[Profile, ...]] = ("interop", "letter")


class Verdict(StrEnum):
    """What is said of behaviour, from the best to the worst.

    UNIMPLEMENTED is said where a case needs an optional feature that the endpoint did not agree to.
    """

    OK = "OK"
    NON_STRICT = "NON-STRICT"
    INFORMATIONAL = "INFORMATIONAL"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    FAILED = "FAILED"


def worst(*verdicts: Verdict) -> Verdict:
    """The worst of at least one verdict."""
    return max(verdicts, key=_ORDER.index)


_ORDER: Final = tuple(Verdict)
