"""The steps of a case: what a tester does on a connection, the octets that it writes for that, and what the endpoint
does itself (docs/cases.md).

Theory of operation. The tester plays the peer of the endpoint. Its steps are *actions*: it writes a frame, octets or a
head of HTTP, it waits (:class:`Settle`), or it ends its half of TCP. The steps of the endpoint stand in histories of
the model alone: a tester waits for those that its own actions prompt, and the judge decides about the last one.

A case about later frames begins with the tester's own opening handshake. One with heads of its own has them as samples,
into which the tester puts what only the run knows.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final, TypeAlias

from wsoracle.model.facts.heads import SAMPLE_KEY, SAMPLE_URI
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.octets.accept_key import accept_value
from wsoracle.model.octets.frames import encode, encode_header
from wsoracle.model.octets.http import Request, Response
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import Frame

from .compression import FIELD
from .data_sets import Excerpt

# --- the tester


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Write a frame, in writes of at most ``chop`` octets (None: in one).

    A frame without a key is masked by the tester where it is a client; in a case with exact octets (see `Case`) it is
    written without a mask. ``cut`` octets of the payload are written, and the rest follows as
    :class:`SendOctets` or never. ``length``: the header declares that length, and the payload is that of ``frame``
    again and again, made only when it is written. ``excerpt``: the payload is that excerpt, likewise.
    """

    frame: Frame
    chop: int | None = None
    cut: int | None = None
    length: int | None = None
    excerpt: Excerpt | None = None

    @property
    def size(self) -> int:
        """Octets of the payload that the header declares."""
        if self.excerpt is not None:
            return self.excerpt.size
        return self.frame.length if self.length is None else self.length

    @property
    def is_whole(self) -> bool:
        """Whether all octets that the header declares are written."""
        return self.cut is None or self.cut >= self.size

    @property
    def payload(self) -> bytes:
        """The octets of the payload that are written, unmasked."""
        pattern = self.frame.payload if self.excerpt is None else self.excerpt.octets
        count = self.size if self.cut is None else min(self.cut, self.size)
        if count <= len(pattern):
            return pattern[:count]
        return (pattern * (count // len(pattern) + 1))[:count]

    @property
    def written(self) -> Frame:
        """The frame with the payload that is written."""
        as_given = self.length is None and self.cut is None and self.excerpt is None
        return self.frame if as_given else replace(self.frame, payload=self.payload)

    @property
    def octets(self) -> bytes:
        """The octets on the wire, with the frame's own key or none."""
        return octets_of(self, None)


def unfinished(frame: Frame, declared: int) -> SendFrame:
    """A frame that is never completed: its header declares more octets than its payload has. ValueError if not more."""
    if declared <= frame.length:
        raise ValueError(
            f"declared says that octets of the payload are missing, so it is more than {frame.length}, not {declared}"
        )
    return SendFrame(frame, cut=frame.length, length=declared)


@dataclass(frozen=True, slots=True)
class SendOctets:
    """Write octets as they are. ``masked_from``: they are the payload of the frame sent last, from this offset on, and
    a client masks them with that frame's key."""

    octets: bytes
    chop: int | None = None
    masked_from: int | None = None

    def __post_init__(self) -> None:
        if not self.octets:
            raise ValueError("a step that sends octets has at least one")


@dataclass(frozen=True, slots=True)
class SendHead:
    """Write a head of HTTP: a request, or the response to the request that came; or octets that are no head.

    ``octets`` are a sample: the tester puts the target and the host of the server (:func:`for_server`), or the accept
    value for the real key (:func:`with_accept`), in the place of those of the sample. ``facts``: what they are, where
    that is known.
    """

    octets: bytes
    facts: RequestFacts | ResponseFacts | None = None


@dataclass(frozen=True, slots=True)
class Settle:
    """Go on when the endpoint has taken in all that was sent, and has sent what it owes for that.

    Inside a frame, where no Ping can ask for that: go on as soon as nothing more can be learned without a wait.
    """


@dataclass(frozen=True, slots=True)
class EndSending:
    """Close the sending half of TCP."""


# --- the endpoint under test


@dataclass(frozen=True, slots=True)
class EndpointSends:
    """The endpoint sends a frame.

    `prompted`: what it received before makes it do so (a Pong, an echo, the answer to a Close), so that a tester can
    wait for the frame; otherwise its application sends it on its own, which no tester can bring about from outside.
    """

    frame: Frame
    prompted: bool = True

    @property
    def octets(self) -> bytes:
        """The octets on the wire."""
        return encode(self.frame)


@dataclass(frozen=True, slots=True)
class EndpointSendsHead:
    """The endpoint sends a head of HTTP; `octets` are a sample with these facts. `prompted`: see `EndpointSends`."""

    octets: bytes
    facts: RequestFacts | ResponseFacts
    prompted: bool = True


@dataclass(frozen=True, slots=True)
class EndpointClosesTcp:
    """The endpoint closes the TCP connection."""


@dataclass(frozen=True, slots=True)
class EndpointIsSilent:
    """The endpoint is observed to stay silent (quiescence)."""


Action: TypeAlias = SendFrame | SendOctets | SendHead | Settle | EndSending
CaseStep: TypeAlias = Action | EndpointSends | EndpointSendsHead | EndpointClosesTcp | EndpointIsSilent

ACTIONS: Final = (SendFrame, SendOctets, SendHead, Settle, EndSending)

WRITING: Final = (SendFrame, SendOctets, SendHead)
"""The actions that put octets on the wire."""


# --- the octets of an action


def octets_of(action: SendFrame | SendOctets, key: bytes | None) -> bytes:
    """The octets of an action on the wire: masked with ``key`` where there is one and the frame has none of its own."""
    if isinstance(action, SendOctets):
        if key is None or action.masked_from is None:
            return action.octets
        turned = key[action.masked_from % 4 :] + key[: action.masked_from % 4]
        return mask(action.octets, turned)
    frame, payload = action.frame, action.payload
    key = key if frame.key is None else frame.key
    header = encode_header(
        frame.opcode,
        action.size,
        fin=frame.fin,
        rsv1=frame.rsv1,
        rsv2=frame.rsv2,
        rsv3=frame.rsv3,
        key=key,
        form=frame.form,
    )
    return header + (payload if key is None else mask(payload, key))


def writes(octets: bytes, chop: int | None) -> Iterator[bytes]:
    """The octets in writes of at most ``chop`` octets."""
    if chop is None:
        yield octets
    else:
        for at in range(0, len(octets), chop):
            yield octets[at : at + chop]


def runs(actions: Sequence[Action]) -> Iterator[tuple[Action, int]]:
    """The actions in order, each with how often the same object stands there after itself."""
    for _, run in groupby(actions, key=id):
        same = list(run)
        yield same[0], len(same)


# --- heads of the tester

_PRODUCT: Final = "wsoracle"


@dataclass(frozen=True, slots=True)
class Greeting:
    """The optional parts of a tester's head: as a client (all of them) or as a server (`subprotocols`).

    ``headers`` are further fields; one of a name that the tester sends itself takes the place of its own.
    ``extensions`` is what is offered, or answered, in Sec-WebSocket-Extensions.
    """

    origin: str | None = None
    subprotocols: Sequence[str] = ()
    headers: Sequence[tuple[str, str]] = ()
    user_agent: str = _PRODUCT
    host: str | None = field(default=None)
    extensions: str | None = None


def request_to(uri: WebSocketUri, greeting: Greeting, nonce: bytes) -> Request:
    """The opening handshake of section 4.1; ``nonce`` are the 16 octets of its key."""
    fields = [
        ("Host", greeting.host or uri.host_header),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", base64.b64encode(nonce).decode("ascii")),
        ("Sec-WebSocket-Version", "13"),
        ("User-Agent", greeting.user_agent),
    ]
    if greeting.origin is not None:
        fields.append(("Origin", greeting.origin))
    if greeting.subprotocols:
        fields.append(("Sec-WebSocket-Protocol", ", ".join(greeting.subprotocols)))
    if greeting.extensions is not None:
        fields.append((FIELD, greeting.extensions))
    replaced = {name.lower() for name, _ in greeting.headers}
    kept = [pair for pair in fields if pair[0].lower() not in replaced]
    return Request(version="1.1", headers=(*kept, *greeting.headers), method="GET", target=uri.resource_name)


def answer_to(request: Request, greeting: Greeting) -> Response:
    """The answer of section 4.2.2 to a request with a key: the first subprotocol of the client's that is ours too."""
    fields = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_value((request.values("Sec-WebSocket-Key") or [""])[0].strip())),
        ("Server", greeting.user_agent),
    ]
    wanted = [name.strip() for value in request.values("Sec-WebSocket-Protocol") for name in value.split(",")]
    chosen = next((name for name in wanted if name in greeting.subprotocols), None)
    if chosen is not None:
        fields.append(("Sec-WebSocket-Protocol", chosen))
    if greeting.extensions is not None:
        fields.append((FIELD, greeting.extensions))
    return Response(version="1.1", headers=tuple(fields), status=101, reason="Switching Protocols")


