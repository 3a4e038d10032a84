"""Keys of known generators are found, in either order of octets; keys of a strong source never are."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsoracle.properties.connections.foreseen_keys import ORDERS, foreseen

_ALL = 0xFFFFFFFF


def counter() -> Iterator[int]:
    number = 0xFFFFFFF0  # it passes the end
    while True:
        yield number & _ALL
        number += 1


def clock() -> Iterator[int]:
    steps, number = random.Random(4), 123_456_789
    while True:
        number += steps.randrange(900)
        yield number & _ALL


def congruential() -> Iterator[int]:
    number = 12345
    while True:
        number = (1664525 * number + 1013904223) & _ALL
        yield number


def java() -> Iterator[int]:
    state = 42 ^ 0x5DEECE66D
    while True:
        state = (state * 0x5DEECE66D + 0xB) & (1 << 48) - 1
        yield state >> 16


def c_library() -> Iterator[int]:
    """rand() of glibc, as its srandom_r and random_r are: seeded with 1 it begins with 1804289383."""
    words = [1]
    for _ in range(30):
        words.append(16807 * words[-1] % 2147483647)
    words += words[:3]
    while True:
        words.append((words[-31] + words[-3]) & _ALL)
        if len(words) > 344:
            yield words[-1] >> 1


def go() -> Iterator[int]:
    """math/rand: Uint32 is the upper half of the 63 bits of a sum of two earlier words of 64."""
    seeds = random.Random(6)
    words = [seeds.getrandbits(64) for _ in range(607)]
    while True:
        words.append((words[-607] + words[-273]) & (1 << 64) - 1)
        yield (words[-1] & (1 << 63) - 1) >> 31


def mersenne() -> Iterator[int]:
    numbers = random.Random(7)
    while True:
        yield numbers.getrandbits(32)


def xorshift32() -> Iterator[int]:
    x = 2463534242
    while True:
        x ^= x << 13 & _ALL
        x ^= x >> 17
        x ^= x << 5 & _ALL
        yield x


def xorshift128() -> Iterator[int]:
    x, y, z, w = 123456789, 362436069, 521288629, 88675123
    while True:
        t = x ^ (x << 11 & _ALL)
        x, y, z = y, z, w
        w = w ^ w >> 19 ^ t ^ t >> 8
        yield w


GENERATORS: dict[Callable[[], Iterator[int]], tuple[int, str]] = {
    counter: (10, "counter"),
    clock: (10, "clock"),
    congruential: (12, "congruential"),
    java: (8, "java.util.Random"),
    c_library: (60, "rand()"),
    go: (620, "math/rand"),
    mersenne: (640, "Mersenne"),
    xorshift32: (200, "1 before"),
    xorshift128: (300, "4 before"),
}


def keys_of(generator: Callable[[], Iterator[int]], count: int, order: str) -> list[bytes]:
    return [number.to_bytes(4, "big" if order == "big" else "little") for number in islice(generator(), count)]


def test_the_generators_are_the_real_ones() -> None:
    assert next(c_library()) == 1804289383
    assert next(java()) == -1170105035 & _ALL  # new Random(42).nextInt()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("generator", GENERATORS, ids=lambda generator: generator.__name__)
def test_a_weak_generator_is_found_and_named(generator: Callable[[], Iterator[int]], order: str) -> None:
    count, words = GENERATORS[generator]
    found = foreseen(keys_of(generator, count, order))
    assert found is not None and words in found.law
    assert 0 < found.hits <= found.of <= count


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda generator: generator.__name__)
def test_a_few_numbers_are_no_proof(generator: Callable[[], Iterator[int]]) -> None:
    assert foreseen(keys_of(generator, 3, "big")) is None


def test_a_law_is_found_among_keys_of_other_connections() -> None:
    """Connections that do not follow one another's numbers may lie between."""
    strong = random.SystemRandom()
    parts = [keys_of(congruential, 30, "big")[n : n + 10] for n in (0, 10, 20)]
    keys = [key for part in parts for key in [*part, strong.randbytes(4), strong.randbytes(4)]]
    found = foreseen(keys)
    assert found is not None and found.hits < found.of


@settings(max_examples=40)
@given(st.integers(2, 3000), st.randoms(use_true_random=False))
def test_keys_of_a_digest_are_never_accused(count: int, seeds: random.Random) -> None:
    """A digest of a counter stands for a strong source, and makes the same keys in each run."""
    from hashlib import blake2b

    seed = seeds.randbytes(8)
    keys = [blake2b(seed + n.to_bytes(4, "big"), digest_size=4).digest() for n in range(count)]
    assert foreseen(keys) is None
