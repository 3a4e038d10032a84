"""The case format: what a case says of itself, what follows from it, and what it refuses."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.frames_read import frames_read
from tests.generators.sample_cases import (
    accepted,
    bad_close,
    closing,
    echo_text,
    end_of_tcp,
    fragments_around_ping,
    frame,
    huge_frame,
    refused,
    reserved_bit,
    sample_cases,
    silent_after_ping,
    two_messages,
    unfinished_frame,
    unfinished_message,
)
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.case_json import case_from_json, case_to_json
from wsoracle.generators.cases.derived import (
    acceptable,
    check_suite,
    checked,
    expected,
    expected_close,
    judge_only,
    negative,
    with_controls,
)
from wsoracle.generators.cases.origin import Origin
from wsoracle.generators.cases.outcome import (
    AllowedOutcome,
    Departure,
    ReactionKind,
    SeenClose,
    SeenMessage,
    SeenPong,
    SeenTcpClosed,
    Verdict,
    seen_from_json,
)
from wsoracle.generators.cases.step_json import step_from_json, step_to_json
from wsoracle.generators.cases.steps import (
    EndpointIsSilent,
    EndpointSends,
    EndSending,
    SendFrame,
    SendOctets,
    unfinished,
)
from wsoracle.generators.cases.stimulus import StreamEnd, bursts, stream_end
from wsoracle.model.notation.rule import Strength
from wsoracle.model.notation.switches import Switches
from wsoracle.model.octets.vocabulary import PONG, TEXT, Frame, Role

CASES = sample_cases()
IDS = [case.id for case in CASES]


# --- JSON


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_case_comes_back_from_its_json(case: Case) -> None:
    text = json.dumps(case_to_json(case))
    assert case_from_json(json.loads(text)) == case


frames = st.builds(
    Frame,
    opcode=st.integers(0, 15),
    payload=st.binary(max_size=125),
    fin=st.booleans(),
    rsv1=st.booleans(),
    rsv2=st.booleans(),
    rsv3=st.booleans(),
    key=st.none() | st.binary(min_size=4, max_size=4),
    form=st.sampled_from([None, 0, 1, 2]),
)


@given(frames, st.none() | st.integers(126, 2**63))
def test_any_frame_comes_back_from_its_json(some: Frame, declared: int | None) -> None:
    if declared is not None:
        some = replace(some, form=None)
    step = SendFrame(some) if declared is None else unfinished(some, declared)
    assert step_from_json(json.loads(json.dumps(step_to_json(step)))) == step


@given(frames)
def test_the_octets_of_a_whole_frame_are_those_of_the_wire(some: Frame) -> None:
    (read,) = frames_read(SendFrame(some).octets)
    assert (read.opcode, read.payload, read.key) == (some.opcode, some.payload, some.key)


@pytest.mark.parametrize("key", ["octets", "payload"])
def test_octets_that_do_not_belong_to_the_frame_are_refused(key: str) -> None:
    document = step_to_json(echo_text().steps[0])
    where = document if key == "octets" else document["frame"]
    where[key] = "00" + where[key][2:]
    with pytest.raises(ValueError, match="the octets of a step"):
        step_from_json(document)


def changed(path: str, value: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(case_to_json(reserved_bit())))
    *folders, last = path.split("/")
    where: Any = document
    for folder in folders:
        where = where[int(folder) if isinstance(where, list) else folder]
    where[int(last) if isinstance(where, list) else last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("format", "another"),
        ("version", 2),
        ("id", "../escape"),
        ("role", "proxy"),
        ("origin", {"kind": "witness"}),
        ("origin", {"kind": "rumour"}),
        ("origin", "witness"),
        ("negative", False),
        ("control", None),
        ("judgeOnly", "because"),
        ("stimulus/octets", "00"),
        ("stimulus/chunks", [1, 2]),
        ("stimulus/ends", "inside a frame"),
        ("switches", {"no_such_switch": "accept"}),
        ("allowed/0/verdict/interop", "FAILED"),
        ("allowed/0/observable/0", ["sigh"]),
        ("allowed/0/rules", []),
        ("expected", {}),
        ("expectedClose/closeCode", [1000]),
        ("steps/0/do", "dance"),
        ("steps", 7),
        ("more", 1),
    ],
)
def test_a_document_that_contradicts_itself_is_refused(path: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        case_from_json(changed(path, value))


@pytest.mark.parametrize("key", sorted(case_to_json(reserved_bit())))
def test_a_document_with_a_part_missing_is_refused(key: str) -> None:
    document = case_to_json(reserved_bit())
    del document[key]
    with pytest.raises(ValueError, match=r"."):
        case_from_json(document)


@pytest.mark.parametrize("document", [["message", "text"], ["close", "some"], ["tcp closed", 1], [], ["ping", ""]])
def test_nothing_else_can_be_seen(document: list[Any]) -> None:
    with pytest.raises(ValueError, match="nothing that can be seen"):
        seen_from_json(document)


# --- what follows from a case


def test_the_stimulus_in_bursts_and_chunks() -> None:
    case = fragments_around_ping()
    first, second = bursts(case)
    assert first.awaits == ()
    assert second.awaits == (SeenPong(b"p"),)
    assert [len(chunk) for chunk in first.chunks] == [9, 7]
    assert b"".join((*first.chunks, *second.chunks)) == case.octets
    assert [chunk.hex() for chunk in bursts(reserved_bit())[0].chunks][:2] == [
        "c1",
        "8537",
    ]


def test_an_echo_sent_in_fragments_is_awaited_whole() -> None:
    steps = (
        SendFrame(frame(TEXT, b"ab")),
        EndpointSends(Frame(TEXT, b"a", fin=False)),
        EndpointSends(Frame(PONG, b"x")),
        EndpointSends(Frame(0, b"b")),
        SendFrame(frame(TEXT, b"c")),
    )
    seen = (SeenMessage(b"ab"), SeenMessage(b"c"))
    case = checked(replace(echo_text(), steps=steps, allowed=(accepted("5.4/text-message", *seen),), chunks=()))
    assert bursts(case)[1].awaits == (SeenPong(b"x"), SeenMessage(b"ab"))


@pytest.mark.parametrize(
    ("case", "ending"),
    [
        (echo_text(), StreamEnd.BETWEEN_MESSAGES),
        (fragments_around_ping(), StreamEnd.BETWEEN_MESSAGES),
        (unfinished_message(), StreamEnd.INSIDE_MESSAGE),
        (unfinished_frame(), StreamEnd.INSIDE_FRAME),
        (huge_frame(), StreamEnd.INSIDE_FRAME),
    ],
)
def test_where_the_stimulus_ends(case: Case, ending: StreamEnd) -> None:
    assert stream_end(case) is ending


@pytest.mark.parametrize(
    ("outcome", "interop", "letter"),
    [
        (accepted("5.5.3/pong"), Verdict.OK, Verdict.OK),
        (refused(1002, "5.2/unknown-opcode")[0], Verdict.OK, Verdict.OK),
        (refused(1002, "5.2/unknown-opcode")[2], Verdict.NON_STRICT, Verdict.NON_STRICT),
        (refused(1009, "10.4/message-too-big")[0], Verdict.OK, Verdict.OK),
        (refused(1009, "10.4/unstated-limit", strength=Strength.MAY)[0], Verdict.INFORMATIONAL, Verdict.INFORMATIONAL),
        (refused(1007, "8.1/fail-fast", strength=Strength.MAY)[0], Verdict.OK, Verdict.OK),
        (
            AllowedOutcome(
                ReactionKind.ACCEPT,
                Strength.MUST,
                ("5.5.2/ping",),
                (),
                departs_from=(Departure("5.5/fragmented-control", Strength.CONSENSUS),),
            ),
            Verdict.FAILED,
            Verdict.INFORMATIONAL,
        ),
        (AllowedOutcome(ReactionKind.FORBID, Strength.MUST, ("5.1/client-masks",)), Verdict.FAILED, Verdict.FAILED),
        (
            AllowedOutcome(ReactionKind.FORBID, Strength.CONSENSUS, ("7.1.5/one-close",)),
            Verdict.FAILED,
            Verdict.INFORMATIONAL,
        ),
        (
            AllowedOutcome(ReactionKind.FORBID, Strength.SHOULD, ("7.1.1/client-waits",)),
            Verdict.NON_STRICT,
            Verdict.NON_STRICT,
        ),
        (AllowedOutcome(ReactionKind.PERMIT, Strength.MAY, ("5.5.2/send-ping",)), Verdict.OK, Verdict.OK),
    ],
)
def test_verdicts_follow_from_strengths(outcome: AllowedOutcome, interop: Verdict, letter: Verdict) -> None:
    assert (outcome.verdict("interop"), outcome.verdict("letter")) == (interop, letter)


def test_expected_as_in_the_established_suite() -> None:
    assert expected(echo_text()) == {"OK": [[["message", "48656c6c6f", False]]]}
    assert expected_close(echo_text()) == {"closedByMe": True, "closeCode": [1000], "requireClean": True}
    assert expected(two_messages()) == {
        "OK": [[["message", "00ff", True], ["pong", "71"]], [["pong", "71"], ["message", "00ff", True]]]
    }
    assert expected(reserved_bit()) == {"OK": [[]]}
    assert expected_close(reserved_bit()) == {"closedByMe": False, "closeCode": [1002], "requireClean": False}
    assert expected_close(closing()) == {"closedByMe": True, "closeCode": [1000], "requireClean": True}
    assert expected_close(bad_close()) == {"closedByMe": True, "closeCode": [1002], "requireClean": False}
    assert expected_close(unfinished_message()) == {"closedByMe": False, "closeCode": [], "requireClean": False}
    assert expected(silent_after_ping()) == {}
    assert expected_close(silent_after_ping()) is None


def test_a_fault_is_never_expected() -> None:
    departs = (Departure("5.5/fragmented-control", Strength.CONSENSUS),)
    fault = AllowedOutcome(ReactionKind.ACCEPT, Strength.MUST, ("5.5.2/ping",), (SeenPong(b"p"),), departs_from=departs)
    case = replace(reserved_bit(), allowed=(fault, *reserved_bit().allowed))
    assert expected(case) == expected(reserved_bit())
    assert fault not in acceptable(case)
    assert fault in acceptable(case, "letter")


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_negative_cases_are_those_that_name_a_control(case: Case) -> None:
    assert negative(case) is (case.control is not None)


def test_what_follows_a_failure_is_negative_too() -> None:
    ignored = AllowedOutcome(
        ReactionKind.IGNORE, Strength.MUST, ("7.1.7/nothing-after-failing",), (SeenClose(1002), SeenTcpClosed())
    )
    steps = (*reserved_bit().steps, SendFrame(frame(TEXT, b"x")))
    assert negative(checked(replace(reserved_bit(), steps=steps, allowed=(ignored,), chunks=())))


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (echo_text(), None),
        (end_of_tcp(), None),
        (silent_after_ping(), "on its own"),
        (replace(echo_text(), claims=("rsv1",)), "rsv1"),
        (
            replace(
                echo_text(), steps=(EndpointSends(Frame(TEXT, b"a"), prompted=False), *echo_text().steps), chunks=()
            ),
            "own application",
        ),
        (replace(huge_frame(), limit=10), "more than 10 octets"),
        (replace(echo_text(), allowed=(replace(echo_text().allowed[0], observable=None),)), "cannot be told"),
    ],
)
def test_what_only_the_judge_can_read(case: Case, reason: str | None) -> None:
    assert judge_only(case) is None if reason is None else reason in (judge_only(case) or "")


# --- what a case refuses


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "witness"}, "an id is made of names"),
        ({"id": "witness/../x"}, "an id is made of names"),
        ({"id": "witness/a b"}, "an id is made of names"),
        ({"title": "two\nlines"}, "a title is one line"),
        ({"application": "proxy"}, "no application"),
        ({"limit": -1}, "a limit"),
        ({"claims": ("rsv4",)}, "claims"),
        ({"steps": (), "chunks": ()}, "no steps"),
        ({"allowed": ()}, "no outcome"),
        ({"control": "control/x"}, "only a negative case"),
        ({"chunks": (3,)}, "the chunks hold 3"),
        ({"chunks": (0, 11)}, "at least one octet"),
        ({"steps": (EndSending(), *echo_text().steps)}, "after the peer's end"),
        ({"steps": (SendOctets(b"\x81"), *echo_text().steps)}, "octets that are none"),
        ({"steps": (*echo_text().steps, EndpointIsSilent())}, "permit and forbid"),
        ({"steps": closing().steps}, "a Close arrives"),
        ({"allowed": (AllowedOutcome(ReactionKind.PERMIT, Strength.MUST, ("6.1/send-text",)),)}, "permit and forbid"),
        ({"allowed": refused(1002, "5.2/reserved-bits")}, "names its positive control"),
    ],
)
def test_a_case_that_contradicts_itself_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked(replace(echo_text(), **{"chunks": (), **changes}))


def test_a_case_without_outcomes_is_no_document() -> None:
    with pytest.raises(ValueError, match="no outcome is given"):
        case_from_json({**case_to_json(echo_text()), "allowed": []})


def test_a_chunk_stays_on_one_side_of_a_step_of_the_endpoint() -> None:
    case = fragments_around_ping()
    with pytest.raises(ValueError, match="across a step"):
        checked(replace(case, chunks=(len(case.octets),)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: AllowedOutcome(ReactionKind.FAIL, Strength.MUST, ("5.2/reserved-bits",)), "status code"),
        (lambda: AllowedOutcome(ReactionKind.ACCEPT, Strength.MUST, ("5.4/text-message",), code=1002), "status code"),
        (lambda: AllowedOutcome(ReactionKind.ACCEPT, Strength.MUST, ()), "names the rules"),
        (lambda: accepted("5.5.1/close", SeenTcpClosed(), SeenClose(1000)), "nothing is seen after"),
        (lambda: AllowedOutcome(ReactionKind.PERMIT, Strength.MAY, ("5.5.2/send-ping",), ()), "nothing to observe"),
        (lambda: SeenClose(65536), "16 bits"),
        (lambda: unfinished(Frame(TEXT, b"abc"), 3), "octets of the payload are missing"),
        (lambda: SendOctets(b""), "at least one"),
        (lambda: Origin("mutant", rule="5.2/reserved-bits"), "goes with mutant"),
        (lambda: Origin("control", seed=1), "goes with nothing else"),
    ],
)
def test_parts_that_contradict_themselves_are_refused(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


# --- several cases


def test_cases_come_in_the_order_of_their_ids() -> None:
    assert [case.id for case in check_suite(reversed(CASES))] == sorted(IDS)


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ([], "nothing was selected"),
        ([reserved_bit()], "not among the cases"),
        ([echo_text(), echo_text()], "too alike"),
        ([echo_text(), replace(echo_text(), id="Control/text/server")], "too alike"),
        ([echo_text(), reserved_bit(), replace(bad_close(), control=reserved_bit().id)], "must be positive"),
        ([echo_text(Role.CLIENT), replace(reserved_bit(), control=echo_text(Role.CLIENT).id)], "same role"),
        ([echo_text(), replace(reserved_bit(), application="sink")], "role and application"),
    ],
)
def test_cases_that_do_not_go_together_are_refused(cases: list[Case], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_suite(cases)


def test_a_selection_with_its_controls() -> None:
    assert with_controls([reserved_bit(), two_messages()], CASES) == (echo_text(), two_messages(), reserved_bit())


def test_switches_are_kept() -> None:
    case = replace(echo_text(), switches=Switches(code_1004="accept"))
    assert case_to_json(case)["switches"] == {"code_1004": "accept"}
    assert case_from_json(case_to_json(case)) == case


def test_the_example_in_the_documentation_is_a_case() -> None:
    text = (Path(__file__).parents[3] / "docs" / "cases.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert case_from_json(json.loads(example)) == reserved_bit()


def test_the_documentation_names_every_field() -> None:
    text = (Path(__file__).parents[3] / "docs" / "cases.md").read_text(encoding="utf-8")
    case = case_to_json(reserved_bit())
    fields = [*case, *case["stimulus"], *case["allowed"][0], *case["steps"][0]["frame"], *case["expectedClose"]]
    assert [field for field in fields if f"`{field}`" not in text and f'"{field}"' not in text] == []
