"""The servers of the zoo: what each does amiss, and the causes that a report on it must name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame

from .base import KEY, Cage, Handler, Pieces, server


@dataclass(frozen=True)
class Animal:
    """A server. ``causes`` are those of its report: the verdict, and the id of the rule that leads a cause or what is
    amiss without a rule. ``revived``: a run starts it again."""

    name: str
    handler: Handler
    causes: frozenset[str]
    revived: bool = False


def _wait(seconds: float) -> Callable[..., Awaitable[None]]:
    async def wait(*_: object) -> None:
        await asyncio.sleep(seconds)

    return wait


def _no_close(frame: Frame) -> Frame | None:
    return None if frame.opcode == CLOSE else frame


def _no_ping(frame: Frame) -> Frame | None:
    return None if frame.opcode == PING else frame


def _no_bits(frame: Frame) -> Frame | None:
    return replace(frame, rsv1=False, rsv2=False, rsv3=False)


def _known(frame: Frame) -> Frame | None:
    return frame if frame.opcode in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG) else None


def _short_control(frame: Frame) -> Frame | None:
    return replace(frame, payload=frame.payload[:125]) if frame.opcode == PING else frame


def _whole_control(frame: Frame) -> Frame | None:
    return replace(frame, fin=True) if frame.opcode >= CLOSE else frame


def _close_as_1000(frame: Frame) -> Frame | None:
    return replace(frame, payload=b"\x03\xe8") if frame.opcode == CLOSE else frame


def _message(change: Callable[[Frame], Pieces]) -> Callable[[Frame, Frame], Pieces]:
    return lambda frame, heard: change(frame) if frame.opcode in (TEXT, BINARY) else (frame,)


def _of(opcode: int, change: Callable[[Frame], Pieces]) -> Callable[[Frame, Frame], Pieces]:
    return lambda frame, heard: change(frame) if frame.opcode == opcode else (frame,)


def _close(payload: bytes) -> Callable[[Frame, Frame], Pieces]:
    return _of(CLOSE, lambda frame: (Frame(CLOSE, payload),))


def _close_1000(frame: Frame, heard: Frame) -> Pieces:
    return (Frame(CLOSE, b"\x03\xe8"),) if frame.opcode == CLOSE and heard.opcode != CLOSE else (frame,)


def _masked(frame: Frame, heard: Frame) -> Pieces:
    return (replace(frame, key=KEY),)


def _bit(frame: Frame, heard: Frame) -> Pieces:
    return (replace(frame, rsv1=True),) if frame.opcode in (TEXT, BINARY) else (frame,)


def _returns_close(frame: Frame, heard: Frame) -> Pieces:
    return (heard,) if frame.opcode == CLOSE == heard.opcode else (frame,)


def _wrapped(frame: Frame, heard: Frame) -> Pieces:
    if frame.opcode == CLOSE:
        return ()
    return (replace(frame, payload=b"{" + frame.payload + b"}"),) if frame.opcode in (TEXT, BINARY) else (frame,)


def _wrong_pong_amid() -> Handler:
    """Pongs with another payload between fragments."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cage: Cage) -> None:
        amid = False

        def hears(frame: Frame) -> Frame | None:
            nonlocal amid
            amid = amid if frame.opcode >= CLOSE else not frame.fin
            return frame

        def says(frame: Frame, heard: Frame) -> Pieces:
            return (Frame(PONG, b"wrong"),) if frame.opcode == PONG and amid else (frame,)

        await server(hears, says)(reader, writer, cage)

    return serve


