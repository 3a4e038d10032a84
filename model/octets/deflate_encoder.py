"""DEFLATE written block by block (RFC 1951), for data that is to have facts that no compressor would choose.

:class:`DeflateWriter` writes what it is told: stored, fixed and dynamic blocks, literals, and matches at any distance,
with BFINAL where it is wanted; ``model.octets.deflate`` reads it. It checks nothing but that there are such symbols: a
distance may reach back before all history. For volume there is ``model.octets.deflate_stream``, on zlib.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

from .deflate_codes import (
    CODE_LENGTH_ORDER,
    DISTANCES,
    END_OF_BLOCK,
    FIXED_DISTANCES,
    FIXED_LITERALS,
    LENGTHS,
    Code,
    decoder,
)

SHORTEST_MATCH: Final = 3
LONGEST_MATCH: Final = 258


class Match(NamedTuple):
    """``length`` octets (3 to 258) once more, from ``distance`` octets (1 to 32,768) back."""

    length: int
    distance: int


Symbol: TypeAlias = "int | Match"
"""A literal octet, or a match."""


_Words: TypeAlias = "dict[int, tuple[int, int]]"
"""For each symbol of a code its bits, as they are packed, and how many they are."""


class DeflateWriter:
    """Bits packed as section 3.1.1 of RFC 1951 has it; each method writes one block, and gives the writer back."""

    def __init__(self) -> None:
        self._bits = 0
        self._count = 0

    @property
    def octets(self) -> bytes:
        """What was written, with bits of 0 up to the boundary of an octet."""
        return self._bits.to_bytes((self._count + 7) // 8, "little")

    def stored(self, octets: bytes = b"", *, final: bool = False) -> DeflateWriter:
        """A block without compression, of 65,535 octets at most (section 3.2.4). OverflowError for more."""
        self._begin(0, final=final)
        self.pad()
        size = len(octets).to_bytes(2, "little")
        written = size + bytes(255 - octet for octet in size) + octets
        self._put(int.from_bytes(written, "little"), 8 * len(written))
        return self

    def fixed(self, symbols: Iterable[Symbol] = (), *, final: bool = False, ended: bool = True) -> DeflateWriter:
        """A block with the fixed codes (section 3.2.6); one that is not ``ended`` is the last. ValueError for a
        match that has no symbol."""
        self._begin(1, final=final)
        return self._symbols(symbols, *_FIXED, final=final, ended=ended)

    def dynamic(self, symbols: Iterable[Symbol] = (), *, final: bool = False) -> DeflateWriter:
        """A block with codes of its own (section 3.2.7), each as long as the others. ValueError as :meth:`fixed`."""
        self._begin(2, final=final)
        self._put(len(_LITERALS) - 257, 5)
        self._put(len(_DISTANCES) - 1, 5)
        listed = max(n for n, symbol in enumerate(CODE_LENGTH_ORDER) if _OF_LENGTHS[symbol]) + 1
        self._put(listed - 4, 4)
        for symbol in CODE_LENGTH_ORDER[:listed]:
            self._put(_OF_LENGTHS[symbol], 3)
        words = _words(_decoder(_OF_LENGTHS))
        for length in (*_LITERALS, *_DISTANCES):
            self._put(*words[length])
        return self._symbols(symbols, *_DYNAMIC, final=final)

    def tail(self) -> DeflateWriter:
        """The beginning of an empty stored block, of which the rest is left out (RFC 7692, section 7.2.1)."""
        self._begin(0, final=False)
        self.pad()
        return self

    def bits(self, value: int, number: int) -> DeflateWriter:
        """Any bits, the lowest first: what is no block."""
        self._put(value, number)
        return self

    def pad(self) -> None:
        """Bits of 0 up to the boundary of an octet."""
        self._count += -self._count % 8

    def _begin(self, kind: int, *, final: bool) -> None:
        self._put(final, 1)
        self._put(kind, 2)

    def _symbols(
        self, symbols: Iterable[Symbol], literals: _Words, distances: _Words, *, final: bool, ended: bool = True
    ) -> DeflateWriter:
        for symbol in symbols:
            if isinstance(symbol, int):
                self._put(*literals[symbol])
                continue
            index, extra, rest = _number(symbol.length, LENGTHS)
            self._put(*literals[END_OF_BLOCK + 1 + index])
            self._put(rest, extra)
            index, extra, rest = _number(symbol.distance, DISTANCES)
            self._put(*distances[index])
            self._put(rest, extra)
        if ended:
            self._put(*literals[END_OF_BLOCK])
        if final or not ended:
            self.pad()
        return self

    def _put(self, value: int, number: int) -> None:
        self._bits |= value << self._count
        self._count += number


def _words(code: Code) -> _Words:
    found: _Words = {}
    for bits, entry in enumerate(code.table):
        if entry:
            found.setdefault(entry >> 4, (bits & ((1 << (entry & 15)) - 1), entry & 15))
    return found


def _decoder(lengths: Sequence[int]) -> Code:
    code = decoder(lengths)
    assert code is not None
    return code


def _number(value: int, table: Sequence[tuple[int, int]]) -> tuple[int, int, int]:
    """The symbol for a length or a distance, its extra bits, and what stands in them. ValueError for none."""
    for index in reversed(range(len(table))):
        extra, least = table[index]
        if least <= value < least + (1 << extra):
            return index, extra, value - least
    raise ValueError(f"no symbol stands for {value}")


_LITERALS: Final = [8] * 226 + [9] * 60
_DISTANCES: Final = [4] * 2 + [5] * 28
_OF_LENGTHS: Final = [2 if length in (4, 5, 8, 9) else 0 for length in range(len(CODE_LENGTH_ORDER))]
"""The code lengths of a dynamic block: each of the three trees is full, and all symbols are in the first two."""

_FIXED: Final = _words(FIXED_LITERALS), _words(FIXED_DISTANCES)
_DYNAMIC: Final = _words(_decoder(_LITERALS)), _words(_decoder(_DISTANCES))
