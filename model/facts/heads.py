"""Between heads of HTTP and rules: a request or a response to its facts, and back (sections 4.1, 4.2, 9.1).

The way back chooses: many heads have the same facts, and it always gives the same one of them. Facts of a response are
against the request that it answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from ..notation.head_variables import RequestFacts, ResponseFacts, label_of_fact, value_of
from ..octets.accept_key import accept_value
from ..octets.header_values import (
    is_token,
    key_octets,
    list_elements,
    parse_extensions,
    parse_tokens,
    parse_versions,
)
from ..octets.http import HEAD_LIMIT, HeadParser, Malformed, ParsedHead, Request, Response
from ..octets.uri import (
    AUTHORITY,
    BROWSER_RESOURCE_NAME,
    DEFAULT_PORTS,
    RESOURCE_NAME,
    WebSocketUri,
    is_host,
    parse_uri,
)
from ..octets.vocabulary import Role

_HeadT = TypeVar("_HeadT", Request, Response)


class KnownExtension(NamedTuple):
    """The reserved bits and the parameters that an extension defines."""

    bits: frozenset[int]
    parameters: frozenset[str]


KNOWN_EXTENSIONS: Final[Mapping[str, KnownExtension]] = {
    "permessage-deflate": KnownExtension(
        frozenset({1}),
        frozenset(
            {
                "server_no_context_takeover",
                "client_no_context_takeover",
                "server_max_window_bits",
                "client_max_window_bits",
            }
        ),
    )
}
"""The registered extensions with known parameters (RFC 7692, section 7.1). Any parameter of others may be right."""

VERSION: Final = 13

# --- from heads to facts --------------------------------------------------------------------------------------------


def request_facts(request: Request, uri: WebSocketUri | None = None, *, tolerated: bool = False) -> RequestFacts:
    """The facts of a request; ``uri`` is what the client was asked to open, where that is known."""
    return _but_for_key(_without(request, "sec-websocket-key"), uri, tolerated)._replace(
        key=_key(request.values("Sec-WebSocket-Key"))
    )


@lru_cache(maxsize=64)
def _but_for_key(request: Request, uri: WebSocketUri | None, tolerated: bool) -> RequestFacts:
    """The facts of a request without its key: many requests differ in nothing else."""
    values = request.values
    return RequestFacts(
        syntax=_syntax(tolerated),
        method_get=request.method == "GET",
        http=_http(request.version),
        target=_target(request.target),
        host=_host(values("Host")),
        upgrade=_upgrade(values("Upgrade")),
        connection=_connection(values("Connection")),
        version=_version(values("Sec-WebSocket-Version")),
        protocols=_protocols(values("Sec-WebSocket-Protocol")),
        offers=_offers(values("Sec-WebSocket-Extensions")),
        origin=value_of("origin", ("absent", "one", "repeated")[min(len(values("Origin")), 2)]),
        body=_has_body(request),
        for_uri=uri is None or _is_for(request, uri),
    )


def response_facts(response: Response, request: Request | None, *, tolerated: bool = False) -> ResponseFacts:
    """The facts of a response to a request; without one, nothing was offered and no key can fit."""
    asked = None if request is None else _without(request, "sec-websocket-key")
    facts = _but_for_accept(_without(response, "sec-websocket-accept"), asked, tolerated)
    return facts._replace(accept=_accept(response.values("Sec-WebSocket-Accept"), request))


@lru_cache(maxsize=64)
def _but_for_accept(response: Response, request: Request | None, tolerated: bool) -> ResponseFacts:
    """The facts of a response without its answer to the key."""
    values = response.values
    extensions, bits = _extensions(values("Sec-WebSocket-Extensions"), request)
    return ResponseFacts(
        syntax=_syntax(tolerated),
        status=response.status,
        http=_http(response.version),
        upgrade=_upgrade(values("Upgrade")),
        connection=_connection(values("Connection")),
        subprotocol=_subprotocol(values("Sec-WebSocket-Protocol"), request),
        extensions=extensions,
        versions=_versions(values("Sec-WebSocket-Version")),
        body=_has_body(response),
        defines_rsv1=1 in bits,
        defines_rsv2=2 in bits,
        defines_rsv3=3 in bits,
    )


def _without(head: _HeadT, name: str) -> _HeadT:
    """A head without the fields of a name, which is in lower case."""
    return replace(head, headers=tuple(field for field in head.headers if field[0].lower() != name))


def facts_of_request(result: ParsedHead | Malformed, uri: WebSocketUri | None = None) -> RequestFacts:
    """The facts of what a server has read."""
    if isinstance(result, Malformed):
        return malformed_request_facts(result.too_large)
    assert isinstance(result.head, Request)
    return request_facts(result.head, uri, tolerated=bool(result.tolerated))


def facts_of_response(result: ParsedHead | Malformed, request: Request | None) -> ResponseFacts:
    """The facts of what a client has read in answer to a request."""
    if isinstance(result, Malformed):
        return malformed_response_facts(result.too_large)
    assert isinstance(result.head, Response)
    return response_facts(result.head, request, tolerated=bool(result.tolerated))


def malformed_request_facts(too_large: bool) -> RequestFacts:
    """The facts of octets that are no request."""
    return RequestFacts(syntax=_malformed(too_large))


def malformed_response_facts(too_large: bool) -> ResponseFacts:
    """The facts of octets that are no response."""
    return ResponseFacts(syntax=_malformed(too_large))


def _malformed(too_large: bool) -> int:
    return value_of("syntax", "too large" if too_large else "malformed")


def _syntax(tolerated: bool) -> int:
    return value_of("syntax", "tolerated" if tolerated else "well-formed")


def _http(version: str) -> int:
    major, _, minor = version.partition(".")
    number, ours = (int(major), int(minor)), (1, 1)
    return value_of("http", "1.1" if number == ours else "lower than 1.1" if number < ours else "higher than 1.1")


def _target(target: str) -> int:
    if RESOURCE_NAME.fullmatch(target):
        return value_of("target", "a resource name")
    if BROWSER_RESOURCE_NAME.fullmatch(target):
        return value_of("target", "as browsers send it")
    absolute = _absolute(target)
    return value_of("target", "unfit" if absolute is None else "an absolute http or https URI")


def _absolute(target: str) -> WebSocketUri | None:
    """The components of an absolute http or https URI, those of the ws or wss URI that it stands for."""
    scheme, colon, rest = target.partition(":")
    if not colon or scheme.lower() not in ("http", "https"):
        return None
    try:
        return parse_uri(("wss:" if scheme.lower() == "https" else "ws:") + rest)
    except ValueError:
        return None


def _host(values: Sequence[str]) -> int:
    if not values:
        return value_of("host", "absent")
    fits = len(values) == 1 and _authority(values[0])
    return value_of("host", "one" if fits else "repeated or invalid")


def _authority(value: str) -> re.Match[str] | None:
    named = AUTHORITY.fullmatch(value)
    return named if named is not None and is_host(named[1]) else None


def _upgrade(values: Sequence[str]) -> int:
    if not values:
        return value_of("upgrade", "absent")
    names = [element.strip(" \t").lower() for value in values for element in value.split(",")]
    names = [name for name in names if name]
    if "websocket" not in names:
        return value_of("upgrade", "another")
    if set(names) != {"websocket"}:
        return value_of("upgrade", "a list with websocket")
    return value_of("upgrade", "websocket" if len(names) == 1 else "websocket more than once")


def _connection(values: Sequence[str]) -> int:
    if not values:
        return value_of("connection", "absent")
    elements = [element.lower() for element in list_elements(values)]
    if "upgrade" not in elements:
        return value_of("connection", "without Upgrade")
    if not all(map(is_token, elements)):
        return value_of("connection", "Upgrade beside no token")
    return value_of("connection", "Upgrade" if elements.count("upgrade") == 1 else "Upgrade more than once")


def _key(values: Sequence[str]) -> int:
    if not any(values):
        return value_of("key", "absent")
    if len(values) > 1:
        return value_of("key", "repeated")
    octets = key_octets(values[0])
    if octets is None:
        return value_of("key", "not base64")
    return value_of("key", "16 octets" if octets == 16 else "another number of octets")


def _version(values: Sequence[str]) -> int:
    if not values:
        return value_of("version", "absent")
    versions = parse_versions(values) or []
    if max(len(versions), len(values)) > 1 and VERSION in versions:
        return value_of("version", "13 and more")
    # A request has one version and no list: an empty element is a violation of the ABNF (section 4.3) too.
    if len(values) > 1 or len(versions) != 1 or not values[0].isdigit():
        return value_of("version", "not a version")
    return value_of("version", "13" if versions[0] == VERSION else "another")


def _protocols(values: Sequence[str]) -> int:
    if not values:
        return value_of("protocols", "absent")
    tokens = parse_tokens(values)
    if tokens is None:
        return value_of("protocols", "not a list of tokens")
    return value_of("protocols", "distinct tokens" if len(set(tokens)) == len(tokens) else "with a repeated token")


def _offers(values: Sequence[str]) -> int:
    if not values:
        return value_of("offers", "absent")
    return value_of("offers", "a list of extensions" if parse_extensions(values) else "not a list of extensions")


def _has_body(head: Request | Response) -> bool:
    lengths = head.values("Content-Length")
    return bool(head.values("Transfer-Encoding")) or any(value.strip("0, \t") for value in lengths)


def _is_for(request: Request, uri: WebSocketUri) -> bool:
    """Target and Host, as far as they are fit, are those of the URI."""
    absolute = _absolute(request.target)
    if absolute is not None and absolute[1:] != uri[1:]:  # that https fits wss is not asked for
        return False
    if RESOURCE_NAME.fullmatch(request.target) and request.target != uri.resource_name:
        return False
    hosts = request.values("Host")
    named = _authority(hosts[0]) if len(hosts) == 1 else None
    if named is None:
        return True
    port = int(named[2]) if named[2] else DEFAULT_PORTS[uri.secure]
    return named[1].lower() == uri.host and port == uri.port


def _accept(values: Sequence[str], request: Request | None) -> int:
    """Each value has to be right. Where the request has several keys, which is a fault, the value may answer any of
    them, or all of them joined as HTTP joins the values of fields."""
    if not values:
        return value_of("accept", "absent")
    keys = [] if request is None else request.values("Sec-WebSocket-Key")
    keys += [separator.join(keys) for separator in (",", ", ")] if len(keys) > 1 else []
    right = {value.strip(" \t") for value in values} <= set(map(accept_value, keys))
    return value_of("accept", "wrong" if not right else "right" if len(values) == 1 else "repeated")


def _subprotocol(values: Sequence[str], request: Request | None) -> int:
    offered = [] if request is None else parse_tokens(request.values("Sec-WebSocket-Protocol")) or []
    if not values:
        return value_of("subprotocol", "none chosen" if offered else "absent")
    if len(values) > 1 or not is_token(values[0]):
        return value_of("subprotocol", "not one token")
    return value_of("subprotocol", "offered" if values[0] in offered else "not offered")


def _extensions(values: Sequence[str], request: Request | None) -> tuple[int, frozenset[int]]:
    """The fact, and the reserved bits that the extensions agreed on define."""
    none: frozenset[int] = frozenset()
    if not values:
        return value_of("extensions", "absent"), none
    agreed = parse_extensions(values)
    if agreed is None:
        return value_of("extensions", "not a list of extensions"), none
    offers = [] if request is None else parse_extensions(request.values("Sec-WebSocket-Extensions")) or []
    if not {extension.name for extension in agreed} <= {offer.name for offer in offers}:
        return value_of("extensions", "not offered"), none
    known = [
        (extension, KNOWN_EXTENSIONS[extension.name]) for extension in agreed if extension.name in KNOWN_EXTENSIONS
    ]
    bits = none.union(*(definition.bits for _, definition in known))
    strange = any(
        name not in definition.parameters for extension, definition in known for name, _ in extension.parameters
    )
    return value_of("extensions", "with unknown parameters" if strange else "offered"), bits


def bits_defined(agreed: str) -> frozenset[int] | None:
    """The reserved bits that extensions define, as the field of an answer names them; None for no list of extensions.

    An extension that is not known may define any of them.
    """
    if not agreed:
        return frozenset()
    extensions = parse_extensions([agreed])
    if extensions is None:
        return None
    any_bit = KnownExtension(frozenset({1, 2, 3}), frozenset())
    return frozenset().union(*(KNOWN_EXTENSIONS.get(extension.name, any_bit).bits for extension in extensions))


def _versions(values: Sequence[str]) -> int:
    if not values:
        return value_of("versions", "absent")
    versions = parse_versions(values)
    if versions is None:
        return value_of("versions", "not a list of versions")
    return value_of("versions", "a list with 13" if VERSION in versions else "a list without 13")


# --- and back -------------------------------------------------------------------------------------------------------

SAMPLE_KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of the examples in sections 1.3 and 4.2.2."""

