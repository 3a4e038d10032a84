"""The proxy: it listens, passes each connection on, and has both endpoints judged in another process.

Theory of operation. Passing on goes first: the process that judges gets what crossed, in pieces, one call of each
connection at a time, so that what comes meanwhile goes with the next one. What it may hold is bounded: beyond
:data:`MOST_OCTETS` of a connection, :data:`MOST_BEHIND` of all that it has not taken yet, or :data:`MOST_JUDGED`
connections, octets are passed on and not judged, and that is said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final, NamedTuple, Protocol, cast

from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judge import Application
from wsoracle.properties.judge.verdict import Profile, Verdict

from ..harness.serving import CannotListen, shown_host
from ..harness.target import why_no_connection
from ..harness.transcript import LogEntry
from ..harness.workers import WorkersLost
from ..reports import ReportFolder
from ..reports.summary import CaseSummary
from ..text.output import why_not
from . import watching
from .relay import Relay, reset
from .watching import Filing, Kept, Noticed

MOST_OCTETS: Final = 64 << 20
MOST_BEHIND: Final = 256 << 20
MOST_JUDGED: Final = 10_000

TRACE: Final = "connection-{}-{}.json"
"""The file of a trace, by the number of the connection and the role of the endpoint."""

MOST_AT_ONCE: Final = 200
"""Connections that are passed on at once; a further one has to wait until one of them ends."""

MOST_WAITING: Final = 200
"""Connections that wait so; a further one is reset."""

REFRESH: Final = 2.0
"""Seconds between two lists of the connections at the least; a browser loads the index page as often."""

LISTING_SHARE: Final = 20
"""Passing on goes first: of this many seconds one goes into lists at the most, however long they are."""

Say = Callable[[str], None]


class Judge(Protocol):
    """What calls functions in the process that judges, as :class:`~wsoracle.harness.workers.Workers` does."""

    async def call(self, function: Callable[..., Any], *args: object) -> Any:
        """The result of the call. Raises what it raises, and WorkersLost."""


class Address(NamedTuple):
    """A host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{shown_host(self.host)}:{self.port}"


