"""The first octets of a client at a server of TLS: whether all that comes before the server's answer is TLS.

A client may send a ClientHello in one or more records of handshake data, a record of ChangeCipherSpec, and early data,
before it has an answer (RFC 8446, sections 4.2.10, 5 and D.4). Octets of another form are no TLS.
"""

from __future__ import annotations

import re
from typing import Final

_HEADER: Final = 5
_TYPES: Final = frozenset((20, 21, 22, 23))  # change_cipher_spec, alert, handshake, application_data
_LONGEST: Final = 16_384 + 2_048
_RECORD: Final = re.compile(rb"[\x14-\x17]\x03[\x00-\x04](?=(..))", re.DOTALL)


def octets_beside_tls(octets: bytes) -> bytes:
    """What follows the whole TLS records at the beginning and cannot be the beginning of another one; empty if all is
    TLS as far as it goes."""
    at = 0
    while at < len(octets):
        record = octets[at : at + _HEADER]
        length = int.from_bytes(record[3:5], "big")
        if record[0] not in _TYPES or record[1:2] not in (b"", b"\x03") or length > _LONGEST:
            return octets[at:]
        if len(record) < _HEADER or at + _HEADER + length > len(octets):
            return b""
        at += _HEADER + length
    return b""


def is_hello_whole(octets: bytes) -> bool:
    """Whether the first record is whole; octets that are no TLS are as whole as they will be."""
    if octets_beside_tls(octets):
        return True
    return len(octets) >= _HEADER and len(octets) >= _HEADER + int.from_bytes(octets[3:5], "big")


def has_records(octets: bytes) -> bool:
    """Whether a record of TLS stands anywhere in octets that may begin amid one, and ends where they do or where
    another begins."""
    for found in _RECORD.finditer(octets):
        length = int.from_bytes(found[1], "big")
        end = found.start() + _HEADER + length
        if length <= _LONGEST and (end == len(octets) or _RECORD.match(octets, end)):
            return True
    return False


def plain_request(octets: bytes) -> bytes:
    """The octets of a request of HTTP that follow the TLS records at the beginning; empty where there are none."""
    beside = octets_beside_tls(octets)
    return beside if beside.startswith(b"GET ") else b""
