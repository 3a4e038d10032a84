"""What an endpoint tells its application: one small tuple an event, each with the ids of the rules behind it."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias


class Message(NamedTuple):
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


EndpointEvent: TypeAlias = Message | PingReceived | PongReceived | CloseReceived | Failed | Closed

TEXT_MESSAGE: Final = "text message"
BINARY_MESSAGE: Final = "binary message"
PING_RECEIVED: Final = "ping"
PONG_RECEIVED: Final = "pong"
CLOSE_RECEIVED: Final = "close"
CLOSED_CLEANLY: Final = "closed cleanly"
CLOSED_NOT_CLEANLY: Final = "closed, not cleanly"
"""The words that rules use for what they deliver (``Accept.delivers``)."""

__all__ = [
    "BINARY_MESSAGE",
    "CLOSED_CLEANLY",
    "CLOSED_NOT_CLEANLY",
    "CLOSE_RECEIVED",
    "PING_RECEIVED",
    "PONG_RECEIVED",
    "TEXT_MESSAGE",
    "CloseReceived",
    "Closed",
    "EndpointEvent",
    "Failed",
    "Message",
    "PingReceived",
    "PongReceived",
]