class Proxy:
    """Passes connections on to ``server``, until it is stopped, or (``once``) the first WebSocket connection is over.

    ``say`` is told in lines what happens; ``quiet`` as for :class:`~.relay.Relay`. `failed` counts the verdicts FAILED.
    """

    def __init__(
        self,
        server: Address,
        folder: ReportFolder,
        judge: Judge,
        say: Say,
        *,
        application: Application = "unknown",
        profile: Profile = "interop",
        quiet: float = 10.0,
        once: bool = False,
    ) -> None:
        self.failed = 0
        self.behind = 0
        """Octets that the process that judges has not taken yet."""
        self.folder: Final = folder
        self.say: Final = say
        self._server: Final = server
        self._judge: Final = judge
        self._how: Final = (application, profile)
        self._quiet: Final = quiet
        self._once: Final = once
        self._count = 0
        self._is_lost = False
        self._is_full = False
        self._stopped: Final = asyncio.Event()
        self._room: Final = asyncio.Semaphore(MOST_AT_ONCE)
        self._running: Final[set[asyncio.Task[None]]] = set()
        self._ended: Final[set[asyncio.Task[None]]] = set()
        self._listing: asyncio.TimerHandle | None = None
        self._list_from = 0.0

    async def run(self, listen: Address) -> None:
        """Listen, and pass on what comes, until it is stopped or cancelled. Raises CannotListen.

        What crossed until then is judged before it ends; a second cancellation gives that up.
        """
        try:
            server = await asyncio.get_running_loop().create_server(self._accept, listen.host, listen.port)
        except OSError as error:
            raise CannotListen(f"{listen}: {why_not(error)}") from error
        self.say(f"listening on {Address(*server.sockets[0].getsockname()[:2])}, passing on to {self._server}")
        try:
            await self._stopped.wait()
        finally:
            server.close()
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            await asyncio.gather(*self._ended, return_exceptions=True)
            if self._listing is not None:
                self._listing.cancel()

    async def ask(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function of :mod:`.watching` in the process that judges; None where that fails, which is said."""
        try:
            return await self._judge.call(function, *args)
        except WorkersLost:
            if not self._is_lost:
                self.say("the process that judges has ended: octets are passed on from here, and not judged")
            self._is_lost = True
        except OSError as error:
            self.say(f"{self.folder.path}: {why_not(error)}: a judgement is not written")
        return None

    def filing(self, number: int, role: Role) -> Filing:
        """Where the record of an endpoint goes."""
        agent = str(self._server) if role is Role.SERVER else "clients"
        trace = self.folder.path / TRACE.format(number, role.value)
        return Filing(agent, self.folder.place(agent, str(number), None), trace)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _accept(self) -> asyncio.Protocol:
        if len(self._running) >= MOST_AT_ONCE + MOST_WAITING:
            if not self._is_full:
                self.say(f"{len(self._running)} connections are open or wait: further ones are reset until some end")
            self._is_full = True
            return _Refused()
        self._is_full = False
        self._count += 1
        relay = Relay(self._quiet)
        watch = _Watch(self, self._count) if self._count <= MOST_JUDGED else None
        if watch is not None:
            relay.log = watch.take
        elif self._count == MOST_JUDGED + 1:
            self.say(f"{MOST_JUDGED:,} connections were judged: further ones are passed on, and not judged")
        _keep(asyncio.ensure_future(self._pass_on(relay, self._count, watch)), self._running)
        return relay.ends[Role.CLIENT]

    async def _pass_on(self, relay: Relay, number: int, watch: _Watch | None) -> None:
        try:
            async with self._room:
                await asyncio.get_running_loop().create_connection(
                    lambda: relay.ends[Role.SERVER], self._server.host, self._server.port
                )
                await relay.over
        except OSError as error:
            self.say(f"connection {number}: {self._server}: {why_no_connection(error)}")
        finally:
            # A connection that is cut at the end of the run, or not passed on at all, does not end by an event.
            relay.log = None
            relay.abort()
            if watch is not None:
                # A task of its own, since to stop the proxy cancels this one, and what was seen is judged all the same.
                _keep(asyncio.ensure_future(self._conclude(number, watch)), self._ended)

    async def _conclude(self, number: int, watch: _Watch) -> None:
        summaries: list[CaseSummary] = await watch.end()
        for summary in summaries:
            self.folder.enter(summary)
            self.failed += summary.verdict == Verdict.FAILED.value
        if summaries:
            self.say(f"connection {number} is over: {', '.join(f'the {one.role} {one.label}' for one in summaries)}")
        if summaries and self._once:
            self._stopped.set()
        elif summaries and self._listing is None:
            self._listing = asyncio.get_running_loop().call_at(self._list_from, self._list)

    def _list(self) -> None:
        """Write the pages that list all connections, so that they can be looked at while the proxy runs."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            self.folder.finish(refresh=REFRESH)
        except OSError as error:
            self.say(f"{self.folder.path}: {why_not(error)}: the pages are not written")
        self._listing = None
        self._list_from = loop.time() + max(REFRESH, LISTING_SHARE * (loop.time() - begun))

    async def begin(self, number: int) -> None:
        """Begin to watch a connection."""
        await self.ask(watching.begin, number, *self._how)


def _keep(task: asyncio.Task[None], among: set[asyncio.Task[None]]) -> None:
    """Hold a task until it is done."""
    among.add(task)
    task.add_done_callback(among.discard)


class _Refused(asyncio.Protocol):
    """A connection for which there is no room."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Reset it."""
        reset(cast("asyncio.Transport", transport))


class _Watch:
    """What crossed on one connection, on its way to the process that judges."""

    def __init__(self, proxy: Proxy, number: int) -> None:
        self._proxy: Final = proxy
        self._number: Final = number
        self._started: Final = datetime.now(UTC)
        self._began: Final = monotonic()
        self._octets = 0
        self._waiting: list[Kept] = []
        self._notes: list[str] = []
        self._sending: asyncio.Task[None] | None = None
        self._has_begun = False

    def take(self, role: Role, entry: LogEntry) -> None:
        """An event, from one end of the connection."""
        size = len(entry.octets)
        if self._notes:
            return
        if self._octets + size > MOST_OCTETS or self._proxy.behind + size > MOST_BEHIND:
            self._notes.append("more crossed than is judged: this is the judgement on what came before")
            self._proxy.say(f"connection {self._number}: {self._notes[0]}")
            return
        self._octets += size
        self._proxy.behind += size
        self._waiting.append(Kept(role, entry))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.ensure_future(self._send())

    async def end(self) -> list[CaseSummary]:
        """The connection is over: the summaries of its records."""
        if self._sending is not None:
            await self._sending
        if not self._has_begun:
            return []
        filings = {role: self._proxy.filing(self._number, role) for role in Role}
        seconds = monotonic() - self._began
        found = await self._proxy.ask(watching.end, self._number, self._started, seconds, filings, self._notes)
        return found or []

    async def _send(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            await self._proxy.begin(self._number)
        while self._waiting:
            events, self._waiting = self._waiting, []
            found: Noticed | None = await self._proxy.ask(watching.take, self._number, events)
            self._proxy.behind -= sum(len(event.entry.octets) for event in events)
            if found is None:
                continue
            if found.request:
                self._proxy.say(f"connection {self._number}: {found.request}")
            for role, judgement in found.faults:
                self._proxy.say(f"connection {self._number}: the {role.value}: {judgement}")
