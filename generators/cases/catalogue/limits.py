"""Groups 9 and 10: long messages, many fragments, many writes, many round trips."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wsoracle.model.octets.vocabulary import BINARY, OPCODE_NAMES, TEXT

from ..case import Case
from ..steps import Settle
from ..words import octets
from .closings import PATTERN
from .table import a_case, chopped, fragmented, send

KIB: Final = 1 << 10
MIB: Final = 1 << 20
WHOLE: Final = (64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB)
FRAGMENTED: Final = 4 * MIB
FRAGMENTS: Final = tuple(64 << 2 * n for n in range(9))
CHOPPED: Final = MIB
CHOPS: Final = tuple(64 << n for n in range(6))
TRIPS: Final = 1000
TRIP_SIZES: Final = (0, 16, 64, 256, KIB, 4 * KIB)
STARS: Final = b"*"
OCTETS: Final = bytes((0x00, 0xFE, 0x23, 0xFA, 0xF0))
AUTOMATIC: Final = 64 * KIB, 1300
"""A message that its sender cuts by itself, and into what."""

GROUP: Final = "Long and many"


def limits() -> Iterator[Case]:
    """Groups 9 and 10."""
    kinds = ((TEXT, PATTERN), (BINARY, OCTETS))
    for part, (opcode, pattern) in enumerate(kinds, 1):
        kind = OPCODE_NAMES[opcode]
        for number, size in enumerate(WHOLE, 1):
            title = f"A {kind} message of {octets(size)}"
            frame = send(opcode, pattern, length=size)
            yield a_case(f"9.{part}.{number}", (GROUP, f"Long {kind} messages"), title, (frame,))
    for part, (opcode, _) in enumerate(kinds, 3):
        yield from _in_fragments(part, opcode)
    for part, (opcode, pattern) in enumerate(kinds, 5):
        kind = OPCODE_NAMES[opcode]
        for number, chop in enumerate(CHOPS, 1):
            title = f"A {kind} message of {octets(CHOPPED)} in writes of {octets(chop)}"
            frames = chopped(chop, send(opcode, pattern, length=CHOPPED))
            yield a_case(f"9.{part}.{number}", (GROUP, f"Long {kind} messages in short writes"), title, frames)
    for part, (opcode, pattern) in enumerate(((TEXT, STARS), (BINARY, b"\xfe")), 7):
        kind = OPCODE_NAMES[opcode]
        for number, size in enumerate(TRIP_SIZES, 1):
            title = f"{TRIPS} times a {kind} message of {octets(size)}, each after the echo of the one before"
            trip = (send(opcode, pattern, length=size), Settle())
            group = (GROUP, f"Round trips of {kind} messages")
            yield a_case(f"9.{part}.{number}", group, title, trip * TRIPS, log=False)
    size, cut = AUTOMATIC
    title = f"A text message of {octets(size)} in fragments of {octets(cut)}"
    yield a_case("10.1.1", ("Fragments by the sender",), title, fragmented(TEXT, STARS, cut, size))


def _in_fragments(part: int, opcode: int) -> Iterator[Case]:
    kind = OPCODE_NAMES[opcode]
    for number, size in enumerate(FRAGMENTS, 1):
        # The first of the binary ones is of other octets than the rest: so it has always been.
        pattern = b"\xfe" if opcode == BINARY and number == 1 else STARS
        title = f"A {kind} message of {octets(FRAGMENTED)} in fragments of {octets(size)}"
        frames = fragmented(opcode, pattern, size, FRAGMENTED)
        yield a_case(f"9.{part}.{number}", (GROUP, f"Long {kind} messages in fragments"), title, frames)
