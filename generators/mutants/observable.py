"""Expectations along a history: the yardstick by which cases tell rule sets apart.

Theory of operation. At each step of a history the specification gives the visible outcomes: the labels of the outcomes,
each with the *level* at which it is allowed (in full; without SHOULD; by the MUSTs alone: verdicts depend on it), what
the application is told when the connection closes (the close code of section 7.1.5), and, for silence, which output is
owed. A history *kills* a mutant if the mutant expects something else at some step.

A mutant is the compiled machine with one row replaced (``model.machine.one_row_replaced``): it shares all else
with the original, and asks only that row anew.

An observer sees the answer of a refused handshake, and any error code will do for that (:func:`as_seen`).

A mutant may have got the opening handshake wrong, and then reads the same octets as something else: a frame as a head
of HTTP, or the other way round (:func:`seen_from`). An endpoint that reads nothing at the time (a server that has yet
to answer) leaves them unread, which looks like ignoring them; a unit that cannot be sent in a state is forbidden there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import count
from typing import Final, NamedTuple, TypeAlias

from wsoracle.model.facts.deflate_payloads import CompressedRun, is_deflated, run_of
from wsoracle.model.facts.frames import LONGEST, deflated, text_before
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.generated_code import Masks
from wsoracle.model.machine.guard_atoms import conjuncts
from wsoracle.model.machine.interpreted import Kind, Label
from wsoracle.model.machine.one_row_replaced import OneRowReplaced
from wsoracle.model.notation.expression import FALSE, Expr, all_of, evaluate, variables
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, value_of
from wsoracle.model.notation.rule import Due, Forbid, Rule, RuleSet
from wsoracle.model.notation.variables import (
    FACT_VARIABLES,
    Event,
    EventKind,
    FrameFacts,
    Setting,
    State,
    possible,
)
from wsoracle.model.octets import utf8
from wsoracle.model.octets.deflate_encoder import SHORTEST_MATCH
from wsoracle.model.octets.vocabulary import CLOSE

from .operators import Mutant

OriginalOrMutant: TypeAlias = "CompiledMachine | OneRowReplaced"
"""The original, or a mutant of it."""


class HistoryStep(NamedTuple):
    """One event of a history and the outcome that is chosen; no label for the last one, which is judged alone.

    The facts of the event are those in the original's state. ``before`` is where the UTF-8 automaton stood there (None:
    the frame carried no text), and ``payload`` the octets, where they are known: both serve to see the frame with the
    eyes of a mutant, which may have got the text before it wrong. ``deflated``: it belonged to a compressed message.
    """

    event: Event
    label: Label | None = None
    before: int | None = None
    payload: bytes | None = None
    deflated: bool = False


EventHistory: TypeAlias = tuple[HistoryStep, ...]


class SeenOutcome(NamedTuple):
    """An outcome as far as it can be told: label, level, and the close code that the application is told at the end."""

    label: Label
    level: int
    told: int | None = None


class Expectation(NamedTuple):
    """All that is allowed at one step, and what is owed where the step is silence."""

    outcomes: tuple[SeenOutcome, ...]
    owed: tuple[Due, ...] = ()

    def allows(self, label: Label | None) -> bool:
        """Whether an outcome that looks like this label is among them."""
        return label is not None and any(seen.label == as_seen(label) for seen in self.outcomes)


LOWEST_ERROR: Final = 400
"""The lowest status code of HTTP that says that a request failed."""

_REFUSED: Final = Label(Kind.REFUSE)


def as_seen(label: Label) -> Label:
    """A label as far as it shows from outside: all error codes of HTTP count as the same."""
    is_error = label.kind is Kind.REFUSE and (label.code or 0) >= LOWEST_ERROR
    return _REFUSED if is_error else label


def alike(after: Mapping[Label, State], label: Label, then: State | None) -> State | None:
    """The state after the outcome that looks like a label to the observer; None where nothing does.

    Where several do, that with the very label, then one that leads to ``then``, counts first.
    """
    if label in after:
        return after[label]
    found = [state for other, state in after.items() if as_seen(other) == as_seen(label)]
    return then if then in found else next(iter(found), None)


def observe(
    machine: OriginalOrMutant, state: State, event: Event, masks: Masks | None = None
) -> tuple[Expectation, dict[Label, State]]:
    """The visible outcomes of an event in a state, and the state after each."""
    kind, frame, head = event
    facts = frame if head is None else head
    if masks is None:
        masks = machine.masks(kind, state, facts)
    seen, after = [], {}
    for choice in machine.departing(kind, masks):
        label = choice.label
        then = after[label] = choice.effect(state, facts)
        told = then.close_code if state.peer_open and not then.peer_open else None
        seen.append(SeenOutcome(_REFUSED if _is_refusal(label) else label, choice.level, told))
    if len(seen) > 1:
        seen = _told_apart(seen)
    owed = _owed(machine.rows(kind, masks[0])) if kind is EventKind.SILENCE else ()
    return Expectation(tuple(seen), owed), after


def _owed(refusing: Sequence[Rule]) -> tuple[Due, ...]:
    """The outputs that the rows that forbid silence ask for."""
    dues = {row.then.due for row in refusing if isinstance(row.then, Forbid)}
    return tuple(sorted(due for due in dues if due is not None))


class OnceEach:
    """Expectations and states, each once: there are many that are equal."""

    def __init__(self) -> None:
        self._expected: Final[dict[Expectation, Expectation]] = {}
        self._states: Final[dict[State, State]] = {}

    def once(self, expected: Expectation, after: dict[Label, State]) -> tuple[Expectation, dict[Label, State]]:
        """The same outcomes, made of what is kept."""
        states = self._states
        return self._expected.setdefault(expected, expected), {
            label: states.setdefault(then, then) for label, then in after.items()
        }


class Outlook:
    """What a machine expects in one state.

    All events at which the same rows are enabled have the same outcomes, unless an effect of one of these reads what
    the event carries.
    """

    def __init__(self, machine: OriginalOrMutant, state: State, kept: OnceEach | None = None) -> None:
        self.machine: Final = machine
        self.state: Final = state
        self._kept: Final = kept
        self._alike: Final[dict[tuple[str, Masks], tuple[Expectation, dict[Label, State]]]] = {}

    def of(self, event: Event, masks: Masks) -> tuple[Expectation, dict[Label, State]]:
        """What :func:`observe` gives for an event, at which these rows are enabled; not to be changed."""
        key = event.kind.value, masks
        found = self._alike.get(key)
        if found is None:
            found = observe(self.machine, self.state, event, masks)
            if self._kept is not None:
                found = self._kept.once(*found)
            if not self.machine.reads_event(event.kind, masks):
                self._alike[key] = found
        return found


def witnessed(here: Outlook, step: HistoryStep) -> tuple[Expectation, dict[Label, State]]:
    """The visible outcomes here of a step of another endpoint's history: its octets may mean something else."""
    event = seen_from(step, here.state, here.machine.setting)
    if event is not None:
        return here.of(event, here.machine.masks(event.kind, here.state, event.facts))
    if step.event.kind.is_input:
        return _UNREAD, dict.fromkeys([] if step.label is None else [step.label, _IGNORED], here.state)
    return Expectation(()), {}


