"""Queues of explanations: what an endpoint still has to echo, or to tell its application.

Explanations that differ in a step share what went before. So a queue is a part of a list that only grows: to add to it,
to take from it and to tell it from another take the same time however long it is. Each knows the sum of the hashes of
its items, by which queues that differ are told apart at once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final, Generic, TypeVar

ItemT = TypeVar("ItemT")


class _Items(list[ItemT]):
    """A list that only grows, and tells fast where an item stands in it."""

    __slots__ = ("_known", "_places")

    def __init__(self, items: Iterable[ItemT] = ()) -> None:
        super().__init__(items)
        self._places: Final[dict[ItemT, list[int]]] = {}
        self._known = 0

    def has(self, item: ItemT, first: int, last: int) -> bool:
        """Whether an item stands at ``first`` or behind it, and before ``last``."""
        for place in range(self._known, len(self)):
            self._places.setdefault(self[place], []).append(place)
        self._known = len(self)
        places = self._places.get(item, ())
        at = bisect_left(places, first)
        return at < len(places) and places[at] < last


class Waiting(Generic[ItemT]):
    """A queue that never changes, in the order in which its items came; adding and taking give another one."""

    __slots__ = ("_first", "_items", "_last", "_sum")

    def __init__(self, items: Iterable[ItemT] = (), first: int = 0, last: int = 0, total: int | None = None) -> None:
        self._items: Final = items if isinstance(items, _Items) else _Items(items)
        self._first: Final = first
        self._last: Final = last
        self._sum: Final = sum(map(hash, self._items[first:last])) if total is None else total

    def and_then(self, item: ItemT) -> Waiting[ItemT]:
        """With one item more behind the others."""
        items, first, last = self._items, self._first, self._last
        total = self._sum + hash(item)
        if first == last:
            return Waiting((item,), 0, 1, total)
        if last == len(items):
            items.append(item)
        elif items[last] != item:  # another explanation went on otherwise
            return Waiting([*items[first:last], item], 0, last - first + 1, total)
        return Waiting(items, first, last + 1, total)

    def without(self, count: int) -> Waiting[ItemT]:
        """Without the first items, so many as ``count`` says."""
        if count >= len(self):
            return Waiting()
        first = self._first + count
        taken = sum(map(hash, self._items[self._first : first]))
        return Waiting(self._items, first, self._last, self._sum - taken)

    @property
    def next(self) -> ItemT | None:
        """The first item; None in an empty queue."""
        return self._items[self._first] if self._first < self._last else None

    @property
    def last(self) -> ItemT | None:
        """The last item; None in an empty queue."""
        return self._items[self._last - 1] if self._first < self._last else None

    def __iter__(self) -> Iterator[ItemT]:
        return map(self._items.__getitem__, range(self._first, self._last))

    def __contains__(self, item: object) -> bool:
        return len(self) > 0 and self._items.has(item, self._first, self._last)

    def __len__(self) -> int:
        return self._last - self._first

    def __hash__(self) -> int:
        return hash(self._sum)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Waiting):
            return NotImplemented
        first, last = self._first, self._last
        if self._items is other._items and first == other._first:
            return last == other._last
        if self._sum != other._sum or len(self) != len(other):
            return False
        return self._items[first:last] == other._items[other._first : other._last]

    def __repr__(self) -> str:
        return f"Waiting({list(self)})"
