"""Runs played: a client and a server, both the model itself, with a stream in each direction.

A run is a list of steps; heads, frames and the end of TCP are sent alike. Heads go over as octets, made from facts, and
are read back at the other end. Each step is judged with :func:`~wsoracle.model.machine.interpreted.allowed`, so that
nothing that is shown of a run can say what the rules do not. An endpoint that sends what it may not goes on as if that
had been allowed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from wsoracle.model.facts.frames import concrete
from wsoracle.model.facts.heads import facts_of_request, facts_of_response, request_octets, response_octets
from wsoracle.model.machine.interpreted import (
    Kind,
    Label,
    Outcome,
    after,
    allowed,
    canonical,
    forbidden_by,
    label_of,
    owed,
)
from wsoracle.model.machine.words import DUES, stage_words
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.rule import RuleSet, Strength
from wsoracle.model.notation.variables import CONNECTING, Event, EventKind, Facts, FrameFacts, Setting, State
from wsoracle.model.octets.http import HeadParser, Malformed, ParsedHead, Request
from wsoracle.model.octets.vocabulary import CONTINUATION, DEFAULT_LIMIT, TEXT, Role
from wsoracle.model.rules import RULES
from wsoracle.model.rules.closing import handshake_done


class Does(Enum):
    """The action of an endpoint in a step, or the event at it. TAKE: the next unit that the peer sent arrives."""

    SEND = "sends"
    TAKE = "takes"
    CLOSE_TCP = "closes TCP"


@dataclass(frozen=True)
class RunStep:
    """One step of a run. ``sent`` is the head or the frame that is sent, ``words`` name it."""

    who: Role
    does: Does
    sent: Facts | None = None
    words: str = ""


@dataclass(frozen=True)
class Break:
    """The connection is lost: what is under way never arrives, and each side finds the end of its stream."""


@dataclass(frozen=True)
class PlayedStep:
    """A step as it happened, ready to be shown. ``takes`` is the number of the step that sent what this one takes.

    ``octets`` are those that this step sends: a head, or a frame with the facts of the run.
    """

    number: int
    who: Role
    event: str
    outcome: str
    rules: tuple[str, ...]
    after: str
    arrow: bool
    takes: int | None = None
    octets: bytes = b""


class _Coming(NamedTuple):
    """A unit under way to an endpoint: the octets of a head, the facts of a frame, or (None) the end of TCP."""

    number: int
    sent: bytes | FrameFacts | None
    words: str


@dataclass
class _PlayedSide:
    setting: Setting
    state: State
    coming: deque[_Coming] = field(default_factory=deque)


ANYWAY: Final = "anyway-"
"""What a choice begins with that the rules do not allow, or need not."""
_END: Final = "the end of the TCP stream"
_HELLO: Final = b"Hello"
_UNREFUSED: Final = RuleSet(rule for rule in RULES if not rule.refuses)


def play(steps: Sequence[RunStep | Break], start: State = CONNECTING) -> list[PlayedStep]:
    """The run of the steps, both endpoints in the state ``start`` before it.

    Raises :class:`ValueError` for a step that the model never allows to happen at all.
    """
    sides = {role: _PlayedSide(Setting(role, limit=DEFAULT_LIMIT), start) for role in Role}
    told: list[PlayedStep] = []
    request: Request | None = None
    for step in steps:
        number = len(told) + 1
        if isinstance(step, Break):
            for side in sides.values():
                side.coming = deque([_Coming(0, None, _END)])
            continue
        side, peer = sides[step.who], sides[step.who.peer]
        takes, octets = None, b""
        if step.does is Does.TAKE:
            takes, taken, said = side.coming.popleft()
            event = _taken(step.who, taken, request)
            words = f"{'finds' if taken is None else 'receives'} {said}"
        elif step.does is Does.CLOSE_TCP:
            event, words = Event(EventKind.CLOSE_TCP), step.does.value
            peer.coming.append(_Coming(number, None, _END))
        else:
            event, passed = _sent(step.sent, request)
            request = _request(passed) or request
            octets = passed if isinstance(passed, bytes) else _frame_octets(passed)
            words = f"sends {step.words}"
            peer.coming.append(_Coming(number, passed, step.words))
        side.state, outcome, rules = _judged(step, number, side, event)
        stands = after_words(side.state, side.setting)
        arrow = step.does is not Does.TAKE
        told.append(PlayedStep(number, step.who, words, outcome, rules, stands, arrow, takes, octets))
    return told


def _judged(step: RunStep, number: int, side: _PlayedSide, event: Event) -> tuple[State, str, tuple[str, ...]]:
    """The state after an event, the outcome in words, and the rules behind it."""
    happened = decide(side.setting, side.state, event)
    if happened.outcome is None and step.does is not Does.SEND:
        raise ValueError(f"the model does not allow step {number}: {step}")
    return happened.state, happened.words, happened.rules


class Happened(NamedTuple):
    """What came of an event: the state after it, in words, the rules behind it, and the outcome (None: forbidden)."""

    state: State
    words: str
    rules: tuple[str, ...]
    outcome: Outcome | None

    @property
    def against(self) -> tuple[str, ...]:
        """The rules that are not followed in full."""
        return self.rules if self.outcome is None else self.outcome.departs_from


@lru_cache(maxsize=1 << 12)
def decide(setting: Setting, state: State, event: Event, choice: str | None = None, rules: RuleSet = RULES) -> Happened:
    """What an endpoint does with an event: as it is usual, or by choice (``choice_of``); or the event all the same.

    An endpoint that breaks a rule goes on as if the event had been allowed: the other side has to cope with it. So it
    does with what arrives, where the choice begins with :data:`ANYWAY`. Raises :class:`KeyError` for a choice that it
    has not.
    """
    outcomes = allowed(state, event, setting, rules, departures=True)
    if choice is not None and choice.startswith(ANYWAY):
        return _against(setting, state, event, choice.removeprefix(ANYWAY))
    if choice is not None:
        chosen = {choice_of(one.label): one for one in reversed(outcomes)}[choice]
    elif outcomes:
        chosen = _chosen(outcomes)
    else:
        broken = tuple(rule.id for rule in forbidden_by(state, event, setting, rules))
        instead = allowed(state, event, setting, _UNREFUSED)
        return Happened(canonical(instead).state if instead else state, "forbidden, sent anyway", broken, None)
    departs = "; departs from the last rule" if chosen.departs_from else ""
    return Happened(chosen.state, f"{chosen.label}{departs}", (*chosen.rules, *chosen.departs_from), chosen)


def _against(setting: Setting, state: State, event: Event, choice: str) -> Happened:
    """The endpoint takes what arrives as it likes. Behind that stand the rules that refuse it or, where none does,
    those that say how it is taken."""
    refusing = tuple(rule.id for rule in forbidden_by(state, event, setting))
    asked = tuple(rule for one in allowed(state, event, setting) for rule in one.rules)
    labels = ((label_of(rule), rule) for rule in reversed(RULES.of(event.kind)))
    rows = {choice_of(label): rule for label, rule in labels if label is not None}
    then = after(rows[choice], setting, state, event)
    if choice == Kind.ACCEPT.value:
        taken = (one.state for one in allowed(state, event, setting, _UNREFUSED) if one.label.kind is Kind.ACCEPT)
        then = next(taken, state)
    return Happened(then, "against the rules", refusing or asked, None)


def choice_of(label: Label) -> str:
    """An outcome as histories write it, such as ``accept`` or ``fail-1002``."""
    return label.kind.value if label.code is None else f"{label.kind.value}-{label.code}"


def _chosen(outcomes: tuple[Outcome, ...]) -> Outcome:
    """The strictest, but what the application alone has a reason for (a refusal by a MAY) is not done."""
    bound = tuple(o for o in outcomes if o.label.kind is not Kind.REFUSE or o.strength is not Strength.MAY)
    return canonical(bound)


def _sent(sent: Facts | None, request: Request | None) -> tuple[Event, bytes | FrameFacts]:
    """The event of sending, and what goes over."""
    if isinstance(sent, RequestFacts):
        octets = request_octets(sent)
        return Event.of(EventKind.SEND_REQUEST, facts_of_request(_read(Role.SERVER, octets))), octets
    if isinstance(sent, ResponseFacts):
        octets = response_octets(sent, request or Request("1.1", ()))
        return Event.of(EventKind.SEND_RESPONSE, facts_of_response(_read(Role.CLIENT, octets), request)), octets
    assert sent is not None
    return Event.of(EventKind.SEND, sent), sent


def _frame_octets(frame: FrameFacts) -> bytes:
    """The octets of a frame of a run; text is that of the RFC's examples, as far as it goes."""
    words = {TEXT: _HELLO[: frame.length], CONTINUATION: _HELLO[-frame.length :]}.get(frame.opcode)
    return concrete(frame, payload=words if frame.length <= len(_HELLO) else None).octets


