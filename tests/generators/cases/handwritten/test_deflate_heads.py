"""Offers and answers of permessage-deflate: how the rules see each, and what stands beside it."""

from __future__ import annotations

import pytest

from wsoracle.expected.expectations import expectations
from wsoracle.generators.cases.handwritten.deflate_heads import deflate_heads
from wsoracle.generators.cases.steps import SendFrame, SendHead
from wsoracle.model.facts.deflate_offers import deflate_offers
from wsoracle.model.notation.head_variables import label_of_fact
from wsoracle.model.octets.header_values import parse_extensions
from wsoracle.model.octets.http import HeadParser, ParsedHead, Request, Response

CASES = {case.id: case for case in deflate_heads()}
FIELD = "Sec-WebSocket-Extensions"


def head(name: str) -> Request | Response:
    case = CASES[name]
    reader = HeadParser(case.role)
    assert isinstance(case.steps[0], SendHead)
    reader.feed(case.steps[0].octets)
    assert isinstance(reader.result, ParsedHead)
    return reader.result.head


def test_a_compressed_message_follows_where_the_rules_know_the_offer_to_be_sound() -> None:
    for name, case in CASES.items():
        found, last = head(name), case.steps[-1]
        assert isinstance(last, SendFrame)
        if isinstance(found, Request):
            known = label_of_fact("deflate_offers", deflate_offers(found.values(FIELD)))
            if known != "some unsound":
                assert last.frame.rsv1 is (known == "all sound"), name
            assert case.extension is last.frame.rsv1
        else:
            assert case.extension
            assert parse_extensions(found.values(FIELD)) is not None or not last.frame.rsv1


def test_every_parameter_stands_in_every_way() -> None:
    ways = {(name, label_of_fact("deflate_offers", deflate_offers(head(name).values(FIELD)))) for name in CASES}
    assert {label for _, label in ways} == {"absent", "all sound", "some unsound"}
    for parameter in ("server-no-context-takeover", "client-no-context-takeover"):
        assert {f"offer/server/{parameter}-{how}" for how in ("without-a-value", "twice", "10", "quoted-10")} <= set(
            CASES
        )
    for parameter in ("server-max-window-bits", "client-max-window-bits"):
        hows = ("without-a-value", "twice", "8", "15", "10-quoted", "7", "16", "08", "abc", "quoted-empty")
        assert {f"{kind}/{parameter}-{how}" for kind in ("offer/server", "answer/client") for how in hows} <= set(CASES)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("offer/server/nothing", "completes the opening handshake: 101; then answers what follows"),
        ("offer/server/unknown", "completes the opening handshake: 101; then answers what follows"),
        ("answer/client/server-max-window-bits-8", "takes the connection for open; then answers what follows"),
        ("answer/client/server-max-window-bits-7", "closes TCP"),
        ("answer/client/twice", "closes TCP"),
    ],
)
def test_what_is_best_is_what_the_model_does(name: str, words: str) -> None:
    case = CASES[name]
    best = expectations(case, case.role)[0]
    assert best.verdict.value == "OK" and best.candidate.words == words, best