def _overlooks_utf8() -> Handler:
    """Takes text as octets, and sends it back as text."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cage: Cage) -> None:
        opcode = TEXT

        def hears(frame: Frame) -> Frame | None:
            nonlocal opcode
            opcode = frame.opcode if frame.opcode in (TEXT, BINARY) else opcode
            return replace(frame, opcode=BINARY) if frame.opcode == TEXT else frame

        def says(frame: Frame, heard: Frame) -> Pieces:
            return (replace(frame, opcode=opcode) if frame.opcode == BINARY else frame,)

        await server(hears, says)(reader, writer, cage)

    return serve


def _answers(head: bytes) -> Handler:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cage: Cage) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"Content-Length: 0\r\nConnection: close\r\n\r\n")

    return serve


def _goes_away() -> Handler:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cage: Cage) -> None:
        numbers = count()

        def says(frame: Frame, heard: Frame) -> Pieces:
            done = frame.opcode in (TEXT, BINARY) and not next(numbers)
            return (frame, Frame(CLOSE, b"\x03\xe8")) if done else (frame,)

        await server(says=says)(reader, writer, cage)

    return serve


async def _says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cage: Cage) -> None:
    while await reader.read(65536):
        pass


def _busy(most: int, answer: bytes) -> Handler:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cage: Cage) -> None:
        if cage.open > most:
            writer.write(answer)
            return
        await server(before=_wait(0.02))(reader, writer, cage)

    return serve


def _one_by_one() -> Handler:
    locks: dict[Cage, asyncio.Lock] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cage: Cage) -> None:
        async with locks.setdefault(cage, asyncio.Lock()):
            await server()(reader, writer, cage)

    return serve


async def _dies_of_rsv2(frame: Frame, cage: Cage) -> None:
    if frame.rsv2:
        cage.die()
        await asyncio.sleep(60)


_AGE: Final = 6


async def _dies_of_age(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cage: Cage) -> None:
    if cage.served > _AGE:
        cage.die()
        await asyncio.sleep(60)


async def _dies_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cage: Cage) -> None:
    if cage.served == _AGE + 1:
        cage.die()
        await asyncio.sleep(60)


def _row(name: str, handler: Handler, *causes: str, revived: bool = False) -> Animal:
    return Animal(name, handler, frozenset(causes), revived)


SERVERS: Final = (
    _row("sound", server()),
    _row("never answers a Close", server(_no_close), "FAILED 5.5.1/close-owed", "FAILED 7.4.2/receive-unused-codes"),
    _row(
        "keeps TCP open", server(stays=True), "FAILED 5.5.1/server-tcp-close-owed", "FAILED 7.1.7/server-tcp-close-owed"
    ),
    _row("answers an empty Close", server(says=_close(b"")), "NON-STRICT 7.1.7/appropriate-code"),
    _row("answers Close 1005", server(says=_close(b"\x03\xed")), "FAILED 7.4.1/send-code-1005"),
    _row("sends every Close back", server(_close_as_1000, _returns_close), "FAILED 5.5.1/send-unused-codes"),
    _row("Close 1000 for every fault", server(says=_close_1000), "NON-STRICT 7.1.7/appropriate-code"),
    _row(
        "drops TCP for a Close",
        server(says=_of(CLOSE, lambda frame: ())),
        "FAILED 7.3/closing-handshake-first+5.5.1/answer-close-first",
        "NON-STRICT 7.1.7/close-frame-before-tcp",
    ),
    _row(
        "drops empty messages",
        server(says=_message(lambda frame: (frame,) if frame.payload else ())),
        "FAILED echo/the-message-was-not-sent-back",
    ),
    _row(
        "upper case",
        server(says=_message(lambda frame: (replace(frame, payload=frame.payload.upper()),))),
        "FAILED echo/the-message-differs-at-octet-n",
    ),
    _row(
        "wraps messages, and drops TCP for a Close",
        server(says=_wrapped),
        "FAILED echo/the-message-differs-at-octet-n",
        "FAILED 7.3/closing-handshake-first+5.5.1/answer-close-first",
        "NON-STRICT 7.1.7/close-frame-before-tcp",
    ),
    _row(
        "the other type",
        server(says=_message(lambda frame: (replace(frame, opcode=3 - frame.opcode),))),
        "FAILED echo/the-message-is-binary-instead-of-text",
        "FAILED 5.6/text-is-utf8",
    ),
    _row(
        "echoes twice",
        server(says=_message(lambda frame: (frame, frame))),
        "FAILED echo/your-application-sends-a-message-of-its-own",
    ),
    _row(
        "greets", server(greets=encode(Frame(TEXT, b"welcome"))), "OK echo/your-application-sends-a-message-of-its-own"
    ),
    _row(
        "closes after one answer",
        _goes_away(),
        "OK echo/your-application-closes-by-itself-with-close-n",
        "NON-STRICT 7.1.7/appropriate-code",
    ),
    _row(
        "answers 1011",
        server(says=_message(lambda frame: (Frame(CLOSE, b"\x03\xf3"),))),
        "FAILED echo/your-application-answers-with-close-n",
    ),
    _row("never sends a Pong", server(_no_ping), "FAILED 5.5.2/pong-owed", "FAILED 5.5/long-control"),
    _row("empty Pongs", server(says=_of(PONG, lambda frame: (Frame(PONG),))), "FAILED 5.5.2/pong-owed"),
    _row("wrong Pongs between fragments", _wrong_pong_amid()),
    _row(
        "fragmented Pongs",
        server(says=_of(PONG, lambda frame: (replace(frame, fin=False),))),
        "FAILED 5.4/control-not-fragmented",
    ),
    _row("masks", server(says=_masked), "FAILED 5.1/server-does-not-mask"),
    _row("sets RSV1", server(says=_bit), "FAILED 5.2/reserved-bits-zero"),
    _row("overlooks reserved bits", server(_no_bits), "FAILED 5.2/reserved-bits"),
    _row("overlooks unknown opcodes", server(_known), "FAILED 5.2/unknown-opcode"),
    _row("overlooks long Pings", server(_short_control), "FAILED 5.5/long-control"),
    _row("overlooks invalid UTF-8", _overlooks_utf8(), "FAILED 8.1/invalid-text"),
    _row("overlooks fragmented Pings", server(_whole_control), "FAILED 5.5/fragmented-control"),
    _row("slow handshake", server(before=_wait(0.7))),
    _row("slow echoes", server(each=_wait(0.15))),
    _row("one connection at a time", _one_by_one()),
    _row("three connections, else 503", _busy(3, b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")),
    _row("three connections, else the end of TCP", _busy(3, b"")),
    _row("says nothing", _says_nothing, "FAILED 4.2.2/response-owed", "NOT RUN silent"),
    _row(
        "101 and nothing else",
        server(lambda frame: None),
        "FAILED echo/the-message-was-not-sent-back",
        "NOT RUN silent",
    ),
    _row("404", _answers(b"HTTP/1.1 404 Not Found\r\n"), "FAILED opening/404"),
    _row("401", _answers(b"HTTP/1.1 401 Unauthorized\r\n"), "FAILED opening/401"),
    _row("302", _answers(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n"), "FAILED opening/302"),
    _row(
        "wrong accept value",
        server(head=lambda octets: octets.replace(b"-Accept: ", b"-Accept: x")),
        "FAILED 4.2.2/send-accept",
    ),
    _row(
        "101 without Upgrade",
        server(head=lambda octets: octets.replace(b"Upgrade: websocket\r\n", b"")),
        "FAILED 4.2.2/send-upgrade",
    ),
    _row("dies of RSV2", server(each=_dies_of_rsv2), "NOT RUN died"),
    _row("dies of RSV2, and is started again", server(each=_dies_of_rsv2), "FAILED died of it", revived=True),
    _row("dies of age", server(before=_dies_of_age), "NOT RUN died"),
    _row("dies once, of no case, and is started again", server(before=_dies_once), "NOT RUN died", revived=True),
)
