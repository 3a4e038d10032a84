"""wsproto as an implementation under test, through `wsproto.WSConnection`.

Actions of the driver, and their sources (wsproto's guide "Getting Started", the docstrings of its events and
exceptions, its two examples):

- A client sends a Request event. A server answers each Request with AcceptConnection: the client's first subprotocol
  that is supported, and the extensions that are.
- RemoteProtocolError "is raised when processing the bytes from the remote", and its `event_hint` "is a suggested
  wsproto Event to send to the client based on the error": a server sends it, and ends its stream. Without a hint it
  ends its stream. A client tells its application. Once the connection is open it is a crash.
- A client that is rejected reads the body of the rejection, and is done when wsproto's state is CLOSED.

- Every Ping is answered with `event.response()` at once: "wsproto does not automatically send a pong response to a
  ping event. To comply with the RFC you MUST send a pong even as soon as is practical." If `send` refuses the reply
  with LocalProtocolError, there is no reply; that refusal is kept in `refusals`.
- Every CloseConnection is answered with `event.response()` unless a Close was sent before, found out as its docstring
  asks: "you should check if a response needs to be sent by checking WSConnection.state".
- wsproto reports a frame that it cannot accept as a CloseConnection too, with its own code, and leaves the state as it
  was. The reply that the same rule then sends is the Close frame with that code, by which the connection is failed.
  The state tells the two apart: after a real Close frame it is REMOTE_CLOSING or CLOSED, after a parse failure
  OPEN or LOCAL_CLOSING. The first is delivered as `close`, the second as `failed`.
- There is no TCP in wsproto, and its guide gives the task to the server: "When the server receives a CloseConnection
  event, it should send pending wsproto data (if any) and then it can start tearing down the underlying connection."
  So a server ends its stream and stops reading after any CloseConnection; its example does both.
- A client leaves TCP to the server (section 7.1.1 of the RFC) and goes on reading. In the state CLOSED wsproto
  answers octets with LocalProtocolError "Connection already closed", which is a driver's mistake and not a reaction
  to the peer: the driver drops octets that arrive then. After a parse failure octets still go to wsproto.
- The end of the TCP stream is `receive_data(None)`, as its guide says; in the state CLOSED the driver omits it, because
  wsproto would tell of an abnormal closure (1006) after a clean one. Then the driver closes its side too.
- A reply is sent inside the loop over `events()`, as in the examples, so replies have the order of the events.

The driver refuses requests that the interface cannot express: a first fragment while a message is being sent, a
continuation without one (wsproto chooses the opcode itself), and a text fragment that ends inside a character (wsproto
takes `str`).
Besides LocalProtocolError, `send` refuses arguments with plain TypeError and ValueError ("payload too long for control
frame"); both are taken as refusals there, and nowhere else.
"""

from __future__ import annotations

from typing import ClassVar, Final

import wsproto
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from wsoracle.model.octets.uri import parse_uri
from wsoracle.model.octets.vocabulary import CONTINUATION, TEXT, Role

from .adapter import (
    ABNORMAL_CLOSURE,
    FIXED_KEY,
    URI,
    ApplicationRefused,
    Delivered,
    Offers,
    PeerApplication,
    PeerCrashed,
    PeerUnderTest,
    library_call,
)

_REFUSALS: Final = (LocalProtocolError, TypeError, ValueError)


