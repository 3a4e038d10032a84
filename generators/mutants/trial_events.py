"""The events that are tried in a state: frames and heads on which some rule may depend.

They are made from what a world begins with and from a little of the state. What some state has in common with another
is made once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from wsoracle.model.facts.deflate_payloads import is_deflated
from wsoracle.model.facts.frames import text_before
from wsoracle.model.machine.boundary_events import Alphabet
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.notation.expression import Value
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import (
    DAMAGE,
    LARGEST_WINDOW,
    NO_CODE,
    Event,
    EventKind,
    FrameFacts,
    Setting,
    State,
)
from wsoracle.model.octets import frames, utf8
from wsoracle.model.octets.deflate_encoder import LONGEST_MATCH, SHORTEST_MATCH
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, FORMS, PING, PONG, TEXT, Role

from .observable import can_happen, has_octets
from .world_starts import WorldStart

_TEXT_STATES: Final[tuple[int, ...]] = (utf8.ACCEPT, utf8.TAIL1, utf8.REJECT)
"""Whole, unfinished, broken: rules see no more of a text than this."""


class TrialEvents:
    """The events worth trying in a state: plain frames of each kind, and frames that differ from them in one point.

    Heads of HTTP are a sound one, a bare one, and those that differ from one of these in one point
    (``model.machine.boundary_events``).

    In the first state there are also those at every boundary that the rules name (``model.machine.boundary_events``),
    one below and one above it included, so that a bound that is off by one is noticed. Plain events come first: what
    is found first is what reads best.
    """

    def __init__(self, rules: RuleSet, start: WorldStart, machine: CompiledMachine) -> None:
        self._start: Final = start
        self._machine: Final = machine
        self._limit: Final = start.setting.limit
        self._alphabet: Final = _alphabet(rules, start.setting.role, self._limit)
        self._known: Final[dict[tuple[object, ...], tuple[tuple[Event, bytes | None], ...]]] = {}

    def __call__(self, kind: EventKind, state: State) -> tuple[tuple[Event, bytes | None], ...]:
        """The events of one kind in a state, with their octets where these matter, always in the same order."""
        if not can_happen(kind, state, self._start.setting):
            return ()
        if kind.facts is None:
            return ((Event(kind), None),)
        if not kind.has_frame:
            return self._heads(kind, state)
        about = _About(
            masked=(self._start.setting.role is Role.SERVER) == (kind is EventKind.RECEIVE),
            before=text_before(CONTINUATION, state, kind),
            room=None if self._limit is None else self._limit - state.recv_length,
            fail_code=state.fail_code,
            deflate=_deflate(kind, state),
        )
        key = kind, about, state == self._start.state and not self._start.connecting
        if key not in self._known:
            frames = [*about.frames(), *about.compressed_frames()]
            if key[-1]:
                values = self._alphabet.boundaries(kind)
                frames += about.frames_at([int(n) for n in values["length"]], [int(c) for c in values["code"]])
            self._known[key] = tuple(
                (Event(kind, frame), octets)
                for frame in dict.fromkeys(frames)
                if not is_deflated(frame, state, kind) or has_octets(frame, text_before(frame.opcode, state, kind))
                for octets in _payloads(frame, about.before)
            )
        return self._known[key]

    def _heads(self, kind: EventKind, state: State) -> tuple[tuple[Event, bytes | None], ...]:
        """The heads of one kind: those of the alphabet, and what is near one for each row that permits none of them.

        That one differs from a sound head, or from a bare one, in two points: a refusal that names versions is one.
        """
        key = kind, state.handshake, state.tcp_open, state.peer_open, state.failed
        if key not in self._known:
            events = list(self._alphabet.of(kind, state))
            if not kind.is_input and state.tcp_open and not state.failed:
                permitted = 0
                for event in events:
                    permitted |= self._permitting(event, state)
                for event in self.pairs(kind, state):
                    further = self._permitting(event, state) & ~permitted
                    if further:
                        permitted |= further
                        events += _near(event, self._alphabet.boundaries(kind, state))
            self._known[key] = tuple((event, None) for event in dict.fromkeys(events))
        return self._known[key]

    def pairs(self, kind: EventKind, state: State) -> tuple[Event, ...]:
        """The heads of one kind that differ from a sound one, or from a bare one, in two points at most."""
        if not can_happen(kind, state, self._start.setting):
            return ()
        return _alphabet(self._alphabet.rules, self._start.setting.role, self._limit, pairs=True).of(kind, state)

    def _permitting(self, event: Event, state: State) -> int:
        """The rows that permit an event which none refuses."""
        refusing, legal, _ = self._machine.masks(event.kind, state, event.facts)
        return 0 if refusing else legal


def _near(event: Event, values: Mapping[str, Sequence[Value]]) -> Iterator[Event]:
    """An event, and those that differ from it in one fact; not in being well-formed, of which others depend."""
    yield event
    assert event.facts is not None
    for name in event.facts._fields:
        for value in values[name] if name != "syntax" else ():
            yield Event.of(event.kind, event.facts._replace(**{name: value}))  # type: ignore[arg-type]


class _About(NamedTuple):
    """The values that decide which frames are worth trying: how they are masked, and a little of the state.

    ``before``: the automaton in the text message in progress, or None; ``room``: the octets that the limit leaves to
    the message in progress, None where no limit is stated; ``deflate``: what compressed messages may refer to, None
    where permessage-deflate is not agreed on.
    """

    masked: bool
    before: int | None
    room: int | None
    fail_code: int
    deflate: _Deflate | None = None

    def frames(self) -> Iterator[FrameFacts]:
        """Frames that differ in what is not a number."""
        bases = [FrameFacts(opcode, masked=self.masked) for opcode in _OPCODES]
        for base in bases:
            yield from self._contents(base, 0)
        for base in bases:
            yield from self._contents(base._replace(fin=False), 0)
            yield from (frame._replace(answers=True) for frame in self._contents(base, 0))
        lengths = {1, self.room or 1, (self.room or 0) + 1}
        for base in bases:
            for length in (2, 3) if base.opcode == CLOSE else sorted(lengths):
                for frame in self._contents(base, length):
                    yield frame
                    yield frame._replace(fin=False)
        if self.room is not None:
            # Marked with RSV1, and measured as they stand, since they are in no compressed message.
            for opcode in (TEXT, BINARY, CONTINUATION):
                marked = FrameFacts(opcode, rsv1=True, masked=self.masked)
                for frame in (next(self._contents(marked, length)) for length in (1, self.room + 1)):
                    yield from (frame, frame._replace(fin=False))
        # A code outside section 7.4, which may only be sent back.
        beyond = FrameFacts(CLOSE, masked=self.masked, length=2, code=65535)
        yield from (beyond, beyond._replace(answers=True))
        for base in (*bases, FrameFacts(3, masked=self.masked), FrameFacts(11, masked=self.masked)):
            yield from self._flagged(next(self._contents(base, 0)))

    def compressed_frames(self) -> Iterator[FrameFacts]:
        """Frames of compressed messages that differ in what is measured of their DEFLATE data."""
        if self.deflate is None:
            return
        window, history, inside = self.deflate
        opcodes = (TEXT, BINARY, CONTINUATION) if inside else (TEXT, BINARY)
        for opcode in opcodes:
            base = FrameFacts(opcode, rsv1=opcode != CONTINUATION, masked=self.masked, length=3, inflated=1)
            texts = _TEXT_STATES if opcode == TEXT or self.before is not None else (utf8.ACCEPT,)
            # A message may begin with an empty fragment, and be without any payload at its end.
            nothing = base._replace(length=0, inflated=0, utf8_next=_unmoved(opcode, self.before))
            yield nothing._replace(fin=False)
            for after in texts if self.before != utf8.REJECT or opcode != CONTINUATION else (utf8.REJECT,):
                yield base._replace(utf8_next=after)
                yield base._replace(fin=False, length=_FRAGMENT, utf8_next=after)
            base = base._replace(utf8_next=min(texts) if self.before != utf8.REJECT else utf8.REJECT)
            yield from (base._replace(answers=True), base._replace(rsv2=True), base._replace(masked=not self.masked))
            if opcode != CONTINUATION:
                yield from (base._replace(length=length, inflated=0) for length in (1, 2))
            yield nothing._replace(damage=DAMAGE.index("no payload"))
            for damage in ("no empty block behind the last one", "cut inside a block"):
                yield base._replace(damage=DAMAGE.index(damage))
            yield from (base._replace(fin=fin, damage=DAMAGE.index("malformed")) for fin in (True, False))
            if self.room is not None:
                yield from (base._replace(length=_ENOUGH, inflated=self.room + more) for more in (0, 1))
            for distance, reach in (
                (window, 0), (window + 1, 0), (1, 1), (1, 0), (history, history), (history + 1, history + 1),
            ):  # fmt: skip
                if 0 < distance <= LARGEST_WINDOW:
                    # Nothing comes out of what refers to octets that there are not, nor of what is behind it.
                    inflated = distance - reach + (0 if reach > history else SHORTEST_MATCH + 1)
                    length = _ENOUGH + inflated // (LONGEST_MATCH // 2)
                    form = frames.minimal_form(length)
                    yield base._replace(length=length, form=form, inflated=inflated, distance=distance, reach=reach)

    def frames_at(self, lengths: Sequence[int], codes: Sequence[int]) -> Iterator[FrameFacts]:
        """Frames at the boundaries: lengths, also in forms that are not minimal; codes; and all reserved opcodes."""
        for opcode in range(16):
            base = FrameFacts(opcode, masked=self.masked)
            yield from self._flagged(next(self._contents(base, 0)))
            for length in lengths:
                yield from self._contents(base, length)
        closes = [FrameFacts(CLOSE, masked=self.masked, length=2, code=code) for code in codes]
        yield from closes
        for close in (FrameFacts(CLOSE, masked=self.masked), *closes):
            if close.code in _SAY_NO_REASON:
                yield close._replace(unprovoked=True)
        for length in lengths:
            forms = [form for form in FORMS if frames.minimal_form(length) < form]
            yield from (FrameFacts(BINARY, masked=self.masked, length=length, form=form) for form in forms)

    def _flagged(self, frame: FrameFacts) -> Iterator[FrameFacts]:
        yield frame
        yield from (frame._replace(rsv1=True), frame._replace(rsv2=True), frame._replace(rsv3=True))
        yield frame._replace(masked=not self.masked)
        yield frame._replace(fin=False, answers=True)
        if frame.masked:
            yield frame._replace(key_foreseen=True)

    def _contents(self, base: FrameFacts, length: int) -> Iterator[FrameFacts]:
        """The frame with payloads of one length that differ in what rules see of a payload."""
        frame = base._replace(length=length, form=frames.minimal_form(length))
        if base.opcode == CLOSE and length >= 2:
            yield frame._replace(code=1000)
            yield frame._replace(code=self.fail_code or 1001)
            if length > 2:
                yield frame._replace(code=1000, reason_ok=False)
        elif base.opcode == TEXT or (base.opcode == CONTINUATION and self.before is not None):
            start = utf8.ACCEPT if base.opcode == TEXT or self.before is None else self.before
            possible = utf8.reachable_after(start, length)
            for after in [s for s in _TEXT_STATES if s in possible] or [min(possible)]:
                yield frame._replace(utf8_next=after)
        else:
            yield frame


def _unmoved(opcode: int, before: int | None) -> int:
    """Where the UTF-8 automaton stands after a frame that has no octets."""
    return utf8.ACCEPT if opcode != CONTINUATION or before is None else before


class _Deflate(NamedTuple):
    """What a compressed message may refer to; ``inside``: the message in progress is one."""

    window: int
    history: int
    inside: bool


def _deflate(kind: EventKind, state: State) -> _Deflate | None:
    if not state.recv_window:
        return None
    if kind is EventKind.RECEIVE:
        return _Deflate(state.recv_window, state.recv_history, state.recv_compressed)
    return _Deflate(state.send_window, state.send_history, state.send_compressed)


@lru_cache(maxsize=16)
def _alphabet(rules: RuleSet, role: Role, limit: int | None, *, pairs: bool = False) -> Alphabet:
    """The alphabet for a role and a limit: no atom compares an event with any other part of a setting.

    Heads that no rule tells apart are kept: a mutant may.
    """
    return Alphabet(rules, Setting(role, limit), pairs=pairs, classes=False)


_SAY_NO_REASON: Final = (1000, 1001, NO_CODE)
"""Codes of a Close that nothing provoked, on both sides of those that are no reason."""

_FRAGMENT: Final = 7
"""Octets of a fragment that inflates to one octet, an empty block included up to whose end the receiver can inflate."""

_ENOUGH: Final = 24
"""Octets that inflate to anything that is tried, but for what a distance needs."""

_OPCODES: Final = (TEXT, BINARY, PING, PONG, CLOSE, CONTINUATION)


def _payloads(frame: FrameFacts, before: int | None) -> tuple[bytes | None, ...]:
    """Octets to try besides any: a binary message goes on with what is no text."""
    if frame.opcode == CONTINUATION and before is None and frame.length == 1:
        return None, b"\xff"
    return (None,)
