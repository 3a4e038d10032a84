"""DEFLATE read bit by bit (RFC 1951), as permessage-deflate has it (RFC 7692, section 7.2): what a message is made of.

Theory of operation. :class:`DeflateTracer` takes the compressed messages of one direction, in chunks of any size, and
gives what they inflate to and, of each message, facts that zlib tells nobody: the kinds of its blocks, BFINAL, the
largest distance, how far it reaches back over its own start, and what is malformed about it. It inflates over the
whole history of 32,768 octets, whatever was agreed: whether a reach is within the agreed window, or over the start of
a message where no context is taken over, is for rules to say. A message that goes on over the limit is read no further.

One generator reads bits and stops where they run out, so that the cuts between chunks make no difference. It is slow
(about 1 MB/s); for volume there is ``model.octets.deflate_stream``, on zlib.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from enum import Enum
from typing import Final, NamedTuple

from .deflate_codes import (
    CODE_LENGTH_ORDER,
    DISTANCES,
    END_OF_BLOCK,
    FIXED_DISTANCES,
    FIXED_LITERALS,
    LENGTHS,
    MOST_DISTANCE_CODES,
    MOST_LITERAL_CODES,
    Code,
    decoder,
)

LARGEST_WINDOW: Final = 32768
"""The octets that a distance can reach back at most (RFC 1951, section 3.2.5)."""

TAIL: Final = b"\x00\x00\xff\xff"
"""What a sender leaves out at the end of each message, and a receiver puts back (RFC 7692, sections 7.2.1, 7.2.2)."""


class DeflateFault(Enum):
    """What is malformed about a compressed message, or that it is too long. All but the first three end the reading."""

    NONE = "none"
    EMPTY = "no octet of payload"
    UNENDED = "the payload ends behind a block with BFINAL = 1, without the first bits of an empty block"
    BLOCK_TYPE = "a block of the reserved type"
    STORED_LENGTH = "the length of a stored block and its complement differ"
    CODE_LENGTHS = "the code lengths of a dynamic block make no Huffman code"
    SYMBOL = "bits that stand for no symbol"
    TOO_FAR = "a distance that reaches back before all history"
    TRUNCATED = "the message ends inside a block"
    MALFORMED = "malformed in a way that zlib does not tell"
    TOO_LONG = "more octets come out than the limit allows"

    @property
    def lost(self) -> bool:
        """What follows on the connection cannot be inflated."""
        return self not in (DeflateFault.NONE, DeflateFault.EMPTY, DeflateFault.UNENDED)


class DeflateFacts(NamedTuple):
    """What a compressed message is made of, as far as it was read.

    ``stored``, ``fixed``, ``dynamic``: how many blocks of each kind were begun; the empty block at its end, of which
    the sender leaves out the last octets, counts too. ``final``: how many of them have BFINAL = 1. ``distance``: the
    largest distance, 0 without any. ``reach``: how many octets before the start of the message it refers to, at most.
    ``ended``: it ends with an empty stored block, as section 7.2.1 has it. ``length``: octets that came out.
    """

    stored: int = 0
    fixed: int = 0
    dynamic: int = 0
    final: int = 0
    distance: int = 0
    reach: int = 0
    length: int = 0
    ended: bool = False
    fault: DeflateFault = DeflateFault.NONE


class _Malformed(Exception):
    """Nothing more of this direction can be inflated."""

    def __init__(self, fault: DeflateFault) -> None:
        self.fault: Final = fault


class DeflateTracer:
    """The compressed messages of one direction, one after another.

    ``limit`` is in octets that a message inflates to; None for no limit. ``history``: what messages before these
    inflated to. Takes any octets and raises nothing. Memory: the octets that the message inflated to since they were
    last given, and a history of 32,768; for a copy, the payload of the message so far and the history before it.
    """

    def __init__(self, limit: int | None = None, history: bytes = b"") -> None:
        self._limit: Final = limit
        self._data: bytes = b""
        self._at = 0
        self._hold = 0  # bits that were taken from octets and not used yet, the next one lowest
        self._count = 0
        self._out = bytearray(history[-LARGEST_WINDOW:])  # the history, and behind it what was not given yet
        self._given = len(self._out)
        self._fault = DeflateFault.NONE
        self._complete = True
        self._begin()

    def _begin(self) -> None:
        if not self._fault.lost:
            self._fault = DeflateFault.NONE
            self._reader = self._read()
            next(self._reader)
        self._before, self._fed = bytes(self._out), bytearray()
        self._blocks = [0, 0, 0]
        self._final = self._distance = self._reach = self._length = 0
        self._complete = False
        self._any = False  # there were octets of payload
        self._ended = False
        self._between = True  # no block is begun
        self._empty = False  # the last block was an empty stored one
        self._was_final = False  # the last block had BFINAL = 1

    @property
    def facts(self) -> DeflateFacts:
        """The facts of the message so far; after :meth:`end`, of the whole message until the next one begins."""
        stored, fixed, dynamic = self._blocks
        return DeflateFacts(
            stored, fixed, dynamic, self._final, self._distance, self._reach, self._length, self._ended, self._fault
        )

    @property
    def history(self) -> int:
        """How many octets of compressed messages there are to refer to, at most 32,768."""
        return min(len(self._out), LARGEST_WINDOW)

    def feed(self, octets: bytes | bytearray | memoryview) -> bytes:
        """Take octets of the payload of a message; what they inflate to. After a fault that loses it: nothing."""
        if self._complete:
            self._begin()
        data = bytes(octets)
        self._any |= bool(data)
        if not self._fault.lost:
            self._fed += data
        self._run(data)
        return self._give()

    def end(self) -> bytes:
        """The message ends: put back its last four octets; what still comes out. Its facts are there to be read."""
        if self._complete:
            self._begin()
        if not self._fault.lost:
            if not self._any:
                self._fault = DeflateFault.EMPTY
            elif self._between and self._was_final:
                self._fault = DeflateFault.UNENDED
            else:
                self._run(TAIL)
                self._ended = self._between and self._empty
                if not self._fault.lost and not self._between:
                    self._fault = DeflateFault.TRUNCATED
        self._complete = True
        return self._give()

    def forget(self) -> None:
        """Between messages: drop the history, as a receiver may that takes over no context."""
        self._out.clear()
        self._given, self._before = 0, b""

    def copy(self) -> DeflateTracer:
        """Another tracer that goes on from here by itself. It reads the message in progress anew."""
        other = DeflateTracer(self._limit, self._before)
        if self._complete or self._fault.lost:
            own = {"_out": bytearray(self._out), "_fed": bytearray(), "_blocks": [*self._blocks]}
            vars(other).update({**vars(self), **own, "_reader": other._reader})
        else:
            other.feed(self._fed)
        return other

    def _run(self, data: bytes) -> None:
        """Let the reader take octets, all of them or up to a fault."""
        if self._fault.lost or not data:
            return
        self._data, self._at = data, 0
        try:
            self._reader.send(None)
        except _Malformed as malformed:
            self._fault = malformed.fault
        self._data = b""

    def _give(self) -> bytes:
        given = bytes(self._out[self._given :])
        del self._out[: max(len(self._out) - LARGEST_WINDOW, 0)]
        self._given = len(self._out)
        return given

    # --- the reader: each generator yields where octets run out, and goes on with further ones --------------------

    def _read(self) -> Generator[None, None, None]:
        """Blocks without end (RFC 1951, section 3.2.3)."""
        yield
        while True:
            final = yield from self._bits(1)
            self._between = False
            kind = yield from self._bits(2)
            if kind == _RESERVED:
                raise _Malformed(DeflateFault.BLOCK_TYPE)
            self._blocks[kind] += 1
            self._final += final
            before = self._length
            if kind == _STORED:
                yield from self._stored()
            elif kind == _FIXED:
                yield from self._compressed(FIXED_LITERALS, FIXED_DISTANCES)
            else:
                yield from self._compressed(*(yield from self._codes()))
            if final:  # RFC 7692, section 7.2.1: padding up to the boundary of an octet
                self._drop_to_boundary()
            self._empty = kind == _STORED and self._length == before
            self._was_final = bool(final)
            self._between = True

    def _bits(self, number: int) -> Generator[None, None, int]:
        """The next bits, as a number, the first one lowest (section 3.1.1)."""
        while self._count < number:
            if not self._fill():
                yield
        bits = self._hold & ((1 << number) - 1)
        self._hold >>= number
        self._count -= number
        return bits

    def _fill(self) -> bool:
        """Take some octets for the bits in them; False where there are none."""
        piece = self._data[self._at : self._at + _AT_ONCE]
        self._hold |= int.from_bytes(piece, "little") << self._count
        self._at += len(piece)
        self._count += 8 * len(piece)
        return bool(piece)

    def _drop_to_boundary(self) -> None:
        self._hold >>= self._count % 8
        self._count -= self._count % 8

    def _stored(self) -> Generator[None, None, None]:
        """A block without compression (section 3.2.4)."""
        self._drop_to_boundary()
        left = yield from self._bits(16)
        complement = yield from self._bits(16)
        if left ^ complement != 0xFFFF:
            raise _Malformed(DeflateFault.STORED_LENGTH)
        while left and self._count:
            self._grow(bytes(((yield from self._bits(8)),)))
            left -= 1
        while left:
            while self._at >= len(self._data):
                yield
            piece = self._data[self._at : self._at + left]
            self._at += len(piece)
            left -= len(piece)
            self._grow(piece)

    def _grow(self, piece: bytes) -> None:
        if self._limit is not None and self._length + len(piece) > self._limit:
            piece = piece[: self._limit - self._length]
            self._out += piece
            self._length += len(piece)
            raise _Malformed(DeflateFault.TOO_LONG)
        self._out += piece
        self._length += len(piece)

    def _codes(self) -> Generator[None, None, tuple[Code, Code]]:
        """The Huffman codes of a dynamic block (section 3.2.7)."""
        literals = 257 + (yield from self._bits(5))
        distances = 1 + (yield from self._bits(5))
        listed = 4 + (yield from self._bits(4))
        if literals > MOST_LITERAL_CODES or distances > MOST_DISTANCE_CODES:
            raise _Malformed(DeflateFault.CODE_LENGTHS)
        of_lengths = [0] * len(CODE_LENGTH_ORDER)
        for symbol in CODE_LENGTH_ORDER[:listed]:
            of_lengths[symbol] = yield from self._bits(3)
        code = _code(of_lengths, may_be_single=False)
        lengths: list[int] = []
        while len(lengths) < literals + distances:
            symbol = yield from self._symbol(code)
            if symbol < _REPEAT_LAST:
                lengths.append(symbol)
                continue
            if symbol == _REPEAT_LAST and not lengths:
                raise _Malformed(DeflateFault.CODE_LENGTHS)
            extra, least = _REPEATS[symbol]
            times = least + (yield from self._bits(extra))
            lengths += [lengths[-1] if symbol == _REPEAT_LAST else 0] * times
        if len(lengths) > literals + distances or not lengths[END_OF_BLOCK]:
            raise _Malformed(DeflateFault.CODE_LENGTHS)
        return _code(lengths[:literals]), _code(lengths[literals:])

    def _symbol(self, code: Code) -> Generator[None, None, int]:
        """The next symbol of a code."""
        while True:
            entry = code.table[self._hold & code.mask]
            if entry and entry & 15 <= self._count:
                self._hold >>= entry & 15
                self._count -= entry & 15
                return entry >> 4
            if self._count >= code.bits:
                raise _Malformed(DeflateFault.SYMBOL)
            if not self._fill():
                yield

    def _compressed(self, literals: Code, distances: Code) -> Generator[None, None, None]:
        """The symbols of a block up to its end (section 3.2.3)."""
        out, table, mask = self._out, literals.table, literals.mask
        limit = self._limit
        while True:
            if self._count < _A_SYMBOL:
                self._fill()
            entry = table[self._hold & mask]
            if entry and entry & 15 <= self._count:  # as :meth:`_symbol`, without a generator for each symbol
                self._hold >>= entry & 15
                self._count -= entry & 15
                symbol = entry >> 4
            else:
                symbol = yield from self._symbol(literals)
            if symbol == END_OF_BLOCK:
                return
            if symbol < END_OF_BLOCK:
                if self._length == limit:
                    raise _Malformed(DeflateFault.TOO_LONG)
                out.append(symbol)
                self._length += 1
                continue
            length = yield from self._amount(symbol - END_OF_BLOCK - 1, LENGTHS)
            symbol = yield from self._symbol(distances)
            distance = yield from self._amount(symbol, DISTANCES)
            self._copy(length, distance)

    def _amount(self, index: int, table: Sequence[tuple[int, int]]) -> Generator[None, None, int]:
        """The length or distance of a symbol, with its extra bits (section 3.2.5)."""
        if index >= len(table):
            raise _Malformed(DeflateFault.SYMBOL)
        extra, least = table[index]
        return least + ((yield from self._bits(extra)) if extra else 0)

    def _copy(self, length: int, distance: int) -> None:
        out = self._out
        self._distance = max(self._distance, distance)
        self._reach = max(self._reach, distance - self._length)
        if distance > min(len(out), LARGEST_WINDOW):
            raise _Malformed(DeflateFault.TOO_FAR)
        start = len(out) - distance
        if distance >= length:
            self._grow(bytes(out[start : start + length]))
        else:
            times, rest = divmod(length, distance)
            piece = bytes(out[start:])
            self._grow(piece * times + piece[:rest])


_STORED, _FIXED, _RESERVED = 0, 1, 3
_AT_ONCE: Final = 8
"""How many octets are taken for their bits at once."""
_A_SYMBOL: Final = 15
"""The bits of the longest symbol."""
_REPEAT_LAST: Final = 16
_REPEATS: Final = {16: (2, 3), 17: (3, 3), 18: (7, 11)}
"""The extra bits and the least number of repetitions of the symbols that repeat a code length (section 3.2.7)."""


def _code(lengths: Sequence[int], *, may_be_single: bool = True) -> Code:
    code = decoder(lengths, may_be_single=may_be_single)
    if code is None:
        raise _Malformed(DeflateFault.CODE_LENGTHS)
    return code
