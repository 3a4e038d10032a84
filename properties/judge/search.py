"""Explaining a trace: the search for an interleaving and a choice of outcomes under which all of it is allowed.

Theory of operation. The trace does not show when an endpoint read the octets that had arrived, nor its choice where the
rules leave one. So the search keeps every *explanation*: how far the endpoint has read, its state, the events and
answers still due. Before each observation of the endpoint, explanations read on as far as they can; then the search
keeps those that allow the observation.

The search has two stages: one reads heads, the other frames. Once the opening handshake is complete in an explanation
(:class:`HeadSearch`), its continuation depends only on the state, on where in either direction the frames begin, and on
frames that were sent too early: such an explanation is *opened* and left to a search over frames
(:class:`FrameSearch`), which is judged for itself. Where explanations become each other by reading on at no cost, that
search keeps only the one that has read least.

A search is run at a *leniency*. The strict search counts only outcomes that are allowed in full. A lenient one also
lets the application do what it does not promise, then also counts outcomes that depart from SHOULD and CONSENSUS rules,
and at last lets a number of steps break a MUST. Such a step names the fault of the endpoint: it took in a frame that it
must refuse, dropped it, refused a legal one, went on after it had failed. Each explanation carries the rules that it
breaks for certain and those that it may break; when two come to the same place, the search keeps the one that breaks
less, and of two that break as much it is sure of no more than both are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from functools import reduce
from typing import Final, NamedTuple

from wsoracle.model.notation.rule import Due
from wsoracle.model.notation.variables import State
from wsoracle.model.octets.units import FrameUnit, HeadUnit
from wsoracle.model.octets.vocabulary import CLOSE

from .explanation import ACTING, STRICT, Cost, Explanation, Leniency, Place, Subject
from .history import History
from .moments import Moment
from .observation import ClosesTcp, ResetsTcp
from .outputs import FrameOutputs, HeadOutputs, Outputs
from .reading import FrameReader
from .reading_heads import HeadReader, opening_of

_MOST_STRICT_WORK: Final = 100_000
"""The most explanations that a strict search considers, which takes a few seconds."""
_MOST_LENIENT_WORK: Final = 40_000
"""The same for a search that lets the application act or counts departures, but no faults: a few seconds."""
_MOST_WORK: Final = 4_000
"""The same for a search for faults."""
_WORK_EACH: Final = 20
"""So many more for each frame and output; then a search gives up: a trace that is wrong in many places can be explained
in too many ways."""
_WORK_EARNED: Final = 4
"""So many more for each frame and output that is explained, where the application acts: a search in which explanations
multiply gives up after some seconds, however long the trace."""
_FEW_FAULTS: Final = (Cost(must=1), Cost(must=2))
"""The bounds within which faults are looked for first."""
_MOST_FAULTY_WORK: Final = 200_000
"""A search for faults considers no more than this, however long the trace: that takes half a minute."""

Explanations = dict[Place, Explanation]


class Search(ABC):
    """A search over one trace at one leniency, moment by moment.

    `alive` are the explanations so far. When they end, `died_at` is the moment that none of them explains, or at which
    the search `gave_up`, and `alive` are the explanations right before it.
    """

    def __init__(self, history: History, subject: Subject, leniency: Leniency, outputs: Outputs) -> None:
        self.history: Final = history
        self.subject: Final = subject
        self.leniency: Final = leniency
        self.outputs: Final = outputs
        self.start = 0
        """Where the frames begin in what arrived."""
        self.alive: list[Explanation] = []
        self.died_at: Moment | None = None
        self.gave_up = False

    def run(self, moments: Iterable[Moment]) -> bool:
        """Go on with moments one after the other; whether anything explains them all."""
        return all(map(self.advance, moments))

    @abstractmethod
    def advance(self, moment: Moment) -> bool:
        """Go on with the next moment; whether anything explains it. After False it cannot go on."""

    @abstractmethod
    def up_to_date(self) -> list[Explanation]:
        """The explanations in which everything was read that has arrived so far, right before what comes next."""

    def _counts(self, then: Explanation) -> bool:
        return then.faults <= self.leniency.faults and (self.subject.acts or not then.cost.application)

    def _keep(self, found: Explanations, then: Explanation) -> None:
        if not self._counts(then):
            return
        kept = found.get(then.place)
        found[then.place] = then if kept is None else kept.or_rather(then)


class OpenedExplanation(NamedTuple):
    """An explanation whose opening handshake is complete, at a moment.

    The moments to come begin with number `following`; the frames begin at offsets `start` of what arrived and
    `sent_from` of what the endpoint sent.
    """

    explanation: Explanation
    moment: Moment
    following: int
    start: int
    sent_from: int

    @property
    def transformed(self) -> bool:
        """Whether an extension was agreed on, which transforms messages."""
        return opening_of(self.explanation.place).transformed

    @property
    def known(self) -> bool:
        """Whether it is known what the extensions that were agreed on define."""
        return opening_of(self.explanation.place).known

    @property
    def early(self) -> tuple[Moment, ...]:
        """The frames that were sent too early, as if they were sent now, right before what arrives at the moment."""
        frames, moment = opening_of(self.explanation.place).early, self.moment
        arrived = moment.arrived if moment.what is not None else min(self.start, moment.arrived)
        return tuple(moment._replace(what=frame, arrived=arrived) for frame in frames)


class HeadSearch(Search):
    """The search until the opening handshake is complete; `opened` are the explanations in which it is."""

    def __init__(self, history: History, subject: Subject, leniency: Leniency) -> None:
        self._reader: Final = HeadReader(history, subject, leniency)
        super().__init__(history, subject, leniency, HeadOutputs(self._reader))
        self.opened: Final[dict[tuple[State, int, int], OpenedExplanation]] = {}
        self.alive = list(self._reader.begun())
        self._at = 0

    def advance(self, moment: Moment) -> bool:
        """Go on with the next moment; whether anything explains it, be it an explanation that is opened."""
        self._reader.now = moment.number
        # Octets behind a 101, or behind octets that are no head, are left to explanations that are opened.
        switched, what = self.history.switched, moment.what
        behind = isinstance(what, FrameUnit) and switched is not None and what.start >= switched
        if self.alive and self.died_at is None and not behind:
            before = self._read_on(moment)
            after: Explanations = {}
            for explanation in before.values():
                for then in self.outputs.output(explanation, moment):
                    if then.place.state.handshake:
                        self._keep(after, then)
                    else:
                        self._open(then, moment, self._at + 1, moment.written)
            if not after and not self.opened:
                self.died_at, self.alive = moment, list(before.values())
            else:
                self.alive = list(after.values())
        self._at += 1
        return self.died_at is None

    def up_to_date(self) -> list[Explanation]:
        """As of any search; explanations that become opened by reading on are among `opened` then."""
        moment = self.history.now
        return [one for one in self._read_on(moment).values() if self._reader.has_read_all(one.place, moment)]

    def behind(self, explanation: Explanation) -> int:
        """How far in what arrived an explanation has read."""
        return self._reader.behind(explanation.place)

    def _read_on(self, moment: Moment) -> Explanations:
        """All explanations, and those in which the endpoint has read more of what had arrived."""
        found: Explanations = {}
        waiting = list(self.alive)
        while waiting:
            explanation = waiting.pop()
            self._keep(found, explanation)
            received = self._reader.receive(explanation, moment)
            for then in (*received, *self.outputs.unseen(explanation, moment)):
                if not then.place.state.handshake:
                    what = moment.what
                    if isinstance(what, (HeadUnit, FrameUnit)):
                        sent_from = what.start
                    else:
                        sent_from = self.history.behind_lost_answer(moment)
                    self._open(then, moment, self._at, sent_from)
                    continue
                kept = found.get(then.place)
                if self._counts(then) and (kept is None or kept.or_rather(then) != kept):
                    waiting.append(then)
        return found

    def _open(self, then: Explanation, moment: Moment, following: int, sent_from: int) -> None:
        """An explanation whose handshake is complete: in a server's what came before that may be lost or a body."""
        if not self._counts(then):
            return
        place = then.place
        read = self._reader.behind(place)
        self._keep_opened(OpenedExplanation(then, moment, following, read, sent_from))
        if self._reader.server:
            freely = then._replace(cost=then.cost.plus(None, True))
            for start in {moment.arrived, self._reader.end_of_head(place) or read} - {read}:
                self._keep_opened(OpenedExplanation(freely, moment, following, start, sent_from))

    def _keep_opened(self, opened: OpenedExplanation) -> None:
        key = opened.explanation.place.state, opened.start, opened.sent_from
        known = self.opened.get(key)
        if known is None:
            self.opened[key] = opened
            return
        both = known.explanation.or_rather(opened.explanation)
        best = opened if opened.explanation.rank < known.explanation.rank else known
        self.opened[key] = best._replace(explanation=both)


