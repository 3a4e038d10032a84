"""Installs the implementations below one folder; each that cannot be installed has a reason.

Python's packages go to a virtual environment, npm's to a ``node_modules``, and what is compiled to a folder of
binaries. Debian's packages belong to the system: only root installs them, and only with ``apt``.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from ..text.output import OnStep
from .paths import FleetPaths
from .processes import Crew, PeerError
from .registry import Peer
from .versions import apt_version, npm_pins, npm_version, pip_pins, pip_version

_INSTALLING: Final = 900.0
_BUILDING: Final = 600.0


def missing(peer: Peer, paths: FleetPaths) -> str | None:
    """Why a peer cannot be run as things are, in a few words; None where it can."""
    absent = _absent_apt(peer)
    if absent:
        return f"needs apt package {', '.join(absent)}"
    if peer.kind == "pip":
        gone = [name for name in peer.packages if pip_version(name, paths) is None]
    elif peer.kind == "npm":
        gone = [name for name in peer.packages if npm_version(name, paths) is None]
    else:
        gone = []
        if peer.artifact and not (paths.built / peer.artifact).exists():
            return f"{peer.source} has not been compiled"
        if "{python}" in (*peer.client, *peer.server) and not Path(paths.python).exists():
            gone = ["virtual environment"]
    return f"{peer.kind} package {', '.join(gone)} is not installed" if gone else None


def install(peers: Sequence[Peer], paths: FleetPaths, crew: Crew, step: OnStep, *, apt: bool = False) -> dict[str, str]:
    """Install what is not there yet. For each peer that cannot be run then, its name and the reason.

    Packages of a kind are installed together; where that fails, one peer after another, so that each failure has
    the name of its peer.
    """
    work = _Work(paths, crew, step, len(peers))
    reasons: dict[str, str] = {}
    for kind, some in (("pip", work.pip), ("npm", work.npm)):
        wanted = [peer for peer in peers if peer.kind == kind and work.is_wanted(peer)]
        reasons |= work.together(wanted, some)
    if apt:
        reasons |= work.apt([peer for peer in peers if _absent_apt(peer)])
    if any("{python}" in part for peer in peers if peer.kind == "apt" for part in peer.client):
        reasons |= work.environment([peer for peer in peers if peer.kind == "apt"])
    for peer in peers:
        absent = _absent_apt(peer)
        if absent:
            reasons.setdefault(peer.name, f"cannot be installed: needs apt package {', '.join(absent)}")
        elif peer.build and peer.name not in reasons:
            reason = work.build(peer)
            if reason is not None:
                reasons[peer.name] = reason
        still = missing(peer, paths)
        if still is not None:
            reasons.setdefault(peer.name, f"cannot be installed: {still}")
    return reasons


def _absent_apt(peer: Peer) -> list[str]:
    """Debian packages that a peer needs and that are not there; a program on the PATH stands for its package."""
    absent = [package for program, package in peer.programs if shutil.which(program) is None]
    if peer.kind == "apt":
        by_program = {package for _, package in peer.programs}
        absent += [name for name in peer.packages if name not in by_program and apt_version(name) is None]
    return list(dict.fromkeys(absent))


class _Work:
    """One installation."""

    def __init__(self, paths: FleetPaths, crew: Crew, step: OnStep, total: int) -> None:
        self._paths = paths
        self._crew = crew
        self._step = step
        self._total = total
        self._done = 0
        self._pip_pins = pip_pins(paths.scripts)
        self._npm_pins = npm_pins(paths.scripts)

    def is_wanted(self, peer: Peer) -> bool:
        """Whether a package is missing or not at its pinned version."""
        if _absent_apt(peer):
            return False
        if peer.kind == "pip":
            return any(pip_version(name, self._paths) != self._pip_pins[name.lower()] for name in peer.packages)
        return any(npm_version(name, self._paths) != self._npm_pins[name] for name in peer.packages)

    def together(self, peers: list[Peer], put: Callable[[list[Peer]], None]) -> dict[str, str]:
        """Install all at once, or where that fails one by one."""
        if not peers:
            return {}
        self._step(f"{peers[0].kind}: {len(peers)} implementations", self._done, self._total)
        try:
            put(peers)
        except PeerError:
            return self._one_by_one(peers, put)
        self._done += len(peers)
        return {}

    def _one_by_one(self, peers: list[Peer], put: Callable[[list[Peer]], None]) -> dict[str, str]:
        reasons: dict[str, str] = {}
        good: list[Peer] = []
        for peer in peers:
            self._step(f"{peer.kind}: {peer.name}", self._done, self._total)
            try:
                put([*good, peer])
                good.append(peer)
            except PeerError as error:
                reasons[peer.name] = f"cannot be installed: {error}"
            self._done += 1
        return reasons

    def pip(self, peers: list[Peer]) -> None:
        """Install Python's packages, each at its pinned version and so is all that they need."""
        self._make_environment()
        names = _names(peers)
        constraint = str(self._paths.scripts / "requirements.txt")
        self._run(
            "pip", [self._paths.python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check",
                    "--constraint", constraint, *names],
        )  # fmt: skip

    def npm(self, peers: list[Peer]) -> None:
        """Install npm's packages at their pinned versions."""
        self._paths.npm.mkdir(parents=True, exist_ok=True)
        wanted = {name: self._npm_pins[name] for name in _names(peers)}
        # Installed packages stay, also where the user selected only some peers.
        there = {name: pin for name, pin in self._npm_pins.items() if npm_version(name, self._paths) == pin}
        document = {"private": True, "dependencies": there | wanted}
        (self._paths.npm / "package.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
        self._run("npm", command, self._paths.npm)

    def apt(self, peers: list[Peer]) -> dict[str, str]:
        """Install Debian's packages: all lists once, then every package."""
        if not peers:
            return {}
        if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("apt-get") is None:
            why = "only root can install apt packages" if shutil.which("apt-get") else "there is no apt-get here"
            return {peer.name: f"cannot be installed: needs apt package {_listed(peer)}; {why}" for peer in peers}
        try:
            self._step("apt-get update", self._done, self._total)
            self._run("apt", ["apt-get", "update", "-qq"])
        except PeerError as error:
            return {peer.name: f"cannot be installed: {error}" for peer in peers}
        reasons = {}
        for peer in peers:
            self._step(f"apt: {peer.name}", self._done, self._total)
            try:
                self._run("apt", ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *_absent_apt(peer)])
            except PeerError as error:
                reasons[peer.name] = f"cannot be installed: {error}"
        return reasons

    def environment(self, peers: list[Peer]) -> dict[str, str]:
        """The virtual environment alone, for scripts that need nothing but Python."""
        try:
            self._make_environment()
        except PeerError as error:
            users = [peer for peer in peers if any("{python}" in part for part in peer.client)]
            return {peer.name: f"cannot be installed: {error}" for peer in users}
        return {}

    def build(self, peer: Peer) -> str | None:
        """Compile where the source is newer than what is there; the reason where that fails."""
        self._step(f"compiling {peer.name}", self._done, self._total)
        self._done += 1
        artifact, source = self._paths.built / peer.artifact, self._paths.scripts / peer.source
        if artifact.exists() and artifact.stat().st_mtime >= source.stat().st_mtime:
            return None
        artifact.parent.mkdir(parents=True, exist_ok=True)
        try:
            for command in peer.build:
                self._run(f"build-{peer.name}", self._paths.command(command), self._paths.built, _BUILDING)
        except PeerError as error:
            return f"cannot be compiled: {error}"
        return None

    def _make_environment(self) -> None:
        if self._paths.interpreter is None and not Path(self._paths.python).exists():
            self._run("venv", [self._paths.own_interpreter, "-m", "venv", str(self._paths.environment)])

    def _run(self, name: str, command: list[str], folder: Path | None = None, within: float = _INSTALLING) -> None:
        log = self._paths.logs / f"install-{name}.log"
        variables = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"}
        variables |= {key: value for key, value in self._paths.variables().items() if key.startswith("GO")}
        status = self._crew.run(command, log, within=within, variables=variables, folder=folder)
        if status != 0:
            raise PeerError(f"{Path(command[0]).name} ended with status {status}: {_tail(log)}")


def _names(peers: Iterable[Peer]) -> list[str]:
    return list(dict.fromkeys(name for peer in peers for name in peer.packages))


def _listed(peer: Peer) -> str:
    return ", ".join(_absent_apt(peer))


def _tail(log: Path) -> str:
    from ..text.output import one_line

    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return one_line(" | ".join((errors or lines)[-2:]), 300) or "nothing was said"
