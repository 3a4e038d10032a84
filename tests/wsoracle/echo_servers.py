"""Servers whose application echoes, but for one thing: what a run must say of each is in `harness/test_contract.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

from tests.wsoracle.degenerate_servers import Handler, frames, handshake
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame

Send = Callable[[Frame], None]
Application = Callable[[Frame, Send], Awaitable[None]]
"""Is given a whole message, as one frame, and sends what it likes."""


async def echoes(message: Frame, send: Send) -> None:
    """Sends it back."""
    send(message)


def served(application: Application = echoes, *, greeting: bytes | None = None) -> Handler:
    """A server that does what RFC 6455 asks for legal frames; its application gets each message when it is whole."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handshake(reader, writer)
        closed = False

        def send(frame: Frame) -> None:
            nonlocal closed
            if not closed:
                writer.write(encode(frame))
            closed = closed or frame.opcode == CLOSE

        if greeting is not None:
            send(Frame(TEXT, greeting))
        opcode, payload = TEXT, b""
        async for frame in frames(reader):
            if frame.opcode == CLOSE:
                send(frame)
                return
            if frame.opcode == PING:
                send(Frame(PONG, frame.payload))
            elif frame.opcode in (TEXT, BINARY, CONTINUATION):
                opcode, payload = (opcode, payload) if frame.opcode == CONTINUATION else (frame.opcode, b"")
                payload += frame.payload
                if frame.fin:
                    await application(Frame(opcode, payload), send)

    return serve


async def answers_1011(message: Frame, send: Send) -> None:
    """Closes whatever comes."""
    send(Frame(CLOSE, b"\x03\xf3"))


async def upper_case(message: Frame, send: Send) -> None:
    """Another text."""
    send(Frame(message.opcode, message.payload.upper()))


async def other_type(message: Frame, send: Send) -> None:
    """The other type."""
    send(Frame(TEXT + BINARY - message.opcode, message.payload))


async def drops_empty(message: Frame, send: Send) -> None:
    """No empty messages."""
    if message.payload:
        send(message)


async def late(message: Frame, send: Send) -> None:
    """All, but late."""
    await asyncio.sleep(0.15)
    send(message)


async def twice(message: Frame, send: Send) -> None:
    """Everything two times."""
    send(message)
    send(message)


async def sink(message: Frame, send: Send) -> None:
    """Nothing comes back."""


def swaps() -> Handler:
    """Of two messages on a connection the second goes back first."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting: list[Frame] = []

        async def application(message: Frame, send: Send) -> None:
            waiting.append(message)
            if len(waiting) == 2:
                send(waiting.pop())
                send(waiting.pop())

        await served(application)(reader, writer)

    return serve


def goes_away_after(answers: int, code: int = 1001) -> Handler:
    """Closes by itself after some answers, on each connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        numbers = count(1)

        async def application(message: Frame, send: Send) -> None:
            send(message)
            if next(numbers) == answers:
                send(Frame(CLOSE, code.to_bytes(2, "big")))

        await served(application)(reader, writer)

    return serve
