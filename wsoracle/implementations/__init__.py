"""Real implementations in process, each behind the same small interface (`adapter.PeerUnderTest`)."""

from .adapter import (
    Application,
    ApplicationRefused,
    Delivered,
    HandshakeFailed,
    Limits,
    MissingPeer,
    PeerCrashed,
    PeerFactory,
    PeerUnderTest,
    available_peers,
    missing_peers,
    whole_messages,
)

__all__ = [
    "Application",
    "ApplicationRefused",
    "Delivered",
    "HandshakeFailed",
    "Limits",
    "MissingPeer",
    "PeerCrashed",
    "PeerFactory",
    "PeerUnderTest",
    "available_peers",
    "missing_peers",
    "whole_messages",
]
