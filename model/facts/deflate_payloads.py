"""Payloads of compressed frames from their facts: the way back from what a tracer measures to DEFLATE data.

:class:`CompressedRun` holds the compressed messages of one direction, as they were written. For the facts of a frame it
finds octets that have them, always the same ones: blocks with the fixed codes, one match at the distance that is asked
for, and empty blocks where the payload is to be longer. Each frame ends at the boundary of an octet, between blocks,
so that the next one begins anew. What was written is traced, and what has other facts is refused.
"""

from __future__ import annotations

from itertools import product
from typing import Final

from ..notation.variables import DAMAGE, Event, EventKind, FrameFacts, State
from ..octets import utf8
from ..octets.deflate import LARGEST_WINDOW, DeflateFacts, DeflateFault, DeflateTracer
from ..octets.deflate_encoder import LONGEST_MATCH, SHORTEST_MATCH, DeflateWriter, Match, Symbol
from ..octets.frames import minimal_form
from ..octets.vocabulary import BINARY, CONTINUATION, TEXT, Frame

_FILLER: Final = 0x61
_STORED: Final = b"\x00\x00\x00\xff\xff"
"""An empty stored block, at the boundary of an octet."""
_SIX: Final = b"\x02\x00\x00\x00\xff\xff"
"""An empty fixed block and an empty stored one."""
_FINAL: Final = b"\x03\x00"
"""An empty block with BFINAL = 1, which not all receivers take: only where there is no other way."""
_RESERVED: Final = 0b110, 3
"""The first bits of a block of the reserved type."""
_ENOUGH: Final = 24
"""Octets for some literals, a match and the ends of blocks."""
_MOST_EMPTY: Final = 8
"""Empty blocks within a payload, of ten bits each."""


def is_deflated(frame: FrameFacts | Frame, state: State, kind: EventKind) -> bool:
    """Whether a frame belongs to a compressed message, where it is received or sent in a state."""
    receiving = kind is EventKind.RECEIVE
    if not (state.recv_window if receiving else state.send_window):
        return False
    if frame.opcode in (TEXT, BINARY):
        return frame.rsv1
    return frame.opcode == CONTINUATION and (state.recv_compressed if receiving else state.send_compressed)


