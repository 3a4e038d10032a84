"""Why a fact of a head has its value, in words."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.model.drawn import heads
from wsoracle.model.facts.heads import (
    facts_of_request,
    reasons_of_facts,
    request_octets,
    sample_request,
)
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, label_of_fact
from wsoracle.model.notation.variables import EventKind
from wsoracle.model.octets.http import HeadParser, Malformed, ParsedHead, Request, Response
from wsoracle.model.octets.vocabulary import Role


def read(octets: bytes, role: Role = Role.SERVER) -> ParsedHead | Malformed:
    reader = HeadParser(role)
    reader.feed(octets)
    assert reader.result is not None
    return reader.result


@pytest.mark.parametrize(
    ("fact", "field", "why"),
    [
        ("host", "Host: a b", "'a b' is no host"),
        ("host", "Host: a\r\nHost: a", "it stands 2 times"),
        ("upgrade", "Upgrade: h2c, websocket", "'h2c' stands beside websocket"),
        ("connection", "Connection: keep alive, Upgrade", "'keep alive' is no token"),
        ("key", "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==", "its pad bits are not zero (RFC 4648, section 3.5)"),
        ("key", "Sec-WebSocket-Key: not-base64!", "'-' is no letter of base64"),
        ("key", "Sec-WebSocket-Key: AAA", "3 letters with 0 times = are not padded to a multiple of four"),
        ("key", "Sec-WebSocket-Key: AAAA", "it stands for 3 octets"),
        ("key", "Sec-WebSocket-Key:", "it is empty"),
        ("version", "Sec-WebSocket-Version: 013", "'013' is not one number of 0 to 255"),
        ("protocols", "Sec-WebSocket-Protocol: a, b, a", "'a' stands twice"),
        ("protocols", "Sec-WebSocket-Protocol: a b", "'a b' is no token"),
        ("offers", "Sec-WebSocket-Extensions: x, y; =", "'y; =' is no extension of section 9.1"),
    ],
)
def test_reasons_of_requests(fact: str, field: str, why: str) -> None:
    found = reasons_of_facts(read(f"GET / HTTP/1.1\r\n{field}\r\n\r\n".encode()))
    assert found[fact] == why


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("/a|b", "'|' stands in no URI"),
        ("/%zz", "'%' stands in no URI"),
        ("/a\\b", "'\\\\' stands in no URI"),
        ("/a#b", "it has a fragment"),
        ("x", "'x' does not begin with / and is no http or https URI"),
    ],
)
def test_reasons_of_targets(target: str, why: str) -> None:
    assert reasons_of_facts(read(f"GET {target} HTTP/1.1\r\n\r\n".encode()))["target"] == why


@pytest.mark.parametrize(
    ("fact", "field", "why"),
    [
        ("accept", "Sec-WebSocket-Accept: x", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo= would fit the key"),
        ("subprotocol", "Sec-WebSocket-Protocol: x", "offered: chat, superchat"),
        ("subprotocol", "X: y", "chat, superchat are offered"),
        ("extensions", "Sec-WebSocket-Extensions: x", "nothing is offered"),
        ("versions", "Sec-WebSocket-Version: x", "it is 'x'"),
        ("syntax", "X : y", "line 2 has a blank before its colon"),
    ],
)
def test_reasons_of_responses(fact: str, field: str, why: str) -> None:
    asked = sample_request(RequestFacts(protocols=1))
    answer = read(f"HTTP/1.1 101 Yes\r\n{field}\r\n\r\n".encode(), Role.CLIENT)
    assert reasons_of_facts(answer, asked)[fact] == why


def test_octets_that_are_no_head_say_why() -> None:
    result = read(b"\x16\x03\x01")
    assert reasons_of_facts(result) == {"syntax": "it does not begin as HTTP does"}


PLAIN = {"absent", "Upgrade", "websocket", "one", "16 octets", "13", "1.1", "a resource name", "right", "offered"}


@given(heads(EventKind.RECEIVE_REQUEST))
def test_a_sound_value_needs_no_reason(facts: RequestFacts | ResponseFacts) -> None:
    assert isinstance(facts, RequestFacts)
    try:
        result = read(request_octets(facts))
    except ValueError:
        return
    reasons = reasons_of_facts(result)
    found = facts_of_request(result)
    for name in reasons:
        assert name == "syntax" or label_of_fact(name, getattr(found, name)) not in PLAIN


def test_a_sound_pair_of_heads_has_no_reasons() -> None:
    request = sample_request(RequestFacts())
    assert reasons_of_facts(ParsedHead(request, b"", b"")) == {}
    opens = Response("1.1", (("Upgrade", "websocket"), ("Connection", "Upgrade")))
    assert reasons_of_facts(ParsedHead(opens, b"", b""), Request("1.1", ())) == {}
