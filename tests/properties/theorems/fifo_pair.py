"""A client and a server joined by two short FIFO channels, explored exactly, with loss of the connection at any point.

``properties.theorems.pair_runs`` proves what holds for channels of any length, by an abstraction; here nothing is
abstracted: frames keep their order, a channel holds a few of them, and a full channel holds its writer up. Every run
found is therefore a real one. Both ends behave as the rules allow; only the channels and the end of TCP are modelled
here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.explorer import BreadthFirst, path_to
from wsoracle.model.machine.interpreted import Label
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import NO_CODE, Event, EventKind, FrameFacts, Setting, State, label
from wsoracle.model.octets.vocabulary import CLOSE, PING, PONG, RESERVED_DATA_OPCODES, TEXT, Role
from wsoracle.model.rules import RULES

CAPACITY: Final = 2
"""Frames on one channel at a time."""

CODES: Final = (NO_CODE, 1000, 1009)
"""Closes: without a code, with one for closing by choice, and the one for a limit that is not stated (section 10.4)."""


class Sent(NamedTuple):
    """A frame on a channel, as its reader will see it: the opcode, and the code of a Close."""

    opcode: int
    code: int = NO_CODE

    def __str__(self) -> str:
        name = label("opcode", self.opcode)
        return name if self.opcode != CLOSE else f"close {'without a code' if self.code == NO_CODE else self.code}"


FRAMES: Final = (
    Sent(TEXT), Sent(PING), Sent(PONG), *(Sent(CLOSE, code) for code in CODES), Sent(RESERVED_DATA_OPCODES[0]),
)  # fmt: skip
"""What an end tries to send: one frame of each kind that matters, and one that no endpoint may send."""


class End(NamedTuple):
    """One end: its state, what it has written and the peer has not yet read, whether it writes no more (the end of TCP
    follows), and the code of its Close (0 before)."""

    state: State = State()
    written: tuple[Sent, ...] = ()
    finished: bool = False
    said: int = 0


class Pair(NamedTuple):
    """Both ends, and whether the connection was lost."""

    client: End = End()
    server: End = End()
    lost: bool = False

    @property
    def closed(self) -> bool:
        """TCP is closed at both ends."""
        return not (self.client.state.tcp_open or self.server.state.tcp_open)

    @property
    def pending(self) -> bool:
        """Something is on its way to an end that still reads."""
        ends = ((self.client, self.server), (self.server, self.client))
        return any(me.state.peer_open and (peer.written or peer.finished) for me, peer in ends)


class Told(NamedTuple):
    """What an application is told when its connection has ended: the close code, and how it was closed."""

    code: int
    how: str


@dataclass(frozen=True)
class PairExploration:
    """Every pair state that is reached, nearest first, with the state and the move that lead there first; the moves;
    and the states in which both ends may stay silent."""

    via: dict[Pair, tuple[Pair, str] | None]
    moves: tuple[tuple[Pair, str, Pair], ...]
    resting: frozenset[Pair]
    _machines: dict[Role, CompiledMachine]

    def run_to(self, target: Pair) -> tuple[str, ...]:
        """The moves of a shortest run to a reached pair state."""
        return path_to(self.via, target)

    def told(self, both: Pair) -> tuple[Told, Told]:
        """What client and server are told in a state where both are closed, by the rules for the end of TCP."""
        return self._told(Role.CLIENT, both.client.state), self._told(Role.SERVER, both.server.state)

    def _told(self, role: Role, state: State) -> Told:
        before = state._replace(tcp_open=True, peer_open=True)
        (seen,) = self._machines[role].labels(before, Event(EventKind.RECEIVE_EOF))
        return Told(state.close_code, seen.delivers or "")

    def endings(self) -> dict[tuple[Told, Told], tuple[str, ...]]:
        """Everything that the two applications can be told, each with a shortest run that ends so."""
        found: dict[tuple[Told, Told], Pair] = {}
        for both in self.via:
            if both.closed:
                found.setdefault(self.told(both), both)
        return {told: self.run_to(both) for told, both in found.items()}

    def deadlocks(self) -> Iterator[Pair]:
        """States that can be rested in for ever though closing has begun: nothing on its way, and nothing owed."""
        for both in self.via:
            states = (both.client.state, both.server.state)
            begun = both.lost or any(s.sent_close or s.got_close or s.failed or not s.tcp_open for s in states)
            server, client = both.server.state, both.client.state
            lingers = server.tcp_open and not server.peer_open and not client.tcp_open
            if begun and not both.closed and not both.pending and not lingers and both in self.resting:
                yield both

    def cannot_close(self) -> tuple[Pair, ...]:
        """States from which no run leads to both ends being closed."""
        before: dict[Pair, list[Pair]] = {}
        for source, _, target in self.moves:
            before.setdefault(target, []).append(source)
        queue = [both for both in self.via if both.closed]
        good = set(queue)
        for both in queue:
            for source in before.get(both, ()):
                if source not in good:
                    good.add(source)
                    queue.append(source)
        return tuple(both for both in self.via if both not in good)


class _Moves:
    """The moves of the pair, read off the compiled rules under the default switches."""

    def __init__(self, rules: RuleSet, capacity: int) -> None:
        self.capacity = capacity
        self.machines = {role: CompiledMachine(rules, Setting(role)) for role in Role}
        self.facts = {(role, sent): _facts(role, sent) for role in Role for sent in FRAMES}
        self._known: dict[tuple[Role, State, Event], dict[Label, State]] = {}

    def outcomes(self, role: Role, state: State, event: Event) -> dict[Label, State]:
        key = (role, state, event)
        if key not in self._known:
            self._known[key] = self.machines[role].labels(state, event)
        return self._known[key]

    def may_be_silent(self, both: Pair) -> bool:
        """Both ends may stay silent."""
        silence = Event(EventKind.SILENCE)
        ends = ((Role.CLIENT, both.client), (Role.SERVER, both.server))
        return all(self.outcomes(role, end.state, silence) for role, end in ends)

    def of(self, both: Pair) -> Iterator[tuple[str, Pair]]:
        """Every move from a pair state, with its name."""
        if not both.lost:
            gone = {"written": (), "finished": True}
            yield (
                "the connection is lost",
                Pair(both.client._replace(**gone), both.server._replace(**gone), lost=True),  # type: ignore[arg-type]
            )
        for name, me, peer in self._of_end(Role.CLIENT, both.client, both.server):
            yield f"the client {name}", Pair(me, peer, both.lost)
        for name, me, peer in self._of_end(Role.SERVER, both.server, both.client):
            yield f"the server {name}", Pair(peer, me, both.lost)

    def _of_end(self, role: Role, me: End, peer: End) -> Iterator[tuple[str, End, End]]:
        if not me.state.tcp_open:
            return
        for sent in FRAMES:
            if me.finished or len(me.written) < self.capacity:
                for name, mine in self._sends(role, me, sent):
                    yield name, mine, peer
        if peer.written:
            first, *rest = peer.written
            event = Event(EventKind.RECEIVE, self.facts[role.peer, first])
            for seen, state in self.outcomes(role, me.state, event).items():
                yield f"receives {first}: {seen}", me._replace(state=state), peer._replace(written=tuple(rest))
        elif peer.finished and me.state.peer_open:
            for seen, state in self.outcomes(role, me.state, Event(EventKind.RECEIVE_EOF)).items():
                yield f"sees the end of TCP: {seen}", me._replace(state=state), peer
        for state in self.outcomes(role, me.state, Event(EventKind.CLOSE_TCP)).values():
            yield "closes TCP", me._replace(state=state, finished=True), peer

    def _sends(self, role: Role, me: End, sent: Sent) -> Iterator[tuple[str, End]]:
        facts = self.facts[role, sent]
        if sent.opcode == PONG:
            facts = facts._replace(answers=me.state.pong_due)
        # What is written after the connection was lost, or the peer has gone, reaches nobody.
        written = me.written if me.finished else (*me.written, sent)
        said = sent.code if sent.opcode == CLOSE else me.said
        for state in self.outcomes(role, me.state, Event(EventKind.SEND, facts)).values():
            yield f"sends {sent}", End(state, written, me.finished, said)


def _facts(sender: Role, sent: Sent) -> FrameFacts:
    """The frame as rules see it."""
    masked = sender is Role.CLIENT
    if sent.opcode == CLOSE and sent.code != NO_CODE:
        return FrameFacts(CLOSE, masked=masked, length=2, code=sent.code)
    return FrameFacts(sent.opcode, masked=masked, length=1 if sent.opcode == TEXT else 0)


def explore_pair(rules: RuleSet = RULES, capacity: int = CAPACITY) -> PairExploration:
    """Explore the pair breadth first, with at most ``capacity`` frames on each channel."""
    moves = _Moves(rules, capacity)
    reached = BreadthFirst([Pair()], moves.of)
    taken = [(visit.state, name, after) for visit in reached for name, after in visit.leaving]
    resting = frozenset(both for both in reached.via if moves.may_be_silent(both))
    return PairExploration(reached.via, tuple(taken), resting, moves.machines)


__all__ = ["CAPACITY", "CODES", "FRAMES", "End", "Pair", "PairExploration", "Sent", "Told", "explore_pair"]
