"""A decision table for the frames that make up most traffic: whole messages in one frame.

Theory of operation. Where the state of an endpoint is given, the first two octets of a frame (with the extended length,
where there is one) decide everything that rules ask of it, but whether text is valid UTF-8. So the answer of the
compiled rules for valid text is kept by just these octets: the next time, reading such a frame is to look it up, to
take the mask off, and to decode the text, which says at once whether it was valid. The table fills itself, only with
outcomes that deliver the message and leave the endpoint in the same state with nothing owed; whatever else comes is
left where it is, for the general way.

A state has one row of the table, a row two parts: frames with a 7-bit length, and frames with a 16-bit length. All are
bounded; what is full starts anew.
"""

from __future__ import annotations

from functools import cache
from struct import Struct
from typing import Final, NamedTuple

from ..facts.frames import facts_of_header
from ..machine.compiled import CompiledMachine
from ..machine.interpreted import Kind
from ..notation.variables import Event, EventKind, State
from ..octets.frames import FIXED_OCTETS, LENGTH_FORMS, Header, decode_header, unpack_fixed
from ..octets.masking import mask
from ..octets.vocabulary import BINARY, FORM_7, FORM_16, KEY_OCTETS, TEXT, Role
from .events import BINARY_MESSAGE, TEXT_MESSAGE, EndpointEvent, Message

MOST_ROWS: Final = 64
MOST_ENTRIES: Final = 4096

_MOST_BY_NUMBER: Final = 4096
"""Octets of payload up to which unmasking as one number is the fastest way (and the patterns stay small)."""


class Entry(NamedTuple):
    """What is done with a frame: take the mask off, decode, deliver.

    ``length`` octets of payload; LONGER where 16 bits of length follow and decide. ``pattern`` is a number whose
    product with the key is the key written again and again, at least ``length`` octets of it, and ``excess`` too many
    (0 where another way of unmasking is faster).
    """

    length: int
    text: bool
    pattern: int
    excess: int
    rules: tuple[str, ...]


LONGER: Final = -1
_LOOK_AT_LENGTH: Final = Entry(LONGER, False, 0, 0, ())


class Row:
    """What is known for one state, by the first two octets as a number; for 16-bit lengths by these and the length.

    None: not for the table.
    """

    __slots__ = ("long", "short", "state")

    def __init__(self, state: State) -> None:
        self.state: Final = state
        self.short: Final[dict[int, Entry | None]] = {}
        self.long: Final[dict[int, Entry | None]] = {}


_SHORT_MASKED: Final = Struct(">HI").unpack_from
_SHORT_UNMASKED: Final = Struct(">H").unpack_from
_LENGTH: Final = Struct(">2xH").unpack_from
_KEY: Final = Struct("<4xI").unpack_from
_SHORT_HEADER: Final = FIXED_OCTETS + LENGTH_FORMS[FORM_7].extended
_LONG_HEADER: Final = FIXED_OCTETS + LENGTH_FORMS[FORM_16].extended
_ANY_KEY: Final = bytes(KEY_OCTETS)

_new: Final = tuple.__new__
_number: Final = int.from_bytes


