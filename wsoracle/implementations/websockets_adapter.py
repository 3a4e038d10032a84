"""websockets as an implementation under test, through its Sans-I/O layer (ServerProtocol, ClientProtocol).

What the driver does, and why (websockets' guide "Integrate the Sans-I/O layer", its docstrings, its own `Connection`):

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
  After such a `fail` the rest of the same chunk's events is not delivered: the application has been told it is over.
- websockets turns an exception inside its parser into `fail(1011)` and keeps it in `parser_exc`. An exception of a kind
  that the parser does not raise on purpose is a crash all the same, and reported as PeerCrashed.
- A parse failure is delivered as `failed` with the code that goes with the exception; the frame that caused it is
  not delivered.
- Text to send must be UTF-8 ("payload containing text encoded with UTF-8"), which `PeerUnderTest` sees to. Wrong FIN
  bits, wrong states and close codes are left to the library, which refuses with ProtocolError or InvalidState.
"""

from __future__ import annotations

import logging
from typing import ClassVar, Final

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidState, PayloadTooBig, ProtocolError
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Protocol, State
from websockets.server import ServerProtocol
from websockets.sync.messages import MAX_FRAGMENTS
from websockets.uri import parse_uri
from websockets.version import version

from wsoracle.model.octets.vocabulary import BINARY, TEXT, Role

from .adapter import (
    ABNORMAL_CLOSURE,
    OPENING_REQUEST,
    Application,
    Delivered,
    HandshakeFailed,
    Limits,
    PeerCrashed,
    PeerFactory,
    PeerUnderTest,
    check_opening_answer,
    library_call,
    opening_answer,
)

__all__ = ["FACTORY", "WebsocketsPeer"]

_REFUSALS: Final = (ProtocolError, InvalidState)

# A connection that fails is our daily bread; the library's log of it is not for our users.
_SILENT: Final = logging.Logger("wsoracle.implementations.websockets")
_SILENT.disabled = True


class WebsocketsPeer(PeerUnderTest):
    """One websockets connection, open; see the module's docstring for what the driver decides."""

    implementation: ClassVar[str] = "websockets"

    def __init__(self, role: Role, application: Application = "sink") -> None:
        super().__init__(role, application)
        self.version = version
        self._protocol: Final[Protocol] = self._open_server() if role is Role.SERVER else self._open_client()
        self._frames: list[Frame] = []
        self._failure_seen = False
        self.limits = Limits(
            message_octets=self._protocol.max_message_size,
            frame_octets=self._protocol.max_fragment_size,
            fragments=MAX_FRAGMENTS,
        )

    @staticmethod
    def _open_server() -> Protocol:
        with library_call():
            protocol = ServerProtocol(logger=_SILENT)
            protocol.receive_data(OPENING_REQUEST)
            events = protocol.events_received()
        if not (len(events) == 1 and isinstance(events[0], Request)):
            raise HandshakeFailed(f"a valid request gave {events}")
        with library_call():
            protocol.send_response(protocol.accept(events[0]))
            answer = b"".join(protocol.data_to_send())
        check_opening_answer(answer)
        return protocol

    @staticmethod
    def _open_client() -> Protocol:
        with library_call():
            protocol = ClientProtocol(parse_uri("ws://localhost/"), logger=_SILENT)
            protocol.send_request(protocol.connect())
            request = b"".join(protocol.data_to_send())
        answer = opening_answer(request)
        with library_call():
            protocol.receive_data(answer)
            events = protocol.events_received()
        if protocol.handshake_exc is not None or not (len(events) == 1 and isinstance(events[0], Response)):
            raise HandshakeFailed(f"a valid answer gave {events}, {protocol.handshake_exc}")
        return protocol

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
            if not isinstance(event, Frame):
                raise ValueError(f"websockets tells of something this adapter does not know: {event}")
            if self._failure_seen:
                return
            self._on_frame(event)
        self._look_for_failure()

    def _flush(self) -> None:
        with library_call():
            writes = self._protocol.data_to_send()
        for octets in writes:
            if octets:
                self._emit(octets)
            else:
                self._end_output()

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


FACTORY: Final = PeerFactory(WebsocketsPeer.implementation, version, WebsocketsPeer)
