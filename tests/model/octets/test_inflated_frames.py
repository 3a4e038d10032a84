"""Frames of compressed messages: a message that is remembered is read as one that is inflated anew."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.octets.deflated import Deflated, deflated
from wsoracle.model.octets import inflated_frames
from wsoracle.model.octets.deflate_stream import Deflater, Inflater
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.inflated_frames import AgreedDirection, InflatedFrames, Progress
from wsoracle.model.octets.units import FrameUnit, frames_in
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, PING, TEXT, Frame

LIMITS = (None, None, 30, 1000)
AGREED = st.builds(AgreedDirection, st.sampled_from((256, 512, 32768)), st.booleans(), st.sampled_from(LIMITS))
OTHERS = (
    Frame(PING, b"p"),
    Frame(TEXT, b"plain"),
    Frame(CONTINUATION, b"of nothing"),
    Frame(BINARY, b"\xff" * 5, rsv1=True),
    Frame(TEXT, b"\x00", fin=False, rsv1=True),
    Frame(3, b"\x00", rsv1=True),
)


@st.composite
def sent(draw: st.DrawFn) -> tuple[FrameUnit, ...]:
    """Frames of compressed messages, in turns and in fragments, with others between them."""
    made: Deflated = draw(deflated())
    found: list[Frame] = []
    for _ in range(draw(st.integers(1, 3))):
        for payload in made.payloads:
            cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=2)))
            pieces = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
            for at, piece in enumerate(pieces):
                last = at + 1 == len(pieces)
                found.append(Frame(CONTINUATION if at else TEXT, piece, fin=last, rsv1=not at))
                found += draw(st.lists(st.sampled_from(OTHERS), max_size=1)) if draw(st.integers(0, 5)) == 0 else []
    return frames_in(b"".join(map(encode, found)))[0]


def read(frames: tuple[FrameUnit, ...], agreed: AgreedDirection, before: Progress, cuts: list[int]) -> object:
    reader = InflatedFrames(agreed, before)
    for a, b in zip([0, *cuts], [*cuts, len(frames)], strict=True):
        reader.take_all(frames[a:b])
    return reader.frames, reader.progress, reader.exceeded


@given(sent(), AGREED, st.sampled_from((None, 100, 5000)), st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_remembered_is_what_is_inflated(
    frames: tuple[FrameUnit, ...], agreed: AgreedDirection, left: int | None, data: st.DataObject
) -> None:
    before = Progress(b"abcabc" * 10, left)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(frames)), max_size=3)))
    found, again = read(frames, agreed, before, cuts), read(frames, agreed, before, [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inflated_frames, "_whole_message", lambda *_: None)
        anew = read(frames, agreed, before, cuts)
    assert found == anew == again


def test_messages_that_come_in_turns_are_inflated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two turns until the history before each message is that of the turn before."""
    inflated: list[bytes] = []
    through = Inflater.inflate

    def counted(inflater: Inflater, octets: bytes, last: bool, limit: int | None = None) -> bytes:
        inflated.append(octets)
        return through(inflater, octets, last, limit)

    monkeypatch.setattr(Inflater, "inflate", counted)
    deflater = Deflater()
    turn = [bytes([97 + number]) * 40_000 for number in range(4)]
    payloads = [deflater.deflate(message, True) for _ in range(20) for message in turn]
    reader = InflatedFrames(AgreedDirection(32768, True))
    for payload in payloads:
        reader.take(frames_in(encode(Frame(TEXT, payload, rsv1=True)))[0][0])
    assert [frame.payload for frame in reader.frames] == turn * 20
    assert len(inflated) <= 3 * len(turn)
