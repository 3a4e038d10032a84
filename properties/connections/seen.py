"""What a tester sees of one connection of a client."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeenConnection:
    """One connection: its Sec-WebSocket-Key field, and the masking keys of its frames, one behind the other."""

    nonce: str
    keys: bytes = b""
