"""Octets explained: what each frame is, which rules it meets, what an endpoint may do with it, and what it owes then.

:func:`explain` takes octets received by an endpoint after the opening handshake and gives an :class:`Explanation`;
``explain_text`` says it in words. Where several outcomes are allowed, the endpoint is followed through the one that
goes on furthest (a frame that may be accepted is), and it sends nothing of its own: what it owes stays owed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from wsoracle.model import utf8
from wsoracle.model.abstraction import (
    DEFAULT_KEY,
    close_code,
    facts,
    facts_of_header,
    facts_on_wire,
    text_before,
)
from wsoracle.model.deciding import KNOWN_ALWAYS, KNOWN_WITH_HEADER, reasons_to_read, sure_failures
from wsoracle.model.engine import engine_for
from wsoracle.model.expression import Expr, Op, Value, evaluate, substitute, variables
from wsoracle.model.machine import Kind, Label, Outcome, enabled
from wsoracle.model.masking import mask
from wsoracle.model.rule import LEGAL, Due, Rule, RuleSet
from wsoracle.model.rules import RULES
from wsoracle.model.switches import SWITCHES, Switch, Switches
from wsoracle.model.terms import NO_CODE, Event, EventKind, FrameFacts, Setting, State, environment
from wsoracle.model.vocabulary import CLOSE, PING, PONG, Frame
from wsoracle.model.wire import (
    FIXED_OCTETS,
    LENGTH_FORMS,
    Header,
    NeedMore,
    TooLong,
    decode_header,
    encode,
    parse,
    unpack_fixed,
)

from .picture import Line, picture
from .remedies import Change, Elsewhere, Seen, remedies_for

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
class Dispute:
    """A disputed point that decides about the frame: with another value of the switch, other outcomes are allowed."""

    switch: Switch
    value: str
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Partial:
    """What can be said of a frame before it is complete.

    ``missing``: octets that it needs at least; of the header only, where ``header`` says that that is not complete.
    ``fails`` are the rules by which the connection is to be failed whatever follows, ``may_fail`` those by which it
    may be; ``ignored`` are the rules by which it is ignored whatever follows.
    """

    missing: int
    header: bool
    fails: tuple[Rule, ...] = ()
    may_fail: tuple[Rule, ...] = ()
    ignored: tuple[Rule, ...] = ()


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
        known, frame = _known(octets, header, payload, text_from)
        event = Event(EventKind.RECEIVE, frame)
        sure = enabled(_surely(self.rules, known), self.setting, self.state, event)
        fails = tuple(self.rules.by_id[rule.id] for rule in sure if rule.strength.binds)
        ignored: tuple[Rule, ...] = ()
        if not enabled(_reasons(self.rules, known), self.setting, self.state, event):
            rows = self._machine.enabled(self.state, event)
            ignored = tuple(rule for rule in rules_that_ignore(rows))
        missing = _missing_of_header(octets) if header is None else header.size + header.length - len(octets)
        seen = None if header is None or not fails else Seen(header, None)
        if seen is not None and (not thoroughly or self._remedies.legal(self.state, seen)):
            seen = None  # It is not the header that is at fault.
        return Reading(
            start=at,
            octets=octets,
            lines=tuple(picture(octets, payload, text_from)),
            before=self.state,
            after=self.state,
            frame=frame,
            refusals=fails,
            elsewhere=self._remedies.elsewhere(self.state, seen) if seen else None,
            changes=self._remedies.changes(self.state, seen) if seen else (),
            peer_accepts=seen is not None and self._peer(self.state, seen),
            partial=Partial(
                missing,
                header is None,
                fails,
                tuple(self.rules.by_id[rule.id] for rule in sure if not rule.strength.binds),
                ignored,
            ),
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
            self._disputed[state, event] = tuple(self._disputes_anew(state, event))
        return self._disputed[state, event]

    def _disputes_anew(self, state: State, event: Event) -> Iterator[Dispute]:
        """The switches on which the outcomes depend, each with the outcomes for its other values."""
        now = self.setting.switches
        labels = _labels(self._machine.allowed(state, event))
        deciding = self._switches_left(state, event)
        for switch in (switch for switch in SWITCHES if switch.variable.name in deciding):
            for value in switch.values:
                if value != now[switch.name]:
                    switches = Switches(**{**now, switch.name: value})
                    other = Setting(self.setting.role, self.setting.limit, self.setting.echo, switches)
                    outcomes = engine_for(self.rules, other, _ENGINE).machine.allowed(state, event)
                    if _labels(outcomes) != labels:
                        yield Dispute(switch, value, outcomes)

    def _switches_left(self, state: State, event: Event) -> set[str]:
        """The switch variables on which guards still depend when all the rest is known."""
        switches = self.setting.switches.indices()
        values = environment(self.setting, state, event.frame)
        known = {name: value for name, value in values.items() if name not in switches}
        rows = _disputed_rows(self.rules, event.kind)
        return {name for rule in rows for name in variables(substitute(rule.when, known))}


@lru_cache(maxsize=64)
def _disputed_rows(rules: RuleSet, kind: EventKind) -> tuple[Rule, ...]:
    """The rules whose guard mentions a switch."""
    switches = {switch.variable.name for switch in SWITCHES}
    return tuple(rule for rule in rules.of(kind) if any(name in switches for name in variables(rule.when)))


def because(rule: Rule, setting: Setting, state: State, frame: FrameFacts | None) -> Expr:
    """Why an enabled rule is enabled: its guard over the frame alone, of alternatives only those that hold."""
    known = {**setting.values, **state._asdict(), LEGAL.name: True}
    values = environment(setting, state, frame)
    return _holding(substitute(rule.when, known), values)


def _holding(guard: Expr, values: Mapping[str, Value]) -> Expr:
    if isinstance(guard, Op) and guard.op in ("and", "or"):
        args = guard.args
        if guard.op == "or":
            args = tuple(arg for arg in args if evaluate(arg, values)) or args
        parts = tuple(_holding(arg, values) for arg in args)
        return parts[0] if len(parts) == 1 else Op(guard.op, parts)
    return guard


@lru_cache(maxsize=64)
def _surely(rules: RuleSet, known: frozenset[str]) -> RuleSet:
    return sure_failures(rules, known)


@lru_cache(maxsize=64)
def _reasons(rules: RuleSet, known: frozenset[str]) -> RuleSet:
    return reasons_to_read(rules, known)


def rules_that_ignore(rows: list[Rule]) -> Iterator[Rule]:
    """Those of the rules that ignore what is received without any effect."""
    for rule in rows:
        if rule.then.word == "ignore" and not rule.then.effects:
            yield rule


_FOLLOWED: Final = (Kind.ACCEPT, Kind.FAIL, Kind.IGNORE, Kind.PERMIT)


def _following(outcome: Outcome) -> tuple[int, int]:
    return _FOLLOWED.index(outcome.label.kind), outcome.label.code or 0


def _labels(outcomes: tuple[Outcome, ...]) -> set[Label]:
    return {outcome.label for outcome in outcomes}


def _unmasked(octets: bytes, header: Header) -> bytes:
    return octets if header.key is None else mask(octets, header.key)


def _missing_of_header(octets: bytes) -> int:
    """How many octets the header that begins here needs at least."""
    if len(octets) < FIXED_OCTETS:
        return FIXED_OCTETS - len(octets)
    fixed = unpack_fixed(octets)
    form = [row for row in LENGTH_FORMS if row.marker <= fixed["length"]][-1]
    return FIXED_OCTETS + form.extended + (4 if fixed["masked"] else 0) - len(octets)


def _known(
    octets: bytes, header: Header | None, payload: bytes, text_from: int | None
) -> tuple[frozenset[str], FrameFacts]:
    """The variables that the beginning of a frame settles, and facts that have their values."""
    if header is None:
        fixed = unpack_fixed(octets.ljust(FIXED_OCTETS, b"\0"))
        names = {"opcode", "fin", "rsv1", "rsv2", "rsv3"}
        frame = FrameFacts(fixed["opcode"], *(bool(fixed[name]) for name in ("fin", "rsv1", "rsv2", "rsv3")))
        if len(octets) >= FIXED_OCTETS:
            form = [row for row in LENGTH_FORMS if row.marker <= fixed["length"]][-1]
            frame = frame._replace(masked=bool(fixed["masked"]), form=form.form)
            names |= {"masked", "form"}
            extended = octets[FIXED_OCTETS : FIXED_OCTETS + form.extended]
            if len(extended) == form.extended:
                length = int.from_bytes(extended, "big") if extended else fixed["length"]
                frame = frame._replace(length=length)
                names.add("length")
        return KNOWN_ALWAYS | names, frame
    frame, known = facts_of_header(header), KNOWN_WITH_HEADER
    if header.opcode == CLOSE and len(payload) >= 2:
        frame, known = frame._replace(code=close_code(payload)), known | {"code"}
        if utf8.run(payload[2:]) == utf8.REJECT:
            frame, known = frame._replace(reason_ok=False), known | {"reason_ok"}
    # Once the automaton has rejected the text, nothing that follows can make it accept.
    if text_from is not None and utf8.run(payload, text_from) == utf8.REJECT:
        frame, known = frame._replace(utf8_next=utf8.REJECT), known | {"utf8_next"}
    return known, frame


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
