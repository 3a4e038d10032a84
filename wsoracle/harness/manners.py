"""How a tester behaves: how long it waits, how much it takes, and what a case adds to that."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from wsoracle.generators.cases.case import Case
from wsoracle.generators.cases.steps import Greeting

PACE: Final = 4
"""The tester waits this many times as long as the slowest answer that it has seen took, if that is more."""

MOST_PATIENT: Final = 5
"""The most that patience grows, however slow an endpoint is."""

SPARE_OCTETS: Final = 4 << 20
"""Octets that an endpoint may send on top of what it was sent before it is taken to flood the tester."""

SPARE_FRAMES: Final = 20_000
"""Frames that an endpoint may send on top of one for each 512 octets that it was sent, likewise."""

MOST_INTERIMS: Final = 100
"""Interim answers to a request; an endpoint that sends more is taken to flood the tester."""

GRACE: Final = 0.1
"""Seconds after which an endpoint that has not answered is sent a Ping. No verdict depends on it."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How a tester behaves. Times are in seconds.

    `patience`  how long to wait for silence, in all
    `grace`     how long to wait before a Ping asks whether the endpoint is still there
    `hurried`   the server has left TCP open after its Close again and again: a quarter of `patience` tells the same
    `opening`   how long to wait for the answer to the opening handshake; None: `patience`
    `closing`   how much longer to wait for the end of TCP after a server's Close; None: three times `patience`.
                Implementations wait up to ten seconds here for a client that may be slow itself.
    `seconds`   how long a case may take at most; the case itself may ask for less
    `seed`      the seed of masking keys and nonces
    """

    patience: float = 2.0
    grace: float = GRACE
    seconds: float = 60.0
    seed: int = 6455
    greeting: Greeting = field(default_factory=Greeting)
    closing: float | None = None
    opening: float | None = None
    hurried: bool = False

    def for_pace(self, seconds: float) -> Manners:
        """The manners with an endpoint that was seen to take so long for an answer: at most :data:`MOST_PATIENT` times
        the patience."""
        longer = min(MOST_PATIENT * self.patience, PACE * seconds)
        return self if longer <= self.patience else replace(self, patience=longer, opening=None)

    @property
    def glimpse(self) -> float:
        """How long an endpoint has that may fail the connection early. No verdict depends on it."""
        return self.grace / 5

    @property
    def patience_for_tcp(self) -> float:
        """Seconds that a server may take to end TCP after its Close, on top of `patience`."""
        return 3 * self.patience if self.closing is None else self.closing

    def time_for(self, case: Case) -> float:
        """Seconds that a case may take."""
        return min(case.seconds + self.patience_for_tcp, self.seconds)


def most_octets(case: Case) -> int:
    """How many octets an endpoint may send in a case: those of the stimulus, a quarter more, and some to spare."""
    octets = case.size + case.inflated
    return octets + octets // 4 + SPARE_OCTETS


def most_frames(case: Case) -> int:
    """How many frames an endpoint may send in a case."""
    return SPARE_FRAMES + most_octets(case) // 512


def patience_with(case: Case, manners: Manners) -> float:
    """How long to wait for silence in a case: a second more for each MiB of the stimulus, and for each 5,000 actions.

    An endpoint that works on much data may be quiet for a while; of compressed messages little is on its way at a time.
    """
    if case.compresses:
        return manners.patience + 1
    return manners.patience + case.size / (1 << 20) + len(case.actions) // 5000