def for_server(sample: bytes, uri: WebSocketUri, greeting: Greeting) -> bytes:
    """A sample request for the server under test: with the target and the host of that server.

    Fields that a server may ask of every client, such as Authorization, are added where the sample has a complete head
    without them. An Origin is not added: any server may refuse it, and the sample would show nothing.
    """
    octets = sample.replace(SAMPLE_URI.resource_name.encode(), uri.resource_name.encode())
    octets = octets.replace(SAMPLE_URI.host_header.encode(), uri.host_header.encode())
    end = octets.find(b"\r\n\r\n") + 2
    headers = [(name, value) for name, value in greeting.headers if name.lower() != "origin"]
    fields = [f"{name}: {value}\r\n".encode("latin-1") for name, value in headers]
    there = octets[:end].lower()
    added = [field for field in fields if b"\n" + field.partition(b":")[0].lower() + b":" not in there]
    return octets if end < 2 else octets[:end] + b"".join(added) + octets[end:]


def with_accept(sample: bytes, request: Request | None) -> bytes:
    """A sample response to the request that came: its accept value in the place of the sample's."""
    keys = request.values("Sec-WebSocket-Key") if request is not None else []
    if not keys:
        return sample
    return sample.replace(accept_value(SAMPLE_KEY).encode(), accept_value(keys[0].strip()).encode())
