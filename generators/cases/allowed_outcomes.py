"""Everything that a peer may see where the rules allow an outcome: the answers owed there, and each order of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from wsoracle.model.machine.interpreted import Kind, Outcome, strongest
from wsoracle.model.notation.rule import Due
from wsoracle.model.notation.variables import HANDSHAKE, Event, EventKind, FrameFacts, State
from wsoracle.model.octets.vocabulary import CLOSE, Frame, Role
from wsoracle.model.rules import RULES

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
from .realised_history import RealisedHistory

FAILURE_WITHOUT_CLOSE = "7.1.7/close-frame-before-tcp"
FAILURE_WITH_OTHER_CODE = "7.1.7/appropriate-code"


def allowed_outcomes(run: RealisedHistory, state: State, frame: Frame | None) -> Iterator[AllowedOutcome]:
    """The outcomes that the rules allow at the last event of a history, each with what is seen of it."""
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


Tail = tuple[tuple[Departure, ...], tuple[SeenEvent, ...]]
ShownRun = tuple[tuple[Departure, ...], tuple[SeenEvent, ...] | None]


def _shown(run: RealisedHistory, state: State, frame: Frame | None, outcome: Outcome) -> list[ShownRun]:
    """Everything that may be seen where this is the outcome, each with the SHOULD rules that it departs from."""
    after = RealisedHistory(run.history, run.machine, outcome.state, [], list(run.answers), list(run.closes))
    after.payload, after.received = run.payload, run.received
    if outcome.label.kind is Kind.ACCEPT and frame is not None and run.history.event.kind is EventKind.RECEIVE:
        after.take(frame, state)
    shown: list[ShownRun] = []
    for departs, tail in _tails(run, outcome.state):
        ends = bool(tail) or bool(run.closes)
        for answers in _orders(after.answers, ends=ends):
            shown.append((departs, (*run.heads, *answers, *run.closes, *tail)))
    return list(dict.fromkeys(shown))


def _tails(run: RealisedHistory, state: State) -> Iterator[Tail]:
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


def _tails_of_opening(run: RealisedHistory, state: State) -> Iterator[Tail]:
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
