"""``wsoracle serve`` and ``wsoracle wstest`` as programs: what they print, what they leave behind, how they end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.wsoracle.client_testee import TemporaryFolder, ask, fuzzing_server, run_all, run_case
from tests.wsoracle.harness.test_server import run
from wsoracle.autobahn.tool import MISSING, autobahn_tool
from wsoracle.cli import program
from wsoracle.commands.serve import say
from wsoracle.generators.cases.runnable import runnable_cases

pytestmark = pytest.mark.peers

SELECTED = ("1.1.1", "2.1", "3.2", "5.6", "6.5.1", "7.1.1")
"""Some cases and all of their controls."""


class Program:
    """A running program, its output line by line, and its URL."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process, self.url = process, url

    async def status(self) -> int:
        return await self.process.wait()


@asynccontextmanager
async def running(*arguments: str, cwd: Path) -> AsyncIterator[Program]:
    command = [sys.executable, "-m", "wsoracle", *arguments]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    try:
        assert process.stdout is not None
        seen = []
        while line := (await process.stdout.readline()).decode():
            seen.append(line)
            if line.startswith("listening on "):
                break
        assert line, "".join(seen)
        yield Program(process, line.split()[-1])
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


def serving(tmp_path: Path, *more: str) -> contextlib.AbstractAsyncContextManager[Program]:
    selected = [part for case_id in SELECTED for part in ("--select", case_id)]
    listen = ("--listen", "127.0.0.1:0", "--out", "out")
    return running("serve", *listen, *selected, *more, cwd=tmp_path)


def index(tmp_path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((tmp_path / "out" / "index.json").read_text())
    return found


def test_serve_once(tmp_path: Path) -> None:
    async def talk() -> int:
        async with serving(tmp_path, "--once") as server:
            await run_all(server.url, "me")
            return await server.status()

    assert run(talk()) == 0
    assert set(index(tmp_path)) == {"me"} and set(index(tmp_path)["me"]) == set(SELECTED)
    assert all((tmp_path / "out" / case["reportfile"]).is_file() for case in index(tmp_path)["me"].values())


def test_who_does_not_run_all_is_not_well(tmp_path: Path) -> None:
    async def talk() -> int:
        async with serving(tmp_path, "--once") as server:
            await run_case(server.url, "casetuple=2.1", "me")
            await ask(f"{server.url}/updateReports?agent=me")
            return await server.status()

    assert run(talk()) == 1
    assert set(index(tmp_path)["me"]) == {"2.1"}


@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_run_that_was_stopped_left_whole_files_and_goes_on(tmp_path: Path, kill: signal.Signals) -> None:
    async def talk() -> int:
        async with serving(tmp_path) as server:
            for number in (1, 2):
                await run_case(server.url, f"case={number}", "me")
                await ask(f"{server.url}/getCaseStatus?case={number}&agent=me")
            server.process.send_signal(kill)
            status = await server.status()
        for file in (tmp_path / "out").glob("*.json"):
            assert json.loads(file.read_text())
        if kill != signal.SIGKILL:
            assert len(index(tmp_path)["me"]) == 2
        async with serving(tmp_path, "--resume", "--once") as server:
            await run_all(server.url, "me")
            assert await server.status() == 0
        return status

    status = run(talk())
    assert status == {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGKILL: -9}[kill]
    assert set(index(tmp_path)["me"]) == set(SELECTED)


@pytest.mark.parametrize("name", ["../../x", "x" * 4096, "a\0b", "/etc/passwd", "<b>"])
def test_an_agent_writes_below_the_folder_whatever_its_name(tmp_path: Path, name: str) -> None:
    from wsoracle.reports import ReportFolder

    below = tmp_path / "some" / "where" / "out"
    case = next(case for case in runnable_cases() if case.id == "2.1")

    async def talk() -> None:
        async with fuzzing_server([case], ReportFolder(below)) as (_, url):
            await run_all(url, name)

    run(talk())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.parent == below and len(path.name.encode()) <= 255 for path in files)
    assert name in json.loads((below / "index.json").read_text())


def test_a_terminal_does_not_obey_the_name_of_an_agent(capsys: pytest.CaptureFixture[str]) -> None:
    say("reports written for \x1b]0;x\x07\nnext line")
    assert capsys.readouterr().out == "reports written for \\x1b]0;x\\x07 next line\n"


# --- wstest -----------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def _echo(connection: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            await connection.send(message)


