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

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar

from .masking import mask
from .vocabulary import DEFAULT_LIMIT, FORM_7, FORM_16, FORM_64, FORMS, KEY_OCTETS, MAX_OPCODE, Frame

__all__ = [
    "DEFAULT_LIMIT",
    "FIELDS",
    "FIXED_OCTETS",
    "LENGTH_FORMS",
    "MAX_HEADER_OCTETS",
    "MAX_LENGTH",
    "Bits",
    "Event",
    "Field",
    "FrameAssembler",
    "FrameParser",
    "Header",
    "HeaderSeen",
    "LengthForm",
    "NeedMore",
    "PayloadPart",
    "TooLong",
    "capacity",
    "decode_header",
    "encode",
    "encode_header",
    "extract",
    "header_of",
    "insert",
    "join",
    "marker_range",
    "minimal_form",
    "normal",
    "pack_fixed",
    "pack_length",
    "parse",
    "split",
    "unpack_fixed",
    "unpack_length",
]


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


def _frame_of(header: Header, payload: bytes) -> Frame:
    form = None if header.minimal else header.form
    return Frame(header.opcode, payload, header.fin, header.rsv1, header.rsv2, header.rsv3, header.key, form)


def normal(frame: Frame) -> Frame:
    """The same frame as the parser gives it back: a form that is the minimal one is not named (None)."""
    return _frame_of(header_of(frame), frame.payload)


# --- incremental parsing --------------------------------------------------------------------------------------------


class HeaderSeen(NamedTuple):
    """A header is complete. At least one PayloadPart follows, also when the payload is empty."""

    header: Header


class PayloadPart(NamedTuple):
    """The next octets of the payload, unmasked; `final` when the payload is complete."""

    octets: bytes
    final: bool


Event: TypeAlias = HeaderSeen | PayloadPart


class FrameParser:
    """Octets in chunks of any size, events out.

    Use: `feed` octets, then iterate until nothing more comes; again. No octets whatever make it raise. It holds what
    was fed and not yet read out (a chunk is let go as a whole, when iterating goes beyond it), and between chunks at
    most the octets of one unfinished header: a declared length is only a number to count down from.
    """

    __slots__ = ("_at", "_chunk", "_done", "_header", "_queue")

    def __init__(self) -> None:
        self._chunk = b""
        self._at = 0  # the next octet of the chunk to read
        self._queue: deque[bytes] = deque()  # chunks after that
        self._header: Header | None = None  # of the frame whose payload is being read
        self._done = 0  # octets of that payload read so far

    def feed(self, octets: bytes | bytearray | memoryview) -> None:
        """Add octets to be read."""
        octets = bytes(octets)
        if self._at == len(self._chunk) and not self._queue:
            self._chunk = octets
            self._at = 0
        elif octets:
            self._queue.append(octets)

    @property
    def held(self) -> int:
        """Octets fed and not yet read out."""
        return len(self._chunk) - self._at + sum(map(len, self._queue))

    @property
    def missing(self) -> int:
        """Once iterated to the end: how many octets the current frame needs at least; 0 exactly between frames.

        While the header is unfinished, that counts the known part of the header, not the payload.
        """
        if self._header is not None:
            return self._header.length - self._done
        have = len(self._chunk) - self._at
        if have == 0:
            return 0
        return (FIXED_OCTETS if have < FIXED_OCTETS else _SECOND[self._chunk[self._at + 1]].size) - have

    def __iter__(self) -> Iterator[Event]:
        while (event := self.next_event()) is not None:
            yield event

    def next_event(self) -> Event | None:
        """The next event, or None when it takes more octets to say more."""
        header = self._header
        if header is None:
            while (found := decode_header(self._chunk, self._at)) is None:
                if not self._next_chunk():
                    return None
            self._header, self._at = found
            self._done = 0
            return HeaderSeen(self._header)
        at, done = self._at, self._done
        left = header.length - done
        if left and at == len(self._chunk):
            if not self._next_chunk():
                return None
            at = 0
        octets = self._chunk[at : at + left]
        size = len(octets)
        self._at = at + size
        self._done = done + size
        if header.key is not None and size:
            octets = mask(octets, header.key, done)
        if size != left:
            return PayloadPart(octets, False)
        self._header = None
        return PayloadPart(octets, True)

    def _next_chunk(self) -> bool:
        """Go on to the next chunk, with an unfinished header in front; False when there is no further chunk."""
        if self._at:
            self._chunk = self._chunk[self._at :]
            self._at = 0
        if not self._queue:
            return False
        self._chunk += self._queue.popleft()
        return True


class TooLong(NamedTuple):
    """A frame was refused because its header declares more than `limit` octets of payload.

    Section 10.4 calls for limits; the answer to this is close code 1009 (section 7.4.1).
    """

    header: Header
    limit: int


class NeedMore(NamedTuple):
    """The octets end inside a frame, which needs at least `missing` more."""

    missing: int


class FrameAssembler:
    """Octets in chunks of any size, whole frames out, of at most `limit` octets of payload each.

    A longer frame gives one TooLong, as soon as its header is there; after that nothing is read or kept any more.
    Frames come in the form of `normal`.
    """

    __slots__ = ("_header", "_limit", "_parser", "_payload", "_stopped")

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        if limit < 0:
            raise ValueError(f"a limit in octets is not negative, unlike {limit}")
        self._limit = limit
        self._parser = FrameParser()
        self._header: Header | None = None
        self._payload = bytearray()
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether a frame was refused."""
        return self._stopped

    @property
    def held(self) -> int:
        """Octets fed and not yet given out in a frame, headers already read aside."""
        return self._parser.held + len(self._payload)

    @property
    def missing(self) -> int:
        """Once iterated to the end: how many octets the current frame needs at least; 0 exactly between frames."""
        return 0 if self._stopped else self._parser.missing

    def feed(self, octets: bytes | bytearray | memoryview) -> None:
        """Add octets to be read; ignored after a refusal."""
        if not self._stopped:
            self._parser.feed(octets)

    def __iter__(self) -> Iterator[Frame | TooLong]:
        while (result := self.next_frame()) is not None:
            yield result

    def next_frame(self) -> Frame | TooLong | None:
        """The next frame, or the refusal (once); None when it takes more octets, or when nothing is read any more."""
        while not self._stopped and (event := self._parser.next_event()) is not None:
            if isinstance(event, HeaderSeen):
                self._header = event.header
                if event.header.length > self._limit:
                    return self._stop(event.header)
            elif self._header is not None and event.final:
                return _frame_of(self._header, self._finish(event.octets))
            else:
                self._payload += event.octets
        return None

    def _finish(self, last: bytes) -> bytes:
        if not self._payload:
            return last
        self._payload += last
        payload = bytes(self._payload)
        self._payload.clear()
        return payload

    def _stop(self, header: Header) -> TooLong:
        self._stopped = True
        self._parser = FrameParser()
        return TooLong(header, self._limit)


def parse(octets: bytes | bytearray | memoryview, limit: int = DEFAULT_LIMIT) -> Iterator[Frame | TooLong | NeedMore]:
    """All frames in the octets, in order; at the end TooLong if one was refused, NeedMore if the octets end in one."""
    assembler = FrameAssembler(limit)
    assembler.feed(octets)
    yield from assembler
    if assembler.missing:
        yield NeedMore(assembler.missing)
