"""The parts that all searches share: the machine that gives the allowed outcomes, and the steps of an explanation."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from wsoracle.model.machine.certain_so_far import KNOWN_ALWAYS, reasons_to_read
from wsoracle.model.machine.compiled import CompiledMachine, machine_for
from wsoracle.model.machine.interpreted import Kind, Label, Outcome, done_by
from wsoracle.model.notation.expression import variables
from wsoracle.model.notation.head_variables import ResponseFacts, value_of
from wsoracle.model.notation.rule import RuleSet, Strength
from wsoracle.model.notation.variables import HANDSHAKE, Event, EventKind, Setting, State
from wsoracle.model.octets.http import Request
from wsoracle.model.octets.units import SWITCHING
from wsoracle.model.octets.vocabulary import Role

from .application import unpromised
from .explanation import NO_BLAME, Explanation, Leniency, Place, Step, Subject, Trail
from .grading import strongest
from .history import History
from .late import without_soon
from .moments import Moment

NOT_BEGUN: Final = HANDSHAKE.index("not begun")
AWAITING: Final = HANDSHAKE.index("awaiting 101")
REFUSED: Final = HANDSHAKE.index("refused")
_ANSWERED: Final = (AWAITING, HANDSHAKE.index("to be refused"), HANDSHAKE.index("another version"))
"""The stages in which a server owes an answer by a MUST."""
_LEGIBLE: Final = (value_of("syntax", "well-formed"), value_of("syntax", "tolerated"))


class Reacted(NamedTuple):
    """An outcome, or what a faulty endpoint does instead, with the rules that it breaks."""

    label: Label
    state: State
    rules: tuple[str, ...]
    broken: tuple[str, ...] = ()
    own_limit: bool = False
    silently: bool = False
    """The application is not told, though the outcome says so."""

    def also(self, rules: Iterable[str]) -> Reacted:
        """The same for further reasons."""
        return self._replace(rules=tuple(dict.fromkeys((*self.rules, *rules))))


@lru_cache(maxsize=64)
def unrefusing(rules: RuleSet) -> RuleSet:
    """The rules without those that refuse: what an endpoint does that follows none of them."""
    return RuleSet(rule for rule in rules if not rule.refuses)


@lru_cache(maxsize=64)
def _heard(rules: RuleSet) -> RuleSet:
    """The rules by which any frame at all may matter."""
    return reasons_to_read(rules, KNOWN_ALWAYS)


@lru_cache(maxsize=64)
def machines(rules: RuleSet, setting: Setting) -> tuple[CompiledMachine, CompiledMachine, CompiledMachine]:
    """The machines of all rules, of the rules by which a frame may matter at all, and of the rules without refusals."""
    return (machine_for(rules, setting), machine_for(_heard(rules), setting), machine_for(unrefusing(rules), setting))


def _direct(broken: tuple[str, ...], rules: RuleSet) -> tuple[str, ...]:
    """Broken rules without what only follows: a code that may not be sent does not fit the failure either."""
    if len(broken) < 2:
        return broken
    reads = {rule: variables(rules.by_id[rule].when) for rule in broken}
    fits = {rule for rule, of in reads.items() if "fail_code" in of}
    bars = any("code" in of or "length" in of for rule, of in reads.items() if rule not in fits)
    return tuple(rule for rule in broken if rule not in fits) if bars else broken


class Steps:
    """The steps that an explanation of one trace may take at one leniency."""

    def __init__(self, history: History, subject: Subject, leniency: Leniency) -> None:
        self.history: Final = history
        self.subject: Final = subject
        self.leniency: Final = leniency
        self.acting = leniency.acting
        """Whether the application may do now what it does not promise."""
        self.now = 0
        """The number of the moment that is being explained."""
        self.rules: Final = subject.rules
        self.server: Final = subject.setting.role is Role.SERVER
        self.machine, self.heard, self.lawless = machines(subject.rules, subject.setting)

    def go(self, explanation: Explanation, place: Place, step: Step, own_limit: bool = False) -> Explanation:
        """The explanation with one step more, which leads to a place."""
        _, cost, trail, blame, certain, possible, faults = explanation
        broken, own_limit = step.broken, own_limit or bool(step.note)
        if broken or own_limit or step.application:
            silence = step.event is not None and step.event.kind is EventKind.SILENCE
            again = silence and place.missed.issuperset(broken)
            if silence and not again:
                place = place._replace(missed=place.missed.union(broken))
            strength, profile = None if again else self._strongest(broken), self.subject.profile
            cost = cost.plus(strength, own_limit, application=bool(step.application), profile=profile)
            if broken:
                faults += strength is Strength.MUST and not certain.issuperset(broken)
                certain, possible = certain.union(broken), possible.union(broken)
                if blame == NO_BLAME:
                    blame = self.now, place.consumed if place.opening is None else 0
        return Explanation(place, cost, Trail(trail, step), blame, certain, possible, faults)

    def _strongest(self, broken: Collection[str]) -> Strength | None:
        return strongest((self.rules.by_id[rule].strength for rule in broken), self.subject.profile)

    def outcomes_of(self, state: State, event: Event) -> tuple[Outcome, ...]:
        """The outcomes of an event that this leniency counts, but for those that break a MUST."""
        outcomes = self.machine.allowed(state, event, departures=self.acting)
        if self.acting and not self.leniency.departing:
            return tuple(o for o in outcomes if not self.named(o.departs_from))
        return outcomes

    def named(self, rules: Iterable[str]) -> tuple[str, ...]:
        """Those of the rules that are of the RFC; the others say what the application promises."""
        return tuple(rule for rule in rules if self.rules.by_id[rule].strength is not Strength.APPLICATION)

    def do(
        self,
        explanation: Explanation,
        moment: Moment,
        event: Event,
        place: Place,
        missing: tuple[str, ...] = (),
        application: str = "",
    ) -> Iterator[Explanation]:
        """An output, where the rules allow it; leniently also where they do not. `missing` rules are broken besides.

        `application`: what the application does that it does not promise, in words.
        """
        state = place.state
        if place.late:
            place = place._replace(late=place.late - {done_by(event)})
        outcomes = self.outcomes_of(state, event)
        for outcome in outcomes:
            named = self.named(outcome.departs_from)
            acts = application or (unpromised(event) if len(named) < len(outcome.departs_from) else "")
            broken = (*missing, *_direct(named, self.rules))
            step = Step(moment.at, state, event, outcome.label, outcome.rules, broken, application=acts)
            yield self.go(explanation, place._replace(state=outcome.state), step)
        if outcomes or not self.leniency.faults:
            return
        forbidding = without_soon(self.machine.forbidden_by(state, event))
        forbidden = _direct(self.named(rule.id for rule in forbidding), self.rules)
        opening = place.opening
        if opening is not None:
            head = event.head
            accepts = isinstance(head, ResponseFacts) and head.status == SWITCHING and head.syntax in _LEGIBLE
            if accepts and opening.freely:
                return  # an endpoint that need not refuse and accepts has accepted it, in another explanation
            if accepts and opening.reasons:
                forbidden = (*opening.reasons, *self._also_wrong(state, event, opening.request))
            place = place._replace(opening=opening._replace(reasons=()))
        broken = tuple(dict.fromkeys((*missing, *forbidden)))
        lawless = self.lawless.allowed(state, event)
        for outcome in lawless:
            step = Step(moment.at, state, event, outcome.label, outcome.rules, broken, application=application)
            yield self.go(explanation, place._replace(state=outcome.state), step)
        if not lawless:
            place = place._replace(opening=opening)
            if event.kind is EventKind.SEND_RESPONSE and state.handshake in _ANSWERED:
                # That is the answer, however wrong: to miss another one would only follow.
                place = place._replace(state=state._replace(handshake=REFUSED))
            yield self.go(explanation, place, Step(moment.at, state, event, None, (), broken))

    def _also_wrong(self, state: State, event: Event, request: Request | None) -> tuple[str, ...]:
        """An endpoint that accepts a head in spite of a rule breaks that rule. What else is wrong with its 101 is that
        which were wrong after a sound request; after one that cannot be read, nobody can tell."""
        if request is None:
            return ()
        sound = state._replace(handshake=AWAITING)
        return tuple(rule.id for rule in self.machine.forbidden_by(sound, event))

    def reasons(self, kind: Kind, rules: tuple[str, ...]) -> tuple[str, ...]:
        """Those rules by which a head must not be accepted, among those that a reaction of a kind follows."""
        if kind not in (Kind.REFUSE, Kind.FAIL):
            return ()
        return tuple(rule for rule in rules if self.rules.by_id[rule].strength.binds)