SAMPLE_URI: Final = parse_uri("ws://server.example.com/chat")
SUBPROTOCOL, OTHER_SUBPROTOCOL = "chat", "superchat"
EXTENSION, DEFLATE = "x-private", "permessage-deflate"
SAMPLE_BODY: Final = b"\x8a\x80body"
"""The body after a sample head that announces one: read as frames it is a Pong, which asks for nothing."""

_BODY_LENGTH: Final = str(len(SAMPLE_BODY))
_FOLDED: Final = ("X-Folded", "over two lines")
"""The field that makes a head tolerated: it means nothing, and is folded."""

_REQUEST_LINES: Final[Mapping[tuple[str, str], tuple[tuple[str, str], ...]]] = {
    ("upgrade", "websocket"): (("Upgrade", "websocket"),),
    # No protocol that a server may have, as h2c, which it could rightly switch to.
    ("upgrade", "another"): (("Upgrade", "x-another"),),
    ("upgrade", "a list with websocket"): (("Upgrade", "x-another, websocket"),),
    ("upgrade", "websocket more than once"): (("Upgrade", "websocket"), ("Upgrade", "websocket")),
    ("connection", "Upgrade"): (("Connection", "Upgrade"),),
    ("connection", "without Upgrade"): (("Connection", "keep-alive"),),
    ("connection", "Upgrade more than once"): (("Connection", "Upgrade, upgrade"),),
    ("connection", "Upgrade beside no token"): (("Connection", "two words, Upgrade"),),
    ("key", "another number of octets"): (("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAAAA"),),
    ("key", "not base64"): (("Sec-WebSocket-Key", "not base64!"),),
    ("version", "13"): (("Sec-WebSocket-Version", "13"),),
    ("version", "another"): (("Sec-WebSocket-Version", "25"),),  # as in section 4.4; servers do understand 8
    ("version", "not a version"): (("Sec-WebSocket-Version", "013"),),
    ("version", "13 and more"): (("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Version", "13")),
    ("protocols", "distinct tokens"): (("Sec-WebSocket-Protocol", f"{SUBPROTOCOL}, {OTHER_SUBPROTOCOL}"),),
    ("protocols", "not a list of tokens"): (("Sec-WebSocket-Protocol", "two words"),),
    ("protocols", "with a repeated token"): (("Sec-WebSocket-Protocol", f"{SUBPROTOCOL}, {SUBPROTOCOL}"),),
    ("offers", "a list of extensions"): (("Sec-WebSocket-Extensions", f"{DEFLATE}, {EXTENSION}"),),
    ("offers", "not a list of extensions"): (("Sec-WebSocket-Extensions", f"{DEFLATE}; ="),),
    ("origin", "one"): (("Origin", "http://example.com"),),
    ("origin", "repeated"): (("Origin", "http://example.com"), ("Origin", "http://example.org")),
}
_VERSIONS: Final = {"lower than 1.1": "1.0", "1.1": "1.1", "higher than 1.1": "1.2"}
_GARBAGE: Final = b"\x16\x03\x01 is how TLS begins, and nothing of HTTP does\r\n\r\n"


