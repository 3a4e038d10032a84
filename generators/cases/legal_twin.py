"""The nearest legal twin of a history: what the control of a negative case is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from wsoracle.model.facts.frames import text_before
from wsoracle.model.machine.compiled import machine_for
from wsoracle.model.machine.interpreted import Kind, Label
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.variables import CONNECTING, Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets import utf8
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, KNOWN_OPCODES, OPCODE_NAMES, PING, PONG, TEXT, Role
from wsoracle.model.rules import RULES

from .realised_history import CaseHistory

_SOUND = {
    Role.SERVER: CaseHistory(
        Setting(Role.SERVER, willing=True), Event.of(EventKind.RECEIVE_REQUEST, RequestFacts()), (), CONNECTING
    ),
    Role.CLIENT: CaseHistory(
        Setting(Role.CLIENT),
        Event.of(EventKind.RECEIVE_RESPONSE, ResponseFacts()),
        ((Event.of(EventKind.SEND_REQUEST, RequestFacts()), Label(Kind.PERMIT)),),
        CONNECTING,
    ),
}
"""A sound opening handshake: what an endpoint must be able to take, whatever it does with a faulty one."""


def legal_twins(history: CaseHistory, *, on_its_own: bool) -> Iterator[CaseHistory]:
    """Legal histories, the nearest first: the same with a legal frame of the same kind at its end, and a plain message.

    ``on_its_own``: the endpoint does something in the history that no stimulus brings about.
    """
    role = history.setting.role
    facts = history.event.frame
    if history.event.kind is EventKind.RECEIVE and facts is not None and not on_its_own:
        state = _state_after(history)
        twin = None if state is None else _legal_twin(facts, state, role)
        if twin is not None and not (state is not None and (state.failed or state.got_close)):
            last = Event(EventKind.RECEIVE, twin)
            yield CaseHistory(Setting(role), last, history.path, history.start, history.frames[:-1])
    plain = FrameFacts(TEXT, masked=role is Role.SERVER, length=5)
    nearest = CaseHistory(Setting(role), Event(EventKind.RECEIVE, plain))
    yield _SOUND[role] if history.start == CONNECTING else nearest


def _state_after(history: CaseHistory) -> State | None:
    """The state after the path of a history; None where that departs from a rule: what follows it is not legal."""
    state = history.start
    machine = machine_for(RULES, history.setting)
    for event, label in history.path:
        found = [o.state for o in machine.allowed(state, event) if o.label == label]
        if not found:
            return None
        state = found[0]
    return state


def _legal_twin(facts: FrameFacts, state: State, role: Role) -> FrameFacts | None:
    """A legal frame as near to the given one as can be; None where the message in progress is beyond repair."""
    masked = role is Role.SERVER
    opcode = facts.opcode if facts.opcode in KNOWN_OPCODES else TEXT
    if opcode == CLOSE:
        return FrameFacts(CLOSE, masked=masked, length=2, code=1000)
    if opcode in (PING, PONG):
        return FrameFacts(PING, masked=masked, length=min(facts.length, 125))
    opcode = CONTINUATION if state.recv_type else TEXT if opcode == CONTINUATION else opcode
    before = text_before(opcode, state, EventKind.RECEIVE)
    if before is None:
        return FrameFacts(opcode, masked=masked, length=4)
    if state.recv_window and facts.rsv1 and opcode != CONTINUATION:
        return FrameFacts(opcode, rsv1=True, masked=masked, length=4, inflated=4)
    for length in (4, 0, 1, 2, 3):
        if utf8.ACCEPT in utf8.reachable_after(before, length):
            return FrameFacts(opcode, masked=masked, length=length)
    return None


def control_id(history: CaseHistory) -> str:
    """The id of the control that is made from a history."""
    words = [_word(event) for event, _ in history.path] + [_word(history.event)]
    told = hashlib.sha256(repr((history.path, history.event, history.start)).encode()).hexdigest()[:6]
    return f"control/{history.setting.role}/{'+'.join(words)}-{told}"


def _word(event: Event) -> str:
    if isinstance(event.head, ResponseFacts):
        return f"{'' if event.kind.is_input else 'send.'}response.{event.head.status}"
    if event.frame is None:
        return event.kind.value
    name = OPCODE_NAMES[event.frame.opcode] + ("" if event.frame.fin else ".more")
    return name if event.kind is EventKind.RECEIVE else f"send.{name}"


def control_title(history: CaseHistory) -> str:
    """Its title."""
    return "Legal: " + ", then ".join(_word(e) for e in [*(event for event, _ in history.path), history.event])
