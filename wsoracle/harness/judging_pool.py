"""The processes that judge, record and file conversations: this one, or others that begin as early as they can.

Judging thousands of frames takes a good part of a second, in which this process could talk to no endpoint: it would
find silence where there is none, and time limits would pass without a fault of the endpoint. So conversations go to
another process, as data, while others go on; it also writes the files of each case, and returns the rows of the lists.

What both need is imported here, once and before they begin; nothing is that only those processes need, which get ready
while this one does the same.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from time import process_time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.steps import Greeting, answer_to, request_to
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.uri import parse_uri
from wsoracle.model.octets.vocabulary import CLOSE, TEXT, Frame, Role

from ..reports.stored_record import FilePlace
from ..reports.summary import CaseSummary, Summaries
from .transcript import LogEntry, RunFacts, Transcript
from .workers import Workers, WorkersLost

if TYPE_CHECKING:
    from wsoracle.model.notation.switches import Switches
    from wsoracle.properties.judge.verdict import Profile

    from ..reports.seen_connections import OverConnections

MANY_OCTETS: Final = 1 << 20
MANY_ACTIONS: Final = 500
"""A case with more octets or actions than these is judged in another process."""

MANY_CASES: Final = 64
"""With this number of cases or more, all are judged in other processes."""

MOST_SECONDS: Final = 600.0
"""CPU seconds in which the conversations of one agent are judged; the cases after them are NOT RUN. That is some twenty
times as long as for an endpoint that sends little more than the answers."""

MOST: Final = 2
"""Processes: the tester keeps no more of them busy."""


class Judges:
    """The processes that judge conversations. To be closed at the end, or used as a context.

    ``role`` is that of the endpoints. If ``cases`` are few, this process judges the small ones; without any, all are
    in other ones, which are best begun before this one has threads and has imported much. ``switches`` decide disputed
    points, otherwise than they stand by default.
    """

    def __init__(self, role: Role, cases: Iterable[Case] | None = None, *, switches: Switches | None = None) -> None:
        self._switches: Final = switches
        every = None if cases is None else list(cases)
        self._all: Final = every is None or len(every) >= MANY_CASES
        wanted = self._all or any(map(_is_large, every or ()))
        count = min(MOST, os.cpu_count() or 1)
        self._workers: Workers | None = Workers(count, _get_ready, an_echo(role)) if wanted else None
        self._spent: Final[defaultdict[str, float]] = defaultdict(float)

    def elsewhere(self, case: Case) -> bool:
        """Whether a case is judged in another process, so that its conversation's lane may go on meanwhile."""
        return self._workers is not None and (self._all or _is_large(case))

    async def record(self, transcript: Transcript, facts: RunFacts, profile: Profile, place: FilePlace) -> CaseSummary:
        """Judge a conversation and write the files of its record; the summary.

        It is not judged where those of the agent have taken :data:`MOST_SECONDS`.
        """
        if self._spent[facts.agent] > MOST_SECONDS:
            why = f"not judged: what this endpoint sent before took {MOST_SECONDS:g} s of CPU time to judge"
            transcript = transcript.without_judgement(why)
        summary, seconds = await self._done(transcript, facts, profile, self._switches, place)
        self._spent[facts.agent] += seconds
        return summary

    async def _done(self, transcript: Transcript, *more: Any) -> tuple[CaseSummary, float]:
        if self._workers is not None and self.elsewhere(transcript.case):
            try:
                done: tuple[CaseSummary, float] = await self._workers.call(_work, transcript, *more)
                return done
            except WorkersLost:
                pass  # the process was killed: its work is done here
        return _work(transcript, *more)

    def index_page(self, agents: Summaries, over: OverConnections) -> str:
        """The index of a run, made where templates have been read before, unless there is other work to do."""
        if self._workers is not None and not self._workers.busy:
            try:
                return str(self._workers.call_now(_index_page, agents, over))
            except WorkersLost:
                pass
        return _index_page(agents, over)

    def close(self) -> None:
        """End the processes, if there are any; their current work is broken off, because its result is not needed."""
        if self._workers is not None:
            self._workers.close()
            self._workers = None

    def __enter__(self) -> Judges:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _is_large(case: Case) -> bool:
    return len(case.actions) > MANY_ACTIONS or case.size > MANY_OCTETS


def an_echo(role: Role) -> Transcript:
    """A conversation in which an endpoint of this role echoed one message."""
    uri, greeting = parse_uri("ws://127.0.0.1/"), Greeting()
    request = request_to(uri, greeting, bytes(16))
    exchanged = [(Role.CLIENT, request.octets()), (Role.SERVER, answer_to(request, greeting).octets())]
    for opcode, payload in ((TEXT, b"echo"), (CLOSE, b"")):
        for sender in (role.peer, role):
            key = b"wxyz" if sender is Role.CLIENT else None
            exchanged.append((sender, encode(Frame(opcode, payload, key=key))))
    log = [LogEntry(0.0, "received" if sender is role else "sent", octets) for sender, octets in exchanged]
    log.append(LogEntry(0.0, "closed by peer"))
    case = Case("1.1.1", "", "", ("",), ())
    return Transcript(case, role, uri, log, True, True, False, [], None, None, Counter())


# --- in the other process ---------------------------------------------------------------------------------------------


def _get_ready(talk: Transcript) -> None:
    from .judging import get_ready

    get_ready(talk)


def _work(
    transcript: Transcript, facts: RunFacts, profile: Profile, switches: Switches | None, place: FilePlace
) -> tuple[CaseSummary, float]:
    """The summary, and the CPU seconds that it took."""
    from .judging import judge_and_file

    begun = process_time()
    return judge_and_file(transcript, facts, profile, place, switches), process_time() - begun


def _index_page(agents: Summaries, over: OverConnections) -> str:
    from ..reports.index import index_page

    return index_page(agents, over)
