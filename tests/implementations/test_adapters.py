"""The adapters of wsproto and websockets: each library in each role does the plain things, and tells them alike."""

import struct
import sys
from collections.abc import Iterable
from importlib.metadata import version
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.sync.messages import MAX_FRAGMENTS

from tests.frames_read import frames_read
from wsoracle.implementations import (
    ApplicationRefused,
    Delivered,
    HandshakeFailed,
    PeerApplication,
    PeerCrashed,
    PeerUnderTest,
    adapter,
    available_peers,
    missing_peers,
)
from wsoracle.model.octets import accept_key
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role

pytestmark = pytest.mark.peers

KEY = b"\x37\xfa\x21\x3d"
PEERS = {peer.implementation: peer for peer in available_peers()}
SIDES = [pytest.param(name, role, id=f"{name}-{role.value}") for name in PEERS for role in Role]
sides = pytest.mark.parametrize(("name", "role"), SIDES)


def connect(name: str, role: Role, application: PeerApplication = "sink") -> PeerUnderTest:
    return PEERS[name].opened(role, application)


def octets(peer: PeerUnderTest, *frames: Frame) -> bytes:
    """The frames as the peer's legal other end writes them: masked towards a server."""
    key = KEY if peer.role is Role.SERVER else None
    return b"".join(
        encode(Frame(f.opcode, f.payload, f.fin, f.rsv1, f.rsv2, f.rsv3, key=key, form=f.form)) for f in frames
    )


def sent(peer: PeerUnderTest) -> list[Frame]:
    """What the peer sent, unmasked; it must be masked from a client only, and end with a whole frame."""
    frames = []
    for frame in frames_read(peer.octets_to_send()):
        assert frame.masked is (peer.role is Role.CLIENT)
        frames.append(Frame(frame.opcode, frame.payload, frame.fin, frame.rsv1, frame.rsv2, frame.rsv3))
    return frames


def close(code: int, reason: str = "") -> Frame:
    return Frame(CLOSE, struct.pack("!H", code) + reason.encode())


def only_close_code(peer: PeerUnderTest) -> int:
    [frame] = sent(peer)
    assert frame.opcode == CLOSE
    return int.from_bytes(frame.payload[:2], "big")


def whole_messages(events: Iterable[Delivered]) -> list[Delivered]:
    """The events with the parts of each message joined; it stands where its last part stood.

    The parts of a message that was never finished are left out. Joining is across control frames, which may come
    between the fragments of a message (section 5.4).
    """
    whole: list[Delivered] = []
    parts: list[bytes] = []
    for event in events:
        if event.kind not in ("text", "binary"):
            whole.append(event)
            continue
        parts.append(event.payload)
        if event.final:
            whole.append(Delivered(event.kind, b"".join(parts)))
            parts = []
    return whole


def kinds(events: Iterable[Delivered]) -> list[str]:
    return [event.kind for event in events]


# --- which implementations there are


def test_both_libraries_are_found() -> None:
    assert [peer.version for peer in available_peers()] == [version("wsproto"), version("websockets")]
    assert list(PEERS) == ["wsproto", "websockets"]
    assert missing_peers() == []


def test_a_library_that_is_not_installed_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wsproto", None)
    monkeypatch.delitem(sys.modules, "wsoracle.implementations.wsproto_adapter")
    assert [peer.implementation for peer in available_peers()] == ["websockets"]
    [missing] = missing_peers()
    assert missing.implementation == "wsproto"
    assert missing.reason.startswith("not installed: ")


def test_a_library_of_another_shape_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("websockets.protocol.State")
    monkeypatch.delitem(sys.modules, "wsoracle.implementations.websockets_adapter")
    [missing] = missing_peers()
    assert missing.implementation == "websockets"
    assert "not a version that is known here" in missing.reason


@sides
def test_a_fresh_connection_is_open_and_has_nothing_to_say(name: str, role: Role) -> None:
    peer = connect(name, role)
    assert (peer.implementation, peer.role, peer.application) == (name, role, "sink")
    assert peer.octets_to_send() == b""
    assert peer.events() == []
    assert not peer.wants_tcp_close
    assert not peer.closed


