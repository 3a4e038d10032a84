"""Worlds to try mutants in: from a setting and a first state, the reachable states with their shortest histories.

A world is explored breadth first, layer by layer, as far as it is asked to, and shared by all mutants: for each state
it knows the trial events, what the original expects of them, and the states after them.

A world begins before the opening handshake (CONNECTING) or right after it. Rules of the data transfer need no more than
the second, where histories are shorter; those of the handshake are followed beyond it, for what a fault of theirs does
may be seen only there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any, Final, NamedTuple

from wsoracle.model.facts.deflate_payloads import is_deflated
from wsoracle.model.facts.frames import text_before
from wsoracle.model.machine.boundary_events import Alphabet
from wsoracle.model.machine.compiled import CompiledMachine, Masks
from wsoracle.model.machine.explorer import BreadthFirst
from wsoracle.model.machine.guard_atoms import reporting_variables
from wsoracle.model.machine.interpreted import LEVELS, Label
from wsoracle.model.notation.expression import Value, variables
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.switches import SWITCHES, Switch, Switches
from wsoracle.model.notation.variables import (
    CLAIMS,
    CONNECTING,
    DAMAGE,
    LARGEST_WINDOW,
    NO_CODE,
    Event,
    EventKind,
    FrameFacts,
    Setting,
    State,
)
from wsoracle.model.octets import frames, utf8
from wsoracle.model.octets.deflate_encoder import LONGEST_MATCH, SHORTEST_MATCH
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, FORMS, PING, PONG, TEXT, Role
from wsoracle.model.rules import RULES

from .observable import EventHistory, Expectation, HistoryStep, alike, as_seen, can_happen, has_octets, observe, step_at
from .operators import of_handshake

SMALL_LIMIT: Final = 2
"""The limit in octets, in worlds with a limit."""


SHORT_FRAME: Final = SMALL_LIMIT + 1
"""The largest frame, in octets, after which a history goes on."""

_TEXT_STATES: Final[tuple[int, ...]] = (utf8.ACCEPT, utf8.TAIL1, utf8.REJECT)
"""Whole, unfinished, broken: rules see no more of a text than this."""


ESTABLISHED: Final = State()
"""The state after an opening handshake that negotiated no extension."""

AGREEMENTS: Final = tuple(
    State(claims_rsv1=True, recv_window=512, send_window=1024, recv_takeover=keeps, send_takeover=keeps)
    for keeps in (True, False)
)
"""The states after an opening handshake that agreed on permessage-deflate: with a window of each direction that is none
of the bounds, where contexts are taken over, and where they are not."""


class Trial(NamedTuple):
    """An event in a state, what the original expects of it, and the state after each outcome.

    ``payload``: the octets, where others with the same facts would not do.
    """

    event: Event
    masks: Masks
    expected: Expectation
    after: dict[Label, State]
    payload: bytes | None = None

    def after_like(self, looks: Label) -> Iterator[State]:
        """The states after all outcomes that look like this."""
        return (state for label, state in self.after.items() if as_seen(label) == looks)

    @property
    def ends_input(self) -> bool:
        """Nothing else is read after it: the peer's end of TCP, or a plain frame whose payload is too long to come."""
        kind, frame, _ = self.event
        if kind is EventKind.RECEIVE:
            return frame is not None and frame.length > SHORT_FRAME and not frame.inflated
        return kind is EventKind.RECEIVE_EOF

    def step(self, state: State, label: Label | None = None) -> HistoryStep:
        """The trial as a step of a history."""
        return step_at(state, self.event, label, self.payload)


