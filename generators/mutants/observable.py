"""What is expected along a history: the yardstick by which cases tell rule sets apart.

Theory of operation. At each step of a history the specification says what may be seen: the labels of the outcomes,
each with the *level* at which it is allowed (in full; without SHOULD; by the MUSTs alone: verdicts depend on it), what
the application is told when the connection closes (the close code of section 7.1.5), and, for silence, which output is
owed. A history *kills* a mutant if the mutant expects something else at some step.

A :class:`Behaviour` is a rule set under one setting. That of a mutant shares all rows but one with the original, and
asks only that row anew. For an event it computes three masks of rows: those that refuse it, and those others that are
enabled if it is legal, and if it is not. All three levels follow from them.

What is seen of a refused handshake is its answer, and any error code will do for that (:func:`as_seen`).

A mutant may have got the opening handshake wrong, and then reads the same octets as something else: a frame as a head
of HTTP, or the other way round (:func:`seen_from`). An endpoint that reads nothing at the time (a server that has yet
to answer) leaves them unread, which looks like ignoring them; and what nobody can send in a state is forbidden there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from wsoracle.model.facts.frames import LONGEST, text_before
from wsoracle.model.machine.boundary_events import conjuncts
from wsoracle.model.machine.interpreted import LEVELS, Kind, Label, label_of
from wsoracle.model.notation.expression import Expr, Value, all_of, evaluate, source, substitute, variables
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts, value_of
from wsoracle.model.notation.rule import LEGAL, Due, Forbid, Rule, RuleSet
from wsoracle.model.notation.variables import (
    FACT_VARIABLES,
    STATE_VARIABLES,
    Event,
    EventKind,
    Facts,
    FrameFacts,
    Setting,
    State,
    possible,
)
from wsoracle.model.octets import utf8
from wsoracle.model.octets.vocabulary import CLOSE

Masks: TypeAlias = "tuple[int, int, int]"
"""Rows that refuse an event; rows enabled besides where it is legal; and where it is not."""

Effect: TypeAlias = "Callable[[State, Facts | None], State]"


class Step(NamedTuple):
    """One event of a history and the outcome that is chosen; no label for the last one, which is judged alone.

    The facts of the event are those in the original's state. ``before`` is where the UTF-8 automaton stood there (None:
    the frame carried no text), and ``payload`` the octets, where they are known: both serve to see the frame with the
    eyes of a mutant, which may have got the text before it wrong.
    """

    event: Event
    label: Label | None = None
    before: int | None = None
    payload: bytes | None = None


History: TypeAlias = tuple[Step, ...]


class Seen(NamedTuple):
    """An outcome as far as it can be told: label, level, and the close code that the application is told at the end."""

    label: Label
    level: int
    told: int | None = None


class Observation(NamedTuple):
    """All that is allowed at one step, and what is owed where the step is silence."""

    outcomes: tuple[Seen, ...]
    owed: tuple[Due, ...] = ()

    def allows(self, label: Label | None) -> bool:
        """Whether an outcome that looks like this label is among them."""
        return label is not None and any(seen.label == as_seen(label) for seen in self.outcomes)


LOWEST_ERROR: Final = 400
"""The lowest status code of HTTP that says that a request failed."""

_REFUSED: Final = Label(Kind.REFUSE)


def as_seen(label: Label) -> Label:
    """A label as far as it can be told from outside: one error code of HTTP is as good as another."""
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


class Choice(NamedTuple):
    """An outcome as far as rows decide it: its label, the level at which it is allowed, and its effect."""

    label: Label
    level: int
    effect: Effect


class Reading:
    """Rows under a setting, as far as they can be told from outside; subclasses say which rows are enabled."""

    def __init__(self, setting: Setting) -> None:
        self.setting: Final = setting

    def table(self, kind: EventKind) -> Table:
        """What the rows of a kind mean."""
        raise NotImplementedError

    def masks(self, state: State, event: Event) -> Masks:
        """The enabled rows of the event's kind, by their index in the rule set."""
        raise NotImplementedError

    def effect(self, kind: EventKind, index: int) -> Effect:
        """The function from a state to the state after a row."""
        raise NotImplementedError

    def choices(self, kind: EventKind, masks: Masks) -> tuple[Choice, ...]:
        """The outcomes that these rows allow, at the strictest level that allows them."""
        table = self.table(kind)
        found = table.choices.get(masks)
        if found is None:
            found = tuple(Choice(label, level, self.effect(kind, i)) for label, level, i in table.resolved(masks))
            table.choices[masks] = found
        return found

    def observe(self, state: State, event: Event, masks: Masks | None = None) -> tuple[Observation, dict[Label, State]]:
        """What may be seen of an event in a state, and the state after each outcome."""
        if masks is None:
            masks = self.masks(state, event)
        kind, frame, head = event
        facts = frame if head is None else head
        seen, after = [], {}
        for label, level, effect in self.choices(kind, masks):
            then = after[label] = effect(state, facts)
            told = then.close_code if state.tcp_open and not then.tcp_open else None
            seen.append(Seen(_REFUSED if _is_refusal(label) else label, level, told))
        owed = self.table(kind).owed(masks[0]) if kind is EventKind.SILENCE else ()
        if len(seen) > 1:
            seen = _told_apart(seen)
        return Observation(tuple(seen), owed), after

    def witnessed(self, step: Step, state: State) -> tuple[Observation, dict[Label, State]]:
        """What may be seen of a step of another endpoint's history here, where the octets may mean something else."""
        event = seen_from(step, state, self.setting)
        if event is not None:
            return self.observe(state, event)
        if step.event.kind.is_input:
            return _UNREAD, dict.fromkeys([] if step.label is None else [step.label, _IGNORED], state)
        return Observation(()), {}


