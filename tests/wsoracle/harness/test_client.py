"""The fuzzing client against servers of every kind, on loopback."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.wsoracle.client_testee import TemporaryFolder
from tests.wsoracle.degenerate_servers import (
    DEGENERATE,
    HOSTILE,
    Handler,
    echoes_everything,
    floods,
    hangs_up,
    ignores_http,
    resets,
    says_nothing,
    serving,
    trickles,
)
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.runnable import runnable_cases
from wsoracle.generators.cases.steps import EndSending, Greeting, SendFrame, SendOctets, Settle
from wsoracle.harness.client import run_client
from wsoracle.harness.manners import Manners
from wsoracle.harness.target import NoServer, Target
from wsoracle.model.octets.uri import parse_uri
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, PING, PONG, TEXT, Frame

ECHO = "sample/echo"
CERTIFICATE = Path(__file__).parents[1] / "data" / "loopback.pem"


def case(name: str, *actions: Any, control: str | None = ECHO, **more: Any) -> Case:
    return Case(f"sample/{name}", name, name, ("sample",), actions, control=control, **more)


POSITIVE = (
    case("echo", SendFrame(Frame(TEXT, b"Hello")), control=None),
    case("ping", SendFrame(Frame(PING, b"are you there")), control=None),
    case("in-parts", SendFrame(Frame(TEXT, b"frag", fin=False)), SendFrame(Frame(PING, b"x")), Settle(),
         SendFrame(Frame(CONTINUATION, b"ment")), control=None),
)  # fmt: skip
NEGATIVE = (
    case("reserved-bit", SendFrame(Frame(TEXT, b"Hello", rsv1=True))),
    case("unknown-opcode", SendFrame(Frame(TEXT, b"Hello")), SendFrame(Frame(14, b"Hello")), SendFrame(Frame(PING))),
    case("not-utf8", SendFrame(Frame(TEXT, b"\xff\xfe\xfd"))),
    case("long-ping", SendFrame(Frame(PING, b"x" * 126))),
)
OTHER = (
    case("pong", SendFrame(Frame(PONG, b"nobody asked"))),
    case("close", SendFrame(Frame(CLOSE, b"\x03\xe8"))),
    case("half-frame-then-end", SendOctets(b"\x81"), EndSending()),
)
ALL = POSITIVE + NEGATIVE + OTHER

QUICK = Manners(patience=0.4, grace=0.1, seconds=1.5)


def run_on(url: str, cases: tuple[Case, ...] = ALL, manners: Manners = QUICK, **more: Any) -> dict[str, dict[str, Any]]:
    return asyncio.run(_records(url, cases, manners, **more))


async def _records(url: str, cases: tuple[Case, ...], manners: Manners, **more: Any) -> dict[str, dict[str, Any]]:
    folder = TemporaryFolder()
    return folder.of(await run_client(Target(parse_uri(url)), cases, manners, folder, **more))


def against(handler: Handler, host: str = "127.0.0.1", **more: Any) -> dict[str, dict[str, Any]]:
    async def both() -> dict[str, dict[str, Any]]:
        async with serving(handler, host) as port:
            shown = f"[{host}]" if ":" in host else host
            return await _records(f"ws://{shown}:{port}/", more.pop("cases", ALL), more.pop("manners", QUICK), **more)

    return asyncio.run(both())


def passed(records: dict[str, dict[str, Any]]) -> set[str]:
    return {case_id for case_id, record in records.items() if record["wsoracle"]["passed"]}


async def _echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@pytest.mark.peers
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_real_server_passes(host: str) -> None:
    async def both() -> dict[str, dict[str, Any]]:
        async with serve(_echo, host, 0, compression=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            shown = f"[{host}]" if ":" in host else host
            return await _records(f"ws://{shown}:{port}/", ALL, Manners(patience=5))

    records = asyncio.run(both())
    assert passed(records) == {one.id for one in ALL}
    assert {record["agent"] for record in records.values()} == {records[ECHO]["agent"]}
    assert "websockets" in records[ECHO]["agent"]
    assert records["sample/unknown-opcode"]["remoteCloseCode"] == 1002
    assert records[ECHO]["wasClean"] and records[ECHO]["closedByMe"] and not records[ECHO]["droppedByMe"]


@pytest.mark.parametrize("handler", DEGENERATE[:4], ids=lambda handler: handler.__name__)
def test_who_processes_nothing_passes_nothing(handler: Handler) -> None:
    records = against(handler)
    assert set(records) == {one.id for one in ALL}
    assert passed(records) == set()
    assert all(record["behavior"] == "FAILED" for record in records.values())


def test_who_echoes_everything_passes_no_negative_case() -> None:
    records = against(echoes_everything)
    assert passed(records) >= {ECHO, "sample/ping", "sample/pong"}
    assert not passed(records) & {one.id for one in NEGATIVE}
    assert all(record["wsoracle"]["counts"] for record in records.values())
    assert "5.2/reserved-bits" in [rule["id"] for rule in records["sample/reserved-bit"]["wsoracle"]["rules"]]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_would_take_too_long_to_judge_in_all_is_not_run(elsewhere: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsoracle.harness.judging_pool.MOST_SECONDS", 0.0)
    monkeypatch.setattr("wsoracle.harness.judging_pool.MANY_CASES", 1 if elsewhere else 1000)
    records = [record["wsoracle"] for record in against(echoes_everything, jobs=1).values()]
    left_out = [record for record in records if record["verdict"] == "NOT RUN"]
    assert 0 < len(left_out) < len(records)  # the first is judged
    for record in left_out:
        assert not record["passed"]
        assert "not judged: what this endpoint sent before took 0 s" in record["note"]


@pytest.mark.parametrize("handler", HOSTILE, ids=lambda handler: handler.__name__)
def test_no_server_stops_a_run_or_passes_a_case_by_misbehaving(handler: Handler) -> None:
    records = against(handler)
    assert set(records) == {one.id for one in ALL}
    assert passed(records) == set()


@pytest.mark.parametrize(("handler", "times"), [(ignores_http, 1), (says_nothing, 3)], ids=["at all", "after 101"])
def test_silence_is_waited_for_a_few_times(handler: Handler, times: int) -> None:
    """A 101 is speech: who sends one is asked with three messages that are not empty."""
    many = tuple(case(f"echo-{n}", SendFrame(Frame(TEXT, b"Hello")), control=None) for n in range(100))
    records = against(handler, cases=many, manners=Manners(patience=0.3))
    waited = [record for record in records.values() if record["wsoracle"]["timeline"]]
    assert len(waited) == times and len(records) == 100
    assert {record["wsoracle"]["verdict"] for record in records.values() if record not in waited} == {"NOT RUN"}
    silences = [step for step in waited[0]["wsoracle"]["timeline"] if "silence" in step["what"]]
    assert len(silences) == 1


def test_a_flood_is_cut_off_and_said_so() -> None:
    records = against(floods, cases=POSITIVE[:1])
    assert "read no further" in records[ECHO]["wsoracle"]["note"]
    assert len(records[ECHO]["wsoracle"]["timeline"]) <= 1001
    assert len(records[ECHO]["wirelog"]) <= 1001


def test_who_trickles_is_cut_off_at_the_time_limit() -> None:
    records = against(trickles, cases=POSITIVE[:1], manners=Manners(patience=0.4, seconds=0.5))
    assert "longer than 0.5 s" in records[ECHO]["wsoracle"]["note"]


def test_a_case_does_not_count_without_its_control() -> None:
    records = against(hangs_up, cases=NEGATIVE, answered={ECHO: False})
    assert all("proves nothing" in record["result"] for record in records.values())
    known = against(echoes_everything, cases=OTHER[:1], answered={ECHO: True})
    assert passed(known) == {"sample/pong"}
    unknown = against(echoes_everything, cases=OTHER[:1])
    assert passed(unknown) == set()


def test_a_reset_is_seen_and_told() -> None:
    records = against(resets, cases=POSITIVE[:1])
    assert "resets TCP" in [step["what"] for step in records[ECHO]["wsoracle"]["timeline"]]


def test_where_nothing_listens_is_one_error() -> None:
    async def closed_port() -> int:
        async with serving(hangs_up) as port:
            return port

    port = asyncio.run(closed_port())
    with pytest.raises(NoServer, match="start the server"):
        run_on(f"ws://127.0.0.1:{port}/")


def test_the_same_seed_sends_the_same_octets() -> None:
    def sent(seed: int) -> list[str]:
        records = against(echoes_everything, cases=POSITIVE[:2], manners=Manners(seed=seed))
        frames = [line for record in records.values() for line in record["wirelog"] if line[0] == "TO"]
        return [line[1][1] for line in frames if not line[1][1].startswith(b"GET ".hex())]

    assert sent(1) == sent(1) != sent(2)


def test_jobs_run_side_by_side() -> None:
    """Not a measurement: with one connection at a time the server below would never answer the second."""
    together = asyncio.Event
    waiting: list[asyncio.Event] = []

    async def answers_two_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting.append(together())
        if len(waiting) in (1, 3):
            for event in waiting:
                event.set()
        await waiting[-1].wait()
        await echoes_everything(reader, writer)

    many = tuple(case(f"echo-{n}", SendFrame(Frame(TEXT, b"Hello")), control=None) for n in range(3))
    records = against(answers_two_at_once, cases=many, manners=Manners(patience=5), jobs=2)
    assert len(passed(records)) == 3


@pytest.mark.parametrize("status", [b"403 Forbidden", b"401 Unauthorized"])
def test_who_refuses_every_origin_passes_nothing(status: bytes) -> None:
    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    async def run() -> dict[str, dict[str, Any]]:
        folder = TemporaryFolder()
        async with serving(refuses) as port:
            target = Target(parse_uri(f"ws://127.0.0.1:{port}/"), greeting=Greeting("https://example.com"))
            return folder.of(await run_client(target, ALL, QUICK, folder))

    records = asyncio.run(run())
    assert len(records) == len(ALL)
    assert not passed(records)
    assert "nothing of the case was tested" in records[ECHO]["wsoracle"]["note"]


def test_a_server_that_takes_one_connection_at_a_time_is_not_taken_for_silent() -> None:
    async def all_of_them() -> dict[str, dict[str, Any]]:
        one = asyncio.Lock()

        async def one_by_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async with one:
                await asyncio.sleep(0.15)
                await echoes_everything(reader, writer)

        async with serving(one_by_one) as port:
            cases = tuple(replace(POSITIVE[0], id=f"sample/{number}") for number in range(12))
            return await _records(f"ws://127.0.0.1:{port}/", cases, QUICK)

    records = asyncio.run(all_of_them())
    assert len(records) == 12 and {record["behavior"] for record in records.values()} == {"OK"}


@pytest.mark.parametrize("few", [False, True])
def test_silence_beside_others_is_asked_about_again_until_it_is_believed(few: bool) -> None:
    """Silence on a faulty opening handshake, by a server that takes few connections at a time or many."""
    asked: list[bytes] = []
    free = 6

    async def ignores_faults(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal free
        if few:
            while free <= 0:
                await asyncio.sleep(0.01)
        free -= 1
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            asked.append(request)
            if b"Sec-WebSocket-Version: 13" in request:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            else:
                await reader.read()
        finally:
            free += 1

    chosen = [
        one for one in runnable_cases() if one.id.startswith("fault/server/") and one.id.endswith("+version-another")
    ]

    async def run() -> dict[str, dict[str, Any]]:
        async with serving(ignores_faults) as port:
            return await _records(f"ws://127.0.0.1:{port}/", (POSITIVE[0], *chosen[:4]), QUICK, jobs=8)

    records = asyncio.run(run())
    assert len(records) == 5
    faulty = [request for request in asked if b"Sec-WebSocket-Version: 13" not in request]
    # Three of them again, and then it is believed.
    assert len(faulty) == 4 + 3


@pytest.mark.parametrize("origin", [None, "https://example.com"])
def test_what_a_server_wants_of_every_client_is_in_every_request(origin: str | None) -> None:
    requests: list[bytes] = []

    async def keeps_requests(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))

    opening = tuple(one for one in runnable_cases() if one.opening and one.id.endswith("opening-then-text"))
    greeting = Greeting(origin, (), (("Authorization", "Bearer x"),))

    async def run() -> None:
        async with serving(keeps_requests) as port:
            target = Target(parse_uri(f"ws://127.0.0.1:{port}/"), greeting=greeting)
            await run_client(target, (POSITIVE[0], *opening), QUICK, TemporaryFolder())

    asyncio.run(run())
    assert len(requests) == 2
    # Any server may refuse an Origin, and then nothing would be known of the sample.
    assert [b"Origin: " in request for request in requests] == [origin is not None, False]
    for request in requests:
        assert request.count(b"Authorization: Bearer x\r\n") == 1
        assert request.endswith(b"\r\n\r\n") and b"\r\n\r\n" not in request[:-4]


def _certificate(context: ssl.SSLContext) -> ssl.SSLContext:
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.mark.peers
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_wss_with_the_name_that_is_asked_for(name: str) -> None:
    asked: list[str | None] = []
    context = _certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    context.sni_callback = lambda _object, asked_for, _context: asked.append(asked_for)

    async def both() -> dict[str, dict[str, Any]]:
        async with serve(_echo, "127.0.0.1", 0, compression=None, ssl=context) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            folder = TemporaryFolder()
            target = Target(
                parse_uri(f"wss://{name}:{port}/"),
                tls=ssl.create_default_context(cafile=str(CERTIFICATE)),
                connect_to=("127.0.0.1", port),
            )
            return folder.of(await run_client(target, POSITIVE + NEGATIVE, QUICK, folder))

    assert passed(asyncio.run(both())) == {one.id for one in POSITIVE + NEGATIVE}
    assert set(asked) == {name if name == "localhost" else None}


def test_a_certificate_that_is_not_trusted_is_one_error() -> None:
    context = _certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    async def both() -> None:
        async with serve(_echo, "127.0.0.1", 0, compression=None, ssl=context) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            target = Target(parse_uri(f"wss://127.0.0.1:{port}/"), tls=ssl.create_default_context())
            await run_client(target, POSITIVE, QUICK, TemporaryFolder())

    with pytest.raises(NoServer, match="--insecure"):
        asyncio.run(both())


def test_wss_where_no_tls_is_spoken_is_one_error() -> None:
    async def both() -> None:
        async with serve(_echo, "127.0.0.1", 0, compression=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            target = Target(parse_uri(f"wss://127.0.0.1:{port}/"), tls=ssl.create_default_context())
            await run_client(target, POSITIVE, QUICK, TemporaryFolder())

    with pytest.raises(NoServer, match=r"/: [^:]+.*: no TLS is spoken there, it seems"):
        asyncio.run(both())


@pytest.mark.parametrize("plain", [b"", b"\x15\x03\x01\x00\x02\x02\x46", b"HTTP/1.0 400 Bad Request\r\n\r\nTLS only"])
def test_ws_where_tls_is_spoken_is_one_error(plain: bytes) -> None:
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await reader.read(65536)).startswith(b"\x16\x03"):
            writer.write(b"\x15\x03\x03\x00\x02\x02\x28")
        else:
            writer.write(plain)

    with pytest.raises(NoServer, match=r"it speaks TLS: give wss://127\.0\.0\.1:\d+/"):
        against(answers)


def test_a_real_server_of_tls_is_found_out() -> None:
    context = _certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    async def both() -> None:
        async with serve(_echo, "127.0.0.1", 0, compression=None, ssl=context) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            await run_client(Target(parse_uri(f"ws://127.0.0.1:{port}/")), POSITIVE, QUICK, TemporaryFolder())

    with pytest.raises(NoServer, match="it speaks TLS"):
        asyncio.run(both())


def test_the_command_that_runs_it_again_has_the_options_of_the_run() -> None:
    uri = parse_uri("ws://h:1/")
    assert Target(uri).again("1.1.1") == ""
    greeting = Greeting("https://o", ("chat",), (("Authorization", "a secret"),))
    again = Target(uri, greeting=greeting, connect_to=("127.0.0.1", 2)).again("1.1.1")
    assert again == (
        "wsoracle test ws://h:1/ --select 1.1.1 -v --connect-to 127.0.0.1:2 --origin https://o --subprotocol chat"
        " --header 'Authorization: ...'"
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    assert Target(parse_uri("wss://h/"), tls=context).again("x").endswith("-v --insecure")
