"""Octets as people write them: hexadecimal digits with whatever stands between them."""

from __future__ import annotations

import re
from typing import Final

_PREFIX: Final = re.compile(r"0x|\\x", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[\s:,;|_-]+")
_NOT_HEX: Final = re.compile(r"[^0-9a-fA-F]")


def octets_of(text: str) -> bytes:
    """The octets that a text of hexadecimal digits stands for.

    Between octets there may be white space, colons, commas, dashes; ``0x`` or ``\\x`` may stand before each. Raises
    :class:`ValueError`, with a line that says what to do, for anything else.
    """
    words = [word for word in _BETWEEN.split(_PREFIX.sub(" ", text)) if word]
    for word in words:
        wrong = _NOT_HEX.search(word)
        if wrong is not None:
            raise ValueError(f"{wrong[0]!r} is no hexadecimal digit: write octets as in 81 05 48 65 6c 6c 6f")
    for word in words:
        if len(word) % 2:
            digits = "1 digit" if len(word) == 1 else f"{len(word)} digits"
            raise ValueError(f"{_shortened(word)} has {digits}, and an octet is written with two: is one missing?")
    return bytes.fromhex("".join(words))


def hex_of(octets: bytes, most: int | None = None) -> str:
    """Octets with a space between them; of more than ``most`` octets the beginning, with the number left out."""
    if most is None or len(octets) <= most:
        return octets.hex(" ")
    return f"{octets[:most].hex(' ')} ... ({len(octets) - most:,} more)"


def _shortened(word: str) -> str:
    return f"{word[:20]}..." if len(word) > 24 else word
