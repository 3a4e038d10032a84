"""Heads of HTTP/1.1 messages from octets: a request or a response up to its empty line (RFC 9112).

Theory of operation. The octets up to the first empty line are a head; what the RFC lets a recipient put up with is put
right first (:func:`_put_right`): a bare LF, a folded line, NUL in a value. The head is then read by h11, which knows
the grammar. Two things that h11 refuses are for our rules to judge, and are hidden from it: no Host field, and several.

What is no head is *malformed*, and said to be so at the first octet that shows it, however the octets are cut. A head
that has no end within the limit is *too large*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

import h11

from .vocabulary import Role

HEAD_LIMIT: Final = 65_536
"""Octets of a head, its empty line included, that are kept at most."""

Headers: TypeAlias = "tuple[tuple[str, str], ...]"


@dataclass(frozen=True, slots=True)
class _Fields:
    version: str
    headers: Headers

    def values(self, name: str) -> list[str]:
        """The values of all fields of a name, in order; names have no case (RFC 9110, section 5.1)."""
        return [value for field, value in self.headers if field.lower() == name.lower()]

    def _lines(self, first: str) -> bytes:
        lines = [first, *(f"{name}: {value}" for name, value in self.headers), "", ""]
        return "\r\n".join(lines).encode("latin-1")


@dataclass(frozen=True, slots=True)
class Request(_Fields):
    """A request: ``version`` is that of HTTP ("1.1"), ``headers`` are in the order and the letters of the wire."""

    method: str = "GET"
    target: str = "/"

    def octets(self) -> bytes:
        """The head on the wire."""
        return self._lines(f"{self.method} {self.target} HTTP/{self.version}")


@dataclass(frozen=True, slots=True)
class Response(_Fields):
    """A response; as :class:`Request`."""

    status: int = 101
    reason: str = "Switching Protocols"

    def octets(self) -> bytes:
        """The head on the wire."""
        return self._lines(f"HTTP/{self.version} {self.status} {self.reason}")


Head: TypeAlias = "Request | Response"


@dataclass(frozen=True, slots=True)
class Read:
    """A head, its octets, and the octets after it. ``tolerated``: it took putting right."""

    head: Head
    octets: bytes
    rest: bytes
    tolerated: bool = False


@dataclass(frozen=True, slots=True)
class Malformed:
    """No head: why, and the octets that show it; ``too_large``: it has no end within the limit."""

    why: str
    octets: bytes
    too_large: bool = False


_END: Final = re.compile(rb"\n\r?\n")
_LEADING: Final = re.compile(rb"(?:\r?\n)+")
_STARTS: Final = {
    Role.SERVER: re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"),
    Role.CLIENT: re.compile(rb"H"),
}
_NOT_IN_A_LINE: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_HOST: Final = re.compile(rb"(?mi)^(host)(?=:)")
_HIDDEN: Final = b"-as-it-came"


class HeadReader:
    """Reads one head for who plays ``role``: a server reads a request, a client a response. No octets make it raise."""

    def __init__(self, role: Role, limit: int = HEAD_LIMIT) -> None:
        self._role: Final = role
        self._limit: Final = limit
        self._octets = bytearray()
        self._searched = 0
        self.result: Read | Malformed | None = None
        """What the octets are; None as long as that is open."""

    @property
    def held(self) -> int:
        """Octets that are kept until the head is complete."""
        return len(self._octets)

    def feed(self, octets: bytes) -> None:
        """Take octets in a chunk of any size; those after the head are in ``result.rest``, of this call alone."""
        if self.result is not None:
            raise ValueError("the head has been read")
        before = len(self._octets)
        self._octets += octets
        begin = self._begin()
        end = _END.search(self._octets, max(begin, self._searched - 3))
        shown = self._shown_malformed(begin)
        complete = None if end is None else end.end()
        self._searched = len(self._octets)
        if shown is not None and (complete is None or shown < complete) and shown <= self._limit:
            self._conclude(Malformed("it does not begin as HTTP does", bytes(self._octets[:shown])))
        elif complete is not None and complete <= self._limit:
            head = bytes(self._octets[begin:complete])
            rest = bytes(octets[complete - before :])
            self._conclude(_parsed(self._role, head, bytes(self._octets[:complete]), rest))
        elif len(self._octets) >= self._limit:
            why = f"it has no end within {self._limit} octets"
            self._conclude(Malformed(why, bytes(self._octets[: self._limit]), too_large=True))

    def _begin(self) -> int:
        """Where the first line begins: a server passes over empty lines before it (RFC 9112, section 2.2)."""
        leading = _LEADING.match(self._octets) if self._role is Role.SERVER else None
        return 0 if leading is None else leading.end()

    def _shown_malformed(self, begin: int) -> int | None:
        """How many octets show that the first line is none of HTTP; None where they do not."""
        if len(self._octets) <= begin or self._octets[begin:] == b"\r":
            return None
        if not _STARTS[self._role].match(self._octets, begin):
            return begin + 1
        line_end = self._octets.find(b"\n", begin)
        found = _NOT_IN_A_LINE.search(self._octets, begin, len(self._octets) if line_end < 0 else line_end)
        return None if found is None else found.end()

    def _conclude(self, result: Read | Malformed) -> None:
        self.result = result
        self._octets.clear()


def _parsed(role: Role, head: bytes, octets: bytes, rest: bytes) -> Read | Malformed:
    right = _put_right(head)
    try:
        parsed = _request(right) if role is Role.SERVER else _response(right)
    except h11.ProtocolError as error:
        return Malformed(str(error), octets)
    return Read(parsed, octets, rest, tolerated=right != head)


def _put_right(head: bytes) -> bytes:
    """The head as RFC 9112 lets a recipient take it: LF for CRLF (section 2.2), a fold for a space (5.2), NUL for a
    space in values (RFC 9110, 5.5)."""
    lines = re.sub(rb"\r?\n", b"\r\n", head)
    first, _, fields = lines.partition(b"\r\n")
    fields = re.sub(rb"[ \t]*\r\n[ \t]+(?=[^\r \t])", b" ", fields)
    return first + b"\r\n" + fields.replace(b"\0", b" ")


def _request(head: bytes) -> Request:
    hidden, count = _HOST.subn(rb"\1" + _HIDDEN, head[:-2])
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=len(head) + HEAD_LIMIT)
    connection.receive_data(hidden + b"Host: hidden\r\n\r\n")
    event = connection.next_event()
    assert isinstance(event, h11.Request)
    headers = _headers(event)[:-1]
    if count:
        ending = _HIDDEN.decode()
        headers = tuple((name.removesuffix(ending), value) for name, value in headers)
    return Request(_text(event.http_version), headers, _text(event.method), _text(event.target))


def _response(head: bytes) -> Response:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=len(head) + HEAD_LIMIT)
    # Only who has asked for another protocol may be answered with 101.
    asked = [("Host", "hidden"), ("Upgrade", "websocket"), ("Connection", "Upgrade")]
    connection.send(h11.Request(method="GET", target="/", headers=asked))
    connection.send(h11.EndOfMessage())
    connection.receive_data(head)
    event = connection.next_event()
    assert isinstance(event, (h11.Response, h11.InformationalResponse))
    return Response(_text(event.http_version), _headers(event), event.status_code, _text(event.reason))


def _headers(event: h11.Request | h11.Response | h11.InformationalResponse) -> Headers:
    raw = event.headers.raw_items()
    return tuple((_text(name), _text(value)) for name, value in raw)


def _text(octets: bytes) -> str:
    return octets.decode("latin-1")


__all__ = ["HEAD_LIMIT", "Head", "HeadReader", "Malformed", "Read", "Request", "Response"]
