"""The outputs of an endpoint, above all frames and heads that it sends, and the explanations that allow them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Final

from wsoracle.model.facts.units import leaving
from wsoracle.model.machine.interpreted import done_by
from wsoracle.model.notation.head_variables import ResponseFacts
from wsoracle.model.notation.rule import Due, Forbid, Strength
from wsoracle.model.notation.variables import LOST, NO_CODE, Event, EventKind, State
from wsoracle.model.octets.http import Request
from wsoracle.model.octets.units import FrameUnit, HeadUnit
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, KNOWN_OPCODES, PONG, TEXT

from .acts import Acts
from .application import NOT_SENT_BACK, SENT_BACK_LATE, closes
from .explanation import Explanation, Place, Step
from .late import choices, may_come, without_soon
from .lost_in_reset import CLEANLY, unseen_answers, unseen_closes, unseen_replies
from .moments import Message, Moment
from .observation import ClosesTcp, Processed, Quiet, ResetsTcp, Tells
from .reading import FrameReader
from .reading_heads import HeadReader, agreed_on, opening_of
from .steps import AWAITING, NOT_BEGUN, REFUSED
from .waiting import Waiting

_CLOSES: Final = Event(EventKind.CLOSE_TCP)
_QUIET: Final = Event(EventKind.SILENCE)
_CLOSES_EARLY: Final = "TCP is closed before what came is a whole head: that it is no HTTP need not be the reason"


def _next_is(place: Place, message: Message) -> bool:
    """Whether a message may be the echo that is due next."""
    return place.echoes.next is not None and place.echoes.next.is_answered_by(message)


def _without_echo(explanation: Explanation) -> Explanation:
    """The explanation once the application has not echoed what it had to."""
    place = explanation.place
    state = place.state._replace(reply_due=False)
    return explanation._replace(place=place._replace(state=state, echoes=Waiting()))


class Outputs(ABC):
    """The outputs of an endpoint, whose ``reader`` says what it has read."""

    def __init__(self, reader: HeadReader | FrameReader) -> None:
        self._steps: Final = reader
        self.history: Final = reader.history
        self.subject: Final = reader.subject
        self.leniency: Final = reader.leniency
        self.machine: Final = reader.machine

    def output(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """The explanations after an output of the endpoint, where this explanation allows it."""
        what, place = moment.what, explanation.place
        if what is None:
            yield explanation
        elif isinstance(what, (FrameUnit, HeadUnit)):
            yield from self._send(explanation, moment, what)
        elif isinstance(what, Tells):
            yield from self._tell(explanation, moment, what)
        elif isinstance(what, ClosesTcp):
            if moment.lost:
                yield from self._reset(explanation, moment)
            elif self._steps.may_end(place, moment):
                yield from self._close(explanation, moment)
        elif isinstance(what, ResetsTcp):
            unclean = self._unclean(place, moment)
            if self._steps.may_end(place, moment) and (self.leniency.departing or not unclean):
                yield from self._reset(explanation, moment, unclean)
        elif isinstance(what, (Processed, Quiet)) and self._steps.has_read_all(place, moment):
            if isinstance(what, Processed):
                yield from self._be_done(explanation, moment)
            else:
                yield from self._be_quiet(explanation, moment)

    @abstractmethod
    def _send(self, explanation: Explanation, moment: Moment, unit: FrameUnit | HeadUnit) -> Iterator[Explanation]: ...

    @abstractmethod
    def _tell(self, explanation: Explanation, moment: Moment, tells: Tells) -> Iterator[Explanation]: ...

    def _missed_in_silence(self, explanation: Explanation) -> tuple[str, ...]:
        """The rules that silence breaks besides those that forbid it."""
        return ()

    def _unrefused(self, explanation: Explanation, moment: Moment) -> tuple[str, ...]:
        """The rules by which it has to refuse what has not arrived in full, and never does."""
        return ()

    def unseen(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """The explanations after outputs that nobody saw, where the peer has reset TCP: the endpoint reads on."""
        if moment.lost:
            yield from self._lost(explanation, moment)

    @abstractmethod
    def _lost(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """The explanations after outputs that the endpoint may have sent unseen, right before a reset."""

    def _close(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        yield from self._steps.do(explanation, moment, _CLOSES, explanation.place)

    def _unclean(self, place: Place, moment: Moment) -> tuple[str, ...]:
        """The rules that a reset breaks besides those against closing TCP."""
        return ()

    def _reset(self, explanation: Explanation, moment: Moment, unclean: tuple[str, ...] = ()) -> Iterator[Explanation]:
        """TCP is closed, and what went before may be lost."""
        yield from self._steps.do(explanation, moment, _CLOSES, explanation.place, unclean)
        for then in self._lost(explanation, moment):
            if self._steps.outcomes_of(then.place.state, _CLOSES):
                yield from self._steps.do(then, moment, _CLOSES, then.place)

    def _unseen(
        self, explanation: Explanation, moment: Moment, event: Event, application: str = ""
    ) -> Iterator[Explanation]:
        """The explanations after an output that is allowed in full, was sent, and was lost."""
        place = explanation.place
        for outcome in self.machine.allowed(place.state, event):
            step = Step(
                moment.at, place.state, event, outcome.label, outcome.rules, unseen=True, application=application
            )
            late = place.late - {done_by(event)}
            yield self._steps.go(explanation, place._replace(state=outcome.state, late=late), step)

    def _be_done(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """All that arrived is taken in, and all that is told of it was told."""
        missing, place = self._missed_in_silence(explanation), explanation.place
        if not missing:
            yield explanation
        elif self.leniency.faults:
            step = Step(moment.at, place.state, None, None, (), missing)
            yield self._steps.go(explanation, place._replace(untold=Waiting()), step)

    def _be_quiet(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        missing, unrefused = self._missed_in_silence(explanation), self._unrefused(explanation, moment)
        withheld = self.withheld(explanation.place, moment)
        if withheld and not self.leniency.departing:
            return
        if not all(may_come(due, self.history, moment) for due, _ in withheld):
            missing = (*missing, *(rule for _, rule in withheld))
        if (missing and not self.leniency.faults) or (unrefused and not self.leniency.departing):
            return
        missing = (*unrefused, *missing)
        if moment.ended and not moment.lost:
            yield from self._wait_for_its_end(explanation, moment, missing)
        elif not moment.lost:
            for then in self._steps.do(explanation, moment, _QUIET, explanation.place, missing):
                yield _without_echo(then) if then.trail is not None and then.trail.step.application else then
            if self._steps.acting:
                yield from self._put_off(explanation, moment, missing)
        elif missing:
            step = Step(moment.at, explanation.place.state, _QUIET, None, (), missing)
            yield self._steps.go(explanation, explanation.place, step)
        else:
            yield explanation  # what it did on TCP was not seen

    def _wait_for_its_end(
        self, explanation: Explanation, moment: Moment, missing: tuple[str, ...]
    ) -> Iterator[Explanation]:
        """Quiet after it has ended its direction of TCP: it may read on until the peer's ends (section 7.1.1)."""
        place = explanation.place
        forbidding = self.machine.forbidden_by(place.state, _QUIET)
        due = [rule for rule in forbidding if not (isinstance(rule.then, Forbid) and rule.then.due is Due.TCP_CLOSE)]
        if len(due) == len(forbidding):
            yield from self._steps.do(explanation, moment, _QUIET, place, missing)
            return
        broken = (*missing, *self._steps.named(rule.id for rule in without_soon(due)))
        if broken and not self.leniency.departing:
            return
        place = place._replace(late=place.late - {Due.TCP_CLOSE})
        yield self._steps.go(explanation, place, Step(moment.at, place.state, _QUIET, None, (), broken))

    def withheld(self, place: Place, moment: Moment) -> tuple[tuple[Due, str], ...]:
        """What the application has asked for and was not sent, with the rules by which it must be."""
        return ()

    def _put_off(self, explanation: Explanation, moment: Moment, missing: tuple[str, ...]) -> Iterator[Explanation]:
        """The explanations in which something that is due comes later, and all else that is due does not come."""
        place, (_, departing, faults) = explanation.place, self.leniency
        forbidding = self.machine.forbidden_by(place.state, _QUIET)
        for dues, soon, rest in choices(forbidding, self.history, moment):
            named = self._steps.named(rule.id for rule in rest)
            late = tuple(rule.id for rule in soon if isinstance(rule.then, Forbid) and rule.then.due not in place.late)
            act = NOT_SENT_BACK if len(named) < len(rest) else SENT_BACK_LATE if Due.REPLY in dues - place.late else ""
            fault = any(self._steps.rules.by_id[rule].strength is Strength.MUST for rule in named)
            if (fault and not faults) or ((named or late) and not departing):
                continue
            step = Step(moment.at, place.state, _QUIET, None, (), (*missing, *named, *late), application=act)
            then = self._steps.go(explanation, place._replace(late=place.late | dues), step)
            yield _without_echo(then) if act == NOT_SENT_BACK else then

    def forbids(self, explanation: Explanation, moment: Moment) -> tuple[str, ...]:
        """The binding rules that forbid the observation of a moment to an endpoint at the place of an explanation."""
        state, what = explanation.place.state, moment.what
        if isinstance(what, FrameUnit):
            event = leaving(what, self.subject.setting.role, state, key_foreseen=self.history.sent.shows_keys(what))
        elif isinstance(what, (ClosesTcp, ResetsTcp)):
            event = _CLOSES
        else:
            return ()
        return tuple(rule.id for rule in self.machine.forbidden_by(state, event))

    def latest_ping(self, place: Place) -> bytes | None:
        """The payload of the latest Ping that it has accepted; None without one."""
        return None


