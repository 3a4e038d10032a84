"""The registry of real implementations, read from ``registry.toml``, which says what a row holds."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from wsoracle.model.octets.vocabulary import Role

PeerKind = Literal["pip", "npm", "apt"]


@dataclass(frozen=True, slots=True)
class Peer:
    """An implementation, as ``registry.toml`` has it; commands are split into words."""

    name: str
    language: str
    code_base: str
    kind: PeerKind
    packages: tuple[str, ...]
    server: tuple[str, ...] = ()
    client: tuple[str, ...] = ()
    compression: tuple[Role, ...] = ()
    also: tuple[str, ...] = ()
    programs: tuple[tuple[str, str], ...] = ()
    source: str = ""
    artifact: str = ""
    build: tuple[tuple[str, ...], ...] = ()
    version: tuple[str, ...] = ()
    notes: str = ""

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles in which it can be run."""
        commands = {Role.SERVER: self.server, Role.CLIENT: self.client}
        return tuple(role for role, command in commands.items() if command)


def _peer(name: str, row: dict[str, Any]) -> Peer:
    jars: Sequence[str] = row.pop("jars", ())

    def words(command: str) -> tuple[str, ...]:
        return tuple(command.replace("{jars}", ":".join(jars)).split())

    fields: dict[str, Any] = {**row, "name": name, "programs": tuple(row.get("programs", {}).items())}
    fields |= {key: words(row[key]) for key in ("server", "client", "version") if key in row}
    fields |= {key: tuple(row.get(key, ())) for key in ("packages", "also")}
    fields["compression"] = tuple(map(Role, row.get("compression", ())))
    return Peer(**{**fields, "build": tuple(map(words, row.get("build", ())))})


def _read(file: Path) -> tuple[Peer, ...]:
    rows = tomllib.loads(file.read_text(encoding="utf-8"))
    return tuple(_peer(name, row) for name, row in rows.items())


PEERS: Final = _read(Path(__file__).with_name("registry.toml"))
"""Every implementation, Python's first."""


def find(name: str) -> Peer | None:
    """The row of a name, or None."""
    return next((peer for peer in PEERS if peer.name == name), None)
