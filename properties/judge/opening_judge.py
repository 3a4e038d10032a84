"""The judge from the first octet on: the opening handshake of an endpoint (the SUT), and all that comes after it.

Theory of operation. Until the handshake is complete, heads of HTTP are events like frames later. The search is that of
`explanation.Search`, smaller: it keeps every explanation of what was seen so far (the state, how far the endpoint has
read, what it broke) and drops those that do not allow what is seen next; first strictly, then with departures from
SHOULD and CONSENSUS rules and a few broken MUSTs. An explanation in which the handshake is complete is handed over: the
rest of the trace is for :func:`~.conformance.judge`, from the state that was reached. Of all explanations the one that
breaks least, before and after, gives the verdict.

What a server gets before it has answered is kept for after its 101. Only a client that did not wait sends frames so
early, and the RFC does not say what becomes of them: a server that drops them is INFORMATIONAL. So is one that takes
the body of a request for frames: RFC 6455 does not speak of bodies, however clear HTTP is. A frame that is sent
before the answer is too early, and otherwise taken as if it had been sent after it. The body of a refusal is passed
over. Messages that an extension transforms are not judged: the judgement ends there, and the note says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple, TypeAlias

from wsoracle.model.facts.frames import facts_on_wire, text_before
from wsoracle.model.facts.heads import facts_of_request, facts_of_response, request_facts
from wsoracle.model.machine.interpreted import Kind, Label, Outcome
from wsoracle.model.notation.head_variables import ResponseFacts, value_of
from wsoracle.model.notation.rule import STRENGTHS, Fail, RuleSet, Strength
from wsoracle.model.notation.variables import CONNECTING, HANDSHAKE, Event, EventKind, Facts, Setting, State
from wsoracle.model.octets.http import HEAD_LIMIT, Request
from wsoracle.model.octets.units import SWITCHING, FrameUnit, HeadUnit
from wsoracle.model.octets.uri import WebSocketUri
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules import RULES

from .explanation import Cost, Step
from .grading import verdict_on
from .judge import TOO_MANY, Allowed, Application, Broken, Judgement, judge
from .lost_in_reset import LOST_WITH_RESET, unseen_answers
from .observation import ClosesTcp, Crashes, Processed, Quiet, ResetsTcp, Tells, Told, Trace
from .opening_trace import Moment, OpeningHistory, rest_of
from .search import machine_for, unrefusing
from .verdict import Profile, Verdict, worst

__all__ = ["NOT_JUDGED", "Begun", "Feature", "begun", "judge_opening"]

MOST_FAULTS: Final = 4
"""An explanation with more broken MUSTs before the connection is open is none."""

_OUTSIDE: Final = HANDSHAKE.index("not begun"), HANDSHAKE.index("refused")
_READS: Final = {
    Role.SERVER: _OUTSIDE,
    Role.CLIENT: (HANDSHAKE.index("not begun"), HANDSHAKE.index("awaiting 101")),
}
_REFUSED: Final = HANDSHAKE.index("refused")
_NO_BLAME: Final = 1 << 62
NOT_JUDGED: Final = "an extension was agreed on: what it transforms is not judged"
_OPENS: Final = {Role.SERVER: "4.2.2/answer-before-data", Role.CLIENT: "4.1/established"}
"""The rules that say when messages begin."""

_TRANSFORMED: Final = (value_of("extensions", "offered"), value_of("extensions", "with unknown parameters"))
_OFFERED: Final = value_of("subprotocol", "offered")

Feature: TypeAlias = Literal["extension", "subprotocol"]
"""What the opening handshake may agree on: some extension, a subprotocol."""


def judge_opening(
    trace: Trace,
    setting: Setting,
    *,
    request: Request | None = None,
    uri: WebSocketUri | None = None,
    head_limit: int = HEAD_LIMIT,
    application: Application = "unknown",
    sees: Collection[Told] = (),
    rules: RuleSet = RULES,
    profile: Profile = "interop",
    needs: Collection[Feature] = (),
    strictly: bool = False,
) -> Judgement:
    """Judge a trace of one endpoint from the first octet of the opening handshake on.

    ``request`` is one that was sent and received before the trace begins; usually the trace has it. ``uri`` is what a
    client was asked to open, where that is known. ``head_limit`` is the largest head that the endpoint says it takes,
    in octets. Who answers or ends TCP is thought to have seen every head that had arrived. ``needs`` are what the case
    is about: who completes the handshake without agreeing to it, and fails nothing, is UNIMPLEMENTED. The rest is as
    in :func:`~.conformance.judge`, which raises ValueError for it.
    """
    subject = _Subject(setting, rules, uri, head_limit, request)
    judgement = _judged(trace, subject, application, sees, profile, strictly)
    missing = _not_agreed_on(judgement, needs)
    if not missing or judgement.verdict is Verdict.FAILED:
        return judgement
    note = "; ".join([f"not agreed on in the opening handshake: {', '.join(missing)}", *filter(None, [judgement.note])])
    return replace(judgement, verdict=Verdict.UNIMPLEMENTED, note=note)


class Begun(NamedTuple):
    """How far an opening handshake has come, if everything so far was allowed in full (or `conforms` is False).

    `owed` is what every explanation still owes that has no complete handshake, in words with rules; `opened` are the
    ways in which it was completed: the state then, and what was observed after it.
    """

    conforms: bool
    owed: tuple[tuple[str, tuple[str, ...]], ...]
    opened: tuple[tuple[State, Trace], ...]


def begun(
    trace: Trace,
    setting: Setting,
    *,
    request: Request | None = None,
    uri: WebSocketUri | None = None,
    head_limit: int = HEAD_LIMIT,
    rules: RuleSet = RULES,
) -> Begun:
    """How far the opening handshake in a trace has come, by the strict search alone."""
    history = OpeningHistory((*trace, Processed()), setting.role)
    if history.torn is not None:
        return Begun(False, (), ())
    search = _Search(history, _Subject(setting, rules, uri, head_limit, request), faults=0)
    search.run()
    found = [one.explanation.place for one in search.handed.values()]
    rests = [
        rest_of(trace, handed.at, place.read, handed.written)[0]
        for handed, place in zip(search.handed.values(), found, strict=True)
    ]
    opened = tuple((place.state, rest) for place, rest in zip(found, rests, strict=True))
    owed = [dict(search.owes(one.place)) for one in search.alive] if search.died_at is None else []
    shared = [one for one in owed[0].items() if all(one in other.items() for other in owed)] if owed else []
    return Begun(search.died_at is None, tuple(shared), opened)


def _not_agreed_on(judgement: Judgement, needs: Collection[Feature]) -> list[Feature]:
    """Those of the features that the handshake was completed without."""
    heads = [step.event.head for step in judgement.steps if step.event is not None]
    answers = [head for head in heads if isinstance(head, ResponseFacts) and head.status == SWITCHING]
    if not answers:
        return []
    agreed = {"extension": answers[-1].extensions in _TRANSFORMED, "subprotocol": answers[-1].subprotocol == _OFFERED}
    return [feature for feature in sorted(needs) if not agreed[feature]]


def _judged(
    trace: Trace,
    subject: _Subject,
    application: Application,
    sees: Collection[Told],
    profile: Profile,
    strictly: bool,
) -> Judgement:
    history = OpeningHistory(trace, subject.setting.role)
    if history.torn is not None:
        note = "it stops writing inside a head"
        return Judgement(Verdict.FAILED, profile, at=history.torn, octet=history.unread, note=note, unexplained=True)
    judged = _Judged(history, application, sees, profile, subject, strictly)
    strict = _Search(history, subject, faults=0)
    strict.run()
    if strict.died_at is not None and isinstance(strict.died_at.what, Crashes):
        return _unexplained(strict, strict, subject, profile)
    found = judged.best(strict)
    if found is not None and (strictly or found.cost == Cost() or found.judgement.note == TOO_MANY):
        return found.judgement
    if strictly:
        return _unexplained(strict, strict, subject, profile)
    lenient = _Search(history, subject, faults=MOST_FAULTS)
    lenient.run()
    best = judged.best(lenient)
    if best is None:
        return _unexplained(strict, lenient, subject, profile)
    if found is None:
        return _placed(best.judgement, strict)
    place = found.judgement
    return replace(best.judgement, at=place.at, octet=place.octet, arrived=place.arrived, instead=place.instead)


class _Subject(NamedTuple):
    setting: Setting
    rules: RuleSet
    uri: WebSocketUri | None
    head_limit: int
    before: Request | None


class _Place(NamedTuple):
    """Where an explanation is. ``read`` counts octets; ``request`` is the latest one; ``eof``: the end of TCP is read.

    ``reasons`` are the rules by which the latest head must not be accepted; ``head_end`` is where it ends, its body not
    counted.
    """

    state: State
    read: int = 0
    request: Request | None = None
    eof: bool = False
    reasons: tuple[str, ...] = ()
    transformed: bool = False
    head_end: int = 0
    early: bytes = b""
    """Frames that were sent before the handshake was complete."""


@dataclass(frozen=True, slots=True)
class _Explanation:
    place: _Place
    cost: Cost = field(default_factory=Cost)
    steps: tuple[Step, ...] = ()
    blame: int = _NO_BLAME

    @property
    def rank(self) -> tuple[Cost, int]:
        """Less is better: of explanations that break as much, the one that finds fault latest."""
        return self.cost, -self.blame


class _HandedOver(NamedTuple):
    """The handshake is complete: the rest of the trace is judged from this observation on."""

    explanation: _Explanation
    at: int
    written: int


_Explanations = dict[_Place, _Explanation]


class _Search:
    """The search until the handshake is complete. ``faults``: so many steps may break a MUST, and any other rule."""

    def __init__(self, history: OpeningHistory, subject: _Subject, faults: int) -> None:
        self.history: Final = history
        self.handed: Final[dict[tuple[State, int, int], _HandedOver]] = {}
        self.alive: list[_Explanation] = []
        self.died_at: Moment | None = None
        self._faults: Final = faults
        self._setting: Final = subject.setting
        self._server: Final = subject.setting.role is Role.SERVER
        self._subject: Final = subject
        self._rules: Final = subject.rules
        self.machine: Final = machine_for(subject.rules, subject.setting)
        self._lawless: Final = machine_for(unrefusing(subject.rules), subject.setting)

    def run(self) -> None:
        """After it, ``handed`` are the explanations with a complete handshake, ``alive`` those without at the end."""
        found: _Explanations = {}
        for explanation in self._starts():
            self._keep(found, explanation, None)
        for moment in self.history.moments:
            before = self._read_on(found, moment)
            found = {}
            for explanation in before.values():
                for then in self._output(explanation, moment):
                    self._keep(found, then, moment)
            if not found:
                if not self.handed:
                    self.died_at, self.alive = moment, list(before.values())
                return
        self.alive = list(found.values())

    def _starts(self) -> Iterator[_Explanation]:
        before = self._subject.before
        first = _Explanation(_Place(CONNECTING, request=before))
        if before is None:
            yield first
            return
        facts = request_facts(before, self._subject.uri)
        kind = EventKind.RECEIVE_REQUEST if self._server else EventKind.SEND_REQUEST
        event = Event.of(kind, facts)
        for outcome in self.machine.allowed(CONNECTING, event, departures=True) or self._lawless.allowed(
            CONNECTING, event
        ):
            place = first.place._replace(state=outcome.state, reasons=self._reasons(outcome))
            yield _Explanation(place, steps=(Step(0, CONNECTING, event, outcome.label, outcome.rules),))

    def _keep(self, found: _Explanations, then: _Explanation, moment: Moment | None) -> None:
        place = then.place
        if then.cost.must > self._faults or (not self._faults and then.cost != Cost(own_limit=then.cost.own_limit)):
            return
        if not place.state.handshake and moment is not None:
            self._hand_over(then, moment)
            if self._server:
                for read in {moment.arrived, place.head_end or place.read} - {place.read}:
                    freely = replace(then, place=place._replace(read=read), cost=then.cost.plus(None, True))
                    self._hand_over(freely, moment)
            return
        kept = found.get(place)
        if kept is None or then.rank < kept.rank:
            found[place] = then

    def _hand_over(self, explanation: _Explanation, moment: Moment) -> None:
        key = explanation.place.state, explanation.place.read, moment.written
        known = self.handed.get(key)
        if known is None or explanation.rank < known.explanation.rank:
            self.handed[key] = _HandedOver(explanation, moment.at, moment.written)

    def _go(self, explanation: _Explanation, place: _Place, step: Step, *, own_limit: bool = False) -> _Explanation:
        cost, blame = explanation.cost, explanation.blame
        if step.broken or own_limit:
            strengths = [self._rules.by_id[rule].strength for rule in step.broken]
            cost = cost.plus(min(strengths, key=STRENGTHS.index, default=None), own_limit)
            blame = min(blame, step.at) if step.broken else blame
        return _Explanation(place, cost, (*explanation.steps, step), blame)

    # --- inputs ---------------------------------------------------------------------------------------------------

    def _read_on(self, found: _Explanations, moment: Moment) -> _Explanations:
        """All explanations, and those in which the endpoint has read more of what had arrived."""
        everything: _Explanations = {}
        waiting = list(found.values())
        while waiting:
            explanation = waiting.pop()
            self._keep(everything, explanation, None)
            for then in self._receive(explanation, moment):
                kept = dict[_Place, _Explanation]()
                self._keep(kept, then, moment._replace(written=_before(moment)))
                waiting += [one for one in kept.values() if one.rank < _rank_of(everything.get(one.place))]
        return everything

    def _next_head(self, place: _Place, arrived: int) -> HeadUnit | None:
        """The head that the endpoint reads next, if it reads one."""
        state = place.state
        if place.eof or state.failed or not state.tcp_open or state.handshake not in _READS[self._setting.role]:
            return None
        found = self.history.arrivals.head(place.read)
        return found if found is not None and found.end <= arrived else None

    def _receive(self, explanation: _Explanation, moment: Moment) -> Iterator[_Explanation]:
        place = explanation.place
        head = self._next_head(place, moment.arrived)
        if head is not None:
            yield from self._receive_head(explanation, moment, head)
        if moment.eof and not place.eof and (place.state.handshake == _REFUSED or not self._must_read(head, moment)):
            event = Event(EventKind.RECEIVE_EOF)
            for outcome in self.machine.allowed(place.state, event, departures=self._faults > 0):
                step = Step(moment.at, place.state, event, outcome.label, outcome.rules, outcome.departs_from)
                yield self._go(explanation, place._replace(state=outcome.state, eof=True), step)

    def _receive_head(self, explanation: _Explanation, moment: Moment, head: HeadUnit) -> Iterator[_Explanation]:
        place = explanation.place
        facts: Facts
        if self._server:
            facts = facts_of_request(head.result)
            request = head.head if isinstance(head.head, Request) else None
            read, kind = self.history.arrivals.after_body(head), EventKind.RECEIVE_REQUEST
        else:
            facts = facts_of_response(head.result, place.request)
            request, read, kind = place.request, head.end, EventKind.RECEIVE_RESPONSE
        then = place._replace(read=read, request=request, head_end=head.end)
        if isinstance(facts, ResponseFacts):
            then = then._replace(transformed=facts.extensions in _TRANSFORMED)
        event = Event.of(kind, facts)
        for outcome, own_limit in self._reactions(place.state, event, head):
            after = then._replace(state=outcome.state, reasons=self._reasons(outcome))
            step = Step(moment.at, place.state, event, outcome.label, outcome.rules, outcome.departs_from)
            yield self._go(explanation, after, step, own_limit=own_limit)

    def _reasons(self, outcome: Outcome) -> tuple[str, ...]:
        if outcome.label.kind not in (Kind.REFUSE, Kind.FAIL):
            return ()
        return tuple(rule for rule in outcome.rules if self._rules.by_id[rule].strength.binds)

    def _reactions(self, state: State, event: Event, head: HeadUnit) -> Iterator[tuple[Outcome, bool]]:
        """What the endpoint may do with a head; leniently what it may not too; and what its own limit allows."""
        outcomes = self.machine.allowed(state, event, departures=self._faults > 0)
        for outcome in outcomes:
            yield outcome, False
        refusals = self.machine.forbidden_by(state, event)
        accepting = next((o for o in outcomes if o.label.kind is Kind.ACCEPT and not o.departs_from), None)
        if accepting is not None and head.end - head.start > self._subject.head_limit:
            yield self._refused(state, event, accepting, ()), True
        if not self._faults or self._server:
            return
        if refusals:
            broken = tuple(rule.id for rule in refusals)
            yield Outcome(Label(Kind.IGNORE), state, (), Strength.MUST, broken), False
            labels = {outcome.label for outcome in outcomes}
            for outcome in self._lawless.allowed(state, event):
                if outcome.label.kind is Kind.ACCEPT and outcome.label not in labels:
                    yield replace(outcome, departs_from=broken), False
        elif accepting is not None:
            yield self._refused(state, event, accepting, accepting.rules), False

    def _refused(self, state: State, event: Event, accepting: Outcome, broken: tuple[str, ...]) -> Outcome:
        """A sound head is refused all the same."""
        if self._server:
            after = state._replace(handshake=HANDSHAKE.index("to be refused"))
            return Outcome(Label(Kind.REFUSE, 431), after, (), Strength.MAY, broken)
        row = next(rule for rule in self._rules.of(event.kind) if isinstance(rule.then, Fail))
        after = self.machine.after(row, state, event.facts)
        return Outcome(Label(Kind.FAIL, row.then.code if isinstance(row.then, Fail) else None), after, (),
                       accepting.strength, broken)  # fmt: skip

    # --- outputs --------------------------------------------------------------------------------------------------

    def _output(self, explanation: _Explanation, moment: Moment) -> Iterator[_Explanation]:
        what, place = moment.what, explanation.place
        if what is None:
            yield explanation
        elif isinstance(what, HeadUnit):
            yield from self._send_head(explanation, moment, what)
        elif isinstance(what, FrameUnit):
            if not self._server and self._next_head(place, moment.arrived) is not None:
                return  # a client that sends frames has looked at the answer that had arrived
            before = text_before(what.header.opcode, place.state, EventKind.SEND)
            facts = facts_on_wire(what.header, what.payload, before, answers=False)
            yield from self._send_early(explanation, moment, Event.of(EventKind.SEND, facts), what)
        elif isinstance(what, ClosesTcp):
            if not self._overlooks_head(place, moment):
                yield from self._do(explanation, moment, Event(EventKind.CLOSE_TCP), place)
        elif isinstance(what, ResetsTcp):
            if not self._overlooks_head(place, moment):
                yield from self._reset(explanation, moment)
        elif isinstance(what, Tells):
            yield from self._tell(explanation, what, moment)
        elif isinstance(what, (Processed, Quiet)) and self._has_read_all(place, moment):
            if isinstance(what, Processed):
                yield explanation
            else:
                yield from self._be_quiet(explanation, moment)

    def _send_early(
        self, explanation: _Explanation, moment: Moment, event: Event, frame: FrameUnit
    ) -> Iterator[_Explanation]:
        """A frame before the handshake is complete: what it does to the state, it does afterwards."""
        place = explanation.place
        forbidden = tuple(rule.id for rule in self.machine.forbidden_by(place.state, event))
        if forbidden and self._faults:
            early = place.early + self.history.written(frame)
            # Who goes on after an answer that is to be refused has not refused it: what else that breaks only follows.
            broken = place.reasons if place.state.failed and place.reasons else forbidden
            step = Step(moment.at, place.state, event, None, (), broken)
            then = self._go(explanation, place._replace(early=early), step)
            if place.state.failed:
                then = replace(then, cost=then.cost.plus(Strength.MUST))  # rather it took it, and did right after that
            yield then

    def _overlooks_head(self, place: _Place, moment: Moment) -> bool:
        """Who ends TCP leaves a head that has arrived without a reaction, whether it has looked at it or not."""
        return place.state.handshake != _REFUSED and self._next_head(place, moment.arrived) is not None

    def _has_read_all(self, place: _Place, moment: Moment) -> bool:
        """Whether all is read that the endpoint reads for certain: after a refusal it need not go on."""
        head = self._next_head(place, moment.arrived)
        return place.eof is moment.eof and (place.state.handshake == _REFUSED or not self._must_read(head, moment))

    @staticmethod
    def _must_read(head: HeadUnit | None, moment: Moment) -> bool:
        """Whether nobody can wait for more of a head: of what is none, the first octets do not show it to everyone."""
        return head is not None and head.seen is not None and head.seen <= moment.arrived

    def _send_head(self, explanation: _Explanation, moment: Moment, head: HeadUnit) -> Iterator[_Explanation]:
        place = explanation.place
        if self._server:
            if self._next_head(place, moment.arrived) is not None:
                return  # it answers the request that has arrived, and none that has not
            facts = facts_of_response(head.result, place.request)
            then = place._replace(transformed=facts.extensions in _TRANSFORMED)
            yield from self._do(explanation, moment, Event.of(EventKind.SEND_RESPONSE, facts), then)
            return
        if self._next_head(place, moment.arrived) is not None:
            return  # it has looked at the answer that had arrived
        asked = facts_of_request(head.result, self._subject.uri)
        request = head.head if isinstance(head.head, Request) else None
        then = place._replace(request=place.request or request)
        yield from self._do(explanation, moment, Event.of(EventKind.SEND_REQUEST, asked), then)

    def _reset(self, explanation: _Explanation, moment: Moment) -> Iterator[_Explanation]:
        """TCP is closed, and a refusal before it may be lost."""
        closes = Event(EventKind.CLOSE_TCP)
        yield from self._do(explanation, moment, closes, explanation.place)
        place = explanation.place
        if not self._server or not place.state.handshake:
            return
        for facts in unseen_answers():
            event = Event.of(EventKind.SEND_RESPONSE, facts)
            for outcome in self.machine.allowed(place.state, event):
                step = Step(moment.at, place.state, event, outcome.label, outcome.rules, unseen=True)
                then = self._go(explanation, place._replace(state=outcome.state), step)
                yield from self._do(then, moment, closes, then.place)

    def _do(
        self, explanation: _Explanation, moment: Moment, event: Event, place: _Place, missing: tuple[str, ...] = ()
    ) -> Iterator[_Explanation]:
        """An output, where the rules allow it; leniently also where they do not."""
        state = place.state
        outcomes = self.machine.allowed(state, event, departures=self._faults > 0)
        for outcome in outcomes:
            step = Step(moment.at, state, event, outcome.label, outcome.rules, (*missing, *outcome.departs_from))
            yield self._go(explanation, place._replace(state=outcome.state), step)
        if outcomes or not self._faults:
            return
        # What must not be accepted, and is, is at fault for the reason why it must not.
        accepts = isinstance(event.head, ResponseFacts) and event.head.status == 101
        reasons = place.reasons if accepts else ()
        forbidden = tuple(rule.id for rule in self.machine.forbidden_by(state, event))
        broken = tuple(dict.fromkeys((*missing, *reasons, *forbidden)))
        for outcome in self._lawless.allowed(state, event):
            step = Step(moment.at, state, event, outcome.label, outcome.rules, broken)
            yield self._go(explanation, place._replace(state=outcome.state, reasons=()), step)
        if not self._lawless.allowed(state, event):
            yield self._go(explanation, place, Step(moment.at, state, event, None, (), broken))

    def _tell(self, explanation: _Explanation, tells: Tells, moment: Moment) -> Iterator[_Explanation]:
        """That it failed or was lost may be told; messages are not there before the connection is open."""
        state = explanation.place.state
        if tells.kind == "lost" or self._server:
            if tells.kind in ("failed", "lost"):
                yield explanation
        elif tells.kind == "failed":
            unread = len(self.history.arrivals.octets[explanation.place.read : moment.arrived])
            if state.failed or state.handshake == _REFUSED or not state.tcp_open or unread:
                yield explanation

    def _be_quiet(self, explanation: _Explanation, moment: Moment) -> Iterator[_Explanation]:
        place = explanation.place
        missing: tuple[str, ...] = ()
        if place.state.failed and self._faults and not self._shows_failure():
            heeded = self.machine.allowed(place.state, Event(EventKind.SILENCE), departures=True)
            missing = () if heeded else place.reasons
        yield from self._do(explanation, moment, Event(EventKind.SILENCE), place, missing)

    def _shows_failure(self) -> bool:
        return any(isinstance(seen, Tells) and seen.kind == "failed" for seen in self.history.trace)

    def owes(self, place: _Place) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What is to be done, in words, each with its rules."""
        found = []
        for due, rule in self.machine.owed(place.state):
            words = due.name.lower().replace("_", " ")
            if due.name == "RESPONSE":
                awaiting = HANDSHAKE[place.state.handshake] == "awaiting 101"
                words = "answer with 101, or refuse with an error code" if awaiting else "answer with an error code"
            found.append((words, (rule.id,)))
        return tuple(found)