@dataclass(frozen=True)
class WorldStart:
    """A setting, and the state before or right after the opening handshake.

    ``departing``: histories may contain steps that depart from a SHOULD or a CONSENSUS rule.
    """

    setting: Setting
    state: State = ESTABLISHED
    departing: bool = False

    @property
    def cost(self) -> int:
        """How much longer a history without it may be before this start is preferred to the default one."""
        return 2 * len(self.points) + 3 * self.departing

    @property
    def points(self) -> frozenset[str]:
        """The names of the variables that differ from the default, role aside."""
        setting = self.setting
        changed = {f"switch_{name}" for name in setting.switches.changes()}
        if self.state in AGREEMENTS:
            changed |= {"recv_window"} if self.state.recv_takeover else {"recv_window", "recv_takeover"}
        else:
            changed |= {name for name in CLAIMS if getattr(self.state, name)}
        differs = {
            "limit": setting.limit is not None,
            "echo": not setting.echo,
            "willing": setting.willing,
            "browser": setting.browser,
        }
        return frozenset(changed | {name for name, is_other in differs.items() if is_other})

    @property
    def agreed(self) -> bool:
        """Permessage-deflate was agreed on, and nothing else differs from the default but that histories may depart."""
        return self.state in AGREEMENTS and self.points <= {"recv_window", "recv_takeover"}

    @property
    def connecting(self) -> bool:
        """Histories begin before the opening handshake."""
        return self.state == CONNECTING

    @property
    def name(self) -> str:
        """The role, and what is not as by default, made of characters that an id may have."""
        setting = self.setting
        words = [setting.role.value]
        words += [
            word
            for word in ("connecting", "willing", "browser")
            if getattr(self if word == "connecting" else setting, word)
        ]
        if not setting.echo:
            words.append("sink")
        if setting.limit is not None:
            words.append(f"limit={setting.limit}")
        if self.state in AGREEMENTS:
            words.append("deflate" if self.state.recv_takeover else "deflate,no-takeover")
        else:
            words += [name.removeprefix("claims_") for name in CLAIMS if getattr(self.state, name)]
        words += [f"{name}={value.replace(' ', '-')}" for name, value in setting.switches.changes().items()]
        return ",".join(words)


class Situation(NamedTuple):
    """A state that the original can be in; ``ended``: nothing else is read (:attr:`Trial.ends_input`)."""

    state: State
    ended: bool = False