class FrameSearch(Search):
    """The search from a state on in which the opening handshake is complete, over frames that arrive from ``start`` on.

    What an endpoint sends does not change how it reads, unless it is a Close frame. So where an explanation allows what
    is seen, at no cost, it need not read on before: it can read on later, and becomes the same. A search that is not
    ``lazy`` reads on all the same; it finds the same, and long traces take very long. Explanations that cost more than
    ``most_cost`` are left out.
    """

    def __init__(
        self,
        history: History,
        subject: Subject,
        leniency: Leniency,
        state: State,
        start: int = 0,
        *,
        lazy: bool = True,
        most_cost: Cost | None = None,
    ) -> None:
        self._reader: Final = FrameReader(history, subject, leniency, history.arriving(start), lazy=lazy)
        self._reader.acting = leniency.departing
        self._frames: Final = FrameOutputs(self._reader)
        super().__init__(history, subject, leniency, self._frames)
        self.start = start
        self.alive = [Explanation(Place(state), Cost())]
        self._lazy: Final = lazy
        self._work = 0
        most = _MOST_WORK if leniency.faults else _MOST_STRICT_WORK if leniency == STRICT else _MOST_LENIENT_WORK
        self._most_work = most
        self._furthest = 0
        self._most_cost: Final = most_cost
        self._asked_of = self._ahead = self.alive
        """What was alive when it was last asked what is up to date, and what becomes of that by reading on."""

    def going_on(self, moments: list[Moment], leniency: Leniency) -> Explanation | None:
        """An explanation of all moments that follows the rules up to where this search died; None where none is found.

        What breaks least costs no more, so that the search for it may be bounded by this one's cost. This one is looked
        for within few faults first: without a bound there are too many ways to break rules while much is unread.
        """
        if self.died_at is None or self.gave_up:
            return None
        state, lazy = self.alive[0].place.state, self._lazy
        died = moments.index(self.died_at)
        for most in (*_FEW_FAULTS, None) if leniency.faults else (None,):
            search = FrameSearch(self.history, self.subject, leniency, state, self.start, lazy=lazy, most_cost=most)
            search.alive = self.alive
            for moment in moments[:died]:
                search._reader.sent(moment)
            found = search.best(moments[died:])
            if found is not None:
                return found
        return None

    def best(self, moments: list[Moment]) -> Explanation | None:
        """The explanation of all moments that breaks least, or None."""
        if self.leniency != ACTING:
            self._most_work += _WORK_EACH * (len(moments) + len(self._reader.arriving.frames))
        if self.leniency.faults:
            self._most_work = min(self._most_work, _MOST_FAULTY_WORK)
        if not self.run(moments):
            return None
        came = {Due.TCP_CLOSE} if self.history.shut_down else set()
        found = [one for one in self.alive if one.place.late <= came]
        if not found:
            return None
        best = reduce(Explanation.or_rather, found)
        # Among equals, one by which nothing was lost.
        equal = [e for e in found if e.rank == best.rank] if self.history.has_reset else []
        seen = next((e for e in equal if not any(step.unseen for step in e.steps)), best)
        return best._replace(place=seen.place, trail=seen.trail)

    def _counts(self, then: Explanation) -> bool:
        return super()._counts(then) and (self._most_cost is None or then.cost <= self._most_cost)

    def advance(self, moment: Moment) -> bool:
        """Go on with the next moment; whether anything explains it."""
        self._reader.now = moment.number
        self._goes_further(1)
        before = self.alive
        acts = self._lazy and self.leniency == ACTING and all(self._is_no_echo(one, moment) for one in before)
        if self._lazy and not acts and len(before) == 1 and self._goes_on_alone(before[0], moment):
            self._reader.sent(moment)
            return True
        if self.leniency != ACTING:
            before = self.alive  # else its application may have acted before it read on
        found = {explanation.place: explanation for explanation in before}
        after = {} if acts else self._pass(found, moment)
        if not after and self.leniency == ACTING:
            # The application does what it does not promise only where nothing else explains what is seen.
            self._reader.acting = True
            after = self._pass(found, moment)
            self._reader.acting = False
        self._reader.sent(moment)
        self.gave_up = self._work > self._most_work
        if after and not self.gave_up:
            self.alive = list(after.values())
            return True
        # A search that gives up does not read on: there were too many explanations. Nor is a faulty one asked further.
        stays = self.gave_up or self.leniency.departing
        self.died_at, self.alive = moment, before if stays else list(self._read_on(found, moment))
        return False

    def up_to_date(self) -> list[Explanation]:
        """As of any search. What was read for the last answer is not read again, unless something was seen since.

        Where TCP was lost, what was sent unseen depends on how far the endpoint had read: all orders are looked at.
        """
        moment = self.history.now
        whole = self._reader.whole(moment)
        begin = self.alive if moment.lost or self._asked_of is not self.alive else self._ahead
        read = list(self._read_on({one.place: one for one in begin}, moment))
        if not moment.lost:
            begun = set(map(id, begin))
            ahead = (one for one in read if one.place.consumed >= whole)
            self._ahead = [one for one in ahead if id(one) in begun or self._may_read_on(one, whole)]
            self._asked_of = self.alive
        return [one for one in read if self._reader.has_read_all(one.place, moment)]

    @staticmethod
    def _may_read_on(explanation: Explanation, whole: int) -> bool:
        """Whether all frames were read and no more: no end of TCP, and none that is not whole, by which it fails."""
        early = explanation.trail is not None and explanation.trail.step.early
        return explanation.place.consumed == whole and not early

    def outlasts(self, other: FrameSearch) -> bool:
        """Whether both have ended, and this one explains more of the same moments."""
        mine, its = self.died_at, other.died_at
        return mine is not None and its is not None and not self.gave_up and mine.number > its.number

    def _goes_further(self, count: int) -> None:
        """So many frames or moments more are explained: of an application that acts, more work only as it is earned."""
        if self.leniency == ACTING:
            self._most_work += _WORK_EARNED * count

    def _has_read(self, consumed: int) -> None:
        if consumed > self._furthest:
            self._goes_further(consumed - self._furthest)
            self._furthest = consumed

    def _goes_on_alone(self, explanation: Explanation, moment: Moment) -> bool:
        """Whether the only explanation becomes one other, by reading on in the only way that there is: the usual case.

        It is as far as it gets so afterwards, in any case.
        """
        if _ends_sending(moment):
            return False
        reader, whole = self._reader, self._reader.whole(moment)
        while self._work < self._most_work:
            self._work += 1
            place, then = explanation.place, None
            if self._frames.may_be_now(place, moment):
                outputs = self.outputs.output(explanation, moment)
                then = next(outputs, None)
                if then is not None:
                    if then.cost != explanation.cost or next(outputs, None) is not None:
                        return False
                    self.alive = [then]
                    if not self.leniency.acting:
                        self._work = 0  # nothing is left open: a connection may be watched for as long as it lasts
                    return True
            if place.consumed >= whole or reader.passed_over(place, whole):
                return False
            read = reader.go_on(explanation, moment, eof=False)
            if len(read) != 1:
                return False
            explanation = read[0]
            self._has_read(explanation.place.consumed)
            self.alive = read
        return False

    def _pass(self, found: Explanations, moment: Moment) -> Explanations:
        """The explanations after a moment: those that have read least.

        An explanation that others become by reading on, at no cost, is left out: they can read on later.
        """
        after: Explanations = {}
        lazy = self._lazy and not _ends_sending(moment)
        settled = {one.place for one in found.values() if self._lazy and self._is_no_echo(one, moment)}
        level = -1
        here: list[Explanation] = []
        covered: frozenset[Explanation] = frozenset()
        for explanation in self._read_on(found, moment, settled):
            place, cost = explanation.place, explanation.cost
            self._has_read(place.consumed)
            self._work += 1
            if self._work > self._most_work:
                return {}
            if place.consumed != level:
                follows = self._lazy and place.consumed == level + 1
                covered = self._freely_after(here, moment) if follows and here else frozenset()
                level = place.consumed
                here.clear()
            if not self._frames.may_be_now(place, moment):
                if self._lazy and self._frames.may_never_be(place, moment):
                    settled.add(place)
                continue
            for then in self.outputs.output(explanation, moment):
                if not self._counts(then):
                    continue
                if lazy:
                    if then.cost == cost or self._may_act_first(then, explanation, moment):
                        settled.add(place)
                else:
                    here.append(then)
                    if covered and then._replace(trail=None) in covered:
                        continue
                kept = after.get(then.place)
                after[then.place] = then if kept is None else kept.or_rather(then)
        return after

    def _is_no_echo(self, explanation: Explanation, moment: Moment) -> bool:
        """Whether reading on leads to no explanation of what is seen, as long as the application does not act."""
        return not self._reader.acting and self._frames.acts.is_no_echo(explanation.place, moment)

    def _may_act_first(self, then: Explanation, before: Explanation, moment: Moment) -> bool:
        """Whether it costs an act of the application and no more, before which the endpoint need not read on."""
        acted = before.cost._replace(application=before.cost.application + 1)
        return then.cost == acted and self._frames.acts.need_not_read_on(before.place, moment)

    def _freely_after(self, explanations: list[Explanation], moment: Moment) -> frozenset[Explanation]:
        """The explanations after reading one more frame, where that breaks nothing; without the way there."""
        whole = self._reader.whole(moment)
        return frozenset(
            then._replace(trail=None)
            for one in explanations
            for then in self._reader.receive(one, moment, eof=one.place.consumed == whole)
            if then.cost == one.cost
        )

    def _read_on(self, found: Explanations, moment: Moment, settled: Collection[Place] = ()) -> Iterator[Explanation]:
        """The same explanations, and those in which the endpoint has read more of what had arrived; least first.

        Places that the caller puts into ``settled`` before it asks for more do not read on.
        """
        reader = self._reader
        whole = reader.whole(moment)
        last = whole + moment.eof
        levels: dict[int, Explanations] = {}
        for explanation in found.values():
            levels.setdefault(explanation.place.consumed, {})[explanation.place] = explanation
        consumed = min(levels)
        while True:
            level = levels.pop(consumed)
            if consumed == whole:
                for explanation in list(level.values()):
                    for then in reader.fail_early(explanation, moment):
                        self._keep(level, then)
            if moment.lost:
                for explanation in list(level.values()):
                    for then in self._frames.unseen(explanation, moment):
                        self._keep(level, then)
            yield from level.values()
            if consumed < last:
                for explanation in level.values():
                    if explanation.place in settled:
                        continue
                    passed = reader.passed_over(explanation.place, whole)
                    for then in reader.go_on(explanation, moment, eof=consumed == whole):
                        if passed:
                            then = then._replace(place=then.place._replace(consumed=passed))
                        self._keep(levels.setdefault(then.place.consumed, {}), then)
            if not levels:
                return
            consumed = consumed + 1 if consumed + 1 in levels else min(levels)


def _ends_sending(moment: Moment) -> bool:
    """Whether what is seen changes how an endpoint reads: a Close frame that it sends, or the end of TCP.

    Where TCP is lost, it may have sent one that is not seen.
    """
    what = moment.what
    return (
        moment.lost
        or isinstance(what, (ClosesTcp, ResetsTcp))
        or (isinstance(what, FrameUnit) and what.header.opcode == CLOSE)
    )
