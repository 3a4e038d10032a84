"""The extensions of one connection at work: which of them transform the message being received, and the one being sent.

They are asked at the first frame of a message. A received one passes through them in the reverse order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..notation.variables import FrameFacts
from ..octets.frames import Header
from ..octets.vocabulary import BINARY, CONTINUATION, TEXT
from .deflate import PermessageDeflate
from .extension import Extension

_NO_BITS: Final[frozenset[int]] = frozenset()


class ExtensionsInUse:
    """The negotiated extensions, in the order in which a message to be sent passes through them.

    ``limit`` is in octets of a message. `deflate` is the one of RFC 7692 among them.
    """

    def __init__(self, extensions: Sequence[Extension], limit: int | None) -> None:
        self.all: Final = tuple(extensions)
        self.deflate: Final = next((e for e in self.all if isinstance(e, PermessageDeflate)), None)
        if self.deflate is not None:
            self.deflate.limit = limit
        self._decoding: tuple[Extension, ...] = ()
        self._encoding: tuple[Extension, ...] = ()
        self._deflated = 0  # octets of the compressed message being sent, before they were deflated

    def transform_received(self, header: Header, *, goes_on: bool) -> bool:
        """Whether the message of a data frame is for extensions; ``goes_on``: the frame is not the first of it."""
        if not self.all:
            return False
        if header.opcode in (TEXT, BINARY) and not goes_on:
            bits = frozenset(n for n, bit in enumerate((header.rsv1, header.rsv2, header.rsv3), 1) if bit)
            self._decoding = tuple(e for e in reversed(self.all) if e.transforms_received(header.opcode, bits))
        return bool(self._decoding)

    def decoded(self, payload: bytes, last: bool) -> bytes:
        """What the next frame of the message being received adds to it."""
        for extension in self._decoding:
            payload = extension.decode(payload, last)
        return payload

    def inflating(self, facts: FrameFacts) -> FrameFacts:
        """The facts of a frame whose payload was decoded right now, with how the compressed message fares."""
        if self.deflate is None or self.deflate not in self._decoding:
            return facts
        received = self.deflate.received
        return facts._replace(inflated=received.inflated, damage=received.damage)

    def first_bits(self, opcode: int, *, goes_on: bool) -> frozenset[int]:
        """The reserved bits of a frame to be sent; they mark the first frame of a message that is transformed."""
        if not self.all or opcode not in (TEXT, BINARY) or goes_on:
            return _NO_BITS
        marks = [(extension, extension.transforms_sent(opcode)) for extension in self.all]
        self._encoding = tuple(extension for extension, bits in marks if bits is not None)
        return _NO_BITS.union(*(bits for _, bits in marks if bits is not None))

    @property
    def transform_sent(self) -> bool:
        """Whether the message being sent is for extensions."""
        return bool(self._encoding)

    def encoded(self, octets: bytes, last: bool) -> bytes:
        """The payload of the next frame of the message being sent. It is to be sent: an extension goes on from it."""
        for extension in self._encoding:
            octets = extension.encode(octets, last)
        return octets

    def deflating(self, facts: FrameFacts, octets: bytes) -> FrameFacts:
        """The facts of a frame of a compressed message to be sent, with how many octets it had before, so far."""
        before = self._deflated if facts.opcode == CONTINUATION else 0
        return facts._replace(inflated=len(octets) + before)

    def was_sent(self, facts: FrameFacts) -> None:
        """A data frame was sent."""
        self._deflated = facts.inflated