# --- histories --------------------------------------------------------------------------------------------------------


def expectation(
    rules: RuleSet, setting: Setting, history: EventHistory, start: State | None = None
) -> tuple[Expectation, ...]:
    """The expectation of a rule set at each step of a history; it ends at a step whose outcome is not allowed.

    ``start`` is the state after the opening handshake, where it is not the default (extensions that claim a reserved
    bit). Two rule sets are told apart by a history exactly where these differ.
    """
    return expected(CompiledMachine(rules, setting), history, start)


def expected(machine: OriginalOrMutant, history: EventHistory, start: State | None = None) -> tuple[Expectation, ...]:
    """The expectation of a machine at each step of a history, as :func:`expectation` gives it."""
    return tuple(step.expected for step in trace(machine, history, start))


class TracedStep(NamedTuple):
    """A step of a history where it happens: the state, the enabled rows, what is expected there, and the state after
    the chosen outcome (None: there is no such outcome)."""

    step: HistoryStep
    state: State
    masks: Masks
    expected: Expectation
    after: State | None


def trace(machine: OriginalOrMutant, history: EventHistory, start: State | None = None) -> tuple[TracedStep, ...]:
    """A history followed step by step; it ends after the last, or at a step where nothing allowed looks like the chosen
    outcome."""
    state: State | None = State() if start is None else start
    found: list[TracedStep] = []
    for step in history:
        if state is None:
            break
        event = seen_from(step, state, machine.setting)
        if event is None:
            break
        masks = machine.masks(event.kind, state, event.facts)
        seen, after = observe(machine, state, event, masks)
        then = None if step.label is None else alike(after, step.label, None)
        found.append(TracedStep(step, state, masks, seen, then))
        state = then
    return tuple(found)


