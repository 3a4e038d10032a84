"""The opening handshake between our endpoint and real implementations, in both roles, over octets in process."""

from __future__ import annotations

import zlib
from typing import Any, Protocol

import pytest
import wsproto.events
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from wsproto import ConnectionType, WSConnection

from wsoracle.model.endpoint.endpoint import Endpoint
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
from wsoracle.model.endpoint.handshake_server import Decide, ServerOpening
from wsoracle.model.notation.variables import State
from wsoracle.model.octets import http
from wsoracle.model.octets.vocabulary import Role

pytestmark = pytest.mark.peers

URI = "ws://server.example.com:8080/chat?x=1"
STEPS = (1, 7, 100_000)


class Peer(Protocol):
    """A real implementation that says "hello" once it is open and echoes text."""

    subprotocol: str | None
    texts: list[str]
    opened: bool
    status: int | None

    def receive(self, octets: bytes) -> None: ...

    def octets_to_send(self) -> bytes: ...

    def close(self) -> None: ...


class _Websockets:
    def __init__(self, protocol: ClientProtocol | ServerProtocol) -> None:
        self.protocol = protocol
        self.texts: list[str] = []
        self.opened = False
        self.subprotocol: str | None = None
        self.status: int | None = None
        if isinstance(protocol, ClientProtocol):
            protocol.send_request(protocol.connect())

    def receive(self, octets: bytes) -> None:
        self.protocol.receive_data(octets)
        for event in self.protocol.events_received():
            if isinstance(event, Request):
                assert isinstance(self.protocol, ServerProtocol)
                response = self.protocol.accept(event)
                self.protocol.send_response(response)
                self._answered(response)
            elif isinstance(event, Response):
                self._answered(event)
            elif event.opcode is Opcode.TEXT:
                self.texts.append(bytes(event.data).decode())
                if self.protocol.side.name == "SERVER":
                    self.protocol.send_text(event.data)

    def _answered(self, response: Response) -> None:
        self.status = response.status_code
        self.opened = response.status_code == 101 and self.protocol.handshake_exc is None
        self.subprotocol = self.protocol.subprotocol
        if self.opened:
            self.protocol.send_text(b"hello")

    def octets_to_send(self) -> bytes:
        return b"".join(self.protocol.data_to_send())

    def close(self) -> None:
        self.protocol.send_close(1000)


class _Wsproto:
    def __init__(self, role: Role, subprotocols: list[str]) -> None:
        self.connection = WSConnection(ConnectionType.CLIENT if role is Role.CLIENT else ConnectionType.SERVER)
        self.subprotocols = subprotocols
        self.texts: list[str] = []
        self.opened = False
        self.subprotocol: str | None = None
        self.status: int | None = None
        self._out = b""
        self._text = ""
        if role is Role.CLIENT:
            self._send(
                wsproto.events.Request(host="server.example.com:8080", target="/chat?x=1", subprotocols=subprotocols)
            )

    def _send(self, event: Any) -> None:
        self._out += self.connection.send(event)

    def receive(self, octets: bytes) -> None:
        self.connection.receive_data(octets)
        for event in self.connection.events():
            if isinstance(event, wsproto.events.Request):
                self.subprotocol = next((name for name in event.subprotocols if name in self.subprotocols), None)
                self._send(wsproto.events.AcceptConnection(subprotocol=self.subprotocol))
                self._opened()
            elif isinstance(event, wsproto.events.AcceptConnection):
                self.subprotocol = event.subprotocol
                self._opened()
            elif isinstance(event, wsproto.events.RejectConnection):
                self.status = event.status_code
            elif isinstance(event, wsproto.events.TextMessage):
                self._text += event.data
                if event.message_finished:
                    self.texts.append(self._text)
                    if not self.connection.client:
                        self._send(wsproto.events.TextMessage(data=self._text))
                    self._text = ""
            elif isinstance(event, wsproto.events.CloseConnection) and self.connection.state.name == "REMOTE_CLOSING":
                self._send(event.response())

    def _opened(self) -> None:
        self.status = 101
        self.opened = True
        self._send(wsproto.events.TextMessage(data="hello"))

    def octets_to_send(self) -> bytes:
        octets, self._out = self._out, b""
        return octets

    def close(self) -> None:
        self._send(wsproto.events.CloseConnection(code=1000))


