"""Run every attack, one at a time, and print what it took: ``python -m tests.attacks [--only PART]``.

The exit status is 1 where one took more than its bound.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from .files import FILES, write
from .measured import Cost, Measured
from .peers import CLIENTS, SERVERS, serving

MEMORY: Final = 1024.0
"""MiB."""

CPU_OF_FILE: Final = 60.0
CPU_OF_RUN: Final = 100.0
"""CPU seconds: of a file, and of a short run."""

_ENDS: Final = (0, 1, 2, 130)
_CASES: Final = ("1.1.1", "1.1.2", "2.1", "2.2", "3.2", "4.1.1", "5.6", "7.1.1")
_PATIENCE: Final = ("--timeout", "1", "--case-timeout", "5")


class Attack(NamedTuple):
    """An attack: its name, its bound of CPU seconds, and what does it in a folder."""

    name: str
    cpu: float
    run: Callable[[Path], Cost]


def attacks() -> Iterator[Attack]:
    """All attacks."""
    for name in FILES:
        yield Attack(f"judge/{name}", CPU_OF_FILE, lambda folder, name=name: _judge(name, folder))  # type: ignore[misc]
    for name in SERVERS:
        yield Attack(f"test/{name}", CPU_OF_RUN, lambda folder, name=name: _test(name, folder))  # type: ignore[misc]
    for name in CLIENTS:
        yield Attack(f"serve/{name}", CPU_OF_RUN, lambda folder, name=name: _serve(name, folder))  # type: ignore[misc]


def _judge(name: str, folder: Path) -> Cost:
    return Measured("judge", str(write(name, folder)), cwd=Path.cwd()).cost()


def _test(name: str, folder: Path) -> Cost:
    selected = [word for case in _CASES for word in ("--select", case)]
    with serving(SERVERS[name]) as port:
        url, out = f"ws://127.0.0.1:{port}/", str(folder / "out")
        return Measured("test", url, "--out", out, *_PATIENCE, *selected, cwd=Path.cwd()).cost()


def _serve(name: str, folder: Path) -> Cost:
    arguments = ("--listen", "127.0.0.1:0", "--out", str(folder / "out"), *_PATIENCE)
    measured = Measured("serve", *arguments, cwd=Path.cwd())
    port = measured.port()

    def attack() -> None:
        CLIENTS[name](port)
        time.sleep(3)  # what was sent is judged
        measured.interrupt()

    threading.Thread(target=attack, daemon=True).start()
    return measured.cost()


def _is_over(cost: Cost, cpu: float) -> bool:
    """Whether a program took too much, or did not end as it should."""
    return cost.cpu > cpu or cost.memory > MEMORY or cost.status not in _ENDS or "Traceback" in cost.output


def main() -> int:
    """Run the attacks that are asked for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument(
        "--only", action="append", default=[], metavar="PART", help="A part of a name; may be repeated."
    )
    wanted = parser.parse_args().only
    chosen = [one for one in attacks() if not wanted or any(part in one.name for part in wanted)]
    if not chosen:
        parser.error("no attack has such a name")
    print(f"{'attack':<32}{'status':>7}{'CPU s':>9}{'MiB':>8}{'seconds':>9}")
    over = 0
    for one in chosen:
        with tempfile.TemporaryDirectory() as folder:
            cost = one.run(Path(folder))
        bad = _is_over(cost, one.cpu)
        over += bad
        mark = "  MORE THAN ITS BOUND" if bad else ""
        measured = f"{cost.status:>7}{cost.cpu:>9.1f}{cost.memory:>8.0f}{cost.seconds:>9.1f}"
        print(f"{one.name:<32}{measured}{mark}", flush=True)
        if bad:
            print("    " + "\n    ".join(cost.output.splitlines()[-5:]), flush=True)
    print(f"{len(chosen)} attacks, {over} took more than {MEMORY:.0f} MiB, or more CPU time than their bound")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
