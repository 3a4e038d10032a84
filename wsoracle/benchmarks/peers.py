"""Peers for the benchmark of suites: an echo server, a client testee, and a server that says nothing.

Run as a program, with the kind of peer: it says what it listens on, or runs the cases of a fuzzing server.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys

__all__ = ["main"]


async def _echo(connection: object) -> None:
    from websockets.exceptions import ConnectionClosed

    try:
        async for message in connection:  # type: ignore[attr-defined]
            await connection.send(message)  # type: ignore[attr-defined]
    except ConnectionClosed:
        pass  # what every negative case comes to


async def _echo_server() -> None:
    from websockets.asyncio.server import serve

    async with serve(_echo, "127.0.0.1", 0, compression=None, max_size=None) as server:
        await _announce(next(iter(server.sockets)).getsockname()[1])


async def _silent_server() -> None:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        await _announce(server.sockets[0].getsockname()[1])


async def _announce(port: int) -> None:
    print(port, flush=True)
    await asyncio.get_running_loop().create_future()


async def _testee(url: str) -> None:
    """The client protocol of Autobahn: how many cases, each of them, the reports."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

    async with connect(f"{url}/getCaseCount", compression=None) as connection:
        count = int(await connection.recv())
    for number in range(1, count + 1):
        try:
            case = f"{url}/runCase?case={number}&agent=bench"
            async with connect(case, compression=None, max_size=None) as connection:
                await _echo(connection)
        except (ConnectionClosed, InvalidHandshake, InvalidMessage, EOFError):
            continue  # a case about the opening handshake, or its end
    async with connect(f"{url}/updateReports?agent=bench", compression=None) as connection:
        await connection.wait_closed()


def main(arguments: list[str]) -> None:
    """``echo``, ``silent``, or ``testee URL``."""
    logging.disable(logging.CRITICAL)
    os.environ["WEBSOCKETS_MAX_FRAGMENTS"] = "1000000"
    kinds = {"echo": _echo_server, "silent": _silent_server}
    asyncio.run(_testee(arguments[1]) if arguments[0] == "testee" else kinds[arguments[0]]())


if __name__ == "__main__":
    main(sys.argv[1:])
