"""What crosses the wire is read alike however it is cut, and no octets make the readers raise."""

from __future__ import annotations

import tracemalloc
import zlib
from collections import Counter
from itertools import accumulate, pairwise
from typing import Literal

from hypothesis import example, given
from hypothesis import strategies as st

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.steps import writes
from wsoracle.harness.connection import Received
from wsoracle.harness.judging import judge_conversation, trace_of
from wsoracle.harness.transcript import LogEntry, Transcript
from wsoracle.harness.wire_log import MOST_ENTRIES, LoggedDirection, WireLog
from wsoracle.model.facts.heads import request_octets, response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.uri import parse_uri
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.history import History

HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: " + b"x" * 80 + b"\r\n\r\n"
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


def log_of(chunks: list[bytes], kind: Literal["sent", "received"] = "received") -> list[LogEntry]:
    return [LogEntry(float(number), kind, chunk) for number, chunk in enumerate(chunks)]


def received_in(log: list[LogEntry]) -> LoggedDirection:
    return WireLog(log, None, False, 0, None).received


@given(st.data(), st.lists(frames, max_size=6), st.booleans())
def test_a_stream_is_read_alike_however_it_is_cut(data: st.DataObject, sent: list[Frame], interim: bool) -> None:
    octets = (INTERIM if interim else b"") + HEAD + b"".join(map(encode, sent))
    chunks, received = data.draw(cut(octets)), Received(Role.SERVER)
    for chunk in chunks:
        received.take(chunk)
        while received.head is not None and b" 103 " in getattr(received.head, "octets", b""):
            received.begin_head()
        if received.head is not None:
            received.begin_frames()
    log = log_of(chunks)
    wire = WireLog(log, History(trace_of(log), Role.SERVER), True, 0, None)
    heads = [step for step in wire.timeline if step["what"].startswith("HTTP")]
    steps = wire.timeline[len(heads) :]
    assert wire.received.head == HEAD and len(heads) == 1 + interim
    found = [frame.header for frame in wire.received.frames]
    assert [(one.opcode, one.fin, one.length) for one in found] == [(f.opcode, f.fin, f.length) for f in sent]
    assert [step["hex"] for step in steps] == [f.payload[:64].hex() for f in sent]
    ends = list(accumulate(map(len, chunks)))
    for step in wire.timeline:
        end = step["start"] + step["octets"]
        assert step["t"] == next(number for number, read in enumerate(ends) if read >= end)
    places = [(step["start"], step["start"] + step["octets"]) for step in wire.timeline]
    assert places == list(zip([0, *(b for _, b in places)], [b for _, b in places], strict=False))
    assert received.frames == Counter(f.opcode for f in sent)
    assert received.messages == sum(f.fin for f in sent if f.opcode < 8)
    assert received.pongs == [f.payload for f in sent if f.opcode == PONG]
    assert received.close == next((f.payload for f in sent if f.opcode == CLOSE), None)
    assert not received.inside


pieces = st.one_of(
    frames.map(encode),
    st.binary(max_size=40),
    st.sampled_from(
        [
            HEAD,
            INTERIM,
            REQUEST,
            b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde",
            b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n\x81\x01a\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n\x81\x01a",
            b"no head\n\nat all",
            b"\r\n\r\n",
            b"x" * 70_000,
        ]
    ),
)
directions = st.lists(st.tuples(st.sampled_from(["sent", "received"]), pieces.filter(bool)), max_size=8)


@example([("received", REQUEST), ("received", REQUEST)], Role.CLIENT, 0)
@given(directions, st.sampled_from(Role), st.integers(0, 400))
def test_what_the_judge_has_cut_is_what_a_record_would_cut(
    crossing: list[tuple[Literal["sent", "received"], bytes]], role: Role, decides: int
) -> None:
    log = [LogEntry(float(number), kind, octets) for number, (kind, octets) in enumerate(crossing)]
    judged = judge_conversation(talk_of(log, role))
    anew, taken = (WireLog(log, history, True, 0, decides) for history in (None, judged.history))
    assert judged.history is not None
    assert (taken.timeline, taken.more, taken.lines) == (anew.timeline, anew.more, anew.lines)
    assert (taken.messages, taken.closes) == (anew.messages, anew.closes)
    for one, other in ((taken.sent, anew.sent), (taken.received, anew.received)):
        assert (one.head, one.frames, one.rest, one.chops) == (other.head, other.frames, other.rest, other.chops)


