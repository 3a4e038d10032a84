"""permessage-deflate in heads: what a request offers, and an answer beside the offer that it fits best.

Which offers a server has to decline is a matter of their own (:func:`is_sound`); in what an answer does not fit an
offer is what the rules ask, and the offer with the fewest such points is the one that it is compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..notation.expression import evaluate
from ..notation.head_variables import (
    ANSWER_PARAMETERS,
    MISFITS,
    ResponseFacts,
    label_of_fact,
    value_of,
    window_unsaid,
)
from ..notation.variables import State
from ..octets.deflate_parameters import (
    ABSENT,
    BITS,
    DEFLATE,
    PARAMETER_NAMES,
    VALUELESS,
    DeflateParameters,
    read_parameters,
    write_parameters,
)
from ..octets.header_values import parse_extensions
from ..octets.http import Request, Response
from ..octets.vocabulary import Role

_FIRST_BITS: Final = value_of("server_bits", "8 bits")


def is_sound(offer: DeflateParameters) -> bool:
    """A server may accept the offer: parameters are known, none is repeated, each has a value as it may (section 7)."""
    return (
        not offer.unknown
        and offer.server_no_context_takeover in (ABSENT, VALUELESS)
        and offer.client_no_context_takeover in (ABSENT, VALUELESS)
        and offer.server_max_window_bits in (ABSENT, *BITS)
        and offer.client_max_window_bits in (ABSENT, VALUELESS, *BITS)
    )


def deflate_elements(values: Sequence[str]) -> list[DeflateParameters]:
    """The parameters of each element for permessage-deflate; none where the values are no list of extensions."""
    return [
        read_parameters(element.parameters) for element in parse_extensions(values) or [] if element.name == DEFLATE
    ]


def sound_elements(values: Sequence[str]) -> list[str]:
    """The elements of a request without those for permessage-deflate that a server must decline."""
    return [
        "; ".join((each.name, *(name if value is None else f"{name}={value}" for name, value in each.parameters)))
        for each in parse_extensions(values) or []
        if each.name != DEFLATE or is_sound(read_parameters(each.parameters))
    ]


def sample_offers(fact: int, answer: ResponseFacts | None = None) -> list[str]:
    """Elements of a request for which the fact ``deflate_offers`` has this value, always the same ones; where the facts
    of the answer are known, those with which it is compared."""
    label = label_of_fact("deflate_offers", fact)
    if label == "absent":
        return []
    unsound = [_element(DeflateParameters(unknown=True))] if label == "some unsound" else []
    if answer is None:
        return [*unsound, DEFLATE]
    asks = DeflateParameters(
        server_no_context_takeover=VALUELESS if answer.asks_no_takeover else ABSENT,
        server_max_window_bits=_how(answer.asks_bits),
        client_max_window_bits=VALUELESS if answer.takes_client_bits else ABSENT,
    )
    offers = [*unsound, _element(asks)] if answer.sound_offer else unsound
    return offers * 2 if label_of_fact("deflate", answer.deflate) == "more than one" else offers


def _element(parameters: DeflateParameters) -> str:
    written = write_parameters(parameters)
    return "; ".join((DEFLATE, *(name if value is None else f"{name}={value}" for name, value in written)))


def _how(number: int) -> int:
    """How a parameter is given, from the number of its label."""
    return number if number < _FIRST_BITS else number - _FIRST_BITS + BITS[0]


def sample_answer(facts: ResponseFacts) -> list[str]:
    """Elements for permessage-deflate of a response with these facts, always the same ones."""
    label = label_of_fact("deflate", facts.deflate)
    if label == "absent":
        return []
    how = {name: _how(getattr(facts, fact)) for name, fact in zip(PARAMETER_NAMES, ANSWER_PARAMETERS, strict=True)}
    element = _element(DeflateParameters(**how, unknown=False))
    return [element] if label == "one" else [element, DEFLATE]


def answer_that_agrees(state: State, role: Role) -> ResponseFacts:
    """The answer, to an offer that leaves all to the server, which leads an endpoint to the agreement of a state."""
    server = role is Role.SERVER
    sending, receiving = (state.send_window, state.send_takeover), (state.recv_window, state.recv_takeover)
    (of_server, server_keeps), (of_client, client_keeps) = (sending, receiving) if server else (receiving, sending)
    return ResponseFacts(
        extensions=value_of("extensions", "offered"),
        defines_rsv1=True,
        deflate=value_of("deflate", "one"),
        server_no_takeover=value_of("server_no_takeover", "absent" if server_keeps else "without a value"),
        client_no_takeover=value_of("client_no_takeover", "absent" if client_keeps else "without a value"),
        server_bits=_given(of_server.bit_length() - 1),
        client_bits=_given(of_client.bit_length() - 1),
        sound_offer=True,
        takes_client_bits=True,
    )


def deflate_offers(values: Sequence[str]) -> int:
    """The fact ``deflate_offers`` of a request."""
    offers = deflate_elements(values)
    label = "absent" if not offers else "all sound" if all(map(is_sound, offers)) else "some unsound"
    return value_of("deflate_offers", label)


def deflate_answer(response: Response, request: Request | None) -> dict[str, Any]:
    """The facts of a response about permessage-deflate, by name; none where it does not accept it."""
    elements = deflate_elements(response.values("Sec-WebSocket-Extensions"))
    if not elements:
        return {}
    given = {name: _given(how) for name, how in zip(ANSWER_PARAMETERS, elements[0][:4], strict=True)}
    found: dict[str, Any] = {"deflate": value_of("deflate", "one" if len(elements) == 1 else "more than one"), **given}
    offers = deflate_elements([] if request is None else request.values("Sec-WebSocket-Extensions"))
    compared = [{**found, **_asked(offer)} for offer in offers if is_sound(offer)]
    return min(compared, key=_misfits, default=found)


def _asked(offer: DeflateParameters) -> dict[str, Any]:
    return {
        "sound_offer": True,
        "asks_no_takeover": offer.server_no_context_takeover != ABSENT,
        "asks_bits": _given(offer.server_max_window_bits),
        "takes_client_bits": offer.client_max_window_bits != ABSENT,
    }


def _misfits(found: dict[str, Any]) -> tuple[int, bool]:
    facts = ResponseFacts(**found)._asdict()
    return sum(bool(evaluate(misfit, facts)) for misfit in MISFITS), bool(evaluate(window_unsaid, facts))


def _given(how: int) -> int:
    """How a parameter is given, as the number of its label."""
    return how if how not in BITS else _FIRST_BITS + how - BITS[0]
