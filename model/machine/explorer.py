"""A breadth-first explorer of any step relation: of one endpoint, of a pair of endpoints, of a model and its mutant.

Start states and a function from a state to its labelled steps go in. Every reachable state comes out once, the nearest
first, with a shortest path to it. Steps are taken in the order in which the function gives them: the same relation
gives the same paths, always.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final, Generic, TypeVar

S = TypeVar("S", bound=Hashable)
L = TypeVar("L")


class TooManyStatesError(RuntimeError):
    """The exploration was given up: it reached more states than it was allowed."""


class Visit(Generic[S, L]):
    """A state at the moment when an exploration gets there, and the number of steps of a shortest path to it."""

    def __init__(self, state: S, depth: int, steps: Callable[[S], Iterable[tuple[L, S]]]) -> None:
        self.state: Final = state
        self.depth: Final = depth
        self._steps: Final = steps

    @cached_property
    def leaving(self) -> list[tuple[L, S]]:
        """The steps from the state: each with its label and the state after it."""
        return list(self._steps(self.state))


def path_to(via: Mapping[S, tuple[S, L] | None], state: S) -> tuple[L, ...]:
    """The labels of the steps to a state, from the step by which each state was first reached."""
    labels: list[L] = []
    step = via[state]
    while step is not None:
        labels.append(step[1])
        step = via[step[0]]
    return tuple(reversed(labels))


class BreadthFirst(Generic[S, L]):
    """One exploration. Iterating over it visits the states; nothing is explored before it is asked for.

    ``key``: only the first state with a key is visited. ``longest``: the length of the longest paths, in steps; states
    at their end are visited, and not left. ``most``: the number of states beyond which :class:`TooManyStatesError` is
    raised.
    """

    def __init__(
        self,
        starts: Iterable[S],
        steps: Callable[[S], Iterable[tuple[L, S]]],
        *,
        key: Callable[[S], Hashable] | None = None,
        longest: int | None = None,
        most: int | None = None,
    ) -> None:
        self.via: Final[dict[S, tuple[S, L] | None]] = {}
        """The reached states, the nearest first: the state and the step that lead there first; None for a start."""
        self._steps: Final = steps
        self._key: Final = key
        self._keys: Final[set[Hashable]] = set()
        self._longest: Final = longest
        self._most: Final = most
        self._queue: Final[deque[Visit[S, L]]] = deque()
        for state in starts:
            self._reach(state, None, 0)

    def __iter__(self) -> Iterator[Visit[S, L]]:
        while self._queue:
            visit = self._queue.popleft()
            yield visit
            self._leave(visit)

    def layers(self) -> Iterator[tuple[S, ...]]:
        """The states by their distance, all of one distance at once, instead of one after another."""
        while self._queue:
            layer = tuple(self._queue)
            self._queue.clear()
            yield tuple(visit.state for visit in layer)
            for visit in layer:
                self._leave(visit)

    def path(self, state: S) -> tuple[L, ...]:
        """The labels of a shortest path to a reached state; :class:`KeyError` for any other state."""
        return path_to(self.via, state)

    def _leave(self, visit: Visit[S, L]) -> None:
        if visit.depth != self._longest:
            for label, state in visit.leaving:
                self._reach(state, (visit.state, label), visit.depth + 1)

    def _reach(self, state: S, step: tuple[S, L] | None, depth: int) -> None:
        if state in self.via:
            return
        if self._key is not None:
            key = self._key(state)
            if key in self._keys:
                return
            self._keys.add(key)
        if self._most is not None and len(self.via) >= self._most:
            raise TooManyStatesError(f"more than {self._most} states")
        self.via[state] = step
        self._queue.append(Visit(state, depth, self._steps))