@asynccontextmanager
async def echo_server() -> AsyncIterator[str]:
    async with serve(_echo, "127.0.0.1", 0, compression=None, server_header="the server") as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def program_status(*command: str, cwd: Path) -> tuple[int | None, str]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=cwd, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def ours(*arguments: str, cwd: Path) -> tuple[int | None, str]:
    return await program_status(sys.executable, "-m", "wsoracle", "wstest", *arguments, cwd=cwd)


def spec(tmp_path: Path, **more: Any) -> dict[str, Any]:
    document = {
        "outdir": "./out",
        "cases": list(SELECTED),
        "exclude-cases": ["12.*"],
        "exclude-agent-cases": {},
        **more,
    }
    (tmp_path / "spec.json").write_text(json.dumps(document))
    return document


def test_wstest_as_a_server(tmp_path: Path) -> None:
    url = f"ws://127.0.0.1:{free_port()}"
    spec(tmp_path, url=url, **{"exclude-agent-cases": {"me*": ["7.*"]}})

    async def talk() -> int:
        async with running("wstest", "-m", "fuzzingserver", "-s", "spec.json", "-u", "0", cwd=tmp_path) as server:
            assert server.url == url
            await run_all(url, "me too", update=False)
            await ask(f"{url}/updateReports?agent=me%20too&shutdownOnComplete=true")
            return await server.status()

    assert run(talk()) == 0
    assert set(index(tmp_path)["me too"]) == set(SELECTED) - {"7.1.1"}


@pytest.mark.parametrize("named", [True, False])
def test_wstest_as_a_client(tmp_path: Path, named: bool) -> None:
    async def talk() -> tuple[int | None, str]:
        async with echo_server() as url:
            entry = {"url": url, "agent": "mine"} if named else {"url": url}
            spec(tmp_path, servers=[entry], **{"exclude-agent-cases": {"mine": ["7.*"], "the s*": ["7.*"]}})
            return await ours("-m", "fuzzingclient", "-s", "spec.json", cwd=tmp_path)

    status, output = run(talk())
    assert status == 0, output
    assert {agent: set(cases) for agent, cases in index(tmp_path).items()} == {
        "mine" if named else "the server": set(SELECTED) - {"7.1.1"}
    }


def test_wstest_says_so_where_a_server_is_not_there(tmp_path: Path) -> None:
    async def talk() -> tuple[int | None, str]:
        async with echo_server() as url:
            spec(tmp_path, servers=[{"url": f"ws://127.0.0.1:{free_port()}"}, {"url": url, "agent": "there"}])
            return await ours("-m", "fuzzingclient", "-s", "spec.json", cwd=tmp_path)

    status, output = run(talk())
    assert status == 1 and "start the server" in output
    assert set(index(tmp_path)) == {"there"}


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(program, list(arguments))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("wstest", "-m", "echoserver"), "needs -w URL"),
        (("wstest", "-m", "broadcastserver"), "it tests no conformance"),
        (("wstest", "-m", "massconnect", "-s", "bad.json"), "no JSON"),
        (("wstest", "-m", "echoclient", "-w", "http://x"), "scheme"),
        (("wstest", "-m", "fuzzing"), "fuzzingclient or fuzzingserver"),
        (("wstest", "-m", "fuzzingserver", "-s", "none.json"), "no such file"),
        (("wstest", "-m", "fuzzingserver", "-s", "bad.json"), "no JSON"),
        (("wstest", "-m", "fuzzingserver", "-s", "secure.json"), "certificate"),
        (("serve", "--listen", "9001"), "no address"),
        (("serve", "--listen", "127.0.0.1:0", "--cert", "bad.json"), "go together"),
        (("serve", "--listen", "127.0.0.1:0", "--cert", "bad.json", "--key", "bad.json"), "PEM"),
        (("serve", "--listen", "127.0.0.1:0", "--select", "nothing like that"), "no case matches"),
    ],
)
def test_wrong_input_is_one_line(elsewhere: Path, arguments: tuple[str, ...], says: str) -> None:
    (elsewhere / "bad.json").write_text("no json")
    (elsewhere / "secure.json").write_text('{"url": "wss://127.0.0.1:1", "cases": ["1.1.1"]}')
    result = call(*arguments)
    assert result.exit_code == 2 and says in result.stderr
    assert len([line for line in result.stderr.splitlines() if "warning" not in line]) == 1


