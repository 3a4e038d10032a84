"""What was seen of an agent's connections, as a file beside the records, and results on them as JSON.

The file is data: results are worked out from it. It may be any file, since another program may have written it: what
has not its form is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from wsoracle.properties.connections.probes import ProbeArrival
from wsoracle.properties.connections.seen import SeenClient, SeenConnection

from .stored_record import MOST_OCTETS, write_escaped

if TYPE_CHECKING:
    from wsoracle.properties.connections.checks import CheckResult

OverConnections: TypeAlias = "Mapping[str, Sequence[CheckResult]]"
"""By agent: what its connections show together."""

FORMAT: Final = "wsoracle-connections"
VERSION: Final = 1
MOST_CONNECTIONS: Final = 4096
"""More connections of one agent are not kept."""

MOST_ARRIVALS: Final = 256
"""More requests for probes of one agent are not kept."""

_S = TypeVar("_S", SeenConnection, ProbeArrival)


def write_seen(path: Path, agent: str, client: SeenClient) -> None:
    """Write the file. Raises OSError."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "agent": agent,
        "connections": [_stored(one) for one in client.connections],
        "asked": client.asked,
        "arrivals": [_stored(one) for one in client.arrivals],
    }
    write_escaped(path, json.dumps(document, separators=(",", ":")))


def seen_in(folder: Path, ending: str) -> Iterator[tuple[str, str, SeenClient]]:
    """The files in a folder whose names end so: the name of each, the agent, and what was seen. Raises OSError."""
    for path in sorted(folder.glob(f"*{ending}")):
        try:
            if not path.is_file() or path.stat().st_size > MOST_OCTETS:
                continue
            found = json.loads(path.read_bytes())
            if found["format"] == FORMAT and isinstance(found["agent"], str):
                yield path.name, found["agent"], _client(found)
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            continue


def _client(found: dict[str, Any]) -> SeenClient:
    return SeenClient(
        [_read(SeenConnection, one) for one in found["connections"][:MOST_CONNECTIONS]],
        [str(one) for one in found["asked"][:MOST_ARRIVALS]],
        [_read(ProbeArrival, one) for one in found["arrivals"][:MOST_ARRIVALS]],
    )


def _stored(seen: SeenConnection | ProbeArrival) -> dict[str, Any]:
    """The fields that are not as by default; octets in hex."""
    values = ((one.name, getattr(seen, one.name), one.default) for one in fields(seen))
    return {name: value.hex() if isinstance(value, bytes) else value for name, value, usual in values if value != usual}


def _read(kind: type[_S], found: dict[str, Any]) -> _S:
    """What was stored. Raises TypeError, KeyError and ValueError for something else."""
    values: dict[str, Any] = {}
    for one in fields(kind):
        if one.name in found:
            value = found[one.name]
            values[one.name] = bytes.fromhex(value) if one.type == "bytes" else value
            if type(value).__name__ not in _JSON_TYPES[str(one.type)]:
                raise TypeError(value)
    return kind(**values)


_JSON_TYPES: Final = {
    "str": ("str",), "str | None": ("str", "NoneType"), "bytes": ("str",), "int": ("int",), "float": ("float", "int"),
    "bool": ("bool",),
}  # fmt: skip


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
