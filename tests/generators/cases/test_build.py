"""Cases built from histories: the canonical endpoint shows one of the allowed outcomes, a hang-up none."""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from dataclasses import replace

import pytest

from tests.frames_read import frames_read
from tests.generators.seen import seen_of
from wsoracle.generators.cases.build import build_case
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.derived import check_suite, judge_only, negative
from wsoracle.generators.cases.origin import Origin
from wsoracle.generators.cases.outcome import ANY_CODE, ReactionKind, SeenClose, SeenEvent, SeenResponse, Verdict
from wsoracle.generators.cases.realised_history import CannotBuildError, CaseHistory
from wsoracle.generators.cases.steps import EndpointSendsHead, SendHead
from wsoracle.generators.cases.stimulus import bursts
from wsoracle.generators.suite.fault_cases import fault_cases
from wsoracle.generators.suite.witness_cases import witness_cases
from wsoracle.model.endpoint.deflate import DeflateOffer
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.handshake_client import ClientOpening
from wsoracle.model.endpoint.handshake_server import ServerOpening
from wsoracle.model.facts.heads import SAMPLE_KEY
from wsoracle.model.notation.variables import Event, EventKind, FrameFacts, Setting
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role

OPENINGS: dict[Role, ServerOpening | ClientOpening] = {
    Role.SERVER: ServerOpening(subprotocols=("chat",)),
    Role.CLIENT: ClientOpening(
        "ws://server.example.com/chat", subprotocols=("chat", "superchat"), nonce=lambda: b64decode(SAMPLE_KEY)
    ),
}
"""What the samples in cases are about."""


def runnable() -> list[Case]:
    """The cases of witnesses that an endpoint can be run on."""
    return [case for case in witness_cases()[0] if judge_only(case) is None]


def test_every_rule_and_role_has_a_case_or_a_reason() -> None:
    cases, left_out = witness_cases()
    check_suite(cases)
    assert len([c for c in cases if c.origin.kind == "witness"]) + len(left_out) >= 222
    assert all(left.why for left in left_out)


def test_the_canonical_endpoint_shows_an_allowed_outcome_of_each_witness() -> None:
    for case in runnable():
        shows_an_allowed_outcome(case)


def shows_an_allowed_outcome(case: Case) -> None:
    opening = _opening(case) if case.opening else None
    endpoint = Endpoint(case.role, echo=True, switches=case.switches, opening=opening)
    sent = endpoint.octets_to_send()
    for burst in bursts(case):
        for chunk in burst.chunks:
            endpoint.receive(chunk)
            sent += endpoint.octets_to_send()
    if case.half_closes:
        endpoint.receive_eof()
        sent += endpoint.octets_to_send()
    found = seen_of(sent, closed=endpoint.wants_tcp_close or not endpoint.state.tcp_open, opening=case.opening)
    good = [o for o in case.allowed if o.verdict() is Verdict.OK and o.observable is not None]
    assert any(_same(found, outcome.observable or ()) for outcome in good), (
        case.id,
        found,
        [o.observable for o in good],
    )


def _opening(case: Case) -> ServerOpening | ClientOpening:
    """How an endpoint opens that takes permessage-deflate in the cases that are about it."""
    opening = OPENINGS[case.role]
    heads = [step for step in case.steps if isinstance(step, EndpointSendsHead | SendHead)]
    return (
        replace(opening, extensions=(DeflateOffer(),))
        if any(b"permessage-deflate" in h.octets for h in heads)
        else opening
    )


def _same(found: tuple[SeenEvent, ...], wanted: tuple[SeenEvent, ...]) -> bool:
    if len(found) < len(wanted) or len(found) > len(wanted) + 1:
        return False
    return all(f == w or _fits(f, w) for f, w in zip(found, wanted, strict=False))


def _fits(found: SeenEvent, wanted: SeenEvent) -> bool:
    if isinstance(found, SeenResponse) and isinstance(wanted, SeenResponse):
        least = {"error": 400, "not 101": 200}.get(str(wanted.status), 0)
        assert isinstance(found.status, int)
        return (
            least <= found.status and (least > 0 or found.status == wanted.status) and found.versions >= wanted.versions
        )
    return isinstance(found, SeenClose) and isinstance(wanted, SeenClose) and wanted.code == ANY_CODE


def test_faults_are_shown_by_the_canonical_endpoint() -> None:
    cases, left = fault_cases()
    check_suite(cases)
    assert not left
    assert Counter(case.role for case in cases if case.origin.kind == "fault").keys() == set(Role)
    for case in cases:
        shows_an_allowed_outcome(case)


def test_only_pairs_of_faults_that_make_a_difference_are_cases() -> None:
    ids = {case.id for case in fault_cases()[0]}
    assert "fault/server/version-another+host-absent" in ids or "fault/server/host-absent+version-another" in ids
    assert not any(name.startswith("fault/server/key-absent+host-absent") for name in ids)
    assert "fault/client/accept-wrong" in ids


def test_a_hang_up_shows_no_positive_case_and_negative_cases_have_controls() -> None:
    for case in runnable():
        if not negative(case):
            assert not any(
                o.observable is not None and len(o.observable) == 1 and o.verdict() is Verdict.OK and not o.stays_open
                for o in case.allowed
                if o.reaction is ReactionKind.ACCEPT and o.delivers in ("text message", "binary message", "ping")
                and o.code is None and not case.sends_close and not case.half_closes
                and all(type(s).__name__ == "SeenTcpClosed" for s in o.observable or ())
            )  # fmt: skip
    counted = Counter(negative(case) for case in runnable())
    assert counted[True] > 20
    assert counted[False] > 20


def test_two_pings_and_a_message_may_be_answered_in_several_orders() -> None:
    def ping(length: int) -> FrameFacts:
        return FrameFacts(PING, masked=True, length=length)

    setting = Setting(Role.SERVER)
    from wsoracle.model.machine.interpreted import Kind, Label

    receive = EventKind.RECEIVE
    scenario = CaseHistory(
        setting,
        Event(receive, FrameFacts(TEXT, masked=True, length=3)),
        tuple((Event(receive, ping(n)), Label(Kind.ACCEPT, delivers="ping")) for n in (1, 2)),
    )
    (case,) = build_case("witness/two-pings/server", Origin("control"), "Two Pings and a message", scenario)
    accepted = [o for o in case.allowed if o.reaction is ReactionKind.ACCEPT]
    assert len(accepted) == 3 + 2


def test_what_cannot_be_sent_is_refused() -> None:
    facts = FrameFacts(BINARY, masked=True, form=2, length=2**40)
    setting = Setting(Role.SERVER)
    from wsoracle.model.machine.interpreted import Kind, Label

    first = (Event(EventKind.RECEIVE, facts), Label(Kind.ACCEPT, delivers="binary message"))
    scenario = CaseHistory(setting, Event(EventKind.RECEIVE, FrameFacts(CONTINUATION, masked=True)), (first,))
    with pytest.raises(CannotBuildError, match="never completed"):
        build_case("witness/long/server", Origin("control"), "Too long", scenario)


def test_octets_are_told_as_what_is_seen() -> None:
    from wsoracle.model.octets.frames import encode

    octets = b"".join(
        encode(f)
        for f in (
            Frame(TEXT, b"a", fin=False),
            Frame(PONG, b"p"),
            Frame(CONTINUATION, b"b"),
            Frame(CLOSE, b"\x03\xe8"),
        )
    )
    assert len(frames_read(octets)) == 4
    names = [type(s).__name__ for s in seen_of(octets, closed=True)]
    assert names == ["SeenPong", "SeenMessage", "SeenClose", "SeenTcpClosed"]
