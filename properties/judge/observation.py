"""Observations of one endpoint (the SUT): octets that arrive, its own actions, and the actions of its application.

A *trace* is a sequence of observations in the order in which they were made. The order says only this much: what the
endpoint does can depend on nothing that arrived later. When it took in what had arrived before is not seen, unless the
observer knows that everything was processed (:class:`Processed`, :class:`Quiet`).

The part of a trace that is done *to* the endpoint (:class:`Arrives`, :class:`ArrivesEof`, :class:`Asks`) is a
*stimulus*: it can be given to another endpoint again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from wsoracle.model.endpoint.events import (
    BINARY_MESSAGE,
    CLOSE_RECEIVED,
    CLOSED_NOT_CLEANLY,
    PING_RECEIVED,
    PONG_RECEIVED,
    TEXT_MESSAGE,
)
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, TEXT


@dataclass(frozen=True, slots=True, repr=False)
class Arrives:
    """Octets arrive at the endpoint, in a chunk of any size."""

    octets: bytes

    def __repr__(self) -> str:
        return f"Arrives({_hex(self.octets)})"


@dataclass(frozen=True, slots=True)
class ArrivesEof:
    """The peer's end of TCP arrives (FIN): its direction is over, and the other one is still open.

    In a trace that does not tell the two apart the connection may be lost instead (:class:`ArrivesReset`).
    """


@dataclass(frozen=True, slots=True)
class ArrivesReset:
    """The peer resets TCP, or it is lost: both directions are over.

    What the endpoint does on TCP from then on reaches no observer, so that nothing on the wire can be missed.
    """


@dataclass(frozen=True, slots=True, repr=False)
class Writes:
    """The endpoint puts octets on the wire."""

    octets: bytes

    def __repr__(self) -> str:
        return f"Writes({_hex(self.octets)})"


@dataclass(frozen=True, slots=True)
class ShutsDownTcp:
    """The endpoint ends its direction of TCP (FIN) and reads on, as section 7.1.1 recommends."""


@dataclass(frozen=True, slots=True)
class ClosesTcp:
    """The endpoint closes the TCP connection; in a trace that does not tell the two apart perhaps its half alone."""


@dataclass(frozen=True, slots=True)
class ResetsTcp:
    """The endpoint resets the TCP connection (ECONNRESET): it closes it with input unread, or abortively.

    The octets that it wrote last may be lost, so that a frame or a head may be cut.
    """


def _hex(octets: bytes) -> str:
    """Octets as Python would read them, unless there are very many."""
    return f"bytes.fromhex({octets.hex()!r})" if len(octets) <= 200 else f"<{len(octets)} octets>"


Told: TypeAlias = Literal["text", "binary", "ping", "pong", "close", "failed", "lost"]

TOLD_AS: Final[dict[str, Told]] = {
    TEXT_MESSAGE: "text",
    BINARY_MESSAGE: "binary",
    PING_RECEIVED: "ping",
    PONG_RECEIVED: "pong",
    CLOSE_RECEIVED: "close",
    CLOSED_NOT_CLEANLY: "lost",
}
"""How an application is told of what an endpoint delivers, by the words of the rules."""


@dataclass(frozen=True, slots=True)
class Tells:
    """The endpoint tells its application something.

    kind     what is told
    text     a whole message: its octets
    binary   a whole message: its octets
    ping     the application data of a Ping
    pong     the application data of a Pong
    close    a Close frame came: its code (1005 where it had none, section 7.1.5) and reason
    failed   the endpoint fails the connection (section 7.1.7)
    lost     TCP ended although no Close frame had been received
    """

    kind: Told
    payload: bytes = b""
    code: int | None = None
    reason: str = ""


What: TypeAlias = Literal["text", "binary", "continuation", "ping", "pong", "close"]


@dataclass(frozen=True, slots=True)
class Asks:
    """The application asks the endpoint to send something, and the endpoint does not refuse.

    `what` with `payload` and `fin` is a frame of a message, or a control frame; `code` (None: no body) and `reason` are
    those of a Close.
    """

    what: What
    payload: bytes = b""
    fin: bool = True
    code: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Processed:
    """The observer knows that the endpoint has taken in everything that arrived, and told all that it will tell of it.

    So it is where the endpoint runs in the observer's own process, and has returned.
    """


@dataclass(frozen=True, slots=True)
class Quiet:
    """The endpoint has taken in everything that arrived and stays quiet: quiescence, which is an output too."""


@dataclass(frozen=True, slots=True)
class Crashes:
    """The endpoint breaks down: an exception that its documentation does not announce, for example."""

    reason: str


Observation: TypeAlias = (
    Arrives
    | ArrivesEof
    | ArrivesReset
    | Writes
    | ShutsDownTcp
    | ClosesTcp
    | ResetsTcp
    | Tells
    | Asks
    | Processed
    | Quiet
    | Crashes
)
Trace: TypeAlias = Sequence[Observation]
Stimulus: TypeAlias = tuple[Arrives | ArrivesEof | Asks, ...]

OPCODE_OF: Final[dict[What, int]] = {"text": TEXT, "binary": BINARY, "continuation": CONTINUATION}
