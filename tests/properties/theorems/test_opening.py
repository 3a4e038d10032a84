"""The theorems on the opening handshake: they hold, a fault that is named refutes each, and the conditions that they
name are those by which the model decides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations, product
from typing import Any

import pytest

from wsoracle.generators.mutants.operators import mutants
from wsoracle.generators.mutants.vacuity import faults
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.interpreted import Kind, Outcome, canonical
from wsoracle.model.notation.expression import Const, Sort, Value, Var, evaluate
from wsoracle.model.notation.head_variables import (
    REQUEST_VARIABLES,
    RESPONSE_VARIABLES,
    RequestFacts,
    ResponseFacts,
    value_of,
)
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import (
    CONNECTING,
    HANDSHAKE,
    Event,
    EventKind,
    Setting,
    State,
    environment,
    possible,
)
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES
from wsoracle.properties.theorems.opening import (
    ACCEPTED,
    ANSWER,
    BEYOND_DISPUTE,
    CONDITIONS,
    OPEN,
    OPENING,
    REQUEST,
    RUNS,
    UNDISPUTED,
    HeadCondition,
)
from wsoracle.properties.theorems.theorem import ProofVerdict, Theorem, TheoremSubject

BY_NAME = {theorem.id.partition("/")[2]: theorem for theorem in OPENING}

FAULTS = [
    ("server-accepts-exactly-when", "4.2.1/connection~drop", "connection absent|connection without Upgrade"),
    ("server-accepts-exactly-when", "4.2.1/key~key-is-16-octets", "receive_request"),
    ("server-accepts-exactly-when", "4.2.1/sound-request~drop", "receive_request"),
    ("each-fault-of-a-request-is-enough", "4.2.1/get-only~drop", "method_get no"),
    ("no-other-reason-to-refuse", "4.2.1/host~without-host-is-repeated-or-invalid", "receive_request"),
    ("client-opens-exactly-when", "4.1/answer-accept~drop", "accept wrong|accept absent"),
    ("client-opens-exactly-when", "4.1/established~drop", "receive_response"),
    ("each-fault-of-an-answer-is-enough", "4.1/answer-upgrade~drop", "upgrade another|upgrade a list|upgrade absent"),
    ("no-other-reason-to-fail", "4.1/answer-accept~without-accept-is-absent-or-accept-is-wrong", "receive_response"),
    ("opened-by-101-alone", "4.1/other-status~undoes-handshake", "status [2-9]"),
    ("server-opens-after-a-sound-request", "4.2.2/nothing-to-accept~drop", r"send_response (?!.*status).* permit"),
    ("client-opens-after-its-request", "4.1/unasked-response~drop", "receive_response"),
    ("opened-with-the-right-accept", "4.1/answer-accept~drop", "accept wrong|accept absent"),
    ("opened-with-the-right-accept", "4.2.2/send-accept~drop", "accept wrong|accept absent"),
    ("no-subprotocol-that-was-not-offered", "4.1/answer-subprotocol~drop", "subprotocol not offered"),
    ("no-subprotocol-that-was-not-offered", "4.2.2/send-offered-subprotocol~drop", "subprotocol not offered"),
    ("no-extension-that-was-not-offered", "4.1/answer-extensions~drop", "extensions not offered"),
    ("no-extension-that-was-not-offered", "9.1/send-extensions~drop", "extensions not a list"),
    ("bits-are-those-agreed-on", "4.1/established~no-claims_rsv1", "defines_rsv1"),
    ("bits-are-those-agreed-on", "4.2.2/accept~claims_rsv3=not-defines_rsv3", "send_response"),
    ("open-is-for-ever", "6.1/send-text~sets-handshake", "send text"),
    ("no-frame-is-sent-before-open", "4.1/handshake-before-data~drop", r"send \w+ length"),
    ("no-message-before-open", "4.2.1/sound-request~undoes-handshake", "receive text|receive binary|receive cont"),
    ("client-waits-for-the-answer", "4.1/wait-for-response~drop", "send_request"),
    ("every-request-is-answered", "4.2.1/response-owed~drop", "silence"),
    ("answered-before-closing", "4.2.2/answer-before-closing~drop", "close_tcp"),
    ("faults-are-answered-with-an-error", "4.2.1/error-for-faulty~drop", "send_response"),
    ("faults-are-answered-with-an-error", "4.2.2/error-for-version~drop", "version another"),
    ("other-versions-are-told-ours", "4.4/name-versions~drop", "version another"),
    ("connecting-ends-with-tcp", "7.1.4/not-established~undoes-peer_open", "receive_eof"),
    ("client-fails-when-lost", "7.2.1/client-lost~no-failed", "receive_eof"),
    ("browsers-say-where-they-come-from", "4.1/send-origin~drop", "browser = yes"),
    ("handshake-leaves-no-trace", "4.2.1/sound-request~sets-sent_close", "sent_close = yes"),
]


@cache
def _mutants() -> dict[str, RuleSet]:
    return {mutant.id: mutant.rules for mutant in mutants()}


def with_fault(fault: str) -> RuleSet:
    """The rules with a mutant's fault, or with an effect too many."""
    rule_id, _, what = fault.partition("~")
    for word, values in (("undoes-", State()), ("sets-", State(sent_close=True, handshake=1))):
        if what.startswith(word):
            variable = what.removeprefix(word)
            then = RULES.by_id[rule_id].then
            extra = {variable: Const(getattr(values, variable))}
            return RULES.replacing(rule_id, then=replace(then, effects={**then.effects, **extra}))
    return _mutants()[fault]


