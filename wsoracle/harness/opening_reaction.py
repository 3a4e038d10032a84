"""What a conforming client does on the answer to its opening handshake."""

from __future__ import annotations

from typing import Literal

from wsoracle.model.octets.http import HeadParser, Request
from wsoracle.model.octets.vocabulary import Role


def reaction_to(response: bytes, request: Request | None) -> Literal["opens", "is refused", "fails"]:
    """What a client does on this answer to its request."""
    from wsoracle.model.facts.heads import facts_of_response
    from wsoracle.model.machine.compiled import CompiledMachine
    from wsoracle.model.machine.interpreted import Kind, canonical
    from wsoracle.model.notation.variables import HANDSHAKE, Event, EventKind, Setting, State
    from wsoracle.model.rules import RULES

    reader = HeadParser(Role.CLIENT)
    reader.feed(response)
    if reader.result is None:
        return "fails"
    machine = CompiledMachine(RULES, Setting(Role.CLIENT))
    state = State(handshake=HANDSHAKE.index("awaiting 101"))
    outcomes = machine.allowed(state, Event.of(EventKind.RECEIVE_RESPONSE, facts_of_response(reader.result, request)))
    label = canonical(outcomes).label if outcomes else None
    if label is None or label.kind is not Kind.ACCEPT:
        return "fails"
    return "is refused" if label.delivers == "refused" else "opens"
