"""The server's end of the opening handshake (section 4.2): it reads a request and has its answers ready.

The answers of a server, by the outcome of the request:

- An opening handshake that is sound: 101, with the first subprotocol of the client's list that is supported (the client
  has put them in its order of preference), and the extensions that agree to what the client offers.
- One that has a fault: the status code that the rules name. 426 names the version that is known.
- Another request of HTTP: 426 with an Upgrade field, since RFC 9110 (section 15.5.22) has it for a server that refuses
  to go on in this protocol and will after an upgrade. 400 would say that the request has a fault, which it has not.

Each refusal has ``Connection: close`` and no body, and nothing is read after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ..facts.heads import facts_of_request, facts_of_response
from ..machine.interpreted import Kind, Outcome
from ..notation.head_variables import ResponseFacts
from ..notation.variables import EventKind
from ..octets.accept_key import accept_value
from ..octets.header_values import ExtensionOffer, extension_list, parse_extensions, parse_tokens
from ..octets.http import HEAD_LIMIT, HeadParser, ParsedHead, Request, Response
from ..octets.vocabulary import Role
from .events import OPENING_HANDSHAKE, OTHER_REQUEST, EndpointEvent, HandshakeRefused, Opened, RequestReceived
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

Decide = Callable[[Request], Response | None]
"""The application's own answer to a request that the rules accept; None to leave it to the server."""

_REASONS: Final = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    426: "Upgrade Required",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
}
_UPGRADE_REQUIRED: Final = 426
_FORBIDDEN: Final = 403
_INTERNAL_ERROR: Final = 500


@dataclass(frozen=True)
class ServerOpening:
    """The offers that a server accepts.

    ``subprotocols`` are those that it supports, in any order; ``extensions`` those that it may agree to. ``decide`` is
    asked about each request that the rules accept, an opening handshake or another: it may refuse (401, 403, 404, a
    redirect) or, to another request, give an answer of HTTP. Its answer is a head alone: "Connection: close" and
    "Content-Length: 0" are added where they are missing. An exception of it goes through to the caller of ``receive``.
    ``head_limit`` is in octets of a request.
    """

    subprotocols: Sequence[str] = ()
    extensions: Sequence[Negotiable] = ()
    decide: Decide | None = None
    head_limit: int = HEAD_LIMIT

    @property
    def role(self) -> Role:
        """Which end it is for."""
        return Role.SERVER

    @property
    def willing(self) -> bool:
        """Whether the application takes every sound opening handshake."""
        return self.decide is None

    def begin(self) -> OpeningServer:
        """The same for one connection."""
        return OpeningServer(self)


