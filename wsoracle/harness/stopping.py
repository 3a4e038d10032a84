"""Signals while tasks run: they cancel the work, and break into none of its tasks."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from .collector import only_what_is_new

__all__ = ["run_until_stopped"]

T = TypeVar("T")

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def run_until_stopped(work: Coroutine[Any, Any, T]) -> T:
    """The result of the work, in an event loop of its own, in the main thread.

    An exception that a handler of the command line raises would come up in whatever task is running, and be one of a
    group at the end. So a signal cancels the work; when that has come to its end, the signal is raised again.
    """
    caught: list[signal.Signals] = []
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}

    async def guarded() -> T:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(work)

        def stop(number: signal.Signals) -> None:
            caught.append(number)
            task.cancel()

        for number in _SIGNALS:
            loop.add_signal_handler(number, stop, number)
        return await task

    try:
        with only_what_is_new():
            return asyncio.run(guarded())
    except asyncio.CancelledError:
        if not caught:
            raise
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    signal.raise_signal(caught[0])
    raise KeyboardInterrupt  # where nobody handles the signal
