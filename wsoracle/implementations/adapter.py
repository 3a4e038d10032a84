"""What every implementation under test looks like to us, whatever its own interface is.

Theory of operation. A `PeerUnderTest` is one endpoint of a connection that has just been opened, without extensions.
Octets go in (`receive`, `receive_eof`), octets come out (`octets_to_send`, then `wants_tcp_close`), and the
application on top both acts (`send_text` and its siblings) and is told things (`events`). No socket, thread or clock
takes part, so the same calls give the same behaviour, masking keys apart.

Three outcomes are kept strictly apart, because only two of them can be held against an implementation:

- what it puts on the wire and tells its application: behaviour, to be judged;
- `PeerCrashed`: an exception that its documentation does not announce, or one that it swallowed itself;
- `ApplicationRefused`: its interface declines what the application asked for. Nothing was sent; no deviation.

An adapter is only the glue that the library's documentation asks its users to write. Where that glue decides
something, the adapter's docstring says what and why.
"""

from __future__ import annotations

import base64
import codecs
import hashlib
import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, Protocol, TypeAlias, TypedDict, cast

from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, DATA_OPCODES, TEXT, Role

__all__ = [
    "Application",
    "ApplicationRefused",
    "Delivered",
    "HandshakeFailed",
    "Limits",
    "MissingPeer",
    "PeerCrashed",
    "PeerFactory",
    "PeerUnderTest",
    "available_peers",
    "missing_peers",
    "whole_messages",
]

Application: TypeAlias = Literal["sink", "echo"]
"""What sits on top: `sink` only listens; `echo` sends every complete message back whole, if the library lets it."""

EventKind: TypeAlias = Literal["text", "binary", "ping", "pong", "close", "failed", "lost"]

#: _The WebSocket Connection Close Code_ where no Close frame came (RFC 6455, section 7.1.5). Never on the wire.
ABNORMAL_CLOSURE: Final = 1006

MAX_CODE: Final = 0xFFFF


class ApplicationRefused(Exception):
    """The library declines what its application asked for; nothing was sent. Not a deviation of the library."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PeerCrashed(Exception):
    """The library raised, or swallowed, an exception that its documentation does not announce: a finding."""

    def __init__(self, original: BaseException) -> None:
        super().__init__(f"{type(original).__name__}: {original}")
        self.original = original


class HandshakeFailed(Exception):
    """The library did not complete a plain, valid opening handshake, so there is no connection to examine."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One thing that the library told its application.

    kind     payload, code and reason
    text     UTF-8 octets of the message, or of the next part of it
    binary   octets of the message, or of the next part of it
    ping     application data of the Ping
    pong     application data of the Pong
    close    a Close frame came: its code (1005 where it had none, section 7.1.5) and reason
    failed   the library failed the connection (section 7.1.7): the code it chose and its explanation
    lost     the TCP stream ended although no Close frame had been received: code 1006

    `final` is False for a part of a message with more to come. How a message is cut into parts is the library's
    choice and follows the chunks in which octets arrive: compare `whole_messages`.
    """

    kind: EventKind
    payload: bytes = b""
    final: bool = True
    code: int | None = None
    reason: str = ""


class Limits(TypedDict):
    """How much the implementation takes (section 10.4), with its defaults; None: no limit of its own."""

    message_octets: int | None
    frame_octets: int | None
    fragments: int | None


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


@contextmanager
def library_call(refused: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Around every call into a library: its documented refusals become ApplicationRefused, the rest PeerCrashed."""
    try:
        yield
    except refused as error:
        raise ApplicationRefused(f"{type(error).__name__}: {error}") from error
    except Exception as error:
        raise PeerCrashed(error) from error


