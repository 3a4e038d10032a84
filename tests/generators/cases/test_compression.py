"""What a tester offers and answers is legal, and both ends agree on the same (RFC 7692, section 7.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.generators.cases.compression import FIELD, Agreement, Compression, Wish, agreement, offers_of
from wsoracle.model.octets.http import Request, Response
from wsoracle.model.octets.vocabulary import Role

asks = st.builds(Wish, st.booleans(), st.sampled_from([None, 8, 9, 15]))


def request(*values: str) -> Request:
    return Request(version="1.1", headers=tuple((FIELD, value) for value in values), method="GET", target="/")


def response(value: str | None) -> Response:
    fields = () if value is None else ((FIELD, value),)
    return Response(version="1.1", headers=fields, status=101, reason="")


@given(st.lists(asks, min_size=1, max_size=3), st.lists(asks, min_size=1, max_size=3))
def test_whatever_two_testers_ask_they_agree_on_the_first_that_fits(client: list[Wish], server: list[Wish]) -> None:
    offered = Compression(tuple(client)).offer
    answer = Compression(tuple(server)).answer(request(offered))
    found = agreement(response(answer), Role.SERVER), agreement(response(answer), Role.CLIENT)
    # The tester that is the client has the server as its endpoint, and the other way round.
    bits = server[0].bits or 15, client[0].bits or 15
    assert found[0] == Agreement(bits[0], not server[0].no_takeover, bits[1], not client[0].no_takeover)
    assert found[1] == Agreement(bits[1], not client[0].no_takeover, bits[0], not server[0].no_takeover)


@pytest.mark.parametrize(
    ("asked", "offered", "answered"),
    [
        ((Wish(),), "permessage-deflate", "permessage-deflate"),
        ((Wish(False, 9),), "permessage-deflate", None),
        ((Wish(False, 9), Wish()), "permessage-deflate", "permessage-deflate"),
        (
            (Wish(True, 15),),
            "permessage-deflate; client_max_window_bits=10",
            "permessage-deflate; client_no_context_takeover; client_max_window_bits=10",
        ),
        (
            (Wish(),),
            "permessage-deflate; server_max_window_bits=7, x, permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=10",
        ),
        ((Wish(),), "permessage-deflate; server_no_context_takeover=1", None),
        ((Wish(),), "permessage-deflate; more", None),
        ((Wish(),), "x-webkit-deflate-frame", None),
        ((Wish(),), "permessage-deflate;;", None),
    ],
)
def test_the_tester_takes_an_offer_that_leaves_room_for_what_it_asks(
    asked: tuple[Wish, ...], offered: str, answered: str | None
) -> None:
    assert Compression(asked).answer(request(offered)) == answered


def test_there_may_be_no_extension_at_all() -> None:
    assert list(offers_of([])) == [] and agreement(response(None), Role.SERVER) is None
    assert Compression().answer(request()) is None
