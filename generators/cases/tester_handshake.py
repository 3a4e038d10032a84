"""The tester's part of the opening handshake: its request, its answer, and what it puts into the samples of cases."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from wsoracle.model.facts.heads import SAMPLE_KEY, SAMPLE_URI
from wsoracle.model.octets.accept_key import accept_value
from wsoracle.model.octets.http import Request, Response
from wsoracle.model.octets.uri import WebSocketUri

from .compression import FIELD

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