NAMES = ("websockets", "wsproto")


def _peer(name: str, role: Role, subprotocols: list[str]) -> Peer:
    if name == "wsproto":
        return _Wsproto(role, subprotocols)
    known: Any = subprotocols or None  # of an empty list websockets makes an empty field
    if role is Role.CLIENT:
        return _Websockets(ClientProtocol(parse_uri(URI), subprotocols=known))
    return _Websockets(ServerProtocol(subprotocols=known))


def _ours(role: Role, subprotocols: list[str], decide: Decide | None = None, extensions: Any = ()) -> Endpoint:
    if role is Role.SERVER:
        opening = ServerOpening(subprotocols, extensions, decide)
        return Endpoint(Role.SERVER, opening=opening, echo=True)
    return Endpoint(Role.CLIENT, opening=ClientOpening(URI, subprotocols, extensions))


def _talk(ours: Endpoint, peer: Peer, step: int) -> list[EndpointEvent]:
    """Carry octets both ways, in pieces, until there are none; what ours was told."""
    told: list[EndpointEvent] = []
    while True:
        there, back = ours.octets_to_send(), peer.octets_to_send()
        if not there and not back:
            return told
        for at in range(0, len(there), step):
            peer.receive(there[at : at + step])
        for at in range(0, len(back), step):
            told += ours.receive(back[at : at + step])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("asked", "known", "chosen"), [([], [], None), (["soap", "chat"], ["x", "chat"], "chat")])
def test_from_the_first_octet_to_the_last(
    name: str, role: Role, step: int, asked: list[str], known: list[str], chosen: str | None
) -> None:
    lists = (asked, known) if role is Role.CLIENT else (known, asked)
    ours, peer = _ours(role, lists[0]), _peer(name, role.peer, lists[1])
    told = _talk(ours, peer, step)
    (opened,) = (event for event in told if isinstance(event, Opened))
    assert peer.opened and opened.subprotocol == peer.subprotocol == chosen
    assert opened.extensions is None and ours.state == State()
    if role is Role.SERVER:
        assert isinstance(told[0], RequestReceived) and told[0].request.target == "/chat?x=1"
        assert told[0].request.values("Host") == ["server.example.com:8080"]
    assert [event.data for event in told if isinstance(event, MessageReceived)] == ["hello"]

    ours.send_text("Gr\u00fc\u00dfe")
    told = _talk(ours, peer, step)
    if role is Role.CLIENT:
        assert [event.data for event in told if isinstance(event, MessageReceived)] == ["Gr\u00fc\u00dfe"]
    assert peer.texts[-1] == "Gr\u00fc\u00dfe"
    ours.close()
    told = _talk(ours, peer, step)
    assert ours.state.sent_close and ours.state.got_close
    (closed,) = ours.close_tcp() if role is Role.SERVER else ours.receive_eof()
    assert isinstance(closed, Closed) and closed.clean


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", [401, 403, 404, 302])
@pytest.mark.parametrize("step", STEPS)
def test_real_clients_understand_our_refusals(name: str, status: int, step: int) -> None:
    answer = http.Response("1.1", (("Location", "/other"),), status, "No")
    ours, peer = _ours(Role.SERVER, [], lambda request: answer), _peer(name, Role.CLIENT, [])
    told = _talk(ours, peer, step)
    assert [type(event) for event in told] == [RequestReceived, HandshakeRefused]
    assert peer.status == status and not peer.opened and ours.wants_tcp_close


