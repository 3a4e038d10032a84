"""An endpoint drawn from the rules: at every moment it does something that is allowed in full.

Theory of operation. The endpoint has the state of the model and the memory of its application. What happens next is
drawn: octets arrive, it reads the next unit that is there, it sends something, it rests. Of a frame or head it takes
any outcome that the rules allow in full; it sends only what they permit in full, and an observer calls it quiet only
where it has read all that arrived and the rules allow silence.

Two freedoms are not taken, since no observer could know of them: an unstated limit (section 10.4) that the endpoint
does not speak of (code 1009), and an extension that transforms messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from random import Random
from typing import Final

from wsoracle.model.endpoint.events import (
    BINARY_MESSAGE,
    CLOSE_RECEIVED,
    CLOSED_NOT_CLEANLY,
    PING_RECEIVED,
    PONG_RECEIVED,
    TEXT_MESSAGE,
)
from wsoracle.model.facts.frames import close_code, facts_of_header, facts_on_wire, text_before
from wsoracle.model.machine.certain_so_far import sure_failures
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.interpreted import Kind, Outcome
from wsoracle.model.notation.head_variables import value_of
from wsoracle.model.notation.rule import Strength
from wsoracle.model.notation.variables import CONNECTING, HANDSHAKE, Event, EventKind, Setting, State
from wsoracle.model.octets.http import Request
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, PING, PONG, TEXT, Role
from wsoracle.model.rules import RULES
from wsoracle.properties.judge.observation import Asks, Tells, Told, What

from .habits import Habits
from .observer import Observer
from .peer import DrawnPeer
from .units import (
    CODES,
    OWN_CODES,
    OWN_MESSAGES,
    TEXTS,
    DrawnFrame,
    DrawnRequest,
    DrawnResponse,
    frame,
    in_frames,
    requests,
    responses,
)

TOO_BIG: Final = 1009
_TOLD_AS: Final[dict[str, Told]] = {
    TEXT_MESSAGE: "text",
    BINARY_MESSAGE: "binary",
    PING_RECEIVED: "ping",
    PONG_RECEIVED: "pong",
    CLOSE_RECEIVED: "close",
    CLOSED_NOT_CLEANLY: "lost",
}
_SILENCE, _CLOSES, _END = Event(EventKind.SILENCE), Event(EventKind.CLOSE_TCP), Event(EventKind.RECEIVE_EOF)
_READS_HEADS: Final = {
    Role.SERVER: (HANDSHAKE.index("not begun"), HANDSHAKE.index("refused")),
    Role.CLIENT: (HANDSHAKE.index("not begun"), HANDSHAKE.index("awaiting 101")),
}
_NOT_BEGUN, _AWAITING, _REFUSED = (HANDSHAKE.index(name) for name in ("not begun", "awaiting 101", "refused"))
_NO_EXTENSION: Final = value_of("extensions", "absent")
_WHAT: Final[dict[int, What]] = {TEXT: "text", BINARY: "binary"}


@lru_cache(maxsize=64)
def machine_of(setting: Setting) -> CompiledMachine:
    """The rules, compiled for a setting once."""
    return CompiledMachine(RULES, setting)


@lru_cache(maxsize=64)
def _sure_machine(setting: Setting) -> CompiledMachine:
    """The failures that are certain once a header is there."""
    return CompiledMachine(sure_failures(RULES), setting)


def is_ping(unit: DrawnFrame) -> bool:
    """Whether a frame is a Ping."""
    return unit.header.opcode == PING


class DrawnEndpoint:
    """One endpoint on one connection, with its peer and its observer."""

    def __init__(self, random: Random, habits: Habits, machine: CompiledMachine | None = None) -> None:
        self.random: Final = random
        self.habits: Final = habits
        self.machine: Final = machine_of(habits.setting) if machine is None else machine
        self.setting: Final = self.machine.setting
        self.peer: Final = DrawnPeer(random, habits.role, habits.faults, habits.cuts)
        self.observer: Final = Observer(random, inside=habits.inside, hurry=habits.hurry, cuts=habits.cuts)
        self.state = CONNECTING if habits.opening else State()
        self.read = 0
        """How many units it has read."""
        self.read_eof = False
        self.did_something_of_its_own = False
        """It sent a message for which the trace shows no reason."""
        self.over = False
        self._server: Final = habits.role is Role.SERVER
        self._masked: Final = not self._server
        self._parts: list[bytes] = []
        self._type = 0
        self.pings: list[bytes] = []
        self.echoes: list[tuple[int, bytes]] = []
        self._sending: list[DrawnFrame] = []
        self._sends_echo = False
        self.request: Request | None = None
        self._says_too_big = False

    # --- the course of things ---------------------------------------------------------------------------------------

    def run(self) -> None:
        """Go on until the trace is long enough, or nothing can happen any more."""
        habits, random = self.habits, self.random
        moves: tuple[Callable[[], object], ...] = (self.arrive, self.read_next, self.act, self.rest)
        weights = (habits.arrives, habits.reads, habits.acts, habits.rests)
        for move in random.choices(moves, weights, k=habits.steps):
            move()
            if self.over:
                break
        if not self.over and random.random() < 0.6:
            self.settle()
        self.observer.flush()

    def settle(self) -> None:
        """Read all that has arrived, do what is owed, and rest."""
        for _ in range(20):
            while self.read_next():
                pass
            if self.over or self.machine.allowed(self.state, _SILENCE):
                break
            self.act_as_owed()
        self.rest()

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
            self.observer.arrives_eof()

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
        return asked and self.state.handshake != _REFUSED and self.random.random() < 0.05

    def _peer_sends_head(self) -> None:
        random, peer = self.random, self.peer
        if self._server:
            if not peer.units or (self.state.handshake == _REFUSED and random.random() < 0.3):
                known = requests()
                peer.sends(known[0] if random.random() < 0.6 else random.choice(known))
        elif self.request is not None and self._awaits_answer():
            self.observer.flush()  # it has seen the request that it answers
            known_answers = responses(self.request)
            peer.sends(known_answers[0] if random.random() < 0.5 else random.choice(known_answers))

    def _awaits_answer(self) -> bool:
        answers = [unit for unit in self.peer.units if isinstance(unit, DrawnResponse)]
        return all(answer.facts.status < 200 and answer.facts.status != 101 for answer in answers)

    # --- reading ----------------------------------------------------------------------------------------------------

    def next_unit(self) -> DrawnFrame | DrawnRequest | DrawnResponse | None:
        """The next unit, if it has arrived whole."""
        peer, at = self.peer, self.read
        if at < len(peer.units) and peer.ends[at] <= peer.arrived:
            unit = peer.units[at]
            return unit if not isinstance(unit, DrawnFrame) or unit.whole else None
        return None

    def event_of(self, unit: DrawnFrame | DrawnRequest | DrawnResponse) -> Event:
        """The event that reading a unit is in the state of the endpoint."""
        if isinstance(unit, DrawnFrame):
            before = text_before(unit.header.opcode, self.state, EventKind.RECEIVE)
            return Event(EventKind.RECEIVE, facts_on_wire(unit.header, unit.payload, before))
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

    def _reads(self, unit: DrawnFrame | DrawnRequest | DrawnResponse) -> bool:
        """It reads units of this kind now: heads until the opening handshake is complete, frames from then on."""
        if isinstance(unit, DrawnFrame):
            return not self.state.handshake
        return self.state.handshake in _READS_HEADS[self.habits.role] and self.state.tcp_open and not self.state.failed

    def _has_read_units(self) -> bool:
        """It has read all whole units that it reads."""
        unit = self.next_unit()
        return unit is None or not self._reads(unit)

    def believable(self, event: Event, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """The outcomes without a refusal by an unstated limit of which it could not speak."""
        found = list(outcomes)
        if len(found) > 1 and (self.state.sent_close or self.random.random() < 0.8):
            found = [one for one in found if one.label.code != TOO_BIG or one.strength is not Strength.MAY]
        return found

    def take(self, unit: DrawnFrame | DrawnRequest | DrawnResponse, event: Event, outcome: Outcome) -> None:
        """Read a unit with this outcome."""
        self.read += 1
        if isinstance(unit, DrawnRequest):
            self.request = unit.request
        self.become(outcome)
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
            self._sending = []

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
        told = _TOLD_AS.get(delivers or "")
        if told == "close":
            code, reason = close_code(payload), payload[2:].decode("utf-8", "replace")
            self.observer.tells(Tells(told, code=code, reason=reason))
        elif told is not None:
            self.observer.tells(Tells(told, payload))

    def _fail_early(self) -> bool:
        """Fail by the header of a frame whose payload is still to come, where that is certain; whether it did."""
        peer, at = self.peer, self.read
        if self.state.handshake or at >= len(peer.units) or self.random.random() < 0.5:
            return False
        unit = peer.units[at]
        start = peer.ends[at - 1] if at else 0
        if not isinstance(unit, DrawnFrame) or peer.arrived < start + unit.header.size:
            return False
        event = Event(EventKind.RECEIVE, facts_of_header(unit.header))
        outcomes = self.believable(event, _sure_machine(self.setting).allowed(self.state, event))
        outcomes = [one for one in outcomes if one.label.code != TOO_BIG or one.strength is not Strength.MAY]
        if not outcomes:
            return False
        self.become(self.random.choice(outcomes))
        return True

    def _read_end(self) -> None:
        self.read_eof = True
        failed = self.state.failed
        outcome = self.random.choice(self.machine.allowed(self.state, _END))
        self.state = outcome.state
        self.echoes, self._sending = [], []
        if outcome.label.delivers == CLOSED_NOT_CLEANLY and not failed:
            self.observer.tells(Tells("lost"))

    # --- acting -----------------------------------------------------------------------------------------------------

    def rest(self) -> None:
        """Be quiet, where everything is read and nothing is owed; seen from inside, perhaps only be done with it."""
        if self.over or not self._has_read_units() or (self.peer.eof and not self.read_eof):
            return
        if self.habits.inside and self.random.random() < 0.5:
            self.observer.processed()
        elif self.machine.allowed(self.state, _SILENCE):
            self.observer.quiet()

    def act(self) -> None:
        """Do something that is allowed: what is owed, or something of its own accord."""
        if not self.state.tcp_open:
            return
        if self.state.handshake:
            self._act_in_opening()
        elif self.random.random() < 0.7:
            self.act_as_owed()
        else:
            self._act_freely()

    def act_as_owed(self) -> None:
        """One of the things that are owed."""
        state, random = self.state, self.random
        if state.handshake:
            self._act_in_opening()
            return
        due: list[Callable[[], object]] = []
        if self._sending:
            due.append(self._send_next_part)
        elif self.echoes:
            due.append(self._echo)
        if state.pong_due and self.pings:
            due.append(self._answer_ping)
        if not state.sent_close and (state.got_close or state.failed):
            due.append(self._close_as_due)
        if state.failed or (state.got_close and state.sent_close):
            due.append(self._end_tcp)
        if due:
            random.choice(due)()

    def _act_freely(self) -> None:
        """Something that nothing asks for."""
        random, behaviour = self.random, self.habits.behaviour
        which = random.random()
        if which < 0.2:
            self._send_control(PING, random.choice(TEXTS[:5]))
        elif which < 0.35:
            self._send_unsolicited_pong(random.choice((b"", b"mine")))
        elif which < 0.45 and len(self.pings) > 1:
            self._send_control(PONG, random.choice(self.pings))
        elif which < 0.75:
            if behaviour.sends_messages and not self._sending:
                self._begin_message()
        elif which < 0.93:
            if behaviour.closes:
                self._close_of_its_own()
        else:
            self._end_tcp()

    def permits(self, event: Event) -> Outcome | None:
        """The outcome of an output that is permitted in full; else None."""
        outcomes = self.machine.allowed(self.state, event)
        return outcomes[0] if outcomes else None

    def send(self, unit: DrawnFrame, *, answers: bool = False) -> bool:
        """Send a frame where that is permitted in full; whether it was."""
        before = text_before(unit.header.opcode, self.state, EventKind.SEND)
        event = Event(EventKind.SEND, facts_on_wire(unit.header, unit.payload, before, answers=answers))
        outcome = self.permits(event)
        if outcome is None:
            return False
        self.puts_on_wire(unit)
        self.become(outcome)
        return True

    def puts_on_wire(self, unit: DrawnFrame) -> None:
        """A frame goes out, with a masking key of its own if it is masked (section 5.3)."""
        octets, header = unit.octets, unit.header
        if header.key is not None:
            key = self.random.getrandbits(32).to_bytes(4, "big")
            octets = octets[: header.size - len(key)] + key + mask(unit.payload, key)
        self.observer.sends(octets)

    def _send_control(self, opcode: int, payload: bytes) -> None:
        answers = opcode == PONG and self.pings[-1:] == [payload]
        sent = self.send(frame(opcode, payload, masked=self._masked), answers=answers)
        if sent and opcode == PONG and payload in self.pings:
            self.pings.remove(payload)

    def _send_unsolicited_pong(self, payload: bytes) -> None:
        """A Pong that no Ping asked for. None that answers a Ping by chance: it is seen before such a Ping is sent."""
        pings = [unit.payload for unit in self.peer.units if isinstance(unit, DrawnFrame) and is_ping(unit)]
        if payload not in pings:
            self._send_control(PONG, payload)
            self.observer.flush()

    def _answer_ping(self) -> None:
        self._send_control(PONG, self.pings[-1])

    def _echo(self) -> None:
        opcode, payload = self.echoes[0]
        self._begin(opcode, self._parts_of(payload), echo=True)

    def _parts_of(self, payload: bytes) -> tuple[bytes, ...]:
        """A payload in one part, or in two or three."""
        if self.random.random() < 0.7:
            return (payload,)
        cut = self.random.randrange(len(payload) + 1)
        return (payload[:cut], payload[cut:])

    def _begin_message(self) -> None:
        opcode = self.random.choice((TEXT, BINARY))
        parts = self.random.choice(OWN_MESSAGES)
        if self.habits.behaviour.asks:
            if self.state.sent_close or self.state.got_close or self.state.failed or self.state.send_type:
                return
            self.observer.asks(Asks(_WHAT[opcode], b"".join(parts)))
        self._begin(opcode, parts, echo=False)

    def _begin(self, opcode: int, parts: tuple[bytes, ...], *, echo: bool) -> None:
        self._sending, self._sends_echo = list(in_frames(opcode, parts, self._masked)), echo
        waiting = self._sending
        self._send_next_part()
        if self._sending is waiting and len(waiting) == len(parts):
            self._sending = []

    def _send_next_part(self) -> None:
        sending = self._sending
        unit = sending[0]
        last = unit.header.fin
        if not self.send(unit, answers=self._sends_echo and last and len(self.echoes) == 1):
            return
        del sending[:1]
        if last:
            self._sending = []
            if self._sends_echo:
                del self.echoes[:1]
            elif not self.habits.behaviour.asks:
                self.did_something_of_its_own = True
        else:
            self._sending = sending

    def _close_as_due(self) -> None:
        """The Close that answers, or that says why the connection is failed."""
        state, random = self.state, self.random
        codes: list[int | None] = [state.fail_code] if state.failed else [state.close_code, None, *CODES]
        self._send_close(random.choice(codes[:2]) if random.random() < 0.8 else random.choice(codes))

    def _close_of_its_own(self) -> None:
        state = self.state
        if state.sent_close or state.failed or state.got_close:
            return
        code = self.random.choice((None, *OWN_CODES))
        if self.habits.behaviour.asks:
            self.observer.asks(Asks("close", code=code))
        self._send_close(code)

    def _send_close(self, code: int | None) -> bool:
        body = b"" if code is None or code in (1005, 1006) else code.to_bytes(2, "big")
        return self.send(frame(CLOSE, body, masked=self._masked))

    def _end_tcp(self) -> None:
        if self.permits(_CLOSES) is None or not self.state.tcp_open or not self._may_end():
            return
        if self.random.random() < 0.25 and not self._says_too_big:
            self.observer.resets()
            self.did_something_of_its_own = False  # it may be lost
        else:
            self.observer.closes()
        outcome = self.permits(_CLOSES)
        assert outcome is not None
        self.state = outcome.state
        self.echoes, self._sending = [], []

    def _may_end(self) -> bool:
        return True

    # --- the opening handshake --------------------------------------------------------------------------------------

    def _act_in_opening(self) -> None:
        random, state = self.random, self.state
        if random.random() < 0.06 and not isinstance(self.next_unit(), (DrawnRequest, DrawnResponse)):
            self._end_tcp()
        elif self._server:
            if state.handshake not in (_NOT_BEGUN, _REFUSED):
                self.answer()
            elif state.handshake == _REFUSED and random.random() < 0.3:
                self._end_tcp()
        elif state.handshake == _NOT_BEGUN and not state.failed:
            self._ask()
        elif state.failed or state.handshake == _REFUSED:
            self._end_tcp()

    def answer(self) -> None:
        """Answer the request, one way or another."""
        random = self.random
        request = self.request or requests()[0].request
        assert request is not None
        known = responses(request)
        self.sends_answer(known[0] if random.random() < 0.4 else random.choice(known))

    def sends_answer(self, answer: DrawnResponse) -> bool:
        """Send an answer where that is permitted in full, and agrees on no extension; whether it was."""
        if answer.facts.extensions != _NO_EXTENSION:
            return False
        outcome = self.permits(Event(EventKind.SEND_RESPONSE, None, answer.facts))
        if outcome is not None:
            self.observer.sends(answer.octets)
            self.become(outcome)
        return outcome is not None

    def _ask(self) -> None:
        known = requests()
        chosen = known[0] if self.random.random() < 0.5 else self.random.choice(known)
        outcome = self.permits(Event(EventKind.SEND_REQUEST, None, chosen.facts))
        if outcome is not None:
            self.request = chosen.request
            self.observer.sends(chosen.octets)
            self.become(outcome)
