"""Inflating by zlib against the tracer, and deflating read back by both."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.octets.deflate import TAIL, DeflateFault, DeflateTracer
from wsoracle.model.octets.deflate_stream import Deflater, InflateError, Inflater

from .deflated import Deflated, deflated, repetitive

TOLD_ALIKE = (
    DeflateFault.NONE,
    DeflateFault.EMPTY,
    DeflateFault.UNENDED,
    DeflateFault.TRUNCATED,
)


def inflated(inflater: Inflater, payload: bytes, limit: int | None, cut: int) -> tuple[bytes, DeflateFault]:
    """What a message in two fragments inflates to, and what is wrong with it."""
    try:
        out = inflater.inflate(payload[:cut], False, limit)
        return out + inflater.inflate(payload[cut:], True, limit), DeflateFault.NONE
    except InflateError as error:
        return b"", error.fault


@given(
    deflated(), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=2),
    st.none() | st.integers(0, 900), st.integers(0, 50), st.integers(0, 3),
)  # fmt: skip
def test_zlib_and_the_tracer_agree(
    made: Deflated, changes: list[tuple[int, int]], limit: int | None, cut: int, dropped: int
) -> None:
    """Messages, sound or damaged, at the end of which octets may be missing: the same octets, the same faults."""
    inflater, tracer = Inflater(), DeflateTracer(limit)
    for payload in made.payloads:
        octets = bytearray(payload[: len(payload) - dropped])
        for at, octet in changes:
            if octets:
                octets[at % len(octets)] = octet
        out = tracer.feed(bytes(octets)) + tracer.end()
        fault = tracer.facts.fault
        found, said = inflated(inflater, bytes(octets), limit, cut)
        if fault is DeflateFault.TOO_LONG:
            # zlib decodes ahead of what it gives, and may see a damage that stands behind the limit.
            assert said in (DeflateFault.TOO_LONG, DeflateFault.MALFORMED)
        elif fault in TOLD_ALIKE:
            assert said is fault
            assert found == (out if fault is DeflateFault.NONE else b"")
        else:
            assert said in (DeflateFault.MALFORMED, DeflateFault.TRUNCATED)
        if fault.lost:
            break


@given(
    st.lists(st.lists(repetitive, min_size=1, max_size=3), max_size=4),
    st.integers(8, 15), st.booleans(), st.integers(0, 9),
)  # fmt: skip
def test_what_is_deflated_comes_back_and_keeps_to_the_agreement(
    messages: list[list[bytes]], bits: int, takeover: bool, level: int
) -> None:
    """Any fragments, window and context: distances within the window, no reach over a start without takeover."""
    deflater, inflater, tracer = (
        Deflater(bits, takeover=takeover, level=level),
        Inflater(takeover=takeover),
        DeflateTracer(),
    )
    for fragments in messages:
        back, traced = b"", b""
        for n, fragment in enumerate(fragments):
            payload = deflater.deflate(fragment, n == len(fragments) - 1)
            back += inflater.inflate(payload, n == len(fragments) - 1)
            traced += tracer.feed(payload)
            assert payload
        traced += tracer.end()
        assert back == traced == b"".join(fragments)
        assert (tracer.facts.fault, tracer.facts.ended) == (DeflateFault.NONE, True)
        assert tracer.facts.distance <= 2**bits
        assert takeover or tracer.facts.reach == 0


def test_messages_are_independent_without_takeover() -> None:
    """Section 7.2.3.2: the same message gives the same octets; and a reference to the message before is refused."""
    deflater, inflater = Deflater(takeover=False), Inflater(takeover=False)
    assert deflater.deflate(b"Hello", True) == deflater.deflate(b"Hello", True) == bytes.fromhex("f248cdc9c90700")
    assert inflater.inflate(bytes.fromhex("f248cdc9c90700"), True) == b"Hello"
    with pytest.raises(InflateError) as caught:
        inflater.inflate(bytes.fromhex("f200110000"), True)
    assert caught.value.fault is DeflateFault.MALFORMED


def test_a_message_without_payload_or_end_leaves_the_next_one_whole() -> None:
    """EMPTY and UNENDED are for the caller to tolerate."""
    inflater = Inflater()
    for payload, fault in ((b"", DeflateFault.EMPTY), (bytes.fromhex("f348cdc9c90700"), DeflateFault.UNENDED)):
        with pytest.raises(InflateError) as caught:
            inflater.inflate(payload, True)
        assert caught.value.fault is fault
    assert inflater.inflate(bytes.fromhex("f200110000"), True) == b"Hello"


def test_a_bomb_is_inflated_up_to_its_limit() -> None:
    """A message of exactly the limit is taken, one more octet is not, and no more than the limit is held for it."""
    payload = Deflater().deflate(bytes(1 << 20), True)
    assert len(Inflater().inflate(payload, True, 1 << 20)) == 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(InflateError) as caught:
            Inflater().inflate(payload, True, (1 << 20) - 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.fault is DeflateFault.TOO_LONG
    assert peak < 1.8 * (1 << 20), "the last piece is there twice while zlib makes it"


def test_a_window_has_8_to_15_bits() -> None:
    """zlib itself has no raw window of 8 bits for deflating."""
    with pytest.raises(ValueError, match="8 to 15 bits"):
        Deflater(7)
    assert TAIL not in Deflater(8).deflate(b"Hello", True)
