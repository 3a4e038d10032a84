"""Judging and recording: in this process, and where there is much to judge in one of its own.

To judge thousands of frames takes a good part of a second, in which this process could talk to no endpoint: silence
would be found where there is none, and time limits would be passed by nobody's fault. So conversations with many octets
or many actions are judged in a worker process, as data, while others go on; and so are all of a run of many cases, for
which the second process pays.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final

from wsoracle.generators.live_case import LiveCase
from wsoracle.generators.workers import quiet_worker
from wsoracle.properties.verdict import Profile

from ..reports.paged import PagedRecord, with_page
from .conversation import Conversation
from .finished import Finished, finished_of
from .judging import judge_conversation
from .record import Facts, record_of

__all__ = ["Judges", "record_finished"]

MANY_OCTETS: Final = 1 << 20
MANY_ACTIONS: Final = 500
"""From so many octets or actions of a case on it is judged in a process of its own."""

MANY_CASES: Final = 64
"""And from so many cases on all are."""


def record_finished(talk: Finished, facts: Facts, profile: Profile) -> dict[str, Any]:
    """The record of a conversation, judged."""
    return record_of(talk, judge_conversation(talk, profile), facts)


def _record_with_page(talk: Finished, facts: Facts, profile: Profile) -> PagedRecord:
    """The same in a process of its own, which makes the page too."""
    return with_page(record_finished(talk, facts, profile))


def _is_large(case: LiveCase) -> bool:
    return len(case.actions) > MANY_ACTIONS or case.size > MANY_OCTETS


class Judges:
    """Who judges the conversations about these cases. To be closed at the end."""

    def __init__(self, cases: Iterable[LiveCase]) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._owed = 0
        every = list(cases)
        self._all: Final = len(every) >= MANY_CASES
        if self._all or any(map(_is_large, every)):
            # A fork is there at once. Other threads would not survive it, and what they hold would stay locked.
            alone = "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1
            context = multiprocessing.get_context("fork" if alone else "spawn")
            self._pool = ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=quiet_worker)
            self._pool.submit(os.getpid)  # so that it starts now

    def elsewhere(self, case: LiveCase) -> bool:
        """Whether a case is judged in another process, so that its conversation's lane may go on meanwhile."""
        return self._pool is not None and (self._all or _is_large(case))

    async def record(self, talk: Conversation, facts: Facts, profile: Profile) -> dict[str, Any]:
        """The record of a conversation, judged."""
        finished = finished_of(talk)
        if self._pool is not None and self.elsewhere(talk.case):
            try:
                loop = asyncio.get_running_loop()
                self._owed += 1
                record = await loop.run_in_executor(self._pool, _record_with_page, finished, facts, profile)
                self._owed -= 1
                return record
            except BrokenProcessPool:
                self._pool = None  # it was killed: what it would have done is done here
        return record_finished(finished, facts, profile)

    def close(self) -> None:
        """End the process, if there is one; what it is at is not waited for, where nobody asks for it any more."""
        if self._pool is not None:
            self._pool.shutdown(wait=not self._owed, cancel_futures=True)
