"""Cases on real implementations and on degenerate ones: no vacuous pass."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pytest

from wsoracle.explore.running import run_cases, tally
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.derived import acceptable, judge_only, negative, with_controls
from wsoracle.generators.suite.fault_cases import fault_cases
from wsoracle.generators.suite.witness_cases import witness_cases
from wsoracle.generators.workers import process_pool
from wsoracle.implementations import available_peers
from wsoracle.model.facts.heads import request_octets, response_octets, sample_request
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.units import frames_in
from wsoracle.model.octets.vocabulary import CLOSE, PING, PONG, Frame, Role, is_control


@lru_cache(maxsize=1)
def after_opening() -> list[Case]:
    """The cases of witnesses that begin on an open connection."""
    return [case for case in witness_cases()[0] if not case.opening]


class Degenerate:
    """An endpoint that completes the opening handshake and then does one thing only."""

    def __init__(self, habit: str, role: Role) -> None:
        self.habit, self.role, self.out, self.wants_tcp_close = habit, role, b"", habit == "hangs up"
        self.fed = b""
        self.limit = None

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


def degenerate(habit: str) -> Any:
    """An implementation of one habit, as `run_cases` takes it: called for the first octet on, `opened` for later."""

    class Implementation:
        implementation, version, head_limit = habit, "0", 16_384

        def __new__(cls, role: Role, application: str = "sink", **more: object) -> Any:
            return DegenerateOpening(habit, role)

        @staticmethod
        def opened(role: Role, application: str = "sink", **more: object) -> Degenerate:
            return Degenerate(habit, role)

    return Implementation


@pytest.mark.parametrize("habit", ["hangs up", "stays silent", "closes with 1002"])
def test_an_endpoint_that_processes_nothing_passes_nothing_that_needs_an_answer(habit: str) -> None:
    runs = run_cases(after_opening(), [degenerate(habit)])
    by_id = {case.id: case for case in after_opening()}
    answered = [r for r in runs if r.passed and any(_answers(o) for o in _ok(by_id[r.case]))]
    assert answered == []
    assert not any(r.passed for r in runs if negative(by_id[r.case]))


def _ok(case: Any) -> list[Any]:
    return [o for o in acceptable(case) if o.observable is not None]


def _answers(outcome: Any) -> bool:
    return any(type(seen).__name__ in ("SeenMessage", "SeenPong") for seen in outcome.observable)


def test_an_endpoint_that_echoes_whatever_it_gets_passes_no_negative_case_with_a_must() -> None:
    runs = run_cases(after_opening(), [degenerate("echoes unchecked")])
    by_id = {case.id: case for case in after_opening()}
    assert mask(b"", b"abcd") == b""
    passed = [r for r in runs if r.passed and negative(by_id[r.case]) and acceptable(by_id[r.case])[0].code is not None]
    lenient = [r.case for r in passed if not any(o.delivers for o in acceptable(by_id[r.case]))]
    assert lenient == []


@pytest.mark.peers
def test_other_processes_give_the_same_runs() -> None:
    few, told = after_opening()[::8], list[int]()
    with process_pool(2) as pool:
        runs = run_cases(few, available_peers(), lambda _, done, __: told.append(done), pool)
    assert runs == run_cases(few, available_peers())
    assert told[-1] == len(runs) > 0


@pytest.mark.peers
def test_real_implementations_pass_and_each_failure_names_its_clause() -> None:
    runs = run_cases(after_opening(), available_peers())
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
    reasons = {judge_only(case) for case in after_opening()}
    assert None in reasons
    assert "it is about another answer to a disputed point: non_minimal_lengths" in reasons


class DegenerateOpening(Degenerate):
    """A server that answers whatever arrives in one way, or a client that has sent its request and does one thing."""

    def __init__(self, habit: str, role: Role) -> None:
        super().__init__("stays silent", role)
        self.does = habit
        if role is Role.CLIENT:
            self.out = request_octets(RequestFacts())

    def receive(self, octets: bytes) -> None:
        if self.does == "hangs up":
            self.wants_tcp_close = True
        elif self.role is Role.SERVER and self.does == "refuses everything":
            self.out, self.wants_tcp_close = self.out + b"HTTP/1.1 400 Bad Request\r\n\r\n", True
        elif self.role is Role.SERVER and self.does == "accepts everything":
            self.out += response_octets(ResponseFacts(), sample_request(RequestFacts()))


@lru_cache(maxsize=1)
def openings() -> tuple[Case, ...]:
    """Some cases of faulty opening handshakes, with their controls."""
    some = [case for case in fault_cases()[0] if judge_only(case) is None and case.id.count("+") < 2][:80]
    return with_controls(some, fault_cases()[0])


@pytest.mark.parametrize("habit", ["hangs up", "stays silent", "refuses everything"])
def test_who_opens_no_connection_passes_no_case_about_opening_handshakes(habit: str) -> None:
    runs = [run for run in run_cases(openings(), [degenerate(habit)]) if run.role is Role.SERVER]
    assert len(runs) > 20
    assert [run.case for run in runs if run.passed] == []


def test_who_opens_every_connection_passes_only_where_that_is_allowed() -> None:
    by_id = {case.id: case for case in openings()}
    runs = run_cases(openings(), [degenerate("accepts everything")])
    passed = [by_id[run.case] for run in runs if run.passed and run.role is Role.SERVER]
    assert passed
    assert all(any(outcome.delivers == "opening handshake" for outcome in acceptable(case)) for case in passed)
    refused = [run for run in runs if run.role is Role.SERVER and not run.passed]
    assert all(run.rules for run in refused)
    assert len(refused) > 10


@pytest.mark.peers
def test_real_implementations_open_connections_and_each_failure_names_its_clause() -> None:
    runs = run_cases(openings(), available_peers())
    assert len(tally(runs)) == 4
    for verdicts in tally(runs).values():
        assert verdicts["OK"] + verdicts["NON-STRICT"] >= 10
        assert verdicts["no control"] == 0
    assert all(run.rules for run in runs if not run.passed)
