"""Compressed messages: what the explorer's script inflates and measures is what the model does, and it reads back what
the script deflates."""

from __future__ import annotations

import random
import zlib
from typing import Final

import pytest

from tests.wsoracle.site.node import ask
from wsoracle.model.facts.deflate_payloads import DAMAGE_OF
from wsoracle.model.notation.variables import DAMAGE
from wsoracle.model.octets.deflate import DeflateFacts, DeflateFault
from wsoracle.model.octets.deflate_encoder import DeflateWriter, Match
from wsoracle.model.octets.frames import Header
from wsoracle.model.octets.inflated_frames import AgreedDirection, InflatedFrames
from wsoracle.model.octets.units import FrameUnit

LIMIT: Final = 3000


def message(drawn: random.Random) -> bytes:
    """A compressed message: of zlib, of blocks put together, or of blocks with something wrong."""
    text = bytes(drawn.choice(b"abcde \xc3\xa9") for _ in range(drawn.randrange(400)))
    kind = drawn.randrange(5)
    if kind == 0:
        deflater = zlib.compressobj(drawn.randrange(10), zlib.DEFLATED, -15)
        return (deflater.compress(text) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")
    writer = DeflateWriter()
    for _ in range(drawn.randrange(4)):
        symbols = [
            *text[: drawn.randrange(20)],
            *(Match(3, drawn.choice((1, 2, 9, 400))) for _ in range(drawn.randrange(3))),
        ]
        block = drawn.choice((writer.fixed, writer.dynamic))
        block(symbols, final=drawn.random() < 0.2)
        if drawn.random() < 0.3:
            writer.stored(text[:9])
    if kind == 4:
        return writer.fixed(text[:9], final=True).octets
    whole = writer.tail().octets
    if kind == 1:
        return whole
    if kind == 2:
        return whole[: drawn.randrange(len(whole) + 1)]
    broken = bytearray(whole)
    broken[drawn.randrange(len(broken))] ^= 1 << drawn.randrange(8)
    return bytes(broken)


def direction(seed: int) -> tuple[bool, list[list[bytes]]]:
    """Whether contexts are taken over, and messages, each in frames."""
    drawn = random.Random(seed)
    messages = []
    for _ in range(drawn.randrange(1, 5)):
        octets = message(drawn)
        cuts = sorted(drawn.randrange(len(octets) + 1) for _ in range(drawn.randrange(3)))
        messages.append([octets[a:b] for a, b in zip((0, *cuts), (*cuts, len(octets)), strict=True)])
    return drawn.random() < 0.7, messages


def frame_unit(payload: bytes, *, first: bool, fin: bool) -> FrameUnit:
    return FrameUnit(Header(int(first), fin, first, False, False, False, 0, len(payload), None), payload, 0, 0)


def measured(facts: DeflateFacts) -> list[int]:
    length = facts.length + (facts.fault is DeflateFault.TOO_LONG)
    return [length, facts.distance, facts.reach, DAMAGE.index(DAMAGE_OF.get(facts.fault, "malformed"))]


def test_the_script_inflates_and_measures_as_the_model_does() -> None:
    drawn = [direction(seed) for seed in range(400)]
    asked = [[takeover, LIMIT, [[one.hex() for one in frames] for frames in messages]] for takeover, messages in drawn]
    (found,) = ask({"ask": "inflated", "directions": asked})
    seen = set()
    for (takeover, messages), said in zip(drawn, found, strict=True):
        model = InflatedFrames(AgreedDirection(32768, takeover, LIMIT, measured=True))
        for frames, of_message in zip(messages, said, strict=True):
            for at, (payload, one) in enumerate(zip(frames, of_message, strict=True)):
                unit = model.take(frame_unit(payload, first=not at, fin=at == len(frames) - 1))
                assert unit.deflated is not None
                expected = [unit.payload.hex(), measured(unit.deflated), unit.deflated.fault.lost]
                assert one == expected, (takeover, frames)
                seen.add(unit.deflated.fault)
    assert {DeflateFault.NONE, DeflateFault.UNENDED, DeflateFault.TRUNCATED, DeflateFault.TOO_FAR} <= seen
    assert len(seen) > 6


@pytest.mark.parametrize("octets", [b"", b"Hello", bytes(range(256)), "Käse".encode() * 50])
def test_what_the_script_deflates_is_read_back(octets: bytes) -> None:
    ((deflated,),) = ask({"ask": "deflated", "octets": [octets.hex()]})
    model = InflatedFrames(AgreedDirection(32768, False, measured=True))
    payload = bytes.fromhex(deflated)
    unit = model.take(frame_unit(payload, first=True, fin=True))
    assert unit.payload == octets
    assert unit.deflated is not None and unit.deflated.fault is DeflateFault.NONE and unit.deflated.ended
    assert octets != b"Hello" or deflated == "f248cdc9c90700", "RFC 7692, section 7.2.3.1"