def test_limits() -> None:
    assert connect("wsproto", Role.SERVER).limit is None
    assert connect("websockets", Role.CLIENT).limit == 2**20
    with pytest.raises(ValueError, match="no limit on messages that its users may choose"):
        PEERS["wsproto"].opened(Role.SERVER, limit=1_000)


@pytest.mark.parametrize("role", Role)
def test_a_limit_that_is_chosen_holds(role: Role) -> None:
    peer = PEERS["websockets"].opened(role, limit=1_000)
    assert peer.limit == 1_000
    peer.receive(octets(peer, Frame(BINARY, bytes(1_000))))
    assert kinds(peer.events()) == ["binary"]
    peer.receive(octets(peer, Frame(BINARY, bytes(1_001))))
    assert only_close_code(peer) == 1009


# --- messages and control frames


@sides
def test_echo(name: str, role: Role) -> None:
    peer = connect(name, role, "echo")
    frames = [Frame(TEXT, "Héllo".encode()), Frame(BINARY, b"\x00\xff" * 40_000), Frame(TEXT)]
    peer.receive(octets(peer, *frames))
    assert sent(peer) == frames
    assert whole_messages(peer.events()) == [
        Delivered("text", frames[0].payload),
        Delivered("binary", frames[1].payload),
        Delivered("text"),
    ]


@sides
def test_a_sink_says_nothing(name: str, role: Role) -> None:
    peer = connect(name, role, "sink")
    peer.receive(octets(peer, Frame(TEXT, b"Hello"), Frame(PONG, b"!")))
    assert sent(peer) == []
    assert peer.events() == [Delivered("text", b"Hello"), Delivered("pong", b"!")]
    assert peer.events() == []


@sides
def test_fragments_with_a_ping_between_them(name: str, role: Role) -> None:
    peer = connect(name, role, "echo")
    euro = "€".encode()
    text = b"5 " + euro + b"!"
    for frame in (
        Frame(TEXT, b"5 " + euro[:1], fin=False),
        Frame(PING, b"are you there"),
        Frame(CONTINUATION, euro[1:2], fin=False),
        Frame(CONTINUATION, euro[2:] + b"!"),
    ):
        peer.receive(octets(peer, frame))
    assert sent(peer) == [Frame(PONG, b"are you there"), Frame(TEXT, text)]
    assert whole_messages(peer.events()) == [
        Delivered("ping", b"are you there"),
        Delivered("text", b"5 " + euro + b"!"),
    ]


@sides
def test_the_application_sends(name: str, role: Role) -> None:
    peer = connect(name, role)
    peer.send_fragment(TEXT, "Grüße".encode(), fin=True)
    peer.send_fragment(BINARY, b"\xff", fin=True)
    peer.send_fragment(TEXT, b"a", fin=False)
    peer.send_ping(b"1")
    peer.send_pong(b"2")
    peer.send_fragment(CONTINUATION, b"b", fin=False)
    peer.send_fragment(CONTINUATION, b"", fin=True)
    assert sent(peer) == [
        Frame(TEXT, "Grüße".encode()),
        Frame(BINARY, b"\xff"),
        Frame(TEXT, b"a", fin=False),
        Frame(PING, b"1"),
        Frame(PONG, b"2"),
        Frame(CONTINUATION, b"b", fin=False),
        Frame(CONTINUATION, b"", fin=True),
    ]