@pytest.mark.parametrize("step", STEPS)
def test_our_client_understands_real_refusals(step: int) -> None:
    protocol = ServerProtocol()
    request = _ours(Role.CLIENT, [])
    protocol.receive_data(request.octets_to_send())
    protocol.events_received()
    protocol.send_response(protocol.reject(403, "no\n"))
    octets = b"".join(protocol.data_to_send())
    told = [event for at in range(0, len(octets), step) for event in request.receive(octets[at : at + step])]
    (refused,) = told
    assert isinstance(refused, HandshakeRefused) and refused.response.status == 403
    assert request.wants_tcp_close

    connection = WSConnection(ConnectionType.SERVER)
    request = _ours(Role.CLIENT, [])
    connection.receive_data(request.octets_to_send())
    list(connection.events())
    octets = connection.send(wsproto.events.RejectConnection(status_code=404))
    (refused,) = request.receive(octets)
    assert isinstance(refused, HandshakeRefused) and refused.response.status == 404


class _Deflate:
    """permessage-deflate for who compresses nothing that it sends, which RFC 7692 (section 6) leaves to it."""

    name = "permessage-deflate"
    claims = frozenset({1})

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS)

    def offers(self) -> list[Parameters]:
        return [()]

    def agree(self, offered: Parameters) -> tuple[Parameters, _Deflate] | None:
        return (), self

    def start(self, agreed: Parameters) -> _Deflate | None:
        return self

    def transforms_received(self, opcode: int, bits: frozenset[int]) -> bool:
        return 1 in bits

    def decode(self, octets: bytes, last: bool) -> bytes:
        return self._inflate.decompress(octets + (b"\x00\x00\xff\xff" if last else b""))

    def transforms_sent(self, opcode: int) -> frozenset[int] | None:
        return None

    def encode(self, octets: bytes, last: bool) -> bytes:
        return octets


def test_extensions_are_negotiated_with_a_real_implementation() -> None:
    from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

    clients: Any = [ClientPerMessageDeflateFactory()]
    ours = _ours(Role.SERVER, [], extensions=[_Deflate()])
    peer = _Websockets(ClientProtocol(parse_uri(URI), extensions=clients))
    told = _talk(ours, peer, 100_000)
    assert [event.extensions for event in told if isinstance(event, Opened)] == ["permessage-deflate"]
    assert [event.data for event in told if isinstance(event, MessageReceived)] == ["hello"]
    assert peer.opened and ours.state.claims_rsv1 and len(peer.protocol.extensions) == 1

    servers: Any = [ServerPerMessageDeflateFactory()]
    ours = _ours(Role.CLIENT, [], extensions=[_Deflate()])
    peer = _Websockets(ServerProtocol(extensions=servers))
    told = _talk(ours, peer, 100_000)
    assert [type(event) for event in told] == [Opened, MessageReceived]
    assert peer.opened and ours.state.claims_rsv1 and len(peer.protocol.extensions) == 1


def test_an_extension_that_our_client_did_not_offer_fails_the_connection() -> None:
    ours = _ours(Role.CLIENT, [])
    connection = WSConnection(ConnectionType.SERVER)
    connection.receive_data(ours.octets_to_send())
    list(connection.events())
    extra = [(b"Sec-WebSocket-Extensions", b"permessage-deflate")]
    octets = connection.send(wsproto.events.AcceptConnection(extra_headers=extra))
    (failed,) = ours.receive(octets)
    assert isinstance(failed, Failed) and "4.1/answer-extensions" in failed.rules


def test_a_frame_of_ours_is_one_of_theirs() -> None:
    ours, peer = _ours(Role.SERVER, []), _peer("websockets", Role.CLIENT, [])
    _talk(ours, peer, 1)
    ours.send_text("x")
    assert isinstance(peer, _Websockets)
    peer.protocol.receive_data(ours.octets_to_send())
    assert peer.protocol.events_received() == [Frame(Opcode.TEXT, b"x")]
