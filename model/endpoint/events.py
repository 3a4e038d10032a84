"""The events that an endpoint tells its application: small tuples, each with the ids of the rules behind it."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from ..octets.http import Request, Response
from ..octets.vocabulary import BINARY, TEXT


class RequestReceived(NamedTuple):
    """A server took a request: the opening handshake of a client (section 4.2.1), or another request of HTTP.

    ``handshake`` says which; the endpoint answers by itself, unless the application has its own answer.
    """

    request: Request
    handshake: bool
    rules: tuple[str, ...]


class Opened(NamedTuple):
    """The WebSocket Connection is Established (section 4.1), for either end.

    ``subprotocol`` is the Subprotocol In Use, ``extensions`` the Extensions In Use: the value of the header field as it
    was sent. None where none is in use.
    """

    subprotocol: str | None
    extensions: str | None
    rules: tuple[str, ...]


class HandshakeRefused(NamedTuple):
    """The server answered with another status code than 101: this connection will not be established.

    ``response`` is what the server sent, and was received (its body is not read). For a server ``rules`` are those that
    made it refuse; where it was free to accept, those that let it answer so.
    """

    response: Response
    rules: tuple[str, ...]


class MessageReceived(NamedTuple):
    """A WebSocket Message Has Been Received (section 6.2): text as str, binary data as bytes."""

    data: str | bytes
    rules: tuple[str, ...]


class PingReceived(NamedTuple):
    """A Ping; the endpoint answers it by itself."""

    payload: bytes
    rules: tuple[str, ...]


class PongReceived(NamedTuple):
    """A Pong, asked for or not."""

    payload: bytes
    rules: tuple[str, ...]


class CloseReceived(NamedTuple):
    """A Close frame, with The WebSocket Connection Close Code and Reason (sections 7.1.5 and 7.1.6).

    ``code`` is 1005 where the frame carries none; the endpoint answers by itself.
    """

    code: int
    reason: str
    rules: tuple[str, ...]


class Failed(NamedTuple):
    """The endpoint fails the WebSocket Connection (section 7.1.7); ``code`` is the status code that fits."""

    code: int
    rules: tuple[str, ...]


class Closed(NamedTuple):
    """The WebSocket Connection is Closed (section 7.1.4): the TCP connection is gone.

    ``code`` is The WebSocket Connection Close Code, 1006 where no Close was received; ``clean``: after a completed
    closing handshake.
    """

    code: int
    clean: bool
    rules: tuple[str, ...]


EndpointEvent: TypeAlias = (
    MessageReceived
    | PingReceived
    | PongReceived
    | CloseReceived
    | Failed
    | Closed
    | RequestReceived
    | Opened
    | HandshakeRefused
)

OPENING_HANDSHAKE: Final = "opening handshake"
OTHER_REQUEST: Final = "other request"
OPEN: Final = "open"
REFUSED: Final = "refused"

TEXT_MESSAGE: Final = "text message"
BINARY_MESSAGE: Final = "binary message"
PING_RECEIVED: Final = "ping"
PONG_RECEIVED: Final = "pong"
CLOSE_RECEIVED: Final = "close"
CLOSED_CLEANLY: Final = "closed cleanly"
CLOSED_NOT_CLEANLY: Final = "closed, not cleanly"
"""The words that rules use for what they deliver (``Accept.delivers``)."""

OPCODES: Final = {TEXT_MESSAGE: TEXT, BINARY_MESSAGE: BINARY}
"""The types of messages, by these words."""


def event_of(delivers: str, payload: bytes, code: int, rules: tuple[str, ...]) -> EndpointEvent:
    """The event of a received frame, or of the message that it ends; ``code`` is that of a Close."""
    if delivers == BINARY_MESSAGE:
        return MessageReceived(payload, rules)
    if delivers == TEXT_MESSAGE:
        # Rules have seen to it that text is valid; a faulty rule set may not have.
        return MessageReceived(payload.decode("utf-8", "replace"), rules)
    if delivers == CLOSE_RECEIVED:
        return CloseReceived(code, payload[2:].decode("utf-8", "replace"), rules)
    return PingReceived(payload, rules) if delivers == PING_RECEIVED else PongReceived(payload, rules)
