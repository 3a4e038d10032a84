"""Net logs of Chromium (``chrome://net-export``, ``--log-net-log``): the octets that its sockets wrote and read.

An event has a source, which is a socket, a time in milliseconds, and a type, whose number the log's constants name.
Octets are there where the log was recorded with raw bytes; of TLS those inside it. The order is that of the browser's
own calls. A log whose browser was killed has no end, and is read up to its last whole line.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from .captured import Captured
from .conversation import CapturedConnection, from_opening
from .recorded import TraceError, parsed
from .tcp import Passed, TcpEnd

_WAYS: Final = {
    "SOCKET_BYTES_SENT": (True, False),
    "SOCKET_BYTES_RECEIVED": (False, False),
    "SSL_SOCKET_BYTES_SENT": (True, True),
    "SSL_SOCKET_BYTES_RECEIVED": (False, True),
}
"""Whether the browser wrote the octets of an event, and whether they are those inside TLS."""

_BEGINS: Final = b'{"constants":'
_CUT: Final = "the log has no end: it is read up to its last whole line"
_UNSEEN: Final = "what the browser did with TCP after its last octets is not shown"


def is_net_log(octets: bytes) -> bool:
    """Whether a file begins like a net log."""
    return octets[:64].lstrip().replace(b" ", b"").startswith(_BEGINS) and b'"logEventTypes"' in octets


def read_net_log(octets: bytes) -> Captured:
    """The WebSocket connections of a file that `is_net_log`. TraceError where it cannot be read, or has no octets."""
    notes = []
    try:
        document = parsed(octets)
    except TraceError:
        whole = octets[: octets.rfind(b"\n")].rstrip().rstrip(b",")
        document = parsed(whole + b"]}")
        notes.append(_CUT)
    names = _names(document)
    events = document.get("events")
    if not isinstance(events, list):
        raise TraceError("events: it is no list")
    plain: dict[int, list[Passed]] = defaultdict(list)
    secure: dict[int, list[Passed]] = defaultdict(list)
    lacking = False
    for event in events:
        way = _WAYS.get(names.get(event["type"], "")) if _is_event(event) else None
        if way is None:
            continue
        source, params = event["source"]["id"], event.get("params")
        what = _octets(params)
        lacking |= what is None
        if what is not None:
            streams = secure if way[1] else plain
            streams[source].append(Passed(way[0], what, _time(event)))
    found = [
        CapturedConnection(f"socket {source}", kept, (_UNSEEN,))
        for source, passed in sorted({**plain, **secure}.items())
        if (kept := from_opening(passed, begins=False)) is not None
    ]
    if lacking and not found:
        raise TraceError("the net log has no octets: record it with raw bytes (--net-log-capture-mode=Everything)")
    return Captured(tuple(found), tuple(notes))


def _names(document: Mapping[str, Any]) -> dict[int, str]:
    constants = document.get("constants")
    types = constants.get("logEventTypes") if isinstance(constants, dict) else None
    if not isinstance(types, dict):
        raise TraceError("constants.logEventTypes: it is no object")
    return {number: name for name, number in types.items() if isinstance(number, int)}


def _is_event(event: Any) -> bool:
    return (
        isinstance(event, dict)
        and isinstance(event.get("type"), int)
        and isinstance(event.get("source"), dict)
        and isinstance(event["source"].get("id"), int)
    )


def _octets(params: Any) -> bytes | TcpEnd | None:
    """The octets of an event; the end of TCP where a read had none; None where the log does not have them."""
    if not isinstance(params, dict):
        return None
    if params.get("byte_count") == 0:
        return TcpEnd.FIN
    text = params.get("bytes")
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except ValueError:
        return None


def _time(event: Mapping[str, Any]) -> float:
    text = event.get("time")
    return int(text) / 1000 if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 16 else 0.0
