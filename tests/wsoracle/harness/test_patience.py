"""How long the tester waits, and for what: no endpoint is accused of what a slower one may do as well."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.wsoracle.client_testee import TemporaryFolder, fuzzing_server
from tests.wsoracle.degenerate_servers import frames, handshake
from tests.wsoracle.harness.test_client import ECHO, NEGATIVE, POSITIVE, against
from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.steps import SendFrame, Settle
from wsoracle.harness.manners import Manners
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, PING, PONG, TEXT, Frame

QUICK = Manners(patience=0.4, grace=0.1, seconds=5)
CASES = (POSITIVE[0], NEGATIVE[0])


def _slow_to_end_tcp(seconds: float | None) -> Any:
    """Echoes, fails as it must with a Close, and ends TCP so much later, or never."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handshake(reader, writer)
        async for frame in frames(reader):
            if frame.rsv1 or frame.opcode == CLOSE:
                writer.write(encode(Frame(CLOSE, b"\x03\xea" if frame.rsv1 else frame.payload)))
                break
            writer.write(encode(Frame(frame.opcode, frame.payload)))
        gone = asyncio.ensure_future(reader.read(-1))
        await asyncio.wait([gone], timeout=seconds)
        gone.cancel()

    return handler


def test_a_server_may_take_its_time_to_end_tcp_after_its_close() -> None:
    later = against(_slow_to_end_tcp(2 * QUICK.patience), cases=CASES, manners=QUICK)
    assert [record["wsoracle"]["verdict"] for record in later.values()] == ["OK", "OK"]
    impatient = against(_slow_to_end_tcp(None), cases=CASES, manners=replace(QUICK, closing=0.2))
    assert [record["wsoracle"]["verdict"] for record in impatient.values()] == ["FAILED", "FAILED"]
    for record in impatient.values():
        assert any("tcp-close" in rule["id"] for rule in record["wsoracle"]["rules"])


def _client(case: Case, listens: bool) -> dict[str, Any]:
    """The record of a client that says nothing to a fault, and listens on or does not."""

    async def run() -> dict[str, Any]:
        folder = TemporaryFolder()
        async with fuzzing_server((POSITIVE[0], case), folder, manners=QUICK) as (_, url):
            for number in (1, 2):
                reader, writer = await asyncio.open_connection(*_address(url))
                await _request(reader, writer, f"/runCase?case={number}&agent=x")
                await _talk(reader, writer, listens)
            with contextlib.suppress(ConnectionClosed):
                async with connect(f"{url}/updateReports?agent=x", compression=None) as connection:
                    await connection.recv()
        return folder.of("x")[case.id]

    return asyncio.run(run())


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.rpartition("/")[2].rpartition(":")
    return host, int(port)


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listens: bool) -> None:
    """Echo and answer as a client does; what is faulty is passed over by who listens, and ends the listening else."""
    deaf = False
    async for frame in frames(reader):
        faulty = frame.rsv1 or len(frame.payload) == 1
        deaf = deaf or (faulty and not listens)
        if deaf or faulty:
            continue
        answer = PONG if frame.opcode == 9 else frame.opcode
        writer.write(encode(Frame(answer, frame.payload, key=b"\0\0\0\0")))
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@pytest.mark.parametrize("fault", [Frame(TEXT, b"xy", rsv1=True), Frame(CLOSE, b"x")], ids=["bit", "Close"])
@pytest.mark.parametrize(("listens", "verdict"), [(False, "NON-STRICT"), (True, "FAILED")])
def test_a_client_that_fails_unseen_is_told_from_one_that_overlooks_the_fault(
    fault: Frame, listens: bool, verdict: str
) -> None:
    record = _client(Case("sample/fault", "fault", "fault", ("sample",), (SendFrame(fault),), control=ECHO), listens)
    assert record["wsoracle"]["verdict"] == verdict, record["wsoracle"]["rules"]


def test_who_is_slow_to_answer_again_and_again_is_not_silent() -> None:
    """Each answer takes longer than the tester waits before it asks, and all together longer than its patience."""
    manners = Manners(patience=1.0, grace=0.05, seconds=20)

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handshake(reader, writer)
        async for frame in frames(reader):
            if frame.opcode < CLOSE:
                await asyncio.sleep(manners.grace * 1.4)
            writer.write(encode(Frame(frame.opcode, frame.payload)))
            if frame.opcode == CLOSE:
                break

    trips = [action for _ in range(24) for action in (SendFrame(Frame(TEXT, b"x")), Settle())]
    case = Case("sample/trips", "trips", "trips", ("sample",), tuple(trips))
    assert 24 * manners.grace > manners.patience
    (record,) = against(slow, cases=(case,), manners=manners).values()
    assert record["wsoracle"]["verdict"] == "OK", record["wsoracle"]["note"]


def test_a_pong_for_the_tester_is_no_sign_of_going_on() -> None:
    """Who was slow before the fault was asked by a Ping, and may be slow to notice the fault as well."""
    manners = Manners(patience=2.0, grace=0.05, seconds=20)

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handshake(reader, writer)
        async for frame in frames(reader):
            if frame.rsv1:
                await asyncio.sleep(4 * manners.grace)
                writer.write(encode(Frame(CLOSE, b"\x03\xea")))
                break
            if frame.payload == b"slow":
                await asyncio.sleep(2 * manners.grace)
            writer.write(encode(Frame(PONG if frame.opcode == PING else frame.opcode, frame.payload)))

    actions = (SendFrame(Frame(PING, b"slow")), Settle(), SendFrame(Frame(TEXT, b"xy", rsv1=True)))
    case = Case("sample/slow", "slow", "slow", ("sample",), actions, control=ECHO)
    record = against(slow, cases=(POSITIVE[0], case), manners=manners)[case.id]
    assert record["wsoracle"]["verdict"] == "OK", record["result"]
    assert not record["closedByMe"]
