"""An endpoint that departs from one rule at one moment, and conforms before and after.

Theory of operation. A departing endpoint runs as a drawn one does until it comes to a moment at which its rule refuses
something, or asks for something. There it does what the rules without that one would have: it takes in what is to be
refused or drops it, refuses what is legal, sends what is forbidden, is quiet where it owes. What it breaks is what the
rules say of that very act, and its state after it is the one that no rule has a say in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Final, NamedTuple

from wsoracle.model.machine.compiled import CompiledMachine, machine_for
from wsoracle.model.machine.interpreted import Kind, Label, Outcome
from wsoracle.model.notation.expression import FALSE, substitute
from wsoracle.model.notation.rule import Accept, Fail, Ignore, Rule, RuleSet, Strength
from wsoracle.model.notation.sources import RFC_7692
from wsoracle.model.notation.variables import CONNECTING, Event, EventKind, Setting, State, possible
from wsoracle.model.octets.vocabulary import BINARY, Role
from wsoracle.model.rules import RULES

from .compressed import CompressedWay
from .endpoint import DrawnEndpoint
from .habits import Habits, draw_extensions, draw_habits, setting_of
from .reading import AWAITING, NOT_BEGUN
from .units import (
    SOUND,
    DrawnFrame,
    DrawnRequest,
    DrawnResponse,
    facts_of,
    faulty_frames,
    offering,
    requests,
    responses,
)

_SILENCE, _CLOSES = Event(EventKind.SILENCE), Event(EventKind.CLOSE_TCP)
_MOST_STEPS: Final = 60
_HEADS: Final = (
    EventKind.RECEIVE_REQUEST, EventKind.RECEIVE_RESPONSE, EventKind.SEND_REQUEST, EventKind.SEND_RESPONSE,
)  # fmt: skip


NOT_DRAWN: Final = {
    "4.1/send-for-uri": "the trace does not say which URI a client was to open",
    "4.1/send-origin": "the trace does not say that a client is a browser",
    "4.2.1/endless-request": "a head that is too large for one endpoint is not for another",
    "5.2/length-sign-bit": "a frame of so many octets never arrives whole",
    "5.2/send-length-sign-bit": "a frame of so many octets is never sent whole",
    "5.3/unpredictable-key": "a departure is a habit, and no step",
    "7.3/client-closes-arbitrarily": "it is the application that closes",
}
"""Rules that no departure is drawn from, and why."""


class Act(NamedTuple):
    """The one departure: the rules that it breaks, and the octets of the unit that it is about.

    ``sent`` and ``read``: where the frame or head begins and ends in what the endpoint wrote, or in what arrived; None
    where the act is about no such thing. ``refuses``: what was read is legal, and refused.
    """

    broken: frozenset[str]
    sent: tuple[int, int] | None = None
    read: tuple[int, int] | None = None
    refuses: bool = False


@lru_cache(maxsize=1)
def _unrefusing() -> RuleSet:
    return RuleSet(rule for rule in RULES if not rule.refuses)


def _lawless(setting: Setting) -> CompiledMachine:
    """The rules without those that refuse: what an endpoint does that follows none of them."""
    return machine_for(_unrefusing(), setting)


def roles_of(rule: Rule) -> tuple[Role, ...]:
    """The roles in which a rule can be departed from; none where nothing can depart from it."""
    if (
        not rule.strength.binds
        or rule.strength is Strength.APPLICATION
        or rule.on is EventKind.RECEIVE_EOF
        or rule.id in NOT_DRAWN
    ):
        return ()
    if not rule.refuses and (not rule.on.is_input or rule.on is EventKind.RECEIVE_REQUEST):
        return ()  # nothing asks for that output; and a server may refuse whom it likes
    if isinstance(rule.then, Ignore) and rule.on is not EventKind.RECEIVE:
        return ()  # what is done with a head that comes too late shows nowhere
    return tuple(role for role in Role if _is_possible(rule, role))


def _is_possible(rule: Rule, role: Role) -> bool:
    for limit in (None, 3):
        for echo in (False, True):
            values = setting_of(role, limit, echo).values
            guard = substitute(RULES.guard(rule), values)
            there = rule.on.has_frame or substitute(possible(rule.on), values).key() != FALSE.key()
            if guard.key() != FALSE.key() and there:
                return True
    return False


def targets() -> tuple[tuple[str, Role], ...]:
    """Every rule that can be departed from, with the role."""
    return tuple((rule.id, role) for rule in RULES for role in roles_of(rule))


@lru_cache(maxsize=4)
def _frames_by_rule(role: Role, kind: EventKind) -> dict[str, tuple[DrawnFrame, ...]]:
    """By a rule on frames that arrive, or that are sent: those that it refuses, or takes, in some state."""
    receiving = kind is EventKind.RECEIVE
    found: dict[str, dict[bytes, DrawnFrame]] = {}
    for limit in (None, 3):
        machine = machine_for(RULES, setting_of(role, limit, False))
        for inside in (0, 1, 2):
            states = _probes(inside, receiving=receiving)
            for unit in faulty_frames(role if receiving else role.peer, inside):
                if unit.whole:
                    for state in states:
                        for rule in machine.enabled(state, _frame_event(unit, state, kind)):
                            found.setdefault(rule.id, {}).setdefault(unit.octets, unit)
    return {rule: tuple(units.values()) for rule, units in found.items()}


def _frames_against(rule_id: str, role: Role) -> tuple[DrawnFrame, ...]:
    """Frames that a rule refuses, or takes, in some state."""
    return _frames_by_rule(role, RULES.by_id[rule_id].on).get(rule_id, ())


def _probes(inside: int, *, receiving: bool) -> tuple[State, ...]:
    begun = State(recv_type=inside) if receiving else State(send_type=inside)
    return (
        begun,
        begun._replace(sent_close=True),
        begun._replace(got_close=True),
        begun._replace(sent_close=True, got_close=True),
        begun._replace(failed=True, fail_code=1002),
        begun._replace(tcp_open=False, peer_open=False),
        begun._replace(handshake=1),
    )


def _frame_event(unit: DrawnFrame, state: State, kind: EventKind) -> Event:
    return Event(kind, facts_of(unit, state, kind))


@lru_cache(maxsize=256)
def _requests_before(rule_id: str) -> tuple[DrawnRequest, ...]:
    """The requests to which some answer is against a rule."""
    machine = machine_for(RULES, setting_of(Role.SERVER, None, False))
    found: list[DrawnRequest] = []
    for unit in (*requests(), *offering()):
        event = Event(EventKind.RECEIVE_REQUEST, None, unit.facts)
        states = [one.state for one in machine.allowed(CONNECTING, event)]
        answers = [Event(EventKind.SEND_RESPONSE, None, one.facts) for one in responses(unit.request or SOUND)]
        if any(rule_id in {r.id for r in machine.forbidden_by(s, answer)} for s in states for answer in answers):
            found.append(unit)
    return tuple(found)


class DepartingEndpoint(DrawnEndpoint):
    """A drawn endpoint with one departure from a rule. `act` is None where the moment for it did not come."""

    def __init__(self, random: Random, habits: Habits, rule: Rule) -> None:
        super().__init__(random, habits)
        self.rule: Final = rule
        self.act_done: Act | None = None
        self._depart: Final = self._ways()[rule.on]

    def _ways(self) -> dict[EventKind, Callable[[], bool]]:
        return {
            EventKind.RECEIVE: self._mistake_frame,
            EventKind.SEND: self._send_forbidden,
            EventKind.SILENCE: self._be_silent,
            EventKind.CLOSE_TCP: self._close_too_early,
            EventKind.RECEIVE_REQUEST: self._mistake_head,
            EventKind.RECEIVE_RESPONSE: self._mistake_head,
            EventKind.SEND_REQUEST: self._send_wrong_head,
            EventKind.SEND_RESPONSE: self._send_wrong_head,
        }

    def run(self) -> None:
        """Conform for a while, depart once, conform again."""
        habits, random = self.habits, self.random
        moves = (self.arrive, self.read_next, self.act, self.rest)
        weights = (habits.arrives, habits.reads, habits.acts, habits.rests)
        patience = random.choice((0, 0, 2, 5))
        for count in range(_MOST_STEPS):
            if count >= patience and self._depart():
                break
            random.choices(moves, weights)[0]()
        else:
            return
        if self.rule.on is EventKind.SILENCE and random.random() < 0.6:
            return  # what is due never comes
        for move in random.choices(moves, weights, k=random.choice((0, 2, 6))):
            move()
        if random.random() < 0.85:
            self.settle()
        self.observer.flush()

    def draw_request(self) -> DrawnRequest:
        """A request; where the departure will be in the answer, one that gives occasion for it."""
        if self.rule.on is EventKind.SEND_RESPONSE and not self.peer.units:
            known = _requests_before(self.rule.id)
            if known:
                return self.random.choice(known)
        return super().draw_request()

    def _did(self, broken: frozenset[str], sent: int = 0, read: int = 0) -> bool:
        """The departure is made, about so many octets that were sent or read last."""
        broken = frozenset(rule for rule in broken if RULES.by_id[rule].strength is not Strength.APPLICATION)
        written, arrived = self.observer.written, self.peer.arrived
        self.act_done = Act(
            broken,
            (written - sent, written) if sent else None,
            (arrived - read, arrived) if read else None,
            refuses=not self.rule.refuses,
        )
        return True

    def _refusals(self, event: Event) -> frozenset[str]:
        return frozenset(rule.id for rule in self.machine.forbidden_by(self.state, event))

    def _is_up_to_date(self) -> bool:
        """It has read all that arrived, and nothing of what the peer sent is missing."""
        while self.read_next():
            pass
        peer = self.peer
        return peer.arrived == len(peer.octets) and self.read == len(peer.units) and not peer.eof

    # --- reading ----------------------------------------------------------------------------------------------------

    def _mistake_frame(self) -> bool:
        """A frame arrives, and is not taken as it should be."""
        if self.state.handshake or not self._is_up_to_date():
            return False
        for unit in self._candidates(self.peer.way):
            event = _frame_event(self.peer.inflated(unit), self.state, EventKind.RECEIVE)
            if self.rule.id in {rule.id for rule in self.machine.enabled(self.state, event)}:
                outcome, broken = self._mistaken(event)
                if outcome is None:
                    return False
                self._arrives(unit)
                self._did(broken, read=len(unit.octets))
                self.take(self.peer.units[-1], event, outcome)
                return True
        return False

    def _candidates(self, way: CompressedWay | None) -> list[DrawnFrame]:
        """Some frames that may give the occasion for the departure, in one direction."""
        known = _frames_against(self.rule.id, self.habits.role)
        plain = self.random.sample(known, min(3, len(known)))
        odd = [] if way is None else [way.faulty() for _ in range(12 if self.rule.id.startswith(RFC_7692) else 3)]
        return [*plain, *odd] if self.random.random() < 0.5 else [*odd, *plain]

    def _arrives(self, unit: DrawnFrame | DrawnRequest | DrawnResponse) -> None:
        """A unit arrives by itself."""
        self.peer.sends(unit)
        start, self.peer.arrived = self.peer.arrived, len(self.peer.octets)
        self.observer.flush()
        self.observer.arrives(bytes(self.peer.octets[start:]))

    def _mistaken(self, event: Event) -> tuple[Outcome | None, frozenset[str]]:
        """What is done instead of what is asked for, and the rules which that breaks."""
        state, random, rule = self.state, self.random, self.rule
        if rule.refuses:
            dropped = Outcome(Label(Kind.IGNORE), state, (), Strength.MUST)
            taken = [one for one in _lawless(self.setting).allowed(state, event) if one.label.kind is Kind.ACCEPT]
            if event.kind is EventKind.RECEIVE_REQUEST and not taken:
                taken = [Outcome(Label(Kind.ACCEPT), state._replace(handshake=AWAITING), (), Strength.MUST)]
            return random.choice([dropped, *taken, *taken]), self._refusals(event)
        if isinstance(rule.then, Ignore):
            return self._attended(event)
        if not isinstance(rule.then, Accept):
            return None, frozenset()
        broken = frozenset(one for outcome in self.machine.allowed(state, event) for one in outcome.rules)
        if random.random() < 0.3:
            return Outcome(Label(Kind.IGNORE), state, (), Strength.MUST), broken
        code = random.choice((1002, 1002, 1007, 1003))
        row = next(one for one in RULES.of(event.kind) if isinstance(one.then, Fail))
        failed = self.machine.after(row, state, event.facts)
        if event.head is None:
            failed = failed._replace(fail_code=code)
        return Outcome(Label(Kind.FAIL, code), failed, (), Strength.MUST), broken

    def _attended(self, event: Event) -> tuple[Outcome | None, frozenset[str]]:
        """What comes too late is processed all the same: the application is told."""
        in_time = State(recv_type=self.state.recv_type, recv_utf8=self.state.recv_utf8)
        taken = [one for one in _lawless(self.setting).allowed(in_time, event) if one.label.delivers is not None]
        broken = frozenset(rule.id for rule in self.machine.enabled(self.state, event) if rule.strength.binds)
        if not taken or not self.habits.inside:
            return None, broken
        return Outcome(taken[0].label, self.state, (), Strength.MUST), broken

    def _mistake_head(self) -> bool:
        """A head arrives, and is not taken as it should be."""
        state, random = self.state, self.random
        server = self.habits.role is Role.SERVER
        heads: Sequence[DrawnRequest | DrawnResponse]
        if not state.handshake or not self._is_up_to_date() or not self._reads_heads_now():
            return False
        if server:
            heads = requests()
        elif self.request is not None:
            heads = responses(self.request)
        else:
            heads = responses(SOUND)
        for unit in _shuffled(random, heads):
            event = self.event_of(unit)
            if self.rule.id in {rule.id for rule in self.machine.enabled(state, event)}:
                outcome, broken = self._mistaken(event)
                if outcome is None or (server and outcome.label.kind is Kind.IGNORE):
                    return False
                self._arrives(unit)
                self._did(broken, read=len(unit.octets))
                self.take(unit, event, outcome)
                return True
        return False

    def _reads_heads_now(self) -> bool:
        reads = (NOT_BEGUN,) if self.habits.role is Role.SERVER else (NOT_BEGUN, AWAITING)
        return self.state.handshake in reads and self.state.tcp_open and not self.state.failed

    # --- acting -----------------------------------------------------------------------------------------------------

    def _do_forbidden(self, event: Event) -> bool:
        """The state after an act that the rule forbids; whether there is such a state."""
        after = _lawless(self.setting).allowed(self.state, event)
        if not after:
            return False
        self.become(after[0])
        return True

    def _send_forbidden(self) -> bool:
        for unit in self._candidates(self.way):
            seen = unit if self.way is None else self.way.inflated(unit)
            event = _frame_event(seen, self.state, EventKind.SEND)
            broken = self._refusals(event)
            possible = self.state.tcp_open or self.rule.id.startswith("7.1.4")
            if self.rule.id in broken and possible and not self._looks_like_echo(seen):
                self.puts_on_wire(unit)
                self._did(broken, len(unit.octets))
                return self._do_forbidden(event) or True
        return False

    def _looks_like_echo(self, unit: DrawnFrame) -> bool:
        """Whether a frame of a message would show, by chance, that one of the peer was taken in."""
        arrived = (one for one in self.peer.units if isinstance(one, DrawnFrame))
        return unit.header.opcode <= BINARY and any(unit.payload == one.payload for one in arrived)

    def _send_wrong_head(self) -> bool:
        heads: Sequence[DrawnRequest | DrawnResponse] = (*requests(), *offering())
        if not self.state.handshake:
            return False
        if self.habits.role is Role.SERVER:
            heads = responses(self.request or SOUND)
        for unit in _shuffled(self.random, heads):
            kind = EventKind.SEND_REQUEST if isinstance(unit, DrawnRequest) else EventKind.SEND_RESPONSE
            event = Event(kind, None, unit.facts)
            broken = self._refusals(event)
            if self.rule.id in broken:
                self.observer.sends(unit.octets)
                if isinstance(unit, DrawnRequest):
                    self.request = self.request or unit.request
                self._did(broken, len(unit.octets))
                if isinstance(unit, DrawnResponse):
                    self._answers_what_came()
                return self._do_forbidden(event) or True
        return False

    def _answers_what_came(self) -> None:
        """The act is an answer, and as much about the request: the whole of it, since what is sent may be seen late."""
        assert self.act_done is not None
        self.act_done = self.act_done._replace(read=(0, len(self.peer.octets)))

    def _be_silent(self) -> bool:
        while self.read_next():
            pass
        broken = self._refusals(_SILENCE)
        if self.rule.id not in broken or not self.has_read_all():
            return False
        self.observer.quiet()
        return self._did(broken)

    def _close_too_early(self) -> bool:
        broken = self._refusals(_CLOSES)
        if self.rule.id not in broken:
            return False
        self.observer.closes()
        self._did(broken)
        return self._do_forbidden(_CLOSES) or True


def _shuffled(random: Random, heads: Sequence[DrawnRequest | DrawnResponse]) -> list[DrawnRequest | DrawnResponse]:
    return random.sample(heads, len(heads))


def departing_habits(random: Random, rule: Rule, role: Role) -> Habits:
    """Habits with which the moment for a departure comes soon."""
    habits = draw_habits(random)
    on_heads = rule.on in _HEADS or rule.section.startswith("4.") or rule.section == "10.7"
    limit = 3 if rule.id == "10.4/message-too-big" else habits.limit
    if isinstance(rule.then, Ignore):
        habits = replace(habits, inside=True)
    extensions = habits.extensions
    if rule.id.startswith(RFC_7692):
        extensions = draw_extensions(random, narrow=True)
    return replace(
        habits,
        role=role,
        extensions=extensions,
        opening=on_heads or (habits.opening and random.random() < 0.3),
        limit=limit,
        ends_apart=False,
    )
