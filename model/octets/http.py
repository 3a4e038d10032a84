"""Heads of HTTP/1.1 messages from octets: a request or a response up to its empty line (RFC 9112).

Theory of operation. The octets up to the first empty line are a head. Some faults are forbidden to senders, and a
recipient may take them: LF without CR, CR without LF, folded lines and NUL in values, words of the first line that are
not parted by one space each, a blank before the colon in a response, a blank line before the first field (RFC 9112,
sections 2.2, 3, 4, 5.1 and 5.2). :func:`_put_right` mends them first, and the head is *tolerated*, with the reason in
words. Then h11, which knows the grammar, reads the head; :func:`_shielded` keeps from it the fields that it would
interpret itself.

Octets that are not a head are *malformed*. A fault in the first line is reported at the first octet that shows it, any
other fault at the end of the head, however the octets are cut. A head without an end within the limit is *too large*.
A blank before the colon in a request, a line of HTTP/0.9, and TLS are malformed. Any version that has the form of
HTTP/1.1 is read, so the preface of HTTP/2 (RFC 9113, section 3.4) is a request, with the method
PRI. Octets above 127 in values are read as latin-1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, TypeAlias

import h11

from .vocabulary import Role

HEAD_LIMIT: Final = 65_536
"""The largest head that is kept, in octets, its empty line included."""

Headers: TypeAlias = "tuple[tuple[str, str], ...]"


@lru_cache(maxsize=64)
def _by_name(headers: Headers) -> dict[str, list[str]]:
    """The values of fields by their names in lower case. Cached, since one head is asked for many names."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value)
    return found


@dataclass(frozen=True, slots=True)
class _Fields:
    version: str
    headers: Headers

    def values(self, name: str) -> list[str]:
        """The values of all fields of a name, in order; names have no case (RFC 9110, section 5.1)."""
        return list(_by_name(self.headers).get(name.lower(), ()))

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
class ParsedHead:
    """A head, its octets, and the octets after it. ``tolerated``: why no sender may write so, in words, although a
    recipient may take it; empty for a head that is well-formed."""

    head: Head
    octets: bytes
    rest: bytes
    tolerated: str = ""

    @property
    def faulty_line(self) -> int | None:
        """The number of the first line that no sender may write so, 0 for lines before the first; None without one."""
        if not self.tolerated:
            return None
        numbers = [int(number) for number in _LINE.findall(self.tolerated)]
        return 0 if self.tolerated.startswith(_SKIPPED) else min(numbers, default=None)


@dataclass(frozen=True, slots=True)
class Malformed:
    """No head: why, and the octets that show it; ``too_large``: it has no end within the limit."""

    why: str
    octets: bytes
    too_large: bool = False


_SKIPPED: Final = "empty lines come before it"
_LINE: Final = re.compile(r"\bline (\d+) ")
_END: Final = re.compile(rb"\n\r?\n")
_EMPTY_LINES: Final = re.compile(rb"(?:\r?\n)+")
_TCHAR: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_STARTS: Final = {Role.SERVER: re.compile(_TCHAR), Role.CLIENT: re.compile(rb"H")}
_NOT_IN_A_LINE: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NOT_IN_FIRST_LINE: Final = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
"""VT and FF part words there (RFC 9112, sections 3 and 4)."""


