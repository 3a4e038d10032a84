"""The blocks of docs/spec.md about heads: URIs, a request and its answer as text, their facts, what they must have."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha1
from typing import Final

from wsoracle.model.facts.heads import SAMPLE_KEY, request_octets, response_octets, sample_request
from wsoracle.model.notation.expression import Sort, Value, text
from wsoracle.model.notation.head_variables import (
    REQUEST_VARIABLES,
    RESPONSE_VARIABLES,
    RequestFacts,
    ResponseFacts,
    label_of_fact,
    value_of,
)
from wsoracle.model.notation.variables import label
from wsoracle.model.octets.accept_key import accept_value, challenge
from wsoracle.model.octets.uri import parse_uri
from wsoracle.properties.theorems.opening import ANSWER, REQUEST, Condition

from .markdown import cell, code, table

URIS: Final = (
    "ws://example.com/chat",
    "wss://example.com",
    "ws://example.com:8080/chat?room=1",
    "WSS://Example.COM:443/",
    "ws://[2001:db8::1]:9000/x",
    "ws://example.com/chat#top",
    "http://example.com/",
    "ws://example.com:0/",
)
"""URIs that show how one is read; the last ones are none."""


def uris() -> str:
    """URIs and their components; or why one is none."""
    rows = []
    for uri in URIS:
        try:
            found = parse_uri(uri)
        except ValueError as error:
            rows.append((code(uri), *["-"] * 4, cell(str(error))))
        else:
            rows.append((code(uri), label("server", found.secure), code(found.host), str(found.port),
                         code(found.resource_name), code(f"Host: {found.host_header}")))  # fmt: skip
    return table(("URI", "TLS", "host", "port", "resource name", "Host field, or what is wrong"), rows)


# --- a request and its answer ---------------------------------------------------------------------------------------

OFFERING: Final = RequestFacts(
    protocols=value_of("protocols", "distinct tokens"),
    offers=value_of("offers", "a list of extensions"),
    origin=value_of("origin", "one"),
)
"""The request of the example: it offers subprotocols and extensions, and says where it comes from."""

AGREEING: Final = ResponseFacts(
    subprotocol=value_of("subprotocol", "offered"), extensions=value_of("extensions", "offered"), defines_rsv1=True
)
"""The answer of the example: it takes the first of each."""


def _as_text(octets: bytes) -> str:
    lines = octets.decode("latin-1").split("\r\n")
    assert lines[-2:] == ["", ""]
    return "\n".join(("```text", *lines[:-2], "```"))


def request_text() -> str:
    """The request of the example, its lines without their ends."""
    return _as_text(request_octets(OFFERING))


def response_text() -> str:
    """The answer of the example."""
    return _as_text(response_octets(AGREEING, sample_request(OFFERING)))


def accept_example() -> str:
    """Sec-WebSocket-Accept, step by step, for the key of section 1.3."""
    asked = challenge(SAMPLE_KEY)
    digest = sha1(asked.encode("ascii"), usedforsecurity=False).digest()
    rows = [
        ("the key, as it stands in its field", code(SAMPLE_KEY)),
        ("with the GUID after it", code(asked)),
        ("SHA-1 of that, in hexadecimal", code(digest.hex(" "))),
        ("in base64: the value of Sec-WebSocket-Accept", code(b64encode(digest).decode("ascii"))),
    ]
    assert b64encode(digest).decode("ascii") == accept_value(SAMPLE_KEY)
    return table(("step", "value"), rows)


# --- facts ----------------------------------------------------------------------------------------------------------

REQUEST_MEANINGS: Final[Mapping[str, str]] = {
    "syntax": "what the octets are, as HTTP; \"tolerated\": what RFC 9112 lets a recipient put up with, and no sender "
              "write (a line that ends with LF alone, a folded line, NUL)",
    "method_get": "the method is GET",
    "http": "the version of HTTP in the first line",
    "target": "what is asked for; \"unfit\": neither a path with perhaps a query, nor an absolute URI with one",
    "host": "the field Host",
    "upgrade": "the field Upgrade; its value has no case",
    "connection": "the tokens of Connection; they have no case",
    "key": "Sec-WebSocket-Key: what its base64 stands for",
    "version": "Sec-WebSocket-Version",
    "protocols": "Sec-WebSocket-Protocol: the subprotocols that the client offers",
    "offers": "Sec-WebSocket-Extensions: the extensions that the client offers",
    "origin": "the field Origin",
    "body": "the head announces a body",
    "for_uri": "target and Host are those of the URI that the client was asked to open; only its own side knows",
}  # fmt: skip

RESPONSE_MEANINGS: Final[Mapping[str, str]] = {
    "syntax": "what the octets are, as HTTP",
    "status": "the status code of HTTP",
    "http": "the version of HTTP in the first line",
    "upgrade": "the field Upgrade; its value has no case",
    "connection": "the tokens of Connection; they have no case",
    "accept": "Sec-WebSocket-Accept, against the key of the request",
    "subprotocol": "Sec-WebSocket-Protocol, against those that the request offers",
    "extensions": "Sec-WebSocket-Extensions, against those that the request offers",
    "versions": "Sec-WebSocket-Version: the versions that the server lists",
    "body": "the head announces a body",
    "defines_rsv1": "the extensions that are agreed on define RSV1",
    "defines_rsv2": "they define RSV2",
    "defines_rsv3": "they define RSV3",
}


def request_facts() -> str:
    """What rules see of a request; the value of a sound one in bold."""
    return _facts(REQUEST_MEANINGS, RequestFacts()._asdict())


def response_facts() -> str:
    """What rules see of a response; the value of a sound 101 in bold."""
    return _facts(RESPONSE_MEANINGS, ResponseFacts()._asdict())


def _facts(meanings: Mapping[str, str], sound: Mapping[str, Value]) -> str:
    rows = [(code(name), _values(name, sound[name]), cell(meaning)) for name, meaning in meanings.items()]
    return table(("fact", "values (that of a sound one in bold)", "what it is about"), rows)


def _values(name: str, sound: Value) -> str:
    variable = {**REQUEST_VARIABLES, **RESPONSE_VARIABLES}[name]
    if variable.sort is Sort.BOOL:
        return "**yes**, no" if sound else "yes, **no**"
    if not variable.labels:
        return f"{variable.low} to {variable.high}, **{sound}**"
    names = [(value, label_of_fact(name, value)) for value in range(variable.low, variable.high + 1)]
    return ", ".join(f"**{words}**" if value == sound else words for value, words in names)


def request_conditions() -> str:
    """What a server asks of a request, the switches at their defaults."""
    return _conditions(REQUEST)


def answer_conditions() -> str:
    """What a client asks of the answer, the switches at their defaults."""
    return _conditions(ANSWER)


def _conditions(conditions: Sequence[Condition]) -> str:
    rows = [(str(number), cell(c.sentence), code(text(c.holds))) for number, c in enumerate(conditions, 1)]
    return table(("no.", "condition", "formally"), rows)


__all__ = [
    "AGREEING",
    "OFFERING",
    "REQUEST_MEANINGS",
    "RESPONSE_MEANINGS",
    "URIS",
    "accept_example",
    "answer_conditions",
    "request_conditions",
    "request_facts",
    "request_text",
    "response_facts",
    "response_text",
    "uris",
]
