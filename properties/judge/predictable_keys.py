"""Whether the masking keys of one endpoint can be foreseen from one another (section 5.3).

Theory of operation. Keys that are "chosen at random" show a pattern only by chance. For each kind of pattern the
likelihood of so much of it among as many random keys is bounded from above; at 2^-64 or less it is no chance any more.
Two equal keys are (2^-32): three are the fewest that can tell. The kinds are: keys used before, bits that never change,
and a step from key to key that stays the same, read in either order of octets.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, lgamma, log, log2
from typing import Final

from wsoracle.model.octets.vocabulary import KEY_OCTETS

BITS: Final = 8 * KEY_OCTETS
CERTAIN: Final = 64
"""Bits: a pattern whose chance is 2^-64 or less is none of chance."""

_ALL: Final = (1 << BITS) - 1


class MaskingKeys:
    """The masking keys of one endpoint, one after the other; `reason` says why they can be foreseen, None otherwise.

    Time and memory are linear in the keys.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._count = 0
        self._seen: Final[set[bytes]] = set()
        self._first = 0
        self._changed = 0
        """The bits in which some key differs from the first."""
        self._steps: Final = {"big": _Steps(), "little": _Steps()}

    def add(self, key: bytes) -> bool:
        """One more key of 4 octets; whether it is the first with which `reason` is there."""
        number = int.from_bytes(key, "big")
        self._first = self._first if self._count else number
        self._count += 1
        self._seen.add(key)
        self._changed |= number ^ self._first
        self._steps["big"].add(number)
        self._steps["little"].add(int.from_bytes(key, "little"))
        if self.reason is not None:
            return False
        self.reason = self._pattern(key)
        return self.reason is not None

    def _pattern(self, key: bytes) -> str | None:
        count, different = self._count, len(self._seen)
        repeated = count - different
        # Each of the repeated keys is one of those that were seen before: at most `different` of 2^32.
        if repeated and _choices(count - 1, repeated) + repeated * (log2(different) - BITS) <= -CERTAIN:
            if different == 1:
                return f"all {count} masking keys are {key.hex()}"
            return f"of {count} masking keys only {different} are different"
        constant = BITS - self._changed.bit_count()
        if constant and _choices(BITS, constant) - constant * (count - 1) <= -CERTAIN:
            return f"{constant} of the {BITS} bits are the same in all {count} masking keys"
        alike = max(steps.alike for steps in self._steps.values())
        if alike and 1 + _choices(count - 2, alike) - alike * BITS <= -CERTAIN:
            return f"{alike} of {count} masking keys follow from the two before them by the same step"
        return None


class _Steps:
    """How often the step from one number to the next is that of the time before."""

    def __init__(self) -> None:
        self.alike = 0
        self._last: int | None = None
        self._step: int | None = None

    def add(self, number: int) -> None:
        step = None if self._last is None else (number - self._last) & _ALL
        self.alike += step is not None and step == self._step
        self._last, self._step = number, step


def predictable(keys: Iterable[bytes]) -> str | None:
    """Why the masking keys of one endpoint, in the order of use, can be foreseen, in words; None where they cannot.

    A key has 4 octets. The keys of several connections of one endpoint may be given as one list.
    """
    so_far = MaskingKeys()
    for key in keys:
        if so_far.add(key):
            return so_far.reason
    return None


def _choices(among: int, some: int) -> float:
    """The binary logarithm of the number of ways to choose `some` of so many."""
    if not 0 <= some <= among:
        return -inf
    return (lgamma(among + 1) - lgamma(some + 1) - lgamma(among - some + 1)) / log(2)
