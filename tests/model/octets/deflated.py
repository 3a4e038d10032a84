"""What zlib can make of messages, and zlib's own reading of compressed messages: for tests of DEFLATE."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from hypothesis import strategies as st

from wsoracle.model.octets.deflate import TAIL

STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)
FLUSHES = (zlib.Z_NO_FLUSH, zlib.Z_PARTIAL_FLUSH, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_FINISH)


class Deflated(NamedTuple):
    """Messages, their compressed payloads, and how zlib was asked to make them."""

    messages: list[bytes]
    payloads: list[bytes]
    level: int
    strategy: int
    bits: int
    finals: list[int]


repetitive = st.builds(
    lambda piece, times, rest: piece * times + rest,
    st.binary(max_size=20), st.integers(0, 60), st.binary(max_size=20),
)  # fmt: skip
pieces = st.lists(st.tuples(repetitive, st.sampled_from(FLUSHES)), max_size=3)


@st.composite
def deflated(draw: st.DrawFn) -> Deflated:
    """A few messages, which may refer to those before."""
    level = draw(st.sampled_from((0, 1, 6, 9)))
    strategy = draw(st.sampled_from(STRATEGIES))
    bits = draw(st.integers(9, 15))
    memory = draw(st.sampled_from((1, 8)))
    arguments = (level, zlib.DEFLATED, -bits, memory, strategy)
    made = Deflated([], [], level, strategy, bits, [])
    squeeze = zlib.compressobj(*arguments)
    for cut in draw(st.lists(pieces, min_size=1, max_size=3)):
        payload, finals = b"", 0
        for piece, flush in cut:
            payload += squeeze.compress(piece) + squeeze.flush(flush)
            if flush == zlib.Z_FINISH:
                squeeze, finals = zlib.compressobj(*arguments), finals + 1
        payload += squeeze.flush(zlib.Z_SYNC_FLUSH)
        made.messages.append(b"".join(piece for piece, _ in cut))
        made.payloads.append(payload.removesuffix(TAIL) or b"\0")
        made.finals.append(finals)
    return made


class ByZlib(NamedTuple):
    """What zlib inflates octets to, and whether it says that they are malformed."""

    octets: bytes
    malformed: bool


def by_zlib(octets: bytes) -> ByZlib:
    """zlib's reading of a stream that goes on after blocks with BFINAL = 1, an octet at a time."""
    inflate, out = zlib.decompressobj(-15), b""
    for octet in octets:
        if inflate.eof:
            inflate = zlib.decompressobj(-15, zdict=out[-32768:])
        try:
            out += inflate.decompress(bytes((octet,)))
        except zlib.error:
            return ByZlib(out, True)
    return ByZlib(out, False)