@sides
def test_what_the_interfaces_refuse(name: str, role: Role) -> None:
    peer = connect(name, role)
    with pytest.raises(ApplicationRefused):
        peer.send_fragment(CONTINUATION, b"", fin=True)
    with pytest.raises(ApplicationRefused):
        peer.send_fragment(TEXT, b"\xff", fin=False)
    with pytest.raises(ApplicationRefused):
        peer.send_fragment(TEXT, "\ud800".encode("utf-8", "surrogatepass"), fin=True)
    with pytest.raises(ApplicationRefused):
        peer.send_ping(bytes(126))
    with pytest.raises(ApplicationRefused):
        peer.send_close(None, "a reason without a code")
    peer.send_fragment(BINARY, b"", fin=False)
    with pytest.raises(ApplicationRefused):
        peer.send_fragment(BINARY, b"", fin=True)
    peer.send_fragment(CONTINUATION, b"\xff", fin=True)
    assert sent(peer) == [Frame(BINARY, b"", fin=False), Frame(CONTINUATION, b"\xff")]
    peer.send_close(1000)
    with pytest.raises(ApplicationRefused):
        peer.send_fragment(TEXT, b"after the Close", fin=True)
    assert sent(peer) == [close(1000)]


@sides
def test_text_is_utf_8_over_the_whole_message(name: str, role: Role) -> None:
    peer = connect(name, role)
    if name == "websockets":
        peer.send_fragment(TEXT, b"\xe2\x82", fin=False)
        with pytest.raises(ApplicationRefused):
            peer.send_fragment(CONTINUATION, b"", fin=True)
        peer.send_fragment(CONTINUATION, b"\xac", fin=True)
        assert [frame.payload for frame in sent(peer)] == [b"\xe2\x82", b"\xac"]
    else:
        with pytest.raises(ApplicationRefused, match="whole characters"):
            peer.send_fragment(TEXT, b"\xe2\x82", fin=False)
        assert sent(peer) == []


def test_misuse_of_an_adapter_is_a_value_error() -> None:
    peer = connect("wsproto", Role.SERVER)
    with pytest.raises(ValueError, match="opcode"):
        peer.send_fragment(PING, b"", fin=True)
    with pytest.raises(ValueError, match="16 bits"):
        peer.send_close(65536)
    peer.receive_eof()
    with pytest.raises(ValueError, match="after the end"):
        peer.receive(b"x")


@sides
def test_an_echo_gives_way_to_a_message_half_sent(name: str, role: Role) -> None:
    peer = connect(name, role, "echo")
    peer.send_fragment(TEXT, b"mine ", fin=False)
    peer.receive(octets(peer, Frame(TEXT, b"yours")))
    peer.send_fragment(CONTINUATION, b"alone", fin=True)
    assert sent(peer) == [Frame(TEXT, b"mine ", fin=False), Frame(CONTINUATION, b"alone")]


# --- closing


@sides
@pytest.mark.parametrize(
    ("body", "code", "reason"), [(b"", 1005, ""), (b"\x03\xe8", 1000, ""), (b"\x0b\xb8ok", 3000, "ok")]
)
def test_the_other_side_closes(name: str, role: Role, body: bytes, code: int, reason: str) -> None:
    peer = connect(name, role)
    peer.receive(octets(peer, Frame(CLOSE, body)))
    assert sent(peer) == [Frame(CLOSE, body)]
    assert peer.events() == [Delivered("close", code=code, reason=reason)]
    assert peer.wants_tcp_close is (role is Role.SERVER)
    with pytest.raises(ApplicationRefused):
        peer.send_fragment(TEXT, b"too late", fin=True)
    peer.receive_eof()
    assert peer.events() == []
    assert sent(peer) == []
    assert peer.wants_tcp_close
    assert peer.closed


@sides
@pytest.mark.parametrize(("code", "body"), [(None, b""), (1001, b"\x03\xe9bye")])
def test_the_application_closes(name: str, role: Role, code: int | None, body: bytes) -> None:
    peer = connect(name, role)
    peer.send_close(code, "" if code is None else "bye")
    assert sent(peer) == [Frame(CLOSE, body)]
    assert not peer.wants_tcp_close
    peer.receive(octets(peer, Frame(BINARY, b"on its way"), Frame(CLOSE, body)))
    assert kinds(peer.events()) == ["binary", "close"]
    assert sent(peer) == []
    assert peer.wants_tcp_close is (role is Role.SERVER)
    peer.receive_eof()
    assert peer.closed
    assert peer.events() == []


