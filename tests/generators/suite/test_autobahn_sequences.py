"""Autobahn's calls as frames, and its sequences as histories."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.autobahn_cases import autobahn_cases
from wsoracle.generators.mutants.killed import kills
from wsoracle.generators.mutants.observable import expected
from wsoracle.generators.suite.autobahn_sequences import autobahn_sequences, frames_of
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.notation.variables import EventKind, Setting
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, TEXT, Frame, Role
from wsoracle.model.rules import RULES


def test_calls_become_frames() -> None:
    calls: list[list[Any]] = [
        ["sendFrame", {"opcode": PING, "payload": {"hex": "6869", "len": 2}, "rsv": 4}],
        ["sendFrame", {"opcode": TEXT, "payload": {"hex": "616263", "len": 3}, "payload_len": 7}],
        ["sendMessage", {"hex": "616263", "len": 3}, {"isBinary": True, "fragmentSize": 2}],
        ["beginMessage"],
        ["beginMessageFrame", 2],
        ["sendMessageFrameData", {"hex": "61", "len": 1}],
        ["continueLater", 1, "A"],
        ["sendMessageFrameData", {"hex": "62", "len": 1}],
        ["endMessage"],
        ["sendCloseFrame", 1001, {"reasonUtf8": {"hex": "627965", "len": 3}}],
        ["sendClose", 1000, {"hex": "6f6b", "len": 2}],
        ["sendCloseFrame", {"reasonUtf8": {"hex": "61", "len": 1}}],
        ["sendCloseFrame"],
        ["killAfter", 1],
    ]
    assert list(frames_of(calls)) == [
        Frame(PING, b"hi", rsv1=True),
        Frame(TEXT, b"abcabca"),
        Frame(BINARY, b"ab", fin=False),
        Frame(CONTINUATION, b"c"),
        Frame(TEXT, b"ab", fin=False),
        Frame(CONTINUATION),
        Frame(CLOSE, b"\x03\xe9bye"),
        Frame(CLOSE, b"\x03\xe8ok"),
        Frame(CLOSE, b"a"),
        Frame(CLOSE),
    ]
    with pytest.raises(ValueError, match="not known"):
        list(frames_of([["jump"]]))


def test_a_long_payload_is_checked_by_its_digest() -> None:
    payload = {"head_hex": "2a2a", "len": 300, "sha256": hashlib.sha256(b"*" * 300).hexdigest()}
    assert list(frames_of([["sendMessage", payload, False]])) == [Frame(TEXT, b"*" * 300)]
    with pytest.raises(ValueError, match="one octet repeated"):
        list(frames_of([["sendMessage", {**payload, "len": 301}, False]]))


def _write(path: Path, **changes: Any) -> Path:
    row: dict[str, Any] = {
        "id": "1.1.1",
        "onOpen_calls": [["sendFrame", {"opcode": TEXT, "payload": {"hex": "6869", "len": 2}}], ["killAfter", 1]],
        "expectedClose": {"closedByMe": True},
        "suppressClose": False,
    }
    path.write_text(json.dumps({**row, **changes}) + "\n", encoding="utf-8")
    return path


def test_an_endpoint_that_echoes_and_closes(tmp_path: Path) -> None:
    found = autobahn_sequences(_write(tmp_path / "cases.jsonl"))
    assert [name for name in found if "silent" not in name] == ["1.1.1/client", "1.1.1/server"]
    kinds = [step.event.kind for step in found["1.1.1/server"].history]
    assert kinds == [
        EventKind.RECEIVE,
        EventKind.SEND,
        EventKind.RECEIVE,
        EventKind.SEND,
        EventKind.CLOSE_TCP,
        EventKind.SILENCE,
        EventKind.RECEIVE_EOF,
        EventKind.SILENCE,
    ]
    labels = [str(step.label) for step in found["1.1.1/server"].history]
    assert labels[:3] == ["accept: text message", "permit", "accept: close"]
    silences = [scenario.history for name, scenario in found.items() if name.startswith("1.1.1/server/silent")]
    assert [len(history) for history in silences] == [2, 4, 5]
    assert all(history[-1].event.kind is EventKind.SILENCE for history in silences)


def test_other_groups_are_left_out(tmp_path: Path) -> None:
    assert autobahn_sequences(_write(tmp_path / "cases.jsonl", id="9.1.1")) == {}


@pytest.mark.parametrize("changes", [{"onOpen_calls": [["jump"]]}, {"expectedClose": {}}])
def test_a_file_of_another_kind_is_refused_with_the_line(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="line 1: not a case"):
        autobahn_sequences(_write(tmp_path / "cases.jsonl", **changes))


def test_every_sequence_is_a_history_that_the_rules_allow() -> None:
    scenarios = autobahn_sequences(autobahn_cases())
    assert len([name for name in scenarios if "silent" not in name]) == 2 * 246
    behaviours = {role: CompiledMachine(RULES, Setting(role, echo=True)) for role in Role}
    for scenario in scenarios.values():
        seen = expected(behaviours[scenario.start.setting.role], scenario.history)
        assert len(seen) == len(scenario.history)
        assert scenario.history[-1].event.kind is EventKind.SILENCE


def test_sequences_kill_mutants() -> None:
    from wsoracle.generators.mutants.operators import mutants

    scenarios = autobahn_sequences(autobahn_cases())
    dropped = [m for m in mutants() if m.id == "5.2/reserved-bits~drop"]
    asked = [scenarios["3.1/server"], scenarios["1.1.1/server"]]
    assert list(kills(asked, dropped)) == [{dropped[0].id}, set()]
