"""What a line of a head says of the opening handshake: the value of each fact by its name, and why it has this value.

The reason is in words, for people; it is empty where the value says all, as "absent" does. The names of the values are
those of ``model.notation.head_variables``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ..octets.accept_key import accept_value
from ..octets.deflate_parameters import DEFLATE
from ..octets.header_values import (
    BASE64_LETTERS,
    ExtensionOffer,
    is_token,
    key_octets,
    list_elements,
    parse_extensions,
    parse_tokens,
    parse_versions,
)
from ..octets.http import Request
from ..octets.uri import (
    AUTHORITY,
    BROWSER_RESOURCE_NAME,
    RESOURCE_NAME,
    WebSocketUri,
    is_host,
    never_in_a_uri,
    parse_uri,
)


class Found(NamedTuple):
    """The value of a fact, by its name, and why it has it."""

    label: str
    why: str = ""


class KnownExtension(NamedTuple):
    """The reserved bits and the parameters that an extension defines."""

    bits: frozenset[int]
    parameters: frozenset[str]


KNOWN_EXTENSIONS: Final[Mapping[str, KnownExtension]] = {
    "permessage-deflate": KnownExtension(
        frozenset({1}),
        frozenset(
            {
                "server_no_context_takeover",
                "client_no_context_takeover",
                "server_max_window_bits",
                "client_max_window_bits",
            }
        ),
    )
}
"""The registered extensions with known parameters (RFC 7692, section 7.1). Any parameter of others may be right."""

VERSION: Final = 13
_ABSENT: Final = Found("absent")


def http(version: str) -> Found:
    """The version of HTTP in the first line."""
    major, _, minor = version.partition(".")
    number, ours = (int(major), int(minor)), (1, 1)
    return Found("1.1") if number == ours else Found("lower than 1.1" if number < ours else "higher than 1.1", version)


def target(text: str) -> Found:
    """The request target."""
    if RESOURCE_NAME.fullmatch(text):
        return Found("a resource name")
    strange = never_in_a_uri(text)
    if BROWSER_RESOURCE_NAME.fullmatch(text):
        return Found("as browsers send it", f"{strange!r} stands in no URI")
    if absolute_target(text) is not None:
        return Found("an absolute http or https URI")
    if text.startswith("/"):
        return Found("unfit", "it has a fragment" if "#" in text else f"{strange!r} stands in no URI")
    return Found("unfit", f"{text!r} does not begin with / and is no http or https URI")


def absolute_target(text: str) -> WebSocketUri | None:
    """The components of an absolute http or https URI, those of the ws or wss URI that it stands for."""
    scheme, colon, rest = text.partition(":")
    if not colon or scheme.lower() not in ("http", "https"):
        return None
    try:
        return parse_uri(("wss:" if scheme.lower() == "https" else "ws:") + rest)
    except ValueError:
        return None


def host(values: Sequence[str]) -> Found:
    """The field Host."""
    if not values:
        return _ABSENT
    if len(values) > 1:
        return Found("repeated or invalid", _times(values))
    return Found("one") if authority(values[0]) else Found("repeated or invalid", f"{values[0]!r} is no host")


def authority(value: str) -> re.Match[str] | None:
    """Host and port of a Host field; None where it is not valid."""
    named = AUTHORITY.fullmatch(value)
    return named if named is not None and is_host(named[1]) else None


def upgrade(values: Sequence[str]) -> Found:
    """The field Upgrade."""
    if not values:
        return _ABSENT
    names = [element.strip(" \t").lower() for value in values for element in value.split(",")]
    names = [name for name in names if name]
    others = [name for name in names if name != "websocket"]
    if "websocket" not in names:
        return Found("another", f"{others[0]!r} is not websocket" if others else "it is empty")
    if others:
        return Found("a list with websocket", f"{others[0]!r} stands beside websocket")
    return Found("websocket" if len(names) == 1 else "websocket more than once")


def connection(values: Sequence[str]) -> Found:
    """The tokens of Connection."""
    if not values:
        return _ABSENT
    elements = [element.lower() for element in list_elements(values)]
    if "upgrade" not in elements:
        return Found("without Upgrade")
    bad = _no_tokens(elements)
    if bad:
        return Found("Upgrade beside no token", f"{bad[0]!r} is no token")
    return Found("Upgrade" if elements.count("upgrade") == 1 else "Upgrade more than once")


def key(values: Sequence[str]) -> Found:
    """Sec-WebSocket-Key."""
    if not any(values):
        return Found("absent", "it is empty" if values else "")
    if len(values) > 1:
        return Found("repeated", _times(values))
    octets = key_octets(values[0])
    if octets is None:
        return Found("not base64", _not_base64(values[0]))
    return Found("16 octets") if octets == 16 else Found("another number of octets", f"it stands for {octets} octets")


def _not_base64(value: str) -> str:
    letters = value.rstrip("=")
    strange = [letter for letter in letters if letter not in BASE64_LETTERS]
    if strange:
        return f"{strange[0]!r} is no letter of base64"
    padding = len(value) - len(letters)
    if len(value) % 4 or padding > 2:
        return f"{len(letters)} letters with {padding} times = are not padded to a multiple of four"
    return "its pad bits are not zero (RFC 4648, section 3.5)"


def version(values: Sequence[str]) -> Found:
    """Sec-WebSocket-Version in a request."""
    if not values:
        return _ABSENT
    versions = parse_versions(values) or []
    if max(len(versions), len(values)) > 1 and VERSION in versions:
        return Found("13 and more", f"it is {', '.join(values)!r}")
    # A request has one version and no list: an empty element is a violation of the ABNF (section 4.3) too.
    if len(values) > 1 or len(versions) != 1 or not values[0].isdigit():
        return Found("not a version", f"{', '.join(values)!r} is not one number of 0 to 255")
    return Found("13") if versions[0] == VERSION else Found("another", str(versions[0]))


def protocols(values: Sequence[str]) -> Found:
    """The subprotocols that a request offers."""
    if not values:
        return _ABSENT
    tokens = parse_tokens(values)
    if tokens is None:
        return Found("not a list of tokens", _no_list(_no_tokens(list_elements(values)), "token"))
    twice = [token for token in tokens if tokens.count(token) > 1]
    return Found("with a repeated token", f"{twice[0]!r} stands twice") if twice else Found("distinct tokens")


def offers(values: Sequence[str]) -> Found:
    """The extensions that a request offers."""
    if not values:
        return _ABSENT
    return Found("a list of extensions") if parse_extensions(values) else _no_extensions(values)


def origin(values: Sequence[str]) -> Found:
    """The field Origin."""
    return _ABSENT if not values else Found("one") if len(values) == 1 else Found("repeated", _times(values))


def accept(values: Sequence[str], request: Request | None) -> Found:
    """Sec-WebSocket-Accept: each value has to be right. Where the request has several keys, which is a fault, the value
    may answer any of them, or all of them joined as HTTP joins the values of fields."""
    if not values:
        return _ABSENT
    keys = [] if request is None else request.values("Sec-WebSocket-Key")
    keys += [separator.join(keys) for separator in (",", ", ")] if len(keys) > 1 else []
    right = [accept_value(one) for one in keys]
    if {value.strip(" \t") for value in values} <= set(right):
        return Found("right") if len(values) == 1 else Found("repeated", _times(values))
    return Found("wrong", f"{right[0]} would fit the key" if right else "there is no key that it could fit")


def subprotocol(values: Sequence[str], request: Request | None) -> Found:
    """The subprotocol that a response chooses."""
    offered = [] if request is None else parse_tokens(request.values("Sec-WebSocket-Protocol")) or []
    if not values:
        return Found("none chosen", f"{', '.join(offered)} are offered") if offered else _ABSENT
    if len(values) > 1 or not is_token(values[0]):
        return Found("not one token", f"it is {', '.join(values)!r}")
    return Found("offered") if values[0] in offered else Found("not offered", _offered(offered))


def extensions(values: Sequence[str], request: Request | None) -> tuple[Found, frozenset[int]]:
    """The extensions that a response chooses, and the reserved bits that they define."""
    none: frozenset[int] = frozenset()
    if not values:
        return _ABSENT, none
    agreed = parse_extensions(values)
    if agreed is None:
        return _no_extensions(values), none
    asked = [] if request is None else parse_extensions(request.values("Sec-WebSocket-Extensions")) or []
    names = [offer.name for offer in asked]
    # RFC 7692, section 5: each element is an offer of its own, so that one offer is not accepted twice.
    too_often = [e.name for e in agreed].count(DEFLATE) > names.count(DEFLATE)
    if too_often or not {extension.name for extension in agreed} <= set(names):
        return Found("not offered", _offered(names)), none
    known = [e for e in agreed if e.name in KNOWN_EXTENSIONS]
    bits = none.union(*(KNOWN_EXTENSIONS[extension.name].bits for extension in known))
    strange = _unknown_parameters(known)
    return Found("with unknown parameters", f"{strange[0]!r} is not known") if strange else Found("offered"), bits


def _unknown_parameters(known: Iterable[ExtensionOffer]) -> list[str]:
    return [n for e in known for n, _ in e.parameters if n not in KNOWN_EXTENSIONS[e.name].parameters]


def versions(values: Sequence[str]) -> Found:
    """The versions that a response lists."""
    if not values:
        return _ABSENT
    listed = parse_versions(values)
    if listed is None:
        return Found("not a list of versions", f"it is {', '.join(values)!r}")
    return Found("a list with 13" if VERSION in listed else "a list without 13")


def _times(values: Sequence[str]) -> str:
    return f"it stands {len(values)} times"


def _no_tokens(elements: Iterable[str]) -> list[str]:
    return [element for element in elements if not is_token(element)]


def _no_list(bad: Sequence[str], what: str) -> str:
    return f"{bad[0]!r} is no {what}" if bad else "it is empty"


def _no_extensions(values: Sequence[str]) -> Found:
    bad = [element for element in list_elements(values) if parse_extensions([element]) is None]
    return Found("not a list of extensions", _no_list(bad, "extension of section 9.1"))


def _offered(names: Sequence[str]) -> str:
    return f"offered: {', '.join(names)}" if names else "nothing is offered"
