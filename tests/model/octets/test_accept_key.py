"""Sec-WebSocket-Accept."""

from __future__ import annotations

from base64 import b64decode, b64encode
from hashlib import new

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.octets.accept_key import GUID, accept_value, challenge


def test_the_example_of_section_4_2_2() -> None:
    hashed = bytes.fromhex("b37a4f2cc0624f1690f64606cf385945b2bec4ea")
    assert accept_value("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert b64decode("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == hashed
    assert GUID == "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@given(st.binary(min_size=16, max_size=16))
def test_any_key_as_it_stands(nonce: bytes) -> None:
    key = b64encode(nonce)
    expected = new("sha1", key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    assert b64decode(accept_value(key.decode()), validate=True) == expected
    assert challenge(key, GUID.encode()) == key + GUID.encode()


@given(st.text(st.characters(max_codepoint=255), max_size=30), st.text(" \t", max_size=3), st.text(" \t", max_size=3))
def test_whitespace_around_a_key_is_no_part_of_it(key: str, before: str, after: str) -> None:
    assert accept_value(before + key + after) == accept_value(key)


@pytest.mark.parametrize("other", ["AQIDBAUGBwgJCgsMDQ4PEA==", "aqidbaugbwgjcgsmdq4pec==", "AQIDBAUGBwgJCgsMDQ4PEC"])
def test_the_key_is_not_decoded(other: str) -> None:
    assert accept_value("AQIDBAUGBwgJCgsMDQ4PEC==") != accept_value(other)
