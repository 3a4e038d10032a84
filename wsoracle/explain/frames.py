"""Frames explained: the fields of each, the rules that it meets, the allowed outcomes, and the answers owed then.

The endpoint sends nothing of its own while it is followed: an answer that it owes stays owed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from wsoracle.model.endpoint.deflate import agreed_state
from wsoracle.model.facts.frames import DEFAULT_KEY, facts, facts_of_unit, text_before
from wsoracle.model.facts.heads import bits_defined
from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.notation.rule import Due, RuleSet
from wsoracle.model.notation.variables import LARGEST_WINDOW, NO_CODE, Event, EventKind, Setting, State
from wsoracle.model.octets.deflate import DeflateFault
from wsoracle.model.octets.frames import Header, decode_header, encode
from wsoracle.model.octets.inflated_frames import AgreedDirection, InflatedFrames
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.units import Cutter, FrameUnit
from wsoracle.model.octets.vocabulary import CLOSE, PING, PONG, Frame
from wsoracle.model.rules import RULES

from .begun_frame import begun_frame
from .explanation import ExplainedOctets, ExplainError, FrameReading, Inflated, Owed, SwitchEffect
from .field_table import field_table
from .nearest_legal import KnownFrame, remedies_for
from .reader import Reader
from .sender import FrameSender


def explain(
    octets: bytes,
    setting: Setting,
    *,
    after: bytes = b"",
    sent: bytes = b"",
    state: State | None = None,
    extensions: str = "",
    rules: RuleSet = RULES,
) -> ExplainedOctets[FrameReading]:
    """Explain octets received by an endpoint of this setting after the opening handshake.

    ``after`` are octets that it received before, and ``sent`` octets that it sent after those; ``state`` is where it
    stood before all of them (None: right after the opening handshake, with these ``extensions`` agreed on). Raises
    :class:`ExplainError` where ``after`` or ``sent`` are no whole frames, where the endpoint may not send the frames of
    ``sent``, or where ``extensions`` are no list of extensions.
    """
    agreed = agreed_state(setting.role, extensions) if state is None else state
    reader = _FrameExplainer(setting, _state_after(extensions) if agreed is None else agreed, rules)
    reader.transformed = agreed is None
    history = tuple(reader.frames(after, thoroughly=False))
    if history and history[-1].begun is not None:
        raise ExplainError(
            f"the octets received before end inside a frame, which needs at least {history[-1].begun.missing} more: "
            "move the beginning of that frame to the octets that are to be explained"
        )
    count = reader.send(sent) if sent else 0
    start = reader.state
    notes = (f"agreed on: {extensions}: what it does with payloads is not explained",) if agreed is None else ()
    return ExplainedOctets(setting, start, tuple(reader.frames(octets)), history, count, notes, rules)


def _state_after(extensions: str) -> State:
    """The state after an opening handshake that agreed on extensions which are not known."""
    bits = bits_defined(extensions)
    if bits is None:
        raise ExplainError(f"{extensions!a} is no list of extensions: give one such as permessage-deflate")
    return State(claims_rsv1=1 in bits, claims_rsv2=2 in bits, claims_rsv3=3 in bits)


def _cut(octets: bytes) -> Cutter:
    """The frames. Raises :class:`ExplainError` where there are too many to read about."""
    cutter = Cutter(octets=bytearray(octets))
    if len(cutter.frames) > MOST_FRAMES:
        raise ExplainError(f"more than {MOST_FRAMES:,} frames: give a part of them (wsoracle judge reads long traces)")
    return cutter


MOST_FRAMES: Final = 10_000
"""The most frames that are explained: each takes half a millisecond and some lines."""


class _FrameExplainer(Reader):
    """Follows an endpoint through frames."""

    def __init__(self, setting: Setting, state: State, rules: RuleSet) -> None:
        super().__init__(setting, rules)
        self.state = state
        self._sender: Final = FrameSender(setting, state, rules)
        self.transformed = False
        """An extension that is not known transforms messages: their payloads are no text."""
        agreed = state.recv_window > 0
        window, takeover = (state.recv_window, state.recv_takeover) if agreed else (LARGEST_WINDOW, True)
        self._inflated: Final = InflatedFrames(AgreedDirection(window, takeover, setting.limit, measured=True))
        self._own: Final = InflatedFrames(AgreedDirection(state.send_window, state.send_takeover, measured=True))
        self._agreed: Final = agreed
        self._ping = b""
        self._disputed: Final[dict[tuple[State, Event], tuple[SwitchEffect, ...]]] = {}
        self._remedies: Final = remedies_for(setting, rules)

    def frames(self, octets: bytes, *, thoroughly: bool = True) -> Iterator[FrameReading]:
        """Each frame that arrives; ``thoroughly``: with its fields, and what would have made it legal."""
        if not octets:
            return
        cutter = _cut(octets)
        for unit in cutter.frames:
            yield self._whole(unit, octets[unit.start : unit.end], thoroughly)
        if cutter.rest < len(octets):
            yield self._beginning(cutter.rest, octets[cutter.rest :], thoroughly)

    def send(self, octets: bytes) -> int:
        """Frames that the endpoint sends itself; their number. Raises :class:`ExplainError`."""
        cutter = _cut(octets)
        if cutter.rest < len(octets):
            raise ExplainError("the octets sent before end inside a frame: give whole frames")
        for count, frame in enumerate(cutter.frames, 1):
            header, payload = frame.header, frame.payload
            answers = header.opcode == PONG and self.state.pong_due and payload == self._ping
            text_from = None if self.transformed else text_before(header.opcode, self.state, EventKind.SEND)
            seen = facts_of_unit(self._own.take(frame) if self.state.send_window else frame, text_from)
            event = Event(EventKind.SEND, seen._replace(answers=answers))
            outcomes = self.machine.allowed(self.state, event)
            if not outcomes:
                rule = self.machine.forbidden_by(self.state, event)[0]
                raise ExplainError(
                    f"a {self.setting.role.value} may not send frame {count} of the octets sent before "
                    f'({cutter.frames[count - 1]}): {rule.id}, "{rule.quote}"'
                )
            self.state = outcomes[0].state
        return len(cutter.frames)

    def _whole(self, unit: FrameUnit, octets: bytes, thoroughly: bool) -> FrameReading:
        header, payload, start, *_ = unit
        before, text_from = self.state, self._text_before(header.opcode)
        said = self._inflated.take(unit)
        compressed = self._agreed and said.deflated is not None
        event = Event(EventKind.RECEIVE, facts_of_unit(said if compressed else unit, text_from))
        read = self.read(octets, before, event)
        chosen = read.outcomes[0]
        if header.opcode == PING and chosen.label.kind is Kind.ACCEPT:
            self._ping = payload
        self.state = read.after
        seen = KnownFrame(header, payload)
        # What would mend compressed data nobody can read off octets.
        refused = (
            thoroughly and not compressed and not any(outcome.label.kind is Kind.ACCEPT for outcome in read.outcomes)
        )
        asked_apart = {
            "owed": tuple(self._owed()),
            "disputes": self._disputes(before, event) if thoroughly else (),
            "sent": self._sender.sends(said if compressed else unit, transformed=self.transformed),
        }
        return FrameReading(
            **{**vars(read), **asked_apart},
            start=start,
            lines=tuple(field_table(octets, payload, None if compressed else text_from)) if thoroughly else (),
            inflated=self._says(said),
            elsewhere=self._remedies.elsewhere(before, seen) if refused else None,
            changes=self._remedies.changes(before, seen) if refused and chosen.label.kind is Kind.FAIL else (),
            peer_accepts=refused and self._peer(before, seen),
        )

    def _beginning(self, start: int, octets: bytes, thoroughly: bool) -> FrameReading:
        """The beginning of a frame, with what is certain of it already."""
        found = decode_header(octets)
        header = None if found is None else found[0]
        payload = b"" if header is None else _unmasked(octets[header.size :], header)
        text_from = None if header is None else self._text_before(header.opcode)
        said = None if header is None else self._inflated.so_far(len(self._inflated.frames), header, payload)
        compressed = said if self._agreed else None
        begun, known = begun_frame(octets, header, payload, text_from, self.setting, self.state, self.rules, compressed)
        seen = None if header is None or not begun.fails else KnownFrame(header, None)
        if seen is not None and (not thoroughly or compressed is not None or self._remedies.legal(self.state, seen)):
            seen = None  # It is not the header that is at fault.
        return FrameReading(
            octets,
            self.state,
            self.state,
            known,
            refusals=begun.fails,
            start=start,
            lines=tuple(field_table(octets, payload, text_from if compressed is None else None)),
            inflated=None if said is None else self._says(said),
            elsewhere=self._remedies.elsewhere(self.state, seen) if seen else None,
            changes=self._remedies.changes(self.state, seen) if seen else (),
            peer_accepts=seen is not None and self._peer(self.state, seen),
            begun=begun,
            sent=self._sender.begins(known, begun.known),
        )

    def _says(self, unit: FrameUnit) -> Inflated | None:
        """What a frame says inflated; without an agreement, where nothing but that speaks against it."""
        measured = unit.deflated
        if measured is None or self.transformed or not (self._agreed or measured.fault is DeflateFault.NONE):
            return None
        return Inflated(unit.payload, measured, self._agreed)

    def _text_before(self, opcode: int) -> int | None:
        return None if self.transformed else text_before(opcode, self.state, EventKind.RECEIVE)

    def _peer(self, state: State, seen: KnownFrame) -> bool:
        other = replace(self.setting, role=self.setting.role.peer)
        return remedies_for(other, self.rules).legal(state, seen)

    def _owed(self) -> Iterator[Owed]:
        for due, rule in self.machine.owed(self.state):
            frame = self._answer(due)
            yield Owed(due, rule, b"" if frame is None else encode(frame))

    def _answer(self, due: Due) -> Frame | None:
        """A frame that discharges what is due; masked where the rules want it so."""
        if due is Due.PONG:
            opcode, body = PONG, self._ping
        elif due is Due.CLOSE:
            code = self.state.fail_code if self.state.failed else self.state.close_code
            opcode, body = CLOSE, b"" if code == NO_CODE else code.to_bytes(2, "big")
        else:
            return None
        for payload in (body, b"") if due is Due.CLOSE else (body,):
            for key in (None, DEFAULT_KEY):
                frame = Frame(opcode, payload, key=key)
                if self.machine.allowed(self.state, Event(EventKind.SEND, facts(frame, None, answers=True))):
                    return frame
        return None

    def _disputes(self, state: State, event: Event) -> tuple[SwitchEffect, ...]:
        if (state, event) not in self._disputed:
            self._disputed[state, event] = tuple(self.disputes(state, event))
        return self._disputed[state, event]


def _unmasked(octets: bytes, header: Header) -> bytes:
    return octets if header.key is None else mask(octets, header.key)
