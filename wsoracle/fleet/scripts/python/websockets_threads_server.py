"""Echo server: websockets, threads. No limit of size; WEBSOCKETS_MAX_FRAGMENTS raises the number of fragments."""

import os
import sys

os.environ["WEBSOCKETS_MAX_FRAGMENTS"] = str(1 << 30)

from websockets.sync.server import ServerConnection, serve

COMPRESSION = "deflate" if os.environ.get("WSORACLE_COMPRESSION") else None


def echo(connection: ServerConnection) -> None:
    """Send back every message with its type."""
    for message in connection:
        connection.send(message)


with serve(echo, "127.0.0.1", int(sys.argv[1]), compression=COMPRESSION, max_size=None, ping_interval=None) as server:
    print("READY", server.socket.getsockname()[1], flush=True)
    server.serve_forever()
