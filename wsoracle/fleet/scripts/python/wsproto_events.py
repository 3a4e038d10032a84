"""The part that both scripts for wsproto share: the application on its events. wsproto has no limits of its own.

Its permessage-deflate is taken where WSORACLE_COMPRESSION asks for it.
"""

import os
import socket
from collections.abc import Iterator

from wsproto import WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Message, Ping, Request, TextMessage
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.utilities import RemoteProtocolError


def extensions() -> list[Extension]:
    """What a connection offers or takes."""
    return [PerMessageDeflate()] if os.environ.get("WSORACLE_COMPRESSION") else []


def messages(tcp: socket.socket, protocol: WSConnection) -> Iterator[Message]:
    """The messages of a connection, until it has ended; handshakes, pings and the close are answered."""
    parts: list[str | bytes] = []
    try:
        while True:
            octets = tcp.recv(65536)
            protocol.receive_data(octets or None)
            for event in protocol.events():
                match event:
                    case Request():
                        tcp.sendall(protocol.send(AcceptConnection(extensions=extensions())))
                    case Ping():
                        tcp.sendall(protocol.send(event.response()))
                    case CloseConnection():
                        if octets:
                            tcp.sendall(protocol.send(event.response()))
                        return
                    case TextMessage() | BytesMessage():
                        # A message arrives in as many events as it takes; joined once, however many there are.
                        parts.append(event.data)
                        if event.message_finished:
                            yield type(event)(data=type(event.data)().join(parts))
                            parts.clear()
            if not octets:
                return  # also where the opening handshake has not ended, of which wsproto makes no event
    except RemoteProtocolError as error:
        if error.event_hint is not None:
            tcp.sendall(protocol.send(error.event_hint))
        print(repr(error), flush=True)


def end(tcp: socket.socket) -> None:
    """Close so that what was sent last is not lost: no more of our octets, then read until the peer has closed."""
    try:
        tcp.shutdown(socket.SHUT_WR)
        tcp.settimeout(2.0)
        while tcp.recv(65536):
            pass
    except OSError:
        pass
    tcp.close()
