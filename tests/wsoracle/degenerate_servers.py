"""Servers that are no servers: what a suite must not be content with, and what must not harm it.

The first are what a suite must not be content with: they complete the opening handshake and then hang up, say nothing,
close everything with 1002, close at once, or echo whatever comes without looking at it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from wsoracle.model.octets.accept_key import accept_value
from wsoracle.model.octets.frames import decode_header, encode
from wsoracle.model.octets.masking import mask
from wsoracle.model.octets.vocabulary import CLOSE, CONTINUATION, PING, TEXT, Frame

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, extra: str = "") -> None:
    """Complete the opening handshake, whatever is asked."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    keys = (
        line.partition(":")[2].strip() for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key")
    )
    key = next(keys, "")  # it answers whatever it is asked
    writer.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nServer: degenerate\r\n"
        f"Sec-WebSocket-Accept: {accept_value(key)}\r\n{extra}\r\n".encode()
    )


async def received(reader: asyncio.StreamReader) -> AsyncIterator[tuple[Frame, bytes]]:
    """The frames that come, unmasked, each with its octets as they came. A frame of more than 2^62 octets is
    not waited for: its header is enough to refuse it."""
    data = b""
    while octets := await reader.read(65536):
        data += octets
        at = 0
        while (found := decode_header(data, at)) is not None:
            header, body = found
            end = body + header.length
            if end > len(data) and not header.length >> 62:
                break
            payload = data[body:end]
            plain = payload if header.key is None else mask(payload, header.key)
            frame = Frame(header.opcode, plain, header.fin, header.rsv1, header.rsv2, header.rsv3)
            yield frame, data[at:end]
            at = min(end, len(data))
        data = data[at:]


async def frames(reader: asyncio.StreamReader) -> AsyncIterator[Frame]:
    """The frames that come, unmasked."""
    async for frame, _ in received(reader):
        yield frame


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Completes the opening handshake and drops TCP."""
    await handshake(reader, writer)


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Completes the opening handshake and never answers."""
    await handshake(reader, writer)
    while await reader.read(65536):
        pass


async def closes_everything(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers the first octets of anything with Close 1002, and ends TCP."""
    await handshake(reader, writer)
    await reader.read(65536)
    writer.write(encode(Frame(CLOSE, b"\x03\xea")))


async def closes_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Completes the opening handshake, sends Close 1000 at once, reads until the peer's Close, and ends TCP."""
    await handshake(reader, writer)
    writer.write(encode(Frame(CLOSE, b"\x03\xe8")))
    async for frame in frames(reader):
        if frame.opcode == CLOSE:
            return


async def echoes_everything(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends every frame back as it came, without looking at it; a Close ends it."""
    await handshake(reader, writer)
    async for frame in frames(reader):
        writer.write(encode(Frame(10 if frame.opcode == PING else frame.opcode, frame.payload, frame.fin,
                                  frame.rsv1, frame.rsv2, frame.rsv3)))  # fmt: skip
        if frame.opcode == CLOSE:
            return


async def ignores_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the connection and answers nothing at all."""
    while await reader.read(65536):
        pass


async def never_comes_to_the_point(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Interim answers, and nothing after them."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 5000)
    await reader.read()


async def endless_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Header fields without an end."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\n")
    while not writer.is_closing():
        writer.write(b"X-More: " + b"x" * 4096 + b"\r\n")
        await writer.drain()


async def declares_too_much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A frame of 2^62 octets, of which some come."""
    await handshake(reader, writer)
    writer.write(b"\x82\x7f" + struct.pack(">Q", 1 << 62) + b"x" * 1000)
    while await reader.read(65536):
        pass


async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pings without an end."""
    await handshake(reader, writer)
    ping = encode(Frame(PING, b"x")) * 1000
    while not writer.is_closing():
        writer.write(ping)
        await writer.drain()


async def trickles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A message, octet by octet, slowly and without an end."""
    await handshake(reader, writer)
    writer.write(b"\x81\x7f" + struct.pack(">Q", 1 << 20))
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def compresses_unasked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Agrees to an extension that nobody offered, and uses it."""
    await handshake(reader, writer, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
    writer.write(encode(Frame(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv1=True)))
    while await reader.read(65536):
        pass


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Completes the opening handshake and resets TCP."""
    await handshake(reader, writer)
    await reader.read(1)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def sends_html(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """HTML wherever a page may show what it sent."""
    await handshake(reader, writer, "X-Evil: <script>document.title='owned'</script>\r\n")
    writer.write(encode(Frame(TEXT, b"<img src=x onerror=\"document.title='owned'\">")))
    writer.write(encode(Frame(CONTINUATION, b"</script><script>document.title='owned'</script>")))
    writer.write(encode(Frame(CLOSE, b"\x03\xe8<b onmouseover=alert(1)>\"'`</b>")))


DEGENERATE: Final = (hangs_up, says_nothing, closes_everything, closes_at_once, echoes_everything)
HOSTILE: Final = (
    ignores_http,
    never_comes_to_the_point,
    endless_head,
    declares_too_much,
    floods,
    trickles,
    compresses_unasked,
    resets,
    sends_html,
)


@asynccontextmanager
async def serving(handler: Handler, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """A server on loopback for as long as the block lasts; its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(
                ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError
            ):
                await handler(reader, writer)
        finally:
            tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(run, host, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
