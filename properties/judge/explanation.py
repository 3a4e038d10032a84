"""How a trace is explained: step by step, with what is broken on the way, and where the endpoint is after that."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from wsoracle.model.machine.interpreted import Label
from wsoracle.model.notation.rule import Due, RuleSet, Strength
from wsoracle.model.notation.variables import Event, Setting, State
from wsoracle.model.octets.http import HEAD_LIMIT, Request
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.uri import WebSocketUri

from .grading import BINDING, LOOSE
from .moments import Message
from .observation import Tells, Told
from .verdict import TAKEN_BY_ALL, Profile
from .waiting import Waiting

NO_BLAME: Final = (1 << 62, 0)
"""The place of the first broken rule in an explanation that breaks no rule."""

_LISTED: Final = 256
"""The most steps listed one by one before one thing is seen: of more, frames that meet the same rules make one."""


class Leniency(NamedTuple):
    """What counts besides what is allowed in full.

    ``acting``: the application does what it does not promise; ``departing``: outcomes that depart from SHOULD and
    CONSENSUS rules; ``faults``: how many steps may break a MUST that none before them broke.
    """

    acting: bool
    departing: bool
    faults: int


STRICT: Final = Leniency(False, False, 0)
ACTING: Final = Leniency(True, False, 0)
LENIENCIES: Final = (STRICT, ACTING, *(Leniency(True, True, faults) for faults in range(4)))
"""From the strictest on: a trace is explained by the first at which it can be."""

OPENING_LENIENCY: Final = Leniency(True, True, 4)
"""For an opening handshake without a strict explanation: one that breaks more MUSTs in it is not considered."""


class Cost(NamedTuple):
    """How many steps break a rule, by the strongest of the rules that they break, and how many are worth a note.

    The fields are in the order of the verdicts that they lead to: of two costs the less is the milder verdict.
    `must`, `consensus` (or LETTER, where the profile holds endpoints to that): FAILED; `should`: NON-STRICT. All others
    are INFORMATIONAL: `loose`, rules that the profile holds nobody to; `application`, what the application does that it
    does not promise; `own_limit`, refusals by an unstated limit, and what else is open.
    """

    must: int = 0
    consensus: int = 0
    should: int = 0
    loose: int = 0
    application: int = 0
    own_limit: int = 0

    def decides(self, profile: Profile) -> Strength | None:
        """The strength of the rules whose breach decides the verdict, if any."""
        if self.must:
            return Strength.MUST
        if self.consensus:
            return BINDING[profile]
        if self.should:
            return Strength.SHOULD
        return LOOSE[profile] if self.loose else None

    def plus(
        self,
        strength: Strength | None,
        own_limit: bool = False,
        *,
        application: bool = False,
        profile: Profile = "interop",
    ) -> Cost:
        """With one step more, whose strongest broken rule has this strength."""
        return Cost(
            self.must + (strength is Strength.MUST),
            self.consensus + (strength is BINDING[profile]),
            self.should + (strength is Strength.SHOULD),
            self.loose + (strength is LOOSE[profile]),
            self.application + application,
            self.own_limit + own_limit,
        )


class Step(NamedTuple):
    """A step of an explanation: what happens in which state, by which rules, and which rules it breaks.

    `at` is the place in the trace of what was seen next; `frame` the index of the frame that is received, if one is;
    `early`: it had not arrived in full, and those facts of the event that were still unknown are meaningless; `unseen`:
    it was not observed, because a reset of TCP may have cost it. Very many frames that meet the same rules are one
    step: the first of them, and how many `times`. `application`: in words, what the application does here that it does
    not promise; empty where it keeps its promise. `note`: in words, what is open here and breaks no rule.
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
    application: str = ""
    note: str = ""


class Trail(NamedTuple):
    """The steps of an explanation, the last one first."""

    before: Trail | None
    step: Step


def _together(steps: list[Step]) -> tuple[Step, ...]:
    """Steps in order: very many frames that are read before the same thing is seen, by the same rules, become one."""
    found: list[Step] = []
    for _, several in groupby(steps, key=attrgetter("at")):
        here = list(several)
        if sum(step.times for step in here) > _LISTED:
            runs = [list(run) for _, run in groupby(here, key=lambda step: (step.frame is not None, step[3:6]))]
            here = [_as_one(run) if run[0].frame is not None else run[0] for run in runs]
        found += here
    return tuple(found)


def _as_one(run: list[Step]) -> Step:
    return run[0]._replace(times=sum(step.times for step in run))


