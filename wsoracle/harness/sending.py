"""What the tester writes on one connection: the frames, octets and heads of a case, and control frames of its own.

Frames that follow one another go out in one write, as TCP is free to send them. A tester that is a client masks each
frame with a key of its own, drawn from the seed of the run.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Final

from wsoracle.generators.cases.compression import Agreement
from wsoracle.generators.cases.steps import SendFrame, SendOctets, octets_of
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, PING, Frame, Role, is_control

from .compressing import CompressedMessages
from .connection import Connection

_TOGETHER: Final = 64 * 1024
"""Octets of frames that go out in one write."""


class Sender:
    """The tester's half of a connection to an endpoint in a role; ``seed`` is that of masking keys and nonces.

    `frames` counts the whole frames that were written, by opcode; `close` is the payload of the first Close among them.
    `at_boundary`: no frame is incomplete. `pings` are the payloads of the case's own Pings; None where octets may have
    held others.
    """

    def __init__(self, connection: Connection, endpoint: Role, seed: str) -> None:
        self.frames: Final[Counter[int]] = Counter()
        self.close: bytes | None = None
        self.at_boundary = True
        self.pings: set[bytes] | None = set()
        self._connection: Final = connection
        self._masks: Final = endpoint is Role.SERVER
        self._random: Final = random.Random(seed)
        self._key: bytes | None = None
        self._latest: SendFrame | None = None
        self._latest_octets = b""
        self._held: Final[list[bytes]] = []
        self._held_octets = 0
        self._messages: CompressedMessages | None = None

    def compress(self, agreed: Agreement, fragment: int | None) -> None:
        """Compress the messages from now on, in frames of at most so many octets; control frames stay as they are."""
        self._messages = CompressedMessages(agreed, fragment)

    def nonce(self) -> bytes:
        """The 16 octets of the key of an opening handshake."""
        return self._random.randbytes(16)

    def frame(self, action: SendFrame, times: int) -> bytes:
        """Write a frame several times: all are the same to the last octet, masking key included. The octets of one,
        which are those of the frame without compression.
        """
        if self._messages is not None and not is_control(action.frame.opcode):
            for _ in range(times):
                self._message(self._messages, action)
            return self._messages.plain(action)
        if action is self._latest:
            octets = self._latest_octets
        else:
            self._key = self._new_key()
            octets = octets_of(action, self._key)
            self._latest, self._latest_octets = action, octets
        if self.pings is not None and action.frame.opcode == PING:
            self.pings.add(action.payload)
        if action.chop is None:
            together = max(1, _TOGETHER // len(octets))
            for begun in range(0, times, together):
                self._hold(octets * min(together, times - begun))
        else:
            self.flush()
            for _ in range(times):
                self._connection.write(octets, action.chop)
        self.at_boundary = action.is_whole
        if action.is_whole:
            self._count(action.frame.opcode, action.frame.payload, times)
        return octets

    def _message(self, messages: CompressedMessages, action: SendFrame) -> None:
        written = messages.written(action, self._new_key())
        self._hold(written.octets)
        self._count(action.frame.opcode, b"", 1)
        self._count(CONTINUATION, b"", written.frames - 1)

    def octets(self, action: SendOctets) -> bytes:
        """Write octets as they are, or as a part of the frame before; those that went out."""
        self.flush()
        octets = octets_of(action, self._key)
        self._connection.write(octets, action.chop)
        self._latest = self.pings = None
        self.at_boundary = False
        return octets

    def control(self, opcode: int, payload: bytes) -> None:
        """Write a control frame of the tester's own."""
        self._count(opcode, payload, 1)
        self._connection.write(encode(Frame(opcode, payload, key=self._new_key())))

    def flush(self) -> None:
        """Write the frames that are held."""
        if self._held:
            octets = b"".join(self._held)
            self._held.clear()
            self._held_octets = 0
            self._connection.write(octets)

    def _hold(self, octets: bytes) -> None:
        self._held.append(octets)
        self._held_octets += len(octets)
        if self._held_octets >= _TOGETHER:
            self.flush()

    def _count(self, opcode: int, payload: bytes, times: int) -> None:
        self.frames[opcode] += times
        if opcode == CLOSE and self.close is None:
            self.close = payload

    def _new_key(self) -> bytes | None:
        return self._random.randbytes(4) if self._masks else None
