"""Hypothesis state machines: the model against its compiled path, and any endpoint against the model.

Each function makes a machine (a `RuleBasedStateMachine`) of what it is given: strategies for what to try, and how to
open what is tried. Hypothesis finds a failing run and shrinks it to the shortest one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from wsoracle.model.endpoint.endpoint import Endpoint, Refused
from wsoracle.model.endpoint.engine import EngineName
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import Setting, State
from wsoracle.model.octets.vocabulary import DEFAULT_LIMIT, TEXT
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.observation import OPCODE_OF, Arrives, ArrivesEof, Asks, Observation
from wsoracle.properties.state_machines.driving import Driver
from wsoracle.properties.state_machines.walk import Walk

__all__ = ["Assembling", "Machine", "conformance_machine", "endpoints_machine", "engines_machine"]

Machine = type[RuleBasedStateMachine]
Part = Arrives | ArrivesEof | Asks


class Assembling(Protocol):
    """Turns what is drawn into what is done to an endpoint, in the order in which it is drawn."""

    def add(self, item: Any, /) -> Iterable[Part]:
        """One more item: what is to be done now."""

    def rest(self) -> Iterable[Part]:
        """What is left to be done at the end."""


def engines_machine(
    settings: st.SearchStrategy[Setting], starts: st.SearchStrategy[State], rules: RuleSet = RULES
) -> Machine:
    """The rules as they stand and the rules compiled say the same of every event on every walk."""

    class EnginesAgree(RuleBasedStateMachine):
        walk: Walk

        @initialize(setting=settings, start=starts)
        def open(self, setting: Setting, start: State) -> None:
            self.walk = Walk(setting, start, rules)

        @rule(number=st.integers(0, 999))
        def meet(self, number: int) -> None:
            events = self.walk.events()
            self.walk.meet(events[number % len(events)])

        @precondition(lambda self: self.walk.moves())
        @rule(group=st.integers(0, 99), number=st.integers(0, 99))
        def go(self, group: int, number: int) -> None:
            groups = self.walk.moves()
            moves = groups[group % len(groups)]
            event, _ = moves[number % len(moves)]
            self.walk.meet(event)
            self.walk.go(moves[number % len(moves)])

    return EnginesAgree


ENGINES: tuple[EngineName, ...] = ("rules", "compiled")


def endpoints_machine(
    settings: st.SearchStrategy[Setting], items: st.SearchStrategy[Any], assemble: Callable[[Setting], Assembling]
) -> Machine:
    """Endpoints with different engines do, tell and become the same on the same octets and requests."""

    class EndpointsAgree(RuleBasedStateMachine):
        endpoints: list[Endpoint]
        assembling: Assembling

        @initialize(setting=settings)
        def open(self, setting: Setting) -> None:
            limit = DEFAULT_LIMIT if setting.limit is None else setting.limit
            self.assembling = assemble(setting)
            self.endpoints = [
                Endpoint(setting.role, limit=limit, switches=setting.switches, echo=setting.echo, engine=engine)
                for engine in ENGINES
            ]

        @rule(item=items)
        def act(self, item: Any) -> None:
            for part in self.assembling.add(item):
                self.compare(part)

        def compare(self, part: Part) -> None:
            seen = [(_act_on(endpoint, part), endpoint.octets_to_send(), endpoint.state) for endpoint in self.endpoints]
            for engine, other in zip(ENGINES, seen, strict=True):
                assert other == seen[0], f"{engine}: {other}, {ENGINES[0]}: {seen[0]}, at {part}"

        def teardown(self) -> None:
            for part in self.assembling.rest() if hasattr(self, "assembling") else ():
                self.compare(part)

    return EndpointsAgree


def _act_on(endpoint: Endpoint, part: Part) -> object:
    """What an endpoint tells its application when something is done to it; the rules where it refuses."""
    if isinstance(part, Arrives):
        return endpoint.receive(part.octets)
    if isinstance(part, ArrivesEof):
        return endpoint.receive_eof()
    try:
        if part.what in OPCODE_OF:
            endpoint.send_fragment(part.payload, last=part.fin, text=OPCODE_OF[part.what] == TEXT)
        elif part.what == "close":
            endpoint.close(part.code, part.reason)
        else:
            (endpoint.ping if part.what == "ping" else endpoint.pong)(part.payload)
    except Refused as refused:
        return refused.rules
    return None


def conformance_machine(
    connect: Callable[[], Driver],
    items: st.SearchStrategy[Any],
    assemble: Callable[[], Assembling],
    check: Callable[[tuple[Observation, ...]], None],
) -> Machine:
    """An endpoint does what the model allows. `check` is given the trace of each run; it raises where it does not."""

    class Conforms(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.driver = connect()
            self.assembling = assemble()

        @rule(item=items)
        def act(self, item: Any) -> None:
            for part in self.assembling.add(item):
                self.driver.give(part)

        def teardown(self) -> None:
            for part in self.assembling.rest():
                self.driver.give(part)
            check(self.driver.finish())

    return Conforms
