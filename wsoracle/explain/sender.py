"""The sender of the frames that are explained: whether it was allowed to send each of them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from wsoracle.model.endpoint.engine import engine_for
from wsoracle.model.facts.frames import facts_of_unit, text_before
from wsoracle.model.machine.certain_so_far import surely
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import Event, EventKind, FrameFacts, Setting, State, environment
from wsoracle.model.octets.units import FrameUnit
from wsoracle.properties.judge.steps import unrefusing

from .explanation import AsSent


class FrameSender:
    """Follows the peer of an endpoint through the frames that arrive there.

    What the endpoint sends may be on its way for any time: the peer is not assumed to have received it, so that no
    frame is held against a peer that could not know better. A frame that it was not allowed to send counts as sent.
    """

    def __init__(self, setting: Setting, state: State, rules: RuleSet) -> None:
        self._setting: Final = _peer_of(setting)
        self._rules: Final = rules
        self._machine: Final = engine_for(rules, self._setting, "compiled").machine
        self._lawless: Final = engine_for(unrefusing(rules), self._setting, "compiled").machine
        self._state = State(
            sent_close=state.got_close,
            send_type=state.recv_type,
            send_utf8=state.recv_utf8,
            claims_rsv1=state.claims_rsv1,
            claims_rsv2=state.claims_rsv2,
            claims_rsv3=state.claims_rsv3,
            send_window=state.recv_window,
            send_takeover=state.recv_takeover,
            send_compressed=state.recv_compressed,
            send_history=state.recv_history,
        )

    def sends(self, unit: FrameUnit, *, transformed: bool = False) -> AsSent:
        """The next frame, and the rules against sending it; ``transformed``: an extension that
        is not known made its payload."""
        before = self._state
        text_from = None if transformed else text_before(unit.header.opcode, before, EventKind.SEND)
        event = Event(EventKind.SEND, facts_of_unit(unit, text_from))
        breaks = self._machine.forbidden_by(before, event)
        outcomes = self._lawless.allowed(before, event)
        self._state = outcomes[0].state if outcomes else before
        return AsSent(self._setting, before, breaks)

    def begins(self, facts: FrameFacts, known: frozenset[str]) -> AsSent:
        """A frame of which only the beginning is there, and the rules against sending it whatever follows."""
        values = environment(self._setting, self._state, facts)
        forbids = (rule for rule in self._rules.of(EventKind.SEND) if rule.refuses)
        breaks = tuple(rule for rule in forbids if evaluate(surely(rule.when, known), values))
        return AsSent(self._setting, self._state, breaks)


@lru_cache(maxsize=64)
def _peer_of(setting: Setting) -> Setting:
    """The setting of the peer, of which nothing is known but what both ends share; the same one for the same setting,
    which keeps what it has worked out."""
    return Setting(setting.role.peer, switches=setting.switches)
