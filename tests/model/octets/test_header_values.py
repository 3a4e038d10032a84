"""Values of header fields: what the ABNF has, and what it has not."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.octets.header_values import (
    ExtensionOffer,
    is_token,
    key_octets,
    parse_extensions,
    parse_tokens,
    parse_versions,
)

TCHARS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
BLANK = st.text(" \t", max_size=2)
TOKENS = st.text(TCHARS, min_size=1, max_size=6)
ANY = st.lists(
    st.text(st.sampled_from('ab;=",\\ \t\x00\xe4') | st.characters(max_codepoint=255), max_size=12), max_size=3
)


@st.composite
def written(draw: st.DrawFn, elements: list[str]) -> list[str]:
    """A list as fields may have it: whitespace, empty elements, split over several fields."""
    fields = [""]
    for element in elements:
        if draw(st.booleans()):
            fields[-1] += draw(BLANK) + ","
        fields[-1] += draw(BLANK) + element + draw(BLANK)
        if draw(st.booleans()):
            fields.append(draw(BLANK))
        else:
            fields[-1] += ","
    return fields


@given(st.data(), st.lists(TOKENS, min_size=1, max_size=5))
def test_lists_of_tokens(data: st.DataObject, tokens: list[str]) -> None:
    assert parse_tokens(data.draw(written(tokens))) == tokens


@given(st.data(), st.lists(st.integers(0, 255), min_size=1, max_size=5))
def test_lists_of_versions(data: st.DataObject, versions: list[int]) -> None:
    assert parse_versions(data.draw(written([str(version) for version in versions]))) == versions


@st.composite
def quoted(draw: st.DrawFn, token: str) -> str:
    return '"' + "".join("\\" * draw(st.integers(0, 1)) + character for character in token) + '"'


@st.composite
def extension_text(draw: st.DrawFn, offer: ExtensionOffer) -> str:
    text = offer.name
    for name, value in offer.parameters:
        text += draw(BLANK) + ";" + draw(BLANK) + name
        if value is not None:
            text += draw(BLANK) + "=" + draw(BLANK) + draw(st.just(value) | quoted(value))
    return text


PARAMETERS = st.lists(st.tuples(TOKENS, st.none() | TOKENS), max_size=3).map(tuple)


@given(st.data(), st.lists(st.builds(ExtensionOffer, TOKENS, PARAMETERS), min_size=1, max_size=3))
def test_lists_of_extensions(data: st.DataObject, offers: list[ExtensionOffer]) -> None:
    assert parse_extensions(data.draw(written([data.draw(extension_text(offer)) for offer in offers]))) == offers


@given(ANY)
def test_any_values_are_a_list_or_none(values: list[str]) -> None:
    tokens = parse_tokens(values)
    assert tokens is None or (tokens and all(set(token) <= set(TCHARS) for token in tokens))
    joined = [element.strip(" \t") for value in values for element in value.split(",")]
    plain = [element for element in joined if element]
    assert (tokens is not None) is bool(plain and all(map(is_token, plain)))
    found = parse_extensions(values)
    assert found is None or found == parse_extensions([", ".join(map(canonical, found))])
    versions = parse_versions(values)
    assert versions is None or parse_versions([str(version) for version in versions]) == versions
    assert tokens is None or found == [ExtensionOffer(token) for token in tokens]


def canonical(offer: ExtensionOffer) -> str:
    return "".join([offer.name, *(f";{n}" if v is None else f";{n}={v}" for n, v in offer.parameters)])


@given(st.text(max_size=4))
def test_tokens_are_of_the_characters_of_tokens(text: str) -> None:
    assert is_token(text) is (bool(text) and set(text) <= set(TCHARS))


@pytest.mark.parametrize("values", [[], [""], [" , ,\t"], ["", ","]])
def test_a_list_of_nothing_is_none(values: list[str]) -> None:
    assert parse_tokens(values) is None
    assert parse_versions(values) is None
    assert parse_extensions(values) is None


@pytest.mark.parametrize(
    "value",
    ["a;", "a;;b", ";a", "a; =", "a; b=", 'a; b="', 'a; b="c', 'a; b=""', 'a; b="c d"', 'a; b="c"d', 'a; b="c,d"',
     "a b", 'a; b="c\\"', "a=b", '"a"', "a; b c", "a; b=c=d", "a; b=c d", 'a; b="c\\,"', "a; b=(c)",
     "a\x00", "a/b", "é"],
)  # fmt: skip
def test_no_extensions(value: str) -> None:
    assert parse_extensions([value]) is None
    assert parse_extensions(["x", value]) is None
    assert parse_extensions([f"{value}, x"]) is None


def test_extensions_by_example() -> None:
    deflate = ExtensionOffer("permessage-deflate", (("client_max_window_bits", None), ("server_max_window_bits", "10")))
    text = 'permessage-deflate; client_max_window_bits; server_max_window_bits="10"'
    assert parse_extensions([text]) == [deflate]
    assert parse_extensions(["foo, bar; baz=2"]) == parse_extensions(["foo", "bar; baz=2"])
    assert parse_extensions(["a;b=c;b=d"]) == [ExtensionOffer("a", (("b", "c"), ("b", "d")))]


@pytest.mark.parametrize("value", ["256", "1000", "013", "00", "-1", "1.0", "13;", "٣", "1 3", "+1"])
def test_no_version(value: str) -> None:
    assert parse_versions([value]) is None
    assert parse_versions(["13", value]) is None


@given(st.binary(max_size=70))
def test_base64_of_any_octets(octets: bytes) -> None:
    assert key_octets(b64encode(octets).decode()) == (len(octets) or None)


@given(st.text("Ab+/= -_\n", max_size=12) | st.text(max_size=8))
def test_only_base64_has_octets(text: str) -> None:
    found = key_octets(text)
    if found is not None:
        assert len(b64decode(text, validate=True)) == found
    elif text and len(text) % 4 == 0 and set(text.rstrip("=")) <= set("Ab+/"):
        assert len(text) - len(text.rstrip("=")) > 2


def test_keys_by_example() -> None:
    assert key_octets("dGhlIHNhbXBsZSBub25jZQ==") == 16
    assert key_octets("AQIDBAUGBwgJCgsMDQ4PEA==") == 16
    assert key_octets("AQIDBAUGBwgJCgsMDQ4PEC==") is None  # section 4.1 before erratum 3150: bits left over
    assert [key_octets(text) for text in ("AB==", "AAB=")] == [None, None]
    assert key_octets("AA==") == 1
    assert key_octets("AAA=") == 2
    assert [key_octets(text) for text in ("", "====", "A===", "AA=", "AAAA====", "AAAA=AAA", "AA==AA==")] == [None] * 7


def test_long_values_take_no_long_time() -> None:
    long = "a" * 60_000
    assert parse_tokens([long]) == [long]
    assert parse_extensions(['"' + long]) is None
    assert parse_extensions([f'a; b="{long}"']) == [ExtensionOffer("a", (("b", long),))]
    assert parse_extensions(["a" + " " * 60_000 + "b"]) is None
    assert parse_extensions(['a;b="\\"' * 10_000]) is None
    assert parse_tokens(["," * 60_000]) is None
    assert key_octets("AAAA" * 15_000 + "!") is None
