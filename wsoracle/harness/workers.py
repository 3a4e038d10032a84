"""Processes that work for an event loop: made ready once, then forked, so that all of them begin warm.

Theory of operation. One process is started at once; it gets ready, which takes a good part of a second, and then forks
those that work, which are ready then, and waits for their end. Where this process ends, even killed, the system ends
that one, which ends those. Each has a pipe to this process, and does a few pieces of work at a time; the rest
waits here. The end of a pipe tells each side that the other has ended. Large work goes by a file in memory, one for
each process, so that the event loop does not wait at the end of a full pipe.

The standard pool (concurrent.futures.ProcessPoolExecutor) was measured in its place, on 247 cases against a server of
websockets: forked with two processes, each of which gets ready for itself, a run took 23 % more CPU time; with one
process 7 % more; with a fork server that is made ready once 19 % more, and it is ready later.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from types import FrameType
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple, NoReturn, TypeAlias

from wsoracle.generators.workers import ends_with, quiet_worker

if TYPE_CHECKING:
    import asyncio

LARGE: Final = 128 * 1024
"""Octets from which on work is handed over in a file: a pipe takes fewer, and the event loop must not wait."""

TOGETHER: Final = 16
"""Pieces of work that are handed over together at the most: each time two processes wake each other up."""

COLLECTED_AFTER: Final = 50_000
"""Objects after which Python looks for cycles among them: to judge a long run of frames makes a few for each."""

NICE: Final = 10
"""The workers give way to the event loop: a late event loop would find silence where there is none."""


LONGEST_END: Final = 1.0
"""Seconds after SIGTERM in which a worker is gone, whatever it is doing."""


_PAUSE: Final = 0.01


class WorkersLost(Exception):
    """The process that was to do some work, or every one of them, has ended: the work is not done."""


class _Job(NamedTuple):
    """Work, pickled: large octets in it are not copied while it waits."""

    pieces: list[bytes]
    octets: int
    future: asyncio.Future[Any]


class _Worker:
    """One process: `pid` is known when it is ready, `jobs` are being done; `file` takes large work, if it has one."""

    def __init__(self, connection: Connection[Any, Any], file: IO[bytes] | None) -> None:
        self.connection: Final = connection
        self.file: Final = file
        self.pid: int | None = None
        self.jobs: list[_Job] = []

    def end(self) -> None:
        """Close its pipe and its file."""
        self.connection.close()
        if self.file is not None:
            self.file.close()


class Workers:
    """``count`` processes (one where they cannot be forked), each made ready by ``get_ready(*args)``.

    They should be started while this process has one thread: others would not survive a fork.
    """

    def __init__(self, count: int, get_ready: Callable[..., object], *args: object) -> None:
        alone = "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1
        context: Any = multiprocessing.get_context("fork" if alone else "spawn")
        pipes = [context.Pipe() for _ in range(count if alone else 1)]
        ours, theirs = [one for one, _ in pipes], [other for _, other in pipes]
        # Spawned, a process has only what it is given: no file, and no ends of pipes that it has to close.
        files = [_file_in_memory() if alone else None for _ in pipes]
        self._workers: list[_Worker] = list(map(_Worker, ours, files))
        self._waiting: Final[deque[_Job]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        places = list(zip(theirs, files, strict=True))
        self._process: Final = context.Process(
            target=_work, args=(places, ours if alone else (), get_ready, args, alone)
        )
        self._process.start()
        for connection in theirs:
            connection.close()

    @property
    def busy(self) -> bool:
        """Whether there is work that is not done."""
        return bool(self._waiting) or any(worker.jobs for worker in self._workers)

    async def call(self, function: Callable[..., Any], *args: object) -> Any:
        """Call a function of a module in one of the processes. Raises what it raises, and :class:`WorkersLost`."""
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
        """The same without an event loop, and waiting for it. Raises :class:`WorkersLost`."""
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
        """End them; work that is being done is broken off."""
        busy = any(worker.jobs and worker.pid is not None for worker in self._workers)
        self._forget_loop()
        for worker in self._workers:
            worker.end()
        self._workers = []
        if busy:
            self._process.terminate()
        self._process.join()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take answers in this loop; a run may have several, one after the other."""
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
        """The jobs that have waited longest: less than a fair share for each worker, and a large one alone."""
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
            if jobs[0].octets < LARGE or worker.file is None:
                worker.connection.send([b"".join(job.pieces) for job in jobs])
            else:
                worker.file.seek(0)
                worker.file.writelines(jobs[0].pieces)
                worker.file.flush()
                worker.connection.send(None)
        except OSError:
            self._lose(worker)

    def _take(self, worker: _Worker) -> None:
        """Take a message of a process: that it is ready, or its answers."""
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
        """A process has ended: its work is lost, and the others go on."""
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
    """A file for pickling, whose pieces are kept; large octets come as they are."""

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


