"""Files written whole, beside the work that makes them: creating a file takes longer than making a small page."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

__all__ = ["Writer", "write_whole"]

HALF: Final = ".wsoracle-half-"
MOST_WAITING: Final = 64
"""So many files wait at most, so that memory stays bounded; then who brings another waits too."""


def write_whole(folder: Path, name: str, text: str) -> None:
    """Write a file beside its place and rename it into it, in UTF-8; what has no form in it (lone surrogates) as
    escapes. Raises OSError."""
    half = f"{folder}/{HALF}{os.urandom(6).hex()}"
    octets = text.encode("utf-8", "backslashreplace")
    try:
        with open(half, "xb") as file:
            file.write(octets)
        os.replace(half, f"{folder}/{name}")
    except BaseException:
        Path(half).unlink(missing_ok=True)
        raise


class Writer:
    """Writes files into a folder, one after another, in a thread of its own.

    Each is written beside its place and renamed into it, so that a process that is killed leaves whole files. An error
    of the system is raised by a later call, at the latest by :meth:`settle`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._waiting: Final[deque[Future[None]]] = deque()
        self._thread: ThreadPoolExecutor | None = None

    def remove_halves(self) -> None:
        """Remove what a process that was killed has left half written."""
        for half in self._folder.glob(HALF + "*"):
            half.unlink(missing_ok=True)

    def write(self, name: str, text: str) -> None:
        """Have a file written, as :func:`write_whole` does it."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "report files")
        self._waiting.append(self._thread.submit(write_whole, self._folder, name, text))
        while self._waiting and (len(self._waiting) > MOST_WAITING or self._waiting[0].done()):
            self._waiting.popleft().result()

    def settle(self) -> None:
        """Wait until all of them are there, and end the thread: a process with threads cannot be forked safely."""
        try:
            while self._waiting:
                self._waiting.popleft().result()
        finally:
            if self._thread is not None:
                self._thread.shutdown()
                self._thread = None
