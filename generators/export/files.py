"""Directories of exported cases, written whole or not at all, and the same octets every time.

Only a directory that an export made is replaced, and only while it holds nothing else: files that a user keeps there
are never deleted.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from ..atomic_write import write_directory as replace_directory

MARKER: Final = "wsoracle-export.json"
"""The file that says what an export wrote: its kind, and the names of all files."""

_BY_PRODUCTS: Final = ("__pycache__", ".pytest_cache")


@dataclass(frozen=True)
class ExportResult:
    """The result of an export.

    `carried` are the ids of the cases that are in it, `left_out` those that its format or its runner cannot carry,
    each with the reason. `names` is what a case is called there, where that is not its id.
    """

    directory: Path
    files: tuple[str, ...]
    carried: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


def as_json(document: Any) -> str:
    """A JSON text for people and for version control: indented, in the given order, ending with a newline."""
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def fill_template(name: str, values: Mapping[str, str]) -> str:
    """The text of a file in `templates`, with a value for each ``@NAME@`` in it; KeyError where one is missing."""
    text = (files(__package__) / "templates" / name).read_text(encoding="utf-8")
    return re.sub(r"@([A-Z_]+)@", lambda match: values[match[1]], text)


def write_directory(directory: str | os.PathLike[str], kind: str, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Write files, given by name relative to the directory, so that all of them are there or none; returns the names.

    FileExistsError where the directory holds anything that an export did not write, NotADirectoryError where a file
    is in its place; other OSErrors as they come. Whatever is raised, what was there before is there still.
    """
    target = Path(directory)
    _check_replaceable(target)
    names = tuple(sorted(texts))
    marker = {"format": "wsoracle-export", "version": 1, "kind": kind, "files": [*names, MARKER]}
    contents = {name: texts[name] for name in names} | {MARKER: as_json(marker)}
    replace_directory(target, {name: text.encode() for name, text in contents.items()})
    return names


def _check_replaceable(target: Path) -> None:
    if not target.exists() and not target.is_symlink():
        return
    if not target.is_dir() or target.is_symlink():
        raise NotADirectoryError(f"{target} is not a directory: choose another place for the cases")
    foreign = sorted(_present(target) - _written(target))
    if foreign:
        raise FileExistsError(f"{target} holds {foreign[0]}, which no export wrote: choose another directory")


def _present(target: Path) -> set[str]:
    found: Iterable[Path] = target.rglob("*")
    return {
        path.relative_to(target).as_posix()
        for path in found
        if (path.is_symlink() or not path.is_dir())
        and path.suffix != ".pyc"
        and not any(part in _BY_PRODUCTS for part in path.relative_to(target).parts)
    }


def _written(target: Path) -> set[str]:
    try:
        marker = json.loads((target / MARKER).read_text(encoding="utf-8"))
        if marker["format"] != "wsoracle-export":
            return set()
        return {str(name) for name in marker["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
