"""Two endpoints and the channels between them: a history as text goes in, states and what happened come out.

Theory of operation. A history is its first part (the start, who the reader is, the settings) and a list of actions as
text. Nothing else is kept: to undo is to play the rest again. What an endpoint may do is asked of the machine, as the
player of example runs asks it (:mod:`wsoracle.spec.player`).
"""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from wsoracle.model.facts.frames import close_code, facts, facts_of_unit, text_before
from wsoracle.model.facts.heads import request_octets, response_octets, sample_request
from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.head_variables import RequestFacts, ResponseFacts
from wsoracle.model.notation.variables import Event, EventKind, Setting, State, environment, possible
from wsoracle.model.octets.deflate import TAIL
from wsoracle.model.octets.frames import encode, header_of
from wsoracle.model.octets.http import Request
from wsoracle.model.octets.inflated_frames import AgreedDirection, InflatedFrames
from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, PING, PONG, Frame, Role, is_control

from ..spec.player import ANYWAY, Happened, decide
from .histories import SIDES, HistoryError, HistoryUnit, is_head, read_unit
from .start import read_start
from .unit_words import unit_words

_ENDS: Final = {letter: role for role, letter in SIDES.items()}


class UnderWay(NamedTuple):
    """A unit on its way to an endpoint, and the number of the step that sent it."""

    unit: HistoryUnit
    sent_in: int


class HistoryEntry(NamedTuple):
    """What happened in a step: at which end (None: the connection broke), what, and what came of it; ``against`` are
    those of the rules behind it that it breaks or departs from."""

    who: Role | None
    words: str
    outcome: str
    rules: tuple[str, ...]
    unit: HistoryUnit
    sends: bool
    against: tuple[str, ...] = ()


@dataclass
class ExploredEnd:
    """An endpoint: what the rules know of it, and what it remembers to answer."""

    setting: Setting
    state: State
    coming: deque[UnderWay] = field(default_factory=deque)
    ping: bytes = b""
    echoes: list[tuple[int, bytes]] = field(default_factory=list)
    inside: list[bytes] = field(default_factory=list)
    saying: list[bytes] = field(default_factory=list)
    sent: list[FrameUnit] = field(default_factory=list)
    taken: list[FrameUnit] = field(default_factory=list)

    def read(self, frame: Frame, kind: EventKind) -> FrameUnit:
        """A frame as this end reads it that is sent or received next: inflated, if its message is compressed."""
        state, receiving = self.state, kind is EventKind.RECEIVE
        window = state.recv_window if receiving else state.send_window
        if not window:
            return _as_unit(frame)
        takeover = state.recv_takeover if receiving else state.send_takeover
        limit = self.setting.limit if receiving else None
        reader = InflatedFrames(AgreedDirection(window, takeover, limit, measured=True))
        reader.take_all([*(self.taken if receiving else self.sent), _as_unit(frame)])
        return reader.frames[-1]


