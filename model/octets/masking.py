"""Masking of payload data, RFC 6455, section 5.3.

`mask_octet` is the definition, for numbers as for a theorem prover's terms. `mask` is the same for whole strings: an
exclusive-or of two long integers, piece by piece where they are long. The tests hold it against the definition.
"""

from __future__ import annotations

from typing import Any, Final, Protocol, TypeVar

from .vocabulary import KEY_OCTETS


class SupportsXor(Protocol):
    """Anything that can be combined by exclusive or: an int, a bit-vector."""

    def __xor__(self, other: Any, /) -> Any: ...


OctetT = TypeVar("OctetT", bound=SupportsXor)
OctetT_co = TypeVar("OctetT_co", bound=SupportsXor, covariant=True)


class KeyOctets(Protocol[OctetT_co]):
    """A masking key to look octets up in: bytes, a list, an array of bit-vectors."""

    def __getitem__(self, index: Any, /) -> OctetT_co: ...


def mask_octet(octet: OctetT, key: KeyOctets[OctetT], index: Any) -> OctetT:
    """Octet `index` of the payload, masked or unmasked, which is the same thing (section 5.3).

    "Octet i of the transformed data ("transformed-octet-i") is the XOR of octet i of the original data
    ("original-octet-i") with octet at index i modulo 4 of the masking key ("masking-key-octet-j")"
    """
    transformed: OctetT = octet ^ key[index % KEY_OCTETS]
    return transformed


# Octets of a long payload that are transformed at a time: they stay in the cache of the processor.
# Measured on CPython 3.11 for payloads of 4 and 16 MiB: twice as fast as four translations, four times as one number.
_PIECE: Final = 16_384

_NO_MASK: Final = bytes(KEY_OCTETS)

_number = int.from_bytes


def mask(octets: bytes, key: bytes, offset: int = 0) -> bytes:
    """Mask or unmask `octets`, of which the first is octet `offset` of its payload, with a key of 4 octets.

    Masking a payload in pieces, each with its own offset, is masking it whole; masking twice changes nothing.
    ValueError for a key of another size or a negative offset.
    """
    if len(key) != KEY_OCTETS or offset < 0:
        raise ValueError(f"needs a key of {KEY_OCTETS} octets and an offset that is not negative: {key!r}, {offset}")
    if key == _NO_MASK:
        return bytes(octets)
    turn = offset % KEY_OCTETS
    if turn:
        key = key[turn:] + key[:turn]
    size = len(octets)
    if size <= _PIECE:
        return _mask_piece(octets, key)
    repeated = _number(key * (_PIECE // KEY_OCTETS), "little")
    view = memoryview(octets)
    whole = size - size % _PIECE
    pieces = [
        (_number(view[at : at + _PIECE], "little") ^ repeated).to_bytes(_PIECE, "little")
        for at in range(0, whole, _PIECE)
    ]
    return b"".join([*pieces, _mask_piece(view[whole:], key)])


def _mask_piece(octets: bytes | memoryview, key: bytes) -> bytes:
    size = len(octets)
    repeated = (key * (size // KEY_OCTETS + 1))[:size]
    return (_number(octets, "little") ^ _number(repeated, "little")).to_bytes(size, "little")
