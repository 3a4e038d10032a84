"""Two endpoints and the channels between them: a history as text goes in, states and what happened come out.

Theory of operation. A history is its first part (the start, who the reader is, the settings) and a list of actions as
text. Nothing else is kept: to undo is to play the rest again. What an endpoint may do is asked of the machine, as the
player of example runs asks it (:mod:`wsoracle.spec.player`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from wsoracle.model.facts.frames import facts, text_before
from wsoracle.model.facts.heads import request_octets, response_octets, sample_request
from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.machine.words import sent_frame_words
from wsoracle.model.notation.expression import evaluate
from wsoracle.model.notation.head_variables import RequestFacts
from wsoracle.model.notation.variables import (
    CONNECTING,
    Event,
    EventKind,
    Setting,
    State,
    environment,
    possible,
)
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.http import Request
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, DEFAULT_LIMIT, PING, PONG, Frame, Role, is_control

from ..site.histories import SIDES, HistoryError, HistoryUnit, is_head, read_unit
from ..spec.player import Happened, decide

_ENDS: Final = {letter: role for role, letter in SIDES.items()}


class UnderWay(NamedTuple):
    """A unit on its way to an endpoint, and the number of the step that sent it."""

    unit: HistoryUnit
    sent_in: int


class HistoryEntry(NamedTuple):
    """What happened in a step: at which end (None: the connection broke), what, and what came of it."""

    who: Role | None
    words: str
    outcome: str
    rules: tuple[str, ...]
    unit: HistoryUnit
    sends: bool


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


class ExploredWorld:
    """A history, played. Raises :class:`HistoryError` for a text that is none, or an action that cannot be done."""

    def __init__(self, text: str = "open") -> None:
        first, *actions = [part for part in text.split(";") if part] or ["open"]
        start, *changes = first.split(",")
        if start not in ("open", "connect"):
            raise HistoryError(f"{start}: a history begins with open or connect")
        self.first: Final = first
        self.connecting: Final = start == "connect"
        said = dict(_change(one) for one in changes)
        self.you: Final = _role(said.pop("you")) if "you" in said else None
        if said.pop("broken", None) is not None:
            raise HistoryError("broken=: only the explorer of the site breaks rules: leave it out")
        first_state = CONNECTING if self.connecting else State()
        self.ends: Final = {role: ExploredEnd(_setting(role, said), first_state) for role in Role}
        self.actions: Final[list[str]] = []
        self.steps: Final[list[HistoryEntry]] = []
        self.request = Request("1.1", ())
        for action in actions:
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
            before = text_before(unit.opcode, end.state, EventKind.SEND)
            return Event.of(EventKind.SEND, facts(unit, before)._replace(answers=_answers(end, unit)))
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
            return Event.of(EventKind.RECEIVE, facts(unit, text_before(unit.opcode, end.state, EventKind.RECEIVE)))
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

    def octets(self, unit: HistoryUnit) -> bytes:
        """The octets of a unit; none of the end of TCP. A response is one to the request that was sent last."""
        if isinstance(unit, Frame):
            return encode(unit)
        try:
            if isinstance(unit, RequestFacts):
                return request_octets(unit)
            return b"" if unit is None else response_octets(unit, self.request)
        except ValueError as error:
            raise HistoryError(f"no octets have these facts: {error}") from error

    def _send(self, who: Role, unit: HistoryUnit) -> HistoryEntry:
        end = self.ends[who]
        if not self.can_send(who, unit):
            raise HistoryError(
                f"the {who.value} cannot send {unit_words(unit, who)} now: say state to see what it may do"
            )
        event = self.sending(who, unit)
        happened = decide(end.setting, end.state, event)
        end.state = happened.state
        if isinstance(unit, Frame) and not is_control(unit.opcode):
            _remember_sent(end, unit)
        if isinstance(unit, RequestFacts):
            self.request = sample_request(unit) if is_head(unit) else self.request
        self.ends[who.peer].coming.append(UnderWay(unit, len(self.steps) + 1))
        outcome = "sent by you" if who is self.you else "allowed" if happened.outcome else happened.words
        words = "closes TCP" if unit is None else f"sends {unit_words(unit, who)}"
        return HistoryEntry(who, words, outcome, () if who is self.you else happened.rules, unit, True)

    def _take(self, who: Role, choice: str | None) -> HistoryEntry:
        end, event = self.ends[who], self.arriving(who)
        if event is None:
            raise HistoryError(f"nothing is under way to the {who.value}: let the {who.peer.value} send something")
        unit, sent_in = end.coming[0]
        if not self.happens(who, event):
            happened = Happened(end.state, "passed by: no rule is about it now", (), None)
        else:
            try:
                happened = decide(end.setting, end.state, event, choice)
            except KeyError:
                raise HistoryError(f"the {who.value} has no choice {choice}: say state to see those it has") from None
        end.coming.popleft()
        end.state = happened.state
        if isinstance(unit, Frame) and happened.outcome is not None and happened.outcome.label.kind is Kind.ACCEPT:
            _remember_taken(end, unit)
        verb = "finds" if unit is None else "receives"
        words = f"{verb} {unit_words(unit, who.peer)}" + (f" ({sent_in})" if sent_in else "")
        return HistoryEntry(who, words, happened.words, happened.rules, unit, False)


def unit_words(unit: HistoryUnit, sender: Role) -> str:
    """What a unit is that an end sends, in a few words."""
    if unit is None:
        return "the end of TCP"
    if isinstance(unit, Frame):
        return sent_frame_words(facts(unit, None), sender)
    if isinstance(unit, RequestFacts):
        return "a sound request" if unit == RequestFacts() else "a request with changes"
    return f"a response {unit.status}"


def _answers(end: ExploredEnd, frame: Frame) -> bool:
    """Whether a frame answers what an endpoint has to answer."""
    if frame.opcode == CLOSE:
        return bool(end.state.got_close and facts(frame, None).code == end.state.close_code)
    if frame.opcode == PONG:
        return end.state.pong_due and end.ping == frame.payload
    whole = b"".join([*([] if frame.opcode else end.saying), frame.payload])
    return frame.opcode <= BINARY and frame.fin and [octets for _, octets in end.echoes] == [whole]


def _remember_sent(end: ExploredEnd, frame: Frame) -> None:
    whole = [*([] if frame.opcode else end.saying), frame.payload]
    end.saying = [] if frame.fin else whole
    if frame.fin and end.echoes and end.echoes[0][1] == b"".join(whole):
        del end.echoes[0]


def _remember_taken(end: ExploredEnd, frame: Frame) -> None:
    if frame.opcode == PING:
        end.ping = frame.payload
    if is_control(frame.opcode):
        return
    whole = [*([] if frame.opcode else end.inside), frame.payload]
    end.inside = [] if frame.fin else whole
    if frame.fin and end.state.reply_due:
        end.echoes.append((frame.opcode or BINARY, b"".join(whole)))


def _change(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError:
        raise HistoryError(f"{word}: an end is client or server") from None


def _setting(role: Role, said: Mapping[str, str]) -> Setting:
    """The setting of an endpoint: an application that does nothing and a stated limit, where nothing else is said."""
    found: dict[str, int | bool | None] = {"limit": DEFAULT_LIMIT}
    for name, value in said.items():
        if name not in ("limit", "echo", "willing", "browser") or not value.removeprefix("-").isdecimal():
            raise HistoryError(f"{name}={value}: the settings are limit, echo, willing and browser, each a number")
        number = int(value)
        found[name] = (None if number < 0 else number) if name == "limit" else bool(number)
    return Setting(role, **found)  # type: ignore[arg-type]
