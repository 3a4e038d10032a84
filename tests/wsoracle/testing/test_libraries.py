"""The state machine on real libraries, as their authors would use it; what they are known to do else is named."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test  # type: ignore[import-untyped,unused-ignore]
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidState, ProtocolError
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, State
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.utilities import LocalProtocolError

from wsoracle.testing import Asks, Role, WebSocketMachine

pytestmark = pytest.mark.peers

FEW = settings(
    max_examples=12,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


ANSWERING = (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING)


class WsprotoServer(WebSocketMachine):
    """wsproto's connection after the opening handshake, under an application that answers what it is to answer."""

    role: ClassVar[Role] = Role.SERVER
    kind: ClassVar = ConnectionType.SERVER
    known = frozenset({"5.5.1/close", "7.4.1/send-code-1004", "7.4.2/send-unassigned-codes",
                       "5.5.1/send-unused-codes", "5.5.1/send-codes-beyond"})  # fmt: skip

    def connect(self) -> None:
        self.connection = Connection(self.kind)
        self.closed = False

    def receive(self, octets: bytes) -> bytes:
        written = b""
        if self.closed or self.connection.state.value == ConnectionState.CLOSED.value:
            self.closed = True
            return written
        self.connection.receive_data(octets or None)
        for event in self.connection.events():
            if isinstance(event, Ping) and self.connection.state in ANSWERING:
                written += self.connection.send(event.response())
            elif isinstance(event, CloseConnection):
                # It stands for a Close that came, for a frame that must be refused, and for the end of TCP.
                failed = self.connection.state is not ConnectionState.REMOTE_CLOSING
                if octets and self.connection.state in ANSWERING:
                    written += self.connection.send(event.response())
                self.closed |= failed or self.kind is ConnectionType.SERVER
        self.closed |= not octets
        return written

    def has_closed(self) -> bool:
        return self.closed

    def ask(self, request: Asks) -> bytes | None:
        if self.closed:
            return None
        try:
            if request.what == "text":
                return self.connection.send(TextMessage(request.payload.decode(), message_finished=request.fin))
            if request.what == "binary":
                return self.connection.send(BytesMessage(request.payload, message_finished=request.fin))
            if request.what == "ping":
                return self.connection.send(Ping(request.payload))
            if request.what == "pong":
                return self.connection.send(Pong(request.payload))
            if request.what == "close" and request.code is not None:
                return self.connection.send(CloseConnection(request.code, request.reason))
        except (LocalProtocolError, TypeError):
            return None
        return None


class WsprotoClient(WsprotoServer):
    role = Role.CLIENT
    kind = ConnectionType.CLIENT


class WebsocketsServer(WebSocketMachine):
    """websockets' Sans-I/O layer after the opening handshake."""

    role: ClassVar[Role] = Role.SERVER
    limit = 1 << 20
    known = frozenset({"5.5.1/close", "5.5.1/closed-after-both", "5.5.2/ping", "7.1.7/appropriate-code",
                       "7.1.7/nothing-after-failing", "7.1.7/no-data-after-failing"})  # fmt: skip

    def protocol(self) -> Protocol:
        return ServerProtocol(state=State.OPEN, max_size=self.limit)

    def connect(self) -> None:
        self.connection = self.protocol()
        self.closed = False

    def receive(self, octets: bytes) -> bytes:
        if octets:
            self.connection.receive_data(octets)
        else:
            self.connection.receive_eof()
        for frame in self.connection.events_received():
            self.assemble(frame)
        return self.written()

    def assemble(self, frame: object) -> None:
        """The text of messages is left to the integrator, who fails the connection as the library's own layers do."""
        if not isinstance(frame, Frame) or frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if frame.opcode is not Opcode.CONT:
            self.text, self.message = frame.opcode is Opcode.TEXT, b""
        self.message += frame.data
        if frame.fin and self.text:
            try:
                self.message.decode()
            except UnicodeDecodeError:
                self.connection.fail(1007)

    def written(self) -> bytes:
        chunks = self.connection.data_to_send()
        self.closed |= b"" in chunks
        return b"".join(chunks)

    def has_closed(self) -> bool:
        return self.closed

    def ask(self, request: Asks) -> bytes | None:
        if self.closed:
            return None
        try:
            if request.what == "close":
                self.connection.send_close(request.code, request.reason)
            elif request.what in ("ping", "pong"):
                getattr(self.connection, f"send_{request.what}")(request.payload)
            else:
                getattr(self.connection, f"send_{request.what}")(request.payload, request.fin)
        except (InvalidState, ProtocolError):
            return None
        return self.written()


class WebsocketsClient(WebsocketsServer):
    role = Role.CLIENT

    def protocol(self) -> Protocol:
        return ClientProtocol(parse_uri("ws://server.example.com/"), state=State.OPEN, max_size=self.limit)


class WebsocketsDeflateServer(WebsocketsServer):
    """The same with permessage-deflate."""

    extensions = "permessage-deflate; server_no_context_takeover; client_max_window_bits=10"

    def protocol(self) -> Protocol:
        made = super().protocol()
        made.extensions = [PerMessageDeflate(False, True, 10, 15)]
        return made


class WebsocketsDeflateClient(WebsocketsClient):
    """The same with permessage-deflate."""

    extensions = "permessage-deflate; server_no_context_takeover; client_max_window_bits=10"

    def protocol(self) -> Protocol:
        made = super().protocol()
        made.extensions = [PerMessageDeflate(True, False, 15, 10)]
        return made


MACHINES = (
    WsprotoServer, WsprotoClient, WebsocketsServer, WebsocketsClient, WebsocketsDeflateServer, WebsocketsDeflateClient,
)  # fmt: skip


@pytest.mark.parametrize("machine", MACHINES)
def test_a_library_deviates_in_no_new_way(machine: type[WebSocketMachine]) -> None:
    run_state_machine_as_test(machine, settings=FEW)
