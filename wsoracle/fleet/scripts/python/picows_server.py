"""Echo server: picows, through its websockets-like layer. max_size=None means no limit; compression if asked for."""

import asyncio
import os
import sys

from picows.websockets.asyncio.server import ServerConnection, serve

COMPRESSION = "deflate" if os.environ.get("WSORACLE_COMPRESSION") else None


async def echo(connection: ServerConnection) -> None:
    """Send back every message with its type."""
    async for message in connection:
        await connection.send(message)


async def main() -> None:
    """Serve until killed."""
    async with serve(
        echo, "127.0.0.1", int(sys.argv[1]), compression=COMPRESSION, max_size=None, ping_interval=None
    ) as server:
        print("READY", server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


asyncio.run(main())
