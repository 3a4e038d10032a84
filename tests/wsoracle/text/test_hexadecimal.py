"""Octets as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.text.hexadecimal import hex_of, octets_of

HELLO = bytes.fromhex("810548656c6c6f")


@pytest.mark.parametrize(
    "text",
    [
        "810548656c6c6f",
        "81 05 48 65 6c 6c 6f",
        "81:05:48:65:6C:6C:6F",
        "0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f",
        "0x810548656c6c6f",
        "\\x81\\x05\\x48\\x65\\x6c\\x6c\\x6f",
        " 8105\n4865\t6c6c\r\n6f\n",
        "81-05-48-65-6c-6c-6f",
    ],
)
def test_every_usual_way_of_writing_octets(text: str) -> None:
    assert octets_of(text) == HELLO


@pytest.mark.parametrize("text", ["", "  \n", "0x"])
def test_no_octets(text: str) -> None:
    assert octets_of(text) == b""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("8", "8 has 1 digit"),
        ("81 0", "0 has 1 digit"),
        ("810", "810 has 3 digits"),
        ("8g", "'g' is no hexadecimal digit"),
        ("81 ٣٣", "is no hexadecimal digit"),
        ("f" * 99, "ffffffffffffffffffff... has 99 digits"),
    ],
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    with pytest.raises(ValueError) as error:
        octets_of(text)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@given(st.binary(max_size=40))
def test_there_and_back(octets: bytes) -> None:
    assert octets_of(hex_of(octets)) == octets


def test_long_octets_are_cut() -> None:
    assert hex_of(bytes(5), 5) == "00 00 00 00 00"
    assert hex_of(bytes(1005), 5) == "00 00 00 00 00 ... (1,000 more)"
