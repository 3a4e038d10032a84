"""Lengths, codes and numbers of frames at which implementations break."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from wsoracle.model.octets.deflate_stream import Deflater
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, OPCODE_NAMES, PING, PONG, TEXT, Frame, Role

from ..case import Case
from ..catalogue.limits import MIB
from ..catalogue.table import OCTETWISE, a_case, chopped, close, fragmented, send
from ..compression import Compression, Wish
from ..steps import Action, SendFrame, Settle, unfinished
from ..words import octets

GROUP: Final = ("Extremes",)
LARGEST: Final = (1 << 63) - 1
"""The largest length (section 5.2: the most significant bit must be 0)."""

FRAGMENTS: Final = 100_000
"""The judge takes seconds for so many, and reads 400,000 at the most."""

LONG: Final = 70_000
"""Octets of the last of them: an endpoint may refuse a message of this length, as one that limits fragments will."""

BOMB: Final = 4 * MIB
"""Octets that a compressed message inflates to, a thousand times as many as it has."""

PINGS: Final = 10_000
CODES: Final = (5001, 9999, 32767, 32768, 65534)

CONTROL: Final = "6.5.1"
"""A text message of ASCII: no control asks for more."""


def extremes() -> Iterator[Case]:
    """The cases for both roles; each that can be passed by hanging up with its control."""
    for length in (126, 65536):
        title = f"A Pong with a payload of {length} octets, then a text message"
        frames = send(PONG, b"*", length=length), send(TEXT, b"after it")
        yield _case(f"pong-of-{length}", title, *frames, control=CONTROL)
    for name, length, words in (("2-63", LARGEST + 1, "2^63"), ("2-63-1", LARGEST, "2^63 - 1")):
        frame = unfinished(Frame(BINARY, b"*"), length)
        title = f"A binary frame whose header declares {words} octets, of which one comes"
        case = _case(f"length-{name}", title, frame, control=CONTROL)
        # A client that may wait for the rest can do so after the tester's end of TCP too.
        yield case if length > LARGEST else replace(case, roles=frozenset((Role.SERVER,)))
    for code in CODES:
        yield _case(f"close-{code}", f"A Close with code {code}", close(code), control=CONTROL)
    for opcode in (TEXT, BINARY):
        kind = OPCODE_NAMES[opcode]
        once = chopped(OCTETWISE, send(opcode, b"*" * 126))
        yield _case(f"{kind}-octet-by-octet", f"A {kind} message with a longer header, octet by octet", *once)
        small = fragmented(opcode, b"one octet in each frame", 1)
        yield _case(f"{kind}-in-frames-of-one-octet", f"A {kind} message in frames of one octet", *small)
    ping = send(PING, b"again")
    flood = (ping,) * PINGS
    message = (Settle(), send(TEXT, b"Hello"))
    yield _case("flood-of-pings", f"{PINGS} Pings at once, then a text message", *flood, *message, log=False)
    empty = (send(CONTINUATION, fin=False),) * (FRAGMENTS - 2)
    fragments = (send(TEXT, fin=False), *empty, send(CONTINUATION, b"*", length=LONG))
    title = f"A text message in {FRAGMENTS} fragments, all but the last empty"
    yield _case("empty-fragments", title, *fragments, log=False)
    zeros = Deflater().deflate(bytes(MIB), False) * (BOMB // MIB) + b"\x00"
    for name, pieces, words in (("bomb", len(zeros), "a frame"), ("bomb-in-fragments", 100, "fragments of 100 octets")):
        title = f"A compressed message in {words}, of {octets(len(zeros))} that inflate to {octets(BOMB)}"
        parts = [SendFrame(replace(one, rsv1=not at)) for at, one in enumerate(_fragments(zeros, pieces))]
        yield replace(_case(name, title, *parts, log=False), compression=Compression(own=Wish()))


def _fragments(payload: bytes, size: int) -> Iterator[Frame]:
    for at in range(0, len(payload), size):
        yield Frame(CONTINUATION if at else BINARY, payload[at : at + size], at + size >= len(payload))


def _case(name: str, title: str, *actions: Action, control: str | None = None, log: bool = True) -> Case:
    case = a_case(f"extreme/{name}", GROUP, title, actions, log=log)
    return replace(case, control=control)
