"""Echo server: wsproto (sans-I/O) on sockets and threads, with extensions where asked for."""

import socketserver
import sys

from wsproto import WSConnection
from wsproto.connection import ConnectionType
from wsproto_events import end, messages


class Echo(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Send back every message with its type."""
        protocol = WSConnection(ConnectionType.SERVER)
        for message in messages(self.request, protocol):
            self.request.sendall(protocol.send(message))
        end(self.request)


class Server(socketserver.ThreadingTCPServer):
    """A thread a connection."""

    daemon_threads = True
    request_queue_size = 128


with Server(("127.0.0.1", int(sys.argv[1])), Echo) as server:
    print("READY", server.server_address[1], flush=True)
    server.serve_forever()