def mutated(original: CompiledMachine, mutant: Mutant) -> OneRowReplaced:
    """The machine of a mutant: that of the original with one row replaced; one whose guard never holds is missing."""
    return OneRowReplaced(original, mutant.row or _missing(original.rules.by_id[mutant.rule]))


def _missing(rule: Rule) -> Rule:
    return replace(rule, when=FALSE)


def differs_on(machine: OneRowReplaced, traced: Sequence[TracedStep]) -> bool:
    """Whether a mutant expects something else than the original, along a history that was traced in the original."""
    state: State | None = traced[0].state if traced else None
    for step, original, masks, seen_there, then in traced:
        if state is None:
            return True
        event = step.event
        if state == original:
            concerned = event.kind is machine.kind
            here = machine.changed(masks, state, event.facts) if concerned else masks
            if here == masks and (not concerned or machine.reacts_alike(masks)):
                state = then
                continue
            seen, after = observe(machine, state, event, here)
        else:
            seen, after = witnessed(Outlook(machine, state), step)
        if seen != seen_there:
            return True
        state = None if step.label is None else alike(after, step.label, then)
    return False


def step_at(state: State, event: Event, label: Label | None = None, payload: bytes | None = None) -> HistoryStep:
    """The step of an event in a state of the original."""
    if event.frame is None:
        return HistoryStep(event, label, None, payload)
    before = text_before(event.frame.opcode, state, event.kind)
    return HistoryStep(event, label, before, payload, is_deflated(event.frame, state, event.kind))


@lru_cache(maxsize=len(EventKind))
def opportunity(kind: EventKind) -> Expr:
    """The condition on a state under which an event of a kind is possible, whatever the event carries."""
    of_state = (term for term in conjuncts(possible(kind)) if not set(variables(term)) & set(FACT_VARIABLES[kind]))
    return all_of(list(of_state))


def can_happen(kind: EventKind, state: State, setting: Setting) -> bool:
    """Whether an event of a kind is possible at all in a state."""
    key = kind.value, setting.role.value, state.handshake, state.tcp_open, state.peer_open
    found = _CAN_HAPPEN.get(key)
    if found is None:
        here = {**setting.values, **state._asdict()}
        found = _CAN_HAPPEN[key] = bool(evaluate(opportunity(kind), here))
    return found


_CAN_HAPPEN: Final[dict[tuple[str, str, int, bool, bool], bool]] = {}
"""By all that the condition is about."""
_READING: Final = (EventKind.RECEIVE, EventKind.RECEIVE_REQUEST, EventKind.RECEIVE_RESPONSE)
_NO_HEAD: Final = {
    kind: Event.of(kind, facts(syntax=value_of("syntax", "malformed")))
    for kind, facts in ((EventKind.RECEIVE_REQUEST, RequestFacts), (EventKind.RECEIVE_RESPONSE, ResponseFacts))
}
"""A frame as an endpoint sees it that reads it as a head of HTTP."""

_HEAD_AS_FRAME: Final = {
    EventKind.RECEIVE_REQUEST: Event(EventKind.RECEIVE, FrameFacts(7, fin=False, rsv1=True, length=69)),
    EventKind.RECEIVE_RESPONSE: Event(
        EventKind.RECEIVE, FrameFacts(CLOSE, fin=False, rsv1=True, length=84, code=0x5450)
    ),
}
"""*GE* of *GET*, and *HTTP*, as an endpoint sees them that reads them as the header of a frame."""

_IGNORED: Final = Label(Kind.IGNORE)
_UNREAD: Final = Expectation((SeenOutcome(_IGNORED, 0),))


