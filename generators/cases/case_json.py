"""A case with its outcomes as a document of JSON (docs/cases.md).

The derived parts are written out for readers in other languages; reading a document checks that they are what they
must be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from wsoracle.model.notation.switches import Switches
from wsoracle.model.octets.vocabulary import Role

from .case import Case
from .derived import checked, expected, expected_close, judge_only, negative
from .origin import Origin
from .outcome import outcome_from_json, outcome_to_json
from .step_json import step_from_json, step_to_json
from .stimulus import stream_end

FORMAT: Final = "wsoracle-case"
VERSION: Final = 1


def case_to_json(case: Case) -> dict[str, Any]:
    """The case as a JSON object, derived parts included; key order is fixed."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "id": case.id,
        "role": case.role.value,
        "origin": case.origin.to_json(),
        "title": case.title,
        "description": case.description,
        "application": case.application,
        "limit": case.limit,
        "switches": case.switches.changes(),
        "claims": list(case.claims),
        "opening": case.opening,
        "negative": negative(case),
        "control": case.control,
        "judgeOnly": judge_only(case),
        "steps": [step_to_json(step) for step in case.steps],
        "stimulus": {
            "octets": case.octets.hex(),
            "chunks": list(case.chunks),
            "ends": stream_end(case).value,
        },
        "allowed": [outcome_to_json(outcome) for outcome in case.allowed],
        "expected": expected(case),
        "expectedClose": expected_close(case),
    }


def case_from_json(document: Mapping[str, Any]) -> Case:
    """The case of a JSON object; ValueError where the object is not one, or where its parts do not agree."""
    try:
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise ValueError(f"the format is not {FORMAT} version {VERSION}")
        case = checked(
            Case(
                id=document["id"],
                title=document["title"],
                steps=tuple(step_from_json(step) for step in document["steps"]),
                roles=frozenset((Role(document["role"]),)),
                control=document["control"],
                opening=document["opening"],
                origin=Origin(**document["origin"]),
                allowed=tuple(outcome_from_json(outcome) for outcome in document["allowed"]),
                description=document["description"],
                application=document["application"],
                limit=document["limit"],
                switches=Switches(**document["switches"]),
                claims=tuple(document["claims"]),
                chunks=tuple(document["stimulus"]["chunks"]),
            )
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a case: {type(error).__name__}: {error}") from error
    written = case_to_json(case)
    for key in {*written, *document}:
        if key not in document or key not in written or written[key] != document[key]:
            raise ValueError(f"case {case.id}: {key!r} does not agree with the rest of the case")
    return case
