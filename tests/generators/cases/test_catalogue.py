"""The catalogue: octets, ids and order of Autobahn, in words of our own, and with controls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.autobahn_cases import autobahn_cases
from wsoracle.generators.cases.canonical import must_be_answered
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.catalogue.texts import LAST, form
from wsoracle.generators.cases.controls import Need, needs
from wsoracle.generators.cases.runnable import catalogue_cases, runnable_cases
from wsoracle.generators.cases.steps import SendFrame, SendOctets, Settle, octets_of, writes
from wsoracle.generators.suite.autobahn_sequences import frames_of
from wsoracle.model.octets.frames import decode_header, encode
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, TEXT, Frame, Role

CATALOGUE = catalogue_cases()
BY_ID = {case.id: case for case in CATALOGUE}
KEY = bytes.fromhex("37fa213d")
GROUPS = ("1", "2", "3", "4", "5", "6", "7", "9", "10")
PAUSE = "continueLater"


@lru_cache(maxsize=1)
def rows() -> Mapping[str, dict[str, Any]]:
    """Autobahn's cases of our groups, where they are here."""
    lines = (json.loads(line) for line in autobahn_cases().read_text(encoding="utf-8").splitlines())
    return {row["id"]: row for row in lines if row["id"].partition(".")[0] in GROUPS}


def autobahn_frames(row: Mapping[str, Any]) -> list[Frame]:
    calls = [call for call in row["onOpen_calls"] if call[0] != "enableWirelog"]
    # In group 9 the payload stands among the options.
    calls = [[c[0], c[1]["payload"], c[1]] if c[0] == "sendMessage" and "payload" in c[1] else c for c in calls]
    frames = list(frames_of(calls))
    size = row["autoFragmentSize"]
    if size:
        (whole,) = frames
        pieces = [whole.payload[at : at + size] for at in range(0, whole.length, size)]
        frames = [Frame(CONTINUATION if n else whole.opcode, piece, n == len(pieces) - 1)
                  for n, piece in enumerate(pieces)]  # fmt: skip
    return frames


def wire(case: Case, key: bytes | None = None) -> bytes:
    return b"".join(octets_of(a, key) for a in case.actions if isinstance(a, SendFrame | SendOctets))


def test_ids_are_those_of_the_established_suite_in_its_order() -> None:
    assert len(CATALOGUE) == 301
    assert len(BY_ID) == 301
    numbers = [tuple(map(int, case.id.split("."))) for case in CATALOGUE]
    assert numbers == sorted(numbers)
    assert [case.id for case in CATALOGUE] == list(rows())


@pytest.mark.parametrize("group", GROUPS)
def test_octets_are_those_of_the_established_suite(group: str) -> None:
    for case_id, row in rows().items():
        if case_id.partition(".")[0] != group:
            continue
        case = BY_ID[case_id]
        frames = autobahn_frames(row)
        if case_id.startswith(("9.7.", "9.8.")):
            assert case.actions == case.actions[:2] * 1000
            assert octets_of(_frame(case), None) == encode(frames[0])
        else:
            assert wire(case) == b"".join(map(encode, frames)), case_id


def test_writes_and_pauses_are_those_of_the_established_suite() -> None:
    for case_id, row in rows().items():
        case = BY_ID[case_id]
        sent = [args[0] for name, *args in row["onOpen_calls"] if name == "sendFrame"]
        ours = [action for action in case.actions if isinstance(action, SendFrame)]
        for said, action in zip(sent, ours, strict=False):
            if said.get("chopsize"):
                assert action.chop == said["chopsize"], case_id
            elif said.get("sync"):
                assert action.chop is not None, case_id
                assert len(list(writes(encode(action.frame), action.chop))) == 1, case_id
            else:
                assert action.chop is None, case_id
        if case_id in ("6.4.3", "6.4.4"):
            pieces = [args[0]["hex"] for name, *args in row["onOpen_calls"] if name == "sendMessageFrameData"]
            assert [a.octets.hex() for a in case.actions if isinstance(a, SendOctets)] == pieces
        elif not case_id.startswith(("9.7.", "9.8.")):
            kinds = [name == PAUSE for name, *_ in row["onOpen_calls"] if name in (PAUSE, "sendFrame")]
            if any(kinds):
                assert [isinstance(action, Settle) for action in case.actions] == kinds, case_id


