"""Verdicts derived from the strengths of the rules that were not followed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from wsoracle.model.machine.interpreted import Kind, Label
from wsoracle.model.notation.rule import Strength

from .verdict import Profile, Verdict

TOO_BIG: Final = 1009
"""The status code of a message that is too big to process (section 7.4.1)."""


def verdict_on(broken: Collection[Strength], *, own_limit: bool = False, profile: Profile = "interop") -> Verdict:
    """The verdict on behaviour that does not follow rules of these strengths.

    ``own_limit``: something was refused because of a limit that is not stated (section 10.4).
    """
    here = Strength.CONSENSUS if profile == "interop" else Strength.LETTER
    if Strength.MUST in broken or here in broken:
        return Verdict.FAILED
    if Strength.CONSENSUS in broken or Strength.LETTER in broken or own_limit:
        return Verdict.INFORMATIONAL
    return Verdict.NON_STRICT if Strength.SHOULD in broken else Verdict.OK


def is_own_limit(label: Label, strength: Strength) -> bool:
    """Whether an outcome is to refuse a message by a limit that is nowhere stated: a freedom (MAY) worth mentioning."""
    return label.kind is Kind.FAIL and label.code == TOO_BIG and strength is Strength.MAY