class WsprotoPeer(PeerUnderTest):
    """One wsproto connection; see the module's docstring for what the driver decides."""

    implementation: ClassVar[str] = "wsproto"
    version: ClassVar[str] = wsproto.__version__
    #: h11 takes as much of a head that is not complete, unless it is asked for more.
    head_limit: ClassVar[int] = 16_384
    #: wsproto hands on what it has and keeps no message, so it needs no limit on one.
    limit_can_be_chosen: ClassVar[bool] = False

    def __init__(
        self,
        role: Role,
        application: PeerApplication = "sink",
        *,
        offers: Offers | None = None,
        limit: int | None = None,
    ) -> None:
        super().__init__(role, application, offers=offers, limit=limit)
        self.limit = None
        kind = ConnectionType.CLIENT if role is Role.CLIENT else ConnectionType.SERVER
        self._connection: Final = WSConnection(kind)
        if role is Role.CLIENT:
            self._send_request()

    def _send_request(self) -> None:
        uri = parse_uri(URI)
        request = Request(
            host=uri.host_header,
            target=uri.resource_name,
            subprotocols=list(self.offers.subprotocols),
            extensions=self._extensions(),
        )
        with library_call():
            octets = bytes(self._connection.send(request))
        # wsproto takes no key from outside.
        nonce = self._connection.handshake._nonce
        assert nonce is not None
        self._connection.handshake._nonce = FIXED_KEY.encode()
        self._emit(octets.replace(nonce, FIXED_KEY.encode()))

    def _extensions(self) -> list[Extension]:
        return [PerMessageDeflate()] if self.offers.deflate else []

    # --- the network

    def _feed(self, octets: bytes) -> None:
        if self._connection.state is not ConnectionState.CLOSED:
            self._take(octets)

    def _feed_eof(self) -> None:
        if self._connection.state is not ConnectionState.CLOSED:
            self._take(None)
        self._finish()

    def _take(self, octets: bytes | None) -> None:
        refused: RemoteProtocolError | None = None
        with library_call():
            try:
                self._connection.receive_data(octets)
            except RemoteProtocolError as error:
                refused = error
        if refused is None:
            self._take_events()
        else:
            self._on_refused(refused)

    def _on_refused(self, error: RemoteProtocolError) -> None:
        if self._connection.connection is not None:
            raise PeerCrashed(error)
        if self._eof_received:
            self._deliver(Delivered("lost", code=ABNORMAL_CLOSURE, reason=str(error)))
        elif self.role is Role.CLIENT:
            self._deliver(Delivered("failed", code=int(CloseReason.PROTOCOL_ERROR), reason=str(error)))
        elif error.event_hint is not None:
            with library_call():
                self._emit(self._connection.send(error.event_hint))
        self._finish()

    def _take_events(self) -> None:
        events = self._connection.events()
        while True:
            with library_call():
                event = next(events, None)
            if event is None:
                return
            self._on_event(event)

    def _on_event(self, event: Event) -> None:
        match event:
            case Request():
                chosen = next((name for name in event.subprotocols if name in self.offers.subprotocols), None)
                with library_call():
                    self._emit(self._connection.send(AcceptConnection(chosen, self._extensions())))
            case AcceptConnection():
                pass
            case RejectConnection() | RejectData():
                if self._connection.state is ConnectionState.CLOSED:
                    self._finish()
            case TextMessage():
                self._deliver(Delivered("text", event.data.encode(), event.message_finished))
            case BytesMessage():
                self._deliver(Delivered("binary", bytes(event.data), event.message_finished))
            case Ping():
                self._deliver(Delivered("ping", bytes(event.payload)))
                self._reply(event.response())
            case Pong():
                self._deliver(Delivered("pong", bytes(event.payload)))
            case CloseConnection():
                self._on_close(event)
            case _:
                raise ValueError(f"this adapter does not know this event of wsproto: {event}")

    def _on_close(self, event: CloseConnection) -> None:
        state = self._connection.state
        code, reason = int(event.code), event.reason or ""
        if self._eof_received:
            self._deliver(Delivered("lost", code=ABNORMAL_CLOSURE, reason=reason))
            return
        came = state in (ConnectionState.REMOTE_CLOSING, ConnectionState.CLOSED)
        self._deliver(Delivered("close" if came else "failed", code=code, reason=reason))
        if state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            self._reply(event.response())
        if self.role is Role.SERVER:
            self._finish()

    def _reply(self, event: Event) -> None:
        try:
            with library_call((LocalProtocolError,)):
                octets = self._connection.send(event)
        except ApplicationRefused as refusal:
            self.refusals.append(refusal.reason)
        else:
            self._emit(octets)

    # --- the application

    def _send_fragment(self, opcode: int, payload: bytes, fin: bool) -> None:
        continued = opcode == CONTINUATION
        if continued and self._sending is None:
            raise ApplicationRefused("wsproto has no way to ask for a continuation of no message")
        if not continued and self._sending is not None:
            raise ApplicationRefused("wsproto has no way to ask for a new message inside another")
        if (self._sending if continued else opcode) == TEXT:
            try:
                text = payload.decode()
            except UnicodeDecodeError as error:
                raise ApplicationRefused("wsproto takes text by whole characters only") from error
            self._send(TextMessage(data=text, message_finished=fin))
        else:
            self._send(BytesMessage(data=payload, message_finished=fin))

    def _send_ping(self, payload: bytes) -> None:
        self._send(Ping(payload=payload))

    def _send_pong(self, payload: bytes) -> None:
        self._send(Pong(payload=payload))

    def _send_close(self, code: int | None, reason: str) -> None:
        if code is None and reason:
            raise ApplicationRefused("a reason needs a code")
        # NO_STATUS_RCVD is how the event, whose code is an int, asks for a Close without a body.
        self._send(CloseConnection(code=CloseReason.NO_STATUS_RCVD if code is None else code, reason=reason or None))

    def _send(self, event: Event) -> None:
        with library_call(_REFUSALS):
            octets = self._connection.send(event)
        self._emit(octets)


ADAPTER: Final = WsprotoPeer
