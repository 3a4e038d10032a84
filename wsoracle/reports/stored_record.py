"""A record as a file: written whole, and read with no trust in what is in it.

Records are files: another program, or an attacker, may have written one. In a tidy record every field has its type: a
value of another type is shown as JSON text, or left out where text makes no sense.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from wsoracle.generators.atomic_write import write_file
from wsoracle.properties.judge.verdict import PASSES

from ..text.visible import LONGEST

MOST_OCTETS: Final = 64 << 20
"""A larger file is no record."""

CLOSED_WELL: Final = ("OK", "INFORMATIONAL", "UNIMPLEMENTED")
"""Closing behaviours that are no failure."""

_TEXTS: Final = {
    "agent": "?", "id": "?", "behavior": "?", "behaviorClose": "?", "started": "", "description": "", "expectation": "",
    "result": "", "resultClose": "", "httpRequest": "?", "httpResponse": "?",
}  # fmt: skip
_COUNTS: Final = ("rxOctetStats", "txOctetStats", "rxFrameStats", "txFrameStats")
_OUR_TEXTS: Final = ("title", "role", "note", "profile", "tool")
_MOST_DIGITS: Final = 18
"""Digits of numbers that are calculated with."""


class PageLinks(NamedTuple):
    """The files of other pages: of the control of a case, and of the cases before and after it."""

    control: str | None = None
    before: str | None = None
    after: str | None = None


NO_LINKS: Final = PageLinks()


class FilePlace(NamedTuple):
    """The paths of the files of a case: the folder, their name without suffix, and the pages that its page leads to."""

    folder: Path
    base: str
    links: PageLinks


def page_name(file: str) -> str:
    """The name of the page beside the file of a record."""
    return f"{file.removesuffix('.json')}.html"


def write_escaped(path: Path, text: str) -> None:
    """Write a file whole, in UTF-8; characters that have no form in it (lone surrogates) as escapes. Raises OSError."""
    write_file(path, text.encode("utf-8", "backslashreplace"))


class RecordFile(NamedTuple):
    """A record, and the name of its file."""

    name: str
    record: dict[str, Any]


class NoRecord(NamedTuple):
    """A file with the name of a record, and the reason why it is no record."""

    name: str
    why: str


def records_in(folder: Path) -> Iterator[RecordFile | NoRecord]:
    """Every file with the name of a record, in the order of their names. Raises OSError for the folder."""
    for path in sorted(folder.glob("*_case_*.json")):
        try:
            if not path.is_file():
                yield NoRecord(path.name, "no regular file")
                continue
            if path.stat().st_size > MOST_OCTETS:
                yield NoRecord(path.name, f"more than {MOST_OCTETS} octets")
                continue
            record = json.loads(path.read_bytes())
        except OSError as error:
            yield NoRecord(path.name, error.strerror or str(error))
        except (ValueError, RecursionError):
            yield NoRecord(path.name, "no JSON")
        else:
            if isinstance(record, dict) and all(isinstance(record.get(key), str) for key in ("agent", "id")):
                yield RecordFile(path.name, record)
            else:
                yield NoRecord(path.name, "no record of a case")


# --- tidy records -----------------------------------------------------------------------------------------------------


def tidy(record: Mapping[str, Any], *, timeline: bool = True) -> dict[str, Any]:
    """The fields that pages and lists show; ``wsoracle`` is there too, also where the record has none.

    Lists need no ``timeline``: without it this is quicker.
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
        "echo": echo if isinstance(echo := ours.get("echo"), bool) else None,
        "passed": passed if isinstance(passed, bool) else verdict in PASSES,
        "control": None if ours.get("control") is None else as_text(ours["control"]),
        "url": as_text(ours.get("url")),
        "again": as_text(ours.get("again")),
        "seed": as_text(ours.get("seed")),
        "group": _texts(ours.get("group")),
        "facts": {key: as_text(value) for key, value in _mapping(ours.get("facts")).items()},
        "rules": [_rule(one) for one in _list(ours.get("rules")) if isinstance(one, dict)],
        "oneOf": _texts(ours.get("oneOf")),
        "allowed": [_outcome(one) for one in _list(ours.get("allowed")) if isinstance(one, dict)],
        "expected": [_outcome(one) for one in _list(ours.get("expected")) if isinstance(one, dict)],
        "deciding": _deciding(deciding) if isinstance(deciding, dict) else None,
        "timeline": [_step(one) for one in _list(ours.get("timeline")) if isinstance(one, dict)] if timeline else [],
    }


def _deciding(deciding: Mapping[str, Any]) -> dict[str, Any]:
    """The deciding place; in records without a direction the octet is one that the endpoint wrote."""
    numbers = {name: _whole(deciding.get(name)) for name in ("octet", "entry", "arrived")}
    return {**numbers, "direction": "arrived" if deciding.get("direction") == "arrived" else "written"}


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
    """The number rounded; None where it is no finite number, or too large to calculate with."""
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


def whole_verdict(behavior: str, closing: str) -> str:
    """The verdict on a case of which Autobahn judged the two parts."""
    return "FAILED" if behavior in PASSES and closing not in CLOSED_WELL else behavior
