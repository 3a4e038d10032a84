"""Groups 1 to 4: lengths of messages, Ping and Pong, reserved bits, opcodes (sections 5.2, 5.5 and 5.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wsoracle.model.octets.vocabulary import (
    BINARY,
    CLOSE,
    OPCODE_NAMES,
    PING,
    PONG,
    RESERVED_CONTROL_OPCODES,
    RESERVED_DATA_OPCODES,
    TEXT,
)

from ..case import Case
from ..steps import SendFrame
from ..words import octets
from .table import APART, OCTETWISE, a_case, chopped, close, send

HELLO: Final = b"Hello, world!"
BITS: Final = bytes((0x00, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0x00, 0xFF))
"""Octets that are no text."""

RESERVED: Final = b"reserved opcode payload"
UNSOLICITED: Final = b"unsolicited pong payload"
PING_PAYLOAD: Final = b"ping payload"
CONTROL_LIMIT: Final = 125
"""Section 5.5: "All control frames MUST have a payload length of 125 bytes or less"."""

SIZES: Final = (0, 125, 126, 127, 128, 65535, 65536)
"""About each length form of section 5.2: 7 bits, 16 bits, 64 bits."""

CHOP: Final = 997


def frames() -> Iterator[Case]:
    """Groups 1 to 4."""
    yield from _messages("1.1", TEXT, b"*")
    yield from _messages("1.2", BINARY, b"\xfe")
    yield from _pings()
    yield from _reserved_bits()
    yield from _opcodes("4.1", "Reserved opcodes 3 to 7", RESERVED_DATA_OPCODES)
    yield from _opcodes("4.2", "Reserved opcodes 11 to 15", RESERVED_CONTROL_OPCODES)


def _messages(group_id: str, opcode: int, pattern: bytes) -> Iterator[Case]:
    kind = OPCODE_NAMES[opcode]
    group = ("Messages in one frame", kind.capitalize())
    for number, size in enumerate((*SIZES, SIZES[-1]), 1):
        frame = send(opcode, pattern, length=size)
        title, chop = f"A {kind} message of {octets(size)}", None
        if number > len(SIZES):
            title, chop = f"{title}, in writes of {octets(CHOP)}", CHOP
        yield a_case(f"{group_id}.{number}", group, title, chopped(chop, frame))


def _pings() -> Iterator[Case]:
    group = ("Ping and Pong",)
    long = b"\xfe" * CONTROL_LIMIT
    ten = tuple(send(PING, b"payload-%d" % n) for n in range(10))
    unsolicited = send(PONG, UNSOLICITED)
    table: tuple[tuple[str, tuple[SendFrame, ...]], ...] = (
        ("An empty Ping", (send(PING),)),
        ("A Ping with text", (send(PING, HELLO),)),
        ("A Ping with octets that are no text", (send(PING, BITS),)),
        ("A Ping as long as a control frame may be", (send(PING, long),)),
        ("A Ping one octet too long", (send(PING, long + long[:1]),)),
        ("The longest Ping, octet by octet", chopped(OCTETWISE, send(PING, long))),
        ("An empty Pong that nobody asked for, then Close", (send(PONG), close())),
        ("A Pong with text that nobody asked for, then Close", (unsolicited, close())),
        ("A Pong that nobody asked for, then a Ping", (unsolicited, send(PING, PING_PAYLOAD))),
        ("Ten Pings", ten),
        ("Ten Pings, octet by octet", chopped(OCTETWISE, *ten)),
    )
    for number, (title, actions) in enumerate(table, 1):
        yield a_case(f"2.{number}", group, title, actions)


def _reserved_bits() -> Iterator[Case]:
    """Each of the seven ways to set reserved bits, on frames of each kind."""
    group = ("Bits without a meaning",)
    before, after = send(TEXT, HELLO), send(PING)
    carriers = {1: (TEXT, HELLO), 2: (TEXT, HELLO), 3: (TEXT, HELLO), 4: (TEXT, HELLO), 5: (BINARY, BITS),
                6: (BINARY, HELLO), 7: (CLOSE, b"")}  # fmt: skip
    chops = {3: APART, 4: OCTETWISE}
    for rsv, (opcode, payload) in carriers.items():
        faulty = send(opcode, payload, rsv=rsv)
        amid = rsv in (2, 3, 4)
        actions = (before, faulty, after) if amid else (faulty,)
        bits = " and ".join(f"RSV{n}" for n, bit in enumerate((4, 2, 1), 1) if rsv & bit)
        title = f"A {OPCODE_NAMES[opcode]} frame with {bits}"
        title = f"A text message, a text frame with {bits}, a Ping{_how(chops.get(rsv))}" if amid else title
        yield a_case(f"3.{rsv}", group, title, chopped(chops.get(rsv), *actions))


def _opcodes(group_id: str, subgroup: str, opcodes: tuple[int, ...]) -> Iterator[Case]:
    """The first two alone, the others between a message and a Ping."""
    before, after = send(TEXT, HELLO), send(PING)
    for number, opcode in enumerate(opcodes, 1):
        alone = number <= 2
        payload = b"" if number in (1, 3) else RESERVED if alone else HELLO
        chop = OCTETWISE if number == 5 else None
        faulty = send(opcode, payload)
        what = f"a frame with opcode {opcode}{' and a payload' if payload else ''}"
        title = what.capitalize() if alone else f"A text message, {what}, a Ping{_how(chop)}"
        actions = (faulty,) if alone else (before, faulty, after)
        yield a_case(f"{group_id}.{number}", ("Unknown opcodes", subgroup), title, chopped(chop, *actions))


def _how(chop: int | None) -> str:
    return {None: "", OCTETWISE: ", octet by octet", APART: ", frame by frame"}[chop]
