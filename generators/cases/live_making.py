"""From generated cases with their outcomes to live cases, which are stimuli that a tester can carry.

Witnesses of rules, faults in opening handshakes and killers of mutants are cases with their outcomes (`case`); what of
them is a stimulus becomes live cases, as octets of one role.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from wsoracle.model.facts.heads import SAMPLE_BODY, request_octets, response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.octets.vocabulary import TEXT, Frame, Role

from .case import Case, Ending
from .controls import must_be_answered, with_controls
from .live_case import Action, EndSending, LiveCase, SendFrame, SendHead, SendOctets, Settle
from .steps import Receive, ReceiveEof, ReceiveHead, ReceiveOctets, Send, head_to_json
from .steps import SendHead as SentHead
from .words import change_in_words, in_words

__all__ = ["live_case_of", "own_suite"]

LONG: Final = 1000
"""Octets of a payload from which on, if they are all the same, it is described."""

_KINDS: Final = {
    "witness": "Witnesses of rules",
    "mutant": "Killers of mutants",
    "fault": "Faults",
    "control": "Positive controls",
    "exploration": "Exploration",
}


def own_suite(cases: Iterable[Case]) -> tuple[LiveCase, ...]:
    """Those of the generated cases that a tester can carry, in the order of their ids, with controls.

    A case's own control can be one that a Close alone answers; what is told from outside needs a message or a Pong, or
    an endpoint that answers everything with a Close would pass. Such a control is left out, and the openings of each
    role get one that goes on with a message.
    """
    ordered = sorted(cases, key=lambda case: case.id)
    every = [(case, live_case_of(case)) for case in ordered if _can_be_told(case)]
    carried = [live for case, live in every if case.origin.kind != "control" or live.opening or must_be_answered(live)]
    by_role: list[LiveCase] = []
    for role in Role:
        here = [case for case in carried if case.roles == {role}]
        opened = [case for case in here if case.opening]
        plain = [case for case in here if not case.opening]
        control = _opening_control(role)
        by_role += with_controls(plain)
        by_role += [control, *(replace(case, control=control.id) for case in opened)]
    return tuple(sorted(by_role, key=lambda case: case.id))


def _can_be_told(case: Case) -> bool:
    """Whether a tester can carry a case and tell from outside what comes of it.

    Inside a frame it cannot: whoever waits there for the rest of the frame does nothing wrong.
    """
    inside_frame = case.ending is Ending.INSIDE_FRAME and not case.opening
    return case.judge_only is None and case.application == "echo" and not inside_frame


def _opening_control(role: Role) -> LiveCase:
    """A sound opening handshake, and then a message that is to be echoed."""
    request = RequestFacts()
    answer = response_octets(ResponseFacts(), sample_request(request))
    sound = request_octets(request) if role is Role.SERVER else answer
    actions = (SendHead(sound), Settle(), SendFrame(Frame(TEXT, b"Hello")))
    what = "request" if role is Role.SERVER else "answer"
    return LiveCase(
        f"control/{role}/opening-then-text",
        f"A sound {what}, then a text message",
        in_words(actions),
        ("Opening handshake", _KINDS["control"]),
        actions,
        frozenset((role,)),
        opening=True,
        seconds=15.0,
        origin="positive control",
    )


def live_case_of(case: Case) -> LiveCase:
    """The stimulus of a case. What arrives after something that the endpoint sends is sent when that has come."""
    actions: list[Action] = []
    for step in case.steps:
        match step:
            case Receive() | ReceiveOctets():
                actions.append(_sending(step, case.role))
            case ReceiveHead():
                actions.append(SendHead(step.octets + _body_of(step.facts)))
            case ReceiveEof():
                actions.append(EndSending())
            case Send() | SentHead() if actions:
                actions.append(Settle())
            case _:
                pass
    while actions and isinstance(actions[-1], Settle):
        actions.pop()
    rule = (case.origin.rule,) if case.origin.rule else ()
    rules = dict.fromkeys((*rule, *(rule for outcome in case.allowed for rule in outcome.rules)))
    return LiveCase(
        case.id,
        case.title,
        _stimulus(case, tuple(actions)),
        _group(case),
        tuple(actions),
        frozenset((case.role,)),
        None,
        case.opening,
        tuple(rules),
        seconds=15.0,
        origin=str(case.origin),
    )


def _sending(step: Receive | ReceiveOctets, role: Role) -> SendFrame | SendOctets:
    """A whole frame keeps its own key; one that lacks octets, or a key that it must have, is given as octets."""
    if isinstance(step, Receive) and step.whole and (role is Role.CLIENT or step.frame.key is not None):
        payload = step.frame.payload
        if len(payload) > LONG and len(set(payload)) == 1:
            return SendFrame(replace(step.frame, payload=payload[:1]), length=len(payload))
        return SendFrame(step.frame)
    return SendOctets(step.octets)


def _stimulus(case: Case, actions: tuple[Action, ...]) -> str:
    heads = [step for step in case.steps if isinstance(step, ReceiveHead)]
    words = [in_words(actions)] if len(actions) > len(heads) else []
    for head in heads:
        facts = head_to_json(head.facts)["facts"]
        unusual = "; ".join(change_in_words(name, value) for name, value in facts.items())
        name = "A request" if isinstance(head.facts, RequestFacts) else "An answer"
        words.append(f"{name} as usual" + (f", but: {unusual}." if unusual else "."))
    return " ".join(words)


def _body_of(facts: RequestFacts | ResponseFacts) -> bytes:
    """What a sample head announces: who reads a body is not to be kept waiting for it. A status below 200 has none."""
    has_body = facts.body and (isinstance(facts, RequestFacts) or facts.status >= 200)
    return SAMPLE_BODY if has_body else b""


def _group(case: Case) -> tuple[str, ...]:
    if case.opening:
        return ("Opening handshake", _KINDS[case.origin.kind])
    return (_KINDS[case.origin.kind],)
