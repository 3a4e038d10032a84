"""The fuzzing server: clients under test connect to it, ask how many cases there are, and run them one after another.

Theory of operation. Every connection begins with one request, which is read within a time and a size. It asks for one
of the WebSocket paths of client testees (`server_paths`), or for a page. A case is a :class:`ClientConversation` with
the request already read: the client is judged from the first octet of its opening handshake on. A record is written
when its case is over, and again should its control turn out not to be answered (`controls`).

Everything is bounded (:class:`ServerLimits`): connections, the time and the octets of a request, agents, and the octets
that clients may send in cases at the same time, for which cases wait, as they do for the judge. A client that is silent
from the beginning gets no further case, so that silence costs the stated patience a few times.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from wsoracle.generators.cases.case import Case
from wsoracle.model.octets.http import Malformed, ParsedHead, Request
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.connections.probes import agent_in, probe_in
from wsoracle.properties.connections.seen import SeenConnection
from wsoracle.properties.judge.verdict import Profile

from .client_conversation import ClientConversation
from .judging_pool import Judges
from .live_results import LiveResults
from .manners import Manners, most_octets
from .room import Room
from .server_answers import Page, close_at_once, get_ready, reply, respond
from .server_connection import MOST_CONNECTIONS, AcceptedConnection, ServerLimits
from .server_paths import Command, Refusal, command_of, is_websocket
from .server_probes import Probes
from .server_run import AgentRun, ServerRun
from .server_trust import OwnNames
from .server_web import Pages
from .shortage import connections_at_once
from .tls_listener import ServerNames, TlsListener
from .transcript import RunFacts

HostPort = tuple[str, int]

Excluded = Callable[[str, str], bool]
"""Whether an agent is not to run a case."""


MOST_BEHIND: Final = 32
"""Conversations that wait to be judged; with more of them the next case begins when one is done."""

IN_VAIN: Final = 3
"""Messages, not empty, that a client leaves unanswered before it has said anything; it is not asked any further."""

_APART: Final = 0.05
"""Seconds between a 101 and the number of cases, which so has a segment of its own."""

_SHOWN: Final = 200
"""Octets that are kept of a request outside TLS."""

_UNAVAILABLE: Final = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

_GOODBYE: Final = 1.0
"""Seconds in which connections that are let go have to be gone."""


class FuzzingServer:
    """Cases for clients. ``cases`` are all of the run, controls included; clients know them by their number from 1.

    ``reports`` is the folder that pages are served from; ``say`` is told in one line of what is worth knowing;
    ``excluded`` of agents that are not to run a case: they are let go at once, as for a case that was run in an earlier
    part of the run. ``once``: the server ends after the first /updateReports. ``judges`` are left open. ``again`` is
    the command that runs a case again, by its id, where it is not ``wsoracle serve``.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        manners: Manners,
        run: ServerRun,
        reports: Path,
        *,
        profile: Profile = "interop",
        limits: ServerLimits | None = None,
        say: Callable[[str], None] = lambda line: None,
        excluded: Excluded = lambda agent, case_id: False,
        once: bool = False,
        judges: Judges | None = None,
        again: Callable[[str], str] = lambda case_id: "",
    ) -> None:
        self.cases: Final = [case for case in cases if Role.CLIENT in case.roles]
        self.run: Final = run
        self._pages: Final = Pages(run, reports, len(self.cases), LiveResults(run, self.cases, excluded))
        self._manners: Final = manners
        self._profile: Final[Profile] = profile
        self._limits: Final = limits or ServerLimits(connections=min(MOST_CONNECTIONS, connections_at_once()))
        self._say: Final = say
        self._excluded: Final = excluded
        self._once: Final = once
        self._again: Final = again
        self._judges: Final = Judges(Role.CLIENT, self.cases) if judges is None else judges
        self._has_own_judges: Final = judges is None
        self._room: Final = Room(self._limits.octets)
        self._servers: Final[list[asyncio.Server | TlsListener]] = []
        self._behind = 0
        self._judged: Final = asyncio.Event()
        self._probes: Final = Probes(run, manners.greeting, manners.patience)
        self._connections: Final[dict[asyncio.Task[None], AcceptedConnection]] = {}
        self._stopped: Final = asyncio.Event()
        self._failure: BaseException | None = None
        self._names: Final = OwnNames()

    @property
    def connections(self) -> int:
        """The number of open connections; a case that is being judged has none."""
        return sum(not connection.is_gone for connection in self._connections.values())

    # --- from start to end --------------------------------------------------------------------------------------------

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> HostPort:
        """Listen for clients under test; the address. Port 0 lets the system choose. Raises OSError."""
        address = await self._listen(host, port, tls, web=False)
        self._pages.port, self._pages.secure = address[1], tls is not None
        self._probes.authority = f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
        self._probes.secure = tls is not None
        return address

    async def listen_untrusted(self, host: str, port: int, tls: ssl.SSLContext) -> HostPort:
        """Listen with a certificate that no client can trust."""
        address = await self._listen(host, port, tls, web=False)
        self._probes.untrusted_port = address[1]
        return address

    async def listen_for_pages(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> HostPort:
        """Listen for browsers on another port too."""
        return await self._listen(host, port, tls, web=True)

    def get_ready(self) -> None:
        """Do what would make the first client wait. Clients may have connected already."""
        get_ready()

    async def stopped(self) -> None:
        """Wait until it was stopped. Raises the error that stopped it, such as a full disk."""
        await self._stopped.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop: cases that are not at their end are left out of the report."""
        self._stopped.set()

    async def idle(self) -> None:
        """Wait until every connection has ended, and its case is judged. Raises the error that stopped the server."""
        while self._connections:
            await asyncio.wait(list(self._connections))
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        """Let go of every connection, and listen no more."""
        self._stopped.set()
        for server in self._servers:
            server.close()
        connections = dict(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        for connection in connections.values():
            connection.abort()
            await connection.gone()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                for server in self._servers:
                    await server.wait_closed()
        if self._has_own_judges:
            self._judges.close()

    # --- connections --------------------------------------------------------------------------------------------------

    def accept(self, names: ServerNames | None = None, beside: bytes = b"", web: bool = False) -> AcceptedConnection:
        """The server's end of a connection, over TLS with the names that clients ask for, and what came outside it.

        ``web``: it is one for pages alone.
        """
        return AcceptedConnection(lambda connection: self._begin(connection, web), names, beside)

    async def _listen(self, host: str, port: int, tls: ssl.SSLContext | None, *, web: bool) -> HostPort:
        accept = partial(self.accept, web=web)
        server: asyncio.Server | TlsListener
        if tls is None:
            server = await asyncio.get_running_loop().create_server(accept, host, port)
        else:
            within, most = self._limits.request, self._limits.connections
            server = TlsListener(host, port, tls, accept, self._outside_tls, within=within, goodbye=_GOODBYE, most=most)
        self._servers.append(server)
        self._names.add(host)
        name = server.sockets[0].getsockname()
        return name[0], name[1]

    def _outside_tls(self, octets: bytes, after_hello: bool) -> None:
        """A request came outside TLS. A client may have been given a ws URL, but not for a probe."""
        line = octets.partition(b"\r")[0].decode("latin-1")
        found = probe_in(line)
        agent = self.run.agents.get(found[1] if found is not None else agent_in(line) if after_hello else "")
        if agent is not None:
            self.run.see(agent, SeenConnection("", secure=True, beside_tls=octets[:_SHOWN]))

    def _begin(self, connection: AcceptedConnection, web: bool) -> None:
        if self._stopped.is_set():
            connection.abort()
            return
        if self.connections >= self._limits.connections:
            connection.write(_UNAVAILABLE)
            connection.close()
            asyncio.get_running_loop().call_later(_GOODBYE, connection.abort)
            return
        task = asyncio.get_running_loop().create_task(self._serve(connection, web))
        self._connections[task] = connection
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._connections.pop(task, None)
        if not task.cancelled() and task.exception() is not None and self._failure is None:
            # No client makes the server raise: this is a full disk, or a fault of the tester.
            self._failure = task.exception()
            self.stop()

    async def _serve(self, connection: AcceptedConnection, web: bool) -> None:
        try:
            await self._answer(connection, web)
        finally:
            connection.abort()

    async def _answer(self, connection: AcceptedConnection, web: bool) -> None:
        patience = self._manners.patience

        def has_head() -> bool:
            connection.take()
            return connection.units.head is not None

        page = None
        try:
            async with asyncio.timeout(self._limits.request):
                await connection.wait(has_head, self._limits.request)
        except TimeoutError:
            page = _error(408, f"the request was not complete after {self._limits.request:g} s")
        head = connection.units.head
        request = head.head if isinstance(head, ParsedHead) and isinstance(head.head, Request) else None
        if head is not None and await self._probes.answer(connection, head):
            return None
        try:
            if isinstance(head, Malformed):
                raise Refusal(431 if head.too_large else 400, f"this is no request: {head.why}")
            if request is not None and is_websocket(request):
                command = command_of(request.target, self.cases)
                return await self._do(connection, request, command)
            if request is not None:
                if not self._names.may_read(request):
                    raise Refusal(403, "pages are for this host by its address or a name of its own: call it so")
                page = self._pages.answer(request, status_page=not web)
        except Refusal as refusal:
            page = _error(refusal.status, str(refusal))
        if page is not None:
            await respond(
                connection, page, head_only=request is not None and request.method == "HEAD", patience=patience
            )
        return None

    # --- what is asked for --------------------------------------------------------------------------------------------

    async def _do(self, connection: AcceptedConnection, request: Request, command: Command) -> None:
        if command.path in ("/runCase", "/getProbes"):
            self.run.agent(command.agent, foreign=not self._names.may_stop(request))
        if command.path == "/runCase":
            await self._run_case(connection, request, command)
            return
        if command.path == "/stopServer" and not self._names.may_stop(request):
            raise Refusal(403, "no page of another site stops this server")
        head = connection.units.head
        assert isinstance(head, ParsedHead)
        octets = head.octets + connection.units.rest + connection.read()
        subprotocols = tuple(self._manners.greeting.subprotocols)
        text, apart = self._text(command, request), _APART if command.path == "/getCaseCount" else 0.0
        opened = await reply(connection, octets, text, subprotocols, self._manners.patience, apart)
        ends = command.path == "/stopServer" or (command.path == "/updateReports" and (command.stops or self._once))
        if opened and ends and self._names.may_stop(request):
            self.stop()

    async def _text(self, command: Command, request: Request) -> str | None:
        """The reply on a path that runs no case, or None."""
        case = command.case
        if command.path == "/":
            # Drivers ask so whether the server is up; the client closes, or is closed in the end.
            await asyncio.sleep(self._limits.request)
            return None
        if command.path == "/getProbes":
            return self._probes.listed(command.agent, request)
        if command.path == "/getCaseCount":
            return str(len(self.cases))
        if command.path == "/getCaseInfo" and case is not None:
            return json.dumps({"id": case.id, "description": case.stimulus})
        if command.path == "/getCaseStatus" and case is not None and self._excluded(command.agent, case.id):
            return None  # it will never be run
        if command.path == "/getCaseStatus" and case is not None:
            result = await self.run.result(command.agent, case.id, self._limits.status)
            return None if result is None else json.dumps({"behavior": result.summary.behavior})
        if command.path == "/updateReports":
            await self._update(command.agent)
        return None

    async def _update(self, name: str) -> None:
        """Write the reports, when no case of the agent is running any more."""
        agent = self.run.agents.get(name)
        if agent is not None:
            await self.run.until(lambda: not agent.running, self._limits.update)
        self.run.finish()
        if agent is not None:
            agent.reported = not agent.running
        self._say(f"reports written for {name}" if agent else f"reports written; {name} has run no case")

    async def _run_case(self, connection: AcceptedConnection, request: Request, command: Command) -> None:
        case = command.case
        assert case is not None
        agent = self.run.agent(command.agent)
        if self._excluded(agent.name, case.id) or case.id in agent.done_before:
            agent.done_before.discard(case.id)
            await close_at_once(connection, request, self._manners.greeting, self._manners.patience)
            return
        if case.id in agent.results:
            agent.silent = None  # it begins anew
        seen = connection.seen(request)  # while it is there
        with self.run.running(agent, case.id):
            while self._behind >= MOST_BEHIND:
                self._judged.clear()
                await self._judged.wait()
            async with self._room.of(most_octets(case)) as keep:
                await self._talk(connection, agent, command, keep)
            self.run.see(agent, replace(seen, keys=bytes(connection.units.keys)))

    async def _talk(
        self, connection: AcceptedConnection, agent: AgentRun, command: Command, keep: Callable[[int], None]
    ) -> None:
        case = command.case
        assert case is not None
        started, begun = datetime.now(UTC), connection.now
        connection.allow(most_octets(case))
        talk = ClientConversation(case, connection, self._manners)
        if agent.silent is not None:
            talk.leave_out(f"not run: the client said nothing in {agent.silent}, and is taken to be silent")
            # Some clients wait for an answer for ever, even where TCP has ended.
            connection.write(_UNAVAILABLE)
            connection.close()
            await connection.gone()
        else:
            await talk.run()
            self._mark_silence(agent, talk)
            if talk.asked_next:
                connection.hand_over(connection.for_next())
        keep(
            connection.sent + connection.received
        )  # the judge may be behind, and others have to have room until it is not
        counts = agent.controls.may_count(case)
        facts = RunFacts(
            agent.name,
            command.number,
            started,
            connection.now - begun,
            None,
            self._manners.seed,
            counts,
            again=self._again(case.id),
        )
        place = self.run.place(agent, case)
        self._behind += 1
        try:
            self.run.enter(agent, await self._judges.record(talk.transcript(), facts, self._profile, place))
        finally:
            self._behind -= 1
            self._judged.set()

    def _mark_silence(self, agent: AgentRun, talk: ClientConversation) -> None:
        """Say which case was given up, and note a client that answers no message from its first case on."""
        if not (talk.silent or talk.timed_out):
            agent.has_talked = agent.has_talked or not talk.said_nothing
            return
        if talk.timed_out or talk.said_nothing:
            why = talk.notes[-1] if talk.timed_out else "it says nothing"
            self._say(f"{agent.name}: {talk.case.id} is given up: {why}")
        agent.has_talked = agent.has_talked or not talk.said_nothing
        if not agent.has_talked and talk.asks_aloud:
            agent.unheard.append(talk.case.id)
            if len(agent.unheard) == IN_VAIN:
                agent.silent = ", ".join(agent.unheard)


def _error(status: int, why: str) -> Page:
    return Page(f"{why}\n".encode(), status=status)
