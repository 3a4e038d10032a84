"""Echo server: tornado. websocket_max_message_size 64 MiB; compression is off unless it is asked for."""

import asyncio
import os
import sys

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler


class Echo(WebSocketHandler):
    """One connection."""

    async def on_message(self, message: str | bytes) -> None:
        """Send back every message with its type."""
        await self.write_message(message, binary=isinstance(message, bytes))

    def get_compression_options(self) -> dict[str, object] | None:
        """What permessage-deflate is taken with; None: it is not."""
        return {} if os.environ.get("WSORACLE_COMPRESSION") else None


async def main() -> None:
    """Serve until killed."""
    (socket,) = bind_sockets(int(sys.argv[1]), "127.0.0.1")
    HTTPServer(Application([(r".*", Echo)], websocket_max_message_size=64 << 20)).add_socket(socket)
    print("READY", socket.getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