class HeadParser:
    """Reads one head for an endpoint in ``role``: a server reads a request, a client a response. No octets make it
    raise.

    It keeps ``limit`` octets at most, whatever comes, and looks at each octet a bounded number of times, in whatever
    chunks they come.
    """

    def __init__(self, role: Role, limit: int = HEAD_LIMIT) -> None:
        self._role: Final = role
        self._limit: Final = limit
        self._octets = bytearray()
        self._begin = 0
        self._first_line: int | None = None
        self._looked = 0
        self.result: ParsedHead | Malformed | None = None
        """The head, or why the octets are not one; None until that is decided."""

    @property
    def held(self) -> int:
        """Octets that are kept until the head is complete."""
        return len(self._octets)

    def feed(self, octets: bytes) -> None:
        """Take octets in a chunk of any size; those after the head are in ``result.rest``, of this call alone.

        Raises :class:`ValueError` where there is a result already.
        """
        if self.result is not None:
            raise ValueError("the head has been read")
        before = len(self._octets)
        self._octets += octets[: max(self._limit - before, 0)]
        result = self._not_http() or self._complete(octets, before)
        if result is None and len(self._octets) >= self._limit:
            why = f"it has no end within {self._limit} octets"
            result = Malformed(why, bytes(self._octets), too_large=True)
        self._looked = len(self._octets)
        if result is not None:
            self.result = result
            self._octets.clear()

    def _not_http(self) -> Malformed | None:
        """The fault of the first line, as far as it has come, that shows that this is not a head of HTTP."""
        if self._first_line is not None:
            return None
        may_be_empty = self._role is Role.SERVER
        if may_be_empty:  # it passes over empty lines before the first one (RFC 9112, section 2.2)
            empty = _EMPTY_LINES.match(self._octets, self._begin)
            self._begin = self._begin if empty is None else empty.end()
        begin, end = self._begin, len(self._octets)
        shown = begin + (2 if may_be_empty and self._octets.startswith(b"\r", begin) else 1)
        if end < shown:
            return None
        if not _STARTS[self._role].match(self._octets, begin):
            return self._malformed("it does not begin as HTTP does", shown)
        line_end = self._octets.find(b"\n", max(begin, self._looked))
        strange = _NOT_IN_FIRST_LINE.search(self._octets, max(begin, self._looked), end if line_end < 0 else line_end)
        if strange is not None:
            return self._malformed("its first line has a control character", strange.end())
        if line_end < 0:
            return None
        self._first_line = line_end
        head = self._head()
        if head is not None and not isinstance(_in_form(self._role, head[0]), str):
            return None  # then the line is sound too, and need not be read by itself
        why = _fault_of_line(self._role, bytes(self._octets[begin:line_end]).removesuffix(b"\r"))
        return None if why is None else self._malformed(why, line_end + 1)

    def _malformed(self, why: str, shown: int) -> Malformed:
        return Malformed(why, bytes(self._octets[:shown]))

    def _head(self) -> tuple[bytes, int] | None:
        """The head and where it ends, once all of it is there."""
        if self._first_line is None:
            return None
        found = _END.search(self._octets, max(self._first_line, self._looked - 2))
        return None if found is None else (bytes(self._octets[self._begin : found.end()]), found.end())

    def _complete(self, octets: bytes, before: int) -> ParsedHead | Malformed | None:
        whole = self._head()
        if whole is None:
            return None
        head, end = whole
        rest = bytes(octets[end - before :])
        # Empty lines are for servers to pass over, and not for clients to send.
        skipped = _SKIPPED if self._begin else ""
        return _parsed(self._role, head, bytes(self._octets[:end]), rest, skipped)


@lru_cache(maxsize=64)
def _fault_of_line(role: Role, line: bytes) -> str | None:
    """The fault of a first line, or None. Cached: a test suite meets the same few lines again and again."""
    found = _in_form(role, line + b"\r\n\r\n")
    return found if isinstance(found, str) else None


def _parsed(role: Role, head: bytes, octets: bytes, rest: bytes, skipped: str) -> ParsedHead | Malformed:
    found = _in_form(role, head)
    if isinstance(found, str):
        return Malformed(found, octets)
    parsed, tolerated = found
    return ParsedHead(parsed, octets, rest, tolerated=", ".join(filter(None, (skipped, tolerated))))


_NONCE: Final = re.compile(
    rb"\r\n(Sec-WebSocket-(?:Key|Accept)): ([A-Za-z0-9+/]{22}==|[A-Za-z0-9+/]{27}=)(?=\r\n)", re.IGNORECASE
)


