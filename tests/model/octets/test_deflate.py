"""The tracer of DEFLATE against zlib, on what zlib can make and on what it cannot, and on what only bits can show."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wsoracle.model.octets.deflate import TAIL, DeflateFacts, DeflateFault, DeflateTracer

from .deflated import Deflated, by_zlib, deflated

NOT_TOLD_BY_ZLIB = (DeflateFault.NONE, DeflateFault.EMPTY, DeflateFault.UNENDED, DeflateFault.TRUNCATED)


def trace(payloads: Sequence[bytes], limit: int | None = None) -> list[tuple[bytes, DeflateFacts]]:
    """What each message inflates to, and its facts."""
    tracer = DeflateTracer(limit)
    return [(tracer.feed(payload) + tracer.end(), tracer.facts) for payload in payloads]


def in_chunks(payloads: Sequence[bytes], sizes: Sequence[int]) -> list[tuple[bytes, DeflateFacts]]:
    """The same, with the payloads cut."""
    tracer, found = DeflateTracer(), []
    for payload in payloads:
        out, at = b"", 0
        for size in sizes:
            out += tracer.feed(payload[at : at + size])
            at += size
        out += tracer.feed(payload[at:]) + tracer.end()
        found.append((out, tracer.facts))
    return found


@given(deflated())
@example(Deflated([b"Hello", b"Hello"], [b"\xf2H\xcd\xc9\xc9\x07\0", b"\xf2\0\x11\0\0"], 6, 0, 15, [0, 0]))
def test_what_zlib_makes_is_inflated_and_measured(made: Deflated) -> None:
    """Every level, strategy, window and flush: the messages come out, and their facts are what zlib was asked for."""
    reached = 0
    for (octets, facts), message, finals in zip(trace(made.payloads), made.messages, made.finals, strict=True):
        assert octets == message
        assert (facts.fault, facts.ended, facts.length) == (DeflateFault.NONE, True, len(message))
        assert facts.final == finals
        assert 0 <= facts.distance <= 2**made.bits - 262
        assert 0 <= facts.reach <= min(reached, facts.distance)
        if made.level == 0:
            assert (facts.dynamic, facts.distance) == (0, 0)
        if made.strategy == zlib.Z_FIXED:
            assert facts.dynamic == 0
        if made.strategy == zlib.Z_HUFFMAN_ONLY:
            assert facts.distance == 0
        reached += len(message)


damage = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=3)


@given(deflated(), damage, st.binary(max_size=4), st.lists(st.integers(0, 40), max_size=4))
def test_damage_is_found_where_zlib_finds_it_wherever_chunks_are_cut(
    made: Deflated, changes: list[tuple[int, int]], more: bytes, sizes: list[int]
) -> None:
    """Changed octets and random ones: the same octets come out, the same are refused."""
    octets = bytearray(b"".join(payload + TAIL for payload in made.payloads)[:-4] + more)
    for at, octet in changes:
        octets[at % len(octets)] = octet
    ((out, facts),) = trace([bytes(octets)])
    expected = by_zlib(bytes(octets) + (b"" if facts.fault in NOT_TOLD_BY_ZLIB[1:3] else TAIL))
    if facts.fault in NOT_TOLD_BY_ZLIB:
        assert (out, False) == expected
    else:
        # zlib reads a code without symbols on, and misses the end of the block in it only then.
        assert expected.malformed or facts.fault is DeflateFault.CODE_LENGTHS
        assert expected.octets.startswith(out) or out.startswith(expected.octets)
    assert in_chunks([bytes(octets)], sizes) == [(out, facts)]


@given(deflated(), damage, st.integers(1, 300), st.binary(max_size=20))
def test_a_copy_goes_on_as_the_tracer_does_and_leaves_it_alone(
    made: Deflated, damaged: list[tuple[int, int]], size: int, aside: bytes
) -> None:
    tracer, copied = DeflateTracer(2000), DeflateTracer(2000)
    for payload in made.payloads:
        octets = bytearray(payload)
        for at, value in damaged:
            octets[at % (len(octets) or 1) : at % (len(octets) or 1) + 1] = bytes([value])
        for at in range(0, len(octets), size):
            other = copied.copy()
            other.feed(aside)
            other.end()
            assert copied.feed(octets[at : at + size]) == tracer.feed(octets[at : at + size])
            assert copied.facts == tracer.facts
            copied = copied.copy()
        assert copied.end() == tracer.end()
        assert (copied.facts, copied.history) == (tracer.facts, tracer.history)
        copied = copied.copy()
        assert (copied.facts, copied.history) == (tracer.facts, tracer.history)


@given(st.lists(st.binary(max_size=60), max_size=4), st.integers(0, 30))
def test_any_octets_are_taken_and_no_more_comes_out_than_the_limit(payloads: list[bytes], limit: int) -> None:
    """Nothing raises; a fault that loses the stream stays."""
    lost = False
    for octets, facts in trace(payloads, limit):
        assert len(octets) == facts.length <= limit or lost
        assert not lost or (facts.fault.lost and octets == b"")
        lost = facts.fault.lost


@given(deflated(), st.integers(0, 3000))
def test_a_message_is_too_long_exactly_over_the_limit(made: Deflated, limit: int) -> None:
    """The limit counts the octets of one message."""
    found = trace(made.payloads, limit)
    first = next((n for n, message in enumerate(made.messages) if len(message) > limit), None)
    for n, ((octets, facts), message) in enumerate(zip(found, made.messages, strict=True)):
        if first is None or n < first:
            assert (octets, facts.fault) == (message, DeflateFault.NONE)
        else:
            assert facts.fault is DeflateFault.TOO_LONG
            assert octets == (message[:limit] if n == first else b"")


def test_a_bomb_costs_no_more_than_its_limit() -> None:
    """1 MiB of octets in a few hundred: what comes out stops at the limit, whatever is left of the chunk."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    payload = bomb.compress(bytes(1 << 20)) + bomb.flush(zlib.Z_SYNC_FLUSH)
    ((octets, facts),) = trace([payload], 1000)
    assert (len(octets), facts.length, facts.fault) == (1000, 1000, DeflateFault.TOO_LONG)


