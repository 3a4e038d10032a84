"""The blocks of docs/spec.md about heads: URIs, a request and its answer as text, their facts, what they must have."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha1
from typing import Final

from wsoracle.model.facts.heads import SAMPLE_KEY, request_octets, response_octets, sample_request
from wsoracle.model.notation.expression import Sort, Value, Var, text
from wsoracle.model.notation.head_variables import (
    REQUEST_VARIABLES,
    RESPONSE_VARIABLES,
    RequestFacts,
    ResponseFacts,
    value_of,
)
from wsoracle.model.notation.variables import label
from wsoracle.model.octets.accept_key import accept_value, challenge
from wsoracle.model.octets.uri import parse_uri
from wsoracle.properties.theorems.opening import ANSWER, REQUEST, HeadCondition

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
"""URIs that show how one is read; the last ones are not URIs of WebSocket."""


def uris() -> str:
    """URIs and their components, or the reason why a text is no URI of WebSocket."""
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
    deflate_offers=value_of("deflate_offers", "all sound"),
)
"""The request of the example: it offers subprotocols and extensions, and says where it comes from."""

AGREEING: Final = ResponseFacts(
    subprotocol=value_of("subprotocol", "offered"),
    extensions=value_of("extensions", "offered"),
    defines_rsv1=True,
    deflate=value_of("deflate", "one"),
    sound_offer=True,
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


def request_facts() -> str:
    """The facts of a request that rules see; the value of a sound one in bold."""
    return _facts(REQUEST_VARIABLES, RequestFacts()._asdict())


def response_facts() -> str:
    """The facts of a response that rules see; the value of a sound 101 in bold."""
    return _facts(RESPONSE_VARIABLES, ResponseFacts()._asdict())


def _facts(variables: Mapping[str, Var], sound: Mapping[str, Value]) -> str:
    rows = [(code(name), _values(v, sound[name]), cell(v.meaning)) for name, v in variables.items()]
    return table(("fact", "values (that of a sound one in bold)", "what it is about"), rows)


def _values(variable: Var, sound: Value) -> str:
    if variable.sort is Sort.BOOL:
        return "**yes**, no" if sound else "yes, **no**"
    if not variable.labels:
        return f"{variable.low} to {variable.high}, **{sound}**"
    return ", ".join(f"**{words}**" if value == sound else words for value, words in variable.labels.items())


def request_conditions() -> str:
    """The conditions of a server on a request, the switches at their defaults."""
    return _conditions(REQUEST)


def answer_conditions() -> str:
    """The conditions of a client on the answer, the switches at their defaults."""
    return _conditions(ANSWER)


def _conditions(conditions: Sequence[HeadCondition]) -> str:
    rows = [(str(number), cell(c.sentence), code(text(c.holds))) for number, c in enumerate(conditions, 1)]
    return table(("no.", "condition", "formally"), rows)