class HeadOutputs(Outputs):
    """Until the opening handshake is complete."""

    def __init__(self, reader: HeadReader) -> None:
        super().__init__(reader)
        self._reader: Final = reader

    def _send(self, explanation: Explanation, moment: Moment, unit: FrameUnit | HeadUnit) -> Iterator[Explanation]:
        place, opening = explanation.place, opening_of(explanation.place)
        # A client need not look at what had arrived before it asks: it waits for nothing.
        asks_first = not self._reader.server and place.state.handshake == NOT_BEGUN
        looks_first = (isinstance(unit, HeadUnit) or not self._reader.server) and not asks_first
        if looks_first and self._reader.next_head(place, moment) is not None:
            return  # it has looked at what had arrived before it answers, asks again, or sends frames
        role, uri = self.subject.setting.role, self.subject.uri
        event = leaving(unit, role, place.state, opening.request, uri=uri)
        if isinstance(unit, FrameUnit):
            yield from self._send_early(explanation, moment, event, unit)
            return
        if isinstance(event.head, ResponseFacts):
            opening = agreed_on(opening, unit, event.head)
        elif isinstance(unit.head, Request):
            waits = place.state.handshake == AWAITING  # then the answer is to the request before
            opening = opening._replace(request=opening.request if waits else unit.head)
        yield from self._reader.do(explanation, moment, event, place._replace(opening=opening))

    def _close(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """As of any outputs; amid what is no HTTP, which not every reader sees yet, it may have another reason."""
        place = explanation.place
        if self._reader.next_head(place, moment) is None or place.state.handshake == REFUSED:
            yield from super()._close(explanation, moment)
        elif self.leniency.acting:
            for outcome in self._reader.outcomes_of(place.state, _CLOSES):
                step = Step(moment.at, place.state, _CLOSES, outcome.label, outcome.rules, note=_CLOSES_EARLY)
                yield self._reader.go(explanation, place._replace(state=outcome.state), step)

    def _send_early(
        self, explanation: Explanation, moment: Moment, event: Event, frame: FrameUnit
    ) -> Iterator[Explanation]:
        """A frame before the handshake is complete: what it does to the state, it does afterwards."""
        place, opening = explanation.place, opening_of(explanation.place)
        forbidden = tuple(rule.id for rule in self.machine.forbidden_by(place.state, event))
        if forbidden and self.leniency.faults:
            # An endpoint that goes on after an answer that it must refuse has accepted it: other breaches only follow.
            broken = forbidden
            if place.state.failed and opening.reasons:
                in_time = self.machine.forbidden_by(place.state._replace(handshake=0, failed=False), event)
                broken = (*opening.reasons, *(rule.id for rule in in_time if rule.id in forbidden))
            then = place._replace(opening=opening._replace(early=(*opening.early, frame)))
            sent = self._reader.go(explanation, then, Step(moment.at, place.state, event, None, (), broken))
            if place.state.failed:
                sent = sent._replace(cost=sent.cost.plus(Strength.MUST))  # rather it took it, and did right after that
            yield sent

    def _tell(self, explanation: Explanation, moment: Moment, tells: Tells) -> Iterator[Explanation]:
        """That it failed or was lost may be told; messages are not there before the connection is open."""
        state = explanation.place.state
        if tells.kind == "lost" or self._reader.server:
            if tells.kind in ("failed", "lost"):
                yield explanation
        elif tells.kind == "failed":
            place = explanation.place
            if state.failed or state.handshake == REFUSED or not state.peer_open:
                yield explanation
            elif self._reader.behind(place) < moment.arrived and self._reader.next_head(place, moment) is None:
                yield explanation  # by what it has read of a head; one that is whole is read first

    def _lost(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """The answer of a server."""
        if self._reader.server and explanation.place.state.handshake:
            for facts in unseen_answers(opening=moment.lost):
                yield from self._unseen(explanation, moment, Event(EventKind.SEND_RESPONSE, None, facts))


class FrameOutputs(Outputs):
    """Once the opening handshake is complete."""

    def __init__(self, reader: FrameReader) -> None:
        super().__init__(reader)
        self._reader: Final = reader
        self.acts: Final = Acts(reader)

    def latest_ping(self, place: Place) -> bytes | None:
        """As of any outputs."""
        return self._reader.arriving.frames[place.heard - 1].payload if place.heard else None

    def may_be_now(self, place: Place, moment: Moment) -> bool:
        """Whether an endpoint at this place may do what a moment shows; a hint that saves time."""
        what = moment.what
        if isinstance(what, FrameUnit):
            if self._reader.acting:
                return not self.may_never_be(place, moment)
            if self.subject.unasked:
                return True
            message = self.history.sent.messages.get(what.start)
            if message is not None:
                return _next_is(place, message) or place.asked < moment.asked.messages
            return what.header.opcode != CLOSE or self._may_close(place.state, moment)
        if isinstance(what, (Processed, Quiet)):
            return self._reader.has_read_all(place, moment)
        return True

    def may_never_be(self, place: Place, moment: Moment) -> bool:
        """Whether an endpoint at this place may not do what a moment shows, nor once it has read on."""
        what = moment.what
        if not isinstance(what, FrameUnit) or not self.leniency.departing:
            return False
        return self._shows_no_failure(place.state, what) or self.acts.comes_too_late(place, moment)

    def _may_close(self, state: State, moment: Moment) -> bool:
        """Whether the endpoint may have a reason to send a Close, be it what its application does unseen.

        The end of one half of TCP is one: the other half still carries a Close frame.
        """
        asked = self.subject.unasked or moment.asked.close
        return asked or state.failed or state.got_close or moment.eof

    def _send(self, explanation: Explanation, moment: Moment, unit: FrameUnit | HeadUnit) -> Iterator[Explanation]:
        if isinstance(unit, FrameUnit):
            place, role, foreseen = explanation.place, self.subject.setting.role, self.history.sent.shows_keys(unit)
            if self._shows_no_failure(place.state, unit):
                return
            caused = False
            for then, answers in self._causes(place, moment, unit):
                caused = True
                event = leaving(unit, role, place.state, answers=answers, key_foreseen=foreseen)
                yield from self._reader.do(explanation, moment, event, then)
            if not caused and self._reader.acting:
                alone = unit.header.opcode == CLOSE and self.acts.is_unprovoked(moment)
                for then, answers, act in self.acts.of(place, moment, unit):
                    event = leaving(unit, role, place.state, answers=answers, key_foreseen=foreseen, unprovoked=alone)
                    yield from self._reader.do(explanation, moment, event, then, application=act)

    def _shows_no_failure(self, state: State, frame: FrameUnit) -> bool:
        """Whether a frame says that the endpoint is not failing the connection, and nothing ever shows that it is.

        A Close with the code and a `failed` show it; where a Ping or Pong is sent, any Close, and the end of TCP. An
        endpoint that goes on has overlooked the reason to fail, which another explanation says. Where a trace ends
        right after a Ping or Pong, the Close may be on its way.
        """
        opcode = frame.header.opcode
        if not state.failed or state.sent_close or self.history.tells_of_failure:
            return False
        if opcode <= BINARY:
            return state.fail_code not in self.history.sent.close_codes
        shown = self.history.sent.has_close or self.history.grows or not self.history.is_idle_after(frame)
        return opcode != CLOSE and not shown

    def _answers_unread(self, place: Place, moment: Moment, frame: FrameUnit) -> bool:
        """Whether a frame surely sends back what had arrived and is not read yet, whatever the application."""
        if frame.header.opcode not in KNOWN_OPCODES:
            return self._reader.is_unread(Message(frame.header.opcode, frame.payload), 0, place, moment)
        message = self.history.sent.messages.get(frame.start) if self.subject.unasked else None
        if message is None or not message.payload or self.acts.may_answer_earlier(place, frame, message):
            return False
        return self._reader.is_unread(message, self.history.sent.copies_before(frame), place, moment)

    def _causes(self, place: Place, moment: Moment, frame: FrameUnit) -> Iterator[tuple[Place, bool]]:
        """Why the endpoint may send a frame: the place with the cause used up, and whether the frame answers.

        A Pong with the payload of a Ping that has arrived is an answer to it, and a message that is like one that has
        arrived is its echo: they are not there by chance.
        """
        opcode, payload = frame.header.opcode, frame.payload
        unasked = self.subject.unasked
        if opcode == PONG:
            if self._reader.may_pong(place, moment, payload) or self.history.asked_for_pong(moment, payload):
                yield place, payload == self.latest_ping(place)
        elif opcode == CLOSE:
            if self._may_close(place.state, moment):
                yield place, False
        elif self._answers_unread(place, moment, frame):
            return
        elif frame.start in self.history.sent.messages and not unasked:
            message = self.history.sent.messages[frame.start]
            if self.history.asks_next(moment, place.asked, message):
                yield place._replace(asked=place.asked + 1), False
            if _next_is(place, message):
                yield place._replace(echoes=place.echoes.without(1)), len(place.echoes) == 1
        else:
            yield place, False

    def _tell(self, explanation: Explanation, moment: Moment, tells: Tells) -> Iterator[Explanation]:
        place = explanation.place
        state, untold = place.state, place.untold
        if tells.kind == "failed":
            # A Close was answered with a code of its own: section 7.1.5 says no more of what is told than the code.
            answered = state.sent_close and state.got_close and tells.code in self.history.sent.close_codes
            # A client fails, by section 7.2.1, when its server ends TCP.
            ended = moment.eof and not self._reader.server and not state.peer_open
            if state.failed or answered or ended:
                yield explanation
        elif tells.kind not in self.subject.sees:
            yield explanation
        elif tells.kind == "lost":
            if untold.next is not None and untold.next.tells.kind == "lost":
                yield explanation._replace(place=place._replace(untold=untold.without(1)))
            elif not state.peer_open and (state.failed or state.close_code == LOST):
                yield explanation
        else:
            yield from self._tell_of_input(explanation, moment, tells)

    def _tell_of_input(self, explanation: Explanation, moment: Moment, tells: Tells) -> Iterator[Explanation]:
        place = explanation.place
        missed: dict[str, None] = {}
        for index, expected in enumerate(place.untold):
            exact = expected.is_told_by(tells)
            faults = self.leniency.faults > 0
            wrongly = faults and not index and not any(other.tells.kind == tells.kind for other in place.untold)
            if (exact and not index) or (faults and (wrongly or expected.tells.kind == tells.kind)):
                # The events before it were left out, and the event itself is wrong if it differs from the expected one.
                # One of a kind that is not due at all is told in place of the next.
                broken = tuple(dict.fromkeys([*missed, *(() if exact else expected.rules)]))
                step = Step(moment.at, place.state, None, None, expected.rules, broken)
                yield self._reader.go(explanation, place._replace(untold=place.untold.without(index + 1)), step)
            if exact or not faults:
                return  # to have left out more explains nothing more
            missed.update(dict.fromkeys(expected.rules))

    def withheld(self, place: Place, moment: Moment) -> tuple[tuple[Due, str], ...]:
        """As of any outputs: the next message, and a Close."""
        state = place.state
        if state.sent_close or state.got_close or state.failed or not state.peer_open:
            return ()
        found: list[tuple[Due, str]] = []
        # An application of which nothing is known may also send what the trace does not show that it asked for.
        message = moment.asked.unsent if self.subject.unasked else self.history.asked_next(moment, place.asked)
        if message is not None:
            found.append((Due.REPLY, "6.1/send-text" if message.opcode == TEXT else "6.1/send-binary"))
        if moment.asked.close:
            found.append((Due.CLOSE, "7.1.2/send-close"))
        return tuple((due, rule) for due, rule in found if rule in self.subject.rules.by_id)

    def _be_quiet(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        state = explanation.place.state
        hidden = self._reader.server and state.failed and not state.sent_close and state.tcp_open
        hidden = hidden and not (moment.ended or moment.lost or self._shows_failure(moment))
        for then in super()._be_quiet(explanation, moment):
            # A server that fails ends TCP. Where nothing shows that it fails, it has rather overlooked the reason, if
            # that breaks no more. A client waits for its server to end TCP (section 7.1.1): its silence is a reaction.
            rather = hidden and then.cost != explanation.cost
            yield then._replace(cost=then.cost.plus(None, True)) if rather else then

    def _missed_in_silence(self, explanation: Explanation) -> tuple[str, ...]:
        return tuple(dict.fromkeys(rule for untold in explanation.place.untold for rule in untold.rules))

    def _unrefused(self, explanation: Explanation, moment: Moment) -> tuple[str, ...]:
        return self._reader.unrefused_header(explanation.place, moment)

    def _shows_failure(self, moment: Moment) -> bool:
        """Whether it tells that it failed, or may do later what it owes then."""
        due = (Due.CLOSE, Due.TCP_CLOSE)
        return self.history.tells_of_failure or any(may_come(one, self.history, moment) for one in due)

    def _close(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """As of any outputs. Where a Close had arrived that was not read, it may have been, and had to be answered."""
        place = explanation.place
        instead: frozenset[str] = frozenset()
        if not place.state.failed and self._reader.unread_closes(place, moment):
            rows = self.machine.forbidden_by(place.state._replace(got_close=True), _CLOSES)
            instead = frozenset(rule.id for rule in rows)
        for then in super()._close(explanation, moment):
            if instead and then.cost != explanation.cost:
                certain = explanation.certain | (then.certain & instead)
                yield then._replace(certain=certain, possible=then.possible | instead)
            else:
                yield then

    def _unclean(self, place: Place, moment: Moment) -> tuple[str, ...]:
        """After a complete closing handshake, with nothing unread behind the peer's Close."""
        state, whole = place.state, self._reader.whole(moment)
        done = state.sent_close and state.got_close and state.tcp_open and not state.failed
        if not done or place.consumed < whole or CLEANLY not in self.subject.rules.by_id:
            return ()
        last = self._reader.arriving.frames[whole - 1]
        return (CLEANLY,) if last.header.opcode == CLOSE and last.end == moment.arrived else ()

    def _lost(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """Outputs that are owed or asked for, then a Close with a reason, neither of which need be lost.

        A Pong before it would make no difference to what may come after.
        """
        for sent in (explanation, *self._lost_replies(explanation, moment)):
            yield from self._lost_closes(sent, moment)

    def _lost_replies(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """All messages that the endpoint had a reason to send are sent, unseen."""
        place = explanation.place
        asked = moment.asked.messages
        if self.subject.unasked or place.echoes or place.asked < asked:
            for facts in unseen_replies(place.state, self.subject.setting):
                for then in self._unseen(explanation, moment, Event(EventKind.SEND, facts)):
                    yield then._replace(place=then.place._replace(echoes=Waiting(), asked=asked))

    def _lost_closes(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        state = explanation.place.state
        asked = self.subject.unasked or state.failed or state.got_close or moment.asked.close
        if asked or (moment.lost and self._reader.acting):
            for facts in unseen_closes(state, self.subject.setting):
                act = "" if asked else closes(facts.code if facts.length else NO_CODE, instead_of_echo=False)
                yield from self._unseen(explanation, moment, Event(EventKind.SEND, facts), act)
