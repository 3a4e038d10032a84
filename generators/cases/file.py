"""The file that keeps the generated live cases: JSON, one case a line, and the digest of the rules behind them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from wsoracle.model.octets.vocabulary import Role

from .live_case import Action, EndSending, LiveCase, SendFrame, SendHead, SendOctets, Settle
from .steps import frame_from_json, frame_to_json

__all__ = ["FILE", "Suite", "read_suite", "rules_digest", "suite_text"]

FILE: Final = Path(__file__).resolve().parent / "data" / "suite.json"
FORMAT: Final = "wsoracle-live-cases"
VERSION: Final = 1
_USUAL: Final = {"fin": True, "rsv1": False, "rsv2": False, "rsv3": False, "key": None, "form": None, "length": None}
_RUN: Final = re.compile(r"(.)\1{99,}")


class Suite(NamedTuple):
    """Cases, and the digest of the rules that they were found with."""

    cases: tuple[LiveCase, ...]
    rules: str


def rules_digest() -> str:
    """What the rules say, their quotes aside, as a short number: another set of rules has another one."""
    from wsoracle.model.rules import RULES  # who only reads the file does not need them

    rows = [(rule.id, rule.strength.value, rule.on.value, repr(rule.when), repr(rule.then)) for rule in RULES]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


def suite_text(cases: Iterable[LiveCase]) -> str:
    """The file's text."""
    head = {"format": FORMAT, "version": VERSION, "rules": rules_digest()}
    lines = [json.dumps(_to_json(case), ensure_ascii=True, separators=(",", ":")) for case in cases]
    return json.dumps(head)[:-1] + ', "cases": [\n' + ",\n".join(lines) + "\n]}\n"


def read_suite(path: Path) -> Suite:
    """The cases of a file. Raises OSError where it cannot be read, ValueError where it is not one."""
    document = json.loads(path.read_text(encoding="utf-8"))
    try:
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise ValueError(f"{path}: the format is not {FORMAT} version {VERSION}")
        return Suite(tuple(_from_json(one) for one in document["cases"]), document["rules"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a suite: {type(error).__name__}: {error}") from error


def _to_json(case: LiveCase) -> dict[str, Any]:
    return {
        "id": case.id,
        "title": case.title,
        "stimulus": case.stimulus,
        "group": list(case.group),
        "actions": [_action_to_json(action) for action in case.actions],
        "roles": sorted(role.value for role in case.roles),
        "control": case.control,
        "opening": case.opening,
        "quotes": list(case.quotes),
        "origin": case.origin,
        "seconds": case.seconds,
    }


def _from_json(document: Mapping[str, Any]) -> LiveCase:
    return LiveCase(
        id=document["id"],
        title=document["title"],
        stimulus=document["stimulus"],
        group=tuple(document["group"]),
        actions=tuple(_action_from_json(action) for action in document["actions"]),
        roles=frozenset(Role(role) for role in document["roles"]),
        control=document["control"],
        opening=document["opening"],
        quotes=tuple(document["quotes"]),
        seconds=document["seconds"],
        origin=document["origin"],
    )


def _action_to_json(action: Action) -> list[Any]:
    match action:
        case SendFrame(frame, chop=None, cut=None, length=length):
            said = frame_to_json(frame)
            said["length"] = length
            return [
                "frame",
                {name: value for name, value in said.items() if name not in _USUAL or value != _USUAL[name]},
            ]
        case SendOctets(octets, chop=None, masked_from=None):
            return ["octets", octets.hex()]
        case SendHead(octets):
            return ["head", *_packed(octets.decode("latin-1"))]
        case Settle():
            return ["settle"]
        case EndSending():
            return ["end"]
    raise ValueError(f"a generated case has no {action!r}")


def _action_from_json(document: list[Any]) -> Action:
    match document:
        case ["frame", dict() as said]:
            frame = frame_from_json({**_USUAL, **said, "length": len(said["payload"]) // 2})[0]
            return SendFrame(frame, length=said.get("length"))
        case ["octets", str(octets)]:
            return SendOctets(bytes.fromhex(octets))
        case ["head", *parts]:
            return SendHead("".join(p if isinstance(p, str) else p[0] * p[1] for p in parts).encode("latin-1"))
        case ["settle"]:
            return Settle()
        case ["end"]:
            return EndSending()
    raise ValueError(f"no action: {document!r}")


def _packed(text: str) -> list[Any]:
    """A text in parts; one character very often is the character and how often."""
    parts: list[Any] = []
    at = 0
    for run in _RUN.finditer(text):
        parts += [text[at : run.start()], [run[1], len(run[0])]]
        at = run.end()
    return [*parts, text[at:]]
