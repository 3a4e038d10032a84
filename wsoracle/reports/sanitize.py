"""A record in which every field is there and has its type, whatever the file said.

Records are files: another program may have written one, or somebody who wishes us ill. What has another type than it
should have is text from outside like all else in it: it is shown as JSON, or where that makes no sense left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from .escape import LONGEST
from .verdicts import whole_verdict

__all__ = ["as_text", "tidy"]

_TEXTS: Final = {
    "agent": "?", "id": "?", "behavior": "?", "behaviorClose": "?", "started": "", "description": "", "expectation": "",
    "result": "", "resultClose": "", "httpRequest": "?", "httpResponse": "?",
}  # fmt: skip
_COUNTS: Final = ("rxOctetStats", "txOctetStats", "rxFrameStats", "txFrameStats")
_OUR_TEXTS: Final = ("title", "role", "note", "profile", "tool")
_MOST_DIGITS: Final = 18
"""Of numbers that are calculated with."""


def tidy(record: Mapping[str, Any], *, timeline: bool = True) -> dict[str, Any]:
    """The fields that pages and lists show; those of ours are in ``wsoracle``, also where the record has none.

    Without the ``timeline``, which lists do not need, it is quicker.
    """
    tidied: dict[str, Any] = {**record}
    for name, default in _TEXTS.items():
        tidied[name] = as_text(record.get(name), default)
    for name in _COUNTS:
        tidied[name] = _counts(record.get(name))
    tidied["duration"] = _whole(record.get("duration")) or 0
    tidied["case"] = _whole(record.get("case"))
    tidied["remoteCloseCode"] = _whole(record.get("remoteCloseCode"))
    tidied["received"] = _list(record.get("received"))
    tidied["expected"] = _mapping(record.get("expected"))
    tidied["trafficStats"] = _mapping(record.get("trafficStats"))
    tidied["wirelog"] = _list(record.get("wirelog"))
    tidied["ours"] = isinstance(record.get("wsoracle"), dict)
    tidied["wsoracle"] = _ours(tidied, _mapping(record.get("wsoracle")), timeline)
    return tidied


def as_text(value: Any, default: str = "") -> str:
    """A text as it is, None as the default, anything else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return default
    if type(value) is int and abs(value) < 10**_MOST_DIGITS:
        return str(value)
    try:
        return json.dumps(value, ensure_ascii=False)[: 2 * LONGEST]
    except (TypeError, ValueError, RecursionError):
        return type(value).__name__


def _ours(record: Mapping[str, Any], ours: Mapping[str, Any], timeline: bool) -> dict[str, Any]:
    verdict = ours.get("verdict")
    if verdict is None:
        verdict = whole_verdict(record["behavior"], record["behaviorClose"])
    passed = ours.get("passed")
    deciding = ours.get("deciding")
    tidied = {name: as_text(ours.get(name)) for name in _OUR_TEXTS}
    return {
        **tidied,
        "verdict": as_text(verdict, "?"),
        "counts": ours.get("counts") is not False,
        "passed": passed if isinstance(passed, bool) else verdict in ("OK", "NON-STRICT"),
        "control": None if ours.get("control") is None else as_text(ours["control"]),
        "url": as_text(ours.get("url")),
        "seed": as_text(ours.get("seed")),
        "group": _texts(ours.get("group")),
        "facts": {key: as_text(value) for key, value in _mapping(ours.get("facts")).items()},
        "rules": [_rule(one) for one in _list(ours.get("rules")) if isinstance(one, dict)],
        "allowed": [_outcome(one) for one in _list(ours.get("allowed")) if isinstance(one, dict)],
        "expected": [_outcome(one) for one in _list(ours.get("expected")) if isinstance(one, dict)],
        "deciding": (
            {name: _whole(deciding.get(name)) for name in ("octet", "entry", "arrived")}
            if isinstance(deciding, dict)
            else None
        ),
        "timeline": [_step(one) for one in _list(ours.get("timeline")) if isinstance(one, dict)] if timeline else [],
    }


def _rule(rule: Mapping[str, Any]) -> dict[str, str]:
    return {name: as_text(rule.get(name)) for name in ("id", "strength", "section", "quote", "part")}


def _outcome(outcome: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "verdict": as_text(outcome.get("verdict")),
        "what": as_text(outcome.get("what")),
        "rules": _texts(outcome.get("rules")),
    }


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    at, what, side, octets = step.get("t"), step.get("what"), step.get("from"), step.get("hex")
    return {
        "t": at if type(at) is float and math.isfinite(at) else float(_whole(at) or 0),
        "from": side if isinstance(side, str) else as_text(side, "?"),
        "what": what if isinstance(what, str) else as_text(what, "?"),
        "octets": _whole(step.get("octets")) or 0,
        "hex": octets if isinstance(octets, str) else as_text(octets),
        "start": _whole(step.get("start")),
        "deciding": step.get("deciding") is True,
    }


def _whole(value: Any) -> int | None:
    """A number that can be calculated with, as a whole one."""
    if type(value) is float and math.isfinite(value):
        value = round(value)
    return value if type(value) is int and abs(value) < 10**_MOST_DIGITS else None


def _counts(counts: Any) -> dict[int, int]:
    """Counts by sizes or opcodes, in their order."""
    found = {}
    for key, count in _mapping(counts).items():
        number = _whole(count)
        if number is not None and key.isascii() and key.isdigit() and len(key) <= _MOST_DIGITS:
            found[int(key)] = number
    return dict(sorted(found.items()))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [as_text(one) for one in value] if isinstance(value, list) else []
