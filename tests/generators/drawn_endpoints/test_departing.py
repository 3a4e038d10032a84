"""Endpoints with one departure: the act breaks its rule, and the trace around it is explained by one fault."""

from __future__ import annotations

from random import Random

import pytest

from wsoracle.generators.drawn_endpoints.departing import DepartingEndpoint, departing_habits, targets
from wsoracle.generators.drawn_endpoints.drawing import recorded_of
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.exhaustive.explanations import TooManyPlacesError
from wsoracle.selfcheck.checking import searched


def _departing(rule: str, role: Role, number: int) -> DepartingEndpoint:
    random = Random(f"{rule}/{role}/{number}")
    endpoint = DepartingEndpoint(random, departing_habits(random, RULES.by_id[rule], role), RULES.by_id[rule])
    endpoint.run()
    return endpoint


def test_rules_that_only_give_freedom_are_no_targets() -> None:
    assert all(RULES.by_id[rule].strength.binds for rule, _ in targets())
    assert len({rule for rule, _ in targets()}) > 80


@pytest.mark.parametrize(
    ("rule", "role"),
    [
        ("5.1/server-refuses-unmasked", Role.SERVER),
        ("5.2/unknown-opcode", Role.CLIENT),
        ("5.5.2/pong-owed", Role.SERVER),
        ("5.1/client-masks", Role.CLIENT),
        ("5.4/binary-message", Role.SERVER),
        ("4.1/send-get", Role.CLIENT),
        ("7.3/closing-handshake-first", Role.SERVER),
        ("7692.6.1/mark-out-of-place", Role.CLIENT),
        ("7692.7.2.2/malformed", Role.SERVER),
        ("7692.7.2.1/server-window", Role.SERVER),
        ("7692.7.2.1/client-context", Role.CLIENT),
        ("7692.7/decline-unsound", Role.SERVER),
        ("7692.5/answer-conflict", Role.CLIENT),
    ],
)
def test_the_act_breaks_its_rule(rule: str, role: Role) -> None:
    """And one fault is enough to explain the trace, or none: then no observer could tell."""
    acts = 0
    for number in range(30):
        endpoint = _departing(rule, role, number)
        if endpoint.act_done is None:
            continue
        acts += 1
        assert rule in endpoint.act_done.broken
        try:
            result = searched(recorded_of(endpoint))
        except TooManyPlacesError:
            continue
        assert result.conforms or result.broken, recorded_of(endpoint)
        if acts == 3:
            return
    pytest.fail(f"the moment came {acts} times")
