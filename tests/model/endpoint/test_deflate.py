"""permessage-deflate at an endpoint: negotiated in both roles, messages there and back, and what is refused."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.endpoint.deflate import DeflateOffer, PermessageDeflate
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.events import Failed, MessageReceived, PongReceived
from wsoracle.model.endpoint.handshake_client import ClientOpening
from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.notation.switches import Switches
from wsoracle.model.octets.deflate_parameters import BITS, DeflateParameters, read_parameters, write_parameters
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, PING, TEXT, Frame, Role

bits = st.none() | st.sampled_from(BITS)
wishes = st.builds(DeflateOffer, st.booleans(), st.booleans(), bits, bits)
pieces = st.lists(st.lists(st.text(max_size=40) | st.just("abc" * 400), min_size=1, max_size=3), max_size=4)


def opened(client: DeflateOffer, server: DeflateOffer) -> tuple[Endpoint, Endpoint]:
    """A client and a server after their opening handshake."""
    ours = Endpoint(Role.CLIENT, opening=ClientOpening("ws://example.com/", extensions=[client]))
    theirs = Endpoint(Role.SERVER, opening=ServerOpening(extensions=[server]))
    theirs.receive(ours.octets_to_send())
    ours.receive(theirs.octets_to_send())
    return ours, theirs


def server(agreed: DeflateParameters | None = None, *, limit: int = 1 << 20, **switches: str) -> Endpoint:
    """A server on a connection where permessage-deflate was agreed on."""
    extension = PermessageDeflate(Role.SERVER, agreed or DeflateParameters())
    return Endpoint(Role.SERVER, limit=limit, extensions=[extension], switches=Switches(**switches))


def frame(payload: bytes, opcode: int = TEXT, *, fin: bool = True, rsv1: bool = True) -> bytes:
    """A masked frame."""
    return encode(Frame(opcode, payload, fin, rsv1, False, False, b"\x37\xfa\x21\x3d"))


@given(wishes, wishes, pieces, pieces)
def test_both_ends_agree_and_understand_each_other(
    client: DeflateOffer, wanted: DeflateOffer, sent: list[list[str]], answered: list[list[str]]
) -> None:
    """Any wishes: windows and contexts are the same at both ends, and each message comes out as it went in."""
    ours, theirs = opened(client, wanted)
    one, other = ours.state, theirs.state
    assert (one.send_window, one.send_takeover) == (other.recv_window, other.recv_takeover)
    assert (one.recv_window, one.recv_takeover) == (other.send_window, other.send_takeover)
    assert one.recv_window and (
        client.server_max_window_bits is None or one.recv_window <= 1 << client.server_max_window_bits
    )
    assert not (client.server_no_context_takeover and one.recv_takeover)
    for sender, receiver, messages in ((ours, theirs, sent), (theirs, ours, answered)):
        for fragments in messages:
            for index, fragment in enumerate(fragments):
                sender.send_fragment(fragment, last=index == len(fragments) - 1)
                sender.ping(b"between")
            told = receiver.receive(sender.octets_to_send())
            assert [event.data for event in told if isinstance(event, MessageReceived)] == ["".join(fragments)]
            assert receiver.state.recv_history == sender.state.send_history


@given(st.lists(st.binary(max_size=40) | st.just(bytes.fromhex("f248cdc9c90700")), max_size=4), st.integers(1, 50))
def test_any_octets_are_taken_in_any_chunks(payloads: list[bytes], size: int) -> None:
    """Compressed or not, malformed or not: cuts between chunks make no difference, and nothing raises."""
    octets = b"".join(frame(payload) for payload in payloads)
    whole, cut = server(limit=100), server(limit=100)
    expected = whole.receive(octets)
    found = [event for at in range(0, len(octets), size) for event in cut.receive(octets[at : at + size])]
    assert found == expected
    assert cut.octets_to_send() == whole.octets_to_send()


EXAMPLES = {
    "7.2.3.1": ["c107f248cdc9c90700"],
    "7.2.3.1, fragmented": ["4103f248cd", "8004c9c90700"],
    "7.2.3.3": ["c10b000500faff48656c6c6f00"],
    "7.2.3.4": ["c108f348cdc9c9070000"],
    "7.2.3.5": ["c10df24805000000ffffcac9c90700"],
}


@pytest.mark.parametrize("section", EXAMPLES)
def test_examples_of_rfc_7692(section: str) -> None:
    """The frames of section 7.2.3 say Hello to a client."""
    client = Endpoint(Role.CLIENT, extensions=[PermessageDeflate(Role.CLIENT, DeflateParameters())])
    told = [event for octets in EXAMPLES[section] for event in client.receive(bytes.fromhex(octets))]
    assert [event.data for event in told if isinstance(event, MessageReceived)] == ["Hello"]


def test_the_window_is_shared_over_plain_messages() -> None:
    """Section 7.2.3.2: the second Hello refers to the first one, a plain message between them."""
    peer = server()
    octets = frame(bytes.fromhex("f248cdc9c90700")) + frame(b"plain", rsv1=False) + frame(bytes.fromhex("f200110000"))
    assert [event.data for event in peer.receive(octets) if isinstance(event, MessageReceived)] == [
        "Hello",
        "plain",
        "Hello",
    ]
    assert peer.state.recv_history == 10


REFUSED = {
    "malformed": (frame(b"\x07"), 1007, "7692.7.2.2/malformed"),
    "refers to nothing": (frame(bytes.fromhex("f200110000")), 1007, "7692.7.2.2/malformed"),
    "no payload": (frame(b""), 1002, "7692.7.2.2/may-fail-no-payload-by-1002"),
    "mark on a Ping": (frame(b"", PING), 1002, "7692.6.1/mark-out-of-place"),
    "mark on a continuation": (
        frame(b"\xf2", fin=False) + frame(b"", CONTINUATION),
        1002,
        "7692.6.1/mark-out-of-place",
    ),
    "no text": (frame(bytes.fromhex("0001 00 fe ff ff 00".replace(" ", ""))), 1007, "8.1/invalid-text"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(what: str) -> None:
    """With its code and rule."""
    octets, code, rule = REFUSED[what]
    (failed,) = [event for event in server().receive(octets) if isinstance(event, Failed)]
    assert (failed.code, rule in failed.rules) == (code, True)


def test_a_message_without_payload_may_be_taken() -> None:
    """The switch says so."""
    peer = server(empty_deflate_payload="accept")
    assert [event.data for event in peer.receive(frame(b"")) if isinstance(event, MessageReceived)] == [""]


def test_a_bomb_is_refused_with_1009_and_holds_no_more_than_the_limit() -> None:
    """1 MiB of zeros in about a kilobyte, a limit of 1000 octets."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    payload = (bomb.compress(bytes(1 << 20)) + bomb.flush(zlib.Z_SYNC_FLUSH))[:-4]
    peer = server(limit=2000)
    (failed,) = [event for event in peer.receive(frame(payload, BINARY)) if isinstance(event, Failed)]
    assert (failed.code, peer.held) == (1009, 0)


