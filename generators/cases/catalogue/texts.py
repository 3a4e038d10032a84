"""Group 6: text that is UTF-8 and text that is not (sections 5.6 and 8.1, RFC 3629), from code points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from wsoracle.model.octets.vocabulary import CONTINUATION, TEXT

from ..case import Case
from ..steps import Action, SendFrame, SendOctets, Settle
from .table import Line, a_case, fragmented, send

TITLE: Final = "UTF-8"
GREEK: Final = "\u03ba\u1f79\u03c3\u03bc\u03b5".encode()
LATIN: Final = "Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!!".encode()
EDITED: Final = b"edited"
SLASH: Final = ord("/")
LENGTHS: Final = range(1, 7)
"""UTF-8 once had forms of up to six octets; RFC 3629 ended that at four."""

LAST: Final = {1: 0x7F, 2: 0x7FF, 3: 0xFFFF, 4: 0x1FFFFF, 5: 0x3FFFFFF, 6: 0x7FFFFFFF}
"""The last number that a form of UTF-8 can hold, by its number of octets."""

LAST_CODE_POINT: Final = 0x10FFFF
HIGH: Final = (0xD800, 0xDB7F, 0xDB80, 0xDBFF)
LOW: Final = (0xDC00, 0xDF80, 0xDFFF)
"""Surrogates of UTF-16: the ends of the blocks."""


def form(number: int, length: int | None = None) -> bytes:
    """A number in the form of UTF-8 with ``length`` octets, legal or not; without ``length`` in the shortest."""
    size = next(n for n in LENGTHS if number <= LAST[n]) if length is None else length
    if size == 1:
        return bytes([number])
    rest = bytes(0x80 | number >> 6 * at & 0x3F for at in reversed(range(size - 1)))
    return bytes([0x100 - (0x100 >> size) & 0xFF | number >> 6 * (size - 1)]) + rest


TOO_HIGH: Final = form(LAST_CODE_POINT + 1)
MISSING: Final = tuple(form(number, n)[:-1] for numbers in (dict.fromkeys(LENGTHS, 0), LAST)
                       for n, number in numbers.items() if n > 1)  # fmt: skip
"""Sequences of each length without their last octet: of the number 0, then of the last number."""


def texts() -> Iterator[Case]:
    """Group 6."""
    for number, (title, lines) in enumerate(_groups(), 1):
        for place, (what, actions) in enumerate(lines, 1):
            yield a_case(f"6.{number}.{place}", (TITLE, title), what, actions)


def _groups() -> Iterator[tuple[str, Sequence[Line]]]:
    yield "Empty fragments", list(_empty())
    yield "Valid text, whole and cut", list(_cut())
    yield (
        "Text with a surrogate, whole and cut",
        [
            ("A text with a surrogate in it", _message(GREEK + form(HIGH[0]) + EDITED)),
            ("A text with a surrogate in it, in fragments of one octet", _octetwise(GREEK + form(HIGH[0]) + EDITED)),
        ],
    )
    yield "Invalid text that can be told before it is complete", list(_early())
    yield "Valid text", [(f"The text {text!a}", _message(text.encode())) for text in _samples()]
    yield (
        "All beginnings of a text",
        [(f"The first {end} octets of a text in Greek", _message(GREEK[:end])) for end in range(1, len(GREEK) + 1)],
    )
    yield "The first code point of each length", [_point(LAST[n - 1] + 1 if n > 1 else 0) for n in range(1, 5)]
    yield "The first number of lengths 5 and 6", [_point(LAST[n - 1] + 1) for n in (5, 6)]
    yield "The last code point of each length", [_point(min(LAST[n], LAST_CODE_POINT)) for n in range(1, 5)]
    yield "The last number of lengths 4 to 6", [_point(LAST[n]) for n in (4, 5, 6)]
    yield (
        "About the ends of ranges",
        [_point(one) for one in (HIGH[0] - 1, LOW[-1] + 1, 0xFFFD, LAST_CODE_POINT, LAST_CODE_POINT + 1)],
    )
    yield (
        "Continuation octets alone",
        [
            (_hex(one), _message(one))
            for one in (b"\x80", b"\xbf", *((b"\x80\xbf" * 3)[:n] for n in range(2, 7)), bytes(range(0x80, 0xBF)))
        ],
    )
    yield "First octets alone", [
        (f"The first octets of sequences of {n} octets, each before a space", _message(_lonely(n)))
        for n in LENGTHS if n > 1
    ]  # fmt: skip
    yield "Sequences without their last octet", [(_hex(one), _message(one)) for one in MISSING]
    yield (
        "Sequences without their last octet, joined",
        [("A sequence of each length without its last octet", _message(b"".join(MISSING)))],
    )
    yield (
        "Octets that are in no sequence",
        [(_hex(one), _message(one)) for one in (b"\xfe", b"\xff", b"\xfe\xfe\xff\xff")],
    )
    for what, numbers in (
        ("A slash in too many octets", dict.fromkeys(LENGTHS, SLASH)),
        ("The last number that needs fewer octets", {n: LAST[n - 1] for n in LENGTHS if n > 1}),
        ("NUL in too many octets", dict.fromkeys(LENGTHS, 0)),
    ):
        yield (
            what,
            [(f"U+{number:04X} in {n} octets", _message(form(number, n))) for n, number in numbers.items() if n > 1],
        )
    yield "Surrogates alone", [_point(one) for one in (*HIGH, *LOW)]
    yield (
        "Surrogates in pairs",
        [
            (f"U+{high:04X} and U+{low:04X}", _message(form(high) + form(low)))
            for high in HIGH
            for low in (LOW[0], LOW[-1])
        ],
    )
    yield (
        "Code points that are no characters",
        [_point(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)],
    )
    yield "Special code points", [_point(one) for one in range(0xFFF9, 0x10000)]


def _empty() -> Iterator[Line]:
    first, last = send(TEXT, fin=False), send(CONTINUATION)
    yield "An empty text message", (send(TEXT),)
    for middle in (b"", b"middle frame payload"):
        what = "all empty" if not middle else "the first and the last one empty"
        yield f"Three fragments, {what}", (first, send(CONTINUATION, middle, fin=False), last)


def _cut() -> Iterator[Line]:
    at = len("Hello-\u00b5@\u00df\u00f6\u00e4".encode())
    yield "A text with characters of two octets", _message(LATIN)
    yield (
        "The same in two fragments, cut between characters",
        (
            send(TEXT, LATIN[:at], fin=False),
            send(CONTINUATION, LATIN[at:]),
        ),
    )
    yield "The same in fragments of one octet", _octetwise(LATIN)
    yield "A text in Greek in fragments of one octet", _octetwise(GREEK)


def _early() -> Iterator[Line]:
    """The invalid octets come second; what follows them cannot make the text valid."""
    three = (GREEK, TOO_HIGH, EDITED)
    earlier = (GREEK + TOO_HIGH[:1], TOO_HIGH[1:2], TOO_HIGH[2:] + EDITED)
    for parts, what in ((three, "whole"), (earlier, "octet by octet")):
        begin, middle, end = parts
        yield (
            f"Three fragments, U+110000 {what} in the second",
            (
                send(TEXT, begin, fin=False),
                Settle(),
                send(CONTINUATION, middle, fin=False),
                Settle(),
                send(CONTINUATION, end),
            ),
        )
    for parts, what in ((three, "whole"), (earlier, "octet by octet")):
        header = SendFrame(send(TEXT, b"".join(parts), fin=False).frame, cut=0)
        at, written = 0, list[Action]()
        for piece in parts:
            written.append(SendOctets(piece, masked_from=at))
            at += len(piece)
        yield f"One frame in three writes, U+110000 {what} in the second", (header, *written, send(CONTINUATION))


def _samples() -> tuple[str, ...]:
    return (*(f"hello{sign}world" for sign in ("$", "\u00a2", "\u20ac", "\U00024b62")), GREEK.decode())


def _lonely(length: int) -> bytes:
    """Each first octet of sequences of that length but the last one, before a space."""
    first = form(0, length)[0]
    return b"".join(bytes((octet, 0x20)) for octet in range(first, first + (1 << 7 - length) - 1))


def _point(number: int) -> Line:
    return f"U+{number:04X}", _message(form(number))


def _message(text: bytes) -> tuple[SendFrame, ...]:
    return (send(TEXT, text),)


def _octetwise(text: bytes) -> tuple[SendFrame, ...]:
    return fragmented(TEXT, text, 1)


def _hex(octets: bytes) -> str:
    return f"The octets {octets.hex(' ')}" if len(octets) < 10 else f"The octets {octets[0]:x} to {octets[-1]:x}"
