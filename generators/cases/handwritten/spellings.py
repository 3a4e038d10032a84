"""Sound opening handshakes in other spellings: each has the facts of the usual one, so that it must be taken.

A token of `Upgrade` and `Connection` is compared without regard to case (section 4.2.1); names of fields have none (RFC
9112, section 5); optional white space, the order of fields and further fields mean nothing (RFC 9110, section 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wsoracle.model.octets.vocabulary import Role

from ..case import Case
from .heads import ACCEPT, CONNECTION, FIELDS, FIRST, HOST, KEY, UPGRADE, VERSION, changed, head_case

GROUP: Final = "Legal spellings"

_BOTH: Final = (
    ("upgrade-as-a-name", "the value of Upgrade is WebSocket", UPGRADE, ("Upgrade: WebSocket",)),
    ("upgrade-in-capitals", "the value of Upgrade is WEBSOCKET", UPGRADE, ("Upgrade: WEBSOCKET",)),
    ("connection-in-lower-case", "the value of Connection is upgrade", CONNECTION, ("Connection: upgrade",)),
    ("connection-in-capitals", "the value of Connection is UPGRADE", CONNECTION, ("Connection: UPGRADE",)),
    ("keep-alive-first", "Connection is keep-alive, Upgrade", CONNECTION, ("Connection: keep-alive, Upgrade",)),
    ("keep-alive-last", "Connection is Upgrade, keep-alive", CONNECTION, ("Connection: Upgrade, keep-alive",)),
    ("list-without-space", "Connection is keep-alive,Upgrade", CONNECTION, ("Connection: keep-alive,Upgrade",)),
    ("list-with-tabs", "tabs around the comma of Connection", CONNECTION, ("Connection: keep-alive\t ,\tUpgrade",)),
    ("two-lines", "two Connection lines", CONNECTION, ("Connection: keep-alive", "Connection: Upgrade")),
    ("no-space", "no space behind colons", UPGRADE, ("Upgrade:websocket",)),
    ("much-space", "tabs and spaces around a value", UPGRADE, ("Upgrade: \t  websocket \t",)),
)  # fmt: skip

_REQUESTS: Final = (
    ("key-with-other-letters", "a key of other base64 letters", KEY, ("Sec-WebSocket-Key: +/+/+/+/+/+/+/+/+/+/+w==",)),
    ("key-of-zeros", "a key of sixteen octets that are zero", KEY, (f"Sec-WebSocket-Key: {'A' * 22}==",)),
    ("key-in-much-space", "white space around the key", KEY, (KEY.replace(": ", ":  \t") + " \t",)),
    ("version-in-much-space", "white space around the version", VERSION, (VERSION.replace(": ", ":\t ") + "  ",)),
    ("host-without-space", "no space before the host", HOST, (HOST.replace(": ", ":"),)),
)  # fmt: skip

_ANSWERS: Final = (
    ("accept-in-much-space", "white space around the accept value", ACCEPT, (ACCEPT.replace(": ", ":\t  ") + " \t",)),
    ("accept-without-space", "no space before the accept value", ACCEPT, (ACCEPT.replace(": ", ":"),)),
    ("another-reason", "another reason phrase", FIRST[Role.CLIENT], ("HTTP/1.1 101 Web Socket Protocol Handshake",)),
    ("no-reason", "no reason phrase", FIRST[Role.CLIENT], ("HTTP/1.1 101 ",)),
)  # fmt: skip

_MORE: Final = {
    "one-field-of-obs-text": ("an unknown field with octets beyond ASCII", ("X-Text: caf\xe9 \xff\x80",)),
    "sixty-four-fields": ("64 unknown fields", tuple(f"X-Field-{n}: value {n}" for n in range(64))),
    "a-long-field": ("an unknown field of 4,000 octets", (f"X-Long: {'x' * 4000}",)),
    "an-empty-field": ("an unknown field without a value", ("X-Empty:",)),
    "odd-names": ("an unknown field with a name of all kinds of letters", ("x!#$%&'*+-.^_`|~09: y",)),
}


def spellings() -> Iterator[Case]:
    """The cases, for servers and then for clients."""
    for role, own in ((Role.SERVER, _REQUESTS), (Role.CLIENT, _ANSWERS)):
        for name, title, old, new in (*_BOTH, *own):
            yield head_case("spelling", role, name, title, GROUP, changed(role, old, *new))
        first, fields = FIRST[role], FIELDS[role]
        for name, title, lines in (
            ("names-in-lower-case", "names of fields in lower case", [_named(one, str.lower) for one in fields]),
            ("names-in-capitals", "names of fields in capitals", [_named(one, str.upper) for one in fields]),
            ("backwards", "the fields in another order", fields[::-1]),
        ):
            yield head_case("spelling", role, name, title, GROUP, (first, *lines))
        for name, (title, more) in _MORE.items():
            yield head_case("spelling", role, name, f"{title} before the others", GROUP, (first, *more, *fields))


def _named(field: str, spelled: object) -> str:
    name, colon, value = field.partition(":")
    assert callable(spelled)
    return f"{spelled(name)}{colon}{value}"
