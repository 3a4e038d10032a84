"""How long a whole suite takes, beside Autobahn: the same specification file, the same peer, in turns.

A side is a command line that is called as Autobahn is; the time is that of the process, from its start to
its end, reports included, as its user waits for it. Sides take turns, and the order rotates from round to round. What
is quoted are medians, and the ratio of the medians. A side that ends in an error, or leaves cases out, has no time.

Beside it stands what the peer itself takes, in seconds of CPU from its start to its end. A client under test runs one
case after another, and nobody who tests it can be faster than that; a server works beside who tests it.

Before that each side runs one case unmeasured, with its bytecode kept: what Python compiles once is no part of a run.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.table import Table

from ..autobahn.tool import autobahn_tool

__all__ = ["WORKLOADS", "SuiteBenchFailed", "SuiteReport", "SuiteTime", "as_json", "as_table", "run_suite_bench"]

SMALL: Final = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
LARGE: Final = ("9.*",)
OURS: Final = "wsoracle"
ESTABLISHED: Final = "Autobahn"
LONGEST: Final = 900.0
"""Seconds that a side may take."""

OnStep = Callable[[str, int, int], None]


class SuiteBenchFailed(Exception):
    """A side did not do the work; the message says which and what it printed last."""


@dataclass(frozen=True)
class Workload:
    """What is run: the patterns of its cases and how many there are, against which peer, in which direction."""

    name: str
    patterns: tuple[str, ...]
    cases: int
    mode: str
    peer: str


_PEERS: Final = {"fuzzingclient": "echo", "fuzzingserver": "testee"}

WORKLOADS: Final = (
    Workload("servers, groups 1-7 and 10", SMALL, 247, "fuzzingclient", "echo"),
    Workload("servers, group 9", LARGE, 54, "fuzzingclient", "echo"),
    Workload("clients, groups 1-7 and 10", SMALL, 247, "fuzzingserver", "testee"),
    Workload("clients, group 9", LARGE, 54, "fuzzingserver", "testee"),
    Workload("a silent server, groups 1-7, 9 and 10", (*SMALL, *LARGE), 301, "fuzzingclient", "silent"),
)


@dataclass(frozen=True)
class SuiteTime:
    """How long the sides took for a workload, in seconds, each time; a side that did not run it is not there.

    `peer` is the CPU time that the peer took beside each side, in seconds likewise.
    """

    workload: Workload
    seconds: Mapping[str, tuple[float, ...]]
    peer: Mapping[str, tuple[float, ...]]
    verdicts: Mapping[str, Mapping[str, int]]

    @property
    def ratio(self) -> float | None:
        """How many times faster ours is; None where there is nothing to compare with."""
        if ESTABLISHED not in self.seconds:
            return None
        return statistics.median(self.seconds[ESTABLISHED]) / statistics.median(self.seconds[OURS])


@dataclass(frozen=True)
class SuiteReport:
    """All times, and whether Autobahn was there to compare with."""

    times: tuple[SuiteTime, ...]
    compared: bool


def run_suite_bench(rounds: int, progress: OnStep, workloads: Sequence[Workload] = WORKLOADS) -> SuiteReport:
    """Measure. Raises :class:`SuiteBenchFailed` where a side fails.

    Autobahn waits seconds for each case of a silent server, and is left out there.
    """
    sides: dict[str, list[str]] = {OURS: [sys.executable, "-m", "wsoracle", "wstest"]}
    other = autobahn_tool()
    if other is not None:
        sides[ESTABLISHED] = other
    plan = [
        (workload, side)
        for workload in workloads
        for turn in range(rounds)
        for side in (list(sides) if turn % 2 == 0 else list(reversed(sides)))
        if side == OURS or workload.peer != "silent"
    ]
    for side, command in sides.items():
        for mode in {workload.mode: workload for workload in workloads}.values():
            progress(f"{side}: one case first", 0, len(plan))
            _once(replace(mode, patterns=("1.1.1",), cases=1, peer=_PEERS[mode.mode]), command)
    turns: dict[tuple[str, str], list[_Turn]] = {}
    for number, (workload, side) in enumerate(plan):
        progress(f"{side}: {workload.name}", number, len(plan))
        turns.setdefault((workload.name, side), []).append(_once(workload, sides[side]))
    times = []
    for workload in workloads:
        took = {side: turns[workload.name, side] for side in sides if (workload.name, side) in turns}
        seconds = {side: tuple(turn.seconds for turn in done) for side, done in took.items()}
        peer = {side: tuple(turn.peer for turn in done) for side, done in took.items()}
        times.append(SuiteTime(workload, seconds, peer, {side: done[-1].verdicts for side, done in took.items()}))
    return SuiteReport(tuple(times), other is not None)


class _Turn(NamedTuple):
    """What a side took for a workload, once."""

    seconds: float
    peer: float
    verdicts: Mapping[str, int]


def _once(workload: Workload, command: Sequence[str]) -> _Turn:
    with tempfile.TemporaryDirectory(prefix="wsoracle-bench-") as folder:
        out = Path(folder) / "reports"
        spec: dict[str, Any] = {"outdir": str(out), "cases": list(workload.patterns), "exclude-cases": []}
        spec["exclude-agent-cases"] = {}
        path = Path(folder) / "spec.json"
        arguments = [*command, "-m", workload.mode, "-s", str(path)]
        if workload.mode == "fuzzingclient":
            with _peer(workload.peer) as port:
                spec["servers"] = [{"agent": "bench", "url": f"ws://127.0.0.1:{port}", "options": {"version": 18}}]
                path.write_text(json.dumps(spec), encoding="utf-8")
                took = _timed(arguments, folder)
                before = _cpu_of_ended()
            peer = _cpu_of_ended() - before
        else:
            url = f"ws://127.0.0.1:{_free_port()}"
            spec["url"] = url
            path.write_text(json.dumps(spec), encoding="utf-8")
            took, peer = _served([*arguments, "-u", "0"], url, folder)
        return _Turn(took, peer, _verdicts(out, workload))


def _cpu_of_ended() -> float:
    """Seconds of CPU that the processes took which this one has begun and seen the end of, and theirs."""
    times = os.times()
    return times.children_user + times.children_system


def _verdicts(out: Path, workload: Workload) -> Mapping[str, int]:
    try:
        index = json.loads((out / "index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SuiteBenchFailed(f"{workload.name}: a side wrote no report: {error}") from error
    found = [case["behavior"] for agent in index.values() for case in agent.values()]
    if len(found) != workload.cases:
        raise SuiteBenchFailed(f"{workload.name}: {len(found)} of {workload.cases} cases are in the report")
    return {verdict: found.count(verdict) for verdict in sorted(set(found))}


def _timed(arguments: Sequence[str], folder: str) -> float:
    begun = time.perf_counter()
    done = subprocess.run(arguments, cwd=folder, env=_environment(), capture_output=True, timeout=LONGEST, check=False)
    took = time.perf_counter() - begun
    if done.returncode not in (0, 1):
        raise SuiteBenchFailed(f"{' '.join(arguments[:4])}: exit status {done.returncode}: {done.stderr[-500:]!r}")
    return took


def _environment() -> dict[str, str]:
    """Ours, in which Python keeps bytecode."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _served(arguments: Sequence[str], url: str, folder: str) -> tuple[float, float]:
    """Until a client testee has run all cases and the reports are there, and what it took of the CPU.

    The server's start is not counted, for either side.
    """
    server = subprocess.Popen(
        arguments, cwd=folder, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _wait_for(int(url.rpartition(":")[2]), server)
        before = _cpu_of_ended()
        took = _timed([sys.executable, "-m", "wsoracle.benchmarks.peers", "testee", url], folder)
        return took, _cpu_of_ended() - before
    finally:
        server.terminate()
        try:
            server.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.communicate()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise SuiteBenchFailed(f"the fuzzing server ended: {server.communicate()[1][-500:]!r}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SuiteBenchFailed("the fuzzing server does not listen")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def _peer(kind: str) -> Iterator[int]:
    peer = subprocess.Popen(
        [sys.executable, "-m", "wsoracle.benchmarks.peers", kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert peer.stdout is not None
        line = peer.stdout.readline()
        if not line.strip().isdigit():
            raise SuiteBenchFailed(f"the {kind} server did not start")
        yield int(line)
    finally:
        peer.kill()
        peer.communicate()


def as_json(report: SuiteReport) -> dict[str, Any]:
    """The report as an object; times in seconds."""
    return {
        "compared": report.compared,
        "suites": [
            {
                "workload": time.workload.name,
                "cases": time.workload.cases,
                "seconds": {side: [round(value, 3) for value in values] for side, values in time.seconds.items()},
                "peerSeconds": {side: [round(value, 3) for value in values] for side, values in time.peer.items()},
                "verdicts": {side: dict(verdicts) for side, verdicts in time.verdicts.items()},
                "timesFaster": None if time.ratio is None else round(time.ratio, 2),
            }
            for time in report.times
        ],
    }


def as_table(report: SuiteReport) -> Table:
    """The report for people."""
    table = Table(title="a whole suite, with its reports: seconds (median)", title_justify="left")
    table.add_column("workload")
    table.add_column("cases", justify="right")
    table.add_column(OURS, justify="right")
    table.add_column(ESTABLISHED, justify="right")
    table.add_column("times faster", justify="right")
    table.add_column("the peer's own CPU", justify="right")
    for measured in report.times:
        medians = {side: f"{statistics.median(values):.2f}" for side, values in measured.seconds.items()}
        ratio = "-" if measured.ratio is None else f"{measured.ratio:.1f}"
        table.add_row(
            measured.workload.name,
            str(measured.workload.cases),
            medians[OURS],
            medians.get(ESTABLISHED, "-"),
            ratio,
            f"{statistics.median(measured.peer[OURS]):.2f}",
        )
    return table