class PeerUnderTest(ABC):
    """One endpoint, connected, that a real implementation drives; see the module's theory of operation.

    A subclass feeds the library in `_feed`, `_feed_eof` and the `_send_...` methods, and reports with `_deliver`,
    `_emit`, `_end_output` and `_finish`.
    """

    #: The name under which the implementation is installed.
    implementation: ClassVar[str]
    #: Its version, as it tells it itself.
    version: str
    #: Its limits, section 10.4.
    limits: Limits

    def __init__(self, role: Role, application: Application = "sink") -> None:
        self.role: Final = role
        self.application: Final = application
        #: Replies that the protocol asks for and the library refused to build, in its own words: evidence for reports.
        self.refusals: list[str] = []
        self._output = bytearray()
        self._told: list[Delivered] = []
        self._parts: list[bytes] = []
        self._sending: int | None = None
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._eof_received = False
        self._output_ended = False
        self._finished = False

    # --- the network

    def receive(self, octets: bytes) -> None:
        """Octets that arrive after the opening handshake, in a chunk of any size.

        Once the endpoint is `closed` they are dropped, as a closed socket drops them. Raises PeerCrashed; ValueError
        after `receive_eof`.
        """
        if self._eof_received:
            raise ValueError("octets cannot arrive after the end of the stream")
        if octets and not self._finished:
            self._feed(octets)

    def receive_eof(self) -> None:
        """The other side closed the TCP connection, or it broke. May be called again. Raises PeerCrashed."""
        if not self._eof_received:
            self._eof_received = True
            if not self._finished:
                self._feed_eof()

    def octets_to_send(self) -> bytes:
        """The octets that the endpoint wrote since the last call, in order; `wants_tcp_close` comes after them."""
        octets = bytes(self._output)
        self._output.clear()
        return octets

    @property
    def wants_tcp_close(self) -> bool:
        """Whether the endpoint has ended its side of the TCP stream: it sends nothing more."""
        return self._output_ended

    @property
    def closed(self) -> bool:
        """Whether the endpoint is done with the TCP connection: it neither sends nor reads any more."""
        return self._finished

    # --- the application

    def events(self) -> list[Delivered]:
        """What the application was told since the last call, in order."""
        events, self._told = self._told, []
        return events

    def send_text(self, text: str) -> None:
        """Send a whole text message. Raises ApplicationRefused (also for lone surrogates) or PeerCrashed."""
        try:
            payload = text.encode()
        except UnicodeEncodeError as error:
            raise ApplicationRefused(f"the text has no UTF-8 form: {error}") from error
        self.send_fragment(TEXT, payload, fin=True)

    def send_binary(self, payload: bytes) -> None:
        """Send a whole binary message. Raises ApplicationRefused or PeerCrashed."""
        self.send_fragment(BINARY, payload, fin=True)

    def send_fragment(self, opcode: int, payload: bytes, fin: bool) -> None:
        """Send one frame of a message: opcode TEXT, BINARY or CONTINUATION, last frame of it or not.

        The application keeps the one thing that both libraries ask of it: text is UTF-8, checked over the whole
        message, so that a character may span two fragments. Raises ApplicationRefused, PeerCrashed; ValueError for
        the opcode of a control frame.
        """
        if opcode not in DATA_OPCODES:
            raise ValueError(f"a fragment has opcode 0, 1 or 2, not {opcode}")
        self._check_open()
        text = opcode == TEXT or (opcode == CONTINUATION and self._sending == TEXT)
        decoder = codecs.getincrementaldecoder("utf-8")()
        if text:
            if opcode == CONTINUATION:
                decoder.setstate(self._utf8.getstate())
            try:
                decoder.decode(payload, fin)
            except UnicodeDecodeError as error:
                raise ApplicationRefused(f"the message is not UTF-8: {error}") from error
        self._send_fragment(opcode, payload, fin)
        self._utf8 = decoder
        if fin:
            self._sending = None
        elif opcode != CONTINUATION:
            self._sending = opcode

    def send_ping(self, payload: bytes = b"") -> None:
        """Send a Ping. Raises ApplicationRefused or PeerCrashed."""
        self._check_open()
        self._send_ping(payload)

    def send_pong(self, payload: bytes = b"") -> None:
        """Send a Pong that answers nothing (section 5.5.3). Raises ApplicationRefused or PeerCrashed."""
        self._check_open()
        self._send_pong(payload)

    def send_close(self, code: int | None = None, reason: str = "") -> None:
        """Start the closing handshake. Raises ApplicationRefused, PeerCrashed; ValueError for a longer `code`."""
        if code is not None and not 0 <= code <= MAX_CODE:
            raise ValueError(f"a close code has 16 bits, {code} does not fit")
        self._check_open()
        self._send_close(code, reason)

    def _check_open(self) -> None:
        # Not the library's doing: the socket is shut for writing, and that is what the application would hear.
        if self._output_ended:
            raise ApplicationRefused("the TCP connection is closed for sending")

    # --- for subclasses: the library

    @abstractmethod
    def _feed(self, octets: bytes) -> None:
        """Give the library octets; take what it wants sent and what it tells."""

    @abstractmethod
    def _feed_eof(self) -> None:
        """Tell the library that the TCP stream ended."""

    @abstractmethod
    def _send_fragment(self, opcode: int, payload: bytes, fin: bool) -> None: ...

    @abstractmethod
    def _send_ping(self, payload: bytes) -> None: ...

    @abstractmethod
    def _send_pong(self, payload: bytes) -> None: ...

    @abstractmethod
    def _send_close(self, code: int | None, reason: str) -> None: ...

    # --- for subclasses: what came of it

    def _emit(self, octets: bytes | bytearray) -> None:
        if octets and self._output_ended:
            raise PeerCrashed(RuntimeError(f"{len(octets)} octets to send after the library ended its TCP stream"))
        self._output += octets

    def _end_output(self) -> None:
        self._output_ended = True

    def _finish(self) -> None:
        self._output_ended = True
        self._finished = True

    def _deliver(self, event: Delivered) -> None:
        self._told.append(event)
        if self.application == "echo" and event.kind in ("text", "binary"):
            self._parts.append(event.payload)
            if event.final:
                message, self._parts = b"".join(self._parts), []
                self._echo(TEXT if event.kind == "text" else BINARY, message)

    def _echo(self, opcode: int, message: bytes) -> None:
        # Where a test has a message of its own half sent, there is no room for an echo; where the library refuses
        # (it has sent a Close), the echo application goes without, as any application must.
        if self._sending is None:
            try:
                self.send_fragment(opcode, message, fin=True)
            except ApplicationRefused:
                return


