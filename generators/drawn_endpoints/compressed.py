"""The compressed messages of one direction (RFC 7692): drawn, and read in the order in which they are sent.

Theory of operation. What a frame adds to its message depends on all that was sent before it, so that a direction keeps
its frames as they crossed, and inflates each one once it is sent. A sound message is deflated over what can be referred
to by then. An odd one has blocks of any kind and matches of any distance: whether it is sound is what is measured.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from random import Random
from typing import Final

from wsoracle.model.facts.frames import DEFAULT_KEY
from wsoracle.model.octets.deflate import TAIL
from wsoracle.model.octets.deflate_encoder import DeflateWriter, Match, Symbol
from wsoracle.model.octets.frames import encode_header
from wsoracle.model.octets.inflated_frames import AgreedDirection, InflatedFrames
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT

from .units import DrawnFrame, decoded

_SMALLEST_BITS: Final = 9
"""zlib has no smaller raw window; with this one it reaches back 250 octets at most, which is within 8 bits."""
_NOTHING: Final = b"\x00"
"""The payload of a message without octets (section 7.2.3.6)."""
_STRETCH: Final = (b"", b"a", b"echo me", "é€".encode(), bytes(range(97, 123)) * 3, b"0123456789" * 60)


class CompressedWay:
    """One direction: its frames so far, and what comes next; ``masked`` says whether its frames are."""

    def __init__(self, random: Random, agreed: AgreedDirection, *, masked: bool) -> None:
        self._random: Final = random
        self._agreed: Final = agreed
        self._masked: Final = masked
        self._sent: Final[list[FrameUnit]] = []

    def inflated(self, unit: DrawnFrame) -> DrawnFrame:
        """A frame, inflated as the one that comes next."""
        found = self._read(_on_wire(unit)).frames[-1] if unit.whole else None
        return unit if found is None else unit._replace(payload=found.payload, deflated=found.deflated)

    def put(self, unit: DrawnFrame) -> DrawnFrame:
        """The next frame, inflated; it is sent."""
        found = self.inflated(unit)
        if unit.whole:
            self._sent.append(_on_wire(unit))
        return found

    @property
    def sent(self) -> list[FrameUnit]:
        """Its frames so far, inflated."""
        return self._read().frames

    def _read(self, *more: FrameUnit) -> InflatedFrames:
        reader = InflatedFrames(self._agreed)
        for frame in (*self._sent, *more):
            reader.take(frame)
        return reader

    @property
    def _history(self) -> bytes:
        """What the next message may refer to."""
        return self._read().progress.history if self._agreed.takeover else b""

    def message(self, opcode: int, parts: tuple[bytes, ...]) -> tuple[DrawnFrame, ...]:
        """A sound message in as many frames as it has parts; what they inflate to is the message, cut anywhere."""
        random, octets = self._random, b"".join(parts)
        deflated = self._deflated(octets) if random.random() < 0.6 else _in_blocks(random, octets)
        return self._in_frames(opcode, deflated, len(parts))

    def _deflated(self, octets: bytes) -> bytes:
        history = self._history
        bits = max(self._agreed.window.bit_length() - 1, _SMALLEST_BITS)
        level = self._random.choice((1, 6, 9))
        deflater = zlib.compressobj(level, zlib.DEFLATED, -bits)
        if history:
            deflater = zlib.compressobj(level, zlib.DEFLATED, -bits, zdict=history)
        cut = self._random.randrange(len(octets) + 1)
        found = deflater.compress(octets[:cut]) + deflater.flush(
            self._random.choice((zlib.Z_NO_FLUSH, zlib.Z_SYNC_FLUSH))
        )
        found += deflater.compress(octets[cut:]) + deflater.flush(zlib.Z_SYNC_FLUSH)
        return found.removesuffix(TAIL) or _NOTHING

    def _in_frames(self, opcode: int, deflated: bytes, count: int) -> tuple[DrawnFrame, ...]:
        cuts = sorted(self._random.randrange(len(deflated) + 1) for _ in range(count - 1))
        pieces = [deflated[a:b] for a, b in zip((0, *cuts), (*cuts, len(deflated)), strict=True)]
        return tuple(
            self._frame(CONTINUATION if index else opcode, piece, fin=index == count - 1, rsv1=not index)
            for index, piece in enumerate(pieces)
        )

    def _frame(self, opcode: int, octets: bytes, *, fin: bool = True, rsv1: bool = True) -> DrawnFrame:
        key = DEFAULT_KEY if self._masked else None
        header = encode_header(opcode, len(octets), fin=fin, rsv1=rsv1, key=key)
        return decoded(header + (octets if key is None else mask(octets, key)), octets)

    def odd_message(self) -> tuple[DrawnFrame, ...]:
        """A message of any blocks, sound or not."""
        random = self._random
        return self._in_frames(random.choice((TEXT, BINARY)), self._odd_octets(), random.choice((1, 1, 2, 3)))

    def _odd_octets(self) -> bytes:
        random, writer = self._random, DeflateWriter()
        length = 0
        for _ in range(random.choice((1, 1, 2, 3))):
            octets = random.choice(_STRETCH)
            final = random.random() < 0.15
            length += len(octets)
            if random.random() < 0.2:
                writer.stored(octets, final=final)
                continue
            symbols: list[Symbol] = [*octets]
            for _ in range(random.choice((0, 1, 2))):
                match = Match(random.choice((3, 10, 258)), random.choice(self._distances(length)))
                symbols.append(match)
                length += match.length
            random.choice((writer.fixed, writer.dynamic))(symbols, final=final)
        return random.choice((writer.tail().octets,) * 6 + tuple(self._bad_ends(writer.octets)))

    def _distances(self, length: int) -> list[int]:
        """Distances about all bounds that there are, most of them within what there is to refer to."""
        window, behind = self._agreed.window, length + len(self._history)
        bounds = (1, 3, length, length + 1, behind, window - 1, window, window + 1)
        within = [one for one in bounds if 0 < one <= behind and one <= 1 << 15]
        return [*within, *within, min(behind + 1, 1 << 15)]

    def _bad_ends(self, octets: bytes) -> Iterator[bytes]:
        yield b""
        yield DeflateWriter().fixed(b"Hi", final=True).octets
        yield DeflateWriter().bits(0b110, 3).octets
        yield octets[:-1]

    def faulty(self) -> DrawnFrame:
        """A frame that breaks some row in some state: a mark out of place, or a message of one frame that is odd."""
        random = self._random
        if random.random() < 0.3:
            opcode = random.choice((CONTINUATION, PING, PONG, CLOSE))
            return self._frame(opcode, (1000).to_bytes(2, "big") if opcode == CLOSE else b"", fin=True)
        if random.random() < 0.4:
            return self._frame(random.choice((TEXT, BINARY)), random.choice(tuple(self._bad_ends(_NOTHING))))
        return self._in_frames(random.choice((TEXT, BINARY)), self._odd_octets(), 1)[0]


def _in_blocks(random: Random, octets: bytes) -> bytes:
    """A message in blocks without a match, some of them with BFINAL = 1."""
    writer, cut = DeflateWriter(), random.randrange(len(octets) + 1)
    for piece in (octets[:cut], octets[cut:]):
        write = random.choice((writer.stored, writer.fixed, writer.dynamic))
        write(piece, final=random.random() < 0.2)
    return writer.tail().octets


def _on_wire(unit: DrawnFrame) -> FrameUnit:
    """A frame as it crosses, unmasked."""
    header, octets = unit.header, unit.octets[unit.header.size :]
    return FrameUnit(header, octets if header.key is None else mask(octets, header.key), 0, 0)
