"""Sources of a client's masking keys (section 5.3)."""

from __future__ import annotations

from collections.abc import Callable

from .vocabulary import KEY_OCTETS

KeySource = Callable[[], bytes]
"""Gives a masking key of 4 octets, a fresh one each time."""


class CountedKeys:
    """Masking keys that follow from a counter: the same ones in every run, as tests and case files need them.

    Not for real connections: section 5.3 asks for unpredictable keys from "a strong source of entropy".
    """

    def __init__(self, first: int = 0) -> None:
        self._next = first

    def __call__(self) -> bytes:
        """The next key."""
        self._next += 1
        return (self._next * 0x9E3779B1 & 0xFFFFFFFF).to_bytes(KEY_OCTETS, "big")