class ExploredWorld:
    """A history, played. Raises :class:`HistoryError` for a text that is none, or an action that cannot be done."""

    def __init__(self, text: str = "open") -> None:
        self.first, *actions = [part for part in text.split(";") if part] or ["open"]
        self.start: Final = read_start(self.first)
        self.you: Final = self.start.you
        self.rules: Final = self.start.rules
        self.ends: Final = {role: ExploredEnd(self.start.settings[role], self.start.states[role]) for role in Role}
        self.actions: Final[list[str]] = []
        self.steps: Final[list[HistoryEntry]] = []
        self.asked: RequestFacts | None = None
        self.request = Request("1.1", ())
        for action in actions[: self.start.done]:
            self.act(action)

    @property
    def text(self) -> str:
        """The history as the site's explorer has it in its address."""
        return ";".join([self.first, *self.actions])

    def act(self, action: str) -> HistoryEntry:
        """Do what an action says."""
        if action == "cut":
            for end in self.ends.values():
                end.coming = deque([UnderWay(None, 0)])
            entry = HistoryEntry(None, "the connection breaks", "each end finds the end of TCP", (), None, False)
        else:
            letter, _, what = action.partition(":")
            if letter not in _ENDS or not what:
                raise HistoryError(f"{action}: an action is cut, or c: or s: with take, end or what is sent")
            who = _ENDS[letter]
            word, _, choice = what.partition(".")
            if word == "begin":
                raise HistoryError(f"{action}: beginnings of frames are shown by the explorer of the site alone")
            if what == "wait":
                entry = self._wait(who)
            else:
                entry = self._take(who, choice or None) if word == "take" else self._send(who, read_unit(what))
        self.actions.append(action)
        self.steps.append(entry)
        return entry

    def sending(self, who: Role, unit: HistoryUnit) -> Event:
        """The event that sending a unit is."""
        end = self.ends[who]
        if unit is None:
            return Event(EventKind.CLOSE_TCP)
        if isinstance(unit, Frame):
            read = end.read(unit, EventKind.SEND)
            before = text_before(unit.opcode, end.state, EventKind.SEND)
            return Event.of(EventKind.SEND, facts_of_unit(read, before, answers=_answers(end, read)))
        kind = EventKind.SEND_REQUEST if isinstance(unit, RequestFacts) else EventKind.SEND_RESPONSE
        return Event.of(kind, unit)

    def arriving(self, who: Role) -> Event | None:
        """The event that the next unit under way to an endpoint is; None where nothing is."""
        end = self.ends[who]
        if not end.coming:
            return None
        unit = end.coming[0].unit
        if unit is None:
            return Event(EventKind.RECEIVE_EOF)
        if isinstance(unit, Frame):
            before = text_before(unit.opcode, end.state, EventKind.RECEIVE)
            return Event.of(EventKind.RECEIVE, facts_of_unit(end.read(unit, EventKind.RECEIVE), before))
        if isinstance(unit, RequestFacts):
            return Event.of(EventKind.RECEIVE_REQUEST, unit._replace(for_uri=True))
        return Event.of(EventKind.RECEIVE_RESPONSE, unit)

    def happens(self, who: Role, event: Event) -> bool:
        """Whether an event can happen at all at an endpoint."""
        end = self.ends[who]
        return bool(evaluate(possible(event.kind), environment(end.setting, end.state, event.facts)))

    def can_send(self, who: Role, unit: HistoryUnit) -> bool:
        """Whether an endpoint can put a unit on the wire, by the rules or against them."""
        if not self.ends[who].state.tcp_open:
            return False
        return unit is None or isinstance(unit, Frame) or self.happens(who, self.sending(who, unit))

    def octets(self, unit: HistoryUnit, answer: ResponseFacts | None = None) -> bytes:
        """The octets of a unit; none of the end of TCP. A response is one to the request that was sent last, of whose
        octets its facts are; a request is one that its ``answer`` fits, where that is known."""
        if isinstance(unit, Frame):
            return encode(unit)
        try:
            if isinstance(unit, RequestFacts):
                return request_octets(unit, answer=answer)
            if unit is None:
                return b""
            answered = (
                None if self.asked is None or not is_head(self.asked) else sample_request(self.asked, answer=unit)
            )
            return response_octets(unit, answered or self.request)
        except ValueError as error:
            raise HistoryError(f"no octets have these facts: {error}") from error

    def _send(self, who: Role, unit: HistoryUnit) -> HistoryEntry:
        end = self.ends[who]
        if not self.can_send(who, unit):
            raise HistoryError(
                f"the {who.value} cannot send {words_of(unit, who)} now: say state to see what it may do"
            )
        event = self.sending(who, unit)
        happened = decide(end.setting, end.state, event, rules=self.rules)
        if isinstance(unit, Frame) and not is_control(unit.opcode):
            _remember_sent(end, end.read(unit, EventKind.SEND))
            end.sent.append(_as_unit(unit))
        end.state = happened.state
        if isinstance(unit, RequestFacts):
            self.asked = unit
            self.request = sample_request(unit) if is_head(unit) else self.request
        self.ends[who.peer].coming.append(UnderWay(unit, len(self.steps) + 1))
        outcome = "sent by you" if who is self.you else "allowed" if happened.outcome else happened.words
        words = "closes TCP" if unit is None else f"sends {words_of(unit, who)}"
        rules = () if who is self.you else happened.rules
        return HistoryEntry(who, words, outcome, rules, unit, True, happened.against)

    def _wait(self, who: Role) -> HistoryEntry:
        """It stays silent, whatever it owes."""
        end = self.ends[who]
        happened = decide(end.setting, end.state, Event(EventKind.SILENCE), rules=self.rules)
        outcome = "allowed" if happened.outcome else "forbidden, it is silent all the same"
        return HistoryEntry(who, "stays silent", outcome, happened.rules, None, False, happened.against)

    def _take(self, who: Role, choice: str | None) -> HistoryEntry:
        end, event = self.ends[who], self.arriving(who)
        if event is None:
            raise HistoryError(f"nothing is under way to the {who.value}: let the {who.peer.value} send something")
        unit, sent_in = end.coming[0]
        if not self.happens(who, event):
            happened = Happened(end.state, "passed by: no rule is about it now", (), None)
        else:
            try:
                happened = decide(end.setting, end.state, event, choice, self.rules)
            except KeyError:
                raise HistoryError(f"the {who.value} has no choice {choice}: say state to see those it has") from None
        end.coming.popleft()
        read = end.read(unit, EventKind.RECEIVE) if isinstance(unit, Frame) else None
        end.state = happened.state
        if isinstance(unit, Frame) and read is not None:
            if _is_accepted(happened, choice):
                _remember_taken(end, read)
            end.taken.append(_as_unit(unit))
        verb = "finds" if unit is None else "receives"
        words = f"{verb} {words_of(unit, who.peer)}" + (f" ({sent_in})" if sent_in else "")
        return HistoryEntry(who, words, happened.words, happened.rules, unit, False, happened.against)


