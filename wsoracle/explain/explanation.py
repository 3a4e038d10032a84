"""The parts of an explanation: the units that an endpoint receives, each with the rules and outcomes for it.

Frames and heads are explained alike (:class:`UnitReading`). They differ in how a unit is shown field by field, and in
the changes that would have made it legal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from wsoracle.model.machine.interpreted import Outcome
from wsoracle.model.notation.rule import Due, Rule, RuleSet
from wsoracle.model.notation.switches import Switch
from wsoracle.model.notation.variables import EventKind, Facts, Setting, State
from wsoracle.model.octets.deflate import DeflateFacts
from wsoracle.model.rules import RULES

from .begun_frame import EarlyDecision
from .field_table import FieldRow
from .head_lines import HeadLine
from .nearest_head import Mended
from .nearest_legal import Elsewhere, LegalChange


class ExplainError(ValueError):
    """There is nothing to explain, or the history cannot have been; the message is one line that says what to do."""


class Owed(NamedTuple):
    """Something that the endpoint owes, the rule that says so, and octets that discharge it (of a frame or a head)."""

    due: Due
    rule: Rule
    octets: bytes = b""


class SwitchEffect(NamedTuple):
    """A disputed point that decides about a unit: with another value of the switch other outcomes are allowed."""

    switch: Switch
    value: str
    outcomes: tuple[Outcome, ...]


class Inflated(NamedTuple):
    """What a frame of a compressed message adds to it (RFC 7692), and what was measured of the message so far.

    ``agreed``: permessage-deflate was agreed on; otherwise the frame only looks as if it was.
    """

    octets: bytes
    measured: DeflateFacts
    agreed: bool


class AsSent(NamedTuple):
    """A unit as an act of its sender, whose setting and state before are these; ``breaks``: the rules against it."""

    sender: Setting
    before: State
    breaks: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class UnitReading:
    """A unit as the endpoint reads it.

    ``outcomes`` are allowed in full, first the one that is followed, which leads to ``after``; an incomplete unit has
    no outcomes. ``departing`` break only SHOULD or CONSENSUS rules; ``refusals`` are the binding rules against the
    unit. ``sent`` says whether its sender was allowed to send it: the same octets may be barred on one side alone.
    """

    octets: bytes
    before: State
    after: State
    facts: Facts
    outcomes: tuple[Outcome, ...] = ()
    departing: tuple[Outcome, ...] = ()
    refusals: tuple[Rule, ...] = ()
    owed: tuple[Owed, ...] = ()
    disputes: tuple[SwitchEffect, ...] = ()
    sent: AsSent | None = None

    @property
    def breaks(self) -> tuple[Rule, ...]:
        """The rules that its sender broke."""
        return () if self.sent is None else self.sent.breaks


@dataclass(frozen=True, kw_only=True)
class FrameReading(UnitReading):
    """A frame, whole or (``begun``) its beginning, with its ``lines`` field by field.

    ``start`` counts octets from the beginning of the octets explained. For a frame that is not accepted, ``elsewhere``
    says where it is legal as it is, ``changes`` make it legal here, and ``peer_accepts`` says that an endpoint of the
    other role, in the same state, accepts it. ``inflated`` is what it says where it is compressed, or looks like it.
    """

    start: int
    lines: tuple[FieldRow, ...]
    elsewhere: Elsewhere | None = None
    changes: tuple[LegalChange, ...] = ()
    peer_accepts: bool = False
    begun: EarlyDecision | None = None
    inflated: Inflated | None = None


@dataclass(frozen=True, kw_only=True)
class HeadReading(UnitReading):
    """A head of the opening handshake, with its ``lines`` and the facts that each line gives.

    ``malformed`` says why the octets are no head, ``tolerated`` why they are one that no sender may write;
    ``missing``: they end before the head does. ``absent`` are fields that are not there, ``rest`` is the number of
    octets after the head, and ``mended`` is the nearest sound head.
    """

    kind: EventKind
    lines: tuple[HeadLine, ...]
    absent: tuple[str, ...] = ()
    malformed: str | None = None
    tolerated: str | None = None
    missing: bool = False
    rest: int = 0
    mended: Mended | None = None


R = TypeVar("R", bound=UnitReading, covariant=True)


@dataclass(frozen=True)
class ExplainedOctets(Generic[R]):
    """All units that are explained, from the state ``start`` on; ``history`` are the frames received before.

    ``sent`` is the number of frames that the endpoint has sent before; ``notes`` say what was assumed.
    """

    setting: Setting
    start: State
    readings: tuple[R, ...]
    history: tuple[FrameReading, ...] = ()
    sent: int = 0
    notes: tuple[str, ...] = ()
    rules: RuleSet = RULES
