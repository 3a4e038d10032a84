"""Processes that work for an event loop: what they return and raise, the loss of one, and their end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from wsoracle.generators import atomic_write
from wsoracle.harness.workers import LARGE, Workers, WorkersLost

READY: list[str] = []


def get_ready(word: str) -> None:
    READY.append(word)


def ready() -> tuple[int, list[str]]:
    return os.getpid(), READY


def double(value: Any) -> Any:
    return value * 2


def fail(message: str) -> None:
    raise OSError(28, message)


def fail_with_what_cannot_travel() -> None:
    class Local(Exception):
        pass

    raise Local("here only")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def take(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


@contextmanager
def workers(count: int = 2, get_ready: Callable[..., object] = get_ready, *args: object) -> Iterator[Workers]:
    some = Workers(count, get_ready, *(args or ("warm",)))
    try:
        yield some
    finally:
        some.close()


def test_what_a_function_returns_wherever_it_runs() -> None:
    async def ask(some: Workers) -> list[Any]:
        return await asyncio.gather(*(some.call(double, number) for number in range(100)))

    with workers() as some:
        assert asyncio.run(ask(some)) == [2 * number for number in range(100)]
        assert not some.busy
        # A run may have several event loops, and needs none at its end.
        assert asyncio.run(ask(some)) == [2 * number for number in range(100)]
        assert some.call_now(double, "x") == "xx"
        assert READY == []


def test_each_is_ready_from_the_beginning() -> None:
    async def ask(some: Workers) -> list[tuple[int, list[str]]]:
        await asyncio.gather(*(some.call(take, 0.2) for _ in range(2)))
        return list(await asyncio.gather(*(some.call(ready) for _ in range(20))))

    with workers() as some:
        found = asyncio.run(ask(some))
    assert all(words == ["warm"] for _, words in found)
    assert os.getpid() not in {pid for pid, _ in found}


def test_they_work_at_the_same_time() -> None:
    async def ask(some: Workers) -> set[int]:
        return set(await asyncio.gather(*(some.call(take, 0.5) for _ in range(2))))

    with workers() as some:
        assert len(asyncio.run(ask(some))) == 2


def test_what_is_large_comes_through() -> None:
    # Of different lengths, so that nothing of one may be left in the next.
    every = [os.urandom((8 - number) * LARGE) for number in range(8)] + [b"small", os.urandom(LARGE)]

    async def ask(some: Workers) -> list[bytes]:
        return list(await asyncio.gather(*(some.call(double, octets) for octets in every)))

    with workers() as some:
        assert asyncio.run(ask(some)) == [octets * 2 for octets in every]


def test_what_is_raised_there_is_raised_here() -> None:
    with workers(1) as some:
        with pytest.raises(OSError, match="disk is full") as raised:
            asyncio.run(some.call(fail, "disk is full"))
        assert raised.value.errno == 28
        assert any("in another process" in note for note in raised.value.__notes__)
        with pytest.raises(RuntimeError, match="here only"):
            asyncio.run(some.call(fail_with_what_cannot_travel))
        with pytest.raises(OSError, match="disk is full"):
            some.call_now(fail, "disk is full")
        assert asyncio.run(some.call(double, 1)) == 2


def test_of_two_one_is_left() -> None:
    async def ask(some: Workers) -> tuple[list[Any], int]:
        found = await asyncio.gather(some.call(die), *(some.call(double, n) for n in range(5)), return_exceptions=True)
        return found, await some.call(double, 21)

    with workers() as some:
        found, last = asyncio.run(ask(some))
    assert isinstance(found[0], WorkersLost)
    # What was handed over together with it is lost too, and said to be.
    assert all(isinstance(one, WorkersLost) or one == 2 * n for n, one in enumerate(found[1:]))
    assert last == 42


def test_when_all_are_lost_that_is_said() -> None:
    async def ask(some: Workers) -> list[Any]:
        return await asyncio.gather(*(some.call(die) for _ in range(4)), return_exceptions=True)

    with workers() as some:
        assert all(isinstance(one, WorkersLost) for one in asyncio.run(ask(some)))
        with pytest.raises(WorkersLost):
            asyncio.run(some.call(double, 1))
        with pytest.raises(WorkersLost):
            some.call_now(double, 1)


def test_one_that_cannot_get_ready_is_lost(capfd: pytest.CaptureFixture[str]) -> None:
    with workers(2, fail, "not ready") as some, pytest.raises(WorkersLost):
        asyncio.run(some.call(double, 1))
    assert "not ready" in capfd.readouterr().err


def test_an_end_in_the_middle_of_work_is_soon_over() -> None:
    async def ask(some: Workers) -> None:
        async with asyncio.timeout(0.5):
            await asyncio.gather(*(some.call(take, 60.0) for _ in range(6)))

    begun = time.monotonic()
    with workers() as some, pytest.raises(TimeoutError):
        asyncio.run(ask(some))
    assert time.monotonic() - begun < 30


BUSY = """
import asyncio, os, signal, sys
sys.path.insert(0, {here!r})
from tests.wsoracle.harness.test_workers import *

async def ask(some):
    await asyncio.gather(*(some.call({work}, {argument!r}) for _ in range(2)))

some = Workers(2, {get_ready}, {ready!r})
print("begun", flush=True)
asyncio.run(ask(some))
"""


def compute(begun: str) -> int:
    """Work in one call into C, which no signal handler of Python breaks off."""
    Path(f"{begun}/{os.getpid()}").touch()
    return sum(range(10**11))


def write_without_end(folder: str) -> None:
    """Write a file, and hang before it has its name."""

    def hang(*names: str) -> None:
        Path(folder, "begun").touch()
        time.sleep(600)

    atomic_write.os.replace = hang  # type: ignore[attr-defined]
    atomic_write.write_file(Path(folder, str(os.getpid())), b"half")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread of theirs sees to it, a little later")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize(("get_ready", "work", "after"), [
    ("take", "double", 0.0), ("take", "double", 0.3), ("get_ready", "take", 0.3), ("get_ready", "compute", None),
    ("get_ready", "write_without_end", None),
])  # fmt: skip
def test_they_end_with_who_they_work_for_at_any_moment(
    get_ready: str, work: str, after: float | None, number: int, tmp_path: Path
) -> None:
    ready, argument = (60.0, 1) if get_ready == "take" else ("warm", 60.0 if work == "take" else str(tmp_path))
    code = BUSY.format(here=os.getcwd(), get_ready=get_ready, ready=ready, work=work, argument=argument)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None and process.stdout.readline() == b"begun\n"
        until(lambda: any(tmp_path.iterdir())) if after is None else time.sleep(after)
        assert len(in_session(process.pid)) > 1
        process.send_signal(number)
    until(lambda: not in_session(process.pid))
    assert not list(tmp_path.glob(f"{atomic_write.HALF}*"))


def in_session(leader: int) -> list[int]:
    """The processes of a session that run."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if runs(pid, leader)]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "nothing comes of it"
        time.sleep(0.02)


def runs(pid: int, session: int) -> bool:
    """Whether a process of a session runs; one that is over and that nobody has asked for does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            state, _, _, its_session, *_ = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX" and int(its_session) == session
