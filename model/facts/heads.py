"""Between heads of HTTP and rules: a request or a response to its facts, and back (sections 4.1, 4.2, 9.1).

The way back chooses: many heads have the same facts, and it always gives the same one of them. Facts of a response are
against the request that it answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, TypeVar

from ..notation.head_variables import RequestFacts, ResponseFacts, announces_body, label_of_fact, value_of
from ..octets.accept_key import accept_value
from ..octets.deflate_parameters import DEFLATE
from ..octets.header_values import (
    parse_extensions,
    parse_tokens,
)
from ..octets.http import HEAD_LIMIT, HeadParser, Malformed, ParsedHead, Request, Response
from ..octets.uri import (
    DEFAULT_PORTS,
    RESOURCE_NAME,
    WebSocketUri,
    parse_uri,
)
from ..octets.vocabulary import Role
from . import fields
from .deflate_offers import deflate_answer, deflate_offers, sample_answer, sample_offers
from .fields import KNOWN_EXTENSIONS, Found, KnownExtension

_HeadT = TypeVar("_HeadT", Request, Response)


# --- from heads to facts --------------------------------------------------------------------------------------------


def request_facts(request: Request, uri: WebSocketUri | None = None, *, tolerated: bool = False) -> RequestFacts:
    """The facts of a request; ``uri`` is what the client was asked to open, where that is known."""
    return _but_for_key(_without(request, "sec-websocket-key"), uri, tolerated)._replace(
        key=value_of("key", fields.key(request.values("Sec-WebSocket-Key")).label)
    )


@lru_cache(maxsize=64)
def _but_for_key(request: Request, uri: WebSocketUri | None, tolerated: bool) -> RequestFacts:
    """The facts of a request without its key: many requests differ in nothing else."""
    return RequestFacts(
        syntax=_syntax(tolerated),
        method_get=request.method == "GET",
        body=_body(request),
        for_uri=uri is None or _is_for(request, uri),
        deflate_offers=deflate_offers(request.values("Sec-WebSocket-Extensions")),
        **_numbers(_found_in_request(request)),
    )


def _found_in_request(request: Request) -> dict[str, Found]:
    values = request.values
    return {
        "http": fields.http(request.version),
        "target": fields.target(request.target),
        "host": fields.host(values("Host")),
        "upgrade": fields.upgrade(values("Upgrade")),
        "connection": fields.connection(values("Connection")),
        "key": fields.key(values("Sec-WebSocket-Key")),
        "version": fields.version(values("Sec-WebSocket-Version")),
        "protocols": fields.protocols(values("Sec-WebSocket-Protocol")),
        "offers": fields.offers(values("Sec-WebSocket-Extensions")),
        "origin": fields.origin(values("Origin")),
    }


def response_facts(response: Response, request: Request | None, *, tolerated: bool = False) -> ResponseFacts:
    """The facts of a response to a request; without one, nothing was offered and no key can fit."""
    asked = None if request is None else _without(request, "sec-websocket-key")
    facts = _but_for_accept(_without(response, "sec-websocket-accept"), asked, tolerated)
    accept = fields.accept(response.values("Sec-WebSocket-Accept"), request)
    return facts._replace(accept=value_of("accept", accept.label))


@lru_cache(maxsize=64)
def _but_for_accept(response: Response, request: Request | None, tolerated: bool) -> ResponseFacts:
    """The facts of a response without its answer to the key."""
    found, bits = _found_in_response(response, request)
    return ResponseFacts(
        syntax=_syntax(tolerated),
        status=response.status,
        body=_body(response),
        defines_rsv1=1 in bits,
        defines_rsv2=2 in bits,
        defines_rsv3=3 in bits,
        **_numbers(found),
        **(deflate_answer(response, request) if 1 in bits else {}),
    )


def _found_in_response(response: Response, request: Request | None) -> tuple[dict[str, Found], frozenset[int]]:
    """The values of facts, and the reserved bits that the extensions define."""
    values = response.values
    extensions, bits = fields.extensions(values("Sec-WebSocket-Extensions"), request)
    found = {
        "http": fields.http(response.version),
        "upgrade": fields.upgrade(values("Upgrade")),
        "connection": fields.connection(values("Connection")),
        "accept": fields.accept(values("Sec-WebSocket-Accept"), request),
        "subprotocol": fields.subprotocol(values("Sec-WebSocket-Protocol"), request),
        "extensions": extensions,
        "versions": fields.versions(values("Sec-WebSocket-Version")),
    }
    return found, bits


def _numbers(found: Mapping[str, Found]) -> dict[str, Any]:
    return {name: value_of(name, one.label) for name, one in found.items()}


def reasons_of_facts(result: ParsedHead | Malformed, request: Request | None = None) -> dict[str, str]:
    """Why facts of what was read have their values, in words, by the names of the facts; only where there is more to
    say than the value does. A response is read as the answer to `request`."""
    if isinstance(result, Malformed):
        return {"syntax": result.why}
    found: Mapping[str, Found]
    if isinstance(result.head, Request):
        found = _found_in_request(result.head)
    else:
        found, _ = _found_in_response(result.head, request)
    said = {name: one.why for name, one in found.items() if one.why}
    return {"syntax": result.tolerated, **said} if result.tolerated else said


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


def _body(head: Request | Response) -> int:
    lengths = head.values("Content-Length")
    if head.values("Transfer-Encoding") or any(value.strip("0, \t") for value in lengths):
        return value_of("body", "announced")
    return value_of("body", "of no octets" if lengths else "absent")


def _is_for(request: Request, uri: WebSocketUri) -> bool:
    """Target and Host, as far as they are fit, are those of the URI."""
    absolute = fields.absolute_target(request.target)
    if absolute is not None and absolute[1:] != uri[1:]:  # that https fits wss is not asked for
        return False
    if RESOURCE_NAME.fullmatch(request.target) and request.target != uri.resource_name:
        return False
    hosts = request.values("Host")
    named = fields.authority(hosts[0]) if len(hosts) == 1 else None
    if named is None:
        return True
    port = int(named[2]) if named[2] else DEFAULT_PORTS[uri.secure]
    return named[1].lower() == uri.host and port == uri.port


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


def knows_extensions(response: Response) -> bool:
    """Whether it is known what each extension of an answer defines; without one it is."""
    agreed = parse_extensions(response.values("Sec-WebSocket-Extensions")) or []
    return all(extension.name in KNOWN_EXTENSIONS for extension in agreed)


# --- and back -------------------------------------------------------------------------------------------------------

SAMPLE_KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of the examples in sections 1.3 and 4.2.2."""

