"""Processes that work for an event loop: made ready once, then forked, so that all of them begin warm.

Theory of operation. One process is begun at once; it gets ready, which takes a good part of a second, and then forks
the others, which are ready then. (The pool of the standard library has each process get ready for itself.) Each has a
pipe to this process, and a few pieces of work at a time; what waits, waits here. The end of a pipe is the end of who is
at it, on both sides. Large work goes by a file in memory, one for each process: it is copied into it once and out of it
once, and nobody waits for the other at the ends of a pipe that is full.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple

from wsoracle.generators.workers import quiet_worker

if TYPE_CHECKING:
    import asyncio

__all__ = ["Workers", "WorkersLost"]

LARGE: Final = 128 * 1024
"""Octets from which on work is handed over in a file: more than a pipe takes, and the event loop must not wait."""

TOGETHER: Final = 16
"""So many pieces of work are handed over together at the most: each time two processes wake each other up."""

COLLECTED_AFTER: Final = 50_000
"""Objects after which their cycles are looked for: to judge a long run of frames makes a few for each."""

NICE: Final = 10
"""Who works here gives way to the event loop, which must not be late: it would find silence where there is none."""


class WorkersLost(Exception):
    """The process that was to do some work, or every one of them, has come to its end: the work is not done."""


class _Job(NamedTuple):
    """Work, pickled: of large octets in it no copy is made, as long as it waits."""

    pieces: list[bytes]
    octets: int
    future: asyncio.Future[Any]


class _Worker:
    """One process: `pid` is known when it is ready; `jobs` are what it is at."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self.connection: Final = connection
        self.pid: int | None = None
        self.jobs: list[_Job] = []
        self.file: IO[bytes] | None = None

    def end(self) -> None:
        """Close what leads to it."""
        self.connection.close()
        if self.file is not None:
            self.file.close()


