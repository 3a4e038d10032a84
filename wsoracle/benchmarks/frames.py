"""How many frames a second an implementation takes in: each side on the same octets, in turns, in one process.

Each side makes text of every message, as it would have to for an application, and answers nothing. The number of
messages that it delivers is checked: a side that delivers another number has not done the work, and fails the run.

The sides take turns within a round, and the order rotates from round to round, so that a machine whose speed changes
changes it for all of them. The figures are the median over the rounds and, relative to the first side, the median of
the ratios within each round. Seconds are CPU time of this process, which waits for nothing, so that other work on the
machine disturbs less. The figures belong to the machine and the moment; ratios travel better.
"""

from __future__ import annotations

import gc
import platform
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, NamedTuple

from rich.table import Table

from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.events import MessageReceived
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import TEXT, Frame, Role

from ..text.output import OnStep

CHUNK_OCTETS: Final = 64 * 1024
"""Octets handed over at once, as from one read of a socket."""


class BenchFailed(Exception):
    """A side did not deliver every message, so its time means nothing."""


class Contender(NamedTuple):
    """One implementation: its name, and a function that opens a connection in the server's role.

    The connection is a function that takes octets and returns how many messages they completed.
    """

    name: str
    connect: Callable[[], Callable[[bytes], int]]


class Traffic(NamedTuple):
    """``frames`` masked text frames, each a message of ``payload_octets`` octets of ASCII."""

    payload_octets: int
    frames: int

    @property
    def name(self) -> str:
        """For reports."""
        return f"{self.payload_octets:,}-octet text"

    def chunks(self, seed: int = 6455) -> list[bytes]:
        """The octets, cut every CHUNK_OCTETS; the same for the same seed. Each frame has its own key and text."""
        chance = random.Random(seed)
        letters = bytes(range(0x20, 0x7F))
        stream = b"".join(
            encode(Frame(TEXT, bytes(chance.choices(letters, k=self.payload_octets)), key=chance.randbytes(4)))
            for _ in range(self.frames)
        )
        return [stream[at : at + CHUNK_OCTETS] for at in range(0, len(stream), CHUNK_OCTETS)]


TRAFFIC: Final = (Traffic(payload_octets=13, frames=40_000), Traffic(payload_octets=1000, frames=10_000))
"""Long enough for some tenths of a second a measurement."""


@dataclass(frozen=True, slots=True)
class Speed:
    """One side on one kind of traffic: seconds of each round, in order, and its speed relative to the first side's."""

    traffic: Traffic
    side: str
    seconds: tuple[float, ...]
    ratio: float

    @property
    def frames_per_second(self) -> float:
        """The median over the rounds."""
        return self.traffic.frames / statistics.median(self.seconds)

    @property
    def octets_per_second(self) -> float:
        """Octets of messages a second, headers not counted: the median."""
        return self.frames_per_second * self.traffic.payload_octets


def run_bench(
    contenders: Sequence[Contender] | None = None,
    *,
    traffic: Sequence[Traffic] = TRAFFIC,
    rounds: int = 7,
    progress: OnStep = lambda what, done, total: None,
    clock: Callable[[], float] = time.process_time,
) -> list[Speed]:
    """Measure each side on each kind of traffic, ``rounds`` times; ratios are relative to the first side.

    Without ``contenders``: :func:`sides`. Raises ImportError where a library is not installed, BenchFailed where a side
    delivers another number of messages than were sent.
    """
    every = sides() if contenders is None else list(contenders)
    measured: list[Speed] = []
    for number, sent in enumerate(traffic):
        chunks = sent.chunks()
        seconds: dict[str, list[float]] = {side.name: [] for side in every}
        for turn in range(rounds):
            first = turn % len(every)
            for place, side in enumerate(every[first:] + every[:first]):
                done = (number * rounds + turn) * len(every) + place
                progress(f"{sent.name}: {side.name}", done, len(traffic) * rounds * len(every))
                seconds[side.name].append(_measure(side, sent, chunks, clock))
        reference = seconds[every[0].name]
        for name, own in seconds.items():
            ratio = statistics.median(theirs / ours for theirs, ours in zip(reference, own, strict=True))
            measured.append(Speed(sent, name, tuple(own), ratio))
    return measured


