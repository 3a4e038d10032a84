"""Client: tornado. max_message_size 64 MiB; no compression is offered unless it is asked for."""

import asyncio
import os

from testee import run_async
from tornado.websocket import websocket_connect

COMPRESSION: dict[str, object] | None = {} if os.environ.get("WSORACLE_COMPRESSION") else None


async def ask(url: str) -> str:
    """The first message."""
    websocket = await websocket_connect(url)
    message = await websocket.read_message()
    websocket.close()
    return str(message)


async def echo(url: str) -> None:
    """Echo until the connection has ended."""
    websocket = await websocket_connect(url, compression_options=COMPRESSION, max_message_size=64 << 20)
    while (message := await websocket.read_message()) is not None:
        await websocket.write_message(message, binary=isinstance(message, bytes))


asyncio.run(run_async(ask, echo))
