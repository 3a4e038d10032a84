"""A mutant of the rules as an endpoint: it follows the history that kills it, and does what only the mutant allows.

Theory of operation. The endpoint is a drawn one whose rules are those of the mutant. The steps of the history are
given to it one after the other, with the outcomes of the history; at the last step it takes an outcome that the mutant
allows at a stricter level than the rules do, and then goes on as the mutant has it, until it rests. At the end its peer
may send a Ping, as a tester does that wants to know what became of an endpoint that is silent.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Final

from wsoracle.model.facts.frames import concrete, realise, text_before
from wsoracle.model.facts.heads import last_answer, offering, request_octets, response_octets, sample_request
from wsoracle.model.machine.compiled import CompiledMachine, machine_for
from wsoracle.model.machine.interpreted import LEVELS, Kind, Label, Outcome
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, label_of_fact
from wsoracle.model.notation.rule import RuleSet, Strength
from wsoracle.model.notation.variables import CONNECTING, Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets.frames import decode_header
from wsoracle.model.octets.vocabulary import PING, PONG, Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.observation import Observation

from ..mutants.distinguish import Scenario
from ..mutants.observable import HistoryStep, alike, seen_from
from .endpoint import DrawnEndpoint
from .habits import Behaviour, Habits
from .units import SOUND, DrawnFrame, DrawnRequest, DrawnResponse, responses

_SILENCE: Final = Event(EventKind.SILENCE)
_LONGEST: Final = 70_000
"""Payloads of more octets than this are not written out."""


class CannotReplayError(Exception):
    """No octets bring about the history at the mutant: why, in a sentence."""


def mutant_traces(rules: RuleSet, scenario: Scenario) -> list[tuple[Observation, ...]]:
    """The traces of a mutant's endpoint along the history that kills it: one for each thing that only it would do, and
    where frames can follow, the same with a Ping behind it.

    None where the mutant only takes freedom away, so that its endpoint conforms. Raises CannotReplayError.
    """
    original, mutant = machine_for(RULES, scenario.start.setting), machine_for(rules, scenario.start.setting)
    *path, last = scenario.history
    state = scenario.start.state
    for step in path:
        after = {one.label: one.state for one in original.allowed(state, step.event, departures=True)}
        if step.label not in after:
            raise CannotReplayError("the history is not one of the rules")
        state = after[step.label]
    known = _levels(original, state, last.event)
    traces: list[tuple[Observation, ...]] = []
    levels = _labels(mutant, scenario)
    for label in (None, *levels):
        if label is None or levels[label] < known.get(label, len(LEVELS)):
            endpoint = _Replay(scenario, mutant)
            if endpoint.follow(path) and endpoint.finish(last, label):
                traces.append(tuple(endpoint.observer.trace))
                if endpoint.answers_a_ping():
                    traces.append(tuple(endpoint.observer.trace))
    return traces


def from_the_request(rules: RuleSet, scenario: Scenario) -> Scenario:
    """The scenario with a request before it, where it has an answer and none: what an answer takes up was offered.

    An answer to no request that takes nothing up stays one.
    """
    answer, start = last_answer(step.event.head for step in scenario.history), scenario.start
    if answer is None or any(isinstance(step.event.head, RequestFacts) for step in scenario.history):
        return scenario
    request = offering(RequestFacts(), answer)
    if start.state == CONNECTING and request == RequestFacts():
        return scenario
    kind = EventKind.RECEIVE_REQUEST if start.setting.role is Role.SERVER else EventKind.SEND_REQUEST
    event = Event.of(kind, request)
    ways = [machine_for(one, start.setting).labels(CONNECTING, event) for one in (RULES, rules)]
    label = next((one for one, state in ways[0].items() if state == ways[1].get(one)), None)
    if label is None or start.state not in (CONNECTING, ways[0][label]):
        return scenario
    return Scenario(replace(start, state=CONNECTING), (HistoryStep(event, label), *scenario.history))


def _levels(machine: CompiledMachine, state: State, event: Event) -> dict[Label, int]:
    """The outcomes of an event, each with the strictest level that allows it."""
    masks = machine.masks(event.kind, state, event.facts)
    found: dict[Label, int] = {}
    for choice in machine.departing(event.kind, masks):
        found[choice.label] = min(choice.level, found.get(choice.label, choice.level))
    return found


def _labels(mutant: CompiledMachine, scenario: Scenario) -> dict[Label, int]:
    """All that a mutant might do at the last step, with the level that allows it."""
    endpoint = _Replay(scenario, mutant)
    *path, last = scenario.history
    event = seen_from(last, endpoint.state, endpoint.setting) if endpoint.follow(path) else None
    return {} if event is None else _levels(mutant, endpoint.state, event)


def _habits(setting: Setting, state: State) -> Habits:
    return Habits(
        role=setting.role, behaviour=Behaviour.ECHO if setting.echo else Behaviour.SINK, limit=setting.limit,
        opening=bool(state.handshake), inside=True, reads=1, arrives=1, acts=1, rests=1, faults=0, hurry=1, cuts=0,
        steps=0,
    )  # fmt: skip


class _Replay(DrawnEndpoint):
    """A mutant's endpoint that follows a history."""

    def __init__(self, scenario: Scenario, machine: CompiledMachine) -> None:
        start = scenario.start
        super().__init__(Random(0), _habits(start.setting, start.state), machine)
        self.state = start.state
        self._answer: Final = last_answer(step.event.head for step in scenario.history)

    def follow(self, path: list[HistoryStep]) -> bool:
        """Take the steps of a history with its outcomes; whether the mutant allows them all."""
        return all(step.label is not None and self._take_step(step, step.label) for step in path)

    def outcomes(self, step: HistoryStep) -> tuple[Outcome, ...]:
        """What the mutant allows here at any level, of octets that may mean something else to it."""
        event = seen_from(step, self.state, self.setting)
        return () if event is None else self.machine.allowed(self.state, event, departures=True)

    def _take_step(self, step: HistoryStep, label: Label) -> bool:
        event = seen_from(step, self.state, self.setting)
        if event is None:
            return False
        found = {one.label: one for one in self.machine.allowed(self.state, event, departures=True)}
        then = alike({one: outcome.state for one, outcome in found.items()}, label, None)
        if then is None:
            return False
        outcome = found.get(label) or next(one for one in found.values() if one.state == then)
        self._happen(step.event, outcome)
        return True

    def finish(self, step: HistoryStep, label: Label | None) -> bool:
        """Take the last step with a label (None: do nothing about what comes in), and go on until there is nothing."""
        event = step.event
        outcome = next((one for one in self.outcomes(step) if one.label == label), None)
        if outcome is None:
            if label is not None or not event.kind.is_input or self.outcomes(step):
                return False
            outcome = Outcome(Label(Kind.IGNORE), self.state, (), Strength.MUST)
        self._happen(event, outcome)
        self.settle()
        if not self.machine.allowed(self.state, _SILENCE) and self.state.tcp_open:
            self.observer.quiet()  # it owes something that it may not do
        self.observer.flush()
        return True

    def answers_a_ping(self) -> bool:
        """Get a Ping and go on until there is nothing; whether one can come."""
        state, setting = self.state, self.setting
        if state.handshake or self.peer.eof or state.got_close or not (state.peer_open and state.tcp_open):
            return False
        step = HistoryStep(Event(EventKind.RECEIVE, FrameFacts(PING, masked=setting.role is Role.SERVER, length=4)))
        ways = self.outcomes(step)
        if not ways:
            return False
        self._happen(step.event, ways[0])
        self.settle()
        self.observer.flush()
        return True

    def rest(self) -> None:
        """Be quiet, where everything is read and the mutant owes nothing."""
        if self.machine.allowed(self.state, _SILENCE):
            self.observer.quiet()

    def answer(self) -> None:
        """Answer the request with 101 where that is permitted, else with the first final answer that is."""
        known = responses(self.request or SOUND)
        any(self.sends_answer(one) for one in known if one.facts.status == 101 or one.facts.status >= 200)

    def _happen(self, event: Event, outcome: Outcome) -> None:
        """An event happens, with an outcome."""
        kind = event.kind
        if kind is EventKind.RECEIVE_EOF:
            self.peer.eof = self.read_eof = True
            self.observer.arrives_eof()
            self.state = outcome.state
        elif kind is EventKind.SILENCE:
            self.observer.quiet()
        elif kind is EventKind.CLOSE_TCP:
            self.observer.closes()
            self.become(outcome)
        elif kind.is_input:
            unit = self._unit_of(event)
            self.peer.sends(unit)
            self.peer.arrived = len(self.peer.octets)
            self.observer.arrives(unit.octets)
            self.take(unit, event, outcome)
        else:
            unit = self._unit_of(event)
            if isinstance(unit, DrawnFrame):
                self.puts_on_wire(unit)
            else:
                self.observer.sends(unit.octets)
            if isinstance(unit, DrawnRequest):
                self.request = unit.request
            self.become(outcome)

    def _unit_of(self, event: Event) -> DrawnFrame | DrawnRequest | DrawnResponse:
        """Octets for an event."""
        facts = event.facts
        try:
            if isinstance(facts, FrameFacts):
                return self._frame_of(event, facts)
            if isinstance(facts, RequestFacts):
                facts, answer = offering(facts, self._answer), self._answer
                legible = label_of_fact("syntax", facts.syntax) in ("well-formed", "tolerated")
                request = sample_request(facts, answer=answer) if legible else None
                return DrawnRequest(facts, request_octets(facts, answer=answer), request)
            assert isinstance(facts, ResponseFacts)
            return DrawnResponse(facts, response_octets(facts, self.request or SOUND))
        except ValueError as error:
            raise CannotReplayError(str(error)) from None

    def _frame_of(self, event: Event, facts: FrameFacts) -> DrawnFrame:
        payload = None
        if event.kind is EventKind.SEND and facts.answers:
            payload = self.next_answer(facts.opcode)
            if payload is not None and len(payload) != facts.length:
                facts = facts._replace(length=len(payload), form=0)
        if payload is None:
            made = realise(event, self.state, longest=_LONGEST)
        else:
            before = text_before(facts.opcode, self.state, event.kind)
            made = concrete(facts, before, payload=payload)
        if made.frame is None:
            raise CannotReplayError("a payload is too long to be written out")
        decoded = decode_header(made.octets)
        assert decoded is not None
        return DrawnFrame(decoded[0], made.frame.payload, made.octets)

    def next_answer(self, opcode: int) -> bytes | None:
        """The payload with which a Pong, or the echo, answers."""
        if opcode == PONG:
            return self.pings[-1] if self.pings else None
        return self.echoes[0][1] if self.echoes else None
