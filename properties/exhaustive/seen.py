"""A trace as the exhaustive search sees it: units by where they end, and what had arrived when each was sent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias

from wsoracle.model.facts.arriving import ArrivingFrames
from wsoracle.model.octets.frames import Header, decode_header
from wsoracle.model.octets.inflated_frames import AgreedDirection, InflatedFrames
from wsoracle.model.octets.units import Cutter, FrameUnit, HeadUnit
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, PING, PONG, Role

from ..judge.observation import (
    OPCODE_OF,
    Arrives,
    ArrivesEof,
    Asks,
    ClosesTcp,
    Observation,
    Processed,
    Quiet,
    ResetsTcp,
    Tells,
    Writes,
)


class BegunUnit(NamedTuple):
    """What the endpoint wrote last, if it is not whole; its header if it is read as a frame, None where that is cut."""

    header: Header | None


SeenAct: TypeAlias = "HeadUnit | FrameUnit | BegunUnit | ClosesTcp | ResetsTcp | Tells | Processed | Quiet"


class Happening(NamedTuple):
    """Something that the endpoint does: in which observation it shows, and what had arrived and been asked by then."""

    at: int
    act: SeenAct
    arrived: int
    eof: bool
    asked: tuple[tuple[int, bytes], ...]
    asked_close: bool
    pongs_before: int
    """How many Pongs with the same payload were sent before, where it is a Pong."""


class SeenTrace:
    """A trace of an endpoint of a role; ``opening``: it begins with the opening handshake."""

    def __init__(self, trace: Sequence[Observation], role: Role, *, opening: bool) -> None:
        self.trace: Final = tuple(trace)
        self.opening: Final = opening
        self.arrived: Final = bytearray(b"".join(one.octets for one in trace if isinstance(one, Arrives)))
        self._heads: Final = Cutter(role, heads_only=True, octets=self.arrived) if opening else None
        sent = Cutter(role.peer if opening else None)
        if opening and role is Role.CLIENT:
            sent.expects_frames = self._written_before_switch()
        for one in trace:
            if isinstance(one, Writes):
                sent.add(one.octets)
            elif isinstance(one, (ClosesTcp, ResetsTcp)):
                sent.break_off()  # what is written after that continues nothing
        self.sent: Final = tuple(sent.units)
        begun = *sent.broken_off, (sent.rest, len(sent.octets))
        self._begun: Final = {end: bytes(sent.octets[start:end]) for start, end in begun if start < end}
        """The octets of units that are not whole, by where they end."""
        self.no_head_until: Final = next((u.end for u in self.sent if isinstance(u, HeadUnit) and not u.head), None)
        """Where octets end that are no head although one should stand there; what follows them is none either."""
        self._frames: Final[dict[tuple[int, AgreedDirection | None], ArrivingFrames]] = {}
        self._sent_under: Final[dict[AgreedDirection, dict[int, FrameUnit]]] = {}

    def _written_before_switch(self) -> int | None:
        """How many octets a client had written when the first 101 had arrived."""
        opens = next((unit for unit in self.heads if unit.switches), None)
        arrived = written = 0
        for one in self.trace:
            if opens is not None and arrived >= opens.end:
                return written
            if isinstance(one, Arrives):
                arrived += len(one.octets)
            elif isinstance(one, Writes):
                written += len(one.octets)
        return written if opens is not None and arrived >= opens.end else None

    @cached_property
    def heads(self) -> tuple[HeadUnit, ...]:
        """The heads among the octets that arrive."""
        if self._heads is None:
            return ()
        return tuple(unit for unit in self._heads.units if isinstance(unit, HeadUnit))

    def behind_head(self, index: int) -> int:
        """Where the frames begin if they do so behind a head, and behind the body of a request."""
        assert self._heads is not None
        units = self._heads.units
        return units[index + 1].start if index + 1 < len(units) else self._heads.behind

    def frames(self, start: int, agreed: AgreedDirection | None = None) -> ArrivingFrames:
        """The frames that arrive from an offset on; ``agreed``: permessage-deflate, by which they are inflated."""
        if (start, agreed) not in self._frames:
            self._frames[start, agreed] = ArrivingFrames(self.arrived, start, agreed)
        return self._frames[start, agreed]

    def inflated(self, frame: FrameUnit, agreed: AgreedDirection) -> FrameUnit:
        """A frame that the endpoint sent, inflated by what was agreed on."""
        if agreed not in self._sent_under:
            reader = InflatedFrames(agreed)
            sent = [unit for unit in self.sent if isinstance(unit, FrameUnit)]
            self._sent_under[agreed] = {unit.start: reader.take(unit) for unit in sent}
        return self._sent_under[agreed][frame.start]

    @cached_property
    def close_codes(self) -> frozenset[int]:
        """The status codes that the endpoint sends, or tells its application."""
        frames = [unit for unit in self.sent if isinstance(unit, FrameUnit) and unit.header.opcode == CLOSE]
        sent = {int.from_bytes(frame.payload[:2], "big") for frame in frames if len(frame.payload) > 1}
        told = {one.code for one in self.trace if isinstance(one, Tells) and one.kind == "failed"}
        return frozenset(sent | {code for code in told if code is not None})

    @cached_property
    def tells_of_failure(self) -> bool:
        """Whether the endpoint ever tells its application that it fails the connection."""
        return any(isinstance(one, Tells) and one.kind == "failed" for one in self.trace)

    def happenings(self) -> list[Happening]:
        """What the endpoint does, in order."""
        found: list[Happening] = []
        arrived = written = taken = 0
        eof = asked_close = False
        asked: list[tuple[int, bytes]] = []
        parts: list[bytes] = []
        opcode = CONTINUATION
        pongs: dict[bytes, int] = {}

        def happens(at: int, act: SeenAct) -> None:
            before = 0
            if isinstance(act, FrameUnit) and act.header.opcode == PONG:
                before = pongs.get(act.payload, 0)
                pongs[act.payload] = before + 1
            found.append(Happening(at, act, arrived, eof, tuple(asked), asked_close, before))

        for at, one in enumerate(self.trace):
            if isinstance(one, Arrives):
                arrived += len(one.octets)
            elif isinstance(one, ArrivesEof):
                eof = True
            elif isinstance(one, Asks):
                asked_close |= one.what == "close"
                if one.what in OPCODE_OF:
                    opcode, parts = (opcode, parts) if one.what == "continuation" else (OPCODE_OF[one.what], [])
                    parts.append(one.payload)
                    asked += [(opcode, b"".join(parts))] if one.fin else []
            elif isinstance(one, Writes):
                written += len(one.octets)
                while taken < len(self.sent) and self.sent[taken].end <= written:
                    happens(at, self.sent[taken])
                    taken += 1
                if written in self._begun:
                    decoded = decode_header(self._begun[written])
                    happens(at, BegunUnit(None if decoded is None else decoded[0]))
            elif isinstance(one, (ClosesTcp, ResetsTcp, Tells, Processed, Quiet)):
                happens(at, one)
        return found

    def pings(self, start: int, arrived: int, payload: bytes) -> int:
        """How many Pings with a payload had arrived whole, of the frames from an offset on."""
        frames = self.frames(start).frames
        return sum(1 for f in frames if f.header.opcode == PING and f.end <= arrived and f.payload == payload)
