"""Client: aiohttp. max_msg_size=0 means no limit; permessage-deflate is offered where it is asked for.

One session for all cases, as its documentation has it. After an answer that aiohttp does not accept it may send the
next request on the same TCP connection, where the fuzzing server takes it for octets of the case before: it is sent
again.
"""

import asyncio
import os

from aiohttp import ClientError, ClientSession, WSMsgType, WSServerHandshakeError
from testee import run_async

COMPRESSION = 15 if os.environ.get("WSORACLE_COMPRESSION") else 0


async def main() -> None:
    """Go through the cases in one session."""
    refused = False
    async with ClientSession() as session:

        async def ask(url: str) -> str:
            async with session.ws_connect(url, compress=COMPRESSION, max_msg_size=0) as websocket:
                return await websocket.receive_str()

        async def echo_once(url: str) -> None:
            async with session.ws_connect(url, compress=COMPRESSION, max_msg_size=0) as websocket:
                async for message in websocket:
                    if message.type is WSMsgType.TEXT:
                        await websocket.send_str(message.data)
                    elif message.type is WSMsgType.BINARY:
                        await websocket.send_bytes(message.data)

        async def echo(url: str) -> None:
            nonlocal refused
            after_refusal, refused = refused, False
            try:
                try:
                    await echo_once(url)
                except ClientError:
                    if not after_refusal:
                        raise
                    await echo_once(url)
            except WSServerHandshakeError:
                refused = True
                raise

        await run_async(ask, echo)


asyncio.run(main())
