"""Cases as test vectors: one file a rule, with octets to feed to a parser and what it may do then (docs/cases.md).

A vector stands in the file of each rule that one of its outcomes follows or departs from.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from wsoracle.model.rules import RULES

from ..cases.case import Case
from ..cases.case_json import case_to_json
from ..cases.derived import check_suite, judge_only
from .files import ExportResult, as_json, write_directory
from .json_files import case_schema

FORMAT: Final = "wsoracle-vectors"
VERSION: Final = 1
SCHEMA: Final = "vectors.schema.json"

FLAGS: Final = {
    "negative": "an endpoint that does nothing may pass it: it counts only where its control is answered",
    "opening": "the input begins with the opening handshake, else right after it",
    "ends": "the peer's end of TCP follows the input",
    "limit": "the endpoint has the stated limit on a message",
    "claims": "extensions that define the stated bits were agreed on",
    "disputed": "the verdict depends on the profile",
    "departs": "some endpoints depart here from a rule that is no MUST, and are not FAILED",
}
"""What is special about a vector."""

_KEPT: Final = (
    "id",
    "title",
    "description",
    "role",
    "application",
    "limit",
    "switches",
    "claims",
    "control",
    "allowed",
)


def vectors_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a file; the parts are those of the schema of a case."""
    case = case_schema()
    fields = {name: case["properties"][name] for name in _KEPT}
    fields |= {
        "input": case["properties"]["stimulus"],
        "flags": {"type": "array", "uniqueItems": True, "items": {"enum": list(FLAGS)}},
    }
    rule = {name: {"type": "string"} for name in ("id", "strength", "section", "quote")}
    return {
        "$schema": case["$schema"],
        "title": "The test vectors of a rule",
        **_closed(
            {
                "format": {"const": FORMAT},
                "version": {"const": VERSION},
                "rule": _closed(rule),
                "flags": {"type": "object", "additionalProperties": {"type": "string"}},
                "vectors": {"type": "array", "minItems": 1, "items": _closed(fields)},
            }
        ),
        "$defs": case["$defs"],
    }


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


def _vector(case: Case) -> dict[str, Any]:
    """A case without its steps and what is said as Autobahn does."""
    document = case_to_json(case)
    outcomes = document["allowed"]
    special = {
        "negative": document["negative"],
        "opening": case.opening,
        "ends": case.half_closes,
        "limit": case.limit is not None,
        "claims": bool(case.claims),
        "disputed": any(len(set(outcome["verdict"].values())) > 1 for outcome in outcomes),
        "departs": any(outcome["departsFrom"] for outcome in outcomes),
    }
    kept = {name: document[name] for name in _KEPT}
    return {**kept, "input": document["stimulus"], "flags": [flag for flag, there in special.items() if there]}


def export_vectors(cases: Iterable[Case], directory: str | os.PathLike[str]) -> ExportResult:
    """Write `<rule>.json` for each rule that a case is about, and the schema; cases with steps of the endpoint's own,
    which no parser can be given, are left out. ValueError and OSError as for JSON files."""
    suite = check_suite(cases)
    left_out = {case.id: why for case in suite if (why := judge_only(case)) is not None}
    by_rule: dict[str, list[dict[str, Any]]] = {}
    for case in suite:
        if case.id not in left_out:
            vector = _vector(case)
            for rule in dict.fromkeys(rule for outcome in vector["allowed"] for rule in _named(outcome)):
                by_rule.setdefault(rule, []).append(vector)
    texts = {f"{rule}.json": as_json(_document(rule, vectors)) for rule, vectors in by_rule.items()}
    texts[SCHEMA] = as_json(vectors_schema())
    names = write_directory(directory, "vectors", texts)
    return ExportResult(Path(directory), names, tuple(case.id for case in suite if case.id not in left_out), left_out)


def _named(outcome: dict[str, Any]) -> list[str]:
    return [*outcome["rules"], *(departure["rule"] for departure in outcome["departsFrom"])]


def _document(rule_id: str, vectors: list[dict[str, Any]]) -> dict[str, Any]:
    rule = RULES.by_id[rule_id]
    return {
        "format": FORMAT,
        "version": VERSION,
        "rule": {"id": rule.id, "strength": rule.strength.value, "section": rule.section, "quote": rule.quote},
        "flags": FLAGS,
        "vectors": vectors,
    }
