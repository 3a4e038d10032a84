"""Autobahn's own tool, where it is installed: it needs CPython 2.7 (``make autobahn``)."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Final

MISSING: Final = "no Autobahn here: make autobahn installs it, or WSORACLE_PYTHON27 names its interpreter"

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
    """The command that takes its arguments, bound to loopback; None where it is not installed."""
    python = autobahn_python()
    return None if python is None else [python, "-c", _PROGRAM]


def autobahn_python() -> str | None:
    """The interpreter that has it, or None: what the environment variable WSORACLE_PYTHON27 names, or ``python2.7``."""
    candidates = (os.environ.get("WSORACLE_PYTHON27"), shutil.which("python2.7"))
    return next((one for one in candidates if one and _has_it(one)), None)


def _has_it(python: str) -> bool:
    try:
        found = subprocess.run(
            [python, "-c", "import autobahntestsuite.wstest"], capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found.returncode == 0