class World:
    """The reachable states of a rule set from one start, by depth."""

    def __init__(self, start: WorldStart, rules: RuleSet = RULES) -> None:
        self.start: Final = start
        self.machine: Final = CompiledMachine(rules, start.setting)
        self._events: Final = TrialEvents(rules, start, self.machine)
        self._reporting: Final = {name: getattr(State(), name) for name in reporting_variables(rules)}
        self._reached: Final = BreadthFirst([Situation(start.state)], self._steps, key=self._key)
        self._deeper: Final = self._reached.layers()
        self._layers: Final[list[tuple[Situation, ...]]] = []
        self._trials: Final[dict[tuple[State, str], tuple[Trial, ...]]] = {}
        self._ever: Final[dict[tuple[State, str], Masks]] = {}
        self.kept = 0
        """How many trials are kept, lest they be made again."""
        # Trials are many and much alike: each distinct part is kept once.
        self._masks: Final[dict[Masks, Masks]] = {}
        self._expected: Final[dict[Expectation, Expectation]] = {}
        self._states: Final[dict[State, State]] = {}
        self._going_on: Final[dict[tuple[object, ...], tuple[Label, ...]]] = {}

    def layer(self, depth: int) -> tuple[Situation, ...]:
        """The situations whose shortest history has this many steps."""
        while len(self._layers) <= depth:
            self._layers.append(next(self._deeper, ()))
        return self._layers[depth]

    def history(self, situation: Situation) -> EventHistory:
        """A shortest history that leads to a situation."""
        return self._reached.path(situation)

    def trials_in(self, situation: Situation, kind: EventKind) -> tuple[Trial, ...]:
        """The trial events of one kind; no input arrives where TCP has ended."""
        return () if situation.ended and kind.is_input else self.trials(situation.state, kind)

    def trials(self, state: State, kind: EventKind) -> tuple[Trial, ...]:
        """The trial events of one kind in a state."""
        key = state, kind.value
        if key not in self._trials:
            events = self._events(kind, state)
            self._trials[key] = tuple(self.tried(state, event, payload) for event, payload in events)
            self.kept += len(events)
        return self._trials[key]

    def ever(self, state: State, kind: EventKind) -> Masks:
        """The rows that are enabled at one of the trial events of a kind in a state, or would be."""
        key = state, kind.value
        found = self._ever.get(key)
        if found is None:
            refusing = if_legal = if_illegal = 0
            for trial in self.trials(state, kind):
                masks = trial.masks
                refusing, if_legal, if_illegal = refusing | masks[0], if_legal | masks[1], if_illegal | masks[2]
            found = self._ever[key] = refusing, if_legal, if_illegal
        return found

    def forget(self) -> int:
        """Keep no trials so far, which are most of what a world takes; how many there were."""
        forgotten, self.kept = self.kept, 0
        self._trials.clear()
        return forgotten

    def pairs(self, state: State, kind: EventKind) -> Iterator[Trial]:
        """Trials of heads that differ from a sound one, or from a bare one, in two points."""
        for event in self._events.pairs(kind, state):
            yield self.tried(state, event)

    def has(self, event: Event, state: State) -> bool:
        """Whether events of this kind are possible in a state."""
        return can_happen(event.kind, state, self.start.setting)

    def means_the_same(self, event: Event, state: State) -> bool:
        """Whether an event that is possible in the first state is so in another one, where its octets mean the same."""
        return self.has(event, state) and step_at(state, event) == step_at(self.start.state, event)

    def tried(self, state: State, event: Event, payload: bytes | None = None) -> Trial:
        """The expectation of the original for an event in a state."""
        masks = self.machine.masks(event.kind, state, event.facts)
        expected, after = observe(self.machine, state, event, masks)
        return Trial(
            event,
            self._masks.setdefault(masks, masks),
            self._expected.setdefault(expected, expected),
            {label: self._states.setdefault(then, then) for label, then in after.items()},
            payload,
        )

    def steps_on(self, trial: Trial) -> tuple[Label, ...]:
        """The labels of the outcomes after which a history may go on; only after short frames, to keep states few.

        Of longer ones, and of messages that inflate to more, after those that are refused: nothing is counted of them.
        And only where an observer knows what is allowed: of two refusals that look alike, after the one that allows all
        that the other does.
        """
        frame = trial.event.frame
        refused_alone = frame is not None and frame.length > SHORT_FRAME and not 0 < frame.inflated <= SHORT_FRAME
        # Expectations and states of trials are kept once, and for good: their identity says which they are.
        key = refused_alone, id(trial.expected), tuple(trial.after), tuple(map(id, trial.after.values()))
        found = self._going_on.get(key)
        if found is None:
            going_on = {seen.label for seen in trial.expected.outcomes if seen.level == 0 or self.start.departing}
            found = self._going_on[key] = tuple(
                label
                for label, then in trial.after.items()
                if (looks := as_seen(label)) in going_on
                and (then.failed or not refused_alone)
                and all(self._covers(then, other) for other in trial.after_like(looks))
            )
        return found

    def _covers(self, wide: State, narrow: State, assumed: frozenset[tuple[State, State]] = frozenset()) -> bool:
        """Whether the one state allows all that the other does, now and later on, as far as events are tried."""
        if wide == narrow or (wide, narrow) in assumed:
            return True
        for trial in (trial for kind in EventKind for trial in self.trials(narrow, kind)):
            if not self.has(trial.event, wide):
                return False
            there = self.tried(wide, trial.event, trial.payload)
            levels = {(seen.label, seen.told): seen.level for seen in there.expected.outcomes}
            for seen in trial.expected.outcomes:
                if levels.get((seen.label, seen.told), len(LEVELS)) > seen.level:
                    return False
            for label, then in trial.after.items():
                after = alike(there.after, label, then)
                if after is None or not self._covers(after, then, assumed | {(wide, narrow)}):
                    return False
        return True

    def _steps(self, situation: Situation) -> Iterator[tuple[HistoryStep, Situation]]:
        for kind in EventKind:
            for trial in self.trials_in(situation, kind):
                for label in self.steps_on(trial):
                    after = Situation(trial.after[label], situation.ended or trial.ends_input)
                    yield trial.step(situation.state, label), after

    def _key(self, situation: Situation) -> Situation:
        """What counts of a situation: of two that differ in it alone the first one is followed.

        The sizes of windows are left out: all that reads one is its comparison with a distance, and those that are
        tried are the window itself and one more.
        """
        state = self._essence(situation.state)
        windows = {name: min(getattr(state, name), 1) for name in _WINDOWS}
        return situation._replace(state=state._replace(**windows))

    def essence(self, original: State, mutant: State) -> tuple[State, State]:
        """Two states but for what they only report, where they report the same."""
        if all(getattr(original, name) == getattr(mutant, name) for name in self._reporting):
            return self._essence(original, mutant), self._essence(mutant, original)
        return original._replace(**_ranked(original, mutant)), mutant._replace(**_ranked(mutant, original))

    def _essence(self, state: State, other: State | None = None) -> State:
        return state._replace(**self._reporting, **_ranked(state, other or state))