@sides
def test_both_close_at_once(name: str, role: Role) -> None:
    peer = connect(name, role)
    peer.send_close(1000)
    peer.receive(octets(peer, close(1001)))
    assert sent(peer) == [close(1000)]
    assert peer.events() == [Delivered("close", code=1001)]


@sides
def test_nothing_is_heard_after_a_close(name: str, role: Role) -> None:
    peer = connect(name, role, "echo")
    peer.receive(octets(peer, close(1000), Frame(PING, b"?"), Frame(TEXT, b"late")))
    peer.receive(octets(peer, Frame(PING, b"?"), Frame(TEXT, b"late")))
    assert sent(peer) == [close(1000)]
    assert kinds(peer.events()) == ["close"]


@sides
def test_the_stream_ends_without_a_close(name: str, role: Role) -> None:
    peer = connect(name, role)
    peer.receive(octets(peer, Frame(TEXT, b"cut off", fin=False)))
    peer.receive_eof()
    peer.receive_eof()
    assert sent(peer) == []
    assert [(event.kind, event.code) for event in whole_messages(peer.events())] == [("lost", 1006)]
    assert peer.wants_tcp_close
    assert peer.closed
    with pytest.raises(ApplicationRefused):
        peer.send_ping()


@sides
def test_the_stream_ends_in_the_middle_of_the_closing_handshake(name: str, role: Role) -> None:
    peer = connect(name, role)
    peer.send_close(1000)
    peer.receive_eof()
    assert sent(peer) == [close(1000)]
    assert [(event.kind, event.code) for event in peer.events()] == [("lost", 1006)]
    assert peer.closed


# --- failing the connection

BROKEN = [
    pytest.param([Frame(TEXT, b"a", rsv1=True)], 1002, id="rsv1"),
    pytest.param([Frame(PING, b"a", rsv3=True)], 1002, id="rsv3-ping"),
    pytest.param([Frame(0x3)], 1002, id="reserved-data"),
    pytest.param([Frame(0xB)], 1002, id="reserved-control"),
    pytest.param([Frame(PING, b"", fin=False)], 1002, id="fragmented-ping"),
    pytest.param([Frame(PING, bytes(126))], 1002, id="long-ping"),
    pytest.param([Frame(CONTINUATION, b"a")], 1002, id="continuation-of-nothing"),
    pytest.param([Frame(TEXT, b"a", fin=False), Frame(TEXT, b"b")], 1002, id="text-inside-text"),
    pytest.param([Frame(CLOSE, b"\x03")], 1002, id="close-of-1-octet"),
    pytest.param([close(1005)], 1002, id="close-1005"),
    pytest.param([Frame(CLOSE, b"\x03\xe8\xff")], 1007, id="reason-not-utf-8"),
    pytest.param([Frame(TEXT, b"\xed\xa0\x80")], 1007, id="text-not-utf-8"),
    pytest.param([Frame(TEXT, b"\xe2\x82", fin=False), Frame(CONTINUATION, b"a")], 1007, id="text-not-utf-8-in-parts"),
]


@sides
@pytest.mark.parametrize(("frames", "code"), BROKEN)
def test_a_violation_fails_the_connection(name: str, role: Role, frames: list[Frame], code: int) -> None:
    peer = connect(name, role, "echo")
    peer.receive(octets(peer, *frames))
    assert only_close_code(peer) == code
    failed = whole_messages(peer.events())[-1]
    assert (failed.kind, failed.code) == ("failed", code)
    assert failed.reason
    assert peer.wants_tcp_close is (role is Role.SERVER)
    # "An endpoint MUST NOT continue to attempt to process data" (section 7.1.7).
    peer.receive(octets(peer, Frame(PING, b"still there?"), Frame(TEXT, b"hello"), close(1000)))
    assert sent(peer) == []
    assert peer.events() == []
    peer.receive_eof()
    assert peer.closed


