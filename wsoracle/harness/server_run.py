"""The state of a fuzzing server's run: each agent with its results, which of them count, and what changed when.

It is bounded whatever agents do: there are at most :data:`MOST_AGENTS` of them, and of each at most one result a case.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from wsoracle.generators.cases.case import Case
from wsoracle.properties.connections.probes import ProbeArrival
from wsoracle.properties.connections.seen import SeenClient, SeenConnection

from ..reports import ReportFolder
from ..reports.seen_connections import MOST_ARRIVALS, MOST_CONNECTIONS
from ..reports.stored_record import FilePlace
from ..reports.summary import CaseSummary
from .controls import Controls
from .server_paths import Refusal

if TYPE_CHECKING:
    from wsoracle.properties.connections.checks import CheckResult

MOST_AGENTS: Final = 64

MOST_FOREIGN: Final = 32
"""Agents that pages of other sites name: the other names are left for agents of this site."""


class CaseResult(NamedTuple):
    """The latest result of a case: its summary, and when it came, as a serial number in the run."""

    summary: CaseSummary
    serial: int


class AgentRun:
    """One agent. ``earlier`` are the ids of the cases that it did in the part of the run that came before.

    `has_talked` is whether it has said anything in a case; `unheard` are those in which it left a message unanswered
    before; `silent` names them, where they are too many: it is not asked any further then. `reported`: the reports
    were written when it had asked for that, and no case has begun since.
    """

    def __init__(self, name: str, earlier: Iterable[str], answered: Mapping[str, bool]) -> None:
        self.name: Final = name
        self.results: Final[dict[str, CaseResult]] = {}
        self.done_before: Final = set(earlier)
        self.controls: Final = Controls(answered)
        self.running: Final[Counter[str]] = Counter()
        self.has_talked = False
        self.unheard: Final[list[str]] = []
        self.silent: str | None = None
        self.reported = False


class ServerRun:
    """All agents of a run; its records go into the folder, which knows the earlier part of a resumed run."""

    def __init__(self, folder: ReportFolder) -> None:
        self.agents: Final[dict[str, AgentRun]] = {}
        self.serial = 0
        self._folder: Final = folder
        self._foreign = 0
        self._waiting: Final[set[asyncio.Future[None]]] = set()

    def agent(self, name: str, *, foreign: bool = False) -> AgentRun:
        """An agent by its name, a new one if need be. Raises :class:`Refusal` where there are too many.

        ``foreign``: a page of another site asks, which a browser shows to somebody who may not know of it.
        """
        found = self.agents.get(name)
        if found is None:
            if len(self.agents) >= MOST_AGENTS:
                raise Refusal(500, f"there are {MOST_AGENTS} agents in this run: start another one for more")
            if foreign and self._foreign >= MOST_FOREIGN:
                raise Refusal(500, f"other sites have named {MOST_FOREIGN} agents: use /test_browser.html here")
            self._foreign += foreign
            earlier = self._folder.earlier(name)
            found = self.agents[name] = AgentRun(name, earlier, self._folder.answered_by(name))
            for summary in earlier.values():
                self._keep(found, summary)
        return found

    def place(self, agent: AgentRun, case: Case) -> FilePlace:
        """The paths of the files of an agent's case."""
        return self._folder.place(agent.name, case.id, case.control)

    def client(self, agent: AgentRun) -> SeenClient:
        """What is seen of an agent."""
        return self._folder.client(agent.name)

    def see(self, agent: AgentRun, connection: SeenConnection) -> None:
        """An agent's connection has come to its end."""
        seen = self.client(agent).connections
        if len(seen) < MOST_CONNECTIONS:
            seen.append(connection)

    def arrive(self, agent: AgentRun, arrival: ProbeArrival, connecting: int, ended: float) -> None:
        """A request for a probe has come from an agent."""
        arrivals = self.client(agent).arrivals
        if len(arrivals) < MOST_ARRIVALS:
            arrivals.append(replace(arrival, connecting=connecting, ended=ended))

    def results_on_connections(self, agent: AgentRun) -> Sequence[CheckResult]:
        """What an agent's connections show together."""
        return self._folder.over_connections.get(agent.name, ())

    def enter(self, agent: AgentRun, summary: CaseSummary) -> None:
        """A case has been judged."""
        self._write(agent, agent.controls.enter(summary))

    def finish(self) -> None:
        """Write everything: cases whose control was not run do not count."""
        for agent in self.agents.values():
            self._write(agent, agent.controls.close())
        self._folder.finish()

    @contextmanager
    def running(self, agent: AgentRun, case_id: str) -> Iterator[None]:
        """While a case is run."""
        agent.running[case_id] += 1
        agent.reported = False
        try:
            yield
        finally:
            agent.running[case_id] -= 1
            if not agent.running[case_id]:
                del agent.running[case_id]
            self._tell()

    async def result(self, name: str, case_id: str, seconds: float) -> CaseResult | None:
        """The result of an agent's case, when it is there and the case is not running; None if that takes too long."""

        def is_there() -> bool:
            agent = self.agents.get(name)
            return agent is not None and case_id in agent.results and not agent.running[case_id]

        await self.until(is_there, seconds)
        return self.agents[name].results.get(case_id) if name in self.agents else None

    async def until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Wait for something that a result or the end of a case brings about; whether it came in time."""
        try:
            async with asyncio.timeout(seconds):
                while not done():
                    waiting = asyncio.get_running_loop().create_future()
                    self._waiting.add(waiting)
                    try:
                        await waiting
                    finally:
                        self._waiting.discard(waiting)
        except TimeoutError:
            return done()
        return True

    def _write(self, agent: AgentRun, summaries: Iterable[CaseSummary]) -> None:
        for summary in summaries:
            self._folder.enter(summary)
            self._keep(agent, summary)
        self._tell()

    def _keep(self, agent: AgentRun, summary: CaseSummary) -> None:
        self.serial += 1
        agent.results[summary.id] = CaseResult(summary, self.serial)

    def _tell(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
