"""A frame that an endpoint stops writing: the rules that it breaks so, and those that its header breaks already."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from wsoracle.model.facts.frames import facts_of_header
from wsoracle.model.notation.expression import variables
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import CLAIMS, HEADER_VARIABLES, SETTING_VARIABLES, Event, EventKind, State
from wsoracle.model.octets.frames import MAX_HEADER_OCTETS, decode_header
from wsoracle.model.octets.vocabulary import BINARY, TEXT
from wsoracle.model.rules import sending

from .explanation import Subject
from .history import History
from .steps import machine_for

_SAID_BY_HEADER: Final = HEADER_VARIABLES.union(SETTING_VARIABLES, CLAIMS)
_SENDS: Final = {TEXT: "6.1/send-text", BINARY: "6.1/send-binary"}
"""The rules by which the frames of a message are to be transmitted (section 6.1), by the opcode of the first."""


def broken_by_torn(history: History, subject: Subject, state: State) -> tuple[str, ...]:
    """The ids of rules that the frame breaks inside which the endpoint stops writing; none where its header is torn.

    ``state`` is one of the connection; of it only the reserved bits matter that extensions claim.
    """
    begun = bytes(history.octets_written[history.torn_frame][:MAX_HEADER_OCTETS])
    decoded = decode_header(begun)
    if decoded is None:
        return ()
    event = Event(EventKind.SEND, facts_of_header(decoded[0]))
    faults = machine_for(_about_headers(subject.rules), subject.setting).forbidden_by(state, event)
    named = [rule.id for rule in faults] or [_SENDS.get(decoded[0].opcode, "")]
    return tuple(rule for rule in named if rule in subject.rules.by_id)


@lru_cache(maxsize=16)
def _about_headers(rules: RuleSet) -> RuleSet:
    """The rules of frames at fault by themselves that a header breaks whatever follows it."""
    own = {rule.id for rule in sending.OWN}
    return RuleSet(rule for rule in rules if rule.id in own and _SAID_BY_HEADER.issuperset(variables(rule.when)))
