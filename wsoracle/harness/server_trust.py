"""Whom the fuzzing server obeys: a page of another site may run cases, and neither stop the server nor read its pages.

A browser lets every site open WebSocket connections to any address, and tells the site in the Origin field (RFC 6455,
section 10.2). A site whose name is made to lead to our address (DNS rebinding) shows in the Host field: it has a name
with a dot, and such names are ours only where the server was told to listen on one. Programs that are no browser send
no Origin, or one of the host that they ask.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from wsoracle.model.octets.http import Request
from wsoracle.model.octets.uri import AUTHORITY

_ORIGIN: Final = re.compile(rf"[A-Za-z][A-Za-z0-9+.\-]*://({AUTHORITY.pattern})")


class OwnNames:
    """The names by which the server may be called; ``listens_on`` are hosts that it was told to listen on."""

    def __init__(self, listens_on: Iterable[str] = ()) -> None:
        self._names: Final = {name.lower() for name in (*listens_on, socket.gethostname())}

    def add(self, host: str) -> None:
        """The server listens on this host too."""
        self._names.add(host.lower())

    def may_read(self, request: Request) -> bool:
        """Whether a request is for one of these names, or for an address, which no other site can take over."""
        return all(self._is_own(_host_of(host)) for host in request.values("Host"))

    def may_stop(self, request: Request) -> bool:
        """Whether a request comes from no browser, or from a page of this host or of this machine."""
        hosts = {_host_of(host) for host in request.values("Host")}
        origins = {_host_of_origin(origin) for origin in request.values("Origin")}
        return self.may_read(request) and all(_is_loopback(origin) or origin in hosts for origin in origins)

    def _is_own(self, host: str) -> bool:
        name = host.removesuffix(".")
        return bool(name) and ("." not in name or name in self._names or _is_loopback(name) or _is_address(name))


def _host_of(authority: str) -> str:
    """The host in lower case, without a port; empty where there is none."""
    found = AUTHORITY.fullmatch(authority.strip())
    return "" if found is None else found[1].lower()


def _host_of_origin(origin: str) -> str:
    found = _ORIGIN.fullmatch(origin.strip().removesuffix("/"))
    return "" if found is None else _host_of(found[1])


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return _is_address(host) and ip_address(host.strip("[]")).is_loopback


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
