"""Processes that work for another: how they take an interruption."""

from __future__ import annotations

import signal


def quiet_worker() -> None:
    """Leave Ctrl-C to the process that this one works for: it says one line, and ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
