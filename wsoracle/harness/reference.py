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
        self._endpoint: Final = Endpoint(role, limit=MAX_LENGTH)

    def take(self, octets: bytes) -> None:
        """The same octets were sent to the endpoint under test."""
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
