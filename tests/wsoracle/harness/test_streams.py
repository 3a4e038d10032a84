"""What crosses the wire is read alike however it is cut, and no octets make the readers raise."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wsoracle.generators.cases.steps import writes
from wsoracle.harness.connection import Received
from wsoracle.harness.wire_log import Direction, FrameSeen, HeadSeen
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"

frames = st.builds(
    Frame,
    opcode=st.sampled_from([CONTINUATION, TEXT, CLOSE, PING, PONG, 14]),
    payload=st.one_of(st.binary(max_size=8), st.binary(min_size=120, max_size=200)),
    fin=st.booleans(),
    key=st.one_of(st.none(), st.binary(min_size=4, max_size=4)),
)


@st.composite
def cut(draw: st.DrawFn, octets: bytes) -> list[bytes]:
    places = sorted(draw(st.sets(st.integers(1, max(1, len(octets) - 1)), max_size=12)))
    edges = [0, *places, len(octets)]
    return [octets[a:b] for a, b in pairwise(edges) if b > a]


@given(st.data(), st.lists(frames, max_size=6), st.booleans())
def test_a_stream_is_read_alike_however_it_is_cut(data: st.DataObject, sent: list[Frame], interim: bool) -> None:
    octets = (INTERIM if interim else b"") + HEAD + b"".join(map(encode, sent))
    direction, received = Direction(heads=1, most=100), Received(Role.SERVER)
    seen: list[HeadSeen | FrameSeen] = []
    for number, chunk in enumerate(data.draw(cut(octets))):
        seen += direction.take(float(number), chunk)
        received.take(chunk)
        while received.head is not None and b" 103 " in getattr(received.head, "octets", b""):
            received.begin_head()
        if received.head is not None:
            received.begin_frames()
    heads = [one for one in seen if isinstance(one, HeadSeen)]
    found = [one for one in seen if isinstance(one, FrameSeen)]
    assert [one.octets for one in heads] == ([INTERIM] if interim else []) + [HEAD]
    assert [(one.header.opcode, one.header.fin, one.header.length) for one in found] == [
        (f.opcode, f.fin, f.length) for f in sent
    ]
    assert [one.payload for one in found] == [f.payload[:65] for f in sent]
    places = [(one.start, one.start + one.size) for one in seen]
    assert places == list(zip([0, *(b for _, b in places)], [b for _, b in places], strict=False))
    assert direction.octets == len(octets)
    assert received.frames == len(sent)
    assert received.messages == sum(f.fin for f in sent if f.opcode < 8)
    assert received.pongs == [f.payload for f in sent if f.opcode == PONG]
    assert received.close == next((f.payload for f in sent if f.opcode == CLOSE), None)
    assert not received.inside


@given(st.data(), st.binary(max_size=300))
def test_no_octets_make_a_reader_raise(data: st.DataObject, octets: bytes) -> None:
    direction, received = Direction(heads=data.draw(st.integers(0, 1)), most=3), Received(Role.SERVER)
    if data.draw(st.booleans()):
        received.begin_frames()
    for chunk in data.draw(cut(octets)):
        list(direction.take(0.0, chunk))
        received.take(chunk)
    direction.unfinished()
    assert direction.octets == len(octets)


def test_of_many_frames_only_some_are_kept_and_every_close() -> None:
    direction = Direction(heads=0, most=10)
    octets = encode(Frame(PING)) * 50 + encode(Frame(CLOSE))
    seen = list(direction.take(0.0, octets))
    assert len(seen) == 11 and direction.left_out == 40
    assert direction.opcodes == {PING: 50, CLOSE: 1}


@given(st.binary(min_size=1, max_size=300), st.integers(1, 310))
def test_writes_are_counted_by_their_size(octets: bytes, chop: int) -> None:
    together, apart = Direction(heads=0, most=3), Direction(heads=0, most=3)
    list(together.take(0.0, octets, chop))
    for piece in writes(octets, chop):
        list(apart.take(0.0, piece))
    assert together.chops == apart.chops
    assert together.octets == apart.octets == len(octets)
