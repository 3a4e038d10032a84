"""The client's end of the opening handshake (section 4.1): it asks, and reads what the server answers.

Answers before the final one (100, 102, 103) are passed over, as HTTP has it. After a refusal nothing more is read: its
body is lost.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from ..facts.heads import facts_of_request, facts_of_response
from ..machine.interpreted import Kind, Outcome
from ..notation.head_variables import RequestFacts, ResponseFacts, value_of
from ..notation.variables import EventKind
from ..octets.accept_key import NONCE_OCTETS
from ..octets.header_values import ExtensionOffer, extension_list, parse_extensions
from ..octets.http import HEAD_LIMIT, HeadParser, ParsedHead, Request, Response
from ..octets.uri import parse_uri
from ..octets.vocabulary import Role
from .events import OPEN, REFUSED, EndpointEvent, Failed, HandshakeRefused, Opened
from .extension import Extension, Negotiable, bits_are_free
from .handshake import (
    MALFORMED,
    VERSION,
    HeadToSend,
    ReadingSide,
    ReceivedHead,
    in_use,
    read_back,
    reserved_bits,
)

NonceSource = Callable[[], bytes]
"""Gives a nonce of 16 octets for Sec-WebSocket-Key, a fresh one each time."""


class CountedNonces:
    """Nonces that follow from a counter: the same ones in every run, as tests and case files need them.

    Not for real connections: section 4.1 asks for randomly selected ones, such as ``lambda: os.urandom(16)``.
    """

    def __init__(self, first: int = 0) -> None:
        self._next = first

    def __call__(self) -> bytes:
        """The next nonce."""
        self._next += 1
        return sha256(self._next.to_bytes(8, "big")).digest()[:NONCE_OCTETS]


@dataclass(frozen=True)
class ClientOpening:
    """The request of a client.

    ``uri`` is a ws or wss URI; the TLS of wss is the business of the owner of the TCP connection. ``subprotocols`` and
    ``extensions`` are in the order of preference; ``origin`` is for clients that act for a page; ``headers`` are other
    fields, such as cookies. ``nonce`` gives the key; the default is for tests only (:class:`CountedNonces`).
    ``head_limit`` is in octets of a response. Raises :class:`ValueError` for any other URI.
    """

    uri: str
    subprotocols: Sequence[str] = ()
    extensions: Sequence[Negotiable] = ()
    origin: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    nonce: NonceSource = field(default_factory=CountedNonces)
    head_limit: int = HEAD_LIMIT

    def __post_init__(self) -> None:
        parse_uri(self.uri)

    @property
    def role(self) -> Role:
        """Which end it is for."""
        return Role.CLIENT

    @property
    def willing(self) -> bool:
        """False: only a server can be willing."""
        return False

    def begin(self) -> OpeningClient:
        """The same for one connection, with a nonce of its own."""
        return OpeningClient(self)

    def request(self) -> Request:
        """A request with a fresh nonce."""
        uri = parse_uri(self.uri)
        headers = [
            ("Host", uri.host_header),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", b64encode(self.nonce()).decode("ascii")),
            ("Sec-WebSocket-Version", VERSION),
        ]
        if self.origin is not None:
            headers.append(("Origin", self.origin))
        if self.subprotocols:
            headers.append(("Sec-WebSocket-Protocol", ", ".join(self.subprotocols)))
        offers = [ExtensionOffer(known.name, offer) for known in self.extensions for offer in known.offers()]
        if offers:
            headers.append(("Sec-WebSocket-Extensions", extension_list(offers)))
        return Request("1.1", (*headers, *self.headers), "GET", uri.resource_name)


class OpeningClient(ReadingSide):
    """A client that sends one request and reads its answer."""

    receives: Final = EventKind.RECEIVE_RESPONSE
    sends: Final = EventKind.SEND_REQUEST

    def __init__(self, opening: ClientOpening) -> None:
        self._opening: Final = opening
        self._request: Final = opening.request()
        super().__init__(self._new_reader())
        self._response: Response | None = None
        self._chose_none = False

    def to_send(self) -> Sequence[HeadToSend]:
        """The request."""
        read = read_back(self._request)
        if read is None:
            return [HeadToSend(self._request, b"", RequestFacts(syntax=MALFORMED), asked=True)]
        facts = facts_of_request(read, parse_uri(self._opening.uri))
        return [HeadToSend(self._request, read.octets, facts, asked=True)]

    def sent(self, sent: HeadToSend, outcome: Outcome) -> list[EndpointEvent]:
        """The request was sent, which the application knows."""
        return []

    def read(self, octets: bytes) -> ReceivedHead | None:
        """Take octets; the response that they complete."""
        result = self._completed(octets)
        if result is None:
            return None
        facts = facts_of_response(result, self._request)
        if not isinstance(result, ParsedHead) or not isinstance(result.head, Response):
            return ReceivedHead(facts, b"")
        self._response = result.head
        self._chose_none = facts.subprotocol == value_of("subprotocol", "none chosen")
        if result.head.status == 101:
            facts = self._start(result.head, facts)
        return ReceivedHead(facts, result.rest)

    def choose(self, outcomes: tuple[Outcome, ...]) -> Outcome:
        """The strictest; but whether a connection without a subprotocol is of use is for the application."""
        rest = [outcome for outcome in outcomes if self._chose_none and outcome.label.kind is Kind.ACCEPT]
        return (rest or outcomes)[0]

    def received(self, outcome: Outcome) -> list[EndpointEvent]:
        """The outcome of the response; what it tells the application."""
        label, response = outcome.label, self._response
        if label.kind is Kind.FAIL:
            return [Failed(label.code or 0, outcome.rules)]
        if label.kind is not Kind.ACCEPT or response is None:
            return []
        if label.delivers == OPEN:
            return [Opened(*in_use(response), outcome.rules)]
        if label.delivers == REFUSED:
            return [HandshakeRefused(response, outcome.rules)]
        self._reader = self._new_reader()
        return []

    def _new_reader(self) -> HeadParser:
        return HeadParser(Role.CLIENT, self._opening.head_limit)

    def _start(self, response: Response, facts: ResponseFacts) -> ResponseFacts:
        """Take the server's answer to the extensions that were offered; the facts with what that shows."""
        left = {known.name: known for known in self._opening.extensions}
        started: list[Extension] = []
        for name, parameters in parse_extensions(response.values("Sec-WebSocket-Extensions")) or []:
            known = left.pop(name, None)
            extension = None if known is None else known.start(parameters)
            if extension is not None and bits_are_free(extension, started):
                started.append(extension)
            elif facts.extensions == value_of("extensions", "offered"):
                facts = facts._replace(extensions=value_of("extensions", "with unknown parameters"))
        self._extensions = tuple(started)
        return facts._replace(**reserved_bits(started))
