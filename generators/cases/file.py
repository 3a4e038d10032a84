"""The file that keeps the generated cases that a tester carries: JSON, one case a line.

With them it keeps the controls of the catalogue, and the digest of the rules that both were found with. It is read at
every start, so that it holds no more than a tester needs: actions without what is usual in them, and no outcomes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from wsoracle.model.octets.vocabulary import Role

from .case import Case
from .compression import Compression, Wish
from .origin import Origin
from .step_json import frame_from_json, frame_to_json
from .steps import Action, EndSending, SendFrame, SendHead, SendOctets, Settle

FILE: Final = Path(__file__).resolve().parent / "data" / "suite.json"
FORMAT: Final = "wsoracle-suite"
VERSION: Final = 2
_USUAL: Final = {"fin": True, "rsv1": False, "rsv2": False, "rsv3": False, "key": None, "form": None, "length": None}
_RUN: Final = re.compile(r"(.)\1{99,}")
_AS_THEY_ARE: Final = ("id", "title", "stimulus", "control", "opening", "seconds")


class Suite(NamedTuple):
    """Cases, the control of each case of the catalogue that needs one, and the digest of the rules behind both."""

    cases: tuple[Case, ...]
    controls: Mapping[str, str]
    rules: str


def rules_digest() -> str:
    """The digest of a rule set without its quotes: another set of rules has another digest."""
    from wsoracle.model.rules import RULES  # a start that only reads the file does not need them

    rows = [(rule.id, rule.strength.value, rule.on.value, repr(rule.when), repr(rule.then)) for rule in RULES]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


def suite_text(cases: Iterable[Case], catalogue: Iterable[Case]) -> str:
    """The file's text; of the catalogue's cases only the controls are in it."""
    controls = {case.id: case.control for case in catalogue if case.control is not None}
    head = {"format": FORMAT, "version": VERSION, "rules": rules_digest(), "controls": controls}
    lines = [json.dumps(_to_json(case), ensure_ascii=True, separators=(",", ":")) for case in cases]
    return json.dumps(head)[:-1] + ', "cases": [\n' + ",\n".join(lines) + "\n]}\n"


def read_suite(path: Path) -> Suite:
    """The content of a file. Raises OSError where it cannot be read, ValueError where it is not one."""
    document = json.loads(path.read_text(encoding="utf-8"))
    try:
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise ValueError(f"{path}: the format is not {FORMAT} version {VERSION}")
        return Suite(tuple(map(_from_json, document["cases"])), document["controls"], document["rules"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a suite: {type(error).__name__}: {error}") from error


def _to_json(case: Case) -> dict[str, Any]:
    return {
        **{name: getattr(case, name) for name in _AS_THEY_ARE},
        "group": list(case.group),
        "actions": [_action_to_json(action) for action in case.actions],
        "roles": sorted(role.value for role in case.roles),
        "quotes": list(case.quotes),
        "origin": case.origin.to_json(),
        **({} if case.compression is None else {"compression": _compression_to_json(case.compression)}),
    }


def _from_json(document: Mapping[str, Any]) -> Case:
    return Case(
        **{name: document[name] for name in _AS_THEY_ARE},
        group=tuple(document["group"]),
        steps=tuple(_action_from_json(action) for action in document["actions"]),
        roles=frozenset(Role(role) for role in document["roles"]),
        quotes=tuple(document["quotes"]),
        origin=Origin(**document["origin"]),
        compression=_compression_from_json(document["compression"]) if "compression" in document else None,
    )


def _compression_to_json(compression: Compression) -> dict[str, Any]:
    return {"asks": [list(asked) for asked in compression.asks], "own": list(compression.own or Wish())}


def _compression_from_json(document: Mapping[str, Any]) -> Compression:
    return Compression(tuple(Wish(*asked) for asked in document["asks"]), own=Wish(*document["own"]))


def _action_to_json(action: Action) -> list[Any]:
    match action:
        case SendFrame(frame, chop=None, cut=None, length=length):
            said = {**frame_to_json(frame, 0), "length": length}
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
            return SendFrame(frame_from_json({**_USUAL, **said}), length=said.get("length"))
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
