"""websockets as an implementation under test, through its Sans-I/O layer (ServerProtocol, ClientProtocol).

Actions of the driver, and sources (websockets' guide "Integrate the Sans-I/O layer", docstrings, its `Connection`):

- A client sends `send_request(connect())`; a server answers each Request with `send_response(accept(request))`. The
  answer comes after `data_to_send`, as everywhere: what the library has to say by itself goes first.
- Where `handshake_exc` is set, the opening handshake failed; a client tells its application, and the end of the stream
  that the library asks for is the end of its side of TCP.
- `process_request` leaves the Host field to its caller ("This control must be performed by the HTTP stack earlier"),
  and the servers that websockets ships do not look at it either: so the driver does not.

- After every `receive_data`, `receive_eof`, `send_...` and `fail` come `data_to_send`, then `events_received`: "Sending
  data right after receiving data is necessary because websockets responds to ping frames, close frames, and incorrect
  inputs automatically." So everything that the library does by itself with one chunk precedes what the application
  does with it, exactly as in the asyncio, threading and trio layers that websockets ships.
- The empty chunk among `data_to_send` ends our side of the TCP stream: "When you see it, you must half-close the TCP
  connection." Octets that the library wants sent after that could not be sent: reported as PeerCrashed.
- Reading goes on until the other side ends its stream; then the connection is closed. The timeout that the guide
  advises (`close_expected`) needs a clock and is left out.
- Messages are assembled here: "To reassemble a message, read data frames until you get a frame where the FIN bit is
  set, then concatenate the payloads of all frames." The Sans-I/O layer neither checks the text of messages nor
  counts fragments; its documentation leaves both to the integrator, so the driver does what `Connection.recv` does:
  `fail(1007)` for a whole message that is not UTF-8, `fail(1009)` for more than MAX_FRAGMENTS frames.
  After such a `fail` the rest of the same chunk's events is not delivered: the application knows of the failure.
- websockets turns an exception inside its parser into `fail(1011)` and keeps it in `parser_exc`. An exception of a kind
  that the parser does not raise on purpose is a crash all the same, and reported as PeerCrashed.
- A parse failure is delivered as `failed` with the code that goes with the exception; the frame that caused it is
  not delivered.
- Text to send must be UTF-8 ("payload containing text encoded with UTF-8"), which `PeerUnderTest` sees to. Wrong FIN
  bits, wrong states and close codes are left to the library, which refuses with ProtocolError or InvalidState.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar, Final

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidState, PayloadTooBig, ProtocolError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import MAX_LINE_LENGTH, Request, Response
from websockets.protocol import Protocol, State
from websockets.server import ServerProtocol
from websockets.sync.messages import MAX_FRAGMENTS
from websockets.uri import parse_uri
from websockets.version import version

from wsoracle.model.octets.vocabulary import BINARY, TEXT, Role

from .adapter import (
    ABNORMAL_CLOSURE,
    FIXED_KEY,
    URI,
    Delivered,
    Offers,
    PeerApplication,
    PeerCrashed,
    PeerUnderTest,
    library_call,
)

_REFUSALS: Final = (ProtocolError, InvalidState)

# The library logs each connection that fails, and most connections here fail on purpose.
_SILENT: Final = logging.Logger("wsoracle.implementations.websockets")
_SILENT.disabled = True


class WebsocketsPeer(PeerUnderTest):
    """One websockets connection; see the module's docstring for what the driver decides."""

    implementation: ClassVar[str] = "websockets"
    version: ClassVar[str] = version
    head_limit: ClassVar[int] = MAX_LINE_LENGTH
    limit_can_be_chosen: ClassVar[bool] = True

    def __init__(
        self,
        role: Role,
        application: PeerApplication = "sink",
        *,
        offers: Offers | None = None,
        limit: int | None = None,
    ) -> None:
        super().__init__(role, application, offers=offers, limit=limit)
        self._protocol: Final[Protocol] = self._client(limit) if role is Role.CLIENT else self._server(limit)
        self.limit = self._protocol.max_message_size
        self._frames: list[Frame] = []
        self._failure_seen = False
        self._handshake_failure_seen = False
        self._flush()

    def _server(self, limit: int | None) -> ServerProtocol:
        with library_call():
            return ServerProtocol(
                select_subprotocol=_first_in_common if self.offers.subprotocols else None,
                extensions=[ServerPerMessageDeflateFactory()] if self.offers.deflate else None,
                **self._options(limit),
            )

    def _client(self, limit: int | None) -> ClientProtocol:
        extensions = [ClientPerMessageDeflateFactory()] if self.offers.deflate else None
        with library_call():
            protocol = ClientProtocol(parse_uri(URI), extensions=extensions, **self._options(limit))
            protocol.key = FIXED_KEY
            protocol.send_request(protocol.connect())
        return protocol

    def _options(self, limit: int | None) -> dict[str, Any]:
        """Options of a protocol of either role. Without a limit the library's own default holds."""
        chosen = {} if limit is None else {"max_size": limit}
        return {"subprotocols": self.offers.subprotocols or None, "logger": _SILENT, **chosen}

    # --- the network

    def _feed(self, octets: bytes) -> None:
        with library_call():
            self._protocol.receive_data(octets)
        self._after_receiving()

    def _feed_eof(self) -> None:
        with library_call():
            self._protocol.receive_eof()
        self._after_receiving()
        self._finish()

    def _after_receiving(self) -> None:
        self._flush()
        with library_call():
            events = self._protocol.events_received()
        for event in events:
            if isinstance(event, Request):
                self._accept(event)
            elif isinstance(event, Frame):
                if self._failure_seen:
                    return
                self._on_frame(event)
            elif not isinstance(event, Response):
                raise ValueError(f"this adapter does not know this event of websockets: {event}")
        self._look_for_failed_handshake()
        self._look_for_failure()

    def _accept(self, request: Request) -> None:
        assert isinstance(self._protocol, ServerProtocol)
        with library_call():
            self._protocol.send_response(self._protocol.accept(request))
        self._flush()

    def _flush(self) -> None:
        with library_call():
            writes = self._protocol.data_to_send()
        for octets in writes:
            if octets:
                self._emit(octets)
            else:
                self._end_output()

    def _look_for_failed_handshake(self) -> None:
        error = self._protocol.handshake_exc
        if error is None or self._handshake_failure_seen or self.role is Role.SERVER:
            return
        self._handshake_failure_seen = True
        if self._eof_received:
            self._deliver(Delivered("lost", code=ABNORMAL_CLOSURE, reason=str(error)))
        else:
            self._deliver(Delivered("failed", code=int(CloseCode.PROTOCOL_ERROR), reason=str(error)))

    def _look_for_failure(self) -> None:
        error = self._protocol.parser_exc
        if error is None or self._failure_seen:
            return
        self._failure_seen = True
        match error:
            case ProtocolError():
                self._deliver(Delivered("failed", code=int(CloseCode.PROTOCOL_ERROR), reason=str(error)))
            case UnicodeDecodeError():
                self._deliver(Delivered("failed", code=int(CloseCode.INVALID_DATA), reason=str(error)))
            case PayloadTooBig():
                self._deliver(Delivered("failed", code=int(CloseCode.MESSAGE_TOO_BIG), reason=str(error)))
            case EOFError():
                self._deliver(Delivered("lost", code=ABNORMAL_CLOSURE, reason=str(error)))
            case _:
                raise PeerCrashed(error)

    def _on_frame(self, frame: Frame) -> None:
        match frame.opcode:
            case Opcode.PING:
                self._deliver(Delivered("ping", bytes(frame.data)))
            case Opcode.PONG:
                self._deliver(Delivered("pong", bytes(frame.data)))
            case Opcode.CLOSE:
                close = self._protocol.close_rcvd
                if close is None:
                    raise PeerCrashed(RuntimeError("a Close frame came and close_rcvd is None"))
                self._deliver(Delivered("close", code=int(close.code), reason=close.reason))
            case _:
                self._on_data_frame(frame)

    def _on_data_frame(self, frame: Frame) -> None:
        if len(self._frames) >= MAX_FRAGMENTS:
            self._fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
            return
        self._frames.append(frame)
        if not frame.fin:
            return
        frames, self._frames = self._frames, []
        message = b"".join(part.data for part in frames)
        if frames[0].opcode is Opcode.BINARY:
            self._deliver(Delivered("binary", message))
            return
        try:
            message.decode()
        except UnicodeDecodeError as error:
            self._fail(CloseCode.INVALID_DATA, f"{error.reason} at position {error.start}")
        else:
            self._deliver(Delivered("text", message))

    def _fail(self, code: CloseCode, reason: str) -> None:
        self._failure_seen = True
        self._frames = []
        if self._protocol.state is not State.CLOSED:
            with library_call():
                self._protocol.fail(code, reason)
            self._flush()
        self._deliver(Delivered("failed", code=int(code), reason=reason))

    # --- the application

    def _send_fragment(self, opcode: int, payload: bytes, fin: bool) -> None:
        with library_call(_REFUSALS):
            if opcode == TEXT:
                self._protocol.send_text(payload, fin)
            elif opcode == BINARY:
                self._protocol.send_binary(payload, fin)
            else:
                self._protocol.send_continuation(payload, fin)
        self._flush()

    def _send_ping(self, payload: bytes) -> None:
        with library_call(_REFUSALS):
            self._protocol.send_ping(payload)
        self._flush()

    def _send_pong(self, payload: bytes) -> None:
        with library_call(_REFUSALS):
            self._protocol.send_pong(payload)
        self._flush()

    def _send_close(self, code: int | None, reason: str) -> None:
        with library_call(_REFUSALS):
            self._protocol.send_close(code, reason)
        self._flush()


def _first_in_common(protocol: ServerProtocol, subprotocols: Any) -> Any:
    """The client's first choice that is supported; without one, no subprotocol, and no refusal (section 4.2.2)."""
    return next((name for name in subprotocols if name in (protocol.available_subprotocols or ())), None)


ADAPTER: Final = WebsocketsPeer