@lru_cache(maxsize=64)
def _in_form(role: Role, head: bytes) -> tuple[Head, str] | str:
    """The content of a whole head, and why a recipient has to be lenient to take it, if so; or why it is not a head.

    Cached: the two endpoints of a connection and the judge read the same head soon after one another. The heads of many
    connections differ only in a nonce, which means nothing to HTTP: it is filled in after reading.
    """
    nonces = list(_NONCE.finditer(head))
    if len(nonces) != 1:
        return _read_in_form(role, head)
    name, nonce = nonces[0][1].decode(), nonces[0][2]
    begin, end = nonces[0].span(2)
    found = _of_shape(role, head[:begin] + b"A" * len(nonce) + head[end:])
    if isinstance(found, str):
        return _read_in_form(role, head)
    parsed, lenient = found
    headers = tuple((n, nonce.decode()) if n == name else (n, value) for n, value in parsed.headers)
    return replace(parsed, headers=headers), lenient


@lru_cache(maxsize=64)
def _of_shape(role: Role, head: bytes) -> tuple[Head, str] | str:
    found = _read_in_form(role, head)
    if isinstance(found, str):
        return found
    # A second field of the name, in other letters or folded, would be filled in too.
    names = [name.lower() for name, _ in found[0].headers if name.lower() in _NONCES]
    return found if len(names) == 1 else "more than one nonce"


_NONCES: Final = ("sec-websocket-key", "sec-websocket-accept")


def _read_in_form(role: Role, head: bytes) -> tuple[Head, str] | str:
    first, fields, mended = _put_right(role, head)
    try:
        parsed = _request(first, fields) if role is Role.SERVER else _response(first, fields)
    except h11.ProtocolError as error:
        return _in_our_words(error)
    return _framing_fault(parsed) or (parsed, ", ".join(mended))


_LONGEST_REASON: Final = 200
_BLANK: Final = b" \t"
_BETWEEN_WORDS: Final = re.compile(rb"[ \t\v\f\r]+")
_BEFORE_COLON: Final = re.compile(rb"([^:\s]+)[ \t]+:")


def _put_right(role: Role, head: bytes) -> tuple[bytes, list[bytes], list[str]]:
    """The first line and the fields of a head as RFC 9112 lets a recipient take them, and what was mended, in words.

    LF is as CRLF, CR elsewhere as a space (section 2.2), a fold as a space (5.2), and NUL in a field as a space (RFC
    9110, 5.5); a blank before the colon in a response is left out (5.1), and so is a line that begins with a blank
    where no field came before (2.2). By lines, and not by a regular expression: one for folds would take quadratic time
    over a long run of spaces.
    """
    lines = head.split(b"\n")[:-1]
    mended = [f"line {n} ends with LF alone" for n, line in enumerate(lines, 1) if not line.endswith(b"\r")]
    first, *others = [line.removesuffix(b"\r") for line in lines[:-1]]
    first, fault = _first_line(role, first)
    mended += [f"line 1 {fault}"] if fault else []
    fields: list[list[bytes]] = []
    for number, line in enumerate(others, 2):
        folded = line.startswith((b" ", b"\t"))
        mended += [f"line {number} {fault}" for fault in _faults_of_field(role, line, bool(fields))]
        if role is Role.CLIENT and not folded:
            line = _BEFORE_COLON.sub(rb"\1:", line, count=1) if _BEFORE_COLON.match(line) else line
        if fields and folded:
            fields[-1][-1] = fields[-1][-1].rstrip(_BLANK)
            fields[-1].append(line.lstrip(_BLANK))
        elif not folded:
            fields.append([line])
    return first, [b" ".join(pieces).replace(b"\0", b" ").replace(b"\r", b" ") for pieces in fields], mended


def _first_line(role: Role, line: bytes) -> tuple[bytes, str]:
    """The first line with single spaces between its words (RFC 9112, sections 3 and 4), and what was mended."""
    words = _BETWEEN_WORDS.split(line.strip(_BETWEEN_WORDS_ALL), 0 if role is Role.SERVER else 2)
    right = b" ".join(words)
    if role is Role.CLIENT and len(words) == 2:  # a space stands before the reason, even where that is empty
        right += b" "
        if line == b" ".join(words):
            return right, "ends without the blank before the reason phrase"
    return right, "" if line == right else "does not have one space between each two words"