def sample_request(facts: RequestFacts, *, key: str = SAMPLE_KEY, uri: WebSocketUri = SAMPLE_URI) -> Request:
    """A request with these facts. Raises :class:`ValueError` for facts of what is no head."""
    if label_of_fact("syntax", facts.syntax) in ("malformed", "too large"):
        raise ValueError("these are the facts of octets that are no head of HTTP")
    there = (
        uri
        if facts.for_uri
        else uri._replace(
            host=f"not-{uri.host.strip('[]').replace(':', '-')}", resource_name=f"{uri.resource_name}/not"
        )
    )
    host = there.host_header
    hosts = {"absent": [], "one": [host], "repeated or invalid": [host, host]}[label_of_fact("host", facts.host)]
    keys = {"16 octets": (("Sec-WebSocket-Key", key),), "repeated": (("Sec-WebSocket-Key", key),) * 2}
    target = {
        "unfit": f"{uri.resource_name}#fragment",
        "a resource name": there.resource_name,
        "an absolute http or https URI": f"http{'s' if uri.secure else ''}://{host}{there.resource_name}",
        "as browsers send it": f"{there.resource_name}?a[]=1",
    }[label_of_fact("target", facts.target)]
    lines = [("Host", value) for value in hosts]
    for name in ("upgrade", "connection", "key", "version", "protocols", "offers", "origin"):
        label = label_of_fact(name, getattr(facts, name))
        lines += keys.get(label, ()) if name == "key" and label in keys else _REQUEST_LINES.get((name, label), ())
    if facts.body:
        lines.append(("Content-Length", _BODY_LENGTH))
    lines += _further(facts.syntax)
    version = _VERSIONS[label_of_fact("http", facts.http)]
    return Request(version, tuple(lines), "GET" if facts.method_get else "POST", target)


