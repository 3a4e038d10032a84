"""Client: websockets, threads. No limit of size; WEBSOCKETS_MAX_FRAGMENTS raises the number of fragments."""

import os

os.environ["WEBSOCKETS_MAX_FRAGMENTS"] = str(1 << 30)

from testee import run
from websockets.sync.client import ClientConnection, connect

COMPRESSION = "deflate" if os.environ.get("WSORACLE_COMPRESSION") else None


def connection(url: str) -> ClientConnection:
    """A connection, without compression unless it is asked for."""
    return connect(url, compression=COMPRESSION, max_size=None, ping_interval=None, proxy=None)


def ask(url: str) -> str:
    """The first message."""
    with connection(url) as websocket:
        return str(websocket.recv())


def echo(url: str) -> None:
    """Echo until the connection has ended."""
    with connection(url) as websocket:
        for message in websocket:
            websocket.send(message)


run(ask, echo)
