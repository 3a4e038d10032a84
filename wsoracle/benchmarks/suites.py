"""How long a whole suite takes, beside Autobahn: the same specification file, the same peer, in turns.

A side is a command line that is called as Autobahn is. Its time is that of the process, from its start to its end,
reports included, as its user waits for it; a side that ends in an error, or leaves cases out, fails the run. Sides take
turns, and the order changes from round to round. The figures are medians, and the ratio of the medians.

With them stands the CPU time that the peer itself takes from its start to its end. A client under test runs one case
after another, and no tester can be faster than that; a server works beside its tester.

Before that each side runs one case unmeasured, so that Python compiles its modules outside the measurement.
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any, Final, NamedTuple

from rich.table import Table

from ..autobahn.tool import autobahn_tool
from ..fleet.paths import SCRIPTS
from ..text.output import OnStep

SMALL: Final = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
LARGE: Final = ("9.*",)
OURS: Final = "wsoracle"
AUTOBAHN: Final = "Autobahn"
LONGEST: Final = 900.0
"""Seconds that a side may take."""


class SuiteBenchFailed(Exception):
    """A side did not do the work; the message says which and what it printed last."""


class BenchSuite(NamedTuple):
    """The cases that are run, by patterns and their number, and the peer: ``server``, ``client`` or ``silent``.

    A server takes permessage-deflate where they are cases of ``compression``.
    """

    name: str
    patterns: tuple[str, ...]
    cases: int
    peer: str
    compression: bool = False


SUITES: Final = (
    BenchSuite("servers, groups 1-7 and 10", SMALL, 247, "server"),
    BenchSuite("servers, group 9", LARGE, 54, "server"),
    BenchSuite("clients, groups 1-7 and 10", SMALL, 247, "client"),
    BenchSuite("clients, group 9", LARGE, 54, "client"),
    BenchSuite("a silent server, groups 1-7, 9 and 10", (*SMALL, *LARGE), 301, "silent"),
)

COMPRESSION: Final = (BenchSuite("servers, groups 12 and 13", ("12.*", "13.*"), 216, "server", compression=True),)
"""Apart from the others, since it takes minutes: the server compresses 11 GB."""


class SuiteRun(NamedTuple):
    """One run of a suite: its seconds, the CPU seconds of the peer, and how many cases had each verdict."""

    seconds: float
    peer: float
    verdicts: dict[str, int]


class SuiteTimes(NamedTuple):
    """The turns of each side that ran a suite."""

    suite: BenchSuite
    turns: dict[str, list[SuiteRun]]

    def median(self, side: str) -> float:
        """The median of a side's seconds."""
        return statistics.median(turn.seconds for turn in self.turns[side])

    @property
    def ratio(self) -> float | None:
        """How many times faster ours is; None where Autobahn did not run."""
        return self.median(AUTOBAHN) / self.median(OURS) if AUTOBAHN in self.turns else None


def run_suite_bench(rounds: int, progress: OnStep, suites: Sequence[BenchSuite] = SUITES) -> list[SuiteTimes]:
    """Measure. Raises :class:`SuiteBenchFailed` where a side fails.

    Autobahn takes part where it is installed; it waits seconds for each case of a silent server, and is left out there.
    """
    sides: dict[str, Sequence[str]] = {OURS: [sys.executable, "-m", "wsoracle", "wstest"]}
    other = autobahn_tool()
    if other is not None:
        sides[AUTOBAHN] = other
    plan = [
        (suite, side)
        for suite in suites
        for turn in range(rounds)
        for side in (list(sides) if turn % 2 == 0 else list(reversed(sides)))
        if side == OURS or suite.peer != "silent"
    ]
    for side, command in sides.items():
        for peer in dict.fromkeys("client" if suite.peer == "client" else "server" for suite in suites):
            progress(f"{side}: one case first", 0, len(plan))
            _run(BenchSuite("one case", ("1.1.1",), 1, peer), command)
    times = {suite: SuiteTimes(suite, {}) for suite in suites}
    for number, (suite, side) in enumerate(plan):
        progress(f"{side}: {suite.name}", number, len(plan))
        times[suite].turns.setdefault(side, []).append(_run(suite, sides[side]))
    return list(times.values())


def _run(suite: BenchSuite, command: Sequence[str]) -> SuiteRun:
    with tempfile.TemporaryDirectory(prefix="wsoracle-bench-") as name:
        folder = Path(name)
        out, spec = folder / "reports", folder / "spec.json"
        content: dict[str, Any] = {"outdir": str(out), "cases": suite.patterns, "exclude-cases": []}
        content["exclude-agent-cases"] = {}
        if suite.peer == "client":
            url = content["url"] = f"ws://127.0.0.1:{_free_port()}"
            spec.write_text(json.dumps(content), encoding="utf-8")
            with _fuzzing_server([*command, "-m", "fuzzingserver", "-s", str(spec), "-u", "0"], folder, url):
                before = _cpu_of_ended()
                seconds = _timed([sys.executable, _script("websockets_client.py"), url, "bench"], folder)
                peer = _cpu_of_ended() - before
        else:
            with _server(suite) as port:
                content["servers"] = [{"agent": "bench", "url": f"ws://127.0.0.1:{port}", "options": {"version": 18}}]
                spec.write_text(json.dumps(content), encoding="utf-8")
                seconds = _timed([*command, "-m", "fuzzingclient", "-s", str(spec)], folder)
                before = _cpu_of_ended()
            peer = _cpu_of_ended() - before
        return SuiteRun(seconds, peer, _verdicts(out, suite))