def _frame(case: Case) -> SendFrame:
    action = case.actions[0]
    assert isinstance(action, SendFrame)
    return action


@pytest.mark.parametrize("case", [c for c in CATALOGUE if not c.id.startswith("9.")], ids=lambda case: str(case.id))
def test_a_case_is_the_same_for_both_roles_but_for_the_masks(case: Case) -> None:
    assert case.roles == frozenset(Role)
    assert unmasked(wire(case, KEY)) == list(unmasked(wire(case)))


def unmasked(octets: bytes) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(octets):
        decoded = decode_header(octets, at)
        assert decoded is not None
        header, body = decoded
        end = body + header.length
        payload = octets[body:end]
        found.append((octets[at], payload if header.key is None else mask(payload, header.key)))
        at = end
    return found


def test_titles_and_groups_are_our_own() -> None:
    titles = [case.title for case in CATALOGUE]
    assert all(case.title and case.stimulus.endswith(".") and case.group for case in CATALOGUE)
    assert all(len(title) <= 120 for title in titles)
    for case_id, row in rows().items():
        case = BY_ID[case_id]
        theirs = {str(row[name]).casefold() for name in ("category", "subcategory")}
        assert theirs.isdisjoint(title.casefold() for title in case.group), case_id


def test_long_payloads_are_not_made_before_they_are_written() -> None:
    for case in CATALOGUE:
        held = {id(a): a.frame.length for a in case.actions if isinstance(a, SendFrame)}
        assert sum(held.values()) < 500, case.id
    assert max(sum(a.size for a in case.actions if isinstance(a, SendFrame)) for case in CATALOGUE) == 16 << 20


def test_the_time_of_a_case_grows_with_it() -> None:
    for case in CATALOGUE:
        size = sum(a.size for a in case.actions if isinstance(a, SendFrame))
        assert 15 <= case.seconds <= 100
        if size < 10_000 and len(case.actions) < 20:
            assert case.seconds == 15, case.id
    assert BY_ID["9.1.6"].seconds > BY_ID["9.1.3"].seconds > BY_ID["9.1.1"].seconds


def test_it_is_there_at_once() -> None:
    """To read it, its controls among it, brings in neither the rules nor the solver."""
    code = "import sys, wsoracle.generators.cases.runnable as r; print(len(r.catalogue_cases()), *sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    count, *modules = said.stdout.split()
    assert count == "301"
    assert not {"z3", "networkx", "wsoracle.model.rules", "wsoracle.model.machine.compiled"} & set(modules)


@given(st.integers(0, 0x10FFFF).filter(lambda n: not 0xD800 <= n < 0xE000))
def test_forms_of_code_points_are_those_of_utf8(number: int) -> None:
    assert form(number) == chr(number).encode()


@given(st.integers(2, 6), st.data())
def test_longer_forms_have_the_octets_that_their_first_one_says(length: int, data: st.DataObject) -> None:
    octets = form(data.draw(st.integers(0, LAST[length])), length)
    assert len(octets) == length
    assert octets[0] >> 7 - length == (1 << length + 1) - 2
    assert all(octet >> 6 == 0b10 for octet in octets[1:])


# --- controls


def test_who_need_not_answer_has_a_control_that_must_be_answered() -> None:
    for case in CATALOGUE:
        if case.control is None:
            assert must_be_answered(case), case.id
        else:
            assert not must_be_answered(case), case.id
            control = BY_ID[case.control]
            assert control.control is None
            assert must_be_answered(control)


