"""A copy of something that grows, which goes on for itself: what is seen of the one does not touch the other.

Theory of operation. A watch and its searches keep containers that grow, of values that never change. So the copy has
containers of its own, and shares what is in them; it takes far less time than to judge all of it again. The parts that
keep them are objects of the rooms named below, each copied once however often it is referred to. What reads compressed
messages stands in the middle of one, where only the reader itself knows how to be copied.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import is_dataclass
from enum import Enum
from types import MethodType
from typing import Any, Final, TypeVar, cast

from wsoracle.model.octets.deflate import DeflateTracer

WholeT = TypeVar("WholeT")

_ROOMS: Final = ("wsoracle.properties.judge.", "wsoracle.model.facts.", "wsoracle.model.octets.")
_CONTAINERS: Final = (list, dict, set, bytearray, Counter)
_READERS: Final = (DeflateTracer, type(zlib.decompressobj()))
"""They have a method ``copy``."""
_CHANGING: Final[dict[type, bool]] = dict.fromkeys((*_CONTAINERS, *_READERS, MethodType), True)
"""Whether what is of a type can change, of the types seen so far."""


def forked(whole: WholeT) -> WholeT:
    """The copy of an object, with copies of all its parts that can change."""
    return cast(WholeT, _copied(whole, {}))


def _can_change(kind: type) -> bool:
    """Whether objects of a type can change: of these rooms all but dataclasses, enumerations, and what has slots."""
    known = _CHANGING.get(kind)
    if known is None:
        fixed = is_dataclass(kind) or issubclass(kind, Enum) or "__dict__" not in dir(kind)
        known = _CHANGING[kind] = kind.__module__.startswith(_ROOMS) and not fixed
    return known


def _copied(value: Any, copies: dict[int, Any]) -> Any:
    """The copy of a part, which may be known already, by the identity of the original."""
    kind = type(value)
    if not _can_change(kind):
        return value
    copy = copies.get(id(value))
    if copy is not None:
        return copy
    if kind is MethodType:
        return MethodType(value.__func__, _copied(value.__self__, copies))
    if kind in _READERS:
        copy = copies[id(value)] = value.copy()
        return copy
    if kind in _CONTAINERS:
        copy = copies[id(value)] = _container(value, copies)
        return copy
    copy = copies[id(value)] = object.__new__(kind)
    changing, own = _CHANGING, vars(value).copy()
    for name, held in own.items():
        if changing.get(type(held), True):
            own[name] = _copied(held, copies)
    vars(copy).update(own)
    return copy


def _container(value: Any, copies: dict[int, Any]) -> Any:
    """A container of its own. Its items can change where the first one can."""
    copy = value.copy()
    if isinstance(copy, list) and copy and _can_change(type(copy[0])):
        copy[:] = [_copied(item, copies) for item in copy]
    elif isinstance(copy, dict) and copy and _can_change(type(next(iter(copy.values())))):
        for key, item in copy.items():
            copy[key] = _copied(item, copies)
    return copy
