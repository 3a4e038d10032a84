"""Flow files of mitmproxy (``mitmdump -w``): heads and whole messages of the WebSocket connections that it passed on.

A file is a row of values in tagged netstrings: a length in digits, a colon, so many octets, and a letter for the type.
A flow of HTTP has request, response, and under ``websocket`` the messages. How a connection was closed is told by a
code alone, and not judged. A file that ends inside a flow is read up to there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from .captured import Captured
from .conversation import CapturedConnection
from .messages import Fields, ShownHeads, ShownMessage, of_messages, time_shown

_DIGITS: Final = 12
"""The most digits of a length."""

_DEEPEST: Final = 32
"""The most values inside each other."""

_MOST_VALUES: Final = 500_000
_MADE: Final = "a message was dropped or made by the proxy: judged up to there"
_CUT: Final = "the file ends inside a flow, or what follows is none: it is read up to there"


class _NoValueError(ValueError):
    """Octets are no value."""


def is_mitmproxy(octets: bytes) -> bool:
    """Whether a file begins like a flow: a dictionary, with the fields of a flow soon behind."""
    digits, colon, _ = octets[: _DIGITS + 1].partition(b":")
    return bool(colon) and digits.isdigit() and octets[len(digits) + 1 :][:1].isdigit() and b"7:version;" in octets


def read_flows(octets: bytes) -> Captured:
    """The WebSocket connections of a file that `is_mitmproxy`."""
    notes: list[str] = []
    flows = list(_flows(octets, notes))
    found = [connection for flow in flows if (connection := _connection(flow)) is not None]
    others = len(flows) - len(found)
    if others:
        notes.insert(
            0, f"{others} {'flow' if others == 1 else 'flows'} without messages of a WebSocket connection: not judged"
        )
    return Captured(tuple(found), tuple(notes))


def _flows(octets: bytes, notes: list[str]) -> Iterator[Mapping[str, Any]]:
    at, reader = 0, _Reader(octets)
    while at < len(octets):
        try:
            flow, at = reader.value(at, len(octets), 0)
        except _NoValueError:
            notes.append(_CUT)
            return
        if isinstance(flow, dict):
            yield flow


class _Reader:
    """Reads tagged netstrings."""

    def __init__(self, octets: bytes) -> None:
        self._octets: Final = octets
        self._values = 0

    def value(self, at: int, end: int, depth: int) -> tuple[Any, int]:
        """The value at an offset, and where it ends."""
        self._values += 1
        colon = self._octets.find(b":", at, min(at + _DIGITS + 1, end))
        digits = self._octets[at : max(colon, at)]
        if not digits.isdigit() or depth > _DEEPEST or self._values > _MOST_VALUES:
            raise _NoValueError
        begin = colon + 1
        behind = begin + int(digits)
        if behind >= end:
            raise _NoValueError
        kind = self._octets[behind : behind + 1]
        if kind in b"]}":
            inside = self._inside(begin, behind, depth + 1)
            return (inside if kind == b"]" else self._pairs(inside)), behind + 1
        read = _READ.get(kind)
        if read is None:
            raise _NoValueError
        try:
            return read(self._octets[begin:behind]), behind + 1
        except ValueError:
            raise _NoValueError from None

    def _inside(self, at: int, end: int, depth: int) -> list[Any]:
        found = []
        while at < end:
            value, at = self.value(at, end, depth)
            found.append(value)
        return found

    def _pairs(self, inside: list[Any]) -> dict[str, Any]:
        names = [name.decode("latin-1") if isinstance(name, bytes) else name for name in inside[::2]]
        if len(inside) % 2 or not all(isinstance(name, str) for name in names):
            raise _NoValueError
        return dict(zip(names, inside[1::2], strict=True))


_READ: Final[Mapping[bytes, Callable[[bytes], Any]]] = {
    b",": bytes,
    b";": lambda octets: octets.decode(),
    b"#": lambda octets: int(octets[:20]),
    b"^": float,
    b"!": lambda octets: octets == b"true",
    b"~": lambda octets: None,
}


def _connection(flow: Mapping[str, Any]) -> CapturedConnection | None:
    """The WebSocket connection of a flow; None where it has none."""
    told, request, response = flow.get("websocket"), flow.get("request"), flow.get("response")
    rows = told.get("messages") if isinstance(told, dict) else None
    if not isinstance(rows, list) or not isinstance(request, dict):
        return None
    notes: list[str] = []
    messages = list(_messages(rows, notes))
    name = f"{_text(request.get('host'))}:{request.get('port')}{_text(request.get('path'))}"
    heads = _heads(request, response) if isinstance(response, dict) else None
    return of_messages(name, heads, messages, notes)


def _messages(rows: list[Any], notes: list[str]) -> Iterator[ShownMessage]:
    """The messages: opcode, whether of the client, content, time, whether dropped, whether made by the proxy."""
    for row in rows:
        opcode, client, content, time, *further = row if isinstance(row, list) and len(row) >= 4 else [None] * 4
        payload = content.encode() if isinstance(content, str) else content
        if (
            not isinstance(opcode, int)
            or not isinstance(client, bool)
            or not isinstance(payload, bytes)
            or any(further)
        ):
            notes.append(_MADE)
            return
        yield ShownMessage(client, opcode, payload, time_shown(time))


def _heads(request: Mapping[str, Any], response: Mapping[str, Any]) -> ShownHeads | None:
    asked, answered = _fields(request.get("headers")), _fields(response.get("headers"))
    if asked is None or answered is None:
        return None
    line = " ".join(_text(request.get(name)) for name in ("method", "path", "http_version"))
    status = f"{_text(response.get('http_version'))} {response.get('status_code')} {_text(response.get('reason'))}"
    return ShownHeads(line, asked, status, answered)


def _fields(rows: Any) -> Fields | None:
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == 2 for row in rows):
        return None
    return [(_text(name), _text(value)) for name, value in rows]


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value if isinstance(value, str) else ""
