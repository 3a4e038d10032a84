"""The command: cases, verdicts and reports as of a running server, of adapters in JavaScript, Python and C."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.wsoracle.driving.adapters import adapter, on
from wsoracle import driving
from wsoracle.cli import program

EXAMPLES = Path(driving.__file__).parent / "examples"
ROOT = Path(__file__).resolve().parents[3]
WSPROTO = f"exec {shlex.quote(sys.executable)} {shlex.quote(str(EXAMPLES / 'wsproto_adapter.py'))}"
SELECTED = ("--select", "2.*", "--select", "5.1*", "--select", "7.1.*", "--select", "1.1.2", "--select", "1.1.6")


def node_modules() -> Path | None:
    """Where Node's ws is: what NODE_PATH names, or what `make fleet-short` has installed."""
    places = [
        *map(Path, filter(None, os.environ.get("NODE_PATH", "").split(os.pathsep))),
        ROOT / "out/fleet-short/npm/node_modules",
    ]
    return next((place for place in places if (place / "ws/package.json").is_file()), None)


def run(*arguments: str) -> Any:
    return CliRunner().invoke(program, ["drive", *arguments])


def driven(command: str, out: Path, *options: str, role: str = "server") -> tuple[int, dict[str, Any]]:
    """Drive an adapter in a process of its own, as the command does; the status, and the verdicts."""
    files = ["--out", str(out), "--json", f"{out}.json"]
    done = subprocess.run(
        [sys.executable, "-m", "wsoracle", "drive", command, "--role", role, *files, *options],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    [agent] = json.loads(Path(f"{out}.json").read_text("utf-8"))[f"{role}s"]
    return done.returncode, agent


@pytest.mark.parametrize(("role", "steps"), [("server", 6), ("client", 8)])
def test_the_smoke_test_of_a_good_adapter(role: str, steps: int) -> None:
    result = run("--smoke", WSPROTO, "--role", role)
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.output.splitlines()] == ["ok"] * steps + ["wsproto"]


def test_the_smoke_test_says_what_is_missing() -> None:
    result = run("--smoke", on("receive", "PONG = 0x9A"))
    assert result.exit_code == 1, result.output
    assert "FAILED  a Ping: it wrote" in result.output and "pong with payload" in result.output


def test_an_adapter_that_cannot_be_driven() -> None:
    result = run("--smoke", on("open", "sys.exit(3)"))
    assert result.exit_code == 2
    assert "wsoracle: error: the adapter: it ended with status 3" in result.output
    assert run(" ").exit_code == 2


def test_only_cases_that_the_adapter_does_not_do(tmp_path: Path) -> None:
    result = run(adapter(), "--select", "sample/server/*", "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "only cases of the opening handshake are selected, and the adapter begins after it" in result.output


@pytest.mark.peers
@pytest.mark.parametrize("role", ["server", "client"])
def test_wsproto_is_driven(role: str, tmp_path: Path) -> None:
    opening = ("--select", "fault/client/accept*") if role == "client" else ()
    status, agent = driven(WSPROTO, tmp_path / "out", *SELECTED, *opening, role=role)
    assert status == 0 and agent["agent"].startswith("wsproto ")
    verdicts = {case_id: case["verdict"] for case_id, case in agent["cases"].items()}
    assert len(verdicts) > 20 and set(verdicts.values()) == {"OK"}
    assert (tmp_path / "out" / "index.html").is_file()


@pytest.mark.peers
@pytest.mark.parametrize("role", ["server", "client"])
def test_ws_is_driven(role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = node_modules()
    if modules is None or shutil.which("node") is None:
        pytest.skip("no ws here: make fleet-short installs it")
    monkeypatch.setenv("NODE_PATH", str(modules))
    command = f"exec node {shlex.quote(str(EXAMPLES / 'ws_adapter.cjs'))}"
    status, agent = driven(command, tmp_path / "out", *SELECTED, role=role)
    assert status == 0 and agent["agent"].startswith("ws ")
    assert {case["verdict"] for case in agent["cases"].values()} == {"OK"}


def test_wslay_is_driven(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None or not Path("/usr/include/wslay/wslay.h").is_file():
        pytest.skip("no cc or no wslay here: Debian has it as libwslay-dev")
    built, source = tmp_path / "wslay", EXAMPLES / "wslay_adapter.c"
    subprocess.run([compiler, "-Wall", "-Werror", str(source), "-o", str(built), "-lwslay"], check=True, timeout=60)
    for role in ("server", "client"):
        result = run("--smoke", f"exec {shlex.quote(str(built))}", "--role", role)
        assert result.exit_code == 0, result.output
    result = run(f"exec {shlex.quote(str(built))}", "--select", "1.[12].1", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0 and "2 OK" in result.output, result.output


def test_perl_is_driven(tmp_path: Path) -> None:
    perl = shutil.which("perl")
    needed = ["-MJSON::PP", "-MProtocol::WebSocket", "-e", "1"]
    if perl is None or subprocess.run([perl, *needed], capture_output=True, timeout=60).returncode:
        pytest.skip("no Protocol::WebSocket here: Debian has it as libprotocol-websocket-perl")
    command = f"exec perl {shlex.quote(str(EXAMPLES / 'protocol_websocket_adapter.pl'))}"
    for role in ("server", "client"):
        result = run("--smoke", command, "--role", role)
        assert result.exit_code == 0, result.output
    result = run(command, "--select", "1.[12].1", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0 and "2 OK" in result.output, result.output


def test_an_adapter_that_dies_in_a_case_is_started_again(tmp_path: Path) -> None:
    dies = on("receive", "bytes.fromhex(asked['octets'])[1:2] == b'\\xfe' and sys.exit(3)")
    status, server = driven(dies, tmp_path / "out", "--select", "2.*", "--select", "3.1")
    assert status == 1
    assert server["adapterFaults"] and set(server["adapterFaults"]) == {next(iter(server["adapterFaults"]))}
    assert "it ended with status 3" in server["adapterFaults"][0]
    verdicts = {case_id: case["verdict"] for case_id, case in server["cases"].items()}
    assert verdicts["2.5"] != "OK" and verdicts["2.2"] == "OK"


def test_an_adapter_that_dies_as_a_client_is_started_again(tmp_path: Path) -> None:
    status, client = driven(on("receive", "sys.exit(3)"), tmp_path / "out", "--select", "1.1.*", role="client")
    assert status == 1
    assert len(client["adapterFaults"]) == len(client["cases"]) == 8
    assert {case["verdict"] for case in client["cases"].values()} == {"FAILED"}


def test_a_client_that_never_opens_runs_no_case(tmp_path: Path) -> None:
    result = run(on("open", "sys.exit(3)"), "--role", "client", "--select", "1.1.*", "--out", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert "8 of 8 cases were not run, such as 1.1.1" in result.output
