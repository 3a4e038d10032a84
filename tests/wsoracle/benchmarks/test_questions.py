import pytest

from wsoracle.benchmarks import questions
from wsoracle.benchmarks.frames import BenchFailed


def test_every_mix_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "CONNECTIONS", 2)
    rates = questions.run_question_bench(1)
    assert [rate.mix for rate in rates] == list(questions.MIXES)
    assert all(rate.each_second > 0 for rate in rates)
    assert questions.as_json(rates)["questions"][0]["questions"] == 1 + 2 + 2 * 20


def test_an_error_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "MIXES", {"none": lambda connection: iter([{"cmd": "fly"}])})
    with pytest.raises(BenchFailed, match="expected one of"):
        questions.run_question_bench(1)
