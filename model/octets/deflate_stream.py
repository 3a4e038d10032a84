"""DEFLATE by zlib, for volume: messages of one direction deflated, or inflated under a limit (RFC 7692, section 7.2).

zlib stops at a block with BFINAL = 1, which a message may have anywhere: what follows is inflated anew, over the same
history. Its check of distances is no detector of windows that are too large (it depends on how octets are cut), so that
all 32,768 octets are kept; ``model.octets.deflate`` measures distances.
"""

from __future__ import annotations

import zlib
from typing import Final

from .deflate import LARGEST_WINDOW, TAIL, DeflateFault

_BITS: Final = 15
_SMALLEST_BITS: Final = 9
_MOST_AT_ONCE: Final = 1 << 30
_LAST_BLOCK: Final = b"\x01" + TAIL
"""An empty stored block with BFINAL = 1."""


class InflateError(ValueError):
    """A message cannot be inflated, or is too long; ``fault`` says why, ``inflated`` is what came out before it."""

    def __init__(self, fault: DeflateFault, inflated: bytes = b"") -> None:
        super().__init__(fault.value)
        self.fault: Final = fault
        self.inflated: Final = inflated


class Inflater:
    """The compressed messages of one direction, inflated.

    ``takeover``: a message may refer to those before it; ``history`` is what messages before the first inflated to.
    Octets are taken in chunks of any size. Raises :class:`InflateError`, after which nothing more can be inflated but
    after ``EMPTY`` and ``UNENDED``.
    """

    def __init__(self, *, takeover: bool = True, history: bytes = b"") -> None:
        self._takeover: Final = takeover
        self._recent = history[-LARGEST_WINDOW:]
        self._zlib = zlib.decompressobj(-_BITS, zdict=self._recent) if history else zlib.decompressobj(-_BITS)
        self._length = 0
        self._any = False

    def inflate(self, octets: bytes, last: bool, limit: int | None = None) -> bytes:
        """Take octets of a message, the ``last`` ones or not; what they inflate to. ``limit``: octets of a message.

        Whether a message without payload, or without an empty block behind its last one, is to be taken is for the
        caller: both raise, and the next message can be inflated.
        """
        self._any |= bool(octets)
        inflated = self._take(octets, limit)
        if last:
            fault = DeflateFault.NONE
            if not self._any:
                fault = DeflateFault.EMPTY
            elif self._zlib.eof:
                fault = DeflateFault.UNENDED
            else:
                inflated += self._take(TAIL, limit)
                if not self._is_between_blocks():
                    fault = DeflateFault.TRUNCATED
            self._start_message()
            if fault is not DeflateFault.NONE:
                raise InflateError(fault, inflated)
        return inflated

    def _take(self, octets: bytes, limit: int | None) -> bytes:
        pieces: list[bytes] = []
        more = bool(octets)
        while more:
            if self._zlib.eof:
                self._zlib = zlib.decompressobj(-_BITS, zdict=self._recent)
            # No piece is longer than all before it, so that one that comes to the limit holds little more than that.
            at_once = min(max(self._length, LARGEST_WINDOW), _MOST_AT_ONCE)
            most = 0 if limit is None else min(limit - self._length + 1, at_once)
            try:
                piece = self._zlib.decompress(octets, most)
            except zlib.error as error:
                raise InflateError(DeflateFault.MALFORMED, b"".join(pieces)) from error
            self._length += len(piece)
            self._recent = (self._recent + piece[-LARGEST_WINDOW:])[-LARGEST_WINDOW:]
            if limit is not None and self._length > limit:
                raise InflateError(DeflateFault.TOO_LONG)
            pieces.append(piece)
            octets = self._zlib.unconsumed_tail or self._zlib.unused_data
            # Where a piece is full, zlib may keep the rest of a match.
            more = bool(octets) or (0 < most == len(piece) and not self._zlib.eof)
        return b"".join(pieces)

    def _is_between_blocks(self) -> bool:
        """Whether a block may begin here: a last, empty one ends the stream then, at once and with nothing left over.

        (Only octets made for it could mislead this: where such a block's octets complete the header of another one.)
        """
        if self._zlib.eof:
            return not self._zlib.unused_data
        trial = self._zlib.copy()
        try:
            return not trial.decompress(_LAST_BLOCK) and trial.eof and not trial.unused_data
        except zlib.error:
            return False

    def _start_message(self) -> None:
        self._length, self._any = 0, False
        if not self._takeover:
            self._zlib, self._recent = zlib.decompressobj(-_BITS), b""


class Deflater:
    """The messages of one direction, deflated within a window of ``2 ** bits`` octets (8 to 15).

    zlib has no raw window of 8 bits; with 9 it reaches back 250 octets at most, which is within 8.
    """

    def __init__(self, bits: int = _BITS, *, takeover: bool = True, level: int = zlib.Z_DEFAULT_COMPRESSION) -> None:
        if not 8 <= bits <= _BITS:
            raise ValueError(f"a window has 8 to {_BITS} bits, not {bits}")
        self._arguments: Final = (level, zlib.DEFLATED, -max(bits, _SMALLEST_BITS))
        self._takeover: Final = takeover
        self._zlib = zlib.compressobj(*self._arguments)

    def deflate(self, octets: bytes, last: bool) -> bytes:
        """The payload of a frame: all of a message, or a part of it that ends at the boundary of an octet."""
        deflated = self._zlib.compress(octets) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        if not last:
            return deflated
        if not self._takeover:
            self._zlib = zlib.compressobj(*self._arguments)
        # zlib gives nothing where there is nothing since the last flush: an empty block then (section 7.2.3.6).
        return deflated.removesuffix(TAIL) or b"\x00"
