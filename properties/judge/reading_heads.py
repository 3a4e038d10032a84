"""How an endpoint may take in heads until the opening handshake is complete, and how a faulty one treats them.

A server that has refused a request may read a further one, and a client that was refused may ask again. An endpoint
need not recognise octets that are no head before the empty line that ends a head: the first octets do not show it to
every reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from wsoracle.model.facts.heads import knows_extensions, request_facts
from wsoracle.model.facts.units import arriving
from wsoracle.model.machine.interpreted import Kind, Label, Outcome
from wsoracle.model.notation.head_variables import ResponseFacts, value_of
from wsoracle.model.notation.rule import Fail, Strength
from wsoracle.model.notation.variables import CONNECTING, HANDSHAKE, Event, EventKind, State
from wsoracle.model.octets.http import Request, Response
from wsoracle.model.octets.units import EofUnit, FrameUnit, HeadUnit
from wsoracle.model.octets.vocabulary import Role

from .explanation import Explanation, HandshakeSoFar, Place, Step
from .moments import Moment
from .steps import REFUSED, Steps

_READS: Final = {
    Role.SERVER: (HANDSHAKE.index("not begun"), REFUSED),
    Role.CLIENT: (HANDSHAKE.index("not begun"), HANDSHAKE.index("awaiting 101")),
}
HEAD_TAKEN_BY_ALL: Final = 8000
"""Octets of a head that every endpoint is taken to read: RFC 9112 (section 3) recommends as many for a first line."""
_WITH_UNKNOWN: Final = value_of("extensions", "with unknown parameters")
_MORE_THAN_ONE: Final = value_of("deflate", "more than one")
TRANSFORMED: Final = (value_of("extensions", "offered"), _WITH_UNKNOWN)
"""Extensions of an answer with which messages are transformed."""


def agreed_on(opening: HandshakeSoFar, answer: HeadUnit | FrameUnit, facts: ResponseFacts) -> HandshakeSoFar:
    """What is known of extensions after an answer."""
    head = answer.head if isinstance(answer, HeadUnit) else None
    clear = facts.extensions != _WITH_UNKNOWN and facts.deflate != _MORE_THAN_ONE
    known = isinstance(head, Response) and knows_extensions(head) and clear
    return opening._replace(transformed=facts.extensions in TRANSFORMED, known=known)


def opening_of(place: Place) -> HandshakeSoFar:
    """The memory of a place whose opening handshake is not complete."""
    assert place.opening is not None
    return place.opening


class HeadReader(Steps):
    """Reads heads of HTTP."""

    def next_head(self, place: Place, moment: Moment) -> HeadUnit | None:
        """The head that the endpoint reads next, if it reads one and it has arrived."""
        state = place.state
        if opening_of(place).eof or state.failed or not state.peer_open:
            return None
        if state.handshake not in _READS[self.subject.setting.role]:
            return None
        found = self.history.head(place.consumed)
        return found if found is not None and found.end <= moment.arrived else None

    def must_read(self, place: Place, moment: Moment) -> bool:
        """Whether a head has arrived that no endpoint can wait for more of; after a refusal it need not read on."""
        head = self.next_head(place, moment)
        waits = head is None or head.seen is None or head.seen > moment.arrived
        return not waits and place.state.handshake != REFUSED

    def has_read_all(self, place: Place, moment: Moment) -> bool:
        """Whether all is read that the endpoint reads for certain."""
        return opening_of(place).eof is moment.eof and not self.must_read(place, moment)

    def may_end(self, place: Place, moment: Moment) -> bool:
        """Whether an endpoint may end TCP: not with a head that is left without a reaction, looked at or not.

        Until no endpoint can wait for more of it, it may end TCP for a reason of its own.
        """
        return not self.must_read(place, moment)

    def receive(self, explanation: Explanation, moment: Moment) -> Iterator[Explanation]:
        """The next head, or the end of TCP, is read."""
        place = explanation.place
        head = self.next_head(place, moment)
        if head is not None:
            yield from self._receive_head(explanation, moment, head)
        if moment.eof and not opening_of(place).eof and not self.must_read(place, moment):
            event = arriving(EofUnit(), self.subject.setting.role, place.state)
            opening = opening_of(place)._replace(eof=True)
            for outcome in self.machine.allowed(place.state, event, departures=self.leniency.departing):
                step = Step(moment.at, place.state, event, outcome.label, outcome.rules, outcome.departs_from)
                yield self.go(explanation, place._replace(state=outcome.state, opening=opening), step)

    def _receive_head(self, explanation: Explanation, moment: Moment, head: HeadUnit) -> Iterator[Explanation]:
        place, opening = explanation.place, opening_of(explanation.place)
        event = arriving(head, self.subject.setting.role, place.state, opening.request)
        if self.server:
            opening = opening._replace(request=head.head if isinstance(head.head, Request) else None)
        elif isinstance(event.head, ResponseFacts):
            opening = agreed_on(opening, head, event.head)
        for outcome, own_limit in self._reactions(place.state, event, head):
            reasons = self.reasons(outcome.label.kind, outcome.rules)
            then = opening._replace(reasons=reasons, freely=outcome.label.kind is Kind.REFUSE and not reasons)
            after = place._replace(state=outcome.state, consumed=place.consumed + 1, opening=then)
            step = Step(moment.at, place.state, event, outcome.label, outcome.rules, outcome.departs_from)
            yield self.go(explanation, after, step, own_limit)

    def _reactions(self, state: State, event: Event, head: HeadUnit) -> Iterator[tuple[Outcome, bool]]:
        """The allowed outcomes of a head; in a lenient search also those that break a rule; those of its own limit."""
        outcomes = self.machine.allowed(state, event, departures=self.leniency.departing)
        for outcome in outcomes:
            yield outcome, False
        refusals = self.machine.forbidden_by(state, event)
        accepting = next((o for o in outcomes if o.label.kind is Kind.ACCEPT and not o.departs_from), None)
        if accepting is not None and head.end - head.start > min(self.subject.head_limit, HEAD_TAKEN_BY_ALL):
            yield self._refused(state, event, accepting, ()), True
        if not self.leniency.faults or self.server:
            return
        if refusals:
            broken = tuple(rule.id for rule in refusals)
            yield Outcome(Label(Kind.IGNORE), state, (), Strength.MUST, broken), False
            labels = {outcome.label for outcome in outcomes}
            for outcome in self.lawless.allowed(state, event):
                if outcome.label.kind is Kind.ACCEPT and outcome.label not in labels:
                    yield replace(outcome, departs_from=broken), False
        elif accepting is not None:
            yield self._refused(state, event, accepting, accepting.rules), False

    def _refused(self, state: State, event: Event, accepting: Outcome, broken: tuple[str, ...]) -> Outcome:
        """A sound head is refused all the same."""
        if self.server:
            after = state._replace(handshake=HANDSHAKE.index("to be refused"))
            return Outcome(Label(Kind.REFUSE, 431), after, (), Strength.MAY, broken)
        row = next(rule for rule in self.rules.of(event.kind) if isinstance(rule.then, Fail))
        code = row.then.code if isinstance(row.then, Fail) else None
        after = self.machine.after(row, state, event.facts)
        return Outcome(Label(Kind.FAIL, code), after, (), accepting.strength, broken)

    def begun(self) -> Iterator[Explanation]:
        """The explanations with which a trace begins, a request that was sent before it included."""
        request = self.subject.request
        from_start = Explanation(Place(CONNECTING, opening=HandshakeSoFar(request)))
        if request is None:
            yield from_start
            return
        kind = EventKind.RECEIVE_REQUEST if self.server else EventKind.SEND_REQUEST
        event = Event(kind, None, request_facts(request, self.subject.uri))
        allowed = self.machine.allowed(CONNECTING, event, departures=True)
        for outcome in allowed or self.lawless.allowed(CONNECTING, event):
            opening = HandshakeSoFar(request, self.reasons(outcome.label.kind, outcome.rules))
            step = Step(0, CONNECTING, event, outcome.label, outcome.rules)
            yield self.go(from_start, from_start.place._replace(state=outcome.state, opening=opening), step)

    def behind(self, place: Place) -> int:
        """The offset of the first frame among the octets that arrived, if the handshake is complete at a place."""
        if not place.consumed:
            return 0
        if self.server:
            return self.history.behind_head(place.consumed - 1)
        return self.end_of_head(place)

    def end_of_head(self, place: Place) -> int:
        """The offset at which the latest head that was read ends; its body comes after that."""
        head = self.history.head(place.consumed - 1) if place.consumed else None
        return 0 if head is None else head.end
