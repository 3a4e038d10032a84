"""Octets as we write them: hexadecimal digits."""

from __future__ import annotations


def hex_of(octets: bytes, most: int | None = None) -> str:
    """Octets with a space between them; of more than ``most`` octets the beginning, with the number left out."""
    if most is None or len(octets) <= most:
        return octets.hex(" ")
    return f"{octets[:most].hex(' ')} ... ({len(octets) - most:,} more)"
