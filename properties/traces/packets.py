"""Captured packets: what the readers of pcap and pcapng hand on, and the TCP segment that a packet holds.

Theory of operation. A packet is peeled layer by layer: the link (Ethernet with VLAN tags, the loopback of BSD and
Linux, Linux' cooked captures, PPPoE, plain IP), IPv4 or IPv6, TCP. What is not TCP over IP is left out; so is what is
too short for its headers. Lengths of IP cut off the padding of the link. Where they say more than was captured, the
rest is counted as lost; a length of 0 comes from a card that cuts segments itself, and means all that is there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from struct import unpack_from
from typing import Final, NamedTuple, TypeAlias

Side: TypeAlias = tuple[bytes, int]
"""An address of IP and a port."""


class Packet(NamedTuple):
    """A packet as captured: seconds since any beginning, type of the link (a number of libpcap), octets."""

    time: float
    link: int
    octets: bytes


class Segment(NamedTuple):
    """A segment of TCP. ``length`` counts its data on the wire, of which ``octets`` were captured."""

    time: float
    source: Side
    target: Side
    seq: int
    ack: int | None
    syn: bool
    fin: bool
    rst: bool
    octets: bytes
    length: int


_IPV4: Final = 0x0800
_IPV6: Final = 0x86DD
_PPPOE: Final = 0x8864
_TAGS: Final = (0x8100, 0x88A8, 0x9100)
_MOST_TAGS: Final = 8
_TCP: Final = 6
_EXTENSIONS: Final = (0, 43, 60, 135, 139, 140)
"""Extension headers of IPv6 that another header follows; a fragment (44) is none of them."""
_MOST_EXTENSIONS: Final = 16

_ETHERNET: Final = 1
_LOOPBACK: Final = (0, 108)
_PLAIN_IP: Final = (12, 14, 101, 228, 229)
_COOKED: Final = 113
_COOKED_2: Final = 276
LINKS: Final = frozenset({_ETHERNET, *_LOOPBACK, *_PLAIN_IP, _COOKED, _COOKED_2})
"""The types of links that are read (LINKTYPE_ of tcpdump.org)."""


def segments(packets: Iterable[Packet]) -> Iterator[Segment]:
    """The segments of TCP in packets, in their order."""
    for packet in packets:
        segment = segment_of(packet)
        if segment is not None:
            yield segment


def segment_of(packet: Packet) -> Segment | None:
    """The segment of TCP in a packet; None where it holds none that can be read."""
    ip = _ip(packet.link, packet.octets)
    if not ip:
        return None
    found = _of_ipv4(ip) if ip[0] >> 4 == 4 else _of_ipv6(ip) if ip[0] >> 4 == 6 else None
    if found is None:
        return None
    source, target, octets, length = found
    if len(octets) < 20:
        return None
    source_port, target_port, seq, ack, offset, flags = unpack_from(">HHIIBB", octets)
    header = (offset >> 4) * 4
    if not 20 <= header <= length:
        return None
    return Segment(
        packet.time,
        (source, source_port),
        (target, target_port),
        seq,
        ack if flags & 0x10 else None,
        bool(flags & 0x02),
        bool(flags & 0x01),
        bool(flags & 0x04),
        octets[header:],
        length - header,
    )


def shown(side: Side) -> str:
    """An address and a port, as people write them."""
    address = ipaddress.ip_address(side[0])
    return f"[{address}]:{side[1]}" if address.version == 6 else f"{address}:{side[1]}"


def _ip(link: int, octets: bytes) -> bytes:
    """The packet of IP behind the header of a link; empty where there is none."""
    if link == _ETHERNET:
        return _behind_type(octets, 12)
    if link in _PLAIN_IP:
        return octets
    if link in _LOOPBACK:
        return octets[4:]  # which number stands for IPv6 differs from system to system: the version says it
    if link == _COOKED:
        return _behind_type(octets, 14)
    if link == _COOKED_2 and len(octets) >= 20:
        return _behind_type(octets[:2] + octets[20:], 0)
    return b""


def _behind_type(octets: bytes, at: int) -> bytes:
    """What follows the type of Ethernet at an offset, behind tags and PPPoE."""
    for _ in range(_MOST_TAGS):
        if len(octets) < at + 2:
            return b""
        (kind,) = unpack_from(">H", octets, at)
        if kind in (_IPV4, _IPV6):
            return octets[at + 2 :]
        if kind == _PPPOE:
            return octets[at + 10 :] if octets[at + 8 : at + 10] in (b"\x00\x21", b"\x00\x57") else b""
        if kind not in _TAGS:
            return b""
        at += 4
    return b""


_InIp: TypeAlias = tuple[bytes, bytes, bytes, int]
"""Addresses of source and target, the octets of TCP, and how many there were on the wire."""


def _of_ipv4(ip: bytes) -> _InIp | None:
    if len(ip) < 20:
        return None
    header, (total, _, fragment) = (ip[0] & 15) * 4, unpack_from(">HHH", ip, 2)
    if header < 20 or ip[9] != _TCP or fragment & 0x3FFF:
        return None
    length = (total or len(ip)) - header
    return None if length < 0 else (ip[12:16], ip[16:20], ip[header : header + length], length)


def _of_ipv6(ip: bytes) -> _InIp | None:
    if len(ip) < 40:
        return None
    total, following, at = unpack_from(">H", ip, 4)[0], ip[6], 40
    end = at + total if total else len(ip)
    for _ in range(_MOST_EXTENSIONS):
        if following == _TCP:
            return None if end < at else (ip[8:24], ip[24:40], ip[at:end], end - at)
        if following not in _EXTENSIONS or len(ip) < at + 2:
            return None
        following, at = ip[at], at + 8 * (ip[at + 1] + 1)
    return None
