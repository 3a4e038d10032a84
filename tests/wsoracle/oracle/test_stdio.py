"""Lines come in chunks of any size, and their answers are the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.oracle import stdio
from wsoracle.oracle.session import OracleSession

LINES = b"""{"seq":1,"cmd":"start","version":1}
nonsense

{"seq":2,"cmd":"open","connection":"a","role":"client"}
{"seq":3,"cmd":"owes","connection":"a"}
"""


def answers(octets: bytes, cuts: list[int]) -> list[dict[str, object]]:
    ends = sorted({*(cut % (len(octets) + 1) for cut in cuts), len(octets)})
    chunks = [octets[start:end] for start, end in zip([0, *ends], ends, strict=False) if end > start]
    waiting, written = iter(chunks), bytearray()
    stdio.serve(lambda most: next(waiting, b""), written.extend, OracleSession())
    assert not written or written.endswith(b"\n")
    return [json.loads(line) for line in written.splitlines()]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 1_000)), st.booleans())
def test_chunks_change_nothing(cuts: list[int], stops: bool) -> None:
    last = b'{"seq":4,"cmd":"stop"}' + b"\nnever read\n" * stops
    found = answers(LINES + last, cuts)
    assert [one["seq"] for one in found] == [1, None, 2, 3, 4]
    assert found == answers(LINES + last, [])


def test_a_line_that_is_too_long_is_said_so_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio, "MOST_LINE", 100)
    found = answers(b"x" * 1_000 + b"\n" + LINES, list(range(0, 1_000, 7)))
    assert found[0]["error"] == {"kind": "json", "message": "the line has more than 100 octets: ask about a part of it"}
    assert found[1:] == answers(LINES, [])


def test_the_command() -> None:
    def run(*options: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "wsoracle", "oracle", *options]
        return subprocess.run(command, input=given, capture_output=True, timeout=120, check=False)

    said = run("--stdio", "--validate", given=LINES)
    assert (said.returncode, said.stderr) == (0, b"")
    assert [json.loads(line)["seq"] for line in said.stdout.splitlines()] == [1, None, 2, 3]
    printed = run("--schema")
    shipped = Path(stdio.__file__).with_name("oracle.schema.json")
    assert json.loads(printed.stdout) == json.loads(shipped.read_text("utf-8"))


def test_one_question_at_a_time_is_answered_at_once() -> None:
    command = [sys.executable, "-m", "wsoracle", "oracle", "--stdio"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None and running.stdout is not None
        for line in LINES.splitlines()[:2]:
            running.stdin.write(line + b"\n")
            running.stdin.flush()
            assert b"seq" in running.stdout.readline()
        running.stdin.close()
        assert running.wait(60) == 0
