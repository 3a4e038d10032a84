"""A connection that the fuzzing server has accepted: the most that clients may take, and what is seen of one.

The checks over many connections of one client go by what is seen of each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from wsoracle.model.octets.http import HEAD_LIMIT, Request
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.connections.seen import SeenConnection

from .connection import Connection
from .tls_listener import ServerNames

MOST_CONNECTIONS: Final = 256
FEWEST_CONNECTIONS: Final = 16
"""For fewer connections at a time no server is begun: clients and browsers would be refused."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """The most that clients may take.

    `connections`  at the same time; any more are answered with 503
    `request`      seconds in which a request must be complete, and a TLS handshake
    `status`       seconds that a result is waited for on /getCaseStatus
    `update`       seconds that /updateReports waits for the agent's cases to come to their end and to be judged
    `octets`       that clients may send in cases that run at the same time; at least one case always runs
    """

    connections: int = MOST_CONNECTIONS
    request: float = 10.0
    status: float = 120.0
    update: float = 600.0
    octets: int = 256 << 20


_SPARE: Final = 256 * 1024
"""Octets of a read of the event loop, which come on top of what a request may have."""


class AcceptedConnection(Connection):
    """A connection that tells when it is there; over TLS with the names that clients ask for, and the octets of a
    request that came outside TLS."""

    def __init__(
        self, came: Callable[[AcceptedConnection], None], names: ServerNames | None = None, beside_tls: bytes = b""
    ) -> None:
        super().__init__(HEAD_LIMIT + _SPARE, Role.CLIENT)
        self.beside_tls: Final = beside_tls
        self._came: Final = came
        self._names: Final = names

    def seen(self, request: Request) -> SeenConnection:
        """What checks over many connections go by."""
        nonce, host = (next(iter(request.values(name)), "") for name in ("Sec-WebSocket-Key", "Host"))
        tls = self.tls
        name = None if self._names is None or tls is None else self._names.get(tls)
        return SeenConnection(nonce, bytes(self.units.keys), host, self.is_tls, name, self.beside_tls)

    def for_next(self) -> AcceptedConnection:
        """A connection for the next request on the same TCP connection."""
        return AcceptedConnection(self._came, self._names)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._came(self)
