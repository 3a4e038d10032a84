"""What happened on a connection, as the tester wrote it down."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

__all__ = ["BARRIER", "Entry", "Kind"]

BARRIER: Final = b"wsoracle: are you there?"
"""The payload of the tester's own Pings."""

Kind = Literal["sent", "received", "closed by peer", "reset by peer", "closed by us", "ended by us", "silence", "note"]


class Entry(NamedTuple):
    """Something that happened, `at` seconds after the beginning of the connection.

    Octets may have been sent in several writes of at most `chop` octets each, between which nothing else happened.
    """

    at: float
    kind: Kind
    octets: bytes = b""
    words: str = ""
    chop: int | None = None
