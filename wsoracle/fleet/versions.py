"""Versions of implementations: those that are pinned beside the scripts, and those that are installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from .paths import FleetPaths
from .registry import Peer

_VERSION: Final = re.compile(r"\d+(?:[._]\d+)+(?:[-+.][0-9A-Za-z]+)*|\d+(?:\.\d+)*")
_SECONDS: Final = 20.0


def pip_pins(scripts: Path) -> dict[str, str]:
    """The versions in ``requirements.txt`` by name, as PyPI compares names. Raises ValueError for any other line."""
    pins = {}
    for line in (scripts / "requirements.txt").read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([0-9][0-9A-Za-z.+]*)", line)
        if match is None:
            raise ValueError(f"scripts/requirements.txt: {line!r} is not name==version")
        pins[re.sub(r"[-_.]+", "-", match[1]).lower()] = match[2]
    return pins


def npm_pins(scripts: Path) -> dict[str, str]:
    """The versions in ``package.json`` by name. Raises ValueError for a version that is not exact."""
    dependencies: dict[str, str] = json.loads((scripts / "package.json").read_text(encoding="utf-8"))["dependencies"]
    for name, version in dependencies.items():
        if re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", version) is None:
            raise ValueError(f"scripts/package.json: {name}: {version!r} is not one version")
    return dependencies


def version_of(peer: Peer, paths: FleetPaths) -> str | None:
    """The version of an installed implementation, with those of the packages that it stands on; None if not there."""
    first = _own(peer, paths)
    if first is None:
        return None
    beside = [f"{name} {_packaged(peer, name, paths)}" for name in peer.also]
    return f"{first} ({', '.join(beside)})" if beside else first


def _own(peer: Peer, paths: FleetPaths) -> str | None:
    packaged = _packaged(peer, peer.packages[0], paths)
    if not peer.version:
        return packaged
    if peer.artifact and not (paths.built / peer.artifact).exists():
        return None
    return _said(paths.command(peer.version), paths.variables())


def _packaged(peer: Peer, package: str, paths: FleetPaths) -> str | None:
    if peer.kind == "pip":
        return pip_version(package, paths)
    if peer.kind == "npm":
        return npm_version(package, paths)
    return apt_version(package)


def pip_version(package: str, paths: FleetPaths) -> str | None:
    """The packages in the virtual environment, or of this program where the paths name its interpreter."""
    if paths.interpreter is not None:
        found = distributions(name=package)
    else:
        folders = [str(folder) for folder in paths.environment.glob("lib/python3*/site-packages")]
        found = distributions(name=package, path=folders) if folders else iter(())
    return next((one.version for one in found), None)


def npm_version(package: str, paths: FleetPaths) -> str | None:
    """The version of a package below node_modules."""
    try:
        document = json.loads((paths.modules / package / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    version = document.get("version") if isinstance(document, dict) else None
    return version if isinstance(version, str) else None


def apt_version(package: str) -> str | None:
    """The version that dpkg gives for a package; None where it is not installed, or dpkg is missing."""
    program = shutil.which("dpkg-query")
    if program is None:
        return None
    status = "${db:Status-Status} ${Version}"
    said = _output([program, "-W", f"-f={status}\n", package], dict(os.environ))
    for line in said.splitlines():
        installed, _, version = line.partition(" ")
        if installed == "installed":
            # The upstream version: without the epoch before it and Debian's revision after it.
            return version.rpartition(":")[2].rpartition("-")[0] or version
    return None


def _said(command: list[str], variables: dict[str, str]) -> str | None:
    match = _VERSION.search(_output(command, variables))
    return None if match is None else match[0].replace("_", ".")


def _output(command: list[str], variables: dict[str, str]) -> str:
    try:
        done = subprocess.run(
            command,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
            cwd=Path.cwd().anchor,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""
