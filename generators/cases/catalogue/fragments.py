"""Group 5: messages in fragments, and control frames amid them (section 5.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wsoracle.model.octets.vocabulary import CONTINUATION, PING, PONG, TEXT

from ..case import Case
from ..steps import SendFrame, Settle
from .table import APART, OCTETWISE, Line, a_case, chopped, send

WAYS: Final = ((None, ""), (APART, ", frame by frame"), (OCTETWISE, ", octet by octet"))
STRAY: Final = b"non-continuation payload"
HELLO: Final = b"Hello, world!"
PING_PAYLOAD: Final = b"ping payload"


def fragments() -> Iterator[Case]:
    """Group 5."""
    cases = (*_controls(), *_messages(), *_strays(), *_muddles(), *_pauses())
    for number, (title, actions) in enumerate(cases, 1):
        yield a_case(f"5.{number}", ("Messages in fragments",), title, actions)


def part(number: int, opcode: int = CONTINUATION, *, fin: bool = False) -> SendFrame:
    """The fragment of that number."""
    return send(opcode, b"fragment%d" % number, fin=fin)


TWO: Final = (part(1, TEXT), part(2, fin=True))


def _controls() -> Iterator[Line]:
    for opcode, name in ((PING, "Ping"), (PONG, "Pong")):
        yield f"A {name} in two fragments", (part(1, opcode), TWO[1])


def _messages() -> Iterator[Line]:
    amid = (TWO[0], send(PING, PING_PAYLOAD), TWO[1])
    for frames, title in ((TWO, "A text message in two fragments"), (amid, "A Ping between two fragments")):
        for chop, how in WAYS:
            yield title + how, chopped(chop, *frames)


def _strays() -> Iterator[Line]:
    """A continuation frame where nothing is to be continued."""
    for fin, what in ((True, "the last one of a message"), (False, "with more to come")):
        for chop, how in WAYS:
            title = f"A continuation frame that continues nothing, {what}, then a text message{how}"
            yield title, chopped(chop, send(CONTINUATION, STRAY, fin=fin), send(TEXT, HELLO))


def _muddles() -> Iterator[Line]:
    title = "After a whole message a continuation frame with more to come, then a text message"
    yield title, (*TWO, part(3), part(4, TEXT, fin=True))
    for fin, what in ((False, "with more to come"), (True, "the last one of a message")):
        once = (part(1, fin=fin), part(2, TEXT), part(3, fin=True))
        yield f"A continuation frame that continues nothing, {what}, before a message in two; all of it twice", once * 2
    yield "A second text frame before the message of the first is complete", (part(1, TEXT), part(2, TEXT, fin=True))


def _pauses() -> Iterator[Line]:
    before = (part(1, TEXT), part(2), send(PING, b"pongme 1!"))
    after = (part(3), part(4), send(PING, b"pongme 2!"), part(5, fin=True))
    for chop, how in WAYS[:2]:
        title = f"Five fragments, two Pings and a pause amid them{how}"
        yield title, (*chopped(chop, *before), Settle(), *chopped(chop, *after))
