"""Connections of which a format shows the fields of heads and whole messages, but no frames: what of them is judged.

Theory of operation. The heads are written from their fields, where all that the opening handshake needs is there with
values that are none of an editor's; else what follows is judged from behind the handshake. A message is written as one
frame, as any endpoint may send it: fragments, masking, compression, control frames and the end are not shown, so no
rule on them can be broken. What is left to judge are the values of the heads, UTF-8, and what follows a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from wsoracle.model.octets.frames import encode_header
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import BINARY, TEXT

from .conversation import CapturedConnection
from .tcp import Passed

Fields = Sequence[tuple[str, str]]


class ShownHeads(NamedTuple):
    """The first lines of request and response, without line ends, and their fields."""

    request_line: str
    request: Fields
    status_line: str
    response: Fields


class ShownMessage(NamedTuple):
    """A message as a format shows it: of the client or not, its opcode, its payload, when it passed (0 unknown)."""

    client: bool
    opcode: int
    payload: bytes
    time: float


NOT_SHOWN: Final = "frames, control frames and the end of the connection are not shown, and are not judged"
_NO_HEADS: Final = "the opening handshake is not shown whole, and is not judged"
_OTHER: Final = "what is neither a text nor a binary message is left out"

_NEEDED: Final = {
    "request": ("host", "upgrade", "connection", "sec-websocket-version", "sec-websocket-key"),
    "response": ("upgrade", "connection", "sec-websocket-accept"),
}
_KEY: Final = re.compile(r"[A-Za-z0-9+/]{22}==")
_ACCEPT: Final = re.compile(r"[A-Za-z0-9+/]{27}=")
_LINE: Final = re.compile(r"[\x20-\x7e]+ HTTP/1\.1|HTTP/1\.1 101 ?[\x20-\x7e]*")
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\x20-\x7e\t\x80-\xff]*")


def of_messages(
    name: str, heads: ShownHeads | None, messages: Iterable[ShownMessage], notes: Iterable[str] = ()
) -> CapturedConnection:
    """A connection from what is shown of it; `notes` are further sentences on what is not."""
    said = [NOT_SHOWN, *notes]
    passed: list[Passed] = []
    opening = heads is not None and _whole(heads)
    if heads is not None and opening:
        passed.append(Passed(True, _head(heads.request_line, heads.request), 0.0))
        passed.append(Passed(False, _head(heads.status_line, heads.response), 0.0))
    else:
        said.append(_NO_HEADS)
    every = list(messages)
    shown = [one for one in every if one.opcode in (TEXT, BINARY)]
    if len(shown) < len(every):
        said.append(_OTHER)
    latest = 0.0
    for number, one in enumerate(shown):
        latest = max(latest, one.time)
        passed.append(Passed(one.client, _frame(one, number), latest))
    timed = bool(shown) and all(one.time for one in shown)
    if timed:  # when the heads passed is not shown: not later than the first message
        first = shown[0].time
        passed = [one._replace(time=max(one.time, first)) for one in passed]
    return CapturedConnection(name, tuple(passed), tuple(dict.fromkeys(said)), opening, timed=timed)


def time_shown(value: object) -> float:
    """A number of seconds since 1970; 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    return float(value) if 0 < value < 1e12 else 0.0


def _whole(heads: ShownHeads) -> bool:
    """Whether all is there that an opening handshake needs, with values that no editor put there."""
    if not (_LINE.fullmatch(heads.request_line) and _LINE.fullmatch(heads.status_line)):
        return False
    for needed, fields in ((_NEEDED["request"], heads.request), (_NEEDED["response"], heads.response)):
        if not {name.lower() for name, _ in fields}.issuperset(needed):
            return False
        if not all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in fields):
            return False
    keys = [value for name, value in heads.request if name.lower() == "sec-websocket-key"]
    accepts = [value for name, value in heads.response if name.lower() == "sec-websocket-accept"]
    return all(map(_KEY.fullmatch, keys)) and all(map(_ACCEPT.fullmatch, accepts))


def _head(first: str, fields: Fields) -> bytes:
    return "".join([f"{first}\r\n", *(f"{name}: {value}\r\n" for name, value in fields), "\r\n"]).encode("latin-1")


def _frame(message: ShownMessage, number: int) -> bytes:
    """A message as one frame; the masking key of a client is made up, such that nobody would foresee it."""
    length = len(message.payload)
    if not message.client:
        return encode_header(opcode=message.opcode, length=length) + message.payload
    key = sha256(b"%d of a message" % number).digest()[:4]
    return encode_header(opcode=message.opcode, length=length, key=key) + mask(message.payload, key)
