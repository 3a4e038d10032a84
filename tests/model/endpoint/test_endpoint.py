"""The endpoint: octets in, events and octets out, and not one rule of its own."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.frames_read import frames_read
from tests.model.drawn import cut, few_switches, roles, streams
from wsoracle.model.endpoint.endpoint import Endpoint, Refused
from wsoracle.model.endpoint.engine import EngineName
from wsoracle.model.endpoint.events import (
    Closed,
    CloseReceived,
    EndpointEvent,
    Failed,
    MessageReceived,
    PingReceived,
    PongReceived,
)
from wsoracle.model.endpoint.extension import Extension, claiming
from wsoracle.model.machine import interpreted
from wsoracle.model.machine.interpreted import Outcome
from wsoracle.model.notation.expression import FALSE
from wsoracle.model.notation.rule import Fail, Forbid, Permit
from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import Event, EventKind, State
from wsoracle.model.octets.frames import encode, encode_header
from wsoracle.model.octets.masking_keys import CountedKeys
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.model.rules import RULES

ENGINES: tuple[EngineName, ...] = get_args(EngineName)
KEY = b"\x37\xfa\x21\x3d"
HUGE = (2**31, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1)


def _sent(endpoint: Endpoint) -> list[Frame]:
    return frames_read(endpoint.octets_to_send())


def _from_client(opcode: int, payload: bytes = b"", **fields: Any) -> bytes:
    return encode(Frame(opcode, payload, key=KEY, **fields))


def _frames(*frames: Frame) -> bytes:
    return b"".join(map(encode, frames))


class Seen:
    """All that can be seen of an endpoint while it takes chunks and then the end of TCP."""

    def __init__(self, endpoint: Endpoint, chunks: Sequence[bytes]) -> None:
        self.events: list[EndpointEvent] = []
        self.octets = b""
        self.states: list[State] = []
        for chunk in chunks:
            self.events += endpoint.receive(chunk)
            self.octets += endpoint.octets_to_send()
            self.states.append(endpoint.state)
        self.wants_tcp_close = endpoint.wants_tcp_close
        self.held = endpoint.held
        self.events += endpoint.receive_eof()
        self.types = [type(event) for event in self.events]
        self.octets += endpoint.octets_to_send()
        self.state = endpoint.state


# --- one behaviour, whatever the engine and the chunks


@given(st.data(), roles(), few_switches(), st.booleans(), st.sampled_from([130, 10_000]))
@settings(max_examples=60)
def test_compiled_and_interpreted_rules_behave_alike(
    data: st.DataObject, role: Role, chosen: Switches, echo: bool, limit: int
) -> None:
    chunks = data.draw(cut(data.draw(streams(role.peer))))
    one, other = (
        Seen(Endpoint(role, limit=limit, switches=chosen, echo=echo, engine=engine), chunks) for engine in ENGINES
    )
    assert vars(one) == vars(other)


@given(st.data(), roles(), few_switches(), st.booleans())
@settings(max_examples=150)
def test_chunks_make_no_difference(data: st.DataObject, role: Role, chosen: Switches, echo: bool) -> None:
    octets = data.draw(streams(role.peer))
    whole, pieces = (
        Seen(Endpoint(role, limit=200, switches=chosen, echo=echo), chunks)
        for chunks in ([octets], data.draw(cut(octets)))
    )
    assert whole.events == pieces.events
    assert whole.types == pieces.types
    assert whole.octets == pieces.octets
    assert whole.state == pieces.state
    assert whole.wants_tcp_close == pieces.wants_tcp_close


@given(st.lists(st.binary(max_size=200), max_size=5), roles(), st.sampled_from([0, 1, 126, 300]))
@settings(max_examples=200)
def test_any_octets_whatever(chunks: list[bytes], role: Role, limit: int) -> None:
    one, other = (Seen(Endpoint(role, limit=limit, engine=engine), chunks) for engine in ENGINES)
    assert vars(one) == vars(other)
    assert one.held <= limit + 125 + 13
    for frame in frames_read(one.octets):
        assert frame.masked is (role is Role.CLIENT)


@given(st.data(), roles(), few_switches(), st.booleans())
@settings(max_examples=30)
def test_each_choice_is_among_those_allowed(data: st.DataObject, role: Role, chosen: Switches, echo: bool) -> None:
    judged: list[tuple[State, Event, Outcome]] = []
    before = [State()]

    def observe(event: Event, outcome: Outcome) -> None:
        judged.append((before[0], event, outcome))
        before[0] = outcome.state

    endpoint = Endpoint(role, limit=100, switches=chosen, echo=echo, observe=observe)
    Seen(endpoint, data.draw(cut(data.draw(streams(role.peer)))))
    for state, event, outcome in judged:
        allowed = interpreted.allowed(state, event, endpoint.setting)
        assert (outcome.label, outcome.state) in [(found.label, found.state) for found in allowed]
    assert before[0] == endpoint.state


# --- two endpoints


@st.composite
def _actions(draw: st.DrawFn) -> list[tuple[Role, str, Any]]:
    action = st.one_of(
        st.tuples(st.just("send_text"), st.text(max_size=8)),
        st.tuples(st.just("send_binary"), st.binary(max_size=8) | st.binary(min_size=130, max_size=140)),
        st.tuples(st.just("send_fragment"), st.tuples(st.text(max_size=3), st.booleans())),
        st.tuples(st.just("ping"), st.binary(max_size=4)),
        st.tuples(st.just("pong"), st.binary(max_size=4)),
        st.tuples(st.just("deliver"), st.integers(1, 40)),
        st.tuples(st.just("deliver"), st.integers(1, 40)),
        st.tuples(st.just("close"), st.sampled_from([1000, 1001, 3000, None])) if draw(_one_in(3)) else st.nothing(),
    )
    return [(draw(roles()), *draw(action)) for _ in range(draw(st.integers(0, 25)))]


def _one_in(number: int) -> st.SearchStrategy[bool]:
    return st.integers(1, number).map(lambda drawn: drawn == 1)


class Conversation:
    """Two endpoints and the octets between them."""

    def __init__(self, **options: Any) -> None:
        self.ends = {role: Endpoint(role, limit=10_000, **options) for role in Role}
        self.under_way = dict.fromkeys(Role, b"")
        self.events: dict[Role, list[EndpointEvent]] = {role: [] for role in Role}
        self.sent: dict[Role, list[str | bytes]] = {role: [] for role in Role}
        self.parts: dict[Role, list[str]] = {role: [] for role in Role}

    def act(self, role: Role, name: str, argument: Any) -> None:
        end = self.ends[role]
        try:
            if name == "deliver":
                self.deliver(role, argument)
            elif name == "send_fragment":
                end.send_fragment(argument[0], last=argument[1])
                self.parts[role].append(argument[0])
                if argument[1]:
                    self.sent[role].append("".join(self.parts[role]))
                    self.parts[role].clear()
            else:
                getattr(end, name)(argument)
                if name.startswith("send_"):
                    self.sent[role].append(argument)
        except Refused as refused:
            assert refused.rules

    def deliver(self, role: Role, count: int | None = None) -> None:
        """Octets arrive at the peer of `role`."""
        octets = self.under_way[role] + self.ends[role].octets_to_send()
        arrived, self.under_way[role] = (octets, b"") if count is None else (octets[:count], octets[count:])
        self.events[role.peer] += self.ends[role.peer].receive(arrived)

    def finish(self) -> None:
        """Both close, all arrives, and whoever owes it closes TCP."""
        for role in Role:
            self.act(role, "send_fragment", ("", True))
            self.act(role, "close", 1000)
        for _ in range(3):
            for role in Role:
                self.deliver(role)
        assert self.ends[Role.SERVER].wants_tcp_close and not self.ends[Role.CLIENT].wants_tcp_close
        self.events[Role.SERVER] += self.ends[Role.SERVER].close_tcp()
        self.events[Role.CLIENT] += self.ends[Role.CLIENT].receive_eof()


@given(_actions())
@settings(max_examples=150)
def test_two_endpoints_understand_each_other(actions: list[tuple[Role, str, Any]]) -> None:
    talk = Conversation()
    for action in actions:
        talk.act(*action)
    talk.finish()
    for role in Role:
        events = talk.events[role]
        assert not any(isinstance(event, Failed) for event in events)
        received = [event.data for event in events if isinstance(event, MessageReceived)]
        # What was sent before the receiver had a Close; the rest of a message that the Close cut off is lost.
        assert received == talk.sent[role.peer][: len(received)]
        assert sum(isinstance(event, CloseReceived) for event in events) == 1
        assert isinstance(events[-1], Closed) and events[-1].clean
        assert talk.ends[role].held == 0
        closed = events[-1]
        (close,) = (event for event in events if isinstance(event, CloseReceived))
        assert closed.code == close.code


@given(_actions())
@settings(max_examples=10)
def test_two_endpoints_with_interpreted_rules(actions: list[tuple[Role, str, Any]]) -> None:
    talks = [Conversation(engine=engine) for engine in ENGINES]
    for talk in talks:
        for action in actions[:6]:
            talk.act(*action)
    assert talks[0].events == talks[1].events
    assert talks[0].under_way == talks[1].under_way


@given(_actions())
@settings(max_examples=60)
def test_an_echo_comes_back(actions: list[tuple[Role, str, Any]]) -> None:
    talk = Conversation()
    talk.ends[Role.SERVER] = Endpoint(Role.SERVER, limit=10_000, echo=True)
    for role, name, argument in actions:
        if name not in ("close",) and (role is Role.CLIENT or name == "deliver"):
            talk.act(role, name, argument)
    for _ in range(2):
        for role in Role:
            talk.deliver(role)
    echoed = [event.data for event in talk.events[Role.CLIENT] if isinstance(event, MessageReceived)]
    assert echoed == talk.sent[Role.CLIENT]


# --- receiving, by example


def test_the_examples_of_section_5_7() -> None:
    hello = bytes.fromhex("48656c6c6f")
    client = Endpoint(Role.CLIENT)
    assert client.receive(bytes.fromhex("8105") + hello) == [MessageReceived("Hello", ("5.4/text-message",))]
    assert client.receive(bytes.fromhex("010348656c")) == []
    assert client.receive(bytes.fromhex("80026c6f")) == [MessageReceived("Hello", ("5.4/last-text-fragment",))]
    assert client.receive(bytes.fromhex("8905") + hello) == [PingReceived(b"Hello", ("5.5.2/ping",))]
    (pong,) = _sent(client)
    assert (pong.opcode, pong.payload, pong.masked) == (PONG, b"Hello", True)
    assert client.receive(bytes.fromhex("827e0100") + bytes(256)) == [
        MessageReceived(bytes(256), ("5.4/binary-message",))
    ]
    assert client.receive(bytes.fromhex("827f0000000000010000") + bytes(65536))[0].data == bytes(65536)  # type: ignore[union-attr]
    server = Endpoint(Role.SERVER)
    assert server.receive(bytes.fromhex("818537fa213d7f9f4d5158")) == [MessageReceived("Hello", ("5.4/text-message",))]
    assert server.receive(bytes.fromhex("8a8537fa213d7f9f4d5158")) == [PongReceived(b"Hello", ("5.5.3/pong",))]
    assert server.octets_to_send() == b""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("length", HUGE)
def test_a_huge_declared_length_is_refused_at_the_header(engine: EngineName, length: int) -> None:
    server = Endpoint(Role.SERVER, engine=engine)
    header = encode_header(BINARY, length, key=KEY, form=2)
    assert server.receive(header[:-1]) == []
    (failed,) = server.receive(header[-1:])
    assert isinstance(failed, Failed)
    # A length with the sign bit set has two violations, and the lower of the two codes.
    assert failed.code == (1002 if length >= 2**63 else 1009)
    assert server.held == 0
    assert server.wants_tcp_close
    (close,) = _sent(server)
    assert close.payload == failed.code.to_bytes(2, "big")


def test_memory_follows_what_has_come_and_not_what_was_announced() -> None:
    server = Endpoint(Role.SERVER, limit=2**62)
    server.receive(encode_header(BINARY, 2**61, key=KEY))
    tracemalloc.start()
    try:
        for _ in range(64):
            assert server.receive(bytes(1024)) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert server.held == 65536
    assert peak < 1_000_000


def test_a_message_in_many_fragments_is_limited_as_a_whole() -> None:
    server = Endpoint(Role.SERVER, limit=1000)
    fragment = _from_client(CONTINUATION, bytes(100), fin=False)
    server.receive(_from_client(BINARY, bytes(100), fin=False))
    for _ in range(9):
        assert server.receive(fragment) == []
    assert server.held == 1000
    assert server.receive(_from_client(CONTINUATION, b"", fin=False) * 1000) == []
    assert server.held == 1000
    assert server.receive(fragment[:8]) == [Failed(1009, ("10.4/message-too-big",))]
    assert server.held == 0


def test_control_frames_too_long_are_refused_at_the_header() -> None:
    server = Endpoint(Role.SERVER)
    (failed,) = server.receive(encode_header(PING, 126, key=KEY))
    assert failed == Failed(1002, ("5.5/long-control",))


@pytest.mark.parametrize(("value", "noticed_at"), [("any time", 4), ("at once", 4), ("at the end", 20)])
def test_when_invalid_text_is_noticed(value: str, noticed_at: int) -> None:
    server = Endpoint(Role.SERVER, switches=Switches(invalid_utf8_noticed=value))
    octets = _from_client(TEXT, b"abc\xff" + b"x" * 16)
    noticed = [at for at in range(len(octets)) if server.receive(octets[at : at + 1])]
    assert noticed == [6 + noticed_at - 1]
    assert [frame.payload for frame in _sent(server)] == [b"\x03\xef"]


def test_text_that_is_spoilt_across_fragments() -> None:
    server = Endpoint(Role.SERVER)
    assert server.receive(_from_client(TEXT, b"\xce", fin=False)) == []
    assert server.receive(_from_client(PING)) == [PingReceived(b"", ("5.5.2/ping",))]
    assert server.receive(_from_client(CONTINUATION, b"\xba", fin=False)) == []
    assert server.receive(_from_client(CONTINUATION, b"\xce")) == [Failed(1007, ("8.1/invalid-text",))]


def test_the_end_of_an_octet_is_not_the_end_of_a_character() -> None:
    text = "κόσμε, 世界, \U0001f30d"
    server = Endpoint(Role.SERVER)
    octets = text.encode()
    parts = [octets[at : at + 1] for at in range(len(octets))]
    events = server.receive(_from_client(TEXT, fin=False))
    for part in parts:
        events += server.receive(_from_client(CONTINUATION, part, fin=False))
    events += server.receive(_from_client(CONTINUATION))
    assert events == [MessageReceived(text, ("5.4/last-text-fragment",))]


def test_after_a_failure_nothing_is_processed() -> None:
    server = Endpoint(Role.SERVER)
    events = server.receive(_from_client(3) + _from_client(TEXT, b"late") + _from_client(CLOSE))
    assert events == [Failed(1002, ("5.2/unknown-opcode",))]
    assert [frame.opcode for frame in _sent(server)] == [CLOSE]
    assert server.receive(_from_client(PING) * 3 + b"\x81") == []
    assert server.held == 0
    assert server.octets_to_send() == b""
    assert server.close_tcp() == [Closed(1006, False, ("7.1.7/server-closes-tcp",))]
    assert not server.wants_tcp_close


def test_a_client_that_failed_says_so_and_waits() -> None:
    client = Endpoint(Role.CLIENT)
    assert client.receive(_from_client(TEXT, b"masked")) == [Failed(1002, ("5.1/client-refuses-masked",))]
    assert [frame.payload for frame in _sent(client)] == [b"\x03\xea"]
    assert not client.wants_tcp_close
    assert client.receive_eof() == [Closed(1006, False, ("7.2.1/client-lost",))]


def test_nothing_follows_its_own_close() -> None:
    server = Endpoint(Role.SERVER, echo=True)
    server.close(1001, "going away")
    server.octets_to_send()
    assert len(server.receive(_from_client(PING) + _from_client(TEXT, b"hello") + _from_client(PONG))) == 3
    assert server.octets_to_send() == b""
    assert not server.wants_tcp_close
    server.receive(_from_client(CLOSE, b"\x03\xe9"))
    assert server.octets_to_send() == b""
    assert server.wants_tcp_close


def test_a_switch_makes_pongs_owed_after_close() -> None:
    server = Endpoint(Role.SERVER, switches=Switches(control_after_close="must"))
    server.close()
    server.octets_to_send()
    server.receive(_from_client(PING, b"still there?"))
    assert [frame.payload for frame in _sent(server)] == [b"still there?"]


@pytest.mark.parametrize("body", [b"", b"\x03\xe8", b"\x0f\xa0why"])
def test_a_close_is_answered_with_its_code(body: bytes) -> None:
    server = Endpoint(Role.SERVER)
    code = int.from_bytes(body[:2], "big") or 1005
    (event,) = server.receive(_from_client(CLOSE, body))
    assert event == CloseReceived(code, body[2:].decode(), ("5.5.1/close",))
    assert [(frame.opcode, frame.payload) for frame in _sent(server)] == [(CLOSE, body[:2])]
    assert server.wants_tcp_close
    assert server.close_tcp() == [Closed(code, True, ("5.5.1/server-closes-tcp",))]


def test_a_code_that_may_be_received_and_not_sent_is_answered_without_one() -> None:
    server = Endpoint(Role.SERVER, switches=Switches(code_1010_from_server="refuse"))
    server.receive(_from_client(CLOSE, b"\x03\xf2"))
    assert [frame.payload for frame in _sent(server)] == [b""]


def test_the_answer_does_not_wait_for_the_message_under_way() -> None:
    server = Endpoint(Role.SERVER, switches=Switches(close_inside_message="refused"))
    server.send_fragment("Hel")
    with pytest.raises(Refused, match=r"5\.4/send-close-inside-message"):
        server.close()
    server.receive(_from_client(CLOSE, b"\x03\xe8"))
    assert [frame.opcode for frame in _sent(server)] == [TEXT, CLOSE]


def test_only_the_latest_echo_waits_no_longer_than_it_must() -> None:
    server = Endpoint(Role.SERVER, echo=True)
    server.send_fragment("own ")
    server.octets_to_send()
    assert len(server.receive(_from_client(TEXT, b"one") + _from_client(BINARY, b"two"))) == 2
    assert server.octets_to_send() == b""
    assert server.held == 6
    server.send_fragment("text", last=True)
    assert [(frame.opcode, frame.payload) for frame in _sent(server)] == [
        (CONTINUATION, b"text"),
        (TEXT, b"one"),
        (BINARY, b"two"),
    ]
    assert server.held == 0
    assert not server.state.reply_due


def test_octets_of_any_kind_of_buffer() -> None:
    octets = _from_client(TEXT, b"Hello")
    for form in (bytes, bytearray, memoryview):
        assert len(Endpoint(Role.SERVER).receive(form(octets))) == 1


def test_the_end_of_tcp_is_told_once() -> None:
    server = Endpoint(Role.SERVER)
    server.receive(_from_client(TEXT, b"Hello")[:-1])
    assert server.receive_eof() == [Closed(1006, False, ("7.1.4/server-lost",))]
    assert server.held == 0
    assert server.receive_eof() == []
    assert server.receive(b"x") == []
    assert server.close_tcp() == []


# --- sending, by example


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_rules_forbid_is_refused_by_name(engine: EngineName) -> None:
    def refused(act: Any, *rules: str) -> None:
        before, state = endpoint.octets_to_send(), endpoint.state
        with pytest.raises(Refused) as caught:
            act()
        assert tuple(rule.id for rule in caught.value.rules) == rules
        assert all(rule.quote in str(caught.value) for rule in caught.value.rules)
        assert (endpoint.octets_to_send(), endpoint.state) == (b"", state), before

    endpoint = Endpoint(Role.SERVER, engine=engine)
    refused(lambda: endpoint.send_text("\ud800"), "5.6/text-is-utf8")
    refused(lambda: endpoint.ping(bytes(126)), "5.5/control-length")
    refused(lambda: endpoint.close(1006), "7.4.1/send-code-1006")
    refused(lambda: endpoint.close(1000, "x" * 124), "5.5/control-length")
    refused(endpoint.close_tcp, "7.3/closing-handshake-first")
    endpoint.send_fragment(b"a")
    refused(lambda: endpoint.send_text("b"), "5.4/send-not-interleaved")
    endpoint.close()
    refused(endpoint.close, "7.1.5/one-close")
    refused(lambda: endpoint.send_fragment(b"c"), "5.5.1/no-data-after-close")


def test_arguments_that_no_frame_can_carry() -> None:
    server = Endpoint(Role.SERVER)
    with pytest.raises(ValueError, match="16 bits: 65536"):
        server.close(65536)
    with pytest.raises(ValueError, match="a reason needs a code"):
        server.close(None, "why")
    with pytest.raises(ValueError, match="number of octets, not -1"):
        Endpoint(Role.SERVER, limit=-1)


def test_fragments_of_text_may_be_octets_cut_anywhere() -> None:
    server, client = Endpoint(Role.SERVER), Endpoint(Role.CLIENT)
    server.send_fragment(b"\xce", text=True)
    server.ping(b"between")
    server.send_fragment(b"\xba", last=True)
    frames = _sent(server)
    assert [(frame.opcode, frame.fin) for frame in frames] == [(TEXT, False), (PING, True), (CONTINUATION, True)]
    assert [type(event) for event in client.receive(_frames(*frames))] == [PingReceived, MessageReceived]
    server.send_fragment(b"\xce", text=True)
    with pytest.raises(Refused, match=r"5\.6/text-is-utf8"):
        server.send_fragment("", last=True)


def test_a_client_masks_each_frame_with_a_fresh_key() -> None:
    client = Endpoint(Role.CLIENT)
    for _ in range(100):
        client.send_binary(b"")
    keys = [frame.key for frame in _sent(client)]
    assert len(set(keys)) == 100 and None not in keys
    again = Endpoint(Role.CLIENT)
    again.send_binary(b"")
    assert _sent(again)[0].key == keys[0]
    own = Endpoint(Role.CLIENT, mask_key=iter([b"1234", b"5678"]).__next__)
    own.ping()
    own.ping()
    assert [frame.key for frame in _sent(own)] == [b"1234", b"5678"]
    assert CountedKeys(first=1)() == keys[1]


def test_no_key_is_used_up_by_what_is_refused() -> None:
    used: list[bytes] = []
    keys = CountedKeys()
    client = Endpoint(Role.CLIENT, mask_key=lambda: used.append(keys()) or used[-1])  # type: ignore[func-returns-value]
    with pytest.raises(Refused):
        client.close(1005)
    assert used == []


def test_a_should_can_be_departed_from_and_a_must_cannot() -> None:
    client = Endpoint(Role.CLIENT)
    client.close()
    client.receive(_frames(Frame(CLOSE, b"\x03\xe8")))
    with pytest.raises(Refused, match=r"7\.1\.1/client-waits"):
        client.close_tcp()
    assert client.close_tcp(anyway=True) == [Closed(1000, True, ("5.5.1/client-may-close-tcp",))]
    attacked = Endpoint(Role.SERVER)
    assert attacked.close_tcp(anyway=True) == [Closed(1006, False, ("7.1.1/any-means",))]
    silent = Endpoint(Role.SERVER, rules=RULES.without("5.5.1/close-owed"))
    silent.receive(_from_client(CLOSE))
    with pytest.raises(Refused, match=r"5\.5\.1/answer-close-first"):
        silent.close_tcp(anyway=True)


def test_the_observer_is_told_of_both_directions() -> None:
    seen: list[tuple[EventKind, str]] = []
    server = Endpoint(Role.SERVER, observe=lambda event, outcome: seen.append((event.kind, outcome.rules[0])))
    server.receive(_from_client(TEXT, b"Hello") + _from_client(CLOSE))
    server.close_tcp()
    assert seen == [
        (EventKind.RECEIVE, "5.4/text-message"),
        (EventKind.RECEIVE, "5.5.1/close"),
        (EventKind.SEND, "7.1.2/send-close"),
        (EventKind.CLOSE_TCP, "5.5.1/server-closes-tcp"),
    ]


# --- extensions


class Reversing:
    """A toy extension: RSV1 marks messages whose octets come last to first."""

    claims = frozenset({1})

    def __init__(self) -> None:
        self.received = b""
        self.to_send = b""

    def transforms_received(self, opcode: int, bits: frozenset[int]) -> bool:
        assert opcode in (TEXT, BINARY)
        return 1 in bits

    def decode(self, octets: bytes, last: bool) -> bytes:
        self.received += octets
        whole, self.received = (self.received[::-1], b"") if last else (b"", self.received)
        return whole

    def transforms_sent(self, opcode: int) -> frozenset[int] | None:
        return self.claims if opcode == TEXT else None

    def encode(self, octets: bytes, last: bool) -> bytes:
        self.to_send += octets
        whole, self.to_send = (self.to_send[::-1], b"") if last else (b"", self.to_send)
        return whole


class Doubling:
    """Another: RSV3, each octet twice."""

    claims = frozenset({3})

    def transforms_received(self, opcode: int, bits: frozenset[int]) -> bool:
        return 3 in bits

    def decode(self, octets: bytes, last: bool) -> bytes:
        return octets[::2]

    def transforms_sent(self, opcode: int) -> frozenset[int] | None:
        return self.claims

    def encode(self, octets: bytes, last: bool) -> bytes:
        return bytes(octet for octet in octets for _ in range(2))


def _pair(*kinds: type[Extension], **options: Any) -> tuple[Endpoint, Endpoint]:
    client, server = (Endpoint(role, extensions=[kind() for kind in kinds], **options) for role in Role)
    return client, server


@pytest.mark.parametrize("engine", ENGINES)
def test_an_extension_transforms_messages(engine: EngineName) -> None:
    client, server = _pair(Reversing, engine=engine)
    client.send_text("κόσμε")
    (frame,) = frames = _sent(client)
    assert frame.rsv1 and frame.payload == "κόσμε".encode()[::-1]
    client.send_binary(b"as it is")
    frames += _sent(client)
    assert not frames[1].rsv1
    client.send_fragment("κόσ")
    client.send_fragment("με", last=True)
    frames += _sent(client)
    assert [(frame.rsv1, frame.payload) for frame in frames[2:]] == [(True, b""), (False, "κόσμε".encode()[::-1])]
    expected = [
        MessageReceived("κόσμε", ("5.4/text-message",)),
        MessageReceived(b"as it is", ("5.4/binary-message",)),
        MessageReceived("κόσμε", ("5.4/last-text-fragment",)),
    ]
    assert server.receive(_frames(*frames)) == expected
    octets = _frames(*frames)
    _, other = _pair(Reversing, engine=engine)
    assert [event for at in range(len(octets)) for event in other.receive(octets[at : at + 1])] == expected


def test_text_is_judged_as_it_comes_out_of_an_extension() -> None:
    _, server = _pair(Reversing)
    assert server.receive(_from_client(TEXT, b"\xba\xce", rsv1=True)) == [MessageReceived("κ", ("5.4/text-message",))]
    assert server.receive(_from_client(TEXT, b"\xce\xba", rsv1=True)) == [Failed(1007, ("8.1/invalid-text",))]


def test_only_what_was_negotiated_may_use_a_bit() -> None:
    _, server = _pair(Reversing)
    assert server.state == State(claims_rsv1=True)
    assert server.receive(_from_client(TEXT, rsv2=True)) == [Failed(1002, ("5.2/reserved-bits",))]
    assert Endpoint(Role.SERVER).receive(_from_client(TEXT, rsv1=True)) == [Failed(1002, ("5.2/reserved-bits",))]


def test_extensions_work_one_after_the_other() -> None:
    client, server = _pair(Reversing, Doubling)
    client.send_text("abc")
    (frame,) = _sent(client)
    assert (frame.rsv1, frame.rsv3, frame.payload) == (True, True, b"ccbbaa")
    assert server.receive(encode(frame)) == [MessageReceived("abc", ("5.4/text-message",))]
    client.send_binary(b"abc")
    (frame,) = _sent(client)
    assert (frame.rsv1, frame.rsv3, frame.payload) == (False, True, b"aabbcc")
    assert server.receive(encode(frame)) == [MessageReceived(b"abc", ("5.4/binary-message",))]


def test_an_extension_sees_nothing_of_what_is_refused() -> None:
    extension = Reversing()
    server = Endpoint(Role.SERVER, extensions=[extension])
    server.close()
    with pytest.raises(Refused):
        server.send_fragment("never")
    assert extension.to_send == b""
    other = Reversing()
    receiving = Endpoint(Role.SERVER, extensions=[other], limit=3)
    assert receiving.receive(_from_client(TEXT, b"abcd", rsv1=True)) == [Failed(1009, ("10.4/message-too-big",))]
    assert other.received == b""


def test_bits_are_claimed_once() -> None:
    with pytest.raises(ValueError, match="RSV1 is claimed twice"):
        claiming([Reversing(), Reversing()])
    strange = Reversing()
    strange.claims = frozenset({4})
    with pytest.raises(ValueError, match="RSV4"):
        Endpoint(Role.SERVER, extensions=[strange])


# --- other rules


def test_the_payload_of_a_decided_frame_is_passed_over() -> None:
    """With the rules as they are, nothing is read after such a frame; these go on."""
    tolerant = RULES.replacing("5.2/unknown-opcode", then=Fail(code=1002))
    server = Endpoint(Role.SERVER, rules=tolerant)
    octets = _from_client(3, bytes(1000)) + _from_client(TEXT, b"next")
    assert server.role is Role.SERVER
    events: list[EndpointEvent] = []
    for at in range(0, len(octets), 100):
        events += server.receive(octets[at : at + 100])
        assert server.held <= 13
    assert events == [Failed(1002, ("5.2/unknown-opcode",)), MessageReceived("next", ("5.4/text-message",))]


def test_a_mutant_of_the_rules_makes_a_mutant_endpoint() -> None:
    lax = Endpoint(Role.SERVER, rules=RULES.without("5.2/reserved-bits"))
    assert len(lax.receive(_from_client(TEXT, b"Hello", rsv3=True))) == 1
    mute = Endpoint(Role.SERVER, rules=RULES.without("5.5.2/pong-owed"))
    mute.receive(_from_client(PING))
    assert mute.octets_to_send() == b""
    unmasked = Endpoint(Role.CLIENT, rules=RULES.without("5.1/client-masks"))
    unmasked.ping()
    assert not _sent(unmasked)[0].masked


@pytest.mark.parametrize("engine", ENGINES)
def test_faulty_rules_do_not_make_it_raise_or_run_forever(engine: EngineName) -> None:
    octets = (
        _from_client(TEXT, b"\xff")
        + _from_client(PING, b"x")
        + _from_client(CONTINUATION, b"\xff")
        + _from_client(BINARY, b"ab", fin=False)
        + _from_client(TEXT, b"inside")
        + encode(Frame(TEXT, b"bare"))
        + _from_client(CLOSE, b"\x03\xe8\xff")
        + _from_client(CLOSE)
    )
    pong = RULES.by_id["5.5.3/send-pong"]
    mutants = [
        RULES.replacing("5.5.3/send-pong", then=Permit()),
        RULES.replacing("5.5.3/send-pong", then=Forbid()),
        RULES.replacing("8.1/invalid-text", when=FALSE),
        RULES.replacing("8.1/invalid-close-reason", when=FALSE),
        RULES.replacing("5.4/continuation-without-message", when=FALSE),
        RULES.replacing("7.1.7/nothing-after-failing", when=FALSE),
        RULES.without("5.5.1/close"),
        RULES.without("7.1.4/server-lost"),
    ]
    assert isinstance(pong.then, Permit)
    for rules in mutants:
        for size in (1, len(octets)):
            server = Endpoint(Role.SERVER, rules=rules, engine=engine)
            for at in range(0, len(octets), size):
                server.receive(octets[at : at + size])
            server.receive_eof()
            assert len(frames_read(server.octets_to_send())) <= 4
