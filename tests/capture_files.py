"""Captures written for tests: what two ends said, as segments of TCP, packets of any link, files of pcap and pcapng.

Nothing of it is shared with the readers.
"""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Said = tuple[bool, bytes | Literal["FIN", "RST"]]
"""Whether the client says it, and what."""

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
REQUEST = (
    "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nOrigin: http://example.com\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
OPENING: list[Said] = [(True, REQUEST), (False, ANSWER)]


@dataclass(frozen=True)
class Sent:
    """A segment: whose it is, its numbers, its flags and data."""

    client: bool
    seq: int
    ack: int
    flags: int
    data: bytes = b""

    def moved(self, by: int) -> "Sent":
        return replace(self, seq=self.seq + by, data=self.data[by:])


FIN, SYN, RST, ACK = 1, 2, 4, 16


def segments_of(
    said: Iterable[Said], cuts: Sequence[int] = (), first: tuple[int, int] = (1000, 2000), *, syn: bool = True
) -> list[Sent]:
    """Segments that carry what was said, each acknowledging all that came before; cut into pieces of these sizes."""
    at = [first[0], first[1]]
    sent: list[Sent] = []
    if syn:
        sent += [
            Sent(True, at[0], 0, SYN),
            Sent(False, at[1], at[0] + 1, SYN | ACK),
            Sent(True, at[0] + 1, at[1] + 1, ACK),
        ]
    at = [at[0] + 1, at[1] + 1]
    sizes = iter(cuts)
    for client, what in said:
        own, other = (0, 1) if client else (1, 0)
        if isinstance(what, bytes):
            while what:
                size = min(next(sizes, 1400), 1400)
                sent.append(Sent(client, at[own], at[other], ACK, what[:size]))
                at[own] += len(what[:size])
                what = what[size:]
        else:
            sent.append(Sent(client, at[own], at[other], ACK | (FIN if what == "FIN" else RST)))
            at[own] += 1
    return sent


def tcp(one: Sent, ports: tuple[int, int] = (40000, 80)) -> bytes:
    source, target = ports if one.client else ports[::-1]
    numbers = one.seq % 2**32, one.ack % 2**32
    return struct.pack(">HHIIBBHHH", source, target, *numbers, 5 << 4, one.flags, 65535, 0, 0) + one.data


def ip4(client: bool, data: bytes) -> bytes:
    ends = [b"\x0a\x00\x00\x01", b"\x0a\x00\x00\x02"]
    source, target = ends if client else ends[::-1]
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(data), 0, 0x4000, 64, 6, 0) + source + target + data


def ip6(client: bool, data: bytes, extension: bool = False) -> bytes:
    ends = [bytes(15) + b"\x01", bytes(15) + b"\x02"]
    source, target = ends if client else ends[::-1]
    data = (b"\x06\x00" + bytes(6) if extension else b"") + data
    return struct.pack(">IHBB", 0x60000000, len(data), 0 if extension else 6, 64) + source + target + data


LINKS = ("ethernet", "vlan", "qinq", "pppoe", "null", "loop", "raw", "cooked", "cooked2")


def on_link(link: str, ip: bytes) -> tuple[int, bytes]:
    """The number of a link type, and a packet of it."""
    six = ip[0] >> 4 == 6
    kind = b"\x86\xdd" if six else b"\x08\x00"
    padding = bytes(max(46 - len(ip), 0))
    match link:
        case "ethernet":
            return 1, bytes(12) + kind + ip + padding
        case "vlan":
            return 1, bytes(12) + b"\x81\x00\x00\x05" + kind + ip + padding
        case "qinq":
            return 1, bytes(12) + b"\x88\xa8\x00\x05\x81\x00\x00\x06" + kind + ip + padding
        case "pppoe":
            length = struct.pack(">H", len(ip) + 2)
            return 1, bytes(12) + b"\x88\x64\x11\x00\x00\x01" + length + (b"\x00\x57" if six else b"\x00\x21") + ip
        case "null":
            return 0, struct.pack("<I", 30 if six else 2) + ip
        case "loop":
            return 108, struct.pack(">I", 30 if six else 2) + ip
        case "raw":
            return 101, ip
        case "cooked":
            return 113, bytes(14) + kind + ip
        case _:
            return 276, kind + bytes(18) + ip


def pcap(packets: Iterable[tuple[int, bytes]], *, order: str = "<", nano: bool = False, snap: int = 65535) -> bytes:
    """A file of libpcap; all packets have the link type of the first."""
    rows = list(packets)
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    file = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snap, rows[0][0] if rows else 1)]
    for number, (_, octets) in enumerate(rows):
        file.append(struct.pack(f"{order}IIII", 1_700_000_000 + number, 7, min(snap, len(octets)), len(octets)))
        file.append(octets[:snap])
    return b"".join(file)


def _block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", 12 + len(body))
    return struct.pack(f"{order}I", kind) + length + body + length


def pcapng(packets: Iterable[tuple[int, bytes]], *, order: str = "<", simple: bool = False) -> bytes:
    """A file of pcapng with an interface for each type of link (one only with simple packets)."""
    rows = list(packets)
    links = list(dict.fromkeys(link for link, _ in rows))
    file = [_block(order, 0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))]
    resolution = struct.pack(f"{order}HHB3xHH", 9, 1, 9, 0, 0)
    file += [_block(order, 1, struct.pack(f"{order}HHI", link, 0, 0) + resolution) for link in links]
    file.append(_block(order, 5, bytes(12)))
    for number, (link, octets) in enumerate(rows):
        time = 1_700_000_000_000_000_000 + number
        if simple:
            file.append(_block(order, 3, struct.pack(f"{order}I", len(octets)) + octets))
        else:
            numbers = links.index(link), time >> 32, time & 0xFFFFFFFF, len(octets), len(octets)
            file.append(_block(order, 6, struct.pack(f"{order}IIIII", *numbers) + octets))
    return b"".join(file)


def packets_of(
    sent: Iterable[Sent], link: str = "ethernet", ports: tuple[int, int] = (40000, 80)
) -> list[tuple[int, bytes]]:
    return [on_link(link, ip4(one.client, tcp(one, ports))) for one in sent]
