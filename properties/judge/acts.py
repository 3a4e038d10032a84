"""What an application may do that it does not promise, and which of it need be considered.

Theory of operation. A message that neither was asked for nor echoes anything is one of two things: a message of the
application's own, or an echo that was changed. In the first case the echo that is due is still to come, in the second
it is not. Where both are kept for each of many messages, there are soon more explanations than can be looked at. So a
message is taken for one of the application's own only where that can explain more:

- not where the echo that is due next is never sent later. An explanation that still owes this echo goes on like the one
  that owes it no more, and may only miss more: with each message that follows it takes the same or a costlier step.
- not where nothing is due, and the next message that had arrived is of this kind, if it can only be accepted: then it
  might as well have been read, and changed.

Nor need an endpoint read on before such an act, unless it finds something to change, or the message itself: it can read
on later. And where it has echoed or dropped every copy of a message that had arrived, reading on leads to no reason to
send it that is promised: so an application that sends each message back twice is not looked for among all orders.

All this holds where nothing of what it sent is lost in a reset of TCP: what goes unseen may depend on what is due.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wsoracle.model.notation.variables import State
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, TEXT

from .application import (
    ANOTHER_ORDER,
    NOT_ITS_OWN,
    closes,
    differs,
    offers_subprotocols,
    with_replacements,
)
from .echo_words import OWN_MESSAGE
from .explanation import Cost, Explanation, Place
from .moments import Message, Moment
from .reading import FrameReader, code_of
from .waiting import Waiting

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}".encode()

_READ_ON: Final = ("recv_type", "recv_utf8", "recv_length", "reply_due")
"""The parts of a state that may change while an endpoint reads on to the end of a message."""

_MOST_READ_ON: Final = 16
"""The most frames that are read on to find a message."""


class Acts:
    """The acts of an application, as far as they are to be considered where a search lets it act."""

    def __init__(self, reader: FrameReader) -> None:
        self._reader: Final = reader
        self._history: Final = reader.history
        self._subject: Final = reader.subject

    def of(self, place: Place, moment: Moment, frame: FrameUnit) -> Iterator[tuple[Place, bool, str]]:
        """What the application may do that it does not promise: the place then, whether the frame answers, in words."""
        if frame.header.opcode == CLOSE:
            code = code_of(frame.payload)
            if self._may_be_its_own(code, place, moment):
                yield place, False, closes(code, instead_of_echo=bool(place.echoes))
        elif frame.start in self._history.sent.messages:
            message, echoes = self._history.sent.messages[frame.start], place.echoes
            if message in echoes:
                rest = list(echoes)
                rest.remove(message)
                yield place._replace(echoes=Waiting(rest, 0, len(rest))), False, ANOTHER_ORDER
                return
            free = place.state.sent_close or not self._is_echo(place, moment, frame, message)
            free = free or (self.may_answer_earlier(place, frame, message) and self._stays(place, moment))
            if echoes.next is not None and (free or with_replacements(echoes.next) == message):
                yield place._replace(echoes=echoes.without(1)), len(echoes) == 1, differs(echoes.next, message)
            if free and not self.is_rather_changed(place, moment):
                yield place, False, OWN_MESSAGE

    def is_no_echo(self, place: Place, moment: Moment) -> bool:
        """Whether what is seen is a message that neither echoes anything nor was asked for, however far an endpoint at
        this place reads on: no copy of it is to be echoed, and none that had arrived is unread.
        """
        what = moment.what
        if self._subject.unasked or not isinstance(what, FrameUnit) or what.start not in self._history.sent.messages:
            return False
        message = self._history.sent.messages[what.start]
        if self._reader.has_open or self._history.is_asked(message) or self._reader.comes_again(message, place, moment):
            return False
        return message not in place.echoes

    def comes_too_late(self, place: Place, moment: Moment) -> bool:
        """Whether what is seen is the echo of a message that an endpoint at this place echoes no more, nor anything
        that it may have read on to: it has echoed or dropped every copy, and sends no message of its own that is one.
        """
        history, what, reader = self._history, moment.what, self._reader
        if self._subject.unasked or not self._subject.setting.echo or place.state.sent_close or reader.has_open:
            return False
        if not isinstance(what, FrameUnit) or what.start not in history.sent.messages:
            return False
        message, sent = history.sent.messages[what.start], history.sent.copies_before(what)
        if reader.copies(message, moment.arrived) <= sent or history.sent.repeats(what) or history.is_asked(message):
            return False
        of_other_type = message._replace(opcode=TEXT + BINARY - message.opcode)
        if reader.copies(of_other_type, moment.arrived) or _REPLACEMENT in message.payload:
            return False
        return not (message in place.echoes or reader.comes_again(message, place, moment))

    def need_not_read_on(self, place: Place, moment: Moment) -> bool:
        """Whether an endpoint whose application acts by sending a message need not have read more before.

        What is to be echoed next stays the same when it reads on. Where nothing is, there may be something to change.
        """
        if not isinstance(moment.what, FrameUnit) or moment.what.start not in self._history.sent.messages:
            return False
        if self._reader.has_open or (self._subject.setting.echo and not place.echoes):
            return False
        return not self._reader.comes_again(self._history.sent.messages[moment.what.start], place, moment)

    def may_answer_earlier(self, place: Place, frame: FrameUnit, message: Message) -> bool:
        """Whether a message may be the answer to one that was read, by an application that changes or repeats them.

        Some send each message back twice, or as the other type. So one that is like a frame that must be refused does
        not show that this one was taken in, unless the endpoint was quiet after it had sent the first copy.
        """
        of_other_type = message._replace(opcode=TEXT + BINARY - message.opcode)
        repeated = self._history.sent.repeats(frame) and self._reader.has_read(message, place)
        return repeated or (self._reader.has_read(of_other_type, place) and not self._history.sent.sends(of_other_type))

    def _stays(self, place: Place, moment: Moment) -> bool:
        """Whether an endpoint at this place reads no further: it has failed, or what comes next must be refused.

        Otherwise it may as well have read what a message is a copy of. A search that lets it overlook what must be
        refused looks for no such excuse.
        """
        if place.state.failed:
            return True
        if self._reader.leniency.faults or place.consumed >= self._reader.whole(moment):
            return False
        read = self._reader.receive(Explanation(place), moment, eof=False)
        return all(one.place.state.failed or one.cost != Cost() for one in read)

    def is_rather_changed(self, place: Place, moment: Moment) -> bool:
        """Whether a message need not be considered as one of the application's own: the next echo is never sent."""
        if not self._reader.lazy or self._history.loses or not self._subject.setting.echo or self._reader.has_open:
            return False
        due = place.echoes.next or self._next_to_read(place, moment)
        return due is not None and not any(
            self._history.sent.sends_after(one, moment) for one in (due, with_replacements(due))
        )

    def _next_to_read(self, place: Place, moment: Moment) -> Message | None:
        """The next message that had arrived, if an endpoint at this place that reads on can only accept it."""
        reader, whole = self._reader, self._reader.whole(moment)
        explanation = Explanation(place)
        for _ in range(min(_MOST_READ_ON, whole - place.consumed)):
            read = reader.receive(explanation, moment, eof=False)
            if len(read) != 1 or read[0].cost != explanation.cost or _changes_more(place.state, read[0].place.state):
                return None
            explanation = read[0]
            if explanation.place.echoes.next is not None:
                return explanation.place.echoes.next
        return None

    def is_unprovoked(self, moment: Moment) -> bool:
        """Whether nothing that could be a reason for a Close had come by then, and the application had asked nothing.

        A client that offers subprotocols may do without a connection on which none was chosen.
        """
        history = self._history
        quiet = self._reader.is_unsent(moment) and not moment.asked.messages and not history.tells_of_failure
        return quiet and not any(offers_subprotocols(one.what) for one in history.moments)

    def _may_be_its_own(self, code: int, place: Place, moment: Moment) -> bool:
        """Whether the application may send a Close with this code of its own accord.

        One with the code of a Close that had arrived is the answer to it: it is not there by chance. That the peer did
        wrong it does not say, unless nothing that the peer sent is left that this could be about. An application that
        `keeps_promise` closes when all is read: a Close right after a frame that must be refused is not its own.
        """
        reader = self._reader
        if self._subject.keeps_promise and not reader.has_read_all(place, moment):
            return False
        return not reader.is_answer(code, place, moment) and (code not in NOT_ITS_OWN or self._is_done(place, moment))

    def _is_done(self, place: Place, moment: Moment) -> bool:
        """Whether all that had arrived shows that it was taken in: nothing had, or the last of it was answered."""
        state, reader = place.state, self._reader
        if reader.is_unsent(moment):
            return True
        whole = reader.whole(moment)
        if not self._subject.setting.echo or place.consumed != whole or not whole or reader.begun(moment):
            return False
        waits = place.echoes or state.pong_due or state.recv_type
        return not waits and reader.arriving.frames[whole - 1].header.opcode in (CONTINUATION, TEXT, BINARY, PING)

    def _is_echo(self, place: Place, moment: Moment, frame: FrameUnit, message: Message) -> bool:
        """Whether a message surely is the echo of one that had arrived, which is not there by chance.

        A sink may send one back all the same, once it has taken it in.
        """
        sent = self._history.sent.copies_before(frame)
        promised = self._subject.setting.echo and self._reader.copies(message, moment.arrived) > sent
        return promised or self._reader.is_unread(message, sent, place, moment)


def _changes_more(before: State, after: State) -> bool:
    """Whether more of a state is changed than what is known of the message that is being received."""
    return after != before._replace(**{name: getattr(after, name) for name in _READ_ON})
