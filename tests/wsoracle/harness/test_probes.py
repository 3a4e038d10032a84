"""Probes of the fuzzing server: what a client is asked to open besides its cases, with small clients of every kind."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from tests.wsoracle.client_testee import TemporaryFolder, address_of, ask, fuzzing_server, opening, raw
from tests.wsoracle.harness.test_client import CERTIFICATE
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.steps import SendFrame
from wsoracle.harness.serving import untrusted_tls
from wsoracle.model.octets.vocabulary import TEXT, Frame
from wsoracle.properties.connections.checks import CheckResult
from wsoracle.properties.connections.probe_results import ATTEMPTS

ECHO = Case("sample/echo", "echo", "echo", ("sample",), (SendFrame(Frame(TEXT, b"Hello")),))

Client = Callable[[str, dict[str, list[str]]], Awaitable[None]]
"""Is given the server's URL, and the URIs of each probe."""


def results(client: Client, **more: Any) -> dict[str, CheckResult]:
    """What the connections of a client show together, by the ids of checks."""

    async def both() -> TemporaryFolder:
        folder = TemporaryFolder()
        async with fuzzing_server([ECHO], folder, **more) as (server, url):
            if "tls" in more:
                await server.listen_untrusted("127.0.0.1", 0, untrusted_tls())
            trust = {"ssl": ssl.create_default_context(cafile=str(CERTIFICATE))} if "tls" in more else {}
            probes = json.loads(await ask(f"{url}/getProbes?agent=me", **trust) or "")
            async with asyncio.timeout(20):
                await client(url, {probe["id"]: probe["uris"] for probe in probes})
            assert await server.run.until(lambda: not server.run.agents["me"].running, 5)
        return folder

    return {result.check.id: result for result in asyncio.run(both()).over_connections["me"]}


def target_of(uri: str) -> str:
    """What a client that copies a URI onto the wire as it is makes its target."""
    rest = uri.partition("://")[2]
    return rest[min(rest.index(mark) for mark in "/?" if mark in rest) :]


async def fetch(url: str, target: str) -> bytes:
    return await raw(url, opening("/").replace(b"GET /", b"GET " + target.encode(), 1))


def test_a_client_that_opens_two_at_once() -> None:
    async def client(url: str, probes: dict[str, list[str]]) -> None:
        await asyncio.gather(*(fetch(url, target_of(uri)) for uri in probes["at-once"]))

    result = results(client)["opening/one-at-a-time"]
    assert (result.verdict, result.count, result.of) == ("FAILED", 1, 2)


def test_a_client_that_waits_for_the_first() -> None:
    async def client(url: str, probes: dict[str, list[str]]) -> None:
        for uri in probes["at-once"]:
            assert b" 101 " in await fetch(url, target_of(uri))

    result = results(client)["opening/one-at-a-time"]
    assert (result.verdict, result.of) == ("OK", 2)


def test_two_clients_of_the_same_name_are_not_one() -> None:
    """A name is not enough: the address has to be the same too."""

    async def from_another_address(url: str, target: str) -> None:
        _, writer = await asyncio.open_connection(*address_of(url), local_addr=("127.0.0.2", 0))
        writer.write(opening(target))
        await asyncio.sleep(0.3)
        writer.close()

    async def client(url: str, probes: dict[str, list[str]]) -> None:
        one, other = map(target_of, probes["at-once"])
        await asyncio.gather(fetch(url, one), from_another_address(url, other))

    assert results(client)["opening/one-at-a-time"].verdict == "OK"


@pytest.mark.parametrize(
    ("probe", "check", "verdict"),
    [
        ("fragment", "uri/fragment", "FAILED"),  # copied with its fragment
        ("path", "uri/path", "FAILED"),  # copied in UTF-8 as it is
        ("number-sign", "uri/number-sign", "OK"),
        ("resource", "uri/resource", "OK"),
        ("empty-path", "uri/resource", "FAILED"),  # copied without the path
    ],
)
def test_a_client_that_copies_a_uri_onto_the_wire(probe: str, check: str, verdict: str) -> None:
    async def client(url: str, probes: dict[str, list[str]]) -> None:
        await fetch(url, target_of(probes[probe][0]))

    found = results(client)[check]
    assert (found.verdict, found.of) == (verdict, 1)


