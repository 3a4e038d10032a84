"""UTF-8 as the automaton of RFC 3629, section 4, which RFC 6455 requires of text (sections 5.6, 7.1.6 and 8.1).

Theory of operation. `ROWS` is the ABNF of RFC 3629, section 4, turned into a table: reading one octet between `low`
and `high` in `state` leads to `next`; an octet that no row mentions leads to REJECT, and REJECT is never left. There
is nothing else to know: single steps, whole runs, what is reachable by reading a number of octets, and octets that
lead from one state to another are all computed from the rows. Overlong forms, the surrogates D800-DFFF and anything
above 10FFFF are rejected at the earliest octet that shows them, because the rows for E0, ED, F0 and F4 narrow the
octet that follows.

The interpreter's own decoder is used only to go fast over octets already known to start at a character boundary; it
says where the first trouble is, and the table decides what the trouble is.
"""

from __future__ import annotations

from typing import Final, NamedTuple

ACCEPT: Final = 0
"""At a character boundary: what was read so far is well-formed."""
TAIL1: Final = 1
"""One more octet of 80-BF is due."""
TAIL2: Final = 2
"""Two more are due."""
TAIL3: Final = 3
"""Three more are due."""
AFTER_E0: Final = 4
"""After E0: what follows must not make the form overlong."""
AFTER_ED: Final = 5
"""After ED: what follows must not make a surrogate."""
AFTER_F0: Final = 6
"""After F0: what follows must not make the form overlong."""
AFTER_F4: Final = 7
"""After F4: what follows must not exceed 10FFFF."""
REJECT: Final = 8
"""Not UTF-8, whatever follows."""

STATE_NAMES: Final = (
    "ACCEPT",
    "TAIL1",
    "TAIL2",
    "TAIL3",
    "AFTER_E0",
    "AFTER_ED",
    "AFTER_F0",
    "AFTER_F4",
    "REJECT",
)
STATES: Final = tuple(range(len(STATE_NAMES)))


class Row(NamedTuple):
    """In `state`, an octet from `low` to `high` (both included) leads to `next`."""

    state: int
    low: int
    high: int
    next: int


ROWS: Final = (
    Row(ACCEPT, 0x00, 0x7F, ACCEPT),  # UTF8-1 = %x00-7F
    Row(ACCEPT, 0xC2, 0xDF, TAIL1),  # UTF8-2 = %xC2-DF UTF8-tail
    Row(ACCEPT, 0xE0, 0xE0, AFTER_E0),  # UTF8-3 = %xE0 %xA0-BF UTF8-tail
    Row(ACCEPT, 0xE1, 0xEC, TAIL2),  # / %xE1-EC 2( UTF8-tail )
    Row(ACCEPT, 0xED, 0xED, AFTER_ED),  # / %xED %x80-9F UTF8-tail
    Row(ACCEPT, 0xEE, 0xEF, TAIL2),  # / %xEE-EF 2( UTF8-tail )
    Row(ACCEPT, 0xF0, 0xF0, AFTER_F0),  # UTF8-4 = %xF0 %x90-BF 2( UTF8-tail )
    Row(ACCEPT, 0xF1, 0xF3, TAIL3),  # / %xF1-F3 3( UTF8-tail )
    Row(ACCEPT, 0xF4, 0xF4, AFTER_F4),  # / %xF4 %x80-8F 2( UTF8-tail )
    Row(TAIL1, 0x80, 0xBF, ACCEPT),  # UTF8-tail = %x80-BF
    Row(TAIL2, 0x80, 0xBF, TAIL1),
    Row(TAIL3, 0x80, 0xBF, TAIL2),
    Row(AFTER_E0, 0xA0, 0xBF, TAIL1),
    Row(AFTER_ED, 0x80, 0x9F, TAIL1),
    Row(AFTER_F0, 0x90, 0xBF, TAIL2),
    Row(AFTER_F4, 0x80, 0x8F, TAIL2),
)


def _compile() -> bytes:
    """The rows as one flat table: the entry at ``state * 256 + octet`` is the next state."""
    table = bytearray([REJECT]) * (len(STATES) * 256)
    for row in ROWS:
        for octet in range(row.low, row.high + 1):
            table[row.state * 256 + octet] = row.next
    return bytes(table)


_NEXT: Final = _compile()

# Octets decoded at once by `run`: keeps the decoded copy small beside the octets themselves.
_SLICE: Final = 1 << 16


def step(state: int, octet: int) -> int:
    """The state after reading one octet (0-255) in `state`; ValueError for other numbers."""
    if not 0 <= octet <= 255:
        raise ValueError(f"an octet is in 0..255, not {octet}")
    _check_state(state)
    return _NEXT[state << 8 | octet]


