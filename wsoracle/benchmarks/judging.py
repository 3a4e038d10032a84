"""How long the judge takes, and whether that grows with the octets and no faster.

Each shape of a trace is judged at two lengths, one twice the other: where judging is linear, the time doubles. Seconds
are CPU time of this process, the median over the rounds; the figures belong to the machine, the ratios travel better.
The verdict is checked: a judge that gives up early has not done the work, and fails the run.
"""

from __future__ import annotations

import gc
import platform
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from rich.table import Table

from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.frames import encode
from wsoracle.model.octets.vocabulary import BINARY, CONTINUATION, PING, PONG, TEXT, Frame, Role
from wsoracle.properties.judge.judge import Application, judge
from wsoracle.properties.judge.observation import Arrives, Observation, Quiet, Writes
from wsoracle.properties.judge.verdict import Verdict

from ..text.output import OnStep
from .frames import BenchFailed

APPLICATIONS: Final[tuple[Application, ...]] = ("echo", "sink", "unknown")
_KEY: Final = b"\x37\xfa\x21\x3d"
_UNKNOWN_OPCODE: Final = 3

Exchange = tuple[list[Frame], list[Frame]]
"""Frames that arrive at a server, and those that it sends for them."""


class Shape(NamedTuple):
    """A kind of trace: its name, the verdict on it, its length in exchanges, and how it is made of them.

    `applications` are those for which the verdict is this one.
    """

    name: str
    verdict: Verdict
    exchanges: int
    make: Callable[[int, Application], list[Observation]]
    applications: tuple[Application, ...] = APPLICATIONS


@dataclass(frozen=True, slots=True)
class Duration:
    """One shape and application: length of the longer trace, its seconds, and their ratio to those of half of it."""

    shape: str
    application: Application
    exchanges: int
    octets: int
    seconds: float
    ratio: float


def keepalives(count: int) -> Iterator[Exchange]:
    """Pings, each with a payload of its own, and their Pongs."""
    for number in range(count):
        payload = b"%d" % number
        yield [Frame(PING, payload)], [Frame(PONG, payload)]


def mixed(count: int, seed: int = 6455) -> Iterator[Exchange]:
    """Texts, binaries, fragments with a Ping between them, Pings and Pongs, and what an echo answers."""
    chance = random.Random(seed)
    for number in range(count):
        body = bytes(chance.choices(range(0x61, 0x7B), k=chance.choice((0, 3, 20, 130, 400))))
        payload, half = b"%d" % number, len(body) // 2
        ping, pong = Frame(PING, payload), Frame(PONG, payload)
        kinds: tuple[Exchange, ...] = (
            ([Frame(TEXT, body)], [Frame(TEXT, body)]),
            ([Frame(BINARY, body)], [Frame(BINARY, body)]),
            ([Frame(TEXT, body[:half], fin=False), ping, Frame(CONTINUATION, body[half:])], [pong, Frame(TEXT, body)]),
            ([ping], [pong]),
            ([pong], []),
        )
        yield chance.choice(kinds)


def changed(count: int) -> Iterator[Exchange]:
    """Texts, each sent back with a change."""
    for number in range(count):
        yield [Frame(TEXT, b"a%d" % number)], [Frame(TEXT, b"A%d" % number)]


def twice(count: int) -> Iterator[Exchange]:
    """Texts, each sent back twice."""
    for number in range(count):
        text = Frame(TEXT, b"%d" % number)
        yield [text], [text, text]


def _arrives(frames: Sequence[Frame]) -> Arrives:
    return Arrives(b"".join([encode(replace(frame, key=_KEY)) for frame in frames]))


def _writes(frames: Sequence[Frame], application: Application) -> list[Observation]:
    sent = [frame for frame in frames if application != "sink" or frame.opcode == PONG]
    return [Writes(b"".join(map(encode, sent)))] if sent else []


def one_by_one(exchanges: Iterator[Exchange], application: Application) -> list[Observation]:
    """Each answer follows what it answers."""
    trace: list[Observation] = []
    for asked, answers in exchanges:
        trace += [_arrives(asked), *_writes(answers, application)]
    return [*trace, Quiet()]


def all_at_once(exchanges: Iterator[Exchange], application: Application) -> list[Observation]:
    """Everything arrives, then everything is answered."""
    every = list(exchanges)
    asked = _arrives([frame for frames, _ in every for frame in frames])
    return [asked, *_writes([frame for _, frames in every for frame in frames], application), Quiet()]


def octet_by_octet(exchanges: Iterator[Exchange], application: Application) -> list[Observation]:
    """The same, and no chunk has more than one octet."""
    trace: list[Observation] = []
    for seen in all_at_once(exchanges, application):
        if isinstance(seen, (Arrives, Writes)):
            trace += [type(seen)(seen.octets[at : at + 1]) for at in range(len(seen.octets))]
    return [*trace, Quiet()]


