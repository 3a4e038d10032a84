"""Read the rows of the register from their TOML file.

Text in the form of ``requirements.toml`` goes in, one :class:`.requirement.Requirement` for each of its tables comes
out, in the order of the file.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from .requirement import Binds, Requirement


def read_register() -> tuple[Requirement, ...]:
    """Give every row of the project's own register."""
    return rows_of((files(__package__) / "requirements.toml").read_text(encoding="utf-8"))


def rows_of(text: str) -> tuple[Requirement, ...]:
    """Give the rows of a text; ValueError, naming the row, where the text does not follow the schema."""
    document = tomllib.loads(text)
    schema = json.loads((files(__package__) / "requirements.schema.json").read_text(encoding="utf-8"))
    error = best_match(Draft202012Validator(schema).iter_errors(document))
    if error is not None:
        raise ValueError(f"{_place(document, list(error.absolute_path))}: {error.message}")
    return tuple(map(_row, document["requirement"]))


def _row(table: Mapping[str, Any]) -> Requirement:
    return Requirement(
        id=table["id"],
        binds=Binds(table["binds"]),
        quote=_one_line(table["quote"]),
        why=_one_line(table["why"]) if "why" in table else None,
        rules=tuple(table.get("rules", ())),
        theorems=tuple(table.get("theorems", ())),
    )


def _one_line(text: str) -> str:
    """Give the text without the line breaks that it has in the file; a word that ends with a hyphen stays a word."""
    return " ".join(text.split())


def _place(document: Mapping[str, Any], path: list[str | int]) -> str:
    """Name the row and the field that a path of the document leads to."""
    if len(path) < 2 or not isinstance(path[1], int):
        return "requirements.toml"
    table = document["requirement"][path[1]]
    id = table.get("id") if isinstance(table, dict) else None
    row = f"requirement {id}" if isinstance(id, str) else f"requirement number {path[1] + 1}"
    return ", ".join([row, *map(str, path[2:3])])