def _ranked(state: State, other: State) -> dict[str, Any]:
    """The histories of a state as ranks among none, its own and those of the other state.

    That loses nothing. All that reads a history is its comparison with ``reach``, and the reaches that are tried are
    none, 1, and the history itself and one more: by these all histories of one rank are told apart from others alike,
    and a step adds the same to each. (A distance beyond the window is tried by itself; no history that is followed is
    as long as a window.)
    """
    return {
        name: sorted({0, getattr(state, name), getattr(other, name)}).index(getattr(state, name)) for name in _HISTORIES
    }


_HISTORIES: Final = ("recv_history", "send_history")
_WINDOWS: Final = ("recv_window", "send_window")


class TrialEvents:
    """The events worth trying in a state: plain frames of each kind, and frames that differ from them in one point.

    Heads of HTTP are a sound one, a bare one, and those that differ from one of these in one point
    (``model.machine.boundary_events``).

    In the first state there are also those at every boundary that the rules name (``model.machine.boundary_events``),
    one below and one above it included, so that a bound that is off by one is noticed. Plain events come first: what
    is found first is what reads best.
    """

    def __init__(self, rules: RuleSet, start: WorldStart, machine: CompiledMachine) -> None:
        self._start: Final = start
        self._machine: Final = machine
        self._limit: Final = start.setting.limit
        self._alphabet: Final = _alphabet(rules, start.setting.role, self._limit)
        self._known: Final[dict[tuple[object, ...], tuple[tuple[Event, bytes | None], ...]]] = {}

    def __call__(self, kind: EventKind, state: State) -> tuple[tuple[Event, bytes | None], ...]:
        """The events of one kind in a state, with their octets where these matter, always in the same order."""
        if not can_happen(kind, state, self._start.setting):
            return ()
        if kind.facts is None:
            return ((Event(kind), None),)
        if not kind.has_frame:
            return self._heads(kind, state)
        about = _About(
            masked=(self._start.setting.role is Role.SERVER) == (kind is EventKind.RECEIVE),
            before=text_before(CONTINUATION, state, kind),
            room=None if self._limit is None else self._limit - state.recv_length,
            fail_code=state.fail_code,
            deflate=_deflate(kind, state),
        )
        key = kind, about, state == self._start.state and not self._start.connecting
        if key not in self._known:
            frames = [*about.frames(), *about.compressed_frames()]
            if key[-1]:
                values = self._alphabet.boundaries(kind)
                frames += about.frames_at([int(n) for n in values["length"]], [int(c) for c in values["code"]])
            self._known[key] = tuple(
                (Event(kind, frame), octets)
                for frame in dict.fromkeys(frames)
                if not is_deflated(frame, state, kind) or has_octets(frame, text_before(frame.opcode, state, kind))
                for octets in _payloads(frame, about.before)
            )
        return self._known[key]

    def _heads(self, kind: EventKind, state: State) -> tuple[tuple[Event, bytes | None], ...]:
        """The heads of one kind: those of the alphabet, and what is near one for each row that permits none of them.

        That one differs from a sound head, or from a bare one, in two points: a refusal that names versions is one.
        """
        key = kind, state.handshake, state.tcp_open, state.peer_open, state.failed
        if key not in self._known:
            events = list(self._alphabet.of(kind, state))
            if not kind.is_input and state.tcp_open and not state.failed:
                permitted = 0
                for event in events:
                    permitted |= self._permitting(event, state)
                for event in self.pairs(kind, state):
                    further = self._permitting(event, state) & ~permitted
                    if further:
                        permitted |= further
                        events += _near(event, self._alphabet.boundaries(kind, state))
            self._known[key] = tuple((event, None) for event in dict.fromkeys(events))
        return self._known[key]

    def pairs(self, kind: EventKind, state: State) -> tuple[Event, ...]:
        """The heads of one kind that differ from a sound one, or from a bare one, in two points at most."""
        if not can_happen(kind, state, self._start.setting):
            return ()
        return _alphabet(self._alphabet.rules, self._start.setting.role, self._limit, pairs=True).of(kind, state)

    def _permitting(self, event: Event, state: State) -> int:
        """The rows that permit an event which none refuses."""
        refusing, legal, _ = self._machine.masks(event.kind, state, event.facts)
        return 0 if refusing else legal


