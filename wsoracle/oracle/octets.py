"""The questions about octets alone: frames and heads encoded, decoded and explained."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from wsoracle.generators.cases.step_json import frame_from_json
from wsoracle.model.notation.switches import Switches
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.http import HeadParser, Malformed, Request, Response
from wsoracle.model.octets.units import MOST_FRAMES, frames_in
from wsoracle.model.octets.vocabulary import Role

from ..explain.as_json import as_json
from ..explain.explanation import ExplainedOctets, FrameReading, HeadReading
from ..explain.frames import explain
from ..explain.heads import explain_request, explain_response, request_of
from .as_json import frame_as_json, head_as_json
from .schema_checks import NotOfSchema

_USUAL: Final = {
    "fin": True, "rsv1": False, "rsv2": False, "rsv3": False, "key": None, "form": None, "payload": "",
}  # fmt: skip
_READER: Final = {"request": Role.SERVER, "response": Role.CLIENT}


def octets_of_frame(question: dict[str, Any]) -> bytes:
    """The octets that a question gives, as they are or as a frame."""
    if "octets" in question:
        return bytes.fromhex(question["octets"])
    try:
        return encode(frame_from_json({**_USUAL, **question["frame"]}))
    except ValueError as error:
        raise NotOfSchema(f"frame: {error}") from None


def encoded(question: dict[str, Any]) -> dict[str, Any]:
    """The octets of a frame, or of a head."""
    if ("head" in question) is ("frame" in question):
        raise NotOfSchema("frame, head: give one of the two")
    octets = octets_of_frame(question) if "frame" in question else _octets_of_head(question["head"])
    return {"octets": octets.hex()}


def _octets_of_head(head: dict[str, Any]) -> bytes:
    request, response = {"method", "target"}, {"status", "reason"}
    fields, version = tuple((name, value) for name, value in head["fields"]), head.get("version", "1.1")
    of_request, of_response = request & head.keys(), response & head.keys()
    if (of_request and of_response) or not (request <= head.keys() or "status" in head):
        raise NotOfSchema("head: give method and target, or status and reason")
    try:
        if of_request:
            return Request(version, fields, head["method"], head["target"]).octets()
        return Response(version, fields, head["status"], head.get("reason", "")).octets()
    except UnicodeEncodeError:
        raise NotOfSchema("head: a character stands for one octet: U+0000 to U+00FF") from None


def decoded(question: dict[str, Any]) -> dict[str, Any]:
    """The whole frames at the beginning of octets, or the head."""
    octets, what = bytes.fromhex(question["octets"]), question.get("as", "frames")
    if what == "frames":
        frames, rest = frames_in(octets)
        if len(frames) > MOST_DECODED:
            raise NotOfSchema(f"octets: they have more than {MOST_DECODED:,} frames: give a part of them")
        return {"frames": list(map(frame_as_json, frames)), "rest": len(octets) - rest}
    parser = HeadParser(_READER[what])
    parser.feed(octets)
    result = parser.result
    if result is None:
        return {"head": None, "malformed": None, "tolerated": None, "rest": len(octets)}
    if isinstance(result, Malformed):
        return {"head": None, "malformed": result.why, "tolerated": None, "rest": len(octets) - len(result.octets)}
    return {
        "head": head_as_json(result.head),
        "malformed": None,
        "tolerated": result.tolerated or None,
        "rest": len(result.rest),
    }


MOST_DECODED: Final = min(MOST_FRAMES, 100_000)


def explained(question: dict[str, Any]) -> dict[str, Any]:
    """Frames or a head explained, as by ``wsoracle explain --json``."""
    octets, what = bytes.fromhex(question["octets"]), question.get("as", "frames")
    if not octets:
        raise NotOfSchema("octets: there are none to explain: give at least one, such as 81")
    allowed = _FIELDS[what]
    for name in question:
        if name in _OPTIONAL and name not in allowed:
            raise NotOfSchema(f"{name}: it says nothing of {what if what == 'frames' else f'a {what}'}: leave it out")
    try:
        switches = Switches(**question.get("switches", {}))
    except (TypeError, ValueError) as error:
        raise NotOfSchema(f"switches: {error}") from None
    found: ExplainedOctets[HeadReading] | ExplainedOctets[FrameReading]
    if what == "request":
        found = explain_request(octets, Setting(Role.SERVER, switches=switches))
    elif what == "response":
        before = request_of(bytes.fromhex(question["to"])) if "to" in question else None
        found = explain_response(octets, Setting(Role.CLIENT, switches=switches), before)
    else:
        setting = _setting(Role(question.get("role", "server")), question.get("limit"), switches)
        after, sent = (bytes.fromhex(question.get(name, "")) for name in ("after", "sent"))
        found = explain(octets, setting, after=after, sent=sent, extensions=question.get("extensions", ""))
    return {"explanation": as_json(found)}


@lru_cache(maxsize=64)
def _setting(role: Role, limit: int | None, switches: Switches) -> Setting:
    """The same setting for many questions: it keeps what it has worked out."""
    return Setting(role, limit, switches=switches)


_OPTIONAL: Final = frozenset(("role", "limit", "after", "sent", "extensions", "to"))
_FIELDS: Final = {
    "frames": _OPTIONAL - {"to"},
    "request": frozenset[str](),
    "response": frozenset(("to",)),
}
