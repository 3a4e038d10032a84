"""Octets as we write them."""

from wsoracle.text.hexadecimal import hex_of


def test_long_octets_are_cut() -> None:
    assert hex_of(bytes(5), 5) == "00 00 00 00 00"
    assert hex_of(bytes(1005), 5) == "00 00 00 00 00 ... (1,000 more)"