class Behaviour(Reading):
    """A rule set under a setting."""

    def __init__(self, rules: RuleSet, setting: Setting) -> None:
        super().__init__(setting)
        self._tables: Final = {kind.value: Table(rules.of(kind)) for kind in EventKind}
        self._places: Final = {row.id: (kind, i) for kind in EventKind for i, row in enumerate(rules.of(kind))}
        self._masks: Final[dict[EventKind, Callable[[State, Facts | None], Masks]]] = {}
        self._effects: Final[dict[tuple[EventKind, int], Effect]] = {}

    def masks(self, state: State, event: Event) -> Masks:
        kind = event.kind
        found = self._masks.get(kind)
        if found is None:
            found = self._masks[kind] = _mask_function(kind, self.table(kind).rows, self.setting.values)
        return found(state, event.facts)

    def effect(self, kind: EventKind, index: int) -> Effect:
        found = self._effects.get((kind, index))
        if found is None:
            row = self.table(kind).rows[index]
            assert row is not None
            found = self._effects[kind, index] = _effect_function(kind, row.then.effects, self.setting.values)
        return found

    def table(self, kind: EventKind) -> Table:
        return self._tables[kind.value]

    def place_of(self, rule_id: str) -> tuple[EventKind, int]:
        """The kind of a row and its index; :class:`KeyError` where there is none."""
        return self._places[rule_id]


