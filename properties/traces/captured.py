"""WebSocket connections found in the segments of TCP that a capture holds.

What goes in are packets; what comes out are the connections that begin with an opening handshake, each put together,
and sentences on what else there was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from .conversation import CapturedConnection, from_opening
from .packets import LINKS, Packet, segments, shown
from .tcp import MOST_CONNECTIONS, TcpConnection, TcpEnd, connections
from .tls_records import has_records

_TLS: Final = b"\x16\x03"
IN_TLS: Final = "with TLS, whose octets are not shown without its keys"
"""In the sentence on connections whose octets are hidden."""

_TLS_FROM_MIDDLE: Final = (
    "with TLS, captured from the middle, which no keys open (begin the capture before the connection)"
)
_SEARCHED: Final = 1 << 16
"""Octets of a direction in which records of TLS are looked for."""

_TOO_MANY: Final = f"TCP connections behind the first {MOST_CONNECTIONS:,}: not judged"
_HTTP2: Final = b"PRI * HTTP/2"


class Captured(NamedTuple):
    """What a file holds: connections that can be judged, and in sentences what else there is and is not judged."""

    connections: tuple[CapturedConnection, ...]
    notes: tuple[str, ...]
    in_tls: int = 0
    """Connections that begin with TLS: those of which octets are hidden, or were looked at with the keys."""


def captured(packets: Iterable[Packet], notes: Iterable[str] = (), *, timed: bool = True) -> Captured:
    """The WebSocket connections in packets; `notes` are those of the file that held them, looked at last.

    `timed`: the times of the packets are known.
    """
    links: Counter[int] = Counter()

    def counted() -> Iterable[Packet]:
        for packet in packets:
            links[packet.link] += 1
            yield packet

    found: list[CapturedConnection] = []
    others: Counter[str] = Counter()
    every = connections(segments(counted()))
    for connection in every:
        passed = from_opening(connection.passed, begins=connection.begins)
        if passed is None:
            others[_kind(connection)] += 1
            continue
        client_first = passed[0].first == connection.passed[-len(passed)].first
        ends = connection.ends if client_first else connection.ends[::-1]
        cut = f"{connection.cut}: judged up to there" if connection.cut else ""
        name = " -> ".join(map(shown, ends))
        found.append(CapturedConnection(name, passed, (cut,) if cut else (), timed=timed))
    unknown = [link for link in links if link not in LINKS]
    return Captured(
        tuple(found),
        (
            *(f"{many(number, 'TCP connection')} {kind}: not judged" for kind, number in others.items()),
            *(f"{many(links[link], 'packet')} of link type {link}, which is not read" for link in unknown),
            *((_TOO_MANY,) if len(every) == MOST_CONNECTIONS else ()),
            *notes,
        ),
        others[IN_TLS],
    )


def _kind(connection: TcpConnection) -> str:
    octets = {side: b"".join([p.what for p in connection.passed if p.first is side and not isinstance(p.what, TcpEnd)])
              for side in (True, False)}  # fmt: skip
    # From the middle a first record is taken for the beginning of TLS only where it is a ClientHello.
    if any(one.startswith(_TLS) and (connection.begins or one[5:6] == b"\x01") for one in octets.values()):
        return IN_TLS
    if any(one.startswith(_HTTP2) for one in octets.values()):
        return "with HTTP/2"
    if not connection.begins and any(has_records(one[:_SEARCHED]) for one in octets.values()):
        return _TLS_FROM_MIDDLE
    if not connection.begins:
        return "without an opening handshake, captured from the middle"
    return "without an opening handshake"


def many(number: int, what: str) -> str:
    """A number of things, in words."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
