"""Cases written by hand: spellings are sound, samples have one fault, and none is sent already under another id."""

from __future__ import annotations

import pytest

from wsoracle.generators.cases.canonical import must_be_answered
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.handwritten import handwritten
from wsoracle.generators.cases.handwritten.faulty_heads import faulty_heads
from wsoracle.generators.cases.handwritten.spellings import spellings
from wsoracle.generators.cases.runnable import catalogue_cases, generated_cases, runnable_cases
from wsoracle.generators.cases.steps import SendHead, with_accept
from wsoracle.model.facts.heads import SAMPLE_KEY, facts_of_request, facts_of_response, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.octets.http import HeadParser
from wsoracle.model.octets.vocabulary import Role


def facts(case: Case) -> RequestFacts | ResponseFacts:
    head = case.actions[0]
    assert isinstance(head, SendHead)
    reader = HeadParser(case.role)
    reader.feed(head.octets)
    assert reader.result is not None
    if case.role is Role.SERVER:
        return facts_of_request(reader.result)
    return facts_of_response(reader.result, sample_request(RequestFacts()))


def sound(role: Role) -> RequestFacts | ResponseFacts:
    return RequestFacts() if role is Role.SERVER else ResponseFacts()


@pytest.mark.parametrize("case", list(spellings()), ids=lambda case: case.id)
def test_a_spelling_has_the_facts_of_the_sound_head(case: Case) -> None:
    assert facts(case) == sound(case.role)


@pytest.mark.parametrize("case", list(faulty_heads()), ids=lambda case: case.id)
def test_a_sample_has_one_fault(case: Case) -> None:
    usual = sound(case.role)._asdict()
    assert len([name for name, value in facts(case)._asdict().items() if value != usual[name]]) == 1


def test_the_real_accept_value_takes_the_place_of_the_samples() -> None:
    for case in spellings():
        if case.role is Role.CLIENT:
            head = case.actions[0]
            assert isinstance(head, SendHead)
            other = sample_request(RequestFacts())
            assert with_accept(head.octets, other) == head.octets and SAMPLE_KEY in other.values("Sec-WebSocket-Key")


def test_none_is_sent_under_another_id_already() -> None:
    few = [case for case in (*catalogue_cases(), *generated_cases()) if len(case.actions) < 100]
    sent = {(role, case.opening, case.actions[:3]) for case in few for role in case.roles}
    mine = [(role, case.opening, case.actions) for case in handwritten() for role in case.roles]
    assert len(set(mine)) == len(mine)
    assert not [key for key in mine if key in sent]


def test_what_is_never_sent_costs_no_time_and_no_room() -> None:
    for case in handwritten():
        if "length-" in case.id:
            assert case.size == 1 and case.seconds == 15.0 and case.may_be_too_big


def test_controls_are_there_and_what_has_none_must_be_answered() -> None:
    ids = {case.id for case in runnable_cases()}
    assert all(case.control in ids if case.control else must_be_answered(case) for case in handwritten())
