"""Processes of peers: what starts, what does not and why, and that nothing is left of any of them."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wsoracle.fleet.processes import MOST_LOGGED, Crew, PeerError

LISTENS = """
import socket, sys, time
listening = socket.create_server(("127.0.0.1", 0))
print("READY", listening.getsockname()[1], flush=True)
"""
SLEEPS = "import time; time.sleep(600)\n"


@pytest.fixture
def crew() -> Iterator[Crew]:
    crew = Crew()
    yield crew
    crew.stop()


def python(source: str) -> list[str]:
    return [sys.executable, "-c", source]


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A child whose parent has gone may stay as an entry until init looks at it.
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"


def test_a_server_starts_and_ends(crew: Crew, tmp_path: Path) -> None:
    with crew.server(python(LISTENS + SLEEPS), tmp_path / "logs" / "a.log") as server:
        assert server.running
        assert server.url == f"ws://127.0.0.1:{server.port}"
        socket.create_connection(("127.0.0.1", server.port or 0)).close()
    assert not server.running
    assert (tmp_path / "logs" / "a.log").read_text() == f"READY {server.port}\n"


def test_a_server_that_was_told_its_port_is_ready_when_that_takes_connections(crew: Crew, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    source = f"import socket; s = socket.create_server(('127.0.0.1', {port}))\n{SLEEPS}"
    with crew.server(python(source), tmp_path / "log", port=port) as server:
        assert server.port == port


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise SystemExit('no such module')", "ended with status 1 .* no such module"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was ended by signal 9"),
        ("print('READY'); print('READY 0'); print('READY 99999'); print('ALREADY 80')", "ended with status 0"),
        (r"import sys; sys.stdout.buffer.write(b'\xff\x1b[31m\0' * 5000)", "ended with status 0"),
    ],
)
def test_one_that_dies_at_once_is_told_with_the_reason(crew: Crew, tmp_path: Path, source: str, said: str) -> None:
    with pytest.raises(PeerError, match=said) as error, crew.server(python(source), tmp_path / "log"):
        pass
    assert str(error.value).isprintable()


@pytest.mark.parametrize("source", ["print('still warming up', flush=True)\n", "import os; os.close(1); os.close(2)\n"])
def test_one_that_is_never_ready_is_given_up(crew: Crew, tmp_path: Path, source: str) -> None:
    late = pytest.raises(PeerError, match=r"did not say READY within 0\.3 s")
    with late, crew.server(python(source + SLEEPS), tmp_path / "log", ready_within=0.3):
        pass


def test_one_that_cannot_be_started_is_told(crew: Crew, tmp_path: Path) -> None:
    with (
        pytest.raises(PeerError, match="no-such-program cannot be started"),
        crew.server(["no-such-program"], tmp_path / "log"),
    ):
        pass


def test_one_that_ignores_sigterm_is_killed(crew: Crew, tmp_path: Path) -> None:
    source = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LISTENS + SLEEPS
    with crew.server(python(source), tmp_path / "log", grace=0.2) as server:
        pass
    assert not server.running
    assert server.wait(0) == -signal.SIGKILL


def test_its_children_are_killed_too(crew: Crew, tmp_path: Path) -> None:
    source = "import subprocess, sys\n" + LISTENS
    source += f"child = subprocess.Popen([sys.executable, '-c', {SLEEPS!r}])\nprint(child.pid, flush=True)\n"
    with crew.process(python(source), tmp_path / "log") as process:
        assert process.wait(30) == 0
        until(lambda: len((tmp_path / "log").read_text().split()) == 3)
        child = int((tmp_path / "log").read_text().split()[-1])
        assert not gone(child)
    until(lambda: gone(child))


def test_what_fails_in_the_block_leaves_nothing_running(crew: Crew, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), crew.server(python(LISTENS + SLEEPS), tmp_path / "log") as server:
        raise KeyboardInterrupt
    assert not server.running


def test_stopping_kills_all_and_lets_nothing_new_start(crew: Crew, tmp_path: Path) -> None:
    started, ended = threading.Barrier(3), []

    def run(name: str) -> None:
        with crew.server(python(LISTENS + SLEEPS), tmp_path / name) as server:
            started.wait(30)
            ended.append(server.wait(30))

    threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    started.wait(30)
    crew.stop()
    for thread in threads:
        thread.join(30)
    assert ended == [-signal.SIGKILL, -signal.SIGKILL]
    with pytest.raises(PeerError, match="the run was stopped"), crew.process(python(""), tmp_path / "c"):
        pass


def test_what_a_peer_prints_is_bounded(crew: Crew, tmp_path: Path) -> None:
    source = f"import sys; sys.stdout.write('x' * {2 * MOST_LOGGED}); print(); print('the end')"
    assert crew.run(python(source), tmp_path / "log", within=30) == 0
    assert (tmp_path / "log").stat().st_size <= MOST_LOGGED


def test_a_command_that_takes_too_long_is_ended(crew: Crew, tmp_path: Path) -> None:
    with pytest.raises(PeerError, match=r"not done after 0\.3 s; it said last: at work"):
        crew.run(python("print('at work', flush=True)\n" + SLEEPS), tmp_path / "log", within=0.3)


def test_the_environment_is_the_given_one(crew: Crew, tmp_path: Path) -> None:
    source = "import os; print(os.environ.get('HERE'), os.environ.get('PYTEST_CURRENT_TEST'), os.getcwd())"
    assert crew.run(python(source), tmp_path / "log", within=30, variables={"HERE": "yes"}, folder=tmp_path) == 0
    assert (tmp_path / "log").read_text().split() == ["yes", "None", str(tmp_path.resolve())]
