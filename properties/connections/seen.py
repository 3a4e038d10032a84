"""What a tester sees of the connections of one client."""

from __future__ import annotations

from dataclasses import dataclass, field

from .probes import ProbeArrival


@dataclass(frozen=True, slots=True)
class SeenConnection:
    """One connection: its Sec-WebSocket-Key field, and the masking keys of its frames, one behind the other.

    ``host`` is the Host field. ``secure``: over TLS, of which ``server_name`` is the name that was asked for.
    ``beside_tls`` are octets that came before the TLS handshake was complete and are no TLS.
    """

    nonce: str
    keys: bytes = b""
    host: str = ""
    secure: bool = False
    server_name: str | None = None
    beside_tls: bytes = b""


@dataclass
class SeenClient:
    """All that was seen of a client: its connections, the names of the probes that it was asked for, and the requests
    that came for them, each in their order."""

    connections: list[SeenConnection] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    arrivals: list[ProbeArrival] = field(default_factory=list)
