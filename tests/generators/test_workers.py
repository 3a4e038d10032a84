"""Processes of a pool leave Ctrl-C to the process that they work for, and end with it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from wsoracle.generators.workers import process_pool

PARENT = """
import os, signal, time
from wsoracle.generators.workers import process_pool

if __name__ == "__main__":
    with process_pool(1) as pool:
        worker = pool.submit(os.getpid).result()
        os.kill(worker, signal.SIGINT)
        print("the same worker" if pool.submit(os.getpid).result() == worker else "another worker", flush=True)
        working = pool.submit(time.sleep, 600)
        while not working.running():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_interruption_is_left_to_the_parent_and_no_worker_outlives_it(tmp_path: Path) -> None:
    """The pipe for standard output is at its end only when every process that holds it has ended."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT, encoding="utf-8")
    done = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, timeout=300, check=False)
    assert done.stdout == b"the same worker\n"
    assert done.returncode < 0


def test_what_was_not_begun_is_not_done_after_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), process_pool(1) as pool:
        waiting = [pool.submit(time.sleep, 0.2) for _ in range(20)]
        raise ZeroDivisionError
    assert waiting[-1].cancelled()
