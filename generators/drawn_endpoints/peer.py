"""The peer of a drawn endpoint: what it sends, legal or not, and how much of it has arrived."""

from __future__ import annotations

from random import Random
from typing import Final

from wsoracle.model.octets.vocabulary import BINARY, CLOSE, TEXT, Role

from .compressed import CompressedWay
from .units import (
    PARTS,
    TEXTS,
    DrawnFrame,
    DrawnRequest,
    DrawnResponse,
    close_frames,
    control_frames,
    faulty_frames,
    frame,
    messages_in_parts,
    whole_messages,
)

DrawnUnit = DrawnFrame | DrawnRequest | DrawnResponse


class DrawnPeer:
    """Draws units one after another, and hands their octets on in pieces.

    `units` are those that it sends, `ends` where each ends in its octets, `arrived` how many octets have arrived.
    """

    def __init__(self, random: Random, role: Role, faults: float, cuts: float) -> None:
        self.units: Final[list[DrawnUnit]] = []
        self.ends: Final[list[int]] = []
        self.octets: Final = bytearray()
        self.arrived = 0
        self.eof = False
        self._random: Final = random
        self._endpoint: Final = role
        self._masked: Final = role is Role.SERVER
        self._faults: Final = faults
        self._cuts: Final = cuts
        self._type = 0
        self._parts: list[DrawnFrame] = []
        self._way: CompressedWay | None = None
        self._over = False

    def sends(self, unit: DrawnUnit) -> None:
        """One more unit is on its way."""
        if self._way is not None and isinstance(unit, DrawnFrame):
            unit = self._way.put(unit)
        self.units.append(unit)
        self.octets.extend(unit.octets)
        self.ends.append(len(self.octets))
        if isinstance(unit, DrawnFrame):
            self._follow(unit)

    def agree(self, way: CompressedWay) -> None:
        """From now on frames are read as those of a connection that agreed on permessage-deflate, early ones too."""
        self._way = way
        self.units[:] = [way.put(unit) if isinstance(unit, DrawnFrame) else unit for unit in self.units]

    def inflated(self, unit: DrawnFrame) -> DrawnFrame:
        """A frame, inflated as the one that comes next."""
        return unit if self._way is None else self._way.inflated(unit)

    @property
    def way(self) -> CompressedWay | None:
        """What it sends, where permessage-deflate was agreed on."""
        return self._way

    @property
    def sent_open(self) -> bool:
        """Whether it sent a compressed message of which a receiver may make what it likes: any echo is one of it."""
        deflated = [unit.deflated for unit in self.units if isinstance(unit, DrawnFrame)]
        return any(facts is not None and facts.fault.lost for facts in deflated)

    def _follow(self, unit: DrawnFrame) -> None:
        """Note where the message in progress stands, as a lenient reader has it."""
        opcode, fin = unit.header.opcode, unit.header.fin
        if opcode in (TEXT, BINARY):
            self._type = 0 if fin else opcode
        elif not opcode and fin:
            self._type = 0
        if not unit.whole or opcode == CLOSE:
            self._over = self._over or not unit.whole or self._random.random() < 0.7

    @property
    def over(self) -> bool:
        """It sends nothing more."""
        return self._over or self.eof

    def draw_frame(self) -> None:
        """One more frame, unless it has said all: mostly one that continues what it began."""
        if self._over:
            return
        random = self._random
        if random.random() < self._faults:
            odd = self._way is not None and random.random() < 0.5
            self.sends(self._way.faulty() if odd and self._way else self._draw_faulty())
            return
        which = random.random()
        if which < 0.3:
            self.sends(random.choice(control_frames(self._masked)))
        elif which < 0.37:
            self.sends(random.choice(close_frames(self._masked)))
        elif self._parts:
            self.sends(self._parts.pop(0))
        elif self._type:
            self.sends(frame(0, b"", masked=self._masked))
        elif self._way is not None and random.random() < 0.6:
            self._parts = list(self._compressed(self._way))
            self.sends(self._parts.pop(0))
        elif which < 0.8:
            self.sends(random.choice(whole_messages(self._masked)))
        else:
            self._parts = list(random.choice(messages_in_parts(self._masked)))
            self.sends(self._parts.pop(0))

    def _draw_faulty(self) -> DrawnFrame:
        return self._random.choice(faulty_frames(self._endpoint, self._type))

    def _compressed(self, way: CompressedWay) -> tuple[DrawnFrame, ...]:
        """The frames of a compressed message."""
        random = self._random
        if random.random() < self._faults:
            return way.odd_message()
        parts = random.choice(PARTS) if random.random() < 0.4 else (random.choice(TEXTS),)
        return way.message(random.choice((TEXT, BINARY)), parts)

    def next_chunk(self) -> bytes:
        """The octets that arrive next, which count as arrived from now on; none where nothing is on its way."""
        random, start = self._random, self.arrived
        waiting = len(self.octets) - start
        if not waiting:
            return b""
        if random.random() < self._cuts:
            count = random.randrange(1, waiting + 1)
        elif random.random() < 0.8:
            count = waiting
        else:
            count = next(end for end in self.ends if end > start) - start
        self.arrived = start + count
        return bytes(self.octets[start : self.arrived])
