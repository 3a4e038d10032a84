"""The proof that a server has understood the opening handshake: Sec-WebSocket-Accept (section 4.2.2)."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1
from typing import Any, Final

GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""Section 1.3: a string that is unlikely to be used by what does not understand the protocol."""

NONCE_OCTETS: Final = 16
"""Octets of the nonce that Sec-WebSocket-Key holds in base64 (section 4.1)."""


def challenge(key: Any, guid: Any = GUID) -> Any:
    """The octets to hash: the key as it stands in its field, not decoded, and the GUID after it.

    Any type that knows ``+`` will do, so that the concatenation that runs is also the one that is reasoned about.
    """
    return key + guid


def accept_value(key: str) -> str:
    """The value of Sec-WebSocket-Accept for the value of Sec-WebSocket-Key; whitespace around the key is no part of it.

    >>> accept_value("dGhlIHNhbXBsZSBub25jZQ==")
    's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
    """
    hashed = sha1(challenge(key.strip(" \t")).encode("latin-1"), usedforsecurity=False)
    return b64encode(hashed.digest()).decode("ascii")