def seen_from(step: HistoryStep, state: State, setting: Setting) -> Event | None:
    """The event of a step in another state, where the same octets can mean something else.

    They can be text there that was none, or broken text; and a head of HTTP where frames are read, or a frame where a
    head is. None: nothing is read there at the time, or nothing like it can be sent.
    """
    event = step.event
    if not can_happen(event.kind, state, setting):
        reading = next((kind for kind in _READING if can_happen(kind, state, setting)), None)
        if reading is None or event.kind not in _READING:
            return None
        return _HEAD_AS_FRAME[event.kind] if reading.has_frame else _NO_HEAD[reading]
    if event.frame is None:
        return event
    before, compressed = text_before(event.frame.opcode, state, event.kind), is_deflated(event.frame, state, event.kind)
    if (before, compressed) == (step.before, step.deflated) or event.frame.length > LONGEST:
        return event
    if compressed != step.deflated:
        return event._replace(frame=_otherwise(step, event.frame, before, state))
    return event._replace(frame=event.frame._replace(utf8_next=_text_after(step, event.frame, before)))


def _otherwise(step: HistoryStep, frame: FrameFacts, before: int | None, state: State) -> FrameFacts:
    """The facts of a frame to an endpoint that reads a compressed message as a plain one, or the other way round.

    Of a message in fragments it reads each as if it were the first.
    """
    run = run_of(step.event, state)
    if run is None:
        octets = _octets_near(frame, step.before)
        plain = frame._replace(inflated=0, distance=0, reach=0, damage=0)
        return plain._replace(utf8_next=utf8.ACCEPT if before is None else utf8.run(octets, before))
    inflated = run.take(_octets(step, frame), fin=frame.fin)
    text = utf8.ACCEPT if before is None else utf8.run(inflated, before)
    return deflated(frame, run.measured)._replace(utf8_next=text)


@lru_cache(maxsize=4096)
def has_octets(frame: FrameFacts, before: int | None) -> bool:
    """Whether a compressed frame with these facts can be written, as the first of its message."""
    try:
        _compressed_octets(frame, before)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def _compressed_octets(frame: FrameFacts, before: int | None) -> bytes:
    # Too few octets come out of a match that reaches over all history: there is one octet less than it needs.
    too_far = 0 < frame.reach and frame.inflated < SHORTEST_MATCH
    return CompressedRun(frame.reach - too_far).write(frame, before)[0]


def _octets_near(frame: FrameFacts, before: int | None) -> bytes:
    """The octets of a compressed frame with these facts, or with those nearest to them that octets have."""
    if has_octets(frame, before):
        return _compressed_octets(frame, before)
    run = CompressedRun(frame.reach)
    return run.write(run.nearest(frame, before), before)[0]


def _text_after(step: HistoryStep, frame: FrameFacts, before: int | None) -> int:
    if before is None:
        return utf8.ACCEPT
    return utf8.run(_octets(step, frame), before)


def _octets(step: HistoryStep, frame: FrameFacts) -> bytes:
    """What stands for the payload of a frame, or what a compressed one inflates to."""
    if step.payload is not None:
        return step.payload
    start = utf8.ACCEPT if step.before is None else step.before
    if not step.deflated:
        return representative(start, frame.utf8_next, frame.length)
    # What a compressed frame inflates to may be said to be less than its text needs: no rule tells the difference.
    enough = (n for n in count(frame.inflated) if frame.utf8_next in utf8.reachable_after(start, n))
    return representative(start, frame.utf8_next, next(enough))


@lru_cache(maxsize=4096)
def representative(before: int, after: int, length: int) -> bytes:
    """The octets that stand for a payload of which only this is known (those that ``abstraction.concrete`` writes)."""
    return utf8.shortest_octets(before, after, length)


def _is_refusal(label: Label) -> bool:
    return label.kind is Kind.REFUSE and as_seen(label) is _REFUSED


def _told_apart(seen: Sequence[SeenOutcome]) -> list[SeenOutcome]:
    """Each outcome that can be told from the others once, at the strictest level that allows it, in a fixed order."""
    found: dict[tuple[Label, int | None], SeenOutcome] = {}
    for one in seen:
        known = found.get((one.label, one.told))
        if known is None or one.level < known.level:
            found[one.label, one.told] = one
    return sorted(found.values(), key=_seen_order)


def _seen_order(seen: SeenOutcome) -> tuple[str, int, str]:
    return seen.label.kind.value, seen.label.code or 0, seen.label.delivers or ""
