"""A conversation as people write it: each line begins with ``>`` (the client sent it) or ``<`` (the server did).

Behind the sign stands a line of a head, up to the sign alone, or octets in any form of a line that `pasted` reads::

    > GET /chat HTTP/1.1
    > Upgrade: websocket
    >
    < 81 05 48 65 6c 6c 6f

Lines that begin with ``*``, ``{``, ``}`` or ``#`` are remarks, as those of ``curl -v``, whose output is read so.
Without heads what is written stands right behind an opening handshake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from .captured import Captured
from .conversation import CapturedConnection, from_opening
from .pasted import begins_head, octets_of
from .recorded import TraceError
from .tcp import Passed

_SIGNED: Final = re.compile(r"[<>](?: |$)")
_REMARK: Final = re.compile(r"[*{}#]|\s*$")
_LOOKED_AT: Final = 1 << 16
_MOST_LINES: Final = 100_000
_NAME: Final = "the conversation"
_NOTES: Final = ("how TCP ended is not shown, and is not judged", "times are not shown")


class _Line(NamedTuple):
    number: int
    client: bool
    text: str


def is_written(octets: bytes) -> bool:
    """Whether a file is such a conversation, in which both have a line."""
    if b"\0" in octets:
        return False
    lines = octets[:_LOOKED_AT].decode("utf-8", "replace").splitlines()
    signs = {line[0] for line in lines if _SIGNED.match(line)}
    return len(signs) == 2 and all(_SIGNED.match(line) or _REMARK.match(line) for line in lines[:-1])


def read_written(octets: bytes) -> Captured:
    """The connection of a text that `is_written`. TraceError, with the line, where it cannot be read."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise TraceError("it begins as a text, and has octets that are none") from None
    lines = list(_signed(text))
    if len(lines) > _MOST_LINES:
        raise TraceError(f"it has more than {_MOST_LINES:,} lines: give a part of it")
    passed = list(_passed(lines))
    if not any(begins_head(line.text) for line in lines):
        return Captured((CapturedConnection(_NAME, tuple(passed), _NOTES, opening=False, timed=False),), ())
    kept = from_opening(passed, begins=False)
    if kept is None:
        return Captured((), ("the conversation does not begin with an opening handshake",))
    return Captured((CapturedConnection(_NAME, kept, _NOTES, timed=False),), ())


def _signed(text: str) -> Iterator[_Line]:
    for number, line in enumerate(text.splitlines(), 1):
        if _SIGNED.match(line):
            yield _Line(number, line[0] == ">", line[2:])
        elif not _REMARK.match(line):
            raise TraceError(f"line {number}: it begins neither with > (the client) nor with < (the server)")


def _passed(lines: list[_Line]) -> Iterator[Passed]:
    """The octets of each line; those of a head in one piece."""
    head: list[str] = []
    for line in lines:
        if head or begins_head(line.text):
            head.append(line.text)
            if not line.text.strip():
                yield Passed(line.client, _octets_of_head(head), 0.0)
                head = []
        elif line.text.strip():
            try:
                yield Passed(line.client, octets_of(line.text).octets, 0.0)
            except ValueError as error:
                raise TraceError(f"line {line.number}: {error}") from None
    if head:
        yield Passed(lines[-1].client, _octets_of_head(head), 0.0)


def _octets_of_head(lines: list[str]) -> bytes:
    return "".join(f"{line.rstrip()}\r\n" for line in lines).encode()
