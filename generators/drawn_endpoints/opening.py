"""The opening handshake of a drawn endpoint: what a server answers, what a client asks, and the end of TCP."""

from __future__ import annotations

from typing import Final

from wsoracle.model.machine.interpreted import Outcome
from wsoracle.model.notation.head_variables import announces_body, value_of
from wsoracle.model.notation.variables import Event, EventKind
from wsoracle.model.octets.masking import mask

from .reading import CLOSES_TCP, NOT_BEGUN, REFUSED, ReadingEndpoint
from .units import SOUND, DrawnFrame, DrawnRequest, DrawnResponse, facts_of

_NO_EXTENSION: Final = value_of("extensions", "absent")


class OpeningEndpoint(ReadingEndpoint):
    """An endpoint that can put octets on the wire, open the connection, and end TCP."""

    def permits(self, event: Event) -> Outcome | None:
        """The outcome of an output that is permitted in full; else None."""
        outcomes = self.machine.allowed(self.state, event)
        return outcomes[0] if outcomes else None

    def send(self, unit: DrawnFrame, *, answers: bool = False) -> bool:
        """Send a frame where that is permitted in full; whether it was."""
        seen = unit if self.way is None else self.way.inflated(unit)
        event = Event(EventKind.SEND, facts_of(seen, self.state, EventKind.SEND, answers=answers))
        outcome = None if self.shut else self.permits(event)
        if outcome is None:
            return False
        self.puts_on_wire(unit)
        self.become(outcome)
        return True

    def puts_on_wire(self, unit: DrawnFrame) -> None:
        """A frame goes out, with a masking key of its own if it is masked (section 5.3)."""
        octets, header = unit.octets, unit.header
        if self.way is not None:
            self.way.put(unit)
        if header.key is not None:
            key, payload = self.random.getrandbits(32).to_bytes(4, "big"), mask(octets[header.size :], header.key)
            octets = octets[: header.size - len(key)] + key + mask(payload, key)
        self.observer.sends(octets)

    def end_tcp(self) -> None:
        """Close or reset TCP, where that is permitted in full."""
        if self.permits(CLOSES_TCP) is None or not self.state.tcp_open:
            return
        if self._says_too_big and not self.state.sent_close:
            return  # a limit of which it does not speak is none that an observer could know of
        state = self.state
        is_over = state.sent_close and state.got_close and not state.failed  # it SHOULD close cleanly (section 7.1.1)
        if self.habits.ends_apart and not self.shut and state.sent_close and self.random.random() < 0.5:
            self._shut_down()
            return
        if self.random.random() < 0.25 and not self._says_too_big and not is_over:
            self.observer.resets()
            self.did_something_of_its_own = False  # it may be lost
        else:
            self.observer.closes()
        outcome = self.permits(CLOSES_TCP)
        assert outcome is not None
        self.become(outcome)

    def _shut_down(self) -> None:
        """End its direction of TCP and read on, once nothing but the end of TCP is left to do (section 7.1.1)."""
        if self.state.got_close or self.state.failed:
            self.shut = True
            self.observer.shuts_down()
            self.ends_both()

    # --- the opening handshake ----------------------------------------------------------------------------------------

    def act_in_opening(self) -> None:
        """Do something before the connection is open: ask, answer, end TCP."""
        random, state = self.random, self.state
        if random.random() < 0.06 and not isinstance(self.next_unit(), (DrawnRequest, DrawnResponse)):
            self.end_tcp()
        elif self._server:
            if state.handshake not in (NOT_BEGUN, REFUSED):
                self.answer()
            elif state.handshake == REFUSED and random.random() < 0.3:
                self.end_tcp()
        elif state.handshake == NOT_BEGUN and not state.failed:
            self._ask()
        elif state.failed or state.handshake == REFUSED:
            self.end_tcp()

    def answer(self) -> None:
        """Answer the request, one way or another."""
        self.sends_answer(self.draw_answer(self.request or SOUND, 0.8 if self.habits.extensions else 0.4))

    def sends_answer(self, answer: DrawnResponse) -> bool:
        """Send an answer where that is permitted in full, and agrees on no unknown extension; whether it was."""
        if answer.facts.extensions != _NO_EXTENSION and not answer.facts.deflate:
            return False
        outcome = self.permits(Event(EventKind.SEND_RESPONSE, None, answer.facts))
        if outcome is not None:
            self.answer_ends = announces_body(answer.facts)
            self.observer.sends(answer.octets)
            self.become(outcome)
            self.agree()
        return outcome is not None

    def _ask(self) -> None:
        chosen = self.draw_request()
        outcome = self.permits(Event(EventKind.SEND_REQUEST, None, chosen.facts))
        if outcome is not None:
            self.request = chosen.request
            self.observer.sends(chosen.octets)
            self.become(outcome)