def _is_accepted(happened: Happened, choice: str | None) -> bool:
    if happened.outcome is None:
        return choice == f"{ANYWAY}{Kind.ACCEPT.value}"
    return happened.outcome.label.kind is Kind.ACCEPT


def compressed(octets: bytes) -> bytes:
    """The payload of a compressed message (RFC 7692, section 7.2.1) that refers to nothing: any window fits."""
    writer = zlib.compressobj(wbits=-zlib.MAX_WBITS, strategy=zlib.Z_HUFFMAN_ONLY)
    return (writer.compress(octets) + writer.flush(zlib.Z_SYNC_FLUSH))[: -len(TAIL)]


def words_of(unit: HistoryUnit, sender: Role) -> str:
    """What a unit is that an end sends, in a few words."""
    return unit_words(facts(unit, None) if isinstance(unit, Frame) else unit, sender)


def _as_unit(frame: Frame) -> FrameUnit:
    return FrameUnit(header_of(frame), frame.payload, 0, 0)


def _answers(end: ExploredEnd, unit: FrameUnit) -> bool:
    """Whether a frame answers what an endpoint has to answer."""
    opcode, payload = unit.header.opcode, unit.payload
    if opcode == CLOSE:
        return end.state.got_close and close_code(payload) == end.state.close_code
    if opcode == PONG:
        return end.state.pong_due and end.ping == payload
    whole = b"".join([*([] if opcode else end.saying), payload])
    return opcode <= BINARY and unit.header.fin and [octets for _, octets in end.echoes] == [whole]


def _remember_sent(end: ExploredEnd, unit: FrameUnit) -> None:
    whole = [*([] if unit.header.opcode else end.saying), unit.payload]
    end.saying = [] if unit.header.fin else whole
    if unit.header.fin and end.echoes and end.echoes[0][1] == b"".join(whole):
        del end.echoes[0]


def _remember_taken(end: ExploredEnd, unit: FrameUnit) -> None:
    opcode, fin = unit.header.opcode, unit.header.fin
    if opcode == PING:
        end.ping = unit.payload
    if is_control(opcode):
        return
    whole = [*([] if opcode else end.inside), unit.payload]
    end.inside = [] if fin else whole
    if fin and end.state.reply_due:
        end.echoes.append((opcode or BINARY, b"".join(whole)))