def run(octets: bytes | bytearray, state: int = ACCEPT) -> int:
    """The state after reading all of `octets` from `state`: a fold of `step`, done fast.

    The octets are a whole text exactly when the answer is ACCEPT; any other state but REJECT is an unfinished
    character, to be carried over to the next fragment.
    """
    if state == ACCEPT and octets.isascii():
        return ACCEPT
    _check_state(state)
    return _scan(octets, state)[0]


def first_reject(octets: bytes | bytearray, state: int = ACCEPT) -> int | None:
    """The index of the first octet that cannot be part of UTF-8 text after `state`, or None.

    In REJECT already, that is index 0 (None for no octets at all): every octet is too much.
    """
    _check_state(state)
    if not octets:
        return None
    end, index = _scan(octets, state)
    return index - 1 if end == REJECT else None


def _scan(octets: bytes | bytearray, state: int) -> tuple[int, int]:
    """The state after `octets`, and how many were read to know it (fewer than all only for REJECT)."""
    index, size = 0, len(octets)
    while index < size:
        if state == ACCEPT:
            piece = octets[index : index + _SLICE]
            try:
                piece.decode("utf-8")
            except UnicodeDecodeError as trouble:
                # Up to here all is well-formed; the table says what comes next, within four octets.
                index += trouble.start
            else:
                index += len(piece)
                continue
        state = _NEXT[state << 8 | octets[index]]
        index += 1
        while state != ACCEPT and index < size:
            if state == REJECT:
                return REJECT, index
            state = _NEXT[state << 8 | octets[index]]
            index += 1
    return state, index


def _post(states: frozenset[int]) -> frozenset[int]:
    """The states that one octet, any of the 256, can lead to from any of `states`."""
    return frozenset(nxt for state in states for nxt in _NEXT[state << 8 : (state + 1) << 8])


def _reach(state: int) -> tuple[frozenset[int], ...]:
    """The sets reached by 0, 1, 2, ... octets from `state`, up to the first that equals its successor.

    From there on the sets never change again, since each is a function of the one before it.
    """
    sets = [frozenset((state,))]
    while (after := _post(sets[-1])) != sets[-1]:
        if after in sets:
            raise AssertionError(f"from {STATE_NAMES[state]} the reachable sets alternate and never settle")
        sets.append(after)
    return tuple(sets)


_REACH: Final = tuple(_reach(state) for state in STATES)

#: From this many octets on, more octets do not change what is reachable, whatever the starting state.
SATURATION: Final = max(len(sets) for sets in _REACH) - 1


def reachable_after(state: int, length: int) -> frozenset[int]:
    """The states in which reading *exactly* `length` octets from `state` can end.

    Exact for every length, however large: the sets are computed to their fixpoint (`SATURATION` octets at most).
    """
    _check_state(state)
    if length < 0:
        raise ValueError(f"a length is not negative, unlike {length}")
    sets = _REACH[state]
    return sets[min(length, len(sets) - 1)]


def _representatives(state: int) -> tuple[tuple[int, int], ...]:
    """One (octet, next state) for each state that an octet leads to from `state`, in order of preference."""
    chosen: dict[int, int] = {}
    # A readable octet first, then the lowest of each row, then whatever no row mentions.
    for octet in (0x61, *(row.low for row in ROWS if row.state == state), *range(256)):
        chosen.setdefault(_NEXT[state << 8 | octet], octet)
    # Go on being well-formed as long as the target allows it.
    return tuple(sorted(((octet, nxt) for nxt, octet in chosen.items()), key=lambda pair: pair[1] == REJECT))


_REPRESENTATIVES: Final = tuple(_representatives(state) for state in STATES)


def shortest_octets(state: int, target: int, length: int) -> bytes:
    """Octets, exactly `length` of them, that lead from `state` to `target`; always the same ones.

    Text stays readable and well-formed as long as it can: ``shortest_octets(ACCEPT, REJECT, 4)`` is ``aaa`` and one
    octet that spoils it. Takes time in proportion to `length`. ValueError when there are no such octets.
    """
    _check_state(target)
    if target not in reachable_after(state, length):
        raise ValueError(f"no {length} octets lead from {STATE_NAMES[state]} to {STATE_NAMES[target]}")
    octets = bytearray()
    while len(octets) < length:
        left = length - len(octets) - 1
        octet, nxt = next(pair for pair in _REPRESENTATIVES[state] if target in reachable_after(pair[1], left))
        # While the answer cannot change (same state, still saturated), the same octet is written in one go.
        times = max(1, left - SATURATION) if nxt == state else 1
        octets += bytes((octet,)) * times
        state = nxt
    return bytes(octets)


def _check_state(state: int) -> None:
    if not 0 <= state <= REJECT:
        raise ValueError(f"a state of the automaton is in 0..{REJECT}, not {state}")
