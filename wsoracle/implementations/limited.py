"""Real implementations with a small limit of their own, so that what happens at a limit fits into a short case."""

from __future__ import annotations

from typing import Any, Final

from wsoracle.model.octets.vocabulary import Role

from . import Application, Limits, PeerFactory, PeerUnderTest

__all__ = ["SMALL_LIMIT", "can_be_limited", "limited"]

SMALL_LIMIT: Final = 1_000
"""Octets of a message: more than control frames have, and little enough to write out."""


def can_be_limited(factory: PeerFactory) -> bool:
    """Whether the implementation has a limit on messages that its users may choose."""
    return factory.implementation == "websockets"


def limited(factory: PeerFactory, octets: int) -> PeerFactory:
    """The same implementation, told to take messages of at most so many octets.

    It is what `max_size` does where a user of websockets opens a connection. ValueError where it has no such limit.
    """
    if not can_be_limited(factory):
        raise ValueError(f"{factory.implementation} lets nobody choose a limit on messages")

    def make(role: Role, application: Application = "sink") -> PeerUnderTest:
        peer: Any = factory(role, application)
        peer._protocol.max_message_size = octets
        own: Limits = peer.limits
        peer.limits = Limits(message_octets=octets, frame_octets=own["frame_octets"], fragments=own["fragments"])
        made: PeerUnderTest = peer
        return made

    return PeerFactory(factory.implementation, factory.version, make)
