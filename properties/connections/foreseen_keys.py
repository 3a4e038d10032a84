"""Whether a client's masking keys come from a generator whose next number is known from those before (section 5.3).

Theory of operation. Keys are read as numbers, in both orders of octets, in the order in which they were used. Each
generator below has a law that holds between its numbers. Whatever came before, the law holds by chance for the next of
32 random bits with a stated chance, so that a few numbers which follow it are certain (`chance`).

Laws are looked for of: a counter or a clock (small steps), a linear congruential generator of 32 bits, Java's `Random`,
the additive generators of C (`rand` of glibc) and Go (`math/rand`), the Mersenne Twister (Python, PHP, Ruby), and of
every generator that is linear over single bits and has a state of up to 128 bits (shift registers, xorshift).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from .chance import CERTAIN, is_no_chance

Order = Literal["big", "little"]
ORDERS: Final[tuple[Order, ...]] = ("big", "little")

_ALL: Final = 0xFFFFFFFF
_KINDS: Final = 32
"""At least the number of laws that are looked for, in both orders; each is tried once."""

MOST_KEYS: Final = 16_384
"""More keys than these tell nothing new."""


class KeyLaw(NamedTuple):
    """A law that masking keys follow: in words, how many of how many keys follow it, and the first of them."""

    law: str
    hits: int
    of: int
    example: str


class _Law(NamedTuple):
    """What a generator's numbers have in common.

    ``follows`` yields for each number that can be checked its place, and whether it follows from those before; by
    chance a number does with 2^-bits at the most.
    """

    words: str
    bits: float
    follows: Callable[[Sequence[int]], Iterable[tuple[int, bool]]]


def foreseen(keys: Sequence[bytes]) -> KeyLaw | None:
    """The law that the keys follow, if there is one. Keys have 4 octets and stand in the order of their use."""
    for order in ORDERS:
        numbers = [int.from_bytes(key, order) for key in keys[:MOST_KEYS]]
        for law in _LAWS:
            tried = list(law.follows(numbers))
            hits = [place for place, holds in tried if holds]
            if is_no_chance(len(hits), len(tried), law.bits, kinds=_KINDS):
                return KeyLaw(law.words, len(hits), len(tried), _shown(keys, hits[0]))
        found = _java(keys, numbers) or _linear(keys, numbers)
        if found is not None:
            return found
    return None


def _shown(keys: Sequence[bytes], place: int) -> str:
    return " ".join(key.hex() for key in keys[max(0, place - 3) : place + 1])


# --- laws between few numbers -----------------------------------------------------------------------------------------

_SMALL: Final = 1 << 15


def _small_steps(numbers: Sequence[int]) -> Iterator[tuple[int, bool]]:
    for place in range(1, len(numbers)):
        yield place, (numbers[place] - numbers[place - 1] + _SMALL) & _ALL < 2 * _SMALL


def _congruential(numbers: Sequence[int]) -> Iterator[tuple[int, bool]]:
    """With x' = a x + c, three steps are in proportion; where the first is odd, one last number in 2^32 is right."""
    for place in range(3, len(numbers)):
        first, second, third = (numbers[n + 1] - numbers[n] & _ALL for n in range(place - 3, place))
        if first & 1:
            yield place, (first * third - second * second) & _ALL == 0


def _additive(long: int, short: int, bits: int) -> Callable[[Sequence[int]], Iterator[tuple[int, bool]]]:
    """Sums of two earlier numbers; the bits below those that are shown may carry one."""
    mask = (1 << bits) - 1

    def follows(numbers: Sequence[int]) -> Iterator[tuple[int, bool]]:
        for place in range(long, len(numbers)):
            number = numbers[place]
            yield place, number <= mask and (number - numbers[place - long] - numbers[place - short]) & mask < 2

    return follows


_STATE: Final = 624
_MIDDLE: Final = 397


def _mersenne(numbers: Sequence[int]) -> Iterator[tuple[int, bool]]:
    state = [_untempered(number) for number in numbers] if len(numbers) > _STATE else []
    for place in range(_STATE, len(state)):
        mixed = (state[place - _STATE] & 0x80000000) | (state[place - _STATE + 1] & 0x7FFFFFFF)
        yield place, state[place] == state[place - _STATE + _MIDDLE] ^ (mixed >> 1) ^ (0x9908B0DF * (mixed & 1))


