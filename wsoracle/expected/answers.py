"""What a conforming endpoint has sent, or is to send, for what it was sent so far: it says what to wait for.

Nothing is judged by it. For the cases that everybody runs it was worked out when the file of expectations was made
(`expected_outcomes`), for others it is while they run (`reference`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, groupby, repeat
from typing import Final, Protocol, TypeAlias

from wsoracle.generators.cases.live_case import Action, LiveCase
from wsoracle.generators.cases.live_suite import live_cases
from wsoracle.model.octets.vocabulary import Role

from .stored import answers_of

__all__ = ["Answers", "Foreseen", "Step", "answers_to", "runs"]

Step: TypeAlias = tuple[int, int, bool, bool, int]
"""Messages and Pongs that are owed for something that was sent, whether it makes the endpoint fail the connection,
whether it was a Close that was taken; and for how many such things after each other the same holds."""


class Answers(Protocol):
    """`messages` and `pongs` were owed so far; `failed` and `got_close` say what the endpoint does at the end."""

    messages: int
    pongs: int
    failed: bool
    got_close: bool

    def sent(self, octets: bytes, times: int = 1) -> None:
        """The endpoint under test was sent these octets, so many times after each other."""


class Foreseen:
    """Answers that are known beforehand: a step for each call of :meth:`sent`, whatever the octets."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.messages = 0
        self.pongs = 0
        self.failed = False
        self.got_close = False
        self._steps: Final[Iterator[Step]] = chain.from_iterable(repeat(step, step[-1]) for step in steps)

    def sent(self, octets: bytes, times: int = 1) -> None:
        """As in :class:`Answers`."""
        messages, pongs, failed, got_close, _ = next(self._steps)
        self.messages += messages
        self.pongs += pongs
        self.failed |= failed
        self.got_close |= got_close


def answers_to(case: LiveCase, role: Role) -> Answers:
    """The answers to a case, from an endpoint of a role."""
    steps = answers_of(case.id, role) if _ours().get(case.id) is case and not case.opening else None
    if steps is not None:
        return Foreseen(steps)
    from .reference import Reference

    return Reference(role)


def runs(actions: Sequence[Action]) -> Iterator[tuple[Action, int]]:
    """The actions, each with how often it stands there after itself."""
    for _, run in groupby(actions, key=id):
        same = list(run)
        yield same[0], len(same)


@lru_cache(maxsize=1)
def _ours() -> dict[str, LiveCase]:
    """The cases that everybody runs: another one may have the same id."""
    return {case.id: case for case in live_cases()}
