"""How an endpoint may take in what has arrived, tried exhaustively: rightly, or with its one fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wsoracle.model.facts.arriving import ArrivingFrames, Partial
from wsoracle.model.facts.frames import close_code
from wsoracle.model.facts.units import arriving
from wsoracle.model.machine.interpreted import Kind, Label
from wsoracle.model.notation.rule import Strength
from wsoracle.model.notation.variables import HANDSHAKE, Event, EventKind, Setting, State
from wsoracle.model.octets.http import Request
from wsoracle.model.octets.inflated_frames import AgreedDirection
from wsoracle.model.octets.units import FrameUnit, HeadUnit
from wsoracle.model.octets.vocabulary import BINARY, PING, Role

from ..judge.observation import TOLD_AS, Tells, Told
from .place import (
    BrokenRules,
    Move,
    Whereabouts,
    accepting_early,
    decided_by_header,
    early_failures,
    failed,
    lawless,
    legal,
    lesser,
    refusing,
    rows,
)
from .seen import Happening, SeenTrace

_TOO_BIG: Final = 1009
_END: Final = Event(EventKind.RECEIVE_EOF)
_READS: Final = {
    Role.SERVER: (HANDSHAKE.index("not begun"), HANDSHAKE.index("refused")),
    Role.CLIENT: (HANDSHAKE.index("not begun"), HANDSHAKE.index("awaiting 101")),
}
_AWAITING: Final = HANDSHAKE.index("awaiting 101")
_LENGTHS: Final = (0, 1, 2, 125, 126, 65535, 65536, 2**63 - 1, 2**63)
_LONG: Final = 65_536


class Reading:
    """The ways to read on in one trace. ``faults``: those with one fault are among them."""

    def __init__(self, seen: SeenTrace, setting: Setting, sees: frozenset[Told], *, faults: bool) -> None:
        self.seen: Final = seen
        self.setting: Final = setting
        self.sees: Final = sees
        self.faults: Final = faults
        self._server: Final = setting.role is Role.SERVER

    def _frames(self, where: Whereabouts) -> ArrivingFrames:
        """The frames that arrive at a place, inflated where permessage-deflate was agreed on."""
        state, agreed = where.state, None
        if state.recv_window:
            agreed = AgreedDirection(state.recv_window, state.recv_takeover, self.setting.limit)
        return self.seen.frames(where.start, agreed)

    def next_head(self, where: Whereabouts, now: Happening) -> HeadUnit | None:
        """The head to be read next, if one has arrived and is read now."""
        state = where.state
        if not state.handshake or where.eof or state.failed or not state.tcp_open:
            return None
        if state.handshake not in _READS[self.setting.role] or where.read >= len(self.seen.heads):
            return None
        head = self.seen.heads[where.read]
        return head if head.end <= now.arrived else None

    def has_begun_head(self, where: Whereabouts, now: Happening) -> bool:
        """Whether part of a head has arrived, and all before it is read."""
        begins = self.seen.heads[where.read - 1].end if where.read else 0
        return begins < now.arrived and self.next_head(where, now) is None

    def next_frame(self, where: Whereabouts, now: Happening) -> FrameUnit | None:
        """The frame to be read next, if it has arrived whole."""
        if where.state.handshake:
            return None
        frames = self._frames(where).frames
        if where.read < len(frames) and frames[where.read].end <= now.arrived:
            return frames[where.read]
        return None

    def is_done(self, where: Whereabouts, now: Happening) -> bool:
        """Whether all is read that arrived."""
        head = self.next_head(where, now)
        waits = head is None or head.seen is None or where.state.handshake == HANDSHAKE.index("refused")
        return waits and self.next_frame(where, now) is None and where.eof is now.eof

    def unrefused(self, where: Whereabouts, now: Happening) -> BrokenRules:
        """The rules by which a header decides whose payload never comes, where nothing was done about it."""
        state, frames = where.state, self._frames(where)
        if state.handshake or where.read < len(frames.frames):
            return frozenset()
        partial = frames.partial(now.arrived, state, self._lengths(state))
        return frozenset() if partial is None else decided_by_header(self.setting, state, partial)

    def on(self, where: Whereabouts, now: Happening) -> Iterator[Whereabouts]:
        """The places after reading one more unit, or failing by a part of one."""
        head, frame = self.next_head(where, now), self.next_frame(where, now)
        if head is not None:
            yield from self._head(where, head)
        if frame is not None:
            yield from self._frame(where, frame)
        elif not where.state.handshake:
            yield from self._early(where, now)
        if now.eof and not where.eof and frame is None and (head is None or head.seen is None):
            yield from self._end(where)

    def _may_fail(self, where: Whereabouts) -> bool:
        return self.faults and where.broken is None

    # --- heads ------------------------------------------------------------------------------------------------------

    def _head(self, where: Whereabouts, head: HeadUnit) -> Iterator[Whereabouts]:
        event = arriving(head, self.setting.role, where.state, where.request)
        request = head.head if self._server and isinstance(head.head, Request) else None
        then = where._replace(read=where.read + 1, request=request if self._server else where.request)
        for outcome in legal(self.setting, where.state, event):
            refused_by = frozenset(outcome.rules) if outcome.label.kind in (Kind.REFUSE, Kind.FAIL) else frozenset()
            yield self._opened(then._replace(state=outcome.state, refused_by=refused_by), head)
        if not self._may_fail(where):
            return
        for move in self._wrong(where.state, event):
            yield self._opened(then._replace(state=move.state, broken=move.broken), head)

    def _opened(self, where: Whereabouts, head: HeadUnit) -> Whereabouts:
        """Where a client's connection is open now, its frames begin behind the answer."""
        return where._replace(read=0, start=head.end) if not where.state.handshake else where

    # --- frames -----------------------------------------------------------------------------------------------------

    def _frame(self, where: Whereabouts, frame: FrameUnit) -> Iterator[Whereabouts]:
        event = arriving(frame, self.setting.role, where.state)
        for outcome in legal(self.setting, where.state, event):
            too_big = outcome.label.code == _TOO_BIG and outcome.strength is Strength.MAY
            if not too_big or self._may_be_too_big(where, frame):
                yield self._took(where, frame, Move(outcome.label, outcome.state), frozenset(outcome.rules))
        if self._may_fail(where):
            for move in self._wrong(where.state, event):
                yield self._took(where, frame, move, move.broken or frozenset())

    def _may_be_too_big(self, where: Whereabouts, frame: FrameUnit) -> bool:
        codes = self.seen.close_codes
        return _TOO_BIG in codes if codes else len(where.message[1]) + frame.header.length > _LONG

    def _wrong(self, state: State, event: Event) -> Iterator[Move]:
        """What a faulty endpoint may do with what it receives."""
        yield from lesser(self.setting, state, event)
        refusals, outcomes = refusing(self.setting, state, event), legal(self.setting, state, event)
        taken = [one for one in outcomes if one.label.kind is Kind.ACCEPT]
        if refusals:
            yield Move(None, state, refusals)
            for one in lawless(self.setting, state, event):
                if one.label.kind is Kind.ACCEPT:
                    yield Move(one.label, one.state, refusals)
        elif taken:
            accepting = frozenset(rule for one in taken for rule in one.rules)
            yield Move(None, state, accepting)
            if event.head is not None and self._server:
                yield Move(None, state._replace(handshake=HANDSHAKE.index("to be refused")), accepting)
                return
            for code in self.seen.close_codes | {1002}:
                yield Move(Label(Kind.FAIL, code), failed(self.setting, state, event, code), accepting)
        else:
            binding = frozenset(r.id for r in rows(self.setting, state, event) if r.strength.binds)
            in_time = state._replace(failed=False, got_close=False, discarding=False, tcp_open=True)
            for one in lawless(self.setting, in_time, event) if binding else ():
                if one.label.kind is Kind.ACCEPT:
                    yield Move(one.label, state, binding)

    def _took(self, where: Whereabouts, frame: FrameUnit, move: Move, rules: BrokenRules) -> Whereabouts:
        """The place after a frame was taken in with an outcome."""
        state, opcode, payload = move.state, frame.header.opcode, frame.payload
        message, pings, echoes, untold = where.message, where.pings, where.echoes, where.untold
        if move.label is not None and move.label.kind is Kind.ACCEPT:
            if opcode == PING:
                pings = (*pings, payload)
            elif opcode <= BINARY:
                kind, before = (opcode, b"") if opcode else message
                message = kind, before + payload
                payload = message[1]
                if frame.header.fin and state.reply_due:
                    echoes = (*echoes, message)
            untold = self._to_tell(untold, move.label.delivers, payload, rules)
        if not state.reply_due:
            echoes = ()
        broken = where.broken if move.broken is None else move.broken
        return where._replace(
            state=state, read=where.read + 1, message=message if state.recv_type else (0, b""), pings=pings,
            echoes=echoes, untold=untold, broken=broken,
        )  # fmt: skip

    def _to_tell(
        self, untold: tuple[tuple[Tells, BrokenRules], ...], delivers: str | None, payload: bytes, rules: BrokenRules
    ) -> tuple[tuple[Tells, BrokenRules], ...]:
        kind = TOLD_AS.get(delivers or "")
        if kind is None or kind not in self.sees:
            return untold
        tells = Tells(kind, payload)
        if kind == "close":
            tells = Tells(kind, code=close_code(payload), reason=payload[2:].decode("utf-8", "replace"))
        elif kind == "lost":
            tells = Tells(kind)
        return (*untold, (tells, rules))

    def _early(self, where: Whereabouts, now: Happening) -> Iterator[Whereabouts]:
        """Failing by a frame that has not arrived whole."""
        state = where.state
        if state.failed or state.got_close or not state.tcp_open:
            return
        partial: Partial | None = self._frames(where).partial(now.arrived, state, self._lengths(state))
        if partial is None:
            return
        for outcome in early_failures(self.setting, state, partial):
            if outcome.label.code != _TOO_BIG or outcome.strength is not Strength.MAY or self._says_too_big():
                yield where._replace(state=outcome.state, echoes=())
        accepting = accepting_early(self.setting, state, partial) if self._may_fail(where) else frozenset()
        if accepting:
            event = Event(EventKind.RECEIVE, partial.cases[0])
            for code in self.seen.close_codes | {1002}:
                yield where._replace(state=failed(self.setting, state, event, code), echoes=(), broken=accepting)

    def _lengths(self, state: State) -> tuple[int, ...]:
        limit = self.setting.limit
        return _LENGTHS if limit is None else (*_LENGTHS, max(0, limit - state.recv_length + 1))

    def _says_too_big(self) -> bool:
        return _TOO_BIG in self.seen.close_codes

    def _end(self, where: Whereabouts) -> Iterator[Whereabouts]:
        for outcome in legal(self.setting, where.state, _END):
            untold = where.untold
            # Before the connection is open there is nobody to tell of its end.
            if outcome.label.kind is Kind.ACCEPT and not where.state.failed and not where.state.handshake:
                untold = self._to_tell(untold, outcome.label.delivers, b"", frozenset(outcome.rules))
            echoes = where.echoes if outcome.state.reply_due else ()
            yield where._replace(state=outcome.state, eof=True, echoes=echoes, untold=untold)
