"""Histories that agree on permessage-deflate in an opening handshake with nothing else to it: what leads to it, and the
rest, for a tester or runner that makes the opening handshake itself.
"""

from __future__ import annotations

from dataclasses import replace

from wsoracle.model.facts.deflate_offers import answer_that_agrees
from wsoracle.model.notation.head_variables import RequestFacts

from .case import Case
from .compression import Agreement, Compression, agreement, response_in
from .derived import checked
from .outcome import SeenRequest, SeenResponse
from .steps import ACTIONS, EndpointSendsHead, SendHead


def agreed_in_heads(case: Case) -> Compression | None:
    """What the tester has to ask for in the opening handshake, where the heads of a history agree on permessage-deflate
    and on nothing else that is unusual, and something arrives after them; None for any other case."""
    heads, found = _heads(case)
    if found is None:
        return None
    request, answer = heads[0].facts, heads[1].facts
    usual = isinstance(request, RequestFacts) and request._replace(offers=0, deflate_offers=0) == RequestFacts()
    if not usual or answer != answer_that_agrees(found.state, case.role):
        return None
    return found.compression


def agrees_among_others(case: Case) -> bool:
    """Whether something arrives after heads that agree on permessage-deflate and have more to them than that: what the
    endpoint under test agrees on then is its own, and frames of the history would mean something else to it."""
    return _heads(case)[1] is not None and agreed_in_heads(case) is None


def _heads(case: Case) -> tuple[list[SendHead | EndpointSendsHead], Agreement | None]:
    """The request and the answer with which a case begins, and what they agree on, where something arrives later."""
    heads = [step for step in case.steps if isinstance(step, SendHead | EndpointSendsHead)]
    if len(heads) != 2 or case.steps[:2] != tuple(heads) or not any(isinstance(one, ACTIONS) for one in case.steps[2:]):
        return heads, None
    response = response_in(heads[1].octets)
    return heads, None if response is None else agreement(response, case.role)


def after_heads(case: Case) -> Case:
    """The case from behind such an opening handshake on, with what the tester asks for in it; any other as it is."""
    compression = agreed_in_heads(case)
    if compression is None:
        return case
    allowed = tuple(
        outcome
        if outcome.observable is None
        else replace(
            outcome,
            observable=tuple(one for one in outcome.observable if not isinstance(one, SeenRequest | SeenResponse)),
        )
        for outcome in case.allowed
    )
    rest = replace(case, opening=False, steps=case.steps[2:], chunks=(), allowed=allowed, compression=compression)
    return checked(rest)
