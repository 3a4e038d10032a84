"""Echo server: trio-websocket (on wsproto). max_message_size 64 MiB; it negotiates no extensions unless told to."""

import sys
from functools import partial

import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, serve_websocket


async def echo(request: WebSocketRequest) -> None:
    """Send back every message with its type."""
    websocket = await request.accept()
    try:
        while True:
            await websocket.send_message(await websocket.get_message())
    except ConnectionClosed:
        pass


async def main() -> None:
    """Serve until killed."""
    listening = partial(serve_websocket, max_message_size=64 << 20)
    async with trio.open_nursery() as nursery:
        server = await nursery.start(listening, echo, "127.0.0.1", int(sys.argv[1]), None)
        print("READY", server.port, flush=True)


trio.run(main)
