"""Sources of a client's masking keys (section 5.3)."""

from __future__ import annotations

from collections.abc import Callable

from .vocabulary import KEY_OCTETS

KeySource = Callable[[], bytes]
"""Gives a masking key of 4 octets, a fresh one each time."""


class CountedKeys:
    """Masking keys that follow from a counter: the same ones in every run, as tests and case files need them.

    They look like random ones, but are not for real connections: section 5.3 asks for unpredictable keys from "a strong
    source of entropy".
    """

    def __init__(self, first: int = 0) -> None:
        self._next = first

    def __call__(self) -> bytes:
        """The next key; 2^32 of them are different."""
        self._next += 1
        return _mixed(self._next & 0xFFFFFFFF).to_bytes(KEY_OCTETS, "big")


def _mixed(number: int) -> int:
    """A permutation of the numbers of 32 bits that hides their order."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        number = (number ^ number >> shift) * factor & 0xFFFFFFFF
    return number ^ number >> 16
