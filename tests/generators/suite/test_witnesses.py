"""Witnesses: every rule has one in every role that its guard leaves open, and each is a real and shortest run."""

from functools import lru_cache
from typing import Any

import pytest

from wsoracle.generators.mutants.world_starts import AGREEMENTS
from wsoracle.generators.suite.witnesses import (
    Unreached,
    Witness,
    WitnessStart,
    all_witnesses,
    default_setting,
    first_state,
    is_alone,
    known_values,
    witnesses,
)
from wsoracle.model.machine import interpreted
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.notation.expression import Const
from wsoracle.model.notation.rule import Level
from wsoracle.model.notation.variables import CONNECTING, LOST, EventKind, Setting, State
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES


def there() -> list[Witness]:
    """The witnesses of all rules."""
    return [found for found in all_witnesses().values() if isinstance(found, Witness)]


@lru_cache
def compiled(setting: Setting) -> CompiledMachine:
    return CompiledMachine(RULES, setting)


def test_every_rule_has_a_witness_in_some_role() -> None:
    assert {witness.rule.id for witness in there()} == set(RULES.by_id)
    assert len(all_witnesses()) == 2 * len(RULES)


def test_what_has_no_witness_belongs_to_the_other_role() -> None:
    unreached = [found for found in all_witnesses().values() if isinstance(found, Unreached)]
    assert unreached
    for found in unreached:
        assert found.proved
        reasons = [f"its guard excludes the {found.role}"]
        if found.rule.on.facts is not None and not found.rule.on.has_frame:
            does, what = found.rule.on.value.split("_")
            reasons.append(f"a {found.role} does not {does} a {what}")
        assert found.why in reasons


def test_histories_begin_where_they_are_shortest() -> None:
    for witness in there():
        firsts = AGREEMENTS if "recv_window" in witness.changes else (first_state(witness.rule),)
        claimed: dict[str, Any] = {name: True for name in witness.changes if name.startswith("claims_")}
        assert witness.start.state in [first._replace(**claimed) for first in firsts]
    assert first_state(RULES.by_id["5.5.2/ping"]) == State()
    assert first_state(RULES.by_id["4.2.1/get-only"]) == CONNECTING
    assert first_state(RULES.by_id["4.1/request-owed"]) == CONNECTING


def test_settings_of_the_handshake_are_found() -> None:
    by_changes = {witness.rule.id: witness.changes for witness in there()}
    assert by_changes["4.4/accept-valid"] == ("willing",)
    assert by_changes["4.1/send-origin"] == ("browser",)
    assert by_changes["4.2.1/may-refuse-http-1-0"] == ("switch_http_1_0",)


def test_a_refusal_that_is_a_step_further_but_alone_is_preferred() -> None:
    answered = all_witnesses()["4.1/answer-accept", Role.CLIENT]
    assert isinstance(answered, Witness)
    assert answered.alone
    assert [step.event.kind for step in answered.path] == [EventKind.SEND_REQUEST]


def test_a_witness_is_a_run_that_ends_at_its_rule() -> None:
    for witness in there():
        ends_at_its_rule(witness)


def ends_at_its_rule(witness: Witness) -> None:
    here = witness.start.state
    for step in witness.path:
        here = compiled(witness.setting).labels(here, step.event)[step.label]._replace(close_code=LOST)
    assert here == witness.state
    enabled = interpreted.enabled(RULES.at(witness.level), witness.setting, here, witness.event)
    assert witness.rule.id in {rule.id for rule in enabled}
    assert is_alone(witness.rule, enabled) is witness.alone


def test_witnesses_stay_near_the_default() -> None:
    by_changes = {witness.rule.id: witness.changes for witness in there()}
    assert by_changes["5.4/interleaved-message"] == ()
    assert by_changes["6.2/reply-owed"] == ("echo",)
    assert by_changes["10.4/message-too-big"] == ("limit",)
    assert len(by_changes["5.5.1/reply-before-close"]) == 2
    for witness in there():
        if not witness.changes:
            assert witness.setting == default_setting(witness.role)


def test_witnesses_are_short() -> None:
    """The farthest is a complete closing handshake and the peer's end of TCP away."""
    assert max(len(witness.path) for witness in there()) == 3
    first = all_witnesses()["5.2/reserved-bits", Role.SERVER]
    assert isinstance(first, Witness)
    assert first.path == ()
    assert first.alone
    assert first.event.frame is not None
    assert first.event.frame.masked


def test_no_rule_needs_a_departure_to_be_reached() -> None:
    assert [witness.rule.id for witness in there() if witness.level is not Level.FULL] == []


def test_a_refusal_that_is_not_alone_is_the_exception() -> None:
    crowded = {witness.rule.id for witness in there() if not witness.alone and witness.rule.refuses}
    # What is owed at all is owed soon; a reason that is no UTF-8 may be refused with either of two codes; and both RFCs
    # refuse RSV1 on a frame that no compressed message begins with. What refers to a context that is not kept refers to
    # octets that are not there.
    received = {rule_id for rule_id in crowded if RULES.by_id[rule_id].on not in (EventKind.SILENCE, EventKind.SEND)}
    assert received <= {"8.1/invalid-close-reason", "7692.6.1/mark-out-of-place"}
    assert len(crowded) <= 13


def test_a_dead_row_of_a_mutant_comes_out_as_unreachable() -> None:
    rule = RULES.by_id["5.5.2/ping"]
    found = witnesses(RULES.replacing(rule.id, when=rule.when & Const(False)), [rule.id])
    assert len(found) == 2
    for role in Role:
        dead = found[rule.id, role]
        assert isinstance(dead, Unreached)
        assert dead.proved


def test_an_unknown_rule_is_an_error() -> None:
    with pytest.raises(KeyError):
        witnesses(RULES, ["5.5.2/pnig"])


def test_constants_of_a_start_are_known() -> None:
    known = known_values(RULES, WitnessStart(Setting(Role.SERVER), State(claims_rsv1=True)))
    assert known["reply_due"] is False
    assert known["claims_rsv1"] is True
    assert known["recv_length"] == 0
    assert "sent_close" not in known
    assert "reply_due" not in known_values(RULES, WitnessStart(Setting(Role.SERVER, echo=True)))
