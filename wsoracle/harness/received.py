"""What an endpoint has sent so far, counted: enough to know whether it has sent what was to be waited for."""

from __future__ import annotations

from typing import Final

from wsoracle.model.octets.frames import Header, decode_header
from wsoracle.model.octets.http import HeadReader, Malformed, Read
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import CLOSE, PING, PONG, Role, is_control

__all__ = ["Incoming"]

_LARGEST_CONTROL: Final = 65535
"""Octets of a control frame that are kept; of an illegal one that is larger, nothing is."""


class Incoming:
    """Octets of the endpoint as heads and frames, one after the other. No octets make it raise.

    `messages` counts whole messages, `pongs` are the payloads of Pongs, `ping` is that of the latest Ping until it is
    taken, `close` is the payload of the first Close, `frames` counts all. `inside` is whether a frame is not complete.
    """

    def __init__(self, sender: Role) -> None:
        self.head: Read | Malformed | None = None
        self.messages = 0
        self.frames = 0
        self.pongs: Final[list[bytes]] = []
        self.ping: bytes | None = None
        self.close: bytes | None = None
        self._reader: HeadReader | None = HeadReader(sender.peer)
        self._header: Header | None = None
        self._left = 0  # octets of the payload that are missing
        self._payload = bytearray()
        self._waiting: list[bytes] = []

    @property
    def rest(self) -> bytes:
        """What has come and is neither part of a head nor of a frame yet."""
        return b"".join(self._waiting)

    @property
    def inside(self) -> bool:
        """Whether a frame has begun and is not complete."""
        return self._header is not None

    def begin_frames(self) -> None:
        """No head is expected any more."""
        self._reader = None

    def begin_head(self, sender: Role) -> None:
        """Another head is expected, an interim answer having come."""
        self.head, self._reader = None, HeadReader(sender.peer)

    def take(self, octets: bytes = b"") -> None:
        """More was received; what is not complete is kept, or taken in part."""
        if octets:
            self._waiting.append(octets)
        if self._reader is not None and self.head is None and self._waiting:
            self._reader.feed(self._taken())
            self.head = self._reader.result
            if isinstance(self.head, Read) and self.head.rest:
                self._waiting.append(self.head.rest)
        if self._reader is None and self._waiting:
            self._take_frames(self._taken())

    def _taken(self) -> bytes:
        octets = self._waiting[0] if len(self._waiting) == 1 else b"".join(self._waiting)
        self._waiting.clear()
        return octets

    def _take_frames(self, octets: bytes) -> None:
        at, size = 0, len(octets)
        while at < size:
            if self._header is None:
                found = decode_header(octets, at)
                if found is None:
                    break
                self._header, at = found
                self._left = self._header.length
            part = min(self._left, size - at)
            if is_control(self._header.opcode) and self._header.length <= _LARGEST_CONTROL:
                self._payload += octets[at : at + part]
            at += part
            self._left -= part
            if self._left:
                break
            self._complete(self._header)
            self._header = None
        if at < size:
            self._waiting.append(octets[at:])

    def _complete(self, header: Header) -> None:
        self.frames += 1
        if not is_control(header.opcode):
            self.messages += header.fin
            return
        payload = bytes(self._payload) if header.key is None else mask(bytes(self._payload), header.key)
        self._payload.clear()
        if header.opcode == PONG:
            self.pongs.append(payload)
        elif header.opcode == PING:
            self.ping = payload
        elif header.opcode == CLOSE and self.close is None:
            self.close = payload
