"""The pytest plugin: each case of the suite is a test item, for a server, or for a client that a test runs.

A test that takes ``wsoracle_case`` is run once for each case that ``--wsoracle-select`` selects, against the server
whose URL the fixture ``wsoracle_server`` gives (the project's own, or ``--wsoracle-server URL``). All cases are run at
once, when the first item asks, as ``wsoracle test`` runs them: several at a time, controls too, what was in doubt again
and alone. One that takes ``wsoracle_client_case`` has its client connect to the ``url`` of the case, at a fuzzing peer
that runs for the session.

Nothing of wsoracle is imported before a test asks for it: where the plugin is not used, it costs the import of this.
"""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

if TYPE_CHECKING:
    from wsoracle.generators.cases.case import Case

    from ..oracle.online import OnlineOracle
    from ..reports.summary import CaseSummary

_AGENT: Final = "pytest"
_FIXTURES: Final = {"wsoracle_case": "server", "wsoracle_client_case": "client"}
_JUDGED_WITHIN: Final = 30.0
"""Seconds in which the verdict is there when the client has come to the end of a case."""
_LOOK: Final = 0.02


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the plugin."""
    group = parser.getgroup("wsoracle", "WebSocket conformance (RFC 6455)")
    group.addoption("--wsoracle-select", action="append", default=[], metavar="PATTERN",
                    help="Only these cases, by the patterns of wsoracle test --select; may be repeated.")  # fmt: skip
    group.addoption("--wsoracle-server", metavar="URL",
                    help="The server under test, where no fixture wsoracle_server gives it.")  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """An item for each case."""
    for fixture, role in _FIXTURES.items():
        if fixture in metafunc.fixturenames:
            ids = [case.id for case in _cases(metafunc.config, role)]
            metafunc.parametrize(fixture, ids, indirect=True, scope="session")


class PlayedCase:
    """A case that was played against the endpoint under test: `id`, and `summary`, which has its verdict and rules."""

    def __init__(self, summary: CaseSummary) -> None:
        self.id: Final = summary.id
        self.summary: Final = summary

    def check(self) -> None:
        """AssertionError where the case failed, with the verdict, the clauses and the octets."""
        __tracebackhide__ = True
        if self.summary.failed:
            from ..reports.causes import causes_of
            from ..reports.junit_markdown import told

            lines = [line for cause in causes_of({self.id: self.summary}) for line in told(cause, self.summary)]
            raise AssertionError("\n".join([f"{self.summary.label}: case {self.id}: {self.summary.title}", *lines]))


class ClientCase:
    """A case for a client, which connects to `url` and echoes what it gets until the connection ends."""

    def __init__(self, case_id: str, url: str, folder: Path) -> None:
        self.id: Final = case_id
        self.url: Final = url
        self._folder: Final = folder

    def check(self) -> None:
        """AssertionError where the client failed in the case, or was not there; to be called when it is done."""
        __tracebackhide__ = True
        PlayedCase(self._summary()).check()

    def _summary(self) -> CaseSummary:
        from ..reports.stored_record import RecordFile, records_in
        from ..reports.summary import summary_of

        until = time.monotonic() + _JUDGED_WITHIN
        while time.monotonic() < until:
            for found in records_in(self._folder):
                if isinstance(found, RecordFile) and found.record["id"] == self.id:
                    return summary_of(found.record, found.name)
            time.sleep(_LOOK)
        raise AssertionError(f"case {self.id}: the client did not connect to {self.url}, or is still connected")


@pytest.fixture(scope="session")
def wsoracle_server(request: pytest.FixtureRequest) -> str:
    """The URL of the server under test, whose application echoes: to be overridden, or given by an option."""
    url: str | None = request.config.getoption("--wsoracle-server")
    return url if url is not None else _usage("give --wsoracle-server URL, or write a fixture wsoracle_server")


@pytest.fixture(scope="session")
def wsoracle_results(
    request: pytest.FixtureRequest, wsoracle_server: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, CaseSummary]:
    """All selected cases, played against the server under test: what became of each, by its id."""
    from wsoracle.model.octets.uri import parse_uri
    from wsoracle.model.octets.vocabulary import Role

    from ..harness.client import run_client
    from ..harness.judging_pool import Judges
    from ..harness.manners import Manners
    from ..harness.target import NoServer, Target
    from ..reports import ReportFolder

    cases = _cases(request.config, "server")
    folder = ReportFolder(tmp_path_factory.mktemp("wsoracle"))
    folder.expect(case.id for case in cases)
    with Judges(Role.SERVER, cases) as judges:
        try:
            uri = parse_uri(wsoracle_server)
            target = Target(uri, _AGENT, ssl.create_default_context() if uri.secure else None)
            asyncio.run(run_client(target, cases, Manners(), folder, judges=judges))
        except (NoServer, ValueError) as error:
            _usage(str(error))
    folder.finish()
    return dict(folder.summaries[_AGENT])


@pytest.fixture(scope="session")
def wsoracle_case(request: pytest.FixtureRequest, wsoracle_results: dict[str, CaseSummary]) -> PlayedCase:
    """A case that was played against the server under test."""
    return PlayedCase(wsoracle_results[request.param])


@pytest.fixture(scope="session")
def wsoracle_peer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], ClientCase]]:
    """A fuzzing peer for clients, for as long as the session lasts: gives the case with an id."""
    folder = tmp_path_factory.mktemp("wsoracle-clients")
    cases = _cases(request.config, "client")
    selected = [part for case in cases for part in ("--select", case.id)]
    command = [sys.executable, "-m", "wsoracle", "serve", "--listen", "127.0.0.1:0", "--out", str(folder), *selected]
    numbers = {case.id: number for number, case in enumerate(cases, 1)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        where = line.rpartition(" ")[2].strip()
        if not where.startswith("ws://"):
            _usage("the fuzzing peer does not listen: its error stands on standard error")
        try:
            yield lambda name: ClientCase(name, f"{where}/runCase?case={numbers[name]}&agent={_AGENT}", folder)
        finally:
            process.terminate()
            process.stdout.read()


@pytest.fixture(scope="session")
def wsoracle_client_case(request: pytest.FixtureRequest, wsoracle_peer: Callable[[str], ClientCase]) -> ClientCase:
    """A case that waits for the client under test."""
    return wsoracle_peer(request.param)


@pytest.fixture
def wsoracle_oracle() -> Iterator[Callable[..., OnlineOracle]]:
    """Makes an :class:`~wsoracle.testing.OnlineOracle`; at the end of the test each must explain all that it saw."""
    from ..oracle.online import OnlineOracle
    from .in_lines import lines_of

    made: list[OnlineOracle] = []

    def make(*args: Any, **options: Any) -> OnlineOracle:
        made.append(OnlineOracle(*args, **options))
        return made[-1]

    yield make
    for oracle in made:
        if not oracle.explains():
            raise AssertionError("\n".join(lines_of(oracle.judgement(), oracle.trace)))


def _cases(config: pytest.Config, role: str) -> tuple[Case, ...]:
    """The selected cases for endpoints of a role, with their controls."""
    from wsoracle.model.octets.vocabulary import Role

    from ..cli import WrongInput
    from ..commands.harness_options import chosen_cases

    try:
        return chosen_cases(Role(role), {"selected": config.getoption("--wsoracle-select"), "excluded": ()})
    except WrongInput as error:
        _usage(f"--wsoracle-select: {error.message}")


def _usage(says: str) -> NoReturn:
    raise pytest.UsageError(f"wsoracle: {says}")
