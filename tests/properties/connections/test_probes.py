"""What clients make of the URIs that they are handed, and when they open and open again."""

from __future__ import annotations

from typing import Any

import pytest

from wsoracle.properties.connections.checks import CheckResult
from wsoracle.properties.connections.probe_results import ATTEMPTS, results_on_probes
from wsoracle.properties.connections.probes import FULLWIDTH, ProbeArrival, probe_in, probes_for
from wsoracle.properties.judge.verdict import Verdict

AUTHORITY = "127.0.0.1:9001"


def result_on(*arrivals: ProbeArrival) -> CheckResult:
    (result,) = results_on_probes((), arrivals)
    return result


def test_each_probe_is_known_again_in_the_request_of_a_client_that_does_it_right() -> None:
    for probe in probes_for(AUTHORITY, "an agent", False, "127.0.0.1:9"):
        uris = probe["uris"]
        assert isinstance(uris, list)
        for uri in uris:
            target = uri.partition("://")[2].partition("#")[0]
            target = target[target.index("/" if "/" in target.partition("?")[0] else "?") :]
            target = "/" + target if target.startswith("?") else target
            line = f"GET {target} HTTP/1.1".replace("\u00e9", "%C3%A9")
            found = probe_in(line)
            assert found is not None and found[:2] == (probe["id"], "an agent")


def test_a_host_that_is_not_ascii_is_for_the_own_machine_alone() -> None:
    def hosts(authority: str) -> list[Any]:
        return [probe["uris"] for probe in probes_for(authority, "a", False) if probe["id"] == "host"]

    assert hosts("example.com:80") == []
    ((uri,),) = hosts(AUTHORITY)
    assert uri.startswith(f"ws://{FULLWIDTH}:9001/probe/host?")
    assert FULLWIDTH.encode("idna") == b"localhost"


GOOD = {
    "fragment": ["/probe/fragment?agent=a", "http://h/probe/fragment?agent=a", "/probe/fragment?agent=a%23top"],
    "number-sign": ["/probe/number-sign/a%23b?agent=a"],
    "path": ["/probe/path/caf%C3%A9?agent=a", "/probe/path/caf%c3%a9?agent=a", "/probe/path/cafe%CC%81?agent=a"],
    "resource": ["/probe/resource/a%2Fb%25c;v=1?q=a/b?c&agent=a",
                 "/probe/resource/a%2fb%25c%3Bv%3D1?q=a%2Fb%3Fc&agent=a",
                 "http://127.0.0.1:9001/probe/resource/a%2Fb%25c;v=1?q=a/b?c&agent=a"],
    "empty-path": ["/?probe=empty-path&agent=a", "http://127.0.0.1:9001?probe=empty-path&agent=a"],
}  # fmt: skip
BAD = {
    "fragment": ["/probe/fragment?agent=a#top"],
    "number-sign": ["/probe/number-sign/a#b?agent=a"],
    "path": ["/probe/path/caf\u00c3\u00a9?agent=a", "/probe/path/caf\u00e9?agent=a", "/probe/path/caf%E9?agent=a",
             "/probe/path/caf?agent=a"],
    "resource": ["/probe/resource/a%252Fb%2525c;v=1?q=a/b?c&agent=a", "/probe/resource/a/b%25c;v=1?q=a/b?c&agent=a",
                 "/probe/resource/a%2Fb%25c;v=1?q=a/b"],
    "empty-path": ["?probe=empty-path&agent=a"],
}  # fmt: skip


@pytest.mark.parametrize(("probe", "target"), [(probe, target) for probe, some in GOOD.items() for target in some])
def test_a_target_that_stands_for_the_uri_is_not_accused(probe: str, target: str) -> None:
    assert result_on(ProbeArrival(probe, target)).verdict is Verdict.OK


@pytest.mark.parametrize(("probe", "target"), [(probe, target) for probe, some in BAD.items() for target in some])
def test_a_target_that_does_not_is(probe: str, target: str) -> None:
    result = result_on(ProbeArrival(probe, target))
    assert (result.verdict, result.count, result.of) == (Verdict.FAILED, 1, 1)
    assert result.example.isascii()


def test_a_host_is_sent_in_ascii() -> None:
    assert result_on(ProbeArrival("host", "/probe/host", "localhost:9001")).verdict is Verdict.OK
    raw = FULLWIDTH.encode().decode("latin-1")
    assert result_on(ProbeArrival("host", "/probe/host", raw)).verdict is Verdict.FAILED


def test_a_client_that_refuses_the_uris_is_not_accused() -> None:
    asked = [str(probe["id"]) for probe in probes_for(AUTHORITY, "a", True, "x:1")]
    results = results_on_probes(asked, ())
    assert {result.verdict for result in results} == {Verdict.OK}
    assert "tls/untrusted" in {result.check.id for result in results}


def test_two_that_open_at_a_time_are_one_too_many() -> None:
    one, other = ProbeArrival("at-once", "/1"), ProbeArrival("at-once", "/2", connecting=1)
    assert result_on(one, other).verdict is Verdict.FAILED
    assert result_on(one, one).verdict is Verdict.OK


def test_a_request_behind_an_untrusted_certificate() -> None:
    assert result_on(ProbeArrival("untrusted", "/u", secure=True)).verdict is Verdict.FAILED


def again(*delays: float) -> CheckResult:
    arrivals, at = [ProbeArrival("reconnect", "/", began=1.0, ended=2.0)], 2.0
    for delay in delays:
        at += delay
        arrivals.append(ProbeArrival("reconnect", "/", began=at, ended=at + 0.001))
        at += 0.001
    return result_on(*arrivals)


@pytest.mark.parametrize(
    "delays", [[0.001] * ATTEMPTS, [0.3, *[1.0] * ATTEMPTS], [0.0, *[1.0 + n % 2 / 50 for n in range(ATTEMPTS)]]]
)
def test_who_comes_back_at_once_or_always_after_the_same_time_does_not_back_off(delays: list[float]) -> None:
    result = again(*delays)
    assert result.verdict is Verdict.NON_STRICT
    assert "7.2.3-01" in result.check.requirements


@pytest.mark.parametrize(
    "delays", [[], [0.001], [0.001] * (ATTEMPTS - 1), [0.02 * 2**n for n in range(12)], [1.0] * ATTEMPTS,
               [0.0, 4.7, 0.2, 3.1, 1.4, 2.2, 0.9, 4.4, 3.3, 1.1]]
)  # fmt: skip
def test_who_waits_longer_at_random_or_only_once_is_not_accused(delays: list[float]) -> None:
    assert again(*delays).verdict is Verdict.OK


@pytest.mark.parametrize("line", ["", "GET", "GET / HTTP/1.1", "GET /probe/unknown?agent=a HTTP/1.1",
                                  "GET /probe/path HTTP/1.1", "GET /runCase?case=1&agent=a HTTP/1.1"])  # fmt: skip
def test_other_requests_are_for_no_probe(line: str) -> None:
    assert probe_in(line) is None