def _before(moment: Moment) -> int:
    """How many octets the endpoint had written before what it is seen to do at a moment."""
    return moment.what.start if isinstance(moment.what, (HeadUnit, FrameUnit)) else moment.written


def _rank_of(explanation: _Explanation | None) -> tuple[Cost, int]:
    return (Cost(1 << 30), 0) if explanation is None else explanation.rank


# --- the judgement ------------------------------------------------------------------------------------------------


class _Candidate(NamedTuple):
    judgement: Judgement
    cost: Cost
    blame: int


class _Judged:
    """Judges what follows after complete handshakes."""

    def __init__(
        self,
        history: OpeningHistory,
        application: Application,
        sees: Collection[Told],
        profile: Profile,
        subject: _Subject,
        strictly: bool,
    ) -> None:
        self._history: Final = history
        self._strictly: Final = strictly
        self._application: Final[Application] = application
        self._sees: Final = sees
        self._profile: Final[Profile] = profile
        self._subject: Final = subject
        self._known: Final[dict[tuple[State, int, int, int, bytes], Judgement]] = {}

    def best(self, search: _Search) -> _Candidate | None:
        """The best of what a search found; None where it found nothing."""
        found = [self._whole(explanation) for explanation in search.alive] if search.died_at is None else []
        for handed in sorted(search.handed.values(), key=lambda handed: handed.explanation.rank):
            if not found or handed.explanation.cost <= min(one.cost for one in found):
                found.append(self._continued(handed))
        return min(found, key=lambda one: (one.cost, -one.blame, one.judgement.note == LOST_WITH_RESET), default=None)

    def _whole(self, explanation: _Explanation) -> _Candidate:
        lost = any(step.unseen for step in explanation.steps)
        judgement = self._judgement(explanation, LOST_WITH_RESET if lost else "")
        return _Candidate(judgement, explanation.cost, explanation.blame)

    def _judgement(self, explanation: _Explanation, note: str = "") -> Judgement:
        broken = _broken((rule for step in explanation.steps for rule in step.broken), self._subject.rules)
        own_limit = explanation.cost.own_limit > 0
        verdict = verdict_on({b.strength for b in broken}, own_limit=own_limit, profile=self._profile)
        return Judgement(verdict, self._profile, broken, steps=explanation.steps, note=note)

    def _continued(self, handed: _HandedOver) -> _Candidate:
        explanation = handed.explanation
        if explanation.place.transformed:
            judgement = self._judgement(explanation, NOT_JUDGED)
            return _Candidate(judgement, explanation.cost, explanation.blame)
        early = explanation.place.early
        rest, places = rest_of(self._history.trace, handed.at, explanation.place.read, handed.written, early)
        key = explanation.place.state, explanation.place.read, handed.written, handed.at, early
        if key not in self._known:
            self._known[key] = judge(
                rest,
                self._subject.setting,
                application=self._application,
                sees=self._sees,
                start=explanation.place.state,
                rules=self._subject.rules,
                profile=self._profile,
                strictly=self._strictly,
            )
        then = self._known[key]
        steps = (*explanation.steps, *(step._replace(at=places[step.at]) for step in then.steps))
        rules = self._subject.rules
        broken = _broken([*(rule for step in explanation.steps for rule in step.broken), *then.rules], rules)
        own_limit = explanation.cost.own_limit > 0
        verdict = verdict_on({b.strength for b in broken}, own_limit=own_limit, profile=self._profile)
        judgement = replace(
            then,
            verdict=worst(verdict, then.verdict),
            broken=broken,
            at=None if then.at is None else places[then.at],
            octet=None if then.octet is None else max(then.octet + handed.written - len(early), 0),
            arrived=None if then.arrived is None else then.arrived + explanation.place.read,
            steps=steps,
        )
        cost, blame = explanation.cost, explanation.blame
        for step in then.steps:
            if step.broken:
                strengths = [rules.by_id[rule].strength for rule in step.broken]
                cost = cost.plus(min(strengths, key=STRENGTHS.index))
                blame = min(blame, places[step.at])
        if then.unexplained:
            cost = cost._replace(must=cost.must + MOST_FAULTS)
        return _Candidate(judgement, cost, blame)


