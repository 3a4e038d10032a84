"""Inputs of the decoder in every form, and random ones: what goes into the page, and what is said of it in CPython."""

import json
import random
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from tests.capture_files import ANSWER, OPENING, REQUEST, Said, packets_of, pcap, pcapng, segments_of
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import Frame
from wsoracle.site.decoder.page import EXAMPLES

SEED: Final = 6455
HELLO: Final = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
ECHO: Final = b"\x81\x05Hello"
PASSED: Final[list[Said]] = [
    *OPENING,
    (True, HELLO),
    (False, ECHO),
    (False, b"\x88\x00"),
    (True, b"\x88\x80abcd"),
    (False, "FIN"),
]

TEXTS: Final = (
    "81 05 48 65 6c 6c 6f",
    "0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f",
    "00000000: 8105 4865 6c6c 6f                        ..Hello\n",
    "00000000  81 05 48 65 6c 6c 6f                              |..Hello|\n00000007\n",
    "0000000 0581 6548 6c6c 006f\n0000007\n",
    "\\x81\\x05Hello",
    "b'\\x81\\x05Hello'",
    "<Buffer 81 05 48 65 6c 6c 6f>",
    "[129, 5, 72, 101, 108, 108, 111]",
    "const unsigned char x[] = {0x81, 0x05, 0x48};",
    "gQVIZWxsbw==",
    REQUEST.decode(),
    ANSWER.decode(),
    "".join(f"> {line}\n" for line in REQUEST.decode().split("\r\n")[:-1]),
    "".join(f"* remark\n> {line}\n" for line in REQUEST.decode().split("\r\n")[:-1])
    + "".join(f"< {line}\n" for line in ANSWER.decode().split("\r\n")[:-1]),
    "> 81 85 37 fa 21 3d 7f 9f 4d 51 58\n< 81 05 48 65 6c 6c 6f\n< 83 00\n",
    "===\nFollow: tcp,raw\nFilter: tcp.stream eq 0\nNode 0: 127.0.0.1:1\nNode 1: 127.0.0.1:2\n"
    f"{REQUEST.hex()}\n\t{ANSWER.hex()}\n{HELLO.hex()}\n\t{ECHO.hex()}\n===\n",
    "8", "zz", "", "{}", '{"format": "wsoracle-trace", "version": 1}', "< nothing\n> else\n", "\u202e81",
)  # fmt: skip
TRACE: Final = {
    "format": "wsoracle-trace", "version": 1, "role": "server", "opening": False, "application": "echo",
    "observations": [{"what": "arrives", "octets": HELLO.hex()}, {"what": "quiet"}],
}  # fmt: skip


class DecoderInput(NamedTuple):
    """What a page sends to Python: the text and the options, and the octets of a file where one was opened."""

    asked: dict[str, Any]
    octets: bytes | None = None


def by_hand() -> Iterator[DecoderInput]:
    """An example of every form."""
    for one in EXAMPLES:
        yield DecoderInput({"text": one.text, "role": one.role})
    for text in TEXTS:
        yield DecoderInput({"text": text, "role": "client"})
    for packets in (pcap(packets_of(segments_of(PASSED))), pcapng(packets_of(segments_of(PASSED)))):
        yield DecoderInput({}, packets)
        yield DecoderInput({"profile": "letter", "application": "echo", "limit": "4"}, packets)
    yield DecoderInput({"application": "sink"}, json.dumps(TRACE).encode())
    yield DecoderInput({"extensions": "permessage-deflate"}, json.dumps(TRACE).encode())
    yield DecoderInput({}, b"\0\xff")
    yield DecoderInput({}, b"\x1f\x8b\0")
    yield DecoderInput({}, b"81 05")
    yield DecoderInput({"text": "80 80 37 fa 21 3d", "after": "01 80 37 fa 21 3d", "sent": "89 00"})
    yield DecoderInput({"text": "88 82 37 fa 21 3d 34 16", "switches": {"code_1004": "refuse"}})
    yield DecoderInput({"text": ANSWER.decode(), "to": REQUEST.decode()})
    yield DecoderInput({"text": REQUEST.decode().replace("\r\n", "\n"), "exact": True})
    for wrong in ({"limit": "x"}, {"after": "8"}, {"after": "81"}, {"switches": {"none": "x"}}, {"role": "x"}):
        yield DecoderInput({"text": "81 00", **wrong})


def at_random(count: int) -> Iterator[DecoderInput]:
    """Octets at random, half of them with a header that makes a frame of them; the same ones each time."""
    draw = random.Random(SEED)
    for number in range(count):
        octets = draw.randbytes(draw.choice((1, 2, 3, 6, 20)))
        if number % 2:
            opcode, key = draw.choice((0, 1, 2, 8, 9, 10, 3)), draw.choice((None, draw.randbytes(4)))
            octets = encode(Frame(opcode, octets, fin=draw.random() < 0.7, key=key))
        role = draw.choice(("client", "server"))
        if number % 5 == 0:
            yield DecoderInput({"role": role}, octets)
        else:
            yield DecoderInput({"text": octets.hex(" "), "role": role})