class DecisionTable:
    """The table of one compiled machine. It holds nothing of a connection."""

    def __init__(self, machine: CompiledMachine) -> None:
        self._machine: Final = machine
        self._rows: Final[dict[State, Row]] = {}
        # Which of two loops, never what is accepted: a frame that is masked the wrong way has no entry.
        self.read: Final = self._read_masked if machine.setting.role is Role.SERVER else self._read_unmasked

    def row(self, state: State) -> Row | None:
        """The row of a state; None inside a fragmented message, where no whole message can come."""
        if state.recv_type:
            return None
        row = self._rows.get(state)
        if row is None:
            if len(self._rows) >= MOST_ROWS:
                self._rows.clear()
            row = self._rows[state] = Row(state)
        return row

    def _read_masked(self, row: Row, data: bytes, at: int, events: list[EndpointEvent]) -> int:
        """Read whole messages from offset `at` as long as the table knows them; the offset of what it left."""
        known, longer, append, size = row.short, row.long, events.append, len(data)
        last = size - (_SHORT_HEADER + KEY_OCTETS)
        while at <= last:
            two, key = _SHORT_MASKED(data, at)
            try:
                entry = known[two]
            except KeyError:
                entry = self._learn_short(row, two)
            if entry is None:
                return at
            length, text, pattern, excess, rules = entry
            if length != LONGER:
                start = at + 6  # the header with a 7-bit length and a key
                end = start + length
                if end > size:
                    return at
                payload = (_number(data[start:end], "big") ^ (key * pattern >> 8 * excess)).to_bytes(length, "big")
            else:
                start = at + 8  # the same with a 16-bit length
                if start > size:
                    return at
                (length,) = _LENGTH(data, at)
                try:
                    entry = longer[two << 16 | length]
                except KeyError:
                    entry = self._learn_long(row, two, length)
                end = start + length
                if entry is None or end > size:
                    return at
                _, text, pattern, excess, rules = entry
                if pattern:
                    # From the last octet to the first: half as much work for numbers of this size.
                    (key,) = _KEY(data, at)
                    unmasked = (_number(data[start:end], "little") ^ key * pattern).to_bytes(length + excess, "little")
                    payload = unmasked[:length] if excess else unmasked
                else:
                    payload = mask(data[start:end], data[start - KEY_OCTETS : start])
            if text:
                try:
                    append(_new(Message, (payload.decode(), rules)))
                except UnicodeDecodeError:
                    return at
            else:
                append(_new(Message, (payload, rules)))
            at = end
        return at

    def _read_unmasked(self, row: Row, data: bytes, at: int, events: list[EndpointEvent]) -> int:
        """The same for frames without a masking key."""
        known, append, size = row.short, events.append, len(data)
        last = size - _SHORT_HEADER
        while at <= last:
            (two,) = _SHORT_UNMASKED(data, at)
            try:
                entry = known[two]
            except KeyError:
                entry = self._learn_short(row, two)
            if entry is None:
                return at
            start, length = at + _SHORT_HEADER, entry.length
            if length == LONGER:
                start = at + _LONG_HEADER
                if start > size:
                    return at
                (length,) = _LENGTH(data, at)
                try:
                    entry = row.long[two << 16 | length]
                except KeyError:
                    entry = self._learn_long(row, two, length)
            end = start + length
            if entry is None or end > size:
                return at
            payload = data[start:end]
            if entry.text:
                try:
                    append(_new(Message, (payload.decode(), entry.rules)))
                except UnicodeDecodeError:
                    return at
            else:
                append(_new(Message, (payload, entry.rules)))
            at = end
        return at

    def _learn_short(self, row: Row, two: int) -> Entry | None:
        if len(row.short) >= MOST_ENTRIES:
            row.short.clear()
        octets = two.to_bytes(FIXED_OCTETS, "big")
        if unpack_fixed(octets)["length"] == LENGTH_FORMS[FORM_16].marker:
            entry: Entry | None = _LOOK_AT_LENGTH
        else:
            # For 64-bit lengths this is no header yet, and they are not for the table.
            found = decode_header(octets + _ANY_KEY)
            entry = self._entry(row.state, found[0]) if found is not None else None
        row.short[two] = entry
        return entry

    def _learn_long(self, row: Row, two: int, length: int) -> Entry | None:
        if len(row.long) >= MOST_ENTRIES:
            row.long.clear()
        found = decode_header(two.to_bytes(FIXED_OCTETS, "big") + length.to_bytes(2, "big") + _ANY_KEY)
        entry = row.long[two << 16 | length] = self._entry(row.state, found[0]) if found is not None else None
        return entry

    def _entry(self, state: State, header: Header) -> Entry | None:
        """The entry for a header; None where valid text or any data is not just delivered."""
        if header.opcode not in (TEXT, BINARY) or header.rsv1 or header.rsv2 or header.rsv3:
            return None
        outcome = self._machine.canonical(state, Event(EventKind.RECEIVE, facts_of_header(header)))
        if outcome is None or outcome.label.kind is not Kind.ACCEPT or outcome.state != state:
            return None
        wanted = TEXT_MESSAGE if header.opcode == TEXT else BINARY_MESSAGE
        if outcome.label.delivers != wanted or self._machine.owed(state):
            return None
        words = -(-header.length // KEY_OCTETS) if header.length <= _MOST_BY_NUMBER else 0
        excess = words * KEY_OCTETS - header.length if words else 0
        return Entry(header.length, header.opcode == TEXT, _pattern(words), excess, outcome.rules)


@cache
def _pattern(words: int) -> int:
    """The number whose product with a number of 32 bits is that number, written so many times."""
    return sum(1 << 8 * KEY_OCTETS * index for index in range(words))


__all__ = ["MOST_ENTRIES", "MOST_ROWS", "DecisionTable", "Entry", "Row"]