class OpeningServer(ReadingSide):
    """A server that reads one request."""

    receives: Final = EventKind.RECEIVE_REQUEST
    sends: Final = EventKind.SEND_RESPONSE

    def __init__(self, opening: ServerOpening) -> None:
        self._opening: Final = opening
        super().__init__(HeadParser(Role.SERVER, opening.head_limit))
        self._request: Request | None = None
        self._outcome: Outcome | None = None

    def read(self, octets: bytes) -> ReceivedHead | None:
        """Take octets; the request that they complete."""
        result = self._completed(octets)
        if result is None:
            return None
        if isinstance(result, ParsedHead) and isinstance(result.head, Request):
            self._request = result.head
        return ReceivedHead(facts_of_request(result), result.rest if isinstance(result, ParsedHead) else b"")

    def choose(self, outcomes: tuple[Outcome, ...]) -> Outcome:
        """The strictest; but whether to forbid what the rules allow is for the application (section 10.2)."""
        rest = [outcome for outcome in outcomes if outcome.label.code != _FORBIDDEN]
        return (rest or outcomes)[0]

    def received(self, outcome: Outcome) -> list[EndpointEvent]:
        """The outcome of the request; what it tells the application."""
        self._outcome = outcome
        told = outcome.label.delivers
        if self._request is None or told not in (OPENING_HANDSHAKE, OTHER_REQUEST):
            return []
        return [RequestReceived(self._request, told == OPENING_HANDSHAKE, outcome.rules)]

    def to_send(self) -> Sequence[HeadToSend]:
        """The answers to the request, the best first; 500 where it cannot be given."""
        if self._outcome is None:
            return []
        return [self._answer(self._outcome), self._judged(_refusal(_INTERNAL_ERROR))]

    def sent(self, sent: HeadToSend, outcome: Outcome) -> list[EndpointEvent]:
        """An answer was sent; what that tells the application."""
        response = sent.head
        if not isinstance(response, Response) or self._outcome is None:
            return []
        if response.status == 101:
            return [Opened(*in_use(response), outcome.rules)]
        refused = self._outcome.label.kind is Kind.REFUSE
        return [HandshakeRefused(response, self._outcome.rules if refused else outcome.rules)]

    def _answer(self, outcome: Outcome) -> HeadToSend:
        label, request = outcome.label, self._request
        if label.code is not None or request is None:
            return self._judged(_refusal(400 if label.code is None else label.code))
        own = None if self._opening.decide is None else self._opening.decide(request)
        if own is not None:
            return self._judged(_complete(own), asked=True)
        if label.delivers != OPENING_HANDSHAKE:
            return self._judged(_refusal(_UPGRADE_REQUIRED))
        return self._judged(self._acceptance(request))

    def _acceptance(self, request: Request) -> Response:
        """The answer that opens the connection (section 4.2.2)."""
        keys = request.values("Sec-WebSocket-Key")
        headers = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", accept_value(keys[0] if keys else "")),
        ]
        asked = parse_tokens(request.values("Sec-WebSocket-Protocol")) or []
        headers += [("Sec-WebSocket-Protocol", name) for name in asked if name in self._opening.subprotocols][:1]
        agreed = self._agree(request)
        if agreed:
            headers.append(("Sec-WebSocket-Extensions", extension_list(agreed)))
        return Response("1.1", tuple(headers), 101, "Switching Protocols")

    def _agree(self, request: Request) -> list[ExtensionOffer]:
        """Agree to extensions, each at most once, in the order of the client's offers."""
        left = {negotiable.name: negotiable for negotiable in self._opening.extensions}
        agreed: list[ExtensionOffer] = []
        extensions: list[Extension] = []
        for name, parameters in parse_extensions(request.values("Sec-WebSocket-Extensions")) or []:
            answer = left[name].agree(parameters) if name in left else None
            if answer is not None and bits_are_free(answer[1], extensions):
                del left[name]
                agreed.append(ExtensionOffer(name, answer[0]))
                extensions.append(answer[1])
        self._extensions = tuple(extensions)
        return agreed

    def _judged(self, response: Response, *, asked: bool = False) -> HeadToSend:
        read = read_back(response)
        if read is None:
            return HeadToSend(response, b"", ResponseFacts(syntax=MALFORMED), asked)
        facts = facts_of_response(read, self._request)
        if response.status == 101:
            facts = facts._replace(**reserved_bits(self._extensions))
        return HeadToSend(response, read.octets, facts, asked)


def _refusal(status: int) -> Response:
    """The answer that refuses, with a status code of HTTP."""
    headers = [("Connection", "close"), ("Content-Length", "0")]
    if status == _UPGRADE_REQUIRED:
        # RFC 9110, sections 7.8 and 15.5.22: it names the protocol; section 4.4 here: and the version.
        headers = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade, close"),
            ("Sec-WebSocket-Version", VERSION),
            ("Content-Length", "0"),
        ]
    return Response("1.1", tuple(headers), status, _REASONS.get(status, "Refused"))


def _complete(response: Response) -> Response:
    """The application's own answer. Raises :class:`ValueError` for an answer that is not final, or would open."""
    if not 200 <= response.status <= 999:
        raise ValueError(f"an application answers with a status code of 200 to 999, not {response.status}")
    missing = [
        (name, value) for name, value in (("Connection", "close"), ("Content-Length", "0")) if not response.values(name)
    ]
    return Response(response.version, (*response.headers, *missing), response.status, response.reason)
