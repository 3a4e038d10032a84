"""Processes that work for another: how they take an interruption, and the end of the process they work for."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import Final


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
    parent = parent_process()
    if parent is not None and not ends_with(parent.pid):
        threading.Thread(target=_end_with_parent, name="end with the parent", daemon=True).start()


def ends_with(parent: int | None, number: int = signal.SIGTERM) -> bool:
    """Have the system send a signal to this process when its parent ends, whatever it is doing then.

    ``parent`` is the process id that the parent had; where it is gone already this one ends at once. False where the
    system cannot do that: Linux can.
    """
    if sys.platform != "linux":
        return False
    import ctypes

    if ctypes.CDLL(None, use_errno=True).prctl(_SET_SIGNAL_OF_PARENTS_DEATH, number) != 0:
        return False
    if os.getppid() != parent:
        os._exit(1)
    return True


_SET_SIGNAL_OF_PARENTS_DEATH: Final = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