def _taken(who: Role, taken: bytes | FrameFacts | None, request: Request | None) -> Event:
    if taken is None:
        return Event(EventKind.RECEIVE_EOF)
    if isinstance(taken, FrameFacts):
        return Event.of(EventKind.RECEIVE, taken._replace(answers=False))
    if who is Role.SERVER:
        return Event.of(EventKind.RECEIVE_REQUEST, facts_of_request(_read(who, taken)))
    return Event.of(EventKind.RECEIVE_RESPONSE, facts_of_response(_read(who, taken), request))


def _read(role: Role, octets: bytes) -> ParsedHead | Malformed:
    reader = HeadParser(role)
    reader.feed(octets)
    assert reader.result is not None
    return reader.result


def _request(passed: bytes | FrameFacts) -> Request | None:
    """The request that octets are, if they are one; a response begins in another way."""
    if isinstance(passed, FrameFacts) or passed.startswith(b"HTTP/"):
        return None
    read = _read(Role.SERVER, passed)
    return read.head if isinstance(read, ParsedHead) and isinstance(read.head, Request) else None


def after_words(state: State, setting: Setting) -> str:
    """The state of an endpoint after a step, and the answers that it owes."""
    parts = [stage_words(state)]
    dues = list(dict.fromkeys(DUES[due] for due, _ in owed(state, setting)))
    if dues:
        parts.append(f"owes {' and '.join(dues)}")
    if not state.tcp_open:
        clean = evaluate(handshake_done, state._asdict())
        parts.append(f"{'cleanly' if clean else 'not cleanly'}, close code {state.close_code}")
    return "; ".join(parts)
