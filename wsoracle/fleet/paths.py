"""Paths of the fleet: the scripts, which are part of this package, and one folder for all that is made."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SCRIPTS: Final = Path(__file__).resolve().parent / "scripts"
"""The folder of scripts, in a checkout and in an installed wheel."""

_PASSED_ON: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
    "SYSTEMROOT",
    "JAVA_HOME",
    "GOROOT",
    "LD_LIBRARY_PATH",
)


@dataclass(frozen=True, slots=True)
class FleetPaths:
    """`root` is the one folder below which things are installed; `interpreter` runs Python's scripts instead of the
    virtual environment's where it is given (the tests, with what they have installed). ``compression``: scripts are
    told to take permessage-deflate.
    """

    root: Path
    interpreter: str | None = None
    scripts: Path = SCRIPTS
    compression: bool = False

    @property
    def environment(self) -> Path:
        """The virtual environment."""
        return self.root / "venv"

    @property
    def python(self) -> str:
        """The interpreter of Python's scripts."""
        return self.interpreter or str(self.environment / "bin" / "python")

    @property
    def npm(self) -> Path:
        """The folder in which npm installs."""
        return self.root / "npm"

    @property
    def modules(self) -> Path:
        """The installed npm packages."""
        return self.npm / "node_modules"

    @property
    def built(self) -> Path:
        """The folder of compiled programs."""
        return self.root / "built"

    @property
    def logs(self) -> Path:
        """The folder of what installers, servers and clients print."""
        return self.root / "logs"

    def command(self, template: Sequence[str], port: int = 0, url: str = "", agent: str = "") -> list[str]:
        """A command line of the registry, filled in."""
        values = {
            "{python}": self.python,
            "{scripts}": str(self.scripts),
            "{modules}": str(self.modules),
            "{built}": str(self.built),
            "{port}": str(port),
            "{url}": url,
            "{agent}": agent,
        }
        return [_filled(part, values) for part in template]

    def variables(self) -> dict[str, str]:
        """Environment variables for the peers: few of this process, so that none of them changes what a peer does."""
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return {
            **passed,
            **({"WSORACLE_COMPRESSION": "1"} if self.compression else {}),
            "NODE_PATH": str(self.modules),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "GO111MODULE": "off",
            "GOPATH": "/usr/share/gocode",
            "GOFLAGS": "",
            "GOCACHE": str(self.root / "go-cache"),
            "DENO_DIR": str(self.root / "deno"),
            "DENO_NO_UPDATE_CHECK": "1",
        }

    @property
    def own_interpreter(self) -> str:
        """The interpreter that this program runs on, which makes the virtual environment."""
        return self.interpreter or sys.executable


def _filled(part: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        # Only one name occurs in a part, so that a value with braces is never looked at again.
        if name in part:
            return part.replace(name, value)
    return part
