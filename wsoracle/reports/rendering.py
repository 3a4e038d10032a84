"""Parts that pages share: records made safe to show, texts in which every character can be seen, templates and signs.

Records are files: another program, or an attacker, may have written one. In a tidy record every field has its type: a
value of another type is shown as JSON text, or left out where text makes no sense. Templates escape HTML, and so does
:func:`html_of`. Verdicts are marked with a sign and a word, never with a colour alone. The Content-Security-Policy
lets a page run its own script and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..text.visible import escape_of, escaped

if TYPE_CHECKING:
    from jinja2 import BytecodeCache

NO_CONTROL: Final = "NO CONTROL"
"""In place of the verdict on a case that does not count."""

NOT_RUN: Final = "NOT RUN"
"""In place of the verdict on a case that was not run to its end."""

CLOSED_WELL: Final = ("OK", "INFORMATIONAL", "UNIMPLEMENTED")
"""Closing behaviours that are no failure."""

LONGEST: Final = 8192
"""Characters that are shown of a text."""

_TEXTS: Final = {
    "agent": "?", "id": "?", "behavior": "?", "behaviorClose": "?", "started": "", "description": "", "expectation": "",
    "result": "", "resultClose": "", "httpRequest": "?", "httpResponse": "?",
}  # fmt: skip
_COUNTS: Final = ("rxOctetStats", "txOctetStats", "rxFrameStats", "txFrameStats")
_OUR_TEXTS: Final = ("title", "role", "note", "profile", "tool")
_MOST_DIGITS: Final = 18
"""Digits of numbers that are calculated with."""

_PASSED: Final = ("OK", "NON-STRICT")
_ALSO_BREAKS: Final = re.compile("[\n\t]")


class PageLinks(NamedTuple):
    """The files of other pages: of the control of a case, and of the cases before and after it."""

    control: str | None = None
    before: str | None = None
    after: str | None = None


NO_LINKS: Final = PageLinks()


def label(verdict: str, counts: bool) -> str:
    """The verdict on a case in a word or two."""
    return verdict if counts else NO_CONTROL


def whole_verdict(behavior: str, closing: str) -> str:
    """The verdict on a case of which Autobahn judged the two parts."""
    return "FAILED" if behavior in _PASSED and closing not in CLOSED_WELL else behavior


def visible(text: Any, longest: int = LONGEST, *, lines: bool = True) -> str:
    """The text with escapes of Python for characters that cannot be seen, cut where it is too long.

    ``lines`` keeps line breaks.
    """
    whole = text if isinstance(text, str) else str(text)
    if len(whole) <= longest and whole.isascii() and whole.isprintable():
        return whole
    cut = escaped(whole[:longest].replace("\r\n", "\n"))
    if not lines:
        cut = _ALSO_BREAKS.sub(lambda match: escape_of(match[0]), cut)
    return cut if len(whole) <= longest else f"{cut} ... ({len(whole) - longest} more characters)"


def html_of(text: str, longest: int = LONGEST, *, lines: bool = True) -> str:
    """The visible text as HTML, for elements and quoted attributes alike."""
    return escape(visible(text, longest, lines=lines))


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
        "passed": passed if isinstance(passed, bool) else verdict in _PASSED,
        "control": None if ours.get("control") is None else as_text(ours["control"]),
        "url": as_text(ours.get("url")),
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


# --- the look of pages ------------------------------------------------------------------------------------------------

_FOLDER: Final = Path(__file__).resolve().parent / "templates"
MEANINGS: Final[Mapping[str, str]] = {
    "OK": "everything that was observed is allowed in full",
    "NON-STRICT": "a SHOULD was not followed",
    "INFORMATIONAL": "neither a pass nor a failure: the endpoint is free here",
    "UNIMPLEMENTED": "neither a pass nor a failure: the endpoint lacks an optional feature",
    "FAILED": "a MUST or a reaction on which implementations agree was not followed, or the case could not be finished",
    NOT_RUN: "neither a pass nor a failure: the case was not run, or the endpoint closed, as it may, before its end",
    NO_CONTROL: "proves nothing, because the control of the case was not answered, or not run",
}
VERDICTS: Final = tuple(MEANINGS)
SIGNS: Final = {
    "OK": "✓",
    "NON-STRICT": "~",
    "INFORMATIONAL": "i",
    "UNIMPLEMENTED": "–",
    "FAILED": "✗",
    NOT_RUN: "…",
    NO_CONTROL: "∅",
}

_STYLES: Final = {verdict: verdict.replace(" ", "-") for verdict in VERDICTS}


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


STYLE: Final = _read("style.css")
FILTER_SCRIPT: Final = _read("filter.js")
ON_DEMAND_SCRIPT: Final = _read("on_demand.js")


def style_of(words: str) -> str:
    """The class of a verdict in style sheets; nothing for text that is no verdict."""
    return _STYLES.get(words, "")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@lru_cache(maxsize=2)
def policy(script: bool) -> str:
    """The policy of a page with our style, and our scripts or none: no network, no other script, no other style."""
    allowed = f"; script-src {_hash(FILTER_SCRIPT)} {_hash(ON_DEMAND_SCRIPT)}" if script else ""
    return f"default-src 'none'; style-src {_hash(STYLE)}{allowed}; base-uri 'none'; form-action 'none'"


def _kept_bytecode() -> BytecodeCache | None:
    """A cache of compiled templates, under the conditions of compiled modules; None where none can be kept."""
    import jinja2

    folder = _FOLDER / "__pycache__"
    if sys.dont_write_bytecode:
        return None
    try:
        folder.mkdir(exist_ok=True)
    except OSError:
        return None  # as Python does with modules: they are compiled anew each time
    return jinja2.FileSystemBytecodeCache(str(folder)) if os.access(folder, os.W_OK) else None


@lru_cache(maxsize=1)
def template_environment() -> object:
    """The templates, escaping everything that they are given."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined, bytecode_cache=_kept_bytecode(),
    )  # fmt: skip
    environment.filters.update(v=visible, style=style_of, sign=lambda verdict: SIGNS.get(verdict, "?"))
    environment.globals.update(style=STYLE)
    return environment
