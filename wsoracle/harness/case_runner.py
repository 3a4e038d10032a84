"""One case of a run against a server: held, judged and entered; and the search for the case that a server died of.

Theory of operation. A case is a conversation on a connection of its own. The run learns from each: how fast the server
is, whether it leaves TCP open, whether it says anything. A server that refuses connections after it has answered some
has died, unless it listens again soon. The cases that ran when that was noticed are suspects, and so are those that
ended shortly before without a Close. Where the server can be started again, the suspects are asked one by one;
otherwise the cases that are left are not run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final, NamedTuple

from wsoracle.generators.cases.case import Case
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.verdict import Profile

from ..reports import ReportFolder
from ..reports.summary import CaseSummary
from ..text.output import OnStep
from .connection import Connection
from .controls import Controls
from .conversation import Conversation
from .judging_pool import Judges
from .launching import CannotStart, Launcher
from .live import LiveLog, why
from .manners import MOST_PATIENT, Manners, most_octets
from .target import LOOK, NoServer, Target, what_to_do, why_no_connection
from .transcript import RunFacts

MOST_PENDING: Final = 128 << 20
"""Octets of conversations that wait to be judged; with more of them no further case is begun."""

MOST_DEATHS: Final = 20
"""Deaths of a server that is started again; after that the rest is not run."""

DIED_HERE: Final = "the server died in this case: it takes no connection any more"

_REVIVALS: Final = 20
"""Times that a server may refuse connections and take them again."""

_LEFT_OPEN: Final = 3
"""Connections in a row that a server leaves open after its Close; after them the tester waits less for their end."""

_SHORTLY: Final = 2.0
_KEPT: Final = 32
_LOOKED_AT: Final = 64
_ANSWER: Final = ("sent", "received")
_BUSY: Final = (429, 503)
_BAD_REQUEST: Final = 400


class HeldCase(NamedTuple):
    """A conversation that has come to its end, and when it began."""

    talk: Conversation
    started: datetime


CaseOutcome = tuple[object, ...]
"""The result of a case, as far as it is compared when the case is asked again."""


class DoubtfulCase(NamedTuple):
    """A case that is to be asked again, with its result.

    `unanswered`: it is a control that was not answered. `beside_others`: they may be why.
    """

    case: Case
    summary: CaseSummary
    unanswered: bool
    beside_others: bool

    @property
    def outcome(self) -> CaseOutcome:
        return _outcome(self.case, self.summary)


class CaseRunner:
    """Runs single cases against a server. ``cases`` are all of the run, by which its steps are counted.

    `agent` is the name of the server once it is known; `silent` and `dead` say why no further case is held; `refused`
    are the cases that were left since the server refused connections; `doubtful` are those that are to be asked again,
    and `asked_again` those that were; `live` is told of each exchange as it happens. `compresses`: the server has
    agreed to compressed messages.
    """

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
        live: Callable[[str], None] | None,
    ) -> None:
        self.agent = target.agent or ""
        self.live: Final = live
        self.silent: str | None = None
        self.dead: str | None = None
        self.compresses = False
        self.refused: Final[list[Case]] = []
        self.doubtful: Final[list[DoubtfulCase]] = []
        self.asked_again: Final[set[str]] = set()
        self._named: Final = named
        self._folder: Final = folder
        self._target: Final = target
        self._cases: Final = cases
        self._manners: Final = replace(manners, greeting=target.greeting)
        self._profile: Final[Profile] = profile
        self._step: Final = step
        self._controls: Final = controls
        self._numbers: Final = numbers
        self._controlling: Final = {case.control for case in cases}
        self._pending = 0
        self._entered: Final[set[str]] = set()
        self._judged_one: Final = asyncio.Event()
        self._talking = 0
        self._slowest = 0.0
        self._kept_open = 0
        self._judges: Final = judges
        self._launcher: Final = launcher
        self._suspects: Final = _Suspects()
        self._deaths = self._revivals = 0
        self._refused_at = 0.0

    @property
    def has_entered(self) -> bool:
        """Whether the result of a case was entered."""
        return bool(self._entered)

    # --- one case -----------------------------------------------------------------------------------------------------

    async def hold(self, case: Case, first: bool = False, heard: Callable[[], None] | None = None) -> HeldCase:
        """The conversation of a case, come to its end. ``heard`` is called when the server has sent something.

        Raises :class:`NoServer` where the connection of the ``first`` case cannot be made, or TLS is spoken there.
        """
        started = datetime.now(UTC)
        log = None if self.live is None else LiveLog(self.live, case)
        connection = Connection(most_octets(case), Role.SERVER, log)
        manners = self._manners.for_pace(self._slowest)
        if self._kept_open >= _LEFT_OPEN:
            manners = replace(manners, hurried=True)
        if first:
            manners = replace(manners, opening=MOST_PATIENT * manners.patience)
        talk = Conversation(case, connection, manners, uri=self._target.uri)
        talk.heard = heard
        if self.dead is not None:
            talk.leave_out(self.dead)
        elif self.silent is not None and (not case.opening or "handshake" not in self.silent):
            talk.leave_out(f"not run: the server said {self.silent}, and is taken to be silent")
        else:
            self._talking += 1
            self._suspects.begin(talk)
            talk.others = self._talking > 1
            if await self._connect(connection, talk, first):
                await talk.run()
            talk.others = talk.others or self._talking > 1
            self._talking -= 1
            self.compresses |= talk.agreed is not None
            if case in self.refused:
                self._suspects.drop(talk)
            else:
                self._suspects.end(talk, asyncio.get_running_loop().time())
            self._slowest = max(self._slowest, _slowest_answer(talk))
            if talk.left_open is not None:
                self._kept_open = self._kept_open + 1 if talk.left_open else -len(self._cases)
            if first and _may_be_tls(talk) and self._target.tls is None:
                await self._look_for_tls()
        if not self.agent:
            self.agent = self._named(_server_field(talk) or self._target.nameless or self._target.uri.host_header)
        return HeldCase(talk, started)

    async def judge_and_enter(self, held: HeldCase, alone: bool = False) -> CaseOutcome:
        """Have a conversation judged, and enter what changes by it, or keep it for a second question.

        ``alone``: nothing ran beside it that could be in its way.
        """
        talk, summary = held.talk, await self._judged(held)
        unanswered = talk.case.id in self._controlling and not summary.answered
        doubtful = not alone and talk.others and in_doubt(talk) and summary.label != "OK"
        again = talk.case.id not in self.asked_again and self.silent is None and self.dead is None
        if (unanswered or doubtful) and again:
            self.doubtful.append(DoubtfulCase(talk.case, summary, unanswered, doubtful))
        else:
            await self.enter(summary)
        return _outcome(talk.case, summary)

    async def _judged(self, held: HeldCase) -> CaseSummary:
        """The summary of a conversation, once it is judged and its record is written."""
        talk = held.talk
        octets = talk.connection.sent + talk.connection.received
        self._pending += octets
        try:
            case_id, url, again = talk.case.id, self._target.url, self._target.again(talk.case.id)
            number, seed, counts = self._numbers[case_id], self._manners.seed, self._controls.may_count(talk.case)
            facts = RunFacts(self.agent, number, held.started, talk.seconds, url, seed, counts, again=again)
            place = self._folder.place(self.agent, case_id, talk.case.control)
            summary = await self._judges.record(talk.transcript(), facts, self._profile, place)
            if self.live is not None:
                self.live("\n".join(why(summary)))
            return summary
        finally:
            self._pending -= octets
            self._judged_one.set()

    async def enter(self, summary: CaseSummary) -> None:
        """Enter the result of a case, and what changes by it."""
        for changed in self._controls.enter(summary):
            self._folder.enter(changed)
        self._entered.add(summary.id)
        if self._step is not None:
            self._step(f"{self.agent}: {summary.id}", len(self._entered), len(self._cases))

    async def has_room(self) -> None:
        """Wait while too much waits to be judged: memory stays bounded, however fast a server floods the tester."""
        while self._pending > MOST_PENDING:
            self._judged_one.clear()
            await self._judged_one.wait()

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
                if not self.refused:
                    self._refused_at = asyncio.get_running_loop().time()
                self.refused.append(talk.case)
            talk.leave_out(f"no connection: {why}")
            return False
        return True

    async def _look_for_tls(self) -> None:
        if await self._target.speaks_tls(self._manners.patience):
            instead = self._target.url.replace("ws:", "wss:", 1)
            raise NoServer(f"{self._target.url}: it speaks TLS: give {instead}")

    # --- a server that refuses connections ----------------------------------------------------------------------------

    async def after_refusals(self, slow_down: Callable[[], None]) -> list[Case]:
        """The cases that are left to be run, once the server takes connections again, or is known to be dead.

        ``slow_down`` is called where it takes connections again of its own accord: it may have had too many.
        """
        left = list(dict.fromkeys(self.refused))
        self.refused.clear()
        if not left:
            return []
        suspects = self._suspects.at(self._refused_at)
        if self._revivals < _REVIVALS and await self._target.listens(self._manners.patience):
            self._revivals += 1
            slow_down()
            return left
        self._suspects.forget()
        self._deaths += 1
        if self._launcher is None or self._deaths > MOST_DEATHS:
            self.dead = f"not run: the server died at or after {_named(suspects)}: it takes no connection any more"
            cut_short = [talk for talk in suspects if ended_abruptly(talk)]
            # The server may have died of what came before: these are shown with what was seen, and accused of nothing.
            self._is_clear(cut_short)
            for talk in cut_short:
                await self._is_left_out(talk, self.dead)
            return left
        await self._revive()
        certain = len(suspects) == 1 and ended_abruptly(suspects[0])
        self._is_clear(suspects)
        if not await self._one_by_one([talk.case for talk in suspects]):
            why = f"not run: the server died at or after {_named(suspects)}, and of none of them when it is asked alone"
            await self._is_left_out(suspects[-1], why)
        return [case for case in left if certain or case.id not in {talk.case.id for talk in suspects}]

    async def _one_by_one(self, cases: list[Case]) -> int:
        """Ask these cases alone, and start the server again after each that it died of; how many these were."""
        before: HeldCase | None = None
        found = 0
        while cases:
            held = await self.hold(cases[0])
            if held.talk.not_run and before is not None:
                culprit, before = before, None  # it was still listening when it was looked for
            else:
                cases.pop(0)
                culprit = before = held
                if ended_abruptly(held.talk):
                    await asyncio.sleep(2 * LOOK)  # a server that dies may listen for a moment more
                if await self._target.listens(self._manners.patience):
                    await self.judge_and_enter(held, alone=True)
                    continue
            self.refused.clear()
            self._suspects.forget()
            await self._died_in(culprit)
            await self._revive()
            found += 1
        return found

    def _is_clear(self, talks: Sequence[Conversation]) -> None:
        """These are not in doubt any more: the death tells what came of them."""
        self.doubtful[:] = [one for one in self.doubtful if all(one.case is not talk.case for talk in talks)]

    async def _is_left_out(self, talk: Conversation, why: str) -> None:
        """Enter a case as not run, with what was seen of it."""
        talk.not_run, talk.notes[:] = True, [why]
        await self.enter(await self._judged(HeldCase(talk, datetime.now(UTC))))

    async def _died_in(self, held: HeldCase) -> None:
        held.talk.died = True
        held.talk.notes.append(DIED_HERE)
        await self.enter(await self._judged(held))

    async def _revive(self) -> None:
        assert self._launcher is not None
        try:
            await asyncio.to_thread(self._launcher.restart)
        except CannotStart as error:
            raise NoServer(f"{self._target.url}: {error}") from error


class _Suspects:
    """The conversations that may have killed the server."""

    def __init__(self) -> None:
        self._running: Final[set[Conversation]] = set()
        self._ended: Final[deque[tuple[float, Conversation]]] = deque(maxlen=_KEPT)
        self._alive = 0.0

    def begin(self, talk: Conversation) -> None:
        self._running.add(talk)

    def end(self, talk: Conversation, now: float) -> None:
        self._running.discard(talk)
        self._ended.append((now, talk))
        self._alive = max(self._alive, _last_heard(talk))

    def drop(self, talk: Conversation) -> None:
        """It had no connection."""
        self._running.discard(talk)

    def at(self, refused: float) -> tuple[Conversation, ...]:
        """Those at the time of the first connection that was refused, the latest last: at least the last one of all.

        They count from shortly before the server was heard for the last time: judging may take long in between.
        """
        since = min(refused, self._alive) - _SHORTLY
        lately = [talk for at, talk in self._ended if at > since and ended_abruptly(talk)]
        found = [*lately, *self._running]
        return tuple(found or [talk for _, talk in self._ended][-1:])

    def forget(self) -> None:
        """The server was started again."""
        self._ended.clear()


# --- what a conversation was like -------------------------------------------------------------------------------------


def ended_abruptly(talk: Conversation) -> bool:
    """Whether the server ended TCP without a Close."""
    connection = talk.connection
    return connection.reset_by_peer or (connection.closed_by_peer and connection.units.close is None)


def was_refused(talk: Conversation) -> bool:
    """Whether the server had no time for a connection: it said nothing, or that it is busy."""
    if talk.case.opening:
        return False
    response = talk.connection.units.response
    return not talk.connection.received or (response is not None and response.status in _BUSY)


def _may_be_tls(talk: Conversation) -> bool:
    """Whether the server answered as one of TLS may answer plain octets: by no head of HTTP, or by 400."""
    response = talk.connection.units.response
    return response is None or response.status == _BAD_REQUEST


def in_doubt(talk: Conversation) -> bool:
    """Whether others may be why a conversation failed: it ended in silence, or before the server said anything."""
    return talk.silent or talk.timed_out or talk.not_run or not talk.connection.received or was_refused(talk)


def _server_field(talk: Conversation) -> str:
    """The server's name for itself, in its answer."""
    response = talk.connection.units.response
    return "" if response is None else " ".join(response.values("Server")).strip()


def _slowest_answer(talk: Conversation) -> float:
    """Seconds of the slowest answer: from octets that were sent to the next ones that came, among the first."""
    log = talk.connection.log[:_LOOKED_AT]
    gaps = [after.at - before.at for before, after in pairwise(log) if (before.kind, after.kind) == _ANSWER]
    return max(gaps, default=0.0)


def _last_heard(talk: Conversation) -> float:
    """When the server sent something for the last time, by the clock of the event loop."""
    connection = talk.connection
    return next((connection.began + one.at for one in reversed(connection.log) if one.kind == "received"), 0.0)


def _outcome(case: Case, summary: CaseSummary) -> CaseOutcome:
    return case.opening, summary.verdict, *summary.rule_ids


def _named(talks: Sequence[Conversation]) -> str:
    """The cases in words."""
    ids = [talk.case.id for talk in talks]
    return ids[0] if len(ids) == 1 else f"one of {', '.join(ids)}"
