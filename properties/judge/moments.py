"""The moments of a trace: what an endpoint is seen to do, and what had arrived and been asked for by then."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from wsoracle.model.octets.units import FrameUnit, HeadUnit

from .observation import (
    ClosesTcp,
    Crashes,
    Processed,
    Quiet,
    ResetsTcp,
    Tells,
)


class Message(NamedTuple):
    """A whole message: the opcode of its first frame and its octets."""

    opcode: int
    payload: bytes


class Asked(NamedTuple):
    """The requests of the application so far: how many whole messages, how many Pongs, and whether to close.

    `unsent` is the first of these messages that was not sent since, None without one."""

    messages: int = 0
    pongs: int = 0
    close: bool = False
    unsent: Message | None = None


Seen: TypeAlias = HeadUnit | FrameUnit | ClosesTcp | ResetsTcp | Tells | Processed | Quiet | Crashes | None


class Moment(NamedTuple):
    """Something that the endpoint is seen to do, or (None) that a part of the opening handshake arrives, and where.

    `arrived` counts octets; `eof`: the end of TCP had arrived too, `lost`: that of both directions; `ended`: it had
    ended its own. `written` is where
    the last whole unit ends that the endpoint had written. `number` counts what the endpoint was seen to do before: it
    is the same however octets are cut, and `at` is not.
    """

    at: int
    what: Seen
    arrived: int
    eof: bool
    asked: Asked
    written: int
    lost: bool = False
    number: int = 0
    ended: bool = False
