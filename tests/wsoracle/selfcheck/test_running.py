"""The self-check: a batch finds the judge right, and a judge that is wrong is found out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.judge.judgement import Judgement
from wsoracle.properties.judge.verdict import Verdict
from wsoracle.properties.traces.recorded import Recorded
from wsoracle.selfcheck.checking import Worth, check_conforming, check_departure, weighed
from wsoracle.selfcheck.report import holds, right_rule
from wsoracle.selfcheck.running import Batch, Run, check_batch
from wsoracle.selfcheck.shrinking import shrunk
from wsoracle.selfcheck.tally import SelfcheckTally


def test_no_conforming_endpoint_is_accused_to_one_who_knows_nothing_of_its_application() -> None:
    for index in range(250):
        unknown = check_conforming(f"test/{index}")[0]
        assert unknown.recorded is not None
        assert unknown.recorded.application == "unknown"
        assert not unknown.worth.is_wrong, unknown


def test_a_batch_is_the_same_each_time() -> None:
    batch = Batch(6455, 3, conforming=20, departures=10)
    first, second = check_batch(batch), check_batch(batch)
    assert first.conforming == second.conforming
    assert first.departures == second.departures
    assert first.traces == 20


def test_a_judge_that_accuses_everyone_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def accuse(self: Recorded, *_: object) -> Judgement:
        return Judgement(Verdict.FAILED, "interop")

    monkeypatch.setattr(Recorded, "judged", accuse)
    tally = check_batch(Batch(1, 0, conforming=5, departures=0))
    assert tally.conforming[Worth.FALSE_ACCUSATION] == 5
    assert not holds(Run(tally, 0, 1.0))
    example = next(iter(tally.examples.values()))
    assert shrunk(example).trace == ()


def test_a_judge_that_sees_nothing_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def see_nothing(self: Recorded, *_: object) -> Judgement:
        return Judgement(Verdict.OK, "interop")

    monkeypatch.setattr(Recorded, "judged", see_nothing)
    found = [check_departure(f"blind/{n}", "5.1/client-masks", Role.CLIENT) for n in range(4)]
    assert Worth.OVERLOOKED in {one.worth for one in found}


def test_where_it_cannot_be_told_which_rule_was_broken_the_octet_may_be_that_of_another_act(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked = check_departure("names/0", "5.1/client-masks", Role.CLIENT)
    assert checked.recorded is not None and checked.act is not None and checked.act.sent is not None
    assert checked.judgement is not None and checked.worth is Worth.RIGHT
    for one_of, worth in ((checked.judgement.rules, Worth.RIGHT), ((), Worth.WRONG_OCTET)):
        elsewhere = replace(checked.judgement, octet=checked.act.sent[1], one_of=one_of)
        monkeypatch.setattr(Recorded, "judged", lambda *_, found=elsewhere: found)
        assert weighed(checked.recorded, checked.act)[0] is worth


def test_a_wrong_rule_counts_against_the_judge() -> None:
    checked = check_departure("names/0", "5.1/client-masks", Role.CLIENT)
    assert checked.worth is Worth.RIGHT
    tally = SelfcheckTally()
    tally.add_departure(checked)
    assert right_rule(tally) == 1
    tally.add_departure(replace(checked, worth=Worth.WRONG_RULE))
    assert right_rule(tally) == 0.5
    assert not holds(Run(tally, 0, 1.0))