class Workers:
    """So many processes (where they cannot be forked: one), each made ready by ``get_ready(*args)``.

    They should be begun while this process has one thread: others would not survive a fork.
    """

    def __init__(self, count: int, get_ready: Callable[..., object], *args: object) -> None:
        alone = "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1
        context: Any = multiprocessing.get_context("fork" if alone else "spawn")
        pipes = [context.Pipe() for _ in range(count if alone else 1)]
        ours, theirs = [one for one, _ in pipes], [other for _, other in pipes]
        self._workers: list[_Worker] = [_Worker(connection) for connection in ours]
        self._waiting: Final[deque[_Job]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        # Spawned, a process has only what it is given.
        self._process: Final = context.Process(target=_work, args=(theirs, ours if alone else (), get_ready, args))
        self._process.start()
        for connection in theirs:
            connection.close()

    @property
    def busy(self) -> bool:
        """Whether there is work that is not done."""
        return bool(self._waiting) or any(worker.jobs for worker in self._workers)

    async def call(self, function: Callable[..., Any], *args: object) -> Any:
        """What a function of a module returns or raises there. Raises :class:`WorkersLost`."""
        # Not earlier: it takes a while to import, and the processes that are forked do not need it.
        from asyncio import get_running_loop

        loop = get_running_loop()
        self._listen(loop)
        pieces = _pickled(function, args)
        job = _Job(pieces, sum(map(len, pieces)), loop.create_future())
        self._waiting.append(job)
        self._hand_out()
        return await job.future

    def call_now(self, function: Callable[..., Any], *args: object) -> Any:
        """The same where there is no event loop, and waiting for it. Raises :class:`WorkersLost`."""
        for worker in self._workers:
            if not worker.jobs:
                try:
                    if worker.pid is None:
                        worker.pid = worker.connection.recv()
                    worker.connection.send([b"".join(_pickled(function, args))])
                    (answer,) = worker.connection.recv()
                except (EOFError, OSError) as error:
                    raise WorkersLost from error
                return _value_of(answer)
        raise WorkersLost

    def close(self) -> None:
        """End them; what they are at is broken off."""
        busy = [worker.pid for worker in self._workers if worker.jobs and worker.pid is not None]
        self._forget_loop()
        for worker in self._workers:
            worker.end()
        self._workers = []
        for pid in busy:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        self._process.join()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have this loop tell of what comes; a run may have several, one after the other."""
        if self._loop is not loop:
            self._forget_loop()
            self._loop = loop
            for worker in self._workers:
                loop.add_reader(worker.connection.fileno(), self._take, worker)

    def _forget_loop(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            for worker in self._workers:
                self._loop.remove_reader(worker.connection.fileno())
        self._loop = None

    def _hand_out(self) -> None:
        for worker in list(self._workers):
            if worker.pid is not None and not worker.jobs and self._waiting:
                self._hand(worker, self._next_jobs())
        if not self._workers:
            while self._waiting:
                _fail(self._waiting.popleft(), WorkersLost())

    def _next_jobs(self) -> list[_Job]:
        """Those that wait longest, fewer than make a fair share for each worker, and a large one alone."""
        most = min(TOGETHER, max(1, len(self._waiting) // (2 * len(self._workers))))
        jobs: list[_Job] = []
        octets = 0
        while self._waiting and len(jobs) < most and (not jobs or octets + self._waiting[0].octets < LARGE):
            job = self._waiting.popleft()
            if not job.future.done():
                jobs.append(job)
                octets += job.octets
        return jobs

    def _hand(self, worker: _Worker, jobs: list[_Job]) -> None:
        if not jobs:
            return
        worker.jobs = jobs
        try:
            if jobs[0].octets < LARGE:
                worker.connection.send([b"".join(job.pieces) for job in jobs])
            else:
                self._hand_large(worker, jobs[0])
        except OSError:
            self._lose(worker)

    def _hand_large(self, worker: _Worker, job: _Job) -> None:
        assert worker.pid is not None
        # The pages of a file that is there are written again in a fifth of the time that new ones take.
        first = worker.file is None
        if worker.file is None:
            worker.file = _file_in_memory()
        worker.file.seek(0)
        worker.file.writelines(job.pieces)
        worker.file.flush()
        worker.connection.send(first)
        if first:
            send_handle(worker.connection, worker.file.fileno(), worker.pid)

    def _take(self, worker: _Worker) -> None:
        """Something came: that it is ready, or what it was asked for."""
        try:
            answer = worker.connection.recv()
        except (EOFError, OSError):
            self._lose(worker)
            return
        jobs, worker.jobs = worker.jobs, []
        if worker.pid is None:
            worker.pid = int(answer)
        self._hand_out()  # first of all, so that it has something to do
        answers: list[bytes] = answer if jobs else []
        for job, octets in zip(jobs, answers, strict=True):
            if _is_wanted(job):
                try:
                    job.future.set_result(_value_of(octets))
                except Exception as error:
                    job.future.set_exception(error)

    def _lose(self, worker: _Worker) -> None:
        """It has come to its end."""
        if worker in self._workers:
            self._workers.remove(worker)
            if self._loop is not None:
                self._loop.remove_reader(worker.connection.fileno())
            worker.end()
            for job in worker.jobs:
                _fail(job, WorkersLost())
            self._hand_out()


def _is_wanted(job: _Job) -> bool:
    return not job.future.done() and not job.future.get_loop().is_closed()


def _fail(job: _Job, error: Exception) -> None:
    if _is_wanted(job):
        job.future.set_exception(error)


class _Pieces(list[bytes]):
    """What is pickled into it; large octets are given to it as they are."""

    write = list.append


def _pickled(function: Callable[..., Any], args: Sequence[object]) -> list[bytes]:
    pieces = _Pieces()
    pickle.dump((function, args), pieces, pickle.HIGHEST_PROTOCOL)
    return pieces


def _file_in_memory() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("work"), "w+b")
    return tempfile.TemporaryFile()


def _value_of(answer: bytes) -> Any:
    good, value = pickle.loads(answer)
    if not good:
        raise value
    return value


# --- in the other processes -------------------------------------------------------------------------------------------


def _work(
    connections: Sequence[Connection[Any, Any]],
    not_ours: Sequence[Connection[Any, Any]],
    get_ready: Callable[..., object],
    args: Sequence[object],
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(os, "nice"):
        os.nice(NICE)
    for connection in not_ours:
        connection.close()
    get_ready(*args)
    # What is there stays; and of what is made, little is part of a cycle.
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER, 20, 20)
    mine, *others = connections
    for place, connection in enumerate(others):
        if os.fork() == 0:
            for other in (mine, *others[place + 1 :]):
                other.close()
            try:
                _serve(connection)
            finally:
                os._exit(0)
        connection.close()
    _serve(mine)


def _serve(connection: Connection[Any, Any]) -> None:
    """Do what is asked for, until nobody can ask any more."""
    quiet_worker()
    large = -1
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        connection.send(os.getpid())
        while True:
            work = connection.recv()
            if isinstance(work, list):
                calls = [pickle.loads(octets) for octets in work]
            else:
                if work:
                    large = recv_handle(connection)
                with open(large, "rb", closefd=False) as file:
                    file.seek(0)
                    calls = [pickle.load(file)]
            connection.send([_answer(*call) for call in calls])
            # What was large is let go of before there is more.
            del calls


def _answer(function: Callable[..., Any], args: Sequence[object]) -> bytes:
    try:
        return pickle.dumps((True, function(*args)), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        error.add_note(f"in another process:\n{traceback.format_exc()}")
        try:
            return pickle.dumps((False, error), pickle.HIGHEST_PROTOCOL)
        except Exception:
            return pickle.dumps((False, RuntimeError(traceback.format_exc())), pickle.HIGHEST_PROTOCOL)
