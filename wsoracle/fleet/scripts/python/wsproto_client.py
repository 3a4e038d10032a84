"""Client: wsproto (sans-I/O) on a blocking socket, extensions only where asked for. It has no limits of its own."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

from testee import run
from wsproto import WSConnection
from wsproto.connection import ConnectionType
from wsproto.events import Request
from wsproto_events import end, extensions, messages


@contextmanager
def connected(url: str) -> Iterator[tuple[socket.socket, WSConnection]]:
    """A TCP connection on which the opening handshake has been sent."""
    parts = urlsplit(url)
    with closing(socket.create_connection((parts.hostname, parts.port))) as tcp:
        if parts.scheme == "wss":
            tcp = ssl.create_default_context().wrap_socket(tcp, server_hostname=parts.hostname)
        protocol = WSConnection(ConnectionType.CLIENT)
        target = f"{parts.path or '/'}?{parts.query}"
        tcp.sendall(protocol.send(Request(host=parts.netloc, target=target, extensions=extensions())))
        yield tcp, protocol
        end(tcp)


def ask(url: str) -> str:
    """The first message."""
    with connected(url) as (tcp, protocol):
        return str(next(messages(tcp, protocol)).data)


def echo(url: str) -> None:
    """Echo until the connection has ended."""
    with connected(url) as (tcp, protocol):
        for message in messages(tcp, protocol):
            tcp.sendall(protocol.send(message))


run(ask, echo)
