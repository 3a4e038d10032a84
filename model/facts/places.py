"""Where the facts of a unit stand in its octets: the octet that a rule speaks of.

A guard reads facts. Each fact of a frame stands in a field of the wire format, each fact of a head in a line. Of
several facts that a reason reads, the one that comes last on the wire makes it hold: that is the octet at fault. A
Ping of 126 octets is at fault in its length, not in its opcode.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ..notation.head_variables import DEFLATE_FACTS, RequestFacts, ResponseFacts
from ..octets import utf8
from ..octets.frames import FIELDS, Header

CODE_OCTETS: Final = 2
"""Octets of the status code in the body of a Close (section 5.5.1)."""

_FIXED: Final[Mapping[str, int]] = {field.name: field.octet for field in FIELDS}
_LENGTH: Final = _FIXED["length"]

_OF_DEFLATE: Final = frozenset({"inflated", "distance", "reach", "damage"})
"""The facts that the DEFLATE data of a compressed message gives: its payload, from its first octet on."""

FIELD_OF: Final[Mapping[str, str]] = {
    "host": "Host",
    "upgrade": "Upgrade",
    "connection": "Connection",
    "key": "Sec-WebSocket-Key",
    "version": "Sec-WebSocket-Version",
    "protocols": "Sec-WebSocket-Protocol",
    "offers": "Sec-WebSocket-Extensions",
    "origin": "Origin",
    "accept": "Sec-WebSocket-Accept",
    "subprotocol": "Sec-WebSocket-Protocol",
    "extensions": "Sec-WebSocket-Extensions",
    "versions": "Sec-WebSocket-Version",
}
"""The field of a head that gives a fact."""

_FIELD_OF_ALL: Final = {
    **FIELD_OF,
    **{f"defines_rsv{n}": FIELD_OF["extensions"] for n in (1, 2, 3)},
    **dict.fromkeys(("deflate_offers", *DEFLATE_FACTS), FIELD_OF["extensions"]),
    "for_uri": FIELD_OF["host"],
}
"""The same, with the facts that follow from others."""

FIRST_LINE: Final[Mapping[type, tuple[str, ...]]] = {
    RequestFacts: ("method_get", "target", "http"),
    ResponseFacts: ("http", "status"),
}
"""The facts that the first line of a head gives."""

_WORD_OF: Final[Mapping[str, int]] = {"method_get": 0, "target": 1, "status": 1, "http": 2}
"""The word of the first line that gives a fact; in a response HTTP comes first."""

_WORD: Final = re.compile(rb"[^ \t\v\f\r]+")

BODY_FIELDS: Final = ("content-length", "transfer-encoding")
"""The fields that announce a body, in lower case."""


def place_in_frame(
    facts: Iterable[str], header: Header, payload: bytes, text_from: int | None, *, compressed: bool = False
) -> int:
    """The offset in a frame of the octet at fault, where these facts are the reason; 0, the opcode, for no fact.

    ``payload`` is unmasked, and may be a part. ``text_from`` is where the UTF-8 automaton stands before it, None where
    it is no text. What is wrong in a ``compressed`` message is so from the first octet of the payload on.
    """
    return max((_in_frame(fact, header, payload, text_from, compressed) for fact in facts), default=0)


def _in_frame(fact: str, header: Header, payload: bytes, text_from: int | None, compressed: bool) -> int:
    if fact in _FIXED:
        return _FIXED[fact]
    if fact == "form":
        return _LENGTH
    if fact == "code":
        return header.size if header.length >= CODE_OCTETS else _LENGTH
    if fact in _OF_DEFLATE or (compressed and fact == "utf8_next"):
        return header.size if header.length else _LENGTH
    if fact == "reason_ok":
        return header.size + CODE_OCTETS + _bad_text(payload[CODE_OCTETS:], utf8.ACCEPT)
    if fact == "utf8_next" and text_from is not None and payload:
        return header.size + _bad_text(payload, text_from)
    return 0


def _bad_text(octets: bytes, before: int) -> int:
    """The first octet with which a text is no longer valid; the last one of a text that ends inside a character."""
    bad = utf8.first_reject(octets, before)
    return max(len(octets) - 1, 0) if bad is None else bad


def place_in_head(facts: Iterable[str], octets: bytes, faulty_line: int | None = None) -> int:
    """The offset in a head of the line at fault, where these facts are the reason; 0, the first line, for no fact.

    In the first line it is the word at fault. A field that is repeated is at fault where it stands last, and one that
    is missing where the fields end. So is a fact of the head as a whole, but for its syntax, where ``faulty_line`` says
    which line is at fault: 0 for what comes before the first.
    """
    if faulty_line == 0:
        return 0
    lines = list(_lines(octets)) or [(0, "")]
    words = [lines[0][0] + word.start() for word in _WORD.finditer(octets[lines[0][0] :].partition(b"\n")[0])]
    if faulty_line is not None:
        return lines[min(faulty_line, len(lines)) - 1][0]
    return max((_in_head(fact, lines, words or [lines[0][0]]) for fact in facts), default=lines[0][0])


def _lines(octets: bytes) -> Iterator[tuple[int, str]]:
    """Where each line begins, and the name before its colon in lower case; empty lines before the first are skipped."""
    at, begun = 0, False
    for line in octets.removesuffix(b"\n").split(b"\n"):
        begun |= line not in (b"", b"\r")
        if begun:
            yield at, line.partition(b":")[0].decode("latin-1").strip().lower()
        at += len(line) + 1


def _in_head(fact: str, lines: list[tuple[int, str]], words: list[int]) -> int:
    last = lines[-1][0]
    if fact == "http" and lines[0][1].startswith("http/"):
        return words[0]
    if fact in _WORD_OF:
        return words[min(_WORD_OF[fact], len(words) - 1)]
    names = BODY_FIELDS if fact == "body" else (_FIELD_OF_ALL.get(fact, "").lower(),)
    return max((at for at, name in lines[1:] if name in names), default=last)
