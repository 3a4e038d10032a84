"""A page of another site runs cases, and neither stops the fuzzing server nor reads its pages."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wsoracle.client_testee import ask, fuzzing_server, opening, raw, run_case
from tests.wsoracle.harness.test_client import ALL
from wsoracle.harness.server_trust import OwnNames
from wsoracle.model.octets.http import Request

T = TypeVar("T")

OWN_HOSTS = ("127.0.0.1:9001", "[::1]:9001", "localhost", "LOCALHOST:9001", "192.168.1.7:80", "fuzzingserver:9001")
LABELS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
FOREIGN = st.builds("{}.{}".format, LABELS, LABELS.filter(lambda label: label != "localhost"))
"""Names that anybody may own: they have a dot."""

NAMES = OwnNames(("here.example",))


def request(host: str | None, *origins: str) -> Request:
    fields = [*([("Host", host)] if host is not None else []), *(("Origin", origin) for origin in origins)]
    return Request("1.1", tuple(fields))


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 60))


@pytest.mark.parametrize("host", [*OWN_HOSTS, "here.example", "HERE.example.:9001", None])
def test_what_is_no_browser_is_obeyed(host: str | None) -> None:
    assert NAMES.may_read(request(host)) and NAMES.may_stop(request(host))


@given(st.sampled_from(OWN_HOSTS), FOREIGN, st.sampled_from(("", ":80", ":9001")), st.sampled_from(("http", "https")))
def test_another_site_stops_nothing(host: str, site: str, port: str, scheme: str) -> None:
    origin = f"{scheme}://{site}{port}"
    assert not NAMES.may_stop(request(host, origin))
    assert not NAMES.may_stop(request(host, "http://127.0.0.1", origin))
    # Its name may be made to lead here.
    assert not NAMES.may_stop(request(f"{site}{port}", origin))
    assert not NAMES.may_read(request(f"{site}{port}"))


@pytest.mark.parametrize("origin", ["null", "", "about:blank", "http://localhost.example", "http://127.0.0.1.example",
                                    "http://127.0.0.1@site.example", "http://93.184.216.34", "x"])  # fmt: skip
def test_no_site_in_disguise_stops_it(origin: str) -> None:
    assert not NAMES.may_stop(request("127.0.0.1:9001", origin))


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:9001", "http://127.0.0.1:9001"),
        ("127.0.0.1:9001", "http://localhost:8080"),
        ("[::1]:9001", "http://[::1]:8080"),
        ("192.168.1.7:9001", "http://192.168.1.7:8080"),
        ("here.example:9001", "https://here.example"),
        ("fuzzingserver:9001", "http://fuzzingserver:8080/"),
    ],
)
def test_a_page_of_this_host_or_machine_is_obeyed(host: str, origin: str) -> None:
    assert NAMES.may_stop(request(host, origin))


def test_a_browser_of_another_site_runs_its_cases_and_ends_nothing() -> None:
    async def talk() -> tuple[set[str], bytes]:
        async with fuzzing_server(ALL, once=True) as (server, url):
            await run_case(url, "case=1", "browser", origin="http://site.example")
            for path in ("updateReports?agent=browser", "updateReports?agent=browser&shutdownOnComplete=true"):
                await ask(f"{url}/{path}", origin="http://site.example")
            stop = opening("/stopServer").replace(b"\r\nUpgrade", b"\r\nOrigin: http://site.example\r\nUpgrade", 1)
            refused = await raw(url, stop)
            assert await ask(f"{url}/getCaseCount", origin="http://site.example") == str(len(ALL))
            stopped = asyncio.ensure_future(server.stopped())
            await asyncio.sleep(0)
            assert not stopped.done()
            await ask(f"{url}/updateReports?agent=browser", origin=url.replace("ws", "http"))
            await stopped
            return set(server.run.agents["browser"].results), refused

    ran, refused = run(talk())
    assert ran == {ALL[0].id}
    assert refused.startswith(b"HTTP/1.1 403 ")


def test_another_site_leaves_names_of_agents_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsoracle.harness.server_run.MOST_FOREIGN", 2)

    async def talk() -> tuple[list[str], bytes]:
        async with fuzzing_server(ALL) as (server, url):
            for agent in ("a", "b", "c", "a"):
                await run_case(url, "case=1", agent, origin="http://site.example")
            probes = opening("/getProbes?agent=d").replace(b"\r\nUpgrade", b"\r\nOrigin: http://x.y\r\nUpgrade", 1)
            refused = await raw(url, probes)
            await run_case(url, "case=1", "program")
            await run_case(url, "case=1", "browser", origin=url.replace("ws", "http"))
            return list(server.run.agents), refused

    agents, refused = run(talk())
    assert agents == ["a", "b", "program", "browser"]
    assert refused.startswith(b"HTTP/1.1 500 ")


def test_pages_are_not_for_a_name_that_leads_here() -> None:
    async def talk() -> list[bytes]:
        async with fuzzing_server(ALL) as (_, url):
            hosts = ("site.example", "127.0.0.1", "localhost:1")
            return [await raw(url, f"GET /live.json HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()) for host in hosts]

    foreign, *own = run(talk())
    assert foreign.startswith(b"HTTP/1.1 403 ") and b"agents" not in foreign
    for page in own:
        assert page.startswith(b"HTTP/1.1 200 ") and b"\r\nCross-Origin-Resource-Policy: same-origin\r\n" in page
