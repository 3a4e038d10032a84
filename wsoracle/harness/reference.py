"""What a conforming endpoint sends for what it was sent: so that the tester knows what to wait for.

Nothing is judged by it. It says how many messages and Pongs are to come, and whether the connection is to be failed.
"""

from __future__ import annotations

from typing import Final

from wsoracle.model.endpoint import Endpoint
from wsoracle.model.events import CloseReceived, Failed, Message, PingReceived
from wsoracle.model.terms import MAX_LENGTH
from wsoracle.model.vocabulary import Role

__all__ = ["Reference"]


class Reference:
    """An endpoint of the same role that follows the rules, fed with the same octets from the first frame on.

    `messages` and `pings` were taken and are to be answered; `failed` and `got_close` say what it does at the end.
    """

    def __init__(self, role: Role) -> None:
        self.messages = 0
        self.pings: Final[list[bytes]] = []
        self.failed = False
        self.got_close = False
        self._latest: tuple[int, list[bytes]] | None = None
        self._endpoint: Final = Endpoint(role, limit=MAX_LENGTH)

    def take(self, octets: bytes) -> None:
        """The same octets were sent to the endpoint under test."""
        before, messages, pings = self._endpoint.state, self.messages, len(self.pings)
        for event in self._endpoint.receive(octets):
            if isinstance(event, Message):
                self.messages += 1
            elif isinstance(event, PingReceived):
                self.pings.append(event.payload)
            elif isinstance(event, CloseReceived):
                self.got_close = True
            elif isinstance(event, Failed):
                self.failed = True
        self._endpoint.octets_to_send()
        same = self._endpoint.state._replace(recv_length=before.recv_length) == before
        self._latest = (self.messages - messages, self.pings[pings:]) if same else None

    def take_again(self, octets: bytes, times: int = 1) -> None:
        """The same, for a frame that was sent right before, with another masking key perhaps, so many times more.

        Where it left the state as it was, but for the length of the message, it does so again: nothing here depends on
        how long a message is. So long runs of fragments and of round trips cost next to nothing.
        """
        while times and self._latest is None:
            self.take(octets)
            times -= 1
        if times and self._latest is not None:
            self.messages += self._latest[0] * times
            self.pings.extend(self._latest[1] * times)
