"""The benchmark's own arithmetic and honesty, with a clock of ours; no test depends on a real time."""

import io
import json
from itertools import count

import pytest
from rich.console import Console

from wsoracle.benchmarks.frames import (
    CHUNK_OCTETS,
    BenchFailed,
    Receiver,
    Workload,
    as_json,
    as_table,
    contenders_of_ours,
    library_contenders,
    progress_on,
    run_bench,
)
from wsoracle.model.octets.frames import FrameAssembler, parse
from wsoracle.model.octets.vocabulary import Frame

SMALL = Workload(payload_octets=13, frames=20)


class Counting:
    """A side that counts frames, loses `lost` of them, and moves a clock by `seconds` a chunk."""

    def __init__(self, name: str, seconds: float, clock: list[float], lost: int = 0) -> None:
        self.name = name
        self.seconds = seconds
        self.clock = clock
        self.lost = lost

    def make(self) -> Receiver:
        side = self

        class Connection:
            def __init__(self) -> None:
                self.parser = FrameAssembler()
                self.first = True

            def receive(self, octets: bytes, /) -> int:
                side.clock[0] += side.seconds
                self.parser.feed(octets)
                lost, self.first = (side.lost if self.first else 0), False
                return sum(isinstance(frame, Frame) for frame in self.parser) - lost

        return Connection()


def test_a_workload_is_what_it_says_and_repeatable() -> None:
    workload = Workload(payload_octets=1000, frames=100)
    chunks = workload.chunks()
    assert chunks == workload.chunks()
    assert [len(chunk) for chunk in chunks] == [CHUNK_OCTETS, 100 * (1000 + 8) - CHUNK_OCTETS]
    frames = [frame for frame in parse(b"".join(chunks)) if isinstance(frame, Frame)]
    assert len(frames) == 100
    assert {(frame.length, frame.masked, frame.fin) for frame in frames} == {(1000, True, True)}
    assert len({frame.key for frame in frames}) > 90
    assert workload.name == "1,000-octet text"


def test_median_and_ratio() -> None:
    clock = [0.0]
    fast, slow = Counting("fast", 1.0, clock), Counting("slow", 4.0, clock)
    report = run_bench([slow, fast], workloads=[SMALL], rounds=3, clock=lambda: clock[0])
    assert report.reference == "slow"
    assert [(row.contender, row.seconds, row.ratio) for row in report.measured] == [
        ("slow", (4.0, 4.0, 4.0), 1.0),
        ("fast", (1.0, 1.0, 1.0), 4.0),
    ]
    assert report.measured[0].frames_per_second == 5.0
    assert report.measured[1].octets_per_second == 20 * 13


def test_the_sides_take_turns() -> None:
    clock = [0.0]
    sides = [Counting(name, 1.0, clock) for name in ("a", "b", "c")]
    seen: list[tuple[str, int, int]] = []
    run_bench(sides, workloads=[SMALL], rounds=2, progress=lambda *step: seen.append(step), clock=lambda: clock[0])
    assert [what[-1] for what, _, _ in seen[:-1]] == list("abcbca")
    assert [(done, total) for _, done, total in seen] == [(n, 6) for n in range(7)]


def test_who_loses_messages_is_not_measured() -> None:
    with pytest.raises(BenchFailed, match="lossy delivered 19 of 20"):
        run_bench([Counting("lossy", 1.0, [0.0], lost=1)], workloads=[SMALL], rounds=1)


def test_nothing_to_measure_is_an_error() -> None:
    side = Counting("side", 1.0, [0.0])
    with pytest.raises(ValueError, match="needs a contender"):
        run_bench([])
    with pytest.raises(ValueError, match="needs a contender"):
        run_bench([side], rounds=0)
    with pytest.raises(ValueError, match="same name"):
        run_bench([side, side])


@pytest.mark.peers
def test_the_default_sides_run_and_are_reported() -> None:
    ticks = count()
    sides = [*contenders_of_ours(), *library_contenders()]
    assert [side.name.split()[0] for side in sides] == ["wsoracle", "wsoracle", "wsproto", "websockets"]
    workloads = [SMALL, Workload(payload_octets=1000, frames=70)]
    report = run_bench(workloads=workloads, rounds=1, clock=lambda: float(next(ticks)))
    data = json.loads(json.dumps(as_json(report)))
    assert [(row["payload_octets"], row["contender"]) for row in data["results"]] == [
        (workload.payload_octets, side.name) for workload in workloads for side in sides
    ]
    out = io.StringIO()
    Console(file=out, width=120).print(as_table(report))
    assert "13-octet text" in out.getvalue()
    assert "1.00 x" in out.getvalue()


def test_progress_is_shown() -> None:
    out = io.StringIO()
    with progress_on(Console(file=out, width=80, force_terminal=True)) as show:
        show("13-octet text: wsproto", 1, 4)
    assert "13-octet text: wsproto" in out.getvalue()
