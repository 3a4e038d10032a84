"""Processes of the fleet, none of which outlives this program: each has a process group of its own.

Everything that a peer prints goes to a log file, of which no more than :data:`MOST_LOGGED` octets are kept. One
:class:`Crew` holds all processes of a run; :meth:`Crew.stop` kills what is left, at once, and lets nothing new start.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, TypeVar

from ..text.output import one_line

MOST_LOGGED: Final = 1 << 20
"""Octets that are kept of what a process prints."""

GRACE: Final = 2.0
"""Seconds between the request to end and the end."""

_READY: Final = re.compile(rb"READY (\d{1,5})\s*")
_LONGEST_LINE: Final = 4096


class PeerError(Exception):
    """A peer cannot be installed, does not start or does not end; the message is one line that says why."""


class Process:
    """A running process, its whole group, and what it prints."""

    def __init__(
        self, command: Sequence[str], log: Path, variables: Mapping[str, str] | None, folder: Path | None
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log: Final = log
        self.port: int | None = None
        self.told: Final = threading.Event()
        """Set once it has printed that it is ready, or has closed its output."""
        self._last: list[bytes] = []
        self._ending: Final = threading.Lock()
        self._ended = False
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=None if variables is None else dict(variables),
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            raise PeerError(f"{command[0]} cannot be started: {error.strerror or error}") from error
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, output: IO[bytes]) -> None:
        kept = 0
        with output, self.log.open("wb") as log:
            for line in iter(lambda: output.readline(_LONGEST_LINE), b""):
                kept += len(line)
                if kept <= MOST_LOGGED:
                    log.write(line)
                    log.flush()
                self._last = [*self._last[-2:], line]
                match = _READY.fullmatch(line)
                if match is not None and self.port is None and 0 < int(match[1]) < 65536:
                    self.port = int(match[1])
                    self.told.set()
        self.told.set()

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def wait(self, seconds: float) -> int | None:
        """Its exit status; None where it has not ended within `seconds`."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def last_words(self) -> str:
        """The last that it printed, on one line."""
        self._reader.join(0.5)
        return one_line(b" | ".join(line.strip() for line in self._last).decode("utf-8", "backslashreplace"), 300)

    def kill(self) -> None:
        """Kill the whole group, without waiting for it."""
        with self._ending:
            if not self._ended:
                self._signal(signal.SIGKILL)

    def end(self, grace: float = GRACE) -> None:
        """Ask the whole group to end, and kill what is left of it after `grace` seconds."""
        if self.running and grace > 0:
            self._signal(signal.SIGTERM)
            self.wait(grace)
        with self._ending:
            if not self._ended:
                # Its leader may have gone and left children: the group is killed in any case, and only once.
                self._signal(signal.SIGKILL)
                self._process.wait()
                self._ended = True
        self._reader.join(1.0)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


class Server(Process):
    """A process that has said which port it listens on."""

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"ws://127.0.0.1:{self.port}"


P = TypeVar("P", bound=Process)


class Crew:
    """All processes of a run."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._alive: Final[set[Process]] = set()
        self._stopped = False

    @contextmanager
    def process(
        self,
        command: Sequence[str],
        log: Path,
        variables: Mapping[str, str] | None = None,
        folder: Path | None = None,
        grace: float = GRACE,
    ) -> Iterator[Process]:
        """Start a process for as long as the block lasts. Raises :class:`PeerError` where it cannot be started."""
        started = self._start(Process, command, log, variables, folder)
        try:
            yield started
        finally:
            self._end(started, grace)

    @contextmanager
    def server(
        self,
        command: Sequence[str],
        log: Path,
        variables: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
        ready_within: float = 30.0,
        grace: float = GRACE,
    ) -> Iterator[Server]:
        """The same for a server, from its line ``READY <port>`` on; :class:`PeerError` where that does not come.

        A server that does not print that line is given a `port`, and is ready when that takes connections.
        """
        started = self._start(Server, command, log, variables, None)
        try:
            deadline = time.monotonic() + ready_within
            while started.port is None and started.running and time.monotonic() < deadline:
                if port is not None and _takes_connections(port):
                    started.port = port
                elif started.told.wait(0.1 if port is None else 0.02) and started.port is None:
                    started.wait(0.1)
            if started.port is None:
                raise PeerError(_why(started, ready_within))
            yield started
        finally:
            self._end(started, grace)

    def run(
        self,
        command: Sequence[str],
        log: Path,
        *,
        within: float,
        variables: Mapping[str, str] | None = None,
        folder: Path | None = None,
        each: Callable[[], object] | None = None,
    ) -> int:
        """Run a command to its end; its exit status. Raises :class:`PeerError` where it takes longer than `within`.

        `each` is called about five times a second, and may raise to stop the command.
        """
        with self.process(command, log, variables, folder) as process:
            deadline = time.monotonic() + within
            while (status := process.wait(0.2)) is None:
                if time.monotonic() > deadline:
                    raise PeerError(f"not done after {within:g} s; it said last: {process.last_words() or 'nothing'}")
                if each is not None:
                    each()
            return status

    def stop(self) -> None:
        """Kill everything, now, and start nothing more."""
        with self._lock:
            self._stopped = True
            alive = list(self._alive)
        for process in alive:
            process.kill()
        for process in alive:
            process.end(0)

    def _start(
        self,
        kind: type[P],
        command: Sequence[str],
        log: Path,
        variables: Mapping[str, str] | None,
        folder: Path | None,
    ) -> P:
        # Under the lock, so that nothing starts between the look at what is alive and the end of it.
        with self._lock:
            if self._stopped:
                raise PeerError("the run was stopped")
            started = kind(command, log, variables, folder)
            self._alive.add(started)
            return started

    def _end(self, process: Process, grace: float) -> None:
        process.end(0 if self._stopped else grace)
        with self._lock:
            self._alive.discard(process)


def _takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


def _why(process: Process, seconds: float) -> str:
    said = process.last_words() or "nothing"
    status = process.wait(0)
    if status is None:
        return f"it did not say READY within {seconds:g} s; it said last: {said}"
    how = f"ended with status {status}" if status >= 0 else f"was ended by signal {-status}"
    return f"it {how} before it was ready; it said last: {said}"
