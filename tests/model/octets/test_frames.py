"""The wire format: examples of the RFC, round trips, any octets at all."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import z3
from hypothesis import given
from hypothesis import strategies as st

from tests.frames_read import frames_read, normal
from wsoracle.model.octets import frames
from wsoracle.model.octets.frames import (
    FIELDS,
    LENGTH_FORMS,
    Header,
    capacity,
    decode_header,
    encode,
    encode_header,
    header_of,
    minimal_form,
)
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, FORMS, PING, PONG, TEXT, Frame

KEY = bytes.fromhex("37fa213d")

# Where one form ends and the next begins, and where the numbers end.
BOUNDS = sorted({n for edge in (0, 126, 1 << 16, 1 << 63, 1 << 64) for n in (edge - 1, edge, edge + 1)} - {-1})
BOUNDS = [n for n in BOUNDS if n < 1 << 64]

keys = st.none() | st.binary(min_size=4, max_size=4)
payloads = st.one_of(
    st.binary(max_size=8),
    st.builds(
        lambda size, octet: bytes((octet,)) * size, st.sampled_from((125, 126, 127, 65535, 65536)), st.integers(0, 255)
    ),
)
lengths = st.one_of(st.integers(0, 130), st.sampled_from(BOUNDS), st.integers(0, (1 << 64) - 1))


@st.composite
def any_frames(draw: st.DrawFn) -> Frame:
    """Every shape of frame that can be written, legal or not."""
    payload = draw(payloads)
    forms = [form for form in FORMS if len(payload) <= capacity(form)]
    rsv1, rsv2, rsv3, fin = (draw(st.booleans()) for _ in range(4))
    return Frame(
        draw(st.integers(0, 15)), payload, fin, rsv1, rsv2, rsv3, draw(keys), draw(st.none() | st.sampled_from(forms))
    )


# --- the tables


def test_the_fixed_fields_fill_their_octets_exactly() -> None:
    bits = [(field.octet, field.shift + bit) for field in FIELDS for bit in range(field.width)]
    assert sorted(bits) == list(product(range(frames.FIXED_OCTETS), range(8)))


def test_the_length_forms_are_those_of_the_rfc() -> None:
    assert [row.form for row in LENGTH_FORMS] == list(FORMS)
    assert [frames.marker_range(form) for form in FORMS] == [(0, 125), (126, 126), (127, 127)]
    assert [capacity(form) for form in FORMS] == [125, 65535, 2**64 - 1]
    # A form is needed from just where the one before it ends.
    assert [row.smallest for row in LENGTH_FORMS] == [0, capacity(0) + 1, capacity(1) + 1]
    assert frames.MAX_HEADER_OCTETS == 14


@pytest.mark.parametrize(
    ("length", "form"),
    [(0, 0), (125, 0), (126, 1), (127, 1), (65535, 1), (65536, 2), (2**63 - 1, 2), (2**63, 2), (2**64 - 1, 2)],
)
def test_minimal_form(length: int, form: int) -> None:
    assert minimal_form(length) == form


@pytest.mark.parametrize("length", [-1, 2**64])
def test_no_form_for_what_is_no_length(length: int) -> None:
    with pytest.raises(ValueError, match="a payload length is in"):
        minimal_form(length)


def test_the_compiled_first_octet_is_the_table() -> None:
    for first in range(256):
        found = decode_header(bytes((first, 0)))
        assert found is not None
        header, end = found
        fields = frames.unpack_fixed((first, 0))
        assert end == 2
        assert all(getattr(header, name) == fields[name] for name in ("fin", "rsv1", "rsv2", "rsv3", "opcode"))
        assert frames.pack_fixed(fields) == [first, 0]
        again = encode_header(header.opcode, 0, fin=header.fin, rsv1=header.rsv1, rsv2=header.rsv2, rsv3=header.rsv3)
        assert again == bytes((first, 0))


def test_the_compiled_second_octet_is_the_table() -> None:
    rest = bytes(range(1, 13))
    for second in range(256):
        found = decode_header(bytes((0x81, second)) + rest)
        assert found is not None
        header, end = found
        fields = frames.unpack_fixed((0x81, second))
        extended = LENGTH_FORMS[header.form].extended
        low, high = frames.marker_range(header.form)
        assert low <= fields["length"] <= high
        assert header.masked == bool(fields["masked"])
        assert header.length == frames.unpack_length(header.form, fields["length"], rest[:extended])
        assert header.key == (rest[extended : extended + 4] if header.masked else None)
        assert end == header.size
        assert frames.pack_fixed(fields) == [0x81, second]


# --- the layout on a theorem prover's bit-vectors


def proved(claim: Any, *given_that: Any) -> bool:
    solver = z3.Solver()
    solver.add(*given_that, z3.Not(claim))
    return bool(solver.check() == z3.unsat)


def test_the_fixed_part_is_a_bijection_on_bit_vectors() -> None:
    octets: list[Any] = z3.BitVecs("first second", 8)
    for back, octet in zip(frames.pack_fixed(frames.unpack_fixed(octets)), octets, strict=True):
        assert proved(back == octet)
    values: dict[str, Any] = {field.name: z3.BitVec(field.name, 8) for field in FIELDS}
    in_range = [z3.ULT(values[field.name], 1 << field.width) for field in FIELDS]
    for name, back in frames.unpack_fixed(frames.pack_fixed(values)).items():
        assert proved(back == values[name], *in_range)


@pytest.mark.parametrize("form", FORMS)
def test_lengths_survive_each_form_on_bit_vectors(form: int) -> None:
    length: Any = z3.BitVec("length", 64)
    fits = z3.ULE(length, capacity(form))
    low, high = frames.marker_range(form)
    field, extended = frames.pack_length(form, length)
    assert proved(frames.unpack_length(form, field, extended) == length, fits)
    if not isinstance(field, int):
        assert proved(z3.And(z3.UGE(field, low), z3.ULE(field, high)), fits)
    else:
        assert low <= field <= high
    for octet in extended:
        assert proved(z3.ULE(octet, 255))
    # Without the condition it is not so, except where every number fits.
    assert proved(frames.unpack_length(form, field, extended) == length) == (form != 1)


# --- examples of section 5.7

EXAMPLES = [
    (Frame(TEXT, b"Hello"), "81 05 48 65 6c 6c 6f"),
    (Frame(TEXT, b"Hello", key=KEY), "81 85 37 fa 21 3d 7f 9f 4d 51 58"),
    (Frame(TEXT, b"Hel", fin=False), "01 03 48 65 6c"),
    (Frame(CONTINUATION, b"lo"), "80 02 6c 6f"),
    (Frame(PING, b"Hello"), "89 05 48 65 6c 6c 6f"),
    (Frame(PONG, b"Hello", key=KEY), "8a 85 37 fa 21 3d 7f 9f 4d 51 58"),
    (Frame(BINARY, bytes(range(256))), "82 7E 0100" + bytes(range(256)).hex()),
    (Frame(BINARY, bytes(range(256)) * 256), "82 7F 0000000000010000" + bytes(range(256)).hex() * 256),
]


@pytest.mark.parametrize(("frame", "octets"), EXAMPLES, ids=lambda value: str(value)[:40])
def test_examples_of_the_rfc(frame: Frame, octets: str) -> None:
    assert encode(frame) == bytes.fromhex(octets)
    assert frames_read(bytes.fromhex(octets)) == [frame]


def test_a_length_that_section_5_2_forbids_can_be_written() -> None:
    # "the length of a 124-byte-long string can't be encoded as the sequence 126, 0, 124"
    frame = Frame(TEXT, bytes(124), form=1)
    assert encode(frame)[:4] == bytes((0x81, 126, 0, 124))
    assert frames_read(encode(frame)) == [frame]
    assert not header_of(frame).minimal


# --- round trips


@given(any_frames())
def test_frames_survive(frame: Frame) -> None:
    octets = encode(frame)
    assert frames_read(octets) == [normal(frame)]
    found = decode_header(octets)
    assert found is not None
    header, end = found
    assert header == header_of(frame)
    assert end == header.size == len(octets) - frame.length
    assert mask(octets[end:], header.key) == frame.payload if header.key else octets[end:] == frame.payload


@given(any_frames())
def test_normal_changes_nothing_on_the_wire(frame: Frame) -> None:
    assert encode(normal(frame)) == encode(frame)
    assert normal(normal(frame)) == normal(frame)
    assert normal(frame).form in (None, frame.form)


@given(st.integers(0, 15), lengths, st.tuples(*[st.booleans()] * 4), keys, st.sampled_from(FORMS))
def test_headers_survive(opcode: int, length: int, flags: tuple[bool, ...], key: bytes | None, form: int) -> None:
    fin, rsv1, rsv2, rsv3 = flags

    def write() -> bytes:
        return encode_header(opcode, length, fin=fin, rsv1=rsv1, rsv2=rsv2, rsv3=rsv3, key=key, form=form)

    if length > capacity(form):
        with pytest.raises(ValueError, match="cannot be written in form"):
            write()
        return
    header = Header(opcode, fin, rsv1, rsv2, rsv3, key is not None, form, length, key)
    assert decode_header(write()) == (header, header.size)
    assert header.minimal == (form == minimal_form(length))
    if header.minimal:
        assert encode_header(opcode, length, fin=fin, rsv1=rsv1, rsv2=rsv2, rsv3=rsv3, key=key) == write()


@given(st.binary(max_size=20), st.binary(max_size=4))
def test_a_header_is_found_wherever_it_begins_and_only_when_complete(octets: bytes, before: bytes) -> None:
    found = decode_header(octets)
    shifted = decode_header(bytearray(before + octets), len(before))
    if found is None:
        assert shifted is None
        return
    header, end = found
    assert shifted == (header, len(before) + end)
    assert all(decode_header(octets[:cut]) is None for cut in range(end))
    assert decode_header(octets[:end]) == found
    # The header's octets are those that the encoder writes: decoding loses nothing.
    opcode, fin, rsv1, rsv2, rsv3, _, form, length, key = header
    assert encode_header(opcode, length, fin=fin, rsv1=rsv1, rsv2=rsv2, rsv3=rsv3, key=key, form=form) == octets[:end]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: encode_header(16, 0), r"opcode must be in 0\.\.15, not 16"),
        (lambda: encode_header(1, 0, fin=None), "the flags true or false"),  # type: ignore[arg-type]
        (lambda: encode_header(1, -1), "a payload length is in"),
        (lambda: encode_header(1, 2**64), "a payload length is in"),
        (lambda: encode_header(1, -1, form=1), "a length of -1 cannot be written in form 1"),
        (lambda: encode_header(1, 0, form=3), "form must be one of"),
        (lambda: encode_header(1, 0, key=b"123"), "a masking key has 4 octets, not 3"),
        (
            lambda: encode(Frame(1, bytes(126), form=0)),
            "a length of 126 cannot be written in form 0, which ends at 125",
        ),
        (lambda: encode(Frame(1, bytes(65536), form=1)), "cannot be written in form 1, which ends at 65535"),
    ],
)
def test_what_cannot_be_written_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
