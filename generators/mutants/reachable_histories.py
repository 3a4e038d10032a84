"""Worlds to try mutants in: from a setting and a first state, the reachable states with their shortest histories.

A world is explored breadth first, layer by layer, as far as it is asked to, and shared by all mutants: for each state
it knows the trial events, what the original expects of them, and the states after them.

A world begins before the opening handshake (CONNECTING) or right after it. Rules of the data transfer need no more than
the second, where histories are shorter; those of the handshake are followed beyond it, for what a fault of theirs does
may be seen only there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.explorer import BreadthFirst
from wsoracle.model.machine.generated_code import Masks
from wsoracle.model.machine.guard_atoms import reporting_variables
from wsoracle.model.machine.interpreted import LEVELS, Label
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import Event, EventKind, State
from wsoracle.model.rules import RULES

from .observable import EventHistory, Expectation, HistoryStep, OnceEach, Outlook, alike, as_seen, can_happen, step_at
from .trial_events import TrialEvents
from .world_starts import SMALL_LIMIT, WorldStart

SHORT_FRAME: Final = SMALL_LIMIT + 1
"""The largest frame, in octets, after which a history goes on."""


class Trial:
    """An event in a state, and the rows that are enabled there.

    What the original expects of it, and the state after each outcome, are worked out when somebody asks: in the states
    that are farthest away, which are most, only where a mutant enables other rows.
    """

    __slots__ = ("_observed", "_outlook", "enabled", "event", "facts", "masks", "payload")

    def __init__(self, event: Event, masks: Masks, outlook: Outlook, payload: bytes | None) -> None:
        self.event: Final = event
        self.facts: Final = event.facts
        self.masks: Final = masks
        self.enabled: Final = masks[0] | masks[1] | masks[2]
        self.payload: Final = payload
        """The octets, where others with the same facts would not do."""
        self._outlook: Final = outlook
        self._observed: tuple[Expectation, dict[Label, State]] | None = None

    @property
    def expected(self) -> Expectation:
        """What the original expects."""
        return self._seen()[0]

    @property
    def after(self) -> dict[Label, State]:
        """The state after each outcome."""
        return self._seen()[1]

    def _seen(self) -> tuple[Expectation, dict[Label, State]]:
        if self._observed is None:
            self._observed = self._outlook.of(self.event, self.masks)
        return self._observed

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
        self._again: Final[dict[tuple[Event, State], Trial | None]] = {}
        self.kept = 0
        """How many trials are kept, lest they be made again."""
        # Trials are many and much alike: each distinct part is kept once.
        self._masks: Final[dict[Masks, Masks]] = {}
        self._outcomes: Final = OnceEach()
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
            here = Outlook(self.machine, state, self._outcomes)
            self._trials[key] = tuple(self._tried(here, *one) for one in self._events(kind, state))
            self.kept += len(self._trials[key])
        return self._trials[key]

    def forget(self) -> int:
        """Keep no trials so far, which are most of what a world takes; how many there were."""
        forgotten, self.kept = self.kept, 0
        self._trials.clear()
        self._again.clear()
        return forgotten

    def pairs(self, state: State, kind: EventKind) -> Iterator[Trial]:
        """Trials of heads that differ from a sound one, or from a bare one, in two points."""
        for event in self._events.pairs(kind, state):
            yield self.tried(state, event)

    def has(self, event: Event, state: State) -> bool:
        """Whether events of this kind are possible in a state."""
        return can_happen(event.kind, state, self.start.setting)

    def again(self, event: Event, state: State) -> Trial | None:
        """The trial of an event that is possible in the first state, where its octets mean the same in another one."""
        if (event, state) not in self._again:
            as_there = self.has(event, state) and step_at(state, event) == step_at(self.start.state, event)
            self._again[event, state] = self.tried(state, event) if as_there else None
        return self._again[event, state]

    def tried(self, state: State, event: Event, payload: bytes | None = None) -> Trial:
        """An event tried in a state."""
        return self._tried(Outlook(self.machine, state, self._outcomes), event, payload)

    def _tried(self, here: Outlook, event: Event, payload: bytes | None) -> Trial:
        masks = self.machine.masks(event.kind, here.state, event.facts)
        return Trial(event, self._masks.setdefault(masks, masks), here, payload)

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
