"""How a trace is explained: step by step, with what is broken on the way, and where the endpoint is after that."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from wsoracle.model.machine.interpreted import Label
from wsoracle.model.notation.rule import RuleSet, Strength
from wsoracle.model.notation.variables import Event, Setting, State
from wsoracle.model.octets.http import HEAD_LIMIT, Request
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.uri import WebSocketUri

from .history import Message
from .observation import Tells, Told
from .verdict import TAKEN_BY_ALL
from .waiting import Waiting

NO_BLAME: Final = (1 << 62, 0)
"""The place of the first broken rule in an explanation that breaks no rule."""

_LISTED: Final = 256
"""The most steps listed one by one before one thing is seen: of more, frames that meet the same rules make one."""


class Leniency(NamedTuple):
    """Whether outcomes that depart from SHOULD and CONSENSUS rules count, and how many steps may break a MUST."""

    departing: bool
    faults: int


STRICT: Final = Leniency(False, 0)
LENIENCIES: Final = (STRICT, *(Leniency(True, faults) for faults in range(4)))
"""From the strictest on: a trace is explained by the first at which it can be."""

OPENING_LENIENCY: Final = Leniency(True, 4)
"""For an opening handshake without a strict explanation: one that breaks more MUSTs in it is not considered."""


class Cost(NamedTuple):
    """How many steps break a rule, by the strongest of the rules that they break; and refusals by an unstated limit."""

    must: int = 0
    consensus: int = 0
    should: int = 0
    own_limit: int = 0

    def plus(self, strength: Strength | None, own_limit: bool = False) -> Cost:
        """With one step more, whose strongest broken rule has this strength."""
        return Cost(
            self.must + (strength is Strength.MUST),
            self.consensus + (strength in (Strength.CONSENSUS, Strength.LETTER)),
            self.should + (strength is Strength.SHOULD),
            self.own_limit + own_limit,
        )


class Step(NamedTuple):
    """A step of an explanation: what happens in which state, by which rules, and which rules it breaks.

    `at` is the place in the trace of what was seen next; `frame` the index of the frame that is received, if one is;
    `early`: it had not arrived in full, and those facts of the event that were still unknown are meaningless; `unseen`:
    it was not observed, because a reset of TCP may have cost it. Very many frames that meet the same rules are one
    step: the first of them, and how many `times`.
    """

    at: int
    state: State
    event: Event | None
    label: Label | None
    rules: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    frame: int | None = None
    early: bool = False
    unseen: bool = False
    times: int = 1


class Trail(NamedTuple):
    """The steps of an explanation, the last one first."""

    before: Trail | None
    step: Step


def _together(steps: list[Step]) -> tuple[Step, ...]:
    """Steps in order: very many frames that are read before the same thing is seen, by the same rules, become one."""
    found: list[Step] = []
    for _, several in groupby(steps, key=attrgetter("at")):
        here = list(several)
        if len(here) > _LISTED:
            runs = [list(run) for _, run in groupby(here, key=lambda step: (step.frame is not None, step[3:6]))]
            here = [run[0]._replace(times=len(run)) if run[0].frame is not None else run[0] for run in runs]
        found += here
    return tuple(found)


class Untold(NamedTuple):
    """The events that the application must still be told, and the rules that say so."""

    tells: Tells
    rules: tuple[str, ...]


class HandshakeSoFar(NamedTuple):
    """The memory of an explanation as long as the opening handshake is not complete.

    ``request`` is the latest one; ``reasons`` are the rules by which the latest head must not be accepted;
    ``transformed``: an extension was agreed on; ``eof``: the end of TCP is read; ``early`` are frames that were sent.
    """

    request: Request | None = None
    reasons: tuple[str, ...] = ()
    transformed: bool = False
    eof: bool = False
    early: tuple[FrameUnit, ...] = ()


class Place(NamedTuple):
    """The place of an explanation; two explanations at the same place go on alike.

    `consumed` counts what was received: heads, or frames once the opening handshake is complete, then the end of TCP.
    `first` is the frame that began the message being received. `heard` is one more than the index of the latest Ping
    that was accepted, 0 without one. `echoes` are messages that the application still has to echo; `asked` counts
    messages of its own that were sent.
    """

    state: State
    consumed: int = 0
    first: int = 0
    untold: Waiting[Untold] = Waiting()
    heard: int = 0
    echoes: Waiting[Message] = Waiting()
    asked: int = 0
    opening: HandshakeSoFar | None = None


class Explanation(NamedTuple):
    """A place, what was broken on the way there, and the way."""

    place: Place
    cost: Cost = Cost()
    trail: Trail | None = None
    blame: tuple[int, int] = NO_BLAME
    """The place of the first broken rule: among explanations of equal cost the one with the latest fault is best."""

    @property
    def rank(self) -> tuple[Cost, tuple[int, int]]:
        """The key that orders explanations: the smaller, the better."""
        return self.cost, (-self.blame[0], -self.blame[1])

    @property
    def steps(self) -> tuple[Step, ...]:
        """The way there, in order."""
        steps: list[Step] = []
        trail = self.trail
        while trail is not None:
            steps.append(trail.step)
            trail = trail.before
        steps.reverse()
        return _together(steps) if len(steps) > _LISTED else tuple(steps)


class Subject(NamedTuple):
    """The subject of a judgement besides the trace.

    `sees`: what is known to be told to the application where it happens. `unasked`: the application may send anything
    by itself, unseen; otherwise the trace shows all that it asks for, and `setting.echo` what it answers. Up to
    `taken_by_all` octets of a message an unstated limit is not believed unless it is said (1009). `request` was sent
    and received before the trace begins, `uri` is what a client was asked to open, and `head_limit` the largest head
    that the endpoint says it takes, in octets.
    """

    setting: Setting
    rules: RuleSet
    sees: frozenset[Told] = frozenset()
    unasked: bool = True
    taken_by_all: int = TAKEN_BY_ALL
    request: Request | None = None
    uri: WebSocketUri | None = None
    head_limit: int = HEAD_LIMIT


def cheapest(explanations: Iterable[Explanation]) -> Explanation:
    """The explanation that breaks least and has read most; ValueError for no explanations."""
    return min(explanations, key=lambda e: (e.rank, -e.place.consumed))
