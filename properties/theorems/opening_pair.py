"""The opening handshake between two ends: each takes what the other may send, they agree, and no end waits for ever.

Heads are carried by TCP in order and unchanged, so that a request or a response has the same facts at both ends (facts
of a response are against the request that it answers, which both know).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import z3

from wsoracle.model.machine.boundary_events import Alphabet
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.explorer import BreadthFirst
from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.machine.symbolic import SymbolicMachine, read_event, term, within_bounds
from wsoracle.model.notation.expression import Expr
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import (
    CLAIMS,
    CONNECTING,
    HANDSHAKE,
    STATE_VARIABLES,
    Event,
    EventKind,
    Facts,
    Setting,
    State,
    server,
    status,
)
from wsoracle.model.octets.vocabulary import Role
from wsoracle.model.rules.requests import is_handshake, legible

from .induction import SOLVER_MILLISECONDS, described
from .opening import ACCEPTED, DEFAULTS, OPEN, READING_ANSWER, READING_REQUEST
from .theorem import ProofResult, ProofVerdict, Theorem, TheoremKind, TheoremSubject, proved, refuted

_LOCKSTEP: Final = "Z3: every head, the same facts at both ends"


_SAME: Final = (
    *((name, name) for name in CLAIMS),
    *((f"{one}_{what}", f"{other}_{what}") for what in ("window", "takeover")
      for one, other in (("send", "recv"), ("recv", "send"))),
)  # fmt: skip
"""What both ends have agreed on: of one end, and of the other."""


class _Side:
    """One end's symbolic machine, over the facts that both see and the switches that both have."""

    def __init__(self, rules: RuleSet, role: Role, suffix: str) -> None:
        self.machine: Final = SymbolicMachine(rules)
        self.state: Final = self.machine.state_env(suffix)
        self.facts: Final = self.machine.frame_env()
        self.env: Final = self.machine.environment(self.state, self.facts)
        self._role: Final = (self.machine.setting_env["server"], z3.BoolVal(role is Role.SERVER))

    def here(self, formula: Any) -> Any:
        """A formula of this end: its role is known."""
        return z3.substitute(formula, self._role)

    def says(self, expression: Expr) -> Any:
        """An expression about this end."""
        return self.here(term(expression, self.env))

    def outcomes(self, kind: EventKind, *kinds: Kind, delivers: str | None = None) -> list[tuple[Any, Any]]:
        """The condition and the state after, for each outcome of these kinds."""
        return [
            (self.here(o.when), {n: self.here(v) for n, v in o.after.items()})
            for o in self.machine.outcomes(kind, self.state, self.facts)
            if o.label.kind in kinds and (delivers is None or o.label.delivers == delivers)
        ]


def _taken(
    sends: EventKind, reads: EventKind, sender: Role, reading: Expr, delivers: str, when: Expr
) -> Callable[[TheoremSubject], ProofResult]:
    """The reader may accept every head that the sender may send, and both agree on the bits of extensions."""

    def check(subject: TheoremSubject) -> ProofResult:
        one, other = _Side(subject.rules, sender, ""), _Side(subject.rules, sender.peer, "'")
        solver = z3.Solver()
        solver.set("timeout", SOLVER_MILLISECONDS)
        bounds = within_bounds(STATE_VARIABLES.values(), one.state)
        bounds += within_bounds(STATE_VARIABLES.values(), other.state)
        solver.add(one.machine.setting_bounds, *bounds, one.says(when & DEFAULTS), other.says(reading))
        solver.add(one.here(one.machine.possible(sends, one.state, one.facts)))
        solver.add(other.here(other.machine.possible(reads, other.state, other.facts)))
        accepted = other.outcomes(reads, Kind.ACCEPT, delivers=delivers)
        for sent, after in one.outcomes(sends, Kind.PERMIT):
            agreed = [
                z3.And(taken, *(after[n] == then[m] for n, m in _SAME if reads is EventKind.RECEIVE_RESPONSE))
                for taken, then in accepted
            ]
            answer = solver.check(sent, z3.Not(z3.Or(z3.BoolVal(False), *agreed)))
            if answer == z3.unknown:
                return ProofResult(ProofVerdict.UNKNOWN, f"{_LOCKSTEP}: {solver.reason_unknown()}")
            if answer == z3.sat:
                event = read_event(solver.model(), sends, one.facts)
                return refuted(_LOCKSTEP, [f"{sender} sends {described(event)}, and the other end does not take it"])
        return proved(_LOCKSTEP)

    return check


# --- runs of both ends ----------------------------------------------------------------------------------------------


class OpeningPairState(NamedTuple):
    """Both ends before the first frame, and the heads that are on their way."""

    client: State
    server: State
    requests: tuple[Facts, ...] = ()
    responses: tuple[Facts, ...] = ()


_SENDS: Final = {Role.CLIENT: EventKind.SEND_REQUEST, Role.SERVER: EventKind.SEND_RESPONSE}
_READS: Final = {Role.CLIENT: EventKind.RECEIVE_RESPONSE, Role.SERVER: EventKind.RECEIVE_REQUEST}
_STAGES: Final = {HANDSHAKE.index("complete"), HANDSHAKE.index("refused")}


