"""A late reader that is seen from inside: what it is still to tell does not matter where nothing more is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, TEXT, Frame, Role
from wsoracle.properties.judge.judge import EVERYTHING, judge
from wsoracle.properties.judge.observation import Arrives, Observation, Writes
from wsoracle.properties.judge.verdict import Verdict


@pytest.mark.parametrize("opcodes", [(TEXT, PING), (BINARY, PING, TEXT), (PING,)])
def test_a_late_reader_that_tells_nothing_is_judged(opcodes: tuple[int, ...]) -> None:
    """It sends two messages of its own, which a sink does not, and may have read none or all of what had arrived."""
    arrives = [encode(Frame(opcodes[at % len(opcodes)], b"%d" % at)) for at in range(24)]
    own = Frame(BINARY, b"greet", fin=False), Frame(CONTINUATION, b"ings")
    writes = [encode(replace(frame, key=bytes((1, 7 * at, 3, at)))) for at, frame in enumerate((*own, *own))]
    closes = encode(Frame(CLOSE, b"\x03\xf3"))
    trace: list[Observation] = [*map(Arrives, (*arrives, closes, *arrives)), *map(Writes, writes)]
    found = judge(trace, Setting(Role.CLIENT), application="sink", sees=EVERYTHING)
    assert found.verdict is Verdict.INFORMATIONAL and found.application and not found.unexplained
