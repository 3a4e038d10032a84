"""Runs of fragments that are all alike: an endpoint that reads one of them may as well have read the next ones too.

Theory of operation. Of tens of thousands of equal fragments each may be the one that a faulty endpoint refused, and
each may be the latest that it had read. But where all are taken in for nothing, and leave the endpoint where it was,
nothing tells which. To refuse the last of them explains as much as to refuse one before it, and is the later fault;
what may be sent between two of them may be sent before the first. A limit that is passed on the way stays passed. So a
search reads the last of a run one by one, and those before them at once.
"""

from __future__ import annotations

from typing import Final

from wsoracle.model.facts.arriving import ArrivingFrames
from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.notation.variables import State
from wsoracle.model.octets.vocabulary import BINARY

from .explanation import Explanation, Trail

LEAST_AT_ONCE: Final = 320
"""The fewest fragments that are read at once: so many are one step of an explanation in any case."""
LAST_ONES: Final = 64
"""How many of a run are read one by one: as far as what an endpoint does may depend on the frames that follow."""


class Runs:
    """The runs among the frames that arrive."""

    def __init__(self, arriving: ArrivingFrames) -> None:
        self._arriving: Final = arriving
        self._known: Final[dict[State, tuple[int, int]]] = {}
        """For a state, where the run begins that was looked for last, and the first frame behind it."""

    def left(self, index: int, state: State) -> int:
        """How many frames from this one on are fragments that are all alike to an endpoint in a state, itself too."""
        frames = self._arriving.frames
        header = frames[index].header
        if header.fin or header.opcode > BINARY:
            return 0
        state = state._replace(recv_length=0)
        begin, behind = self._known.get(state, (0, 0))
        if not begin <= index < behind:
            facts, behind = self._arriving.facts(index, state), index + 1
            while behind < len(frames) and self._arriving.facts(behind, state) == facts:
                behind += 1
            self._known[state] = index, behind
        return behind - index


def at_once(before: Explanation, read: list[Explanation], count: int) -> Explanation | None:
    """The explanation that has read so many frames, all like the one that is read; None where that changes more.

    `read` are the explanations after the first of them: one takes it in for nothing, all others fail.
    """
    free = [one for one in read if not one.place.state.failed]
    if len(free) != 1 or free[0].cost != before.cost or free[0].trail is None:
        return None
    place, then, step = before.place, free[0].place, free[0].trail.step
    if step.label is None or step.label.kind is not Kind.ACCEPT:
        return None
    length = 0 if step.event is None or step.event.frame is None else step.event.frame.length
    counted = then.state.recv_length - place.state.recv_length
    if counted not in (0, length) or then._replace(consumed=place.consumed, state=place.state) != place:
        return None
    if then.state._replace(recv_length=place.state.recv_length) != place.state:
        return None
    state = then.state._replace(recv_length=place.state.recv_length + counted * count)
    ahead = then._replace(consumed=place.consumed + count, state=state)
    return before._replace(place=ahead, trail=Trail(before.trail, step._replace(times=count)))
