"""How likely a pattern is by chance, bounded from above: an accusation needs a chance of 2^-64 or less."""

from __future__ import annotations

from math import comb, log2
from typing import Final

CERTAIN: Final = 64
"""Bits: a pattern whose chance is 2^-64 or less is none of chance."""


def is_no_chance(hits: int, trials: int, bits: float, *, kinds: int = 1) -> bool:
    """Whether `hits` among `trials` are too many for chance.

    Whatever came before, a trial is a hit with a chance of at most 2^-bits; ``kinds`` patterns are looked for.
    """
    return hits > 0 and log2(comb(trials, hits)) + log2(kinds) - hits * bits <= -CERTAIN
