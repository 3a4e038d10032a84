"""The adapter of wsproto for ``wsoracle drive``: a server, opening handshake and all. Run it by its path."""

import json
import sys
from contextlib import suppress

import wsproto
from wsproto import events
from wsproto.connection import ConnectionState
from wsproto.utilities import LocalProtocolError, RemoteProtocolError


class Server:
    """One connection: octets come in, octets and messages go out."""

    def __init__(self):
        self.connection = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
        self.octets, self.told, self.parts, self.failed = b"", [], b"", False

    def receive(self, octets):
        """Octets that arrive, or None for the end of TCP."""
        try:
            self.connection.receive_data(octets)
            for event in self.connection.events():
                self.on(event)
        except RemoteProtocolError as error:
            self.failed = True
            if error.event_hint is not None:
                self.send(error.event_hint)

    def on(self, event):
        """What the library says, and what its documentation asks for then."""
        if isinstance(event, events.Request):
            self.send(events.AcceptConnection())
        elif isinstance(event, events.Ping):
            self.send(event.response())
        elif isinstance(event, events.CloseConnection) and self.connection.state is not ConnectionState.CLOSED:
            self.failed = self.connection.state is ConnectionState.OPEN  # it is no Close of the peer's
            self.send(event.response())
        elif isinstance(event, events.Message):
            text = isinstance(event, events.TextMessage)
            self.parts += event.data.encode() if text else event.data
            if event.message_finished:
                self.told.append({"kind": "text" if text else "binary", "payload": self.parts.hex()})
                self.parts = b""

    def send(self, event):
        """What the library will not send is not sent."""
        with suppress(LocalProtocolError):
            self.octets += self.connection.send(event)

    def output(self):
        """What is new."""
        found = {"octets": self.octets.hex(), "events": self.told}
        self.octets, self.told = b"", []
        return {**found, "closes": self.failed or self.connection.state is ConnectionState.CLOSED}


servers = {}
for line in sys.stdin:
    asked = json.loads(line)
    cmd, number = asked["cmd"], asked.get("connection")
    if cmd == "open":
        servers[number] = Server()
    server, answer = servers.get(number), {}
    if cmd == "start":
        implementation = {"name": "wsproto", "version": wsproto.__version__, "language": "Python"}
        answer = {"version": 1, "implementation": implementation, "opening": True}
    elif cmd == "receive":
        server.receive(bytes.fromhex(asked["octets"]))
    elif cmd == "eof":
        server.receive(None)
        server.failed = True
    elif cmd == "send":
        data = bytes.fromhex(asked["payload"])
        server.send(events.TextMessage(data.decode()) if asked["kind"] == "text" else events.BytesMessage(data))
    elif cmd == "close":
        del servers[number]
    if cmd in ("receive", "eof", "send"):
        answer = server.output()
    print(json.dumps({"seq": asked["seq"], **answer}), flush=True)
    if cmd == "stop":
        break
