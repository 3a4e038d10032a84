"""The wire format of frames, RFC 6455, section 5.2: octets to frames and back.

Theory of operation. The layout of a header is two tables. `FIELDS` says where each fixed field lies in the first two
octets; `LENGTH_FORMS` says what the 7-bit length field announces, how many octets of extended length follow, and from
which length on a form is needed. The functions that read them (`extract`, `insert`, `unpack_fixed`, `pack_fixed`,
`join`, `split`, `unpack_length`, `pack_length`) use only ``>>``, ``<<``, ``&`` and ``|`` on the operands they are
given, so that a theorem prover can run them on bit-vectors as well as we run them on numbers. The functions that
encode and decode real octets are compiled from them, once, when the module is loaded.

Nothing here judges: reserved bits, unknown opcodes, lengths in too long a form or with the topmost bit set are all
parsed and handed on. Any octets whatever are a sequence of headers and payloads, or the beginning of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from .masking import mask
from .vocabulary import FORM_7, FORM_16, FORM_64, FORMS, KEY_OCTETS, MAX_OPCODE, Frame


class Bits(Protocol):
    """The operations that the layout needs of an operand; an int and a bit-vector of a theorem prover have them."""

    def __and__(self, other: Any, /) -> Any: ...
    def __or__(self, other: Any, /) -> Any: ...
    def __lshift__(self, other: Any, /) -> Any: ...
    def __rshift__(self, other: Any, /) -> Any: ...


BitsT = TypeVar("BitsT", bound=Bits)


class Field(NamedTuple):
    """A field of the header's fixed part: `width` bits of octet `octet`, `shift` bits from its least significant."""

    name: str
    octet: int
    shift: int
    width: int


#: The fixed part of the header, in the order of the figure in section 5.2.
FIELDS: Final = (
    Field("fin", octet=0, shift=7, width=1),
    Field("rsv1", octet=0, shift=6, width=1),
    Field("rsv2", octet=0, shift=5, width=1),
    Field("rsv3", octet=0, shift=4, width=1),
    Field("opcode", octet=0, shift=0, width=4),
    Field("masked", octet=1, shift=7, width=1),
    Field("length", octet=1, shift=0, width=7),
)


class LengthForm(NamedTuple):
    """One of the "7 bits, 7+16 bits, or 7+64 bits" of section 5.2.

    The 7-bit field announces this form from the value `marker` on, up to the next form's marker. `extended` octets of
    length follow; where none do, the 7-bit field is itself the length. `smallest` is the smallest length for which no
    shorter form will do ("the minimal number of bytes MUST be used to encode the length").
    """

    form: int
    marker: int
    extended: int
    smallest: int


LENGTH_FORMS: Final = (
    LengthForm(FORM_7, marker=0, extended=0, smallest=0),
    LengthForm(FORM_16, marker=126, extended=2, smallest=126),
    LengthForm(FORM_64, marker=127, extended=8, smallest=65536),
)

#: Octets that every header has.
FIXED_OCTETS: Final = 1 + max(field.octet for field in FIELDS)

#: Octets of the longest header.
MAX_HEADER_OCTETS: Final = FIXED_OCTETS + max(row.extended for row in LENGTH_FORMS) + KEY_OCTETS

#: The longest payload that a sender may announce: "(the most significant bit MUST be 0)".
MAX_LENGTH: Final = 2**63 - 1

_BY_NAME: Final = {field.name: field for field in FIELDS}


# --- the layout, for numbers and for bit-vectors -------------------------------------------------------------------


def extract(field: Field, octets: Sequence[BitsT]) -> BitsT:
    """The value of `field` in the fixed octets of a header.

    The mask comes after the shift, so it does not matter whether the operands' ``>>`` repeats a sign bit.
    """
    value: BitsT = (octets[field.octet] >> field.shift) & ((1 << field.width) - 1)
    return value


def insert(field: Field, value: BitsT) -> BitsT:
    """The bits that `field` has in its octet when it holds `value`."""
    bits: BitsT = (value & ((1 << field.width) - 1)) << field.shift
    return bits


