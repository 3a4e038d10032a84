"""The fuzzing server under clients that are none: bounded in time, in octets and in number, and still there."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Final

import pytest

from tests.wsoracle.client_testee import TemporaryFolder, address_of, ask, fuzzing_server, opening, raw, run_all
from tests.wsoracle.harness.test_client import ALL, ECHO, case
from tests.wsoracle.harness.test_server import run
from wsoracle.harness.manners import Manners
from wsoracle.harness.server import IN_VAIN, FuzzingServer
from wsoracle.harness.server_connection import ServerLimits
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import TEXT, Frame

pytestmark = pytest.mark.peers

SHORT: Final = ServerLimits(request=0.3, status=0.3)
Hostile = Callable[[str], Awaitable[bytes]]


async def trickle(url: str, octets: bytes, more: bytes = b"") -> bytes:
    """One octet at a time, and never an end."""
    reader, writer = await asyncio.open_connection(*address_of(url))
    reading = asyncio.ensure_future(reader.read())
    try:
        writer.write(more)
        at = 0
        while not reading.done():
            writer.write(octets[at % len(octets) : at % len(octets) + 1])
            at += 1
            await asyncio.wait((reading,), timeout=0.02)
        return await reading
    except ConnectionError:
        return b""
    finally:
        reading.cancel()
        writer.transport.abort()
        await asyncio.gather(reading, writer.wait_closed(), return_exceptions=True)


async def says_nothing(url: str) -> bytes:
    return await raw(url, b"")


async def stops_in_the_middle(url: str) -> bytes:
    return await raw(url, b"GET /runCase?case=1&ag", end=True)


async def one_octet_at_a_time(url: str) -> bytes:
    return await trickle(url, b"GET / HTTP/1.1\r\nHost: " + b"x" * 10_000)


async def endless_header(url: str) -> bytes:
    return await raw(url, b"GET / HTTP/1.1\r\nX: " + b"x" * 3_000_000)


async def endless_headers(url: str) -> bytes:
    return await raw(url, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 300_000)


async def garbage(url: str) -> bytes:
    return await raw(url, bytes(range(256)) * 100)


async def hello_of_tls(url: str) -> bytes:
    return await raw(url, bytes.fromhex("1603010200010001fc0303") + bytes(500))


async def frames_without_opening(url: str) -> bytes:
    return await raw(url, encode(Frame(TEXT, b"Hello", key=b"abcd")) * 100)


async def faulty_opening(url: str) -> bytes:
    return await raw(url, opening("/getCaseCount").replace(b"Version: 13", b"Version: 12"))


async def absolute_nonsense(url: str) -> bytes:
    return await raw(url, opening("http://[::1/runCase?case=1"))


async def resets(url: str) -> bytes:
    with socket.create_connection(address_of(url)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(opening("/runCase?case=1&agent=a"))
    return b""


async def leaves_a_reply_unread(url: str) -> bytes:
    with socket.create_connection(address_of(url)) as connection:
        connection.sendall(opening("/updateReports?agent=a"))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return b""


async def talks_where_it_should_listen(url: str) -> bytes:
    flood = encode(Frame(TEXT, b"Hello" * 20_000, key=b"abcd"))
    return await raw(url, opening("/getCaseStatus?case=1&agent=a") + flood)


HOSTILE: Final[tuple[Hostile, ...]] = (
    says_nothing, stops_in_the_middle, one_octet_at_a_time, endless_header, endless_headers, garbage, hello_of_tls,
    frames_without_opening, faulty_opening, absolute_nonsense, resets, leaves_a_reply_unread,
    talks_where_it_should_listen,
)  # fmt: skip


async def all_gone(server: FuzzingServer) -> None:
    while server.connections:
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.__name__)
def test_a_bad_request_is_bounded_and_harms_nobody(hostile: Hostile) -> None:
    async def talk() -> tuple[bytes, str | None]:
        async with fuzzing_server(ALL, limits=SHORT, manners=Manners(0.2, 0.1, 1)) as (server, url):
            answer = await hostile(url)
            await all_gone(server)
            return answer, await ask(f"{url}/getCaseCount")

    answer, count = run(talk())
    assert count == str(len(ALL))
    expected = {one_octet_at_a_time: b"408", endless_header: b"431", garbage: b"400", faulty_opening: b"426"}
    assert not answer or hostile not in expected or answer.startswith(b"HTTP/1.1 " + expected[hostile])


def test_a_thousand_connections_in_a_row() -> None:
    async def talk() -> str | None:
        async with fuzzing_server(ALL) as (server, url):
            for _ in range(1000):
                socket.create_connection(address_of(url)).close()
                if server.connections > 50:
                    await all_gone(server)
                await asyncio.sleep(0)
            await all_gone(server)
            return await ask(f"{url}/getCaseCount")

    assert run(talk()) == str(len(ALL))


def test_who_comes_on_top_of_the_limit_is_sent_away() -> None:
    async def talk() -> tuple[bytes, str | None]:
        async with fuzzing_server(ALL, limits=ServerLimits(connections=3)) as (server, url):
            held = [await asyncio.open_connection(*address_of(url)) for _ in range(3)]
            while server.connections < 3:
                await asyncio.sleep(0.005)
            answer = await raw(url, b"")
            for _, writer in held:
                writer.close()
                await writer.wait_closed()
            await all_gone(server)
            return answer, await ask(f"{url}/getCaseCount")

    answer, count = run(talk())
    assert answer.startswith(b"HTTP/1.1 503 ") and count == str(len(ALL))


def test_silence_is_waited_for_a_few_times() -> None:
    many = [case(f"echo-{number}", *ALL[0].actions, control=None) for number in range(30)]

    async def talk() -> TemporaryFolder:
        folder = TemporaryFolder()
        async with fuzzing_server(many, folder, manners=Manners(patience=0.3, grace=0.1)) as (_, url):
            for number in range(1, 31):
                await raw(url, opening(f"/runCase?case={number}&agent=silent"))
            await ask(f"{url}/updateReports?agent=silent")
        return folder

    records = run(talk()).of("silent")
    silent = [one for one in records.values() if any("silence" in step["what"] for step in one["wsoracle"]["timeline"])]
    assert len(records) == 30 and len(silent) == IN_VAIN
    assert not any(record["wsoracle"]["passed"] for record in records.values())


def test_a_slow_client_is_cut_off_at_the_time_limit() -> None:
    async def talk() -> TemporaryFolder:
        folder = TemporaryFolder()
        async with fuzzing_server(ALL, folder, manners=Manners(0.4, 0.1, 0.5)) as (server, url):
            await trickle(url, b"\x81", opening("/runCase?case=1&agent=slow"))
            await ask(f"{url}/getCaseStatus?case=1&agent=slow")
            await all_gone(server)
        return folder

    record = run(talk()).of("slow")[ECHO]
    assert record["behavior"] == "FAILED" and "longer than 0.5 s" in record["wsoracle"]["note"]


def test_a_client_that_drops_a_case_fails_it_and_the_run_goes_on() -> None:
    async def talk() -> TemporaryFolder:
        folder = TemporaryFolder()
        async with fuzzing_server(ALL, folder) as (_, url):
            await resets(url)
            await ask(f"{url}/getCaseStatus?case=1&agent=a")
            await run_all(url, "good")
        return folder

    folder = run(talk())
    assert not folder.of("a")[ECHO]["wsoracle"]["passed"]
    assert all(record["wsoracle"]["passed"] for record in folder.of("good").values())


def test_cases_wait_for_room_and_all_come_to_their_end() -> None:
    """With room for one case at a time: four agents, each with every case."""

    async def talk() -> TemporaryFolder:
        folder = TemporaryFolder()
        async with fuzzing_server(ALL[:4], folder, limits=ServerLimits(octets=1)) as (_, url):
            await asyncio.gather(*(run_all(url, str(number)) for number in range(4)))
        return folder

    records = list(run(talk()).records())
    assert len(records) == 16 and all(record["wsoracle"]["passed"] for record in records)