# --- the opening handshake, fixed and without extensions (RFC 6455, sections 1.3 and 4)

CLIENT_KEY: Final = b"dGhlIHNhbXBsZSBub25jZQ=="
"""The nonce of the example in section 1.3."""

OPENING_REQUEST: Final = (
    b"GET / HTTP/1.1\r\n"
    b"Host: localhost\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: " + CLIENT_KEY + b"\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"\r\n"
)

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_value(key: bytes) -> bytes:
    """The value of |Sec-WebSocket-Accept| for a |Sec-WebSocket-Key| (section 4.2.2, /accept/)."""
    return base64.b64encode(hashlib.sha1(key + _GUID).digest())


def opening_answer(request: bytes) -> bytes:
    """The 101 response that accepts this request, with nothing negotiated. Raises HandshakeFailed."""
    key = _headers(request).get(b"sec-websocket-key")
    if not request.startswith(b"GET ") or key is None:
        raise HandshakeFailed(f"no opening handshake of a client: {request[:80]!r}")
    return (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept_value(key) + b"\r\n"
        b"\r\n"
    )


def check_opening_answer(answer: bytes) -> None:
    """Raises HandshakeFailed unless these are the octets of a 101 response to OPENING_REQUEST and nothing more."""
    accepted = _headers(answer).get(b"sec-websocket-accept") == accept_value(CLIENT_KEY)
    if not (answer.startswith(b"HTTP/1.1 101 ") and answer.endswith(b"\r\n\r\n") and accepted):
        raise HandshakeFailed(f"the server did not accept a valid request: {answer[:80]!r}")


def _headers(head: bytes) -> dict[bytes, bytes]:
    lines = head.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    fields = (line.partition(b":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in fields}


# --- which implementations there are


class _Make(Protocol):
    def __call__(self, role: Role, application: Application = "sink") -> PeerUnderTest: ...


@dataclass(frozen=True, slots=True)
class PeerFactory:
    """An installed implementation; call it for a fresh connection in the role that the implementation is to play."""

    implementation: str
    version: str
    make: _Make

    def __call__(self, role: Role, application: Application = "sink") -> PeerUnderTest:
        """A connected endpoint. Raises HandshakeFailed or PeerCrashed if the library cannot even open."""
        return self.make(role, application)


@dataclass(frozen=True, slots=True)
class MissingPeer:
    """A known implementation that cannot be run here, and why."""

    implementation: str
    reason: str


#: Library -> the module beside this one whose `FACTORY` adapts it.
KNOWN_PEERS: Final[Mapping[str, str]] = {
    "wsproto": "wsproto_adapter",
    "websockets": "websockets_adapter",
}


def available_peers() -> list[PeerFactory]:
    """The implementations that can be run here, in a fixed order. The others: `missing_peers`."""
    return [found for found in map(_look_up, KNOWN_PEERS) if isinstance(found, PeerFactory)]


def missing_peers() -> list[MissingPeer]:
    """The known implementations that cannot be run here, each with the reason, so that none is left out silently."""
    return [found for found in map(_look_up, KNOWN_PEERS) if isinstance(found, MissingPeer)]


def _look_up(implementation: str) -> PeerFactory | MissingPeer:
    try:
        module = importlib.import_module(f".{KNOWN_PEERS[implementation]}", __package__)
    except ModuleNotFoundError as error:
        return MissingPeer(implementation, f"not installed: {error}")
    except ImportError as error:
        return MissingPeer(implementation, f"installed, but not a version that is known here: {error}")
    return cast(PeerFactory, module.FACTORY)
