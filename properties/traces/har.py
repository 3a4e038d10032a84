"""HAR (HTTP Archive) with ``_webSocketMessages``, as Chrome and mitmproxy write it: heads and whole messages."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from wsoracle.model.octets.vocabulary import BINARY

from .captured import Captured
from .conversation import CapturedConnection
from .messages import Fields, ShownHeads, ShownMessage, of_messages, time_shown

_CUT: Final = "a message is not shown as octets: judged up to there"


def is_har(document: Mapping[str, Any]) -> bool:
    """Whether a document is a HAR."""
    log = document.get("log")
    return isinstance(log, dict) and isinstance(log.get("entries"), list)


def read_har(document: Mapping[str, Any]) -> Captured:
    """The WebSocket connections of a document that `is_har`: its entries that have messages."""
    found = [_connection(entry) for entry in document["log"]["entries"] if _has_messages(entry)]
    others = len(document["log"]["entries"]) - len(found)
    entries = f"{others} {'entry' if others == 1 else 'entries'} without messages of a WebSocket connection: not judged"
    return Captured(tuple(found), (entries,) if others else ())


def _has_messages(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("_webSocketMessages"), list)


def _connection(entry: Mapping[str, Any]) -> CapturedConnection:
    notes: list[str] = []
    messages = list(_messages(entry["_webSocketMessages"], notes))
    request = entry.get("request")
    url = request.get("url") if isinstance(request, dict) else None
    name = url if isinstance(url, str) and url else "an entry without a URL"
    return of_messages(name, _heads(entry), messages, notes)


def _messages(rows: list[Any], notes: list[str]) -> Iterator[ShownMessage]:
    for row in rows:
        message = _message(row)
        if message is None:
            notes.append(_CUT)
            return
        yield message


def _message(row: Any) -> ShownMessage | None:
    """A message; None where the row does not show one."""
    if not isinstance(row, dict) or row.get("type") not in ("send", "receive"):
        return None
    opcode, data, time = row.get("opcode"), row.get("data"), row.get("time")
    if isinstance(opcode, bool) or not isinstance(opcode, (int, float)) or not isinstance(data, str):
        return None
    try:
        payload = base64.b64decode(data, validate=True) if opcode == BINARY else data.encode()
    except ValueError:
        return None
    return ShownMessage(row["type"] == "send", int(opcode) if abs(opcode) < 16 else 0, payload, time_shown(time))


def _heads(entry: Mapping[str, Any]) -> ShownHeads | None:
    request, response = entry.get("request"), entry.get("response")
    if not isinstance(request, dict) or not isinstance(response, dict):
        return None
    asked, answered = _fields(request.get("headers")), _fields(response.get("headers"))
    shown = (request.get("method"), request.get("url"), request.get("httpVersion"), response.get("httpVersion"))
    texts = [text for text in shown if isinstance(text, str)]
    if asked is None or answered is None or len(texts) < len(shown):
        return None
    method, url, *versions = texts
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    first, second = (version.upper() for version in versions)
    status = f"{second} {response.get('status')} {response.get('statusText') or ''}"
    return ShownHeads(f"{method} {target} {first}", asked, status, answered)


def _fields(rows: Any) -> Fields | None:
    """The fields of a head; several of one name may stand in one row, a line each."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    pairs = [(row.get("name"), row.get("value")) for row in rows]
    if not all(isinstance(name, str) and isinstance(value, str) for name, value in pairs):
        return None
    return [(name, line) for name, value in pairs for line in value.split("\n")]
