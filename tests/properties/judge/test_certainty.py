"""An accusation is certain: of several explanations those rules are named that all of them break, or one of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.notation.rule import Strength
from wsoracle.model.notation.variables import Setting, State
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.explanation import Cost, Explanation, Place
from wsoracle.properties.judge.grading import verdict_on
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.observation import (
    Arrives,
    ArrivesEof,
    Asks,
    ClosesTcp,
    Observation,
    Processed,
    Quiet,
    Writes,
)
from wsoracle.properties.judge.verdict import PROFILES, Profile, Verdict, worst

KEY = b"\x01\x02\x03\x04"
NORMAL = b"\x03\xe8"

rules = st.frozensets(st.sampled_from("ABCD"))
costs = st.builds(Cost, *[st.integers(0, 2)] * len(Cost._fields))


@st.composite
def explanations(draw: st.DrawFn) -> Explanation:
    certain = draw(rules)
    blame = draw(st.integers(0, 3)), 0
    return Explanation(
        Place(State()), draw(costs), None, blame, certain, certain | draw(rules), draw(st.integers(0, 3))
    )


@given(explanations(), explanations())
def test_two_explanations_are_sure_of_what_both_are_sure_of(one: Explanation, other: Explanation) -> None:
    both = one.or_rather(other)
    assert both.cost == min(one.cost, other.cost)
    if one.cost != other.cost:
        assert both in (one, other)
    else:
        assert both.certain == one.certain & other.certain
        assert both.possible == one.possible | other.possible
    again = other.or_rather(one)
    assert (again.cost, again.certain, again.possible) == (both.cost, both.certain, both.possible)


@given(explanations(), explanations(), explanations())
def test_the_order_in_which_explanations_meet_means_nothing(a: Explanation, b: Explanation, c: Explanation) -> None:
    left, right = a.or_rather(b).or_rather(c), a.or_rather(b.or_rather(c))
    assert (left.cost, left.certain, left.possible) == (right.cost, right.certain, right.possible)


@given(costs, costs, st.sampled_from(PROFILES))
def test_the_lesser_cost_has_no_worse_verdict(one: Cost, other: Cost, profile: Profile) -> None:
    def verdict(cost: Cost) -> Verdict:
        decides = cost.decides(profile)
        broken = [Strength.APPLICATION] * (cost.application > 0) + ([] if decides is None else [decides])
        return verdict_on(broken, profile=profile)

    less, more = sorted((one, other))
    assert worst(verdict(less), verdict(more)) is verdict(more)


@given(st.sampled_from([strength for strength in Strength if strength.binds]), st.sampled_from(PROFILES))
def test_a_step_costs_what_its_verdict_says(strength: Strength, profile: Profile) -> None:
    application = strength is Strength.APPLICATION
    cost = Cost().plus(None if application else strength, application=application, profile=profile)
    decides = Strength.APPLICATION if application else cost.decides(profile)
    assert decides is strength and sum(cost) == 1


def test_a_close_may_have_been_an_answer_or_not() -> None:
    """A client of which nothing else is known: it answers a Close and drops TCP, or the two closed at once."""
    theirs = Arrives(encode(Frame(CLOSE, NORMAL)))
    ours = Writes(encode(Frame(CLOSE, NORMAL, key=KEY)))
    judgement = judge((theirs, ours, ClosesTcp(), Quiet()), Setting(Role.CLIENT, 1_000))
    assert judgement.verdict is Verdict.NON_STRICT
    assert judgement.one_of == judgement.rules == ("7.1.1/client-waits", "7.1.1/close-cleanly")


def test_an_application_may_close_while_a_frame_arrives_that_must_be_refused() -> None:
    """The two may have crossed; in a run, where the application is asked to echo, the Close is about the frame."""
    trace = Arrives(encode(Frame(3, key=KEY))), Writes(encode(Frame(CLOSE, b"\x03\xf0"))), ClosesTcp()
    echo = Setting(Role.SERVER, 1_000, True)
    crossed = judge(trace, echo, application="echo")
    assert (crossed.verdict, crossed.rules) == (Verdict.INFORMATIONAL, ())
    assert crossed.application == ("not an echo: the application closes by itself with Close 1008",)
    run = judge(trace, echo, application="echo", keeps_promise=True)
    assert (run.verdict, run.rules) == (Verdict.NON_STRICT, ("7.1.7/appropriate-code",))


@pytest.mark.parametrize("control", [PING, PONG])
@pytest.mark.parametrize(
    ("end", "verdict"), [([], Verdict.OK), ([ClosesTcp()], Verdict.NON_STRICT), ([Quiet()], Verdict.FAILED)]
)
def test_a_control_frame_does_not_show_that_a_bad_frame_was_overlooked_as_long_as_a_close_may_follow(
    control: int, end: list[Observation], verdict: Verdict
) -> None:
    bad, sent = encode(Frame(3, key=KEY)), encode(Frame(control, b"beat"))
    trace: list[Observation] = [Arrives(bad), Processed(), Writes(sent), *end]
    assert judge(trace, Setting(Role.SERVER, echo=True), application="echo").verdict is verdict


def test_silence_after_a_ping_and_a_frame_that_must_be_refused_is_one_fault() -> None:
    """It failed and did no more, which also bars the Pong: the frame and the Ping need not both be overlooked."""
    trace = Arrives(encode(Frame(PING, b"Hi", key=KEY)) + encode(Frame(CONTINUATION, key=KEY))), Quiet()
    judgement = judge(trace, Setting(Role.SERVER, 1_000))
    assert judgement.rules == ("7.1.7/server-tcp-close-owed", "7.1.7/close-frame-owed")
    alone = judge((Arrives(encode(Frame(CONTINUATION, key=KEY))), Quiet()), Setting(Role.SERVER, 1_000))
    assert alone.rules == ("5.4/continuation-without-message",)


def test_much_that_arrives_after_failing_does_not_hide_what_is_owed() -> None:
    """Each of the frames may be taken in all the same: too many explanations, but for those that cost no more than one
    which follows the rules up to the end."""
    bad = Arrives(encode(Frame(13)))
    whole = (encode(Frame(opcode, b"a")) for opcode in (TEXT, CONTINUATION, BINARY, PONG))
    after = Arrives(b"".join((*whole, encode(Frame(TEXT, b"a", fin=False))))), Quiet()
    trace = Asks("close"), Writes(encode(Frame(CLOSE, key=KEY))), bad, *after * 4, ArrivesEof(), Quiet()
    judgement = judge(trace, Setting(Role.CLIENT, None, True), application="echo")
    assert (judgement.verdict, judgement.rules) == (Verdict.FAILED, ("7.1.7/client-tcp-close-owed",))