class MutantBehaviour(Reading):
    """A behaviour with one row replaced (by None: left out), which shares all else with the original."""

    def __init__(self, original: Behaviour, rule_id: str, row: Rule | None) -> None:
        super().__init__(original.setting)
        self.kind, self.index = original.place_of(rule_id)
        self._original: Final = original
        self._row: Final = row
        self._guard: Final = None if row is None else _guard_function(self.kind, row.when, self.setting.values)
        self._effect: Effect | None = None
        self._table: Table | None = None
        was = original.table(self.kind).rows[self.index]
        self.keeps_reaction: Final = (
            row is not None and was is not None and row.then is was.then and row.strength is was.strength
        )
        """Only the guard differs: where it holds alike, nothing does."""

    def table(self, kind: EventKind) -> Table:
        if kind is not self.kind:
            return self._original.table(kind)
        if self._table is None:
            rows = self._original.table(kind).rows
            self._table = Table((*rows[: self.index], self._row, *rows[self.index + 1 :]))
        return self._table

    def masks(self, state: State, event: Event) -> Masks:
        masks = self._original.masks(state, event)
        return self.changed(masks, state, event.facts) if event.kind is self.kind else masks

    def changed(self, masks: Masks, state: State, facts: Facts | None) -> Masks:
        """The masks of the original at an event of the changed row's kind, as they are here."""
        bit = 1 << self.index
        refusing, legal, illegal = masks
        refusing, legal, illegal = refusing & ~bit, legal & ~bit, illegal & ~bit
        if self._guard is not None and self._row is not None:
            where_legal, where_illegal = self._guard(state, facts)
            if self._row.refuses:
                refusing |= bit if where_illegal else 0
            else:
                legal |= bit if where_legal else 0
                illegal |= bit if where_illegal else 0
        return refusing, legal, illegal

    def differs_on(self, places: Sequence[Place]) -> bool:
        """Whether something else is expected here than in the original, along a history that was traced there."""
        state: State | None = places[0].state if places else None
        for place in places:
            if state is None:
                return True
            event = place.step.event
            if state == place.state:
                masks = self.changed(place.masks, state, event.facts) if event.kind is self.kind else place.masks
                if masks == place.masks and (self.keeps_reaction or event.kind is not self.kind):
                    state = place.after
                    continue
                observation, after = self.observe(state, event, masks)
            else:
                observation, after = self.witnessed(place.step, state)
            if observation != place.observation:
                return True
            state = None if place.step.label is None else alike(after, place.step.label, place.after)
        return False

    def effect(self, kind: EventKind, index: int) -> Effect:
        if (kind, index) != (self.kind, self.index):
            return self._original.effect(kind, index)
        if self._effect is None:
            assert self._row is not None
            self._effect = _effect_function(self.kind, self._row.then.effects, self.setting.values)
        return self._effect


class Table:
    """What the rows of one kind mean, whatever their guards are; None stands for a row that was left out."""

    def __init__(self, rows: Sequence[Rule | None]) -> None:
        self.rows: Final = tuple(rows)
        self.choices: Final[dict[Masks, tuple[Choice, ...]]] = {}
        self._keeps: Final = tuple(
            sum(1 << i for i, row in enumerate(rows) if row is not None and row.refuses and level.keeps(row.strength))
            for level in LEVELS
        )
        self._labels: Final = tuple(None if row is None else label_of(row) for row in rows)

    def resolved(self, masks: Masks) -> list[tuple[Label, int, int]]:
        """The labels that are allowed, each with its level and the index of the first row that allows it."""
        refusing, legal, illegal = masks
        found: dict[Label, tuple[Label, int, int]] = {}
        for level, keep in enumerate(self._keeps):
            kept = refusing & keep
            for index in _bits(kept | (illegal if kept else legal)):
                label = self._labels[index]
                if label is not None:
                    found.setdefault(label, (label, level, index))
        return list(found.values())

    def owed(self, refusing: int) -> tuple[Due, ...]:
        """What the rows that forbid silence ask for instead."""
        rows = [self.rows[index] for index in _bits(refusing)]
        dues = {row.then.due for row in rows if row is not None and isinstance(row.then, Forbid)}
        return tuple(sorted(due for due in dues if due is not None))


# --- histories --------------------------------------------------------------------------------------------------------


def expectation(
    rules: RuleSet, setting: Setting, history: History, start: State | None = None
) -> tuple[Observation, ...]:
    """What a rule set expects at each step of a history; it ends at a step whose chosen outcome is not allowed.

    ``start`` is the state after the opening handshake, where it is not the default (extensions that claim a reserved
    bit). Two rule sets are told apart by a history exactly where these differ.
    """
    return expected(Behaviour(rules, setting), history, start)


def expected(behaviour: Reading, history: History, start: State | None = None) -> tuple[Observation, ...]:
    """What a behaviour expects at each step of a history, as :func:`expectation` does."""
    return tuple(place.observation for place in trace(behaviour, history, start))


class Place(NamedTuple):
    """A step of a history where it happens: the state, the enabled rows, and what is expected there."""

    step: Step
    state: State
    masks: Masks
    observation: Observation
    after: State | None


def trace(behaviour: Reading, history: History, start: State | None = None) -> tuple[Place, ...]:
    """A history followed step by step; it ends at a step whose chosen outcome is not allowed, or after the last."""
    state: State | None = State() if start is None else start
    found: list[Place] = []
    for step in history:
        if state is None:
            break
        event = seen_from(step, state, behaviour.setting)
        if event is None:
            break
        masks = behaviour.masks(state, event)
        observation, after = behaviour.observe(state, event, masks)
        found.append(Place(step, state, masks, observation, None if step.label is None else after.get(step.label)))
        state = found[-1].after
    return tuple(found)


