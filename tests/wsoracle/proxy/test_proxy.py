"""Octets pass unchanged, both endpoints are judged, and whatever happens to the judge or the server is said."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.harness.serving import CannotListen
from wsoracle.harness.workers import WorkersLost
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, PING, TEXT, Frame
from wsoracle.properties.traces.recorded import parsed, trace_from_json
from wsoracle.properties.traces.registry import read_file
from wsoracle.proxy import proxy as proxy_module
from wsoracle.proxy import watching
from wsoracle.proxy.proxy import Address, Judge, Proxy
from wsoracle.proxy.relay import Relay
from wsoracle.reports import ReportFolder

REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
KEY = b"wxyz"
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Talk = Callable[[Ends, Ends], Awaitable[None]]


class Here:
    """Judges in this process."""

    async def call(self, function: Callable[..., Any], *args: object) -> Any:
        return function(*args)


class Listening(list[str]):
    """What is said, and where the proxy listens."""

    address: tuple[str, int] = ("127.0.0.1", 0)

    def append(self, line: str) -> None:
        if line.startswith("listening on"):
            self.address = ("127.0.0.1", int(line.split(",")[0].rpartition(":")[2]))
        super().append(line)


class Killed:
    """A process that judges, and is killed before it does."""

    async def call(self, function: Callable[..., Any], *args: object) -> Any:
        raise WorkersLost


def passed(
    talk: Talk,
    folder: Path,
    *,
    judge: Judge | None = None,
    quiet: float = 60.0,
    over: bool = True,
    said: list[str] | None = None,
) -> tuple[list[str], Proxy]:
    """What is said while ``talk`` has the two endpoints talk through a proxy; ``over``: the connection comes to its
    end by itself."""
    said = [] if said is None else said

    async def run() -> Proxy:
        accepted: asyncio.Queue[Ends] = asyncio.Queue()
        server = await asyncio.start_server(lambda *ends: accepted.put_nowait(ends), "127.0.0.1", 0)
        to = Address(*server.sockets[0].getsockname()[:2])
        proxy = Proxy(to, ReportFolder(folder), judge or Here(), said.append, quiet=quiet, once=over)
        running = asyncio.ensure_future(proxy.run(Address("127.0.0.1", 0)))
        async with asyncio.timeout(60), server:
            while not said:
                await asyncio.sleep(0)
            client = await asyncio.open_connection("127.0.0.1", int(said[0].split(",")[0].rpartition(":")[2]))
            served = await accepted.get()
            try:
                await talk(client, served)
                if over:
                    await running
            finally:
                for _, writer in (client, served):
                    writer.close()
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
        return proxy

    proxy = asyncio.run(run())
    return said[1:], proxy


async def handshake(client: Ends, server: Ends) -> None:
    client[1].write(REQUEST)
    assert await server[0].readexactly(len(REQUEST)) == REQUEST
    server[1].write(RESPONSE)
    assert await client[0].readexactly(len(RESPONSE)) == RESPONSE


async def closing(client: Ends, server: Ends) -> None:
    client[1].write(encode(Frame(CLOSE, b"\x03\xe8", key=KEY)))
    await server[0].readexactly(8)
    server[1].write(encode(Frame(CLOSE, b"\x03\xe8")))
    server[1].close()
    await client[0].read()
    client[1].close()


async def a_sound_talk(client: Ends, server: Ends) -> None:
    await handshake(client, server)
    client[1].write(encode(Frame(PING, b"a", key=KEY)))
    await server[0].readexactly(7)
    server[1].write(b"\x8a\x01a")
    await client[0].readexactly(3)
    await closing(client, server)


async def a_masking_server(client: Ends, server: Ends) -> None:
    await handshake(client, server)
    server[1].write(encode(Frame(TEXT, b"hi", key=KEY)))
    await client[0].readexactly(8)
    client[1].write(encode(Frame(CLOSE, b"\x03\xea", key=KEY)))
    await server[0].readexactly(8)
    server[1].close()
    await client[0].read()
    client[1].close()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=40_000)), max_size=8), st.booleans())
def test_octets_pass_unchanged_and_each_direction_ends_by_itself(
    pieces: list[tuple[bool, bytes]], client_first: bool
) -> None:
    async def talk(client: Ends, server: Ends) -> None:
        for from_client, octets in pieces:
            (_, writer), (reader, _) = (client, server) if from_client else (server, client)
            writer.write(octets)
            assert await reader.readexactly(len(octets)) == octets
        first, second = (client, server) if client_first else (server, client)
        first[1].write_eof()
        assert await second[0].read() == b""
        second[1].write(b"still open")
        second[1].write_eof()
        assert await first[0].read() == b"still open"

    with tempfile.TemporaryDirectory() as folder:
        passed(talk, Path(folder), over=False)


def test_both_endpoints_get_a_page_and_a_trace_that_is_judged_alike(tmp_path: Path) -> None:
    said, proxy = passed(a_sound_talk, tmp_path)
    assert said == ["connection 1: GET /chat HTTP/1.1", "connection 1 is over: the client OK, the server OK"]
    assert proxy.failed == 0
    for role in ("client", "server"):
        recorded = trace_from_json(parsed((tmp_path / f"connection-1-{role}.json").read_bytes()))
        assert (recorded.setting.role.value, recorded.judged().verdict) == (role, "OK")
    for record in tmp_path.glob("*_case_1.json"):
        assert [one.recorded.application for one in read_file(record.read_bytes()).traces] == ["unknown"]
    assert (tmp_path / "clients_case_1.html").is_file()


def test_a_fault_is_told_as_soon_as_it_is_seen(tmp_path: Path) -> None:
    told: list[list[str]] = []

    class Told(Here):
        async def call(self, function: Callable[..., Any], *args: object) -> Any:
            found = await super().call(function, *args)
            told.append([role.value for role, _ in getattr(found, "faults", [])])
            return found

    said, proxy = passed(a_masking_server, tmp_path, judge=Told())
    assert ["server"] in told[:-2]
    assert "connection 1: the server: FAILED: MUST 5.1/server-does-not-mask" in "".join(said)
    assert said[-1] == "connection 1 is over: the client OK, the server FAILED"
    assert proxy.failed == 1
    record = json.loads(next(tmp_path.glob("127*_case_1.json")).read_bytes())
    trace = str(tmp_path / "connection-1-server.json")
    assert record["wsoracle"]["again"] == f"wsoracle judge {trace}"
    assert f"wsoracle judge {trace}" in next(tmp_path.glob("127*_case_1.html")).read_text(encoding="utf-8")


def test_what_is_no_request_for_websocket_is_passed_on_and_not_judged(tmp_path: Path) -> None:
    async def talk(client: Ends, server: Ends) -> None:
        client[1].write(b"GET /websocket.js HTTP/1.1\r\nHost: h\r\n\r\n")
        await server[0].readuntil(b"\r\n\r\n")
        server[1].write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        assert (await client[0].readexactly(40))[-2:] == b"hi"
        server[1].close()
        client[1].close()
        await asyncio.sleep(0.1)

    said, _ = passed(talk, tmp_path, over=False)
    assert said == ["connection 1: GET /websocket.js HTTP/1.1: no request for WebSocket: passed on, and not judged"]


def test_a_reset_passes_as_a_reset_and_nothing_is_missed_behind_it(tmp_path: Path) -> None:
    async def talk(client: Ends, server: Ends) -> None:
        await handshake(client, server)
        client[1].write(encode(Frame(PING, b"a", key=KEY)))
        await server[0].readexactly(7)
        sock = client[1].get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client[1].transport.abort()
        with pytest.raises(ConnectionResetError):
            await server[0].read()

    said, _ = passed(talk, tmp_path)
    assert said[-1].endswith("the server OK")
    trace = trace_from_json(parsed((tmp_path / "connection-1-server.json").read_bytes())).trace
    assert type(trace[-1]).__name__ == "ArrivesReset"


def test_silence_is_an_observation_once(tmp_path: Path) -> None:
    async def talk(client: Ends, server: Ends) -> None:
        await handshake(client, server)
        client[1].write(encode(Frame(PING, b"a", key=KEY)))
        await server[0].readexactly(7)
        await asyncio.sleep(0.5)
        client[1].transport.abort()
        await server[0].read()
        server[1].close()

    said, _ = passed(talk, tmp_path, quiet=0.1)
    assert any("the server: FAILED: MUST 5.5.2/pong" in line for line in said)
    trace = (tmp_path / "connection-1-server.json").read_text(encoding="utf-8")
    assert trace.count('"quiet"') == 1


def test_nobody_is_silent_before_both_ends_are_there() -> None:
    """Nothing is read from the client until the server is reached, as where all places are taken."""
    logged: list[str] = []

    async def run() -> None:
        relay = Relay(0.001)
        relay.log = lambda role, entry: logged.append(entry.kind)
        await asyncio.sleep(0.02)
        assert logged == []
        relay.begin()
        async with asyncio.timeout(60):
            while not logged:
                await asyncio.sleep(0.001)
        relay.abort()

    asyncio.run(run())
    assert set(logged) == {"silence"}


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    said: list[str] = []

    async def run() -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            proxy = Proxy(Address("127.0.0.1", free.getsockname()[1]), ReportFolder(tmp_path), Here(), said.append)
            running = asyncio.ensure_future(proxy.run(Address("127.0.0.1", 0)))
            while not said:
                await asyncio.sleep(0)
            port = int(said[0].split(",")[0].rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    assert said[1].startswith("connection 1: 127.0.0.1:")


def test_octets_pass_on_when_the_judge_is_killed(tmp_path: Path) -> None:
    said, _ = passed(a_sound_talk, tmp_path, judge=Killed(), over=False)
    assert said == ["the process that judges has ended: octets are passed on from here, and not judged"]


def test_what_crossed_before_the_proxy_is_stopped_is_judged(tmp_path: Path) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    class Late(Here):
        async def call(self, function: Callable[..., Any], *args: object) -> Any:
            if function is watching.end:
                asked.set()
                await go.wait()
            return await super().call(function, *args)

    async def talk(client: Ends, server: Ends) -> None:
        await a_masking_server(client, server)
        await asked.wait()
        asyncio.get_running_loop().call_later(0.01, go.set)  # it is stopped as soon as this returns

    said, proxy = passed(talk, tmp_path, judge=Late(), over=False)
    assert said[-1] == "connection 1 is over: the client OK, the server FAILED"
    assert proxy.failed == 1
    assert (tmp_path / "connection-1-server.json").exists()


def test_what_is_more_than_is_judged_is_passed_on_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_module, "MOST_OCTETS", 1000)

    async def talk(client: Ends, server: Ends) -> None:
        await handshake(client, server)
        client[1].write(encode(Frame(TEXT, b"a" * 5000, key=KEY)))
        await server[0].readexactly(5008)
        await closing(client, server)

    said, _ = passed(talk, tmp_path)
    assert "more crossed than is judged" in said[1]
    assert said[-1] == "connection 1 is over: the client OK, the server OK"


def test_pages_list_what_is_over_while_other_connections_are_open(tmp_path: Path) -> None:
    """They are loaded anew while the proxy runs, and not behind its end."""
    index, proxy = tmp_path / "index.html", Listening()

    async def talk(client: Ends, server: Ends) -> None:
        await handshake(client, server)
        _, second = await asyncio.open_connection(*proxy.address)
        second.write(REQUEST)
        await closing(client, server)
        async with asyncio.timeout(60):
            while not index.is_file():
                await asyncio.sleep(0.001)
        second.transport.abort()

    _, made = passed(talk, tmp_path, over=False, said=proxy)
    assert '<meta http-equiv="refresh" content="2">' in index.read_text(encoding="utf-8")
    assert "clients_case_1.html" in index.read_text(encoding="utf-8")
    made.folder.finish()
    assert 'http-equiv="refresh"' not in index.read_text(encoding="utf-8")


def test_a_folder_that_is_gone_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def gone(folder: ReportFolder, *, refresh: float = 0) -> None:
        tried.append("finish")
        raise FileNotFoundError(2, "No such file or directory")

    async def talk(client: Ends, server: Ends) -> None:
        await a_sound_talk(client, server)
        async with asyncio.timeout(60):
            while not tried:
                await asyncio.sleep(0.001)

    monkeypatch.setattr(ReportFolder, "finish", gone)
    said, _ = passed(talk, tmp_path, over=False)
    assert said[-1] == f"{tmp_path}: No such file or directory: the pages are not written"


def test_a_client_for_which_there_is_no_room_is_reset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_module, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(proxy_module, "MOST_WAITING", 0)

    async def talk(client: Ends, server: Ends) -> None:
        await handshake(client, server)
        another = await asyncio.open_connection(*proxy.address)
        with pytest.raises(ConnectionResetError):
            await another[0].read()
        another[1].close()
        await closing(client, server)

    proxy = Listening()
    said, _ = passed(talk, tmp_path, said=proxy)
    assert "1 connections are open or wait: further ones are reset until some end" in said


def test_an_address_in_use_is_one_line(tmp_path: Path) -> None:
    async def run() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            to = Address("127.0.0.1", 1)
            await Proxy(to, ReportFolder(tmp_path), Here(), print).run(Address(*taken.getsockname()))

    with pytest.raises(CannotListen, match=r"127\.0\.0\.1"):
        asyncio.run(run())
