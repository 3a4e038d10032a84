"""What a faulty endpoint does with a frame that arrives, instead of what the rules allow."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from wsoracle.model.machine.interpreted import Kind, Label
from wsoracle.model.notation.rule import Accept, Fail, Rule, Strength
from wsoracle.model.notation.variables import Event, EventKind, FrameFacts, State
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION

from .late import without_soon
from .steps import Reacted, Steps

_USUAL_CODE: Final = 1002
_SILENCE: Final = Event(EventKind.SILENCE)


class Misreading:
    """The reactions of a faulty endpoint to a frame, in one trace and at the leniency of ``steps``.

    ``lazy``: those are left out of which what is seen says that they break more than counts.
    """

    def __init__(self, steps: Steps, *, lazy: bool) -> None:
        self._steps: Final = steps
        self._lazy: Final = lazy
        self._history: Final = steps.history
        self._faults: Final = steps.leniency.faults
        self._sees: Final = steps.subject.sees

    def of(self, state: State, event: Event, frame: FrameFacts, allowed: Collection[Label]) -> Iterator[Reacted]:
        """The reactions that break a rule; ``allowed`` are those that break none, or depart from what is no MUST."""
        refusals = self._steps.machine.forbidden_by(state, event)
        if refusals:
            yield from self._unrefused(state, event, frame, refusals, allowed)
        elif any(label.kind is Kind.ACCEPT for label in allowed):
            yield from self._refused(state, event, frame)
            yield from self._taken_as_whole(state, event, frame)
        else:
            yield from self._attended(state, event)
            yield from self._failed_late(state, event, frame)

    def _unrefused(
        self, state: State, event: Event, frame: FrameFacts, refusals: tuple[Rule, ...], allowed: Collection[Label]
    ) -> Iterator[Reacted]:
        """A frame that must be refused is dropped, or accepted as if nothing were wrong with it.

        Seen from inside, it may also be told as a whole message though it is none.
        """
        broken = tuple(rule.id for rule in refusals)
        yield Reacted(Label(Kind.IGNORE), state, (), broken)
        taken = list(self._steps.lawless.allowed(state, event))
        if self._faults and self._sees and not frame.fin and frame.opcode <= BINARY:
            taken += self._steps.lawless.allowed(state, event._replace(frame=frame._replace(fin=True)))
        for outcome in taken:
            if outcome.label.kind is Kind.ACCEPT and outcome.label not in allowed:
                yield Reacted(outcome.label, outcome.state, outcome.rules, broken)

    def _refused(self, state: State, event: Event, frame: FrameFacts) -> Iterator[Reacted]:
        """A legal frame is refused: the connection is failed with one of the codes that are seen to be sent.

        A Close may be dropped, which shows where what follows is answered. Seen from inside, the end of a message may
        be dropped too, which shows in what is told later.
        """
        if not self._faults:
            return
        rows = self._steps.machine.enabled(state, event)
        broken = tuple(rule.id for rule in rows if isinstance(rule.then, Accept))
        if self._faults > 1 or not self._are_two_faults(broken, state, frame):
            yield from self.failing(state, frame, broken)
        if frame.opcode == CLOSE:
            # Rather it took the Close and has not answered, if that breaks no more.
            yield Reacted(Label(Kind.IGNORE), state, (), broken, own_limit=True)
        if self._sees and frame.opcode == CONTINUATION and frame.fin:
            yield Reacted(Label(Kind.IGNORE), state, (), broken)  # what comes next is told as the end of the message

    def _are_two_faults(self, broken: tuple[str, ...], state: State, frame: FrameFacts) -> bool:
        """Whether to fail the connection is a fault, and the silence in which the trace ends is another one then."""
        if not self._lazy or not self._history.ends_in_silence or not self._has_must(broken):
            return False
        failed = self.failing(state, frame, ())[0].state
        return self._has_must(rule.id for rule in without_soon(self._steps.machine.forbidden_by(failed, _SILENCE)))

    def _has_must(self, rules: Iterable[str]) -> bool:
        return any(self._steps.rules.by_id[rule].strength is Strength.MUST for rule in rules)

    def _taken_as_whole(self, state: State, event: Event, frame: FrameFacts) -> Iterator[Reacted]:
        """A frame that begins or continues a message is taken for its end: a part is told as a whole message."""
        if not self._faults or not self._sees or frame.fin or frame.opcode > BINARY:
            return
        rows = self._steps.machine.enabled(state, event)
        broken = tuple(rule.id for rule in rows if isinstance(rule.then, Accept))
        for outcome in self._steps.machine.allowed(state, event._replace(frame=frame._replace(fin=True))):
            if outcome.label.kind is Kind.ACCEPT:
                yield Reacted(outcome.label, outcome.state, outcome.rules, broken)

    def _failed_late(self, state: State, event: Event, frame: FrameFacts) -> Iterator[Reacted]:
        """The connection is failed because of a frame that must not be processed any more, and that is told."""
        if state.failed or not self._history.tells_of_failure:
            return
        broken = tuple(rule.id for rule in self._steps.machine.enabled(state, event) if rule.strength.binds)
        if broken:
            yield from self.failing(state, frame, broken)

    def failing(self, state: State, frame: FrameFacts, broken: tuple[str, ...]) -> list[Reacted]:
        """The connection is failed, which breaks rules, with one of the codes that are seen to be sent or told."""
        row = next(rule for rule in self._steps.rules.of(EventKind.RECEIVE) if isinstance(rule.then, Fail))
        failed = self._steps.machine.after(row, state, frame)
        told = self._history.told_failures
        codes = told if state.sent_close else self._history.sent.close_codes or told
        return [
            Reacted(Label(Kind.FAIL, code), failed._replace(fail_code=code), (), broken)
            for code in codes or (_USUAL_CODE,)
        ]

    def _attended(self, state: State, event: Event) -> Iterator[Reacted]:
        """A frame that must not be processed any more is processed as if it had come in time."""
        broken = tuple(rule.id for rule in self._steps.machine.enabled(state, event) if rule.strength.binds)
        if not broken:
            return
        in_time = state._replace(failed=False, got_close=False, discarding=False, peer_open=True)
        for outcome in self._steps.lawless.allowed(in_time, event):
            if outcome.label.kind is Kind.ACCEPT:
                for silently in (False, True):
                    yield Reacted(outcome.label, state, outcome.rules, broken, silently=silently)
