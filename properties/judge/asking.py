"""What an application asks its endpoint to send, as a trace shows it."""

from __future__ import annotations

from collections import Counter
from typing import Final

from wsoracle.model.octets.vocabulary import CONTINUATION

from .moments import Asked, Message
from .observation import (
    OPCODE_OF,
    Asks,
)


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