def _near(event: Event, values: Mapping[str, Sequence[Value]]) -> Iterator[Event]:
    """An event, and those that differ from it in one fact; not in being well-formed, of which others depend."""
    yield event
    assert event.facts is not None
    for name in event.facts._fields:
        for value in values[name] if name != "syntax" else ():
            yield Event.of(event.kind, event.facts._replace(**{name: value}))  # type: ignore[arg-type]


class _About(NamedTuple):
    """The values that decide which frames are worth trying: how they are masked, and a little of the state.

    ``before``: the automaton in the text message in progress, or None; ``room``: the octets that the limit leaves to
    the message in progress, None where no limit is stated; ``deflate``: what compressed messages may refer to, None
    where permessage-deflate is not agreed on.
    """

    masked: bool
    before: int | None
    room: int | None
    fail_code: int
    deflate: _Deflate | None = None

    def frames(self) -> Iterator[FrameFacts]:
        """Frames that differ in what is not a number."""
        bases = [FrameFacts(opcode, masked=self.masked) for opcode in _OPCODES]
        for base in bases:
            yield from self._contents(base, 0)
        for base in bases:
            yield from self._contents(base._replace(fin=False), 0)
            yield from (frame._replace(answers=True) for frame in self._contents(base, 0))
        lengths = {1, self.room or 1, (self.room or 0) + 1}
        for base in bases:
            for length in (2, 3) if base.opcode == CLOSE else sorted(lengths):
                for frame in self._contents(base, length):
                    yield frame
                    yield frame._replace(fin=False)
        if self.room is not None:
            # Marked with RSV1, and measured as they stand, since they are in no compressed message.
            for opcode in (TEXT, BINARY, CONTINUATION):
                marked = FrameFacts(opcode, rsv1=True, masked=self.masked)
                for frame in (next(self._contents(marked, length)) for length in (1, self.room + 1)):
                    yield from (frame, frame._replace(fin=False))
        # A code outside section 7.4, which may only be sent back.
        beyond = FrameFacts(CLOSE, masked=self.masked, length=2, code=65535)
        yield from (beyond, beyond._replace(answers=True))
        for base in (*bases, FrameFacts(3, masked=self.masked), FrameFacts(11, masked=self.masked)):
            yield from self._flagged(next(self._contents(base, 0)))

    def compressed_frames(self) -> Iterator[FrameFacts]:
        """Frames of compressed messages that differ in what is measured of their DEFLATE data."""
        if self.deflate is None:
            return
        window, history, inside = self.deflate
        opcodes = (TEXT, BINARY, CONTINUATION) if inside else (TEXT, BINARY)
        for opcode in opcodes:
            base = FrameFacts(opcode, rsv1=opcode != CONTINUATION, masked=self.masked, length=3, inflated=1)
            texts = _TEXT_STATES if opcode == TEXT or self.before is not None else (utf8.ACCEPT,)
            # A message may begin with an empty fragment, and be without any payload at its end.
            nothing = base._replace(length=0, inflated=0, utf8_next=_unmoved(opcode, self.before))
            yield nothing._replace(fin=False)
            for after in texts if self.before != utf8.REJECT or opcode != CONTINUATION else (utf8.REJECT,):
                yield base._replace(utf8_next=after)
                yield base._replace(fin=False, length=_FRAGMENT, utf8_next=after)
            base = base._replace(utf8_next=min(texts) if self.before != utf8.REJECT else utf8.REJECT)
            yield from (base._replace(answers=True), base._replace(rsv2=True), base._replace(masked=not self.masked))
            if opcode != CONTINUATION:
                yield from (base._replace(length=length, inflated=0) for length in (1, 2))
            yield nothing._replace(damage=DAMAGE.index("no payload"))
            yield base._replace(damage=DAMAGE.index("no empty block behind the last one"))
            yield from (base._replace(fin=fin, damage=DAMAGE.index("malformed")) for fin in (True, False))
            if self.room is not None:
                yield from (base._replace(length=_ENOUGH, inflated=self.room + more) for more in (0, 1))
            for distance, reach in (
                (window, 0), (window + 1, 0), (1, 1), (1, 0), (history, history), (history + 1, history + 1),
            ):  # fmt: skip
                if 0 < distance <= LARGEST_WINDOW:
                    # Nothing comes out of what refers to octets that there are not, nor of what is behind it.
                    inflated = distance - reach + (0 if reach > history else SHORTEST_MATCH + 1)
                    length = _ENOUGH + inflated // (LONGEST_MATCH // 2)
                    form = frames.minimal_form(length)
                    yield base._replace(length=length, form=form, inflated=inflated, distance=distance, reach=reach)

    def frames_at(self, lengths: Sequence[int], codes: Sequence[int]) -> Iterator[FrameFacts]:
        """Frames at the boundaries: lengths, also in forms that are not minimal; codes; and all reserved opcodes."""
        for opcode in range(16):
            base = FrameFacts(opcode, masked=self.masked)
            yield from self._flagged(next(self._contents(base, 0)))
            for length in lengths:
                yield from self._contents(base, length)
        closes = [FrameFacts(CLOSE, masked=self.masked, length=2, code=code) for code in codes]
        yield from closes
        for close in (FrameFacts(CLOSE, masked=self.masked), *closes):
            if close.code in _SAY_NO_REASON:
                yield close._replace(unprovoked=True)
        for length in lengths:
            forms = [form for form in FORMS if frames.minimal_form(length) < form]
            yield from (FrameFacts(BINARY, masked=self.masked, length=length, form=form) for form in forms)

    def _flagged(self, frame: FrameFacts) -> Iterator[FrameFacts]:
        yield frame
        yield from (frame._replace(rsv1=True), frame._replace(rsv2=True), frame._replace(rsv3=True))
        yield frame._replace(masked=not self.masked)
        yield frame._replace(fin=False, answers=True)
        if frame.masked:
            yield frame._replace(key_foreseen=True)

    def _contents(self, base: FrameFacts, length: int) -> Iterator[FrameFacts]:
        """The frame with payloads of one length that differ in what rules see of a payload."""
        frame = base._replace(length=length, form=frames.minimal_form(length))
        if base.opcode == CLOSE and length >= 2:
            yield frame._replace(code=1000)
            yield frame._replace(code=self.fail_code or 1001)
            if length > 2:
                yield frame._replace(code=1000, reason_ok=False)
        elif base.opcode == TEXT or (base.opcode == CONTINUATION and self.before is not None):
            start = utf8.ACCEPT if base.opcode == TEXT or self.before is None else self.before
            possible = utf8.reachable_after(start, length)
            for after in [s for s in _TEXT_STATES if s in possible] or [min(possible)]:
                yield frame._replace(utf8_next=after)
        else:
            yield frame


