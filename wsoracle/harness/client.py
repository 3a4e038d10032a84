"""The fuzzing client: cases against a running server, several at a time.

Theory of operation. Controls come first, since other cases count only where theirs was answered: as a rule that is
known when they are judged (`ledger`). The very first one runs alone: it tells the name of the agent, and whether there
is an endpoint at all. Where a server takes the connection and then says nothing, no further case is tried: one silence
is proof enough, so that a silent server costs the stated patience once and not once a case.

Cases with much to send run one at a time, so that memory stays bounded: see :data:`LARGE`.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from wsoracle.generators.cases.live_case import LiveCase
from wsoracle.generators.cases.tester_handshake import Greeting, request_to
from wsoracle.model.octets.http import HEAD_LIMIT, Read, Response
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.verdict import Profile

from ..reports.stored_record import Place
from ..text.output import why_not
from .connection import Link
from .controls import Ledger, in_order
from .conversation import Conversation, Manners, most_octets
from .judging_pool import Judges
from .transcript import Facts

__all__ = ["LARGE", "NoServer", "OnRecord", "Target", "run_client"]

LARGE: Final = 4 << 20
"""Octets that an endpoint may send in a case from which on such cases run one at a time."""

MOST_PENDING: Final = 128 << 20
"""Octets of conversations that wait to be judged, from which on no further case is begun."""

IN_VAIN: Final = 3
"""Conversations without a word of the server, one after another, from which on it is taken to mean it."""

OnRecord = Callable[[dict[str, Any]], None]
"""Told of each record that is to be written; of some twice, where the control comes later."""

OnStep = Callable[[str, int, int], None]

Filing = Callable[[str, str, str | None], Place]
"""Where the files of a case go: asked with the agent, the id of the case and that of its control."""


class NoServer(Exception):
    """Nothing answers at the address; the message is one line that says what to do."""


@dataclass(frozen=True)
class Target:
    """A server under test. ``agent`` is its name in reports; without one its Server field is.

    ``tls`` is the context of a wss URL, ``server_name`` the name that it is asked for (SNI). ``connect_to`` is where
    TCP goes instead of the host and the port of the URL.
    """

    uri: WebSocketUri
    agent: str | None = None
    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    greeting: Greeting = field(default_factory=Greeting)
    connect_to: tuple[str, int] | None = None

    @property
    def url(self) -> str:
        """The URL as text."""
        return f"{'wss' if self.uri.secure else 'ws'}://{self.uri.host_header}{self.uri.resource_name}"


async def run_client(
    target: Target,
    cases: Sequence[LiveCase],
    manners: Manners,
    *,
    on_record: OnRecord,
    jobs: int = 16,
    profile: Profile = "interop",
    step: OnStep | None = None,
    answered: Mapping[str, bool] | None = None,
    numbers: dict[str, int] | None = None,
    named: Callable[[str], str] = lambda own: own,
    place: Filing | None = None,
    judges: Judges | None = None,
) -> str:
    """Run all cases (those for servers; their controls must be among them, or have been run); the name of the agent.

    ``answered`` says of controls that were run before whether they were answered; ``numbers`` are the places of the
    cases in reports, by id (their places among ``cases`` otherwise). ``named`` says what a server that the target has
    no name for is called in reports, by what it calls itself; ``place`` where the files of a case go, so that whoever
    judges it can write them. ``judges`` are left open. Raises :class:`NoServer` where the first connection cannot be
    made.
    """
    run = _Run(target, cases, manners, on_record, profile, step, Ledger(answered), numbers, named, place, judges)
    try:
        await run.all(max(1, jobs))
    finally:
        if judges is None:
            run.close()
    return run.agent


class _Run:
    def __init__(
        self,
        target: Target,
        cases: Sequence[LiveCase],
        manners: Manners,
        on_record: OnRecord,
        profile: Profile,
        step: OnStep | None,
        ledger: Ledger,
        numbers: dict[str, int] | None,
        named: Callable[[str], str],
        place: Filing | None,
        judges: Judges | None,
    ) -> None:
        self.agent = target.agent or ""
        self._named: Final = named
        self._place: Final = place
        self._target: Final = target
        self._cases: Final = [case for case in cases if Role.SERVER in case.roles]
        self._manners: Final = replace(manners, greeting=target.greeting)
        self._on_record: Final = on_record
        self._profile: Final[Profile] = profile
        self._step: Final = step
        self._ledger: Final = ledger
        self._numbers: Final = numbers or {case.id: number for number, case in enumerate(self._cases, 1)}
        self._done = 0
        self._pending = 0
        self._judged: Final = asyncio.Event()
        self._silent: str | None = None
        self._talking = 0
        self._unheard: Final[list[_Unheard]] = []
        self._judges: Final = Judges(Role.SERVER, self._cases) if judges is None else judges

    def close(self) -> None:
        """Let go of what works for this run."""
        self._judges.close()

    async def all(self, jobs: int) -> None:
        """Run every case."""
        controls, others = in_order(self._cases)
        first = controls or others
        await self._enter(*await self._talk(first[0], first=True))
        await self._some([*first[1:], *(others if controls else ())], jobs)
        await self._again(jobs)
        for record in self._ledger.close():
            self._on_record(record)

    async def _some(self, cases: Sequence[LiveCase], jobs: int) -> None:
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
        """What becomes of conversations in which the server did not say a word among others: it may take few at a time.

        One that does not is taken at its word. Else they are held again, one at a time. Who stays silent three times is
        not asked about the others; they are judged as they were. What comes first has longer, since there may still be
        others in the queue of the server that have left. Opening handshakes come last: a server may well leave a faulty
        one unanswered.
        """
        # One beside one first: who takes one after another need not have many in its queue that have left.
        believed = bool(self._unheard) and await self._answers_beside(1) and await self._answers_beside(jobs)
        for opening in (False, True):
            in_vain, manners = 0, replace(self._manners, patience=self._manners.patience * 4)
            for talk, started in [one for one in self._unheard if one[0].case.opening is opening]:
                if not believed and in_vain < IN_VAIN:
                    talk, started = await self._talk(talk.case, manners=manners)
                    manners = self._manners
                    in_vain = in_vain + 1 if _was_not_heard(talk) else 0
                await self._enter(talk, started)

    async def _answers_beside(self, count: int) -> bool:
        """Whether the server answers somebody while there are so many others, who say nothing."""
        nonce = random.Random(f"{self._manners.seed}/beside {count}").randbytes(16)
        request = request_to(self._target.uri, self._target.greeting, nonce).octets()
        *others, last = links = [Link(HEAD_LIMIT) for _ in range(count + 1)]
        try:
            async with asyncio.timeout(self._manners.patience):
                for link in links:
                    await self._open(link)
                last.write(request)
                answered = await last.wait(lambda: last.received > 0, self._manners.patience)
                return answered and not any(link.ended for link in others)
        except OSError:
            return False
        finally:
            for link in links:
                link.abort()
                await link.gone()

    async def _talk(
        self, case: LiveCase, first: bool = False, manners: Manners | None = None
    ) -> tuple[Conversation, datetime]:
        """The conversation of a case, come to its end, and when it began."""
        started = datetime.now(UTC)
        link = Link(most_octets(case))
        talk = Conversation(case, Role.SERVER, link, manners or self._manners, uri=self._target.uri)
        if self._silent is not None:
            talk.leave_out(f"not run: the server said nothing in {self._silent}, and is taken to be silent")
        elif await self._connect(link, talk, first):
            self._talking += 1
            talk.others = self._talking > 1
            await talk.run()
            self._talking -= 1
            if first and (talk.silent or talk.timed_out) and talk.said_nothing:
                self._silent = case.id
        if not self.agent:
            self.agent = self._named(_server_field(talk) or self._target.uri.host_header)
        return talk, started

    async def _has_room(self) -> None:
        """Wait while too much waits to be judged: memory stays bounded, however fast a server floods the tester."""
        while self._pending > MOST_PENDING:
            self._judged.clear()
            await self._judged.wait()

    async def _enter(self, talk: Conversation, started: datetime) -> None:
        """Have it judged, and tell of the records that come of it."""
        octets = talk.link.sent + talk.link.received
        self._pending += octets
        try:
            await self._record(talk, started)
        finally:
            self._pending -= octets
            self._judged.set()

    async def _record(self, talk: Conversation, started: datetime) -> None:
        case_id, url = talk.case.id, self._target.url
        counts = self._ledger.may_count(talk.case, talk.broken_off)
        facts = Facts(self.agent, self._numbers[case_id], started, talk.seconds, url, self._manners.seed, counts)
        place = None if self._place is None else self._place(self.agent, case_id, talk.case.control)
        for record in self._ledger.enter(await self._judges.record(talk, facts, self._profile, place)):
            self._on_record(record)
        self._done += 1
        if self._step is not None:
            self._step(f"{self.agent}: {case_id}", self._done, len(self._cases))

    async def _connect(self, link: Link, talk: Conversation, first: bool) -> bool:
        try:
            # Who has answered before is given longer: a connection may be one of many, and is no silence.
            more = 0.0 if first else self._manners.patience_for_tcp
            async with asyncio.timeout(self._manners.patience + more):
                await self._open(link)
        except OSError as error:
            why = _why(error)
            if first:
                raise NoServer(f"{self._target.url}: {why}: {_what_to_do(error, self._target)}") from error
            talk.leave_out(f"no connection: {why}")
            return False
        return True

    async def _open(self, link: Link) -> None:
        target = self._target
        host, port = target.connect_to or (target.uri.host.strip("[]"), target.uri.port)
        name = (target.server_name or target.uri.host.strip("[]")) if target.tls is not None else None
        await asyncio.get_running_loop().create_connection(
            lambda: link, host, port, ssl=target.tls, server_hostname=name
        )


_Unheard = tuple[Conversation, datetime]


def _was_not_heard(talk: Conversation) -> bool:
    """Whether the server did not send an octet until there was no more patience, as if it did not know of us."""
    return not talk.link.received and (talk.silent or talk.timed_out)


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
    """What the server calls itself in its answer."""
    head = talk.answer
    if isinstance(head, Read) and isinstance(head.head, Response):
        return " ".join(head.head.values("Server")).strip()
    return ""
