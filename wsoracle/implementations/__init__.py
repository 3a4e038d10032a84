"""Real implementations and our own endpoint in process, each behind the same small interface (`adapter.PeerUnderTest`).

Octets and what an application asks for go in; octets, the end of TCP and what the application is told come out.
"""

from .adapter import (
    ApplicationRefused,
    Delivered,
    HandshakeFailed,
    MissingPeer,
    Offers,
    PeerApplication,
    PeerCrashed,
    PeerUnderTest,
    available_peers,
    missing_peers,
)

__all__ = [
    "ApplicationRefused",
    "Delivered",
    "HandshakeFailed",
    "MissingPeer",
    "Offers",
    "PeerApplication",
    "PeerCrashed",
    "PeerUnderTest",
    "available_peers",
    "missing_peers",
]
