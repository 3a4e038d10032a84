"""Units: cut alike in whatever chunks the octets come, with bodies passed over and frames where frames belong."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.http import HEAD_LIMIT, ParsedHead, Request, Response
from wsoracle.model.octets.units import BegunFrame, Cutter, FrameUnit, HeadUnit, frames_in
from wsoracle.model.octets.vocabulary import CLOSE, PING, TEXT, Frame, Role

KEY = bytes(range(4))
ASKS = Request("1.1", (("Host", "a"),)).octets()
OPENS = Response("1.1", (("Upgrade", "websocket"),)).octets()
INTERIM = Response("1.1", (), 103, "Early Hints").octets()
REFUSES = Response("1.1", (("Content-Length", "5"),), 404, "Not Found").octets() + b"\x81none"
CHUNKED = Response("1.1", (("Transfer-Encoding", "chunked"),), 404, "No").octets() + b"3\r\nabc\r\n0\r\n\r\n"
ENDLESS = Response("1.1", (), 404, "No").octets() + b"abc"
POSTS = Request("1.1", (("Host", "a"), ("Content-Length", "3")), "POST").octets() + b"abc"
PINGS = encode(Frame(PING, b"a"))
SHORT = encode(Frame(TEXT, b"abc", key=KEY))
LONG = encode(Frame(TEXT, b"x" * 5000))

pieces = st.lists(st.sampled_from([PINGS, SHORT, SHORT, LONG, b"\x88", b"A\x80"]), max_size=6).map(b"".join)
answers = st.lists(st.sampled_from([INTERIM, REFUSES, CHUNKED, PINGS]), max_size=3).map(b"".join)
last = st.sampled_from([OPENS, ENDLESS, b"", b"HTP\r\n\r\n", OPENS[:-1]])
sent_by_servers = st.tuples(answers, last, pieces).map(b"".join)
sent_by_clients = st.tuples(st.lists(st.sampled_from([ASKS, POSTS, PINGS, b"\n\n"]), max_size=4).map(b"".join), pieces)
directions = st.one_of(
    st.tuples(st.just(Role.CLIENT), sent_by_servers),
    st.tuples(st.just(Role.SERVER), sent_by_clients.map(b"".join)),
    st.tuples(st.none(), pieces),
)


def chunks_of(octets: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    return [octets[a:b] for a, b in pairwise(places)]


@given(directions, st.lists(st.integers(0, 6000), max_size=8), st.booleans())
def test_units_do_not_depend_on_chunks(direction: tuple[Role | None, bytes], cuts: list[int], heads_only: bool) -> None:
    reader, octets = direction
    whole, pieced = Cutter(reader, heads_only=heads_only), Cutter(reader, heads_only=heads_only)
    whole.add(octets)
    for chunk in chunks_of(octets, cuts):
        pieced.add(chunk)
    if heads_only:  # the empty line behind what is no head is looked for behind the latest unit alone
        assert [u._replace(seen=None) for u in whole.units if isinstance(u, HeadUnit)] == [
            u._replace(seen=None) for u in pieced.units if isinstance(u, HeadUnit)
        ]
        assert whole.units[-1:] == pieced.units[-1:]
    else:
        assert whole.units == pieced.units
    assert whole.rest == pieced.rest
    for count in range(0, len(octets) + 1, max(1, len(octets) // 50)):
        assert whole.whole(count) == sum(unit.end <= count for unit in whole.units)


@given(directions, directions)
def test_what_comes_behind_a_unit_that_is_broken_off_begins_anew(
    direction: tuple[Role | None, bytes], other: tuple[Role | None, bytes]
) -> None:
    reader, octets = direction
    cutter, alone = Cutter(reader), Cutter(reader)
    cutter.add(octets)
    before, first = len(cutter.units), len(octets)
    opened = any(isinstance(unit, HeadUnit) and unit.switches for unit in cutter.units)
    then = Cutter(None if opened else reader)
    alone.add(octets)
    cutter.break_off()
    cutter.add(other[1])
    then.add(other[1])
    assert cutter.units[:before] == alone.units
    behind = [unit._replace(start=unit.start - first, end=unit.end - first) for unit in cutter.units[before:]]
    assert [(unit.start, unit.end, type(unit)) for unit in behind] == [(u.start, u.end, type(u)) for u in then.units]
    assert all(start < end == first for start, end in cutter.broken_off)


@given(pieces)
def test_frames_lie_behind_one_another(octets: bytes) -> None:
    frames, rest = frames_in(octets)
    at = 0
    for frame in frames:
        assert frame.start == at
        at = frame.end
    assert rest == at
    cutter = Cutter(octets=bytearray(b"xyz" + octets), start=3)
    assert [(f.start - 3, f.end - 3, f.payload) for f in cutter.frames] == [(f.start, f.end, f.payload) for f in frames]


def test_equal_short_frames_share_what_they_have() -> None:
    (first, second, third), _ = frames_in(SHORT * 2 + PINGS)
    assert first.header is second.header
    assert first.payload is second.payload
    assert third.payload == b"a"
    (first, second), _ = frames_in(LONG * 2)
    assert first.payload is not second.payload


def kinds(cutter: Cutter) -> list[str]:
    return ["frame" if isinstance(u, FrameUnit) else "head" if u.head else "no head" for u in cutter.units]


@pytest.mark.parametrize(
    ("reader", "octets", "expected"),
    [
        (Role.CLIENT, INTERIM + OPENS + PINGS + SHORT, ["head", "head", "frame", "frame"]),
        (Role.CLIENT, REFUSES + CHUNKED + PINGS + ENDLESS + PINGS, ["head", "head", "frame", "head"]),
        (Role.CLIENT, b"X" + PINGS, ["no head", "frame"]),
        (Role.SERVER, POSTS + ASKS + SHORT + ASKS, ["head", "head", "frame", "head"]),
        (Role.SERVER, b"GET\r\n" + PINGS, ["no head", "frame"]),
    ],
)
def test_frames_between_heads_are_frames(reader: Role, octets: bytes, expected: list[str]) -> None:
    cutter = Cutter(reader)
    cutter.add(octets)
    assert kinds(cutter) == expected
    assert [unit for unit in cutter.units if isinstance(unit, FrameUnit)] == cutter.frames


def test_among_heads_alone_frames_are_none() -> None:
    cutter = Cutter(Role.SERVER, heads_only=True)
    cutter.add(ASKS + PINGS + b"\n\n" + ASKS)
    assert kinds(cutter) == ["head", "no head", "head"]
    assert cutter.units[1].end == len(ASKS) + 1
    opens = Cutter(Role.CLIENT, heads_only=True)
    opens.add(INTERIM + OPENS)
    assert kinds(opens) == ["head", "head"]
    opens.add(b"\x89\x00\n\n")
    assert kinds(opens)[2:] == ["no head"] * 4
    assert [unit.end for unit in opens.units[1:4]] == [opens.units[1].end + more for more in range(3)]


@pytest.mark.parametrize("lines", [b"", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n"])
@pytest.mark.parametrize("size", [1, 100])
def test_empty_lines_before_what_is_no_head_do_not_end_it(lines: bytes, size: int) -> None:
    octets = lines + b"\x16\x03\x01\r\n\r\n" + ASKS
    cutter = Cutter(Role.SERVER, heads_only=True)
    for at in range(0, len(octets), size):
        cutter.add(octets[at : at + size])
    lost, asks = (unit for unit in cutter.units if isinstance(unit, HeadUnit))
    assert (lost.head, lost.seen, asks.start) == (None, len(octets) - len(ASKS), len(octets) - len(ASKS))


def test_an_octet_of_a_head_may_begin_a_masked_frame_where_frames_are_expected() -> None:
    compressed = bytes([0x41, 0x81]) + KEY + b"a"
    cutter = Cutter(Role.SERVER)
    cutter.add(ASKS)
    cutter.expects_frames = len(ASKS)
    cutter.add(compressed[:1])
    assert kinds(cutter) == ["head"]
    cutter.add(compressed[1:] + ASKS)
    assert kinds(cutter) == ["head", "frame", "head"]


def test_a_head_that_is_too_large_for_most_is_one_if_it_ends() -> None:
    large = Request("1.1", (("Host", "a"), ("X", "x" * HEAD_LIMIT))).octets()
    whole, pieced = Cutter(Role.SERVER, heads_only=True), Cutter(Role.SERVER, heads_only=True)
    whole.add(large)
    assert kinds(whole) == ["head"]
    assert isinstance(whole.units[0], HeadUnit)
    assert isinstance(whole.units[0].result, ParsedHead)
    pieced.add(large[:HEAD_LIMIT])
    assert kinds(pieced) == ["no head"]
    assert not pieced.stale
    pieced.add(large[HEAD_LIMIT:])
    assert pieced.stale


def test_of_a_frame_that_is_not_whole_it_is_known_what_there_is() -> None:
    cutter = Cutter()
    cutter.add(PINGS + SHORT)
    assert cutter.begun(len(PINGS)) is None
    assert cutter.begun(len(PINGS) + 1) == BegunFrame(len(PINGS), SHORT[:1], None)
    begun = cutter.begun(len(PINGS) + 7)
    assert begun is not None
    assert begun.header is not None
    assert (begun.header.opcode, begun.header.length) == (TEXT, 3)
    assert cutter.begun(len(PINGS + SHORT)) is None
    cutter.add(b"\x88\x02")
    begun = cutter.begun(len(cutter.octets))
    assert begun is not None
    assert begun.header is not None
    assert begun.header.opcode == CLOSE


def test_heads_can_be_cut_one_by_one() -> None:
    cutter = Cutter(Role.SERVER, heads_only=True, octets=bytearray(ASKS + ASKS + ASKS))
    assert len(cutter.units) == 3
    shared = bytearray()
    later = Cutter(Role.SERVER, heads_only=True, octets=shared)
    shared += ASKS + ASKS
    later.cut(1)
    assert len(later.units) == 1
    later.cut(2)
    assert later.units == cutter.units[:2]


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        ("8800", "close fin: ''"),
        ("880103", "close fin: '\\x03'"),
        ("880203e8", "close fin: 1000"),
        ("880503e9627965", "close fin: 1001 'bye'"),
    ],
)
def test_a_close_reads_as_its_code_and_reason(octets: str, words: str) -> None:
    (frame,) = Cutter(octets=bytearray.fromhex(octets)).frames
    assert str(frame) == words