def _unmoved(opcode: int, before: int | None) -> int:
    """Where the UTF-8 automaton stands after a frame that has no octets."""
    return utf8.ACCEPT if opcode != CONTINUATION or before is None else before


class _Deflate(NamedTuple):
    """What a compressed message may refer to; ``inside``: the message in progress is one."""

    window: int
    history: int
    inside: bool


def _deflate(kind: EventKind, state: State) -> _Deflate | None:
    if not state.recv_window:
        return None
    if kind is EventKind.RECEIVE:
        return _Deflate(state.recv_window, state.recv_history, state.recv_compressed)
    return _Deflate(state.send_window, state.send_history, state.send_compressed)


@lru_cache(maxsize=16)
def _alphabet(rules: RuleSet, role: Role, limit: int | None, *, pairs: bool = False) -> Alphabet:
    """The alphabet for a role and a limit: no atom compares an event with any other part of a setting.

    Heads that no rule tells apart are kept: a mutant may.
    """
    return Alphabet(rules, Setting(role, limit), pairs=pairs, classes=False)


_SAY_NO_REASON: Final = (1000, 1001, NO_CODE)
"""Codes of a Close that nothing provoked, on both sides of those that are no reason."""

_FRAGMENT: Final = 7
"""Octets of a fragment that inflates to one octet, an empty block included up to whose end the receiver can inflate."""

