"""A copy shares nothing with the original that can change. That it goes on the same way, `test_live` tests."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from enum import Enum
from types import FunctionType, GeneratorType, MethodType
from typing import Any

import pytest

from tests.properties.judge.test_compressed_conversations import Talk, Turn
from tests.properties.judge.test_live import ASKS, OPENS, PING, PONG
from wsoracle.model.endpoint.deflate import DeflateOffer
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.deflate import DeflateTracer
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.forking import forked
from wsoracle.properties.judge.live import Watch
from wsoracle.properties.judge.observation import Arrives, Asks, Writes
from wsoracle.properties.judge.waiting import Waiting

INFLATER = type(zlib.decompressobj())
UNCHANGING = ("wsoracle.model.machine", "wsoracle.model.notation", "wsoracle.model.rules")


def grown() -> Watch:
    watch = Watch(Setting(Role.SERVER, echo=True), application="echo")
    text = bytes.fromhex("8181000000006d")
    for seen in (Arrives(ASKS), Writes(OPENS), Arrives(PING + text + text[:3]), Writes(PONG + b"\x81\x01m")):
        watch.observe(seen)
    watch.observe(Asks("binary", b"own"))
    return watch


def grown_compressed() -> Watch:
    """It saw a message in three fragments up to the middle of the second: zlib reads those that arrive."""
    talk = Talk(DeflateOffer(False, False, 9, 9), DeflateOffer(False, False, 9, 9))
    talk.turn(Turn([b"once " * 20, b"more"], True, True))
    talk.asks(Turn([b"and again, " * 40, b"twice", b"thrice"], True, True))
    trace = talk.trace(Role.SERVER, 10_000)
    watch = Watch(Setting(Role.SERVER, echo=True), application="echo")
    for seen in trace[:-1]:
        watch.observe(seen)
    assert isinstance(trace[-1], Arrives)
    watch.observe(Arrives(trace[-1].octets[:50]))
    return watch


def changing(whole: object) -> dict[int, Any]:
    """The containers and objects with attributes that can be reached, by identity. A queue's list is only added to."""
    found: dict[int, Any] = {}

    def walk(value: Any) -> None:
        kind = type(value)
        if (
            id(value) in found
            or kind.__module__.startswith(UNCHANGING)
            or isinstance(value, (type, FunctionType, Waiting, Enum))
        ):
            return
        if kind is MethodType:
            walk(value.__self__)
        elif isinstance(value, (dict, list, set, bytearray, GeneratorType, INFLATER)) or (
            hasattr(value, "__dict__") and not is_dataclass(kind)
        ):
            found[id(value)] = value
        for part in parts(value):
            walk(part)

    walk(whole)
    return found


def parts(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, (list, tuple, set)):
        yield from value
    elif hasattr(value, "__dict__") and not callable(value):
        yield from vars(value).values()


@pytest.mark.parametrize("grow", [grown, grown_compressed])
def test_nothing_that_changes_is_shared(grow: Callable[[], Watch]) -> None:
    watch = grow()
    before = changing(watch)
    copy = forked(watch)
    after = changing(copy)
    assert [before[shared] for shared in before.keys() & after.keys()] == []
    assert len(before) == len(after) > 40
    assert sorted(type(one).__name__ for one in before.values()) == sorted(type(one).__name__ for one in after.values())


def test_readers_of_compressed_messages_are_among_the_parts() -> None:
    found = {type(part) for part in changing(grown_compressed()).values()}
    assert {INFLATER, DeflateTracer, GeneratorType} <= found


def test_a_part_that_two_refer_to_is_one_part_of_the_copy() -> None:
    copy = forked(grown())
    assert vars(copy)["_history"] is vars(copy)["_frames"][0].history is vars(copy)["_heads"].history
