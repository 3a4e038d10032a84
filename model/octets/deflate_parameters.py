"""The parameters of permessage-deflate as an offer or an answer has them (RFC 7692, section 7.1): values, not verdicts.

What an offer may ask, and which answers fit it, is for rules to say.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

DEFLATE: Final = "permessage-deflate"

ABSENT: Final = 0
VALUELESS: Final = 1
INVALID: Final = 2
"""With a value that is no number of 8 to 15 in digits without leading zeros."""
REPEATED: Final = 3
"""More than once, with whatever values."""
BITS: Final = tuple(range(8, 16))
"""A value that is a number of bits stands for itself."""

PARAMETER_LABELS: Final = {
    ABSENT: "absent",
    VALUELESS: "without a value",
    INVALID: "with another value",
    REPEATED: "more than once",
    **{bits: f"{bits} bits" for bits in BITS},
}

_BITS: Final = re.compile("[89]|1[0-5]")


class DeflateParameters(NamedTuple):
    """How each parameter is given: ABSENT, VALUELESS, INVALID, REPEATED, or a number of bits.

    A number is one for the parameters that take no value too: that they have any is for rules to refuse. ``unknown``:
    there is a parameter that RFC 7692 does not define. Names are compared octet by octet.
    """

    server_no_context_takeover: int = ABSENT
    client_no_context_takeover: int = ABSENT
    server_max_window_bits: int = ABSENT
    client_max_window_bits: int = ABSENT
    unknown: bool = False


PARAMETER_NAMES: Final = DeflateParameters._fields[:4]


def read_parameters(parameters: Sequence[tuple[str, str | None]]) -> DeflateParameters:
    """The parameters of an element of Sec-WebSocket-Extensions; values in quotes come without them. Any are taken."""
    given: dict[str, list[str | None]] = {name: [] for name in PARAMETER_NAMES}
    unknown = False
    for name, value in parameters:
        if name in given:
            given[name].append(value)
        else:
            unknown = True
    return DeflateParameters(**{name: _given(values) for name, values in given.items()}, unknown=unknown)


def write_parameters(parameters: DeflateParameters) -> tuple[tuple[str, str | None], ...]:
    """The parameters of an element that is read as these, always the same."""
    written: list[tuple[str, str | None]] = []
    for name in PARAMETER_NAMES:
        how = getattr(parameters, name)
        values = {ABSENT: (), VALUELESS: (None,), INVALID: ("0",), REPEATED: (None, None)}.get(how, (str(how),))
        written += [(name, value) for value in values]
    return (*written, *([("nobody-knows", None)] if parameters.unknown else []))


def _given(values: Sequence[str | None]) -> int:
    if len(values) != 1:
        return REPEATED if values else ABSENT
    value = values[0]
    if value is None:
        return VALUELESS
    return int(value) if _BITS.fullmatch(value) else INVALID