def sample_response(facts: ResponseFacts, request: Request) -> Response:
    """A response with these facts to a request. ValueError where no response has them: facts of octets that are no
    head, or a subprotocol or an extension that is "offered" where the request offers none. Without a subprotocol it is
    one that chooses none where the request offers some."""
    if label_of_fact("syntax", facts.syntax) in ("malformed", "too large"):
        raise ValueError("these are the facts of octets that are no head of HTTP")
    right = accept_value((*request.values("Sec-WebSocket-Key"), "")[0])
    bits = frozenset(n for n in (1, 2, 3) if getattr(facts, f"defines_rsv{n}"))
    chosen = {
        "absent": [],
        "offered": [DEFLATE if bits else EXTENSION],
        "not offered": ["x-never-offered"],
        "not a list of extensions": [f"{DEFLATE}; ="],
        "with unknown parameters": [f"{DEFLATE}; nobody-knows"],
    }[label_of_fact("extensions", facts.extensions)]
    fields: dict[str, list[str]] = {
        "Sec-WebSocket-Accept": {"absent": [], "right": [right], "wrong": [accept_value("")], "repeated": [right] * 2}[
            label_of_fact("accept", facts.accept)
        ],
        "Sec-WebSocket-Protocol": {
            "absent": [],
            "none chosen": [],
            "offered": (parse_tokens(request.values("Sec-WebSocket-Protocol")) or [])[:1] or [SUBPROTOCOL],
            "not offered": ["never-offered"],
            "not one token": [f"{SUBPROTOCOL}, {OTHER_SUBPROTOCOL}"],
        }[label_of_fact("subprotocol", facts.subprotocol)],
        "Sec-WebSocket-Extensions": chosen,
        "Sec-WebSocket-Version": {
            "absent": [],
            "a list with 13": ["13, 8"],
            "not a list of versions": ["thirteen"],
            "a list without 13": ["8, 7"],
        }[label_of_fact("versions", facts.versions)],
        "Content-Length": [_BODY_LENGTH] if facts.body else [],
    }
    lines = [line for name in ("upgrade", "connection")
             for line in _REQUEST_LINES.get((name, label_of_fact(name, getattr(facts, name))), ())]  # fmt: skip
    lines += [(name, value) for name, values in fields.items() for value in values]
    lines += _further(facts.syntax)
    reason = "Switching Protocols" if facts.status == 101 else "Another Status"
    version = _VERSIONS[label_of_fact("http", facts.http)]
    made = Response(version, tuple(lines), facts.status, reason)
    found = response_facts(made, request, tolerated=label_of_fact("syntax", facts.syntax) == "tolerated")
    if label_of_fact("subprotocol", facts.subprotocol) == "absent":
        facts = facts._replace(subprotocol=found.subprotocol)
    if found != facts:
        raise ValueError(f"no response to this request has these facts: {facts}")
    return made


