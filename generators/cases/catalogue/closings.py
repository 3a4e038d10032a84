"""Group 7: Close frames, what follows them, their length, their reason and their code (sections 5.5.1 and 7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, PING, TEXT

from ..case import Case
from ..words import octets
from .table import Line, a_case, close, send
from .texts import EDITED, GREEK, HIGH, form

GROUP: Final = "Closing handshake"
HELLO: Final = b"Hello World!"
PATTERN: Final = b"BAsd7&jh23"
"""The text that long messages repeat."""

LONG: Final = 1 << 18
REASON_LIMIT: Final = 125 - 2
"""Section 5.5: 125 octets, of which the code takes two."""

VALID: Final = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
INVALID: Final = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)
BEYOND: Final = (5000, 65535)
"""The single codes of section 7.4.1, the ends of the ranges in section 7.4.2, and codes beyond them."""


def closings() -> Iterator[Case]:
    """Group 7."""
    for part, title, lines in (
        (1, "What comes with a Close and after it", _orders()),
        (3, "Length of a Close", _lengths()),
        (5, "Reason of a Close", _reasons()),
        (7, "Codes that an endpoint may send", _codes(VALID)),
        (9, "Codes that no endpoint may send", _codes(INVALID)),
        (13, "Codes beyond the ranges", _codes(BEYOND)),
    ):
        for number, (what, frames) in enumerate(lines, 1):
            yield a_case(f"7.{part}.{number}", (GROUP, title), what, frames)


def _orders() -> Iterator[Line]:
    text = send(TEXT, HELLO)
    yield "A text message", (text,)
    yield "Two Closes", (close(), send(CLOSE))
    yield "A Ping after a Close", (close(), send(PING))
    yield "A text message after a Close", (close(), text)
    fragments = (send(TEXT, b"fragment1", fin=False), send(CONTINUATION, b"fragment2"))
    yield "A Close between two fragments", (fragments[0], close(), fragments[1])
    long = send(TEXT, PATTERN, length=LONG)
    yield f"A text message of {octets(LONG)}, a short one, a Close, a Ping", (long, text, close(), send(PING))


def _lengths() -> Iterator[Line]:
    yield "An empty Close", (close(None),)
    yield "A Close of one octet", (close(None, b"a"),)
    yield "A Close with a code and no reason", (close(),)
    yield "A Close with a code and a reason", (close(reason=HELLO),)
    yield "The longest Close", (close(reason=b"*" * REASON_LIMIT),)
    yield "A Close one octet too long", (close(reason=b"*" * (REASON_LIMIT + 1)),)


def _reasons() -> Iterator[Line]:
    yield "A reason that is not UTF-8", (close(reason=GREEK + form(HIGH[0]) + EDITED),)


def _codes(codes: tuple[int, ...]) -> Iterator[Line]:
    for code in codes:
        yield f"A Close with code {code}", (close(code),)
