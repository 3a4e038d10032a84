"""What an application does that it does not promise, in words: no rule of the RFC, and no fault of the endpoint.

An echo promises to send every message back, in order and unchanged, and nothing else. A sink sends only what the trace
says that it was asked for. RFC 6455 asks for neither: section 7.3 lets servers close whenever desired, and section 6.1
lets an endpoint send a message whenever the connection is open.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from wsoracle.model.notation.variables import NO_CODE, Event
from wsoracle.model.octets.http import Request
from wsoracle.model.octets.units import HeadUnit
from wsoracle.model.octets.vocabulary import OPCODE_NAMES, TEXT

from .moments import Message

ANOTHER_ORDER: Final = "the message was sent back in another order"
NOT_SENT_BACK: Final = "the message was not sent back"
SENT_BACK_LATE: Final = "the message was sent back late"

NOT_ITS_OWN: Final = frozenset((1002, 1007, 1009))
"""The codes that say that the peer broke the protocol, or a limit (section 7.4.1): that is for the endpoint to say."""


def in_few_words(acts: Iterable[str]) -> tuple[str, ...]:
    """What an application did, each act once. Behind a message that never came back, others are in no other order."""
    each = dict.fromkeys(acts)
    if NOT_SENT_BACK in each:
        each.pop(ANOTHER_ORDER, None)
    return tuple(each)


def with_replacements(message: Message) -> Message:
    """The message as it is sent back by an application that shows what is no UTF-8 as U+FFFD."""
    if message.opcode != TEXT or message.payload.isascii():
        return message
    return message._replace(payload=message.payload.decode("utf-8", "replace").encode())


def differs(expected: Message, sent: Message) -> str:
    """In words, where a message that is sent back differs from the one that came."""
    if expected.opcode != sent.opcode:
        return f"the message is {OPCODE_NAMES[sent.opcode]} instead of {OPCODE_NAMES[expected.opcode]}"
    pairs = zip(expected.payload, sent.payload, strict=False)
    at = next((at for at, (one, other) in enumerate(pairs) if one != other), None)
    return f"the message differs at octet {min(len(expected.payload), len(sent.payload)) if at is None else at}"


def offers_subprotocols(seen: object) -> bool:
    """Whether something that was seen is a request that offers subprotocols."""
    request = seen.head if isinstance(seen, HeadUnit) else None
    return isinstance(request, Request) and bool(request.values("Sec-WebSocket-Protocol"))


def closes(code: int, *, instead_of_echo: bool) -> str:
    """In words, that the application closes the connection with a code (1005: none)."""
    said = "a Close without a code" if code == NO_CODE else f"Close {code}"
    return f"the application {'answers' if instead_of_echo else 'closes by itself'} with {said}"


def unpromised(event: Event) -> str:
    """In words, what an application does not promise where it lets this happen with an echo owed."""
    return NOT_SENT_BACK if event.frame is None else closes(event.frame.code, instead_of_echo=True)
