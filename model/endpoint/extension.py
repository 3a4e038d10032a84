"""The interface of an extension to an endpoint (sections 5.8 and 9): its negotiation, the bits that it claims, and its
transformation of messages.

That a bit is claimed is part of the state (``claims_rsv1`` and so on), so that the rules of section 5.2 see it. An
extension works on the payload of data frames, in order, one call for each frame: it may keep octets back until the
last frame of the message. Rules about text then hold for what the extension gives out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from ..notation.variables import State


class Extension(Protocol):
    """A negotiated extension of one connection, as one endpoint has it. No octets may make it raise.

    The stated limit counts octets on the wire: an extension that makes messages grow has to bound them itself.
    """

    @property
    def claims(self) -> frozenset[int]:
        """The reserved bits whose meaning it defines: of 1, 2 and 3."""

    def transforms_received(self, opcode: int, bits: frozenset[int]) -> bool:
        """A message of this opcode begins, its first frame has these reserved bits: is it for :meth:`decode`?"""

    def decode(self, octets: bytes, last: bool) -> bytes:
        """The next octets of the received message, given the payload of its next frame."""

    def transforms_sent(self, opcode: int) -> frozenset[int] | None:
        """A message of this opcode is to be sent: the reserved bits of its first frame; None to leave it alone."""

    def encode(self, octets: bytes, last: bool) -> bytes:
        """The payload of the next frame, given the next octets of the message to be sent."""


Parameters: TypeAlias = tuple[tuple[str, str | None], ...]
"""The parameters of an extension in a header field, in order: a name, and a value or None."""


class Negotiable(Protocol):
    """An extension as it is negotiated in the opening handshake (section 9.1). No parameters may make it raise."""

    @property
    def name(self) -> str:
        """Its registered token."""

    def offers(self) -> Sequence[Parameters]:
        """The offers of a client: one element of the header field each, in order of preference."""

    def agree(self, offered: Parameters) -> tuple[Parameters, Extension] | None:
        """The answer of a server to one offer, and the extension that it uses from then on; None to decline."""

    def start(self, agreed: Parameters) -> Extension | None:
        """The extension that a client uses after this answer of the server; None if it does not know the parameters."""


def bits_are_free(extension: Extension, in_use: Sequence[Extension]) -> bool:
    """Whether an extension can be used beside others: it claims reserved bits that exist, and none of theirs."""
    taken = frozenset[int]().union(*(other.claims for other in in_use))
    return extension.claims <= {1, 2, 3} - taken


def claiming(extensions: Sequence[Extension]) -> State:
    """The state right after an opening handshake that negotiated these extensions.

    Raises :class:`ValueError` where two claim one bit, or one claims a bit that does not exist.
    """
    claimed: set[int] = set()
    for extension in extensions:
        wrong = extension.claims & claimed or extension.claims - {1, 2, 3}
        if wrong:
            raise ValueError(f"RSV{min(wrong)} is claimed twice, or is no reserved bit")
        claimed |= extension.claims
    return State(claims_rsv1=1 in claimed, claims_rsv2=2 in claimed, claims_rsv3=3 in claimed)
