"""Processes that work for an event loop: made ready once, then forked, so that all of them begin warm.

Theory of operation. One process is begun at once; it gets ready, which takes a good part of a second, and then forks
the others, which are ready then. (The pool of the standard library has each process get ready for itself.) Each has a
pipe to this process, and one piece of work at a time; what waits, waits here. The end of a pipe is the end of who is
at it, on both sides.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final, NamedTuple

from wsoracle.generators.workers import quiet_worker

__all__ = ["Workers", "WorkersLost"]

LARGE: Final = 128 * 1024
"""Octets from which on work is handed over in a thread: the event loop would wait until it was taken."""


NICE: Final = 10
"""Who works here gives way to the event loop, which must not be late: it would find silence where there is none."""


class WorkersLost(Exception):
    """The process that was to do some work, or every one of them, has come to its end: the work is not done."""


class _Job(NamedTuple):
    octets: bytes
    future: asyncio.Future[Any]


class _Worker:
    """One process: `pid` is known when it is ready."""

    def __init__(self, connection: Connection[bytes, Any]) -> None:
        self.connection: Final = connection
        self.pid: int | None = None
        self.job: _Job | None = None


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
        return bool(self._waiting) or any(worker.job is not None for worker in self._workers)

    async def call(self, function: Callable[..., Any], *args: object) -> Any:
        """What a function of a module returns or raises there. Raises :class:`WorkersLost`."""
        loop = asyncio.get_running_loop()
        self._listen(loop)
        job = _Job(pickle.dumps((function, args), pickle.HIGHEST_PROTOCOL), loop.create_future())
        self._waiting.append(job)
        self._hand_out()
        return await job.future

    def call_now(self, function: Callable[..., Any], *args: object) -> Any:
        """The same where there is no event loop, and waiting for it. Raises :class:`WorkersLost`."""
        for worker in self._workers:
            if worker.job is None:
                try:
                    if worker.pid is None:
                        worker.pid = worker.connection.recv()
                    worker.connection.send_bytes(pickle.dumps((function, args), pickle.HIGHEST_PROTOCOL))
                    return _value_of(worker.connection.recv())
                except (EOFError, OSError) as error:
                    raise WorkersLost from error
        raise WorkersLost

    def close(self) -> None:
        """End them; what they are at is broken off."""
        busy = [worker.pid for worker in self._workers if worker.job is not None and worker.pid is not None]
        self._forget_loop()
        for worker in self._workers:
            worker.connection.close()
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
            while self._waiting and worker.pid is not None and worker.job is None:
                job = self._waiting.popleft()
                if not job.future.done():
                    self._hand(worker, job)
        if not self._workers:
            while self._waiting:
                _fail(self._waiting.popleft(), WorkersLost())

    def _hand(self, worker: _Worker, job: _Job) -> None:
        worker.job = job
        if len(job.octets) >= LARGE:
            sent = job.future.get_loop().run_in_executor(None, worker.connection.send_bytes, job.octets)
            sent.add_done_callback(lambda done: self._has_handed(worker, done))
            return
        try:
            worker.connection.send_bytes(job.octets)
        except OSError:
            self._lose(worker)

    def _has_handed(self, worker: _Worker, done: asyncio.Future[None]) -> None:
        if not done.cancelled() and done.exception() is not None:
            self._lose(worker)

    def _take(self, worker: _Worker) -> None:
        """Something came: that it is ready, or what it was asked for."""
        try:
            answer = worker.connection.recv()
        except (EOFError, OSError):
            self._lose(worker)
            return
        job, worker.job = worker.job, None
        if job is None:
            worker.pid = answer
        self._hand_out()  # first of all, so that it has something to do
        if job is not None and _is_wanted(job):
            try:
                job.future.set_result(_value_of(answer))
            except Exception as error:
                job.future.set_exception(error)

    def _lose(self, worker: _Worker) -> None:
        """It has come to its end."""
        if worker in self._workers:
            self._workers.remove(worker)
            if self._loop is not None:
                self._loop.remove_reader(worker.connection.fileno())
            worker.connection.close()
            if worker.job is not None:
                _fail(worker.job, WorkersLost())
            self._hand_out()


def _is_wanted(job: _Job) -> bool:
    return not job.future.done() and not job.future.get_loop().is_closed()


def _fail(job: _Job, error: Exception) -> None:
    if _is_wanted(job):
        job.future.set_exception(error)


def _value_of(answer: tuple[bool, Any]) -> Any:
    good, value = answer
    if not good:
        raise value
    return value


# --- in the other processes -------------------------------------------------------------------------------------------


def _work(
    connections: Sequence[Connection[Any, bytes]],
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


def _serve(connection: Connection[Any, bytes]) -> None:
    """Do what is asked for, until nobody can ask any more."""
    quiet_worker()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        connection.send(os.getpid())
        while True:
            function, args = pickle.loads(connection.recv_bytes())
            connection.send_bytes(_answer(function, args))


def _answer(function: Callable[..., Any], args: Sequence[object]) -> bytes:
    try:
        return pickle.dumps((True, function(*args)), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        error.add_note(f"in another process:\n{traceback.format_exc()}")
        try:
            return pickle.dumps((False, error), pickle.HIGHEST_PROTOCOL)
        except Exception:
            return pickle.dumps((False, RuntimeError(traceback.format_exc())), pickle.HIGHEST_PROTOCOL)
