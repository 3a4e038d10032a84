"""How many frames a second an implementation takes in: every side on the same octets, in turns, in one process.

A side is a `Contender`: a name, and `make()`, which gives a fresh receiver of one connection in the server's role.
Its `receive(octets)` returns how many whole messages it delivered, which is checked: who delivers less has not done
the work. Every receiver makes text of each message, as it would have to for an application, and answers nothing.

The sides take turns within a round and the order rotates from round to round, so that a machine that grows slower or
faster meets all of them alike. Quoted are the median over the rounds and, against the first side, the median of the
ratios within each round. Seconds are of this process's CPU time (nothing here waits for anything), so other work on the
machine disturbs less. The numbers belong to the machine and the moment; ratios travel better.
"""

from __future__ import annotations

import gc
import platform
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from wsoracle.model.endpoint.endpoint import Endpoint
from wsoracle.model.endpoint.engine import EngineName
from wsoracle.model.endpoint.events import Message
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import TEXT, Frame, Role

__all__ = [
    "CHUNK_OCTETS",
    "WORKLOADS",
    "BenchFailed",
    "Contender",
    "Measured",
    "Receiver",
    "Report",
    "Workload",
    "as_json",
    "as_table",
    "contenders_of_ours",
    "library_contenders",
    "progress_on",
    "run_bench",
]

#: Octets handed over at once, as from one read of a socket.
CHUNK_OCTETS: Final = 64 * 1024

OnStep = Callable[[str, int, int], None]
"""Called before each measurement with what is measured, how many are done, and how many there are."""


class BenchFailed(Exception):
    """A side did not deliver every message, so its time means nothing."""


class Receiver(Protocol):
    """One open connection, as a server has it."""

    def receive(self, octets: bytes, /) -> int:
        """Take octets in a chunk of any size; return how many messages they completed."""


class Contender(Protocol):
    """One side of the comparison."""

    @property
    def name(self) -> str:
        """How the side is called in the report."""

    def make(self) -> Receiver:
        """A fresh connection."""


@dataclass(frozen=True, slots=True)
class Workload:
    """`frames` masked text frames, each a message of `payload_octets` octets of ASCII."""

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


#: Long enough for a few tenths of a second a measurement.
WORKLOADS: Final = (Workload(payload_octets=13, frames=40_000), Workload(payload_octets=1000, frames=10_000))


@dataclass(frozen=True, slots=True)
class Measured:
    """One side on one workload: seconds of each round, in order, and its speed relative to the first side's."""

    workload: Workload
    contender: str
    seconds: tuple[float, ...]
    ratio: float

    @property
    def frames_per_second(self) -> float:
        """The median over the rounds."""
        return self.workload.frames / statistics.median(self.seconds)

    @property
    def slowest(self) -> float:
        """Frames a second in the slowest round."""
        return self.workload.frames / max(self.seconds)

    @property
    def fastest(self) -> float:
        """Frames a second in the fastest round."""
        return self.workload.frames / min(self.seconds)

    @property
    def octets_per_second(self) -> float:
        """Octets of messages a second, headers not counted: the median."""
        return self.frames_per_second * self.workload.payload_octets


@dataclass(frozen=True, slots=True)
class Report:
    """All measurements of one run."""

    reference: str
    rounds: int
    measured: tuple[Measured, ...]


def run_bench(
    contenders: Sequence[Contender] | None = None,
    *,
    workloads: Sequence[Workload] = WORKLOADS,
    rounds: int = 7,
    progress: OnStep | None = None,
    clock: Callable[[], float] = time.process_time,
) -> Report:
    """Measure every contender on every workload, `rounds` times; ratios are against the first contender.

    Without `contenders`: ours, then the libraries. Raises ValueError where there is nothing to measure, ImportError
    where a library is not installed, BenchFailed where a side delivers another number of messages than were sent.
    """
    sides = list([*contenders_of_ours(), *library_contenders()] if contenders is None else contenders)
    if not (sides and workloads and rounds > 0):
        raise ValueError("a benchmark needs a contender, a workload and a round")
    if len({side.name for side in sides}) < len(sides):
        raise ValueError("two contenders have the same name")
    total = len(workloads) * rounds * len(sides)
    done = 0
    measured: list[Measured] = []
    for workload in workloads:
        chunks = workload.chunks()
        seconds: dict[str, list[float]] = {side.name: [] for side in sides}
        for number in range(rounds):
            turn = number % len(sides)
            for side in sides[turn:] + sides[:turn]:
                if progress is not None:
                    progress(f"{workload.name}: {side.name}", done, total)
                seconds[side.name].append(_measure(side, workload, chunks, clock))
                done += 1
        reference = seconds[sides[0].name]
        for side in sides:
            own = seconds[side.name]
            ratio = statistics.median(theirs / ours for theirs, ours in zip(reference, own, strict=True))
            measured.append(Measured(workload, side.name, tuple(own), ratio))
    if progress is not None:
        progress("measured", done, total)
    return Report(sides[0].name, rounds, tuple(measured))


