"""Modes of Autobahn's command that test no conformance: endpoints of our own, or a sentence that says what to use."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

from wsoracle.model.octets.uri import WebSocketUri

from ..testees.clients import NoEcho, ask_for_echo, run_cases
from ..testees.tcp import echo_server

SERVERS: Final = ("echoserver", "testeeserver")
CLIENTS: Final = ("echoclient", "testeeclient")

INSTEAD: Final = {
    "broadcastserver": "it tests no conformance; for an endpoint to connect to there is -m echoserver",
    "broadcastclient": "it tests no conformance; for an endpoint that connects there is -m echoclient",
    "serializer": "it is about WAMP, which this program knows nothing of: use Autobahn itself",
    "wampserver": "it is about WAMP, which this program knows nothing of: use Autobahn itself",
    "wampclient": "it is about WAMP, which this program knows nothing of: use Autobahn itself",
}
"""Modes that are not ours, with what is to be known of each."""


async def serve_echo(uri: WebSocketUri, host: str, tls: ssl.SSLContext | None, say: Callable[[str], None]) -> None:
    """An echo server at the URL's port, until it is cancelled. Raises OSError where it cannot listen."""
    assert uri.port is not None
    async with echo_server(host, uri.port, tls) as (bound, port):
        shown = f"[{bound}]" if ":" in bound else bound
        say(f"an echo server, to try a set-up with, is listening on {'wss' if tls else 'ws'}://{shown}:{port}")
        await asyncio.Event().wait()


async def be_client(mode: str, url: str, agent: str, say: Callable[[str], None]) -> None:
    """The clients: one asks for an echo, the other runs the cases of a fuzzing server. Raises NoEcho, and OSError."""
    if mode == "echoclient":
        await ask_for_echo(url)
        say(f"{url} echoes a text and octets")
    else:
        count = await run_cases(url, agent, say)
        say(f"{count} cases were run as {agent}: the fuzzing server has the results")


__all__ = ["CLIENTS", "INSTEAD", "SERVERS", "NoEcho", "be_client", "serve_echo"]
