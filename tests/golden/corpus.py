"""Making the items, keeping their digests, and telling what differs."""

from __future__ import annotations

import difflib
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final, TypeAlias

from .items import LOCAL, Absent, Items, Job, covers

DIGESTS: Final = Path(__file__).with_name("digests.json")
"""The digests that are committed."""

LOCAL_DIGESTS: Final = "digests.json"
"""The file beside the texts with the digests of items that differ from machine to machine."""

JOBS: Final = 2
LINES: Final = 40
"""Lines of a difference that are shown."""

TICK: Final = 15.0
"""Seconds between two lines of progress."""

Digests: TypeAlias = dict[str, str]
Ended: TypeAlias = Callable[[Job, Items], None]


def digest(text: str) -> str:
    """The digest of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def is_local(name: str) -> bool:
    """Whether an item differs from machine to machine."""
    return any(covers(local, name) for local in LOCAL)


def chosen(name: str, only: Sequence[str]) -> bool:
    """Whether one of the beginnings of names selects this item; all are, where none is given."""
    return not only or any(name.startswith(beginning) for beginning in only)


def takes_part(job: Job, only: Sequence[str]) -> bool:
    """Whether a job makes something that is selected."""
    return chosen(job.name, only) or any(beginning.startswith(f"{job.name}/") for beginning in only)


def made(jobs: Sequence[Job], processes: int = JOBS, ended: Ended | None = None) -> Items:
    """The items of all jobs, so many jobs at a time. Standard error tells how far it is, `ended` each job's items."""
    items: Items = {}
    began: dict[str, float] = {}

    def run(job: Job) -> Items:
        began[job.name] = time.monotonic()
        return job.make()

    pool = ThreadPoolExecutor(processes)
    try:
        waiting: dict[Future[Items], Job] = {pool.submit(run, job): job for job in jobs}
        while waiting:
            done = wait(waiting, TICK, "FIRST_COMPLETED").done
            for future in done:
                job = waiting.pop(future)
                items |= future.result()
                if ended is not None:
                    ended(job, future.result())
                tell(f"{job.name}: {time.monotonic() - began[job.name]:.0f} s, {len(waiting)} to go")
            if not done:
                running = [job.name for job in waiting.values() if job.name in began]
                tell(f"{', '.join(running)}; {len(waiting)} to go")
    finally:
        pool.shutdown(cancel_futures=True)
    return items


def tell(line: str) -> None:
    """A line of progress."""
    print(line, file=sys.stderr, flush=True)


# --- digests and texts --------------------------------------------------------------------------------------------


def read_digests(file: Path) -> Digests:
    """The digests in a file, by name; none where there is no file."""
    if not file.exists():
        return {}
    return {str(name): str(value) for name, value in json.loads(file.read_text(encoding="utf-8")).items()}


def write_digests(file: Path, digests: Mapping[str, str]) -> None:
    """Write them, in the order of the names."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(dict(sorted(digests.items())), indent=0) + "\n", encoding="utf-8")


def text_file(base: Path, name: str) -> Path:
    """Where the text of an item is kept."""
    return base / f"{name}.txt"


def write_texts(base: Path, items: Mapping[str, str | Absent]) -> None:
    """Write the texts of the items that are there."""
    for name, text in items.items():
        if isinstance(text, str):
            file = text_file(base, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", errors="surrogatepass")


def baseline(old: Mapping[str, str], items: Mapping[str, str | Absent], jobs: Iterable[Job]) -> Digests:
    """The new digests: those of the items, and the old ones of what was not made this time."""
    ran = list(jobs)
    absent = [name for name, text in items.items() if isinstance(text, Absent)]
    kept = {
        name: value
        for name, value in old.items()
        if not any(job.covers(name) for job in ran) or any(covers(one, name) for one in absent)
    }
    return kept | {name: digest(text) for name, text in items.items() if isinstance(text, str)}


# --- comparing ----------------------------------------------------------------------------------------------------


def differences(old: Mapping[str, str], items: Mapping[str, str | Absent], base: Path) -> Iterator[tuple[str, str]]:
    """The name of each item that is not what it was, and what to show of it.

    ``old`` are the digests of all items that should be there; ``base`` is where the texts from before are.
    """
    absent = [name for name, text in items.items() if isinstance(text, Absent)]
    for name in sorted({*old, *items}):
        text = items.get(name)
        if isinstance(text, Absent) or (text is None and any(covers(one, name) for one in absent)):
            continue
        if text is None:
            yield name, "it is no more"
        elif name not in old:
            yield name, "it is new"
        elif digest(text) != old[name]:
            yield name, _shown(old[name], text, text_file(base, name))


def _shown(before: str, text: str, file: Path) -> str:
    there = file.read_text(encoding="utf-8", errors="surrogatepass") if file.exists() else ""
    if digest(there) != before:
        return f"the text from before is not in {file}: make golden where it was committed, or name it with --base"
    lines = list(difflib.unified_diff(there.split("\n"), text.split("\n"), "before", "now", n=1, lineterm=""))
    shown = [line if len(line) <= 300 else f"{line[:300]}..." for line in lines[:LINES]]
    return "\n".join(shown + ([f"... {len(lines) - LINES} more lines"] if len(lines) > LINES else []))
