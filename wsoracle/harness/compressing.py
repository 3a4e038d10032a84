"""The messages of a case as the tester writes them under permessage-deflate (RFC 7692, section 7.2.1).

Cases send the same few messages in turns. From the third turn on a message is written as in the turn before: all that
its octets refer to is as far behind it there as here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from wsoracle.generators.cases.compression import Agreement, frames_of
from wsoracle.generators.cases.steps import SendFrame, octets_of
from wsoracle.model.octets.vocabulary import KEY_OCTETS


class WrittenMessage(NamedTuple):
    """A message on the wire: its octets, and its frames in number."""

    octets: bytes
    frames: int


class CompressedMessages:
    """What the tester has sent on one connection, compressed as was agreed; at most ``fragment`` octets a frame."""

    def __init__(self, agreed: Agreement, fragment: int | None) -> None:
        self._agreed: Final = agreed
        self._fragment: Final = fragment
        self._deflater = agreed.deflater()
        self._turn: Final[list[SendFrame]] = []
        self._written: Final[list[WrittenMessage]] = []
        self._plain: Final[dict[int, bytes]] = {}
        self._sent = 0
        self._is_turned = False
        self._in_turns = True

    def written(self, action: SendFrame, key: bytes | None) -> WrittenMessage:
        """The next message: the payload of the frame, compressed, and masked with the key if there is one."""
        place = self._place_of(action)
        known = place is not None and self._sent >= 2 * len(self._turn)
        if place is not None and known:
            message = self._written[place]
        else:
            message = self._compressed(action, key)
            if place is not None:
                self._written[place:] = [message, *self._written[place + 1 :]]
        self._sent += 1
        return message

    def plain(self, action: SendFrame) -> bytes:
        """The octets of a message as they would be without compression, masked with a key of zeros. (They tell what is
        to be answered.)"""
        if id(action) not in self._plain:
            self._plain[id(action)] = octets_of(action, bytes(KEY_OCTETS))
        return self._plain[id(action)]

    def _place_of(self, action: SendFrame) -> int | None:
        """The place of the next message in the turn; None where messages are not sent in turns."""
        if not self._is_turned:
            if not self._turn or action is not self._turn[0]:
                self._turn.append(action)
                return self._sent
            self._is_turned = True
        place = self._sent % len(self._turn)
        if self._in_turns and self._turn[place] is not action:
            self._in_turns = False
            # What was taken from the turn before was not compressed here: a context of its own fits any other.
            self._deflater = self._agreed.deflater()
        return place if self._in_turns else None

    def _compressed(self, action: SendFrame, key: bytes | None) -> WrittenMessage:
        payload = self._deflater.deflate(action.payload, True)
        frames = list(frames_of(action.frame.opcode, payload, self._fragment, key))
        return WrittenMessage(b"".join(frames), len(frames))
