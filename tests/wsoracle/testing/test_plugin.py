"""The pytest plugin: an item for each case, its verdict in the report of a failure, for servers and for clients."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.peers

ROOT = Path(__file__).resolve().parents[3]

SERVER = """
import threading

import pytest
from websockets.sync.server import serve


def echo(socket):
    for message in socket:
        socket.send({answer})


@pytest.fixture(scope="session")
def wsoracle_server():
    with serve(echo, "127.0.0.1", 0, compression=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{{server.socket.getsockname()[1]}}/"
        server.shutdown()


def test_case(wsoracle_case):
    wsoracle_case.check()
"""

CLIENT = """
import contextlib

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect


def test_case(wsoracle_client_case):
    with contextlib.suppress(WebSocketException), connect(wsoracle_client_case.url, compression=None) as socket:
        for message in socket:
            {does}
    wsoracle_client_case.check()
"""

ORACLE = """
from wsoracle.testing import Frame


def test_owes(wsoracle_oracle):
    oracle = wsoracle_oracle("server", opening=False)
    oracle.received(bytes.fromhex("898137fa213d56"))
    assert oracle.owes()


def test_masks(wsoracle_oracle):
    wsoracle_oracle("server", opening=False).sent(bytes.fromhex("8a8100000000") + b"a")
"""


def ran(folder: Path, text: str, *options: str) -> tuple[int, str]:
    """The exit status and the output of pytest on a module with this text."""
    (folder / "test_it.py").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "wsoracle.testing.plugin", "-p", "no:cacheprovider",
         "-rA", "--rootdir", str(folder), *options, str(folder)],
        capture_output=True, text=True, timeout=120, cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_each_case_is_an_item_and_its_verdict_is_in_the_report_of_a_failure(tmp_path: Path) -> None:
    status, output = ran(tmp_path, SERVER.format(answer="message"), "--wsoracle-select", "1.1.[12]")
    assert status == 0, output
    assert "PASSED test_it.py::test_case[1.1.1]" in output and "PASSED test_it.py::test_case[1.1.2]" in output
    status, output = ran(tmp_path, SERVER.format(answer="message + message"), "--wsoracle-select", "1.1.2")
    assert status == 1, output
    assert "FAILED: case 1.1.2" in output and "wsoracle test ws://" in output


def test_a_client_is_run_against_a_fuzzing_peer(tmp_path: Path) -> None:
    status, output = ran(tmp_path, CLIENT.format(does="socket.send(message)"), "--wsoracle-select", "1.1.2")
    assert status == 0, output
    assert "PASSED test_it.py::test_case[1.1.2]" in output
    status, output = ran(tmp_path, CLIENT.format(does="pass"), "--wsoracle-select", "1.1.2")
    assert status == 1, output
    assert "FAILED: case 1.1.2" in output


def test_an_oracle_of_a_test_explains_all_that_it_saw(tmp_path: Path) -> None:
    status, output = ran(tmp_path, ORACLE)
    assert status == 1, output
    assert "PASSED test_it.py::test_owes" in output
    assert "5.1/server-does-not-mask" in output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--wsoracle-select", "nothing-has-this"), "--wsoracle-select"),
        (("--wsoracle-select", "1.1.1", "--wsoracle-server", "http://h/"), "'http://h/'"),
    ],
)
def test_wrong_options_are_one_sentence(tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    status, output = ran(tmp_path, "def test_case(wsoracle_case): wsoracle_case.check()", *options)
    assert status != 0
    assert f"wsoracle: {says}" in output


def test_what_is_not_used_is_not_imported() -> None:
    code = "import sys, wsoracle.testing.plugin as p; print([m for m in sys.modules if m.startswith('wsoracle.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['wsoracle.testing', 'wsoracle.testing.plugin']"
