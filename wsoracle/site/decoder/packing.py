"""What the page loads when the decoder is first needed: Pyodide from a folder, and our own Python as one archive."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from ..addresses import Addresses
from .entry import ADDRESSES

ARCHIVE: Final = "wsoracle.zip"
RUNTIME_FOLDER: Final = "pyodide"
PYODIDE: Final = "314.0.7"
"""The version of Pyodide that the decoder is tested with."""

RUNTIME: Final = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
"""The files of Pyodide that are loaded. MPL-2.0: its source is named on the page."""

_LOCK: Final = "pyodide-lock.json"
_PACKAGES: Final = (
    "h11", "wsoracle", "wsoracle.explain", "wsoracle.model", "wsoracle.model.endpoint", "wsoracle.model.facts",
    "wsoracle.model.machine", "wsoracle.model.notation", "wsoracle.model.octets", "wsoracle.model.rules",
    "wsoracle.properties", "wsoracle.properties.judge", "wsoracle.properties.traces", "wsoracle.site",
    "wsoracle.site.decoder", "wsoracle.text",
)  # fmt: skip
_BEGINNING: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the archive, so that the same code makes the same octets."""


class PyodideError(Exception):
    """The folder holds no Pyodide that can be used; the message is one line."""


def archive(addresses: Addresses) -> bytes:
    """Our Python that the decoder needs, with where rules and sections stand on the site."""
    places = {"names": addresses.names, "chapters": addresses.chapters, "sections": addresses.sections}
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w") as packed:
        for name, content in _modules():
            _add(packed, name, content)
        _add(packed, f"{__package__.replace('.', '/')}/{ADDRESSES}", json.dumps(places).encode())
    return octets.getvalue()


def _add(packed: zipfile.ZipFile, name: str, content: bytes) -> None:
    packed.writestr(zipfile.ZipInfo(name, _BEGINNING), content, zipfile.ZIP_DEFLATED, 9)


def _modules() -> Iterator[tuple[str, bytes]]:
    for package in _PACKAGES:
        folder: Traversable = resources.files(package)
        for file in sorted(folder.iterdir(), key=lambda one: one.name):
            if file.name.endswith(".py"):
                yield f"{package.replace('.', '/')}/{file.name}", file.read_bytes()


def runtime(folder: Path) -> dict[str, bytes]:
    """The files of Pyodide that a page loads, by name, from the folder of the npm package or from one that holds it.

    Raises :class:`PyodideError` where they are not there, or of another version than the one that is tested.
    """
    home = next((one for one in (folder, folder / "node_modules" / "pyodide") if (one / RUNTIME[0]).is_file()), None)
    if home is None:
        raise PyodideError(f"{folder} has no {RUNTIME[0]}: call npm install pyodide@{PYODIDE} there")
    try:
        version = json.loads((home / "package.json").read_bytes())["version"]
        lock = json.loads((home / _LOCK).read_bytes())
        if version != PYODIDE:
            raise PyodideError(f"{home} has version {version}: call npm install pyodide@{PYODIDE}")
        found = {name: (home / name).read_bytes() for name in RUNTIME}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PyodideError(f"{home}: its files cannot be read ({error}): call npm install pyodide@{PYODIDE}") from error
    # Of its packages none is used: their list is left out.
    return {**found, _LOCK: json.dumps({"info": lock["info"], "packages": {}}).encode()}
