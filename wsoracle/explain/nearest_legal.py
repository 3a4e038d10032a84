"""The nearest legal frame: frames before a refused frame, or a change of the frame itself, that make it legal.

This module contains no rule. The rule set decides whether a frame is legal, and the guards of its rules supply the
values to try (:mod:`wsoracle.model.machine.boundary_events`).

A frame is *legal* in a state where accepting it is allowed in full; that the endpoint MAY refuse it as well (a limit of
its own, section 10.4) does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations, product
from typing import Final, NamedTuple

from wsoracle.model.facts.frames import DEFAULT_KEY, facts_of_header, facts_on_wire, realise, text_before
from wsoracle.model.machine.boundary_events import Alphabet
from wsoracle.model.machine.compiled import CompiledMachine
from wsoracle.model.machine.explorer import BreadthFirst
from wsoracle.model.machine.guard_atoms import state_values
from wsoracle.model.machine.interpreted import Kind
from wsoracle.model.notation.expression import Value, variables
from wsoracle.model.notation.rule import RuleSet
from wsoracle.model.notation.variables import Event, EventKind, FrameFacts, Setting, State, label
from wsoracle.model.octets import utf8
from wsoracle.model.octets.frames import Header, capacity, encode_header, minimal_form
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, DATA_OPCODES, KNOWN_OPCODES, OPCODE_NAMES
from wsoracle.model.rules import RULES
from wsoracle.model.rules.close_codes import REGISTER

LONGEST_PATH: Final = 6
"""Frames in a path, at most; without a stated limit there are so few states that all are seen long before."""

_CLAIMS: Final = tuple(name for name in State._fields if name.startswith("claims_"))
_LENGTHS: Final = range(5)
_FILLER: Final = b"a"
_SPOILT: Final = ord("?")
_LONGEST_MENDED: Final = 4096


class KnownFrame(NamedTuple):
    """A frame as far as it is known: its header, and its unmasked payload where that is complete."""

    header: Header
    payload: bytes | None

    @property
    def octets(self) -> bytes:
        """The frame on the wire; only the header where the payload is not known."""
        h = self.header
        head = encode_header(
            h.opcode, h.length, fin=h.fin, rsv1=h.rsv1, rsv2=h.rsv2, rsv3=h.rsv3, key=h.key, form=h.form
        )
        if self.payload is None:
            return head
        return head + (self.payload if h.key is None else mask(self.payload, h.key))

    def facts(self, state: State) -> FrameFacts:
        """The frame as rules see it in a state; what the unknown payload decides has the least harmful value."""
        if self.payload is not None:
            return facts_on_wire(self.header, self.payload, text_before(self.header.opcode, state, EventKind.RECEIVE))
        known = facts_of_header(self.header)
        return known._replace(code=1000) if known.opcode == CLOSE and known.length >= 2 else known


@dataclass(frozen=True)
class PathStep:
    """A frame of a path, with its octets."""

    frame: FrameFacts
    octets: bytes


@dataclass(frozen=True)
class LegalChange:
    """A change that makes the frame legal: in words, with the frame's octets after it (for one of the choices)."""

    variables: tuple[str, ...]
    words: str
    octets: bytes


@dataclass(frozen=True)
class Elsewhere:
    """The states in which the frame is legal as it is.

    ``path``: the frames to be received before it, from the current state or (``from_start``) from the end of the
    opening handshake; None where no such path was found. ``extension``: reserved bits that a negotiated extension must
    also define. ``nowhere``: no state accepts it.
    """

    path: tuple[PathStep, ...] | None = None
    from_start: bool = False
    extension: tuple[str, ...] = ()
    nowhere: bool = False