def _untempered(y: int) -> int:
    """The word of the state from which the Mersenne Twister makes an output."""
    y ^= y >> 18
    y ^= (y << 15) & 0xEFC60000
    x = y
    for _ in range(4):  # the low seven bits are right, and seven more each time
        x = y ^ ((x << 7) & 0x9D2C5680)
    return x ^ (x >> 11) ^ (x >> 22)


_LAWS: Final = (
    _Law("it is within 2^15 of the key before, as the numbers of a counter or a clock are", 16, _small_steps),
    _Law("it follows from the three before by a linear congruential generator", 32, _congruential),
    _Law("it follows from earlier ones as the numbers of the C library's rand() do", 31, _additive(31, 3, 31)),
    _Law("it follows from earlier ones as the numbers of Go's math/rand do", 31, _additive(607, 273, 32)),
    _Law("it follows from earlier ones by the Mersenne Twister", 32, _mersenne),
)


# --- Java's Random ----------------------------------------------------------------------------------------------------

_TIMES: Final = 0x5DEECE66D
_PLUS: Final = 0xB
_STATE_MASK: Final = (1 << 48) - 1
_WINDOWS: Final = 16


def _java(keys: Sequence[bytes], numbers: Sequence[int]) -> KeyLaw | None:
    """The 16 bits of the state that a number does not show follow from the next one; the two after that are a proof.

    One window of four numbers follows by chance with 2^-80 at the most; the first ones are looked at.
    """
    for start in range(0, min(len(numbers) - 3, 4 * _WINDOWS), 4):
        first, *rest = numbers[start : start + 4]
        if any(_java_numbers(first << 16 | low, 3) == rest for low in _hidden(first, rest[0])):
            words = "it follows from the two before as the numbers of java.util.Random do"
            return KeyLaw(words, 2, len(numbers), _shown(keys, start + 3))
    return None


def _hidden(first: int, second: int) -> Iterator[int]:
    """The lowest 16 bits that a state may have, by its number and the next one: a few out of 2^16."""
    base = ((first << 16) * _TIMES + _PLUS) & _STATE_MASK
    for turns in range((_TIMES << 16 >> 48) + 2):
        least = -((base - (second << 16) - (turns << 48)) // _TIMES)
        if 0 <= least < 1 << 16:
            yield least


def _java_numbers(state: int, count: int) -> list[int]:
    found = []
    for _ in range(count):
        state = (state * _TIMES + _PLUS) & _STATE_MASK
        found.append(state >> 16)
    return found


# --- generators that are linear over single bits ----------------------------------------------------------------------

_MOST_BEFORE: Final = 4
_HALF: Final = 16
"""Bits of a key; where fewer are known from the keys before, the key is not simple to foresee."""


def _linear(keys: Sequence[bytes], numbers: Sequence[int]) -> KeyLaw | None:
    """Each window of some keys is a row of bits. That a sum of columns is the same in all of n rows has a chance of
    2^-n for each of the sums, however the windows overlap: the last key of a window in which it has a part is new."""
    free = _missing_rank(numbers, 0)
    for before in range(1, _MOST_BEFORE + 1):
        if free is None:
            return None
        now = _missing_rank(numbers, before)
        if now is None:
            return None
        if now - free >= _HALF:
            words = f"{now - free} of its 32 bits are sums of bits of the {before} before it"
            return KeyLaw(words, len(numbers) - before, len(numbers), _shown(keys, before))
        free = now
    return None


def _missing_rank(numbers: Sequence[int], before: int) -> int | None:
    """How many independent sums of the bits of a window are always the same; None for too few windows."""
    width = 32 * (before + 1) + 1  # one more column: it is 1 in all rows
    wanted = width + CERTAIN + 8
    if len(numbers) - before < wanted:
        return None
    rows: dict[int, int] = {}  # by their highest bit
    for place in range(wanted):
        row = 1
        for number in numbers[place : place + before + 1]:
            row = row << 32 | number
        while row:
            top = row.bit_length()
            if top not in rows:
                rows[top] = row
                break
            row ^= rows[top]
    return width - len(rows)
