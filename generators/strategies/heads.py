"""Hypothesis strategies: requests and responses of opening handshakes as octets, from valid through one fault to many.

Theory of operation. A head is drawn as a sound one and a list of changes that know nothing of each other: each does one
thing to one place (a field is dropped, repeated, folded, given another value; a line ends in a bare LF; a frame follows
in the same segment). So most heads are sound or have one fault, each fault stands on its own, and leaving a change out
when a failure is shrunk does not change the other changes. Some changes are no faults: the order of fields, the case of
names, optional whitespace, unknown fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from typing import Final, NamedTuple

from hypothesis import strategies as st

from wsoracle.model.facts.heads import SAMPLE_KEY, SAMPLE_URI
from wsoracle.model.octets.accept_key import accept_value
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import PING, Frame, Role
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, Stimulus


class FieldLine(NamedTuple):
    """A field line, with all that stands on it."""

    name: bytes
    value: bytes
    between: bytes = b": "
    end: bytes = b"\r\n"


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """A head in pieces: what stands before it, its first line, its fields, its empty line, a body, and what follows."""

    first: tuple[bytes, bytes, bytes]
    fields: tuple[FieldLine, ...]
    before: bytes = b""
    first_end: bytes = b"\r\n"
    end: bytes = b"\r\n"
    body: bytes = b""
    behind: bytes = b""
    instead: bytes | None = None

    def __repr__(self) -> str:
        return f"<a draft of {len(self.octets)} octets>"

    @property
    def octets(self) -> bytes:
        """All of it on the wire."""
        if self.instead is not None:
            return self.instead
        lines = b"".join(b"".join((f.name, f.between, f.value, f.end)) for f in self.fields)
        return b"".join((self.before, b" ".join(self.first), self.first_end, lines, self.end, self.body, self.behind))


class HeadChange(NamedTuple):
    """One thing that is done to a draft: what, to which field or part of the first line, and with which octets."""

    what: str
    where: str = ""
    octets: bytes = b""

    def __str__(self) -> str:
        shown = f" {self.octets[:30]!r}" if self.octets else ""
        return f"{self.what} {self.where}".rstrip() + shown


def request_draft(key: str = SAMPLE_KEY) -> Draft:
    """A sound request that offers nothing."""
    return Draft(
        (b"GET", SAMPLE_URI.resource_name.encode(), b"HTTP/1.1"),
        (
            FieldLine(b"Host", SAMPLE_URI.host_header.encode()),
            FieldLine(b"Upgrade", b"websocket"),
            FieldLine(b"Connection", b"Upgrade"),
            FieldLine(b"Sec-WebSocket-Key", key.encode()),
            FieldLine(b"Sec-WebSocket-Version", b"13"),
        ),
    )


def response_draft(key: str = SAMPLE_KEY) -> Draft:
    """A sound response to a request with this key, without subprotocol and extensions."""
    return Draft(
        (b"HTTP/1.1", b"101", b"Switching Protocols"),
        (
            FieldLine(b"Upgrade", b"websocket"),
            FieldLine(b"Connection", b"Upgrade"),
            FieldLine(b"Sec-WebSocket-Accept", accept_value(key).encode()),
        ),
    )


def sound_draft(role: Role) -> Draft:
    """A sound head that an endpoint of this role reads: a request for a server, a response for a client."""
    return request_draft() if role is Role.SERVER else response_draft()


def changed(draft: Draft, change: HeadChange) -> Draft:
    """The draft with a change; the draft itself where there is nothing to be changed."""
    what, where, octets = change
    if what == "first":
        at = int(where)
        return replace(draft, first=(*draft.first[:at], octets, *draft.first[at + 1 :]))  # type: ignore[arg-type]
    if what in ("before", "first_end", "end", "behind", "instead"):
        return replace(draft, **{what: octets})  # type: ignore[arg-type]
    if what == "body":
        field, _, body = octets.partition(b"|")
        return replace(changed(draft, HeadChange("add", octets=field)), body=body)
    if what == "add":
        name, _, value = octets.partition(b"=")
        return replace(draft, fields=(*draft.fields, FieldLine(name, value)))
    if what == "fill":
        return replace(draft, fields=(*draft.fields, *_filling(int(where), int(octets))))
    if what == "reverse":
        return replace(draft, fields=draft.fields[::-1])
    if what == "cut":
        return replace(draft, end=b"", body=b"", behind=b"")
    return replace(draft, fields=tuple(_fields(draft.fields, change)))


def _filling(fields: int, length: int) -> list[FieldLine]:
    return [FieldLine(b"X-Filling", b"a" * length)] * fields


def _fields(fields: Sequence[FieldLine], change: HeadChange) -> list[FieldLine]:
    """The fields with a change to those of one name."""
    found: list[FieldLine] = []
    for one in fields:
        found += _field(one, change) if one.name.lower() == change.where.lower().encode() else [one]
    return found


def _field(one: FieldLine, change: HeadChange) -> list[FieldLine]:
    what, _, octets = change
    half = len(one.value) // 2
    match what:
        case "drop":
            return []
        case "repeat":
            return [one, one]
        case "value":
            return [one._replace(value=octets)]
        case "another":
            return [one, one._replace(value=octets)]
        case "split":
            return [one._replace(value=part.strip()) for part in one.value.split(b",")]
        case "upper name":
            return [one._replace(name=one.name.upper())]
        case "lower name":
            return [one._replace(name=one.name.lower())]
        case "swap value":
            return [one._replace(value=one.value.swapcase())]
        case "between":
            return [one._replace(between=octets)]
        case "trail":
            return [one._replace(value=one.value + octets)]
        case "inside":
            return [one._replace(value=one.value[:half] + octets + one.value[half:])]
        case "line end":
            return [one._replace(end=octets)]
    raise ValueError(f"there is no change {what!r}")


# --- what is worth changing -----------------------------------------------------------------------------------------

_SHAPES: Final = (
    ("upper name", b""),
    ("lower name", b""),
    ("between", b":"),
    ("between", b":\t  "),
    ("trail", b" \t"),
    ("drop", b""),
    ("repeat", b""),
    ("split", b""),
    ("swap value", b""),
    ("inside", b"\r\n "),
    ("between", b":\r\n\t"),
    ("between", b" : "),
    ("between", b" "),
    ("line end", b"\n"),
    ("line end", b"\r"),
    ("inside", b"\x00"),
    ("inside", b"\x0b"),
    ("inside", b"\xe9"),
    ("inside", b"\r"),
    ("inside", b" "),
    ("inside", b","),
    ("trail", b","),
    ("value", b""),
)
"""The changes that fit any field."""

_UPGRADE: Final = (b"WebSocket", b"h2c", b"websocket/13", b"h2c, websocket", b"websocket, websocket", b'"websocket"')
_CONNECTION: Final = (
    b"upgrade",
    b"keep-alive, Upgrade",
    b"keep-alive",
    b"Upgrade, upgrade",
    b"Upgraded",
    b"close, Upgrade",
    b",Upgrade,",
    b"keep alive, Upgrade",
)
_REQUEST_VALUES: Final = {
    "Host": (
        b"server.example.com:80",
        b"[::1]:8080",
        b"a b",
        b"user@host",
        b"server.example.com/",
        b"x.\xc3\xa9",
        b":1",
    ),
    "Upgrade": _UPGRADE,
    "Connection": _CONNECTION,
    "Sec-WebSocket-Key": (
        b"AAAAAAAAAAAAAAAAAAAAAA==",
        b"AAAAAAAAAAAAAAAAAAAAAA",
        b"AAAA",
        b"AAAAAAAAAAAAAAAAAAAAAAAA",
        b"AAAAAAAAAAAAAAAAAAAAAB==",
        b"not base64!!!!!!!!!!!!==",
        b"AAAAAAAAAAA AAAAAAAAAAA==",
    ),
    "Sec-WebSocket-Version": (b"8", b"0", b"255", b"256", b"013", b"13, 8", b"13, 13", b"13.0", b"thirteen", b"14"),
}
_REQUEST_ADDED: Final[Mapping[bytes, Sequence[bytes]]] = {
    b"Origin": (b"http://example.com", b"null"),
    b"Sec-WebSocket-Protocol": (b"chat, superchat", b"unheard-of", b"chat,chat", b"two words", b",", b"ch\xe9t", b""),
    b"Sec-WebSocket-Extensions": (
        b"permessage-deflate",
        b"permessage-deflate; client_max_window_bits",
        b'permessage-deflate; client_max_window_bits="10", x-private',
        b"permessage-deflate; client_max_window_bits=16",
        b"permessage-deflate; client_max_window_bits=x",
        b"permessage-deflate; client_max_window_bits=08",
        b"permessage-deflate; server_max_window_bits=8; client_max_window_bits=15",
        b"permessage-deflate; server_max_window_bits",
        b"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        b"permessage-deflate; server_no_context_takeover=1",
        b"permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
        b"permessage-deflate; server_max_window_bits=16, permessage-deflate",
        b"permessage-deflate; unheard-of=1",
        b"permessage-deflate; =",
        b'x-private; a="b',
        b"x-private; a=\xe9",
        b",",
    ),
    b"Sec-WebSocket-Accept": (b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",),
    b"Expect": (b"100-continue",),
}
_RESPONSE_ADDED: Final[Mapping[bytes, Sequence[bytes]]] = {
    b"Sec-WebSocket-Protocol": (b"chat", b"Chat", b"never-offered", b"chat, superchat", b"two words", b"ch\xe9t", b""),
    b"Sec-WebSocket-Extensions": (
        b"permessage-deflate",
        b"permessage-deflate; server_no_context_takeover",
        b"permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=12",
        b"permessage-deflate; client_no_context_takeover",
        b"permessage-deflate; client_no_context_takeover=1",
        b"permessage-deflate; client_max_window_bits",
        b"permessage-deflate; client_max_window_bits=10; client_max_window_bits=10",
        b"permessage-deflate; unheard-of",
        b"permessage-deflate; server_max_window_bits=x",
        b"permessage-deflate, permessage-deflate",
        b"x-never-offered",
        b"permessage-deflate; =",
        b"\xe9",
        b"",
    ),
    b"Sec-WebSocket-Version": (b"8",),
    b"Set-Cookie": (b"a=b",),
}
_BODIES: Final = (
    b"Content-Length=0|",
    b"Content-Length=5|12345",
    b"Content-Length=-5|",
    b"Content-Length=" + b"9" * 30 + b"|",
    b"Content-Length=5, 6|",
    b"Transfer-Encoding=chunked|5\r\n12345\r\n0\r\n\r\n",
    b"Transfer-Encoding=gzip|",
)
"""Fields that announce a body, and the body."""
_SIZES: Final = ((1, 4_000), (1, 9_000), (200, 60), (3, 7_000), (1, 66_000), (20, 4_000))
_TLS: Final = bytes.fromhex("16030100c8010000c40303") + bytes(189)
_HTTP_2: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_PING: Final = {
    Role.SERVER: encode(Frame(PING, b"a", key=b"\x01\x02\x03\x04")),
    Role.CLIENT: encode(Frame(PING, b"a")),
}
"""Events that an endpoint of either role answers once it is open."""


@lru_cache(maxsize=2)
def changes(role: Role) -> tuple[HeadChange, ...]:
    """All changes to what an endpoint of this role reads."""
    draft = sound_draft(role)
    names = [field.name.decode() for field in draft.fields]
    added = _REQUEST_ADDED if role is Role.SERVER else _RESPONSE_ADDED
    found = [HeadChange("reverse"), HeadChange("add", octets=b"X-Unknown=1"), HeadChange("behind", octets=_PING[role])]
    found += [HeadChange("add", octets=name + b"=" + value) for name, values in added.items() for value in values]
    found += [HeadChange("another", name, value) for name, value in _others(role)]
    found += [HeadChange("value", name, value) for name, value in _others(role)]
    found += [HeadChange(what, name, octets) for what, octets in _SHAPES for name in names]
    found += [HeadChange("first", str(at), octets) for at, octets in _first_lines(role)]
    found += [HeadChange("body", octets=octets) for octets in _BODIES]
    found += [HeadChange("fill", str(fields), str(length).encode()) for fields, length in _SIZES]
    found += [
        HeadChange("before", octets=b"\r\n"),
        HeadChange("before", octets=b"\n\n"),
        HeadChange("before", octets=b" "),
        HeadChange("first_end", octets=b"\n"),
        HeadChange("first_end", octets=b"\r\n X: folded\r\n"),
        HeadChange("first_end", octets=b"\r\nno field at all\r\n"),
        HeadChange("first_end", octets=b"\r\n: no name\r\n"),
        HeadChange("end", octets=b"\n"),
        HeadChange("cut"),
        HeadChange("instead", octets=_TLS),
        HeadChange("instead", octets=_HTTP_2),
        HeadChange("instead", octets=b"\x00" * 8),
        HeadChange("instead", octets=b"GET /\r\n"),
        HeadChange("instead", octets=b"GET / HTTP/1.1\r\nHost: server.example.com\r\n\r\n"),
        HeadChange("instead", octets=_PING[role]),
    ]
    return tuple(dict.fromkeys(found))


def _others(role: Role) -> list[tuple[str, bytes]]:
    if role is Role.SERVER:
        return [(name, value) for name, values in _REQUEST_VALUES.items() for value in values]
    wrong = (accept_value("AAAAAAAAAAAAAAAAAAAAAA==").encode(), b"\xe9")
    values = {"Upgrade": _UPGRADE, "Connection": _CONNECTION, "Sec-WebSocket-Accept": wrong}
    return [(name, value) for name, some in values.items() for value in some]


def _first_lines(role: Role) -> list[tuple[int, bytes]]:
    if role is Role.SERVER:
        uri = SAMPLE_URI.host_header.encode()
        targets = (
            b"http://" + uri + b"/chat",
            b"*",
            b"chat",
            b"/chat#x",
            b"",
            b"/\xc3\xa9",
            b"/a b",
            b"ftp://a/",
            b"/%zz",
        )
        long = b"/" + b"a" * 9_000
        return [
            *((0, method) for method in (b"POST", b"HEAD", b"OPTIONS", b"get", b"CONNECT", b"G\x00T", b"")),
            *((1, target) for target in (*targets, long)),
            *(
                (2, version)
                for version in (b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"http/1.1", b"HTTP/1.1 ")
            ),
        ]
    statuses = (b"200", b"204", b"301", b"400", b"401", b"403", b"404", b"426", b"500", b"100", b"103")
    return [
        *((1, status) for status in (*statuses, b"999", b"099", b"1010", b"10", b"abc", b"+101", b"")),
        *((0, version) for version in (b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b"HTTP/1", b"ICY")),
        *((2, reason) for reason in (b"", b"\xe9", b"a\x00b", b"a\x0bb", b"a" * 9_000)),
    ]


# --- strategies -----------------------------------------------------------------------------------------------------


def drafts(role: Role, most: int = 4) -> st.SearchStrategy[tuple[Draft, tuple[HeadChange, ...]]]:
    """A head that an endpoint of this role reads, with at most `most` changes, and the changes."""
    some = st.sampled_from(changes(role))
    few = st.lists(some, max_size=1)
    several = st.lists(some, min_size=2, max_size=most, unique=True)
    draft = sound_draft(role)
    return st.one_of(few, few, several).map(lambda chosen: (reduce(changed, chosen, draft), tuple(chosen)))


def single_changes(role: Role) -> list[tuple[HeadChange, Stimulus]]:
    """Each change by itself, in one chunk, and then a Ping that shows whether the endpoint has opened."""
    return [(change, _stimulus(role, changed(sound_draft(role), change).octets, 0, 0)) for change in changes(role)]


_CUTS: Final = (0, 0, 0, 1, 3, 20, 60, -1, -2)


def opening_stimuli(role: Role) -> st.SearchStrategy[Stimulus]:
    """A head for an endpoint of this role, in one chunk or two, then a Ping that shows whether it has opened.

    In place of the Ping, the end of TCP may come, or nothing.
    """
    octets = drafts(role).map(lambda drawn: drawn[0].octets)
    return st.builds(_stimulus, st.just(role), octets, st.sampled_from(_CUTS), st.integers(0, 9))


def _stimulus(role: Role, octets: bytes, cut: int, then: int) -> Stimulus:
    pieces = [octets[:cut], octets[cut:]] if cut else [octets]
    arrives = [Arrives(piece) for piece in pieces if piece]
    if then == 9:
        return (*arrives, ArrivesEof())
    return (*arrives, Arrives(_PING[role])) if then < 8 else tuple(arrives)