def _measure(side: Contender, workload: Workload, chunks: list[bytes], clock: Callable[[], float]) -> float:
    receive = side.make().receive
    delivered = 0
    gc.collect()
    start = clock()
    for chunk in chunks:
        delivered += receive(chunk)
    seconds = clock() - start
    if delivered != workload.frames:
        raise BenchFailed(f"{side.name} delivered {delivered} of {workload.frames} messages ({workload.name})")
    return seconds


@dataclass(frozen=True, slots=True)
class _Side:
    name: str
    make: Callable[[], Receiver]


# --- our own endpoint


def contenders_of_ours() -> list[Contender]:
    """The endpoint as it comes, then without its decision table, so that each frame goes through the compiled rules.

    Every frame is judged in full either way, and every message names the rules that let it pass.
    """
    return [_endpoint("wsoracle", "table"), _endpoint("wsoracle without its table", "compiled")]


def _endpoint(name: str, engine: EngineName) -> Contender:
    class EndpointReceiver:
        def __init__(self) -> None:
            self._endpoint = Endpoint(Role.SERVER, engine=engine)

        def receive(self, octets: bytes, /) -> int:
            delivered = 0
            for event in self._endpoint.receive(octets):
                if isinstance(event, Message):
                    delivered += 1
            return delivered

    return _Side(name, EndpointReceiver)


# --- the libraries


def library_contenders() -> list[Contender]:
    """wsproto and websockets, each through its Sans-I/O interface with its defaults. ImportError if one is missing.

    Another side is one more element of the list given to `run_bench`: any object with `name` and `make`.
    """
    return [_wsproto(), _websockets()]


def _wsproto() -> Contender:
    from wsproto.connection import Connection, ConnectionType
    from wsproto.events import TextMessage

    class WsprotoReceiver:
        def __init__(self) -> None:
            self._connection = Connection(ConnectionType.SERVER)
            self._parts: list[str] = []

        def receive(self, octets: bytes, /) -> int:
            delivered = 0
            self._connection.receive_data(octets)
            for event in self._connection.events():
                if isinstance(event, TextMessage):
                    self._parts.append(event.data)
                    if event.message_finished:
                        "".join(self._parts)
                        self._parts.clear()
                        delivered += 1
            return delivered

    return _Side(f"wsproto {version('wsproto')}", WsprotoReceiver)


def _websockets() -> Contender:
    from websockets.frames import Frame as WebsocketsFrame
    from websockets.protocol import State
    from websockets.server import ServerProtocol

    class WebsocketsReceiver:
        def __init__(self) -> None:
            self._protocol = ServerProtocol(state=State.OPEN)

        def receive(self, octets: bytes, /) -> int:
            delivered = 0
            self._protocol.receive_data(octets)
            self._protocol.data_to_send()
            for frame in self._protocol.events_received():
                # The workload has no fragments, and the library leaves the check of the text to its user.
                if isinstance(frame, WebsocketsFrame):
                    bytes(frame.data).decode()
                    delivered += frame.fin
            return delivered

    return _Side(f"websockets {version('websockets')}", WebsocketsReceiver)


# --- the report


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain data: seconds for every round, frames and octets a second, ratio to the reference."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "chunk_octets": CHUNK_OCTETS,
        "rounds": report.rounds,
        "reference": report.reference,
        "results": [
            {
                "workload": row.workload.name,
                "payload_octets": row.workload.payload_octets,
                "frames": row.workload.frames,
                "contender": row.contender,
                "seconds": list(row.seconds),
                "frames_per_second": row.frames_per_second,
                "octets_per_second": row.octets_per_second,
                "ratio": row.ratio,
            }
            for row in report.measured
        ],
    }


def as_table(report: Report) -> Table:
    """The report for people."""
    table = Table(title=f"Received by a server, median of {report.rounds} rounds, {CHUNK_OCTETS // 1024} KiB chunks")
    table.add_column("frames")
    table.add_column("side")
    table.add_column("frames/s", justify="right")
    table.add_column("slowest - fastest", justify="right")
    table.add_column("MiB/s", justify="right")
    table.add_column(f"to {report.reference}", justify="right")
    workload: Workload | None = None
    for row in report.measured:
        if workload is not None and row.workload != workload:
            table.add_section()
        table.add_row(
            "" if row.workload == workload else row.workload.name,
            row.contender,
            f"{row.frames_per_second:,.0f}",
            f"{row.slowest:,.0f} - {row.fastest:,.0f}",
            f"{row.octets_per_second / 2**20:,.1f}",
            f"{row.ratio:.2f} x",
        )
        workload = row.workload
    return table


@contextmanager
def progress_on(console: Console) -> Iterator[OnStep]:
    """A bar on the console for as long as the block lasts; give what it yields to `run_bench` as `progress`."""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    ) as bar:
        task = bar.add_task("measuring", total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield show
