"""Cases as JSON files: one for each case, the schema, and an index (docs/cases.md)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

from ..cases.case import Case
from ..cases.case_json import FORMAT, VERSION, case_from_json, case_to_json
from ..cases.derived import check_suite, judge_only, negative
from .files import ExportResult, as_json, write_directory

INDEX: Final = "index.json"
SCHEMA: Final = "case.schema.json"


@cache
def _schema_text() -> str:
    return (files(__package__) / SCHEMA).read_text(encoding="utf-8")


def case_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a case."""
    schema: dict[str, Any] = json.loads(_schema_text())
    return schema


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(case_schema())


def schema_faults(document: Any) -> list[str]:
    """The places where a document does not follow the schema of a case, one line each."""
    errors = sorted(_validator().iter_errors(document), key=lambda error: [str(part) for part in error.absolute_path])
    return [f"{'/'.join(map(str, error.absolute_path)) or 'the case'}: {error.message}" for error in errors]


def export_json(cases: Iterable[Case], directory: str | os.PathLike[str]) -> ExportResult:
    """Write `<id>.json` for each case, `index.json` and `case.schema.json`; all cases are carried.

    ValueError for cases that do not go together (:func:`~wsoracle.generators.cases.derived.check_suite`), OSError where
    the directory cannot be written (:func:`~wsoracle.generators.export.files.write_directory`).
    """
    suite = check_suite(cases)
    texts = {f"{case.id}.json": as_json(case_to_json(case)) for case in suite}
    index = {
        "format": f"{FORMAT}-index",
        "version": VERSION,
        "cases": [
            {
                "id": case.id,
                "file": f"{case.id}.json",
                "sha256": hashlib.sha256(texts[f"{case.id}.json"].encode()).hexdigest(),
                "role": case.role.value,
                "origin": case.origin.to_json(),
                "title": case.title,
                "negative": negative(case),
                "control": case.control,
                "judgeOnly": judge_only(case),
            }
            for case in suite
        ],
    }
    texts |= {INDEX: as_json(index), SCHEMA: _schema_text()}
    names = write_directory(directory, "json", texts)
    return ExportResult(Path(directory), names, tuple(case.id for case in suite))


def read_cases(directory: str | os.PathLike[str]) -> tuple[Case, ...]:
    """The cases of a directory that :func:`export_json` wrote, in the order of their ids.

    ValueError, with the file's name, where a file is not what the index says it is.
    """
    root = Path(directory)
    index = _load(root / INDEX)
    if index.get("format") != f"{FORMAT}-index":
        raise ValueError(f"{root / INDEX} is not an index of cases")
    cases = []
    for entry in index["cases"]:
        path = root / entry["file"]
        document = _load(path)
        try:
            for fault in schema_faults(document):
                raise ValueError(fault)
            case = case_from_json(document)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        if case.id != entry["id"]:
            raise ValueError(f"{path}: it holds the case {case.id}, and the index says {entry['id']}")
        cases.append(case)
    return check_suite(cases)


def _load(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ValueError(f"{path} is not a JSON object")
    return document
