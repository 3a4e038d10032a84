"""The interface that every implementation under test has here, whatever its own interface is.

Theory of operation. A `PeerUnderTest` is one endpoint of a connection from the first octet on: a client has its request
among the first octets to send, a server waits for one. `PeerUnderTest.opened` makes one whose opening handshake the
canonical endpoint has played already. Octets go in (`receive`, `receive_eof`), octets come out (`octets_to_send`, then
`wants_tcp_close`), and the application on top both acts (`send_fragment` and its siblings) and is told things
(`events`). No socket, thread or clock takes part, so the same calls give the same behaviour, masking keys apart.

Three outcomes are kept strictly apart, because only two of them can be held against an implementation:

- what it puts on the wire and tells its application: behaviour, to be judged. A client is told of an opening handshake
  that failed by `failed`; a server answers it;
- `PeerCrashed`: an exception that its documentation does not announce, or one that it swallowed itself;
- `ApplicationRefused`: its interface declines what the application asked for. Nothing was sent; no deviation.

An adapter is only the glue that the library's documentation asks its users to write. Where that glue decides
something, the adapter's docstring says what and why.
"""

from __future__ import annotations

import codecs
import importlib
from abc import ABC, abstractmethod
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from traceback import walk_tb
from typing import ClassVar, Final, Literal, Self, TypeAlias, cast

from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.handshake_client import ClientOpening
from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.notation.variables import State
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, DATA_OPCODES, TEXT, Role
from wsoracle.properties.judge.observation import Told

PeerApplication: TypeAlias = Literal["sink", "echo"]
"""The application on top: `sink` only listens; `echo` sends each complete message back, if the library lets it."""

#: _The WebSocket Connection Close Code_ where no Close frame came (RFC 6455, section 7.1.5). Never on the wire.
ABNORMAL_CLOSURE: Final = 1006

MAX_CODE: Final = 0xFFFF

URI: Final = "ws://server.example.com/chat"
"""The URI that clients open."""

FIXED_KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key that clients send, so that a run can be repeated. That keys are fresh cannot be seen on one connection."""


@dataclass(frozen=True, slots=True)
class Offers:
    """The offer or the support of an endpoint: subprotocols, and whether permessage-deflate (RFC 7692)."""

    subprotocols: tuple[str, ...] = ()
    deflate: bool = False


class ApplicationRefused(Exception):
    """The library declines what its application asked for; nothing was sent. Not a deviation of the library."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PeerCrashed(Exception):
    """The library raised, or swallowed, an exception that its documentation does not announce: a finding.

    The message names the function of the library that raised the exception, or called what raised it.
    """

    def __init__(self, original: BaseException) -> None:
        inside = [frame.f_code for frame, _ in walk_tb(original.__traceback__)]
        names = [code.co_name for code in inside if "site-packages" in code.co_filename]
        named = [name for name in names if not name.startswith("<")]
        super().__init__(f"{type(original).__name__}: {original}" + (f" ({named[-1]})" if named else ""))
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
    choice and follows the chunks in which octets arrive.
    """

    kind: Told
    payload: bytes = b""
    final: bool = True
    code: int | None = None
    reason: str = ""


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
    """One endpoint that a real implementation drives, from the first octet on; see the module's theory of operation.

    A subclass feeds the library in `_feed`, `_feed_eof` and the `_send_...` methods, and reports with `_deliver`,
    `_emit`, `_end_output` and `_finish`. Its class is what `available_peers` gives.
    """

    #: The name under which the implementation is installed, and its version, as it states it itself.
    implementation: ClassVar[str]
    version: ClassVar[str]
    #: Octets of the largest head that it certainly takes.
    head_limit: ClassVar[int]
    #: Whether its users may choose how long a message may be.
    limit_can_be_chosen: ClassVar[bool]
    #: Octets of the longest message that this endpoint takes (section 10.4); None: no limit of its own.
    limit: int | None

    def __init__(
        self,
        role: Role,
        application: PeerApplication = "sink",
        *,
        offers: Offers | None = None,
        limit: int | None = None,
    ) -> None:
        """An endpoint whose opening handshake has not begun; `limit` in place of its usual one, in octets of a message.

        Raises PeerCrashed; ValueError where the limit cannot be chosen.
        """
        if limit is not None and not self.limit_can_be_chosen:
            raise ValueError(f"{self.implementation} has no limit on messages that its users may choose")
        self.role: Final = role
        self.application: Final = application
        self.offers: Final = Offers() if offers is None else offers
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

    @classmethod
    def opened(cls, role: Role, application: PeerApplication = "sink", *, limit: int | None = None) -> Self:
        """An endpoint whose connection is open, with nothing negotiated. Raises HandshakeFailed or PeerCrashed."""
        peer = cls(role, application, limit=limit)
        canonical = Endpoint(role.peer, opening=opening_of(role.peer))
        peer.receive(canonical.octets_to_send())
        told = canonical.receive(peer.octets_to_send())
        peer.receive(canonical.octets_to_send())
        if canonical.state != State() or peer.wants_tcp_close or peer.events() or peer.octets_to_send():
            raise HandshakeFailed(f"{cls.implementation} as {role} does not open a connection: {told}")
        return peer

    # --- the network

    def receive(self, octets: bytes) -> None:
        """Octets that arrive, in a chunk of any size.

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
        """The events that the application was told since the last call, in order."""
        events, self._told = self._told, []
        return events

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
        # A test that has half sent a message leaves no room for an echo; where the library refuses one (it has sent a
        # Close), the application sends none.
        if self._sending is None:
            try:
                self.send_fragment(opcode, message, fin=True)
            except ApplicationRefused:
                return


def opening_of(role: Role, offers: Offers | None = None) -> ClientOpening | ServerOpening:
    """The opening handshake of a canonical endpoint, which agrees to no extension."""
    subprotocols = () if offers is None else offers.subprotocols
    if role is Role.SERVER:
        return ServerOpening(subprotocols)
    return ClientOpening(URI, subprotocols, nonce=lambda: b64decode(FIXED_KEY))


# --- which implementations there are


@dataclass(frozen=True, slots=True)
class MissingPeer:
    """A known implementation that cannot be run here, and why."""

    implementation: str
    reason: str


#: Library -> the module beside this one whose `ADAPTER` is its adapter.
KNOWN_PEERS: Final[Mapping[str, str]] = {
    "wsproto": "wsproto_adapter",
    "websockets": "websockets_adapter",
}


def available_peers() -> list[type[PeerUnderTest]]:
    """The implementations that can be run here, in a fixed order. The others: `missing_peers`."""
    return [found for found in map(_look_up, KNOWN_PEERS) if not isinstance(found, MissingPeer)]


def missing_peers() -> list[MissingPeer]:
    """The known implementations that cannot be run here, each with the reason, so that none is left out silently."""
    return [found for found in map(_look_up, KNOWN_PEERS) if isinstance(found, MissingPeer)]


def _look_up(implementation: str) -> type[PeerUnderTest] | MissingPeer:
    try:
        module = importlib.import_module(f".{KNOWN_PEERS[implementation]}", __package__)
    except ModuleNotFoundError as error:
        return MissingPeer(implementation, f"not installed: {error}")
    except ImportError as error:
        return MissingPeer(implementation, f"installed, but not a version that is known here: {error}")
    return cast(type[PeerUnderTest], module.ADAPTER)
