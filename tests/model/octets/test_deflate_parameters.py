"""The parameters of permessage-deflate in a header, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.octets.deflate_parameters import (
    ABSENT,
    BITS,
    INVALID,
    PARAMETER_NAMES,
    REPEATED,
    VALUELESS,
    DeflateParameters,
    read_parameters,
    write_parameters,
)
from wsoracle.model.octets.header_values import parse_extensions

how = st.sampled_from((ABSENT, VALUELESS, INVALID, REPEATED, *BITS))
parameters = st.builds(DeflateParameters, how, how, how, how, st.booleans())
numbers = st.integers(0, 20).map(str)
values = st.none() | numbers | numbers.map(lambda n: f"0{n}") | st.sampled_from(("-8", "+9", "8.0", "x", "1_0"))


def element(given_parameters: list[tuple[str, str | None]], quoted: bool) -> str:
    """An element of the header with these parameters."""
    mark = '"' if quoted else ""
    written = [name if value is None else f"{name}={mark}{value}{mark}" for name, value in given_parameters]
    return "; ".join(("permessage-deflate", *written))


@given(parameters, st.booleans())
def test_what_is_written_is_read(chosen: DeflateParameters, quoted: bool) -> None:
    """Every combination has a spelling, as tokens and as quoted strings."""
    (found,) = parse_extensions([element(list(write_parameters(chosen)), quoted)]) or []
    assert read_parameters(found.parameters) == chosen


@given(st.lists(st.tuples(st.sampled_from((*PARAMETER_NAMES, "Client_Max_Window_Bits", "x")), values), max_size=5))
def test_each_parameter_is_one_of_absent_valueless_a_number_invalid_or_repeated(
    listed: list[tuple[str, str | None]],
) -> None:
    """Any names and values, in any order."""
    found = read_parameters(listed)
    assert found.unknown == any(name not in PARAMETER_NAMES for name, _ in listed)
    for name in PARAMETER_NAMES:
        given_values = [value for given_name, value in listed if given_name == name]
        expected = REPEATED if len(given_values) > 1 else ABSENT
        if len(given_values) == 1:
            value = given_values[0]
            valid = {str(n): n for n in BITS}
            expected = VALUELESS if value is None else valid.get(value, INVALID)
        assert getattr(found, name) == expected


@pytest.mark.parametrize("value", ["7", "16", "08", "015", "8 ", "８", "", "1e1"])
def test_a_number_of_bits_is_8_to_15_in_digits_without_leading_zeros(value: str) -> None:
    """RFC 7692, section 7.1.2.1."""
    assert read_parameters([("server_max_window_bits", value)]).server_max_window_bits == INVALID
