"""The answers of a conforming endpoint, from an endpoint that follows the rules and is sent the same."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from wsoracle.generators.cases.live_case import LiveCase, SendFrame, SendOctets, octets_of
from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.events import CloseReceived, Failed, Message, PingReceived
from wsoracle.model.notation.variables import MAX_LENGTH
from wsoracle.model.octets.vocabulary import Role

from .answers import Step, runs

__all__ = ["Reference", "steps_of"]

_KEY: Final = b"\x37\xfa\x21\x3d"
"""Any key will do."""


class Reference:
    """An endpoint of the same role that follows the rules, fed with the same octets from the first frame on.

    `messages` and `pongs` are owed for what was taken; `failed` and `got_close` say what it does at the end.
    """

    def __init__(self, role: Role) -> None:
        self.messages = 0
        self.pongs = 0
        self.failed = False
        self.got_close = False
        self._latest: tuple[bytes, tuple[int, int] | None] = b"", None
        self._endpoint: Final = Endpoint(role, limit=MAX_LENGTH)

    def sent(self, octets: bytes, times: int = 1) -> None:
        """The same octets were sent to the endpoint under test, so many times after each other.

        Where they leave the state as it was, but for the length of the message, they do so again: nothing here depends
        on how long a message is. So long runs of fragments and of round trips cost next to nothing.
        """
        while times:
            latest, owed = self._latest
            if octets is latest and owed is not None:
                self.messages += owed[0] * times
                self.pongs += owed[1] * times
                return
            self._take(octets)
            times -= 1

    def _take(self, octets: bytes) -> None:
        before, messages, pongs = self._endpoint.state, self.messages, self.pongs
        for event in self._endpoint.receive(octets):
            if isinstance(event, Message):
                self.messages += 1
            elif isinstance(event, PingReceived):
                self.pongs += 1
            elif isinstance(event, CloseReceived):
                self.got_close = True
            elif isinstance(event, Failed):
                self.failed = True
        self._endpoint.octets_to_send()
        same = self._endpoint.state._replace(recv_length=before.recv_length) == before
        self._latest = octets, (self.messages - messages, self.pongs - pongs) if same else None


def steps_of(case: LiveCase, role: Role) -> list[Step]:
    """The answers to a case that begins with frames, a step for each time that something is sent (see `answers`)."""
    reference = Reference(role)
    key = _KEY if role is Role.SERVER else None
    steps: list[tuple[int, int, bool, bool]] = []
    latest: tuple[SendFrame | SendOctets, bytes] | None = None
    for action, times in runs(case.actions):
        if not isinstance(action, (SendFrame, SendOctets)):
            continue
        octets = latest[1] if latest is not None and latest[0] is action else octets_of(action, key)
        latest = action, octets
        before = reference.messages, reference.pongs, reference.failed, reference.got_close
        reference.sent(octets, times)
        steps.append(
            (
                reference.messages - before[0],
                reference.pongs - before[1],
                reference.failed and not before[2],
                reference.got_close and not before[3],
            )
        )
    return [(*step, len(list(same))) for step, same in groupby(steps)]
