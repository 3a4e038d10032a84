"""What is taken down of a drawn endpoint: octets that it sends come late, joined and cut, but in their order."""

from __future__ import annotations

from random import Random
from typing import Final

from wsoracle.properties.judge.observation import (
    Arrives,
    ArrivesEof,
    ArrivesReset,
    Asks,
    ClosesTcp,
    Observation,
    Processed,
    Quiet,
    ResetsTcp,
    ShutsDownTcp,
    Tells,
    Writes,
)


class Observer:
    """Takes down a trace. ``inside``: it runs in the process of the endpoint, and sees what its application is told."""

    def __init__(self, random: Random, *, inside: bool, hurry: float, cuts: float) -> None:
        self.trace: Final[list[Observation]] = []
        self.inside: Final = inside
        self._random: Final = random
        self._hurry: Final = hurry
        self._cuts: Final = cuts
        self._sent = bytearray()
        self.lost = False
        """TCP was reset by the peer: nothing that is sent from then on is seen."""
        self.written = 0
        """How many octets the endpoint has sent so far that are seen, or will be."""

    def arrives(self, octets: bytes) -> None:
        """Octets arrive at the endpoint."""
        if self._random.random() < self._hurry:
            self.flush()
        self.trace.append(Arrives(octets))

    def arrives_eof(self) -> None:
        """The peer ends its half of TCP."""
        self.trace.append(ArrivesEof())

    def arrives_reset(self) -> None:
        """The peer resets TCP: a part of what is on its way is lost, and all that comes later."""
        self._lose_some()
        self.trace.append(ArrivesReset())
        self.lost = True

    def sends(self, octets: bytes) -> None:
        """The endpoint sends octets, which are on their way."""
        if self.lost:
            return
        self._sent += octets
        self.written += len(octets)
        if self._random.random() < self._hurry:
            self.flush(partly=True)

    def flush(self, *, partly: bool = False) -> None:
        """What is on its way is seen; `partly`: or the beginning of it."""
        sent = self._sent
        while sent:
            count = len(sent)
            if count > 1 and self._random.random() < self._cuts:
                count = self._random.randrange(1, count)
            self.trace.append(Writes(bytes(sent[:count])))
            del sent[:count]
            if partly and count > 1 and self._random.random() < self._cuts:
                return

    def asks(self, request: Asks) -> None:
        """The application asks for something."""
        self.trace.append(request)

    def tells(self, event: Tells) -> None:
        """The application is told something, which shows only from inside."""
        if self.inside:
            self.flush()
            self.trace.append(event)

    def processed(self) -> None:
        """All that arrived was taken in, and the observer knows it."""
        self.flush()
        self.trace.append(Processed())

    def quiet(self) -> None:
        """The endpoint has nothing more to do."""
        self.flush()
        self.trace.append(Quiet())

    def closes(self) -> None:
        """The endpoint closes TCP."""
        self.flush()
        self.trace.append(ClosesTcp())

    def resets(self) -> None:
        """The endpoint resets TCP: a part of what is on its way is lost."""
        self._lose_some()
        self.trace.append(ResetsTcp())

    def shuts_down(self) -> None:
        """The endpoint ends its direction of TCP."""
        self.flush()
        self.trace.append(ShutsDownTcp())

    def _lose_some(self) -> None:
        if self._sent:
            on_its_way = len(self._sent)
            del self._sent[self._random.randrange(on_its_way + 1) :]
            self.written -= on_its_way - len(self._sent)
        self.flush()
