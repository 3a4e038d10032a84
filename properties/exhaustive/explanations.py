"""Every explanation of a small trace: without a fault, or with one.

Theory of operation. The search keeps the set of all places where the endpoint may be. Before each thing that it does
it may have read any number of the units that had arrived, each with any outcome; then the places are kept from which
what it did is allowed. With ``faults`` one step of a run may break rules: what a faulty endpoint does there is any
outcome that no rule stops, and what it breaks are the rules that refuse that. Nothing is shared with the judge but the
form of a trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wsoracle.model.facts.frames import close_code, facts_of_header
from wsoracle.model.facts.units import leaving
from wsoracle.model.machine.interpreted import done_by
from wsoracle.model.notation.head_variables import HEAD_SHAPES, RequestFacts, ResponseFacts, value_of
from wsoracle.model.notation.variables import HANDSHAKE, LOST, NO_CODE, Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets.frames import Header, decode_header
from wsoracle.model.octets.http import Request
from wsoracle.model.octets.inflated_frames import AgreedDirection
from wsoracle.model.octets.units import FrameUnit, HeadUnit
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, PONG, TEXT, Role

from ..judge.observation import (
    ArrivesReset,
    ClosesTcp,
    Processed,
    Quiet,
    ResetsTcp,
    ShutsDownTcp,
    Tells,
    Told,
    Trace,
)
from .place import BrokenRules, Move, Whereabouts, lawless, legal, lesser, put_off, refusing, unpromised
from .reading import Reading
from .seen import BegunUnit, Happening, SeenTrace

MOST_PLACES: Final = 4_000
"""The search gives up where it has been in more places in all, which takes some seconds."""

_OF_WHAT_WAS_RECEIVED: Final = (1002, 1007, 1009)
"""Codes that speak of what was received (section 7.4.1): no application sends them of its own accord."""

_NORMAL: Final = 1000
_NOT_BEGUN: Final = HANDSHAKE.index("not begun")
_REFUSED: Final = HANDSHAKE.index("refused")
_AWAITING: Final = HANDSHAKE.index("awaiting 101")
_NOT_CLEAN: Final = frozenset(("7.1.1/close-cleanly",))
_SILENCE, _CLOSES = Event(EventKind.SILENCE), Event(EventKind.CLOSE_TCP)


class TooManyPlacesError(Exception):
    """The trace is not small."""


@dataclass(frozen=True, slots=True)
class Explained:
    """``conforms``: some explanation breaks nothing. Else ``broken`` are the sets of rules that one fault breaks."""

    conforms: bool
    broken: frozenset[BrokenRules] = frozenset()


def explained(
    trace: Trace,
    setting: Setting,
    start: Whereabouts,
    *,
    known_application: bool,
    sees: frozenset[Told] = frozenset(),
    faults: bool = True,
) -> Explained:
    """All explanations of a trace that begins at a place; the trace begins with the opening handshake if that does.

    ``known_application``: the trace shows all that the application asks for. TooManyPlacesError where it is not small.
    """
    if any(isinstance(one, (ArrivesReset, ShutsDownTcp)) for one in trace):
        raise TooManyPlacesError("the ends of the directions of TCP are told apart, which this search does not")
    seen = SeenTrace(trace, setting.role, opening=bool(start.state.handshake))
    for lenient in (False, True) if faults else (False,):
        search = _Search(seen, setting, sees, known_application, faults=lenient)
        places = search.run(start)
        if places:
            fine = any(place.broken is None for place in places)
            return Explained(fine, frozenset() if fine else frozenset(one.broken or frozenset() for one in places))
    return Explained(False)


class _Search:
    """One search of a trace."""

    def __init__(
        self, seen: SeenTrace, setting: Setting, sees: frozenset[Told], known_application: bool, *, faults: bool
    ) -> None:
        self._seen: Final = seen
        self._setting: Final = setting
        self._sees: Final = sees
        self._known: Final = known_application
        self._faults: Final = faults
        self._reading: Final = Reading(seen, setting, sees, faults=faults)
        self._server: Final = setting.role is Role.SERVER
        self._been = 0

    def run(self, start: Whereabouts) -> set[Whereabouts]:
        """The places at the end of the trace; none where nothing explains it."""
        places = {start}
        for now in self._seen.happenings():
            places = {then for place in self._read_on(places, now) for then in self._act(place, now)}
            if not places:
                break
        return {place for place in places if not place.late}

    def _read_on(self, places: set[Whereabouts], now: Happening) -> set[Whereabouts]:
        found, waiting = set(places), list(places)
        while waiting:
            for then in self._reading.on(waiting.pop(), now):
                if then not in found:
                    found.add(then)
                    waiting.append(then)
                    self._been += 1
            if self._been > MOST_PLACES:
                raise TooManyPlacesError(f"more than {MOST_PLACES} places")
        return found

    def _act(self, where: Whereabouts, now: Happening) -> Iterator[Whereabouts]:
        match now.act:
            case FrameUnit() as frame if self._is_in_no_head(where, frame):
                yield where
            case FrameUnit() as frame:
                yield from self._send(where, now, frame)
            case BegunUnit() as begun:
                yield from self._begin(where, now, begun)
            case HeadUnit() as head:
                yield from self._send_head(where, now, head)
            case ClosesTcp() | ResetsTcp() if self._leaves_head(where, now):
                return  # an endpoint that ends TCP has seen every head that had arrived
            case ClosesTcp():
                yield from self._do(where, _CLOSES)
            case ResetsTcp() if self._is_over(where, now):
                if self._may_fail(where):
                    yield from self._did(where._replace(broken=_NOT_CLEAN), _CLOSES)
            case ResetsTcp():
                for sent in self._unseen(where, now):
                    yield from self._do(sent, _CLOSES)
            case Tells() as tells:
                yield from self._tell(where, now, tells)
            case Processed():
                if self._reading.is_done(where, now) and not where.untold:
                    yield where
            case Quiet():
                if self._reading.is_done(where, now):
                    yield from self._be_quiet(where, now)

    def _leaves_head(self, where: Whereabouts, now: Happening) -> bool:
        head = self._reading.next_head(where, now) if where.state.handshake != _REFUSED else None
        return head is not None and head.seen is not None and head.seen <= now.arrived

    def _is_over(self, where: Whereabouts, now: Happening) -> bool:
        """Whether the closing handshake is complete and nothing is left unread that a reset could be about."""
        state = where.state
        if not (state.sent_close and state.got_close and state.tcp_open) or state.failed:
            return False
        frames = self._seen.frames(where.start).frames
        return where.read == len(frames) and frames[-1].header.opcode == CLOSE and frames[-1].end == now.arrived

    def _may_fail(self, where: Whereabouts) -> bool:
        return self._faults and where.broken is None

    def _do(self, where: Whereabouts, event: Event, also: BrokenRules = frozenset()) -> Iterator[Whereabouts]:
        """An output of the endpoint; where it breaks rules, those, and ``also``, are its fault."""
        state, setting = where.state, self._setting
        if where.late:
            where = where._replace(late=where.late - {done_by(event)})
        outcomes = legal(setting, state, event)
        for outcome in outcomes:
            yield where._replace(state=outcome.state)
        for move in unpromised(setting, state, event):
            yield where._replace(state=move.state, own=True)
        if where.broken is not None and event == _SILENCE and not outcomes:
            # To be quiet once more is no second fault.
            if refusing(setting, state, event) <= where.broken:
                yield where
            return
        if not self._may_fail(where):
            return
        moves: list[Move] = list(lesser(setting, state, event))
        if not outcomes and not moves:
            broken = refusing(setting, state, event) | also
            moves = [Move(one.label, one.state, broken) for one in lawless(setting, state, event)]
            moves = moves or [Move(None, state, broken)]
        for move in moves:
            yield where._replace(state=move.state, broken=move.broken)

    # --- silence, and what the application is told ------------------------------------------------------------------

    def _be_quiet(self, where: Whereabouts, now: Happening) -> Iterator[Whereabouts]:
        missing = frozenset(rule for _, rules in where.untold for rule in rules)
        missing |= self._reading.unrefused(where, now)
        if not missing or (where.broken is not None and missing <= where.broken):
            yield from self._do(where, _SILENCE)
            yield from self._put_off(where)
        elif self._may_fail(where):
            yield where._replace(untold=(), broken=missing)

    def _put_off(self, where: Whereabouts) -> Iterator[Whereabouts]:
        """Quiet, though something is due, which comes later; what does not is missed."""
        for one in put_off(self._setting, where.state):
            broken = one.broken | one.missed
            known = where.broken or frozenset()
            if broken <= known or (one.late <= where.late and not one.missed):
                yield where._replace(late=where.late | one.late)
            elif self._may_fail(where):
                yield where._replace(late=where.late | one.late, broken=broken)

    def _tell(self, where: Whereabouts, now: Happening, tells: Tells) -> Iterator[Whereabouts]:
        state, untold = where.state, where.untold
        if tells.kind == "failed":
            if state.failed or (state.handshake and self._has_not_opened(where, now)):
                yield where
        elif tells.kind not in self._sees:
            yield where
        elif untold and untold[0][0] == tells:
            yield where._replace(untold=untold[1:])
        elif tells.kind == "lost" and (state.handshake or not state.tcp_open or (state.failed and not state.peer_open)):
            yield where
        elif self._may_fail(where):
            for index, (expected, rules) in enumerate(untold):
                if expected.kind == tells.kind:
                    missed = frozenset(rule for _, missing in untold[:index] for rule in missing)
                    broken = missed | (rules if expected != tells else frozenset())
                    yield where._replace(untold=untold[index + 1 :], broken=broken)

    def _has_not_opened(self, where: Whereabouts, now: Happening) -> bool:
        """Whether an opening handshake may be told to have failed, by what was read of it."""
        state = where.state
        over = state.handshake == _REFUSED or not (state.tcp_open and state.peer_open)
        return self._server or over or self._reading.has_begun_head(where, now)

    def _is_in_no_head(self, where: Whereabouts, frame: FrameUnit) -> bool:
        """Whether a frame is cut from what follows octets that are no head, in an opening handshake."""
        until = self._seen.no_head_until
        return where.state.handshake > 0 and until is not None and frame.start >= until

    def _leaves_unread(self, where: Whereabouts, now: Happening) -> bool:
        """Whether a head had arrived that it has looked at before it writes one; a client that asks first need not."""
        asks_first = not self._server and where.state.handshake == _NOT_BEGUN
        return not asks_first and self._reading.next_head(where, now) is not None

    def _begin(self, where: Whereabouts, now: Happening, begun: BegunUnit) -> Iterator[Whereabouts]:
        """A unit that is not whole: by its header it may be at fault, and while a client waits it may send none."""
        setting, state = self._setting, where.state
        if not self._server and self._leaves_unread(where, now):
            return
        if not state.handshake:
            broken = frozenset() if begun.header is None else self._by_header(state, begun.header)
        elif state.handshake == _AWAITING and not self._server:
            broken = refusing(setting, state, Event(EventKind.SEND_REQUEST, None, RequestFacts()))
        else:
            broken = frozenset()
        if not broken:
            yield where
        elif self._may_fail(where):
            yield where._replace(broken=broken)

    def _by_header(self, state: State, header: Header) -> BrokenRules:
        """The rules that a frame breaks by its header alone, whatever was sent before it and however it goes on."""
        facts = facts_of_header(header)
        if header.opcode == CLOSE and header.length:
            facts = facts._replace(code=_NORMAL)
        event = Event(EventKind.SEND, facts)
        return refusing(self._setting, state, event) & refusing(self._setting, State(), event)

    # --- frames and heads -------------------------------------------------------------------------------------------

    def _send(self, where: Whereabouts, now: Happening, frame: FrameUnit) -> Iterator[Whereabouts]:
        state = where.state
        if state.send_window:
            frame = self._seen.inflated(frame, AgreedDirection(state.send_window, state.send_takeover))
        for then, answers in self._causes(where, now, frame):
            alone = frame.header.opcode == CLOSE and then.own and self._is_unprovoked(where, now)
            event = leaving(frame, self._setting.role, state, where.request, answers=answers, unprovoked=alone)
            for sent in self._do(then, event, where.refused_by):
                echoes = sent.echoes if sent.state.reply_due or sent.broken is not None else ()
                yield sent._replace(echoes=echoes)

    def _is_heartbeat(self, payload: bytes) -> bool:
        """Whether a Pong is sent unasked, and answers nothing: one without a payload, by an unknown application."""
        return not payload and not self._known

    def _causes(self, where: Whereabouts, now: Happening, frame: FrameUnit) -> Iterator[tuple[Whereabouts, bool]]:
        """Why the endpoint may send a frame, and whether that answers what is due."""
        opcode, payload, fin = frame.header.opcode, frame.payload, frame.header.fin
        if opcode == PONG:
            if payload in where.pings:
                at = where.pings.index(payload)
                rest = (*where.pings[:at], *where.pings[at + 1 :])
                yield where._replace(pings=rest), payload == where.pings[-1]
            elif self._is_heartbeat(payload) or self._seen.pings(where.start, now.arrived, payload) <= now.pongs_before:
                yield where, False
        elif opcode == CLOSE:
            state = where.state
            reason = now.asked_close or state.failed or state.got_close or now.eof or not self._known
            if reason:
                yield where, False
            elif self._may_be_its_own(where, now, close_code(payload)):
                yield where._replace(own=True), False
        elif opcode <= BINARY:
            kind, before = (opcode, b"") if opcode in (TEXT, BINARY) else where.sending
            message = kind, before + payload
            then = where._replace(sending=(0, b"") if fin else message)
            if not fin or not self._known:
                yield then, False
                return
            if where.asked < len(now.asked) and now.asked[where.asked] == message:
                yield then._replace(asked=where.asked + 1), False
            if where.echoes and where.echoes[0] == message:
                yield then._replace(echoes=where.echoes[1:]), len(where.echoes) == 1
            else:
                yield then._replace(own=True), False
                if where.echoes:
                    yield then._replace(own=True, echoes=where.echoes[1:]), len(where.echoes) == 1
        else:
            yield where, False

    def _is_unprovoked(self, where: Whereabouts, now: Happening) -> bool:
        """Whether nothing had come since the opening handshake, whose 101 lacks no subprotocol, nor was asked for."""
        if now.asked or now.eof or now.arrived > where.start or self._seen.tells_of_failure:
            return False
        return where.request is None or not where.request.values("Sec-WebSocket-Protocol")

    def _may_be_its_own(self, where: Whereabouts, now: Happening, code: int) -> bool:
        """Whether an application may close with a code of its own accord: not with that of a Close that had arrived.

        Codes that speak of what was received it sends only where nothing was received.
        """
        arrived = [frame for frame in self._seen.frames(where.start).frames if frame.end <= now.arrived]
        if any(frame.header.opcode == CLOSE and close_code(frame.payload) == code for frame in arrived):
            return False
        return code not in _OF_WHAT_WAS_RECEIVED or not arrived

    def _send_head(self, where: Whereabouts, now: Happening, head: HeadUnit) -> Iterator[Whereabouts]:
        if not where.state.handshake:
            yield from self._send_no_head(where, head)
            return
        if self._leaves_unread(where, now):
            return
        event = leaving(head, self._setting.role, where.state, where.request)
        then = where
        if not self._server and isinstance(head.head, Request):
            then = where._replace(request=where.request or head.head)
        opens = isinstance(event.head, ResponseFacts) and head.switches
        for sent in self._do(then, event, where.refused_by if opens else frozenset()):
            if sent.state.handshake or not where.state.handshake:
                answers = self._server and event.head is not None and where.state.handshake != _NOT_BEGUN
                if answers and sent.state == where.state and head.head is None:
                    sent = sent._replace(state=sent.state._replace(handshake=_REFUSED))  # that was the answer
                yield sent
                continue
            behind = self._seen.behind_head(where.read - 1) if where.read else 0
            for start in {behind, now.arrived}:
                yield sent._replace(read=0, start=start, own=sent.own or start != behind)

    def _send_no_head(self, where: Whereabouts, head: HeadUnit) -> Iterator[Whereabouts]:
        """Once the connection is open all is frames: of the first one its header is judged, whole or not."""
        decoded = decode_header(head.result.octets)
        yield from [where] if decoded is None else self._do(where, Event(EventKind.SEND, facts_of_header(decoded[0])))

    # --- what a reset may have cost ---------------------------------------------------------------------------------

    def _unseen(self, where: Whereabouts, now: Happening) -> Iterator[Whereabouts]:
        """The place, and those after outputs that were lost."""
        yield where
        state, masked = where.state, not self._server
        if state.handshake and self._server:
            plain = HEAD_SHAPES[ResponseFacts][1]
            assert isinstance(plain, ResponseFacts)
            for versions in ("absent", "a list with 13"):
                refusal = plain._replace(status=400, versions=value_of("versions", versions))
                yield from self._did(where, Event(EventKind.SEND_RESPONSE, None, refusal))
        if state.handshake:
            return
        replied = [where]
        if state.reply_due or state.send_type:
            opcode = 0 if state.send_type else TEXT
            reply = FrameFacts(opcode, masked=masked, answers=True)
            replied += self._did(where._replace(echoes=()), Event(EventKind.SEND, reply))
        for place in replied:
            codes = (state.fail_code,) if state.failed else (state.close_code, _NORMAL)
            for code in (NO_CODE, *codes):
                length = 0 if code in (0, NO_CODE, LOST) else 2
                facts = FrameFacts(CLOSE, masked=masked, length=length, code=code if length else NO_CODE)
                yield from self._did(place, Event(EventKind.SEND, facts))
        yield from replied[1:]

    def _did(self, where: Whereabouts, event: Event) -> Iterator[Whereabouts]:
        where = where._replace(late=where.late - {done_by(event)})
        for outcome in legal(self._setting, where.state, event):
            yield where._replace(state=outcome.state)
