"""Data to compress are of the sizes that they say, the same every time, and text where they are sent as text."""

from __future__ import annotations

import zlib

import pytest

from wsoracle.generators.cases.data_sets import DATA_SETS, JSON, MIXED, DataSet, Excerpt, excerpts, octets_of_set
from wsoracle.model.octets.vocabulary import TEXT

by_name = pytest.mark.parametrize("data", DATA_SETS, ids=lambda data: data.name)


@by_name
def test_a_set_has_its_size_is_the_same_again_and_can_be_compressed(data: DataSet) -> None:
    octets = octets_of_set(data.name)
    octets_of_set.cache_clear()
    assert len(octets) == data.size and octets_of_set(data.name) == octets
    assert len(zlib.compress(octets)) < len(octets) // 8
    if data.opcode == TEXT:
        assert octets.isascii()


@by_name
@pytest.mark.parametrize("size", [16, 4096, 131_072])
def test_excerpts_differ_and_lie_in_the_set(data: DataSet, size: int) -> None:
    found = excerpts(data, size, 4)
    assert len({one.octets for one in found}) == 4 and all(len(one.octets) == size for one in found)
    assert found[-1].start + size <= data.size


def test_an_excerpt_is_a_part_and_no_more_than_the_set_has() -> None:
    assert Excerpt(JSON.name, 0, 7).octets == b'[\n{"id"'
    assert MIXED.size == max(data.size for data in DATA_SETS)
    with pytest.raises(ValueError, match="too few"):
        excerpts(JSON, JSON.size + 1, 1)
