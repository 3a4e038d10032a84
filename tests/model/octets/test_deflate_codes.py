"""Huffman codes from their lengths, against the counting of RFC 1951, section 3.2.2."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.octets.deflate_codes import DISTANCES, LENGTHS, decoder


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40))
def test_a_code_fills_its_tree_or_there_is_none(lengths: list[int]) -> None:
    """Kraft's sum is 1, and each symbol has its share of the table; a single short code may stand alone."""
    code = decoder(lengths)
    shares = sum(2**-length for length in lengths if length)
    if shares == 1 or (shares < 1 and max(lengths) <= 1):
        assert code is not None
        for symbol, length in enumerate(lengths):
            expected = 2 ** (code.bits - length) if length else 0
            assert sum(entry >> 4 == symbol for entry in code.table if entry) == expected
    else:
        assert code is None


def test_the_codes_of_the_rfc_s_example() -> None:
    """Section 3.2.2: ABCDEFGH with the lengths (3, 3, 3, 3, 3, 2, 4, 4) have the codes 010 to 1111."""
    code = decoder((3, 3, 3, 3, 3, 2, 4, 4))
    assert code is not None
    expected = ("010", "011", "100", "101", "110", "00", "1110", "1111")
    assert [code.table[int(bits[::-1], 2)] >> 4 for bits in expected] == list(range(8))


def test_lengths_and_distances_are_those_of_the_tables() -> None:
    """The ends of the tables of section 3.2.5."""
    assert (len(LENGTHS), LENGTHS[0], LENGTHS[8], LENGTHS[27], LENGTHS[28]) == (29, (0, 3), (1, 11), (5, 227), (0, 258))
    assert (len(DISTANCES), DISTANCES[0], DISTANCES[4], DISTANCES[29]) == (30, (0, 1), (1, 5), (13, 24577))
