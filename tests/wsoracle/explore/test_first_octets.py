"""Hunting in opening handshakes: what is seeded is found by itself, nothing is found in our own endpoint."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wsoracle.explore.attempts import Attempt, OwnRole
from wsoracle.explore.findings import Finding
from wsoracle.explore.hunting import Examined, Hunt, examine, hunt
from wsoracle.generators.cases.derived import check_suite
from wsoracle.generators.cases.realised_history import CannotBuildError
from wsoracle.generators.cases.steps import SendHead
from wsoracle.implementations import PeerCrashed
from wsoracle.implementations.own_endpoint import OwnEndpoint
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.in_words import shown_head
from wsoracle.properties.judge.observation import Arrives
from wsoracle.properties.state_machines.driving import Sut


class Careless(OwnRole):
    """A server with three faults: it takes POST for GET, does not look for Host, and breaks down at x-private."""

    def connect(self, attempt: Attempt) -> Sut:
        return _Careless(super().connect(attempt))


class _Careless:
    def __init__(self, inner: Sut) -> None:
        assert isinstance(inner, OwnEndpoint)
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def receive(self, octets: bytes) -> None:
        if b"x-private" in octets:
            raise PeerCrashed(ZeroDivisionError("no"))
        octets = octets.replace(b"POST ", b"GET ")
        if octets.startswith(b"GET ") and b"host:" not in octets.lower() and octets.endswith(b"\r\n\r\n"):
            octets = octets.removesuffix(b"\r\n") + b"Host: a\r\n\r\n"
        self._inner.receive(octets)


@pytest.fixture(scope="module")
def careless() -> Hunt:
    return hunt(Careless(Role.SERVER), 1, 100, opening=True)


def finding(examined: Examined) -> Finding:
    rule = examined.judgement.rules[0] if examined.judgement.rules else "crash/no-rule"
    return Finding("careless", "1", f"exploration/careless/server/{rule}", examined)


def test_each_seeded_fault_is_found_by_itself(careless: Hunt) -> None:
    found = {examined.judgement.rules[:1]: examined for examined in careless.found}
    assert set(found) == {("4.2.1/get-only",), ("4.2.1/host-missing",), ()}
    (arrives, _) = found["4.2.1/get-only",].attempt.stimulus
    assert isinstance(arrives, Arrives) and arrives.octets.startswith(b"POST /chat HTTP/1.1\r\nHost: ")
    (crash,) = found[()].deviations
    assert crash.act.startswith("it crashed: ZeroDivisionError")


@pytest.mark.parametrize("role", Role)
def test_nothing_is_found_in_our_own_endpoint(role: Role) -> None:
    hunted = hunt(OwnRole(role), 1, 60, opening=True)
    assert not hunted.found and hunted.drawn == 60
    kinds = {"4.2.1/sound-request", "4.2.1/key"} if role is Role.SERVER else {"4.1/established", "4.1/answer-accept"}
    assert kinds <= hunted.fired.keys()


def test_the_same_seed_finds_the_same(careless: Hunt) -> None:
    assert hunt(Careless(Role.SERVER), 1, 100, opening=True) == careless


def test_an_example_is_what_examining_its_scenario_shows(careless: Hunt) -> None:
    for examined in careless.found:
        again = examine(Careless(Role.SERVER), examined.attempt)
        assert examined.attempt.from_first_octet
        assert (again.judgement, again.deviations) == (examined.judgement, examined.deviations)


def test_a_finding_has_its_heads_as_text_and_a_case(careless: Hunt) -> None:
    for examined in careless.found:
        one = finding(examined)
        document = json.loads(json.dumps(one.to_json()))
        assert {"implementation", "version", "role", "case", "rules", "strength"} <= document.keys()
        assert document["request"].startswith(("GET /chat HTTP/1.1\n", "POST /chat HTTP/1.1\n"))
        assert document["offers"] == {"subprotocols": [], "deflate": False}
        try:
            cases = one.cases(1)
        except CannotBuildError:
            assert one.strength == "CRASH"
            continue
        check_suite({case.id: case for case in cases}.values())
        (step, *_) = (step for step in cases[-1].steps if isinstance(step, SendHead))
        assert bytes.fromhex(document["octets"][0]).startswith(step.octets)
        assert cases[-1].opening and cases[-1].id == one.case


def test_a_head_is_shown_without_what_is_long_or_never_the_same() -> None:
    octets = b"GET / HTTP/1.1\r\nDate: today\r\nX: " + b"a" * 60 + b"\r\n\r\nabc"
    assert shown_head(octets) == "GET / HTTP/1.1\nDate: ...\nX: aaa... (60 times)\n\nand 3 octets"
