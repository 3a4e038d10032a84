"""A copy of something that grows, which goes on for itself: what is seen of the one does not touch the other.

Theory of operation. A watch and its searches keep containers that grow, of values that never change. So the copy has
containers of its own, and shares what is in them; it takes far less time than to judge all of it again. The parts that
keep them are objects of the rooms named below, each copied once however often it is referred to. What reads compressed
messages stands in the middle of one, where only the reader itself knows how to be copied.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import is_dataclass
from enum import Enum
from types import MethodType
from typing import Any, Final, TypeAlias, TypeVar, cast

from wsoracle.model.octets.deflate import DeflateTracer

WholeT = TypeVar("WholeT")

_ROOMS: Final = ("wsoracle.properties.judge.", "wsoracle.model.facts.", "wsoracle.model.octets.")

_Copies: TypeAlias = "dict[int, Any]"
"""The copies made so far, by the identity of the original."""
_Way: TypeAlias = "Callable[[Any, _Copies], Any]"


def forked(whole: WholeT) -> WholeT:
    """The copy of an object, with copies of all its parts that can change."""
    return cast(WholeT, _copied(whole, {}))


def _copied(value: Any, copies: _Copies) -> Any:
    way = _WAYS[type(value)]
    return value if way is None else way(value, copies)


class _Ways(dict[type, "_Way | None"]):
    """How what is of a type is copied; None where it cannot change: of these rooms dataclasses, enumerations, and what
    has slots, and of others all that is not named below. Worked out once for each type: copies are made often."""

    def __missing__(self, kind: type) -> _Way | None:
        fixed = is_dataclass(kind) or issubclass(kind, Enum) or "__dict__" not in dir(kind)
        way = self[kind] = _whole if kind.__module__.startswith(_ROOMS) and not fixed else None
        return way


def _whole(value: Any, copies: _Copies) -> Any:
    known = copies.get(id(value))
    if known is not None:
        return known
    copy = copies[id(value)] = object.__new__(type(value))
    ways, own = _WAYS, vars(copy)
    for name, held in vars(value).items():
        way = ways[type(held)]
        own[name] = held if way is None else way(held, copies)
    return copy


def _method(value: Any, copies: _Copies) -> Any:
    return MethodType(value.__func__, _copied(value.__self__, copies))


def _flat(value: Any, copies: _Copies) -> Any:
    """Of what knows how to be copied, and holds nothing that can change."""
    known = copies.get(id(value))
    if known is None:
        known = copies[id(value)] = value.copy()
    return known


def _list(value: Any, copies: _Copies) -> Any:
    """A list of its own. Its items can change where the first one can."""
    known = copies.get(id(value))
    if known is not None:
        return known
    copy = copies[id(value)] = value.copy()
    if copy and _WAYS[type(copy[0])] is not None:
        copy[:] = [_copied(item, copies) for item in copy]
    return copy


def _dict(value: Any, copies: _Copies) -> Any:
    """The same of a mapping and its values."""
    known = copies.get(id(value))
    if known is not None:
        return known
    copy = copies[id(value)] = value.copy()
    if copy and _WAYS[type(next(iter(copy.values())))] is not None:
        for key, item in copy.items():
            copy[key] = _copied(item, copies)
    return copy


_WAYS: Final = _Ways(
    {list: _list, dict: _dict, Counter: _flat, set: _flat, bytearray: _flat, MethodType: _method}
    | dict.fromkeys((DeflateTracer, type(zlib.decompressobj())), _flat)
)
