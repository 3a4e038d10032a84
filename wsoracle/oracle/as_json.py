"""What the oracle says, as plain data for other programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from wsoracle.model.octets.frames import Header
from wsoracle.model.octets.http import Head, Request
from wsoracle.model.octets.units import FrameUnit
from wsoracle.properties.judge.behaviour_and_closing import parts
from wsoracle.properties.judge.judgement import Allowed, Judgement
from wsoracle.properties.traces.recorded import Recorded

from ..text.clauses import clause


def judgement_as_json(recorded: Recorded, judgement: Judgement) -> dict[str, Any]:
    """A judgement on a trace: verdict, rules with their clauses, the deciding octet, what would have been allowed."""
    found = parts(judgement, recorded.trace)
    return {
        "role": recorded.setting.role.value,
        "application": recorded.application,
        "profile": judgement.profile,
        "verdict": judgement.verdict.value,
        "behavior": found.behavior.value,
        "behaviorClose": found.closing_kind,
        "rules": [
            {"id": broken.rule, "strength": broken.strength.value, "clause": clause(broken.rule)}
            for broken in judgement.broken
        ],
        "oneOf": list(judgement.one_of),
        "applicationDid": list(judgement.application),
        "deciding": None
        if judgement.at is None
        else {
            "observation": judgement.at,
            "what": recorded.in_words.of(judgement.at),
            "octet": judgement.octet,
            "direction": judgement.direction,
            "arrived": judgement.arrived,
            "t": None if recorded.times is None else recorded.times[judgement.at],
        },
        "wouldHaveBeenAllowed": allowed_as_json(judgement.instead),
        "note": judgement.words,
    }


def allowed_as_json(allowed: Iterable[Allowed]) -> list[dict[str, Any]]:
    """Reactions that are allowed, with the rules that say so."""
    return [{"what": one.what, "rules": list(one.rules)} for one in allowed]


def frame_as_json(unit: FrameUnit) -> dict[str, Any]:
    """A frame that was decoded, in the fields of case files, and its place."""
    header: Header = unit.header
    return {
        "opcode": header.opcode,
        "fin": header.fin,
        "rsv1": header.rsv1,
        "rsv2": header.rsv2,
        "rsv3": header.rsv3,
        "key": None if header.key is None else header.key.hex(),
        "form": header.form,
        "length": header.length,
        "payload": unit.payload.hex(),
        "start": unit.start,
        "end": unit.end,
    }


def head_as_json(head: Head) -> dict[str, Any]:
    """A head: its first line and its fields in order."""
    first: dict[str, Any] = (
        {"method": head.method, "target": head.target}
        if isinstance(head, Request)
        else {"status": head.status, "reason": head.reason}
    )
    fields: Sequence[Sequence[str]] = [[name, value] for name, value in head.headers]
    return {**first, "version": head.version, "fields": fields}
