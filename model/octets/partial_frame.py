"""A frame whose header is complete and whose payload is still coming."""

from __future__ import annotations

from typing import Final

from . import utf8
from .frames import Header
from .masking import mask


class UnfinishedFrame:
    """The payload of a frame as far as it has arrived; no memory is taken for octets that have not.

    ``keep``: the payload is kept for reading; otherwise the frame is decided and its payload is skipped. ``text`` is
    the state of the UTF-8 automaton, None where that is not followed. ``transformed``: extensions have to decode it.
    """

    __slots__ = ("header", "keep", "left", "payload", "text", "transformed")

    def __init__(
        self, header: Header, *, keep: bool = True, text: int | None = None, transformed: bool = False
    ) -> None:
        self.header: Final = header
        self.left = header.length
        self.payload = bytearray()
        self.keep = keep
        self.text = text
        self.transformed: Final = transformed

    def take(self, data: bytes, at: int) -> int:
        """Octets of the payload begin at offset `at`; the offset after those that belong to it."""
        if not self.keep:
            taken = min(self.left, len(data) - at)
            self.left -= taken
            return at + taken
        piece = data[at : at + self.left]
        if self.header.key is not None:
            piece = mask(piece, self.header.key, self.header.length - self.left)
        self.left -= len(piece)
        self.payload += piece
        if self.text is not None:
            self.text = utf8.run(piece, self.text)
        return at + len(piece)

    def drop(self) -> None:
        """Pass over the rest."""
        self.keep = False
        self.payload.clear()