def unpack_fixed(octets: Sequence[BitsT]) -> dict[str, BitsT]:
    """All fields by name, from the first two octets of a header."""
    return {field.name: extract(field, octets) for field in FIELDS}


def pack_fixed(values: Mapping[str, BitsT]) -> list[BitsT]:
    """The first two octets of a header, from the values of all fields by name."""
    octets: dict[int, BitsT] = {}
    for field in FIELDS:
        bits = insert(field, values[field.name])
        octets[field.octet] = octets[field.octet] | bits if field.octet in octets else bits
    return [octets[index] for index in range(FIXED_OCTETS)]


def join(octets: Sequence[BitsT]) -> BitsT:
    """One number from at least one octet, in network byte order; bit-vectors must be wide enough for the number."""
    number = octets[0]
    for octet in octets[1:]:
        number = number << 8 | octet
    return number


def split(number: BitsT, count: int) -> list[BitsT]:
    """The last `count` octets of a number, in network byte order; each is an operand as wide as the number."""
    return [(number >> 8 * place) & 0xFF for place in reversed(range(count))]


def unpack_length(form: int, field: BitsT, extended: Sequence[BitsT]) -> BitsT:
    """The payload length, from the 7-bit field and the octets of extended length of the given form."""
    return join(extended) if LENGTH_FORMS[form].extended else field


def pack_length(form: int, length: BitsT) -> tuple[BitsT | int, list[BitsT]]:
    """The 7-bit field and the octets of extended length that write `length` in the given form.

    The length must fit: `capacity` says up to where it does.
    """
    row = LENGTH_FORMS[form]
    return (row.marker, split(length, row.extended)) if row.extended else (length, [])


def marker_range(form: int) -> tuple[int, int]:
    """The smallest and the largest value of the 7-bit field that announces the given form."""
    after = LENGTH_FORMS[form + 1].marker if form + 1 < len(LENGTH_FORMS) else 1 << _BY_NAME["length"].width
    return LENGTH_FORMS[form].marker, after - 1


def capacity(form: int) -> int:
    """The largest length that the given form can write (for 7+64, with the bit that must be 0)."""
    row = LENGTH_FORMS[form]
    return (1 << 8 * row.extended) - 1 if row.extended else marker_range(form)[1]


def minimal_form(length: int) -> int:
    """The form that a sender must use for a payload of `length` octets; ValueError for a length that has none."""
    if length < 0 or length > _LARGEST:
        raise ValueError(f"a payload length is in 0..2**64-1, not {length}")
    form = FORM_7
    for row in LENGTH_FORMS:
        if length >= row.smallest:
            form = row.form
    return form


_LARGEST: Final = capacity(FORM_64)


# --- headers --------------------------------------------------------------------------------------------------------


class Header(NamedTuple):
    """A frame's header. `length` is the declared payload length in octets, 0..2**64-1; `form` is how it is written.

    `key` is the masking key where `masked` is true, else None.
    """

    opcode: int
    fin: bool
    rsv1: bool
    rsv2: bool
    rsv3: bool
    masked: bool
    form: int
    length: int
    key: bytes | None

    @property
    def minimal(self) -> bool:
        """Whether the length is written in the form that a sender must use."""
        return self.form == minimal_form(self.length)

    @property
    def size(self) -> int:
        """Octets of the header itself."""
        return FIXED_OCTETS + LENGTH_FORMS[self.form].extended + (KEY_OCTETS if self.masked else 0)


class _First(NamedTuple):
    """The fields in the first octet."""

    opcode: int
    fin: bool
    rsv1: bool
    rsv2: bool
    rsv3: bool


class _Second(NamedTuple):
    """The fields in the second octet, and the length form that follows from them."""

    masked: bool
    length: int
    form: int
    extended: int
    size: int


