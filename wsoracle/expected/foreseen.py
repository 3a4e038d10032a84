"""What is known of a case before it runs: outcomes for people, and the answers that a tester waits for.

Nothing is judged by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

__all__ = ["Answers", "Foreseen", "Outcomes", "Owed"]

Owed: TypeAlias = tuple[int, int, bool, bool, int]
"""Messages and Pongs that are owed for something that was sent, whether it makes the endpoint fail the connection,
whether it was a Close that was taken; and for how many such things after each other the same holds."""


class Outcomes(NamedTuple):
    """What is expected in a case: outcomes as objects (verdict, what, rules), and as Autobahn has it."""

    outcomes: list[dict[str, Any]]
    expected: dict[str, Any]
    expected_close: dict[str, Any]


class Answers(Protocol):
    """What a conforming endpoint owes for what it was sent so far: `messages` and `pongs`.

    `failed` (true, or a code) and `got_close` say what the endpoint does at the end.
    """

    @property
    def messages(self) -> int: ...
    @property
    def pongs(self) -> int: ...
    @property
    def failed(self) -> int | bool | None: ...
    @property
    def got_close(self) -> bool: ...

    def sent(self, octets: bytes, times: int = 1) -> None:
        """The endpoint under test was sent these octets, so many times after each other."""


class Foreseen:
    """Answers that are known beforehand: a step for each call of :meth:`sent`, whatever the octets."""

    def __init__(self, steps: Iterable[Owed]) -> None:
        self.messages = 0
        self.pongs = 0
        self.failed = False
        self.got_close = False
        self._steps: Final[Iterator[Owed]] = chain.from_iterable(repeat(step, step[-1]) for step in steps)

    def sent(self, octets: bytes, times: int = 1) -> None:
        """As in :class:`Answers`."""
        messages, pongs, failed, got_close, _ = next(self._steps)
        self.messages += messages
        self.pongs += pongs
        self.failed |= failed
        self.got_close |= got_close