def test_controls_are_near() -> None:
    def kinds(case: Case) -> Iterator[int]:
        return (action.frame.opcode for action in case.actions if isinstance(action, SendFrame))

    for case in CATALOGUE:
        if case.control is not None and case.id.startswith("6."):
            assert set(kinds(BY_ID[case.control])) <= {*kinds(case), CONTINUATION}, case.id
    assert len({case.control for case in CATALOGUE}) > 15


def opcodes(case: Case) -> list[int]:
    return [action.frame.opcode for action in case.actions if isinstance(action, SendFrame)]


def test_no_control_asks_for_what_its_case_does_not() -> None:
    """An endpoint that is weak there would lose cases that are not about that."""
    every = {case.id: case for case in runnable_cases()}
    controlled = [case for case in every.values() if case.control is not None and not case.opening]
    assert len(controlled) > 200
    for case in controlled:
        asked = needs(every[str(case.control)])
        agreed = {Need.COMPRESSED} if case.compression is not None else set()
        assert asked <= needs(case) | agreed, case.id
        assert not asked & {Need.EMPTY, Need.AMID_FRAGMENTS, Need.UNPRINTABLE}, case.id
        sent = {opcode for opcode in opcodes(case) if opcode in (TEXT, BINARY)}
        assert not sent or {TEXT, BINARY} & set(opcodes(every[str(case.control)])), case.id
    plain = [case for case in controlled if not needs(every[str(case.control)])]
    assert len(plain) > 100, "those that need no more have a text message of ASCII"


@pytest.mark.parametrize(
    ("frames", "asked"),
    [
        ((Frame(1, b"plain"),), set()),
        ((Frame(8, b"\x03\xe8"),), set()),
        ((Frame(1),), {Need.EMPTY}),
        ((Frame(9),), {Need.EMPTY, Need.PING}),
        ((Frame(10),), {Need.PONG}),
        ((Frame(1, b"\0"),), {Need.UNPRINTABLE}),
        ((Frame(1, b"a", fin=False), Frame(9, b"x"), Frame(0, b"b")), {Need.FRAGMENTS, Need.AMID_FRAGMENTS, Need.PING}),
        ((Frame(1, b"\xc3", fin=False), Frame(0, b"\xa4")), {Need.FRAGMENTS, Need.NOT_ASCII, Need.SPLIT_CODE_POINT}),
        ((Frame(1, b"\xc3\xa4", fin=False), Frame(0, b"x")), {Need.FRAGMENTS, Need.NOT_ASCII}),
        ((Frame(2, b"\xc3"),), {Need.BINARY}),
    ],
)
def test_what_a_case_needs(frames: tuple[Frame, ...], asked: set[Need]) -> None:
    assert needs(Case("x", "", "", (), tuple(map(SendFrame, frames)))) == asked


@pytest.mark.parametrize(
    ("actions", "answered"),
    [
        ((Frame(1, b"a"),), True),
        ((Frame(9),), True),
        ((Frame(10),), False),
        ((Frame(1, b"a", fin=False),), False),
        ((Frame(1, b"a", fin=False), Frame(9), Frame(0)), True),
        ((Frame(1, b"\xc3", fin=False), Frame(0, b"\xa4")), True),
        ((Frame(1, b"\xc3"),), False),
        ((Frame(2, b"\xc3"),), True),
        ((Frame(1, b"a"), Frame(8)), False),
        ((Frame(1, b"a"), Frame(1, b"a", rsv2=True)), False),
        ((Frame(0, b"a"),), False),
        ((Frame(3),), False),
        ((Frame(9, b"a" * 126),), False),
        ((Frame(9, fin=False),), False),
        ((Frame(1, b"a", form=2),), False),
    ],
)
def test_what_must_be_answered(actions: Sequence[Frame], answered: bool) -> None:
    case = Case("x", "x", "x", ("x",), tuple(SendFrame(frame) for frame in actions))
    assert must_be_answered(case) is answered
    assert CLOSE not in {frame.opcode for frame in actions} or not answered
