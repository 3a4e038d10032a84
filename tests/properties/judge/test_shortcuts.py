"""A search with shortcuts finds what a search without them finds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.judge import EVERYTHING, Judgement, judge
from wsoracle.properties.judge.observation import Arrives, ClosesTcp, Observation, Processed, Quiet, Writes
from wsoracle.properties.judge.search import FrameSearch

KEY = bytes(range(4))
PAYLOADS = (b"", b"a", b"\xc3", b"b" * 60)


def runs_of(opcodes: tuple[int, ...], key: bytes | None) -> st.SearchStrategy[list[bytes]]:
    """Runs of frames that are the same, as shortcuts are made for, with others between them."""
    frame = st.builds(
        lambda opcode, payload, fin: encode(Frame(opcode, payload, fin=fin, key=key)),
        st.sampled_from(opcodes),
        st.sampled_from(PAYLOADS),
        st.booleans(),
    )
    run = st.tuples(frame, st.sampled_from((1, 1, 2, 5, 7))).map(lambda drawn: [drawn[0]] * drawn[1])
    return st.lists(run, max_size=4).map(lambda lists: [one for run in lists for one in run])


@st.composite
def traces(draw: st.DrawFn) -> tuple[Observation, ...]:
    """What a server may have got and sent: runs of frames, some of them cut, then an end."""
    arrives = draw(runs_of((TEXT, BINARY, CONTINUATION, CONTINUATION, PING, CLOSE), KEY))
    sends = draw(runs_of((TEXT, BINARY, CONTINUATION, PONG, PONG, CLOSE), None))
    if draw(st.booleans()):  # what a conforming echo does
        echoes = {TEXT: TEXT, BINARY: BINARY, CONTINUATION: CONTINUATION, PING: PONG, CLOSE: CLOSE}
        sends = [bytes([one[0] & 0xF0 | echoes[one[0] & 0x0F], one[1] & 0x7F]) + unmasked(one) for one in arrives]
    middle = draw(st.integers(0, len(arrives)))
    stream = [Arrives(b"".join(arrives[:middle])), Arrives(b"".join(arrives[middle:]))]
    first = draw(st.integers(0, len(sends)))
    all_ends: tuple[tuple[Observation, ...], ...] = (Quiet(),), (ClosesTcp(),), (Processed(), Quiet()), ()
    ends = draw(st.sampled_from(all_ends))
    return stream[0], Writes(b"".join(sends[:first])), stream[1], Writes(b"".join(sends[first:])), *ends


def unmasked(frame: bytes) -> bytes:
    return bytes(octet ^ KEY[at % 4] for at, octet in enumerate(frame[6:]))


LIMIT_NOT_KNOWN = Setting(Role.SERVER, None, echo=True)
SETTINGS = LIMIT_NOT_KNOWN, Setting(Role.SERVER, 200, echo=True), Setting(Role.SERVER)
PINGS = Arrives(encode(Frame(PING, b"", key=KEY)) * 9), Writes(encode(Frame(PONG)) * 2), Quiet()


def judged(trace: tuple[Observation, ...], setting: Setting, told: bool) -> Judgement:
    """The judgement, without the steps: of frames that are passed over at once only the first has one."""
    found = judge(
        trace,
        setting,
        application="echo" if setting.echo else "sink",
        sees=EVERYTHING if told else (),
        strictly=True,
        taken_by_all=30,
    )
    return replace(found, steps=())


@given(traces(), st.sampled_from(SETTINGS), st.booleans())
@example(PINGS, LIMIT_NOT_KNOWN, False)
@settings(max_examples=300, deadline=None)
def test_a_search_without_shortcuts_finds_the_same(
    trace: tuple[Observation, ...], setting: Setting, told: bool
) -> None:
    with_shortcuts = judged(trace, setting, told)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wsoracle.properties.judge.judge.FrameSearch", partial(FrameSearch, shortcuts=False))
        without = judged(trace, setting, told)
    assert without == with_shortcuts


def test_shortcuts_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of Pings before one Pong: without a shortcut each would be read and looked at by itself."""
    looked: list[None] = []
    through = FrameSearch._freely_after

    def counted(search: FrameSearch, *given: object) -> object:
        looked.append(None)
        return through(search, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(FrameSearch, "_freely_after", counted)
    trace = Arrives(encode(Frame(BINARY, b"x", key=KEY)) * 2_000), Processed(), Quiet()
    assert judge(trace, Setting(Role.SERVER), application="sink").verdict.value == "OK"
    assert len(looked) < 50
