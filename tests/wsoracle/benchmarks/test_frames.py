"""The benchmark's own arithmetic and honesty, with a clock of ours; no test depends on a real time."""

import io
import json
from collections.abc import Callable
from itertools import count

import pytest
from rich.console import Console

from tests.frames_read import frames_read
from wsoracle.benchmarks.frames import (
    CHUNK_OCTETS,
    BenchFailed,
    Contender,
    Traffic,
    as_json,
    as_table,
    run_bench,
    sides,
)
from wsoracle.model.octets.units import Cutter

SMALL = Traffic(payload_octets=13, frames=20)


def counting(name: str, seconds: float, clock: list[float], lost: int = 0) -> Contender:
    """A side that counts frames, loses `lost` of them, and moves a clock by `seconds` a chunk."""

    def connect() -> Callable[[bytes], int]:
        cutter = Cutter()
        losses = iter([lost])

        def receive(octets: bytes) -> int:
            clock[0] += seconds
            before = len(cutter.frames)
            cutter.add(octets)
            return len(cutter.frames) - before - next(losses, 0)

        return receive

    return Contender(name, connect)


def test_a_workload_is_what_it_says_and_repeatable() -> None:
    workload = Traffic(payload_octets=1000, frames=100)
    chunks = workload.chunks()
    assert chunks == workload.chunks()
    assert [len(chunk) for chunk in chunks] == [CHUNK_OCTETS, 100 * (1000 + 8) - CHUNK_OCTETS]
    frames = frames_read(b"".join(chunks))
    assert len(frames) == 100
    assert {(frame.length, frame.masked, frame.fin) for frame in frames} == {(1000, True, True)}
    assert len({frame.key for frame in frames}) > 90
    assert workload.name == "1,000-octet text"


def test_median_and_ratio() -> None:
    clock = [0.0]
    fast, slow = counting("fast", 1.0, clock), counting("slow", 4.0, clock)
    report = run_bench([slow, fast], traffic=[SMALL], rounds=3, clock=lambda: clock[0])
    assert as_json(report)["reference"] == "slow"
    assert [(row.side, row.seconds, row.ratio) for row in report] == [
        ("slow", (4.0, 4.0, 4.0), 1.0),
        ("fast", (1.0, 1.0, 1.0), 4.0),
    ]
    assert report[0].frames_per_second == 5.0
    assert report[1].octets_per_second == 20 * 13


def test_the_sides_take_turns() -> None:
    clock = [0.0]
    three = [counting(name, 1.0, clock) for name in ("a", "b", "c")]
    seen: list[tuple[str, int, int]] = []
    run_bench(three, traffic=[SMALL], rounds=2, progress=lambda *step: seen.append(step), clock=lambda: clock[0])
    assert [what[-1] for what, _, _ in seen] == list("abcbca")
    assert [(done, total) for _, done, total in seen] == [(n, 6) for n in range(6)]


def test_who_loses_messages_is_not_measured() -> None:
    with pytest.raises(BenchFailed, match="lossy delivered 19 of 20"):
        run_bench([counting("lossy", 1.0, [0.0], lost=1)], traffic=[SMALL], rounds=1)


@pytest.mark.peers
def test_the_default_sides_run_and_are_reported() -> None:
    ticks = count()
    every = sides()
    assert [side.name.split()[0] for side in every] == ["wsoracle", "wsproto", "websockets"]
    traffic = [SMALL, Traffic(payload_octets=1000, frames=70)]
    report = run_bench(traffic=traffic, rounds=1, clock=lambda: float(next(ticks)))
    data = json.loads(json.dumps(as_json(report)))
    assert [(row["payload_octets"], row["contender"]) for row in data["results"]] == [
        (sent.payload_octets, side.name) for sent in traffic for side in every
    ]
    out = io.StringIO()
    Console(file=out, width=120).print(as_table(report))
    assert "13-octet text" in out.getvalue()
    assert "1.00 x" in out.getvalue()