_Place: TypeAlias = "tuple[Connection[Any, Any], IO[bytes] | None]"
"""A process's end of its pipe, and its file."""


def _work(
    places: Sequence[_Place],
    not_ours: Sequence[Connection[Any, Any]],
    get_ready: Callable[..., object],
    args: Sequence[object],
    alone: bool,
) -> None:
    """Get ready, and fork a process for each place; ``alone``: there is one thread, so that this can be done."""
    quiet_worker()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(os, "nice"):
        os.nice(NICE)
    for connection in not_ours:
        connection.close()
    get_ready(*args)
    # The objects that exist now stay; few of the later ones are part of a cycle.
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER, 20, 20)
    if not alone:
        _serve(*places[0])
        return
    me, pids = os.getpid(), []
    # What is sent while they are forked waits: none of them is to be overlooked.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    for number, (connection, file) in enumerate(places):
        pid = os.fork()
        if pid == 0:
            for other, _ in places[number + 1 :]:
                other.close()
            try:
                if not ends_with(me, signal.SIGKILL):
                    quiet_worker()
                signal.signal(signal.SIGTERM, _stop)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
                _serve(connection, file)
            finally:
                os._exit(0)
        pids.append(pid)
        connection.close()
    _wait_for(pids)


def _wait_for(pids: list[int]) -> None:
    """Wait for the end of processes, and bring it about at SIGTERM: they have a moment for what is half written."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        while pids:
            pids.remove(os.wait()[0])
    except SystemExit:
        until = time.monotonic() + LONGEST_END
        while pids:
            number = signal.SIGKILL if time.monotonic() > until else signal.SIGTERM
            pids = [pid for pid in pids if _runs_on(pid, number)]
            time.sleep(_PAUSE)


def _runs_on(pid: int, number: int) -> bool:
    """Whether a process of ours is not over; it is sent a signal."""
    try:
        os.kill(pid, number)
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    except (ProcessLookupError, ChildProcessError):
        return False  # it was waited for when the signal came


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
    raise SystemExit(1)


def _serve(connection: Connection[Any, Any], file: IO[bytes] | None) -> None:
    """Do the work that comes, until the pipe ends."""
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        connection.send(os.getpid())
        while True:
            work: list[bytes] | None = connection.recv()
            if work is not None:
                calls = [pickle.loads(octets) for octets in work]
            else:
                assert file is not None
                # Opened anew: a buffer would keep what was read before.
                with open(file.fileno(), "rb", closefd=False) as fresh:
                    fresh.seek(0)
                    calls = [pickle.load(fresh)]
            connection.send([_answer(*call) for call in calls])
            del calls  # large work is let go of before there is more


def _answer(function: Callable[..., Any], args: Sequence[object]) -> bytes:
    try:
        return pickle.dumps((True, function(*args)), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        error.add_note(f"in another process:\n{traceback.format_exc()}")
        try:
            return pickle.dumps((False, error), pickle.HIGHEST_PROTOCOL)
        except Exception:
            return pickle.dumps((False, RuntimeError(traceback.format_exc())), pickle.HIGHEST_PROTOCOL)
