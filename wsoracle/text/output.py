"""Output of commands: files written whole or not at all, JSON reports, progress, and plain text where it is piped.

A report goes to standard output, progress and errors to standard error.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from wsoracle.generators.atomic_write import can_create_beside, write_file

from .visible import escaped

if TYPE_CHECKING:
    from rich.console import Console

STDOUT: Final = "-"
"""The name of a file that means standard output."""

PLAIN_WIDTH: Final = 100
"""Columns of text that is not for a terminal, the same everywhere so that it can be compared."""

WIDEST: Final = 120
"""Columns of a terminal that are used at the most."""

QUIET_SECONDS: Final = 2.0
"""Seconds before progress is shown: a shorter task shows none."""

PLAIN_SECONDS: Final = 15.0
"""Between two lines of progress where there is no terminal."""

OnStep = Callable[[str, int, int], None]
"""Told of each step: what is done next, how many steps are done, how many there are."""


class OutputError(Exception):
    """A file cannot be written; the message is one line that says what to do."""


def check_writable(name: str) -> None:
    """Raise :class:`OutputError` where a file of this name cannot be written: worth asking before a long run."""
    if name == STDOUT:
        return
    if not name or "\0" in name:
        raise OutputError("the name of the file is empty or has a NUL in it: give another one")
    if name.startswith("-"):
        raise OutputError(f"{name} looks like an option: give the name of a file (./{name} if it is one)")
    path = Path(name)
    try:
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise OutputError(f"{name} is a directory: give the name of a file")
        if not target.parent.is_dir():
            raise OutputError(f"there is no directory {path.parent}: create it first, or write somewhere else")
        writable = os.access(target if _is_special(target) else target.parent, os.W_OK)
        if writable and not _is_special(target):
            can_create_beside(target)
    except OSError as error:
        raise OutputError(f"{name} cannot be written: {error.strerror or error}") from error
    if not writable:
        raise OutputError(f"no permission to write {name}: write somewhere else")


def write_text(name: str, text: str) -> None:
    """Write a file whole or not at all; ``-`` is standard output. Raises :class:`OutputError`.

    Through a link the file that it leads to is written; a device or a pipe is written to as it is.
    """
    if name == STDOUT:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    check_writable(name)
    target = Path(os.path.realpath(name))
    try:
        if _is_special(target):
            target.write_text(text, encoding="utf-8", newline="\n")
        else:
            write_file(target, text.encode())
    except OSError as error:
        raise OutputError(f"{name} cannot be written: {error.strerror or error}") from error


def write_json(name: str, document: Mapping[str, Any]) -> None:
    """Write a document as JSON: indented, keys in the given order, a newline at the end."""
    write_text(name, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def _is_special(path: Path) -> bool:
    """Whether there is something at this path that must not be replaced by a file: a device, a pipe."""
    return path.exists() and not stat.S_ISREG(path.stat().st_mode)


def console(file: TextIO | None = None) -> Console:
    """A console for reports: coloured and as wide as the terminal (120 columns at most), else plain and 100 wide."""
    from rich.console import Console

    class Report(Console):
        def on_broken_pipe(self) -> None:
            """Leave it to the command line, which knows the exit status."""
            raise BrokenPipeError

    stream = sys.stdout if file is None else file
    width = min(Console(file=stream).width, WIDEST) if _is_styled(stream) else PLAIN_WIDTH
    return Report(file=stream, width=width, highlight=False, markup=False, emoji=False)


def _is_styled(stream: TextIO) -> bool:
    """Whether styles can come out; elsewhere rich, which takes long to import, is not needed for lines."""
    return stream.isatty() or "FORCE_COLOR" in os.environ


_console_of = lru_cache(maxsize=1)(console)


def width() -> int:
    """The columns of a line on standard output."""
    return _console_of(sys.stdout).width if _is_styled(sys.stdout) else PLAIN_WIDTH


def say(*parts: str | tuple[str, str]) -> None:
    """Print a line on standard output: texts, and pairs of a text and its style (as rich names it) on a terminal.

    It is as long as it is; a terminal wraps it.
    """
    if _is_styled(sys.stdout):
        from rich.text import Text

        _console_of(sys.stdout).print(Text.assemble(*parts), soft_wrap=True)
    else:
        print("".join(part if isinstance(part, str) else part[0] for part in parts))


def say_wrapped(text: str, indent: int, style: str = "", *, margin: int = 1) -> None:
    """Print a text on lines that are indented and leave a margin on the right; a longer word is not broken."""
    for line in textwrap.wrap(text, width() - indent - margin, break_long_words=False, break_on_hyphens=False):
        say((" " * indent + line, style))


@contextmanager
def progress(title: str, stream: TextIO | None = None) -> Iterator[OnStep]:
    """Show how far a long piece of work is, on standard error, for as long as the block lasts.

    On a terminal a bar, from the third second on; elsewhere a line now and then, and none at all for short work.
    """
    stream = sys.stderr if stream is None else stream
    if stream.isatty():
        with _bar(title, stream) as step:
            yield step
    else:
        yield _Lines(title, stream)


class _Lines:
    """Progress where there is no terminal."""

    def __init__(self, title: str, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._title = title
        self._stream = stream
        self._clock = clock
        self._started = self._clock()
        self._last = self._started + QUIET_SECONDS - PLAIN_SECONDS

    def __call__(self, what: str, done: int, total: int) -> None:
        now = self._clock()
        if now - self._last >= PLAIN_SECONDS:
            self._last = now
            so_far = f"{done} of {total}, {what}" if total else f"{done} {what}"
            print(f"{self._title}: {so_far} ({now - self._started:.0f} s)", file=self._stream, flush=True)


@contextmanager
def _bar(title: str, stream: TextIO) -> Iterator[OnStep]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.fields[title]}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=Console(file=stream, highlight=False),
        transient=True,
    )
    task = bar.add_task("", total=None, title=title)

    def step(what: str, done: int, total: int) -> None:
        bar.update(task, description=what, completed=done, total=total or None)

    late = threading.Timer(QUIET_SECONDS, bar.start)
    late.daemon = True
    late.start()
    try:
        yield step
    finally:
        late.cancel()
        late.join()
        if bar.live.is_started:
            bar.stop()


def why_not(error: OSError) -> str:
    """The system's own message for an error: libraries put addresses and numbers of their own into theirs."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)


def one_line(text: str, longest: int = 500) -> str:
    """The text on one line, without characters that a terminal would obey, cut where it is too long."""
    shown = " ".join(escaped(text).split())
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."