@pytest.mark.parametrize(("name", "fault", "shown"), FAULTS)
def test_a_named_fault_refutes_it_and_shows(name: str, fault: str, shown: str) -> None:
    result = BY_NAME[name].check(TheoremSubject(rules=with_fault(fault)))
    assert result.verdict is ProofVerdict.REFUTED, result
    told = "\n".join(result.counterexample)
    assert re.search(shown, told), told


def test_no_theorem_is_without_a_named_fault() -> None:
    assert {name for name, _, _ in FAULTS} == set(BY_NAME)
    assert len(BY_NAME) == len(OPENING) == len(CONDITIONS) + len(RUNS)


@pytest.mark.parametrize("theorem", OPENING, ids=lambda t: str(t.id))
def test_the_faults_that_a_theorem_names_exist(theorem: Theorem) -> None:
    assert theorem.suspects
    assert {name.partition("~")[0] for name in theorem.suspects} <= set(RULES.by_id)
    named = [name for name in theorem.suspects if "~" in name]
    assert not named or next(iter(faults(theorem))).id == named[0]


@pytest.mark.parametrize(("name", "conditions"), [("each-fault-of-a-request-is-enough", REQUEST),
                                                  ("each-fault-of-an-answer-is-enough", ANSWER)])  # fmt: skip
def test_each_condition_has_a_head_that_breaks_it_alone(name: str, conditions: tuple[HeadCondition, ...]) -> None:
    witnesses = BY_NAME[name].check(TheoremSubject()).witnesses
    assert [w.partition(" Refused: ")[0] for w in witnesses] == [c.sentence for c in conditions]
    assert len(set(witnesses)) == len(conditions)


# --- the conditions, and what the model does ------------------------------------------------------------------------

STATUSES = (100, 101, 102, 199, 200, 299, 302, 400, 403, 999)
AWAITING = CONNECTING._replace(handshake=HANDSHAKE.index("awaiting 101"))


def _values(variable: Var) -> tuple[Value, ...]:
    if variable.name == "status":
        return STATUSES
    return tuple(range(variable.low, variable.high + 1)) if variable.sort is Sort.INT else (False, True)


