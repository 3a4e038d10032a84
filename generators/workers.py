"""Processes that work for another: how they take an interruption, and the end of who they work for."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait


def quiet_worker() -> None:
    """Leave Ctrl-C to the process that this one works for: it says one line, and ends its workers.

    Where that process is killed, nobody does: this one ends then too, instead of waiting for work for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="end with the parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
