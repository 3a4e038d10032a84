"""Client: aiohttp. max_msg_size=0 means no limit; compress=0 offers no permessage-deflate."""

import asyncio

from aiohttp import ClientSession, WSMsgType
from testee import run_async


async def main() -> None:
    """Go through the cases in one session."""
    async with ClientSession() as session:

        async def ask(url: str) -> str:
            async with session.ws_connect(url, compress=0, max_msg_size=0) as websocket:
                return await websocket.receive_str()

        async def echo(url: str) -> None:
            async with session.ws_connect(url, compress=0, max_msg_size=0) as websocket:
                async for message in websocket:
                    if message.type is WSMsgType.TEXT:
                        await websocket.send_str(message.data)
                    elif message.type is WSMsgType.BINARY:
                        await websocket.send_bytes(message.data)

        await run_async(ask, echo)


asyncio.run(main())
