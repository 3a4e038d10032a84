"""The profiles of a judgement."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

__all__ = ["PROFILES", "Profile"]

Profile: TypeAlias = Literal["interop", "letter"]
"""Whether reactions that implementations agree on, and the RFC leaves open, bind (interop) or not (letter)."""

PROFILES: Final[tuple[Profile, ...]] = ("interop", "letter")