def heads(sound: Any, variables: dict[str, Var], most: int = 2) -> Iterator[Any]:
    """Every head that differs from a sound one in at most so many facts, possible or not."""
    for count in range(most + 1):
        for names in combinations(variables, count):
            others = [[v for v in _values(variables[n]) if v != getattr(sound, n)] for n in names]
            for values in product(*others):
                yield sound._replace(**dict(zip(names, values, strict=True)))


def outcomes(
    role: Role, state: State, kind: EventKind, sound: Any, variables: dict[str, Var]
) -> Iterator[tuple[dict[str, Value], tuple[Outcome, ...]]]:
    """The variables and the outcomes of each possible head."""
    setting = Setting(role)
    machine = CompiledMachine(RULES, setting)
    for head in heads(sound, variables):
        values = environment(setting, state, head)
        if evaluate(possible(kind), values):
            yield values, machine.allowed(state, Event(kind, None, head))


def _hold(conditions: tuple[HeadCondition, ...], values: dict[str, Value]) -> bool:
    return all(evaluate(condition.holds, values) for condition in conditions)


@pytest.mark.parametrize("stage", ["not begun", "refused"])
def test_a_server_accepts_just_what_meets_the_conditions(stage: str) -> None:
    state = CONNECTING._replace(handshake=HANDSHAKE.index(stage))
    taken, refused = 0, 0
    for values, found in outcomes(
        Role.SERVER, state, EventKind.RECEIVE_REQUEST, RequestFacts(), dict(REQUEST_VARIABLES)
    ):
        may_accept = any(o.label.delivers == ACCEPTED for o in found)
        assert may_accept is _hold(REQUEST, values), values
        chosen = canonical(found)
        accepts = chosen.label.delivers == ACCEPTED
        assert accepts is evaluate(BEYOND_DISPUTE, values), values
        if accepts:
            assert HANDSHAKE[chosen.state.handshake] == "awaiting 101"
        taken, refused = taken + accepts, refused + (not may_accept)
    assert taken > 10 and refused > 300  # neither side of the equivalence is empty


def test_a_client_opens_just_for_what_meets_the_conditions() -> None:
    opened, failed = 0, 0
    for values, found in outcomes(
        Role.CLIENT, AWAITING, EventKind.RECEIVE_RESPONSE, ResponseFacts(), dict(RESPONSE_VARIABLES)
    ):
        may_open = any(o.label.delivers == OPEN for o in found)
        assert may_open is _hold(ANSWER, values), values
        chosen = canonical(found)
        opens = chosen.label.delivers == OPEN
        assert opens is evaluate(UNDISPUTED, values), values
        assert (chosen.state.handshake == 0) is opens
        fails = chosen.label.kind is Kind.FAIL
        assert fails is chosen.state.failed
        opened, failed = opened + opens, failed + fails
    assert opened > 5 and failed > 150


@pytest.mark.parametrize(("conditions", "sound"), [(REQUEST, RequestFacts()), (ANSWER, ResponseFacts())])
def test_a_sound_head_meets_all_and_each_is_broken_by_some_fact(
    conditions: tuple[HeadCondition, ...], sound: RequestFacts | ResponseFacts
) -> None:
    variables = dict(REQUEST_VARIABLES if isinstance(sound, RequestFacts) else RESPONSE_VARIABLES)
    assert _hold(conditions, sound._asdict())
    for condition in conditions:
        others = tuple(c for c in conditions if c is not condition)
        alone = [h for h in heads(sound, variables, 1) if _hold(others, h._asdict())]
        assert any(not evaluate(condition.holds, head._asdict()) for head in alone), condition.sentence


def test_what_is_beyond_dispute_meets_the_conditions_and_a_list_with_websocket_may_too() -> None:
    for head in heads(RequestFacts(), dict(REQUEST_VARIABLES)):
        if evaluate(BEYOND_DISPUTE, head._asdict()):
            assert _hold(REQUEST, head._asdict())
    listed = RequestFacts(upgrade=value_of("upgrade", "a list with websocket"))
    assert _hold(REQUEST, listed._asdict()) and not evaluate(BEYOND_DISPUTE, listed._asdict())
