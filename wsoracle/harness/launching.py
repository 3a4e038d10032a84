"""The endpoint under test as a process of ours: a command starts it, and it is stopped however the test ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from typing import Final

LISTENS_WITHIN: Final = 30.0
"""Seconds in which the command must listen."""

_GOODBYE: Final = 3.0
"""Seconds between the request to end and the end by force."""

_LOOK: Final = 0.02

_GUARDED: Final = (
    f"exec 3<&0 </dev/null; {{ trap '' TERM; read -r _; kill -TERM 0; sleep {_GOODBYE:g}; kill -KILL 0; }} "
    '<&3 3<&- >/dev/null 2>&1 & exec 3<&-; exec /bin/sh -c "$1"'
)
"""Runs a command of the shell; when standard input ends, since the tester did, its whole process group is ended."""


class CannotStart(Exception):
    """The command does not bring up an endpoint; the message is one line."""


class Launcher:
    """Runs a command of the shell that listens at an address, in a process group of its own.

    :meth:`stop` ends all of it, and so does the end of this process, be it by SIGKILL: one of the group waits for it.
    """

    def __init__(self, command: str, address: tuple[str, int], within: float = LISTENS_WITHIN) -> None:
        self._command: Final = command
        self._address: Final = address
        self._within: Final = within
        self._process: subprocess.Popen[bytes] | None = None
        self._alive: int | None = None  # a pipe that ends when this process does

    def start(self) -> None:
        """Start it, and wait until it listens. Raises :class:`CannotStart`."""
        where = f"{self._address[0]}:{self._address[1]}"
        if self._listens():
            raise CannotStart(f"something else listens at {where} already: stop that, or leave out --restart")
        watched, self._alive = os.pipe()
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _GUARDED, "sh", self._command],
            stdin=watched, stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(watched)
        until = time.monotonic() + self._within
        while not self._listens():
            status = self._process.poll()
            # A shell may go and leave the endpoint behind; one that failed leaves nothing.
            if status or time.monotonic() > until:
                self.stop()
                ended = f"it ended with status {status}" if status else f"nothing after {self._within:g} s"
                raise CannotStart(f"{self._command!r} does not listen at {where}: {ended}")
            time.sleep(_LOOK)

    def restart(self) -> None:
        """Stop the processes that are left of it, and start it again. Raises :class:`CannotStart`."""
        self.stop()
        until = time.monotonic() + self._within
        while self._listens() and time.monotonic() < until:
            time.sleep(_LOOK)  # a process that was killed may take a moment to go
        self.start()

    def stop(self) -> None:
        """End its process group."""
        process, self._process = self._process, None
        if process is None:
            return
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GOODBYE)
        _signal(process, signal.SIGKILL)  # those of the group that are still there
        process.wait()
        if self._alive is not None:
            os.close(self._alive)
            self._alive = None

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(self._address, timeout=1.0):
            return True
        return False


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