def test_a_compressed_message_is_listed_by_what_it_says() -> None:
    field = b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    asks, opens = request_octets(RequestFacts()), response_octets(ResponseFacts(), sample_request(RequestFacts()))
    asks, opens = (head.replace(b"\r\n\r\n", field) for head in (asks, opens))
    hello = bytes.fromhex("f248cdc9c90700")
    masked = encode(Frame(TEXT, hello, rsv1=True, key=b"\x00" * 4))
    squeeze = zlib.compressobj(wbits=-15)
    long = squeeze.compress(bytes(1000)) + squeeze.flush()
    log = [
        LogEntry(0.0, "sent", asks),
        LogEntry(1.0, "received", opens),
        LogEntry(2.0, "sent", masked),
        LogEntry(3.0, "received", encode(Frame(TEXT, hello, rsv1=True)) + encode(Frame(BINARY, long, rsv1=True))),
    ]
    judged = judge_conversation(talk_of(log, Role.SERVER))
    wire = WireLog(log, judged.history, True, 0, None)
    said = [(step["what"], step["hex"]) for step in wire.timeline[2:4]]
    words = ["text fin rsv1 masked compressed: 'Hello'", "text fin rsv1 compressed: 'Hello'"]
    assert said == [(one, hello.hex()) for one in words]
    assert wire.timeline[4]["what"].endswith(f": {len(long)} octets, 1,000 inflated")
    assert wire.messages[0] == ["message", "Hello", False]


def talk_of(log: list[LogEntry], role: Role) -> Transcript:
    case = Case("1.1.1", "", "", ("",), ())
    return Transcript(case, role, parse_uri("ws://127.0.0.1/"), log, True, True, False, [], None, None, Counter())


@given(st.data(), st.binary(max_size=300))
def test_no_octets_make_a_reader_raise(data: st.DataObject, octets: bytes) -> None:
    received, chunks = Received(Role.SERVER), data.draw(cut(octets))
    if data.draw(st.booleans()):
        received.begin_frames()
    for chunk in chunks:
        received.take(chunk)
    assert sum(size * count for size, count in received_in(log_of(chunks)).chops.items()) == len(octets)


def test_no_payload_of_data_is_kept_until_it_is_complete() -> None:
    """A tester keeps up to 256 connections, with messages of 16 MiB."""
    octets = encode(Frame(BINARY, bytes(8 << 20), key=b"wxyz")) + encode(Frame(PING, b"there?"))
    received = Received(Role.CLIENT)
    received.begin_frames()
    tracemalloc.start()
    for begin in range(0, len(octets), 1 << 16):
        received.take(octets[begin : begin + (1 << 16)])
        assert received.inside or begin + (1 << 16) >= len(octets)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (received.messages, received.frames.total(), received.ping, received.inside) == (1, 2, b"there?", False)
    assert peak < 1 << 20


def test_of_many_frames_only_some_are_listed_and_every_close() -> None:
    sent = encode(Frame(PING)) * (MOST_ENTRIES + 40) + encode(Frame(CLOSE)) + encode(Frame(PONG))
    wire = WireLog(log_of([HEAD, sent]), None, False, 0, None)
    assert wire.received.left_out == 41 and len(wire.received.frames) == MOST_ENTRIES + 42
    assert wire.timeline[-1]["what"].startswith("close") and wire.more[0]["what"].startswith("... ")
    mine = WireLog(log_of([HEAD, sent], "sent"), None, False, MOST_ENTRIES + 42, None)
    assert len(mine.timeline) == MOST_ENTRIES and mine.more[0]["what"] == "... 43 more, not listed"


@given(st.binary(min_size=1, max_size=300), st.integers(1, 310))
def test_writes_are_counted_by_their_size(octets: bytes, chop: int) -> None:
    together = WireLog([LogEntry(0.0, "sent", octets, chop=chop)], None, False, 0, None)
    apart = WireLog(log_of(list(writes(octets, chop)), "sent"), None, False, 0, None)
    assert together.sent.chops == apart.sent.chops
    assert sum(size * count for size, count in together.sent.chops.items()) == len(octets)
