"""From a unit to the event that rules see: the facts of a frame or a head depend on what came before it."""

from __future__ import annotations

from ..notation.variables import Event, EventKind, State
from ..octets.http import Request
from ..octets.units import EofUnit, FrameUnit, Unit
from ..octets.uri import WebSocketUri
from ..octets.vocabulary import Role
from .frames import echoes_code, facts_of_unit, text_before
from .heads import facts_of_request, facts_of_response


def arriving(unit: Unit, role: Role, state: State, request: Request | None = None) -> Event:
    """The event that a unit is for an endpoint of a role, in a state, that reads it; ``request`` was sent before."""
    if isinstance(unit, EofUnit):
        return Event(EventKind.RECEIVE_EOF)
    if isinstance(unit, FrameUnit):
        before = text_before(unit.header.opcode, state, EventKind.RECEIVE)
        return Event(EventKind.RECEIVE, facts_of_unit(unit, before))
    if role is Role.SERVER:
        return Event(EventKind.RECEIVE_REQUEST, None, facts_of_request(unit.result))
    return Event(EventKind.RECEIVE_RESPONSE, None, facts_of_response(unit.result, request))


def leaving(
    unit: Unit,
    role: Role,
    state: State,
    request: Request | None = None,
    *,
    uri: WebSocketUri | None = None,
    answers: bool = False,
    key_foreseen: bool = False,
    unprovoked: bool = False,
) -> Event:
    """The event that a unit is for an endpoint of a role, in a state, that sends it.

    ``request`` was received before, ``uri`` is what a client was asked to open; ``answers`` says whether the frame
    answers what is due (of a Close it is known), ``key_foreseen`` whether its masking key shows that the keys can be
    foreseen, ``unprovoked`` whether nothing is a reason for a Close. ValueError for the end of TCP, which is no unit of
    its own for the endpoint that closes.
    """
    if isinstance(unit, EofUnit):
        raise ValueError("the end of TCP is sent by closing it")
    if isinstance(unit, FrameUnit):
        before = text_before(unit.header.opcode, state, EventKind.SEND)
        answers = answers or echoes_code(unit.header.opcode, unit.payload, state)
        facts = facts_of_unit(unit, before, answers=answers, key_foreseen=key_foreseen)
        return Event(EventKind.SEND, facts._replace(unprovoked=True) if unprovoked else facts)
    if role is Role.SERVER:
        return Event(EventKind.SEND_RESPONSE, None, facts_of_response(unit.result, request))
    return Event(EventKind.SEND_REQUEST, None, facts_of_request(unit.result, uri))
