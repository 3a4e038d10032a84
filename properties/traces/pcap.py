"""Files of libpcap, as tcpdump writes them: packets with times.

The format is that of draft-ietf-opsawg-pcap: a header of 24 octets, then records, each with its own header of 16. Both
orders of octets and both resolutions of time are read. A file that ends inside a record is read up to there.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from
from typing import Final

from .packets import Packet

_ORDER: Final = {
    b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
    b"\xa1\xb2\xcd\x34": (">", 1e-6),
    b"\x34\xcd\xb2\xa1": ("<", 1e-6),
}
"""How a file begins; the last two have 8 octets more in the header of each record (an old patch of libpcap)."""

_LONGER: Final = (b"\xa1\xb2\xcd\x34", b"\x34\xcd\xb2\xa1")
_LINK: Final = 0xFFFF
"""The type of the link; the bits above say whether packets end with a checksum of the link."""


def is_pcap(octets: bytes) -> bool:
    """Whether a file begins like one of libpcap."""
    return octets[:4] in _ORDER


def packets_of_pcap(octets: bytes, notes: list[str]) -> Iterator[Packet]:
    """The packets of a file that `is_pcap`; into `notes` goes what could not be read."""
    order, unit = _ORDER[octets[:4]]
    if len(octets) < 24:
        notes.append("the file ends inside its header")
        return
    link, at = unpack_from(f"{order}I", octets, 20)[0] & _LINK, 24
    header = 24 if octets[:4] in _LONGER else 16
    while at < len(octets):
        if len(octets) < at + header:
            notes.append("the file ends inside the header of a packet")
            return
        seconds, parts, captured = unpack_from(f"{order}III", octets, at)
        at += header
        if len(octets) < at + captured:
            notes.append("the file ends inside a packet")
        yield Packet(seconds + parts * unit, link, octets[at : at + captured])
        at += captured