def one_fault(exchanges: Iterator[Exchange], application: Application) -> list[Observation]:
    """A reserved opcode in the middle that is not refused."""
    every = list(exchanges)
    every.insert(len(every) // 2, ([Frame(_UNKNOWN_OPCODE)], []))
    return all_at_once(iter(every), application)


def fault_behind(exchanges: Iterator[Exchange], application: Application) -> list[Observation]:
    """A reserved opcode behind everything that is not refused."""
    unknown: Exchange = [Frame(_UNKNOWN_OPCODE)], []
    return all_at_once(iter([*exchanges, unknown]), application)


def no_last_pong(exchanges: Iterator[Exchange], application: Application) -> list[Observation]:
    """The last answer is missing."""
    every = list(exchanges)
    every[-1] = every[-1][0], []
    return one_by_one(iter(every), application)


_NO_ECHO: Final = Verdict.INFORMATIONAL
_ECHO: Final[tuple[Application, ...]] = ("echo",)
SHAPES: Final = (
    Shape("Pings and Pongs", Verdict.OK, 10_000, lambda n, a: one_by_one(keepalives(n), a)),
    Shape("Pings, then Pongs", Verdict.OK, 10_000, lambda n, a: all_at_once(keepalives(n), a)),
    Shape("mixed frames", Verdict.OK, 9_000, lambda n, a: one_by_one(mixed(n), a)),
    Shape("mixed, all at once", Verdict.OK, 9_000, lambda n, a: all_at_once(mixed(n), a)),
    Shape("mixed, octet by octet", Verdict.OK, 1_000, lambda n, a: octet_by_octet(mixed(n), a)),
    Shape("mixed, one fault", Verdict.FAILED, 2_000, lambda n, a: one_fault(mixed(n), a)),
    Shape("Pings, one Pong missing", Verdict.FAILED, 2_000, lambda n, a: no_last_pong(keepalives(n), a)),
    Shape("echoes changed", _NO_ECHO, 10_000, lambda n, a: one_by_one(changed(n), a), _ECHO),
    Shape("echoed twice, all at once", _NO_ECHO, 10_000, lambda n, a: all_at_once(twice(n), a), _ECHO),
    Shape("echoed twice, one fault", Verdict.FAILED, 2_000, lambda n, a: one_fault(twice(n), a), _ECHO),
    Shape("echoed twice, a fault behind", Verdict.FAILED, 2_000, lambda n, a: fault_behind(twice(n), a), _ECHO),
    Shape("echoes changed, a fault behind", Verdict.FAILED, 2_000, lambda n, a: fault_behind(changed(n), a), _ECHO),
)


def run_judging_bench(
    shapes: Sequence[Shape] = SHAPES,
    *,
    rounds: int = 3,
    progress: OnStep = lambda what, done, total: None,
    clock: Callable[[], float] = time.process_time,
) -> list[Duration]:
    """Judge each shape at half of its length and at all of it, ``rounds`` times; BenchFailed for a wrong verdict."""
    measured: list[Duration] = []
    cases = [(shape, application) for shape in shapes for application in shape.applications]
    for done, (shape, application) in enumerate(cases):
        progress(f"judging {shape.name}: {application}", done, len(cases))
        half, whole = (shape.make(length, application) for length in (shape.exchanges // 2, shape.exchanges))
        pairs = [[_measure(shape, trace, application, clock) for trace in (half, whole)] for _ in range(rounds)]
        octets = sum(len(seen.octets) for seen in whole if isinstance(seen, (Arrives, Writes)))
        seconds = statistics.median(longer for _, longer in pairs)
        ratio = statistics.median(longer / shorter if shorter else 0.0 for shorter, longer in pairs)
        measured.append(Duration(shape.name, application, shape.exchanges, octets, seconds, ratio))
    return measured


def _measure(shape: Shape, trace: list[Observation], application: Application, clock: Callable[[], float]) -> float:
    setting = Setting(Role.SERVER, echo=application == "echo")
    gc.collect()
    start = clock()
    judgement = judge(trace, setting, application=application)
    seconds = clock() - start
    if judgement.verdict is not shape.verdict:
        found = f"{judgement.verdict.value} ({judgement.note or ', '.join(judgement.rules)})"
        raise BenchFailed(f"{shape.name}, {application}: judged {found}, not {shape.verdict.value}")
    return seconds


def as_json(durations: Sequence[Duration]) -> dict[str, Any]:
    """The figures as plain data: seconds of the longer trace, and how often those of the half."""
    return {
        "judging": {
            "python": f"{platform.python_implementation()} {platform.python_version()}",
            "results": [
                {
                    "shape": one.shape,
                    "application": one.application,
                    "exchanges": one.exchanges,
                    "octets": one.octets,
                    "seconds": one.seconds,
                    "ratio": one.ratio,
                }
                for one in durations
            ],
        }
    }


def as_table(durations: Sequence[Duration]) -> Table:
    """The figures for people."""
    table = Table(title="Judging a server's trace: CPU time, and how often that of half of it (2 is linear)")
    for heading in ("trace", "application"):
        table.add_column(heading)
    for heading in ("exchanges", "octets", "seconds", "to the half"):
        table.add_column(heading, justify="right")
    for one in durations:
        table.add_row(
            one.shape,
            one.application,
            f"{one.exchanges:,}",
            f"{one.octets:,}",
            f"{one.seconds:.2f}",
            f"{one.ratio:.1f} x",
        )
    return table
