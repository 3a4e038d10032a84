"""The opening handshake of the endpoint: heads in, answers out, and no rule of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.model.drawn import cut, few_switches, streams
from wsoracle.model.endpoint.endpoint import Endpoint, Refused
from wsoracle.model.endpoint.engine import EngineName
from wsoracle.model.endpoint.events import (
    Closed,
    EndpointEvent,
    Failed,
    HandshakeRefused,
    MessageReceived,
    Opened,
    RequestReceived,
)
from wsoracle.model.endpoint.extension import Parameters
from wsoracle.model.endpoint.handshake_client import ClientOpening
from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.facts.heads import request_octets, response_octets
from wsoracle.model.machine import interpreted
from wsoracle.model.machine.interpreted import Kind, Outcome
from wsoracle.model.notation.expression import Sort, evaluate
from wsoracle.model.notation.head_variables import (
    HEAD_VARIABLES,
    REQUEST_VARIABLES,
    RESPONSE_VARIABLES,
    RequestFacts,
    ResponseFacts,
    value_of,
)
from wsoracle.model.notation.rule import Due
from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import CONNECTING, HANDSHAKE, Event, EventKind, State, environment, possible
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.http import HEAD_LIMIT, HeadParser, ParsedHead, Request, Response
from wsoracle.model.octets.vocabulary import BINARY, PING, TEXT, Frame, Role
from wsoracle.model.rules import RULES

ENGINES: tuple[EngineName, ...] = get_args(EngineName)
URI = "ws://server.example.com/chat"
KEY = b"\x37\xfa\x21\x3d"
REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
HELLO = encode(Frame(TEXT, b"hello", key=KEY))
WELCOME = encode(Frame(TEXT, b"welcome"))


def _server(**fields: Any) -> Endpoint:
    opening = {name: fields.pop(name) for name in ("subprotocols", "extensions", "decide") if name in fields}
    return Endpoint(Role.SERVER, opening=ServerOpening(**opening), **fields)


def _client(**fields: Any) -> Endpoint:
    names = ("subprotocols", "extensions", "origin", "headers", "nonce", "uri")
    opening = {"uri": URI, **{name: fields.pop(name) for name in names if name in fields}}
    return Endpoint(Role.CLIENT, opening=ClientOpening(**opening), **fields)


def _sample_nonce() -> bytes:
    return b"the sample nonce"  # whose key is that of the example in section 1.3


def _request_of(endpoint: Endpoint) -> Request:
    head = _read(Role.SERVER, endpoint.octets_to_send()).head
    assert isinstance(head, Request)
    return head


def _answer_of(endpoint: Endpoint) -> Response:
    head = _read(Role.CLIENT, endpoint.octets_to_send()).head
    assert isinstance(head, Response)
    return head


def _read(role: Role, octets: bytes) -> ParsedHead:
    reader = HeadParser(role)
    reader.feed(octets)
    assert isinstance(reader.result, ParsedHead) and not reader.result.tolerated
    return reader.result


class Trace:
    """What was judged, with the state before."""

    def __init__(self) -> None:
        self.steps: list[tuple[State, Event, Outcome]] = []
        self.state = CONNECTING

    def __call__(self, event: Event, outcome: Outcome) -> None:
        self.steps.append((self.state, event, outcome))
        self.state = outcome.state

    def check(self, endpoint: Endpoint) -> None:
        """Each choice is among those that the rules allow, and one state goes from end to end."""
        assert self.state == endpoint.state
        for state, event, outcome in self.steps:
            assert evaluate(possible(event.kind), environment(endpoint.setting, state, event.facts))
            allowed = interpreted.allowed(state, event, endpoint.setting)
            assert (outcome.label, outcome.state) in [(found.label, found.state) for found in allowed]
        due = {due for due, _ in interpreted.owed(endpoint.state, endpoint.setting)}
        assert not due & {Due.REQUEST, Due.RESPONSE}


# --- heads by their facts


def _changes(names: Any) -> st.SearchStrategy[dict[str, Any]]:
    def value(name: str) -> st.SearchStrategy[Any]:
        variable = HEAD_VARIABLES[name]
        if name == "status":
            return st.sampled_from([100, 103, 101, 200, 204, 302, 401, 404, 426, 500, 999])
        return (
            st.integers(variable.low, variable.high) if type(variable.low) is int and variable.high else st.booleans()
        )

    return st.lists(st.sampled_from(sorted(names)).flatmap(lambda n: st.tuples(st.just(n), value(n))), max_size=4).map(
        dict
    )


def _octets_of_request(facts: RequestFacts) -> bytes:
    try:
        return request_octets(facts)
    except ValueError:
        assume(False)
        raise


def _check_server(facts: RequestFacts, octets: bytes, chosen: Switches, engine: EngineName = "compiled") -> None:
    trace = Trace()
    server = _server(switches=chosen, observe=trace, engine=engine)
    events = server.receive(octets)
    trace.check(server)
    (_, heard, outcome), (_, _, answered) = trace.steps
    assert heard.kind is EventKind.RECEIVE_REQUEST
    assert heard.head == facts._replace(for_uri=True)
    answer, label = _answer_of(server), outcome.label
    if label.kind is Kind.REFUSE:
        assert answer.status == label.code
    else:
        assert answer.status == (101 if label.delivers == "opening handshake" else 426)
    allowed = interpreted.allowed(CONNECTING, heard, server.setting)
    binding = {rule.id for rule in interpreted.forbidden_by(CONNECTING, heard, server.setting)}
    assert (answer.status == 101) <= (not binding)
    assert (label.kind is Kind.REFUSE) >= bool(binding)
    assert label in [found.label for found in allowed]
    opened = [event for event in events if isinstance(event, Opened)]
    assert bool(opened) is (answer.status == 101) is (server.state.handshake == 0)
    assert server.wants_tcp_close is (answer.status != 101)
    if answer.status != 101:
        assert HANDSHAKE[server.state.handshake] == "refused"
        (refused,) = (event for event in events if isinstance(event, HandshakeRefused))
        assert refused.response == answer
        assert refused.rules == (outcome.rules if label.kind is Kind.REFUSE else answered.rules)
        assert answer.values("Content-Length") == ["0"] and "close" in answer.values("Connection")[0]
        assert (answer.status == 426) <= (answer.values("Sec-WebSocket-Version") == ["13"])
        assert server.receive(HELLO) == [] and server.octets_to_send() == b""


def _single(variables: Any) -> list[tuple[str, Any]]:
    cases: list[tuple[str, Any]] = []
    for name, variable in variables.items():
        if name == "status":
            cases += [(name, value) for value in (100, 199, 200, 300, 401, 404, 426, 500, 999)]
        elif variable.sort is Sort.BOOL:
            cases += [(name, False), (name, True)]
        else:
            cases += [(name, value) for value in range(variable.high + 1)]
    return cases


@pytest.mark.parametrize(("name", "value"), _single(REQUEST_VARIABLES))
def test_a_server_answers_each_single_deviation_as_the_rules_say(name: str, value: Any) -> None:
    facts = RequestFacts()._replace(**{name: value})
    try:
        octets = request_octets(facts)
    except ValueError:
        pytest.skip("no request has these facts")
    _check_server(facts, octets, Switches())


@given(_changes(REQUEST_VARIABLES), few_switches())
@settings(max_examples=200)
def test_a_server_answers_requests_as_the_rules_say(changes: dict[str, Any], chosen: Switches) -> None:
    facts = RequestFacts()._replace(**changes)
    _check_server(facts, _octets_of_request(facts), chosen)


def _check_client(facts: ResponseFacts, chosen: Switches, engine: EngineName = "compiled") -> None:
    trace = Trace()
    nothing: Any = Agreeable("x-private"), Agreeable("permessage-deflate", frozenset({1}))
    offers = [] if facts.subprotocol == value_of("subprotocol", "absent") else ["chat"]
    client = _client(
        switches=chosen, observe=trace, engine=engine, subprotocols=offers, extensions=nothing, nonce=_sample_nonce
    )
    request = _request_of(client)
    try:
        octets = response_octets(facts, request)
    except ValueError:
        assume(False)
        raise
    events = client.receive(octets + WELCOME)
    trace.check(client)
    _, heard, outcome = trace.steps[1]
    assert heard.kind is EventKind.RECEIVE_RESPONSE
    assert heard.head == facts
    opened = outcome.label.delivers == "open"
    assert [type(event) for event in events if not isinstance(event, Failed)] == {
        "open": [Opened, MessageReceived],
        "refused": [HandshakeRefused],
        None: [],
    }[outcome.label.delivers]
    assert opened is (client.state.handshake == 0)
    binding = interpreted.forbidden_by(trace.steps[1][0], heard, client.setting)
    assert opened <= (not binding)
    failed = [event for event in events if isinstance(event, Failed)]
    if outcome.label.kind is Kind.FAIL:
        assert failed == [Failed(1006, outcome.rules)]
        assert client.wants_tcp_close and client.octets_to_send() == b""
        (closed,) = client.close_tcp()
        assert isinstance(closed, Closed) and (closed.code, closed.clean) == (1006, False)
    elif outcome.label.delivers == "refused":
        assert client.wants_tcp_close


@pytest.mark.parametrize(("name", "value"), _single(RESPONSE_VARIABLES))
def test_a_client_takes_each_single_deviation_as_the_rules_say(name: str, value: Any) -> None:
    facts = ResponseFacts(extensions=1)._replace(**{name: value})
    try:
        response_octets(facts, Request("1.1", (("Sec-WebSocket-Protocol", "chat"), *_OFFERS)))
    except ValueError:
        pytest.skip("no response has these facts")
    _check_client(facts, Switches())


_OFFERS = (("Sec-WebSocket-Extensions", "x-private, permessage-deflate"), ("Sec-WebSocket-Key", "any"))


@given(_changes(RESPONSE_VARIABLES), few_switches())
@settings(max_examples=200)
def test_a_client_takes_responses_as_the_rules_say(changes: dict[str, Any], chosen: Switches) -> None:
    _check_client(ResponseFacts()._replace(**changes), chosen)


# --- extensions for tests


class Agreeable:
    """An extension that agrees to what has no parameters, and turns the octets of messages round."""

    def __init__(self, name: str, claims: frozenset[int] = frozenset()) -> None:
        self.name, self.claims = name, claims

    def offers(self) -> Sequence[Parameters]:
        return [()]

    def agree(self, offered: Parameters) -> tuple[Parameters, Agreeable] | None:
        return None if offered else ((), self)

    def start(self, agreed: Parameters) -> Agreeable | None:
        return None if agreed else self

    def transforms_received(self, opcode: int, bits: frozenset[int]) -> bool:
        return bool(self.claims) and bits >= self.claims

    def decode(self, octets: bytes, last: bool) -> bytes:
        return octets[::-1]

    def transforms_sent(self, opcode: int) -> frozenset[int] | None:
        return self.claims or None

    def encode(self, octets: bytes, last: bool) -> bytes:
        return octets[::-1]


# --- any octets, any chunks


class Seen:
    """All that can be seen of an endpoint while it takes chunks and then the end of TCP."""

    def __init__(self, endpoint: Endpoint, chunks: Sequence[bytes]) -> None:
        self.events: list[EndpointEvent] = []
        self.octets = endpoint.octets_to_send()
        self.held = 0
        for chunk in chunks:
            self.events += endpoint.receive(chunk)
            self.octets += endpoint.octets_to_send()
            self.held = max(self.held, endpoint.held)
        self.state = endpoint.state
        self.wants_tcp_close = endpoint.wants_tcp_close
        self.events += endpoint.receive_eof()
        self.octets += endpoint.octets_to_send()
        self.types = [type(event) for event in self.events]
        self.ended = endpoint.state

    def same(self, other: Seen) -> bool:
        mine, theirs = ({**vars(seen), "held": 0} for seen in (self, other))
        return mine == theirs


_PIECES = {
    Role.SERVER: [
        *(REQUEST, b"\r\n", b"\r\n\r\n", b"GET / HTTP/1.1\r\n", b"Upgrade: websocket\r\n", b" folded\r\n", b"\n"),
        *(b"Host: x\r\n", b"\0", b"Origin: \xff\r\n", b"x" * 50, b"Content-Length: 3\r\n", b"PRI * HTTP/2.0"),
    ],
    Role.CLIENT: [
        *(ACCEPTED, b"\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 101 x\r\n", b"HTTP/1.0 404 \r\n\r\n"),
        *(b"Upgrade: websocket\r\n", b"\0", b" folded\r\n", b"H", b"\n", b"X-Y: \xff\r\n"),
    ],
}


@st.composite
def _octets(draw: st.DrawFn, role: Role) -> bytes:
    pieces = st.sampled_from(_PIECES[role]) | st.binary(max_size=6)
    head = b"".join(draw(st.lists(pieces, max_size=6)))
    if draw(st.booleans()):
        head = (REQUEST + b"\r\n" if role is Role.SERVER else ACCEPTED) + head
    if draw(st.booleans()) and head:
        at = draw(st.integers(0, len(head) - 1))
        head = head[:at] + draw(st.binary(max_size=2)) + head[at + draw(st.integers(0, 2)) :]
    return head + draw(streams(role.peer))


def _endpoint(role: Role, **fields: Any) -> Endpoint:
    return _server(**fields) if role is Role.SERVER else _client(nonce=_sample_nonce, **fields)


@pytest.mark.parametrize("role", Role)
@given(data=st.data(), chosen=few_switches())
@settings(max_examples=200)
def test_any_octets_in_any_chunks(role: Role, data: st.DataObject, chosen: Switches) -> None:
    octets = data.draw(_octets(role))
    chunks = data.draw(cut(octets))
    whole, pieces = (Seen(_endpoint(role, switches=chosen, limit=300), cuts) for cuts in ([octets], chunks))
    assert whole.same(pieces), (vars(whole), vars(pieces))
    assert pieces.held <= HEAD_LIMIT
    assert not whole.ended.peer_open and whole.types.count(Closed) == 1
    opened = Opened in whole.types
    assert opened or MessageReceived not in whole.types
    assert whole.types.index(Opened) < whole.types.index(MessageReceived) if MessageReceived in whole.types else True


@pytest.mark.parametrize("role", Role)
@given(data=st.data())
@settings(max_examples=30)
def test_one_octet_at_a_time_is_no_different(role: Role, data: st.DataObject) -> None:
    octets = data.draw(_octets(role))[:600]
    whole, pieces = (
        Seen(_endpoint(role, limit=300), cuts)
        for cuts in ([octets], [octets[at : at + 1] for at in range(len(octets))])
    )
    assert whole.same(pieces)


@pytest.mark.parametrize("role", Role)
@given(data=st.data(), chosen=few_switches())
@settings(max_examples=40)
def test_engines_agree(role: Role, data: st.DataObject, chosen: Switches) -> None:
    chunks = data.draw(cut(data.draw(_octets(role))))
    compiled, rules = (Seen(_endpoint(role, switches=chosen, engine=engine), chunks) for engine in ENGINES)
    assert vars(compiled) == vars(rules)


@pytest.mark.parametrize("role", Role)
@given(data=st.data(), chosen=few_switches())
@settings(max_examples=40)
def test_each_choice_is_among_those_allowed(role: Role, data: st.DataObject, chosen: Switches) -> None:
    trace = Trace()
    endpoint = _endpoint(role, switches=chosen, observe=trace, echo=True)
    Seen(endpoint, data.draw(cut(data.draw(_octets(role)))))
    trace.check(endpoint)


# --- bad input, one by one

_LONG = REQUEST + b"Cookie: " + b"x" * HEAD_LIMIT + b"\r\n\r\n"
_BAD_REQUESTS: dict[str, tuple[bytes, int | None]] = {
    "64 KiB of headers": (_LONG, 431),
    "no end of headers": (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000, 431),
    "no end of the first line": (b"GET /" + b"a" * 70_000, 431),
    "NUL in the first line": (b"GET /\0 HTTP/1.1\r\n\r\n", 400),
    "NUL in a name": (REQUEST + b"X\0Y: z\r\n\r\n", 400),
    "NUL in a value": (REQUEST + b"X: y\0\r\n\r\n", 400),
    "bare LF": (REQUEST.replace(b"\r\n", b"\n") + b"\n", 400),
    "obs-fold": (REQUEST + b"X: y\r\n z\r\n\r\n", 400),
    "non-ASCII in the target": (REQUEST.replace(b"/chat", "/ch\u00e4t".encode()) + b"\r\n", 400),
    "non-ASCII in a name": (REQUEST + "N\u00e4me: x\r\n\r\n".encode(), 400),
    "non-ASCII in a value": (REQUEST + "X: \u00e4\r\n\r\n".encode(), 101),
    "a body": (REQUEST + b"Content-Length: 5\r\n\r\nhello", 400),
    "a body in chunks": (REQUEST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "lengths that are none": (REQUEST + b"Content-Length: many\r\n\r\n", 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), 426),
    "TLS": (bytes.fromhex("16030100f8010000f40303") + bytes(range(40)), 400),
    "garbage": (b"\xff\xfe\xfd", 400),
    "a frame": (HELLO, 400),
    "letters only": (b"hello", None),
    "lines only": (b"\r\n\r\n\r\n", None),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "HTTP/1.0": (REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n", 404),
    "plain HTTP": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426),
    "an old version": (REQUEST.replace(b"Version: 13", b"Version: 8") + b"\r\n", 426),
}


@pytest.mark.parametrize("name", _BAD_REQUESTS)
@pytest.mark.parametrize("step", [1_000_000, 4096, 7])
def test_bad_requests_have_a_defined_answer(name: str, step: int) -> None:
    octets, status = _BAD_REQUESTS[name]
    seen = Seen(_server(), [octets[at : at + step] for at in range(0, len(octets), step)])
    assert seen.held <= HEAD_LIMIT
    assert (int(seen.octets.split()[1]) if seen.octets else None) == status
    assert not seen.ended.peer_open
    assert seen.wants_tcp_close is (status not in (101, None))


@pytest.mark.parametrize(
    "octets",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        ACCEPTED.replace(b"websocket", b"web\0socket"),
        ACCEPTED.replace(b"\r\n", b"\n"),
        WELCOME,
    ],
)
@pytest.mark.parametrize("step", [1_000_000, 4096, 7])
def test_bad_responses_fail_the_connection(octets: bytes, step: int) -> None:
    client = _client(nonce=_sample_nonce)
    seen = Seen(client, [octets[at : at + step] for at in range(0, len(octets), step)])
    assert [type(event) for event in seen.events] == [Failed, Closed]
    assert seen.held <= HEAD_LIMIT and seen.wants_tcp_close


# --- what ends it


@pytest.mark.parametrize("role", Role)
@given(at=st.integers(0, len(REQUEST) + 2))
@settings(max_examples=50)
@example(at=0)
def test_connecting_ends_when_the_peer_closes(role: Role, at: int) -> None:
    octets = (REQUEST + b"\r\n" if role is Role.SERVER else ACCEPTED)[:at]
    endpoint = _endpoint(role)
    endpoint.receive(octets)
    (closed,) = endpoint.receive_eof()
    assert isinstance(closed, Closed) and (closed.code, closed.clean) == (1006, False)
    assert not endpoint.state.peer_open and endpoint.wants_tcp_close and endpoint.held == 0
    assert endpoint.receive(octets) == []


@pytest.mark.parametrize("role", Role)
def test_nothing_is_sent_before_the_connection_is_open(role: Role) -> None:
    endpoint = _endpoint(role)
    first = endpoint.octets_to_send()
    assert first == (b"" if role is Role.SERVER else REQUEST + b"\r\n")
    sends: list[Callable[[], None]] = [
        lambda: endpoint.send_text("x"),
        lambda: endpoint.send_binary(b"x"),
        endpoint.ping,
        endpoint.close,
    ]
    for send in sends:
        with pytest.raises(Refused) as refused:
            send()
        rule = "4.1/handshake-before-data" if role is Role.CLIENT else "4.2.2/answer-before-data"
        assert rule in [rule.id for rule in refused.value.rules]
    assert endpoint.octets_to_send() == b""


def test_a_client_that_is_refused_closes_tcp() -> None:
    client = _client()
    client.octets_to_send()
    (refused,) = client.receive(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nbody")
    assert isinstance(refused, HandshakeRefused) and refused.response.status == 403
    assert refused.rules == ("4.1/other-status",)
    assert client.wants_tcp_close
    assert client.receive(ACCEPTED + WELCOME) == []
    client.close_tcp()
    assert not client.wants_tcp_close


def test_a_client_may_give_up() -> None:
    client = _client()
    (closed,) = client.close_tcp()
    assert isinstance(closed, Closed) and (closed.code, closed.clean) == (1006, False)
    assert client.receive(ACCEPTED) == []


def test_a_client_passes_over_interim_answers() -> None:
    client = _client(nonce=_sample_nonce)
    events = client.receive(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3 + ACCEPTED + WELCOME)
    assert [type(event) for event in events] == [Opened, MessageReceived]


# --- the server's frame after its 101, the client's frame before it


def test_frames_in_the_segment_of_the_answer_are_delivered() -> None:
    client = _client(nonce=_sample_nonce)
    events = client.receive(ACCEPTED + WELCOME + encode(Frame(PING, b"p")) + WELCOME[:4])
    assert [type(event).__name__ for event in events] == ["Opened", "MessageReceived", "PingReceived"]
    assert [type(event) for event in client.receive(WELCOME[4:])] == [MessageReceived]


def test_frames_that_come_with_the_request_are_read_after_the_answer() -> None:
    server = _server(echo=True)
    events = server.receive(REQUEST + b"\r\n" + HELLO)
    assert [type(event) for event in events] == [RequestReceived, Opened, MessageReceived]
    answer = _read(Role.CLIENT, server.octets_to_send())
    assert answer.rest == encode(Frame(TEXT, b"hello"))


def test_frames_after_a_refusal_are_dropped() -> None:
    server = _server(echo=True, decide=lambda request: Response("1.1", (), 403, "Forbidden"))
    events = server.receive(REQUEST + b"\r\n" + HELLO)
    assert [type(event) for event in events] == [RequestReceived, HandshakeRefused]
    assert _answer_of(server).status == 403
    assert server.receive(HELLO) == [] and server.held == 0


# --- the application's part


def test_the_application_may_refuse_and_redirect() -> None:
    asked: list[Request] = []

    def decide(request: Request) -> Response | None:
        asked.append(request)
        return {
            "/chat": None,
            "/moved": Response("1.1", (("Location", "/chat"),), 302, "Found"),
            "/login": Response("1.1", (("WWW-Authenticate", "Basic"),), 401, "Unauthorized"),
        }.get(request.target, Response("1.1", (), 404, "Not Found"))

    for target, status in (("/chat", 101), ("/moved", 302), ("/login", 401), ("/x", 404)):
        server = _server(decide=decide)
        events = server.receive(REQUEST.replace(b"/chat", target.encode()) + b"\r\n")
        answer = _answer_of(server)
        assert answer.status == status
        assert status == 101 or answer.values("Content-Length") == ["0"]
        assert isinstance(events[1], Opened if status == 101 else HandshakeRefused)
    assert [request.target for request in asked] == ["/chat", "/moved", "/login", "/x"]


def test_the_application_is_not_asked_about_faulty_handshakes() -> None:
    def decide(request: Request) -> Response | None:
        raise AssertionError

    server = _server(decide=decide)
    server.receive(REQUEST.replace(b"GET", b"POST") + b"\r\n")
    assert _answer_of(server).status == 400


def test_the_application_may_answer_other_requests() -> None:
    server = _server(decide=lambda request: Response("1.1", (("Content-Type", "text/plain"),), 204, "No Content"))
    server.receive(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert _answer_of(server).status == 204


def test_origins_are_for_the_application_to_judge() -> None:
    octets = REQUEST + b"Origin: http://example.com\r\n\r\n"
    for decide in (None, lambda request: None):
        server = _server(decide=decide)
        server.receive(octets)
        assert _answer_of(server).status == 101


@pytest.mark.parametrize(
    "answer",
    [
        Response("1.1", (), 200, "OK"),
        Response("1.1", (("X", "y\r\nSet-Cookie: z"),), 403, "Forbidden"),
        Response("1.1", (("X", "\u20ac"),), 403, "Forbidden"),
    ],
)
def test_an_answer_that_rules_forbid_is_not_sent(answer: Response) -> None:
    server = _server(decide=lambda request: answer)
    with pytest.raises(Refused) as refused:
        server.receive(REQUEST + b"\r\n")
    assert refused.value.rules
    assert _answer_of(server).status == 500
    assert [type(event) for event in server.receive(b"")] == [RequestReceived, HandshakeRefused]
    assert server.wants_tcp_close


def test_what_an_application_raises_goes_through_and_leaves_no_answer() -> None:
    def decide(request: Request) -> Response | None:
        raise KeyError(request.target)

    server = _server(decide=decide)
    with pytest.raises(KeyError):
        server.receive(REQUEST + b"\r\n" + HELLO)
    assert [type(event) for event in server.receive(HELLO)] == [RequestReceived]
    assert server.octets_to_send() == b"" and server.held == 0
    server.receive_eof()
    assert not server.state.peer_open


def test_an_application_does_not_open_by_itself() -> None:
    server = _server(decide=lambda request: Response("1.1", (), 101, "Switching Protocols"))
    with pytest.raises(ValueError, match="200 to 999"):
        server.receive(REQUEST + b"\r\n")


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"subprotocols": ["chat", "chat"]}, "4.1/send-protocols"),
        ({"subprotocols": ["two words"]}, "4.1/send-protocols"),
        ({"headers": [("Host", "other")]}, "4.1/send-host"),
        ({"headers": [("Sec-WebSocket-Version", "13")]}, "11.3.5/send-one-version"),
        ({"headers": [("X", "y\r\nUpgrade: z")]}, "4.1/valid-request"),
        ({"headers": [("X", "\u20ac")]}, "4.1/valid-request"),
        ({"headers": [("X", "y" * HEAD_LIMIT)]}, "4.1/valid-request"),
        ({"nonce": lambda: b"short"}, "4.1/send-key"),
    ],
)
def test_a_client_asks_nothing_that_rules_forbid(fields: dict[str, Any], rule: str) -> None:
    with pytest.raises(Refused) as refused:
        _client(**fields)
    assert rule in [rule.id for rule in refused.value.rules]


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="no fragment"):
        ClientOpening("ws://example.com/#top")
    with pytest.raises(ValueError, match="opening is that of a client"):
        Endpoint(Role.SERVER, opening=ClientOpening(URI))
    with pytest.raises(ValueError, match="negotiates the extensions"):
        Endpoint(Role.SERVER, opening=ServerOpening(), extensions=[Agreeable("x")])


def test_a_faulty_rule_set_leaves_a_request_unanswered() -> None:
    for rules in (
        RULES.without("4.2.2/accept").without("4.2.2/refuse"),
        RULES.without("4.2.1/sound-request"),
    ):
        server = _server(rules=rules)
        server.receive(REQUEST + b"\r\n" + HELLO)
        assert server.octets_to_send() == b"" and server.receive(HELLO) == [] and server.held == 0


# --- both ends


def _talk(client: Endpoint, server: Endpoint, step: int) -> tuple[list[EndpointEvent], list[EndpointEvent]]:
    """Carry octets both ways until there are none; what each was told."""
    told: tuple[list[EndpointEvent], list[EndpointEvent]] = ([], [])
    while True:
        moved = False
        for source, target, events in ((client, server, told[1]), (server, client, told[0])):
            octets = source.octets_to_send()
            for at in range(0, len(octets), step):
                events.extend(target.receive(octets[at : at + step]))
                moved = True
        if not moved:
            return told


@pytest.mark.parametrize("step", [1, 10, 100_000])
@pytest.mark.parametrize("engine", ENGINES)
def test_client_and_server_from_the_first_octet_to_the_last(step: int, engine: EngineName) -> None:
    traces = Trace(), Trace()
    extensions = [Agreeable("x-round", frozenset({2}))]
    client = _client(
        subprotocols=["soap", "chat", "echo"],
        extensions=extensions,
        origin="http://a",
        engine=engine,
        observe=traces[0],
    )
    server = _server(subprotocols=["echo", "chat"], extensions=extensions, engine=engine, echo=True, observe=traces[1])
    told = _talk(client, server, step)
    opened = [[event for event in events if isinstance(event, Opened)] for events in told]
    assert [(o.subprotocol, o.extensions) for (o,) in opened] == [("chat", "x-round")] * 2
    assert client.state == server.state == State(claims_rsv2=True)

    client.send_text("Gr\u00fc\u00dfe")
    client.send_binary(b"\x00\x01")
    told = _talk(client, server, step)
    assert [event.data for event in told[0] if isinstance(event, MessageReceived)] == ["Gr\u00fc\u00dfe", b"\x00\x01"]
    client.close(1000, "bye")
    _talk(client, server, step)
    assert server.wants_tcp_close and not client.wants_tcp_close
    ends = [*server.close_tcp(), *client.receive_eof()]
    assert [(end.code, end.clean) for end in ends if isinstance(end, Closed)] == [(1000, True)] * 2
    for trace, endpoint in zip(traces, (client, server), strict=True):
        trace.check(endpoint)
    kinds = [event.kind for _, event, _ in traces[1].steps]
    assert kinds[:2] == [EventKind.RECEIVE_REQUEST, EventKind.SEND_RESPONSE] and kinds[-1] is EventKind.CLOSE_TCP


@given(
    st.lists(st.sampled_from(["a", "b", "c"]), unique=True),
    st.lists(st.sampled_from(["a", "b", "c"]), unique=True),
    st.lists(st.tuples(st.sampled_from(["x", "y", "z"]), st.frozensets(st.integers(1, 3))), unique_by=lambda e: e[0]),
    st.lists(st.tuples(st.sampled_from(["x", "y", "z"]), st.frozensets(st.integers(1, 3))), unique_by=lambda e: e[0]),
)
@settings(max_examples=60)
def test_what_is_negotiated_was_offered(
    asked: list[str],
    known: list[str],
    offered: list[tuple[str, frozenset[int]]],
    supported: list[tuple[str, frozenset[int]]],
) -> None:
    definitions = {name: Agreeable(name, bits) for name, bits in offered}
    extensions = [definitions.get(name, Agreeable(name, bits)) for name, bits in supported]
    client = _client(subprotocols=asked, extensions=list(definitions.values()))
    server = _server(subprotocols=known, extensions=extensions)
    told = _talk(client, server, 100_000)
    (mine,), (theirs,) = ([event for event in events if isinstance(event, Opened)] for events in told)
    assert mine[:2] == theirs[:2]
    assert mine.subprotocol == next((name for name in asked if name in known), None)
    names = set() if mine.extensions is None else set(mine.extensions.split(", "))
    assert names <= {name for name, _ in offered} & {name for name, _ in supported}
    assert client.state == server.state


def test_parameters_that_a_client_does_not_know_fail_the_connection() -> None:
    known: Any = Agreeable("x-round")
    client = _client(extensions=[known], nonce=_sample_nonce)
    answer = ACCEPTED[:-2] + b"Sec-WebSocket-Extensions: x-round; size=3\r\n\r\n"
    (failed,) = client.receive(answer)
    assert failed == Failed(1006, ("9.1/answer-parameters",))


def test_two_extensions_that_claim_one_bit_are_not_agreed_to() -> None:
    names = "x-one", "x-two"
    extensions: Any = [Agreeable(name, frozenset({1})) for name in names]
    server = _server(extensions=extensions)
    server.receive(REQUEST + b"Sec-WebSocket-Extensions: x-two, x-one\r\n\r\n")
    assert _answer_of(server).values("Sec-WebSocket-Extensions") == ["x-two"]


def test_declined_offers_do_not_hide_later_ones() -> None:
    server = _server(extensions=[Agreeable("x-one")])
    server.receive(REQUEST + b"Sec-WebSocket-Extensions: x-one; y=1, x-none, x-one, x-one\r\n\r\n")
    assert _answer_of(server).values("Sec-WebSocket-Extensions") == ["x-one"]


def test_binary_messages_and_settings_go_on_as_before() -> None:
    server = _server(limit=4)
    server.receive(REQUEST + b"\r\n")
    server.octets_to_send()
    (failed,) = server.receive(encode(Frame(BINARY, b"12345", key=KEY)))
    assert isinstance(failed, Failed) and failed.code == 1009
