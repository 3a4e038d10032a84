"""All implementations against the harness: servers under the fuzzing client, clients at the fuzzing server.

Each runs in processes of its own, and so does the tester, with a report folder for each. An implementation that does
not start, does not end in time or breaks down has a reason in its round, and the others go on.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from wsoracle.model.octets.vocabulary import Role

from .paths import FleetPaths
from .processes import Crew, PeerError
from .registry import Peer

_TESTED: Final = (0, 1)
"""Exit statuses of a tester that has tested: everything held, or something failed."""


@dataclass(frozen=True, slots=True)
class Harness:
    """How the harness is called. `program` comes before the command, `options` after it; `within` is the longest that
    one implementation may take, in seconds; `asked` is how many cases it runs in each role, where that is known."""

    options: tuple[str, ...] = ()
    within: float = 1200.0
    asked: Mapping[Role, int] = field(default_factory=dict)
    program: tuple[str, ...] = (sys.executable, "-m", "wsoracle")

    def test(self, url: str, agent: str, folder: Path) -> list[str]:
        """The fuzzing client at a server."""
        return [*self.program, "test", url, "--agent", agent, "--out", str(folder), *self.options]

    def serve(self, port: int, folder: Path) -> list[str]:
        """The fuzzing server on a port."""
        return [*self.program, "serve", "--listen", f"127.0.0.1:{port}", "--untrusted-port", "0",
                "--out", str(folder), *self.options]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Turn:
    """An implementation in one of its roles, of the version that is installed."""

    peer: Peer
    role: Role
    version: str

    @property
    def agent(self) -> str:
        """Its name in reports."""
        return agent_name(self.peer.name, self.version, self.role)


@dataclass(frozen=True, slots=True)
class Round:
    """The result of a turn: the folder with its records, where it did not run to its end the reason, and how many cases
    were to be run."""

    turn: Turn
    folder: Path
    seconds: float
    reason: str | None = None
    asked: int | None = None


def agent_name(name: str, version: str, role: Role) -> str:
    """How an implementation is called in reports: ``websockets-17.4-server``."""
    return f"{name}-{version.partition(' ')[0]}-{role}"


def with_deflate(version: str) -> str:
    """A version under which an implementation stands in reports where it was told to take permessage-deflate."""
    number, space, more = version.partition(" ")
    return f"{number}+deflate{space}{more}"


def run_rounds(
    turns: Iterable[Turn],
    paths: FleetPaths,
    crew: Crew,
    folder: Path,
    tester: Harness,
    *,
    jobs: int = 1,
    on_round: Callable[[Round], object] = lambda done: None,
) -> list[Round]:
    """Run the turns, `jobs` at a time, each with its records in a folder of its own below `folder`.

    The rounds come back in the order of the turns; `on_round` is called with each as it ends. Where an exception
    (Ctrl-C too) ends this early, every process that it started is killed.
    """
    turns = list(turns)
    pool = ThreadPoolExecutor(jobs)
    try:
        futures = [pool.submit(_round, turn, paths, crew, folder / turn.agent, tester) for turn in turns]
        left: set[Future[Round]] = set(futures)
        while left:
            done, left = wait(left, return_when=FIRST_COMPLETED)
            for future in done:
                on_round(future.result())
        return [future.result() for future in futures]
    except BaseException:
        crew.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _round(turn: Turn, paths: FleetPaths, crew: Crew, folder: Path, tester: Harness) -> Round:
    started = time.monotonic()
    reason = None
    if (folder / "wsoracle.json").is_file():
        shutil.rmtree(folder)  # of an earlier run, perhaps of other cases
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if turn.role is Role.SERVER:
            _test_server(turn, paths, crew, folder, tester)
        else:
            _test_client(turn, paths, crew, folder, tester)
    except PeerError as error:
        reason = str(error)
    except OSError as error:
        reason = f"{error.filename or folder}: {error.strerror or error}"
    return Round(turn, folder, time.monotonic() - started, reason, tester.asked.get(turn.role))


def _test_server(turn: Turn, paths: FleetPaths, crew: Crew, folder: Path, tester: Harness) -> None:
    command = paths.command(turn.peer.server)
    with crew.server(command, paths.logs / f"{turn.agent}.log", paths.variables()) as server:
        log = paths.logs / f"{turn.agent}.test.log"
        status = crew.run(tester.test(server.url, turn.agent, folder), log, within=tester.within)
        if status not in _TESTED:
            raise PeerError(f"the tester ended with status {status}: {_last_line(log)}")
        if not server.running:
            raise PeerError(f"the server broke down during the run; it said last: {server.last_words() or 'nothing'}")


def _test_client(turn: Turn, paths: FleetPaths, crew: Crew, folder: Path, tester: Harness) -> None:
    port = _free_port()
    log = paths.logs / f"{turn.agent}.serve.log"
    with crew.server(tester.serve(port, folder), log, dict(os.environ), port=port, grace=10.0) as server:
        command = paths.command(turn.peer.client, url=server.url, agent=turn.agent)
        own_log = paths.logs / f"{turn.agent}.log"
        status = crew.run(command, own_log, within=tester.within, variables=paths.variables())
        if not server.running:
            raise PeerError(f"the fuzzing server broke down; it said last: {server.last_words() or 'nothing'}")
    if status != 0:
        raise PeerError(f"the client ended with status {status}; it said last: {_last_line(own_log) or 'nothing'}")


def _free_port() -> int:
    """A free port; another program may take it before it is used."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _last_line(log: Path) -> str:
    from ..text.output import one_line

    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return one_line(lines[-1], 300) if lines else ""
