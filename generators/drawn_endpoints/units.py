"""Frames and heads to draw from: what peers send, legal and faulty, and what endpoints answer.

Everything is built once for each role and kept: a trace is drawn in less than a millisecond.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from wsoracle.model.facts.frames import DEFAULT_KEY, facts_of_unit, realise, text_before
from wsoracle.model.facts.heads import (
    SAMPLE_URI,
    request_facts,
    request_octets,
    response_facts,
    response_octets,
    sample_body,
    sample_request,
    sample_response,
)
from wsoracle.model.machine.boundary_events import Alphabet
from wsoracle.model.notation.head_variables import (
    HEAD_SHAPES,
    RequestFacts,
    ResponseFacts,
    announces_body,
    label_of_fact,
    value_of,
)
from wsoracle.model.notation.variables import CONNECTING, HANDSHAKE, Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets.deflate import DeflateFacts
from wsoracle.model.octets.frames import Header, decode_header, encode_header
from wsoracle.model.octets.http import Request
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Role
from wsoracle.model.rules import RULES

_LONGEST: Final = 200
"""Payloads of more octets than this are declared in a header and not written out."""


class DrawnFrame(NamedTuple):
    """A frame as it is sent: its header, its payload unmasked, its octets; not ``whole`` where only the header is.

    Of a frame of a compressed message that was inflated the payload is what comes out of it, as in a `FrameUnit`.
    """

    header: Header
    payload: bytes
    octets: bytes
    whole: bool = True
    deflated: DeflateFacts | None = None


class DrawnRequest(NamedTuple):
    """A request as it is sent: its facts and octets, and the request itself, None where they are none."""

    facts: RequestFacts
    octets: bytes
    request: Request | None


class DrawnResponse(NamedTuple):
    """A response as it is sent: its facts and octets."""

    facts: ResponseFacts
    octets: bytes


@lru_cache(maxsize=2)
def alphabet(role: Role) -> Alphabet:
    """The events worth trying at an endpoint of a role."""
    return Alphabet(RULES, Setting(role))


@lru_cache(maxsize=4096)
def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = False) -> DrawnFrame:
    """A frame without a fault, as far as one can tell from it alone."""
    key = DEFAULT_KEY if masked else None
    header = encode_header(opcode, len(payload), fin=fin, key=key)
    return decoded(header + (payload if key is None else mask(payload, key)), payload)


def decoded(octets: bytes, payload: bytes, *, whole: bool = True) -> DrawnFrame:
    """A frame from its octets and its payload."""
    found = decode_header(octets)
    assert found is not None
    return DrawnFrame(found[0], payload, octets, whole)


def facts_of(unit: DrawnFrame, state: State, kind: EventKind, *, answers: bool = False) -> FrameFacts:
    """The facts of a frame for an endpoint that reads or sends it in a state."""
    before = text_before(unit.header.opcode, state, kind)
    return facts_of_unit(FrameUnit(unit.header, unit.payload, 0, 0, unit.deflated), before, answers=answers)


# --- frames ---------------------------------------------------------------------------------------------------------

TEXTS: Final = (b"", b"a", b"Hi", "é".encode(), b"echo me", b"x" * 126)
"""Payloads of whole messages of either type, and of control frames as far as they are short enough."""

PARTS: Final = ((b"He", b"llo"), (b"", b"a"), ("€".encode()[:2], "€".encode()[2:]), (b"a", b"", b"b"))
"""Messages in parts: a character may be cut."""

CODES: Final = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 3000, 4999)
"""Status codes of Close frames that either role may send."""

OWN_CODES: Final = tuple(code for code in CODES if code not in (1002, 1007, 1009))
"""Those with which an application may close of its own accord: the others speak of what was received."""

OWN_MESSAGES: Final = ((b"greetings",), (b"greet", b"ings"), (b"news",))
"""Messages of an application of its own, in their parts: none that a peer sends."""

_NOT_TEXT: Final = (b"\xff", b"a\xc3", b"\xed\xa0\x80")


@lru_cache(maxsize=4)
def close_frames(masked: bool) -> tuple[DrawnFrame, ...]:
    """Close frames without a fault."""
    bodies = [b"", *(code.to_bytes(2, "big") for code in CODES), (1000).to_bytes(2, "big") + b"bye"]
    return tuple(frame(CLOSE, body, masked=masked) for body in bodies)


@lru_cache(maxsize=16)
def faulty_frames(role: Role, received_type: int) -> tuple[DrawnFrame, ...]:
    """Frames at which some rule of an endpoint of this role changes its mind, inside a message of a type or outside."""
    state = State(recv_type=received_type)
    found: dict[bytes, DrawnFrame] = {}
    for event in alphabet(role).of(EventKind.RECEIVE, state):
        made = realise(event, state, longest=_LONGEST)
        if made.frame is not None:
            found[made.octets] = decoded(made.octets, made.frame.payload)
        else:
            found[made.octets] = decoded(made.octets, b"", whole=False)
    for octets in _NOT_TEXT:
        for opcode in (TEXT, CONTINUATION):
            wrong = frame(opcode, octets, masked=role is Role.SERVER)
            found[wrong.octets] = wrong
    return tuple(found.values())


@lru_cache(maxsize=8)
def whole_messages(masked: bool) -> tuple[DrawnFrame, ...]:
    """Messages of one frame."""
    return tuple(frame(opcode, text, masked=masked) for opcode in (TEXT, BINARY) for text in TEXTS)


@lru_cache(maxsize=8)
def control_frames(masked: bool) -> tuple[DrawnFrame, ...]:
    """Pings, and Pongs that nothing asked for."""
    return tuple(frame(opcode, text, masked=masked) for opcode in (PING, PING, PONG) for text in TEXTS[:5])


@lru_cache(maxsize=8)
def messages_in_parts(masked: bool) -> tuple[tuple[DrawnFrame, ...], ...]:
    """Messages of several frames."""
    return tuple(in_frames(opcode, parts, masked) for opcode in (TEXT, BINARY) for parts in PARTS)


def in_frames(opcode: int, parts: tuple[bytes, ...], masked: bool) -> tuple[DrawnFrame, ...]:
    """The frames of a message that is sent in these parts."""
    last = len(parts) - 1
    return tuple(
        frame(CONTINUATION if index else opcode, part, fin=index == last, masked=masked)
        for index, part in enumerate(parts)
    )


# --- heads ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def requests() -> tuple[DrawnRequest, ...]:
    """A sound request, then those at which some rule of a server changes its mind; none that is too large."""
    events = alphabet(Role.SERVER).of(EventKind.RECEIVE_REQUEST, CONNECTING)
    found: dict[RequestFacts, DrawnRequest] = {}
    for event in events:
        facts = event.head
        # The time at which a server takes in the body of a request is not known: none is sent.
        if (
            isinstance(facts, RequestFacts)
            and label_of_fact("syntax", facts.syntax) != "too large"
            and not announces_body(facts)
        ):
            legible = label_of_fact("syntax", facts.syntax) != "malformed"
            octets = request_octets(facts)
            found[facts] = DrawnRequest(facts, octets, sample_request(facts) if legible else None)
    sound = found.pop(RequestFacts())
    return (sound, *found.values())


@lru_cache(maxsize=1)
def offering() -> tuple[DrawnRequest, ...]:
    """Requests that offer permessage-deflate, once or twice, in each way that answers take up; and unsoundly."""
    found: dict[bytes, DrawnRequest] = {}
    agreeing = [one for one in HEAD_SHAPES[ResponseFacts] if isinstance(one, ResponseFacts) and one.sound_offer]
    twice = [one._replace(deflate=value_of("deflate", "more than one")) for one in agreeing]
    for answer in (*agreeing, *twice, agreeing[0]._replace(sound_offer=False)):
        for how in ("all sound", "some unsound"):
            offers, deflate = value_of("offers", "a list of extensions"), value_of("deflate_offers", how)
            facts = RequestFacts(offers=offers, deflate_offers=deflate)
            request = sample_request(facts, answer=answer)
            if request_facts(request, SAMPLE_URI) == facts:
                found[request.octets()] = DrawnRequest(facts, request.octets(), request)
    return tuple(found.values())


_REFUSALS: Final = (400, 403, 426, 301, 200)
"""Statuses of answers that are not 101."""

SOUND: Final = sample_request(RequestFacts())
"""A sound request."""


@lru_cache(maxsize=1)
def _answers() -> tuple[ResponseFacts, ...]:
    """The facts of a sound 101, then those at which some rule of either role changes its mind."""
    events: list[Event] = []
    for stage in ("awaiting 101", "another version"):
        state = CONNECTING._replace(handshake=HANDSHAKE.index(stage))
        events += alphabet(Role.SERVER).of(EventKind.SEND_RESPONSE, state)
        events += alphabet(Role.CLIENT).of(EventKind.RECEIVE_RESPONSE, state)
    heads = dict.fromkeys(event.head for event in events if isinstance(event.head, ResponseFacts))
    for status in _REFUSALS:
        plain = ResponseFacts(status=status, upgrade=0, connection=0, accept=0)
        heads.update(dict.fromkeys((plain, plain._replace(versions=value_of("versions", "a list with 13")))))
    return tuple({ResponseFacts(): None, **heads})


@lru_cache(maxsize=256)
def responses(request: Request) -> tuple[DrawnResponse, ...]:
    """A sound 101 to a request, then the answers at which some rule of a client changes its mind; none too large."""
    found: list[DrawnResponse] = []
    for facts in _answers():
        if label_of_fact("syntax", facts.syntax) == "too large":
            continue
        try:
            octets = response_octets(facts, request)
        except ValueError:
            continue  # an answer that takes up an offer that the request does not make
        if not facts.deflate or response_facts(sample_response(facts, request), request) == facts:
            found.append(DrawnResponse(facts, octets + sample_body(facts)))
    return tuple(found)
