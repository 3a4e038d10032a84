"""The endpoint as a process of ours: it is there when it is needed, and nothing of it is left."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wsoracle.harness.launching import CannotStart, Launcher

LISTENS = """
import os, socket, sys
open(sys.argv[2], "a").write(f"{os.getpid()}\\n")
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    listener.accept()
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def command(port: int, pids: Path, script: str = LISTENS) -> str:
    """Two processes of one group: a shell and, below it, another one."""
    return f"{shlex.join([sys.executable, '-c', script, str(port), str(pids)])}; true"


def is_there(pid: int) -> bool:
    """Whether a process stays: one that was killed may take its time to go on a busy machine."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
        except (ProcessLookupError, FileNotFoundError):
            return False
        time.sleep(0.02)
    return True


def test_it_listens_comes_again_and_is_gone(tmp_path: Path) -> None:
    port, pids = free_port(), tmp_path / "pids"
    launcher = Launcher(command(port, pids), ("127.0.0.1", port))
    try:
        launcher.start()
        socket.create_connection(("127.0.0.1", port)).close()
        with pytest.raises(CannotStart, match="something else listens"):
            Launcher("true", ("127.0.0.1", port)).start()
        os.kill(int(pids.read_text()), signal.SIGKILL)
        launcher.restart()
        socket.create_connection(("127.0.0.1", port)).close()
    finally:
        launcher.stop()
    first, second = map(int, pids.read_text().split())
    assert first != second and not is_there(first) and not is_there(second)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    launcher.stop()


def test_it_is_gone_when_the_tester_is_killed(tmp_path: Path) -> None:
    port, pids = free_port(), tmp_path / "pids"
    tester = f"""
import os
from wsoracle.harness.launching import Launcher
Launcher({command(port, pids)!r}, ("127.0.0.1", {port})).start()
os.kill(os.getpid(), {int(signal.SIGKILL)})
"""
    ended = subprocess.run([sys.executable, "-c", tester], timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not is_there(int(pids.read_text()))


def test_who_does_not_listen_is_an_error_and_gone(tmp_path: Path) -> None:
    port, pids = free_port(), tmp_path / "pids"
    with pytest.raises(CannotStart, match="it ended with status 3"):
        Launcher("exit 3", ("127.0.0.1", port)).start()
    sleeps = command(port, pids, LISTENS.partition("listener =")[0] + "import time; time.sleep(60)")
    with pytest.raises(CannotStart, match="nothing after 1 s"):
        Launcher(sleeps, ("127.0.0.1", port), within=1.0).start()
    assert not pids.exists() or not is_there(int(pids.read_text()))
