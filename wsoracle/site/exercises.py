"""Exercises: "what may the endpoint do now?", for each rule a situation in which it speaks, and the model's answer.

The situations are the witnesses of the rules. What is right, and why, is what the machine says of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from wsoracle.generators.cases.steps import EndpointSends, SendFrame
from wsoracle.generators.suite.witnesses import Witness, WitnessOrReason
from wsoracle.model.endpoint.engine import engine_for
from wsoracle.model.facts.deflate_payloads import run_of
from wsoracle.model.facts.frames import realise, text_before
from wsoracle.model.facts.heads import request_octets, response_octets, sample_request
from wsoracle.model.machine.interpreted import Label, Outcome, label_of
from wsoracle.model.machine.reasons import because
from wsoracle.model.machine.words import choice_words, state_words, step_words
from wsoracle.model.notation.expression import text
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.rule import Level, Rule
from wsoracle.model.notation.variables import Event, EventKind, Setting, State, label
from wsoracle.model.octets.deflate import LARGEST_WINDOW
from wsoracle.model.octets.frames import encode, header_of
from wsoracle.model.octets.inflated_frames import AgreedDirection, InflatedFrames
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from .event_histories import steps_of_witness
from .setting_remarks import setting_remarks


class ExerciseLevel(Enum):
    """The levels, from the easiest on: each with its page."""

    FRAMES = "Frames that arrive, right after the opening handshake"
    HISTORIES = "Frames that arrive later"
    SENDING = "What may be sent"
    CLOSING = "Silence, and the end of TCP"
    REQUESTS = "Requests of the opening handshake"
    RESPONSES = "Responses of the opening handshake"


class Mark(Enum):
    """Whether a choice is right."""

    RIGHT = "allowed"
    ADVISED_AGAINST = "only against advice"
    WRONG = "not allowed"


class Reason(NamedTuple):
    """A rule, and why it applies; empty where that is not to be said."""

    rule: Rule
    why: str


class PossibleAnswer(NamedTuple):
    """Something that the endpoint could do, whether it is right, and the rules that say so."""

    words: str
    grade: Mark
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Exercise:
    """A situation and a question. ``asks`` are the ids of the rules that it was chosen for; each is in one exercise.

    ``inflated`` is what comes out of a frame of a compressed message; None of any other.
    """

    number: int
    level: ExerciseLevel
    role: Role
    start: str
    path: tuple[str, ...]
    state: State
    event: Event
    octets: bytes
    inflated: bytes | None
    text_from: int | None
    remarks: tuple[str, ...]
    choices: tuple[PossibleAnswer, ...]
    against: tuple[Reason, ...]
    asks: tuple[str, ...]


_KINDS: Final = {
    EventKind.SEND: ExerciseLevel.SENDING,
    EventKind.RECEIVE_EOF: ExerciseLevel.CLOSING,
    EventKind.CLOSE_TCP: ExerciseLevel.CLOSING,
    EventKind.SILENCE: ExerciseLevel.CLOSING,
    EventKind.SEND_REQUEST: ExerciseLevel.REQUESTS,
    EventKind.RECEIVE_REQUEST: ExerciseLevel.REQUESTS,
    EventKind.SEND_RESPONSE: ExerciseLevel.RESPONSES,
    EventKind.RECEIVE_RESPONSE: ExerciseLevel.RESPONSES,
}
_WHOLE: Final = ("well-formed", "tolerated")
_DOES: Final = "yes, no rule speaks against it"
_ADVICE: Final = "it should not, and no MUST speaks against it"
_NO: Final = "no, a rule forbids it"
_OF_FRAMES: Final = {
    "answers": "It carries the data of the Ping that was received last.",
    "key_foreseen": "Its masking key could be foreseen from the keys before it.",
    "unprovoked": "Nothing that was received asks for it.",
}


def exercises(found: Mapping[tuple[str, Role], WitnessOrReason]) -> tuple[Exercise, ...]:
    """The exercises of these witnesses, by level and from the shortest history on; each rule is asked for once."""
    chosen: dict[tuple[Setting, State, Event], list[Witness]] = {}
    for place, rule_id in enumerate(dict.fromkeys(rule_id for rule_id, _ in found)):
        witness = _simplest((found[rule_id, role] for role in Role if (rule_id, role) in found), place)
        if witness is not None:
            chosen.setdefault((witness.setting, witness.state, witness.event), []).append(witness)
    order = sorted(chosen.values(), key=lambda every: _difficulty(every[0]))
    return tuple(_exercise(number, every) for number, every in enumerate(order, 1))


def _simplest(every: Iterable[WitnessOrReason], place: int) -> Witness | None:
    """The simplest witness of a rule; where those of both roles are as simple, they take turns."""
    found = [one for one in every if isinstance(one, Witness)]
    turn = tuple(Role)[place % 2]
    return min(found, key=lambda one: (*_simplicity(one), one.role is not turn), default=None)


def _simplicity(witness: Witness) -> tuple[bool, int, int, bool]:
    return witness.level is not Level.FULL, len(witness.changes), len(witness.path), not witness.alone


def _level(witness: Witness) -> ExerciseLevel:
    kind = witness.event.kind
    return _KINDS.get(kind, ExerciseLevel.HISTORIES if witness.path else ExerciseLevel.FRAMES)


def _difficulty(witness: Witness) -> tuple[int, bool, int, int]:
    departs, changes, length, _ = _simplicity(witness)
    return tuple(ExerciseLevel).index(_level(witness)), departs, changes, length


def _exercise(number: int, every: list[Witness]) -> Exercise:
    first = every[0]
    setting, state, event = first.setting, first.state, first.event
    machine = engine_for(RULES, setting, "compiled").machine
    outcomes = machine.allowed(state, event, departures=True)

    def reasons(rules: Iterable[str]) -> tuple[Reason, ...]:
        return tuple(_reason(RULES.by_id[rule], setting, state, event) for rule in rules)

    against = reasons(rule.id for rule in machine.forbidden_by(state, event))
    frame, (octets, inflated) = event.frame, _octets(first)
    return Exercise(
        number,
        _level(first),
        first.role,
        state_words(first.start.state),
        tuple(str(step_words(step.event, step.label)) for step in first.path),
        state,
        event,
        octets,
        inflated,
        None if frame is None else text_before(frame.opcode, state, event.kind),
        tuple(_remarks(first, octets)),
        tuple(_choices(event, outcomes, reasons)),
        against,
        tuple(dict.fromkeys(one.rule.id for one in every)),
    )


def _reason(rule: Rule, setting: Setting, state: State, event: Event) -> Reason:
    why = None if event.facts is None else because(rule, setting, state, event.facts)
    return Reason(rule, "" if why is None else text(why))


def _octets(witness: Witness) -> tuple[bytes, bytes | None]:
    """The octets of the unit that the question is about; none where it is about none, or where they take a history.

    Of a frame of a compressed message also what it inflates to.
    """
    event = witness.event
    if run_of(event, witness.state) is not None:
        return _compressed(witness)
    with suppress(ValueError):
        if event.frame is not None:
            return realise(event, witness.state).octets, None
        if isinstance(event.head, RequestFacts):
            return request_octets(event.head), None
    if isinstance(event.head, ResponseFacts):
        heads = (step.event.head for step in witness.path if isinstance(step.event.head, RequestFacts))
        asked = (head for head in heads if label("syntax", head.syntax) in _WHOLE)
        return _response(event.head, [*asked, RequestFacts(), RequestFacts(protocols=1, offers=1)]), None
    return b"", None


def _compressed(witness: Witness) -> tuple[bytes, bytes | None]:
    """The octets of a frame that belongs to a compressed message, and what comes out of it behind those before it."""
    steps = steps_of_witness(witness)
    frames = [step.frame for step in steps if isinstance(step, SendFrame | EndpointSends)]
    if not frames or not isinstance(steps[-1], SendFrame | EndpointSends) or len(frames) != len(steps):
        return b"", None
    inflated = InflatedFrames(AgreedDirection(LARGEST_WINDOW, takeover=True, measured=True))
    inflated.take_all([FrameUnit(header_of(frame), frame.payload, 0, 0) for frame in frames])
    return encode(frames[-1]), inflated.frames[-1].payload


def _response(facts: ResponseFacts, requests: Iterable[RequestFacts]) -> bytes:
    """A response with these facts to the first of the requests that has one; none where no request has."""
    for request in requests:
        with suppress(ValueError):
            return response_octets(facts, sample_request(request))
    return b""


def _remarks(witness: Witness, octets: bytes) -> Iterator[str]:
    """What the octets do not show: of the setting, and of the unit."""
    yield from setting_remarks(witness.setting, echo_expected=False)
    facts = witness.event.facts
    if facts is not None and not octets:
        usual = facts._field_defaults
        said = (f"{name}: {label(name, value)}" for name, value in facts._asdict().items() if value != usual.get(name))
        yield f"What the rules see of it: {'; '.join(said)}."
    if witness.event.frame is not None:
        yield from (words for name, words in _OF_FRAMES.items() if getattr(witness.event.frame, name))


def _choices(
    event: Event, outcomes: Iterable[Outcome], reasons: Callable[[Iterable[str]], tuple[Reason, ...]]
) -> Iterator[PossibleAnswer]:
    """All that an endpoint could do with an event of this kind; of what it does by itself, whether it may."""
    full = [outcome for outcome in outcomes if not outcome.departs_from]
    departing = [outcome for outcome in outcomes if outcome.departs_from]
    if not event.kind.is_input:
        grade = Mark.RIGHT if full else Mark.ADVISED_AGAINST if departing else Mark.WRONG
        for words, meant in (
            (_DOES, Mark.RIGHT),
            (_ADVICE, Mark.ADVISED_AGAINST),
            (_NO, Mark.WRONG),
        ):
            found = reasons(rule for outcome in (full or departing) for rule in outcome.rules) if meant is grade else ()
            yield PossibleAnswer(words, Mark.RIGHT if meant is grade else Mark.WRONG, found)
        return
    for words in sorted({_words(event.kind, label) for rule in RULES.of(event.kind) if (label := label_of(rule))}):
        allowed = [outcome for outcome in full if _words(event.kind, outcome.label) == words]
        against = [outcome for outcome in departing if _words(event.kind, outcome.label) == words]
        if allowed:
            yield PossibleAnswer(words, Mark.RIGHT, reasons(rule for one in allowed for rule in one.rules))
        elif against:
            yield PossibleAnswer(
                words, Mark.ADVISED_AGAINST, reasons(rule for one in against for rule in one.departs_from)
            )
        else:
            yield PossibleAnswer(words, Mark.WRONG)


def _words(kind: EventKind, label: Label) -> str:
    """A reaction in words; where accepting means different things, which of them."""
    told = label.delivers if kind is not EventKind.RECEIVE else None
    return choice_words(label) + (f": {told}" if told else "")
