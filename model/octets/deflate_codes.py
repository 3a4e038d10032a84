"""The tables of DEFLATE: Huffman codes from code lengths, and the symbols for lengths and distances (RFC 1951, 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

END_OF_BLOCK: Final = 256
MOST_LITERAL_CODES: Final = 286
MOST_DISTANCE_CODES: Final = 30
CODE_LENGTH_ORDER: Final = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
"""The order in which a dynamic block lists the lengths of the code for code lengths (section 3.2.7)."""


def _ranges(extra_bits: Sequence[int], first: int) -> tuple[tuple[int, int], ...]:
    """For each symbol its extra bits and the least value that it stands for: the ranges follow each other."""
    leasts = accumulate((1 << bits for bits in extra_bits), initial=first)
    return tuple(zip(extra_bits, leasts, strict=False))


LENGTHS: Final = (*_ranges([0] * 8 + [bits for bits in range(1, 6) for _ in range(4)], 3), (0, 258))
"""Symbols 257 to 285; the last one stands for 258 alone (section 3.2.5)."""
DISTANCES: Final = _ranges([0] * 4 + [bits for bits in range(1, 14) for _ in range(2)], 1)
"""Symbols 0 to 29."""


class Code(NamedTuple):
    """A Huffman code as a table by the next ``bits`` bits: symbol * 16 + bits of it; 0 where no symbol begins so."""

    table: list[int]
    bits: int
    mask: int


def decoder(lengths: Sequence[int], *, may_be_single: bool = True) -> Code | None:
    """The code of these lengths of 0 to 15 bits, one for each symbol (section 3.2.2); None where they make none.

    The codes fill the whole tree. Only a code of at most one symbol need not ("One distance code of zero bits means
    that there are no distance codes used at all", section 3.2.7), and that one not either unless ``may_be_single``.
    """
    longest = max(lengths)
    free = 1
    for bits in range(1, longest + 1):
        free = 2 * free - lengths.count(bits)
        if free < 0:
            return None
    if free > 0 and not (longest <= 1 and may_be_single):
        return None
    table = [0] * (1 << longest)
    code = 0
    for bits in range(1, longest + 1):
        code <<= 1
        for symbol, length in enumerate(lengths):
            if length == bits:
                start = int(f"{code:0{bits}b}"[::-1], 2)  # codes are packed from their most significant bit (3.1.1)
                table[start :: 1 << bits] = [symbol << 4 | bits] * (1 << longest - bits)
                code += 1
    return Code(table, longest, (1 << longest) - 1)


def _fixed(lengths: Sequence[int]) -> Code:
    code = decoder(lengths)
    assert code is not None
    return code


FIXED_LITERALS: Final = _fixed([8] * 144 + [9] * 112 + [7] * 24 + [8] * 8)
FIXED_DISTANCES: Final = _fixed([5] * 32)
"""The codes of a fixed block (section 3.2.6); symbols 286, 287, 30 and 31 stand for nothing."""
