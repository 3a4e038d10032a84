"""Our own cases: what the generated cases send, kept in a file that goes with the rules."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.generators.sample_cases import echo_text, end_of_tcp, reserved_bit, sample_cases, unfinished_frame
from wsoracle.generators.cases.canonical import agreed_in, must_be_answered
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.catalogue import catalogued
from wsoracle.generators.cases.compression import Compression, Wish
from wsoracle.generators.cases.controls import with_nearest_controls
from wsoracle.generators.cases.derived import judge_only
from wsoracle.generators.cases.file import FILE, read_suite, rules_digest, suite_text
from wsoracle.generators.cases.origin import Origin
from wsoracle.generators.cases.runnable import catalogue_cases, generated_cases, runnable_cases
from wsoracle.generators.cases.steps import EndSending, SendFrame, SendHead, SendOctets, Settle, octets_of
from wsoracle.generators.cases.stimulus import bursts
from wsoracle.generators.cases.tester_suite import each_stimulus_once, for_tester, suite_for_testers
from wsoracle.generators.suite.compressed_cases import compressed_cases
from wsoracle.generators.suite.fault_cases import fault_cases
from wsoracle.generators.suite.foreseen_ids import foreseen_ids
from wsoracle.model.endpoint.deflate import PermessageDeflate
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.events import PongReceived
from wsoracle.model.facts.heads import SAMPLE_BODY, facts_of_request, facts_of_response, sample_request
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.notation.head_variables import RequestFacts
from wsoracle.model.notation.variables import CONNECTING, HANDSHAKE, Event, EventKind, Setting
from wsoracle.model.octets.http import HeadParser, ParsedHead
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import BINARY, TEXT, Frame, Role
from wsoracle.model.rules import RULES

SAMPLES = sample_cases()
AWAITING = CONNECTING._replace(handshake=HANDSHAKE.index("awaiting 101"))


def test_the_catalogue_comes_first_and_ids_are_unique() -> None:
    every = runnable_cases()
    assert every[: len(catalogued())] == catalogue_cases()
    assert len({case.id.casefold() for case in every}) == len(every)
    assert [case.id for case in generated_cases()] == sorted(case.id for case in generated_cases())
    assert runnable_cases("Opening handshake", "UTF-8") == tuple(
        case for case in every if case.group[0] in ("Opening handshake", "UTF-8")
    )
    assert runnable_cases("nothing") == ()


def test_every_control_is_there_for_the_same_role_and_must_be_answered() -> None:
    every = {case.id: case for case in runnable_cases()}
    for case in every.values():
        if case.control is None:
            assert must_be_answered(case) or case.opening, case.id
            continue
        control = every[case.control]
        assert case.roles <= control.roles, case.id
        assert control.control is None
        assert control.opening is case.opening
        assert any(isinstance(action, SendFrame) for action in control.actions)


def heads_and_frames(case: Case, role: Role) -> Iterator[tuple[Event, str | None]]:
    """What arrives in a case, and what the rules would have the application told."""
    kind = EventKind.RECEIVE_REQUEST if role is Role.SERVER else EventKind.RECEIVE_RESPONSE
    for action in case.actions:
        if isinstance(action, SendHead):
            reader = HeadParser(role)
            reader.feed(action.octets)
            assert isinstance(reader.result, ParsedHead)
            sound = sample_request(RequestFacts())
            server = role is Role.SERVER
            facts = facts_of_request(reader.result) if server else facts_of_response(reader.result, sound)
            yield Event.of(kind, facts), "opening handshake" if server else "open"


def test_the_model_refuses_nothing_in_a_control() -> None:
    """Neither in those that are made as controls, nor in those that stand in for one."""
    named = {case.control for case in generated_cases()}
    controls = [case for case in generated_cases() if case.origin.kind == "control" or case.id in named]
    assert len(controls) > 10
    for case in controls:
        for role in case.roles:
            stage = CONNECTING if role is Role.SERVER else AWAITING
            machine = CompiledMachine(RULES, Setting(role))
            for event, delivers in heads_and_frames(case, role):
                chosen = machine.canonical(stage, event)
                assert chosen is not None and chosen.label.delivers == delivers, case.id
            frames = [action for action in case.actions if isinstance(action, SendFrame | SendOctets)]
            assert frames or case.opening, case.id
            agreed = agreed_in(case)
            extensions = () if agreed is None else (PermessageDeflate(role, agreed.parameters(role)),)
            reference = Endpoint(role, echo=True, extensions=extensions)
            for action in frames:
                reference.receive(octets_of(action, b"1234" if role is Role.SERVER else None))
            assert not reference.state.failed, case.id
            assert reference.octets_to_send() or not frames, f"{case.id} is not answered"


def test_of_a_request_that_announces_a_body_the_body_is_sent() -> None:
    announcing = [
        (case.id, action.octets)
        for case in generated_cases()
        for action in case.actions
        if isinstance(action, SendHead) and b"Content-Length: 6\r\n" in action.octets
    ]
    assert {role for case_id, _ in announcing for role in Role if f"/{role}" in case_id} == set(Role)
    for case_id, octets in announcing:
        body = octets.partition(b"\r\n\r\n")[2]
        assert len(body) == (0 if octets.startswith(b"HTTP/1.1 101") else 6), case_id
    sender = Endpoint(Role.SERVER, echo=True)
    assert [type(event) for event in sender.receive(SAMPLE_BODY)] == [PongReceived]
    assert not sender.octets_to_send()


def test_the_file_goes_with_the_rules() -> None:
    """Made anew by `wsoracle cases --suite --write generators/cases/data/suite.json`."""
    assert read_suite(FILE).rules == rules_digest()
    assert catalogue_cases() == with_nearest_controls(catalogued())
    assert suite_text(generated_cases(), catalogue_cases()) == FILE.read_text(encoding="utf-8")


def test_what_can_be_made_quickly_is_what_stands_in_the_file() -> None:
    kept = {case.id: case for case in generated_cases()}
    made = suite_for_testers((*fault_cases()[0], *compressed_cases()[0]))
    quick = {case.id for case in kept.values() if case.origin.kind in ("fault", "compression")}
    assert quick <= {case.id for case in made}
    for case in made:
        # A case of the file may be about the rules of others with the same stimulus too.
        assert set(case.quotes) <= set(kept[case.id].quotes)
        assert replace(kept[case.id], quotes=case.quotes) == case, case.id


def test_no_generated_stimulus_stands_under_two_ids() -> None:
    generated = generated_cases()
    stimuli = {(role, case.opening, case.compression, case.actions) for case in generated for role in case.roles}
    assert len(stimuli) == sum(len(case.roles) for case in generated)


def test_of_two_cases_with_one_stimulus_one_is_about_the_rules_of_both() -> None:
    fault = replace(for_tester(reserved_bit()), id="fault/a", origin=Origin("fault"), quotes=("5.2/x", "5.2/y"))
    witness = replace(fault, id="witness/b", origin=Origin("witness", rule="5.2/z"), quotes=("5.2/z", "5.2/y"))
    other = replace(witness, id="witness/c", opening=True)
    assert each_stimulus_once([witness, other, fault]) == [replace(fault, quotes=("5.2/x", "5.2/y", "5.2/z")), other]


def test_the_id_of_every_case_but_a_control_is_foreseen() -> None:
    assert {case.id for case in generated_cases() if case.origin.kind != "control"} <= set(foreseen_ids())


def test_every_kind_of_generated_case_is_there_for_both_roles() -> None:
    for role in Role:
        kinds = {case.id.partition("/")[0] for case in generated_cases() if role in case.roles}
        assert kinds == {"compression", "control", "fault", "mutant", "witness"}


@pytest.mark.parametrize("case", SAMPLES, ids=lambda case: str(case.id))
def test_a_live_case_sends_what_the_case_sends(case: Case) -> None:
    live = for_tester(case)
    key = b"1234" if case.role is Role.SERVER else None
    sent = b"".join(a.octets if isinstance(a, SendHead) else octets_of(a, key)
                    for a in live.actions if not isinstance(a, Settle | EndSending))  # fmt: skip
    assert sent == case.octets
    assert live.roles == {case.role}
    assert any(isinstance(action, EndSending) for action in live.actions) is case.half_closes
    assert sum(isinstance(action, Settle) for action in live.actions) == max(0, len(bursts(case)) - 1)
    assert live.opening is case.opening


def test_what_no_tester_can_carry_is_left_out() -> None:
    carried = {case.id for case in suite_for_testers(SAMPLES)}
    assert {echo_text().id, reserved_bit().id, end_of_tcp().id} <= carried
    assert not {case.id for case in SAMPLES if judge_only(case) is not None} & carried
    assert unfinished_frame().id not in carried  # to wait for the rest of a frame is no fault


# --- the file


FRAMES = st.builds(
    Frame,
    opcode=st.integers(0, 15),
    payload=st.binary(max_size=20),
    fin=st.booleans(),
    rsv1=st.booleans(),
    key=st.none() | st.binary(min_size=4, max_size=4),
    form=st.none() | st.just(2),
)
ACTIONS = st.one_of(
    st.builds(SendFrame, FRAMES),
    st.builds(lambda n: SendFrame(Frame(TEXT, b"a"), length=n), st.integers(1, 1 << 40)),
    st.builds(SendOctets, st.binary(min_size=1, max_size=20)),
    st.builds(lambda head, n: SendHead(head + b"x" * n), st.binary(max_size=20), st.integers(0, 300)),
    st.just(Settle()),
    st.just(EndSending()),
)


WISHES = st.builds(Wish, st.booleans(), st.none() | st.integers(8, 15))
COMPRESSIONS = st.builds(lambda asked, own: Compression((asked,), own=own), WISHES, WISHES)


@given(
    st.lists(ACTIONS, max_size=5),
    st.booleans(),
    st.sampled_from(list(Role)),
    st.none() | st.just("a/b"),
    st.none() | COMPRESSIONS,
)
def test_a_file_gives_back_its_cases(
    actions: list[SendFrame | Settle], opening: bool, role: Role, control: str | None, compression: Compression | None
) -> None:
    case = Case(
        "a/x",
        "t\u00f6",
        "s",
        ("g",),
        tuple(actions),
        frozenset((role,)),
        control,
        opening,
        ("1.1/x",),
        seconds=2.5,
        origin=Origin("mutant", mutant="m"),
        compression=compression,
    )
    text = suite_text([case], ())
    assert json.loads(text)["cases"][0]["id"] == "a/x"
    assert _read(text) == (case,)


def _read(text: str) -> tuple[Case, ...]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "suite.json"
        path.write_text(text, encoding="utf-8")
        return read_suite(path).cases


@pytest.mark.parametrize(
    "text", ["{}", '{"format": "x"}', '{"format": "wsoracle-suite", "version": 1, "rules": "", "cases": []}', "no"]
)
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "suite.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError):
        read_suite(path)


@given(st.binary(max_size=50), st.integers(1, 10), st.integers(0, 40), st.binary(min_size=4, max_size=4))
def test_a_long_payload_is_its_pattern_again_and_again(pattern: bytes, times: int, cut: int, key: bytes) -> None:
    length = max(0, len(pattern) * times - cut) if pattern else 0
    if not pattern:
        return
    action = SendFrame(Frame(BINARY, pattern), length=length)
    assert action.size == length
    assert action.written.payload == (pattern * times)[:length]
    assert octets_of(action, key)[-length:] == mask(action.written.payload, key)[-length:] or not length
