"""From a history of the model to a case: concrete octets, every allowed outcome, its visible events, and the control.

Theory of operation. The steps of a history are realised as octets and followed in the machine, which collects the
answers of the endpoint under test on the way (a Pong for each Ping, an echo for each message). At the last step each
outcome that the rules allow leads to a state, and the answers owed there (a Close, the end of TCP) complete the visible
events. Where order is free, each order is an outcome of its own: Pongs among echoes; only the latest Pong; and an end
that overtakes answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import combinations

from wsoracle.model.facts.deflate_offers import answer_that_agrees
from wsoracle.model.facts.deflate_payloads import CompressedRun, is_deflated, run_of
from wsoracle.model.facts.frames import DEFAULT_KEY, concrete, realise, text_before
from wsoracle.model.facts.heads import request_octets, response_octets, sample_request
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.interpreted import Kind, Label, Outcome, strongest
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, value_of
from wsoracle.model.notation.rule import Due
from wsoracle.model.notation.variables import (
    CONNECTING,
    HANDSHAKE,
    NO_CODE,
    Event,
    EventKind,
    FrameFacts,
    Setting,
    State,
)
from wsoracle.model.octets import utf8
from wsoracle.model.octets.frames import minimal_form
from wsoracle.model.octets.http import Request
from wsoracle.model.octets.masking_keys import CountedKeys
from wsoracle.model.octets.vocabulary import (
    BINARY,
    CLOSE,
    CONTINUATION,
    KNOWN_OPCODES,
    OPCODE_NAMES,
    PING,
    PONG,
    TEXT,
    Frame,
    Role,
)
from wsoracle.model.rules import RULES

from .case import Case
from .derived import checked, judge_only, negative
from .origin import Origin
from .outcome import (
    ANY_CODE,
    ERROR,
    NOT_101,
    AllowedOutcome,
    Departure,
    ReactionKind,
    SeenClose,
    SeenEvent,
    SeenMessage,
    SeenPong,
    SeenRequest,
    SeenResponse,
    SeenTcpClosed,
)
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

FAILURE_WITHOUT_CLOSE = "7.1.7/close-frame-before-tcp"
FAILURE_WITH_OTHER_CODE = "7.1.7/appropriate-code"


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
class _Run:
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
                head = _offering(head, answer)
                octets = request_octets(head, answer=answer)
                self.request = sample_request(head, answer=answer) if head.syntax in LEGIBLE else None
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
            prompted = head.status == 101 if stage == "awaiting 101" else stage in REFUSABLE and head.status >= 400
            self.heads.append(SeenResponse(head.status))
        self.on_its_own = self.on_its_own or not prompted
        self.steps.append(EndpointSendsHead(octets, head, prompted))

    def _answer(self) -> ResponseFacts | None:
        """The last answer of the history, which takes up what a request offers."""
        heads = [e.head for e, _ in self.history.path] + [self.history.event.head]
        return next((head for head in reversed(heads) if isinstance(head, ResponseFacts)), None)

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


def _offering(request: RequestFacts, answer: ResponseFacts | None) -> RequestFacts:
    """The request with the offers that a later answer takes up, or leaves."""
    if answer is None:
        return request
    if answer.subprotocol in _OF_OFFERED and not request.protocols:
        request = request._replace(protocols=value_of("protocols", "distinct tokens"))
    if answer.extensions in _TAKEN_UP and not request.offers:
        request = request._replace(offers=value_of("offers", "a list of extensions"))
    if answer.deflate and not request.deflate_offers and request.offers == value_of("offers", "a list of extensions"):
        kind = "all sound" if answer.sound_offer else "some unsound"
        request = request._replace(deflate_offers=value_of("deflate_offers", kind))
    return request


def _opened(history: CaseHistory) -> CaseHistory:
    """The history from the opening handshake on, where that agrees on permessage-deflate: octets have to do so."""
    if not history.start.recv_window:
        return history
    answer = answer_that_agrees(history.start, history.setting.role)
    machine, state = _machine(history.setting), CONNECTING
    path: list[tuple[Event, Label]] = []
    heads: tuple[RequestFacts | ResponseFacts, ...] = _offering(RequestFacts(), answer), answer
    for kind, head in zip(_OPENING[history.setting.role], heads, strict=True):
        event = Event.of(kind, head)
        label, state = next(iter(machine.labels(state, event).items()))
        path.append((event, label))
    if state != history.start:
        raise CannotBuildError("no opening handshake leads there")
    return replace(history, path=(*path, *history.path), start=CONNECTING)


_OPENING = {
    Role.SERVER: (EventKind.RECEIVE_REQUEST, EventKind.SEND_RESPONSE),
    Role.CLIENT: (EventKind.SEND_REQUEST, EventKind.RECEIVE_RESPONSE),
}
_OF_OFFERED = tuple(value_of("subprotocol", label) for label in ("offered", "none chosen"))
_TAKEN_UP = tuple(value_of("extensions", label) for label in ("offered", "with unknown parameters"))
LEGIBLE = tuple(value_of("syntax", label) for label in ("well-formed", "tolerated"))
REFUSABLE = ("to be refused", "another version", "unreadable", "not for us")
"""The stages in which a server answers with something else than 101."""


@lru_cache(maxsize=256)
def _machine(setting: Setting) -> CompiledMachine:
    return CompiledMachine(RULES, setting)


def build_case(case_id: str, origin: Origin, title: str, history: CaseHistory, description: str = "") -> list[Case]:
    """The case of a history and, where it is negative, its control before it.

    Raises :class:`CannotBuildError` for a history that no octets can bring about.
    """
    history = _opened(history)
    run = _Run(history, _machine(history.setting), history.start)
    for event, label in history.path:
        run.follow(event, label)
    state = run.state
    run.history = history = replace(history, event=run.realisable(history.event))
    frame = run.perform(history.event)
    allowed = tuple(_outcomes(run, state, frame))
    claims = tuple(name for name in ("rsv1", "rsv2", "rsv3") if getattr(history.start, f"claims_{name}"))

    case = Case(
        id=case_id,
        title=title,
        steps=tuple(run.steps),
        roles=frozenset((history.setting.role,)),
        opening=history.start.handshake != HANDSHAKE.index("complete"),
        origin=origin,
        allowed=allowed,
        description=description,
        limit=history.setting.limit,
        switches=history.setting.switches,
        claims=claims,
    )
    if not negative(case):
        return [checked(case)]
    control = _control(history, run)
    return [control, checked(replace(case, control=control.id))]


# --- outcomes -------------------------------------------------------------------------------------------------------


def _outcomes(run: _Run, state: State, frame: Frame | None) -> Iterator[AllowedOutcome]:
    event = run.history.event
    found = run.machine.allowed(state, event, departures=True)
    if not found:
        rules = run.machine.forbidden_by(state, event)
        worst = strongest(rules)
        yield AllowedOutcome(ReactionKind.FORBID, worst, tuple(r.id for r in rules if r.strength is worst))
        return
    for outcome in found:
        departs = tuple(Departure(name, RULES.by_id[name].strength) for name in outcome.departs_from)
        reaction = ReactionKind(outcome.label.kind.value)
        shown = (
            [((), None)] if reaction is ReactionKind.PERMIT or run.on_its_own else _shown(run, state, frame, outcome)
        )
        for more, seen in shown:
            yield AllowedOutcome(
                reaction,
                outcome.strength,
                outcome.rules,
                seen,
                outcome.label.code,
                outcome.label.delivers,
                (*departs, *more),
            )


Shown = tuple[tuple[Departure, ...], tuple[SeenEvent, ...] | None]


def _shown(run: _Run, state: State, frame: Frame | None, outcome: Outcome) -> list[Shown]:
    """Everything that may be seen where this is the outcome, each with the SHOULD rules that it departs from."""
    after = _Run(run.history, run.machine, outcome.state, [], list(run.answers), list(run.closes))
    after.payload, after.received = run.payload, run.received
    if outcome.label.kind is Kind.ACCEPT and frame is not None and run.history.event.kind is EventKind.RECEIVE:
        after.take(frame, state)
    shown: list[Shown] = []
    for departs, tail in _tails(run, outcome.state):
        ends = bool(tail) or bool(run.closes)
        for answers in _orders(after.answers, ends=ends):
            shown.append((departs, (*run.heads, *answers, *run.closes, *tail)))
    return list(dict.fromkeys(shown))


def _tails(run: _Run, state: State) -> Iterator[tuple[tuple[Departure, ...], tuple[SeenEvent, ...]]]:
    """How the connection ends from a state: what is owed there, and what a SHOULD leaves to choose."""
    machine, role = run.machine, run.history.setting.role
    tail: list[SeenEvent] = []
    answers_close = state.got_close and not state.sent_close  # which the other direction of TCP still carries
    if run.history.event.kind is EventKind.RECEIVE_EOF and not answers_close:
        yield (), (SeenTcpClosed(),)
        return
    if state.handshake != HANDSHAKE.index("complete"):
        yield from _tails_of_opening(run, state)
        return
    here = state
    failing = state.failed and not state.sent_close
    while True:
        due = next((due for due, _ in machine.owed(here) if due in (Due.CLOSE, Due.TCP_CLOSE)), None)
        if due is None:
            break
        if due is Due.CLOSE:
            code = here.fail_code if here.failed else 1000
            tail.append(SeenClose(here.fail_code) if here.failed else SeenClose(ANY_CODE))
            event = Event(EventKind.SEND, FrameFacts(CLOSE, masked=role is Role.CLIENT, length=2, code=code))
        else:
            tail.append(SeenTcpClosed())
            event = Event(EventKind.CLOSE_TCP)
        reached = list(machine.labels(here, event).values())
        if not reached or isinstance(tail[-1], SeenTcpClosed):
            break
        here = reached[0]
    yield (), tuple(tail)
    if failing:
        rest = tuple(seen for seen in tail if isinstance(seen, SeenTcpClosed))
        yield (_departure(FAILURE_WITH_OTHER_CODE),), (SeenClose(ANY_CODE), *rest)
        yield (_departure(FAILURE_WITHOUT_CLOSE),), (SeenTcpClosed(),)


_ANSWERS: dict[str, SeenRequest | SeenResponse] = {
    "awaiting 101": SeenResponse(101),
    "to be refused": SeenResponse(ERROR),
    "unreadable": SeenResponse(ERROR),
    "another version": SeenResponse(ERROR, versions=True),
    "not for us": SeenResponse(NOT_101),
}


def _tails_of_opening(run: _Run, state: State) -> Iterator[tuple[tuple[Departure, ...], tuple[SeenEvent, ...]]]:
    """The events owed before the handshake is complete: the answer, and whether TCP may be closed without it."""
    dues = [due for due, _ in run.machine.owed(state)]
    if Due.RESPONSE in dues:
        yield (), (_ANSWERS[HANDSHAKE[state.handshake]],)
    elif Due.REQUEST in dues:
        yield (), (SeenRequest(),)
    elif not dues:
        yield (), ()
    for outcome in run.machine.allowed(state, Event(EventKind.CLOSE_TCP), departures=True):
        yield tuple(map(_departure, outcome.departs_from)), (SeenTcpClosed(),)


def _departure(rule: str) -> Departure:
    return Departure(rule, RULES.by_id[rule].strength)


def _orders(answers: Sequence[SeenMessage | SeenPong], *, ends: bool) -> Iterator[tuple[SeenEvent, ...]]:
    """The orders in which answers may be seen; where the connection ends, any beginning of one, the whole first."""
    pongs = [a for a in answers if isinstance(a, SeenPong)]
    messages = [a for a in answers if isinstance(a, SeenMessage)]
    wholes: list[tuple[SeenEvent, ...]] = []
    for chosen in dict.fromkeys((tuple(pongs), tuple(pongs[-1:]))):
        size = len(chosen) + len(messages)
        for places in combinations(range(size), len(chosen)):
            left, right = iter(chosen), iter(messages)
            wholes.append(tuple(next(left) if i in places else next(right) for i in range(size)))
    in_order = tuple(answers)
    wholes = list(dict.fromkeys((in_order, *wholes)))
    yield from wholes
    if ends:
        shorter = dict.fromkeys(whole[:n] for whole in wholes for n in range(len(whole)))
        yield from (part for part in shorter if part not in wholes)


# --- controls -------------------------------------------------------------------------------------------------------


def _control(history: CaseHistory, run: _Run) -> Case:
    """The nearest legal twin: the same history with a legal frame of the same kind at its end; else a plain message."""
    role = history.setting.role
    facts = history.event.frame
    candidates = []
    if history.event.kind is EventKind.RECEIVE and facts is not None and not run.on_its_own:
        state = _state_after(history)
        twin = None if state is None else _legal_twin(facts, state, role)
        if twin is not None and not (state is not None and (state.failed or state.got_close)):
            before = history.frames[:-1]
            last = Event(EventKind.RECEIVE, twin)
            candidates.append(CaseHistory(Setting(role), last, history.path, history.start, before))
    plain = FrameFacts(TEXT, masked=role is Role.SERVER, length=5)
    nearest = CaseHistory(Setting(role), Event(EventKind.RECEIVE, plain))
    candidates.append(SOUND[role] if history.start == CONNECTING else nearest)
    for candidate in candidates:
        try:
            cases = build_case(_control_id(candidate), Origin("control"), _control_title(candidate), candidate)
        except (CannotBuildError, ValueError):
            continue
        if len(cases) == 1 and judge_only(cases[0]) is None:
            return cases[0]
    raise CannotBuildError("there is no legal twin to serve as a control")


SOUND = {
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


def _state_after(history: CaseHistory) -> State | None:
    """The state after the path of a history; None where that departs from a rule: what follows it is not legal."""
    state = history.start
    machine = _machine(history.setting)
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


def _control_id(history: CaseHistory) -> str:
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


def _control_title(history: CaseHistory) -> str:
    return "Legal: " + ", then ".join(_word(e) for e in [*(event for event, _ in history.path), history.event])