@pytest.mark.parametrize(
    "offered", ["x", "server_max_window_bits", "server_max_window_bits=7", "client_max_window_bits=016"]
)
def test_an_unsound_offer_is_declined(offered: str) -> None:
    """And the next one is looked at: declining is no failure."""
    name, _, value = offered.partition("=")
    assert DeflateOffer().agree(((name, value or None),)) is None
    answer = DeflateOffer().agree(())
    assert answer is not None and answer[0] == ()


def test_a_client_window_is_limited_only_where_that_was_offered() -> None:
    """Section 7.1.2.2."""
    wants = DeflateOffer(client_max_window_bits=9)
    for offered, agreed in ((DeflateParameters(), 0), (DeflateParameters(client_max_window_bits=1), 9)):
        answer = wants.agree(write_parameters(offered))
        assert answer is not None
        assert read_parameters(answer[0]).client_max_window_bits == agreed


def test_bits_are_8_to_15() -> None:
    """Of an offer of our own."""
    with pytest.raises(ValueError, match="8 to 15"):
        DeflateOffer(server_max_window_bits=16)


def test_a_pong_between_fragments_keeps_the_message() -> None:
    """Control frames stand between compressed fragments (section 6.1)."""
    peer = server()
    told = peer.receive(
        frame(b"\xf2\x48\xcd", fin=False)
        + frame(b"", 10, rsv1=False)
        + frame(b"\xc9\xc9\x07\0", CONTINUATION, rsv1=False)
    )
    assert [type(event) for event in told] == [PongReceived, MessageReceived]
