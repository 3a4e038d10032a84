"""Real implementations from the first octet of the opening handshake on: what they offer, and which there are.

Theory of operation. The endpoint is a `PeerUnderTest` like any other, but its connection is not open: a client has its
request among the first octets to send, a server waits for one and takes every one that its library takes. That the
opening handshake failed is told as `failed` by a client; a server answers.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, cast

from wsoracle.model.octets.vocabulary import Role

from .adapter import Application, PeerUnderTest

__all__ = ["FIXED_KEY", "URI", "Offers", "OpeningFactory", "available_openings"]

URI: Final = "ws://server.example.com/chat"
"""What clients are asked to open."""

FIXED_KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key that clients send, so that a run can be repeated. That keys are fresh cannot be seen on one connection."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What an endpoint offers, or supports: subprotocols, and whether permessage-deflate (RFC 7692)."""

    subprotocols: tuple[str, ...] = ()
    deflate: bool = False


class _Make(Protocol):
    def __call__(self, role: Role, offers: Offers, application: Application = "sink") -> PeerUnderTest: ...


@dataclass(frozen=True, slots=True)
class OpeningFactory:
    """An installed implementation; ``head_limit`` is in octets of the largest head that it certainly takes."""

    implementation: str
    version: str
    head_limit: int
    make: _Make

    def __call__(self, role: Role, offers: Offers | None = None, application: Application = "sink") -> PeerUnderTest:
        """An endpoint whose opening handshake has not begun. Raises PeerCrashed."""
        return self.make(role, Offers() if offers is None else offers, application)


_KNOWN: Final[Mapping[str, str]] = {"wsproto": "opening_wsproto", "websockets": "opening_websockets"}


def available_openings() -> list[OpeningFactory]:
    """The implementations that can be run here, in a fixed order; `missing_peers` tells of the others."""
    found: list[OpeningFactory] = []
    for module in _KNOWN.values():
        try:
            found.append(cast(OpeningFactory, importlib.import_module(f".{module}", __package__).FACTORY))
        except ImportError:
            continue
    return found
