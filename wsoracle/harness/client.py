"""The fuzzing client: cases against a running server, several at a time, in an order in which each result counts.

Theory of operation. The first case runs alone, and asks with a message that is not empty: it tells the name of the
agent, whether there is an endpoint at all, and how fast it is. A server that sends nothing costs its patience once.
Then come the controls and all others, on as many connections as the server serves (:class:`Lanes`). What was in doubt
since others ran beside it, or a control that was not answered, is asked again alone: only that counts. Heavy cases come
last and alone, so that none makes others slow. What happens with each case, and with a server that dies, is in
`case_runner`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Final

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.steps import SendFrame
from wsoracle.model.octets.vocabulary import TEXT, Role
from wsoracle.properties.judge.verdict import Profile

from ..reports import ReportFolder
from ..text.output import OnStep
from .case_runner import CaseOutcome, CaseRunner, was_refused
from .controls import Controls, in_order
from .judging_pool import MANY_ACTIONS, Judges
from .launching import Launcher
from .manners import Manners
from .target import Target

IN_VAIN: Final = 3
"""Questions in a row that come out as before; after them the others of their kind are believed, or not asked."""

HEAVY: Final = 1 << 16
"""Octets of payloads from which on a case runs last and alone; so does one of many actions."""

_BEGIN: Final = 2
_TRIES: Final = 8
"""Conversations for each connection, after which a server that never answered all at once is given fewer."""


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
    launcher: Launcher | None = None,
    live: Callable[[str], None] | None = None,
) -> str:
    """Run all cases (those for servers; their controls must be among them, or have been run); the name of the agent.

    Records go into the folder. ``answered`` tells of controls that were run before whether they were answered;
    ``numbers`` are the places of the cases in reports, by id (their places among ``cases`` otherwise). ``named`` gives
    the name in reports of a server that the target has no name for, from the server's own. ``judges`` are left open.
    ``launcher`` starts a server again that died. ``live`` is told of each exchange as it happens, and of the verdict on
    it: then one case runs after another. Raises :class:`~wsoracle.harness.target.NoServer` where the first connection
    cannot be made.
    """
    served = [case for case in cases if Role.SERVER in case.roles]
    numbers = numbers or {case.id: number for number, case in enumerate(served, 1)}
    controls = Controls(answered)
    with nullcontext(judges) if judges is not None else Judges(Role.SERVER, served) as working:
        runner = CaseRunner(
            target, served, manners, folder, working, profile, step, controls, numbers, named, launcher, live
        )
        await _Order(runner, working).all(served, max(1, jobs) if live is None else 1)
    for summary in controls.close():
        folder.enter(summary)
    return runner.agent


class _Order:
    """Which case of a run is held when, and which of its results count."""

    def __init__(self, runner: CaseRunner, judges: Judges) -> None:
        self._runner: Final = runner
        self._judges: Final = judges

    async def all(self, cases: Sequence[Case], jobs: int) -> None:
        """Run every case."""
        controls, others = in_order(cases)
        light = sorted([case for case in (*controls, *others) if not is_heavy(case)], key=_asks_nothing_aloud)
        heavy = [case for case in cases if is_heavy(case)]
        if not light:
            light, heavy = heavy[:1], heavy[1:]
        await self._first(light)
        await self._some(light, Lanes(jobs))
        await self._ask_again()
        compressed = [case for case in heavy if case.compresses]
        await self._some([case for case in heavy if not case.compresses], Lanes(1))
        await self._ask_again()
        await self._some(compressed[:1], Lanes(1))
        # Where the server does not take the extension, none of them sends anything.
        await self._some(compressed[1:], Lanes(1 if self._runner.compresses else jobs))
        await self._ask_again()

    async def _first(self, cases: list[Case]) -> None:
        """Run the first of these cases, which are taken from the list, until the server has said something.

        A 101 is speech: a server that answers nothing behind it is asked several times before it is taken to be silent.
        """
        silent: list[str] = []
        runner = self._runner
        while cases and runner.silent is None and len(silent) < IN_VAIN and (not silent or not cases[0].opening):
            case = cases.pop(0)
            held = await runner.hold(case, first=not silent and not runner.has_entered)
            await runner.judge_and_enter(held, alone=True)
            talk = held.talk
            if not (talk.silent or talk.timed_out) or not talk.said_nothing:
                return
            silent.append(case.id)
            if not talk.connection.received:
                runner.silent = f"nothing in {case.id}"
            elif len(silent) == IN_VAIN:
                runner.silent = f"nothing but the answer to the opening handshake in {', '.join(silent)}"
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
            cases = await self._runner.after_refusals(lambda: lanes.fewer(lanes.limit // 2))

    async def _in_lane(self, case: Case, lanes: Lanes, group: asyncio.TaskGroup) -> None:
        runner = self._runner
        await lanes.take()
        answered: list[bool] = []

        def heard() -> None:
            answered.append(True)
            lanes.answered()

        try:
            if runner.refused:
                runner.refused.append(case)
                return
            held = await runner.hold(case, heard=heard)
        finally:
            lanes.give_back(bool(answered))
        if held.talk.others and was_refused(held.talk):
            lanes.fewer()
        if case in runner.refused:
            return
        if self._judges.elsewhere(case) and runner.live is None:
            group.create_task(runner.judge_and_enter(held))
            await runner.has_room()
        else:
            await runner.judge_and_enter(held)

    async def _ask_again(self) -> None:
        """Ask the cases in doubt again, alone: where the answer is the same again and again, the rest is believed.

        Opening handshakes come last: a server may well leave a faulty one unanswered.
        """
        runner = self._runner
        doubtful = sorted(runner.doubtful, key=lambda one: (not one.unanswered, one.case.opening))
        runner.doubtful.clear()
        same: Counter[CaseOutcome] = Counter()
        changing: set[CaseOutcome] = set()
        for one in doubtful:
            before = one.outcome
            believed = not one.unanswered and before not in changing and same[before] >= IN_VAIN
            if believed or (not one.beside_others and runner.dead is not None) or runner.silent is not None:
                await runner.enter(one.summary)
                continue
            runner.asked_again.add(one.case.id)
            held = await runner.hold(one.case)
            if runner.refused:
                await self._some(await runner.after_refusals(lambda: None), Lanes(1))
                continue
            after = await runner.judge_and_enter(held, alone=True)
            if after == before:
                same[before] += 1
            else:
                changing.add(before)


class Lanes:
    """Seats for connections; ``most`` at a time. `limit` is how many there are now.

    Theory of operation. A server that serves few connections at a time leaves the others waiting, and a tester that
    opens many finds silence where there is none. So a run begins with two connections, and doubles their number
    whenever all of them have been answered at the same time. Where that does not happen for long, or a connection is
    refused beside others, the server gets as many as it has answered.
    """

    def __init__(self, most: int) -> None:
        self.limit = min(_BEGIN, most)
        self.most = most
        self._taken = 0
        self._answered = 0
        self._best = 0
        self._in_vain = 0
        self._freed: Final = asyncio.Event()

    async def take(self) -> None:
        """Wait for a seat, and take it."""
        while self._taken >= self.limit:
            self._freed.clear()
            await self._freed.wait()
        self._taken += 1

    def answered(self) -> None:
        """The connection of a seat has had its first octets from the server."""
        self._answered += 1
        self._best = max(self._best, self._answered)
        if self._best >= self.limit < self.most:
            self.limit = min(self.most, 2 * self.limit)
            self._in_vain = 0
            self._freed.set()

    def give_back(self, was_answered: bool) -> None:
        """The connection of a seat has ended."""
        if self._taken >= self.limit > self._best:
            self._in_vain += 1
            if self._in_vain >= _TRIES * self.limit:
                self.fewer(self._best)
        self._taken -= 1
        self._answered -= was_answered
        self._freed.set()

    def fewer(self, most: int | None = None) -> None:
        """Hold no more than ``most`` from now on (None: those that are answered now), since one was refused."""
        self.most = max(1, self._answered if most is None else most)
        self.limit = min(self.limit, self.most)


def is_heavy(case: Case) -> bool:
    """Whether a case runs last and alone, since it may make others slow."""
    return max(case.size, case.inflated) >= HEAVY or len(case.actions) > MANY_ACTIONS


def _asks_nothing_aloud(case: Case) -> bool:
    """False for a case that is answered with a text of ASCII that is not empty: a question for the beginning."""
    sent = next((action for action in case.actions if isinstance(action, SendFrame)), None)
    if sent is None or not sent.size or case.opening or case.control is not None:
        return True
    return sent.frame.opcode != TEXT or not sent.frame.fin or not sent.frame.payload.isascii()
