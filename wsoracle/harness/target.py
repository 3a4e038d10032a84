"""The server under test: where it is, what it is called in reports, and a connection to it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from wsoracle.generators.cases.steps import Greeting
from wsoracle.model.octets.http import HEAD_LIMIT
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import Role

from ..reports.summary import command_again
from ..text.output import why_not
from .connection import Connection
from .shortage import is_own

LOOK: Final = 0.05
"""Seconds between two attempts to connect to a server that refuses connections."""

_TLS_ANSWER: Final = re.compile(rb"\x15\x03....|\x16\x03...\x02", re.DOTALL)
"""A record of TLS begins with its type, 21 for an alert and 22 for a handshake message, a version whose first octet is
3, and its length (RFC 8446, section 5.1); the message of type 2 is a ServerHello (section 4), so that a ClientHello
which comes back is no answer."""
_ANSWER_OCTETS: Final = 6


class AgentNames:
    """The name of an agent in reports: its own, unless another agent of this run has that already.

    Several servers of the same code call themselves the same: the later ones get their address added.
    """

    def __init__(self, address: str, taken: set[str]) -> None:
        self._address: Final = address
        self._taken: Final = taken

    def new(self, own: str) -> str:
        """The name of an agent that calls itself ``own``."""
        names = (f"{own} ({self._address}){f' {n}' if n > 1 else ''}" for n in count(1))
        return own if own not in self._taken else next(name for name in names if name not in self._taken)


class NoServer(Exception):
    """Nothing answers at the address; the message is one line that says what to do."""


@dataclass(frozen=True)
class Target:
    """A server under test. ``agent`` is its name in reports; without one its Server field is, and without that
    ``nameless`` (its address, where that is empty).

    ``tls`` is the context of a wss URL, ``server_name`` the name that it is asked for (SNI). ``connect_to`` is where
    TCP goes instead of the host and the port of the URL.
    """

    uri: WebSocketUri
    agent: str | None = None
    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    greeting: Greeting = field(default_factory=Greeting)
    connect_to: tuple[str, int] | None = None
    nameless: str = ""

    @property
    def url(self) -> str:
        """The URL as text."""
        return self.uri.text

    @property
    def address(self) -> tuple[str, int]:
        """Where TCP goes."""
        return self.connect_to or (self.uri.host.strip("[]"), self.uri.port)

    async def open(self, connection: Connection) -> None:
        """Open TCP, and TLS for a wss URL. Raises OSError."""
        host, port = self.address
        name = (self.server_name or self.uri.host.strip("[]")) if self.tls is not None else None
        await asyncio.get_running_loop().create_connection(
            lambda: connection, host, port, ssl=self.tls, server_hostname=name
        )

    async def speaks_tls(self, patience: float) -> bool:
        """Whether what listens there answers a ClientHello by TLS within ``patience`` seconds."""
        outgoing = ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        hello = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=self.uri.host.strip("[]"))
        with contextlib.suppress(ssl.SSLWantReadError):
            hello.do_handshake()
        try:
            async with asyncio.timeout(patience):
                reader, writer = await asyncio.open_connection(*self.address)
                try:
                    writer.write(outgoing.read())
                    return _TLS_ANSWER.match(await reader.readexactly(_ANSWER_OCTETS)) is not None
                finally:
                    writer.transport.abort()
        except (OSError, asyncio.IncompleteReadError):
            return False

    def again(self, case_id: str) -> str:
        """The command that plays a case again; empty where it takes a URL alone. Values of fields may be secrets."""
        options = [word for name, value in self._options() for word in (name, value) if word]
        return f"{command_again(case_id, 'server', self.url)} {shlex.join(options)}" if options else ""

    def _options(self) -> Iterator[tuple[str, str]]:
        if self.tls is not None and self.tls.verify_mode is ssl.CERT_NONE:
            yield "--insecure", ""
        if self.tls is not None and self.server_name is not None:
            yield "--server-name", self.server_name
        if self.connect_to is not None:
            yield "--connect-to", "{}:{}".format(*self.connect_to)
        if self.greeting.origin is not None:
            yield "--origin", self.greeting.origin
        yield from (("--subprotocol", name) for name in self.greeting.subprotocols)
        yield from (("--header", f"{name}: ...") for name, _ in self.greeting.headers)

    async def listens(self, patience: float) -> bool:
        """Whether the server takes a connection, at once or within ``patience`` seconds."""
        until = asyncio.get_running_loop().time() + patience
        while asyncio.get_running_loop().time() < until:
            connection = Connection(HEAD_LIMIT, Role.SERVER)
            try:
                async with asyncio.timeout(patience):
                    await self.open(connection)
                return True
            except ConnectionRefusedError:
                await asyncio.sleep(LOOK)
            except OSError:
                return True
            finally:
                connection.abort()
                await connection.gone()
        return False


def why_no_connection(error: OSError) -> str:
    """Why there is no connection, in words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if is_own(error):
        return f"this machine is short of something: {why_not(error)}"
    said = str(error) if isinstance(error, ssl.SSLError) else why_not(error)
    return said or "it ends the connection"


def what_to_do(error: OSError, target: Target) -> str:
    """What helps where the first connection cannot be made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "trust its certificate (wsoracle test has --cafile and --insecure)"
    if is_own(error):
        return "give fewer --jobs, or end other programs"
    refused = isinstance(error, ConnectionRefusedError | TimeoutError)
    if target.tls is not None and not refused:
        return "no TLS is spoken there, it seems: give a ws URL, or the port of the wss server"
    return "start the server, or give its URL"
