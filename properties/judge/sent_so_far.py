"""What an endpoint has sent so far: its frames, the messages that they make, and when it last sent which."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import Final

from wsoracle.model.octets.units import FrameUnit
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, PONG, is_control

from .moments import Message, Moment
from .predictable_keys import MaskingKeys


class SentSoFar:
    """The frames that an endpoint sent. `frames` are all of them."""

    def __init__(self) -> None:
        self.frames: Final[list[FrameUnit]] = []
        self.messages: Final[dict[int, Message]] = {}
        """The messages sent, by where their last frame begins."""
        self.has_close = False
        """Whether the endpoint sent a Close."""
        self._opcode = CONTINUATION
        self._parts: list[bytes] = []
        self._close_codes: Final[set[int]] = set()
        self._pongs: Final[dict[bytes, int]] = {}
        """Where the latest Pong with a payload begins."""
        self._latest: Final[dict[int, int]] = {}
        """Where the latest frame with an opcode begins, of those that the endpoint sent."""
        self._keys_shown: int | None = None
        self._copies: Final[Counter[Message]] = Counter()
        self._last_sent: Final[dict[Message, int]] = {}
        """Where the last frame of the latest copy of a message begins."""
        self._quiet_from = 0
        """How much the endpoint had written when it was last quiet."""
        self._repeats: Final[set[int]] = set()
        """Where the last frames of messages begin of which a copy was sent since the endpoint was last quiet."""
        self._sent_before: Final[dict[int, int]] = {}
        """For each message sent, by where its last frame begins: how many times the same was sent before."""

    @cached_property
    def keys(self) -> MaskingKeys:
        """The masking keys so far: those of a client, since a server has none."""
        return MaskingKeys()

    def take(self, frame: FrameUnit) -> Message | None:
        """One more frame; the message that it ends, if it does."""
        opcode = frame.header.opcode
        self.frames.append(frame)
        self.has_close |= opcode == CLOSE
        self._latest[opcode] = frame.start
        if opcode == CLOSE and len(frame.payload) > 1:
            self._close_codes.add(int.from_bytes(frame.payload[:2], "big"))
        if opcode == PONG:
            self._pongs[frame.payload] = frame.start
        if frame.header.key is not None and self.keys.add(frame.header.key):
            self._keys_shown = frame.start
        if is_control(opcode):
            return None
        if opcode != CONTINUATION:
            self._opcode, self._parts = opcode, []
        self._parts.append(frame.payload)
        if not frame.header.fin:
            return None
        message = Message(self._opcode, b"".join(self._parts))
        self.messages[frame.start] = message
        self._sent_before[frame.start] = self._copies[message]
        self._copies[message] += 1
        if self._last_sent.get(message, -1) >= self._quiet_from:
            self._repeats.add(frame.start)
        self._last_sent[message] = frame.start
        self._parts = []
        return message

    def be_quiet(self, written: int) -> None:
        """The endpoint is quiet after it has written so many octets."""
        self._quiet_from = written

    @property
    def close_codes(self) -> tuple[int, ...]:
        """The status codes of the Close frames that the endpoint sent."""
        return tuple(sorted(self._close_codes))

    def opcodes_after(self, moment: Moment) -> set[int]:
        """The opcodes of the frames that the endpoint sent after a moment."""
        return {opcode for opcode, start in self._latest.items() if start >= moment.written}

    def sends(self, message: Message) -> bool:
        """Whether the endpoint ever sends this message."""
        return message in self._copies

    def sends_after(self, message: Message, moment: Moment) -> bool:
        """Whether the endpoint sends this message after a moment, as far as the trace is known."""
        return self._last_sent.get(message, -1) >= moment.written

    def sends_from(self, moment: Moment, answer: Message | bytes) -> bool:
        """Whether the endpoint sends this message, or a Pong with this payload, at a moment or after it."""
        sent = self._pongs.get(answer, -1) if isinstance(answer, bytes) else self._last_sent.get(answer, -1)
        return sent >= (moment.what.start if isinstance(moment.what, FrameUnit) else moment.written)

    def repeats(self, last: FrameUnit) -> bool:
        """Whether the message that this frame ends was sent before, and the endpoint was not quiet since."""
        return last.start in self._repeats

    def copies_before(self, last: FrameUnit) -> int:
        """How many times the same message as the one that this frame ends was sent before it."""
        return self._sent_before[last.start]

    def shows_keys(self, frame: FrameUnit) -> bool:
        """Whether this is the frame with whose masking key it is certain that the endpoint's keys can be foreseen."""
        return frame.start == self._keys_shown
