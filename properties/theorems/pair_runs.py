"""A client and a server joined by two FIFO channels, with loss of the connection at any point.

Both ends behave as the rules allow, nothing is modelled by hand but the channels. A channel holds whole messages, Pings
and Pongs, then at most one Close, then what was sent after it, then the end of TCP; that no data and no second Close
follows a Close is a safety theorem. The abstraction tells apart only *none* and *some* frames on a channel, so that
channels of any length are covered: taking one may leave none or some. It has every run of the exact pair and more, and
it is finite, so that exploring it in full proves that something never happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final, NamedTuple, TypeAlias

from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.explorer import BreadthFirst
from wsoracle.model.machine.interpreted import Label
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import NO_CODE, Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets.vocabulary import CLOSE, PING, PONG, TEXT, Role

CODES: Final = (NO_CODE, 1000, 1009)
"""Closes on a channel: without a code, with one for closing by choice, and the one for a limit (section 10.4)."""

SILENCE: Final = Event(EventKind.SILENCE)

MOST_STATES: Final = 400_000
"""Exploring gives up beyond this many pair states; a mutant may have many more than the rules."""


class Channel(NamedTuple):
    """The units on their way from one end: whether there are Pings, other frames, a Close (its code, 0 for no Close),
    frames after the Close, and the end of TCP."""

    pings: bool = False
    others: bool = False
    close: int = 0
    late: bool = False
    eof: bool = False


class Interned:
    """A state of an endpoint, made once: pairs of them are compared and hashed by identity, which is much faster.

    ``rank``: how much is left for the end to do, without what is on its way: a Close to send, a Pong owed, either
    direction of TCP to end.
    """

    __slots__ = ("rank", "state")

    def __init__(self, state: State) -> None:
        self.state: Final = state
        self.rank: Final = 2 * (not state.sent_close) + 2 * state.pong_due + state.tcp_open + state.peer_open


@cache
def interned(state: State) -> Interned:
    """The one object for a state."""
    return Interned(state)


class End:
    """One end: its state, the channel that it writes into, the code of its Close (0 before), and whether it began to
    close by its own choice. Made once as well: by :func:`end`."""

    __slots__ = ("at", "began", "out", "said", "state")

    def __init__(self, at: Interned, out: Channel, said: int, began: bool) -> None:
        self.at: Final = at
        self.out: Final = out
        self.said: Final = said
        self.began: Final = began
        self.state: Final = at.state


@cache
def end(at: Interned, out: Channel, said: int, began: bool) -> End:
    """The one object for an end with these parts."""
    return End(at, out, said, began)


FIRST: Final = end(interned(State()), Channel(), 0, False)
"""An end right after the opening handshake."""


class PairState(NamedTuple):
    """Both ends, and whether the connection was lost."""

    client: End = FIRST
    server: End = FIRST
    lost: bool = False


class PairMove(NamedTuple):
    """What happens in a transition, and whether it climbs: it sends nothing but what was owed, and the rank of the pair
    is no lower after it, where frames are counted exactly."""

    name: str
    climbs: bool


WEIGHTS: Final = {"pings": 3, "others": 1, "close": 1, "late": 1}
"""The rank of a frame on its way; a Ping that is taken leaves a Pong to be owed (2) and sent (1)."""

_GONE: Final = Channel(eof=True)
_LOSS: Final = PairMove("the connection is lost", False)

_EndMove: TypeAlias = tuple[PairMove, End, Channel]
"""A move of one end, that end after it, and what the channel that it reads holds then."""


class _Moves:
    """The moves of the pair under a rule set, read off the compiled rules under the default switches.

    What an end sends depends on that end alone, and what it takes on its state and the channel that it reads: each is
    worked out once for all pairs that share it.
    """

    def __init__(self, rules: RuleSet, exact: bool) -> None:
        self.exact: Final = exact
        self.machines: Final = {role: CompiledMachine(rules, Setting(role)) for role in Role}
        self._sent: Final[dict[tuple[Role, End], list[tuple[PairMove, End]]]] = {}
        self._taken: Final[dict[tuple[Role, Interned, Channel], list[tuple[PairMove, Interned, Channel]]]] = {}
        self._of_ends: Final[dict[tuple[Role, End, Channel], list[_EndMove]]] = {}
        self._silent: Final[dict[tuple[Role, Interned], bool]] = {}
        self._known: Final[dict[tuple[Role, Interned, Event], list[tuple[Label, Interned]]]] = {}

    def outcomes(self, role: Role, at: Interned, event: Event) -> list[tuple[Label, Interned]]:
        """The outcomes of an event at one end."""
        key = (role, at, event)
        found = self._known.get(key)
        if found is None:
            reached = self.machines[role].labels(at.state, event)
            found = self._known[key] = [(label, interned(state)) for label, state in reached.items()]
        return found

    def may_be_silent(self, both: PairState) -> bool:
        """Both ends may stay silent."""
        return self._may_be_silent(Role.CLIENT, both.client.at) and self._may_be_silent(Role.SERVER, both.server.at)

    def _may_be_silent(self, role: Role, at: Interned) -> bool:
        found = self._silent.get((role, at))
        if found is None:
            found = self._silent[role, at] = bool(self.outcomes(role, at, SILENCE))
        return found

    def of(self, both: PairState) -> Iterator[tuple[PairMove, PairState]]:
        """Every move from a pair state, and the state after it."""
        client, server, lost = both
        if not lost:
            yield _LOSS, PairState(_lost(client), _lost(server), True)
        for move, mine, out in self._of_end(Role.CLIENT, client, server.out):
            theirs = server if out is server.out else end(server.at, out, server.said, server.began)
            yield move, PairState(mine, theirs, lost)
        for move, mine, out in self._of_end(Role.SERVER, server, client.out):
            theirs = client if out is client.out else end(client.at, out, client.said, client.began)
            yield move, PairState(theirs, mine, lost)

    def _of_end(self, role: Role, me: End, held: Channel) -> list[_EndMove]:
        """The moves of one end; of the other only the channel that it writes into counts."""
        found = self._of_ends.get((role, me, held))
        if found is None:
            if (role, me) not in self._sent:
                self._sent[role, me] = list(self._sends(role, me))
            if (role, me.at, held) not in self._taken:
                self._taken[role, me.at, held] = list(self._takes(role, me.at, held))
            found = self._of_ends[role, me, held] = [
                *((move, mine, held) for move, mine in self._sent[role, me]),
                *((m, end(at, me.out, me.said, me.began), out) for m, at, out in self._taken[role, me.at, held]),
                *((move, mine, held) for move, mine in self._closes_tcp(role, me)),
            ]
        return found

    def _sends(self, role: Role, me: End) -> Iterator[tuple[PairMove, End]]:
        # What is sent on a connection that was lost reaches no peer.
        lost = me.out.eof
        masked = role is Role.CLIENT
        owed = me.state.pong_due
        for what, facts, new in (
            ("a message", FrameFacts(TEXT, masked=masked, length=1), True),
            ("a Ping", FrameFacts(PING, masked=masked), True),
            ("a Pong", FrameFacts(PONG, masked=masked, answers=owed), not owed),
        ):
            place = "late" if me.state.sent_close else "pings" if facts.opcode == PING else "others"
            if self.exact and getattr(me.out, place):
                continue
            out = me.out if lost else me.out._replace(**{place: True})
            for _, at in self.outcomes(role, me.at, Event(EventKind.SEND, facts)):
                climbs = not new and _climbs(me.at, at, 0 if lost else WEIGHTS[place])
                yield PairMove(f"the {role} sends {what}", climbs), end(at, out, me.said, me.began)
        for code in CODES:
            for _, at in self.outcomes(role, me.at, Event(EventKind.SEND, _close(code, masked))):
                began = me.began or not (me.state.got_close or me.state.failed)
                mine = end(at, me.out if lost else me.out._replace(close=code), code, began)
                climbs = _climbs(me.at, at, 0 if lost else WEIGHTS["close"])
                yield PairMove(f"the {role} sends a Close with {_named(code)}", climbs), mine

    def _takes(self, role: Role, me: Interned, held: Channel) -> Iterator[tuple[PairMove, Interned, Channel]]:
        masked = role is Role.SERVER
        early = held.pings or held.others
        for what, facts in (
            ("a Ping", FrameFacts(PING, masked=masked)),
            ("a message", FrameFacts(TEXT, masked=masked, length=1)),
            ("a Pong", FrameFacts(PONG, masked=masked)),
        ):
            first = "pings" if facts.opcode == PING else "others"
            place = first if early else "late"
            if not getattr(held, place) or (place == "late" and held.close):
                continue
            for label, at in self.outcomes(role, me, Event(EventKind.RECEIVE, facts)):
                for left in (False,) if self.exact else (False, True):
                    move = PairMove(f"the {role} receives {what}: {label}", _climbs(me, at, -WEIGHTS[place]))
                    yield move, at, held._replace(**{place: left})
        if held.close and not early:
            event = Event(EventKind.RECEIVE, _close(held.close, masked))
            for label, at in self.outcomes(role, me, event):
                name = f"the {role} receives a Close with {_named(held.close)}: {label}"
                yield PairMove(name, _climbs(me, at, -WEIGHTS["close"])), at, held._replace(close=0)
        if held == _GONE and me.state.tcp_open and me.state.peer_open:
            for _, at in self.outcomes(role, me, Event(EventKind.RECEIVE_EOF)):
                yield PairMove(f"the {role} sees the end of TCP", _climbs(me, at, 0)), at, held

    def _closes_tcp(self, role: Role, me: End) -> Iterator[tuple[PairMove, End]]:
        if me.state.tcp_open:
            closed = me.out._replace(eof=True)
            for _, at in self.outcomes(role, me.at, Event(EventKind.CLOSE_TCP)):
                yield PairMove(f"the {role} closes TCP", _climbs(me.at, at, 0)), end(at, closed, me.said, me.began)


def _lost(me: End) -> End:
    """An end whose channel has lost all that was on its way."""
    return end(me.at, _GONE, me.said, me.began)


def _climbs(before: Interned, after: Interned, weight: int) -> bool:
    """The rank is no lower after a step of an end that puts frames of this weight on their way, or takes them."""
    return weight + after.rank - before.rank >= 0


def _close(code: int, masked: bool) -> FrameFacts:
    if code == NO_CODE:
        return FrameFacts(CLOSE, masked=masked)
    return FrameFacts(CLOSE, masked=masked, length=2, code=code)


def _named(code: int) -> str:
    return "no code" if code == NO_CODE else str(code)


class PairVisit(NamedTuple):
    """A reachable pair state: whether both ends may rest in it, and a move from it that sends nothing new and yet
    brings the end no nearer, where there is one."""

    both: PairState
    resting: bool
    climbing: str | None


class PairRuns:
    """All runs of the pair under a rule set. Iterating over it visits every pair state that is reached, nearest first.

    With ``exact`` at most one frame of a kind is on its way at a time, so that *some* means one: fewer runs, each of
    which real channels can have. Raises :class:`TooManyStatesError` beyond :data:`MOST_STATES`.
    """

    def __init__(self, rules: RuleSet, *, exact: bool = False) -> None:
        self._moves: Final = _Moves(rules, exact)
        self._reached: Final = BreadthFirst([PairState()], self._moves.of, most=MOST_STATES)

    def __len__(self) -> int:
        return len(self._reached.via)

    def __iter__(self) -> Iterator[PairVisit]:
        for visit in self._reached:
            climbing = [move.name for move, _ in visit.leaving if move.climbs]
            yield PairVisit(visit.state, self._moves.may_be_silent(visit.state), climbing[-1] if climbing else None)

    def run_to(self, both: PairState) -> tuple[str, ...]:
        """The names of the moves of a shortest run to a reached pair state."""
        return tuple(move.name for move in self._reached.path(both))


@lru_cache(maxsize=1)
def explored(rules: RuleSet) -> tuple[tuple[PairVisit, ...], PairRuns]:
    """The pair under a rule set, explored whole."""
    runs = PairRuns(rules)
    return tuple(runs), runs