def _compile_first(octet: int) -> _First:
    fields = unpack_fixed((octet, 0))
    flags = (bool(fields[name]) for name in ("fin", "rsv1", "rsv2", "rsv3"))
    return _First(fields["opcode"], *flags)


def _compile_second(octet: int) -> _Second:
    fields = unpack_fixed((0, octet))
    length = fields["length"]
    (form,) = (form for form in FORMS if marker_range(form)[0] <= length <= marker_range(form)[1])
    extended = LENGTH_FORMS[form].extended
    size = FIXED_OCTETS + extended + (KEY_OCTETS if fields["masked"] else 0)
    return _Second(bool(fields["masked"]), length, form, extended, size)


_FIRST: Final = tuple(map(_compile_first, range(256)))
_SECOND: Final = tuple(map(_compile_second, range(256)))
_FIRST_OCTET: Final[dict[tuple[int, bool, bool, bool, bool], int]] = {
    fields: octet for octet, fields in enumerate(_FIRST)
}
_MASKED_BIT: Final = insert(_BY_NAME["masked"], 1)

_number = int.from_bytes


def decode_header(buffer: bytes | bytearray, offset: int = 0) -> tuple[Header, int] | None:
    """The header that begins at `offset` and the offset of the octet after it; None when more octets are needed."""
    have = len(buffer) - offset
    if have < FIXED_OCTETS:
        return None
    masked, length, form, extended, size = _SECOND[buffer[offset + 1]]
    if have < size:
        return None
    if extended:
        at = offset + FIXED_OCTETS
        length = _number(buffer[at : at + extended], "big")
    end = offset + size
    key = bytes(buffer[end - KEY_OCTETS : end]) if masked else None
    opcode, fin, rsv1, rsv2, rsv3 = _FIRST[buffer[offset]]
    return Header(opcode, fin, rsv1, rsv2, rsv3, masked, form, length, key), end


def encode_header(
    opcode: int,
    length: int,
    *,
    fin: bool = True,
    rsv1: bool = False,
    rsv2: bool = False,
    rsv3: bool = False,
    key: bytes | None = None,
    form: int | None = None,
) -> bytes:
    """The octets of a header that declares `length` octets of payload, whether or not they follow.

    With a `key` the frame is masked. `form` None is the minimal form; another is used as given. ValueError when a
    value does not fit its field, the length its form included.
    """
    try:
        first = _FIRST_OCTET[opcode, fin, rsv1, rsv2, rsv3]
    except KeyError:
        raise ValueError(f"opcode must be in 0..{MAX_OPCODE}, not {opcode!r}, and the flags true or false") from None
    if form is None:
        form = minimal_form(length)
    elif form not in FORMS:
        raise ValueError(f"form must be one of {FORMS} or None (minimal), not {form!r}")
    elif not 0 <= length <= capacity(form):
        raise ValueError(f"a length of {length} cannot be written in form {form}, which ends at {capacity(form)}")
    field, extended = pack_length(form, length)
    if key is None:
        return bytes((first, field, *extended))
    if len(key) != KEY_OCTETS:
        raise ValueError(f"a masking key has {KEY_OCTETS} octets, not {len(key)}")
    return bytes((first, _MASKED_BIT | field, *extended)) + key


def encode(frame: Frame) -> bytes:
    """The octets of a frame, masked with its key if it has one, its length in the form that it asks for.

    ValueError when the payload's length does not fit that form.
    """
    payload = frame.payload
    header = encode_header(
        frame.opcode,
        len(payload),
        fin=frame.fin,
        rsv1=frame.rsv1,
        rsv2=frame.rsv2,
        rsv3=frame.rsv3,
        key=frame.key,
        form=frame.form,
    )
    return header + (payload if frame.key is None else mask(payload, frame.key))


def header_of(frame: Frame) -> Header:
    """The header that `encode` writes for a frame."""
    form = minimal_form(frame.length) if frame.form is None else frame.form
    return Header(
        frame.opcode, frame.fin, frame.rsv1, frame.rsv2, frame.rsv3, frame.masked, form, frame.length, frame.key
    )
