"""Compressed messages as cases: what they are is measured, and what is allowed on them comes from the rules."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import pytest

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.outcome import ReactionKind
from wsoracle.generators.cases.tester_suite import suite_for_testers
from wsoracle.generators.suite.compressed_cases import compressed_cases, compressed_ids
from wsoracle.generators.suite.deflate_messages import EXAMPLES, WINDOWS, deflate_messages, malformed
from wsoracle.model.octets.deflate import TAIL, DeflateFacts, DeflateFault, DeflateTracer
from wsoracle.model.octets.vocabulary import CONTINUATION, Frame, Role, is_control

MESSAGES = {one.name: one for one in deflate_messages()}
HISTORIES = {case.id: case for case in compressed_cases()[0]}
CARRIED = {case.id: case for case in suite_for_testers(HISTORIES.values())}


def traced(payloads: Sequence[bytes]) -> tuple[bytes, DeflateFacts]:
    """What messages inflate to, and the facts of the last one."""
    tracer = DeflateTracer()
    inflated = b""
    for payload in payloads:
        inflated += tracer.feed(payload) + tracer.end()
    return inflated, tracer.facts


def payloads(frames: Sequence[Frame]) -> list[bytes]:
    """The payloads of the compressed messages among frames."""
    found: list[bytes] = []
    marked = False
    for frame in frames:
        if is_control(frame.opcode):
            continue
        marked = frame.rsv1 if frame.opcode != CONTINUATION else marked
        if marked and frame.opcode != CONTINUATION:
            found.append(b"")
        if marked:
            found[-1] += frame.payload
    return found


@pytest.mark.parametrize(
    ("name", "text", "facts"),
    [
        ("one-block", b"Hello", DeflateFacts(stored=1, fixed=1, length=5, ended=True)),
        ("shared-window", b"HelloHello", DeflateFacts(1, 1, distance=5, reach=4, length=5, ended=True)),
        ("no-compression", b"Hello", DeflateFacts(stored=2, length=5, ended=True)),
        ("bfinal", b"Hello", DeflateFacts(stored=1, fixed=1, final=1, length=5, ended=True)),
        ("two-blocks", b"Hello", DeflateFacts(stored=2, fixed=2, length=5, ended=True)),
        ("empty-fragment", b"", DeflateFacts(stored=1, ended=True)),
    ],
)
def test_the_examples_of_the_rfc_are_what_it_says(name: str, text: bytes, facts: DeflateFacts) -> None:
    assert traced(EXAMPLES[name]) == (text, facts)


def test_each_fault_of_deflate_is_there_and_zlib_takes_none() -> None:
    found = {name: traced([payload])[1].fault for name, (_, payload) in malformed().items()}
    not_ours = {DeflateFault.NONE, DeflateFault.EMPTY, DeflateFault.UNENDED, DeflateFault.MALFORMED}
    assert set(found.values()) == set(DeflateFault) - not_ours - {DeflateFault.TOO_LONG}
    for name, (_, payload) in malformed().items():
        reader = zlib.decompressobj(-15)
        try:
            reader.decompress(payload + TAIL)
            whole = reader.copy().decompress(b"\x01" + TAIL) == b"" and not name.startswith("inside")
        except zlib.error:
            whole = False
        assert not whole, name


TOO_BIG = 1009


def reactions(case: Case) -> set[ReactionKind]:
    """How an endpoint without a limit may react that follows all rules."""
    followed = [outcome for outcome in case.allowed if not outcome.departs_from and outcome.code != TOO_BIG]
    return {outcome.reaction for outcome in followed}


@pytest.mark.parametrize("role", list(Role))
def test_windows_are_probed_at_their_size_and_one_octet_beyond(role: Role) -> None:
    for bits in WINDOWS:
        at = MESSAGES[f"window-{bits}-at"]
        assert traced(payloads(at.frames))[1][4:6] == (1 << bits, 1 << bits)
        assert at.compression.wanted.bits == bits
        assert reactions(HISTORIES[f"compression/{role}/window-{bits}-at"]) == {ReactionKind.ACCEPT}
        if bits < WINDOWS[-1]:
            over = MESSAGES[f"window-{bits}-over"]
            assert traced(payloads(over.frames))[1].distance == (1 << bits) + 1
            case = HISTORIES[f"compression/{role}/window-{bits}-over"]
            assert reactions(case) == {ReactionKind.ACCEPT, ReactionKind.FAIL}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(
    ("name", "reaction"),
    [
        ("example-4-bfinal", {ReactionKind.ACCEPT}),
        ("mark-on-ping", {ReactionKind.FAIL}),
        ("no-mark-on-ping-amid-fragments", {ReactionKind.ACCEPT}),
        ("context-sent-referred-to", {ReactionKind.ACCEPT, ReactionKind.FAIL}),
        ("context-echoed-referred-to", {ReactionKind.ACCEPT}),
        ("plain-between", {ReactionKind.ACCEPT}),
        ("text-bad-start", {ReactionKind.FAIL}),
        ("text-bad-but-binary", {ReactionKind.ACCEPT}),
        ("malformed-one-before-history", {ReactionKind.FAIL}),
    ],
)
def test_the_rules_say_what_is_allowed(name: str, reaction: set[ReactionKind], role: Role) -> None:
    assert reactions(HISTORIES[f"compression/{role}/{name}"]) == reaction


def test_each_is_carried_by_a_tester_that_negotiates_and_has_a_control_of_its_agreement() -> None:
    ids = set(compressed_ids())
    assert ids == {case.id for case in HISTORIES.values() if case.origin.kind == "compression"}
    compressed = [case for case in CARRIED.values() if case.compression is not None]
    assert {case.id for case in compressed if case.origin.kind == "compression"} <= ids
    for case in compressed:
        assert not case.opening and not case.compresses
        if case.control is not None:
            assert CARRIED[case.control].compression == case.compression
            assert CARRIED[case.control].control is None


def test_a_reference_over_a_window_is_no_control_and_neither_is_what_some_endpoints_cannot_read() -> None:
    controls = {case.control for case in CARRIED.values()}
    assert not {one for one in controls if one is not None and ("final" in one or one.endswith("-over"))}
