"""What crosses the wire is read alike however it is cut, and no octets make the readers raise."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wsoracle.generators.cases.steps import writes
from wsoracle.harness.received import Incoming
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
    crossing, incoming = Direction(heads=1, most=100), Incoming(Role.SERVER)
    seen: list[HeadSeen | FrameSeen] = []
    for number, chunk in enumerate(data.draw(cut(octets))):
        seen += crossing.take(float(number), chunk)
        incoming.take(chunk)
        while incoming.head is not None and b" 103 " in getattr(incoming.head, "octets", b""):
            incoming.begin_head(Role.SERVER)
            incoming.take()
        if incoming.head is not None:
            incoming.begin_frames()
            incoming.take()
    heads = [one for one in seen if isinstance(one, HeadSeen)]
    found = [one for one in seen if isinstance(one, FrameSeen)]
    assert [one.octets for one in heads] == ([INTERIM] if interim else []) + [HEAD]
    assert [(one.header.opcode, one.header.fin, one.header.length) for one in found] == [
        (f.opcode, f.fin, f.length) for f in sent
    ]
    assert [one.payload for one in found] == [f.payload[:65] for f in sent]
    places = [(one.start, one.start + one.size) for one in seen]
    assert places == list(zip([0, *(b for _, b in places)], [b for _, b in places], strict=False))
    assert crossing.octets == len(octets)
    assert incoming.frames == len(sent)
    assert incoming.messages == sum(f.fin for f in sent if f.opcode < 8)
    assert incoming.pongs == [f.payload for f in sent if f.opcode == PONG]
    assert incoming.close == next((f.payload for f in sent if f.opcode == CLOSE), None)
    assert not incoming.inside


@given(st.data(), st.binary(max_size=300))
def test_no_octets_make_a_reader_raise(data: st.DataObject, octets: bytes) -> None:
    crossing, incoming = Direction(heads=data.draw(st.integers(0, 1)), most=3), Incoming(Role.SERVER)
    if data.draw(st.booleans()):
        incoming.begin_frames()
    for chunk in data.draw(cut(octets)):
        list(crossing.take(0.0, chunk))
        incoming.take(chunk)
    crossing.unfinished()
    assert crossing.octets == len(octets)


def test_of_many_frames_only_some_are_kept_and_every_close() -> None:
    crossing = Direction(heads=0, most=10)
    octets = encode(Frame(PING)) * 50 + encode(Frame(CLOSE))
    seen = list(crossing.take(0.0, octets))
    assert len(seen) == 11 and crossing.left_out == 40
    assert crossing.opcodes == {PING: 50, CLOSE: 1}


@given(st.binary(min_size=1, max_size=300), st.integers(1, 310))
def test_writes_are_counted_by_their_size(octets: bytes, chop: int) -> None:
    together, apart = Direction(heads=0, most=3), Direction(heads=0, most=3)
    list(together.take(0.0, octets, chop))
    for piece in writes(octets, chop):
        list(apart.take(0.0, piece))
    assert together.chops == apart.chops
    assert together.octets == apart.octets == len(octets)
