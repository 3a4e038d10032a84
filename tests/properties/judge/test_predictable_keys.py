"""Masking keys that can be foreseen: certain where chance is out of the question, and never of random ones."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.masking_keys import CountedKeys
from wsoracle.model.octets.vocabulary import TEXT, Frame, Role
from wsoracle.properties.judge.judge import judge
from wsoracle.properties.judge.observation import Quiet, Writes
from wsoracle.properties.judge.predictable_keys import MaskingKeys, predictable

RULE = "5.3/unpredictable-key"
keys = st.binary(min_size=4, max_size=4)


def drawn(count: int, seed: int) -> list[bytes]:
    return [Random(seed + index).randbytes(4) for index in range(0, count << 8, 256)]


@given(st.integers(0, 2**64), st.integers(0, 300))
def test_random_keys_are_not_accused(seed: int, count: int) -> None:
    assert predictable(drawn(count, seed)) is None


def test_many_random_keys_some_of_which_repeat() -> None:
    source = Random(6455)
    many = [source.randbytes(4) for _ in range(200_000)]
    assert len(set(many)) < len(many)
    assert predictable(many) is None


@given(keys)
def test_two_equal_keys_may_be_chance_and_three_are_not(key: bytes) -> None:
    assert predictable([key] * 2) is None
    assert predictable([key] * 3) == f"all 3 masking keys are {key.hex()}"


@given(st.lists(keys, min_size=2, max_size=4, unique=True))
def test_a_few_keys_in_turn(few: list[bytes]) -> None:
    assert predictable(few * 10) is not None


@given(st.integers(0, 2**32 - 1), st.integers(1, 2**32 - 1), st.sampled_from(["big", "little"]))
def test_keys_that_count(first: int, step: int, order: str) -> None:
    counted = [(first + step * n & 0xFFFFFFFF).to_bytes(4, "big" if order == "big" else "little") for n in range(5)]
    assert predictable(counted) is not None


@given(st.integers(0, 300))
def test_keys_of_one_random_octet(seed: int) -> None:
    assert predictable(b"\0\0\0" + key[:1] for key in drawn(6, seed)) is not None


def test_the_pattern_is_found_behind_a_good_beginning() -> None:
    assert predictable([*drawn(20, 1), *[bytes(4)] * 5]) is not None


def test_the_keys_of_the_model_in_tests_look_random() -> None:
    source = CountedKeys()
    assert predictable(source() for _ in range(10_000)) is None


@given(st.lists(st.sampled_from([bytes(4), b"\1\2\3\4", b"\0\0\0\1"]), max_size=12))
def test_one_by_one_gives_what_all_at_once_gives(some: list[bytes]) -> None:
    so_far = MaskingKeys()
    told = [so_far.add(key) for key in some]
    assert sum(told) == (so_far.reason is not None)
    assert so_far.reason == predictable(some)


def written(role: Role, used: list[bytes]) -> list[Writes | Quiet]:
    return [*(Writes(encode(Frame(TEXT, b"x", key=key))) for key in used), Quiet()]


@pytest.mark.parametrize("count", [3, 20])
def test_the_judge_names_the_rule_once_and_the_frame_that_shows_it(count: int) -> None:
    judgement = judge(written(Role.CLIENT, [b"\1\2\3\4"] * count), Setting(Role.CLIENT))
    assert judgement.rules == (RULE,)
    assert judgement.octet == 2 * len(encode(Frame(TEXT, b"x", key=bytes(4))))
    assert judgement.note == "all 3 masking keys are 01020304"


def test_a_client_with_random_keys_is_not_accused() -> None:
    assert judge(written(Role.CLIENT, drawn(20, 7)), Setting(Role.CLIENT)).rules == ()


def test_a_server_that_masks_is_accused_of_that_alone() -> None:
    assert RULE not in judge(written(Role.SERVER, [b"\1\2\3\4"] * 3), Setting(Role.SERVER)).rules
