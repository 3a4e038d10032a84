"""The origin of a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

_ORIGIN_DETAIL: Final[Mapping[str, str | None]] = {
    "witness": "rule",
    "mutant": "mutant",
    "exploration": "seed",
    "fault": None,
    "compression": None,
    "control": None,
    "catalogue": None,
}

_IN_WORDS: Final = {
    "fault": "faults in a sound head",
    "compression": "blocks of DEFLATE put together",
    "control": "positive control",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a case: the witness of a rule, the killer of a mutant, an exploration's seed, faults put into a
    sound head, blocks of DEFLATE put together, a control, or the catalogue of Autobahn's ids."""

    kind: Literal["witness", "mutant", "exploration", "fault", "compression", "control", "catalogue"]
    rule: str | None = None
    mutant: str | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in _ORIGIN_DETAIL:
            raise ValueError(f"there is no origin {self.kind!r}: there are {', '.join(_ORIGIN_DETAIL)}")
        needed = _ORIGIN_DETAIL[self.kind]
        given = {name for name in ("rule", "mutant", "seed") if getattr(self, name) is not None}
        if given != ({needed} if needed else set()):
            raise ValueError(f"the origin {self.kind} goes with {needed or 'nothing else'}, not {sorted(given)}")

    def to_json(self) -> dict[str, Any]:
        """The origin as an object: its kind, and what belongs to it."""
        detail = _ORIGIN_DETAIL[self.kind]
        return {"kind": self.kind} if detail is None else {"kind": self.kind, detail: getattr(self, detail)}

    def __str__(self) -> str:
        """In words, such as ``witness of rule 5.2/reserved-bits``; nothing for the catalogue."""
        match self.kind:
            case "witness":
                return f"witness of rule {self.rule}"
            case "mutant":
                return f"kills mutant {self.mutant}"
            case "exploration":
                return f"exploration with seed {self.seed}"
        return _IN_WORDS.get(self.kind, "")


CATALOGUED: Final = Origin("catalogue")