class _Pair:
    """All runs of a client and a server up to the end of the opening handshake, TCP ending at any moment."""

    def __init__(self, rules: RuleSet) -> None:
        self._machines: Final = {role: CompiledMachine(rules, Setting(role)) for role in Role}
        self._alphabets: Final = {role: Alphabet(rules, Setting(role)) for role in Role}

    def reachable(self) -> Iterator[OpeningPairState]:
        """Every state of the pair that a run leads to."""
        start = OpeningPairState(CONNECTING, CONNECTING)
        steps = BreadthFirst([start], lambda both: ((None, then) for then in self._moves(both)))
        return (visit.state for visit in steps)

    def quiet(self, both: OpeningPairState, role: Role) -> bool:
        """Whether this end may stay silent."""
        state = both.client if role is Role.CLIENT else both.server
        return bool(self._machines[role].allowed(state, Event(EventKind.SILENCE)))

    def _moves(self, both: OpeningPairState) -> Iterator[OpeningPairState]:
        for role in Role:
            state = both.client if role is Role.CLIENT else both.server
            yield from self._sending(both, role, state)
            yield from self._reading(both, role, state)
            for outcome in self._machines[role].allowed(state, Event(EventKind.RECEIVE_EOF)):
                yield _with(both, role, outcome.state)

    def _sending(self, both: OpeningPairState, role: Role, state: State) -> Iterator[OpeningPairState]:
        waiting = both.requests if role is Role.CLIENT else both.responses
        if waiting or state.handshake in _STAGES:
            return
        for event in self._alphabets[role].of(_SENDS[role], state):
            for outcome in self._machines[role].allowed(state, event):
                assert event.facts is not None
                sent = (*waiting, event.facts)
                after = _with(both, role, outcome.state)
                yield after._replace(requests=sent) if role is Role.CLIENT else after._replace(responses=sent)

    def _reading(self, both: OpeningPairState, role: Role, state: State) -> Iterator[OpeningPairState]:
        waiting = both.responses if role is Role.CLIENT else both.requests
        if not waiting:
            return
        left = both._replace(responses=waiting[1:]) if role is Role.CLIENT else both._replace(requests=waiting[1:])
        for outcome in self._machines[role].allowed(state, Event.of(_READS[role], waiting[0])):
            yield _with(left, role, outcome.state)


def _with(both: OpeningPairState, role: Role, state: State) -> OpeningPairState:
    return both._replace(client=state) if role is Role.CLIENT else both._replace(server=state)


_METHOD: Final = "exhaustive exploration of both ends, TCP ending at any moment"


def no_deadlock(subject: TheoremSubject) -> ProofResult:
    """Where nothing is on its way and both may stay silent with TCP open, both are open, or the client was refused or
    has failed the connection."""
    pair, count = _Pair(subject.rules), 0
    for both in pair.reachable():
        count += 1
        if both.requests or both.responses or not (both.client.peer_open and both.server.peer_open):
            continue
        if both.client.failed:
            continue  # it waits for the server to end TCP (section 7.1.1), or closes it
        if not all(pair.quiet(both, role) for role in Role):
            continue
        if both.client.handshake != both.server.handshake or both.client.handshake not in _STAGES:
            return refuted(_METHOD, [f"client {_told(both.client)}, server {_told(both.server)}, and both wait"])
    return proved(_METHOD, None, f"{count} states of the pair")


def never_half_open(subject: TheoremSubject) -> ProofResult:
    """A client is open only if the server is, with the same bits; a server may be ahead by the answer on its way."""
    pair, count = _Pair(subject.rules), 0
    for both in pair.reachable():
        count += 1
        client, other = both.client, both.server
        opened = client.handshake == HANDSHAKE.index("complete")
        agreed = [getattr(client, n) == getattr(other, m) for n, m in _SAME]
        if opened and not (other.handshake == client.handshake and all(agreed)):
            return refuted(_METHOD, [f"client {_told(client)}, server {_told(other)}"])
    return proved(_METHOD, None, f"{count} states of the pair")


def _told(state: State) -> str:
    return (
        HANDSHAKE[state.handshake] + (", failed" if state.failed else "") + ("" if state.peer_open else ", TCP ended")
    )


def _theorem(name: str, statement: str, check: Callable[[TheoremSubject], ProofResult], *suspects: str) -> Theorem:
    return Theorem(f"opening/{name}", TheoremKind.PAIR, statement, check, suspects)


OPENING_PAIR: Final = (
    _theorem("a-request-that-may-be-sent-is-accepted",
             "Every opening handshake that a client may send, a server may accept.",
             _taken(EventKind.SEND_REQUEST, EventKind.RECEIVE_REQUEST, Role.CLIENT, READING_REQUEST, ACCEPTED,
                    ~server & is_handshake),
             "4.1/send-connection"),
    _theorem("an-answer-that-may-be-sent-opens",
             "Every 101 that a server may send, a client may take for the connection being established, with the same "
             "extensions, and the same windows and contexts for each direction, whichever offer was taken.",
             _taken(EventKind.SEND_RESPONSE, EventKind.RECEIVE_RESPONSE, Role.SERVER, READING_ANSWER, OPEN,
                    server & legible & (status == 101)),
             "4.2.2/send-connection", "4.1/established~no-claims_rsv1"),
    _theorem("no-deadlock",
             "Where nothing is on its way and both ends may wait, both are open, or the client was refused or has "
             "failed the connection.",
             no_deadlock, "4.2.1/response-owed", "4.1/request-owed"),
    _theorem("never-half-open",
             "A client takes the connection for established only where the server does, with the same extensions.",
             never_half_open, "4.2.2/accept~no-handshake", "4.1/established~no-claims_rsv1"),
)  # fmt: skip