def _measure(side: Contender, sent: Traffic, chunks: list[bytes], clock: Callable[[], float]) -> float:
    receive = side.connect()
    delivered = 0
    gc.collect()
    start = clock()
    for chunk in chunks:
        delivered += receive(chunk)
    seconds = clock() - start
    if delivered != sent.frames:
        raise BenchFailed(f"{side.name} delivered {delivered} of {sent.frames} messages ({sent.name})")
    return seconds


# --- the sides --------------------------------------------------------------------------------------------------------


def sides() -> list[Contender]:
    """Our endpoint, then wsproto and websockets through their Sans-I/O interfaces, all with their defaults.

    Raises ImportError where one of them is not installed.
    """
    return [
        Contender("wsoracle", _endpoint),
        Contender(f"wsproto {version('wsproto')}", _wsproto),
        Contender(f"websockets {version('websockets')}", _websockets),
    ]


def _endpoint() -> Callable[[bytes], int]:
    endpoint = Endpoint(Role.SERVER)
    return lambda octets: sum(isinstance(event, MessageReceived) for event in endpoint.receive(octets))


def _wsproto() -> Callable[[bytes], int]:
    from wsproto.connection import Connection, ConnectionType
    from wsproto.events import TextMessage

    connection = Connection(ConnectionType.SERVER)
    parts: list[str] = []

    def receive(octets: bytes) -> int:
        delivered = 0
        connection.receive_data(octets)
        for event in connection.events():
            if isinstance(event, TextMessage):
                parts.append(event.data)
                if event.message_finished:
                    "".join(parts)
                    parts.clear()
                    delivered += 1
        return delivered

    return receive


def _websockets() -> Callable[[bytes], int]:
    from websockets.frames import Frame as WebsocketsFrame
    from websockets.protocol import State
    from websockets.server import ServerProtocol

    protocol = ServerProtocol(state=State.OPEN)

    def receive(octets: bytes) -> int:
        delivered = 0
        protocol.receive_data(octets)
        protocol.data_to_send()
        for frame in protocol.events_received():
            # The traffic has no fragments, and the library leaves the check of the text to its user.
            if isinstance(frame, WebsocketsFrame):
                bytes(frame.data).decode()
                delivered += frame.fin
        return delivered

    return receive


# --- the report -------------------------------------------------------------------------------------------------------


def as_json(speeds: Sequence[Speed]) -> dict[str, Any]:
    """The figures as plain data: seconds of each round, frames and octets a second, ratio to the first side."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "chunk_octets": CHUNK_OCTETS,
        "rounds": len(speeds[0].seconds),
        "reference": speeds[0].side,
        "results": [
            {
                "workload": speed.traffic.name,
                "payload_octets": speed.traffic.payload_octets,
                "frames": speed.traffic.frames,
                "contender": speed.side,
                "seconds": list(speed.seconds),
                "frames_per_second": speed.frames_per_second,
                "octets_per_second": speed.octets_per_second,
                "ratio": speed.ratio,
            }
            for speed in speeds
        ],
    }


def as_table(speeds: Sequence[Speed]) -> Table:
    """The figures for people."""
    rounds = len(speeds[0].seconds)
    table = Table(title=f"Received by a server, median of {rounds} rounds, {CHUNK_OCTETS // 1024} KiB chunks")
    for heading in ("frames", "side"):
        table.add_column(heading)
    for heading in ("frames/s", "slowest - fastest", "MiB/s", f"to {speeds[0].side}"):
        table.add_column(heading, justify="right")
    for speed in speeds:
        slowest, fastest = (speed.traffic.frames / seconds for seconds in (max(speed.seconds), min(speed.seconds)))
        table.add_row(
            speed.traffic.name,
            speed.side,
            f"{speed.frames_per_second:,.0f}",
            f"{slowest:,.0f} - {fastest:,.0f}",
            f"{speed.octets_per_second / 2**20:,.1f}",
            f"{speed.ratio:.2f} x",
        )
    return table