@sides
def test_masking_in_the_wrong_direction(name: str, role: Role) -> None:
    peer = connect(name, role)
    peer.receive(encode(Frame(TEXT, b"Hello", key=None if role is Role.SERVER else KEY)))
    assert only_close_code(peer) == 1002
    assert [(event.kind, event.code) for event in peer.events()] == [("failed", 1002)]


@sides
def test_a_violation_after_our_close(name: str, role: Role) -> None:
    peer = connect(name, role)
    peer.send_close(1000)
    peer.receive(octets(peer, Frame(0x3)))
    assert sent(peer) == [close(1000)]
    assert kinds(peer.events()) == ["failed"]
    assert peer.wants_tcp_close is (role is Role.SERVER)


@pytest.mark.parametrize("role", Role)
def test_the_limits_of_websockets(role: Role) -> None:
    peer = connect("websockets", role)
    limit = peer.limit
    assert limit is not None
    peer.receive(octets(peer, Frame(BINARY, bytes(limit))))
    assert sent(peer) == []
    peer.receive(octets(peer, Frame(BINARY, bytes(limit + 1))))
    assert only_close_code(peer) == 1009

    peer = connect("websockets", role)
    peer.receive(
        octets(peer, Frame(BINARY, b"a", fin=False), *[Frame(CONTINUATION, b"a", fin=False)] * (MAX_FRAGMENTS - 1))
    )
    assert sent(peer) == []
    peer.receive(octets(peer, Frame(CONTINUATION, b"a")))
    assert only_close_code(peer) == 1009
    assert kinds(peer.events()) == ["failed"]


# --- chunks


def message(opcode: int, parts: list[bytes], control: list[Frame]) -> list[Frame]:
    """A message in fragments, a control frame between two fragments as long as there are any."""
    frames: list[Frame] = []
    for index, part in enumerate(parts):
        frames.append(Frame(CONTINUATION if index else opcode, part, fin=index == len(parts) - 1))
        if index < len(control):
            frames.append(control[index])
    return frames


def cut(octets: bytes, at: list[int]) -> list[bytes]:
    bounds = sorted({0, len(octets), *(min(place, len(octets)) for place in at)})
    return [octets[i:j] for i, j in pairwise(bounds)]


CONTROL = st.builds(Frame, st.sampled_from([PING, PONG]), st.binary(max_size=125))
BINARY_PARTS = st.lists(st.binary(max_size=140), min_size=1, max_size=3)
TEXT_PARTS = st.builds(
    lambda text, at: cut(text.encode(), at) or [b""], st.text(max_size=60), st.lists(st.integers(0, 60), max_size=2)
)
CONVERSATION = st.lists(
    st.one_of(
        st.builds(message, st.just(BINARY), BINARY_PARTS, st.lists(CONTROL, max_size=2)),
        st.builds(message, st.just(TEXT), TEXT_PARTS, st.lists(CONTROL, max_size=2)),
        CONTROL.map(lambda frame: [frame]),
    ),
    max_size=4,
).map(lambda messages: [frame for message in messages for frame in message])


@sides
@given(frames=CONVERSATION, last=st.sampled_from([None, close(1000, "done"), Frame(0x5), Frame(PING, rsv2=True)]))
def test_chunks_make_no_difference(name: str, role: Role, frames: list[Frame], last: Frame | None) -> None:
    outcomes = []
    for one_at_a_time in (False, True):
        peer = connect(name, role)
        stimulus = octets(peer, *frames, *([] if last is None else [last]))
        for chunk in [stimulus[i : i + 1] for i in range(len(stimulus))] if one_at_a_time else [stimulus]:
            peer.receive(chunk)
        outcomes.append((sent(peer), whole_messages(peer.events()), peer.wants_tcp_close, peer.closed))
    assert outcomes[0] == outcomes[1]


