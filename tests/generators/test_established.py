"""The established suite's calls as frames, and its sequences as histories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wsoracle.generators.established import established, frames_of
from wsoracle.generators.expectation import Behaviour, expected
from wsoracle.generators.suite import Matrix
from wsoracle.model.rules import RULES
from wsoracle.model.terms import EventKind
from wsoracle.model.vocabulary import BINARY, CLOSE, CONTINUATION, PING, TEXT, Frame

DATA = Path(__file__).parents[3] / "shared" / "autobahn" / "cases.jsonl"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the established suite's cases are not beside the repository")


def test_calls_become_frames() -> None:
    calls: list[list[Any]] = [
        ["sendFrame", {"opcode": PING, "payload": {"hex": "6869", "len": 2}, "rsv": 4}],
        ["sendMessage", {"hex": "616263", "len": 3}, {"isBinary": True, "fragmentSize": 2}],
        ["sendMessageFrameData", {"hex": "61", "len": 1}],
        ["sendMessageFrameData", {"hex": "62", "len": 3}],
        ["endMessage"],
        ["sendCloseFrame", 1001, {"reasonUtf8": "bye"}],
        ["sendCloseFrame"],
        ["killAfter", 1],
    ]
    assert list(frames_of(calls)) == [
        Frame(PING, b"hi", rsv1=True),
        Frame(BINARY, b"ab", fin=False),
        Frame(CONTINUATION, b"c"),
        Frame(TEXT, b"a", fin=False),
        Frame(CONTINUATION, b"b**", fin=False),
        Frame(CONTINUATION),
        Frame(CLOSE, b"\x03\xe9bye"),
        Frame(CLOSE),
    ]
    with pytest.raises(ValueError, match="not known"):
        list(frames_of([["jump"]]))


@needs_data
def test_every_sequence_is_a_history_that_the_rules_allow() -> None:
    scenarios = established(DATA)
    assert len(scenarios) == 2 * 246 or len(scenarios) > 400
    for scenario in scenarios.values():
        seen = expected(Behaviour(RULES, scenario.start.setting), scenario.history)
        assert len(seen) == len(scenario.history)
        assert scenario.history[-1].event.kind is EventKind.SILENCE


@needs_data
def test_sequences_kill_mutants() -> None:
    from wsoracle.generators.mutants import mutants

    scenarios = established(DATA)
    dropped = [m for m in mutants() if m.id == "5.2/reserved-bits~drop"]
    assert Matrix().killed(scenarios["3.1/server"], dropped) == {dropped[0].id}
    assert Matrix().killed(scenarios["1.1.1/server"], dropped) == set()
