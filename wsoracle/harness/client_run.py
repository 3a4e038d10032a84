"""A run of cases against a server: which case is held when, and which of its results count.

Theory of operation. The first case runs alone, and asks with a message that is not empty: it tells the name of the
agent, whether there is an endpoint at all, and how fast it is. A server that sends nothing costs its patience once.
Then come the controls and all others, on as many connections as the server serves (`lanes`). What was in doubt since
others ran beside it, or a control that was not answered, is asked again alone: only that counts. Heavy cases come last
and alone, so that none makes others slow. A server that refuses connections has died (`deaths`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from wsoracle.generators.cases.case import Case
from wsoracle.model.octets.http import HEAD_LIMIT
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.verdict import Profile

from ..reports import ReportFolder
from ..reports.stored_record import CaseSummary
from .connection import Connection
from .controls import Controls, in_order
from .conversation import Conversation
from .deaths import DIED_HERE, MOST_DEATHS, Suspects, ended_abruptly, not_run
from .finished import Finished, Outcome, asks_nothing_aloud, in_doubt, is_heavy, server_field, was_refused
from .judging_pool import Judges
from .lanes import Lanes
from .launching import CannotStart, Launcher
from .live import LiveLog, why
from .manners import MOST_PATIENT, Manners, most_octets
from .target import NoServer, Target, what_to_do, why_no_connection
from .transcript import RunFacts

MOST_PENDING: Final = 128 << 20
"""Octets of conversations that wait to be judged; with more of them no further case is begun."""

IN_VAIN: Final = 3
"""Questions in a row that come out as before; after them the others of their kind are believed, or not asked."""

_REVIVALS: Final = 20
"""Times that a server may refuse connections and take them again."""

_LOOK: Final = 0.05

OnStep = Callable[[str, int, int], None]


class ClientRun:
    """The cases of a run, their order, and what came of them. `agent` is the name of the server once it is known;
    `live` is told of each exchange as it happens."""

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
        launcher: Launcher | None,
    ) -> None:
        self.agent = target.agent or ""
        self.live: Callable[[str], None] | None = None
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
        self._entered: Final[set[str]] = set()
        self._controlling: Final = {case.control for case in cases}
        self._judged_one: Final = asyncio.Event()
        self._silent: str | None = None
        self._dead: str | None = None
        self._talking = 0
        self._slowest = 0.0
        self._kept_open = 0
        self._judges: Final = judges
        self._launcher: Final = launcher
        self._suspects: Final = Suspects()
        self._doubtful: Final[list[Finished]] = []
        self._asked_again: Final[set[str]] = set()
        self._refused: Final[list[Case]] = []
        self._deaths = self._revivals = 0

    # --- the order ----------------------------------------------------------------------------------------------------

    async def all(self, jobs: int) -> None:
        """Run every case."""
        controls, others = in_order(self._cases)
        light = sorted([case for case in (*controls, *others) if not is_heavy(case)], key=asks_nothing_aloud)
        heavy = [case for case in self._cases if is_heavy(case)]
        if not light:
            light, heavy = heavy[:1], heavy[1:]
        await self._first(light)
        await self._some(light, Lanes(jobs))
        await self._ask_again()
        await self._some(heavy, Lanes(1))
        await self._ask_again()
        for summary in self._controls.close():
            self._folder.enter(summary)

    async def _first(self, cases: list[Case]) -> None:
        """Run the first of these cases, which are taken from the list, until the server has said something.

        A 101 is speech: who answers nothing behind it is asked several times before it is taken to be silent.
        """
        silent: list[str] = []
        while cases and self._silent is None and len(silent) < IN_VAIN and (not silent or not cases[0].opening):
            case = cases.pop(0)
            first = not silent and not self._done
            talk, started = await self._talk(case, first=first)
            await self._judge_and_enter(talk, started, alone=True)
            if not (talk.silent or talk.timed_out) or not talk.said_nothing:
                return
            silent.append(case.id)
            if not talk.connection.received:
                self._silent = f"nothing in {case.id}"
            elif len(silent) == IN_VAIN:
                self._silent = f"nothing but the answer to the opening handshake in {', '.join(silent)}"
            elif not talk.asks_aloud:
                return

    async def _some(self, cases: Sequence[Case], lanes: Lanes) -> None:
        """Run cases on these lanes; where the server died, what is left goes on when it is there again."""
        while cases:
            waiting = iter(cases)

            async def lane(mine: Iterator[Case] = waiting) -> None:
                for case in mine:
                    await self._in_lane(case, lanes, group)

            async with asyncio.TaskGroup() as group:
                for _ in range(lanes.most):
                    group.create_task(lane())
            cases = await self._after_refusals(lanes)

    async def _in_lane(self, case: Case, lanes: Lanes, group: asyncio.TaskGroup) -> None:
        await lanes.take()
        answered: list[bool] = []

        def heard() -> None:
            answered.append(True)
            lanes.answered()

        try:
            if self._refused:
                self._refused.append(case)
                return
            talk, started = await self._talk(case, heard=heard)
        finally:
            lanes.give_back(bool(answered))
        if talk.others and was_refused(talk):
            lanes.fewer()
        if self._refused and case in self._refused:
            return
        if self._judges.elsewhere(case) and self.live is None:
            group.create_task(self._judge_and_enter(talk, started))
            await self._has_room()
        else:
            await self._judge_and_enter(talk, started)

    async def _ask_again(self) -> None:
        """Ask again, alone, what was in doubt: where the answer is the same again and again, the rest is believed.

        Opening handshakes come last: a server may well leave a faulty one unanswered.
        """
        doubtful = sorted(self._doubtful, key=lambda one: (not one.unanswered, one.case.opening))
        self._doubtful.clear()
        same: Counter[tuple[object, ...]] = Counter()
        changing: set[tuple[object, ...]] = set()
        for one in doubtful:
            before = one.outcome
            believed = not one.unanswered and before not in changing and same[before] >= IN_VAIN
            if believed or (not one.beside_others and self._dead is not None) or self._silent is not None:
                await self._enter(one.summary)
                continue
            self._asked_again.add(one.case.id)
            talk, started = await self._talk(one.case)
            if self._refused:
                await self._some(await self._after_refusals(Lanes(1)), Lanes(1))
                continue
            after = await self._judge_and_enter(talk, started, alone=True)
            if after == before:
                same[before] += 1
            else:
                changing.add(before)

    # --- one case -----------------------------------------------------------------------------------------------------

    async def _talk(
        self, case: Case, first: bool = False, heard: Callable[[], None] | None = None
    ) -> tuple[Conversation, datetime]:
        """The conversation of a case, come to its end, and when it began."""
        started = datetime.now(UTC)
        log = None if self.live is None else LiveLog(self.live, case)
        connection = Connection(most_octets(case), Role.SERVER, log)
        manners = self._manners.for_pace(self._slowest)
        if self._kept_open >= IN_VAIN:
            manners = replace(manners, hurried=True)
        if first:
            manners = replace(manners, opening=MOST_PATIENT * manners.patience)
        talk = Conversation(case, Role.SERVER, connection, manners, uri=self._target.uri)
        talk.heard = heard
        if self._dead is not None:
            talk.leave_out(self._dead)
        elif self._silent is not None and (not case.opening or "handshake" not in self._silent):
            talk.leave_out(f"not run: the server said {self._silent}, and is taken to be silent")
        else:
            self._talking += 1
            self._suspects.begin(talk)
            talk.others = self._talking > 1
            if await self._connect(connection, talk, first):
                await talk.run()
            talk.others = talk.others or self._talking > 1
            self._talking -= 1
            if case not in self._refused:
                self._suspects.end(talk, asyncio.get_running_loop().time())
            self._slowest = max(self._slowest, talk.slowest)
            if talk.left_open is not None:
                self._kept_open = self._kept_open + 1 if talk.left_open else -len(self._cases)
        if not self.agent:
            self.agent = self._named(server_field(talk) or self._target.nameless or self._target.uri.host_header)
        return talk, started

    async def _has_room(self) -> None:
        """Wait while too much waits to be judged: memory stays bounded, however fast a server floods the tester."""
        while self._pending > MOST_PENDING:
            self._judged_one.clear()
            await self._judged_one.wait()

    async def _judge_and_enter(self, talk: Conversation, started: datetime, alone: bool = False) -> Outcome:
        """Have a conversation judged, and enter what changes by it, or keep it for a second question."""
        summary = await self._judged(talk, started)
        asked = talk.case.id in self._asked_again
        unanswered = talk.case.id in self._controlling and not summary.answered
        doubtful = not alone and talk.others and in_doubt(talk) and summary.label != "OK"
        finished = Finished(talk.case, summary, unanswered, doubtful)
        if (unanswered or doubtful) and not asked and self._silent is None and self._dead is None:
            self._doubtful.append(finished)
        else:
            await self._enter(summary)
        return finished.outcome

    async def _judged(self, talk: Conversation, started: datetime) -> CaseSummary:
        octets = talk.connection.sent + talk.connection.received
        self._pending += octets
        try:
            case_id, url = talk.case.id, self._target.url
            counts = self._controls.may_count(talk.case)
            facts = RunFacts(self.agent, self._numbers[case_id], started, talk.seconds, url, self._manners.seed, counts)
            place = self._folder.place(self.agent, case_id, talk.case.control)
            summary = await self._judges.record(talk.transcript(), facts, self._profile, place)
            if self.live is not None:
                self.live("\n".join(why(summary)))
            return summary
        finally:
            self._pending -= octets
            self._judged_one.set()

    async def _enter(self, summary: CaseSummary) -> None:
        for changed in self._controls.enter(summary):
            self._folder.enter(changed)
        self._entered.add(summary.id)
        self._done = len(self._entered)
        if self._step is not None:
            self._step(f"{self.agent}: {summary.id}", self._done, len(self._cases))

    # --- a server that refuses connections ----------------------------------------------------------------------------

    async def _after_refusals(self, lanes: Lanes) -> list[Case]:
        """The cases that were left since the server refused connections, when it takes them again."""
        left = list(dict.fromkeys(self._refused))
        self._refused.clear()
        if not left:
            return []
        suspects = self._suspects.at(asyncio.get_running_loop().time())
        if self._revivals < _REVIVALS and await self._listens():
            self._revivals += 1
            lanes.fewer(lanes.limit // 2)
            return left
        self._suspects.forget()
        self._deaths += 1
        if self._launcher is None or self._deaths > MOST_DEATHS:
            self._dead = not_run(suspects)
            if len(suspects) == 1 and ended_abruptly(suspects[0]):
                await self._died_in(suspects[0], datetime.now(UTC))
            else:
                left += [talk.case for talk in suspects if ended_abruptly(talk)]
            return left
        await self._revive()
        certain = len(suspects) == 1 and ended_abruptly(suspects[0])
        await self._one_by_one([talk.case for talk in suspects])
        return [case for case in left if certain or case.id not in {talk.case.id for talk in suspects}]

    async def _one_by_one(self, cases: list[Case]) -> None:
        """Ask these cases alone, and start the server again after each that it died of."""
        before: tuple[Conversation, datetime] | None = None
        while cases:
            talk, started = await self._talk(cases[0])
            if talk.not_run and before is not None:
                culprit, before = before, None  # it was still listening when it was looked for
            else:
                cases.pop(0)
                culprit = before = talk, started
                if ended_abruptly(talk):
                    await asyncio.sleep(2 * _LOOK)  # who dies may listen for a moment more
                if await self._listens():
                    await self._judge_and_enter(talk, started, alone=True)
                    continue
            self._refused.clear()
            self._suspects.forget()
            await self._died_in(*culprit)
            await self._revive()

    async def _died_in(self, talk: Conversation, started: datetime) -> None:
        talk.died = True
        talk.notes.append(DIED_HERE)
        await self._enter(await self._judged(talk, started))

    async def _revive(self) -> None:
        assert self._launcher is not None
        try:
            await asyncio.to_thread(self._launcher.restart)
        except CannotStart as error:
            raise NoServer(f"{self._target.url}: {error}") from error

    async def _listens(self) -> bool:
        """Whether the server takes a connection, at once or soon."""
        until = asyncio.get_running_loop().time() + self._manners.patience
        while asyncio.get_running_loop().time() < until:
            connection = Connection(HEAD_LIMIT, Role.SERVER)
            try:
                async with asyncio.timeout(self._manners.patience):
                    await self._target.open(connection)
                return True
            except ConnectionRefusedError:
                await asyncio.sleep(_LOOK)
            except OSError:
                return True
            finally:
                connection.abort()
                await connection.gone()
        return False

    async def _connect(self, connection: Connection, talk: Conversation, first: bool) -> bool:
        try:
            # A server that has answered before is given longer: the connection may be one of many.
            more = 0.0 if first else self._manners.patience_for_tcp
            async with asyncio.timeout(self._manners.patience + more):
                await self._target.open(connection)
        except OSError as error:
            why = why_no_connection(error)
            if first:
                raise NoServer(f"{self._target.url}: {why}: {what_to_do(error, self._target)}") from error
            if isinstance(error, (ConnectionRefusedError, ConnectionResetError)):  # or died as it was asked
                self._refused.append(talk.case)
            talk.leave_out(f"no connection: {why}")
            return False
        return True
