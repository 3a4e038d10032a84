"""Verdicts derived from the strengths of the rules that were not followed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from wsoracle.model.machine.interpreted import Kind, Label
from wsoracle.model.notation.rule import Strength

from .verdict import PROFILES, Profile, Verdict

TOO_BIG: Final = 1009
"""The status code of a message that is too big to process (section 7.4.1)."""


BINDING: Final[Mapping[Profile, Strength]] = {"interop": Strength.CONSENSUS, "letter": Strength.LETTER}
"""The strength besides MUST whose breach is FAILED in a profile."""
LOOSE: Final[Mapping[Profile, Strength]] = {"interop": Strength.LETTER, "letter": Strength.CONSENSUS}
"""The strength whose breach is only worth a note in a profile."""
SEVERITY: Final[Mapping[Profile, Sequence[Strength]]] = {
    profile: (
        Strength.MUST, BINDING[profile], Strength.SHOULD, LOOSE[profile], Strength.APPLICATION, Strength.MAY,
    )
    for profile in PROFILES
}  # fmt: skip
"""The strengths in each profile, from the one whose breach has the worst verdict on."""


def strongest(strengths: Iterable[Strength], profile: Profile) -> Strength | None:
    """The one of these strengths whose breach has the worst verdict in a profile; None without any."""
    return min(strengths, key=SEVERITY[profile].index, default=None)


def verdict_on(broken: Collection[Strength], *, own_limit: bool = False, profile: Profile = "interop") -> Verdict:
    """The verdict on behaviour that does not follow rules of these strengths.

    ``own_limit``: something was refused because of a limit that is not stated (section 10.4).
    """
    if Strength.MUST in broken or BINDING[profile] in broken:
        return Verdict.FAILED
    if Strength.SHOULD in broken and not own_limit:
        return Verdict.NON_STRICT
    informs = LOOSE[profile] in broken or Strength.APPLICATION in broken or own_limit
    return Verdict.INFORMATIONAL if informs else Verdict.OK


def is_own_limit(label: Label, strength: Strength) -> bool:
    """Whether an outcome is to refuse a message by a limit that is nowhere stated: a freedom (MAY) worth mentioning."""
    return label.kind is Kind.FAIL and label.code == TOO_BIG and strength is Strength.MAY
