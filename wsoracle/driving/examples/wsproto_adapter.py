"""The adapter of wsproto for ``wsoracle drive``: both roles, opening handshake and all. Run it by its path."""

import json
import sys
from contextlib import suppress
from urllib.parse import urlsplit

import wsproto
from wsproto import events
from wsproto.connection import ConnectionState
from wsproto.utilities import LocalProtocolError, RemoteProtocolError


class Endpoint:
    """One connection: octets come in, octets and messages go out. A client opens ``url``."""

    def __init__(self, url):
        kind = wsproto.ConnectionType.SERVER if url is None else wsproto.ConnectionType.CLIENT
        self.connection = wsproto.WSConnection(kind)
        self.octets, self.told, self.parts, self.failed = b"", [], b"", False
        if url is not None:
            uri = urlsplit(url)
            self.send(events.Request(host=uri.netloc, target=f"{uri.path}?{uri.query}"))

    def receive(self, octets):
        """Octets that arrive, or None for the end of TCP."""
        try:
            self.connection.receive_data(octets)
            for event in self.connection.events():
                self.on(event)
        except RemoteProtocolError as error:
            self.failed = True
            hint = error.event_hint
            if hint is not None and not (self.connection.client and isinstance(hint, events.RejectConnection)):
                self.send(hint)

    def on(self, event):
        """What the library says, and what its documentation asks for then."""
        if isinstance(event, events.Request):
            self.send(events.AcceptConnection())
        elif isinstance(event, events.RejectConnection):
            self.failed = True
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
        is_done = self.connection.state is ConnectionState.CLOSED and not self.connection.client  # a client waits
        return {**found, "closes": self.failed or is_done}


endpoints = {}
for line in sys.stdin:
    asked = json.loads(line)
    cmd, number = asked["cmd"], asked.get("connection")
    if cmd == "open":
        endpoints[number] = Endpoint(asked.get("url"))
    endpoint, answer = endpoints.get(number), {}
    if cmd == "start":
        implementation = {"name": "wsproto", "version": wsproto.__version__, "language": "Python"}
        answer = {"version": 1, "implementation": implementation, "opening": True}
    elif cmd == "receive":
        endpoint.receive(bytes.fromhex(asked["octets"]))
    elif cmd == "eof":
        endpoint.receive(None)
        endpoint.failed = True
    elif cmd == "send":
        data = bytes.fromhex(asked["payload"])
        endpoint.send(events.TextMessage(data.decode()) if asked["kind"] == "text" else events.BytesMessage(data))
    elif cmd == "close":
        del endpoints[number]
    if cmd in ("open", "receive", "eof", "send"):
        answer = endpoint.output()
    print(json.dumps({"seq": asked["seq"], **answer}), flush=True)
    if cmd == "stop":
        break
