"""Cases on real implementations and on degenerate ones: no vacuous pass."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from wsoracle.generators.witness_cases import witness_cases
from wsoracle.model.masking import mask
from wsoracle.model.vocabulary import CLOSE, PING, PONG, Frame, Role, is_control
from wsoracle.model.wire import encode
from wsoracle.peers import available_peers
from wsoracle.properties.observation import frames_in
from wsoracle.running import clause, run_cases, tally

CASES = witness_cases()[0]


class Degenerate:
    """An endpoint that completes the opening handshake and then does one thing only."""

    def __init__(self, habit: str, role: Role) -> None:
        self.habit, self.role, self.out, self.wants_tcp_close = habit, role, b"", habit == "hangs up"
        self.fed = b""
        self.limits = {"message_octets": None}

    def receive(self, octets: bytes) -> None:
        key = b"abcd" if self.role is Role.CLIENT else None
        if self.habit == "closes with 1002" and not self.wants_tcp_close:
            self.out += encode(Frame(CLOSE, b"\x03\xea", key=key))
            self.wants_tcp_close = True
        if self.habit == "echoes unchecked":
            self.fed += octets
            frames, end = frames_in(self.fed)
            self.fed = self.fed[end:]
            for frame in frames:
                h = frame.header
                opcode = PONG if h.opcode == PING else h.opcode
                if h.opcode == PONG or (is_control(h.opcode) and h.opcode not in (PING, CLOSE)):
                    continue
                self.out += encode(Frame(opcode, frame.payload, h.fin, key=key))
                self.wants_tcp_close = self.wants_tcp_close or opcode == CLOSE

    def receive_eof(self) -> None:
        self.wants_tcp_close = True

    def octets_to_send(self) -> bytes:
        sent, self.out = self.out, b""
        return sent

    def events(self) -> Sequence[Any]:
        return []

    def send_fragment(self, opcode: int, payload: bytes, fin: bool) -> None: ...
    def send_ping(self, payload: bytes = b"") -> None: ...
    def send_pong(self, payload: bytes = b"") -> None: ...
    def send_close(self, code: int | None = None, reason: str = "") -> None: ...


def factory(habit: str) -> Any:
    def make(role: Role, application: str = "echo") -> Degenerate:
        return Degenerate(habit, role)

    made = SimpleNamespace(implementation=habit, version="0")

    class Factory:
        implementation = made.implementation
        version = made.version

        def __call__(self, role: Role, application: str = "echo") -> Degenerate:
            return make(role, application)

    return Factory()


@pytest.mark.parametrize("habit", ["hangs up", "stays silent", "closes with 1002"])
def test_an_endpoint_that_processes_nothing_passes_nothing_that_needs_an_answer(habit: str) -> None:
    runs = run_cases(CASES, [factory(habit)])
    by_id = {case.id: case for case in CASES}
    answered = [r for r in runs if r.passed and any(_answers(o) for o in _ok(by_id[r.case]))]
    assert answered == []
    assert not any(r.passed for r in runs if by_id[r.case].negative)


def _ok(case: Any) -> list[Any]:
    return [o for o in case.acceptable() if o.observable is not None]


def _answers(outcome: Any) -> bool:
    return any(type(seen).__name__ in ("SeenMessage", "SeenPong") for seen in outcome.observable)


def test_an_endpoint_that_echoes_whatever_it_gets_passes_no_negative_case_with_a_must() -> None:
    runs = run_cases(CASES, [factory("echoes unchecked")])
    by_id = {case.id: case for case in CASES}
    assert mask(b"", b"abcd") == b""
    passed = [r for r in runs if r.passed and by_id[r.case].negative and by_id[r.case].acceptable()[0].code is not None]
    lenient = [r.case for r in passed if not any(o.delivers for o in by_id[r.case].acceptable())]
    assert lenient == []


@pytest.mark.peers
def test_real_implementations_pass_and_each_failure_names_its_clause() -> None:
    runs = run_cases(CASES, available_peers())
    counted = tally(runs)
    assert len(counted) == 4
    for verdicts in counted.values():
        assert verdicts["OK"] >= 35
        assert verdicts["no control"] == 0
    for run in runs:
        if not run.passed:
            assert run.rules
            assert "section" in run.to_json()["clauses"][0]


def test_what_cannot_be_run_says_why() -> None:
    reasons = {case.judge_only for case in CASES}
    assert None in reasons
    assert "it is about another answer to a disputed point: non_minimal_lengths" in reasons
    assert clause("5.2/reserved-bits").startswith("MUST, section 5.2: «If a nonzero value")
