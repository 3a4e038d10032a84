"""Processes that work for another: how they take an interruption, and the end of the process they work for."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait


@contextmanager
def process_pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of ``jobs`` processes that leave Ctrl-C to this one, and end when this one is killed.

    Each begins as a new interpreter, so that tasks, and what is given to them, have to be importable and picklable.
    Where the block raises an exception, what was not begun yet is not done any more.
    """
    pool = ProcessPoolExecutor(max_workers=jobs, mp_context=get_context("spawn"), initializer=quiet_worker)
    try:
        yield pool
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


def quiet_worker() -> None:
    """Leave Ctrl-C to the process that this one works for: it says one line, and ends its workers.

    Where that process is killed, it ends none of them: this one ends then too, instead of waiting for work for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="end with the parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
