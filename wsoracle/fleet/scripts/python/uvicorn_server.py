"""Echo server: uvicorn, called with a port and its --ws protocol (websockets, wsproto, websockets-sansio).

ws_max_size 64 MiB, ws_per_message_deflate off unless it is asked for; WEBSOCKETS_MAX_FRAGMENTS raises the number of
fragments.
"""

import os
import socket
import sys

os.environ["WEBSOCKETS_MAX_FRAGMENTS"] = str(1 << 30)

import uvicorn
from asgi_echo import application

listening = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)
print("READY", listening.getsockname()[1], flush=True)
config = uvicorn.Config(
    application,
    ws=sys.argv[2],
    ws_max_size=64 << 20,
    ws_per_message_deflate=bool(os.environ.get("WSORACLE_COMPRESSION")),
    ws_ping_interval=None,
    lifespan="off",
    log_level="warning",
)
uvicorn.Server(config).run(sockets=[listening])
