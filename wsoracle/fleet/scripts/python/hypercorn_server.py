"""Echo server: hypercorn (on wsproto). websocket_max_message_size 64 MiB. Compression cannot be turned off here."""

import asyncio
import socket
import sys

from asgi_echo import application
from hypercorn.asyncio import serve
from hypercorn.config import Config

listening = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=128)
print("READY", listening.getsockname()[1], flush=True)
config = Config()
config.bind = [f"fd://{listening.detach()}"]
config.websocket_max_message_size = 64 << 20
config.errorlog = None
asyncio.run(serve(application, config))
