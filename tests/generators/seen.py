"""What an endpoint's octets show, in the words of cases."""

from __future__ import annotations

from tests.frames_read import frames_read
from wsoracle.generators.cases.outcome import (
    SeenClose,
    SeenEvent,
    SeenMessage,
    SeenPong,
    SeenRequest,
    SeenResponse,
    SeenTcpClosed,
)
from wsoracle.model.octets.deflate_stream import Inflater
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PONG, TEXT


def seen_of(octets: bytes, *, closed: bool, opening: bool = False) -> tuple[SeenEvent, ...]:
    """The messages, Pongs and Closes in octets, and the end of TCP; ``opening``: a request or a response before.

    Messages with RSV1 are inflated, as under permessage-deflate with contexts taken over.
    """
    seen: list[SeenEvent] = []
    if opening and octets:
        head, _, octets = octets.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/"):
            seen.append(SeenResponse(int(head.split()[1]), b"Sec-WebSocket-Version: 13" in head))
        else:
            seen.append(SeenRequest())
    message, binary, compressed = b"", False, False
    inflater = Inflater(takeover=True)
    for frame in frames_read(octets):
        if frame.opcode in (TEXT, BINARY, CONTINUATION):
            binary = binary if frame.opcode == CONTINUATION else frame.opcode == BINARY
            compressed = compressed if frame.opcode == CONTINUATION else frame.rsv1
            message += inflater.inflate(frame.payload, frame.fin, None) if compressed else frame.payload
            if frame.fin:
                seen.append(SeenMessage(message, binary))
                message = b""
        elif frame.opcode == PONG:
            seen.append(SeenPong(frame.payload))
        elif frame.opcode == CLOSE:
            seen.append(SeenClose(int.from_bytes(frame.payload[:2]) if len(frame.payload) > 1 else None))
    return (*seen, SeenTcpClosed()) if closed else tuple(seen)
