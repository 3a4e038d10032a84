"""Files written in another thread, beside the work that makes them: to create a file takes longer than a small page."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from wsoracle.generators.atomic_write import write_file

__all__ = ["Writer", "write_text_file"]

MOST_WAITING: Final = 64
"""Files that wait at most, so that memory stays bounded; then the caller that brings another one waits too."""


def write_text_file(path: Path, text: str) -> None:
    """Write a file whole, in UTF-8; characters that have no form in it (lone surrogates) as escapes. Raises OSError."""
    write_file(path, text.encode("utf-8", "backslashreplace"))


class Writer:
    """Writes files into a folder, one after another, in a thread of its own.

    Each is written whole or not at all. An error of the system is raised by a later call, at the latest by
    :meth:`settle`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._waiting: Final[deque[Future[None]]] = deque()
        self._thread: ThreadPoolExecutor | None = None

    def write(self, name: str, text: str) -> None:
        """Have a file written, as :func:`write_text_file` does it."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "report files")
        self._waiting.append(self._thread.submit(write_text_file, self._folder / name, text))
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
