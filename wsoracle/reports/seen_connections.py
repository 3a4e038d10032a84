"""What was seen of an agent's connections, as a file beside the records, and results on them as JSON.

The file is data: results are worked out from it. It may be any file, since another program may have written it: what
has not its form is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from wsoracle.generators.atomic_write import write_file
from wsoracle.properties.connections.seen import SeenConnection

from .stored_record import MOST_OCTETS

if TYPE_CHECKING:
    from wsoracle.properties.connections.checks import CheckResult

OverConnections: TypeAlias = "Mapping[str, Sequence[CheckResult]]"
"""By agent: what its connections show together."""

FORMAT: Final = "wsoracle-connections"
VERSION: Final = 1
CONNECTIONS: Final = "_connections.json"
"""The end of the file's name."""

MOST_CONNECTIONS: Final = 4096
"""More connections of one agent are not kept."""


def write_seen(path: Path, agent: str, seen: Sequence[SeenConnection]) -> None:
    """Write the file. Raises OSError."""
    connections = [{"nonce": one.nonce, "keys": one.keys.hex()} for one in seen]
    document = {"format": FORMAT, "version": VERSION, "agent": agent, "connections": connections}
    write_file(path, json.dumps(document, separators=(",", ":")).encode())


def seen_in(folder: Path) -> Iterator[tuple[str, str, list[SeenConnection]]]:
    """The files in a folder: the name of each, the agent, and its connections. Raises OSError for the folder."""
    for path in sorted(folder.glob(f"*{CONNECTIONS}")):
        try:
            if not path.is_file() or path.stat().st_size > MOST_OCTETS:
                continue
            found = json.loads(path.read_bytes())
            if found["format"] == FORMAT and isinstance(found["agent"], str):
                yield path.name, found["agent"], list(map(_connection, found["connections"][:MOST_CONNECTIONS]))
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            continue


def _connection(found: Any) -> SeenConnection:
    nonce = found["nonce"]
    if not isinstance(nonce, str):
        raise TypeError(nonce)
    return SeenConnection(nonce, bytes.fromhex(found["keys"]))


def as_json(result: CheckResult) -> dict[str, Any]:
    """A result for JSON."""
    return {
        "id": result.check.id,
        "title": result.check.title,
        "verdict": result.verdict.value,
        "count": result.count,
        "of": result.of,
        "what": result.what,
        "example": result.example,
        "requirements": [
            {"id": row.id, "section": row.section, "level": row.level, "quote": row.quote}
            for row in result.check.sentences
        ],
    }
