"""Mode massconnect: a specification file of its own form, and the line about each of its servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ..testees.many import Batches, connect_many
from ..text.output import one_line
from .specification import SpecFileError, object_in, read_json, uri_in

MOST: Final = 20_000
"""Connections to one server: about as many as there are ports for at one address."""

_OPTIONS: Final = {"connections": (10_000, 1, MOST), "batchsize": (100, 1, MOST), "batchdelay": (10, 0, 60_000),
                   "retrydelay": (10, 1, 60_000)}  # fmt: skip
"""Each with its default, the least and the most; delays are in milliseconds."""

Servers = tuple[tuple[str, str], ...]
"""The name and the URL of each server."""


def default_text() -> str:
    """The text of a new file: Autobahn's options, and a server on this machine."""
    options = {key: default for key, (default, _, _) in _OPTIONS.items()}
    servers = [{"name": "a server", "uri": "ws://127.0.0.1:9000"}]
    return json.dumps({"options": options, "servers": servers}, indent=3) + "\n"


def read_load(path: Path, wsuri: str | None) -> tuple[Batches, Servers]:
    """What a specification asks for; ``wsuri`` is in the place of its servers. Raises SpecFileError, and OSError."""
    document = object_in(read_json(path), "the specification")
    options = object_in(document.get("options") or {}, "options")
    size = {key: _number(options, key) for key in _OPTIONS}
    entries = [{"uri": wsuri}] if wsuri is not None else document.get("servers")
    if not isinstance(entries, list) or not entries:
        raise SpecFileError('there are no servers: give some, such as {"uri": "ws://127.0.0.1:9000"}, or -w URL')
    servers = tuple(_server(object_in(entry, f"servers[{at}]"), f"servers[{at}]") for at, entry in enumerate(entries))
    batches = Batches(size["connections"], size["batchsize"], size["batchdelay"] / 1000, size["retrydelay"] / 1000)
    return batches, servers


def _number(options: Mapping[str, Any], key: str) -> int:
    default, least, most = _OPTIONS[key]
    value = options.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise SpecFileError(f"options.{key}: a whole number from {least} to {most} is needed, and not {value!r:.40}")
    return value


def _server(entry: Mapping[str, Any], where: str) -> tuple[str, str]:
    uri = uri_in(str(entry.get("uri", entry.get("url", ""))), f"{where}.uri")
    return str(entry.get("name") or uri.host_header), uri.text


async def load(batches: Batches, servers: Servers, say: Callable[[str], None]) -> bool:
    """Open the connections of each server, and say what came of it; whether all were opened and none was lost.

    Raises OSError where this machine is short of something.
    """
    good = True
    for name, url in servers:
        taken = await connect_many(url, batches)
        if taken.short:
            raise OSError(f"this machine is short of something: {taken.short}: ask for fewer connections")
        attempts = f"{taken.failed} attempts failed, {taken.lost} connections were lost"
        count = f"{taken.open} of {batches.connections} connections were open after {taken.seconds:.2f} s"
        say(f"{one_line(name, 100)} at {url}: {count}; {attempts}")
        good = good and taken.open == batches.connections and not taken.lost
    return good