def _script(name: str) -> str:
    return str(SCRIPTS / "python" / name)


def _cpu_of_ended() -> float:
    """Seconds of CPU of the processes that this one has started and seen the end of, and of theirs."""
    times = os.times()
    return times.children_user + times.children_system


def _verdicts(out: Path, suite: BenchSuite) -> dict[str, int]:
    try:
        index = json.loads((out / "index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SuiteBenchFailed(f"{suite.name}: a side wrote no report: {error}") from error
    found = [case["behavior"] for agent in index.values() for case in agent.values()]
    if len(found) != suite.cases:
        raise SuiteBenchFailed(f"{suite.name}: {len(found)} of {suite.cases} cases are in the report")
    return {verdict: found.count(verdict) for verdict in sorted(set(found))}


def _timed(arguments: Sequence[str], folder: Path) -> float:
    begun = time.perf_counter()
    try:
        done = subprocess.run(
            arguments, cwd=folder, env=_environment(), capture_output=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SuiteBenchFailed(f"{' '.join(arguments[:4])}: not done after {LONGEST:g} s") from error
    seconds = time.perf_counter() - begun
    if done.returncode not in (0, 1):
        raise SuiteBenchFailed(f"{' '.join(arguments[:4])}: exit status {done.returncode}: {done.stderr[-500:]!r}")
    return seconds


def _environment() -> dict[str, str]:
    """Ours, in which Python keeps bytecode, and a client opens nothing besides the cases: Autobahn has no probes."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "WSORACLE_PROBES": "0"}


@contextmanager
def _fuzzing_server(arguments: Sequence[str], folder: Path, url: str) -> Iterator[None]:
    """A side that serves its cases, from when it listens; its start is not measured."""
    server = subprocess.Popen(
        arguments, cwd=folder, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _wait_for(int(url.rpartition(":")[2]), server)
        yield
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
def _server(suite: BenchSuite) -> Iterator[int]:
    """A server under test: one that echoes, or one that is silent; gives its port."""
    if suite.peer == "silent":
        with ThreadingTCPServer(("127.0.0.1", 0), _Silent) as silent:
            Thread(target=silent.serve_forever, daemon=True).start()
            yield silent.server_address[1]
            silent.shutdown()
        return
    peer = subprocess.Popen(
        [sys.executable, _script("websockets_server.py"), "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "WSORACLE_COMPRESSION": "1" if suite.compression else ""},
    )
    try:
        assert peer.stdout is not None
        ready, _, port = peer.stdout.readline().partition(" ")
        if ready != "READY":
            raise SuiteBenchFailed("the server under test did not start")
        yield int(port)
    finally:
        peer.kill()
        peer.communicate()


class _Silent(BaseRequestHandler):
    """Reads to the end of the connection, and sends nothing."""

    def handle(self) -> None:
        while self.request.recv(65536):
            pass


def as_json(report: Sequence[SuiteTimes]) -> dict[str, Any]:
    """The report as an object; times in seconds."""
    return {
        "compared": any(times.ratio is not None for times in report),
        "suites": [
            {
                "workload": times.suite.name,
                "cases": times.suite.cases,
                "seconds": {side: [round(turn.seconds, 3) for turn in turns] for side, turns in times.turns.items()},
                "peerSeconds": {side: [round(turn.peer, 3) for turn in turns] for side, turns in times.turns.items()},
                "verdicts": {side: turns[-1].verdicts for side, turns in times.turns.items()},
                "timesFaster": None if times.ratio is None else round(times.ratio, 2),
            }
            for times in report
        ],
    }


def as_table(report: Sequence[SuiteTimes]) -> Table:
    """The report for people."""
    table = Table(title="a whole suite, with its reports: seconds (median)", title_justify="left")
    table.add_column("workload")
    for heading in ("cases", OURS, AUTOBAHN, "times faster", "the peer's own CPU"):
        table.add_column(heading, justify="right")
    for times in report:
        table.add_row(
            times.suite.name,
            str(times.suite.cases),
            f"{times.median(OURS):.2f}",
            f"{times.median(AUTOBAHN):.2f}" if AUTOBAHN in times.turns else "-",
            "-" if times.ratio is None else f"{times.ratio:.1f}",
            f"{statistics.median(turn.peer for turn in times.turns[OURS]):.2f}",
        )
    return table
