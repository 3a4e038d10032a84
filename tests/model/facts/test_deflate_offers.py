"""permessage-deflate in heads: the facts of offers and answers, by example and beside RFC 7692, section 7."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.facts.deflate_offers import deflate_answer, deflate_offers, is_sound
from wsoracle.model.notation.head_variables import label_of_fact
from wsoracle.model.octets.deflate_parameters import DeflateParameters, write_parameters
from wsoracle.model.octets.http import Request, Response

how = st.sampled_from((0, 1, 2, 3, *range(8, 16)))
parameters = st.builds(DeflateParameters, how, how, how, how, st.booleans())


def element(given_parameters: DeflateParameters) -> str:
    """The element of a header with these parameters."""
    written = write_parameters(given_parameters)
    return "; ".join(("permessage-deflate", *(n if v is None else f"{n}={v}" for n, v in written)))


def compared(answer: str, offers: str) -> dict[str, str | bool]:
    """The facts of an answer to offers, in words."""
    request = Request("1.1", (("Sec-WebSocket-Extensions", offers),), "GET", "/")
    found = deflate_answer(Response("1.1", (("Sec-WebSocket-Extensions", answer),), 101, ""), request)
    return {n: v if isinstance(v, bool) else label_of_fact(n, v) for n, v in found.items()}


@given(st.lists(parameters, max_size=3))
def test_offers_are_sound_or_not(offers: list[DeflateParameters]) -> None:
    """The fact of a request says whether any has to be declined."""
    values = [", ".join(map(element, offers))] if offers else []
    expected = "absent" if not offers else "all sound" if all(map(is_sound, offers)) else "some unsound"
    assert label_of_fact("deflate_offers", deflate_offers(values)) == expected


@pytest.mark.parametrize(
    ("offer", "sound"),
    [
        ("", True), ("client_max_window_bits", True), ("client_max_window_bits=8", True),
        ("server_max_window_bits=15", True), ("server_no_context_takeover; client_no_context_takeover", True),
        ("server_max_window_bits", False), ("server_max_window_bits=16", False), ("client_max_window_bits=7", False),
        ("server_no_context_takeover=1", False), ("mystery", False),
        ("client_no_context_takeover; client_no_context_takeover", False), ('server_max_window_bits="10"', True),
    ],
)  # fmt: skip
def test_which_offers_are_sound(offer: str, sound: bool) -> None:
    """Section 7 of RFC 7692, case by case."""
    value = f"permessage-deflate; {offer}" if offer else "permessage-deflate"
    assert label_of_fact("deflate_offers", deflate_offers([value])) == ("all sound" if sound else "some unsound")


def test_an_answer_is_compared_with_the_offer_that_it_fits_best() -> None:
    """The fallback offer; an unsound one never."""
    first = "permessage-deflate; server_max_window_bits=10"
    offers = f"{first}, permessage-deflate; client_max_window_bits, permessage-deflate; x"
    fits_first = compared("permessage-deflate; server_max_window_bits=9", offers)
    assert (fits_first["asks_bits"], fits_first["takes_client_bits"]) == ("10 bits", False)
    fits_second = compared("permessage-deflate; client_max_window_bits=12", offers)
    assert (fits_second["asks_bits"], fits_second["takes_client_bits"]) == ("absent", True)
    assert "sound_offer" not in compared("permessage-deflate", "permessage-deflate; x")
    assert (
        compared("permessage-deflate", "permessage-deflate; server_max_window_bits=15, permessage-deflate")["asks_bits"]
        == "absent"
    )


def test_an_answer_twice_and_none() -> None:
    """How many elements there are."""
    assert compared("permessage-deflate, permessage-deflate", "permessage-deflate")["deflate"] == "more than one"
    assert compared("x-private", "permessage-deflate") == {}
