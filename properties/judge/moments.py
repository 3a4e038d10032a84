"""The moments of a trace: what an endpoint is seen to do, and what had arrived and been asked for by then."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple, TypeAlias

from wsoracle.model.octets.units import FrameUnit, HeadUnit
from wsoracle.model.octets.vocabulary import CONTINUATION

from .observation import (
    OPCODE_OF,
    Asks,
    ClosesTcp,
    Crashes,
    Processed,
    Quiet,
    ResetsTcp,
    Tells,
)


class Message(NamedTuple):
    """A whole message: the opcode of its first frame and its octets.

    ``open``: it was compressed, and what a receiver makes of its octets is the receiver's own affair.
    """

    opcode: int
    payload: bytes
    open: bool = False

    def is_answered_by(self, sent: Message) -> bool:
        """Whether an echo of this message may be the message that was sent."""
        return self == sent or (self.open and self.opcode == sent.opcode)


class Asked(NamedTuple):
    """The requests of the application so far: how many whole messages, how many Pongs, and whether to close.

    `unsent` is the first of these messages that was not sent since, None without one."""

    messages: int = 0
    pongs: int = 0
    close: bool = False
    unsent: Message | None = None


class Asking:
    """Gathers what the application asks for."""

    def __init__(self) -> None:
        self.so_far = Asked()
        self.messages: Final[list[Message]] = []
        self.pongs: Final[dict[bytes, int]] = {}
        """How many Pongs had been asked for before the first with this payload."""
        self._unsent: Final[Counter[Message]] = Counter()
        self._ever: Final[set[Message]] = set()
        self._opcode = 0
        self._parts: list[bytes] = []

    def sent(self, message: Message) -> None:
        """A message was sent."""
        if message in self._unsent:
            self._unsent[message] -= 1
            if not self._unsent[message]:
                del self._unsent[message]
            self.so_far = self.so_far._replace(unsent=next(iter(self._unsent), None))

    def asks(self, message: Message) -> bool:
        """Whether this message was ever asked for."""
        return message in self._ever

    def add(self, asks: Asks) -> None:
        """One more request."""
        before = self.so_far
        if asks.what in OPCODE_OF:
            opcode = OPCODE_OF[asks.what]
            if opcode != CONTINUATION:
                self._opcode, self._parts = opcode, []
            self._parts.append(asks.payload)
            if asks.fin:
                message = Message(self._opcode, b"".join(self._parts))
                self.messages.append(message)
                self._ever.add(message)
                self._unsent[message] += 1
                self.so_far = before._replace(messages=before.messages + 1, unsent=next(iter(self._unsent)))
        elif asks.what == "pong":
            self.pongs.setdefault(asks.payload, before.pongs)
            self.so_far = before._replace(pongs=before.pongs + 1)
        elif asks.what == "close":
            self.so_far = before._replace(close=True)


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
