"""What is expected in cases is what the judge says; an endpoint that does nothing right passes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.expected.expectations import autobahn_shape
from wsoracle.expected.expectations import expectations as worked_out
from wsoracle.expected.frame_candidates import frame_candidates
from wsoracle.generators.cases.canonical import (
    agreed_in,
    canonical_run,
    is_scaled,
    key_for,
    masked_close,
    must_be_answered,
    reduced,
    written_close,
)
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.catalogue import catalogued
from wsoracle.generators.cases.runnable import generated_cases, runnable_cases
from wsoracle.generators.cases.steps import Action, EndSending, SendFrame, SendHead, Settle, octets_of
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.facts.frames import facts_of_header
from wsoracle.model.notation.expression import Const, Expr, subterms
from wsoracle.model.notation.variables import LARGEST_LENGTH, FrameFacts, Setting
from wsoracle.model.octets.frames import decode_header, encode
from wsoracle.model.octets.units import frames_in
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.observation import Arrives, ArrivesEof, ClosesTcp, Observation, Quiet, Writes
from wsoracle.properties.judge.verdict import PROFILES, Profile, Verdict

BY_ID = {case.id: case for case in runnable_cases()}
PASSED = (Verdict.OK, Verdict.NON_STRICT)
SOME = {Role.SERVER: 3, Role.CLIENT: 7}
"""Of the cases for a role every so many are taken: the same in each test, since what is expected is worked out once."""

expectations = cache(worked_out)


def plain(role: Role, some: int = 1) -> list[Case]:
    """The cases after an opening handshake for a role, every so many."""
    return [case for case in BY_ID.values() if not case.opening and role in case.roles][::some]


def must_answer(case: Case, role: Role) -> bool:
    """Whether each endpoint that does nothing wrong in a case sends a message or a Pong."""
    fine = [one for one in expectations(case, role) if one.verdict in PASSED]
    return bool(fine) and all(one.events for one in fine)


def words(case_id: str, role: Role = Role.SERVER, *verdicts: Verdict) -> list[str]:
    return [one.what for one in expectations(BY_ID[case_id], role) if one.verdict in (verdicts or PASSED)]


# --- what is expected


@pytest.mark.parametrize("role", list(Role))
def test_who_must_answer_is_who_has_no_control(role: Role) -> None:
    """What the canonical endpoint does decides as the judge does about all that one can think of."""
    for case in plain(role, SOME[role]):
        assert must_answer(case, role) is must_be_answered(case) is (case.control is None), case.id


@pytest.mark.parametrize("role", list(Role))
def test_what_a_conforming_endpoint_does_comes_first_and_is_right(role: Role) -> None:
    for case in plain(role, SOME[role]):
        first = next(frame_candidates(reduced(case), role, scaled=is_scaled(case), agreed=agreed_in(case)))
        best = expectations(case, role)[0]
        assert (best.verdict, best.candidate) == (Verdict.OK, first), case.id
        assert set(first.codes) <= set(best.codes)


def test_in_the_words_of_the_case_that_everybody_knows() -> None:
    assert words("4.2.4")[:2] == [
        "text message 'Hello, world!'; then fails the connection: Close 1002",
        "no answer; then fails the connection: Close 1002",
    ]
    assert any("closes TCP without a Close" in one for one in words("4.2.4", Role.CLIENT, Verdict.NON_STRICT))
    found = expectations(BY_ID["4.2.4"], Role.SERVER, failed=True)
    assert any("fault overlooked" in one.what and one.verdict is Verdict.FAILED for one in found)
    assert all(one.rules and set(one.rules) <= set(RULES.by_id) for one in found)
    order = list(Verdict)
    assert [one.verdict for one in found] == sorted((one.verdict for one in found), key=order.index)


def test_only_the_latest_of_ten_pings_need_be_answered() -> None:
    assert [len(one.events) for one in expectations(BY_ID["2.10"], Role.SERVER)] == [10, 1]


def test_early_and_late_failures_are_both_right() -> None:
    assert words("6.4.1", Role.SERVER, Verdict.OK) == [
        "fails the connection: Close 1007",
        "after all was sent; then fails the connection: Close 1007",
    ]


def test_the_profile_decides_about_what_the_rfc_leaves_open() -> None:
    """A Close with 1004 may be answered with it; TCP ended without a Close is against a SHOULD and the consensus."""

    def ended(profile: Profile, words: str) -> list[Verdict]:
        found = expectations(BY_ID["7.9.3"], Role.SERVER, profile, failed=True)
        return [one.verdict for one in found if one.candidate.ending == words]

    assert [ended(profile, "close") for profile in PROFILES] == [[Verdict.OK], [Verdict.OK]]
    assert [ended(profile, "drop") for profile in PROFILES] == [[Verdict.NON_STRICT], [Verdict.INFORMATIONAL]]
    assert all(1004 in expectations(BY_ID["7.9.3"], Role.SERVER, profile)[0].codes for profile in PROFILES)


def test_the_shape_of_the_autobahn() -> None:
    expected, close = autobahn_shape(BY_ID["3.2"], Role.SERVER)
    assert expected == {"OK": [["message", "Hello, world!", False]], "NON-STRICT": []}
    assert close == {"closedByMe": False, "closeCode": [1002], "requireClean": False}
    expected, close = autobahn_shape(BY_ID["2.3"], Role.CLIENT)
    assert expected == {"OK": [["pong", "0x00fffefdfcfb00ff"]]}
    assert close["closedByMe"] and close["requireClean"] and 1000 in close["closeCode"]
    assert autobahn_shape(BY_ID["9.1.6"], Role.SERVER)[0] == {}
    assert autobahn_shape(BY_ID["control/server/opening-then-text"], Role.SERVER)[0] == {}


def test_a_case_for_the_other_role_expects_nothing() -> None:
    assert expectations(BY_ID["control/server/opening-then-text"], Role.CLIENT) == ()


# --- opening handshakes


@pytest.mark.parametrize("role", list(Role))
def test_openings_have_something_right_and_something_wrong(role: Role) -> None:
    for case in generated_cases():
        if case.opening and role in case.roles:
            found = expectations(case, role, failed=True)
            assert found[0].verdict is Verdict.OK, case.id
            if SendHead in map(type, case.actions):
                assert any(one.verdict in (Verdict.FAILED, Verdict.NON_STRICT) for one in found), case.id
            assert must_answer(case, role) or case.control is not None, case.id


def test_a_refused_opening_in_words() -> None:
    case = BY_ID["fault/server/version-13-and-more"]
    found = [(one.verdict, one.what) for one in expectations(case, Role.SERVER, failed=True)]
    assert found[0] == (Verdict.OK, "answers with 400, 403, 404, 426 or 500")
    assert (Verdict.FAILED, "completes the opening handshake: 101") in found
    assert (Verdict.FAILED, "does not answer") in found


# --- a smaller stimulus is judged like the whole


def test_lengths_that_stand_for_longer_ones_are_alike_for_rules() -> None:
    """No rule has a constant between the two lengths, but for the limit, which is out of reach."""
    for case in catalogued():
        if not is_scaled(case):
            continue
        small = {id(a): a for a in reduced(case) if isinstance(a, SendFrame)}.values()
        whole = {id(a): a for a in case.actions if isinstance(a, SendFrame)}.values()
        assert len(small) == len(whole), case.id
        for one, other in zip(small, whole, strict=True):
            facts = [_facts(action) for action in (one, other)]
            assert facts[0]._replace(length=0) == facts[1]._replace(length=0)
            assert (one.size == other.size) or min(one.size, other.size) >= 65536
    constants = {number for rule in RULES for number in _numbers(rule.when) if 65536 < number < 1 << 32}
    assert constants <= {2**31}


def _facts(action: SendFrame) -> FrameFacts:
    header = decode_header(octets_of(SendFrame(action.frame, length=min(action.size, 1 << 20)), None))
    assert header is not None
    return facts_of_header(header[0])


def _numbers(expression: Expr) -> Iterable[int]:
    return [term.value for term in subterms(expression) if isinstance(term, Const) and type(term.value) is int]


@pytest.mark.parametrize("role", list(Role))
def test_repetitions_that_are_left_out_change_no_state(role: Role) -> None:
    """After its second time, what is done again and again leaves the endpoint as it was."""
    for case in catalogued():
        if not is_scaled(case) or (case.id[:4] in ("9.3.", "9.4.") and case.id[-1] not in "19"):
            continue
        states = []
        endpoint = Endpoint(role, limit=LARGEST_LENGTH, echo=True)
        for action in reduced(case):
            if isinstance(action, SendFrame):
                endpoint.receive(octets_of(action, key_for(role)))
                endpoint.octets_to_send()
                states.append(endpoint.state._replace(recv_length=0))
        middle = states[:-1] if len(states) > 2 else states
        assert len(set(middle)) <= 2, case.id


# --- who does nothing right


Degenerate = Callable[[Case, Role], Sequence[Observation]]


def hangs_up(case: Case, role: Role) -> Sequence[Observation]:
    return [*arriving(case, role), ClosesTcp()]


def says_nothing(case: Case, role: Role) -> Sequence[Observation]:
    return [*arriving(case, role), Quiet()]


def closes_everything(case: Case, role: Role) -> Sequence[Observation]:
    arrives = arriving(case, role)[:1]
    end = [ArrivesEof()] if role is Role.CLIENT and arrives != [ArrivesEof()] else []
    return [*arrives, Writes(written_close(role, 1002)), *end, ClosesTcp()]


def echoes_everything(case: Case, role: Role) -> Sequence[Observation]:
    """Whatever comes is sent back, a Ping as Pong."""
    octets, eof = stimulus(case, role)
    frames, _ = frames_in(octets)
    trace: list[Observation] = [Arrives(octets)] if octets else []
    key = b"abcd" if role is Role.CLIENT else None
    closed = False
    for frame in frames:
        opcode = PONG if frame.header.opcode == PING else frame.header.opcode
        if opcode == PONG and frame.header.opcode == PONG:
            continue
        header = frame.header
        back = Frame(opcode, frame.payload, header.fin, header.rsv1, header.rsv2, header.rsv3, key)
        trace.append(Writes(encode(back)))
        closed = closed or opcode == CLOSE
    if eof:
        return [*trace, ArrivesEof(), ClosesTcp()]
    if not closed and not canonical_run(reduced(case), role, agreed=agreed_in(case)).boundary:
        return [*trace, Quiet()]
    if not closed:
        trace += [Quiet(), Arrives(masked_close(role, 1000)), Writes(written_close(role, 1000))]
    return [*trace, *([ArrivesEof()] if role is Role.CLIENT else []), ClosesTcp()]


def stimulus(case: Case, role: Role) -> tuple[bytes, bool]:
    actions = reduced(case)
    return b"".join(canonical_run(actions, role, agreed=agreed_in(case)).octets), any(
        isinstance(one, EndSending) for one in actions
    )


def arriving(case: Case, role: Role) -> list[Observation]:
    octets, eof = stimulus(case, role)
    return [*([Arrives(octets)] if octets else []), *([ArrivesEof()] if eof else [])]


@lru_cache(maxsize=4000)
def good(case_id: str, role: Role, degenerate: Degenerate) -> bool:
    """Whether a verdict would be a pass, its control left aside."""
    setting = Setting(role, LARGEST_LENGTH, echo=True)
    agreed = agreed_in(BY_ID[case_id])
    start = None if agreed is None else agreed.state
    return judge(degenerate(BY_ID[case_id], role), setting, start=start, application="echo").verdict in PASSED


def must_fail(case: Case, role: Role) -> bool:
    """Whether a rule that binds makes the endpoint fail the connection."""
    if canonical_run(reduced(case), role, agreed=agreed_in(case)).failed is None:
        return False
    return any(RULES.by_id[rule].strength.binds for rule in expectations(case, role)[0].rules)


def ends_with_pong(case: Case) -> bool:
    """The last frame is a Pong, after which an echo is silent: a fault of it shows only in the code of the Close, which
    a SHOULD is about."""
    return [action.frame.opcode for action in case.actions if isinstance(action, SendFrame)][-1:] == [PONG]


def passes(case: Case, role: Role, degenerate: Degenerate) -> bool:
    return good(case.id, role, degenerate) and (case.control is None or good(case.control, role, degenerate))


@pytest.mark.parametrize("degenerate", [hangs_up, says_nothing, closes_everything])
@pytest.mark.parametrize("role", list(Role))
def test_who_never_answers_passes_nothing(role: Role, degenerate: Degenerate) -> None:
    every = plain(role, 2 if role is Role.SERVER else 7)
    assert [case.id for case in every if passes(case, role, degenerate)] == []


def test_without_controls_who_never_answers_would_pass() -> None:
    some = [case for case in plain(Role.SERVER, 3) if case.control is not None]
    for degenerate in (hangs_up, closes_everything):
        assert any(good(case.id, Role.SERVER, degenerate) for case in some), degenerate.__name__


@pytest.mark.parametrize("role", list(Role))
def test_who_echoes_without_checking_passes_no_negative_case(role: Role) -> None:
    negative = [case for case in plain(role, SOME[role]) if must_fail(case, role) and not ends_with_pong(case)]
    if role is Role.CLIENT:  # inside a frame an echo is silent, as a client that has failed may be (7.1.1)
        negative = [case for case in negative if canonical_run(reduced(case), role, agreed=agreed_in(case)).boundary]
    assert len(negative) > 10
    assert [case.id for case in negative if passes(case, role, echoes_everything)] == []
    assert good("1.1.2", role, echoes_everything)


# --- behaviours of any stimulus


FRAMES = st.builds(
    Frame,
    opcode=st.sampled_from([CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG, 3, 11]),
    payload=st.sampled_from([b"", b"a", b"\xff", b"\x03\xe8", b"\xc3"]),
    fin=st.booleans(),
    rsv1=st.sampled_from([False, False, True]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(FRAMES, min_size=1, max_size=3), st.sampled_from(list(Role)), st.integers(0, 3))
def test_what_a_conforming_endpoint_does_is_right_in_any_case(frames: list[Frame], role: Role, pause: int) -> None:
    actions: list[Action] = [SendFrame(frame) for frame in frames]
    with_pause = (*actions[:pause], Settle(), *actions[pause:])
    found = list(frame_candidates(with_pause, role))
    judgement = judge(found[0].trace, Setting(role, LARGEST_LENGTH, echo=True), application="echo")
    assert judgement.verdict is Verdict.OK, judgement
    assert len(set(found)) == len(found)