def step_at(state: State, event: Event, label: Label | None = None, payload: bytes | None = None) -> Step:
    """The step of an event in a state of the original."""
    before = None if event.frame is None else text_before(event.frame.opcode, state, event.kind)
    return Step(event, label, before, payload)


@lru_cache(maxsize=len(EventKind))
def opportunity(kind: EventKind) -> Expr:
    """What a state must be like for an event of a kind to be possible at all, whatever the event carries."""
    of_state = (term for term in conjuncts(possible(kind)) if not set(variables(term)) & set(FACT_VARIABLES[kind]))
    return all_of(list(of_state))


def can_happen(kind: EventKind, state: State, setting: Setting) -> bool:
    """Whether an event of a kind is possible at all in a state."""
    key = kind.value, setting.role.value, state.handshake
    found = _CAN_HAPPEN.get(key)
    if found is None:
        here = {**setting.values, "handshake": state.handshake}
        found = _CAN_HAPPEN[key] = bool(evaluate(opportunity(kind), here))
    return found


_CAN_HAPPEN: Final[dict[tuple[str, str, int], bool]] = {}
_READING: Final = (EventKind.RECEIVE, EventKind.RECEIVE_REQUEST, EventKind.RECEIVE_RESPONSE)
_NO_HEAD: Final = {
    kind: Event.of(kind, facts(syntax=value_of("syntax", "malformed")))
    for kind, facts in ((EventKind.RECEIVE_REQUEST, RequestFacts), (EventKind.RECEIVE_RESPONSE, ResponseFacts))
}
"""A frame, to who reads it as a head of HTTP."""

_HEAD_AS_FRAME: Final = {
    EventKind.RECEIVE_REQUEST: Event(EventKind.RECEIVE, FrameFacts(7, fin=False, rsv1=True, length=69)),
    EventKind.RECEIVE_RESPONSE: Event(
        EventKind.RECEIVE, FrameFacts(CLOSE, fin=False, rsv1=True, length=84, code=0x5450)
    ),
}
"""*GE* of *GET*, and *HTTP*, to who reads them as the header of a frame."""

_IGNORED: Final = Label(Kind.IGNORE)
_UNREAD: Final = Observation((Seen(_IGNORED, 0),))


def seen_from(step: Step, state: State, setting: Setting) -> Event | None:
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
    before = text_before(event.frame.opcode, state, event.kind)
    if before == step.before or event.frame.length > LONGEST:
        return event
    return event._replace(frame=event.frame._replace(utf8_next=_text_after(step, event.frame, before)))


def _text_after(step: Step, frame: FrameFacts, before: int | None) -> int:
    if before is None:
        return utf8.ACCEPT
    payload = step.payload
    if payload is None:
        payload = representative(utf8.ACCEPT if step.before is None else step.before, frame.utf8_next, frame.length)
    return utf8.run(payload, before)


@lru_cache(maxsize=4096)
def representative(before: int, after: int, length: int) -> bytes:
    """The octets that stand for a payload of which only this is known (those that ``abstraction.concrete`` writes)."""
    return utf8.shortest_octets(before, after, length)


# --- generated functions ----------------------------------------------------------------------------------------------

_UNPACK_STATE: Final = f"    {', '.join(STATE_VARIABLES)} = state"
_UNPACK_FACTS: Final = {kind: f"    {', '.join(names)} = facts" for kind, names in FACT_VARIABLES.items()}


def _mask_function(
    kind: EventKind, rows: Sequence[Rule | None], values: Mapping[str, Value]
) -> Callable[[State, Facts | None], Masks]:
    """The masks of all rows of a kind as a function of state and frame."""
    guards = [None if row is None else substitute(row.when, values) for row in rows]
    refusing = [i for i, row in enumerate(rows) if row is not None and row.refuses]
    others = [i for i, row in enumerate(rows) if row is not None and not row.refuses]
    lines = ["def masks(state, facts):", *_unpacked(kind, guards), "    refusing = legal_rows = illegal_rows = 0"]
    lines += [f"    if {_python(guards[i])}: refusing |= {1 << i}" for i in refusing]
    for legal, name in ((True, "legal_rows"), (False, "illegal_rows")):
        lines.append(f"    {LEGAL.name} = {legal}")
        lines += [f"    if {_python(guards[i])}: {name} |= {1 << i}" for i in others]
    made: Callable[[State, Facts | None], Masks] = _define(
        "\n".join([*lines, "    return refusing, legal_rows, illegal_rows"]), "masks"
    )
    return made


