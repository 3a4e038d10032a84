"""How projects use Autobahn in their builds: each row their configuration, their command, and how they read the result.

The configurations are made here from the facts; the logic that reads ``index.json`` is ours, with their conditions.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.wsoracle.client_testee import ask, run_case
from tests.wsoracle.commands.test_serve import free_port, program_status, running
from tests.wsoracle.harness.test_server import run
from wsoracle.autobahn.patterns import is_of_autobahn
from wsoracle.autobahn.specification import CLIENT, SERVER, parse_spec
from wsoracle.commands.wstest import BIND
from wsoracle.generators.cases.runnable import runnable_cases

pytestmark = pytest.mark.peers

Document = dict[str, Any]
FIVE = {"behavior", "behaviorClose", "duration", "remoteCloseCode", "reportfile"}


async def _echo(connection: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            await connection.send(message)


async def _other(connection: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for _ in connection:
            await connection.send("another")


@asynccontextmanager
async def echo_at(name: str | None = "echo", application: Any = _echo) -> AsyncIterator[int]:
    """A server on a port of its own, which calls itself so in its answers."""
    async with serve(application, "127.0.0.1", 0, compression=None, max_size=None, server_header=name) as server:
        yield next(iter(server.sockets)).getsockname()[1]


def wstest(folder: Path, document: Callable[[int], Document], *more: str, name: str = "fuzzingclient.json",
           server: str | None = "echo", application: Any = _echo) -> tuple[int, str]:  # fmt: skip
    """Write a specification, run the fuzzing client in a folder against an echo server: exit status, output."""

    async def talk() -> tuple[int | None, str]:
        async with echo_at(server, application) as port:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(json.dumps(document(port)))
            command = [sys.executable, "-m", "wsoracle", "wstest", *(one.replace("PORT", str(port)) for one in more)]
            return await program_status(*command, cwd=folder)

    status, output = run(talk())
    assert status is not None
    return status, output


def index(folder: Path) -> dict[str, dict[str, Document]]:
    found: dict[str, dict[str, Document]] = json.loads((folder / "index.json").read_text())
    return found


def without_durations(document: Any) -> Any:
    """What ``jq 'del(.. | .duration?)'`` leaves."""
    if isinstance(document, dict):
        return {key: without_durations(value) for key, value in document.items() if key != "duration"}
    return document


# --- fuzzingclient ----------------------------------------------------------------------------------------------------


def test_tungstenite_compares_the_index_with_a_stored_one(tmp_path: Path) -> None:
    def spec(port: int) -> Document:
        server = {"agent": "Tungstenite", "url": f"ws://127.0.0.1:{port}"}
        return {"outdir": "./autobahn/server", "servers": [server], "cases": ["1.1.1"], "exclude-cases": [],
                "exclude-agent-cases": {}}  # fmt: skip

    arguments = ("-m", "fuzzingclient", "-s", "autobahn/fuzzingclient.json")
    assert wstest(tmp_path, spec, *arguments, name="autobahn/fuzzingclient.json")[0] == 0
    found = index(tmp_path / "autobahn" / "server")
    assert set(found["Tungstenite"]["1.1.1"]) == FIVE
    expected = {
        "behavior": "OK",
        "behaviorClose": "OK",
        "remoteCloseCode": 1000,
        "reportfile": "tungstenite_case_1_1_1.json",
    }
    assert without_durations(found) == {"Tungstenite": {"1.1.1": expected}}


def test_all_ids_are_there() -> None:
    spec = parse_spec({"servers": [{"url": "ws://127.0.0.1:1"}], "cases": ["*"]}, CLIENT)
    ids = spec.chosen([case.id for case in runnable_cases()])
    assert len(ids) == len(set(ids)) == 517 and all(map(is_of_autobahn, ids)) and not spec.warnings


def test_bandit_gives_lists_with_holes_and_looks_for_an_unknown_server(tmp_path: Path) -> None:
    def spec(port: int) -> Document:
        return {"cases": ["1.1.1", "8.*"], "exclude-cases": [""], "outdir": "./reports"}

    status, output = wstest(
        tmp_path, spec, "--mode", "fuzzingclient", "-w", "ws://127.0.0.1:PORT", server=None
    )  # its specification is the default file
    assert status == 0, output
    assert "'8.*' means no case" in output and "an empty pattern" in output
    found = index(tmp_path / "reports")["UnknownServer"]
    assert found and all(
        case["behavior"] in ("OK", "NON-STRICT", "INFORMATIONAL") and case["behaviorClose"] in ("OK", "INFORMATIONAL")
        for case in found.values()
    )


def test_gobwas_and_gws_keep_the_report_and_set_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYPTOGRAPHY_ALLOW_OPENSSL_102", "yes")

    def spec(port: int) -> Document:
        return {"outdir": "autobahn/report", "servers": [{"agent": "ws", "url": f"ws://127.0.0.1:{port}/ws"}],
                "cases": ["2.1"], "exclude-cases": [], "exclude-agent-cases": {}}  # fmt: skip

    assert wstest(tmp_path, spec, "-m", "fuzzingclient", "-s", "config.json", name="config.json")[0] == 0
    written = {file.name for file in (tmp_path / "autobahn" / "report").iterdir()}
    assert {"index.html", "index.json", "ws_case_2_1.html", "ws_case_2_1.json"} <= written


def test_aiohttp_reads_the_file_of_each_report(tmp_path: Path) -> None:
    def spec(port: int) -> Document:
        return {"options": {"failByDrop": False}, "outdir": str(tmp_path / "reports" / "servers"),
                "servers": [{"agent": "AutobahnServer", "url": f"ws://localhost:{port}", "options": {"version": 18}}],
                "cases": ["1.1.1", "4.1.1", "12.*", "13.*"], "exclude-cases": ["9.*"],
                "exclude-agent-cases": {}}  # fmt: skip

    spec_file = "config/fuzzingclient.json"
    status, output = wstest(tmp_path, spec, "--mode", "fuzzingclient", "--spec", spec_file, name=spec_file)
    assert status == 0 and "216 UNIMPLEMENTED" in output and output.count("opening handshake: extension") == 1
    for case in index(tmp_path / "reports" / "servers")["AutobahnServer"].values():
        assert case["behaviorClose"] == "OK"
        report = json.loads((tmp_path / "reports" / "servers" / case["reportfile"]).read_text())
        assert report["result"] and report["expectation"] and report["isServer"] is False


def test_websockets_and_gorilla_test_several_servers_in_one_run(tmp_path: Path) -> None:
    def spec(port: int) -> Document:
        paths = ("m", "s", "f", "w", "c")
        named = [{"agent": one, "url": f"ws://127.0.0.1:{port}/{one}"} for one in paths]
        return {"options": {"failByDrop": False}, "outdir": "./reports/servers", "exclude-cases": ["12.*"],
                "servers": [*named, {"url": f"ws://localhost:{port}"}, {"url": f"ws://localhost:{port}"}],
                "cases": ["1.1.1"], "exclude-agent-cases": {}}  # fmt: skip

    assert wstest(tmp_path, spec, "--mode", "fuzzingclient")[0] == 0
    found = set(index(tmp_path / "reports" / "servers"))
    assert found > {"m", "s", "f", "w", "c", "echo"} and len(found) == 7


@pytest.mark.parametrize("good", [True, False])
def test_cowboy_counts_a_class_in_the_page_and_others_look_for_failed(tmp_path: Path, good: bool) -> None:
    # websocket.zig, uWebSockets and tokio-websockets come along: a list with a group that does not exist, a folder with
    # a slash at its end, and a search for FAILED in the lists.
    def spec(port: int) -> Document:
        return {"options": {"failByDrop": False}, "outdir": "reports/servers/",
                "servers": [{"agent": "Cowboy", "url": f"ws://127.0.0.1:{port}/ws_echo"}],
                "cases": ["1.1.2", "11.*"], "exclude-cases": [], "exclude-agent-cases": {}}  # fmt: skip

    application = _echo if good else _other
    status, _ = wstest(
        tmp_path, spec, "-m", "fuzzingclient", "-s", "client.json", name="client.json", application=application
    )
    assert status == (0 if good else 1)
    page = (tmp_path / "reports" / "servers" / "index.html").read_text()
    assert (page.count("case_failed") > 2) is not good and ("case_ok" in page) is good
    lists = (tmp_path / "reports" / "servers").glob("index.json*")
    assert any("FAILED" in file.read_text() for file in lists) is not good


def test_a_run_without_a_case_is_written_and_not_well(tmp_path: Path) -> None:
    def spec(port: int) -> Document:
        return {"outdir": "out", "servers": [{"url": f"ws://127.0.0.1:{port}"}], "cases": ["8.*"]}

    status, output = wstest(tmp_path, spec, "-m", "fuzzingclient")
    assert status == 1 and "nothing was tested" in output and index(tmp_path / "out") == {}


# --- fuzzingserver ----------------------------------------------------------------------------------------------------


def server_spec(folder: Path, **more: Any) -> str:
    url = f"ws://127.0.0.1:{free_port()}"
    spec = {"url": url, "outdir": "./reports/clients", "cases": ["1.1.1", "7.1.1"], "exclude-cases": [],
            "exclude-agent-cases": {}, **more}  # fmt: skip
    (folder / "config").mkdir()
    (folder / "config" / "fuzzingserver.json").write_text(json.dumps(spec))
    return url


def test_undici_reaches_the_server_by_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = server_spec(tmp_path)
    port = int(url.rpartition(":")[2])
    monkeypatch.setenv(BIND, "127.0.0.2")
    named = f"ws://fuzzingserver:{port}"
    there = {"host": "127.0.0.2", "port": port}

    async def talk() -> None:
        arguments = ("--mode", "fuzzingserver", "--spec", "config/fuzzingserver.json", "-u", "0")
        async with running("wstest", *arguments, cwd=tmp_path):
            assert await ask(f"{named}/getCaseCount", **there) == "2"
            for number in (1, 2):
                await run_case(named, f"case={number}", "undici", **there)
                info = json.loads(await ask(f"{named}/getCaseInfo?case={number}", **there) or "")
                status = json.loads(await ask(f"{named}/getCaseStatus?case={number}&agent=undici", **there) or "")
                assert info["id"] in ("1.1.1", "7.1.1") and status == {"behavior": "OK"}
            await ask(f"{named}/updateReports?agent=undici", **there)

    run(talk())
    assert {case["behavior"] for case in index(tmp_path / "reports" / "clients")["undici"].values()} == {"OK"}


def test_coder_opens_the_root_to_see_that_the_server_is_up_and_kills_it(tmp_path: Path) -> None:
    excluded = ["6.*", "7.5.1", "13.3.*", "13.4.*", "13.5.*", "13.6.*", "9.*", "12.*", "13.*"]
    url = server_spec(tmp_path, outdir="ci/out/autobahn-report", **{"exclude-cases": excluded})

    async def talk() -> None:
        arguments = ("--mode", "fuzzingserver", "--spec", "config/fuzzingserver.json", "--webport=0")
        async with running("wstest", *arguments, cwd=tmp_path) as server:
            async with connect(f"{url}/") as connection:
                await connection.close(1000)
            assert connection.close_code == 1000
            for number in (1, 2):
                # It offers permessage-deflate, which the tester does not take.
                async with connect(f"{url}/runCase?case={number}&agent=main", max_size=None) as connection:
                    await _echo(connection)  # type: ignore[arg-type]
            await ask(f"{url}/updateReports?agent=main")
            server.process.send_signal(signal.SIGKILL)
            assert await server.status() == -signal.SIGKILL

    run(talk())
    found = index(tmp_path / "ci" / "out" / "autobahn-report")["main"]
    assert {(case["behavior"], case["behaviorClose"]) for case in found.values()} == {("OK", "OK")}


@pytest.mark.parametrize("mode", [CLIENT, SERVER])
@pytest.mark.parametrize("key", ["cases", "exclude-cases", "exclude-agent-cases"])
def test_no_pattern_ends_a_run(mode: Any, key: str) -> None:
    for pattern in ("", "*", "8.*", "11.*", "12.1.1", "nothing", "1.1", "*.*", "[", "\\", "6.*.1"):
        rest: Document = {"cases": ["1.1.1"], "servers": [{"url": "ws://127.0.0.1:1"}], "url": "ws://127.0.0.1:1"}
        value = {"a*": [pattern], "b": pattern} if key == "exclude-agent-cases" else [pattern]
        spec = parse_spec({**rest, key: value}, mode)
        assert set(spec.chosen([case.id for case in runnable_cases()])) is not None
        assert parse_spec({**rest, key: "1.*"}, mode) if key != "exclude-agent-cases" else True


# --- endpoints of our own ---------------------------------------------------------------------------------------------


def test_a_set_up_is_tried_with_endpoints_of_our_own(tmp_path: Path) -> None:
    url = server_spec(tmp_path)
    echo = f"ws://127.0.0.1:{free_port()}"

    async def talk() -> None:
        async def ours(*arguments: str) -> tuple[int | None, str]:
            return await program_status(sys.executable, "-m", "wsoracle", "wstest", *arguments, cwd=tmp_path)

        arguments = ("-m", "fuzzingserver", "-s", "config/fuzzingserver.json", "-u", "0")
        async with running("wstest", *arguments, cwd=tmp_path):
            status, output = await ours("-m", "testeeclient", "-w", url, "-i", "a client")
            assert status == 0 and "2 cases were run as a client" in output
        for mode in ("echoserver", "testeeserver"):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "wsoracle", "wstest", "-m", mode, "-w", echo, cwd=tmp_path,
                stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
            assert process.stdout is not None
            assert re.search(rb"listening on ws://127", await process.stdout.readline())
            assert await ours("-m", "echoclient", "-w", echo) == (0, f"{echo} echoes a text and octets\n")
            process.terminate()
            assert await process.wait() == 143
        async with echo_at(application=_other) as port:
            status, output = await ours("-m", "echoclient", "-w", f"ws://127.0.0.1:{port}")
            assert status == 1 and "it answers 'another' where 'hello' was sent" in output

    run(talk())
    assert set(index(tmp_path / "reports" / "clients")["a client"]) == {"1.1.1", "7.1.1"}
