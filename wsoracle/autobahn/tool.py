"""Autobahn's own tool, where it is installed: it needs CPython 2.7 (docs/cases.md says how)."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Final

_PROGRAM: Final = """
import sys
from twisted.internet import reactor
listen = reactor.listenTCP
# Its server mode binds every interface, whatever its url says.
reactor.listenTCP = lambda port, factory, backlog=50, interface="": listen(port, factory, backlog, "127.0.0.1")
from autobahntestsuite.wstest import run
sys.argv[0] = "wstest"
run()
"""


def autobahn_tool() -> list[str] | None:
    """The command that takes its arguments, bound to loopback; None where it is not installed.

    The environment variable WSORACLE_PYTHON27 names the interpreter that has it.
    """
    for candidate in (os.environ.get("WSORACLE_PYTHON27"), shutil.which("python2.7")):
        if candidate and _has_it(candidate):
            return [candidate, "-c", _PROGRAM]
    return None


def _has_it(python: str) -> bool:
    try:
        found = subprocess.run(
            [python, "-c", "import autobahntestsuite.wstest"], capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found.returncode == 0