SAMPLE_URI: Final = parse_uri("ws://server.example.com/chat")
SUBPROTOCOL, OTHER_SUBPROTOCOL = "chat", "superchat"
EXTENSION: Final = "x-private"
SAMPLE_BODY: Final = b"\x8a\x80body"
"""The body after a sample head that announces one: read as frames it is a Pong, which asks for nothing."""

_LENGTHS: Final = {"absent": [], "announced": [str(len(SAMPLE_BODY))], "of no octets": ["0"]}
"""The values of Content-Length that tell of a body."""
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
    ("offers", "not a list of extensions"): (("Sec-WebSocket-Extensions", f"{DEFLATE}; ="),),
    ("origin", "one"): (("Origin", "http://example.com"),),
    ("origin", "repeated"): (("Origin", "http://example.com"), ("Origin", "http://example.org")),
}
_VERSIONS: Final = {"lower than 1.1": "1.0", "1.1": "1.1", "higher than 1.1": "1.2"}
_GARBAGE: Final = b"\x16\x03\x01 is how TLS begins, and nothing of HTTP does\r\n\r\n"
_OF_OFFERED: Final = tuple(value_of("subprotocol", label) for label in ("offered", "none chosen"))
_TAKEN_UP: Final = tuple(value_of("extensions", label) for label in ("offered", "with unknown parameters"))


def last_answer(heads: Iterable[RequestFacts | ResponseFacts | None]) -> ResponseFacts | None:
    """The last answer among the heads of a history, which is what a request before it is to offer for."""
    return next((head for head in reversed(tuple(heads)) if isinstance(head, ResponseFacts)), None)


def offering(request: RequestFacts, answer: ResponseFacts | None) -> RequestFacts:
    """The request with the offers that a later answer takes up, or leaves."""
    if answer is None:
        return request
    if answer.subprotocol in _OF_OFFERED and not request.protocols:
        request = request._replace(protocols=value_of("protocols", "distinct tokens"))
    if answer.extensions in _TAKEN_UP and not request.offers:
        request = request._replace(offers=value_of("offers", "a list of extensions"))
    if answer.deflate and not request.deflate_offers and request.offers == value_of("offers", "a list of extensions"):
        kind = "all sound" if answer.sound_offer else "some unsound"
        request = request._replace(deflate_offers=value_of("deflate_offers", kind))
    return request


def sample_request(
    facts: RequestFacts, *, key: str = SAMPLE_KEY, uri: WebSocketUri = SAMPLE_URI, answer: ResponseFacts | None = None
) -> Request:
    """A request with these facts; ``answer`` is what its answer is to be like, against it. Raises :class:`ValueError`
    for facts of what is no head."""
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
    if label_of_fact("offers", facts.offers) == "a list of extensions":
        lines.append(("Sec-WebSocket-Extensions", ", ".join((*sample_offers(facts.deflate_offers, answer), EXTENSION))))
    lines += [("Content-Length", length) for length in _LENGTHS[label_of_fact("body", facts.body)]]
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
    deflate = sample_answer(facts)
    chosen = {
        "absent": [],
        "offered": deflate or [EXTENSION],
        "not offered": ["x-never-offered"],
        "not a list of extensions": [f"{DEFLATE}; ="],
        "with unknown parameters": [f"{deflate[0]}; nobody-knows", *deflate[1:]] if deflate else [],
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
        "Content-Length": _LENGTHS[label_of_fact("body", facts.body)],
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


def sample_body(facts: RequestFacts | ResponseFacts) -> bytes:
    """The octets that follow a sample head with these facts: an announced body.

    A response with a status below 200 has none (RFC 9110, section 6.4.1).
    """
    has_body = announces_body(facts) and (isinstance(facts, RequestFacts) or facts.status >= 200)
    return SAMPLE_BODY if has_body else b""


def request_octets(
    facts: RequestFacts,
    *,
    key: str = SAMPLE_KEY,
    uri: WebSocketUri = SAMPLE_URI,
    answer: ResponseFacts | None = None,
) -> bytes:
    """Octets of a request with these facts, always the same; of what is no request too. ``answer``: what comes to it,
    where that is known."""
    no_head = _no_head(facts.syntax, b"GET / HTTP/1.1\r\nX-Endless: ")
    if no_head is not None:
        if facts != RequestFacts(syntax=facts.syntax):
            raise ValueError("what is no head of HTTP has no further facts")
        return no_head
    octets = _with_syntax(sample_request(facts, key=key, uri=uri, answer=answer).octets(), facts.syntax)
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
