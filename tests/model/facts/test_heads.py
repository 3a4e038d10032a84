"""Facts of heads, heads of facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.octets.test_http import octets
from wsoracle.model.facts.fields import KNOWN_EXTENSIONS
from wsoracle.model.facts.heads import (
    SAMPLE_KEY,
    SAMPLE_URI,
    facts_of_request,
    facts_of_response,
    malformed_request_facts,
    malformed_response_facts,
    request_facts,
    request_octets,
    response_facts,
    response_octets,
    sample_request,
    sample_response,
)
from wsoracle.model.notation.expression import Sort, evaluate
from wsoracle.model.notation.head_variables import (
    HEAD_VARIABLES,
    RequestFacts,
    ResponseFacts,
    announces_body,
    label_of_fact,
    possible_request,
    possible_response,
    value_of,
)
from wsoracle.model.octets.accept_key import accept_value
from wsoracle.model.octets.http import HEAD_LIMIT, HeadParser, Malformed, ParsedHead, Request, Response
from wsoracle.model.octets.uri import WebSocketUri, parse_uri
from wsoracle.model.octets.vocabulary import Role

Facts = TypeVar("Facts", RequestFacts, ResponseFacts)
STATUSES = (100, 101, 102, 199, 200, 204, 301, 400, 426, 999)
OFFERS = RequestFacts(
    protocols=value_of("protocols", "distinct tokens"),
    offers=value_of("offers", "a list of extensions"),
    deflate_offers=value_of("deflate_offers", "all sound"),
)
OFFERING = sample_request(OFFERS)
URIS = [SAMPLE_URI, *map(parse_uri, ("wss://example.com", "wss://[::1]:8443/a?b=c", "ws://example.com:443/?x"))]


def read(stream: bytes, role: Role) -> ParsedHead | Malformed:
    reader = HeadParser(role)
    reader.feed(stream)
    assert reader.result is not None
    return reader.result


def values(name: str) -> tuple[int, ...]:
    variable = HEAD_VARIABLES[name]
    if name == "status":
        return STATUSES
    return (0, 1) if variable.sort is Sort.BOOL else tuple(range(variable.low, variable.high + 1))


def deviations(sound: Facts, most: int) -> Iterator[Facts]:
    """The facts, with any values in up to so many points."""
    default = sound._field_defaults
    for names in combinations(sound._fields, most):
        choices: list[dict[str, Any]] = [{}]
        for name in names:
            some = [bool(v) if isinstance(default[name], bool) else v for v in values(name)]
            choices = [{**chosen, name: value} for chosen in choices for value in some]
        yield from (sound._replace(**chosen) for chosen in choices)


def drawn(kind: type[Facts]) -> st.SearchStrategy[Facts]:
    fields = kind._field_defaults.items()
    each = [st.just(d) | st.sampled_from(values(n)).map(type(d)) for n, d in fields]
    return st.tuples(*each).map(lambda row: kind(*row))


# --- there and back -------------------------------------------------------------------------------------------------


def check_request(wanted: RequestFacts, uri: WebSocketUri = SAMPLE_URI, key: str = SAMPLE_KEY) -> None:
    if not evaluate(possible_request(), wanted._asdict()):
        with pytest.raises(ValueError):
            request_octets(wanted, uri=uri, key=key)
        return
    made = request_octets(wanted, uri=uri, key=key)
    assert made == request_octets(wanted, uri=uri, key=key)
    found = read(made, Role.SERVER)
    assert facts_of_request(found, uri) == wanted
    assert facts_of_request(found) == wanted._replace(for_uri=True)
    assert found.octets == made or isinstance(found, Malformed)
    if isinstance(found, ParsedHead):
        assert found.head == sample_request(wanted, uri=uri, key=key)


def test_requests_with_up_to_two_deviations() -> None:
    seen = set(deviations(RequestFacts(), 2))
    assert len(seen) > 400
    for wanted in seen:
        check_request(wanted)


@given(drawn(RequestFacts), st.sampled_from(URIS), st.sampled_from([SAMPLE_KEY, "AQIDBAUGBwgJCgsMDQ4PEA=="]))
def test_requests_of_any_facts(wanted: RequestFacts, uri: WebSocketUri, key: str) -> None:
    check_request(wanted, uri, key)


def has_response(wanted: ResponseFacts) -> bool:
    """Among what is possible: permessage-deflate is the one extension that is known, and defines RSV1 alone."""
    of_deflate = (wanted.deflate != 0, False, False)
    bits = (wanted.defines_rsv1, wanted.defines_rsv2, wanted.defines_rsv3)
    return bool(evaluate(possible_response(), wanted._asdict())) and bits == of_deflate


def check_response(wanted: ResponseFacts) -> None:
    if not has_response(wanted):
        with pytest.raises(ValueError):
            response_octets(wanted, OFFERING)
        return
    offers = "all sound" if wanted.sound_offer else "some unsound"
    asked = OFFERS._replace(deflate_offers=value_of("deflate_offers", offers))
    request = sample_request(asked, answer=wanted)
    made = response_octets(wanted, request)
    assert made == response_octets(wanted, request)
    found = read(made, Role.CLIENT)
    chooses_none = label_of_fact("subprotocol", wanted.subprotocol) == "absent"
    chosen_of_none = sample_request(asked._replace(protocols=0), answer=wanted) if chooses_none else request
    assert facts_of_response(found, chosen_of_none) == wanted
    if isinstance(found, ParsedHead):
        assert found.head == sample_response(wanted, request)


def test_responses_with_up_to_two_deviations() -> None:
    seen = set(deviations(ResponseFacts(), 2))
    assert len(seen) > 400
    for wanted in seen:
        check_response(wanted)


@given(drawn(ResponseFacts))
def test_responses_of_any_facts(wanted: ResponseFacts) -> None:
    check_response(wanted)


def test_nothing_is_offered_where_the_request_offers_nothing() -> None:
    bare = sample_request(RequestFacts())
    for wanted in (
        ResponseFacts(subprotocol=value_of("subprotocol", "offered")),
        ResponseFacts(extensions=value_of("extensions", "offered")),
        ResponseFacts(
            extensions=value_of("extensions", "with unknown parameters"), defines_rsv1=True, deflate=1, sound_offer=True
        ),
    ):
        assert response_octets(wanted, OFFERING)
        with pytest.raises(ValueError, match="no response"):
            response_octets(wanted, bare)


def test_what_is_no_head_has_one_tuple_of_facts() -> None:
    for label, too_large in (("malformed", False), ("too large", True)):
        syntax = value_of("syntax", label)
        assert malformed_request_facts(too_large) == RequestFacts(syntax=syntax)
        assert malformed_response_facts(too_large) == ResponseFacts(syntax=syntax)
        for made in (sample_request(RequestFacts()).octets(), b"\x16\x03\x01"):
            assert made != request_octets(RequestFacts(syntax=syntax))
        with pytest.raises(ValueError):
            sample_request(RequestFacts(syntax=syntax))
        with pytest.raises(ValueError):
            sample_response(ResponseFacts(syntax=syntax), OFFERING)
    assert len(request_octets(malformed_request_facts(True))) == HEAD_LIMIT


# --- any octets -----------------------------------------------------------------------------------------------------

NAMES = [
    *("Host", "Upgrade", "Connection", "Origin", "Content-Length", "Transfer-Encoding", "X-Other"),
    *(f"Sec-WebSocket-{name}" for name in ("Key", "Version", "Protocol", "Extensions", "Accept")),
]
VALUES = [
    *("", "x", "websocket", "Upgrade", "upgrade, Upgrade", "13", "8", "13, 13", ",", "a, b", "a;b", '"', 'a; b="c'),
    *("permessage-deflate", "permessage-deflate; x", "x-private", "chat", "chat, chat", "server.example.com"),
    *(
        "h:1",
        "h:99999999999",
        "h:" + "1" * 5000,
        "[::1]",
        "[::",
        "5",
        "0",
        "\xe4",
        SAMPLE_KEY,
        accept_value(SAMPLE_KEY),
    ),
]
FIELDS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=8).map(tuple)
TARGETS = [
    "/",
    "/chat",
    "*",
    "x",
    "/#",
    "http://server.example.com/chat",
    "https://[::1]",
    "HTTP://x:0/",
    "http://",
    "//",
]
REQUESTS = st.builds(
    Request, st.sampled_from(["1.0", "1.1", "2.0", "0.9"]), FIELDS, st.sampled_from(["GET", "get", "PRI"]),
    st.sampled_from([*TARGETS, "http://h:" + "1" * 5000]),
)  # fmt: skip
RESPONSES = st.builds(Response, st.sampled_from(["1.0", "1.1"]), FIELDS, st.sampled_from(STATUSES), st.just(""))


@given(octets(), st.sampled_from([None, *URIS]))
def test_facts_of_any_octets_are_possible(stream: bytes, uri: WebSocketUri | None) -> None:
    for role in Role:
        reader = HeadParser(role)
        reader.feed(stream)
        if reader.result is not None:
            asked = facts_of_request(reader.result, uri) if role is Role.SERVER else None
            answered = facts_of_response(reader.result, None) if role is Role.CLIENT else None
            assert asked is None or evaluate(possible_request(), asked._asdict())
            assert answered is None or evaluate(possible_response(), answered._asdict())


@given(REQUESTS, st.sampled_from([None, *URIS]), st.booleans())
def test_facts_of_any_request_are_possible(request: Request, uri: WebSocketUri | None, tolerated: bool) -> None:
    seen = request_facts(request, uri, tolerated=tolerated)
    assert evaluate(possible_request(), seen._asdict())
    assert all(type(was) is type(now) for was, now in zip(RequestFacts(), seen, strict=True))


@given(RESPONSES, st.none() | REQUESTS | st.just(OFFERING), st.booleans())
def test_facts_of_any_response_are_possible(response: Response, request: Request | None, tolerated: bool) -> None:
    seen = response_facts(response, request, tolerated=tolerated)
    assert evaluate(possible_response(), seen._asdict())
    assert all(type(was) is type(now) for was, now in zip(ResponseFacts(), seen, strict=True))


@given(st.data(), REQUESTS)
def test_order_and_case_of_names_make_no_difference(data: st.DataObject, request: Request) -> None:
    names = data.draw(st.permutations(sorted({name for name, _ in request.headers})))
    headers = tuple((name.swapcase(), value) for name in names for value in request.values(name))
    other = Request(request.version, headers, request.method, request.target)
    assert request_facts(other, SAMPLE_URI) == request_facts(request, SAMPLE_URI)


# --- by example -----------------------------------------------------------------------------------------------------

_FIELD_OF = {
    "host": "Host", "upgrade": "Upgrade", "connection": "Connection", "key": "Sec-WebSocket-Key",
    "version": "Sec-WebSocket-Version", "protocols": "Sec-WebSocket-Protocol", "offers": "Sec-WebSocket-Extensions",
    "origin": "Origin", "accept": "Sec-WebSocket-Accept", "subprotocol": "Sec-WebSocket-Protocol",
    "extensions": "Sec-WebSocket-Extensions", "versions": "Sec-WebSocket-Version",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "fields", "label"),
    [
        ("host", [], "absent"), ("host", ["example.com:80"], "one"), ("host", ["[::1]"], "one"),
        ("host", ["a", "a"], "repeated or invalid"), ("host", [""], "repeated or invalid"),
        ("host", ["a,b"], "one"), ("host", ["a b"], "repeated or invalid"), ("host", ["[:]"], "repeated or invalid"),
        ("host", ["a/b"], "repeated or invalid"), ("host", ["u@a"], "repeated or invalid"),
        ("upgrade", ["WebSocket"], "websocket"), ("upgrade", ["", "websocket"], "websocket"),
        ("upgrade", ["websocket/13"], "another"), ("upgrade", [""], "another"), ("upgrade", ["web socket"], "another"),
        ("upgrade", ["h2c", "websocket"], "a list with websocket"),
        ("upgrade", ["websocket,websocket"], "websocket more than once"),
        ("upgrade", ["websocket", "WebSocket"], "websocket more than once"),
        ("connection", ["keep-alive, UPGRADE"], "Upgrade"), ("connection", ["close", "upgrade"], "Upgrade"),
        ("connection", ["upgrade", "Upgrade"], "Upgrade more than once"), ("connection", [""], "without Upgrade"),
        ("connection", ["Upgraded"], "without Upgrade"), ("connection", ['"Upgrade"'], "without Upgrade"),
        ("connection", ["keep alive, Upgrade"], "Upgrade beside no token"),
        ("connection", ['"a, b", Upgrade'], "Upgrade beside no token"),
        ("key", ["AQIDBAUGBwgJCgsMDQ4PEA=="], "16 octets"), ("key", [""], "absent"),
        ("key", ["AQIDBAUGBwgJCgsMDQ4PEC=="], "not base64"),  # erratum 3150: pad bits that are not zero
        ("key", ["AAAA"], "another number of octets"), ("key", [SAMPLE_KEY[:-2]], "not base64"),
        ("key", [SAMPLE_KEY + ", " + SAMPLE_KEY], "not base64"), ("key", [SAMPLE_KEY, SAMPLE_KEY], "repeated"),
        ("version", ["13"], "13"), ("version", ["8"], "another"), ("version", ["255"], "another"),
        ("version", ["256"], "not a version"), ("version", [""], "not a version"),
        ("version", ["+13"], "not a version"), ("version", ["13, 8"], "13 and more"),
        ("version", ["13", "13"], "13 and more"), ("version", ["13", ""], "13 and more"),
        ("version", ["8", "7"], "not a version"),
        ("protocols", ["chat", "superchat, CHAT"], "distinct tokens"), ("protocols", [""], "not a list of tokens"),
        ("protocols", ["chat", "chat"], "with a repeated token"), ("protocols", ["a b"], "not a list of tokens"),
        ("offers", ["a;b, c"], "a list of extensions"), ("offers", ["a;b=", "c"], "not a list of extensions"),
        ("origin", ["null"], "one"), ("origin", ["a", "b"], "repeated"),
    ],
)  # fmt: skip
def test_facts_of_requests_by_example(name: str, fields: list[str], label: str) -> None:
    request = Request("1.1", tuple((_FIELD_OF[name].upper(), field) for field in fields))
    assert label_of_fact(name, getattr(request_facts(request), name)) == label


@pytest.mark.parametrize(
    ("name", "fields", "label"),
    [
        ("accept", ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="], "right"), ("accept", ["S3pPLMBiTxaQ9kYGzzhZRbK+xOo="], "wrong"),
        ("accept", [""], "wrong"), ("accept", ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="] * 2, "repeated"),
        ("accept", ["s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo="], "wrong"), ("accept", [], "absent"),
        ("subprotocol", ["chat"], "offered"), ("subprotocol", ["superchat"], "offered"),
        ("subprotocol", ["CHAT"], "not offered"), ("subprotocol", [""], "not one token"),
        ("subprotocol", ["chat", "chat"], "not one token"), ("subprotocol", ["chat, superchat"], "not one token"),
        ("extensions", ["x-private; what=ever"], "offered"), ("extensions", ["X-Private"], "not offered"),
        ("extensions", ["x-private, other"], "not offered"), ("extensions", [""], "not a list of extensions"),
        ("extensions", ["permessage-deflate; server_max_window_bits=10", "x-private"], "offered"),
        ("extensions", ["permessage-deflate; mystery"], "with unknown parameters"),
        ("versions", ["8", "13"], "a list with 13"), ("versions", ["8, 7"], "a list without 13"),
        ("versions", [""], "not a list of versions"),
    ],
)  # fmt: skip
def test_facts_of_responses_by_example(name: str, fields: list[str], label: str) -> None:
    response = Response("1.1", tuple((_FIELD_OF[name].lower(), field) for field in fields))
    assert label_of_fact(name, getattr(response_facts(response, OFFERING), name)) == label


def test_an_answer_to_nothing_fits_nothing() -> None:
    sound = sample_response(ResponseFacts(subprotocol=1, extensions=1), OFFERING)
    alone = response_facts(sound, None)
    assert [label_of_fact(n, getattr(alone, n)) for n in ("accept", "subprotocol", "extensions")] == [
        "wrong", "not offered", "not offered"
    ]  # fmt: skip


def test_targets() -> None:
    kinds = {"*": "unfit", "x": "unfit", "/a#b": "unfit", "/a\\b": "unfit", "http://": "unfit", "ws://x/": "unfit",
             "/a|b": "as browsers send it", "/?a[]={^`}": "as browsers send it", "/%zz": "as browsers send it",
             "/?a\\b": "as browsers send it", "/\"": "unfit", "/<": "unfit", "/?>": "unfit",
             "/": "a resource name", "//a?b?": "a resource name", "HTTP://x": "an absolute http or https URI",
             "https://x:1/?a": "an absolute http or https URI"}  # fmt: skip
    for target, label in kinds.items():
        assert label_of_fact("target", request_facts(Request("1.1", (), "GET", target)).target) == label


@pytest.mark.parametrize(
    ("target", "host", "fits"),
    [
        ("/a?b", "example.com", True), ("/a?b", "EXAMPLE.com:443", True), ("/a?b", "example.com:", True),
        ("/a?b", "example.com:80", False), ("/a?B", "example.com", False), ("/a", "example.com", False),
        ("/a?b", "example.org", False), ("https://example.com/a?b", "example.com", True),
        ("https://example.com:444/a?b", "example.com", False), ("http://example.com/a?b", "example.com", False),
        ("http://example.com:443/a?b", "example.com", True), ("/a?b", "example.com:0443", True),
    ],
)  # fmt: skip
def test_for_whom_a_request_is(target: str, host: str, fits: bool) -> None:
    request = Request("1.1", (("Host", host),), "GET", target)
    assert request_facts(request, parse_uri("wss://example.com/a?b")).for_uri is fits
    assert request_facts(request).for_uri


def test_bodies() -> None:
    for fields, label in (
        ([("Content-Length", "0")], "of no octets"), ([("Content-Length", "00, 0")], "of no octets"),
        ([("content-length", "10")], "announced"), ([("Transfer-Encoding", "gzip")], "announced"), ([], "absent"),
    ):  # fmt: skip
        for facts in (
            request_facts(Request("1.1", tuple(fields))),
            response_facts(Response("1.1", tuple(fields)), None),
        ):
            assert label_of_fact("body", facts.body) == label
            assert announces_body(facts) is (label == "announced")


def test_the_parameters_of_deflate_are_those_of_rfc_7692() -> None:
    deflate = KNOWN_EXTENSIONS["permessage-deflate"]
    assert deflate.bits == {1}
    assert len(deflate.parameters) == 4
    pattern = r"(server|client)_(no_context_takeover|max_window_bits)"
    assert all(re.fullmatch(pattern, name) for name in deflate.parameters)