class Remedies:
    """Answers for one setting; what is expensive is computed once."""

    def __init__(self, setting: Setting, rules: RuleSet = RULES) -> None:
        self._setting: Final = setting
        self._rules: Final = rules
        self._machine: Final = CompiledMachine(rules, setting)

    def legal(self, state: State, seen: KnownFrame) -> bool:
        """Whether the frame may be accepted in a state."""
        return self._accepted(state, seen.facts(state)) is not None

    # --- other states -------------------------------------------------------------------------------------------------

    def elsewhere(self, state: State, seen: KnownFrame) -> Elsewhere:
        """The nearest state in which the frame is legal: from the current state if possible, else from the start."""
        claims = {name: getattr(state, name) for name in _CLAIMS}
        for count in range(len(_CLAIMS) + 1):
            for chosen in combinations(_CLAIMS, count):
                claimed = {**claims, **dict.fromkeys(chosen, True)}
                if self._somewhere(seen, claimed):
                    bits = tuple(name.removeprefix("claims_").upper() for name in chosen)
                    here = None if chosen else self._path(state, seen)
                    if here is not None:
                        return Elsewhere(here)
                    return Elsewhere(self._path(State(**claimed), seen), True, bits)
        return Elsewhere(nowhere=True)

    def _path(self, start: State, seen: KnownFrame) -> tuple[PathStep, ...] | None:
        """A shortest path of accepted frames to a state where the frame is legal: breadth first."""
        reached = BreadthFirst([start], self._successors, longest=LONGEST_PATH)
        return next((reached.path(visit.state) for visit in reached if self.legal(visit.state, seen)), None)

    def _successors(self, state: State) -> Sequence[tuple[PathStep, State]]:
        """The states that one accepted frame leads to, each with the first frame that does."""
        if state not in self._known_successors:
            found: dict[State, FrameFacts] = {}
            for frame in self._short_frames(state):
                after = self._accepted(state, frame)
                if after is not None:
                    found.setdefault(after, frame)
            self._known_successors[state] = [
                (PathStep(frame, realise(Event(EventKind.RECEIVE, frame), state).octets), after)
                for after, frame in found.items()
            ]
        return self._known_successors[state]

    @cached_property
    def _known_successors(self) -> dict[State, list[tuple[PathStep, State]]]:
        return {}

    def _short_frames(self, state: State) -> Iterator[FrameFacts]:
        """Representatives of the frames that may lead on: known opcodes, a few octets, text that ends anywhere."""
        for opcode in (*DATA_OPCODES[1:], CONTINUATION, *KNOWN_OPCODES[len(DATA_OPCODES) :]):
            before = text_before(opcode, state, EventKind.RECEIVE)
            for length in _LENGTHS if before is not None else (0,):
                ends = (utf8.ACCEPT,) if before is None else sorted(utf8.reachable_after(before, length))
                for utf8_next, fin, masked in product(ends, (False, True), (False, True)):
                    yield FrameFacts(opcode, fin, masked=masked, length=length, utf8_next=utf8_next)

    def _accepted(self, state: State, frame: FrameFacts) -> State | None:
        labels = self._machine.labels(state, Event(EventKind.RECEIVE, frame))
        return next((after for label, after in labels.items() if label.kind is Kind.ACCEPT), None)

    def _somewhere(self, seen: KnownFrame, claims: dict[str, bool]) -> bool:
        """Whether any state accepts the frame, reachable or not."""
        return any(self.legal(State(**{**values, **claims}), seen) for values in self._all_states)  # type: ignore[arg-type]

    @cached_property
    def _all_states(self) -> tuple[dict[str, Value], ...]:
        """Every combination of values that guards for received frames can tell apart."""
        read = {name for rule in self._rules.of(EventKind.RECEIVE) for name in variables(self._rules.guard(rule))}
        values = {
            name: found or (getattr(State(), name),)
            for name, found in state_values(self._rules).items()
            if name in read and name not in _CLAIMS
        }
        return tuple(dict(zip(values, chosen, strict=True)) for chosen in product(*values.values()))

    # --- other frames -------------------------------------------------------------------------------------------------

    def changes(self, state: State, seen: KnownFrame) -> tuple[LegalChange, ...]:
        """The smallest changes that make the frame legal in a state: to one variable, or else to two."""
        edits = {name: list(self._edits(state, seen, name)) for name in _EDITED}
        single = [_change((name,), legal) for name in _EDITED if (legal := self._legal(state, edits[name]))]
        if single:
            return tuple(single)
        double = []
        for first, second in combinations(_EDITED, 2):
            both = [
                edit._replace(values=other.values + edit.values)
                for other in edits[first]
                for edit in self._edits(state, other.seen, second)
            ]
            if legal := self._legal(state, both):
                double.append(_change((first, second), legal[:1]))
        return tuple(double)

    def _legal(self, state: State, edits: list[_Edit]) -> list[_Edit]:
        return [edit for edit in edits if self.legal(state, edit.seen)]

    def _edits(self, state: State, seen: KnownFrame, name: str) -> Iterator[_Edit]:
        """The frame with another value of one variable, the nearest values first."""
        now = getattr(seen.facts(state), name)
        for value in sorted(self._values(state)[name], key=lambda value: (abs(int(value) - int(now)), value)):
            edited = None if value == now else _edited(seen, name, value, state)
            if edited is not None and edited.facts(state) != seen.facts(state):
                yield _Edit(edited, (value,))

    def _values(self, state: State) -> dict[str, tuple[Value, ...]]:
        if state not in self._known_values:
            found = dict(self._alphabet.boundaries(EventKind.RECEIVE, state))
            found["code"] = tuple(sorted({*found["code"], *(row.low for row in REGISTER)}))
            self._known_values[state] = found
        return self._known_values[state]

    @cached_property
    def _known_values(self) -> dict[State, dict[str, tuple[Value, ...]]]:
        return {}

    @cached_property
    def _alphabet(self) -> Alphabet:
        return Alphabet(self._rules, self._setting)


@lru_cache(maxsize=16)
def remedies_for(setting: Setting, rules: RuleSet = RULES) -> Remedies:
    """The remedies for a setting, the same object every time."""
    return Remedies(setting, rules)


class _Edit(NamedTuple):
    """A changed frame, with the new value of each changed variable, in order."""

    seen: KnownFrame
    values: tuple[Value, ...]


