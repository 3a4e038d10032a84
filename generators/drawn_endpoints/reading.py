"""The reading half of a drawn endpoint: what arrives, when it is read, and which outcome is taken."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from random import Random
from typing import Final

from wsoracle.model.endpoint.deflate import agreed_state
from wsoracle.model.endpoint.events import CLOSED_NOT_CLEANLY
from wsoracle.model.facts.frames import close_code, facts_of_header
from wsoracle.model.machine.certain_so_far import sure_failures
from wsoracle.model.machine.compiled import CompiledMachine, machine_for
from wsoracle.model.machine.interpreted import Kind, Outcome
from wsoracle.model.notation.rule import Strength
from wsoracle.model.notation.variables import CONNECTING, HANDSHAKE, Event, EventKind, State
from wsoracle.model.octets.http import Request
from wsoracle.model.octets.inflated_frames import AgreedDirection
from wsoracle.model.octets.vocabulary import BINARY, PING, Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.grading import TOO_BIG
from wsoracle.properties.judge.observation import TOLD_AS, Tells

from .compressed import CompressedWay
from .habits import Habits, setting_of
from .observer import Observer
from .peer import DrawnPeer, DrawnUnit
from .units import DrawnFrame, DrawnRequest, DrawnResponse, facts_of, offering, requests, responses

_END: Final = Event(EventKind.RECEIVE_EOF)
NOT_BEGUN, AWAITING, REFUSED = (HANDSHAKE.index(name) for name in ("not begun", "awaiting 101", "refused"))
CLOSES_TCP: Final = Event(EventKind.CLOSE_TCP)
_READS_HEADS: Final = {Role.SERVER: (NOT_BEGUN, REFUSED), Role.CLIENT: (NOT_BEGUN, AWAITING)}


@lru_cache(maxsize=64)
def _compressing(request: Request) -> tuple[DrawnResponse, ...]:
    """The answers to a request that agree on permessage-deflate as they should."""
    machine, state = machine_for(RULES, setting_of(Role.SERVER, None, False)), CONNECTING._replace(handshake=AWAITING)
    return tuple(
        one
        for one in responses(request)
        if one.facts.deflate and machine.allowed(state, Event(EventKind.SEND_RESPONSE, None, one.facts))
    )


class ReadingEndpoint:
    """An endpoint on one connection, with its peer and its observer, as far as it takes in what arrives."""

    def __init__(self, random: Random, habits: Habits, machine: CompiledMachine | None = None) -> None:
        self.random: Final = random
        self.habits: Final = habits
        self.machine: Final = machine_for(RULES, habits.setting) if machine is None else machine
        self.setting: Final = self.machine.setting
        self.peer: Final = DrawnPeer(random, habits.role, habits.faults, habits.cuts)
        self.observer: Final = Observer(random, inside=habits.inside, hurry=habits.hurry, cuts=habits.cuts)
        self.state = CONNECTING if habits.opening else agreed_state(habits.role, habits.extensions) or State()
        self.read = 0
        """How many units it has read."""
        self.read_eof = False
        self.did_something_of_its_own = False
        """It sent a message for which the trace shows no reason."""
        self._server: Final = habits.role is Role.SERVER
        self._masked: Final = not self._server
        self._parts: list[bytes] = []
        self._type = 0
        self.pings: list[bytes] = []
        self.echoes: list[tuple[int, bytes]] = []
        self.sending: list[DrawnFrame] = []
        self._sends_echo = False
        self.request: Request | None = None
        self.answer_ends = False
        """Its latest answer has an end of its own; others end with TCP (RFC 9112, section 6.3)."""
        self._says_too_big = False
        self.shut = False
        """It has ended its direction of TCP."""
        self.way: CompressedWay | None = None
        """What it sends, where permessage-deflate was agreed on."""
        self.agree()

    def agree(self) -> None:
        """Once the connection is open: where permessage-deflate was agreed on, either end may compress from now on."""
        state = self.state
        if state.handshake or not state.recv_window or self.way is not None:
            return
        sends = AgreedDirection(state.send_window, state.send_takeover)
        reads = AgreedDirection(state.recv_window, state.recv_takeover, self.setting.limit)
        self.way = CompressedWay(self.random, sends, masked=self._masked)
        self.peer.agree(CompressedWay(self.random, reads, masked=self._server))

    # --- what arrives -------------------------------------------------------------------------------------------------

    def arrive(self) -> None:
        """Something arrives: more of what the peer sends, or the end of TCP."""
        peer, random = self.peer, self.random
        if peer.eof:
            return
        if len(peer.octets) == peer.arrived:
            self._peer_sends()
        octets = peer.next_chunk()
        if octets:
            self.observer.arrives(octets)
        elif random.random() < 0.4:
            peer.eof = True
            if self.habits.ends_apart and random.random() < 0.3:
                self._is_lost()
            else:
                self.observer.arrives_eof()
            self.ends_both()

    def _is_lost(self) -> None:
        """TCP is lost; an endpoint that spoke of its limit was heard."""
        if self._says_too_big:
            self.observer.flush()
        self.observer.arrives_reset()
        self.did_something_of_its_own = False  # it may be lost

    def ends_both(self) -> None:
        """Where both directions of TCP have ended, TCP is closed."""
        if self.shut and self.peer.eof and self.state.tcp_open:
            self.become(self.machine.allowed(self.state, CLOSES_TCP)[0])

    def _peer_sends(self) -> None:
        """The peer sends one unit or a few."""
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            if self.habits.opening and not self._peer_is_open():
                self._peer_sends_head()
            else:
                self.peer.draw_frame()

    def _peer_is_open(self) -> bool:
        """The peer takes the opening handshake for complete, or sends frames before it is."""
        if not self.state.handshake:
            return True
        if not self._server:
            return False
        asked = bool(self.peer.units)
        return asked and self.state.handshake != REFUSED and self.random.random() < 0.05

    def _peer_sends_head(self) -> None:
        random, peer = self.random, self.peer
        if self._server:
            if not peer.units or (self.answer_ends and self.state.handshake == REFUSED and random.random() < 0.3):
                peer.sends(self.draw_request())
        elif self.request is not None and self._awaits_answer():
            self.observer.flush()  # it has seen the request that it answers
            peer.sends(self.draw_answer(self.request, 0.5))

    def draw_request(self) -> DrawnRequest:
        """A request, sound or not."""
        known = requests()
        if self.habits.extensions and self.random.random() < 0.8:
            return self.random.choice(offering())
        return known[0] if self.random.random() < 0.6 else self.random.choice(known)

    def draw_answer(self, request: Request, sound: float) -> DrawnResponse:
        """An answer to a request; with this chance a sound 101, with permessage-deflate where that is offered."""
        known = responses(request)
        if self.random.random() >= sound:
            return self.random.choice(known)
        compresses = _compressing(request) if self.habits.extensions else ()
        return self.random.choice(compresses) if compresses else known[0]

    def _awaits_answer(self) -> bool:
        answers = [unit for unit in self.peer.units if isinstance(unit, DrawnResponse)]
        return all(answer.facts.status < 200 and answer.facts.status != 101 for answer in answers)

    # --- reading ------------------------------------------------------------------------------------------------------

    def next_unit(self) -> DrawnUnit | None:
        """The next unit, if it has arrived whole."""
        peer, at = self.peer, self.read
        if at < len(peer.units) and peer.ends[at] <= peer.arrived:
            unit = peer.units[at]
            return unit if not isinstance(unit, DrawnFrame) or unit.whole else None
        return None

    def event_of(self, unit: DrawnUnit) -> Event:
        """The event that reading a unit is in the state of the endpoint."""
        if isinstance(unit, DrawnFrame):
            return Event(EventKind.RECEIVE, facts_of(unit, self.state, EventKind.RECEIVE))
        if isinstance(unit, DrawnRequest):
            return Event(EventKind.RECEIVE_REQUEST, None, unit.facts)
        return Event(EventKind.RECEIVE_RESPONSE, None, unit.facts)

    def read_next(self) -> bool:
        """Read the next unit, or the end of TCP, if one is there and it reads; whether it did."""
        unit = self.next_unit()
        if unit is None:
            if self.peer.eof and not self.read_eof and self._has_read_units():
                self._read_end()
                return True
            return self._fail_early()
        if not self._reads(unit):
            return False
        event = self.event_of(unit)
        outcomes = self.believable(event, self.machine.allowed(self.state, event))
        self.take(unit, event, self.random.choice(outcomes))
        return True

    def _reads(self, unit: DrawnUnit) -> bool:
        """It reads units of this kind now: heads until the opening handshake is complete, frames from then on."""
        if isinstance(unit, DrawnFrame):
            return not self.state.handshake
        return self.state.handshake in _READS_HEADS[self.habits.role] and self.state.tcp_open and not self.state.failed

    def _has_read_units(self) -> bool:
        """It has read all whole units that it reads."""
        unit = self.next_unit()
        return unit is None or not self._reads(unit)

    def has_read_all(self) -> bool:
        """It has read all that arrived, and a header that decides by itself; an observer may call it quiet."""
        return self._has_read_units() and self.read_eof is self.peer.eof and not self._decided_early()

    def _decided_early(self) -> list[Outcome]:
        """The failures that the header of a frame asks for whose payload is still to come."""
        peer, at = self.peer, self.read
        if self.state.handshake or at >= len(peer.units):
            return []
        unit = peer.units[at]
        start = peer.ends[at - 1] if at else 0
        if not isinstance(unit, DrawnFrame) or peer.arrived < start + unit.header.size:
            return []
        event = Event(EventKind.RECEIVE, facts_of_header(unit.header))
        outcomes = machine_for(sure_failures(RULES), self.setting).allowed(self.state, event)
        return [one for one in outcomes if one.strength.binds]

    def believable(self, event: Event, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """The outcomes without a refusal by an unstated limit of which it could not speak."""
        found = list(outcomes)
        unheard = self.state.sent_close or self.observer.lost
        if len(found) > 1 and (unheard or self.random.random() < 0.8):
            found = [one for one in found if one.label.code != TOO_BIG or one.strength is not Strength.MAY]
        return found

    def take(self, unit: DrawnUnit, event: Event, outcome: Outcome) -> None:
        """Read a unit with this outcome."""
        self.read += 1
        if isinstance(unit, DrawnRequest):
            self.request = unit.request
        self.become(outcome)
        if isinstance(unit, DrawnResponse):
            self.agree()
        if isinstance(unit, DrawnFrame) and outcome.label.kind is Kind.ACCEPT:
            self._accept(unit, outcome.label.delivers)

    def become(self, outcome: Outcome) -> None:
        """The state after an outcome; what it gives up is forgotten."""
        self.state = outcome.state
        if outcome.label.kind is Kind.FAIL:
            self._says_too_big |= outcome.label.code == TOO_BIG
            self.observer.tells(Tells("failed", code=outcome.label.code))
        if not self.state.reply_due:
            self.echoes = []
        if not self.state.send_type:
            self.sending = []

    def _accept(self, unit: DrawnFrame, delivers: str | None) -> None:
        opcode, payload = unit.header.opcode, unit.payload
        if opcode == PING:
            self.pings.append(payload)
        elif opcode <= BINARY:
            if opcode:
                self._type, self._parts = opcode, []
            self._parts.append(payload)
            payload = b"".join(self._parts)
            if unit.header.fin and self.state.reply_due:
                self.echoes.append((self._type, payload))
        told = TOLD_AS.get(delivers or "")
        if told == "close":
            code, reason = close_code(payload), payload[2:].decode("utf-8", "replace")
            self.observer.tells(Tells(told, code=code, reason=reason))
        elif told is not None:
            self.observer.tells(Tells(told, payload))

    def _fail_early(self) -> bool:
        """Fail by the header of a frame whose payload is still to come, where that is certain; whether it did."""
        outcomes = self._decided_early() if self.random.random() < 0.5 else []
        if not outcomes:
            return False
        self.become(self.random.choice(outcomes))
        return True

    def _read_end(self) -> None:
        self.read_eof = True
        failed = self.state.failed
        outcome = self.random.choice(self.machine.allowed(self.state, _END))
        self.become(outcome)
        if outcome.label.delivers == CLOSED_NOT_CLEANLY and not failed:
            self.observer.tells(Tells("lost"))
