"""Explaining a trace: the search for an interleaving and a choice of outcomes under which all of it is allowed.

Theory of operation. When an endpoint took in what had arrived is not seen, and where the rules leave a choice, the
choice is not seen either. So the search keeps every *explanation*: how far the endpoint has read, its state, what it
has not told or answered yet. Before each thing that the endpoint is seen to do, explanations read on as far as they
can; then those remain that allow what was seen, and of those that become each other by reading on at no cost only the
one that has read least. Frames that leave no choice are read many at once where they do not matter for what is seen,
and of an exchange that repeats (a message, its echo) the steps are those of the time before.

A search is run at a *leniency*. Strictly, only outcomes that are allowed in full count. Otherwise outcomes that depart
from SHOULD and CONSENSUS rules count too, and up to a number of steps may break a MUST, which says what a faulty
endpoint did: took in a frame that it must refuse, dropped it, refused a legal one, went on after it had failed. Each
explanation carries what it breaks; of two with the same state the one that breaks less is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from wsoracle.model.endpoint.events import (
    BINARY_MESSAGE,
    CLOSE_RECEIVED,
    CLOSED_NOT_CLEANLY,
    PING_RECEIVED,
    PONG_RECEIVED,
    TEXT_MESSAGE,
)
from wsoracle.model.facts.frames import facts_on_wire, text_before
from wsoracle.model.machine.boundary_events import Alphabet
from wsoracle.model.machine.certain_so_far import KNOWN_ALWAYS, reasons_to_read, sure_failures
from wsoracle.model.machine.compiled import Choice, CompiledMachine
from wsoracle.model.machine.interpreted import Kind, Label, Outcome
from wsoracle.model.notation.rule import STRENGTHS, Accept, Fail, Rule, RuleSet, Strength
from wsoracle.model.notation.variables import LOST, NO_CODE, Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets.frames import Header
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT

from .arrivals import Partial
from .explanation import NO_BLAME, Cost, Explanation, Leniency, Place, Read, Step, Subject, Trail, Untold
from .grading import TOO_BIG, is_own_limit
from .history import History, Message, Moment
from .lost_in_reset import unseen_closes, unseen_replies
from .observation import ClosesTcp, Processed, Quiet, ResetsTcp, Tells, Told

__all__ = ["Search", "machine_for", "unrefusing"]

_TOLD_AS: Final[dict[str, Told]] = {
    TEXT_MESSAGE: "text",
    BINARY_MESSAGE: "binary",
    PING_RECEIVED: "ping",
    PONG_RECEIVED: "pong",
    CLOSE_RECEIVED: "close",
    CLOSED_NOT_CLEANLY: "lost",
}
_USUAL_CODE: Final = 1002
_END: Final = Event(EventKind.RECEIVE_EOF)
_ANY_FRAME: Final = Event(EventKind.RECEIVE, FrameFacts(CONTINUATION))
_MOST_ATTENDED: Final = 50
"""Of more frames that come after an endpoint stopped listening, none is thought to be processed."""
_new: Final = tuple.__new__
_WORTH_IT: Final = 4
"""Fewer frames are read one by one."""
_TWO: Final = 2
_MOST_STRICT_WORK: Final = 400_000
"""Of so many explanations a strict search thinks at the most, which takes some ten seconds."""
_MOST_LENIENT_WORK: Final = 40_000
"""And one without faults that counts departures, where each explanation costs more: a few seconds."""
_COPIED_AT_ONCE: Final = 100
_MOST_WORK: Final = 4_000
_WORK_EACH: Final = 20
"""A search for faults thinks of so many explanations, and of so many more for each frame and output, and gives up then:
what is wrong in many places can be explained in too many ways."""


class _Reaction(NamedTuple):
    """An outcome, or what a faulty endpoint does instead, with the rules that it breaks."""

    label: Label
    state: State
    rules: tuple[str, ...]
    broken: tuple[str, ...] = ()
    own_limit: bool = False
    silently: bool = False
    """The application is not told, though the outcome says so."""

    def also(self, rules: Iterable[str]) -> _Reaction:
        """The same for further reasons."""
        return self._replace(rules=tuple(dict.fromkeys((*self.rules, *rules))))


class _Exchange(NamedTuple):
    """A frame that is received, and one that is sent; the masking key does not matter: payloads are unmasked."""

    received: tuple[object, ...]
    received_payload: bytes
    sent: tuple[object, ...]
    sent_payload: bytes


def _work_on(place: Place) -> int:
    """What it takes to think of a place: more where much is not told or answered yet, which is copied each time."""
    return 1 + (len(place.untold) + len(place.pings) + len(place.echoes)) // _COPIED_AT_ONCE


def _is_message(header: Header) -> bool:
    """Whether a frame is a message by itself."""
    return header.fin and header.opcode in (TEXT, BINARY)


@lru_cache(maxsize=64)
def machine_for(rules: RuleSet, setting: Setting) -> CompiledMachine:
    """The rules compiled for a setting, the same machine for the same two."""
    return CompiledMachine(rules, setting)


@lru_cache(maxsize=64)
def unrefusing(rules: RuleSet) -> RuleSet:
    """The rules without those that refuse: what an endpoint does that follows none of them."""
    return RuleSet(rule for rule in rules if not rule.refuses)


@lru_cache(maxsize=64)
def _heard(rules: RuleSet) -> RuleSet:
    """The rules by which any frame at all may matter."""
    return reasons_to_read(rules, KNOWN_ALWAYS)


@lru_cache(maxsize=256)
def _sure(rules: RuleSet, known: frozenset[str]) -> RuleSet:
    return sure_failures(rules, KNOWN_ALWAYS | known)


@lru_cache(maxsize=256)
def _possible(rules: RuleSet, known: frozenset[str]) -> RuleSet:
    return reasons_to_read(rules, KNOWN_ALWAYS | known)


@lru_cache(maxsize=64)
def _boundary_lengths(rules: RuleSet, setting: Setting) -> tuple[int, ...]:
    found = Alphabet(rules, setting).boundaries(EventKind.RECEIVE)["length"]
    return tuple(int(length) for length in found)


Explanations = dict[Place, Explanation]


class Search:
    """The search over one trace at one leniency. After :meth:`run`, `died_at` is the moment that nothing explains, or
    at which the search `gave_up`.

    `alive` are the explanations at the end or, where there is none, right before that moment.
    """

    def __init__(self, history: History, subject: Subject, leniency: Leniency, *, whole: bool = False) -> None:
        self.history: Final = history
        self.subject: Final = subject
        self.leniency: Final = leniency
        self._ponged: Final = {f.payload for f in history.frames if f.header.opcode == PONG} if whole else None
        self.died_at: Moment | None = None
        start = Place(subject.start)
        self.alive = [Explanation(start, Cost(), None)]
        self._rules: Final = subject.rules
        self._machine: Final = machine_for(subject.rules, subject.setting)
        self._heard: Final = machine_for(_heard(subject.rules), subject.setting)
        self._lawless: Final = machine_for(unrefusing(subject.rules), subject.setting)
        self._mask: Final = self._machine.mask_function(EventKind.RECEIVE)
        self._chosen: Final[dict[int, list[tuple[Choice, bool]]]] = {}
        self._runs: Final[dict[State, tuple[int, list[Read]]]] = {}
        self._covered: frozenset[Explanation] = frozenset()
        self._leapt_to = -1
        self._latest: _Exchange | None = None
        self._work = 0
        self._most_work = _MOST_LENIENT_WORK if leniency.departing else _MOST_STRICT_WORK
        self.gave_up = False

    def run(self) -> Explanation | None:
        """The explanation that breaks least; None where there is none."""
        if self.leniency.faults:
            self._most_work = _MOST_WORK + _WORK_EACH * (len(self.history.moments) + len(self.history.arrivals.frames))
        if not all(map(self.advance, self.history.moments)):
            return None
        best = min(self.alive, key=lambda explanation: explanation.rank)
        # Of those that are as good, one by which nothing was lost.
        equal = [e for e in self.alive if e.rank == best.rank] if self.history.has_reset else []
        return next((e for e in equal if not any(step.unseen for step in e.steps)), best)

    def advance(self, moment: Moment) -> bool:
        """Go on with the next moment of the history; whether anything explains it. After False it cannot go on."""
        exchange = self._exchange(moment)
        if exchange is not None and exchange == self._latest:
            self.alive = [self._once_more(moment)]
            return True
        before = self.alive
        found = {explanation.place: explanation for explanation in before}
        after = self._pass(found, moment)
        self.gave_up = self._work > self._most_work
        if after and not self.gave_up:
            self.alive = list(after.values())
            self._latest = exchange if exchange is not None and self._has_only_moved_on(before[0]) else None
            return True
        # Who gives up does not think on: there were too many to look at each.
        self.died_at, self.alive = moment, before if self.gave_up else list(self._read_on(found, moment))
        return False

    def up_to_date(self) -> list[Explanation]:
        """The explanations in which everything was read that has arrived so far, right before what comes next."""
        history = self.history
        arrived, found = len(history.arrivals.octets), {one.place: one for one in self.alive}
        moment = Moment(len(history.trace), Processed(), arrived, history.has_eof, history.asked)
        return [one for one in self._read_on(found, moment) if self._has_read_all(one.place, moment)]

    # An exchange: what is thought of it depends on the two frames and the place of the endpoint, which it leaves alone.

    def _exchange(self, moment: Moment) -> _Exchange | None:
        """The whole message that is sent now, and the one that has come since there was nothing left to do; if so."""
        what, alone = moment.what, self.alive[0]
        if not isinstance(what, FrameUnit) or len(self.alive) > 1 or self.leniency.departing or self.subject.unasked:
            return None
        place, frames = alone.place, self.history.arrivals.frames
        if place.consumed >= len(frames) or place.untold or place.pings or place.echoes or place.first:
            return None
        frame = frames[place.consumed]
        only = frame.end == moment.arrived and not moment.eof and not moment.asked.messages
        if not (only and _is_message(frame.header) and _is_message(what.header)):
            return None
        return _Exchange(frame.header[:-1], frame.payload, what.header[:-1], what.payload)

    def _has_only_moved_on(self, before: Explanation) -> bool:
        """Whether an explanation has become one other, by reading one frame and sending one, at no cost."""
        now = self.alive[0]
        trail = now.trail
        return (
            len(self.alive) == 1
            and now.cost == before.cost
            and now.place == before.place._replace(consumed=before.place.consumed + 1)
            and trail is not None
            and trail.step is not None
            and trail.before is not None
            and trail.before.step is not None
            and trail.before.before is before.trail
        )

    def _once_more(self, moment: Moment) -> Explanation:
        """What becomes of the explanation that there is when the exchange before it takes place once more."""
        (now,) = self.alive
        consumed = now.place.consumed
        assert now.trail is not None and now.trail.before is not None
        sends, receives = now.trail.step, now.trail.before.step
        assert sends is not None and receives is not None
        trail = Trail(now.trail, receives._replace(at=moment.at, frame=consumed))
        trail = Trail(trail, sends._replace(at=moment.at))
        return now._replace(place=now.place._replace(consumed=consumed + 1), trail=trail)

    def _pass(self, found: Explanations, moment: Moment) -> Explanations:
        """The explanations after a moment: those that have read least.

        An explanation that others become by reading on, at no cost, is left out: they can read on later.
        """
        after: Explanations = {}
        found = self._send_part(found, moment, after)
        if not found:
            return after
        level = -1
        here: list[Explanation] = []
        self._covered, self._leapt_to = frozenset(), -1
        for explanation in self._read_on(found, moment, here):
            consumed = explanation.place.consumed
            self._work += _work_on(explanation.place)
            if self._work > self._most_work:
                return {}
            if consumed != level:
                if consumed == level + 1:
                    self._covered = self._freely_after(here, moment)
                elif consumed != self._leapt_to:
                    self._covered = frozenset()
                level = consumed
                here.clear()
            if not self._may_be_now(explanation.place, moment):
                continue
            for then in self._output(explanation, moment):
                if then.cost.must > self.leniency.faults:
                    continue
                here.append(then)
                if self._covered and then._replace(trail=None) in self._covered:
                    continue
                kept = after.get(then.place)
                if kept is None or then.rank < kept.rank:
                    after[then.place] = then
        return after

    def _send_part(self, found: Explanations, moment: Moment, after: Explanations) -> Explanations:
        """Explanations in which a part of a message is sent now are put into `after`; the others.

        What such a part does, reading more before it does not change, nor the other way round: who can send it need not
        be thought to have read more. (Thousands of parts and of frames would make as many pairs as both together.)
        """
        what = moment.what
        if not isinstance(what, FrameUnit) or what.header.opcode > BINARY or what.header.fin or self.leniency.departing:
            return found
        waiting: Explanations = {}
        for explanation in found.values():
            sent = list(self._output(explanation, moment)) if self._may_be_now(explanation.place, moment) else []
            for then in sent:
                self._keep(after, then)
            if not sent:
                waiting[explanation.place] = explanation
        return waiting

    def _freely_after(self, explanations: list[Explanation], moment: Moment) -> frozenset[Explanation]:
        """What explanations become by reading one frame more, where that breaks nothing; without the way there."""
        return frozenset(
            then._replace(trail=None)
            for one in explanations
            for then in self._receive(one, moment, eof=one.place.consumed == self.history.whole(moment))
            if then.cost == one.cost
        )

    def _may_be_now(self, place: Place, moment: Moment) -> bool:
        """Whether what is seen at a moment may be done by one who is at this place; a hint that saves time."""
        what = moment.what
        if isinstance(what, FrameUnit):
            if self.subject.unasked:
                return True
            if what.start in self.history.messages:
                return bool(place.echoes) or place.asked < moment.asked.messages
            return what.header.opcode != CLOSE or self._may_close(place.state, moment)
        if isinstance(what, (Processed, Quiet)):
            return self._has_read_all(place, moment)
        return True

    def _has_read_all(self, place: Place, moment: Moment) -> bool:
        """Whether everything was read that had arrived."""
        return place.consumed == self.history.whole(moment) + moment.eof

    def forbids(self, explanation: Explanation, moment: Moment) -> tuple[str, ...]:
        """The binding rules that refuse what is seen at a moment, by who is where an explanation is."""
        state, what = explanation.place.state, moment.what
        if isinstance(what, FrameUnit):
            before = text_before(what.header.opcode, state, EventKind.SEND)
            event = Event(EventKind.SEND, facts_on_wire(what.header, what.payload, before))
        elif isinstance(what, (ClosesTcp, ResetsTcp)):
            event = Event(EventKind.CLOSE_TCP)
        else:
            return ()
        return tuple(rule.id for rule in self._machine.forbidden_by(state, event))

    def owes(self, explanation: Explanation) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What the endpoint is still to do in an explanation, in words, each with its rules."""
        place = explanation.place
        found = [(f"tell its application {u.tells.kind}", u.rules) for u in place.untold]
        for due, rule in self._machine.owed(place.state):
            words = due.name.lower().replace("_", " ")
            if due.name == "CLOSE" and place.state.failed:
                words += f" with code {place.state.fail_code}"
            elif due.name == "PONG" and place.pings:
                words += f" with payload {place.pings[-1].hex() or 'empty'}"
            found.append((words, (rule.id,)))
        return tuple(found)

    def _keep(self, found: Explanations, then: Explanation) -> None:
        if then.cost.must > self.leniency.faults:
            return
        kept = found.get(then.place)
        if kept is None or then.rank < kept.rank:
            found[then.place] = then

    def _go(self, explanation: Explanation, place: Place, step: Step, own_limit: bool = False) -> Explanation:
        cost, blame = explanation.cost, explanation.blame
        if step.broken or own_limit:
            cost = cost.plus(self._strongest(step.broken), own_limit)
            if step.broken and blame == NO_BLAME:
                blame = step.at, place.consumed
        return Explanation(place, cost, Trail(explanation.trail, step), blame)

    def _strongest(self, broken: Collection[str]) -> Strength | None:
        strengths = [self._rules.by_id[rule].strength for rule in broken]
        return min(strengths, key=STRENGTHS.index, default=None)

    def _may_close(self, state: State, moment: Moment) -> bool:
        """Whether the endpoint may have a reason to send a Close, be it what its application does unseen.

        The end of one half of TCP is one: the other half still carries a Close frame.
        """
        asked = self.subject.unasked or moment.asked.close
        return asked or state.failed or state.got_close or moment.eof

    # --- inputs -------------------------------------------------------------------------------------------------------

    def _read_on(
        self, found: Explanations, moment: Moment, outputs: list[Explanation] | None = None
    ) -> Iterator[Explanation]:
        """The same explanations, and those in which the endpoint has read more of what had arrived; least first.

        Where the caller keeps `outputs`, what the explanations of the latest level became by what is seen at the
        moment, those are left out that would become nothing else.
        """
        whole = self.history.whole(moment)
        last = whole + moment.eof
        levels: dict[int, Explanations] = {}
        for explanation in found.values():
            levels.setdefault(explanation.place.consumed, {})[explanation.place] = explanation
        consumed = min(levels)
        while True:
            level = levels.pop(consumed)
            if consumed == whole:
                for explanation in list(level.values()):
                    for then in self._fail_early(explanation, moment):
                        self._keep(level, then)
            yield from level.values()
            if consumed < last:
                if not levels and len(level) == 1 and outputs is not None and not self.leniency.departing:
                    (alone,) = level.values()
                    leapt = self._leap(alone, moment, whole, outputs)
                    for ahead in leapt:
                        self._keep(levels.setdefault(ahead.place.consumed, {}), ahead)
                    if leapt:
                        consumed = min(levels)
                        continue
                for explanation in level.values():
                    passed = self._passed_over(explanation, whole)
                    for then in self._receive(explanation, moment, eof=consumed == whole):
                        if passed > 1:
                            then = then._replace(place=then.place._replace(consumed=whole))
                        self._keep(levels.setdefault(then.place.consumed, {}), then)
            if not levels:
                return
            consumed = consumed + 1 if consumed + 1 in levels else min(levels)

    # Reading ahead, strictly: frames that give no choice are read at once where they do not matter for what is seen.

    def _leap(
        self, explanation: Explanation, moment: Moment, whole: int, outputs: list[Explanation]
    ) -> list[Explanation]:
        """The explanations after several frames, between which what is seen would be no other thing; else none."""
        place, what = explanation.place, moment.what
        if whole - place.consumed < _WORTH_IT:
            return []
        if not outputs and not self._may_be_now(place, moment):
            ahead = self._read_fragments(explanation, moment, whole)
            if ahead or isinstance(what, FrameUnit):
                return ahead
        if isinstance(what, FrameUnit):
            if what.header.opcode >= CLOSE or (self.subject.setting.echo and len(place.echoes) < _TWO):
                return []
        elif not isinstance(what, (Processed, Quiet)):
            return []
        end = min(self._run(place.state, place.consumed, whole), whole)
        if end < place.consumed + _WORTH_IT or any(
            one.place.state != place.state and self._run(one.place.state, place.consumed, whole) < end
            for one in outputs
        ):
            return []
        self._covered = frozenset(self._read_run(one, moment, end)._replace(trail=None) for one in outputs)
        self._leapt_to = end
        return [self._read_run(explanation, moment, end)]

    def _read_fragments(self, explanation: Explanation, moment: Moment, whole: int) -> list[Explanation]:
        """The explanations after all frames to come that only begin or continue a message; none where there are few.

        In the first all were taken. Where any of them may be too big for an unstated limit, in the others one was.
        """
        frames, facts_of = self.history.arrivals.frames, self.history.arrivals.facts
        state, consumed, first = explanation.place.state, explanation.place.consumed, explanation.place.first
        start = consumed
        decide, known = self._mask, dict[int, tuple[Choice, Sequence[Choice]] | None]()
        reads: list[Read] = []
        refusals: dict[State, tuple[int, Choice]] = {}
        latest: Header | None = None
        read_payload, inside, decided = b"", (-1, -1), -1
        while consumed < whole:
            header, payload, _, _ = frames[consumed]
            # The facts of a fragment depend on nothing else, and thousands are often the same (see read_frames).
            again = header is latest and payload is read_payload
            if not again or state.recv_type != inside[0] or state.recv_utf8 != inside[1]:
                if header.fin or header.opcode > BINARY:
                    break
                facts, latest, read_payload = facts_of(consumed, state), header, payload
                inside = state.recv_type, state.recv_utf8
            mask = decide(state, facts)
            if mask != decided:
                if mask not in known:
                    known[mask] = self._taken_or_too_big(mask)
                choices = known[mask]
                if choices is None:
                    break
                (choice, too_big), decided = choices, mask
            if too_big and self._may_be_too_big(state, facts):
                for refusal in too_big:
                    refusals.setdefault(refusal.effect(state, facts), (len(reads), refusal))
            reads.append(_new(Read, (state, facts, choice)))
            state = choice.effect(state, facts)
            if header.opcode != CONTINUATION:
                first = consumed
            consumed += 1
        if len(reads) < _WORTH_IT:
            return []

        def after(count: int) -> Explanation:
            read = reads[count].state if count < len(reads) else state
            trail = Trail(explanation.trail, None, moment.at, reads, start, start, start + count)
            begun = first if read.recv_type and count == len(reads) else 0
            place = explanation.place._replace(state=read, consumed=start + count, first=begun)
            return explanation._replace(place=place, trail=trail)

        refused = []
        for failed, (index, choice) in refusals.items():
            event = Event(EventKind.RECEIVE, reads[index].facts)
            reaction = _Reaction(choice.label, failed, choice.rules, (), True)
            refused.append(self._received(after(index), moment, event, reaction, frames[start + index]))
        return [after(len(reads)), *refused]

    def _taken_or_too_big(self, mask: int) -> tuple[Choice, Sequence[Choice]] | None:
        """Where there is no choice but to take a frame, or to refuse it by an unstated limit: both; else None."""
        chosen = self._chosen.get(mask) or self._choose(mask)
        taken = [choice for choice, own_limit in chosen if not own_limit]
        if len(taken) != 1 or taken[0].label.kind is not Kind.ACCEPT:
            return None
        return taken[0], [choice for choice, own_limit in chosen if own_limit]

    def _only_choice(self, state: State, facts: FrameFacts) -> Choice | None:
        """What an endpoint does with a frame, where that is to take it, and there is no choice."""
        chosen = self._outcomes(state, facts)
        choice, own_limit = chosen[0]
        return choice if len(chosen) == 1 and not own_limit and choice.label.kind is Kind.ACCEPT else None

    def _run(self, state: State, first: int, whole: int) -> int:
        """Up to which frame all frames from `first` on are taken and leave the state as it is."""
        frames, facts_of = self.history.arrivals.frames, self.history.arrivals.facts
        origin, reads = self._runs.get(state, (first, []))
        if not origin <= first <= origin + len(reads):
            origin, reads = first, []
        self._runs[state] = origin, reads
        for index in range(origin + len(reads), min(whole, len(frames))):
            facts = facts_of(index, state)
            choice = self._only_choice(state, facts)
            if choice is None or choice.effect(state, facts) != state:
                break
            reads.append(Read(state, facts, choice))
        return origin + len(reads)

    def _read_run(self, explanation: Explanation, moment: Moment, end: int) -> Explanation:
        """The explanation after the frames of a run; they are control frames, whole messages, or parts of one."""
        place = explanation.place
        start = place.consumed
        origin, reads = self._runs[place.state]
        untold, pings, echoes = list(place.untold), list(place.pings), list(place.echoes)
        for index in range(start, end):
            frame, choice = self.history.arrivals.frames[index], reads[index - origin].choice
            message = None
            if frame.header.opcode == PING:
                pings.append(frame.payload)
            elif frame.header.opcode <= BINARY and frame.header.fin:
                message = Message(frame.header.opcode, frame.payload)
                if place.state.reply_due:
                    echoes.append(message)
            if self.subject.sees:
                tells = self._tells(choice.label.delivers, frame, message)
                if tells is not None and tells.kind in self.subject.sees:
                    untold.append(Untold(tells, choice.rules))
        pings[:-1] = self._remembered(pings[:-1])
        then = place._replace(consumed=end, untold=tuple(untold), pings=tuple(pings), echoes=tuple(echoes))
        trail = Trail(explanation.trail, None, moment.at, reads, origin, start, end)
        return explanation._replace(place=then, trail=trail)

    def _passed_over(self, explanation: Explanation, whole: int) -> int:
        """How many frames an endpoint that listens to none any more passes over at once.

        Leniently, what it may do with a frame all the same is thought of too, unless there are very many of them.
        """
        place, state = explanation.place, explanation.place.state
        frames = whole - place.consumed
        if not (state.failed or state.got_close or state.discarding or not state.tcp_open):
            return 0  # saves asking, which would say the same
        if frames > 1 and (not self.leniency.departing or frames > _MOST_ATTENDED):
            return 0 if self._heard.enabled(place.state, _ANY_FRAME) else frames
        return 0

    def _fail_early(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """The frame at hand is incomplete, and what has come of it is reason enough to fail."""
        place = explanation.place
        if not self._heard.enabled(place.state, _ANY_FRAME):
            return
        partial = self.history.arrivals.partial(moment.arrived, place.state, self._lengths(place.state))
        if partial is None:
            return
        reactions = self._sure_reactions(place.state, partial)
        if not reactions and self.leniency.faults:
            reactions = self._refused_early(place.state, partial)
        event = Event(EventKind.RECEIVE, partial.cases[0])
        for reaction in reactions:
            step = Step(
                moment.at, place.state, event, reaction.label, reaction.rules, reaction.broken, place.consumed, True
            )
            yield self._go(explanation, place._replace(state=reaction.state), step, reaction.own_limit)

    def _sure_reactions(self, state: State, partial: Partial) -> list[_Reaction]:
        """The failures that are allowed whatever the rest of the frame will be."""
        machine = machine_for(_sure(self._rules, partial.known), self.subject.setting)
        found: dict[Label, _Reaction] | None = None
        for facts in partial.cases:
            outcomes = machine.allowed(state, Event(EventKind.RECEIVE, facts))
            here = {o.label: o for o in outcomes if self._believes(o, state, facts)}
            if found is None:
                found = {o.label: _Reaction(o.label, o.state, o.rules) for o in here.values()}
            else:
                found = {label: found[label].also(here[label].rules) for label in found if label in here}
            for label, outcome in here.items():
                if label in found and is_own_limit(label, outcome.strength):
                    found[label] = found[label]._replace(own_limit=True)
            if not found:
                return []
        return list((found or {}).values())

    def _refused_early(self, state: State, partial: Partial) -> list[_Reaction]:
        """A frame that may still become legal is refused before it is whole."""
        machine = machine_for(_possible(self._rules, partial.known), self.subject.setting)
        accepting: dict[str, None] = {}
        for facts in partial.cases:
            rows = machine.enabled(state, Event(EventKind.RECEIVE, facts))
            accepting.update((rule.id, None) for rule in rows if isinstance(rule.then, Accept))
        return self._failing(state, partial.cases[0], tuple(accepting)) if accepting else []

    def _lengths(self, state: State) -> tuple[int, ...]:
        """Payload lengths that stand for all others in a state: where some rule changes its mind, or near it."""
        limit = self.subject.setting.limit
        lengths = _boundary_lengths(self._rules, self.subject.setting)
        return lengths if limit is None else (*lengths, max(0, limit - state.recv_length + 1))

    def _receive(self, explanation: Explanation, moment: Moment, eof: bool) -> list[Explanation]:
        """The next frame, or the end of TCP, is read."""
        place, state = explanation.place, explanation.place.state
        if eof:
            reactions = self._reactions(state, _END)
            return [self._received(explanation, moment, _END, reaction, None) for reaction in reactions]
        frame = self.history.arrivals.frames[place.consumed]
        facts = self.history.arrivals.facts(place.consumed, state)
        event = Event(EventKind.RECEIVE, facts)
        if self.leniency.departing:
            reactions = self._reactions(state, event)
        else:
            chosen = self._outcomes(state, facts)
            reactions = (_Reaction(c.label, c.effect(state, facts), c.rules, (), limit) for c, limit in chosen)
        return [self._received(explanation, moment, event, reaction, frame) for reaction in reactions]

    def _outcomes(self, state: State, facts: FrameFacts) -> Sequence[tuple[Choice, bool]]:
        """What an endpoint may do with a frame, strictly, and of each outcome whether it has an unstated limit then."""
        mask = self._mask(state, facts)
        chosen = self._chosen.get(mask) or self._choose(mask)
        if len(chosen) == 1 or self._may_be_too_big(state, facts):
            return chosen
        return [(choice, own_limit) for choice, own_limit in chosen if not own_limit]

    def _may_be_too_big(self, state: State, facts: FrameFacts) -> bool:
        """Whether an unstated limit is believed: the endpoint says so, or it says nothing and the message is long."""
        says = self.history.says(TOO_BIG)
        return state.recv_length + facts.length > self.subject.taken_by_all if says is None else says

    def _choose(self, mask: int) -> list[tuple[Choice, bool]]:
        """The outcomes that are allowed in full, and of each whether it is a refusal by an unstated limit."""
        choices = self._machine.choices(EventKind.RECEIVE, mask)
        self._chosen[mask] = [(choice, is_own_limit(choice.label, choice.strength)) for choice in choices]
        return self._chosen[mask]

    def _received(
        self, explanation: Explanation, moment: Moment, event: Event, reaction: _Reaction, frame: FrameUnit | None
    ) -> Explanation:
        place = explanation.place
        label, _, rules, broken, own_limit, _ = reaction
        index = None if frame is None else place.consumed
        step = Step(moment.at, place.state, event, label, rules, broken, index)
        return self._go(explanation, self._after(place, reaction, frame), step, own_limit)

    def _after(self, place: Place, reaction: _Reaction, frame: FrameUnit | None) -> Place:
        """The place after a reaction: what is to be told, answered and echoed now."""
        label, state, rules, _, _, silently = reaction
        _, consumed, first, untold, pings, echoes, asked = place
        if label.kind is Kind.ACCEPT:
            message = None
            if frame is not None:
                opcode = frame.header.opcode
                if opcode <= BINARY:
                    first = first if opcode == CONTINUATION else consumed
                    message = self._message(first, consumed) if frame.header.fin else None
                elif opcode == PING:
                    pings = (*self._remembered(pings), frame.payload)
            if self.subject.sees and not silently:
                tells = self._tells(label.delivers, frame, message)
                if tells is not None and tells.kind == "lost" and place.state.failed:
                    tells = None  # that the connection is over was told when it failed
                if tells is not None and tells.kind in self.subject.sees:
                    untold = (*untold, Untold(tells, rules))
            if message is not None and state.reply_due:
                echoes = (*echoes, message)
        first = first if state.recv_type else 0
        if not state.reply_due and not self.leniency.faults:
            echoes = ()  # one that goes out all the same is still the answer to a message
        return Place(state, consumed + 1, first, untold, pings, echoes, asked)

    def _remembered(self, pings: Sequence[bytes]) -> Sequence[bytes]:
        """Those that matter once another one has come: those that have a Pong, where all of the trace is known."""
        return pings if self._ponged is None else [payload for payload in pings if payload in self._ponged]

    def _message(self, first: int, last: int) -> Message:
        frames = self.history.arrivals.frames
        data = [f.payload for f in frames[first : last + 1] if f.header.opcode in (TEXT, BINARY, CONTINUATION)]
        return Message(frames[first].header.opcode, data[0] if len(data) == 1 else b"".join(data))

    @staticmethod
    def _tells(delivers: str | None, frame: FrameUnit | None, message: Message | None) -> Tells | None:
        kind = None if delivers is None else _TOLD_AS.get(delivers)
        if kind is None:
            return None
        if frame is None:
            return Tells(kind)
        if kind == "close":
            body = frame.payload
            code = int.from_bytes(body[:2], "big") if len(body) >= 2 else NO_CODE
            return Tells(kind, code=code, reason=body[2:].decode("utf-8", "replace"))
        return Tells(kind, frame.payload if message is None else message.payload)

    def _reactions(self, state: State, event: Event) -> Iterator[_Reaction]:
        """What the endpoint may do with an input and, leniently, what it may not and does all the same."""
        outcomes = self._machine.allowed(state, event, departures=self.leniency.departing)
        for outcome in outcomes:
            if not self._believes(outcome, state, event.frame):
                continue
            own_limit = is_own_limit(outcome.label, outcome.strength)
            yield _Reaction(outcome.label, outcome.state, outcome.rules, outcome.departs_from, own_limit)
        if self.leniency.departing and event.frame is not None:
            refusals = self._machine.forbidden_by(state, event)
            if refusals:
                yield from self._unrefused(state, event, refusals, {outcome.label for outcome in outcomes})
            elif any(outcome.label.kind is Kind.ACCEPT for outcome in outcomes):
                yield from self._refused(state, event)
            else:
                yield from self._attended(state, event)

    def _believes(self, outcome: Outcome, state: State, facts: FrameFacts | None) -> bool:
        """Whether an outcome is thought of: to refuse by an unstated limit is not always."""
        own_limit = is_own_limit(outcome.label, outcome.strength)
        return not own_limit or (facts is not None and self._may_be_too_big(state, facts))

    def _unrefused(
        self, state: State, event: Event, refusals: tuple[Rule, ...], allowed: Collection[Label]
    ) -> Iterator[_Reaction]:
        """A frame that must be refused is dropped, or accepted as if nothing were wrong with it."""
        broken = tuple(rule.id for rule in refusals)
        yield _Reaction(Label(Kind.IGNORE), state, (), broken)
        for outcome in self._lawless.allowed(state, event):
            if outcome.label.kind is Kind.ACCEPT and outcome.label not in allowed:
                yield _Reaction(outcome.label, outcome.state, outcome.rules, broken)

    def _refused(self, state: State, event: Event) -> Iterator[_Reaction]:
        """A legal frame is refused: the connection is failed with one of the codes that are seen to be sent."""
        if not self.leniency.faults:
            return
        rows = self._machine.enabled(state, event)
        yield from self._failing(state, event.frame, tuple(rule.id for rule in rows if isinstance(rule.then, Accept)))

    def _failing(self, state: State, frame: FrameFacts | None, broken: tuple[str, ...]) -> list[_Reaction]:
        row = next(rule for rule in self._rules.of(EventKind.RECEIVE) if isinstance(rule.then, Fail))
        failed = self._machine.after(row, state, frame)
        told = self.history.told_failures
        codes = told if state.sent_close else self.history.close_codes or told
        return [
            _Reaction(Label(Kind.FAIL, code), failed._replace(fail_code=code), (), broken)
            for code in codes or (_USUAL_CODE,)
        ]

    def _attended(self, state: State, event: Event) -> Iterator[_Reaction]:
        """A frame that must not be processed any more is processed as if it had come in time."""
        broken = tuple(rule.id for rule in self._machine.enabled(state, event) if rule.strength.binds)
        if not broken:
            return
        in_time = state._replace(failed=False, got_close=False, discarding=False, tcp_open=True)
        for outcome in self._lawless.allowed(in_time, event):
            if outcome.label.kind is Kind.ACCEPT:
                for silently in (False, True):
                    yield _Reaction(outcome.label, state, outcome.rules, broken, silently=silently)

    # --- outputs ------------------------------------------------------------------------------------------------------

    def _output(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """What the endpoint does happens, where the explanation allows it."""
        what = moment.what
        if isinstance(what, FrameUnit):
            yield from self._send(explanation, moment, what)
        elif isinstance(what, Tells):
            yield from self._tell(explanation, moment, what)
        elif isinstance(what, ClosesTcp):
            yield from self._do(explanation, moment, Event(EventKind.CLOSE_TCP), explanation.place)
        elif isinstance(what, ResetsTcp):
            yield from self._reset(explanation, moment)
        elif isinstance(what, (Processed, Quiet)) and self._has_read_all(explanation.place, moment):
            yield from [explanation] if isinstance(what, Processed) else self._be_quiet(explanation, moment)

    def _do(
        self, explanation: Explanation, moment: Moment, event: Event, place: Place, missing: tuple[str, ...] = ()
    ) -> Iterator[Explanation]:
        """An output, where the rules allow it; leniently also where they do not. `missing` rules are broken besides."""
        state = place.state
        outcomes = self._machine.allowed(state, event, departures=self.leniency.departing)
        for outcome in outcomes:
            broken = (*missing, *outcome.departs_from)
            step = Step(moment.at, state, event, outcome.label, outcome.rules, broken)
            yield self._go(explanation, place._replace(state=outcome.state), step)
        if not outcomes and self.leniency.faults:
            broken = (*missing, *(rule.id for rule in self._machine.forbidden_by(state, event)))
            for outcome in self._lawless.allowed(state, event):
                step = Step(moment.at, state, event, outcome.label, outcome.rules, broken)
                yield self._go(explanation, place._replace(state=outcome.state), step)

    def _reset(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """TCP is closed, and what went before may be lost: what is owed or was asked for, then a Close with a reason.

        A Pong before it would make no difference to what may come after.
        """
        closes = Event(EventKind.CLOSE_TCP)
        yield from self._do(explanation, moment, closes, explanation.place)
        for sent in (explanation, *self._lost_replies(explanation, moment)):
            for then in self._lost_closes(sent, moment):
                if self._machine.allowed(then.place.state, closes, departures=self.leniency.departing):
                    yield from self._do(then, moment, closes, then.place)

    def _lost_replies(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """All messages that the endpoint had a reason to send are sent, unseen."""
        place = explanation.place
        asked = moment.asked.messages
        if self.subject.unasked or place.echoes or place.asked < asked:
            for facts in unseen_replies(place.state, self.subject.setting):
                for then in self._unseen(explanation, moment, facts):
                    yield then._replace(place=then.place._replace(echoes=(), asked=asked))

    def _lost_closes(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        state = explanation.place.state
        if self.subject.unasked or state.failed or state.got_close or moment.asked.close:
            for facts in unseen_closes(state, self.subject.setting):
                yield from self._unseen(explanation, moment, facts)

    def _unseen(self, explanation: Explanation, moment: Moment, facts: FrameFacts) -> Iterator[Explanation]:
        """A frame that is allowed in full is sent, and does not come."""
        place, event = explanation.place, Event(EventKind.SEND, facts)
        for outcome in self._machine.allowed(place.state, event):
            step = Step(moment.at, place.state, event, outcome.label, outcome.rules, unseen=True)
            yield self._go(explanation, place._replace(state=outcome.state), step)

    def _send(self, explanation: Explanation, moment: Moment, frame: FrameUnit) -> Iterator[Explanation]:
        place = explanation.place
        before = text_before(frame.header.opcode, place.state, EventKind.SEND)
        for then, answers in self._causes(place, moment, frame):
            facts: FrameFacts = facts_on_wire(frame.header, frame.payload, before, answers=answers)
            yield from self._do(explanation, moment, Event(EventKind.SEND, facts), then)

    def _causes(self, place: Place, moment: Moment, frame: FrameUnit) -> Iterator[tuple[Place, bool]]:
        """Why the endpoint may send a frame: the place with the cause used up, and whether the frame answers.

        A Pong with the payload of a Ping that has arrived is an answer to it: it is not there by chance.
        """
        opcode, payload = frame.header.opcode, frame.payload
        unasked = self.subject.unasked
        if opcode == PONG:
            if payload in place.pings:
                at = place.pings.index(payload)
                rest = (*place.pings[:at], *place.pings[at + 1 :])
                yield place._replace(pings=rest), payload == place.pings[-1]
            elif unasked or not self.history.answers_arrived_ping(moment, frame):
                yield place, False
            if not unasked and self.history.asked_for_pong(moment, payload):
                yield place, False
        elif opcode == CLOSE:
            if self._may_close(place.state, moment):
                yield place, False
        elif frame.start in self.history.messages and not unasked:
            message = self.history.messages[frame.start]
            if self.history.asks_next(moment, place.asked, message):
                yield place._replace(asked=place.asked + 1), False
            if place.echoes[:1] == (message,):
                yield place._replace(echoes=place.echoes[1:]), len(place.echoes) == 1
        else:
            yield place, False

    def _tell(self, explanation: Explanation, moment: Moment, tells: Tells) -> Iterator[Explanation]:
        place = explanation.place
        state, untold = place.state, place.untold
        if tells.kind == "failed":
            if state.failed:
                yield explanation
        elif tells.kind not in self.subject.sees:
            yield explanation
        elif tells.kind == "lost":
            if untold and untold[0].tells.kind == "lost":
                yield explanation._replace(place=place._replace(untold=untold[1:]))
            elif not state.tcp_open and (state.failed or state.close_code == LOST):
                yield explanation
        else:
            yield from self._tell_of_input(explanation, moment, tells)

    def _tell_of_input(self, explanation: Explanation, moment: Moment, tells: Tells) -> Iterator[Explanation]:
        place = explanation.place
        for index, expected in enumerate(place.untold):
            exact = expected.tells == tells
            if (exact and not index) or (self.leniency.faults and expected.tells.kind == tells.kind):
                # What stands before it was left out, and it is told wrong itself if it is not exactly this.
                missed = [rule for u in place.untold[:index] for rule in u.rules]
                broken = tuple(dict.fromkeys([*missed, *(() if exact else expected.rules)]))
                step = Step(moment.at, place.state, None, None, expected.rules, broken)
                yield self._go(explanation, place._replace(untold=place.untold[index + 1 :]), step)
            if not self.leniency.faults:
                return

    def _be_quiet(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        place, state = explanation.place, explanation.place.state
        missing = tuple(dict.fromkeys(rule for untold in place.untold for rule in untold.rules))
        silently = state.failed and not state.sent_close and state.tcp_open
        if silently and not self._shows_failure(explanation):
            # Nothing shows that it fails the connection: then it is the reason to fail that was not heeded.
            missing = (*self._reason_to_fail(explanation), *missing)
        if missing and not self.leniency.faults:
            return
        yield from self._do(explanation, moment, Event(EventKind.SILENCE), place, missing)

    def _shows_failure(self, explanation: Explanation) -> bool:
        """Whether it tells that it failed, or leaves unanswered what came after that and is to be answered at once."""
        failing = [s.frame for s in explanation.steps if s.label is not None and s.label.kind is Kind.FAIL]
        if self.history.tells_of_failure or not failing or failing[-1] is None:
            return self.history.tells_of_failure
        after = self.history.arrivals.frames[failing[-1] + 1 : explanation.place.consumed]
        return any(frame.header.opcode in (PING, CLOSE) for frame in after)

    @staticmethod
    def _reason_to_fail(explanation: Explanation) -> tuple[str, ...]:
        failing = [s for s in explanation.steps if s.label is not None and s.label.kind is Kind.FAIL]
        return failing[-1].rules if failing else ()
