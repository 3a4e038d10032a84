"""How an endpoint may take in the frames that arrive."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Final

from wsoracle.model.facts.arriving import ArrivingFrames, Partial
from wsoracle.model.machine.boundary_events import Alphabet
from wsoracle.model.machine.certain_so_far import KNOWN_ALWAYS, reasons_to_read, sure_failures
from wsoracle.model.machine.compiled import Choice, machine_for
from wsoracle.model.machine.interpreted import Kind, Label, Outcome
from wsoracle.model.notation.rule import Accept, RuleSet, Strength
from wsoracle.model.notation.variables import HEADER_VARIABLES, NO_CODE, Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, KNOWN_OPCODES, PING, PONG, TEXT

from .alike import LAST_ONES, LEAST_AT_ONCE, Runs, at_once
from .application import with_replacements
from .explanation import Explanation, Leniency, Place, Step, Subject, Untold
from .grading import BINDING, TOO_BIG, is_own_limit
from .history import History
from .misreading import Misreading
from .moments import Message, Moment
from .observation import TOLD_AS, Tells
from .steps import Reacted, Steps
from .telling import Telling
from .waiting import Waiting

MOST_EITHER_WAY: Final = 6
"""The most frames that wait of which a lenient search lets an endpoint take in or drop each as it likes, wrongly."""
_MOST_ATTENDED: Final = 50
"""The most frames after an endpoint stopped listening that a lenient search lets it process: of more, none."""
_END: Final = Event(EventKind.RECEIVE_EOF)
ANY_FRAME: Final = Event(EventKind.RECEIVE, FrameFacts(CONTINUATION))


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


def code_of(body: bytes) -> int:
    """The status code in the body of a Close frame, 1005 where it has none."""
    return int.from_bytes(body[:2], "big") if len(body) >= 2 else NO_CODE


def _is_open(frame: FrameUnit) -> bool:
    """Whether the compressed message that a frame ends is one of which a receiver may make what it likes.

    Data that ends inside a block inflates to no more than came before, to what the octets that are put back add to
    it, or to nothing; of data that is malformed nobody can say what it stands for.
    """
    return frame.deflated is not None and frame.deflated.fault.lost


class FrameReader(Steps):
    """Reads frames.

    A Pong answers every Ping with its payload that had arrived by then, or the latest of them: an endpoint may read on
    to it before it answers. So an explanation that reads such a Ping only later owes no further Pong for it.
    """

    def __init__(
        self, history: History, subject: Subject, leniency: Leniency, arriving: ArrivingFrames, *, lazy: bool = True
    ) -> None:
        super().__init__(history, subject, leniency)
        self.arriving: Final = arriving
        self.mask: Final = self.machine.mask_function(EventKind.RECEIVE)
        self._chosen: Final[dict[int, list[tuple[Choice, bool]]]] = {}
        self.lazy: Final = lazy
        self._messages: Final[dict[tuple[int, int], Message]] = {}
        self._has_open, self._looked_at = False, 0
        self._pongs: Final[Counter[bytes]] = Counter()
        """How many Pongs with a payload that can be answers were sent."""
        self._ponged: Final[dict[bytes, int]] = {}
        """How many octets had arrived when a Pong with a payload was last sent."""

    def whole(self, moment: Moment) -> int:
        """How many frames had arrived whole by then."""
        return self.arriving.whole(moment.arrived)

    def has_read_all(self, place: Place, moment: Moment) -> bool:
        """Whether everything was read that had arrived."""
        return place.consumed == self.whole(moment) + moment.eof

    def is_unsent(self, moment: Moment) -> bool:
        """Whether no octet of a frame had arrived by then."""
        return moment.arrived <= self.arriving.start

    def is_answer(self, code: int, place: Place, moment: Moment) -> bool:
        """Whether a Close frame with this code (1005: none) had arrived by then and is not read."""
        return any(code_of(close.payload) == code for close in self.unread_closes(place, moment))

    def unread_closes(self, place: Place, moment: Moment) -> list[FrameUnit]:
        """The Close frames that had arrived by then and are not read."""
        return self.arriving.closes(place.consumed, self.whole(moment))

    def begun(self, moment: Moment) -> bool:
        """Whether a part of a frame had arrived by then."""
        return self.arriving.partial(moment.arrived, State(), ()) is not None

    def copies(self, message: Message, arrived: int) -> int:
        """How many times a message had arrived by then."""
        return bisect_right(self._arrivals.get(message, ((), ()))[0], arrived)

    def comes_again(self, message: Message, place: Place, moment: Moment) -> bool:
        """Whether a copy of a message had arrived by then that an endpoint at this place has not read."""
        ends, indices = self._arrivals.get(message, ((), ()))
        return bisect_left(indices, place.consumed) < bisect_right(ends, moment.arrived)

    @property
    def has_open(self) -> bool:
        """Whether a message arrives whose echo may be any message."""
        frames = self.arriving.frames
        while not self._has_open and self._looked_at < len(frames):
            self._has_open = _is_open(frames[self._looked_at])
            self._looked_at += 1
        return self._has_open

    def has_read(self, message: Message, place: Place) -> bool:
        """Whether an endpoint at this place has read a message."""
        return bisect_left(self._arrivals.get(message, ((), ()))[1], place.consumed) > 0

    def is_unread(self, message: Message, sent: int, place: Place, moment: Moment) -> bool:
        """Whether a message had arrived more often than it was ``sent``, and is taken in no more often than that.

        The payload of a frame that is part of no message counts as a message of either type too.
        """
        found = [arrivals.get(message, ((), ())) for arrivals in (self._arrivals, self._of_no_message)]
        arrived = sum(bisect_right(ends, moment.arrived) for ends, _ in found)
        taken_in = place.consumed if place.taken_in is None else place.taken_in
        return arrived > sent >= sum(bisect_left(indices, taken_in) for _, indices in found)

    @cached_property
    def _arrivals(self) -> dict[Message, tuple[list[int], list[int]]]:
        """The messages that arrive, legal or not: the offsets at which they end, and the indices of their last frames.

        A text that is no UTF-8 counts as the same text with U+FFFD in it too.
        """
        found: dict[Message, tuple[list[int], list[int]]] = {}
        opcode, parts = BINARY, list[bytes]()
        for index, frame in enumerate(self.arriving.frames):
            if frame.header.opcode > BINARY:
                continue
            if frame.header.opcode != CONTINUATION:
                opcode, parts = frame.header.opcode, []
            parts.append(frame.payload)
            if frame.header.fin:
                message = Message(opcode, b"".join(parts))
                for one in {message, with_replacements(message)}:
                    ends, indices = found.setdefault(one, ([], []))
                    ends.append(frame.end)
                    indices.append(index)
                parts = []
        return found

    @cached_property
    def _of_no_message(self) -> dict[Message, tuple[list[int], list[int]]]:
        """The same of frames with a reserved opcode, and of those that continue no message, if they have a payload."""
        found: dict[Message, tuple[list[int], list[int]]] = {}
        within = False
        for index, frame in enumerate(self.arriving.frames):
            opcode, reserved = frame.header.opcode, frame.header.opcode not in KNOWN_OPCODES
            if frame.payload and (reserved or (opcode == CONTINUATION and not within)):
                for kind in {TEXT, BINARY, opcode}:
                    ends, indices = found.setdefault(Message(kind, frame.payload), ([], []))
                    ends.append(frame.end)
                    indices.append(index)
            elif opcode <= BINARY:
                within = not frame.header.fin
        return found

    def may_end(self, place: Place, moment: Moment) -> bool:
        """Whether an endpoint may end TCP, as far as that depends on what it has read."""
        return True

    def fail_early(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """The explanations that fail by an incomplete frame: its octets so far are reason enough."""
        place = explanation.place
        if not self.heard.enabled(place.state, ANY_FRAME):
            return
        partial = self.arriving.partial(moment.arrived, place.state, self._lengths(place.state))
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
            taken_in = place.consumed + 1 if self._binds(reaction.rules) else place.taken_in
            then = place._replace(state=reaction.state, taken_in=taken_in)
            yield self.go(explanation, then, step, reaction.own_limit)

    def unrefused_header(self, place: Place, moment: Moment) -> tuple[str, ...]:
        """The rules by which a header has to be refused whose payload never comes; none where it comes after all.

        To wait for a payload that is on its way is no fault. One that never comes makes no difference to a header that
        decides by itself.
        """
        if place.consumed < len(self.arriving.frames):
            return ()
        partial = self.arriving.partial(moment.arrived, place.state, self._lengths(place.state))
        if partial is None or not partial.whole_header:
            return ()
        rows = machine_for(_sure(self.rules, HEADER_VARIABLES), self.subject.setting)
        enabled = rows.enabled(place.state, Event(EventKind.RECEIVE, partial.cases[0]))
        return tuple(rule.id for rule in enabled if rule.strength.binds)

    def _sure_reactions(self, state: State, partial: Partial) -> list[Reacted]:
        """The failures that are allowed whatever the rest of the frame will be."""
        machine = machine_for(_sure(self.rules, partial.known), self.subject.setting)
        found: dict[Label, Reacted] | None = None
        for facts in partial.cases:
            outcomes = machine.allowed(state, Event(EventKind.RECEIVE, facts))
            here = {o.label: o for o in outcomes if self._believes(o, state, facts)}
            if found is None:
                found = {o.label: Reacted(o.label, o.state, o.rules) for o in here.values()}
            else:
                found = {label: found[label].also(here[label].rules) for label in found if label in here}
            for label, outcome in here.items():
                if label in found and is_own_limit(label, outcome.strength):
                    found[label] = found[label]._replace(own_limit=True)
            if not found:
                return []
        return list((found or {}).values())

    def _refused_early(self, state: State, partial: Partial) -> list[Reacted]:
        """A frame that may still become legal is refused before it is whole."""
        machine = machine_for(_possible(self.rules, partial.known), self.subject.setting)
        accepting: dict[str, None] = {}
        for facts in partial.cases:
            rows = machine.enabled(state, Event(EventKind.RECEIVE, facts))
            accepting.update((rule.id, None) for rule in rows if isinstance(rule.then, Accept))
        return self._misreading.failing(state, partial.cases[0], tuple(accepting)) if accepting else []

    def _lengths(self, state: State) -> tuple[int, ...]:
        """Payload lengths that stand for all others in a state: where some rule changes its mind, or near it."""
        limit = self.subject.setting.limit
        lengths = _boundary_lengths(self.rules, self.subject.setting)
        return lengths if limit is None else (*lengths, max(0, limit - state.recv_length + 1))

    @cached_property
    def _misreading(self) -> Misreading:
        return Misreading(self, lazy=self.lazy)

    def go_on(self, explanation: Explanation, moment: Moment, eof: bool) -> list[Explanation]:
        """The next frame, or the end of TCP, is read; of very many fragments that are alike most are read at once."""
        read, place = self.receive(explanation, moment, eof), explanation.place
        if eof or not self.lazy or self.whole(moment) - place.consumed < LEAST_AT_ONCE + LAST_ONES:
            return read
        left = min(self._runs.left(place.consumed, place.state), self.whole(moment) - place.consumed)
        ahead = at_once(explanation, read, left - LAST_ONES) if left >= LEAST_AT_ONCE + LAST_ONES else None
        return read if ahead is None else [ahead]

    @cached_property
    def _runs(self) -> Runs:
        return Runs(self.arriving)

    def receive(self, explanation: Explanation, moment: Moment, eof: bool) -> list[Explanation]:
        """The next frame, or the end of TCP, is read."""
        place, state = explanation.place, explanation.place.state
        if eof:
            return [self.received(explanation, moment, _END, one, None) for one in self._reactions(state, _END)]
        frame = self.arriving.frames[place.consumed]
        facts = self.arriving.facts(place.consumed, state)
        event = Event(EventKind.RECEIVE, facts)
        if self.leniency.departing:
            reactions = list(self._reactions(state, event))
            if self.lazy and self.whole(moment) - place.consumed > MOST_EITHER_WAY and not self.subject.sees:
                reactions = self._by_answers(place, moment, frame, reactions)
        else:
            chosen = self.outcomes(state, facts)
            reactions = [Reacted(c.label, c.effect(state, facts), c.rules, (), limit) for c, limit in chosen]
        return [self.received(explanation, moment, event, reaction, frame) for reaction in reactions]

    def _by_answers(self, place: Place, moment: Moment, frame: FrameUnit, reactions: list[Reacted]) -> list[Reacted]:
        """The reactions without taking in a frame, or without dropping it, where either is a fault and many follow.

        The trace decides: whether anything is sent from now on that may answer the frame. Other frames leave
        nothing to answer. What breaks nothing and leaves nothing to answer stays in any case.
        """
        opcode, fin = frame.header.opcode, frame.header.fin
        if opcode != PING and not (opcode <= BINARY and fin and self.subject.setting.echo):
            return reactions
        dropped = [one for one in reactions if one.label.kind is Kind.IGNORE]
        taken = [one for one in reactions if one.label.kind is Kind.ACCEPT]
        if not (dropped and taken and any(one.broken for one in (*dropped, *taken))):
            return reactions
        stay = [one for one in dropped if not one.broken]
        free = [one for one in taken if not (one.broken or one.state.pong_due or one.state.reply_due)]
        others = dropped if free or self._may_be_answered(place, moment, frame) else taken
        return [one for one in reactions if one not in others or one in stay or one in free]

    def _may_be_answered(self, place: Place, moment: Moment, frame: FrameUnit) -> bool:
        """Whether the endpoint sends now or later what would answer a frame."""
        opcode = frame.header.opcode
        if opcode == PING:
            return self.history.sent.sends_from(moment, frame.payload)
        first = place.first if opcode == CONTINUATION else place.consumed
        message = self._message(first, place.consumed)
        return message.open or self.history.sent.sends_from(moment, message)

    def outcomes(self, state: State, facts: FrameFacts) -> Sequence[tuple[Choice, bool]]:
        """The outcomes of a frame that are allowed in full, and whether each assumes an unstated limit."""
        mask = self.mask(state, facts)
        chosen = self.chosen(mask)
        if len(chosen) == 1 or self.may_be_too_big(state, facts):
            return chosen
        return [(choice, own_limit) for choice, own_limit in chosen if not own_limit]

    def may_be_too_big(self, state: State, facts: FrameFacts) -> bool:
        """Whether an unstated limit is believed: the endpoint says so, or it says nothing and the message is long."""
        says, length = self.history.says(TOO_BIG), max(state.recv_length + facts.length, facts.inflated)
        return length > self.subject.taken_by_all if says is None else says

    def chosen(self, mask: int) -> list[tuple[Choice, bool]]:
        """The outcomes that are allowed in full, and of each whether it is a refusal by an unstated limit."""
        found = self._chosen.get(mask)
        if found is None:
            choices = self.machine.choices(EventKind.RECEIVE, mask)
            found = self._chosen[mask] = [(c, is_own_limit(c.label, c.strength)) for c in choices]
        return found

    def received(
        self, explanation: Explanation, moment: Moment, event: Event, reaction: Reacted, frame: FrameUnit | None
    ) -> Explanation:
        place = explanation.place
        label, _, rules, broken, own_limit, _ = reaction
        index = None if frame is None else place.consumed
        step = Step(moment.at, place.state, event, label, rules, broken, index)
        return self.go(explanation, self.after(place, reaction, frame), step, own_limit)

    def after(self, place: Place, reaction: Reacted, frame: FrameUnit | None) -> Place:
        """The place after a reaction: what is to be told, answered and echoed now."""
        label, state, rules, _, _, silently = reaction
        _, consumed, first, untold, heard, echoes, asked, _, late, taken_in, missed = place
        if label.kind is Kind.ACCEPT:
            message = None
            if frame is not None:
                opcode = frame.header.opcode
                if opcode <= BINARY:
                    first = first if opcode == CONTINUATION else consumed
                    whole = frame.header.fin or label.delivers is not None
                    message = self._message(first, consumed) if whole else None
                elif opcode == PING:
                    heard = consumed + 1
                    if state.pong_due and self._ponged.get(frame.payload, -1) >= frame.end:
                        state = state._replace(pong_due=False)
            if self.subject.sees and not silently:
                tells = self.tells(label.delivers, frame, message)
                if tells is not None and tells.kind == "lost" and place.state.failed:
                    tells = None  # that the connection is over was told when it failed
                if tells is not None and tells.kind in self.subject.sees:
                    untold = self._to_tell(untold, Untold(tells, rules, message is not None and message.open))
            if message is not None and (state.reply_due or (self.leniency.faults and self.subject.setting.echo)):
                echoes = echoes.and_then(message)
        first = first if state.recv_type else 0
        if not state.reply_due and not self.leniency.faults:
            echoes = Waiting()  # one that goes out all the same is still the answer to a message
        if label.kind is Kind.ACCEPT if taken_in is not None else label.kind is Kind.FAIL and self._binds(rules):
            taken_in = consumed + 1
        return Place(state, consumed + 1, first, untold, heard, echoes, asked, None, late, taken_in, missed)

    def _binds(self, rules: Collection[str]) -> bool:
        """Whether one of these rules is one whose breach is FAILED."""
        binding = (Strength.MUST, BINDING[self.subject.profile])
        return any(self.rules.by_id[rule].strength in binding for rule in rules)

    def _to_tell(self, untold: Waiting[Untold], due: Untold) -> Waiting[Untold]:
        """What is to be told with one event more. A strict search keeps it as it is, to say what is owed."""
        if not self.lazy or not self.leniency.acting or self.history.grows:
            return untold.and_then(due)
        return self._telling.with_due(untold, due, self.now, in_order=not self.leniency.faults)

    @cached_property
    def _telling(self) -> Telling:
        return Telling(self.history, self.subject.sees)

    def may_pong(self, place: Place, moment: Moment, payload: bytes) -> bool:
        """Whether an endpoint at this place may send a Pong: it has read the Ping that this one answers, if any.

        As many Pongs as Pings with a payload that had arrived are answers (section 5.5.3 asks for the same payload), be
        it to later ones. One without a payload may be a heartbeat, where the application is not known.
        """
        if self.subject.unasked and not payload:
            return True
        ping = self.arriving.ping(payload, self._pongs[payload], moment.arrived)
        return ping is None or ping < place.heard

    def sent(self, moment: Moment) -> None:
        """Take note of a Pong that was sent, and of a Close: it answers no Ping that is read later."""
        if isinstance(moment.what, FrameUnit):
            opcode, payload = moment.what.header.opcode, moment.what.payload
            if opcode == PONG:
                if self.arriving.ping(payload, self._pongs[payload], moment.arrived) is not None:
                    self._pongs[payload] += 1
                if self.lazy:
                    self._ponged[payload] = moment.arrived
            elif opcode == CLOSE:
                self._ponged.clear()

    def _message(self, first: int, last: int) -> Message:
        found = self._messages.get((first, last))
        if found is None:
            frames = self.arriving.frames
            data = [f.payload for f in frames[first : last + 1] if f.header.opcode in (TEXT, BINARY, CONTINUATION)]
            is_open = _is_open(frames[last])
            found = Message(frames[first].header.opcode, data[0] if len(data) == 1 else b"".join(data), is_open)
            self._messages[first, last] = found
        return found

    def passed_over(self, place: Place, whole: int) -> int:
        """Up to which frame an endpoint that listens to none any more passes over all at once; 0 where it listens.

        A lenient search also considers its reactions to these frames, unless there are very many of them.
        """
        state, frames = place.state, whole - place.consumed
        ended = state.failed or state.got_close or state.discarding or not state.peer_open
        if not self.lazy or frames <= 1 or not ended:
            return 0
        if self.leniency.departing and frames <= _MOST_ATTENDED:
            return 0
        return 0 if self.heard.enabled(state, ANY_FRAME) else whole

    @staticmethod
    def tells(delivers: str | None, frame: FrameUnit | None, message: Message | None) -> Tells | None:
        kind = None if delivers is None else TOLD_AS.get(delivers)
        if kind is None:
            return None
        if frame is None:
            return Tells(kind)
        if kind == "close":
            body = frame.payload
            return Tells(kind, code=code_of(body), reason=body[2:].decode("utf-8", "replace"))
        return Tells(kind, frame.payload if message is None else message.payload)

    def _reactions(self, state: State, event: Event) -> Iterator[Reacted]:
        """The allowed outcomes of an input and, in a lenient search, those that break a rule."""
        outcomes = self.machine.allowed(state, event, departures=self.leniency.departing)
        for outcome in outcomes:
            if not self._believes(outcome, state, event.frame):
                continue
            own_limit = is_own_limit(outcome.label, outcome.strength)
            yield Reacted(outcome.label, outcome.state, outcome.rules, outcome.departs_from, own_limit)
        if self.leniency.departing and event.frame is not None:
            yield from self._misreading.of(state, event, event.frame, [outcome.label for outcome in outcomes])

    def _believes(self, outcome: Outcome, state: State, facts: FrameFacts | None) -> bool:
        """Whether the search considers an outcome: a refusal by an unstated limit is not always considered."""
        own_limit = is_own_limit(outcome.label, outcome.strength)
        return not own_limit or (facts is not None and self.may_be_too_big(state, facts))