def _broken(rules: Iterable[str], among: RuleSet) -> tuple[Broken, ...]:
    return tuple(Broken(rule, among.by_id[rule].strength) for rule in dict.fromkeys(rules))


def _unexplained(strict: _Search, lenient: _Search, subject: _Subject, profile: Profile) -> Judgement:
    best = min(lenient.alive, key=lambda one: (one.rank, -one.place.read))
    moment = lenient.died_at
    assert moment is not None
    named = tuple(dict.fromkeys(rule for _, of in strict.owes(best.place) for rule in of))
    note = "no explanation was found that breaks only a few rules"
    if isinstance(moment.what, Crashes):
        named, note = (), f"it crashed: {moment.what.reason}"
    elif isinstance(moment.what, Tells):
        note = f"it tells its application {moment.what.kind} before the connection is open"
        opens = _OPENS[subject.setting.role]
        named = (opens,) if opens in subject.rules.by_id else ()
    broken = _broken(named, subject.rules)
    judgement = Judgement(Verdict.FAILED, profile, broken, steps=best.steps, note=note, unexplained=True)
    return _placed(judgement, strict)


def _placed(judgement: Judgement, strict: _Search) -> Judgement:
    """The judgement with the place where the trace leaves what is allowed in full."""
    moment = strict.died_at
    if moment is None:
        return judgement
    octet = moment.what.start if isinstance(moment.what, (HeadUnit, FrameUnit)) else None
    return replace(judgement, at=moment.at, octet=octet, arrived=moment.arrived, instead=_instead(strict, moment))


def _instead(strict: _Search, moment: Moment) -> tuple[Allowed, ...]:
    """What those would do who followed every rule up to there, and had read everything that had arrived."""
    found: dict[Allowed, None] = {}
    most = max(one.place.read for one in strict.alive)
    for explanation in strict.alive:
        place = explanation.place
        if place.read < most:
            continue
        words: list[str] = []
        rules: list[str] = []
        last = next((s for s in reversed(explanation.steps) if s.event is not None and s.event.kind.is_input), None)
        owed = strict.owes(place)
        refused = last is not None and last.label is not None and last.label.kind is Kind.REFUSE and last.label.code
        for what, of in owed:
            words.append(f"{what} such as {refused}" if refused and what.startswith("answer with an error") else what)
            rules += of
        if last is not None:
            rules = [*last.rules, *rules]
            if last.label is not None and last.label.kind is Kind.FAIL:
                words.insert(0, "fail the connection")
        if not owed and not isinstance(moment.what, Quiet):
            words.append("send nothing")
        found[Allowed("; ".join(words), tuple(dict.fromkeys(rules)))] = None
    return tuple(found)