def _guard_function(kind: EventKind, guard: Expr, values: Mapping[str, Value]) -> GuardFunction:
    """Whether a guard holds where the event is legal, and where it is not."""
    # Most guards read few of the settings: what was made for one serves for many. Expressions have no equality to look
    # them up by, so that they are found by identity, and kept, lest the identity be given away.
    reads = tuple(name for name in variables(guard) if name in values)
    known = _GUARDS.setdefault((kind.value, id(guard)), (guard, reads, {}))
    key = tuple(values[name] for name in known[1])
    if key not in known[2]:
        known[2][key] = _made_guard(kind, substitute(guard, values))
    return known[2][key]


GuardFunction: TypeAlias = "Callable[[State, Facts | None], tuple[bool, bool]]"
_GUARDS: Final[dict[tuple[str, int], tuple[Expr, tuple[str, ...], dict[tuple[Value, ...], GuardFunction]]]] = {}


def _made_guard(kind: EventKind, settled: Expr) -> GuardFunction:
    lines = ["def guard(state, facts):", *_unpacked(kind, [settled])]
    if LEGAL.name in variables(settled):
        cases = [_python(substitute(settled, {LEGAL.name: legal})) for legal in (True, False)]
        lines.append(f"    return {cases[0]}, {cases[1]}")
    else:
        lines += [f"    holds = {_python(settled)}", "    return holds, holds"]
    made: GuardFunction = _define("\n".join(lines), "guard")
    return made


def _effect_function(kind: EventKind, effects: Mapping[str, Expr], values: Mapping[str, Value]) -> Effect:
    """The state after a reaction with these effects."""
    after = {name: substitute(effect, values) for name, effect in effects.items()}
    names = ", ".join(_python(after[name]) if name in after else name for name in STATE_VARIABLES)
    lines = ["def effect(state, facts):"]
    if after:
        lines += [*_unpacked(kind, list(after.values())), f"    return new(State, ({names}))"]
    else:
        lines.append("    return state")
    made: Effect = _define("\n".join(lines), "effect")
    return made


def _unpacked(kind: EventKind, expressions: Sequence[Expr | None]) -> list[str]:
    names = {name for expression in expressions if expression is not None for name in variables(expression)}
    return [_UNPACK_STATE, *([_UNPACK_FACTS[kind]] if names & set(FACT_VARIABLES[kind]) else [])]


def _python(expression: Expr | None) -> str:
    return "False" if expression is None else source(expression)


@lru_cache(maxsize=8192)
def _define(text: str, name: str) -> Any:
    names: dict[str, Any] = {"State": State, "new": tuple.__new__}
    exec(compile(text, f"<{name} generated from rules>", "exec"), names)
    return names[name]


def _is_refusal(label: Label) -> bool:
    return label.kind is Kind.REFUSE and as_seen(label) is _REFUSED


def _told_apart(seen: Sequence[Seen]) -> list[Seen]:
    """Each outcome that can be told from the others once, at the strictest level that allows it, in a fixed order."""
    found: dict[tuple[Label, int | None], Seen] = {}
    for one in seen:
        known = found.get((one.label, one.told))
        if known is None or one.level < known.level:
            found[one.label, one.told] = one
    return sorted(found.values(), key=_seen_order)


def _seen_order(seen: Seen) -> tuple[str, int, str]:
    return seen.label.kind.value, seen.label.code or 0, seen.label.delivers or ""


def _bits(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


__all__ = [
    "Behaviour",
    "Choice",
    "History",
    "Masks",
    "MutantBehaviour",
    "Observation",
    "Place",
    "Reading",
    "Seen",
    "Step",
    "Table",
    "alike",
    "as_seen",
    "can_happen",
    "expectation",
    "expected",
    "opportunity",
    "representative",
    "seen_from",
    "step_at",
    "trace",
]
