"""Queues of explanations: what an endpoint still has to echo, or to tell its application.

Explanations that differ in a step share what went before. So a queue is a part of a list that only grows: to add to it,
to take from it and to compare it take the same time however long it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Generic, TypeVar

ItemT = TypeVar("ItemT")


class Waiting(Generic[ItemT]):
    """A queue that never changes, in the order in which its items came; adding and taking give another one."""

    __slots__ = ("_first", "_items", "_last")

    def __init__(self, items: list[ItemT] | None = None, first: int = 0, last: int = 0) -> None:
        self._items: Final = [] if items is None else items
        self._first: Final = first
        self._last: Final = last

    def and_then(self, item: ItemT) -> Waiting[ItemT]:
        """With one item more behind the others."""
        items, first, last = self._items, self._first, self._last
        if first == last:
            return Waiting([item], 0, 1)
        if last == len(items):
            items.append(item)
        elif items[last] != item:  # another explanation went on otherwise
            return Waiting([*items[first:last], item], 0, last - first + 1)
        return Waiting(items, first, last + 1)

    def without(self, count: int) -> Waiting[ItemT]:
        """Without the first items, so many as ``count`` says."""
        return Waiting(self._items, self._first + count, self._last) if count < len(self) else Waiting()

    @property
    def next(self) -> ItemT | None:
        """The first item; None in an empty queue."""
        return self._items[self._first] if self._first < self._last else None

    def __iter__(self) -> Iterator[ItemT]:
        return map(self._items.__getitem__, range(self._first, self._last))

    def __len__(self) -> int:
        return self._last - self._first

    def __hash__(self) -> int:
        return self._last - self._first

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Waiting):
            return NotImplemented
        if self._items is other._items and self._first == other._first:
            return self._last == other._last
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    def __repr__(self) -> str:
        return f"Waiting({list(self)})"
