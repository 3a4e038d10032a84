"""Octets explained: what each frame is, which rules it meets, what an endpoint may do with it, and what it owes then.

:func:`explain` takes octets received by an endpoint after the opening handshake and gives an :class:`Explanation`;
``explain_text`` says it in words. Where several outcomes are allowed, the endpoint is followed through the one that
goes on furthest (a frame that may be accepted is), and it sends nothing of its own: what it owes stays owed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from wsoracle.model.endpoint.engine import engine_for
from wsoracle.model.facts.frames import DEFAULT_KEY, facts, facts_on_wire, text_before
from wsoracle.model.machine.interpreted import Kind, Outcome
from wsoracle.model.notation.expression import Expr, Op, Value, evaluate, substitute
from wsoracle.model.notation.rule import LEGAL, Due, Rule, RuleSet
from wsoracle.model.notation.variables import NO_CODE, Event, EventKind, Facts, FrameFacts, Setting, State, environment
from wsoracle.model.octets.frames import Header, NeedMore, TooLong, decode_header, encode, parse
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import CLOSE, PING, PONG, Frame
from wsoracle.model.rules import RULES

from .disputes import Dispute, disputes
from .field_table import Line, picture
from .nearest_legal import Change, Elsewhere, Seen, remedies_for
from .partial_frame import Partial, partial_of

_UNLIMITED: Final = 2**64
_ENGINE: Final = "compiled"


class ExplainError(ValueError):
    """The history cannot have been; the message is one line that says what to do."""


@dataclass(frozen=True)
class Owed:
    """Something that the endpoint owes, the rule that says so, and octets that would do (where it is a frame)."""

    due: Due
    rule: Rule
    octets: bytes = b""


@dataclass(frozen=True)
class Reading:
    """One frame, whole or (``partial``) its beginning.

    ``start`` counts octets from the beginning of the octets explained. ``outcomes`` are allowed in full, first the one
    that is followed; ``departing`` break only SHOULD or CONSENSUS rules; ``refusals`` are the binding rules against it.
    ``peer_accepts``: an endpoint of the other role, in the same state, would accept it.
    """

    start: int
    octets: bytes
    lines: tuple[Line, ...]
    before: State
    after: State
    frame: FrameFacts
    outcomes: tuple[Outcome, ...] = ()
    departing: tuple[Outcome, ...] = ()
    refusals: tuple[Rule, ...] = ()
    owed: tuple[Owed, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    elsewhere: Elsewhere | None = None
    changes: tuple[Change, ...] = ()
    peer_accepts: bool = False
    partial: Partial | None = None


@dataclass(frozen=True)
class Explanation:
    """All frames of the octets explained; ``history`` are those received before, and ``sent`` those sent before."""

    setting: Setting
    start: State
    readings: tuple[Reading, ...]
    history: tuple[Reading, ...] = ()
    sent: int = 0
    rules: RuleSet = RULES


def explain(
    octets: bytes,
    setting: Setting,
    *,
    after: bytes = b"",
    sent: bytes = b"",
    state: State | None = None,
    rules: RuleSet = RULES,
) -> Explanation:
    """Explain octets received by an endpoint of this setting.

    ``after`` are octets that it received before, and ``sent`` octets that it sent after those; ``state`` is where it
    stood before all of them (None: right after the opening handshake). Raises :class:`ExplainError` where ``after`` or
    ``sent`` are no whole frames, or where the endpoint may not send what it is said to have sent.
    """
    reader = _Reader(setting, State() if state is None else state, rules)
    history = tuple(reader.read(after, thoroughly=False))
    if history and history[-1].partial is not None:
        missing = history[-1].partial.missing
        raise ExplainError(
            f"the octets received before end inside a frame, which needs at least {missing} more: "
            "move the beginning of that frame to the octets that are to be explained"
        )
    count = reader.send(sent)
    start = reader.state
    return Explanation(setting, start, tuple(reader.read(octets)), history, count, rules)


class _Reader:
    """Follows an endpoint through frames."""

    def __init__(self, setting: Setting, state: State, rules: RuleSet) -> None:
        self.setting: Final = setting
        self.rules: Final = rules
        self.state = state
        self._ping = b""
        self._disputed: Final[dict[tuple[State, Event], tuple[Dispute, ...]]] = {}
        self._machine: Final = engine_for(rules, setting, _ENGINE).machine
        self._remedies: Final = remedies_for(setting, rules)

    def read(self, octets: bytes, *, thoroughly: bool = True) -> Iterator[Reading]:
        """Each frame that arrives; ``thoroughly``: with what would have made it legal."""
        at = 0
        while at < len(octets):
            found = decode_header(octets, at)
            if found is None or len(octets) - found[1] < found[0].length:
                yield self._partial(at, octets[at:], found[0] if found else None, thoroughly)
                return
            header, begin = found
            end = begin + header.length
            payload = _unmasked(octets[begin:end], header)
            yield self._whole(at, octets[at:end], header, payload, thoroughly)
            at = end

    def send(self, octets: bytes) -> int:
        """Frames that the endpoint sends itself; their number. Raises :class:`ExplainError`."""
        count = 0
        for found in parse(octets, _UNLIMITED):
            if isinstance(found, NeedMore | TooLong):
                raise ExplainError("the octets sent before end inside a frame: give whole frames")
            answers = found.opcode == PONG and self.state.pong_due and found.payload == self._ping
            before = text_before(found.opcode, self.state, EventKind.SEND)
            event = Event(EventKind.SEND, facts(found, before, answers=answers))
            outcomes = self._machine.allowed(self.state, event)
            count += 1
            if not outcomes:
                rule = self._machine.forbidden_by(self.state, event)[0]
                raise ExplainError(
                    f"a {self.setting.role.value} may not send frame {count} of the octets sent before ({found}): "
                    f'{rule.id}, "{rule.quote}"'
                )
            self.state = outcomes[0].state
        return count

    def _whole(self, at: int, octets: bytes, header: Header, payload: bytes, thoroughly: bool) -> Reading:
        before, text_from = self.state, text_before(header.opcode, self.state, EventKind.RECEIVE)
        frame = facts_on_wire(header, payload, text_from)
        event = Event(EventKind.RECEIVE, frame)
        every = self._machine.allowed(before, event, departures=True)
        outcomes = tuple(sorted((outcome for outcome in every if not outcome.departs_from), key=_following))
        chosen = outcomes[0]
        seen = Seen(header, payload)
        if header.opcode == PING and chosen.label.kind is Kind.ACCEPT:
            self._ping = payload
        self.state = chosen.state
        refused = thoroughly and not any(outcome.label.kind is Kind.ACCEPT for outcome in outcomes)
        return Reading(
            start=at,
            octets=octets,
            lines=tuple(picture(octets, payload, text_from)) if thoroughly else (),
            before=before,
            after=self.state,
            frame=frame,
            outcomes=outcomes,
            departing=tuple(outcome for outcome in every if outcome.departs_from),
            refusals=self._machine.forbidden_by(before, event),
            owed=tuple(self._owed()),
            disputes=self._disputes(before, event) if thoroughly else (),
            elsewhere=self._remedies.elsewhere(before, seen) if refused else None,
            changes=self._remedies.changes(before, seen) if refused and chosen.label.kind is Kind.FAIL else (),
            peer_accepts=refused and self._peer(before, seen),
        )

    def _partial(self, at: int, octets: bytes, header: Header | None, thoroughly: bool) -> Reading:
        """The beginning of a frame, with what is certain of it already."""
        payload = b"" if header is None else _unmasked(octets[header.size :], header)
        text_from = None if header is None else text_before(header.opcode, self.state, EventKind.RECEIVE)
        partial, frame = partial_of(octets, header, payload, text_from, self.setting, self.state, self.rules)
        seen = None if header is None or not partial.fails else Seen(header, None)
        if seen is not None and (not thoroughly or self._remedies.legal(self.state, seen)):
            seen = None  # It is not the header that is at fault.
        return Reading(
            start=at,
            octets=octets,
            lines=tuple(picture(octets, payload, text_from)),
            before=self.state,
            after=self.state,
            frame=frame,
            refusals=partial.fails,
            elsewhere=self._remedies.elsewhere(self.state, seen) if seen else None,
            changes=self._remedies.changes(self.state, seen) if seen else (),
            peer_accepts=seen is not None and self._peer(self.state, seen),
            partial=partial,
        )

    def _peer(self, state: State, seen: Seen) -> bool:
        other = Setting(self.setting.role.peer, self.setting.limit, self.setting.echo, self.setting.switches)
        return remedies_for(other, self.rules).legal(state, seen)

    def _owed(self) -> Iterator[Owed]:
        for due, rule in self._machine.owed(self.state):
            frame = self._answer(due)
            yield Owed(due, rule, b"" if frame is None else encode(frame))

    def _answer(self, due: Due) -> Frame | None:
        """A frame that discharges what is due; masked where the rules want it so."""
        if due is Due.PONG:
            answer = Frame(PONG, self._ping)
        elif due is Due.CLOSE:
            code = self.state.fail_code if self.state.failed else self.state.close_code
            answer = Frame(CLOSE, b"" if code == NO_CODE else code.to_bytes(2, "big"))
        else:
            return None
        bodies = (answer.payload, b"") if due is Due.CLOSE else (answer.payload,)
        for body in bodies:
            for key in (None, DEFAULT_KEY):
                frame = Frame(answer.opcode, body, key=key)
                event = Event(EventKind.SEND, facts(frame, None, answers=True))
                if self._machine.allowed(self.state, event):
                    return frame
        return None

    def _disputes(self, state: State, event: Event) -> tuple[Dispute, ...]:
        if (state, event) not in self._disputed:
            self._disputed[state, event] = tuple(disputes(self.rules, self.setting, state, event))
        return self._disputed[state, event]


def because(rule: Rule, setting: Setting, state: State, facts: Facts | None) -> Expr:
    """Why an enabled rule is enabled: its guard over the frame or the head alone, of alternatives those that hold."""
    known = {**setting.values, **state._asdict(), LEGAL.name: True}
    values = environment(setting, state, facts)
    return _holding(substitute(rule.when, known), values)


def _holding(guard: Expr, values: Mapping[str, Value]) -> Expr:
    if isinstance(guard, Op) and guard.op in ("and", "or"):
        args = guard.args
        if guard.op == "or":
            args = tuple(arg for arg in args if evaluate(arg, values)) or args
        parts = tuple(_holding(arg, values) for arg in args)
        return parts[0] if len(parts) == 1 else Op(guard.op, parts)
    return guard


_FOLLOWED: Final = (Kind.ACCEPT, Kind.FAIL, Kind.IGNORE, Kind.PERMIT)


def _following(outcome: Outcome) -> tuple[int, int]:
    return _FOLLOWED.index(outcome.label.kind), outcome.label.code or 0


def _unmasked(octets: bytes, header: Header) -> bytes:
    return octets if header.key is None else mask(octets, header.key)


__all__ = [
    "Dispute",
    "ExplainError",
    "Explanation",
    "Owed",
    "Partial",
    "Reading",
    "because",
    "explain",
]
