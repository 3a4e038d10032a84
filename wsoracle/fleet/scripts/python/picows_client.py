"""Client: picows, through its websockets-like layer. max_size=None means no limit; compression if asked for."""

import asyncio
import os

from picows.websockets.asyncio.client import connect
from testee import run_async

COMPRESSION = "deflate" if os.environ.get("WSORACLE_COMPRESSION") else None


def connection(url: str) -> connect:
    """A connection, without compression unless it is asked for."""
    return connect(url, compression=COMPRESSION, max_size=None, ping_interval=None, proxy=None)


async def ask(url: str) -> str:
    """The first message."""
    async with connection(url) as websocket:
        return str(await websocket.recv())


async def echo(url: str) -> None:
    """Echo until the connection has ended."""
    async with connection(url) as websocket:
        async for message in websocket:
            await websocket.send(message)


asyncio.run(run_async(ask, echo))
