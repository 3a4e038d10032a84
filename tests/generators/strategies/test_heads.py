"""Heads that are drawn: sound ones stay sound, each change does one thing, and all of them are octets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.generators.strategies.heads import (
    HeadChange,
    changed,
    changes,
    drafts,
    opening_stimuli,
    request_draft,
    response_draft,
    single_changes,
)
from wsoracle.model.facts.heads import facts_of_request, facts_of_response, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.octets.http import HeadParser, ParsedHead
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.observation import Arrives, ArrivesEof

REQUEST = sample_request(RequestFacts())
_WISHES = "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits"
OFFERING = replace(REQUEST, headers=(*REQUEST.headers, ("Sec-WebSocket-Extensions", f"{_WISHES}, permessage-deflate")))
"""What answers are read with: with an offer that asks for all, and one that asks for nothing."""


def read(role: Role, octets: bytes) -> RequestFacts | ResponseFacts | None:
    reader = HeadParser(role)
    reader.feed(octets)
    if reader.result is None:
        return None
    server = role is Role.SERVER
    return facts_of_request(reader.result) if server else facts_of_response(reader.result, OFFERING)


def test_without_a_change_they_are_sound() -> None:
    assert read(Role.SERVER, request_draft().octets) == RequestFacts()
    assert read(Role.CLIENT, response_draft().octets) == ResponseFacts()
    assert request_draft().octets == REQUEST.octets()


@pytest.mark.parametrize("role", Role)
def test_the_changes_reach_nearly_every_fact(role: Role) -> None:
    assert len(set(changes(role))) == len(changes(role)) > 150
    found = {read(role, arrives.octets) for _, (arrives, *_) in single_changes(role) if isinstance(arrives, Arrives)}
    names = RequestFacts._fields if role is Role.SERVER else ResponseFacts._fields
    varied = {name for name in names if len({getattr(facts, name) for facts in found if facts is not None}) > 1}
    # What URI a client was asked for is nothing that a server can see; one bit is all that known extensions define.
    assert set(names) - varied <= {"for_uri", "defines_rsv1", "defines_rsv2", "defines_rsv3"}
    assert None in found, "some have no end"


@pytest.mark.parametrize(
    ("change", "octets"),
    [
        (HeadChange("upper name", "host"), b"HOST: server.example.com\r\n"),
        (HeadChange("inside", "Upgrade", b"\r\n "), b"Upgrade: webs\r\n ocket\r\n"),
        (HeadChange("repeat", "Upgrade"), b"Upgrade: websocket\r\nUpgrade: websocket\r\n"),
        (HeadChange("line end", "Upgrade", b"\n"), b"Upgrade: websocket\nConnection"),
        (HeadChange("body", octets=b"Content-Length=5|12345"), b"Content-Length: 5\r\n\r\n12345"),
        (HeadChange("behind", octets=b"\x89\x00"), b"\r\n\r\n\x89\x00"),
        (HeadChange("first", "2", b"HTTP/1.0"), b"GET /chat HTTP/1.0\r\n"),
        (HeadChange("fill", "2", b"3"), b"X-Filling: aaa\r\nX-Filling: aaa\r\n"),
    ],
)
def test_a_change_changes_one_thing(change: HeadChange, octets: bytes) -> None:
    assert octets in changed(request_draft(), change).octets


def test_lists_are_split_and_lines_cut() -> None:
    listed = changed(request_draft(), HeadChange("value", "Connection", b"keep-alive, Upgrade"))
    assert b"keep-alive\r\nConnection: Upgrade" in changed(listed, HeadChange("split", "Connection")).octets
    assert not changed(request_draft(), HeadChange("cut")).octets.endswith(b"\r\n\r\n")
    with pytest.raises(ValueError, match="no change"):
        changed(request_draft(), HeadChange("bend", "Host"))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_drawn_is_octets_and_leads_to_one_head_at_least(data: st.DataObject) -> None:
    role = data.draw(st.sampled_from(Role))
    draft, chosen = data.draw(drafts(role))
    base = request_draft() if role is Role.SERVER else response_draft()
    for change in chosen:
        assert str(change).startswith(change.what)
        base = changed(base, change)
    assert base == draft
    stimulus = data.draw(opening_stimuli(role))
    assert all(isinstance(part, Arrives | ArrivesEof) for part in stimulus)
    assert isinstance(stimulus[0], Arrives) and stimulus[0].octets
    reader = HeadParser(role)
    reader.feed(draft.octets)
    assert reader.result is None or not isinstance(reader.result, ParsedHead) or reader.result.octets
