"""A frame that is not written to its end: the rules that this breaks, and those that its header breaks already."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from wsoracle.model.facts.frames import facts_of_header
from wsoracle.model.machine.compiled import machine_for
from wsoracle.model.notation.expression import variables
from wsoracle.model.notation.head_variables import RequestFacts
from wsoracle.model.notation.rule import Rule, RuleSet
from wsoracle.model.notation.variables import (
    CLAIMS,
    HEADER_VARIABLES,
    SETTING_VARIABLES,
    Event,
    EventKind,
    State,
)
from wsoracle.model.octets.frames import MAX_HEADER_OCTETS, Header, decode_header
from wsoracle.model.octets.vocabulary import BINARY, TEXT, Role
from wsoracle.model.rules import sending

from .deciding import in_header
from .explanation import Step, Subject
from .history import History
from .steps import AWAITING

_SAID_BY_HEADER: Final = HEADER_VARIABLES.union(SETTING_VARIABLES, CLAIMS)
_SENDS: Final = {TEXT: "6.1/send-text", BINARY: "6.1/send-binary"}
"""The rules by which the frames of a message are to be transmitted (section 6.1), by the opcode of the first."""


def broken_by_torn(history: History, subject: Subject, state: State) -> tuple[str, ...]:
    """The ids of rules that the frame breaks inside which the endpoint stops writing; none where its header is torn.

    ``state`` is one of the connection; of it only the reserved bits matter that extensions claim.
    """
    header = _header(history, history.torn_frame)
    if header is None:
        return ()
    named = [rule.id for rule in _faults(_sends(header), subject, state)] or [_SENDS.get(header.opcode, "")]
    return tuple(rule for rule in named if rule in subject.rules.by_id)


def begun_at_fault(history: History, subject: Subject, state: State) -> tuple[Step, int] | None:
    """The fault of the unit that is not whole when the trace ends; or None.

    The header of a frame breaks a rule whatever follows; and a client that waits for an answer sends nothing at all.
    The second value is the octet at fault, in what the endpoint wrote. That the rest of the frame may be lost with TCP
    is no excuse for what is there.
    """
    begun = slice(history.unread, history.written)
    if state.handshake:
        event = Event(EventKind.SEND_REQUEST, None, RequestFacts())
        waits = state.handshake == AWAITING and subject.setting.role is Role.CLIENT and history.switched is None
        if not waits or not history.octets_written[begun].strip(b"\r\n"):
            return None
        faults = machine_for(subject.rules, subject.setting).forbidden_by(state, event)
        step = Step(history.written_at, state, event, None, (), tuple(rule.id for rule in faults))
        return (step, begun.start) if faults else None
    header = _header(history, begun)
    if header is None:
        return None
    event = _sends(header)
    faults = _faults(event, subject, state)
    if not faults:
        return None
    step = Step(history.written_at, state, event, None, (), tuple(rule.id for rule in faults))
    return step, begun.start + in_header(faults[0], step, header, subject)


def _header(history: History, part: slice) -> Header | None:
    decoded = decode_header(bytes(history.octets_written[part][:MAX_HEADER_OCTETS]))
    return None if decoded is None else decoded[0]


def _sends(header: Header) -> Event:
    return Event(EventKind.SEND, facts_of_header(header))


def _faults(event: Event, subject: Subject, state: State) -> tuple[Rule, ...]:
    """The rules that the header of a frame breaks by itself."""
    return machine_for(_about_headers(subject.rules), subject.setting).forbidden_by(state, event)


@lru_cache(maxsize=16)
def _about_headers(rules: RuleSet) -> RuleSet:
    """The rules of frames at fault by themselves that a header breaks whatever follows it."""
    own = {rule.id for rule in sending.OWN}
    return RuleSet(rule for rule in rules if rule.id in own and _SAID_BY_HEADER.issuperset(variables(rule.when)))
