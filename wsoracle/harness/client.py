"""The fuzzing client: cases against a running server, several at a time.

Theory of operation. Controls come first, since other cases count only where theirs was answered: as a rule that is
known when they are judged (`controls`). The first control runs alone: it tells the name of the agent, and whether there
is an endpoint at all. Where a server takes the connection and then sends nothing, no further case is tried, so that a
silent server costs the stated patience once and not once a case.

Cases with much to send run one at a time, so that memory stays bounded: see :data:`LARGE`.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.tester_handshake import Greeting, request_to
from wsoracle.model.octets.http import HEAD_LIMIT, ParsedHead, Response
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.verdict import Profile

from ..reports import ReportFolder
from ..text.output import why_not
from .connection import Connection
from .controls import Controls, in_order
from .conversation import Conversation, Manners, most_octets
from .judging_pool import Judges
from .transcript import RunFacts

LARGE: Final = 4 << 20
"""Half of the octets that an endpoint may send in a case; cases with more run one at a time."""

MOST_PENDING: Final = 128 << 20
"""Octets of conversations that wait to be judged; with more of them no further case is begun."""

IN_VAIN: Final = 3
"""Conversations in a row in which the server sent nothing; after them it is assumed to be silent in all others."""

OnStep = Callable[[str, int, int], None]


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
        return f"{'wss' if self.uri.secure else 'ws'}://{self.uri.host_header}{self.uri.resource_name}"


async def run_client(
    target: Target,
    cases: Sequence[Case],
    manners: Manners,
    folder: ReportFolder,
    *,
    jobs: int = 16,
    profile: Profile = "interop",
    step: OnStep | None = None,
    answered: Mapping[str, bool] | None = None,
    numbers: dict[str, int] | None = None,
    named: Callable[[str], str] = lambda own: own,
    judges: Judges | None = None,
) -> str:
    """Run all cases (those for servers; their controls must be among them, or have been run); the name of the agent.

    Records go into the folder. ``answered`` tells of controls that were run before whether they were answered;
    ``numbers`` are the places of the cases in reports, by id (their places among ``cases`` otherwise). ``named`` gives
    the name in reports of a server that the target has no name for, from the server's own. ``judges`` are left open.
    Raises :class:`NoServer` where the first connection cannot be made.
    """
    served = [case for case in cases if Role.SERVER in case.roles]
    numbers = numbers or {case.id: number for number, case in enumerate(served, 1)}
    with nullcontext(judges) if judges is not None else Judges(Role.SERVER, served) as working:
        run = _ClientRun(target, served, manners, folder, working, profile, step, Controls(answered), numbers, named)
        await run.all(max(1, jobs))
    return run.agent


class _ClientRun:
    def __init__(
        self,
        target: Target,
        cases: Sequence[Case],
        manners: Manners,
        folder: ReportFolder,
        judges: Judges,
        profile: Profile,
        step: OnStep | None,
        controls: Controls,
        numbers: dict[str, int],
        named: Callable[[str], str],
    ) -> None:
        self.agent = target.agent or ""
        self._named: Final = named
        self._folder: Final = folder
        self._target: Final = target
        self._cases: Final = cases
        self._manners: Final = replace(manners, greeting=target.greeting)
        self._profile: Final[Profile] = profile
        self._step: Final = step
        self._controls: Final = controls
        self._numbers: Final = numbers
        self._done = 0
        self._pending = 0
        self._judged: Final = asyncio.Event()
        self._silent: str | None = None
        self._talking = 0
        self._unheard: Final[list[_Unheard]] = []
        self._judges: Final = judges

    async def all(self, jobs: int) -> None:
        """Run every case."""
        controls, others = in_order(self._cases)
        first = controls or others
        await self._enter(*await self._talk(first[0], first=True))
        await self._some([*first[1:], *(others if controls else ())], jobs)
        await self._again(jobs)
        for summary in self._controls.close():
            self._folder.enter(summary)

    async def _some(self, cases: Sequence[Case], jobs: int) -> None:
        # Large ones go first in their own lane, so that the run does not end with the slowest of all.
        large = [case for case in cases if most_octets(case) > LARGE * 2]
        small = iter([case for case in cases if most_octets(case) <= LARGE * 2])

        async def lane(mine: Any) -> None:
            for case in mine:
                finished = await self._talk(case)
                if finished[0].others and _was_not_heard(finished[0]):
                    self._unheard.append(finished)
                    continue
                if self._judges.elsewhere(case):
                    group.create_task(self._enter(*finished))
                    await self._has_room()
                else:
                    await self._enter(*finished)

        async with asyncio.TaskGroup() as group:
            group.create_task(lane(iter(large)))
            for _ in range(jobs):
                group.create_task(lane(small))

    async def _again(self, jobs: int) -> None:
        """Enter the conversations in which the server sent nothing while there were others: it may serve few at a time.

        Where it serves many at a time, they are judged as they were. Otherwise they are held again, one at a time;
        where the server is silent in three of them in a row, the others are judged as they were. The first has more
        time, since connections that have ended may still be in the server's queue. Opening handshakes come last: a
        server may well leave a faulty one unanswered.
        """
        # One beside one first: a server that takes one after another then has few ended connections in its queue.
        believed = bool(self._unheard) and await self._answers_beside(1) and await self._answers_beside(jobs)
        for opening in (False, True):
            in_vain, manners = 0, replace(self._manners, patience=self._manners.patience * 4)
            for talk, started in [one for one in self._unheard if one[0].case.opening is opening]:
                if not believed and in_vain < IN_VAIN:
                    talk, started = await self._talk(talk.case, manners=manners)
                    manners = self._manners
                    in_vain = in_vain + 1 if _was_not_heard(talk) else 0
                await self._enter(talk, started)

    async def _answers_beside(self, others: int) -> bool:
        """Whether the server answers a connection beside this number of others that are silent."""
        nonce = random.Random(f"{self._manners.seed}/beside {others}").randbytes(16)
        request = request_to(self._target.uri, self._target.greeting, nonce).octets()
        *silent, last = connections = [Connection(HEAD_LIMIT, Role.SERVER) for _ in range(others + 1)]
        try:
            async with asyncio.timeout(self._manners.patience):
                for connection in connections:
                    await self._open(connection)
                last.write(request)
                answered = await last.wait(lambda: last.received > 0, self._manners.patience)
                return answered and not any(connection.ended for connection in silent)
        except OSError:
            return False
        finally:
            for connection in connections:
                connection.abort()
                await connection.gone()

    async def _talk(
        self, case: Case, first: bool = False, manners: Manners | None = None
    ) -> tuple[Conversation, datetime]:
        """The conversation of a case, come to its end, and when it began."""
        started = datetime.now(UTC)
        connection = Connection(most_octets(case), Role.SERVER)
        talk = Conversation(case, Role.SERVER, connection, manners or self._manners, uri=self._target.uri)
        if self._silent is not None:
            talk.leave_out(f"not run: the server said nothing in {self._silent}, and is taken to be silent")
        elif await self._connect(connection, talk, first):
            self._talking += 1
            talk.others = self._talking > 1
            await talk.run()
            self._talking -= 1
            if first and (talk.silent or talk.timed_out) and talk.said_nothing:
                self._silent = case.id
        if not self.agent:
            self.agent = self._named(_server_field(talk) or self._target.nameless or self._target.uri.host_header)
        return talk, started

    async def _has_room(self) -> None:
        """Wait while too much waits to be judged: memory stays bounded, however fast a server floods the tester."""
        while self._pending > MOST_PENDING:
            self._judged.clear()
            await self._judged.wait()

    async def _enter(self, talk: Conversation, started: datetime) -> None:
        """Have a conversation judged, and enter the summaries that change by it."""
        octets = talk.connection.sent + talk.connection.received
        self._pending += octets
        try:
            case_id, url = talk.case.id, self._target.url
            counts = self._controls.may_count(talk.case, talk.broken_off)
            facts = RunFacts(self.agent, self._numbers[case_id], started, talk.seconds, url, self._manners.seed, counts)
            place = self._folder.place(self.agent, case_id, talk.case.control)
            summary = await self._judges.record(talk.transcript(), facts, self._profile, place)
            for changed in self._controls.enter(summary):
                self._folder.enter(changed)
        finally:
            self._pending -= octets
            self._judged.set()
        self._done += 1
        if self._step is not None:
            self._step(f"{self.agent}: {case_id}", self._done, len(self._cases))

    async def _connect(self, connection: Connection, talk: Conversation, first: bool) -> bool:
        try:
            # A server that has answered before is given longer: the connection may be one of many.
            more = 0.0 if first else self._manners.patience_for_tcp
            async with asyncio.timeout(self._manners.patience + more):
                await self._open(connection)
        except OSError as error:
            why = _why(error)
            if first:
                raise NoServer(f"{self._target.url}: {why}: {_what_to_do(error, self._target)}") from error
            talk.leave_out(f"no connection: {why}")
            return False
        return True

    async def _open(self, connection: Connection) -> None:
        target = self._target
        host, port = target.connect_to or (target.uri.host.strip("[]"), target.uri.port)
        name = (target.server_name or target.uri.host.strip("[]")) if target.tls is not None else None
        await asyncio.get_running_loop().create_connection(
            lambda: connection, host, port, ssl=target.tls, server_hostname=name
        )


_Unheard = tuple[Conversation, datetime]


def _was_not_heard(talk: Conversation) -> bool:
    """Whether the server did not send an octet until there was no more patience."""
    return not talk.connection.received and (talk.silent or talk.timed_out)


def _why(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    said = str(error) if isinstance(error, ssl.SSLError) else why_not(error)
    return said or "it ends the connection"


def _what_to_do(error: OSError, target: Target) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "trust its certificate (wsoracle test has --cafile and --insecure)"
    refused = isinstance(error, ConnectionRefusedError | TimeoutError)
    if target.tls is not None and not refused:
        return "no TLS is spoken there, it seems: give a ws URL, or the port of the wss server"
    return "start the server, or give its URL"


def _server_field(talk: Conversation) -> str:
    """The server's name for itself, in its answer."""
    head = talk.answer
    if isinstance(head, ParsedHead) and isinstance(head.head, Response):
        return " ".join(head.head.values("Server")).strip()
    return ""
