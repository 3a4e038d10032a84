"""A history of the model as steps of a case with their octets, and what has to be seen for each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from wsoracle.model.facts.deflate_offers import answer_that_agrees
from wsoracle.model.facts.deflate_payloads import CompressedRun, is_deflated, run_of
from wsoracle.model.facts.frames import DEFAULT_KEY, concrete, realise, text_before
from wsoracle.model.facts.heads import last_answer, offering, request_octets, response_octets, sample_request
from wsoracle.model.machine.compiled import CompiledMachine, machine_for
from wsoracle.model.machine.interpreted import Kind, Label
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, value_of
from wsoracle.model.notation.variables import CONNECTING, HANDSHAKE, NO_CODE, Event, EventKind, Setting, State
from wsoracle.model.octets.frames import minimal_form
from wsoracle.model.octets.http import Request
from wsoracle.model.octets.masking_keys import CountedKeys
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.model.rules import RULES

from .outcome import SeenClose, SeenMessage, SeenPong, SeenRequest, SeenResponse
from .steps import (
    CaseStep,
    EndpointClosesTcp,
    EndpointIsSilent,
    EndpointSends,
    EndpointSendsHead,
    EndSending,
    SendFrame,
    SendHead,
    unfinished,
)

_OPENING = {
    Role.SERVER: (EventKind.RECEIVE_REQUEST, EventKind.SEND_RESPONSE),
    Role.CLIENT: (EventKind.SEND_REQUEST, EventKind.RECEIVE_RESPONSE),
}
_LEGIBLE = tuple(value_of("syntax", label) for label in ("well-formed", "tolerated"))
_REFUSABLE = ("to be refused", "another version", "unreadable", "not for us")
"""The stages in which a server answers with something else than 101."""

INITIAL = State()
"""The state after an opening handshake that negotiated no extension."""


class CannotBuildError(ValueError):
    """The history has no octets that could be sent: a frame that is never completed stands in the middle of it."""


@dataclass(frozen=True)
class CaseHistory:
    """A history of the model: where it begins, its steps with the outcome of each, and a last event to be judged.

    ``frames`` are the octets of the frames that arrive, where others with the same facts would not do.
    """

    setting: Setting
    event: Event
    path: tuple[tuple[Event, Label], ...] = ()
    start: State = INITIAL
    frames: tuple[Frame, ...] = ()


@dataclass
class RealisedHistory:
    """A history on its way: the state, the steps so far, and what has to be seen for them."""

    history: CaseHistory
    machine: CompiledMachine
    state: State
    steps: list[CaseStep] = field(default_factory=list)
    answers: list[SeenMessage | SeenPong] = field(default_factory=list)
    closes: list[SeenClose] = field(default_factory=list)
    heads: list[SeenRequest | SeenResponse] = field(default_factory=list)
    request: Request | None = None
    payload: bytes = b""
    latest_ping: bytes = b""
    keys: CountedKeys = field(default_factory=CountedKeys)
    on_its_own: bool = False
    received: CompressedRun = field(default_factory=CompressedRun)
    sent: CompressedRun = field(default_factory=CompressedRun)

    def follow(self, event: Event, label: Label) -> None:
        """Take one step of the history, by the outcome with this label."""
        event = self.realisable(event)
        outcomes = self.machine.allowed(self.state, event, departures=True)
        after = next((o.state for o in outcomes if o.label == label), None)
        if after is None:
            raise CannotBuildError(f"{event.kind.value} has no outcome {label} there")
        frame = self.perform(event)
        if event.kind is EventKind.RECEIVE and label.kind is Kind.ACCEPT and frame is not None:
            self.take(frame, self.state)
        self.state = after

    def realisable(self, event: Event) -> Event:
        """The event, or the nearest that octets can bring about and no rule tells from it: of compressed frames, facts
        that do not go together stand for others that do."""
        frame, kind = event.frame, event.kind
        if self._given() is not None and kind is EventKind.RECEIVE:
            return event
        run = run_of(event, self.state, self.received if kind is EventKind.RECEIVE else self.sent)
        if frame is None or run is None:
            return event
        try:
            near = run.nearest(frame, text_before(frame.opcode, self.state, kind))
        except ValueError as error:
            raise CannotBuildError(str(error)) from error
        if self.machine.mask(kind, self.state, frame) & ~self.machine.mask(kind, self.state, near):
            raise CannotBuildError("no octets have these facts")
        return event._replace(frame=near)

    def perform(self, event: Event) -> Frame | None:
        """Append the step that makes an event happen; the frame of it, where it is whole."""
        if event.head is not None:
            self._take_head(event.kind, event.head)
            return None
        if event.frame is not None:
            try:
                return self._receive(event) if event.kind is EventKind.RECEIVE else self._send(event)
            except ValueError as error:
                raise CannotBuildError(str(error)) from error
        if event.kind is EventKind.RECEIVE_EOF and any(isinstance(step, EndSending) for step in self.steps):
            raise CannotBuildError("TCP ends only once")
        own: CaseStep = EndpointClosesTcp() if event.kind is EventKind.CLOSE_TCP else EndpointIsSilent()
        self.steps.append(EndSending() if event.kind is EventKind.RECEIVE_EOF else own)
        return None

    def _take_head(self, kind: EventKind, head: RequestFacts | ResponseFacts) -> None:
        """Append the step of a head that arrives or is sent."""
        if kind.is_input and any(isinstance(step, EndSending) for step in self.steps):
            raise CannotBuildError("nothing can arrive after the peer's end of TCP")
        try:
            if isinstance(head, RequestFacts):
                answer = self._answer()
                head = offering(head, answer)
                octets = request_octets(head, answer=answer)
                self.request = sample_request(head, answer=answer) if head.syntax in _LEGIBLE else None
            else:
                octets = response_octets(head, self.request or sample_request(RequestFacts()))
        except ValueError as error:
            raise CannotBuildError(f"no octets have these facts: {error}") from error
        if kind.is_input:
            self.steps.append(SendHead(octets, head))
            return
        stage = HANDSHAKE[self.state.handshake]
        if isinstance(head, RequestFacts):
            prompted = stage == "not begun"
            self.heads.append(SeenRequest())
        else:
            prompted = head.status == 101 if stage == "awaiting 101" else stage in _REFUSABLE and head.status >= 400
            self.heads.append(SeenResponse(head.status))
        self.on_its_own = self.on_its_own or not prompted
        self.steps.append(EndpointSendsHead(octets, head, prompted))

    def _answer(self) -> ResponseFacts | None:
        """The last answer of the history, which takes up what a request offers."""
        return last_answer([*(event.head for event, _ in self.history.path), self.history.event.head])

    def _receive(self, event: Event) -> Frame | None:
        facts = event.frame
        assert facts is not None
        if any(isinstance(step, EndSending) for step in self.steps):
            raise CannotBuildError("nothing can arrive after the peer's end of TCP")
        if any(isinstance(step, SendFrame) and not step.is_whole for step in self.steps):
            raise CannotBuildError("a frame that is never completed stands before another")
        given = self._given()
        if given is not None:
            run = run_of(event, self.state, self.received)
            if run is not None:
                run.take(given.payload, fin=given.fin)
            self.steps.append(SendFrame(given))
            return given
        made = realise(event, self.state, compressed=self.received)
        if made.complete:
            assert made.frame is not None
            self.steps.append(SendFrame(made.frame))
            return made.frame
        key = DEFAULT_KEY if facts.masked else None
        form = None if facts.form == minimal_form(facts.length) else facts.form
        begun = Frame(facts.opcode, b"", facts.fin, facts.rsv1, facts.rsv2, facts.rsv3, key, form)
        self.steps.append(unfinished(begun, facts.length))
        return None

    def _given(self) -> Frame | None:
        """The octets that the history gives for the next frame that arrives."""
        before = sum(isinstance(step, SendFrame) for step in self.steps)
        return self.history.frames[before] if before < len(self.history.frames) else None

    def _send(self, event: Event) -> Frame:
        facts = event.frame
        assert facts is not None
        answering = facts.opcode == PONG and facts.answers and self.state.pong_due
        if answering:
            facts = facts._replace(length=len(self.latest_ping), form=minimal_form(len(self.latest_ping)))
        payload = self.latest_ping if answering else None
        before = text_before(facts.opcode, self.state, EventKind.SEND)
        key = self.keys()
        made = concrete(facts, before, key=key, payload=payload, compressed=run_of(event, self.state, self.sent))
        if made.frame is None:
            raise CannotBuildError("the endpoint cannot be made to send a frame of this length")
        prompted = answering or (facts.opcode == CLOSE and (self.state.got_close or self.state.failed))
        self.on_its_own = self.on_its_own or not prompted
        if facts.key_foreseen:  # the third frame with the same key shows it
            self.steps += [EndpointSends(Frame(PONG, key=key), False)] * 2
        self.steps.append(EndpointSends(made.frame, prompted))
        if facts.opcode == CLOSE:
            self.closes.append(SeenClose(None if facts.code == NO_CODE else facts.code))
        return made.frame

    def take(self, frame: Frame, before: State) -> None:
        """Collect what an accepted frame makes an echoing endpoint send."""
        if frame.opcode == PING:
            self.latest_ping = frame.payload
            self.answers.append(SeenPong(frame.payload))
        elif frame.opcode in (TEXT, BINARY, CONTINUATION):
            self.payload += self.received.given if is_deflated(frame, before, EventKind.RECEIVE) else frame.payload
            if frame.fin:
                binary = (before.recv_type or frame.opcode) == BINARY
                self.answers.append(SeenMessage(self.payload, binary))
                self.payload = b""


def from_opening(history: CaseHistory) -> CaseHistory:
    """The history from the opening handshake on, where that agrees on permessage-deflate: octets have to do so."""
    if not history.start.recv_window:
        return history
    answer = answer_that_agrees(history.start, history.setting.role)
    machine, state = machine_for(RULES, history.setting), CONNECTING
    path: list[tuple[Event, Label]] = []
    heads: tuple[RequestFacts | ResponseFacts, ...] = offering(RequestFacts(), answer), answer
    for kind, head in zip(_OPENING[history.setting.role], heads, strict=True):
        event = Event.of(kind, head)
        label, state = next(iter(machine.labels(state, event).items()))
        path.append((event, label))
    if state != history.start:
        raise CannotBuildError("no opening handshake leads there")
    return replace(history, path=(*path, *history.path), start=CONNECTING)
