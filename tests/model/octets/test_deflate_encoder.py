"""Blocks of DEFLATE, written: read back by zlib and by the tracer."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.octets.deflate import DeflateFault, DeflateTracer
from wsoracle.model.octets.deflate_encoder import DeflateWriter, Match, Symbol

BLOCKS = st.lists(
    st.tuples(
        st.sampled_from(["stored", "fixed", "dynamic"]),
        st.binary(max_size=20),
        st.lists(st.tuples(st.integers(3, 258), st.integers(1, 300)), max_size=3),
        st.booleans(),
    ),
    max_size=4,
)


def content(octets: bytes, matches: list[tuple[int, int]], history: int) -> tuple[list[Symbol], bytes, int]:
    """Symbols that refer to nothing before all history, and the largest distance."""
    symbols: list[Symbol] = [*octets]
    farthest = 0
    for length, distance in matches:
        if distance <= history + len(octets):
            symbols.append(Match(length, distance))
            farthest = max(farthest, distance)
    return symbols, octets, farthest


@given(BLOCKS)
def test_blocks_are_read_as_they_were_written(blocks: list[tuple[str, bytes, list[tuple[int, int]], bool]]) -> None:
    writer, tracer = DeflateWriter(), DeflateTracer()
    kinds, finals, farthest, out = [], 0, 0, bytearray()
    for kind, octets, matches, final in blocks:
        kinds.append(kind)
        finals += final
        if kind == "stored":
            writer.stored(octets, final=final)
            out += octets
            continue
        symbols, _, far = content(octets, matches, len(out))
        (writer.fixed if kind == "fixed" else writer.dynamic)(symbols, final=final)
        farthest = max(farthest, far)
        for symbol in symbols:
            for octet in [symbol] if isinstance(symbol, int) else [None] * symbol.length:
                out.append(out[-symbol.distance] if isinstance(symbol, Match) else octet or 0)
    assert tracer.feed(writer.tail().octets) + tracer.end() == bytes(out)
    found = tracer.facts
    assert (found.stored, found.fixed, found.dynamic) == (
        kinds.count("stored") + 1, kinds.count("fixed"), kinds.count("dynamic")
    )  # fmt: skip
    assert (found.final, found.distance, found.length, found.fault) == (finals, farthest, len(out), DeflateFault.NONE)
    if not finals:
        assert zlib.decompressobj(-15).decompress(writer.octets + b"\x00\x00\xff\xff") == bytes(out)


def test_all_lengths_and_distances() -> None:
    """Each symbol with the least and the most that its extra bits say, read by zlib."""
    history = bytes(range(256)) * 128
    for block in ("fixed", "dynamic"):
        for length in (3, 10, 11, 12, 130, 131, 227, 257, 258):
            for distance in (1, 4, 5, 6, 7, 8192, 8193, 16384, 16385, 24577, 32768):
                writer = DeflateWriter().stored(history)
                octets = getattr(writer, block)([Match(length, distance)]).tail().octets
                copied = zlib.decompressobj(-15).decompress(octets + b"\x00\x00\xff\xff")[len(history) :]
                assert copied == (history[-distance:] * length)[:length]


@pytest.mark.parametrize("match", [Match(2, 1), Match(259, 1), Match(3, 0), Match(3, 32769)])
def test_what_has_no_symbol(match: Match) -> None:
    with pytest.raises(ValueError, match="no symbol"):
        DeflateWriter().fixed([match])