_BETWEEN_WORDS_ALL: Final = b" \t\v\f\r"


def _faults_of_field(role: Role, line: bytes, follows_field: bool) -> Iterator[str]:
    """The faults of a field line, or of a part of a folded one, that a recipient may take."""
    if line.startswith((b" ", b"\t")):
        yield "is folded" if follows_field else "begins with a blank and continues no field"
    elif role is Role.CLIENT and _BEFORE_COLON.match(line):
        yield "has a blank before its colon"
    if b"\r" in line:
        yield "has CR without LF"
    if b"\0" in line:
        yield "has NUL"
    # A recipient may keep other control characters (RFC 9110, section 5.5).
    elif _NOT_IN_A_LINE.search(line):
        yield "has a control character"


# h11 checks more than the grammar of some fields: it refuses a missing or repeated Host and a transfer coding that it
# cannot decode, and gives a repeated Content-Length once. Our rules decide these, or need not, so each name goes
# through h11 with a prefix, and every name comes back as it was.
_SHIELD: Final = b"x-"
_SHOWN_BY_H11: Final = re.compile(r"(header line: )?bytearray\(b(['\"])(?(1)(?:x-)?)(.*)\)")
"""Octets in a message of h11: shown as Python has them, and a field has our shield."""

_NAMED: Final = re.compile(_TCHAR)


def _in_our_words(error: h11.ProtocolError) -> str:
    """Why something is no head, without the types of Python and without our shield."""
    return _SHOWN_BY_H11.sub(r"\1\2\3", str(error))[:_LONGEST_REASON]


def _shielded(first: bytes, fields: list[bytes], *further: bytes) -> bytes:
    lines = [_SHIELD + field if _NAMED.match(field) else field for field in fields]
    return b"\r\n".join([first, *lines, *further, b"", b""])


def _request(first: bytes, fields: list[bytes]) -> Request:
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(_shielded(first, fields, b"Host: shield"))
    event = connection.next_event()
    assert isinstance(event, h11.Request)
    return Request(_text(event.http_version), _headers(event)[:-1], _text(event.method), _text(event.target))


# A server may answer 101 only to a client that asked for another protocol.
_ASKED: Final = h11.Request(
    method="GET", target="/", headers=[("Host", "shield"), ("Upgrade", "websocket"), ("Connection", "Upgrade")]
)


def _response(first: bytes, fields: list[bytes]) -> Response:
    connection = h11.Connection(h11.CLIENT)
    connection.send(_ASKED)
    connection.send(h11.EndOfMessage())
    connection.receive_data(_shielded(first, fields))
    event = connection.next_event()
    assert isinstance(event, (h11.Response, h11.InformationalResponse))
    return Response(_text(event.http_version), _headers(event), event.status_code, _text(event.reason))


def _framing_fault(head: Head) -> str | None:
    """The fault of a head whose message has no certain end: an invalid Content-Length, or several, are an error that
    cannot be recovered from (RFC 9112, section 6.3), where a transfer coding or the status does not settle the end."""
    if head.values("Transfer-Encoding"):
        return None
    if isinstance(head, Response) and (head.status < 200 or head.status in (204, 304)):
        return None
    lengths = {length.strip(" \t") for value in head.values("Content-Length") for length in value.split(",")}
    if len(lengths) > 1 or not all(length.isascii() and length.isdigit() for length in lengths):
        return "where its body ends is not certain: Content-Length is not one number"
    return None


def _headers(event: h11.Request | h11.Response | h11.InformationalResponse) -> Headers:
    raw = event.headers.raw_items()
    return tuple((_text(name[len(_SHIELD) :]), _text(value)) for name, value in raw)


def _text(octets: bytes) -> str:
    return octets.decode("latin-1")
