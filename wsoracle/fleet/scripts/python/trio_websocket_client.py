"""Client: trio-websocket (on wsproto). max_message_size 64 MiB; it offers no extensions unless told to.

Where it fails a connection it sends no Close and waits for the server to close TCP, for 60 s unless told otherwise, and
so it does for an answer that it does not accept: both times are lower here, so that a run comes to its end.
"""

from collections.abc import Awaitable, Callable

import trio
from testee import run_async
from trio_websocket import ConnectionClosed, open_websocket_url


async def ask(url: str) -> str:
    """The first message."""
    async with open_websocket_url(url) as websocket:
        return str(await websocket.get_message())


async def echo(url: str) -> None:
    """Echo until the connection has ended."""
    limits = {"connect_timeout": 5.0, "disconnect_timeout": 0.2}
    async with open_websocket_url(url, max_message_size=64 << 20, **limits) as websocket:
        try:
            while True:
                await websocket.send_message(await websocket.get_message())
        except ConnectionClosed:
            pass


async def gather(attempt: Callable[[str], Awaitable[None]], uris: list[str]) -> None:
    """Open all at the same time."""
    async with trio.open_nursery() as nursery:
        for uri in uris:
            nursery.start_soon(attempt, uri)


trio.run(run_async, ask, echo, gather)