_EDITED: Final = ("masked", "rsv1", "rsv2", "rsv3", "form", "code", "reason_ok", "utf8_next", "length", "fin", "opcode")
"""The variables of a frame that its sender chooses; what changes the meaning of the frame comes last."""


def _edited(seen: KnownFrame, name: str, value: Value, state: State) -> KnownFrame | None:
    """The frame with one variable changed, the rest of it as before; None where octets do not have that value."""
    header, payload = seen
    if name in ("fin", "rsv1", "rsv2", "rsv3", "opcode"):
        return KnownFrame(header._replace(**{name: value}), payload)  # type: ignore[arg-type]
    if name == "masked":
        return KnownFrame(header._replace(masked=bool(value), key=DEFAULT_KEY if value else None), payload)
    if name == "form":
        return KnownFrame(header._replace(form=int(value)), payload) if header.length <= capacity(int(value)) else None
    if name == "length":
        return _resized(seen, int(value))
    if payload is None:
        return None
    if name == "utf8_next":
        before = text_before(header.opcode, state, EventKind.RECEIVE)
        wanted = None if before is None or value == utf8.REJECT else _mended(payload, before, int(value))
    elif header.opcode != CLOSE or header.length < 2:
        return None
    elif name == "code":
        wanted = int(value).to_bytes(2, "big") + payload[2:]
    else:
        mended = _mended(payload[2:], utf8.ACCEPT, utf8.ACCEPT)
        wanted = None if mended is None else payload[:2] + mended
    return None if wanted is None else KnownFrame(header, wanted)


def _resized(seen: KnownFrame, length: int) -> KnownFrame | None:
    header, payload = seen
    if payload is not None:
        if length > 2 * len(payload) + 256:
            return None
        payload = payload[:length].ljust(length, _FILLER)
    return KnownFrame(header._replace(length=length, form=minimal_form(length)), payload)


def _mended(payload: bytes, before: int, target: int) -> bytes | None:
    """The payload with what spoils its text replaced, octet for octet, so that the automaton ends at ``target``.

    None where that cannot be, or where the payload is too long to be worth the time.
    """
    if len(payload) > _LONGEST_MENDED:
        return None
    mended, state, begun = bytearray(payload), before, None
    at = 0
    while at < len(mended):
        after = utf8.step(state, mended[at])
        if after == utf8.REJECT and state == utf8.ACCEPT:
            mended[at] = _SPOILT
            after = utf8.ACCEPT
        elif after == utf8.REJECT and begun is not None:
            # The octets since `begun` are no character; the current octet may begin one.
            mended[begun:at] = bytes((_SPOILT,)) * (at - begun)
            state = utf8.ACCEPT
            continue
        elif after == utf8.REJECT:
            fitting = next((row.low for row in utf8.ROWS if row.state == state), None)
            if fitting is None:
                return None
            mended[at] = fitting
            after = utf8.step(state, fitting)
        if state == utf8.ACCEPT:
            begun = at
        state = after
        at += 1
    for kept in range(len(mended), max(len(mended) - 4, -1), -1):
        start = utf8.run(mended[:kept], before)
        if target in utf8.reachable_after(start, len(mended) - kept):
            return bytes(mended[:kept]) + utf8.shortest_octets(start, target, len(mended) - kept)
    return None


# --- in words -------------------------------------------------------------------------------------------------------


def _change(names: tuple[str, ...], edits: list[_Edit]) -> LegalChange:
    said = [
        _in_words(name, [edit.values[place] for edit in edits], edits[0].seen.header)
        for place, name in enumerate(names)
    ]
    return LegalChange(names, " and ".join(said), edits[0].seen.octets)


def _in_words(name: str, values: list[Value], header: Header) -> str:
    """A change of one variable to one of these values; ``header`` is that of the first choice."""
    match name:
        case "masked":
            return "masked" if values[0] else "not masked"
        case "fin" | "rsv1" | "rsv2" | "rsv3":
            return f"with {name.upper()} {'set' if values[0] else 'clear'}"
        case "opcode":
            return f"with opcode {_either([OPCODE_NAMES[int(value)] for value in sorted(values)])}"
        case "form":
            return f"with its length written in {_either([label(name, value) for value in values])}"
        case "length":
            return f"with a payload of {header.length:,} octet{'' if header.length == 1 else 's'}"
        case "code":
            return f"with a status code of {_either(_ranges({int(value) for value in values}))}"
        case "reason_ok":
            return "with a reason that is valid UTF-8"
        case _:
            return "with text that is valid UTF-8"


def _ranges(codes: set[int]) -> list[str]:
    """The ranges of the register that hold one of these codes, neighbours put together."""
    joined: list[tuple[int, int]] = []
    for row in REGISTER:
        if any(row.low <= code <= row.high for code in codes):
            if joined and joined[-1][1] == row.low - 1:
                joined[-1] = (joined[-1][0], row.high)
            else:
                joined.append((row.low, row.high))
    return [str(low) if low == high else f"{low}-{high}" for low, high in joined]


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
