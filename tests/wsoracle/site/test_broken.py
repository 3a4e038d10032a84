"""Rules broken: the scripts say of them what the model says, each run shows what it is said to, and theorems fall."""

from __future__ import annotations

import random
from typing import Final

from tests.wsoracle.site.node import ask
from tests.wsoracle.site.test_building import told_mutants
from tests.wsoracle.site.test_rule_script import answers, expected
from wsoracle.fleet.deviations import BrokenRule, FleetDeviation
from wsoracle.fleet.findings import Column, findings_page
from wsoracle.fleet.registry import PEERS
from wsoracle.generators.mutants.operators import mutants
from wsoracle.model.endpoint.engine import InterpretedMachine
from wsoracle.model.machine.words import stage_words
from wsoracle.model.notation.variables import Event, EventKind, FrameFacts, Setting, State
from wsoracle.model.octets.vocabulary import Role
from wsoracle.properties.theorems.theorem import ProofVerdict, TheoremSubject
from wsoracle.prover import theorems
from wsoracle.reports.summary import WirePiece
from wsoracle.site.broken_runs import broken_run
from wsoracle.site.broken_script import broken_script
from wsoracle.site.fallen import fallen, is_fresh
from wsoracle.site.findings import deviations_in
from wsoracle.site.histories import SIDES
from wsoracle.site.world import ExploredWorld

CHEAP: Final = ("safety/text-received-is-utf8", "8.1/invalid-text~drop")
"""A theorem that is soon refuted, and a fault that does."""


def test_the_scripts_say_of_every_kind_of_broken_row_what_the_model_says() -> None:
    drawn = random.Random(1)
    every = mutants()
    told = [one.mutant for one in told_mutants()]
    operators = sorted({one.operator for one in every})
    chosen = told + [drawn.choice([one for one in every if one.operator == name]) for name in operators]
    runs = [(one.scenario.start.setting, one.scenario.start.state, one.scenario.history[-1]) for one in told_mutants()]
    usual = [Event(EventKind.RECEIVE, FrameFacts(9, masked=True)), Event(EventKind.SILENCE)]
    asked = [(setting, state, (step.event, *usual)) for setting, state, step in runs]
    asked += [(Setting(Role.SERVER), State(), tuple(usual)) for _ in operators]
    names, script = [one.id for one in chosen], broken_script(chosen, {})
    found = answers(asked, whether=False, broken=names, script=script)
    for mutant, (setting, state, tried), said in zip(chosen, asked, found, strict=True):
        machine = InterpretedMachine(mutant.rules, setting)
        for event, one in zip(tried, said, strict=True):
            assert one[:3] == expected(machine, state, event), (mutant.id, event)


def test_a_run_shows_that_the_broken_rule_says_something_else() -> None:
    for told in told_mutants():
        run = broken_run(told)
        assert (run.by_rules.words, run.by_rules.rules) != (run.by_broken.words, run.by_broken.rules), told.mutant.id


def test_both_explorers_play_each_run_with_the_rule_broken_to_its_end() -> None:
    runs = [broken_run(told) for told in told_mutants()]
    texts = [run.history for run in runs if run.history is not None]
    (found,) = ask({"ask": "histories", "texts": texts}, more=[broken_script((r.mutant for r in runs), {})])
    assert len(texts) > 5
    for text, (again, steps) in zip(texts, found, strict=True):
        assert again == text
        assert len([step for step in steps if step is not None]) == text.count(";"), text
        world = ExploredWorld(text.partition(";")[0])
        for action, (who, _, rules, stage, _) in zip(text.split(";")[1:], steps, strict=True):
            entry = world.act(action)
            assert entry.who is not None and SIDES[entry.who] == who
            assert stage_words(world.ends[entry.who].state) == stage, text
            assert entry.who is world.you or list(entry.rules) == rules, text


def test_the_theorems_that_are_said_to_fall_do() -> None:
    assert is_fresh(), "the rules have changed: wsoracle prove --faults wsoracle/site/data/fallen_theorems.json"
    known, by_id = {theorem.id: theorem for theorem in theorems()}, {mutant.id: mutant for mutant in mutants()}
    assert all(name in by_id and all(one.theorem in known for one in fell) for name, fell in fallen().items())
    name, fault = CHEAP
    assert name in [one.theorem for one in fallen()[fault]]
    assert known[name].check(TheoremSubject(by_id[fault].rules)).verdict is ProofVerdict.REFUTED


def test_a_page_without_findings_has_none() -> None:
    assert deviations_in("") == ()


def test_what_the_page_of_findings_says_is_read_back() -> None:
    rule = BrokenRule("5.2/reserved-bits", "MUST", "5.2", "MUST be 0 | unless")
    seen = (WirePiece("text fin: '|'", "8100", 2),)
    made = [
        FleetDeviation("a", (rule,), cases, cases[0], "a frame", seen, seen, 7, (), "FAILED")
        for cases in (("3.1", "3.2"), ("3.2",))
    ]
    peers = PEERS[:2]
    columns = [
        Column(peer, Role.SERVER, f"a{at}", "1.0_2", verdicts={"FAILED": 2}, deviations=[deviation])
        for at, (peer, deviation) in enumerate(zip(peers, made, strict=True))
    ]
    (found,) = deviations_in(findings_page(columns, "a test"))
    assert (found.role, found.rules) == (Role.SERVER, ("5.2/reserved-bits",))
    assert [one.name for one in found.endpoints] == [f"{peer.name} 1.0_2" for peer in peers]
    assert [one.cases for one in found.endpoints] == [("3.1", "3.2"), ("3.2",)]
