"""Files of pcapng, as Wireshark writes them: packets with times, of several sections and interfaces.

The format is that of draft-ietf-opsawg-pcapng: blocks, each with its type and its length at both ends. Sections have
their own order of octets, interfaces their own link and resolution of time. Other blocks are passed over. A file that
ends inside a block, or whose lengths do not fit, is read up to there.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from
from typing import Final, NamedTuple

from .packets import Packet

_SECTION: Final = b"\x0a\x0d\x0d\x0a"
_MAGIC: Final = 0x1A2B3C4D
_INTERFACE: Final = 1
_OLD_PACKET: Final = 2
_SIMPLE_PACKET: Final = 3
_PACKET: Final = 6
_RESOLUTION: Final = 9
"""The option of an interface that says in what parts of a second its times are."""


class _Interface(NamedTuple):
    link: int
    unit: float
    snap: int


def is_pcapng(octets: bytes) -> bool:
    """Whether a file begins like one of pcapng."""
    return octets[:4] == _SECTION and octets[8:12] in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a")


def packets_of_pcapng(octets: bytes, notes: list[str]) -> Iterator[Packet]:
    """The packets of a file that `is_pcapng`; into `notes` goes what could not be read."""
    order, at, time = ">", 0, 0.0
    interfaces: list[_Interface] = []
    while at < len(octets):
        if octets[at : at + 4] == _SECTION and len(octets) >= at + 12:
            interfaces = []
            order = ">" if unpack_from(">I", octets, at + 8)[0] == _MAGIC else "<"
        if len(octets) < at + 12:
            notes.append("the file ends inside a block")
            return
        kind, length = unpack_from(f"{order}II", octets, at)
        if length < 12 or length % 4:
            notes.append(f"a block at octet {at} has a length that none can have: the file is read up to there")
            return
        if len(octets) < at + length:
            notes.append("the file ends inside a block")
        body, at = octets[at + 8 : at + length - 4], at + length
        if kind == _INTERFACE and len(body) >= 8:
            link, _, snap = unpack_from(f"{order}HHI", body)
            interfaces.append(_Interface(link, _unit(body, order), snap))
        elif kind in (_PACKET, _OLD_PACKET) and len(body) >= 20:
            form = "IIIII" if kind == _PACKET else "HxxIIII"
            number, high, low, captured, _ = unpack_from(order + form, body)
            if number < len(interfaces):
                time = ((high << 32) | low) * interfaces[number].unit
                yield Packet(time, interfaces[number].link, body[20 : 20 + captured])
        elif kind == _SIMPLE_PACKET and len(body) >= 4 and interfaces:
            (size,) = unpack_from(f"{order}I", body)
            captured = min(size, interfaces[0].snap or size)
            yield Packet(time, interfaces[0].link, body[4 : 4 + captured])


def _unit(interface: bytes, order: str) -> float:
    """The part of a second in which an interface has its times: 10^-n, or 2^-n with the highest bit set."""
    at = 8
    while len(interface) >= at + 4:
        code, length = unpack_from(f"{order}HH", interface, at)
        if code == 0:
            break
        if code == _RESOLUTION and length == 1 and len(interface) > at + 4:
            value = interface[at + 4]
            return float(2.0 ** -(value & 127)) if value & 128 else float(10.0**-value)
        at += 4 + (length + 3) // 4 * 4
    return 1e-6
