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

_TLS: Final = b"\x16\x03"
IN_TLS: Final = "with TLS, whose octets are not shown without its keys"
"""In the sentence on connections whose octets are hidden."""

_TOO_MANY: Final = f"TCP connections behind the first {MOST_CONNECTIONS:,}: not judged"
_HTTP2: Final = b"PRI * HTTP/2"


class Captured(NamedTuple):
    """What a file holds: connections that can be judged, and in sentences what else there is and is not judged."""

    connections: tuple[CapturedConnection, ...]
    notes: tuple[str, ...]


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
    )


def _kind(connection: TcpConnection) -> str:
    octets = {side: b"".join([p.what for p in connection.passed if p.first is side and not isinstance(p.what, TcpEnd)])
              for side in (True, False)}  # fmt: skip
    if any(one.startswith(_TLS) for one in octets.values()):
        return IN_TLS
    if any(one.startswith(_HTTP2) for one in octets.values()):
        return "with HTTP/2"
    if not connection.begins:
        return "without an opening handshake, captured from the middle"
    return "without an opening handshake"


def many(number: int, what: str) -> str:
    """A number of things, in words."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