@pytest.mark.parametrize(
    ("history", "fault"), [(32767, DeflateFault.TOO_FAR), (32768, DeflateFault.NONE), (40000, DeflateFault.NONE)]
)
def test_the_largest_distance_reaches_the_first_octet_of_the_history(history: int, fault: DeflateFault) -> None:
    """A distance of 32,768 across messages: the octet there comes out, or there is none."""
    message = b"abc" + bytes(history - 3) if history < 40000 else bytes(history - 32768) + b"abc" + bytes(32765)
    # BFINAL 0, fixed, length 3 (0000001), distance symbol 29 (11101) with 13 bits of extra, end of block, empty block
    bits = "0" + "10" + "0000001" + "11101" + "1" * 13 + "0000000" + "000"
    octets = bytes(int(bits[at : at + 8].ljust(8, "0")[::-1], 2) for at in range(0, len(bits), 8))
    stored = b"".join(
        b"\0" + len(piece).to_bytes(2, "little") + (0xFFFF - len(piece)).to_bytes(2, "little") + piece
        for piece in (message[:20000], message[20000:])
    )
    _, (found, facts) = trace([stored + b"\0", octets])
    assert facts.fault is fault
    if fault is DeflateFault.NONE:
        assert (found, facts.distance, facts.reach) == (b"abc", 32768, 32768)


EXAMPLES = {
    "7.2.3.1": ("f248cdc9c90700", DeflateFacts(1, 1, 0, 0, 0, 0, 5, True)),
    "7.2.3.3": ("000500faff48656c6c6f00", DeflateFacts(2, 0, 0, 0, 0, 0, 5, True)),
    "7.2.3.4": ("f348cdc9c9070000", DeflateFacts(1, 1, 0, 1, 0, 0, 5, True)),
    "7.2.3.5": ("f24805000000ffffcac9c90700", DeflateFacts(2, 2, 0, 0, 0, 0, 5, True)),
}


@pytest.mark.parametrize("section", EXAMPLES)
def test_examples_of_rfc_7692(section: str) -> None:
    """Each example of section 7.2.3 that is one message says Hello."""
    payload, facts = EXAMPLES[section]
    assert trace([bytes.fromhex(payload)]) == [(b"Hello", facts)]


def test_a_message_may_refer_to_the_one_before() -> None:
    """Section 7.2.3.2; without the history the same octets reach too far."""
    first, second = bytes.fromhex("f248cdc9c90700"), bytes.fromhex("f200110000")
    assert trace([first, second])[1] == (b"Hello", DeflateFacts(1, 1, 0, 0, 5, 4, 5, True))
    tracer = DeflateTracer()
    tracer.feed(first)
    tracer.end()
    assert tracer.history == 5
    tracer.forget()
    assert (tracer.feed(second), tracer.facts.fault) == (b"H", DeflateFault.TOO_FAR)


FAULTS = {
    "": DeflateFault.EMPTY,
    "f348cdc9c90700": DeflateFault.UNENDED,
    "07": DeflateFault.BLOCK_TYPE,
    "000500fbff": DeflateFault.STORED_LENGTH,
    "fdffff": DeflateFault.CODE_LENGTHS,
    "1b03": DeflateFault.SYMBOL,
    "f20011": DeflateFault.TOO_FAR,
    "f248": DeflateFault.TRUNCATED,
}


@pytest.mark.parametrize("payload", FAULTS)
def test_each_fault_has_its_name(payload: str) -> None:
    """One message of each kind."""
    ((_, facts),) = trace([bytes.fromhex(payload)])
    assert facts.fault is FAULTS[payload]
    assert not facts.ended


def test_an_empty_message_is_one_empty_block() -> None:
    """Section 7.2.3.6: the octet 0; no octet at all is a fault that loses nothing."""
    assert [facts.fault for _, facts in trace([b"\0", b"", b"\0"])] == [
        DeflateFault.NONE,
        DeflateFault.EMPTY,
        DeflateFault.NONE,
    ]
