"""The questions of an endpoint to a rule set, answered in one of two ways that give the same answers.

``rules``: each guard is evaluated as it stands (``model.machine.interpreted``). ``compiled``: by generated functions
(``model.machine.compiled``).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal, Protocol, TypeAlias

from ..machine import interpreted
from ..machine.certain_so_far import KNOWN_ALWAYS, reasons_to_read, sure_failures
from ..machine.compiled import CompiledMachine
from ..machine.interpreted import Outcome
from ..notation.rule import Due, Rule, RuleSet
from ..notation.variables import Event, EventKind, FrameFacts, Setting, State
from ..octets.vocabulary import PING

EngineName: TypeAlias = Literal["compiled", "rules"]

_ANY_FRAME: Final = FrameFacts(0)
"""Stands where rules that look at no frame are asked."""


class Machine(Protocol):
    """A rule set in a setting, to be asked."""

    def enabled(self, state: State, event: Event) -> list[Rule]:
        """The rules whose guard holds."""

    def allowed(self, state: State, event: Event, *, departures: bool = False) -> tuple[Outcome, ...]:
        """The set of outcomes, the canonical one first."""

    def canonical(self, state: State, event: Event) -> Outcome | None:
        """The outcome that the canonical endpoint chooses; None where nothing is allowed."""

    def owed(self, state: State) -> tuple[tuple[Due, Rule], ...]:
        """The answers that an endpoint owes, in the order in which it gives them."""

    def forbidden_by(self, state: State, event: Event) -> tuple[Rule, ...]:
        """The binding rules that refuse an event."""


class InterpretedMachine:
    """A rule set in a setting, its guards evaluated as they stand: the reference, and slow."""

    def __init__(self, rules: RuleSet, setting: Setting) -> None:
        self.rules: Final = rules
        self.setting: Final = setting

    def enabled(self, state: State, event: Event) -> list[Rule]:
        """The rules whose guard holds."""
        return interpreted.enabled(self.rules, self.setting, state, event)

    def allowed(self, state: State, event: Event, *, departures: bool = False) -> tuple[Outcome, ...]:
        """The set of outcomes, the canonical one first."""
        return interpreted.allowed(state, event, self.setting, self.rules, departures=departures)

    def canonical(self, state: State, event: Event) -> Outcome | None:
        """The outcome that the canonical endpoint chooses; None where nothing is allowed."""
        outcomes = self.allowed(state, event)
        return interpreted.canonical(outcomes) if outcomes else None

    def owed(self, state: State) -> tuple[tuple[Due, Rule], ...]:
        """The answers that an endpoint owes, in the order in which it gives them."""
        return interpreted.owed(state, self.setting, self.rules)

    def forbidden_by(self, state: State, event: Event) -> tuple[Rule, ...]:
        """The binding rules that refuse an event."""
        return interpreted.forbidden_by(state, event, self.setting, self.rules)


class Engine:
    """All that an endpoint asks. It holds nothing of a connection and is shared by endpoints with one setting."""

    def __init__(self, rules: RuleSet, setting: Setting, name: EngineName) -> None:
        make = InterpretedMachine if name == "rules" else CompiledMachine
        self.machine: Final[Machine] = make(rules, setting)
        self._sure: Final[Machine] = make(sure_failures(rules), setting)
        self._reasons: Final[Machine] = make(reasons_to_read(rules), setting)
        self._reasons_at_all: Final[Machine] = make(reasons_to_read(rules, KNOWN_ALWAYS), setting)
        unmasked = Event(EventKind.SEND, FrameFacts(PING))
        self.masks: Final = bool(self.machine.forbidden_by(State(), unmasked))
        """Whether frames are to be sent masked: so where the rules refuse one that is not."""

    def sure_failure(self, state: State, header: FrameFacts) -> Outcome | None:
        """The failure that is certain whatever the payload of a frame with this header, or None."""
        return self._sure.canonical(state, Event(EventKind.RECEIVE, header))

    def reads(self, state: State, header: FrameFacts) -> bool:
        """Whether the payload of a frame with this header can matter."""
        return bool(self._reasons.enabled(state, Event(EventKind.RECEIVE, header)))

    def listens(self, state: State) -> bool:
        """Whether any frame can matter."""
        return bool(self._reasons_at_all.enabled(state, Event(EventKind.RECEIVE, _ANY_FRAME)))


@lru_cache(maxsize=64)
def engine_for(rules: RuleSet, setting: Setting, name: EngineName) -> Engine:
    """The engine of that name, the same one for the same rule set and setting."""
    return Engine(rules, setting, name)