@sides
@given(frames=CONVERSATION, at=st.lists(st.integers(0, 600), max_size=6))
def test_an_echo_in_any_chunks(name: str, role: Role, frames: list[Frame], at: list[int]) -> None:
    peer = connect(name, role, "echo")
    for chunk in cut(octets(peer, *frames), at):
        peer.receive(chunk)
    answer = sent(peer)
    told = whole_messages(peer.events())
    echoes = [(f.opcode, f.payload) for f in answer if not f.control]
    assert echoes == [(TEXT if e.kind == "text" else BINARY, e.payload) for e in told if e.kind in ("text", "binary")]
    pings = [f.payload for f in frames if f.opcode == PING]
    assert [f.payload for f in answer if f.opcode == PONG] == pings
    assert [e.payload for e in told if e.kind == "ping"] == pings


# --- driver decisions and crashes


@pytest.mark.parametrize("role", Role)
def test_wsproto_builds_no_pong_after_its_own_close(role: Role) -> None:
    peer = connect("wsproto", role)
    peer.send_close(1000)
    peer.receive(octets(peer, Frame(PING, b"?")))
    assert sent(peer) == [close(1000)]
    assert kinds(peer.events()) == ["ping"]
    [refusal] = peer.refusals
    assert "LOCAL_CLOSING" in refusal


def test_websockets_answers_a_whole_chunk_before_text_is_checked() -> None:
    broken, ping = Frame(TEXT, b"\xff"), Frame(PING, b"!")
    peer = connect("websockets", Role.SERVER)
    peer.receive(octets(peer, broken, ping))
    assert [frame.opcode for frame in sent(peer)] == [PONG, CLOSE]
    peer = connect("websockets", Role.SERVER)
    peer.receive(octets(peer, broken))
    peer.receive(octets(peer, ping))
    assert [frame.opcode for frame in sent(peer)] == [CLOSE]
    # The events of the rest of that chunk are not told to an application that knows it is over.
    assert kinds(peer.events()) == ["failed"]


def test_an_unannounced_exception_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def burst(*_: object) -> None:
        raise KeyError("burst")

    peer = connect("wsproto", Role.SERVER)
    monkeypatch.setattr("wsproto.frame_protocol.FrameDecoder.parse_header", burst)
    with pytest.raises(PeerCrashed, match="KeyError") as crash:
        peer.receive(b"\x81\x80\0\0\0\0")
    assert isinstance(crash.value.original, KeyError)


def test_an_exception_that_websockets_swallows_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def burst(*_: object) -> None:
        raise KeyError("burst")

    peer = connect("websockets", Role.SERVER)
    monkeypatch.setattr("websockets.frames.Frame.check", burst)
    with pytest.raises(PeerCrashed, match="KeyError"):
        peer.receive(octets(peer, Frame(TEXT)))


def test_octets_after_the_end_of_the_stream_are_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    peer = connect("websockets", Role.SERVER)
    monkeypatch.setattr("websockets.protocol.Protocol.data_to_send", lambda _: [b"", b"late"])
    with pytest.raises(PeerCrashed, match="4 octets"):
        peer.receive(octets(peer, Frame(TEXT)))


@sides
def test_a_failed_handshake_is_no_connection(name: str, role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    # The canonical endpoint expects, or sends, another value of Sec-WebSocket-Accept.
    # The key is another one, because facts of heads are cached.
    monkeypatch.setattr(adapter, "FIXED_KEY", "AQIDBAUGBwgJCgsMDQ4PEA==")
    monkeypatch.setattr(accept_key, "challenge", lambda key: key + "another GUID")
    with pytest.raises(HandshakeFailed, match=f"{name} as {role} does not open a connection"):
        connect(name, role)


def test_parts_of_messages_are_joined_across_control_frames() -> None:
    parts = [
        Delivered("text", b"a", final=False),
        Delivered("ping"),
        Delivered("text", b"b"),
        Delivered("binary", b"c", final=False),
        Delivered("lost", code=1006),
    ]
    assert whole_messages(parts) == [Delivered("ping"), Delivered("text", b"ab"), Delivered("lost", code=1006)]
