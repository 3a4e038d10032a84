"""Client: websockets, asyncio. No limit of size; WEBSOCKETS_MAX_FRAGMENTS raises the number of fragments."""

import asyncio
import os

os.environ["WEBSOCKETS_MAX_FRAGMENTS"] = str(1 << 30)

from testee import run_async
from websockets.asyncio.client import ClientConnection, connect

COMPRESSION = "deflate" if os.environ.get("WSORACLE_COMPRESSION") else None


def connection(url: str) -> connect:
    """A connection, without compression unless it is asked for."""
    return connect(url, compression=COMPRESSION, max_size=None, ping_interval=None, proxy=None)


async def ask(url: str) -> str:
    """The first message."""
    websocket: ClientConnection
    async with connection(url) as websocket:
        return str(await websocket.recv())


async def echo(url: str) -> None:
    """Echo until the connection has ended."""
    async with connection(url) as websocket:
        async for message in websocket:
            await websocket.send(message)


asyncio.run(run_async(ask, echo))