@pytest.mark.parametrize("arguments", [("serve", "--listen"), ("wstest", "-m", "fuzzingserver", "-u", "0", "-w")])
def test_a_port_that_is_taken_is_wrong_input(elsewhere: Path, arguments: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        address = f"127.0.0.1:{port}"
        result = call(*arguments, address if arguments[0] == "serve" else f"ws://{address}")
    assert result.exit_code == 2 and "in use" in result.stderr


def test_a_specification_is_written_where_there_is_none(elsewhere: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}"
        call("wstest", "-m", "fuzzingserver", "-u", "0", "-w", url)
    written = json.loads((elsewhere / "fuzzingserver.json").read_text())
    assert written["cases"] == ["*"] and written["url"] == "ws://127.0.0.1:9001"


# --- beside Autobahn -----------------------------------------------------------------------------------


def shape(document: dict[str, Any]) -> dict[str, str]:
    return {key: type(value).__name__ for key, value in document.items() if key != "wsoracle"}


def reports(folder: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(path.read_text()) for path in folder.glob("*_case_*.json")]
    return {record["id"]: record for record in found}


@pytest.fixture(scope="module")
def autobahn_record() -> list[str]:
    tool = autobahn_tool()
    if tool is None:
        pytest.skip(MISSING)
    return tool


def test_the_same_testee_on_both_servers(autobahn_record: list[str], tmp_path: Path) -> None:
    port = free_port()
    url = f"ws://127.0.0.1:{port}"
    spec(tmp_path, url=url)

    async def talk() -> TemporaryFolder:
        process = await asyncio.create_subprocess_exec(
            *autobahn_record, "-m", "fuzzingserver", "-s", "spec.json", "-u", "0",
            cwd=tmp_path, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            while True:
                try:
                    count = await run_all(url, "me")
                    break
                except OSError:
                    assert process.returncode is None
                    await asyncio.sleep(0.05)
            info = json.loads(await ask(f"{url}/getCaseInfo?case=1") or "")
            status = await ask(f"{url}/getCaseStatus?case=1&agent=me")
        finally:
            process.terminate()
            await process.wait()
        folder = TemporaryFolder()
        cases = [case for case in runnable_cases() if case.id in SELECTED]
        async with fuzzing_server(cases, folder) as (_, ours):
            assert await run_all(ours, "me") == count
            assert shape(json.loads(await ask(f"{ours}/getCaseInfo?case=1") or "")) == shape(info)
            assert await ask(f"{ours}/getCaseStatus?case=1&agent=me") == status
        return folder

    mine, theirs = run(talk()).of("me"), reports(tmp_path / "out")
    assert set(mine) == set(theirs) == set(SELECTED)
    for case_id, record in theirs.items():
        assert shape(mine[case_id]) == shape(record)
        same = ("agent", "case", "id", "isServer", "behaviorClose", "closedByMe", "remoteCloseCode",
                "wasClean", "received", "rxFrameStats")  # fmt: skip
        assert {key: mine[case_id][key] for key in same} == {key: record[key] for key in same}, case_id


def test_the_same_specification_for_both_clients(autobahn_record: list[str], tmp_path: Path) -> None:
    folders = [tmp_path / "ours", tmp_path / "theirs"]

    async def talk() -> None:
        async with echo_server() as url:
            for folder in folders:
                folder.mkdir()
                spec(folder, servers=[{"url": url, "agent": "An Agent/1.0", "options": {"version": 18}}])
            status, output = await ours("-m", "fuzzingclient", "-s", "spec.json", cwd=folders[0])
            assert status == 0, output
            status, output = await program_status(
                *autobahn_record, "-m", "fuzzingclient", "-s", "spec.json", cwd=folders[1]
            )
            assert status == 0, output

    run(talk())
    mine, theirs = (index(folder)["An Agent/1.0"] for folder in folders)
    assert {case_id: shape(case) for case_id, case in mine.items()} == {
        case_id: shape(case) for case_id, case in theirs.items()
    }
    assert [case["reportfile"] for case in mine.values()] == [
        mine_[1]["reportfile"] for mine_ in _in_order(theirs, mine)
    ]
    names = {path.name for path in (folders[1] / "out").iterdir()}
    assert names <= {path.name for path in (folders[0] / "out").iterdir()}
    left, right = (reports(folder / "out") for folder in folders)
    for case_id, record in right.items():
        assert shape(left[case_id]) == shape(record)
        assert left[case_id]["case"] == record["case"]


def _in_order(cases: dict[str, Any], like: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(case_id, cases[case_id]) for case_id in like]