def request_octets(facts: RequestFacts, *, key: str = SAMPLE_KEY, uri: WebSocketUri = SAMPLE_URI) -> bytes:
    """Octets of a request with these facts, always the same; of what is no request too."""
    no_head = _no_head(facts.syntax, b"GET / HTTP/1.1\r\nX-Endless: ")
    if no_head is not None:
        if facts != RequestFacts(syntax=facts.syntax):
            raise ValueError("what is no head of HTTP has no further facts")
        return no_head
    octets = _with_syntax(sample_request(facts, key=key, uri=uri).octets(), facts.syntax)
    if facts_of_request(_read(Role.SERVER, octets), uri) != facts:
        raise ValueError(f"no request has these facts: {facts}")
    return octets


def response_octets(facts: ResponseFacts, request: Request) -> bytes:
    """Octets of a response with these facts to a request, always the same; of what is no response too."""
    no_head = _no_head(facts.syntax, b"HTTP/1.1 101 Switching Protocols\r\nX-Endless: ")
    if no_head is not None:
        if facts != ResponseFacts(syntax=facts.syntax):
            raise ValueError("what is no head of HTTP has no further facts")
        return no_head
    return _with_syntax(sample_response(facts, request).octets(), facts.syntax)


def _no_head(syntax: int, beginning: bytes) -> bytes | None:
    label = label_of_fact("syntax", syntax)
    if label == "malformed":
        return _GARBAGE
    return beginning.ljust(HEAD_LIMIT, b"x") if label == "too large" else None


def _further(syntax: int) -> Sequence[tuple[str, str]]:
    return (_FOLDED,) if label_of_fact("syntax", syntax) == "tolerated" else ()


def _with_syntax(octets: bytes, syntax: int) -> bytes:
    """A fold where a recipient must tolerate one. (A recipient that takes no bare LF would wait for the end of the
    head.)"""
    if label_of_fact("syntax", syntax) != "tolerated":
        return octets
    name, value = (text.encode() for text in _FOLDED)
    return octets.replace(b": ".join((name, value)), b": ".join((name, value.replace(b" ", b"\r\n ", 1))))


def _read(role: Role, octets: bytes) -> ParsedHead | Malformed:
    reader = HeadParser(role)
    reader.feed(octets)
    assert reader.result is not None
    return reader.result
