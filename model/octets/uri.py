"""ws and wss URIs (section 3)."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Final, NamedTuple

DEFAULT_PORTS: Final = {False: 80, True: 443}
"""By whether the URI is secure."""

_PCHAR: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})"
RESOURCE_NAME: Final = re.compile(rf"(?:/{_PCHAR}*)+(?:\?(?:{_PCHAR}|[/?])*)?")
"""A path and perhaps a query, as a request has it."""

_SENT: Final = rf"(?:{_PCHAR}|[\[\]{{}}|^`%])"
BROWSER_RESOURCE_NAME: Final = re.compile(rf"(?:/{_SENT}*)+(?:\?(?:{_SENT}|[/?\\])*)?")
"""The same with the octets beyond RFC 3986 that browsers send as they stand (URL Standard, "special-query and path
percent-encode sets"); a backslash is one of them in a query alone."""

_IN_A_PATH: Final = re.compile(rf"(?:{_PCHAR}|[/?])+")


def never_in_a_uri(target: str) -> str:
    """The first character of a path with query that RFC 3986 has nowhere in one; empty where there is none."""
    at = 0
    while (found := _IN_A_PATH.match(target, at)) is not None:
        at = found.end()
    return target[at : at + 1]


_HOST: Final = r"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)"
AUTHORITY: Final = re.compile(rf"({_HOST})(?::(0*[0-9]{{0,5}}))?")
"""A host and perhaps a port, as a Host field has it."""

_URI: Final = re.compile(rf"([A-Za-z]+)://{AUTHORITY.pattern}((?:/{_PCHAR}*)*)(?:\?((?:{_PCHAR}|[/?])*))?")


class WebSocketUri(NamedTuple):
    """The components of a ws or wss URI, in the words of section 3; an IPv6 host has its brackets."""

    secure: bool
    host: str
    port: int
    resource_name: str

    @property
    def host_header(self) -> str:
        """The value of the Host field: the port is named where it is not the default."""
        return self.host if self.port == DEFAULT_PORTS[self.secure] else f"{self.host}:{self.port}"

    @property
    def text(self) -> str:
        """The URI as it is written."""
        return f"{'wss' if self.secure else 'ws'}://{self.host_header}{self.resource_name}"


def parse_uri(text: str) -> WebSocketUri:
    """The components of a URI. Raises :class:`ValueError`, which says what is wrong and what to write instead."""
    if "#" in text:
        raise ValueError(f"a WebSocket URI has no fragment (section 3): write {text.partition('#')[0]!r}, or # as %23")
    match = _URI.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no URI such as ws://example.com/chat or wss://example.com:8443/?x=1")
    scheme, host, port, path, query = match.groups()
    if scheme.lower() not in ("ws", "wss"):
        raise ValueError(f"{text!r} has the scheme {scheme!r}: write ws or wss")
    secure = scheme.lower() == "wss"
    number = int(port) if port else DEFAULT_PORTS[secure]
    if not 0 < number < 65536:
        raise ValueError(f"{text!r} has the port {number}: ports are 1 to 65535")
    if not is_host(host):
        raise ValueError(f"{text!r} has the host {host}: in brackets stands an IPv6 address such as [::1]")
    return WebSocketUri(secure, host.lower(), number, (path or "/") + (f"?{query}" if query else ""))


def is_host(host: str) -> bool:
    """Whether what matches the host of an :data:`AUTHORITY` is one: what is in brackets is an IPv6 address."""
    if not host.startswith("["):
        return True
    try:
        IPv6Address(host[1:-1])
    except AddressValueError:
        return False
    return True