class CompressedRun:
    """The compressed messages of one direction so far. ``history``: octets that there are to refer to at first."""

    def __init__(self, history: int = 0) -> None:
        self._tracer: Final = DeflateTracer()
        self._inside = False
        self._before = 0
        self.given = b""
        """What the last frame inflates to."""
        if history:
            self.take(DeflateWriter().fixed(_filled(history, 1)).tail().octets, fin=True)

    @property
    def so_far(self) -> DeflateFacts:
        """What was measured of the message in progress; nothing between messages."""
        return self._tracer.facts if self._inside else DeflateFacts()

    @property
    def measured(self) -> DeflateFacts:
        """What was measured of the message so far, or of the last one between messages."""
        return self._tracer.facts

    @property
    def history(self) -> int:
        """How many octets before the message in progress there are to refer to, but for what it pushed out."""
        return self._tracer.history if not self._inside else self._before

    def take(self, payload: bytes, *, fin: bool) -> bytes:
        """Take the payload of a frame that was written; what it inflates to."""
        if not self._inside:
            self._before = self._tracer.history
        self.given = self._tracer.feed(payload)
        if fin:
            self.given += self._tracer.end()
        self._inside = not fin
        return self.given

    def nearest(self, wanted: FrameFacts, before: int | None) -> FrameFacts:
        """Facts that octets have, as near to these as can be: with as many octets as the others need at least."""
        so_far, damage = self.so_far, DAMAGE[wanted.damage]
        if damage == "no payload":
            return wanted
        farther = wanted.distance > so_far.distance or wanted.reach > so_far.reach
        start, after = (utf8.ACCEPT,) * 2 if before is None else (before, wanted.utf8_next)
        if farther:
            head = so_far.length + _least(start, utf8.ACCEPT)
            if wanted.reach > so_far.reach:
                wanted = wanted._replace(distance=max(wanted.distance, head + wanted.reach))
            octets = max(head, wanted.distance - wanted.reach) + _least(utf8.ACCEPT, after)
            octets += 0 if wanted.reach > self.history else SHORTEST_MATCH
        else:
            octets = so_far.length + _least(start, after)
        inflated = octets if wanted.reach > self.history else max(octets, wanted.inflated)
        if inflated == so_far.length and not farther and damage == "none":
            length = max(wanted.length, 1 if wanted.fin else 0)
        else:
            length = max(wanted.length, _ENOUGH + inflated // (LONGEST_MATCH // 2))
        return wanted._replace(inflated=inflated, length=length, form=max(wanted.form, minimal_form(length)))

    def write(self, wanted: FrameFacts, before: int | None) -> tuple[bytes, bytes]:
        """The payload of the next frame, and what it inflates to; ValueError where none has these facts.

        ``before`` is where the UTF-8 automaton stands, None for what is no text.
        """
        so_far = self.so_far
        payload = self._payload(wanted, so_far, before)
        inflated = self.take(payload, fin=wanted.fin)
        found = self.measured
        seen = (found.length, found.distance, found.reach, DAMAGE_OF.get(found.fault, "malformed"))
        expected = (wanted.inflated, wanted.distance, wanted.reach, DAMAGE[wanted.damage])
        if seen != expected or len(payload) != wanted.length:
            raise ValueError(f"no DEFLATE data was found that has these facts: {wanted}")
        return payload, inflated

    def _payload(self, wanted: FrameFacts, so_far: DeflateFacts, before: int | None) -> bytes:
        damage = DAMAGE[wanted.damage]
        octets = wanted.inflated - so_far.length
        if wanted.length == 0:
            return b""
        if octets < 0:
            raise ValueError("a message does not get shorter")
        symbols = self._symbols(wanted, so_far, octets, before)
        broken = damage == "malformed" or wanted.reach > self.history
        cut, alone = damage == "cut inside a block", damage == "no empty block behind the last one"
        unended = cut or alone
        for by_final, padding, empty in product((False, True), (b"", _SIX, _FINAL), range(_MOST_EMPTY + 1)):
            writer = DeflateWriter()
            for _ in range(empty):
                writer.fixed()
            if symbols or unended or not (wanted.fin or broken):
                writer.fixed(symbols, final=alone or (by_final and not wanted.fin), ended=not cut)
            if broken:
                writer.bits(*_RESERVED)
            elif wanted.fin and not unended:
                writer.tail()
            elif not unended and not by_final:
                writer.stored()
            left = wanted.length - len(padding) - len(writer.octets)
            if broken and left >= 0:
                return padding + writer.octets + bytes(left)
            if left >= 0 and left % len(_STORED) == 0:
                return padding + _STORED * (left // len(_STORED)) + writer.octets
        raise ValueError(f"{wanted.length} octets cannot inflate to that")

    def _symbols(self, wanted: FrameFacts, so_far: DeflateFacts, octets: int, before: int | None) -> list[Symbol]:
        """Literals, and where one is needed a match, that inflate to so many octets."""
        start = utf8.ACCEPT if before is None else before
        after = utf8.ACCEPT if before is None else wanted.utf8_next
        farther = wanted.distance > so_far.distance or wanted.reach > so_far.reach
        if not farther:
            return (
                [*utf8.shortest_octets(start, after, octets)]
                if octets < LONGEST_MATCH or not wanted.distance
                else [*_filled(octets, 1, utf8.shortest_octets(start, after, _least(start, after)))]
            )
        head = utf8.shortest_octets(start, utf8.ACCEPT, _least(start, utf8.ACCEPT))
        tail = utf8.shortest_octets(utf8.ACCEPT, after, _least(utf8.ACCEPT, after))
        here = so_far.length + len(head)
        gap = wanted.distance - wanted.reach - here
        if gap < 0 and wanted.reach > so_far.reach:
            raise ValueError("that far back it reaches farther over the start of the message")
        filled = _filled(max(gap, 0), wanted.distance)
        too_far = wanted.reach > self.history
        rest = octets - len(head) - max(gap, 0) - (0 if too_far else SHORTEST_MATCH) - len(tail)
        if rest < 0 or (too_far and rest):
            raise ValueError("it inflates to too few octets for this distance")
        match = Match(SHORTEST_MATCH, wanted.distance)
        return [*head, *filled, match, *_filled(rest, wanted.distance), *tail]


def _least(start: int, after: int) -> int:
    """The fewest octets that lead the automaton from one state to another."""
    for octets in range(utf8.SATURATION + 1):
        if after in utf8.reachable_after(start, octets):
            return octets
    raise ValueError("no octets lead the automaton there")


def _filled(octets: int, distance: int, tail: bytes = b"") -> list[Symbol]:
    """So many octets, the last ones given: a literal and matches of it where distances are allowed."""
    left = octets - len(tail)
    if not distance or left <= SHORTEST_MATCH:
        return [*[_FILLER] * left, *tail]
    symbols: list[Symbol] = [_FILLER]
    left -= 1
    while left >= SHORTEST_MATCH:
        length = min(left, LONGEST_MATCH)
        if 0 < left - length < SHORTEST_MATCH:
            length -= SHORTEST_MATCH
        symbols.append(Match(length, 1))
        left -= length
    return [*symbols, *[_FILLER] * left, *tail]


def run_of(event: Event, state: State, known: CompressedRun | None = None) -> CompressedRun | None:
    """The messages that a compressed frame goes on with in a state: those known, or else a history as long as there.
    None for any other frame."""
    if event.frame is None or not is_deflated(event.frame, state, event.kind):
        return None
    if known is not None:
        return known
    history = state.recv_history if event.kind is EventKind.RECEIVE else state.send_history
    return CompressedRun(min(history, LARGEST_WINDOW))


DAMAGE_OF: Final = {
    DeflateFault.NONE: "none",
    DeflateFault.EMPTY: "no payload",
    DeflateFault.UNENDED: "no empty block behind the last one",
    DeflateFault.TRUNCATED: "cut inside a block",
    DeflateFault.TOO_FAR: "none",
    DeflateFault.TOO_LONG: "none",
}
"""What rules call a fault of DEFLATE data; any other is "malformed"."""
