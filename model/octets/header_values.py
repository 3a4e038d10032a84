"""The syntax of header values in the opening handshake (sections 4.3 and 9.1, on RFC 9110's tokens and lists).

A list may be split over several fields of one name (RFC 9110, section 5.3); empty elements of a list are passed over
(section 5.6.1.2), and a list of nothing else is malformed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

TOKEN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED: Final = r'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_TOKEN: Final = re.compile(TOKEN)
_ELEMENT: Final = re.compile(rf"(?:{_QUOTED}|[^\",])*")
_PARAMETER: Final = re.compile(rf"[ \t]*;[ \t]*({TOKEN})(?:[ \t]*=[ \t]*({TOKEN}|{_QUOTED}))?")
_VERSION: Final = re.compile(r"[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]")
BASE64_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_LAST_BASE64: Final = r"[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]="
_BASE64: Final = re.compile(rf"(?:[A-Za-z0-9+/]{{4}})+(?:{_LAST_BASE64})?|{_LAST_BASE64}")


class ExtensionOffer(NamedTuple):
    """An extension as a header lists it: its name and its parameters, in order; None: a parameter without a value."""

    name: str
    parameters: tuple[tuple[str, str | None], ...] = ()


def is_token(value: str) -> bool:
    """The value is a token (RFC 9110, section 5.6.2)."""
    return _TOKEN.fullmatch(value) is not None


def parse_tokens(values: Sequence[str]) -> list[str] | None:
    """The tokens of a list, ``1#token``; None where the values are no such list."""
    elements = list(list_elements(values))
    return elements if elements and all(map(is_token, elements)) else None


def parse_versions(values: Sequence[str]) -> list[int] | None:
    """The versions of a list, ``1#version`` of 0 to 255 without leading zeros; None where the value is not such a
    list."""
    elements = list(list_elements(values))
    return [int(e) for e in elements] if elements and all(map(_VERSION.fullmatch, elements)) else None


def parse_extensions(values: Sequence[str]) -> list[ExtensionOffer] | None:
    """The extensions of an ``extension-list``; None where the values are no such list.

    A value in quotes must be a token once the quotes and backslashes are gone.
    """
    found = [_extension(element) for element in list_elements(values)]
    complete = [extension for extension in found if extension is not None]
    return complete if complete and len(complete) == len(found) else None


def extension_list(extensions: Sequence[ExtensionOffer]) -> str:
    """The value of a Sec-WebSocket-Extensions field (section 9.1)."""
    return ", ".join(
        "; ".join([name, *(key if value is None else f"{key}={value}" for key, value in parameters)])
        for name, parameters in extensions
    )


def key_octets(value: str) -> int | None:
    """How many octets a base64 value stands for; None where it is not ``base64-value-non-empty``.

    Bits that are left over at the end are zero (RFC 4648, section 3.5); those of the example in section 4.1 are not,
    which erratum 3150 mends.
    """
    if _BASE64.fullmatch(value) is None:
        return None
    return len(value) * 3 // 4 - value.count("=")


def list_elements(values: Sequence[str]) -> Iterator[str]:
    """The elements of a list over all its fields, whatever they are; commas in quotes are no separators."""
    for value in values:
        at = 0
        while at <= len(value):
            match = _ELEMENT.match(value, at)
            assert match is not None
            end = match.end()
            if end < len(value) and value[end] != ",":
                end = len(value)  # a quote that does not end: no list, which its element will show
            element = value[at:end].strip(" \t")
            if element:
                yield element
            at = end + 1


def _extension(element: str) -> ExtensionOffer | None:
    name = _TOKEN.match(element)
    if name is None:
        return None
    parameters: list[tuple[str, str | None]] = []
    at = name.end()
    while at < len(element):
        match = _PARAMETER.match(element, at)
        if match is None:
            return None
        value = match[2]
        if value is not None and value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
            if not is_token(value):
                return None
        parameters.append((match[1], value))
        at = match.end()
    return ExtensionOffer(name[0], tuple(parameters))
