"""A head written by hand, and the case that it makes: the head, and then a message that is to be echoed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wsoracle.model.facts.heads import SAMPLE_KEY, SAMPLE_URI
from wsoracle.model.octets.accept_key import accept_value
from wsoracle.model.octets.vocabulary import TEXT, Frame, Role

from ..case import Case
from ..steps import SendFrame, SendHead, Settle

HOST: Final = f"Host: {SAMPLE_URI.host_header}"
UPGRADE: Final = "Upgrade: websocket"
CONNECTION: Final = "Connection: Upgrade"
KEY: Final = f"Sec-WebSocket-Key: {SAMPLE_KEY}"
VERSION: Final = "Sec-WebSocket-Version: 13"
ACCEPT: Final = f"Sec-WebSocket-Accept: {accept_value(SAMPLE_KEY)}"

FIRST: Final = {
    Role.SERVER: f"GET {SAMPLE_URI.resource_name} HTTP/1.1",
    Role.CLIENT: "HTTP/1.1 101 Switching Protocols",
}
FIELDS: Final = {Role.SERVER: (HOST, UPGRADE, CONNECTION, KEY, VERSION), Role.CLIENT: (UPGRADE, CONNECTION, ACCEPT)}
"""The sound head that an endpoint of a role receives: its first line, and its fields."""

SECONDS: Final = 15.0


def changed(role: Role, old: str, *new: str) -> tuple[str, ...]:
    """The lines of the sound head with others in the place of one."""
    return tuple(line for one in (FIRST[role], *FIELDS[role]) for line in (new if one == old else (one,)))


def octets_of_head(lines: Sequence[str]) -> bytes:
    """The octets of a head."""
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")


def head_case(kind: str, role: Role, name: str, title: str, group: str, lines: Sequence[str]) -> Case:
    """The case of a head; it counts where the same endpoint takes the usual one."""
    what = "request" if role is Role.SERVER else "answer"
    return Case(
        f"{kind}/{role}/{name}",
        f"{'A' if kind == 'spelling' else 'Not a'} sound {what}: {title}",
        f"The head of a sound {what}, but for this: {title}. A text message follows.",
        ("Opening handshake", group),
        (SendHead(octets_of_head(lines)), Settle(), SendFrame(Frame(TEXT, b"Hello"))),
        frozenset((role,)),
        control=f"control/{role}/opening-then-text",
        opening=True,
        seconds=SECONDS,
    )
