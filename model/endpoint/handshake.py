"""The opening handshake of an endpoint (section 4): the part that client and server have in common.

Theory of operation. An opening side knows HTTP and no rule. It reads heads, gives their facts, and prepares the
possible answers, the best first. The endpoint asks the rules about each head that comes or goes, and tells the side
the outcome. A head to be sent is judged by its octets, read back as the peer would read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

from ..machine.interpreted import Outcome
from ..notation.head_variables import HeadFacts, value_of
from ..notation.variables import EventKind
from ..octets.http import Head, HeadParser, Malformed, ParsedHead, Request, Response
from ..octets.vocabulary import Role
from .events import EndpointEvent
from .extension import Extension

VERSION: Final = "13"
"""The version of the WebSocket Protocol (section 4.1)."""


MALFORMED: Final = value_of("syntax", "malformed")


class ReceivedHead(NamedTuple):
    """The facts of a head, malformed or not; ``rest`` are the octets after it."""

    facts: HeadFacts
    rest: bytes


class HeadToSend(NamedTuple):
    """A head that could be sent. ``asked``: the application wants this one, and is told if the rules forbid it."""

    head: Head
    octets: bytes
    facts: HeadFacts
    asked: bool = False


class OpeningSide(Protocol):
    """One end of one connection while its opening handshake is not complete. No octets make it raise."""

    @property
    def receives(self) -> EventKind:
        """The kind of event of a head that it reads."""

    @property
    def sends(self) -> EventKind:
        """The kind of event of a head that it sends."""

    @property
    def held(self) -> int:
        """Octets that are kept of a head that is not complete."""

    @property
    def extensions(self) -> Sequence[Extension]:
        """The negotiated extensions, in the order in which a message to be sent passes through them."""

    def read(self, octets: bytes) -> ReceivedHead | None:
        """Take octets and give the head that they complete; None if it is incomplete, or no more heads are read."""

    def choose(self, outcomes: tuple[Outcome, ...]) -> Outcome:
        """Which of the outcomes of the head that was read last shall happen; the strictest is in front."""

    def received(self, outcome: Outcome) -> list[EndpointEvent]:
        """The outcome of that head; what it tells the application."""

    def to_send(self) -> Sequence[HeadToSend]:
        """The heads that can be sent now that one is owed, the best first."""

    def sent(self, sent: HeadToSend, outcome: Outcome) -> list[EndpointEvent]:
        """One of them was sent; what that tells the application."""

    def stop(self) -> None:
        """Nothing is to be read any more."""


class ReadingSide:
    """The state that both sides have in common: the head that is being read, and the negotiated extensions."""

    def __init__(self, reader: HeadParser) -> None:
        self._reader: HeadParser | None = reader
        self._extensions: tuple[Extension, ...] = ()

    @property
    def held(self) -> int:
        """Octets that are kept of a head that is not complete."""
        return 0 if self._reader is None else self._reader.held

    @property
    def extensions(self) -> Sequence[Extension]:
        """The negotiated extensions, in the order in which a message to be sent passes through them."""
        return self._extensions

    def stop(self) -> None:
        """Nothing is to be read any more."""
        self._reader = None

    def _completed(self, octets: bytes) -> ParsedHead | Malformed | None:
        """The head that is complete with these octets: no other is read behind it. None before, and after that."""
        if self._reader is None:
            return None
        self._reader.feed(octets)
        result = self._reader.result
        if result is not None:
            self._reader = None
        return result


class Opening(Protocol):
    """The choices of an application for the opening handshakes of its connections."""

    @property
    def role(self) -> Role:
        """Which end it is for."""

    @property
    def willing(self) -> bool:
        """Whether the application takes every sound opening handshake."""

    def begin(self) -> OpeningSide:
        """The same for one connection."""


def read_back(head: Head) -> ParsedHead | None:
    """The head that a peer reads from these octets; None unless it is this head alone, without any tolerance."""
    try:
        octets = head.octets()
    except UnicodeEncodeError:  # HTTP has no octets for such a field
        return None
    reader = HeadParser(Role.SERVER if isinstance(head, Request) else Role.CLIENT)
    reader.feed(octets)
    read = reader.result
    if not isinstance(read, ParsedHead) or read.head != head or read.rest or read.tolerated:
        return None
    return read


def reserved_bits(extensions: Sequence[Extension]) -> dict[str, Any]:
    """The facts of a response on the reserved bits that these extensions define."""
    claimed = frozenset[int]().union(*(extension.claims for extension in extensions))
    return {f"defines_rsv{bit}": bit in claimed for bit in (1, 2, 3)}


def in_use(response: Response) -> tuple[str | None, str | None]:
    """The Subprotocol In Use and the Extensions In Use (section 4.1) by a response that opens the connection."""
    values = (response.values(name) for name in ("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"))
    subprotocol, extensions = (", ".join(found) or None for found in values)
    return subprotocol, extensions
