"""An endpoint drawn from the rules: at every moment it does something that is allowed in full.

Theory of operation. The endpoint has the state of the model and the memory of its application. What happens next is
drawn: octets arrive, it reads the next unit that is there, it sends something, it rests. Of a frame or head it takes
any outcome that the rules allow in full; it sends only what they permit in full, and an observer calls it quiet only
where it has read all that arrived and the rules allow silence.

Two freedoms are not taken, since no observer could know of them: an unstated limit (section 10.4) that the endpoint
does not speak of (code 1009), and an extension that transforms messages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from wsoracle.model.facts.frames import close_code
from wsoracle.model.notation.variables import NO_CODE, Event, EventKind
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, PING, PONG, TEXT, Role
from wsoracle.properties.judge.observation import Asks, What

from .opening import OpeningEndpoint
from .units import CODES, OWN_CODES, OWN_MESSAGES, TEXTS, DrawnFrame, frame, in_frames

_SILENCE: Final = Event(EventKind.SILENCE)
_WHAT: Final[dict[int, What]] = {TEXT: "text", BINARY: "binary"}


class DrawnEndpoint(OpeningEndpoint):
    """One endpoint on one connection, with its peer and its observer."""

    def run(self) -> None:
        """Go on until the trace is long enough, or nothing can happen any more."""
        habits, random = self.habits, self.random
        moves: tuple[Callable[[], object], ...] = (self.arrive, self.read_next, self.act, self.rest)
        weights = (habits.arrives, habits.reads, habits.acts, habits.rests)
        for move in random.choices(moves, weights, k=habits.steps):
            move()
        if random.random() < 0.6:
            self.settle()
        self.observer.flush()

    def settle(self) -> None:
        """Read all that has arrived, do what is owed, and rest."""
        for _ in range(20):
            while self.read_next():
                pass
            if self.machine.allowed(self.state, _SILENCE):
                break
            self.act_as_owed()
        self.rest()

    # --- acting -------------------------------------------------------------------------------------------------------

    def rest(self) -> None:
        """Be quiet, where everything is read and nothing is owed; seen from inside, perhaps only be done with it."""
        if not self.has_read_all() or (self.sending and self.habits.behaviour.asks):
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
            self.act_in_opening()
        elif self.random.random() < 0.7:
            self.act_as_owed()
        else:
            self._act_freely()

    def act_as_owed(self) -> None:
        """One of the things that are owed."""
        state, random = self.state, self.random
        if state.handshake:
            self.act_in_opening()
            return
        due: list[Callable[[], object]] = []
        if self.sending:
            due.append(self._send_next_part)
        elif self.echoes:
            due.append(self._echo)
        if state.pong_due and self.pings:
            due.append(self._answer_ping)
        if not state.sent_close and (state.got_close or state.failed):
            due.append(self._close_as_due)
        if state.failed or (state.got_close and state.sent_close) or self.read_eof:
            due.append(self.end_tcp)
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
            if behaviour.sends_messages and not self.sending:
                self._begin_message()
        elif which < 0.93:
            if behaviour.closes:
                self._close_of_its_own()
        else:
            self.end_tcp()

    def _send_control(self, opcode: int, payload: bytes) -> None:
        answers = opcode == PONG and self.pings[-1:] == [payload]
        sent = self.send(frame(opcode, payload, masked=self._masked), answers=answers)
        if sent and opcode == PONG and payload in self.pings:
            self.pings.remove(payload)

    def _send_unsolicited_pong(self, payload: bytes) -> None:
        """A Pong that no Ping asked for. None that answers a Ping by chance: it is seen before such a Ping is sent."""
        pings = [
            unit.payload for unit in self.peer.units if isinstance(unit, DrawnFrame) and unit.header.opcode == PING
        ]
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
        compresses = self.way is not None and self.random.random() < 0.6
        frames = self.way.message(opcode, parts) if compresses and self.way else in_frames(opcode, parts, self._masked)
        self.sending, self._sends_echo = list(frames), echo
        waiting = self.sending
        self._send_next_part()
        if self.sending is waiting and len(waiting) == len(parts):
            self.sending = []

    def _send_next_part(self) -> None:
        sending = self.sending
        unit = sending[0]
        last = unit.header.fin
        if not self.send(unit, answers=self._sends_echo and last and len(self.echoes) == 1):
            return
        del sending[:1]
        if last:
            self.sending = []
            if self._sends_echo:
                del self.echoes[:1]
            elif not self.habits.behaviour.asks:
                self.did_something_of_its_own = not self.observer.lost
        else:
            self.sending = sending

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
        if not self.habits.behaviour.asks and self._has_been_sent(code):
            return  # a Close with the code of one that has come is the answer to it: it is not there by chance
        if self._would_be_unprovoked(code):
            return
        if self.habits.behaviour.asks:
            self.observer.asks(Asks("close", code=code))
        self._send_close(code)
        self.observer.flush()

    def _would_be_unprovoked(self, code: int | None) -> bool:
        """Whether a client would close arbitrarily: nothing has come, neither its application nor the code says why."""
        habits = self.habits
        known = habits.application != "unknown" and not habits.behaviour.asks
        peer = self.peer
        frames = (end for unit, end in zip(peer.units, peer.ends, strict=True) if isinstance(unit, DrawnFrame))
        nothing_came = not any(end <= peer.arrived for end in frames)
        return known and habits.role is Role.CLIENT and code in (None, 1000) and nothing_came

    def _has_been_sent(self, code: int | None) -> bool:
        """Whether the peer sent a Close with this code."""
        frames = [unit for unit in self.peer.units if isinstance(unit, DrawnFrame) and unit.header.opcode == CLOSE]
        return any(close_code(frame.payload) == (NO_CODE if code is None else code) for frame in frames)

    def _send_close(self, code: int | None) -> bool:
        body = b"" if code is None or code in (1005, 1006) else code.to_bytes(2, "big")
        return self.send(frame(CLOSE, body, masked=self._masked))
