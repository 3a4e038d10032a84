"""Many fragments that are alike are read at once, and nothing is judged otherwise for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.alike import LEAST_AT_ONCE
from wsoracle.properties.judge.judge import Application, judge
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.observation import (
    Arrives,
    ArrivesEof,
    ClosesTcp,
    Observation,
    Quiet,
    ResetsTcp,
    ShutsDownTcp,
    Writes,
)
from wsoracle.properties.judge.reading import FrameReader
from wsoracle.properties.judge.verdict import Verdict

BEGIN: Final = encode(Frame(TEXT, b"x", fin=False))
PART: Final = encode(Frame(CONTINUATION, b"x", fin=False))
END: Final = encode(Frame(CONTINUATION, b"x"))
KEY: Final = b"abcd"
FEW: Final = 18
"""How many fragments of a run are read one by one in these tests: shorter traces will do."""
ODD_ONES: Final = [
    encode(one)
    for one in (Frame(PING, b"q"), Frame(CONTINUATION, b"z", fin=False), Frame(CLOSE, b"\x03\xe8"), Frame(3))
]
CODES: Final = [code.to_bytes(2) for code in (1000, 1002, 1007, 1008, 1009)]


@st.composite
def traces(draw: st.DrawFn) -> list[Observation]:
    """What a client got and sent: a message in many fragments, some of them odd, in one or two chunks."""
    opcode, count = draw(st.sampled_from((TEXT, BINARY))), draw(st.integers(FEW + 3, FEW + 8))
    parts = [encode(Frame(opcode, b"x", fin=False)), *[PART] * count]
    if draw(st.booleans()):
        parts.insert(draw(st.integers(1, len(parts))), draw(st.sampled_from(ODD_ONES)))
    parts += draw(st.sampled_from(([], [END], [END, encode(Frame(TEXT, b"more"))], [END, ODD_ONES[2]])))
    octets = b"".join(parts)
    message = Frame(opcode, b"x" * (octets.count(b"x")), key=KEY)
    answers = [Frame(CLOSE, code, key=KEY) for code in CODES]
    answers += [message, Frame(PONG, b"q", key=KEY), Frame(TEXT, b"own", key=KEY)]
    seen = st.lists(st.sampled_from(answers).map(lambda frame: Writes(encode(frame))), max_size=2)
    ends: list[list[Observation]] = [[Quiet()], [ClosesTcp()], [ResetsTcp()], [ArrivesEof(), Quiet()], [ShutsDownTcp()]]
    cut = draw(st.one_of(st.just(0), st.integers(0, len(octets))))
    between = draw(seen) if cut else []
    return [Arrives(octets[:cut]), *between, Arrives(octets[cut:]), *draw(seen), *draw(st.sampled_from(ends))]


def judged(trace: list[Observation], limit: int | None, application: Application) -> Judgement:
    """The judgement, without the steps: of those that are read at once only the first has one."""
    setting = Setting(Role.CLIENT, limit, echo=application == "echo")
    return replace(judge(trace, setting, application=application), steps=())


@given(traces(), st.sampled_from((None, 1 << 40, FEW // 2)), st.sampled_from(("echo", "sink", "unknown")))
@example(
    [Arrives(BEGIN + PART * 2 * FEW), Writes(encode(Frame(CLOSE, b"\x03\xf1", key=KEY))), Quiet()], FEW // 2, "echo"
)
@settings(max_examples=10, deadline=None)
def test_what_is_read_at_once_may_as_well_be_read_one_by_one(
    trace: list[Observation], limit: int | None, application: Application
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wsoracle.properties.judge.reading._MOST_ATTENDED", 4)
        patch.setattr("wsoracle.properties.judge.reading.LAST_ONES", FEW)
        patch.setattr("wsoracle.properties.judge.reading.LEAST_AT_ONCE", 2)
        at_once = judged(trace, limit, application)
        patch.setattr("wsoracle.properties.judge.reading.LEAST_AT_ONCE", 1 << 40)
        assert at_once == judged(trace, limit, application)


def test_a_refusal_amid_very_many_fragments_takes_no_look_at_each(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[int] = []
    receive = FrameReader.receive

    def counted(*given: Any, **named: Any) -> Any:
        received.append(1)
        return receive(*given, **named)

    monkeypatch.setattr(FrameReader, "receive", counted)
    refusal = Writes(encode(Frame(CLOSE, b"\x03\xea", key=KEY)))
    trace: list[Observation] = [Arrives(BEGIN + PART * 20 * LEAST_AT_ONCE + END), refusal, ClosesTcp()]
    judgement = judge(trace, Setting(Role.CLIENT, 1 << 40, echo=True), application="echo")
    assert judgement.verdict is Verdict.FAILED and len(received) < 10 * LEAST_AT_ONCE
    assert set(judgement.one_of) == {"5.4/first-text-fragment", "5.4/next-fragment", "5.4/last-text-fragment"}


def test_fragments_that_were_read_at_once_are_one_step() -> None:
    sent = Writes(encode(Frame(TEXT, b"x" * (LEAST_AT_ONCE * 2 + 2), key=KEY)))
    trace: list[Observation] = [Arrives(BEGIN + PART * 2 * LEAST_AT_ONCE + END), sent, Quiet()]
    judgement = judge(trace, Setting(Role.CLIENT, echo=True), application="echo")
    assert judgement.verdict is Verdict.OK
    assert [one.times for one in judgement.steps if one.frame is not None] == [1, 2 * LEAST_AT_ONCE, 1]
