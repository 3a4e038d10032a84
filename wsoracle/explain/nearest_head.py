"""The nearest sound head: as few facts mended as make a head one that may be sent and that opens the connection."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from wsoracle.model.facts.deflate_offers import sound_elements
from wsoracle.model.facts.heads import SAMPLE_KEY, SAMPLE_URI
from wsoracle.model.notation.head_variables import HeadFacts
from wsoracle.model.octets.accept_key import accept_value
from wsoracle.model.octets.header_values import parse_tokens
from wsoracle.model.octets.http import Head, Request, Response


class Mended(NamedTuple):
    """The nearest head that may be sent and that opens the connection: what was changed, in words, and the head."""

    changes: tuple[str, ...]
    head: Request | Response


def nearest_head(
    head: Head, facts: HeadFacts, request: Request | None, is_sound: Callable[[Head], bool]
) -> Mended | None:
    """The head with as few facts mended as make it sound; None where nothing helps.

    ``facts`` are those of the head. A response is mended against its request, where that is known.
    """
    mends = _REQUEST_MENDS if isinstance(head, Request) else _RESPONSE_MENDS

    def attempt(names: list[str]) -> Head | None:
        made = head
        for name in names:
            made = mends[name].change(made, request)
        return made if is_sound(made) else None

    sound = type(facts)()._asdict()
    left = [name for name in mends if getattr(facts, name) != sound[name]]
    for name in [name for name in left if name != "syntax"]:  # a head that is written anew is well-formed
        fewer = [other for other in left if other != name]
        if attempt(fewer) is not None:
            left = fewer
    # An answer of 101 to what must be refused cannot be mended as such.
    others = [["status"], ["status", "versions"]] if isinstance(head, Response) else []
    for names in (left, *others):
        made = attempt(names)
        if made is not None:
            return Mended(tuple(mends[name].words for name in names), made)
    return None


# --- mending --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Mend:
    """How a fact of a head is mended, in words and in deed; a response is mended against its request."""

    words: str
    change: Callable[..., Request | Response]


def _with_field(head: Request | Response, name: str, values: tuple[str, ...]) -> Request | Response:
    """The head with the fields of a name replaced, where the first of them was."""
    rest = [(field, value) for field, value in head.headers if field.lower() != name.lower()]
    at = next((i for i, (field, _) in enumerate(head.headers) if field.lower() == name.lower()), len(rest))
    rest[at:at] = [(name, value) for value in values]
    return replace(head, headers=tuple(rest))


def _field(name: str, *values: str) -> Callable[..., Request | Response]:
    def change(head: Request | Response, request: Request | None) -> Request | Response:
        return _with_field(head, name, values)

    return change


def _upgrade_too(head: Request | Response, request: Request | None) -> Request | Response:
    tokens = [t for t in parse_tokens(head.values("Connection")) or () if t.lower() != "upgrade"]
    return _with_field(head, "Connection", (", ".join([*tokens, "Upgrade"]),))


def _each_once(head: Request | Response, request: Request | None) -> Request | Response:
    tokens = list(dict.fromkeys(parse_tokens(head.values("Sec-WebSocket-Protocol")) or ()))
    return _with_field(head, "Sec-WebSocket-Protocol", (", ".join(tokens),) if tokens else ())


def _sound_offers(head: Request | Response, request: Request | None) -> Request | Response:
    name = "Sec-WebSocket-Extensions"
    return _with_field(head, name, tuple(sound_elements(head.values(name))))


def _right_accept(head: Request | Response, request: Request | None) -> Request | Response:
    keys = [SAMPLE_KEY] if request is None else request.values("Sec-WebSocket-Key")
    return _with_field(head, "Sec-WebSocket-Accept", (accept_value(keys[0] if keys else ""),))


def _without_body(head: Request | Response, request: Request | None) -> Request | Response:
    return _with_field(_with_field(head, "Content-Length", ()), "Transfer-Encoding", ())


_NEVER_IN_A_URI: Final = re.compile(r"%(?![0-9A-Fa-f]{2})|[^\x21-\x7e]|[\[\]{}|^`\\\"<>]")


def _fit_target(head: Request, request: None) -> Request:
    path = head.target.partition("#")[0]
    encoded = _NEVER_IN_A_URI.sub(lambda found: "".join(f"%{octet:02X}" for octet in found[0].encode("latin-1")), path)
    return replace(head, target=encoded if encoded.startswith("/") else "/")


_SHARED: Final = {
    "syntax": _Mend("it is written in the form that senders keep (RFC 9112)", lambda head, _: head),
    "http": _Mend("the version of HTTP is 1.1", lambda head, _: replace(head, version="1.1")),
    "connection": _Mend("Connection has the token Upgrade, once", _upgrade_too),
    "upgrade": _Mend("Upgrade is websocket", _field("Upgrade", "websocket")),
    "body": _Mend("no body is announced", _without_body),
}
_REQUEST_MENDS: Final[Mapping[str, _Mend]] = {
    **_SHARED,
    "method_get": _Mend("the method is GET", lambda head, _: replace(head, method="GET")),
    "target": _Mend("the target is a path, perhaps with a query, in the octets of RFC 3986", _fit_target),
    "host": _Mend("there is one Host field with host and port", _field("Host", SAMPLE_URI.host_header)),
    "key": _Mend(
        "there is one Sec-WebSocket-Key: 16 octets at random, in base64", _field("Sec-WebSocket-Key", SAMPLE_KEY)
    ),
    "version": _Mend("there is one Sec-WebSocket-Version, 13", _field("Sec-WebSocket-Version", "13")),
    "protocols": _Mend("Sec-WebSocket-Protocol is a list of tokens, each once, or left out", _each_once),
    "offers": _Mend("Sec-WebSocket-Extensions is left out", _field("Sec-WebSocket-Extensions")),
    "deflate_offers": _Mend("each offer of permessage-deflate is one that a server may accept", _sound_offers),
    "origin": _Mend("Origin is left out", _field("Origin")),
}
_RESPONSE_MENDS: Final[Mapping[str, _Mend]] = {
    **_SHARED,
    "accept": _Mend("there is one Sec-WebSocket-Accept, made from the key", _right_accept),
    "subprotocol": _Mend("Sec-WebSocket-Protocol is left out", _field("Sec-WebSocket-Protocol")),
    "extensions": _Mend("Sec-WebSocket-Extensions is left out", _field("Sec-WebSocket-Extensions")),
    "versions": _Mend("Sec-WebSocket-Version lists the versions, 13 among them", _field("Sec-WebSocket-Version", "13")),
    "status": _Mend(
        "the status is an error, 400 or more", lambda head, _: replace(head, status=400, reason="Bad Request")
    ),
}