_ENOUGH: Final = 24
"""Octets that inflate to anything that is tried, but for what a distance needs."""

_OPCODES: Final = (TEXT, BINARY, PING, PONG, CLOSE, CONTINUATION)


def _payloads(frame: FrameFacts, before: int | None) -> tuple[bytes | None, ...]:
    """Octets to try besides any: a binary message goes on with what is no text."""
    if frame.opcode == CONTINUATION and before is None and frame.length == 1:
        return None, b"\xff"
    return (None,)


def starts(first: State = ESTABLISHED) -> list[WorldStart]:
    """The starts in the default world and in those that differ from it in one point, the nearest first.

    They begin right after the opening handshake, or before it (CONNECTING). Those whose histories may depart from rules
    come last.
    """
    base = _base()
    near = [WorldStart(setting, first) for setting in base]
    if first == CONNECTING:
        near += [WorldStart(Setting(Role.SERVER, echo=True, willing=True), first)]
        near += [WorldStart(Setting(Role.CLIENT, echo=True, browser=True), first)]
    else:
        near += [WorldStart(Setting(role, echo=False)) for role in Role]
        near += [WorldStart(Setting(s.role, limit=SMALL_LIMIT, echo=True)) for s in base]
        near += [WorldStart(s, State(**{claim: True})) for claim in CLAIMS for s in base]
        near += [WorldStart(s, agreed) for agreed in AGREEMENTS for s in base]
        marks = (AGREEMENTS[0], State(claims_rsv1=True))
        near += [WorldStart(Setting(s.role, limit=SMALL_LIMIT, echo=True), one) for one in marks for s in base]
    for switch in switches_about(first):
        for value in switch.values:
            if value != switch.default:
                changed = Switches(**{switch.name: value})
                begun = _where_read((switch,), first)
                near += [WorldStart(Setting(s.role, echo=True, switches=changed), one) for one in begun for s in base]
    return [*near, *(WorldStart(start.setting, start.state, True) for start in near)]


def _base() -> list[Setting]:
    return [Setting(role, echo=True) for role in (Role.SERVER, Role.CLIENT)]


@lru_cache(maxsize=2)
def switches_about(first: State) -> tuple[Switch, ...]:
    """The switches that rules of the opening handshake read, if it is still to come; else those that others read."""
    read = {n for row in RULES if of_handshake(row) == (first == CONNECTING) for n in variables(row.when)}
    return tuple(switch for switch in SWITCHES if switch.variable.name in read)


def starts_with_two(points: Collection[str], first: State = ESTABLISHED) -> list[WorldStart]:
    """The starts that differ from the default in two of some switches, given by the names of their variables."""
    choices = [(s, v) for s in switches_about(first) if s.variable.name in points for v in s.values if v != s.default]
    return [
        WorldStart(
            Setting(role, echo=True, switches=Switches(**{one.name: a, two.name: b})), _where_read((one, two), first)[0]
        )
        for (one, a), (two, b) in combinations(choices, 2)
        if one is not two
        for role in (Role.SERVER, Role.CLIENT)
    ]


def _where_read(switches: Sequence[Switch], first: State) -> Sequence[State]:
    """The first state, with permessage-deflate agreed on where one of the switches is read nowhere else."""
    return AGREEMENTS if first == ESTABLISHED and any(s.name in _OF_DEFLATE for s in switches) else (first,)


_OF_DEFLATE: Final = ("bad_deflate_data", "empty_deflate_payload", "final_block_alone")


__all__ = [
    "ESTABLISHED",
    "SMALL_LIMIT",
    "HistoryStep",
    "Situation",
    "Trial",
    "TrialEvents",
    "World",
    "WorldStart",
    "starts",
    "starts_with_two",
]
