"""A program under limits, measured: CPU time and memory of all its processes (Linux)."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final, NamedTuple

MOST_MEMORY: Final = 4 << 30
"""Octets of address space of one process, so that no attack takes the machine."""

MOST_CPU: Final = 180
"""CPU seconds of one process."""

MOST_IDLE: Final = 120.0
"""Seconds without CPU time after which a program is taken to wait for ever, however busy the machine is."""

MOST_SECONDS: Final = 3600.0
_PAUSE: Final = 0.05
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """What a program took in all of its processes: CPU seconds, MiB of memory (the most of each, summed), seconds."""

    status: int
    cpu: float
    memory: float
    seconds: float
    output: str


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU, MOST_CPU))


class Measured:
    """``wsoracle`` with these arguments, in a session of its own."""

    def __init__(self, *arguments: str, cwd: Path) -> None:
        self._cpu: Final[dict[int, float]] = {}
        self._memory: Final[dict[int, float]] = {}
        self._lines: Final[list[str]] = []
        self._begun: Final = time.monotonic()
        self._process: Final = subprocess.Popen(
            [sys.executable, "-m", "wsoracle", *arguments], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, preexec_fn=_limit, start_new_session=True,
        )  # fmt: skip
        self._reader: Final = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def port(self) -> int:
        """The port that it says it listens on."""
        while self._process.poll() is None and time.monotonic() - self._begun < MOST_SECONDS:
            for line in self._lines:
                if line.startswith("listening on "):
                    return int(line.rpartition(":")[2])
            time.sleep(_PAUSE)
        raise RuntimeError("it does not listen: " + "".join(self._lines))

    def interrupt(self) -> None:
        """Ask it to end."""
        self._look()
        self._process.send_signal(signal.SIGINT)

    def cost(self) -> Cost:
        """Wait for its end, and tell what it took. One that does not end is killed, with status -9."""
        taken, changed = 0.0, time.monotonic()
        while self._process.poll() is None:
            self._look()
            now = time.monotonic()
            if sum(self._cpu.values()) > taken:
                taken, changed = sum(self._cpu.values()), now
            if now - changed > MOST_IDLE or now - self._begun > MOST_SECONDS:
                os.killpg(self._process.pid, signal.SIGKILL)
            time.sleep(_PAUSE)
        self._reader.join(10)
        if self._process.stdout is not None:
            self._process.stdout.close()
        seconds = time.monotonic() - self._begun
        cpu, memory = sum(self._cpu.values()), sum(self._memory.values())
        return Cost(self._process.returncode, cpu, memory, seconds, "".join(self._lines))

    def _read(self) -> None:
        assert self._process.stdout is not None
        self._lines.extend(self._process.stdout)

    def _look(self) -> None:
        for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
                if int(fields[3]) != self._process.pid:
                    continue
                self._cpu[pid] = (int(fields[11]) + int(fields[12])) / _TICKS
                status = Path(f"/proc/{pid}/status").read_text()
                most = [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")]
                self._memory[pid] = max(self._memory.get(pid, 0.0), *most, 0.0)  # one that is over has none
            except (OSError, IndexError):
                continue  # it has ended meanwhile