class Untold(NamedTuple):
    """An event that the application must still be told, and the rules that say so; ``open``: with any octets."""

    tells: Tells
    rules: tuple[str, ...]
    open: bool = False

    def is_told_by(self, told: Tells) -> bool:
        """Whether the application is told this event by one that was seen."""
        return self.tells == told or (self.open and self.tells.kind == told.kind)


class HandshakeSoFar(NamedTuple):
    """The memory of an explanation as long as the opening handshake is not complete.

    ``request`` is the latest one; ``reasons`` are the rules by which the latest head must not be accepted, and
    ``freely`` says that it was refused by rules of strength MAY alone;
    ``transformed``: an extension was agreed on, ``known``: and all that it does is known; ``eof``: the end of TCP is
    read; ``early`` are frames that were sent.
    """

    request: Request | None = None
    reasons: tuple[str, ...] = ()
    freely: bool = False
    transformed: bool = False
    known: bool = True
    eof: bool = False
    early: tuple[FrameUnit, ...] = ()


class Place(NamedTuple):
    """The place of an explanation; two explanations at the same place go on alike.

    `consumed` counts what was received: heads, or frames once the opening handshake is complete, then the end of TCP.
    `first` is the frame that began the message being received. `heard` is one more than the index of the latest Ping
    that was accepted, 0 without one. `echoes` are messages that the application still has to echo; `asked` counts
    messages of its own that were sent. `late` was due when the endpoint was quiet, and is still to come: an explanation
    in which it never does is none. `taken_in`, once it has failed for a fault for which it must: how many of the frames
    it had taken in by then, or took in all the same. `missed` are the rules that silence broke: to be quiet once more
    is no second fault.
    """

    state: State
    consumed: int = 0
    first: int = 0
    untold: Waiting[Untold] = Waiting()
    heard: int = 0
    echoes: Waiting[Message] = Waiting()
    asked: int = 0
    opening: HandshakeSoFar | None = None
    late: frozenset[Due] = frozenset()
    taken_in: int | None = None
    missed: frozenset[str] = frozenset()


class Explanation(NamedTuple):
    """A place, what was broken on the way there, and the way.

    Explanations of equal cost that come to one place are one from there on: `certain` are the rules that each of them
    breaks, `possible` those that any of them breaks, and the way is that of the best. `faults` counts the steps that
    break a MUST, but for those that break nothing that was not broken before.
    """

    place: Place
    cost: Cost = Cost()
    trail: Trail | None = None
    blame: tuple[int, int] = NO_BLAME
    """The place of the first broken rule: among explanations of equal cost the one with the latest fault is best."""
    certain: frozenset[str] = frozenset()
    possible: frozenset[str] = frozenset()
    faults: int = 0

    @property
    def rank(self) -> tuple[Cost, tuple[int, int]]:
        """The key that orders explanations: the smaller, the better."""
        return self.cost, (-self.blame[0], -self.blame[1])

    def or_rather(self, other: Explanation) -> Explanation:
        """The better of two explanations, with what both are sure of where neither breaks less."""
        best = self if self.rank <= other.rank else other
        if self.cost != other.cost or self[4:] == other[4:]:
            return best
        return best._replace(
            certain=self.certain & other.certain,
            possible=self.possible | other.possible,
            faults=min(self.faults, other.faults),
        )

    @property
    def steps(self) -> tuple[Step, ...]:
        """The way there, in order."""
        steps: list[Step] = []
        trail = self.trail
        while trail is not None:
            steps.append(trail.step)
            trail = trail.before
        steps.reverse()
        return _together(steps) if len(steps) > _LISTED or any(step.times > 1 for step in steps) else tuple(steps)


class Subject(NamedTuple):
    """The subject of a judgement besides the trace.

    `sees`: what is known to be told to the application where it happens. `unasked`: the application may send anything
    by itself, unseen; otherwise the trace shows all that it asks for, and `setting.echo` what it answers. Up to
    `taken_by_all` octets of a message an unstated limit is not believed unless it is said (1009). `request` was sent
    and received before the trace begins, `uri` is what a client was asked to open, and `head_limit` the largest head
    that the endpoint says it takes, in octets. `profile` says which explanation is the milder one.
    `keeps_promise`: the application is taken to close by itself only when all is read that had arrived. `acts`:
    whether the application may do what it does not promise.
    """

    setting: Setting
    rules: RuleSet
    sees: frozenset[Told] = frozenset()
    unasked: bool = True
    taken_by_all: int = TAKEN_BY_ALL
    request: Request | None = None
    uri: WebSocketUri | None = None
    head_limit: int = HEAD_LIMIT
    profile: Profile = "interop"
    keeps_promise: bool = False
    acts: bool = True
