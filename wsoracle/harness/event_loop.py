"""The event loop of a run: signals cancel its work, and the collector of cycles leaves rules and cases alone."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

T = TypeVar("T")

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def only_what_is_new() -> Iterator[None]:
    """For as long as the block lasts, Python looks for cycles only among objects that are made in it.

    To look at all others takes some 40 ms each time, a thirtieth of a run of the small cases.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def run_until_stopped(
    work: Coroutine[Any, Any, T], make_loop: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> T:
    """Run work in an event loop of its own, in the main thread; its result. ``make_loop`` makes another than usual.

    An exception from a signal handler of the command line would come up in any task that is running, and be one of a
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
        with only_what_is_new(), asyncio.Runner(loop_factory=make_loop) as runner:
            return runner.run(guarded())
    except asyncio.CancelledError:
        if not caught:
            raise
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    signal.raise_signal(caught[0])
    raise KeyboardInterrupt  # where no handler takes the signal
