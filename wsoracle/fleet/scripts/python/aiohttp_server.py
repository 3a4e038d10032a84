"""Echo server: aiohttp. max_msg_size=0 means no limit; permessage-deflate is declined unless it is asked for."""

import asyncio
import os
import sys

from aiohttp import WSMsgType, web

COMPRESSION = bool(os.environ.get("WSORACLE_COMPRESSION"))


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Send back every message with its type."""
    websocket = web.WebSocketResponse(compress=COMPRESSION, max_msg_size=0)
    await websocket.prepare(request)
    async for message in websocket:
        if message.type is WSMsgType.TEXT:
            await websocket.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await websocket.send_bytes(message.data)
    return websocket


async def main() -> None:
    """Serve until killed."""
    application = web.Application()
    application.router.add_get("/{path:.*}", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(sys.argv[1])).start()
    print("READY", runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
