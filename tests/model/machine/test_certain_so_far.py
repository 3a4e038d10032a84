"""What is decided before everything is known is never taken back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.model.drawn import possible, setting_objects, states
from wsoracle.model.machine import interpreted
from wsoracle.model.machine.certain_so_far import (
    KNOWN_ALWAYS,
    KNOWN_WITH_HEADER,
    possibly,
    reasons_to_read,
    sure_failures,
    surely,
)
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.notation.expression import Expr, Op, Sort, Var, evaluate, ite, variables
from wsoracle.model.notation.variables import HEADER_VARIABLES, Event, EventKind, State
from wsoracle.model.rules import RULES

SEEN, UNSEEN = [Var("a"), Var("b")], [Var("x"), Var("y")]
NUMBERS = [Var("n", Sort.INT, 0, 3), Var("m", Sort.INT, 0, 3)]
KNOWN = {"a", "b", "n"}


def _expressions() -> st.SearchStrategy[Expr]:
    leaves: st.SearchStrategy[Expr] = st.sampled_from([*SEEN, *UNSEEN]) | st.builds(
        lambda op, number, value: Op(op, (number, (NUMBERS[0] + value))),
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        st.sampled_from(NUMBERS),
        st.integers(0, 3),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda e: ~e, inner),
            st.builds(lambda op, a, b: Op(op, (a, b)), st.sampled_from(["and", "or", "=="]), inner, inner),
            st.builds(ite, inner, inner, inner),
        ),
        max_leaves=8,
    )


@given(_expressions(), st.fixed_dictionaries({v.name: st.booleans() for v in [*SEEN, *UNSEEN]}), st.data())
def test_bounds_hold_for_every_value_of_the_unknown(
    guard: Expr, booleans: dict[str, bool], data: st.DataObject
) -> None:
    values = {**booleans, **{v.name: data.draw(st.integers(0, 3)) for v in NUMBERS}}
    lower, upper = surely(guard, KNOWN), possibly(guard, KNOWN)
    assert set(variables(lower)) | set(variables(upper)) <= KNOWN
    assert evaluate(lower, values) <= evaluate(guard, values) <= evaluate(upper, values)


@given(_expressions())
def test_where_all_is_known_nothing_changes(guard: Expr) -> None:
    everything = set(variables(guard))
    assert surely(guard, everything).key() == possibly(guard, everything).key()


@given(st.data())
@settings(max_examples=60)
def test_a_sure_failure_is_an_outcome_of_the_whole_frame(data: st.DataObject) -> None:
    setting, state = data.draw(setting_objects()), data.draw(states())
    frame = data.draw(possible(state, EventKind.RECEIVE))
    event = Event(EventKind.RECEIVE, frame)
    found = CompiledMachine(sure_failures(RULES), setting).canonical(state, event)
    if found is not None:
        whole = {outcome.label: outcome for outcome in interpreted.allowed(state, event, setting)}
        assert found.label.kind is Kind.FAIL
        assert whole[found.label].state == found.state
        assert set(found.rules) <= set(whole[found.label].rules)


@given(st.data())
@settings(max_examples=60)
def test_without_a_reason_to_read_a_frame_is_ignored(data: st.DataObject) -> None:
    setting, state = data.draw(setting_objects()), data.draw(states())
    event = Event(EventKind.RECEIVE, data.draw(possible(state, EventKind.RECEIVE)))
    for known in (KNOWN_ALWAYS, KNOWN_WITH_HEADER):
        if not CompiledMachine(reasons_to_read(RULES, known), setting).enabled(state, event):
            (outcome,) = interpreted.allowed(state, event, setting)
            assert outcome.label.kind is Kind.IGNORE
            assert outcome.state == state


def test_which_failures_a_header_settles() -> None:
    settled = {rule.id for rule in sure_failures(RULES)}
    assert {"10.4/message-too-big", "5.2/length-sign-bit", "5.5/long-control", "5.5.1/one-octet-body"} <= settled
    assert not settled & {"8.1/invalid-text", "8.1/fail-fast", "7.4.1/receive-code-1005"}
    for rule in sure_failures(RULES):
        assert set(variables(rule.when)) <= KNOWN_WITH_HEADER
        # A guard that needs no payload stays as it is.
        original = RULES.by_id[rule.id].when
        if set(variables(original)) <= KNOWN_WITH_HEADER:
            assert rule.when.key() == original.key()
    assert HEADER_VARIABLES < KNOWN_WITH_HEADER


def test_after_the_end_nothing_is_listened_to() -> None:
    reasons = reasons_to_read(RULES, KNOWN_ALWAYS)
    for state, listens in (
        (State(), True),
        (State(sent_close=True), True),
        (State(discarding=True, sent_close=True), True),
        (State(got_close=True), False),
        (State(failed=True), False),
        (State(peer_open=False), False),
    ):
        values = {**dict.fromkeys(KNOWN_ALWAYS, 0), "server": True, "limit": 1000, **state._asdict()}
        assert any(evaluate(rule.when, values) for rule in reasons) is listens