def test_a_host_that_is_not_converted() -> None:
    async def client(url: str, probes: dict[str, list[str]]) -> None:
        authority = probes["host"][0].partition("://")[2].partition("/")[0]
        octets = opening(target_of(probes["host"][0])).replace(b"Host: x", b"Host: " + authority.encode())
        await raw(url, octets)

    assert results(client)["uri/host"].verdict == "FAILED"


def test_a_client_that_comes_back_at_once() -> None:
    tries = 0

    async def client(url: str, probes: dict[str, list[str]]) -> None:
        nonlocal tries
        while b"\x88" not in await fetch(url, target_of(probes["reconnect"][0])):
            tries += 1

    result = results(client)["opening/backoff"]
    assert result.verdict == "NON-STRICT" and result.count == tries == ATTEMPTS + 1


def test_a_client_that_opens_once_and_accepts_what_came() -> None:
    async def client(url: str, probes: dict[str, list[str]]) -> None:
        assert b" 101 " in await fetch(url, target_of(probes["reconnect"][0]))

    assert results(client)["opening/backoff"].verdict == "OK"


# --- TLS --------------------------------------------------------------------------------------------------------------


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


async def over_tls(
    url: str, target: str, context: ssl.SSLContext, name: str | None = "localhost", host: str = "localhost"
) -> bytes:
    reader, writer = await asyncio.open_connection(*address_of(url), ssl=context, server_hostname=name or "")
    writer.write(opening(target).replace(b"Host: x", f"Host: {host}".encode()))
    octets = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return octets


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATE))


def careless() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def secure(client: Client) -> dict[str, CheckResult]:
    return results(client, tls=server_context())


def test_a_sound_client_over_tls() -> None:
    async def client(url: str, probes: dict[str, list[str]]) -> None:
        assert b" 101 " in await over_tls(url, "/runCase?case=1&agent=me", trusting())
        with pytest.raises(ssl.SSLCertVerificationError):
            await over_tls(probes["untrusted"][0].partition("/probe")[0], target_of(probes["untrusted"][0]), trusting())

    found = secure(client)
    assert {found[check].verdict for check in ("tls/handshake-first", "tls/server-name", "tls/untrusted")} == {"OK"}
    assert found["tls/server-name"].of == 1


def test_a_client_that_trusts_anybody() -> None:
    async def client(url: str, probes: dict[str, list[str]]) -> None:
        (uri,) = probes["untrusted"]
        await over_tls(uri.partition("/probe")[0], target_of(uri), careless())

    assert secure(client)["tls/untrusted"].verdict == "FAILED"


@pytest.mark.parametrize(("host", "verdict"), [("localhost:1", "FAILED"), ("127.0.0.1:1", None), ("[::1]", None)])
def test_a_client_that_does_not_name_the_host(host: str, verdict: str | None) -> None:
    """An address is no name: a client at one has none to send."""

    async def client(url: str, probes: dict[str, list[str]]) -> None:
        await over_tls(url, "/runCase?case=1&agent=me", careless(), None, host)

    found = secure(client).get("tls/server-name")
    assert (found and found.verdict) == verdict


async def write(url: str, octets: Sequence[bytes]) -> None:
    _, writer = await asyncio.open_connection(*address_of(url))
    for some in octets:
        writer.write(some)
        await asyncio.sleep(0)
    await asyncio.sleep(0.2)
    writer.close()


def hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = careless().wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def test_a_client_that_does_not_wait_for_the_answer_to_its_hello() -> None:
    async def client(url: str, probes: dict[str, list[str]]) -> None:
        await over_tls(url, "/runCase?case=1&agent=me", trusting())
        await write(url, [hello(), opening("/runCase?case=1&agent=me")])

    result = secure(client)["tls/handshake-first"]
    assert (result.verdict, result.count, result.of) == ("FAILED", 1, 2)
    assert result.example.startswith("GET /runCase")


def test_a_client_without_tls_is_accused_where_it_was_given_a_wss_uri() -> None:
    async def client(url: str, probes: dict[str, list[str]]) -> None:
        await over_tls(url, "/runCase?case=1&agent=me", trusting())
        await write(url, [opening("/runCase?case=1&agent=me")])  # the URL may have been ws

    assert secure(client)["tls/handshake-first"].verdict == "OK"

    async def probed(url: str, probes: dict[str, list[str]]) -> None:
        await write(url, [opening(target_of(probes["resource"][0]))])

    assert secure(probed)["tls/handshake-first"].verdict == "FAILED"
