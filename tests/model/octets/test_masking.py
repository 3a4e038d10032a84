"""Masking: fast = definition, its own inverse, and the same in pieces as whole."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.octets.masking import mask, mask_octet

keys = st.binary(min_size=4, max_size=4)
offsets = st.one_of(st.integers(0, 9), st.integers(0, 2**64))

# Long payloads take another way than short ones: sizes on both sides of where that changes.
SIZES = (0, 1, 2, 3, 4, 5, 13, 125, 126, 1000, 16_382, 16_383, 16_384, 16_385, 16_386, 16_387, 16_388, 32_768, 65_537)


def some_octets(size: int) -> bytes:
    return bytes((index * 151 + 7) % 256 for index in range(size))


def by_definition(octets: bytes, key: bytes, offset: int = 0) -> bytes:
    return bytes(mask_octet(octet, key, offset + index) for index, octet in enumerate(octets))


def test_the_masked_hello_of_section_5_7() -> None:
    key = bytes.fromhex("37fa213d")
    assert mask(b"Hello", key) == bytes.fromhex("7f9f4d5158")
    assert mask(bytes.fromhex("7f9f4d5158"), key) == b"Hello"


@given(st.binary(max_size=64), keys, offsets)
def test_mask_is_the_definition(octets: bytes, key: bytes, offset: int) -> None:
    assert mask(octets, key, offset) == by_definition(octets, key, offset)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("offset", range(4))
def test_mask_is_the_definition_at_all_sizes(size: int, offset: int) -> None:
    octets, key = some_octets(size), b"\x00\xff\x5a\x81"
    assert mask(octets, key, offset) == by_definition(octets, key, offset)


@given(st.one_of(st.binary(max_size=64), st.sampled_from(SIZES).map(some_octets)), keys, offsets)
def test_mask_is_its_own_inverse(octets: bytes, key: bytes, offset: int) -> None:
    masked = mask(octets, key, offset)
    assert len(masked) == len(octets)
    assert mask(masked, key, offset) == octets


@given(st.one_of(st.binary(max_size=64), st.sampled_from(SIZES).map(some_octets)), keys, st.data())
def test_pieces_with_their_offsets_make_the_whole(octets: bytes, key: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=5)))
    bounds = [0, *cuts, len(octets)]
    pieces = [mask(octets[a:b], key, a) for a, b in pairwise(bounds)]
    assert b"".join(pieces) == mask(octets, key)


def test_the_key_of_zeros_changes_nothing() -> None:
    assert mask(some_octets(5000), bytes(4)) == some_octets(5000)


@pytest.mark.parametrize(("key", "offset"), [(b"", 0), (b"123", 0), (b"12345", 0), (b"1234", -1)])
def test_wrong_keys_and_offsets_are_refused(key: bytes, offset: int) -> None:
    with pytest.raises(ValueError, match="needs a key of 4 octets"):
        mask(b"x", key, offset)


class Term:
    """An operand that is no number: it writes down what is done with it, as a theorem prover's terms do."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __xor__(self, other: Term) -> Term:
        return Term(f"{self.text} ^ {other.text}")


def test_the_definition_works_on_terms() -> None:
    key = [Term(f"k{index}") for index in range(4)]
    assert mask_octet(Term("o"), key, 6).text == "o ^ k2"
