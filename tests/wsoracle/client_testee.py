"""Clients under test for the fuzzing server: a real one, and octets written by hand."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import weakref
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from wsoracle.generators.cases.case import Case
from wsoracle.harness.manners import Manners
from wsoracle.harness.server import FuzzingServer
from wsoracle.harness.server_run import ServerRun
from wsoracle.reports import ReportFolder

QUICK = Manners(patience=0.5, grace=0.1, seconds=2)


class TemporaryFolder(ReportFolder):
    """A report folder that is gone when nobody needs it any more."""

    def __init__(self) -> None:
        self.finished = 0
        super().__init__(mkdtemp())
        weakref.finalize(self, shutil.rmtree, self.path)

    def finish(self, *, refresh: float = 0) -> None:
        self.finished += 1
        super().finish(refresh=refresh)

    def of(self, agent: str) -> dict[str, dict[str, Any]]:
        """The records of an agent, by the ids of their cases."""
        return {record["id"]: record for record in self.records() if record["agent"] == agent}


@asynccontextmanager
async def fuzzing_server(
    cases: Sequence[Case],
    folder: Any = None,
    *,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
    manners: Manners = QUICK,
    reports: Path = Path("nowhere"),
    run: ServerRun | None = None,
    **more: Any,
) -> AsyncIterator[tuple[FuzzingServer, str]]:
    """A server on a port that the system chooses, and its URL."""
    server = FuzzingServer(cases, manners, run or ServerRun(folder or TemporaryFolder()), reports, **more)
    try:
        address, port = await server.listen(host, 0, tls)
        shown = f"[{address}]" if ":" in address else address
        yield server, f"{'ws' if tls is None else 'wss'}://{shown}:{port}"
    finally:
        await server.close()


async def ask(url: str, **more: Any) -> str | None:
    """What the server says on a path, if anything, before its Close."""
    async with connect(url, compression=None, open_timeout=None, close_timeout=5, **more) as connection:
        try:
            found = str(await connection.recv())
        except ConnectionClosed:
            return None
        await connection.wait_closed()
        return found


async def run_case(url: str, query: str, agent: str, **more: Any) -> None:
    """Run a case as an echo client."""
    try:
        case = f"{url}/runCase?{query}&agent={quote(agent, safe='')}"
        async with connect(
            case, compression=None, max_size=None, open_timeout=None, close_timeout=5, **more
        ) as connection:
            await _echo(connection)
    except (InvalidHandshake, InvalidMessage, EOFError):
        pass  # a case about the opening handshake


async def _echo(connection: ClientConnection) -> None:
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        pass


async def run_all(url: str, agent: str, *, update: bool = True, **more: Any) -> int:
    """What every client testee does: ask for the count, run all cases, have the reports written."""
    count = int(await ask(f"{url}/getCaseCount", **more) or 0)
    for number in range(1, count + 1):
        await run_case(url, f"case={number}", agent, **more)
    if update:
        await ask(f"{url}/updateReports?agent={quote(agent, safe='')}", **more)
    return count


def address_of(url: str) -> tuple[str, int]:
    """Where TCP goes."""
    host, _, port = url.rpartition("://")[2].rpartition(":")
    return host.strip("[]"), int(port)


async def raw(url: str, octets: bytes, *, end: bool = False) -> bytes:
    """Write octets, and read what comes back until the end of the connection."""
    reader, writer = await asyncio.open_connection(*address_of(url))
    try:
        writer.write(octets)
        if end:
            writer.write_eof()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def get(url: str, target: str, method: str = "GET") -> tuple[int, str, bytes]:
    """A request of HTTP: status, head, body."""
    octets = await raw(url, f"{method} {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode("latin-1"))
    head, _, body = octets.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), head.decode("latin-1"), body


def opening(target: str) -> bytes:
    """A sound opening handshake."""
    return (
        f"GET {target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode("latin-1")
