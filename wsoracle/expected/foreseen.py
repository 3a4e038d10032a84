"""The knowledge of a case before it runs: outcomes for people, and the answers that a tester waits for.

No verdict depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any, Final, NamedTuple, TypeAlias

__all__ = ["Foreseen", "Outcomes", "OwedAnswers"]

OwedAnswers: TypeAlias = tuple[int, int, bool, bool, int]
"""Messages and Pongs that are owed for something that was sent, whether it makes the endpoint fail the connection,
whether it was a Close that was taken; and for how many such things after each other the same holds."""


class Outcomes(NamedTuple):
    """The expectation of a case: outcomes as objects (verdict, what, rules), and in Autobahn's form."""

    outcomes: list[dict[str, Any]]
    expected: dict[str, Any]
    expected_close: dict[str, Any]


class Foreseen:
    """The answers that a conforming endpoint owes so far, known beforehand: see `canonical.Reference`.

    There is a step for each call of :meth:`sent`, whatever the octets.
    """

    def __init__(self, steps: Iterable[OwedAnswers]) -> None:
        self.messages = 0
        self.pongs = 0
        self.failed = False
        self.got_close = False
        self._steps: Final[Iterator[OwedAnswers]] = chain.from_iterable(repeat(step, step[-1]) for step in steps)

    def sent(self, octets: bytes, times: int = 1) -> None:
        """The endpoint under test was sent these octets, as often as ``times`` says."""
        messages, pongs, failed, got_close, _ = next(self._steps)
        self.messages += messages
        self.pongs += pongs
        self.failed |= failed
        self.got_close |= got_close
