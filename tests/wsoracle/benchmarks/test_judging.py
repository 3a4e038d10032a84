"""The benchmark of the judge: work grows with the octets and no faster, and a wrong verdict fails the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from wsoracle.benchmarks.frames import BenchFailed
from wsoracle.benchmarks.judging import (
    APPLICATIONS,
    SHAPES,
    Exchange,
    Shape,
    all_at_once,
    as_json,
    as_table,
    one_by_one,
    run_judging_bench,
)
from wsoracle.model.notation.variables import Setting
from wsoracle.model.octets.vocabulary import TEXT, Frame, Role
from wsoracle.properties.judge.judge import Application, judge
from wsoracle.properties.judge.observation import Observation, Quiet
from wsoracle.properties.judge.reading import FrameReader
from wsoracle.properties.judge.steps import Steps
from wsoracle.properties.judge.verdict import Verdict


def steps_for(shape: Shape, exchanges: int, application: Application, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many steps are thought of, those in vain too, for a trace of a shape."""
    steps = 0

    def counted(through: Any) -> Any:
        def count(*given: Any, **named: Any) -> Any:
            nonlocal steps
            steps += 1
            return through(*given, **named)

        return count

    with monkeypatch.context() as patch:
        patch.setattr(FrameReader, "receive", counted(FrameReader.receive))
        patch.setattr(Steps, "go", counted(Steps.go))
        judgement = judge(
            shape.make(exchanges, application),
            Setting(Role.SERVER, echo=application == "echo"),
            application=application,
        )
    assert judgement.verdict is shape.verdict and not judgement.unexplained, judgement
    return steps


@pytest.mark.parametrize(
    ("shape", "application"),
    [pytest.param(shape, one, id=f"{shape.name}-{one}") for shape in SHAPES for one in shape.applications],
)
def test_twice_as_long_takes_twice_as_many_steps(
    shape: Shape, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    half, whole = (steps_for(shape, exchanges, application, monkeypatch) for exchanges in (100, 200))
    assert 100 <= half and whole <= 2.3 * half


def late_reader(exchanges: Iterator[Exchange], application: Application) -> list[Observation]:
    """Each message comes by itself, and all are answered after the last one."""
    every = list(exchanges)
    asked = [seen for one in every for seen in one_by_one(iter([(one[0], [])]), application)[:-1]]
    answered = [seen for one in every for seen in one_by_one(iter([([], one[1])]), application)[1:-1]]
    return [*asked, *answered, Quiet()]


def no_echoes(count: int, answers: Callable[[bytes], Sequence[bytes]]) -> Iterator[Exchange]:
    """Messages that an application answers in another way."""
    for number in range(count):
        payload = b"%d" % number
        yield [Frame(TEXT, payload)], [Frame(TEXT, answer) for answer in answers(payload)]


ECHOES = {
    "each twice": (lambda payload: (payload, payload), Verdict.INFORMATIONAL),
    "each changed": (lambda payload: (b"x" + payload,), Verdict.INFORMATIONAL),
    "each once, and then changed": (lambda payload: (payload, b"x" + payload), Verdict.INFORMATIONAL),
    "each once": (lambda payload: (payload,), Verdict.OK),
}


@pytest.mark.parametrize("order", (one_by_one, all_at_once, late_reader))
@pytest.mark.parametrize("kind", ECHOES)
def test_an_application_that_answers_otherwise_is_judged_in_as_many_steps(
    kind: str, order: Callable[[Iterator[Exchange], Application], list[Observation]], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, verdict = ECHOES[kind]
    shape = Shape(kind, verdict, 0, lambda count, application: order(no_echoes(count, answers), application))
    half, whole = (steps_for(shape, exchanges, "echo", monkeypatch) for exchanges in (400, 800))
    assert 400 <= half and whole <= 2.3 * half


def test_each_shape_is_measured_at_two_lengths() -> None:
    ticks = iter(range(1000))
    lengths: list[int] = []

    def make(exchanges: int, application: Application) -> Any:
        lengths.append(exchanges)
        return SHAPES[0].make(exchanges, application)

    found = run_judging_bench([Shape("short", Verdict.OK, 6, make)], rounds=1, clock=lambda: float(next(ticks)))
    assert lengths == [3, 6] * 3
    assert [(one.application, one.exchanges, one.seconds, one.ratio) for one in found] == [
        (application, 6, 1.0, 1.0) for application in APPLICATIONS
    ]
    document = as_json(found)["judging"]["results"]
    assert [one["octets"] for one in document] == [6 * (6 + 1) + 6 * (2 + 1)] * 3
    assert as_table(found).row_count == len(APPLICATIONS)


def test_a_wrong_verdict_fails_the_run() -> None:
    with pytest.raises(BenchFailed, match="judged OK"):
        run_judging_bench([SHAPES[0]._replace(exchanges=4, verdict=Verdict.FAILED)], rounds=1)
